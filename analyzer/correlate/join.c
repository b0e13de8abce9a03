/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that name a connection, by its client's port or by address alone.  A line belongs to the
 * connections that it names and to no others; where a port was used twice, time decides, and where
 * time cannot decide the tie is marked ambiguous.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/record/request.h"
#include "analyzer/record/window.h"

struct choice { /* the connection that fits a line best so far */
    const struct correlation *c;
    const struct event *e;
    enum writer writer;
    struct when w;
    enum fit least;         /* at least so good a fit */
    struct text request;    /* that the line quotes, or empty */
    struct map *spoken_for; /* talk and kind that have a line already; NULL: not asked */
    instant_ns before, after;
    bool any;
    uint32_t record, talk;
    enum fit fit;
    instant_ns gap, far; /* to the line's interval; to its middle */
    bool asked;          /* the request that the line quotes was made there */
    bool taken;          /* the same kind of line was tied to it already */
    uint32_t n_equal;    /* other connections that fit as well */
};

struct spoken_key {
    uint64_t kind;
    uint64_t talk;
};

static bool is_taken(const struct choice *k, uint32_t talk)
{
    struct spoken_key key = {text_hash(k->e->kind), talk};
    return k->spoken_for && map_get(k->spoken_for, &key);
}

/* Whether the line is inside the connection's life as far as its claim lets it be. */
static bool in_window(const struct choice *k, const struct talk *t, instant_ns from, instant_ns to)
{
    if (k->least == FIT_ADDRESS)
        return when_gap(k->w, from, to) <= k->after;
    return k->w.high >= t->first - k->before && k->w.low <= t->last + k->after;
}

/* A reset is rather reported of a connection that was reset, and a server's patience does not end
 * with a client that had closed. */
static instant_ns penalty(const struct choice *k, uint32_t record, const struct talk *t)
{
    const struct event *e = k->e;
    bool report = e->claim == CLAIM_RESET || e->claim == CLAIM_REFUSED;
    bool late = e->claim == CLAIM_TIMEOUT && closed_by_client(&k->c->roster, record, e);
    return (report && !t->torn) || late ? NS_PER_S : 0;
}

static bool choose(void *ctx, uint32_t record, enum fit fit)
{
    struct choice *k = ctx;
    const struct roster *r = &k->c->roster;
    bool weak = fit < FIT_ENDPOINT;
    if (weak != (k->least == FIT_ADDRESS) ||
        (weak && fit != FIT_SERVICE &&
         !services_fit(k->c, k->writer, r->records[record].server.port)))
        return true;
    bool asked = weak && roster_asked(r, record, k->request);
    if (k->any && r->talk[record] == k->talk) {
        k->asked |= asked;
        if (fit > k->fit) { /* the other side of a NAT, or another capture, fits better */
            k->fit = fit;
            k->record = record;
        }
        return true;
    }
    struct talk t = roster_talk(r, record);
    instant_ns from, to;
    talk_due(&t, k->e->claim, &from, &to);
    if (!in_window(k, &t, from, to))
        return true;
    instant_ns middle = k->w.low + (k->w.high - k->w.low) / 2;
    instant_ns gap = when_gap(k->w, from, to) + penalty(k, record, &t);
    instant_ns far = when_gap((struct when){middle, middle, true}, from, to);
    bool taken = weak && is_taken(k, t.id);
    bool alike = k->any && asked == k->asked && gap == k->gap;
    bool better = !k->any || (asked != k->asked ? asked : gap < k->gap);
    if (alike)
        better = taken != k->taken ? !taken : far < k->far;
    k->n_equal = alike ? k->n_equal + 1 : better ? 0 : k->n_equal;
    if (!better)
        return true;
    k->any = true;
    k->record = record;
    k->talk = t.id;
    k->fit = fit;
    k->gap = gap;
    k->far = far;
    k->asked = asked;
    k->taken = taken;
    return true;
}

static struct choice choice_of(const struct correlation *c, uint32_t entry, enum fit least)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    struct choice k = {.c = c,
                       .e = e->event,
                       .writer = e->writer,
                       .w = when_of(c, entry),
                       .least = least,
                       .request = request_quoted(event_field(e->event, "request")),
                       .before = WINDOW_NAMED_BEFORE_NS,
                       .after = WINDOW_NAMED_AFTER_NS};
    if (least == FIT_ADDRESS)
        k.after = c->config.window_ns ? c->config.window_ns : WINDOW_ADDRESS_NS;
    return k;
}

bool tie_add(struct correlation *c, const struct tie *t)
{
    struct tie *kept = vec_push(&c->ties);
    if (!kept)
        return false;
    *kept = *t;
    if (!c->tie_of.v[t->entry])
        c->tie_of.v[t->entry] = (uint32_t)c->ties.n;
    return true;
}

const struct tie *tie_find(const struct correlation *c, uint32_t entry)
{
    uint32_t at = c->tie_of.v[entry];
    return at ? &c->ties.v[at - 1] : NULL;
}

static enum join join_of(enum fit f)
{
    switch (f) {
    case FIT_TUPLE:
        return JOIN_TUPLE;
    case FIT_ENDPOINT:
    case FIT_SERVICE:
        return JOIN_ENDPOINT;
    default:
        return JOIN_ADDRESS;
    }
}

/* What a sure tie teaches: the writer's port, the host's address, who logged in when. */
static void learn(struct correlation *c, uint32_t entry, const struct tie *t)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    const struct connection_record *r = &c->roster.records[t->record];
    uint64_t key = name_key(&c->index.domains.v[e->domain]);
    if (writer_serves(e->writer) && e->event->kind.n) {
        services_learn(c, e->writer, r->server.port);
        names_learn(c, key, &r->server.ip);
    }
    if (!text_eq(e->event->kind, TEXT("ssh.accepted")))
        return;
    struct accepted_login *login = vec_push(&c->logins);
    if (login)
        *login = (struct accepted_login){.user = text_hash(event_field(e->event, "user")),
                                         .host_key = key,
                                         .entry = entry,
                                         .record = t->record};
}

static bool tie_choice(struct correlation *c, uint32_t entry, const struct choice *k)
{
    bool reused = k->n_equal > 0;
    struct tie t = {.entry = entry,
                    .record = k->record,
                    .join = join_of(k->fit),
                    .bridge = join_of(k->fit),
                    .ambiguous = reused,
                    .by_request = k->asked};
    t.side = side_of(c, entry, t.record);
    if (!tie_add(c, &t))
        return false;
    if (k->fit >= FIT_ENDPOINT && !reused)
        learn(c, entry, &t);
    return true;
}

bool join_named(struct correlation *c)
{
    for (uint32_t i = 0; i < c->index.entries.n; i++) {
        if (!c->index.entries.v[i].names_ours)
            continue;
        struct choice k = choice_of(c, i, FIT_ENDPOINT);
        fit_each(c, i, k.after, choose, &k);
        if (k.any && !tie_choice(c, i, &k))
            return false;
    }
    return true;
}

struct timed {
    instant_ns at;
    uint32_t entry;
};

static int compare_timed(const void *x, const void *y)
{
    const struct timed *a = x, *b = y;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->entry < b->entry ? -1 : a->entry > b->entry;
}

/* A host's listening line or a flood on a port names an address, but no connection.  A line about
 * the connection to an upstream names that one's server at most, whatever port its client has. */
static bool wants_address(const struct correlation *c, uint32_t entry)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    return e->names_ours && !c->tie_of.v[entry] && e->event->scope == SCOPE_CONNECTION &&
           (!e->event->client.port || is_upstream(e->event)) && e->event->time != INSTANT_NONE &&
           !text_ends(e->event->kind, TEXT(".listening"));
}

/* In order of time, so that several like lines spread over several like connections. */
bool join_addresses(struct correlation *c)
{
    struct timed *v = calloc(c->index.entries.n + 1, sizeof *v);
    struct map spoken;
    size_t n = 0;
    bool good = v != NULL;
    map_init(&spoken, sizeof(struct spoken_key), sizeof(uint8_t));
    for (uint32_t i = 0; good && i < c->index.entries.n; i++)
        if (wants_address(c, i))
            v[n++] = (struct timed){corrected_time(c, i), i};
    if (n)
        qsort(v, n, sizeof *v, compare_timed);
    for (size_t i = 0; good && i < n; i++) {
        struct choice k = choice_of(c, v[i].entry, FIT_ADDRESS);
        k.spoken_for = &spoken;
        fit_each(c, v[i].entry, k.after, choose, &k);
        if (!k.any)
            continue;
        struct spoken_key key = {text_hash(k.e->kind), k.talk};
        good = map_put(&spoken, &key, NULL) && tie_choice(c, v[i].entry, &k);
    }
    map_finish(&spoken);
    free(v);
    return good;
}
