/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that report a reset, a refusal or a timeout of a connection for which no capture holds a
 * RST: each gets an answer why, and what to capture next time.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"

struct report { /* one line and whom it is about */
    uint32_t entry;
    const struct event *event;
    struct endpoint client, server;
};

bool unmatched_is_report(const struct event *e)
{
    return e->claim == CLAIM_RESET || e->claim == CLAIM_REFUSED || e->claim == CLAIM_TIMEOUT;
}

static uint64_t between(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The ends that the nearest line of the same process named. */
static bool ends_of_process(const struct correlation *c, uint32_t entry, struct report *out)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    uint64_t best = UINT64_MAX;
    if (e->group == LOG_NONE)
        return false;
    const struct log_group *g = &c->index.groups.v[e->group];
    for (uint32_t i = g->last; i != LOG_NONE; i = c->index.entries.v[i].in_group) {
        const struct event *o = c->index.entries.v[i].event;
        uint64_t apart = between(log_place(o), log_place(e->event));
        if (!c->index.entries.v[i].names || apart >= best)
            continue;
        best = apart;
        out->client = o->client;
        out->server = o->server;
    }
    for (uint32_t i = g->last_mark; i != LOG_NONE; i = c->index.marks.v[i].before) {
        const struct log_mark *m = &c->index.marks.v[i];
        uint64_t apart = between(m->place, log_place(e->event));
        if (apart >= best)
            continue;
        best = apart;
        out->client = m->client;
        out->server = (struct endpoint){0};
    }
    return best != UINT64_MAX;
}

static bool report_of(const struct correlation *c, uint32_t entry, struct report *out)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    *out = (struct report){.entry = entry, .event = e->event};
    if (!e->names)
        return ends_of_process(c, entry, out);
    if (!is_upstream(e->event))
        out->client = e->event->client;
    out->server = e->event->server;
    if (address_is_zero(&out->client.ip) && address_is_zero(&out->server.ip)) {
        out->client = e->event->src;
        out->server = e->event->dst;
    }
    return true;
}

/* Its connection was reset and has a diagnosis; or a refusal or timeout was carried out in order,
 * by FIN, and there never was a RST to find. */
bool unmatched_is_answered(const struct correlation *c, uint32_t entry)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    const struct tie *t = tie_find(c, entry);
    if (e->answered)
        return true;
    if (!t)
        return false;
    struct talk talk = roster_talk(&c->roster, t->record);
    bool in_order = e->event->claim != CLAIM_RESET && talk.fin != INSTANT_NONE && !talk.torn;
    return t->reset || talk.has_reset || in_order;
}

static struct text say(struct correlation *c, char *text)
{
    (void)c;
    return text ? text_of(text) : (struct text){0};
}

static bool why_time(struct correlation *c, const struct report *r, struct unmatched_line *out)
{
    struct when w = when_of(c, r->entry);
    struct arena *a = &c->of->arena;
    if (c->roster.first == INSTANT_NONE) {
        out->why = TEXT("no capture holds any packet");
    } else if (w.stamped && w.high < c->roster.first) {
        out->why = say(c, arena_printf(a, "written %.3f s before the first captured packet",
                                       (double)(c->roster.first - w.high) / 1e9));
    } else if (w.stamped && w.low > c->roster.last) {
        out->why = say(c, arena_printf(a, "written %.3f s after the last captured packet",
                                       (double)(w.low - c->roster.last) / 1e9));
    } else {
        return false;
    }
    out->why_id = "outside-captured-time";
    return true;
}

/* What else may have kept the RST out: only one direction is there, or the capture has holes. */
static const char *what_may_lack(const struct correlation *c, uint32_t record)
{
    const struct connection_record *r = &c->roster.records[record];
    const struct case_capture *k =
        r->capture < c->of->n_captures ? &c->of->captures[r->capture] : NULL;
    if (!r->ttl[SIDE_SERVER] && !record_saw_rst(r, SIDE_SERVER))
        return "; only the client's packets were captured, so the server's RST took another "
               "interface or path";
    if (!r->ttl[SIDE_CLIENT] && !record_saw_rst(r, SIDE_CLIENT))
        return "; only the server's packets were captured, so the client's RST took another "
               "interface or path";
    if (k && (k->truncated || k->n_gaps > 0))
        return "; the capture is damaged, and the RST may be in what was lost";
    if (k && k->n_dropped > 0)
        return "; the capture lost packets while it was taken, perhaps the RST";
    return "";
}

static void why_no_rst(struct correlation *c, uint32_t record, struct unmatched_line *out)
{
    struct talk t = roster_talk(&c->roster, record);
    const struct connection_record *r = &c->roster.records[record];
    const char *name = r->capture < c->of->n_captures ? c->of->captures[r->capture].name.p : "";
    size_t n = r->capture < c->of->n_captures ? c->of->captures[r->capture].name.n : 0;
    const char *how = t.rst != INSTANT_NONE   ? "and the RSTs of it there tore nothing down"
                      : t.fin != INSTANT_NONE ? "and it ended by FIN there"
                                              : "and it was still open when the capture ended";
    out->why_id = "connection-without-rst";
    out->why = say(c, arena_printf(&c->of->arena,
                                   "the connection is stream %" PRIu32
                                   " of %.*s without a RST that ended it, %s%s",
                                   r->stream, (int)n, name, how,
                                   t.fin == INSTANT_NONE ? what_may_lack(c, record) : ""));
}

/* A capture that states its filter, or that all of them lost nothing, narrows it down. */
static void say_never_seen(struct correlation *c, const char *address, struct unmatched_line *out)
{
    struct arena *a = &c->of->arena;
    struct text filter = TEXT("");
    uint64_t n_dropped = 0;
    for (size_t i = 0; i < c->of->n_captures; i++) {
        n_dropped += c->of->captures[i].n_dropped;
        filter = filter.n ? filter : c->of->captures[i].filter;
    }
    const char *lost = n_dropped ? "; packets were lost while capturing, too" : "";
    if (filter.n)
        out->why = say(c, arena_printf(a,
                                       "no captured packet is from or to %s: the capture's filter "
                                       "\"" TEXT_FMT "\" left it out, or it took another interface "
                                       "or path%s",
                                       address, TEXT_ARG(filter), lost));
    else
        out->why = say(c, arena_printf(a,
                                       "no captured packet is from or to %s: it took another "
                                       "interface or path, or a filter left it out%s",
                                       address, lost));
}

/* What the captures hold of the ends that the line names, when they hold no such connection. */
static void why_unseen(struct correlation *c, const struct report *r, struct unmatched_line *out)
{
    char text[ENDPOINT_TEXT_MAX];
    const struct endpoint *end = address_is_zero(&r->client.ip) ? &r->server : &r->client;
    struct roster_range range = roster_endpoint(&c->roster, end);
    endpoint_format(end, text);
    out->why_id = "address-never-seen";
    if (!roster_knows(&c->roster, &end->ip)) {
        address_format(&end->ip, text);
        say_never_seen(c, text, out);
    } else if (!end->port || range.from == range.to) {
        out->why = say(c, arena_printf(&c->of->arena,
                                       "the address was captured, but no connection of %s that the "
                                       "line could mean",
                                       text));
    } else {
        out->why_id = "connection-without-rst";
        out->why = say(c, arena_printf(&c->of->arena,
                                       "%s was captured, but not near the time of the line", text));
    }
}

static uint16_t port_of(const struct correlation *c, const struct report *r)
{
    enum writer w = c->index.entries.v[r->entry].writer;
    if (r->server.port)
        return r->server.port;
    if (c->services[w].n)
        return c->services[w].v[0];
    return w == WRITER_SSHD || w == WRITER_SFTP ? 22 : 0;
}

static struct text hint_of(struct correlation *c, const struct report *r)
{
    struct strbuf b;
    char text[ADDRESS_TEXT_MAX];
    strbuf_init(&b);
    strbuf_str(&b, "tcpdump -i any -w reset.pcap 'tcp");
    const struct endpoint *ends[] = {&r->client, &r->server};
    for (size_t i = 0; i < 2; i++) {
        if (address_is_zero(&ends[i]->ip))
            continue;
        address_format(&ends[i]->ip, text);
        strbuf_printf(&b, " and host %s", text);
    }
    if (port_of(c, r))
        strbuf_printf(&b, " and port %u", (unsigned)port_of(c, r));
    strbuf_char(&b, '\'');
    struct text hint = arena_text(&c->of->arena, strbuf_view(&b));
    strbuf_finish(&b);
    return hint;
}

static void answer(struct correlation *c, const struct report *r, struct unmatched_line *out)
{
    const struct tie *t = tie_find(c, r->entry);
    out->event = r->event;
    out->capture_hint = hint_of(c, r);
    if (t)
        why_no_rst(c, t->record, out);
    else if (!why_time(c, r, out))
        why_unseen(c, r, out);
}

bool unmatched_answer(struct correlation *c, uint32_t entry, struct unmatched_line *out)
{
    struct report r;
    if (!report_of(c, entry, &r))
        return false;
    answer(c, &r, out);
    return true;
}

/* Surely written while nothing was captured. */
static bool is_outside(const struct correlation *c, uint32_t entry)
{
    struct when w = when_of(c, entry);
    return c->roster.first == INSTANT_NONE ||
           (w.stamped && (w.high < c->roster.first || w.low > c->roster.last));
}

/* By time, those of the captured time first. */
static int compare_entry(const void *x, const void *y, void *ctx)
{
    const struct correlation *c = ctx;
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    const struct event *ea = c->index.entries.v[a].event, *eb = c->index.entries.v[b].event;
    instant_ns ta = corrected_time(c, a), tb = corrected_time(c, b);
    bool oa = is_outside(c, a), ob = is_outside(c, b);
    if (oa != ob)
        return oa ? 1 : -1;
    if (ta != tb)
        return ta < tb ? -1 : 1;
    if (ea->source != eb->source)
        return ea->source < eb->source ? -1 : 1;
    return ea->line < eb->line ? -1 : ea->line > eb->line;
}

static size_t list_reports(const struct correlation *c, uint32_t *out)
{
    size_t n = 0;
    struct report r;
    for (uint32_t i = 0; i < c->index.entries.n; i++)
        if (unmatched_is_report(c->index.entries.v[i].event) && !unmatched_is_answered(c, i) &&
            report_of(c, i, &r))
            out[n++] = i;
    return n;
}

bool unmatched_find(struct correlation *c)
{
    uint32_t *order = calloc(c->index.entries.n + 1, sizeof *order);
    if (!order)
        return false;
    size_t n = list_reports(c, order);
    if (n)
        qsort_r(order, n, sizeof *order, compare_entry, c);
    c->of->unmatched = arena_array(&c->of->arena, n + 1, sizeof *c->of->unmatched);
    for (size_t i = 0; c->of->unmatched && i < n; i++)
        c->of->n_unmatched += unmatched_answer(c, order[i], &c->of->unmatched[c->of->n_unmatched]);
    c->of->n_unmatched_more = log_index_n_strangers_left_out(&c->index);
    free(order);
    return c->of->unmatched != NULL;
}
