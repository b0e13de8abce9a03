/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet ladder of the HTML page: a table, so that it can be read aloud, with an arrow a
 * segment between the two ends and the log lines in their place in time.
 */
#include <inttypes.h>

#include "parsers/packet/packet.h"
#include "reports/ladder.h"
#include "reports/page.h"
#include "reports/show.h"

/* Seconds to the microsecond, one below the other; a long way off as people say it. */
static void add_apart(struct page *p, instant_ns apart)
{
    instant_ns n = apart < 0 ? -apart : apart;
    page_add(p, apart < 0 ? "\xE2\x88\x92" : "+");
    if (n < 600 * NS_PER_S)
        strbuf_printf(&p->b, "%.6f s", (double)n / 1e9);
    else
        show_duration(&p->b, n);
}

static void time_cell(struct page *p, const struct diagnosis *d, const struct rung *r)
{
    const instant_ns apart = instant_since(r->time, d->reset->deciding.segment.time);
    page_add(p, "<td class=\"n\">");
    if (r->is_deciding)
        page_add(p, "0");
    else if (apart == INSTANT_NONE)
        page_add(p, "-");
    else
        add_apart(p, apart);
    if (r->kind == RUNG_LOG && r->link->uncertainty_ns > NS_PER_S / 1000) {
        page_add(p, "<br>\xC2\xB1 ");
        show_duration(&p->b, r->link->uncertainty_ns);
    }
    page_add(p, "</td>");
}

static void segment_rung(struct page *p, const struct diagnosis *d, const struct rung *r)
{
    const struct segment *s = r->segment;
    bool is_rst = (s->flags & TCP_RST) != 0;
    strbuf_printf(&p->b, "<tr%s>",
                  r->is_deciding ? " class=\"deciding\""
                  : is_rst       ? " class=\"rst\""
                                 : "");
    time_cell(p, d, r);
    strbuf_printf(&p->b, "<td class=\"n\">%" PRIu64 "</td><td class=\"lane\"><span class=\"%s\">",
                  frame_number(s->frame), s->from == SIDE_CLIENT ? "to-server" : "to-client");
    ladder_flags_text(&p->b, s);
    strbuf_printf(&p->b, "<i> %s</i></span></td><td>",
                  s->from == SIDE_CLIENT ? "to the server" : "to the client");
    ladder_numbers_text(&p->b, reset_connection(d->reset), s);
    page_add(p, "</td></tr>\n");
}

/* The last part of a log's name where that alone tells which it is. */
static struct text short_name(const struct case_file *c, uint32_t source)
{
    struct text whole = c->logs[source].name, base = whole;
    for (size_t at; (at = text_find_byte(base, '/', 0)) != SIZE_MAX;)
        base = text_slice(base, at + 1, base.n);
    for (size_t i = 0; i < c->n_logs; i++)
        if (i != source && text_ends(c->logs[i].name, base))
            return whole;
    return base;
}

static void log_rung(struct page *p, const struct diagnosis *d, const struct rung *r)
{
    const struct event *e = r->link->event;
    page_add(p, "<tr class=\"log\">");
    time_cell(p, d, r);
    page_add(p, "<td class=\"n\">log</td><td class=\"file\">");
    page_say(p, short_name(p->f->of, e->source));
    strbuf_printf(&p->b, ":%" PRIu64 "</td><td>", e->line);
    page_line(p, e->message.n > 0 ? e->message : e->raw);
    page_add(p, "</td></tr>\n");
}

static void gap_rung(struct page *p, const struct rung *r)
{
    page_add(p, "<tr class=\"gap\"><td colspan=\"4\">");
    show_count(&p->b, r->n_left_out, "segment");
    page_add(p, r->n_left_out == 1 ? " is not shown</td></tr>\n" : " are not shown</td></tr>\n");
}

void page_ladder(struct page *p, const struct diagnosis *d)
{
    struct rung rungs[LADDER_MAX];
    size_t n = ladder_make(p->f, d, rungs);
    strbuf_printf(&p->b,
                  "<h4>Packets and log lines</h4>\n"
                  "<div class=\"wide\" role=\"region\" aria-label=\"Packets and log lines of "
                  "%.*s\" tabindex=\"0\"><table class=\"ladder\">\n<thead><tr>"
                  "<th scope=\"col\" class=\"n\">to the RST</th>"
                  "<th scope=\"col\" class=\"n\">frame</th>"
                  "<th scope=\"col\" class=\"ends\"><span>client</span> <span>server</span></th>"
                  "<th scope=\"col\">what</th></tr></thead>\n<tbody>\n",
                  TEXT_ARG(d->id));
    for (size_t i = 0; i < n; i++) {
        if (rungs[i].kind == RUNG_SEGMENT)
            segment_rung(p, d, &rungs[i]);
        else if (rungs[i].kind == RUNG_LOG)
            log_rung(p, d, &rungs[i]);
        else
            gap_rung(p, &rungs[i]);
    }
    page_add(p, "</tbody></table></div>\n");
}
