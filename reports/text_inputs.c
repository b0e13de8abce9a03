/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the text report: log lines without a captured reset, and what was read of each input,
 * how, and what was not.
 */
#include <inttypes.h>
#include <string.h>

#include "parsers/base/vec.h"
#include "reports/lines.h"
#include "reports/show.h"
#include "reports/tell.h"

#define UNMATCHED_LISTED 10
#define UNUSED_NAMED 20   /* of one reason */
#define UNUSED_REASONS 20 /* both but with -v */

static void one_unmatched(struct lines *l, const struct unmatched_line *u)
{
    strbuf_str(&l->b, "  ");
    lines_say(l, l->f->of->logs[u->event->source].name);
    strbuf_printf(&l->b, ":%" PRIu64, u->event->line);
    tell_datagram(&l->b, l->f->of, u->event);
    lines_print(l, STYLE_PLAIN);
    strbuf_str(&l->b, "      ");
    lines_cut(l, u->event->raw, TELL_LINE_MAX);
    lines_print(l, STYLE_PLAIN);
    lines_fill_text(l, "      ", 6, u->why);
    if (u->capture_hint.n > 0)
        lines_fill_text(l, "      next time: ", 8, u->capture_hint);
}

void text_unmatched(struct lines *l)
{
    const struct case_file *c = l->f->of;
    size_t most = l->o->verbosity > 0 ? c->n_unmatched : UNMATCHED_LISTED;
    if (c->n_unmatched > 0)
        fprintf(l->out, "\nLog lines that report a reset which no capture holds: %zu\n",
                c->n_unmatched);
    for (size_t i = 0; i < c->n_unmatched && i < most; i++)
        one_unmatched(l, &c->unmatched[i]);
    if (c->n_unmatched_more > 0)
        fprintf(l->out,
                "  ... and %" PRIu64 " about addresses that no capture holds, only counted\n",
                c->n_unmatched_more);
    if (c->n_unmatched > most)
        fprintf(l->out, "  ... and %zu more (-v lists them)\n", c->n_unmatched - most);
}

static void flaw_lines(struct lines *l, const struct flaws *flaws, const char *head,
                       const char *place)
{
    for (size_t i = 0; i < flaws->n; i++) {
        strbuf_printf(&l->b, "%s %" PRIu64, flaws->v[i].name, flaws->v[i].count);
        if (flaws->v[i].first_place > 0)
            strbuf_printf(&l->b, ", first in %s %" PRIu64, place, flaws->v[i].first_place);
        lines_fill(l, head, 8);
    }
}

static void gap_lines(struct lines *l, const struct case_capture *k)
{
    for (size_t i = 0; i < k->n_gaps; i++) {
        lines_say(l, k->gaps[i]);
        lines_fill(l, "      DAMAGED: ", 8);
    }
    if (k->n_gaps_more > 0) {
        strbuf_printf(&l->b, "%" PRIu64 " more places", k->n_gaps_more);
        lines_fill(l, "      DAMAGED: ", 8);
    }
}

static void capture_read(struct lines *l, const struct case_capture *k)
{
    lines_say(l, k->name);
    strbuf_printf(&l->b, ": %s, ", k->format);
    show_count(&l->b, k->n_packets, "packet");
    if (k->first != INSTANT_NONE) {
        strbuf_str(&l->b, ", ");
        lines_time(l, k->first, k->time_digits);
        strbuf_str(&l->b, " to ");
        lines_time(l, k->last, k->time_digits);
    }
    tell_series(&l->b, k);
    tell_place(&l->b, l->f->of, k);
    tell_syslog(&l->b, k);
    if (k->snaplen_cut > 0) {
        strbuf_str(&l->b, ", ");
        show_count(&l->b, k->snaplen_cut, "packet");
        strbuf_str(&l->b, " cut by the snaplen");
    }
    if (k->n_dropped > 0) {
        strbuf_str(&l->b, ", ");
        show_count(&l->b, k->n_dropped, "packet");
        strbuf_str(&l->b, " lost while capturing");
    }
    tell_lost(&l->b, k);
    if (k->filter.n > 0) {
        strbuf_str(&l->b, ", taken with the filter \"");
        lines_say(l, k->filter);
        strbuf_char(&l->b, '"');
    }
    if (k->truncated) {
        strbuf_str(&l->b, "; TRUNCATED: ");
        lines_say(l, k->truncated_where);
    }
    lines_fill(l, "  ", 6);
    gap_lines(l, k);
    flaw_lines(l, &k->skipped, "      not analysed: ", "frame");
    flaw_lines(l, &k->flaws, "      flaw: ", "frame");
    if (k->n_rst_skipped > 0) {
        strbuf_printf(&l->b, "%zu, the first is frame %" PRIu64 ": ", k->n_rst_skipped,
                      k->rst_skipped[0].frame);
        lines_say(l, k->rst_skipped[0].reason);
        lines_fill(l, "      RST frames in no diagnosis: ", 8);
    }
}

/* A log that was not read, and why. */
static void log_outside(struct lines *l, const struct case_log *log)
{
    lines_say(l, log->name);
    strbuf_str(&l->b, ": log, not read: all of its ");
    show_bytes(&l->b, log->n_bytes_outside);
    strbuf_str(&l->b, ", ");
    lines_time(l, log->first, 0);
    strbuf_str(&l->b, " to ");
    lines_time(l, log->last, 0);
    strbuf_str(&l->b, ", are far outside the captured time; its stamps were looked at in places "
                      "spread over the file, and are in order there; zone ");
    lines_say(l, log->zone);
    strbuf_str(&l->b, ", ");
    lines_say(l, log->zone_why);
    strbuf_str(&l->b, log->year_inferred ? "; year inferred" : "");
    strbuf_str(&l->b, "; if its clock was wrong, --log-offset says by how much");
    lines_fill(l, "  ", 6);
}

static void log_read(struct lines *l, const struct case_log *log)
{
    if (log->n_bytes_outside > 0) {
        log_outside(l, log);
        return;
    }
    lines_say(l, log->name);
    strbuf_str(&l->b, ": log, ");
    show_count(&l->b, log->n_lines, "line");
    strbuf_str(&l->b, ", ");
    show_count(&l->b, log->n_events, "event");
    if (log->continues.n > 0) {
        strbuf_str(&l->b, "; continues ");
        lines_say(l, log->continues);
    }
    strbuf_str(&l->b, "; zone ");
    lines_say(l, log->zone);
    strbuf_str(&l->b, ", ");
    lines_say(l, log->zone_why);
    strbuf_str(&l->b, log->year_inferred ? "; year inferred; " : "; ");
    tell_clock(&l->b, log);
    for (size_t i = 1; i < log->n_clocks; i++) {
        strbuf_str(&l->b, "; clock of ");
        lines_say(l, log->clocks[i].host);
        strbuf_char(&l->b, ' ');
        tell_clock_offset(&l->b, &log->clocks[i]);
    }
    tell_unplaced(&l->b, log);
    lines_fill(l, "  ", 6);
    flaw_lines(l, &log->flaws, "      skipped or odd: ", "line");
}

static bool is_unused(const struct case_input *in, bool failed)
{
    return in->failed == failed && (failed || strcmp(in->taken_for, "skipped") == 0);
}

struct reasons { /* the first input of each */
    VEC(size_t) v;
    size_t n_left_out; /* inputs of reasons that found no place */
};

static bool shares_reason(const struct case_file *c, size_t i, size_t first, bool failed)
{
    return is_unused(&c->inputs[i], failed) && text_eq(c->inputs[i].why, c->inputs[first].why);
}

static void add_reason(struct reasons *r, const struct case_file *c, size_t i, bool failed,
                       size_t most)
{
    for (size_t k = 0; k < r->v.n; k++)
        if (shares_reason(c, i, r->v.v[k], failed))
            return;
    size_t *slot = r->v.n < most ? vec_push(&r->v) : NULL;
    if (slot)
        *slot = i;
    else
        r->n_left_out++;
}

/* The reason once, then the names of those that share it. */
static void one_reason(struct lines *l, size_t first, bool failed, const char *head)
{
    const struct case_file *c = l->f->of;
    const size_t most = l->o->verbosity > 0 ? SIZE_MAX : UNUSED_NAMED;
    size_t n = 0;
    strbuf_str(&l->b, head);
    lines_say(l, c->inputs[first].why);
    strbuf_char(&l->b, ':');
    for (size_t i = first; i < c->n_inputs; i++)
        if (shares_reason(c, i, first, failed) && n++ < most) {
            strbuf_char(&l->b, ' ');
            lines_say(l, c->inputs[i].name);
        }
    if (n > most)
        strbuf_printf(&l->b, " ... and %zu more (-v lists them)", n - most);
    lines_fill(l, "  ", 6);
}

static void inputs_unused(struct lines *l, bool failed, const char *head)
{
    const struct case_file *c = l->f->of;
    const size_t most = l->o->verbosity > 0 ? SIZE_MAX : UNUSED_REASONS;
    struct reasons r = {0};
    for (size_t i = 0; i < c->n_inputs; i++)
        if (is_unused(&c->inputs[i], failed))
            add_reason(&r, c, i, failed, most);
    for (size_t i = 0; i < r.v.n; i++)
        one_reason(l, r.v.v[i], failed, head);
    if (r.n_left_out > 0) {
        strbuf_printf(&l->b, "%s%zu more, for other reasons (-v lists them)", head, r.n_left_out);
        lines_fill(l, "  ", 6);
    }
    vec_finish(&r.v);
}

void text_inputs(struct lines *l)
{
    const struct case_file *c = l->f->of;
    fputs("\nRead\n", l->out);
    for (size_t i = 0; i < c->n_captures; i++)
        capture_read(l, &c->captures[i]);
    for (size_t i = 0; i < c->n_logs; i++)
        log_read(l, &c->logs[i]);
    for (size_t i = 0; i < c->n_hosts; i++) {
        lines_say(l, c->hosts[i].name);
        strbuf_printf(&l->b, ": host snapshot (%s), ", c->hosts[i].kind);
        show_count(&l->b, c->hosts[i].n_values, "value");
        lines_fill(l, "  ", 6);
    }
    inputs_unused(l, true, "FAILED: ");
    inputs_unused(l, false, "not used: ");
}
