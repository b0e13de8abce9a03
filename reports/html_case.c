/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One case of the HTML page: a section for the diagnosis that speaks for it, and each of its other
 * members folded, in full while there is room, then as a row, then counted.
 */
#include <inttypes.h>
#include <string.h>

#include "reports/crowd.h"
#include "reports/page.h"
#include "reports/show.h"
#include "reports/tell.h"

#define CASE_BYTES 16384 /* kept free for each case that follows: its head at least */
#define ROWS_MAX 200     /* members of one case that are listed */
#define MANY 10          /* members that are told in a few numbers as well */

static const struct case_capture *capture_of(const struct page *p, const struct reset *r)
{
    return &p->f->of->captures[reset_capture(r)];
}

static void frame_of_capture(struct page *p, const struct reset *r)
{
    strbuf_printf(&p->b, "frame %" PRIu64 " of <code>", reset_frame(r));
    page_say(p, capture_of(p, r)->name);
    page_add(p, "</code>");
}

static void facts_list(struct page *p, const struct diagnosis *d)
{
    const struct reset *r = d->reset;
    page_add(p, "<dl class=\"facts\">\n<dt>Connection</dt><dd>");
    page_ends(p, r);
    if (reset_connection(r)->client_guessed)
        page_add(p, " (roles guessed from the ports)");
    page_add(p, "</dd>\n<dt>Reset</dt><dd>");
    page_time(p, r->deciding.segment.time, capture_of(p, r)->time_digits);
    page_add(p, ", ");
    frame_of_capture(p, r);
    page_add(p, "</dd>\n");
    for (size_t i = 0; i < reset_ties(r)->n_seen_in && i < ROWS_MAX; i++) {
        page_add(p, "<dt>Also seen</dt><dd>");
        frame_of_capture(p, reset_ties(r)->seen_in[i]);
        page_add(p, "</dd>\n");
    }
    for (size_t i = 0; i < reset_ties(r)->n_legs && i < ROWS_MAX; i++) {
        struct strbuf leg;
        strbuf_init(&leg);
        tell_leg(&leg, p->f, &reset_ties(r)->legs[i]);
        page_add(p, "<dt>Leg</dt><dd>");
        page_say(p, (struct text){leg.p, leg.n});
        strbuf_finish(&leg);
        page_add(p, "</dd>\n");
    }
    page_add(p, "<dt>On the wire</dt><dd>");
    tell_wire(&p->b, r);
    page_add(p, "</dd>\n<dt>Wireshark filter</dt><dd><code class=\"paste\">");
    page_say(p, d->display_filter);
    page_add(p, "</code></dd>\n</dl>\n");
}

static void log_evidence(struct page *p, const struct link *l)
{
    page_add(p, "<dt><code>");
    page_say(p, p->f->of->logs[l->event->source].name);
    strbuf_printf(&p->b, ":%" PRIu64 "</code></dt><dd><span class=\"dim\">", l->event->line);
    tell_tie(&p->b, l);
    page_datagram(p, l->event);
    page_host_name(p, l);
    page_add(p, "</span><br><code>");
    page_line(p, l->event->raw);
    page_add(p, "</code></dd>\n");
}

static void packet_evidence(struct page *p, const struct diagnosis *d, const struct evidence *e,
                            bool again)
{
    if (!again) {
        page_add(p, "<dt>");
        if (e->capture != reset_capture(d->reset)) {
            page_add(p, "<code>");
            page_say(p, p->f->of->captures[e->capture].name);
            page_add(p, "</code> ");
        }
        strbuf_printf(&p->b, "frame %" PRIu64 "</dt>", e->frame ? e->frame : reset_frame(d->reset));
    }
    page_add(p, "<dd>");
    page_say(p, e->says);
    page_add(p, "</dd>\n");
}

static void host_evidence(struct page *p, const struct evidence *e)
{
    page_add(p, "<dt><code>");
    page_say(p, p->f->of->hosts[e->host].name);
    page_add(p, "</code></dt><dd><code>");
    page_line(p, e->key);
    page_add(p, " = ");
    page_line(p, e->value);
    page_add(p, "</code></dd>\n");
}

static void evidence(struct page *p, const struct diagnosis *d)
{
    const struct evidence *v[EVIDENCE_SHOWN];
    size_t n = arrange_evidence(d, false, v);
    if (n == 0)
        return;
    page_add(p, "<h4>Evidence</h4>\n<dl class=\"evidence\">\n");
    for (size_t i = 0; i < n; i++) {
        if (v[i]->kind == SOURCE_LOG && v[i]->link)
            log_evidence(p, v[i]->link);
        else if (v[i]->kind == SOURCE_HOST)
            host_evidence(p, v[i]);
        else
            packet_evidence(p, d, v[i], i > 0 && evidence_same_frame(d, v[i - 1], v[i]));
    }
    page_add(p, "</dl>\n");
}

static void remedies(struct page *p, const struct diagnosis *d)
{
    if (d->n_remedies == 0)
        return;
    page_add(p, "<h4>What to do</h4>\n<ul>\n");
    for (size_t i = 0; i < d->n_remedies; i++) {
        page_add(p, "<li>");
        page_say(p, d->remedies[i].text);
        if (d->remedies[i].risk && strcmp(d->remedies[i].risk, "none") != 0)
            strbuf_printf(&p->b, " <span class=\"dim\">(risk: %s)</span>", d->remedies[i].risk);
        if (d->remedies[i].command.n > 0) {
            page_add(p, "<br><code class=\"paste\">");
            page_say(p, d->remedies[i].command);
            page_add(p, "</code>");
        }
        page_add(p, "</li>\n");
    }
    page_add(p, "</ul>\n");
}

static void alternatives(struct page *p, const struct diagnosis *d)
{
    if (d->n_alternatives > 0)
        page_add(p, "<h4>Also considered</h4>\n<ul>\n");
    for (size_t i = 0; i < d->n_alternatives; i++) {
        const struct alternative *a = &d->alternatives[i];
        strbuf_printf(&p->b, "<li>%s, ", a->cause);
        tell_confidence(&p->b, a->confidence);
        if (a->superseded_by)
            strbuf_printf(&p->b, ": holds too, but %s is more specific", a->superseded_by);
        if (a->indistinct)
            page_add(p, ": not distinguishable with this evidence");
        if (a->indistinct && a->told_apart_by.n > 0) {
            page_add(p, "; to tell them apart: ");
            page_say(p, a->told_apart_by);
        }
        page_add(p, "</li>\n");
    }
    if (d->n_alternatives > 0)
        page_add(p, "</ul>\n");
}

static void collect(struct page *p, const struct diagnosis *d)
{
    struct to_collect v[TELL_COLLECT_MAX];
    size_t n = tell_collect(d, p->o->verbosity > 0, v);
    if (n > 0)
        page_add(p, "<h4>To be surer, collect</h4>\n<ul>\n");
    for (size_t i = 0; i < n; i++) {
        page_add(p, "<li>");
        page_say(p, v[i].what);
        if (v[i].cause)
            strbuf_printf(&p->b, " <span class=\"dim\">(would show whether it was %s)</span>",
                          v[i].cause);
        page_add(p, "</li>\n");
    }
    if (n > 0)
        page_add(p, "</ul>\n");
}

static void references(struct page *p, const struct diagnosis *d)
{
    for (size_t i = 0; i < d->n_references; i++) {
        page_add(p, i == 0 ? "<p class=\"dim\">Read on: " : "; ");
        page_say(p, d->references[i]);
    }
    if (d->n_references > 0)
        page_add(p, "</p>\n");
}

/* A member in full: what differs from the one that speaks for the case. */
static void member_full(struct page *p, const struct finding *x)
{
    const struct diagnosis *d = findings_tell(p->f, x, &p->telling);
    page_add(p, "<details class=\"member\"><summary>");
    page_ends(p, d->reset);
    page_add(p, ", ");
    page_time(p, d->reset->deciding.segment.time, capture_of(p, d->reset)->time_digits);
    page_add(p, "</summary>\n<p>");
    page_say(p, d->explanation);
    page_add(p, "</p>\n");
    facts_list(p, d);
    evidence(p, d);
    page_ladder(p, d);
    page_add(p, "</details>\n");
}

static void member_row(struct page *p, const struct finding *x)
{
    const struct reset *r = finding_reset(p->f, x);
    page_add(p, "<li>");
    page_ends(p, r);
    page_add(p, ", ");
    page_time(p, r->deciding.segment.time, capture_of(p, r)->time_digits);
    page_add(p, ", ");
    frame_of_capture(p, r);
    strbuf_printf(&p->b, ", <code>tcp.stream eq %" PRIu32 "</code></li>\n", reset_stream(r));
}

/* Adds members from the i-th on while they fit; gives the first that did not. */
static size_t members_while(struct page *p, const struct arranged *a, size_t i, size_t kept_free,
                            void (*add)(struct page *p, const struct finding *x))
{
    for (; i < a->n_members && i < ROWS_MAX; i++) {
        size_t before = p->b.n;
        add(p, a->members[i]);
        if (!page_has_room(p, PAGE_CASES, kept_free)) {
            page_take_back(p, before);
            break;
        }
    }
    return i;
}

/* Of many: where they came from, and when the first and the last. */
static void crowd(struct page *p, const struct arranged *a)
{
    struct crowd c;
    unsigned digits = capture_of(p, finding_reset(p->f, a->members[0]))->time_digits;
    if (a->n_members < MANY || !crowd_count(p->f, a, &c))
        return;
    page_add(p, "<p>All ");
    crowd_tell(&p->b, &c);
    page_add(p, "; ");
    page_time(p, c.first, digits);
    page_add(p, " to ");
    page_time(p, c.last, digits);
    page_add(p, "</p>\n");
}

static void members(struct page *p, const struct arranged *a, size_t kept_free)
{
    if (a->n_members < 2)
        return;
    strbuf_printf(&p->b, "<h4>%zu more like it</h4>\n", a->n_members - 1);
    crowd(p, a);
    size_t i = members_while(p, a, 1, kept_free, member_full);
    if (i < a->n_members && i < ROWS_MAX) {
        page_add(p, "<ul>\n");
        i = members_while(p, a, i, kept_free, member_row);
        page_add(p, "</ul>\n");
    }
    if (i < a->n_members)
        strbuf_printf(&p->b,
                      "<p class=\"warn\">Left out here: %zu more. The JSON Lines report "
                      "(<code>-o report.jsonl</code>) holds every one.</p>\n",
                      a->n_members - i);
}

static void case_head(struct page *p, const struct diagnosis *d)
{
    const char *severity = severity_name(d->severity);
    strbuf_printf(&p->b, "<section class=\"case %s\">\n<h3 id=\"d-%.*s\">", severity,
                  TEXT_ARG(d->id));
    page_title(p, d->title);
    strbuf_printf(&p->b, "</h3>\n<p><span class=\"tag %s\">%s</span> <b>%s</b>, ", severity,
                  severity, d->cause);
    tell_confidence(&p->b, d->confidence);
    page_add(p, "</p>\n<p class=\"why\">");
    page_say(p, d->explanation);
    page_add(p, "</p>\n");
}

static void case_body(struct page *p, const struct diagnosis *d)
{
    facts_list(p, d);
    evidence(p, d);
    page_ladder(p, d);
    remedies(p, d);
    alternatives(p, d);
    collect(p, d);
    references(p, d);
}

void page_case(struct page *p, const struct arranged *a, size_t n_cases_after)
{
    size_t kept_free = (n_cases_after + 1) * CASE_BYTES;
    const struct diagnosis *d = findings_tell(p->f, a->members[0], &p->telling);
    case_head(p, d);
    size_t before = p->b.n;
    case_body(p, d);
    if (!page_has_room(p, PAGE_CASES, kept_free)) {
        page_take_back(p, before);
        page_add(p,
                 "<p class=\"warn\">Left out here: the evidence, too long for this page. The JSON "
                 "Lines report (<code>-o report.jsonl</code>) holds it.</p>\n");
    }
    members(p, a, kept_free);
    page_add(p, "</section>\n");
}
