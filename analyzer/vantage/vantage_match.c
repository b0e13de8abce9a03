/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resets of several captures: which are one event, and which connections a RST shows to be one.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/vantage/twins.h"
#include "analyzer/vantage/vantage.h"

#define SAME_EVENT_NS (10 * NS_PER_S)
#define MARGIN_NS (NS_PER_S / 50) /* a forged RST this much later is another one */
#define FORGERY_SURE 0.8

static bool is_same_rst(const struct segment *a, const struct segment *b)
{
    return a->seq == b->seq && a->ack == b->ack && a->from == b->from;
}

static bool share_rst(const struct reset *a, const struct reset *b)
{
    for (size_t i = 0; i < a->n_rsts && i < 64; i++)
        for (size_t k = 0; k < b->n_rsts && k < 64; k++)
            if (is_same_rst(&a->rsts[i].segment, &b->rsts[k].segment))
                return true;
    return false;
}

/* Two resets of one talk in different captures: one teardown, though a forger may have sent each
 * end its own RST. */
static bool same_event(const struct vantage *v, const struct case_file *c, const struct reset *a,
                       const struct reset *b)
{
    uint32_t ka = reset_capture(a), kb = reset_capture(b);
    if (ka == kb)
        return reset_stream(a) != reset_stream(b) && share_rst(a, b);
    if (case_series(c, ka) == case_series(c, kb))
        return share_rst(a, b);
    instant_ns ta = vantage_reset_time(v, a), tb = vantage_reset_time(v, b);
    return share_rst(a, b) || (ta > tb ? ta - tb : tb - ta) <= SAME_EVENT_NS;
}

/* The hop count left when the RST passed the capture; the higher, the nearer its sender.  What the
 * claimed sender sent before tells more than a forger's packet. */
static unsigned nearness(const struct reset *r)
{
    if (r->sender == SIDE_PATH)
        return 0;
    const struct end *e = &reset_connection(r)->end[r->sender];
    return e->ttl_max ? e->ttl_max : r->deciding.segment.ttl;
}

/* Of a proven forgery the forged RST is the one to show, and of several the first. */
static bool is_forgery(const struct reset *r)
{
    return r->sender == SIDE_PATH && r->sender_confidence >= FORGERY_SURE;
}

static size_t n_shown(const struct connection *c)
{
    return c->end[0].head.n + c->end[0].tail.n + c->end[1].head.n + c->end[1].tail.n;
}

/* Of two captures of one place, which shows more of the connection: < 0 a, > 0 b. */
static int compare_shown(const struct reset *a, const struct reset *b)
{
    const struct connection *x = reset_connection(a), *y = reset_connection(b);
    if (x->handshake_seen != y->handshake_seen)
        return x->handshake_seen ? -1 : 1;
    if (x->n_segments != y->n_segments)
        return x->n_segments > y->n_segments ? -1 : 1;
    size_t nx = n_shown(x), ny = n_shown(y); /* a snapshot length may have cut */
    return (nx < ny) - (nx > ny);
}

/* Payload that passed the capture before the RST, as far as its segments are kept. */
static uint64_t payload_before(const struct reset *r)
{
    const struct connection *k = reset_connection(r);
    uint64_t n = 0;
    for (size_t i = 0; i < k->n_kept; i++)
        n += k->segments[i].frame < r->deciding.segment.frame ? k->segments[i].payload_len : 0;
    return n;
}

/* Where the RSTs of one forgery, one to each end, passed at about the same time: the one that came
 * behind what the forger had read, whichever capture was named first. */
static int compare_forged(const struct reset *a, const struct reset *b)
{
    const uint64_t na = payload_before(a), nb = payload_before(b);
    return (na < nb) - (na > nb);
}

static bool carries_better(const struct vantage *v, const struct case_file *c,
                           const struct reset *a, const struct reset *b)
{
    if (is_forgery(a) != is_forgery(b))
        return is_forgery(a);
    instant_ns ta = vantage_reset_time(v, a), tb = vantage_reset_time(v, b);
    if (is_forgery(a) && (ta > tb ? ta - tb : tb - ta) > MARGIN_NS)
        return ta < tb;
    unsigned na = nearness(a), nb = nearness(b);
    if (na != nb)
        return na > nb;
    bool one_place = c->captures[reset_capture(a)].vantage == c->captures[reset_capture(b)].vantage;
    int shown = one_place ? compare_shown(a, b) : is_forgery(a) ? compare_forged(a, b) : 0;
    if (shown != 0)
        return shown < 0;
    if (reset_capture(a) != reset_capture(b))
        return reset_capture(a) < reset_capture(b);
    return a->id < b->id;
}

#define SEEN_MAX 64 /* sights that a copy knows; the one that is told knows all */

static bool mark_copies(const struct vantage *v, struct case_file *c, struct reset **of, size_t n)
{
    struct reset *home = of[0];
    for (size_t i = 1; i < n; i++)
        if (carries_better(v, c, of[i], home))
            home = of[i];
    for (size_t i = 0; i < n; i++) {
        const size_t most = of[i] == home || n < SEEN_MAX ? n : SEEN_MAX;
        of[i]->is_copy_of_other = of[i] != home;
        struct reset_ties *ties = reset_tie(&c->arena, of[i]);
        if (!ties || !(ties->seen_in = arena_array(&c->arena, most, sizeof(const struct reset *))))
            return false;
        ties->n_seen_in = 0;
        for (size_t k = 0; k < n && ties->n_seen_in < most; k++)
            if (k != i)
                ties->seen_in[ties->n_seen_in++] = of[k];
    }
    return true;
}

/* How many resets the talk has; they go to out in order of record, unless it is NULL. */
static size_t resets_of(const struct roster *r, uint32_t talk, struct reset **out)
{
    size_t n = 0;
    for (uint32_t i = talk; i != ROSTER_NONE; i = r->next[i])
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++, n++)
            if (out)
                out[n] = r->reset_at[k];
    return n;
}

struct teardown {
    struct reset **v; /* the first is its pivot */
    size_t n;
    uint32_t *newest; /* by capture: 1 + the last in v that it holds, 0: none */
    uint32_t *before; /* as v: the one before it of the same capture, told like that */
};

/* The resets of one talk, those that were told apart marked done.  Made for the talk that has most:
 * a connection may lie in thousands of copies of a capture. */
struct talk_resets {
    struct reset **v;
    bool *done;
    size_t n;
    struct teardown event; /* being gathered */
};

/* Whether a reset belongs to an event of which some are known.  The first is their pivot, but two
 * of one capture must be one event by themselves: what another capture holds does not make one of
 * them, for captures may be named in any order. */
static bool belongs(const struct vantage *v, const struct case_file *c, const struct teardown *e,
                    const struct reset *r)
{
    bool does = same_event(v, c, e->v[0], r);
    for (uint32_t i = e->newest[reset_capture(r)]; does && i > 0; i = e->before[i - 1])
        does = same_event(v, c, e->v[i - 1], r);
    return does;
}

static void add_to_event(struct teardown *e, struct reset *r)
{
    uint32_t *newest = &e->newest[reset_capture(r)];
    e->before[e->n] = *newest;
    e->v[e->n++] = r;
    *newest = (uint32_t)e->n;
}

static void forget_event(struct teardown *e)
{
    for (size_t i = 0; i < e->n; i++)
        e->newest[reset_capture(e->v[i])] = 0;
    e->n = 0;
}

/* Adds to the event, whose pivot is the i-th, what belongs to it. */
static void gather_event(const struct vantage *v, const struct case_file *c,
                         struct talk_resets *all, size_t i, bool decided_alike)
{
    const struct segment *rst = &all->v[i]->deciding.segment;
    for (size_t k = i + 1; k < all->n; k++)
        if (!all->done[k] && (!decided_alike || is_same_rst(rst, &all->v[k]->deciding.segment)) &&
            belongs(v, c, &all->event, all->v[k])) {
            add_to_event(&all->event, all->v[k]);
            all->done[k] = true;
        }
}

/* A reset that the same RST decided goes before others of the teardown. */
static bool match_talk(const struct vantage *v, const struct roster *r, struct case_file *c,
                       uint32_t talk, struct talk_resets *all)
{
    all->n = resets_of(r, talk, all->v);
    memset(all->done, 0, all->n * sizeof *all->done);
    for (size_t i = 0; i < all->n; i++) {
        if (all->done[i])
            continue;
        add_to_event(&all->event, all->v[i]);
        gather_event(v, c, all, i, true);
        gather_event(v, c, all, i, false);
        if (all->event.n > 1 && !mark_copies(v, c, all->event.v, all->event.n))
            return false;
        forget_event(&all->event);
    }
    return true;
}

bool vantage_match_resets(const struct vantage *v, const struct roster *r, struct case_file *c)
{
    size_t most = 1;
    for (uint32_t i = 0; i < r->n; i++) {
        size_t n = r->talk[i] == i ? resets_of(r, i, NULL) : 0;
        most = n > most ? n : most;
    }
    struct talk_resets all = {
        .v = calloc(most, sizeof(struct reset *)),
        .done = calloc(most, sizeof *all.done),
        .event = {.v = calloc(most, sizeof(struct reset *)),
                  .newest = calloc(c->n_captures + 1, sizeof *all.event.newest),
                  .before = calloc(most, sizeof *all.event.before)},
    };
    const struct teardown *e = &all.event;
    bool good = all.v && all.done && e->v && e->newest && e->before;
    for (uint32_t i = 0; i < r->n && good; i++)
        good = r->talk[i] != i || match_talk(v, r, c, i, &all);
    free(all.v);
    free(all.done);
    free(e->v);
    free(e->newest);
    free(e->before);
    return good;
}

struct rst_key {
    uint32_t seq, ack;
    instant_ns time; /* first capture's clock */
    uint32_t record;
    uint16_t flags;
};

static int compare_rst(const void *x, const void *y)
{
    const struct rst_key *a = x, *b = y;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    if (a->ack != b->ack)
        return a->ack < b->ack ? -1 : 1;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->record < b->record ? -1 : a->record > b->record;
}

#define SAME_RST_NS (2 * NS_PER_S)

/* Whether that capture holds the connection of the record with its own ends: a scan sends the same
 * RST to all that answer. */
static bool has_own_there(const struct roster *r, uint32_t record, uint32_t capture)
{
    for (uint32_t i = r->talk[record]; i != ROSTER_NONE; i = r->next[i])
        if (r->records[i].capture == capture &&
            twins_same_ends(&r->records[i], &r->records[record]))
            return true;
    return false;
}

/* One end at least must look the same: a NAT rewrites one of them, rarely both. */
static bool same_rst(const struct roster *r, const struct rst_key *a, const struct rst_key *b)
{
    const struct connection_record *x = &r->records[a->record], *y = &r->records[b->record];
    bool an_end = endpoint_eq(&x->client, &y->client) || endpoint_eq(&x->server, &y->server) ||
                  endpoint_eq(&x->client, &y->server) || endpoint_eq(&x->server, &y->client);
    return a->seq == b->seq && a->ack == b->ack && a->flags == b->flags && an_end &&
           x->capture != y->capture && b->time - a->time <= SAME_RST_NS &&
           (twins_same_ends(x, y) ||
            !(has_own_there(r, a->record, y->capture) || has_own_there(r, b->record, x->capture)));
}

#define TUPLES_MAX 4 /* of one connection in one capture */

static bool same_numbers(const struct rst_key *a, const struct rst_key *b)
{
    return a->seq == b->seq && a->ack == b->ack;
}

/* keys[0..n): RSTs of one pair of numbers.  Who scans draws more of them than a connection has
 * tuples, from one port of many: the numbers say nothing then.  n_of: by capture, all 0. */
static bool is_crowd(const struct roster *r, const struct rst_key *keys, size_t n, uint32_t *n_of)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t k = ++n_of[r->records[keys[i].record].capture];
        most = k > most ? k : most;
    }
    for (size_t i = 0; i < n; i++)
        n_of[r->records[keys[i].record].capture] = 0;
    return most > TUPLES_MAX;
}

bool vantage_join_by_rst(struct vantage *v, struct roster *r)
{
    uint32_t n = r->reset_from[r->n], n_keys = 0;
    struct rst_key *keys = calloc((size_t)n + 1, sizeof *keys);
    uint32_t *n_of = calloc(r->n_captures + 1, sizeof *n_of);
    if (!keys || !n_of) {
        free(n_of);
        free(keys);
        return false;
    }
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++) {
            const struct segment *s = &r->reset_at[k]->deciding.segment;
            if (s->seq > 1) /* a raw RST to a SYN says nothing */
                keys[n_keys++] = (struct rst_key){
                    s->seq, s->ack, vantage_reset_time(v, r->reset_at[k]), i, s->flags};
        }
    qsort(keys, n_keys, sizeof *keys, compare_rst);
    memcpy(v->talk_of, r->talk, r->n * sizeof *r->talk);
    for (uint32_t i = 0, end; i < n_keys; i = end) {
        for (end = i + 1; end < n_keys && same_numbers(&keys[i], &keys[end]);)
            end++;
        const bool tells = !is_crowd(r, keys + i, end - i, n_of);
        for (uint32_t k = i + 1; k < end && tells; k++)
            if (same_rst(r, &keys[k - 1], &keys[k]))
                twins_join(v->talk_of, keys[k - 1].record, keys[k].record);
    }
    free(n_of);
    free(keys);
    roster_chain(r, v->talk_of);
    return true;
}
