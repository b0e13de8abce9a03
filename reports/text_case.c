/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One case of the text report: what happened, where, why, on what evidence, what to do, what else
 * it could be, and who else was hit.
 */
#include <inttypes.h>
#include <string.h>

#include "reports/crowd.h"
#include "reports/lines.h"
#include "reports/show.h"
#include "reports/tell.h"

#define SEEN_LISTED 16 /* captures that hold the reset as well */
#define MEMBERS_LISTED 8
#define LABEL_COLUMNS 17 /* where evidence stands behind its frame number */

static const struct case_capture *capture_of(const struct lines *l, const struct reset *r)
{
    return &l->f->of->captures[reset_capture(r)];
}

static void heading(struct lines *l, size_t number, const struct arranged *a,
                    const struct diagnosis *d)
{
    static const enum style styles[] = {STYLE_HARMLESS, STYLE_NOTICE, STYLE_FAULT};
    fputc('\n', l->out);
    strbuf_printf(&l->b, "%zu. ", number);
    lines_cut(l, d->title, TELL_WORDS_MAX);
    if (a->n_members > 1)
        strbuf_printf(&l->b, " (%zu resets)", a->n_members);
    lines_print(l, styles[d->severity]);
    strbuf_printf(&l->b, "%s, ", severity_name(d->severity));
    tell_confidence(&l->b, d->confidence);
    strbuf_printf(&l->b, ": %s", d->cause);
    lines_fill(l, "   ", 3);
}

static void where(struct lines *l, const struct diagnosis *d)
{
    const struct reset *r = d->reset;
    const struct case_capture *c = capture_of(l, r);
    lines_ends(l, r);
    strbuf_str(&l->b, " at ");
    lines_time(l, r->deciding.segment.time, c->time_digits);
    lines_fill(l, "   ", 3);
    lines_say(l, c->name);
    strbuf_printf(&l->b, " frame %" PRIu64 ", Wireshark filter: ", reset_frame(r));
    lines_say(l, d->display_filter);
    lines_fill(l, "   ", 3);
    const size_t n_seen = reset_ties(r)->n_seen_in, n = n_seen < SEEN_LISTED ? n_seen : SEEN_LISTED;
    for (size_t i = 0; i < n; i++) {
        strbuf_str(&l->b, "also in ");
        lines_say(l, capture_of(l, reset_ties(r)->seen_in[i])->name);
        strbuf_printf(&l->b, " frame %" PRIu64, reset_frame(reset_ties(r)->seen_in[i]));
        lines_fill(l, "   ", 3);
    }
    if (n < n_seen) {
        strbuf_str(&l->b, "and in ");
        show_count(&l->b, n_seen - n, "more capture");
        lines_fill(l, "   ", 3);
    }
    for (size_t i = 0; i < reset_ties(r)->n_legs; i++) {
        tell_leg(&l->b, l->f, &reset_ties(r)->legs[i]);
        lines_fill(l, "   ", 3);
    }
    tell_wire(&l->b, r);
    lines_fill(l, "   ", 3);
}

static void log_evidence(struct lines *l, const struct link *link)
{
    lines_say(l, l->f->of->logs[link->event->source].name);
    strbuf_printf(&l->b, ":%" PRIu64, link->event->line);
    tell_datagram(&l->b, l->f->of, link->event);
    strbuf_str(&l->b, ", ");
    tell_tie(&l->b, link);
    tell_host_name(&l->b, l->f->of, link);
    lines_fill(l, "     ", 7);
    strbuf_str(&l->b, "         ");
    lines_cut(l, link->event->raw, TELL_LINE_MAX);
    lines_print(l, STYLE_PLAIN);
}

static void host_evidence(struct lines *l, const struct evidence *e)
{
    lines_say(l, l->f->of->hosts[e->host].name);
    strbuf_str(&l->b, ": ");
    lines_cut(l, e->key, TELL_LINE_MAX);
    strbuf_str(&l->b, " = ");
    lines_cut(l, e->value, TELL_LINE_MAX);
    lines_fill(l, "     ", 7);
}

/* "     frame 90     " or blanks of that width under a frame that stands there already. */
static void packet_evidence(struct lines *l, const struct diagnosis *d, const struct evidence *e,
                            bool again)
{
    struct strbuf label;
    uint64_t frame = e->frame ? e->frame : reset_frame(d->reset);
    strbuf_init(&label);
    strbuf_str(&label, "     ");
    if (!again && e->capture != reset_capture(d->reset)) {
        strbuf_escaped(&label, l->f->of->captures[e->capture].name);
        strbuf_char(&label, ' ');
    }
    if (!again)
        strbuf_printf(&label, "frame %" PRIu64, frame);
    do
        strbuf_char(&label, ' ');
    while (label.n < LABEL_COLUMNS && !label.failed);
    lines_fill_text(l, label.p ? label.p : "", LABEL_COLUMNS, e->says);
    strbuf_finish(&label);
}

static void evidence(struct lines *l, const struct diagnosis *d)
{
    const struct evidence *v[EVIDENCE_SHOWN];
    size_t n = arrange_evidence(d, l->o->verbosity > 0, v);
    if (n > 0)
        fputs("   Evidence\n", l->out);
    for (size_t i = 0; i < n; i++) {
        if (v[i]->kind == SOURCE_LOG && v[i]->link)
            log_evidence(l, v[i]->link);
        else if (v[i]->kind == SOURCE_HOST)
            host_evidence(l, v[i]);
        else
            packet_evidence(l, d, v[i], i > 0 && evidence_same_frame(d, v[i - 1], v[i]));
    }
}

static void remedies(struct lines *l, const struct diagnosis *d)
{
    if (d->n_remedies > 0)
        fputs("   What to do\n", l->out);
    for (size_t i = 0; i < d->n_remedies; i++) {
        lines_fill_text(l, "     - ", 7, d->remedies[i].text);
        if (d->remedies[i].command.n > 0)
            lines_fill_text(l, "         $ ", 11, d->remedies[i].command);
    }
}

/* Those that a more specific cause displaced, or the others. */
static void alternatives(struct lines *l, const struct diagnosis *d, bool displaced,
                         const char *head)
{
    for (size_t i = 0, n = 0; i < d->n_alternatives; i++) {
        const struct alternative *a = &d->alternatives[i];
        if ((a->superseded_by != NULL) == displaced)
            strbuf_printf(&l->b, "%s%s %.2f%s", n++ ? ", " : "", a->cause, a->confidence,
                          a->indistinct ? " (not distinguishable with this evidence)" : "");
    }
    if (l->b.n > 0)
        lines_fill(l, head, 5);
}

static void collect(struct lines *l, const struct diagnosis *d)
{
    struct to_collect v[TELL_COLLECT_MAX];
    size_t n = tell_collect(d, l->o->verbosity > 0, v);
    if (n > 0)
        fputs("   To be surer, collect\n", l->out);
    for (size_t i = 0; i < n; i++) {
        lines_cut(l, v[i].what, TELL_WORDS_MAX);
        if (v[i].cause)
            strbuf_printf(&l->b, " (would show whether it was %s)", v[i].cause);
        lines_fill(l, "     - ", 7);
    }
}

/* Of many: where they came from, and when the first and the last. */
static void crowd(struct lines *l, const struct arranged *a)
{
    struct crowd c;
    unsigned digits = capture_of(l, finding_reset(l->f, a->members[0]))->time_digits;
    if (a->n_members <= MEMBERS_LISTED + 1 || !crowd_count(l->f, a, &c))
        return;
    strbuf_str(&l->b, "all ");
    crowd_tell(&l->b, &c);
    strbuf_str(&l->b, "; ");
    lines_time(l, c.first, digits);
    strbuf_str(&l->b, " to ");
    lines_time(l, c.last, digits);
    lines_fill(l, "     ", 7);
}

static void others(struct lines *l, const struct arranged *a)
{
    if (a->n_members < 2)
        return;
    size_t most = l->o->verbosity > 0 ? TELL_MOST_LISTED : MEMBERS_LISTED;
    uint32_t capture = a->members[0]->capture;
    fprintf(l->out, "   And %zu more like it\n", a->n_members - 1);
    crowd(l, a);
    for (size_t i = 1; i < a->n_members && i <= most; i++) {
        const struct reset *r = finding_reset(l->f, a->members[i]);
        strbuf_str(&l->b, "     ");
        lines_ends(l, r);
        strbuf_str(&l->b, "  ");
        lines_time(l, r->deciding.segment.time, capture_of(l, r)->time_digits);
        strbuf_str(&l->b, "  ");
        if (reset_capture(r) != capture) {
            lines_say(l, capture_of(l, r)->name);
            strbuf_char(&l->b, ' ');
        }
        strbuf_printf(&l->b, "frame %" PRIu64 ", stream %" PRIu32, reset_frame(r), reset_stream(r));
        lines_print(l, STYLE_PLAIN);
    }
    if (a->n_members - 1 > most)
        fprintf(l->out, "     ... and %zu more (%s)\n", a->n_members - 1 - most,
                most == MEMBERS_LISTED && a->n_members <= TELL_MOST_LISTED
                    ? "-v lists them"
                    : "-o report.jsonl holds every one");
}

void text_case(struct lines *l, size_t number, const struct arranged *a)
{
    const struct diagnosis *d = findings_tell(l->f, a->members[0], &l->telling);
    heading(l, number, a, d);
    where(l, d);
    if (d->explanation.n > 0) {
        fputc('\n', l->out);
        lines_fill_text(l, "   ", 3, d->explanation);
        fputc('\n', l->out);
    }
    evidence(l, d);
    remedies(l, d);
    alternatives(l, d, false, "   Also possible: ");
    if (l->o->verbosity > 0)
        alternatives(l, d, true, "   Holds too, but less specific: ");
    collect(l, d);
    others(l, a);
}
