/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of every log: pairs lines that name a client's port with the connections that used it,
 * and lets clock.c vote.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/clock/clock_lag.h"
#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/record/request.h"
#include "analyzer/record/window.h"

#define PAIRS_MAX 400000 /* a clock; what comes after adds nothing */
#define WEAK_LINES 200   /* lines without a port that are asked */
#define WEAK_PAIRS_A_LINE 2048
#define SETTINGS_MAX 256 /* lines that say that a clock was set */
#define MINUTE_NS (60 * NS_PER_S)
#define PAIRS_A_LINE 64 /* a port used more often than this tells nothing */
#define SHORT_SPAN_NS (300 * NS_PER_S)
#define LONG_TALK_NS (30 * NS_PER_S)
#define GIVEN_SPREAD_NS (NS_PER_S / 2)

/* At a line with a stamp. */
static struct clock_span clock_of_line(const struct correlation *c, const struct log_entry *e)
{
    return clock_at(&c->clocks.v[e->domain].at, log_place(e->event), e->event->time);
}

struct when when_of(const struct correlation *c, uint32_t entry)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    instant_ns t = e->event->time;
    bool any = c->roster.first != INSTANT_NONE;
    if (t == INSTANT_NONE)
        return (struct when){(any ? c->roster.first : 0) - WINDOW_UNSTAMPED_NS,
                             (any ? c->roster.last : 0) + WINDOW_UNSTAMPED_NS, false};
    struct clock_span at = clock_of_line(c, e);
    return (struct when){t - at.high, t + e->event->precision_ns - at.low, true};
}

instant_ns when_gap(struct when w, instant_ns from, instant_ns to)
{
    if (w.high < from)
        return from - w.high;
    return w.low > to ? w.low - to : 0;
}

instant_ns corrected_time(const struct correlation *c, uint32_t entry)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    instant_ns t = e->event->time;
    return t == INSTANT_NONE ? t : t - clock_of_line(c, e).best;
}

struct clock_span clock_of_domain(const struct correlation *c, size_t domain, instant_ns stamp)
{
    struct clock_estimate at = c->clocks.v[domain].at;
    at.by_time = true;
    return clock_at(&at, 0, stamp);
}

instant_ns uncertainty_of(const struct correlation *c, uint32_t entry)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    if (e->event->time == INSTANT_NONE)
        return WINDOW_UNSTAMPED_NS;
    struct clock_span at = clock_of_line(c, e);
    return e->event->precision_ns + clock_doubt(at);
}

struct gather { /* the pairs of one line */
    const struct correlation *c;
    const struct event *e;
    uint64_t line;
    struct text request; /* quoted by the line, or empty */
    bool addresses;      /* lines without a port count, too */
    bool proxy;
    size_t begin, most;
    struct clock_pairs *out;
    bool by_request; /* some pair rests on the request alone */
    bool full, failed;
};

static bool gather_pair(void *ctx, uint32_t record, enum fit fit)
{
    struct gather *g = ctx;
    bool asked = fit < FIT_ENDPOINT && roster_asked(&g->c->roster, record, g->request);
    if (fit < FIT_ENDPOINT && !g->addresses && !asked)
        return true;
    g->by_request |= asked && !g->addresses;
    uint32_t id = g->c->roster.talk[record];
    for (size_t i = g->out->n; i > g->begin && g->out->n - i < 64; i--)
        if (g->out->v[i - 1].talk == id)
            return true;
    struct talk t = roster_talk(&g->c->roster, record);
    if (g->e->claim == CLAIM_RESET && t.rst == INSTANT_NONE)
        return true;
    if (g->e->claim == CLAIM_TIMEOUT && closed_by_client(&g->c->roster, record, g->e))
        return true;
    instant_ns from, to;
    /* a proxy writes a line a request, and often about its other connection */
    talk_due(&t, g->proxy ? CLAIM_NOTHING : g->e->claim, &from, &to);
    instant_ns packet = packet_time(g->c, g->e, record);
    if (packet != INSTANT_NONE)
        from = to = packet;
    if (to - from > LONG_TALK_NS)
        return true;
    if (!is_sane_offset(g->e->time - from) || !is_sane_offset(g->e->time - to))
        return true;
    g->full = g->out->n - g->begin >= g->most;
    g->failed = !g->full && !vec_reserve(g->out, g->out->n + 1);
    if (g->full || g->failed)
        return false;
    g->out->v[g->out->n++] = (struct clock_pair){.line = g->line,
                                                 .talk = id,
                                                 .log = g->e->time,
                                                 .precision = g->e->precision_ns,
                                                 .due_first = from,
                                                 .due_last = to};
    return true;
}

/* A line that could mean too many connections tells nothing; its pairs are taken back.  One that
 * names no port means one only where nobody else asked for the same. */
static bool gather_line(const struct correlation *c, uint32_t entry, bool addresses,
                        struct clock_pairs *out)
{
    struct gather g = {.c = c,
                       .e = c->index.entries.v[entry].event,
                       .line = log_place(c->index.entries.v[entry].event),
                       .most = addresses ? WEAK_PAIRS_A_LINE : PAIRS_A_LINE,
                       .begin = out->n,
                       .out = out};
    g.request = request_quoted(event_field(g.e, "request"));
    g.proxy =
        c->index.entries.v[entry].writer == WRITER_PROXY && !is_upstream(g.e) && !is_of_client(g.e);
    g.addresses = addresses && (g.e->claim == CLAIM_RESET || g.e->claim == CLAIM_OPENED);
    fit_each(c, entry, FIT_ANY_TIME, gather_pair, &g);
    if (g.full || (g.by_request && out->n > g.begin + 1))
        out->n = g.begin;
    return !g.failed;
}

/* Pairs from the first lines, or from a sample of those that name no port. */
static bool gather_lines(const struct correlation *c, const uint32_t *entries, size_t n,
                         bool addresses, struct clock_pairs *out)
{
    size_t step = addresses ? n / WEAK_LINES + 1 : 1;
    out->n = 0;
    for (size_t i = 0; i < n && out->n < PAIRS_MAX; i += step)
        if (!gather_line(c, entries[i], addresses, out))
            return false;
    return true;
}

static bool estimate_domain(struct correlation *c, uint32_t domain, const uint32_t *entries,
                            size_t n)
{
    struct clock_pairs pairs = {0};
    struct clock_estimate *at = &c->clocks.v[domain].at;
    bool good = gather_lines(c, entries, n, false, &pairs);
    const bool any_named = pairs.n > 0;
    good = good && sent_lines_pairs(c, domain, &pairs);
    *at = clock_estimate_of(&c->arena, pairs.v, pairs.n, c->set_lines.v, c->set_lines.n);
    c->clocks.v[domain].by_datagrams = at->known && !any_named;
    if (good && !at->known && !at->contested) {
        good = gather_lines(c, entries, n, true, &pairs);
        struct clock_estimate weak =
            clock_estimate_of(&c->arena, pairs.v, pairs.n, c->set_lines.v, c->set_lines.n);
        if (weak.known && weak.n_anchors >= 3 && weak.n_talks >= 2)
            *at = weak;
    }
    vec_finish(&pairs);
    return good;
}

/* Lists the entries of each domain that can anchor, domain after domain. */
static uint32_t *sort_by_domain(const struct correlation *c, size_t *from)
{
    uint32_t *order = calloc(c->index.entries.n + 1, sizeof *order);
    size_t at = 0;
    for (size_t d = 0; order && d < c->index.domains.n; d++)
        from[d + 1] = 0;
    for (size_t i = 0; order && i < c->index.entries.n; i++)
        from[c->index.entries.v[i].domain + 1]++;
    for (size_t d = 0; order && d < c->index.domains.n; d++)
        from[d + 1] += from[d];
    size_t *next = calloc(c->index.domains.n + 1, sizeof *next);
    for (size_t i = 0; order && next && i < c->index.entries.n; i++) {
        const struct log_entry *e = &c->index.entries.v[i];
        at = from[e->domain] + next[e->domain];
        if (!e->names_ours || e->event->time == INSTANT_NONE || e->event->scope != SCOPE_CONNECTION)
            continue;
        order[at] = (uint32_t)i + 1; /* 0: none */
        next[e->domain]++;
    }
    if (!next) {
        free(order);
        return NULL;
    }
    free(next);
    return order;
}

static const struct log_about *about(const struct correlation *c, uint32_t source)
{
    static const struct log_about nothing;
    return source < c->sources.n ? &c->sources.v[source] : &nothing;
}

/* Takes a zone out of what the domain's stamps said; its entries wait for move_entries. */
static void move_zone(struct correlation *c, size_t domain, int minutes)
{
    struct log_domain *d = &c->index.domains.v[domain];
    instant_ns shift = (instant_ns)minutes * MINUTE_NS;
    c->clocks.v[domain].zone_minutes = minutes;
    if (d->first != INSTANT_NONE) {
        d->first -= shift;
        d->last -= shift;
    }
}

/* Once for all domains: there may be many of both. */
static void move_entries(struct correlation *c)
{
    for (size_t i = 0; i < c->index.entries.n; i++) {
        struct log_entry *e = &c->index.entries.v[i];
        if (e->event->time != INSTANT_NONE)
            e->event->time -= (instant_ns)c->clocks.v[e->domain].zone_minutes * MINUTE_NS;
    }
}

/* Without anchors: a short log beside a short capture that meet in one zone only. */
static bool guess_zone(const struct correlation *c, const struct log_domain *d, int *minutes)
{
    const struct roster *r = &c->roster;
    unsigned n = 0;
    if (d->first == INSTANT_NONE || r->first == INSTANT_NONE ||
        d->last - d->first > SHORT_SPAN_NS || r->last - r->first > SHORT_SPAN_NS)
        return false;
    for (int m = -12 * 60; m <= 14 * 60; m += 15) {
        bool odd = m % 30 != 0 && m != 5 * 60 + 45 && m != 8 * 60 + 45 && m != 12 * 60 + 45;
        instant_ns shift = (instant_ns)m * 60 * NS_PER_S;
        bool meets = d->first - shift <= r->last && d->last - shift >= r->first;
        if (odd || !meets)
            continue;
        n++;
        *minutes = m;
    }
    return n == 1 && *minutes != 0;
}

/* Where no stamp and no option states a zone, what the anchors or the spans betray. */
static void take_zone(struct correlation *c, size_t domain)
{
    struct domain_clock *k = &c->clocks.v[domain];
    const struct log_domain *d = &c->index.domains.v[domain];
    instant_ns rest;
    int minutes;
    if (k->given || d->zone_stated || !about(c, d->source)->zone_assumed)
        return;
    if (!k->at.known && guess_zone(c, d, &minutes))
        move_zone(c, domain, minutes);
    if (!k->at.known || !clock_zone_of(k->at.offset, &minutes, &rest))
        return;
    clock_shift(&k->at, (instant_ns)minutes * MINUTE_NS);
    move_zone(c, domain, minutes);
}

/* Lines that say that their host's clock was set. */
static bool list_settings(struct correlation *c)
{
    static const char *const kinds[] = {"time-changed", "time-set",      "clock-set",
                                        "clock-step",   "clock-stepped", "resumed"};
    for (size_t i = 0; i < c->index.entries.n && c->set_lines.n < SETTINGS_MAX; i++) {
        bool sets = false;
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            sets |= text_eq(c->index.entries.v[i].event->kind, text_of(kinds[k]));
        uint64_t *line = sets ? vec_push(&c->set_lines) : NULL;
        if (sets && !line)
            return false;
        if (sets)
            *line = log_place(c->index.entries.v[i].event);
    }
    return true;
}

static bool estimate_all(struct correlation *c)
{
    size_t *from = calloc(c->index.domains.n + 2, sizeof *from);
    uint32_t *order = from ? sort_by_domain(c, from) : NULL;
    bool good = order != NULL;
    for (uint32_t d = 0; good && d < c->index.domains.n; d++) {
        const struct log_about *a = about(c, c->index.domains.v[d].source);
        size_t n = 0;
        while (n < from[d + 1] - from[d] && order[from[d] + n])
            order[from[d] + n++]--;
        good = estimate_domain(c, d, order + from[d], n);
        if (!a->offset_given)
            continue;
        struct clock_estimate found = c->clocks.v[d].at;
        c->clocks.v[d].given = true;
        c->clocks.v[d].at = (struct clock_estimate){.known = true,
                                                    .offset = a->offset_ns,
                                                    .spread = GIVEN_SPREAD_NS,
                                                    .n_anchors = found.known ? found.n_anchors : 0};
    }
    free(from);
    free(order);
    return good;
}

/* Lines without a stamp have the time of the datagram that brought them, soon after. */
static void trust_captures(struct correlation *c)
{
    for (size_t i = 0; i < c->index.domains.n; i++) {
        const struct log_domain *d = &c->index.domains.v[i];
        if (!d->received)
            continue;
        c->clocks.v[i].by_datagrams = true;
        c->clocks.v[i].at = (struct clock_estimate){
            .known = true,
            .spread = CLOCK_LAG_NS,
            .n_anchors = (uint32_t)(d->n_lines < UINT32_MAX ? d->n_lines : UINT32_MAX)};
    }
}

/* What nothing measures is as far off as the time that the log counts from. */
static void doubt_all(struct correlation *c)
{
    for (uint32_t d = 0; d < c->index.domains.n; d++) {
        struct domain_clock *k = &c->clocks.v[d];
        instant_ns doubt = about(c, c->index.domains.v[d].source)->doubt_ns;
        if (!k->at.known && !k->given && doubt > k->at.spread)
            k->at.spread = doubt;
    }
}

bool clocks_estimate(struct correlation *c)
{
    if (!vec_reserve(&c->clocks, c->index.domains.n + 1))
        return false;
    for (size_t i = 0; i < c->index.domains.n; i++) {
        struct domain_clock *k = vec_push(&c->clocks);
        if (!k)
            return false;
        k->at.spread = CLOCK_UNKNOWN_SPREAD_NS;
    }
    if (!list_settings(c) || !estimate_all(c))
        return false;
    trust_captures(c);
    doubt_all(c);
    if (!clocks_lend(c) || !clocks_by_turns(c) || !clocks_lend(c))
        return false;
    for (size_t i = 0; i < c->index.domains.n; i++)
        take_zone(c, i);
    move_entries(c);
    return true;
}
