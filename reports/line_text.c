/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a log line was read, what it could mean, and what the captures hold of it.  What the line
 * says is escaped like every text of the input.
 */
#include "reports/line_text.h"

#include <inttypes.h>

#include "reports/lines.h"
#include "reports/show.h"
#include "reports/tell.h"

static void add_end(struct strbuf *b, const char *name, const struct endpoint *e)
{
    char text[ENDPOINT_TEXT_MAX];
    if (address_is_zero(&e->ip) && !e->port)
        return;
    endpoint_format(e, text);
    strbuf_printf(b, ", %s %s", name, text);
}

static void tell_event(struct lines *l, const struct event *e)
{
    if (e->kind.n) {
        strbuf_text(&l->b, e->kind);
        strbuf_printf(&l->b, ", claims: %s, about one %s", event_claim_name(e->claim),
                      event_scope_name(e->scope));
    } else {
        strbuf_str(&l->b, "none that a pattern knows");
    }
    add_end(&l->b, "client", &e->client);
    add_end(&l->b, "server", &e->server);
    add_end(&l->b, "source", &e->src);
    add_end(&l->b, "destination", &e->dst);
    for (unsigned i = 0; i < e->n_fields; i++) {
        strbuf_str(&l->b, ", ");
        lines_say(l, e->fields[i].name);
        strbuf_str(&l->b, " \"");
        lines_cut(l, e->fields[i].value, 80);
        strbuf_char(&l->b, '"');
    }
    lines_fill(l, "  event      ", 13);
}

static void tell_writer(struct lines *l, const struct event *e)
{
    if (e->host.n) {
        strbuf_str(&l->b, "host ");
        lines_say(l, e->host);
        strbuf_str(&l->b, ", ");
    }
    strbuf_str(&l->b, e->program.n ? "program " : "program not named");
    lines_say(l, e->program);
    if (e->pid)
        strbuf_printf(&l->b, ", process %" PRIu32, e->pid);
    lines_fill(l, "  writer     ", 13);
}

static void tell_time(struct lines *l, const struct case_log *log, const struct line_answer *a)
{
    const struct event *e = a->event;
    if (e->time == INSTANT_NONE) {
        strbuf_str(&l->b, "no stamp");
        lines_fill(l, "  time       ", 13);
        return;
    }
    lines_time(l, e->time, e->precision_ns >= NS_PER_S ? 0 : 6);
    strbuf_str(&l->b, " as written, zone ");
    lines_say(l, e->zone_stated ? TEXT("stated in the stamp") : log->zone);
    if (!e->zone_stated) {
        strbuf_str(&l->b, ", ");
        lines_say(l, log->zone_why);
    }
    lines_fill(l, "  time       ", 13);
    tell_clock(&l->b, log);
    if (a->time != INSTANT_NONE && log->offset_known) {
        strbuf_str(&l->b, ": on the capture's clock ");
        lines_time(l, a->time, 6);
        strbuf_str(&l->b, " (± ");
        show_duration(&l->b, a->uncertainty_ns);
        strbuf_char(&l->b, ')');
    }
    lines_fill(l, "  clock      ", 13);
}

static void tell_ending(struct lines *l, const struct line_candidate *k, unsigned digits)
{
    const struct connection_record *r = k->record;
    if (k->own) {
        strbuf_printf(&l->b, ", reset by frame %" PRIu64 " at ", reset_frame(k->own));
        lines_time(l, k->own->deciding.segment.time, digits);
    } else if (r->rst_time != INSTANT_NONE) {
        strbuf_str(&l->b, ", saw RSTs that tore nothing down");
    } else if (r->fin_time[0] != INSTANT_NONE || r->fin_time[1] != INSTANT_NONE) {
        strbuf_str(&l->b, ", ended by FIN, no RST");
    } else {
        strbuf_str(&l->b, ", no FIN and no RST captured");
    }
}

static void tell_candidate(struct lines *l, const struct case_file *c,
                           const struct line_candidate *k)
{
    char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];
    const struct connection_record *r = k->record;
    const struct case_capture *in = &c->captures[r->capture];
    endpoint_format(&r->client, client);
    endpoint_format(&r->server, server);
    strbuf_printf(&l->b, "%s -> %s, ", client, server);
    lines_say(l, in->name);
    strbuf_printf(&l->b, " tcp.stream %" PRIu32 ", ", r->stream);
    lines_time(l, r->first_time, in->time_digits);
    strbuf_str(&l->b, " to ");
    lines_time(l, r->last_time, in->time_digits);
    tell_ending(l, k, in->time_digits);
    strbuf_printf(&l->b, ": %s, ", k->fit);
    if (k->gap_ns == 0) {
        strbuf_str(&l->b, "and the time fits");
    } else {
        strbuf_str(&l->b, "but the line is ");
        show_duration(&l->b, k->gap_ns);
        strbuf_str(&l->b, " away from when it would be due");
    }
    lines_fill(l, k->is_tied ? "    it is    " : "    or       ", 13);
}

static void tell_candidates(struct lines *l, const struct case_file *c, const struct line_answer *a)
{
    fputs("Connections that it could mean\n", l->out);
    if (a->n_candidates == 0)
        fputs("    none that a capture holds\n", l->out);
    for (size_t i = 0; i < a->n_candidates; i++)
        tell_candidate(l, c, &a->candidate[i]);
    if (a->n_others > 0)
        fprintf(l->out, "    and %" PRIu64 " more, farther away in time\n", a->n_others);
}

static void tell_verdict(struct lines *l, const struct line_answer *a)
{
    strbuf_printf(&l->b, "%s: ", a->verdict);
    lines_say(l, a->why);
    lines_fill(l, "Verdict: ", 2);
    if (a->capture_hint.n)
        lines_fill_text(l, "next time: ", 2, a->capture_hint);
}

void line_text_write(FILE *out, const struct case_file *c, const struct line_answer *a,
                     const struct report_options *o)
{
    const struct case_log *log = &c->logs[a->log];
    struct lines l = {.out = out, .o = o};
    strbuf_init(&l.b);
    lines_say(&l, log->name);
    strbuf_printf(&l.b, ":%" PRIu64, a->line);
    if (a->event)
        tell_datagram(&l.b, c, a->event);
    lines_print(&l, STYLE_TITLE);
    if (a->passed_over) {
        strbuf_printf(&l.b, "passed over (%s): it is no event of its own", a->passed_over);
        lines_fill(&l, "  read as    ", 13);
    } else if (a->event) {
        strbuf_str(&l.b, "    ");
        lines_cut(&l, a->event->raw, TELL_LINE_MAX);
        lines_print(&l, STYLE_PLAIN);
        lines_say(&l, log->format);
        strbuf_str(&l.b, " (all forms of this log)");
        lines_fill(&l, "  form       ", 13);
        tell_writer(&l, a->event);
        tell_time(&l, log, a);
        tell_event(&l, a->event);
        tell_candidates(&l, c, a);
    }
    tell_verdict(&l, a);
    strbuf_finish(&l.b);
}
