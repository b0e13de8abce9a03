/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the HTML page: log lines without a captured reset, and what was read of each input,
 * how, and what was not.
 */
#include <inttypes.h>
#include <string.h>

#include "reports/page.h"
#include "reports/show.h"
#include "reports/tell.h"

#define ROW_BYTES 32768 /* what one row should find free */

static void left_out(struct page *p, size_t n)
{
    if (n > 0)
        strbuf_printf(&p->b,
                      "<p class=\"warn\">Left out here: %zu more. The JSON Lines report "
                      "(<code>-o report.jsonl</code>) holds every one.</p>\n",
                      n);
}

static void one_unmatched(struct page *p, const struct unmatched_line *u)
{
    page_add(p, "<dt><code>");
    page_say(p, p->f->of->logs[u->event->source].name);
    strbuf_printf(&p->b, ":%" PRIu64 "</code>", u->event->line);
    page_datagram(p, u->event);
    page_add(p, "</dt><dd><code>");
    page_line(p, u->event->raw);
    page_add(p, "</code><br>");
    page_say(p, u->why);
    if (u->capture_hint.n > 0) {
        page_add(p, "<br>Next time: <code class=\"paste\">");
        page_say(p, u->capture_hint);
        page_add(p, "</code>");
    }
    page_add(p, "</dd>\n");
}

void page_unmatched(struct page *p)
{
    const struct case_file *c = p->f->of;
    size_t i = 0;
    if (c->n_unmatched == 0)
        return;
    strbuf_printf(&p->b,
                  "<section>\n<h2 id=\"unmatched\">Log lines that "
                  "report a reset which no capture holds: %zu</h2>\n<dl class=\"evidence\">\n",
                  c->n_unmatched);
    for (; i < c->n_unmatched && page_has_room(p, PAGE_UNMATCHED, ROW_BYTES); i++)
        one_unmatched(p, &c->unmatched[i]);
    page_add(p, "</dl>\n");
    left_out(p, c->n_unmatched - i);
    page_add(p, "</section>\n");
    page_flush(p);
}

static void row_head(struct page *p, struct text name, const char *kind)
{
    page_add(p, "<tr><td><code>");
    page_say(p, name);
    strbuf_printf(&p->b, "</code></td><td>%s</td><td>", kind);
}

static void flaw_lines(struct page *p, const struct flaws *flaws, const char *head,
                       const char *place)
{
    for (size_t i = 0; i < flaws->n; i++) {
        strbuf_printf(&p->b, "<br>%s: %s %" PRIu64, head, flaws->v[i].name, flaws->v[i].count);
        if (flaws->v[i].first_place > 0)
            strbuf_printf(&p->b, ", first in %s %" PRIu64, place, flaws->v[i].first_place);
    }
}

static void capture_row(struct page *p, const struct case_capture *k)
{
    row_head(p, k->name, k->format);
    show_count(&p->b, k->n_packets, "packet");
    if (k->first != INSTANT_NONE) {
        page_add(p, ", ");
        page_time(p, k->first, k->time_digits);
        page_add(p, " to ");
        page_time(p, k->last, k->time_digits);
    }
    tell_series(&p->b, k);
    tell_place(&p->b, p->f->of, k);
    tell_syslog(&p->b, k);
    if (k->snaplen_cut > 0)
        strbuf_printf(&p->b, "; %" PRIu64 " cut by the snaplen", k->snaplen_cut);
    if (k->n_dropped > 0)
        strbuf_printf(&p->b, "; %" PRIu64 " lost while capturing", k->n_dropped);
    tell_lost(&p->b, k);
    if (k->filter.n > 0) {
        page_add(p, "; filter ");
        page_say(p, k->filter);
    }
    for (size_t i = 0; i < k->n_gaps; i++) {
        page_add(p, "<br><b>damaged</b>: ");
        page_say(p, k->gaps[i]);
    }
    if (k->n_gaps_more > 0)
        strbuf_printf(&p->b, "<br>and %" PRIu64 " more damaged places", k->n_gaps_more);
    if (k->truncated) {
        page_add(p, "; <b>truncated</b>: ");
        page_say(p, k->truncated_where);
    }
    flaw_lines(p, &k->skipped, "not analysed", "frame");
    flaw_lines(p, &k->flaws, "flaw", "frame");
    if (k->n_rst_skipped > 0) {
        strbuf_printf(&p->b,
                      "<br>RST frames in no diagnosis: %zu, the first is frame %" PRIu64 ": ",
                      k->n_rst_skipped, k->rst_skipped[0].frame);
        page_say(p, k->rst_skipped[0].reason);
    }
    page_add(p, "</td></tr>\n");
}

static void log_row(struct page *p, const struct case_log *l)
{
    row_head(p, l->name, "log");
    if (l->n_bytes_outside > 0) {
        page_add(p, "not read: all of its ");
        show_bytes(&p->b, l->n_bytes_outside);
        page_add(p, " are far outside the captured time; ");
    }
    show_count(&p->b, l->n_lines, "line");
    page_add(p, ", ");
    show_count(&p->b, l->n_events, "event");
    if (l->continues.n > 0) {
        page_add(p, "; continues ");
        page_say(p, l->continues);
    }
    page_add(p, "; zone ");
    page_say(p, l->zone);
    page_add(p, ", ");
    page_say(p, l->zone_why);
    page_add(p, l->year_inferred ? "; year inferred; " : "; ");
    tell_clock(&p->b, l);
    for (size_t i = 1; i < l->n_clocks; i++) {
        page_add(p, "<br>clock of ");
        page_say(p, l->clocks[i].host);
        page_add(p, " ");
        tell_clock_offset(&p->b, &l->clocks[i]);
    }
    tell_unplaced(&p->b, l);
    flaw_lines(p, &l->flaws, "skipped or odd", "line");
    page_add(p, "</td></tr>\n");
}

/* Each gives how many it had no room for. */
static size_t capture_rows(struct page *p)
{
    size_t i = 0;
    for (; i < p->f->of->n_captures && page_has_room(p, PAGE_INPUTS, ROW_BYTES); i++)
        capture_row(p, &p->f->of->captures[i]);
    return p->f->of->n_captures - i;
}

static size_t log_rows(struct page *p)
{
    size_t i = 0;
    for (; i < p->f->of->n_logs && page_has_room(p, PAGE_INPUTS, ROW_BYTES); i++)
        log_row(p, &p->f->of->logs[i]);
    return p->f->of->n_logs - i;
}

static size_t host_rows(struct page *p)
{
    size_t i = 0;
    for (; i < p->f->of->n_hosts && page_has_room(p, PAGE_INPUTS, ROW_BYTES); i++) {
        row_head(p, p->f->of->hosts[i].name, p->f->of->hosts[i].kind);
        show_count(&p->b, p->f->of->hosts[i].n_values, "value");
        page_add(p, "</td></tr>\n");
    }
    return p->f->of->n_hosts - i;
}

static size_t unused_rows(struct page *p)
{
    size_t n_left_out = 0;
    for (size_t i = 0; i < p->f->of->n_inputs; i++) {
        const struct case_input *in = &p->f->of->inputs[i];
        if (!in->failed && strcmp(in->taken_for, "skipped") != 0)
            continue;
        if (!page_has_room(p, PAGE_INPUTS, ROW_BYTES)) {
            n_left_out++;
            continue;
        }
        row_head(p, in->name, in->failed ? "failed" : "not used");
        page_say(p, in->why);
        page_add(p, "</td></tr>\n");
    }
    return n_left_out;
}

void page_inputs(struct page *p)
{
    page_add(p,
             "<section>\n<h2 id=\"read\">What was read</h2>\n"
             "<div class=\"wide\" role=\"region\" aria-labelledby=\"read\" tabindex=\"0\"><table>\n"
             "<thead><tr><th scope=\"col\">Input</th><th scope=\"col\">Taken for</th>"
             "<th scope=\"col\">Content</th></tr></thead>\n<tbody>\n");
    size_t n = capture_rows(p);
    n += log_rows(p);
    n += host_rows(p);
    n += unused_rows(p);
    page_add(p, "</tbody></table></div>\n");
    left_out(p, n);
    page_add(p, "</section>\n");
    page_flush(p);
}
