/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One self-contained HTML page: summary, a section a diagnosis with its sentence, evidence, packet
 * ladder, remedies and paste-ready filter, then what was read.  No script, no external load; every
 * byte of the input goes through one escaping function.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/packet/packet.h"
#include "reports/arrange.h"
#include "reports/html_style.h"
#include "reports/ladder.h"
#include "reports/report.h"
#include "reports/show.h"

#define PAGE_BYTES_MAX                                                                             \
    ((size_t)4 << 20) /* full sections stop here; the rest is listed and counted */
#define ROWS_MAX 500  /* rows of any list */

struct page {
    FILE *out;
    const struct findings *f;
    const struct report_options *o;
    struct strbuf b;  /* what is being written; flushed section by section */
    size_t n_written; /* bytes so far */
};

static void flush(struct page *p)
{
    fwrite(p->b.p ? p->b.p : "", 1, p->b.n, p->out);
    p->n_written += p->b.n;
    strbuf_reset(&p->b);
}

static void add(struct page *p, const char *markup)
{
    strbuf_str(&p->b, markup);
}

static void say(struct page *p, struct text t)
{
    show_html(&p->b, t);
}

static void add_time(struct page *p, instant_ns t, unsigned digits)
{
    char text[INSTANT_TEXT_MAX];
    if (t == INSTANT_NONE)
        return;
    if (p->o->zone)
        instant_format_zoned(t, digits, p->o->zone, text);
    else
        instant_format(t, digits, text);
    add(p, text);
}

static const struct case_capture *capture_of(const struct page *p, const struct reset *r)
{
    return &p->f->of->captures[r->connection->capture];
}

static void add_ends(struct page *p, const struct reset *r)
{
    char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];
    endpoint_format(&r->connection->end[SIDE_CLIENT].at, client);
    endpoint_format(&r->connection->end[SIDE_SERVER].at, server);
    strbuf_printf(&p->b, "<code>%s</code> → <code>%s</code>", client, server);
}

static void page_head(struct page *p, const struct arrangement *a)
{
    const struct case_summary *s = &p->f->of->summary;
    add(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
           "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n"
           "<meta name=\"generator\" content=\"whyrst " WHYRST_VERSION "\">\n"
           "<title>Why connections were reset</title>\n<style>");
    add(p, html_style);
    add(p, "</style>\n</head>\n<body>\n<header>\n<h1>Why connections were reset</h1>\n<p>");
    show_count(&p->b, s->n_connections, "connection");
    strbuf_printf(&p->b, ", <strong>%zu reset</strong>", p->f->n_diagnoses);
    strbuf_printf(
        &p->b, ": %zu of them faults, %zu worth a notice, %zu harmless.</p>\n</header>\n<main>\n",
        a->n_by_severity[SEVERITY_FAULT], a->n_by_severity[SEVERITY_NOTICE],
        a->n_by_severity[SEVERITY_HARMLESS]);
    if (!s->complete)
        add(p, "<p class=\"warn\">Not everything could be read; see the end of this page.</p>\n");
}

static void contents(struct page *p, const struct arrangement *a)
{
    add(p,
        "<section aria-labelledby=\"summary\">\n<h2 id=\"summary\">Summary</h2>\n"
        "<div class=\"wide\" role=\"region\" aria-labelledby=\"summary\" tabindex=\"0\"><table>\n"
        "<thead><tr><th scope=\"col\">What happened</th>"
        "<th scope=\"col\">Cause</th><th scope=\"col\">Server</th><th scope=\"col\">Resets</th>"
        "<th scope=\"col\">Confidence</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < a->n_cases && i < ROWS_MAX; i++) {
        const struct diagnosis *d = a->cases[i].members[0];
        char server[ENDPOINT_TEXT_MAX];
        endpoint_format(&d->reset->connection->end[SIDE_SERVER].at, server);
        strbuf_printf(&p->b, "<tr class=\"%s\"><td><a href=\"#d-%.*s\">",
                      severity_name(d->severity), TEXT_ARG(d->id));
        say(p, d->title);
        strbuf_printf(
            &p->b,
            "</a></td><td><span class=\"tag %s\">%s</span> %s</td><td><code>%s</code></td>"
            "<td class=\"n\">%zu</td><td class=\"n\">%.2f</td></tr>\n",
            severity_name(d->severity), severity_name(d->severity), d->cause, server,
            a->cases[i].n_members, d->confidence);
    }
    add(p, "</tbody></table></div>\n");
    if (a->n_cases > ROWS_MAX)
        strbuf_printf(&p->b, "<p>%zu more are not listed.</p>\n", a->n_cases - ROWS_MAX);
    add(p, "</section>\n");
}

static void facts_list(struct page *p, const struct diagnosis *d)
{
    const struct reset *r = d->reset;
    const struct case_capture *k = capture_of(p, r);
    add(p, "<dl>\n<dt>Connection</dt><dd>");
    add_ends(p, r);
    if (r->connection->client_guessed)
        add(p, " (roles guessed from the ports)");
    add(p, "</dd>\n<dt>Reset</dt><dd>");
    add_time(p, r->deciding.segment.time, k->time_digits);
    strbuf_printf(&p->b, ", frame %" PRIu64 " of <code>", r->deciding.segment.frame);
    say(p, k->name);
    strbuf_printf(&p->b, "</code></dd>\n<dt>Sent by</dt><dd>%s, phase %s, mechanism <b>%s</b>: ",
                  side_name(r->sender), phase_name(r->phase), mechanism_name(r->mechanism));
    say(p, text_of(mechanism_about(r->mechanism)));
    add(p, "</dd>\n<dt>Filter</dt><dd><code class=\"paste\">");
    say(p, d->display_filter);
    add(p, "</code></dd>\n");
    for (size_t i = 0; i < r->n_seen_in; i++) {
        add(p, "<dt>Also seen</dt><dd><code>");
        say(p, capture_of(p, r->seen_in[i])->name);
        strbuf_printf(&p->b, "</code> frame %" PRIu64 "</dd>\n",
                      r->seen_in[i]->deciding.segment.frame);
    }
    add(p, "</dl>\n");
}

static void log_evidence(struct page *p, const struct link *l)
{
    add(p, "<code>");
    say(p, p->f->of->logs[l->event->source].name);
    strbuf_printf(&p->b, ":%" PRIu64 "</code> <span class=\"dim\">(%s", l->event->line,
                  join_name(l->join));
    if (l->event->time != INSTANT_NONE && l->offset_ns != INSTANT_NONE) {
        add(p, l->offset_ns < 0 ? ", " : ", +");
        show_duration(&p->b, l->offset_ns);
    }
    add(p, l->ambiguous ? ", ambiguous)</span> <q>" : ")</span> <q>");
    say(p, l->event->raw);
    add(p, "</q>");
}

static void evidence(struct page *p, const struct diagnosis *d)
{
    if (d->n_evidence == 0)
        return;
    add(p, "<h4>Evidence</h4>\n<ul>\n");
    for (size_t i = 0; i < d->n_evidence; i++) {
        const struct evidence *e = &d->evidence[i];
        add(p, "<li>");
        if (e->kind == SOURCE_LOG && e->link) {
            log_evidence(p, e->link);
        } else if (e->kind == SOURCE_HOST) {
            add(p, "<code>");
            say(p, p->f->of->hosts[e->host].name);
            add(p, "</code>: ");
            say(p, e->key);
            add(p, " = ");
            say(p, e->value);
        } else {
            strbuf_printf(&p->b, "<b>frame %" PRIu64 "</b> ",
                          e->frame ? e->frame : d->reset->deciding.segment.frame);
            say(p, e->says);
        }
        add(p, "</li>\n");
    }
    add(p, "</ul>\n");
}

static void rung_time(struct page *p, const struct diagnosis *d, const struct rung *r)
{
    instant_ns apart = r->time - d->reset->deciding.segment.time;
    add(p, "<td class=\"n\">");
    if (r->is_deciding)
        add(p, "<b>0</b>");
    else {
        add(p, apart < 0 ? "" : "+");
        show_duration(&p->b, apart);
    }
    add(p, "</td>");
}

static void segment_rung(struct page *p, const struct diagnosis *d, const struct rung *r)
{
    const struct segment *s = r->segment;
    strbuf_printf(&p->b, "<tr class=\"%s\">",
                  r->is_deciding              ? "deciding"
                  : (s->flags & TCP_RST) != 0 ? "rst"
                                              : "seg");
    rung_time(p, d, r);
    strbuf_printf(&p->b, "<td class=\"n\">%" PRIu64 "</td><td class=\"arrow\">%s</td><td>",
                  s->frame, s->from == SIDE_CLIENT ? "client ──▶ server" : "client ◀── server");
    ladder_segment_text(&p->b, d->reset->connection, s);
    add(p, "</td></tr>\n");
}

static void log_rung(struct page *p, const struct diagnosis *d, const struct rung *r)
{
    add(p, "<tr class=\"log\">");
    rung_time(p, d, r);
    add(p, "<td class=\"n\">log</td><td class=\"arrow\">");
    say(p, p->f->of->logs[r->link->event->source].name);
    strbuf_printf(&p->b, ":%" PRIu64 "</td><td>", r->link->event->line);
    say(p, r->link->event->raw);
    add(p, "</td></tr>\n");
}

static void ladder(struct page *p, const struct diagnosis *d)
{
    struct rung rungs[LADDER_MAX];
    size_t n = ladder_make(p->f, d, rungs);
    strbuf_printf(
        &p->b,
        "<h4 id=\"l-%.*s\">Packets and log lines</h4>\n<div class=\"wide\" role=\"region\" "
        "aria-labelledby=\"l-%.*s\" tabindex=\"0\"><table class=\"ladder\">\n"
        "<thead><tr><th scope=\"col\">from the RST</th><th scope=\"col\">frame</th>"
        "<th scope=\"col\">direction or log</th><th scope=\"col\">what</th></tr></thead>\n"
        "<tbody>\n",
        TEXT_ARG(d->id), TEXT_ARG(d->id));
    for (size_t i = 0; i < n; i++) {
        if (rungs[i].kind == RUNG_SEGMENT)
            segment_rung(p, d, &rungs[i]);
        else if (rungs[i].kind == RUNG_LOG)
            log_rung(p, d, &rungs[i]);
        else
            strbuf_printf(&p->b,
                          "<tr class=\"gap\"><td colspan=\"4\">%" PRIu64
                          " segments are not shown</td></tr>\n",
                          rungs[i].n_left_out);
    }
    add(p, "</tbody></table></div>\n");
}

static void remedies(struct page *p, const struct diagnosis *d)
{
    if (d->n_remedies == 0)
        return;
    add(p, "<h4>What to do</h4>\n<ul>\n");
    for (size_t i = 0; i < d->n_remedies; i++) {
        add(p, "<li>");
        say(p, d->remedies[i].text);
        if (d->remedies[i].risk && strcmp(d->remedies[i].risk, "none") != 0)
            strbuf_printf(&p->b, " <span class=\"dim\">(risk: %s)</span>", d->remedies[i].risk);
        if (d->remedies[i].command.n > 0) {
            add(p, "<br><code class=\"paste\">");
            say(p, d->remedies[i].command);
            add(p, "</code>");
        }
        add(p, "</li>\n");
    }
    add(p, "</ul>\n");
}

static void doubts(struct page *p, const struct diagnosis *d)
{
    if (d->n_alternatives > 0) {
        add(p, "<h4>Also possible</h4>\n<ul>\n");
        for (size_t i = 0; i < d->n_alternatives; i++)
            strbuf_printf(&p->b, "<li>%s, %.2f%s</li>\n", d->alternatives[i].cause,
                          d->alternatives[i].confidence,
                          d->alternatives[i].indistinct ? ": not distinguishable with this evidence"
                                                        : "");
        add(p, "</ul>\n");
    }
    size_t n = 0;
    for (size_t i = 0; i < d->n_undecided && n < 6; i++) {
        if (d->undecided[i].collect.n == 0)
            continue;
        if (n++ == 0)
            add(p, "<h4>To be surer, collect</h4>\n<ul>\n");
        add(p, "<li>");
        say(p, d->undecided[i].collect);
        strbuf_printf(&p->b, " <span class=\"dim\">(for %s)</span></li>\n", d->undecided[i].cause);
    }
    if (n > 0)
        add(p, "</ul>\n");
}

static void members(struct page *p, const struct arranged *a)
{
    if (a->n_members < 2)
        return;
    strbuf_printf(&p->b, "<details><summary>%zu more like it</summary>\n<ul>\n", a->n_members - 1);
    for (size_t i = 1; i < a->n_members && i <= ROWS_MAX; i++) {
        const struct diagnosis *d = a->members[i];
        add(p, "<li>");
        add_ends(p, d->reset);
        add(p, ", ");
        add_time(p, d->reset->deciding.segment.time, capture_of(p, d->reset)->time_digits);
        add(p, ", <code>");
        say(p, capture_of(p, d->reset)->name);
        strbuf_printf(&p->b, "</code> frame %" PRIu64 ", %.2f, <code>",
                      d->reset->deciding.segment.frame, d->confidence);
        say(p, d->display_filter);
        add(p, "</code></li>\n");
    }
    add(p, "</ul>\n");
    if (a->n_members > ROWS_MAX + 1)
        strbuf_printf(&p->b, "<p>%zu more are not listed.</p>\n", a->n_members - ROWS_MAX - 1);
    add(p, "</details>\n");
}

static void section(struct page *p, const struct arranged *a)
{
    const struct diagnosis *d = a->members[0];
    strbuf_printf(&p->b,
                  "<section class=\"case %s\" aria-labelledby=\"d-%.*s\">\n<h3 id=\"d-%.*s\">",
                  severity_name(d->severity), TEXT_ARG(d->id), TEXT_ARG(d->id));
    say(p, d->title);
    strbuf_printf(&p->b,
                  "</h3>\n<p><span class=\"tag %s\">%s</span> <b>%s</b>, %s (%.2f)</p>\n"
                  "<p class=\"why\">",
                  severity_name(d->severity), severity_name(d->severity), d->cause,
                  show_confidence(d->confidence), d->confidence);
    say(p, d->explanation);
    add(p, "</p>\n");
    facts_list(p, d);
    if (p->n_written + p->b.n < PAGE_BYTES_MAX) {
        evidence(p, d);
        ladder(p, d);
        remedies(p, d);
        doubts(p, d);
        members(p, a);
    } else {
        add(p,
            "<p>The page is full: evidence and packets of this one are in the JSON report.</p>\n");
    }
    add(p, "</section>\n");
    flush(p);
}

static void unmatched(struct page *p)
{
    const struct case_file *c = p->f->of;
    if (c->n_unmatched == 0)
        return;
    strbuf_printf(
        &p->b,
        "<section aria-labelledby=\"unmatched\">\n<h2 id=\"unmatched\">Log lines that report "
        "a reset which no capture holds: %zu</h2>\n<ul>\n",
        c->n_unmatched);
    for (size_t i = 0; i < c->n_unmatched && i < ROWS_MAX; i++) {
        const struct unmatched_line *u = &c->unmatched[i];
        add(p, "<li><code>");
        say(p, c->logs[u->event->source].name);
        strbuf_printf(&p->b, ":%" PRIu64 "</code> <q>", u->event->line);
        say(p, u->event->raw);
        add(p, "</q><br>");
        say(p, u->why);
        if (u->capture_hint.n > 0) {
            add(p, "<br>Next time: <code class=\"paste\">");
            say(p, u->capture_hint);
            add(p, "</code>");
        }
        add(p, "</li>\n");
    }
    add(p, "</ul>\n");
    if (c->n_unmatched > ROWS_MAX)
        strbuf_printf(&p->b, "<p>%zu more are not listed.</p>\n", c->n_unmatched - ROWS_MAX);
    add(p, "</section>\n");
    flush(p);
}

static void read_row(struct page *p, struct text name, const char *kind)
{
    add(p, "<tr><td><code>");
    say(p, name);
    strbuf_printf(&p->b, "</code></td><td>%s</td><td>", kind);
}

static void capture_rows(struct page *p, const struct case_capture *k)
{
    read_row(p, k->name, k->format);
    show_count(&p->b, k->n_packets, "packet");
    add(p, ", ");
    add_time(p, k->first, k->time_digits);
    add(p, " to ");
    add_time(p, k->last, k->time_digits);
    if (k->snaplen_cut > 0)
        strbuf_printf(&p->b, "; %" PRIu64 " cut by the snaplen", k->snaplen_cut);
    if (k->truncated) {
        add(p, "; <b>truncated</b>: ");
        say(p, k->truncated_where);
    }
    for (size_t i = 0; i < k->skipped.n; i++)
        strbuf_printf(&p->b, "<br>not analysed: %s %" PRIu64, k->skipped.v[i].name,
                      k->skipped.v[i].count);
    for (size_t i = 0; i < k->flaws.n; i++)
        strbuf_printf(&p->b, "<br>flaw: %s %" PRIu64 ", first in frame %" PRIu64,
                      k->flaws.v[i].name, k->flaws.v[i].count, k->flaws.v[i].first_place);
    add(p, "</td></tr>\n");
}

static void log_rows(struct page *p, const struct case_log *l)
{
    read_row(p, l->name, "log");
    show_count(&p->b, l->n_lines, "line");
    add(p, ", ");
    show_count(&p->b, l->n_events, "event");
    add(p, "; zone ");
    say(p, l->zone);
    add(p, " (");
    say(p, l->zone_why);
    add(p, l->year_inferred ? "), year inferred" : ")");
    if (l->offset_known)
        strbuf_printf(&p->b, "; clock %+.3f s ± %.3f s against the capture, from %" PRIu32 " lines",
                      (double)l->offset_ns / 1e9, (double)l->offset_spread_ns / 1e9, l->n_anchors);
    else
        add(p, "; clock offset unknown");
    for (size_t i = 0; i < l->flaws.n; i++)
        strbuf_printf(&p->b, "<br>%s %" PRIu64, l->flaws.v[i].name, l->flaws.v[i].count);
    add(p, "</td></tr>\n");
}

static void inputs_read(struct page *p)
{
    const struct case_file *c = p->f->of;
    add(p,
        "<section aria-labelledby=\"read\">\n<h2 id=\"read\">What was read</h2>\n"
        "<div class=\"wide\" role=\"region\" aria-labelledby=\"read\" tabindex=\"0\"><table>\n"
        "<thead><tr><th scope=\"col\">Input</th>"
        "<th scope=\"col\">Taken for</th><th scope=\"col\">Content</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < c->n_captures && i < ROWS_MAX; i++)
        capture_rows(p, &c->captures[i]);
    for (size_t i = 0; i < c->n_logs && i < ROWS_MAX; i++)
        log_rows(p, &c->logs[i]);
    for (size_t i = 0; i < c->n_hosts && i < ROWS_MAX; i++) {
        read_row(p, c->hosts[i].name, c->hosts[i].kind);
        show_count(&p->b, c->hosts[i].n_values, "value");
        add(p, "</td></tr>\n");
    }
    for (size_t i = 0; i < c->n_inputs && i < ROWS_MAX; i++) {
        if (!c->inputs[i].failed && strcmp(c->inputs[i].taken_for, "skipped") != 0)
            continue;
        read_row(p, c->inputs[i].name, c->inputs[i].failed ? "failed" : "not used");
        say(p, c->inputs[i].why);
        add(p, "</td></tr>\n");
    }
    add(p, "</tbody></table></div>\n</section>\n");
}

static bool write_html(FILE *out, const struct findings *f, const struct report_options *o,
                       struct error *err)
{
    struct arrangement a;
    if (!arrange(f, &a))
        return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    struct page p = {.out = out, .f = f, .o = o};
    strbuf_init(&p.b);
    page_head(&p, &a);
    if (a.n_cases > 0) {
        contents(&p, &a);
        add(&p, "<h2>Diagnoses</h2>\n");
    }
    flush(&p);
    for (size_t i = 0; i < a.n_cases && i < ROWS_MAX; i++)
        if (a.cases[i].members[0]->severity >= o->min_severity)
            section(&p, &a.cases[i]);
    unmatched(&p);
    inputs_read(&p);
    add(&p, "</main>\n<footer><p>Made by whyrst " WHYRST_VERSION
            " from the inputs above, offline. Times are ");
    add(&p, o->zone ? zone_name(o->zone) : "UTC");
    add(&p, ".</p></footer>\n</body>\n</html>\n");
    flush(&p);
    bool good = !p.b.failed;
    strbuf_finish(&p.b);
    arrangement_finish(&a);
    return good || error_set(err, ERROR_NO_MEMORY, "", "out of memory");
}

const struct report_format report_html = {
    .id = "html",
    .extension = ".html .htm",
    .about = "one self-contained page for a ticket: evidence, packet ladder, remedies",
    .write = write_html,
};
