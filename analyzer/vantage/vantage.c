/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/vantage/vantage.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/vantage/twins.h"
#include "parsers/base/vec.h"

#define SAME_PLACE_NS 10000     /* one wire, two writers */
#define SAME_CLOCK_NS (1000000) /* and one clock */

struct delta {     /* one packet in two captures: b's stamp minus a's */
    uint32_t a, b; /* captures; of a series its first file */
    bool to_server;
    instant_ns ns;
};

struct deltas {
    struct delta *v;
    size_t n, cap;
    uint32_t x, y; /* the captures being compared: of a series its first file */
};

static void add_delta(struct deltas *d, bool to_server, instant_ns tx, instant_ns ty)
{
    if (tx == INSTANT_NONE || ty == INSTANT_NONE || !vec_reserve(d, d->n + 1))
        return;
    bool turn = d->x > d->y;
    instant_ns apart = turn ? sane_time(tx) - sane_time(ty) : sane_time(ty) - sane_time(tx);
    if (is_sane_offset(apart))
        d->v[d->n++] = (struct delta){turn ? d->y : d->x, turn ? d->x : d->y, to_server, apart};
}

static void compare_records(const struct case_file *c, struct deltas *d,
                            const struct connection_record *x, const struct connection_record *y)
{
    d->x = case_series(c, x->capture);
    d->y = case_series(c, y->capture);
    bool turned = x->client_guessed != y->client_guessed && !endpoint_eq(&x->client, &y->client);
    if (d->x == d->y || turned)
        return;
    add_delta(d, true, x->syn_time, y->syn_time);
    add_delta(d, false, x->synack_time, y->synack_time);
    add_delta(d, true, x->fin_time[0], y->fin_time[0]);
    add_delta(d, false, x->fin_time[1], y->fin_time[1]);
    for (unsigned side = 0; side < 2; side++) {
        bool one_sided = record_saw_rst(x, side) && record_saw_rst(y, side) &&
                         !record_saw_rst(x, 1 - side) && !record_saw_rst(y, 1 - side);
        if (one_sided)
            add_delta(d, side == 0, x->rst_time, y->rst_time);
    }
}

static int compare_delta(const void *p, const void *q)
{
    const struct delta *x = p, *y = q;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    if (x->to_server != y->to_server)
        return x->to_server ? 1 : -1;
    return x->ns < y->ns ? -1 : x->ns > y->ns;
}

/* A packet takes longer one way or the other, but never less than the path: the least delayed of
 * both directions bound the offset from both sides.  v is sorted: to the client first. */
static struct vantage_pair pair_of(const struct delta *v, size_t n)
{
    struct vantage_pair p = {.a = v[0].a, .b = v[0].b};
    size_t n_back = 0;
    while (n_back < n && !v[n_back].to_server)
        n_back++;
    size_t n_out = n - n_back;
    if (!n_back || !n_out) {
        p.offset = v[n / 2].ns;
        return p;
    }
    p.both_ways = true;
    const struct delta *back = v, *out = v + n_back;
    bool b_at_server = out[n_out / 2].ns >= back[n_back / 2].ns;
    instant_ns forth = b_at_server ? out[0].ns : out[n_out - 1].ns;
    instant_ns home = b_at_server ? back[n_back - 1].ns : back[0].ns;
    p.offset = home + (forth - home) / 2;
    p.delay = (forth - home) / 2;
    return p;
}

/* One wire, one clock, though two writers. */
static bool is_same_clock(const struct vantage_pair *p)
{
    instant_ns offset = p->offset < 0 ? -p->offset : p->offset;
    instant_ns delay = p->delay < 0 ? -p->delay : p->delay;
    return p->both_ways && delay < SAME_PLACE_NS && offset < SAME_CLOCK_NS;
}

static bool is_measured(const struct vantage_pair *v, size_t n, const struct vantage_pair *p)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].a == p->a && v[i].b == p->b)
            return true;
    return false;
}

/* Adds the pairs that are not there yet: all, or those of one clock.  False without memory. */
static bool add_pairs(struct vantage *v, struct arena *a, struct deltas *d, bool same_clock)
{
    size_t n_pairs = v->n_pairs;
    if (d->n)
        qsort(d->v, d->n, sizeof *d->v, compare_delta);
    for (size_t i = 0; i < d->n; i++)
        n_pairs += !i || d->v[i].a != d->v[i - 1].a || d->v[i].b != d->v[i - 1].b;
    struct vantage_pair *all = arena_array(a, n_pairs + 1, sizeof *all);
    if (!all)
        return false;
    if (v->n_pairs > 0)
        memcpy(all, v->pairs, v->n_pairs * sizeof *all);
    v->pairs = all;
    for (size_t i = 0, k, n_old = v->n_pairs; i < d->n; i = k) {
        for (k = i; k < d->n && d->v[k].a == d->v[i].a && d->v[k].b == d->v[i].b;)
            k++;
        struct vantage_pair p = pair_of(d->v + i, k - i);
        if (!is_measured(all, n_old, &p) && (!same_clock || is_same_clock(&p)))
            all[v->n_pairs++] = p;
    }
    return true;
}

/* Every shared packet of every pair of captures. */
static void collect_deltas(const struct case_file *c, uint32_t *talk_of, struct deltas *out)
{
    uint32_t *newest = calloc(c->n_records + 1, sizeof *newest); /* by talk: record + 1 */
    for (size_t i = 0; newest && i < c->n_records; i++) {
        uint32_t talk = twins_root(talk_of, (uint32_t)i);
        if (newest[talk])
            compare_records(c, out, &c->records[newest[talk] - 1], &c->records[i]);
        if (newest[talk] && newest[talk] - 1 != talk)
            compare_records(c, out, &c->records[talk], &c->records[i]);
        newest[talk] = (uint32_t)i + 1;
    }
    free(newest);
}

static void spread_clocks(struct vantage *v, const struct vantage_pair *p, size_t n,
                          size_t n_captures)
{
    v->known[0] = n_captures > 0;
    for (size_t round = 0; round < n_captures; round++) {
        bool moved = false;
        for (size_t i = 0; i < n; i++) {
            if (v->known[p[i].a] == v->known[p[i].b])
                continue;
            bool forward = v->known[p[i].a];
            uint32_t from = forward ? p[i].a : p[i].b, to = forward ? p[i].b : p[i].a;
            instant_ns shift = v->shift[from] + (forward ? p[i].offset : -p[i].offset);
            if (!is_sane_offset(shift))
                continue;
            v->shift[to] = shift;
            v->known[to] = moved = true;
        }
        if (!moved)
            return;
    }
}

#define SAMPLE 64

struct sample { /* some connections of one capture */
    const struct connection_record *v[SAMPLE];
    size_t n;
};

/* Hop counts by which both captures see the same addresses: -1 they differ, so the captures stand
 * at different places; 1 they agree; 0 nothing to compare. */
static int compare_hops(const struct sample *x, const struct sample *y)
{
    int agree = 0;
    for (size_t i = 0; i < x->n; i++)
        for (size_t j = 0; j < y->n; j++) {
            const struct connection_record *a = x->v[i], *b = y->v[j];
            if (!address_eq(&a->client.ip, &b->client.ip) ||
                !address_eq(&a->server.ip, &b->server.ip))
                continue;
            for (unsigned side = 0; side < 2; side++) {
                if (a->ttl[side] && b->ttl[side] && a->ttl[side] != b->ttl[side])
                    return -1;
                agree += a->ttl[side] && b->ttl[side];
            }
        }
    return agree > 0;
}

/* Of the series that begins with that capture. */
static instant_ns last_of(const struct case_file *c, uint32_t first)
{
    uint32_t n = c->captures[first].n_files;
    return c->captures[n > 1 ? first + n - 1 : first].last;
}

static bool same_place(const struct case_file *c, const struct sample *samples,
                       const struct vantage_pair *p, size_t n, uint32_t x, uint32_t y)
{
    if (compare_hops(&samples[x], &samples[y]) <= 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i].a == x && p[i].b == y)
            return is_same_clock(&p[i]);
    /* nothing shared: one file after the other, from the same place */
    return last_of(c, x) <= c->captures[y].first || last_of(c, y) <= c->captures[x].first;
}

/* The files of a series have one clock and stand at one place. */
static void spread_over_series(struct vantage *v, struct case_file *c)
{
    for (uint32_t i = 0; i < c->n_captures; i++) {
        uint32_t first = case_series(c, i);
        v->shift[i] = v->shift[first];
        v->known[i] = v->known[first];
        c->captures[i].vantage = c->captures[first].vantage;
    }
}

static bool number_places(struct case_file *c, const struct vantage_pair *p, size_t n)
{
    uint32_t places = 0;
    struct sample *samples = calloc(c->n_captures + 1, sizeof *samples);
    if (!samples)
        return false;
    for (size_t i = 0; c->n_captures > 1 && i < c->n_records; i++) {
        struct sample *s = &samples[case_series(c, c->records[i].capture)];
        if (s->n < SAMPLE)
            s->v[s->n++] = &c->records[i];
    }
    for (uint32_t i = 0; i < c->n_captures; i++) {
        c->captures[i].vantage = 0;
        if (case_series(c, i) != i)
            continue;
        for (uint32_t k = 0; k < i && k < SAMPLE && !c->captures[i].vantage; k++)
            if (same_place(c, samples, p, n, k, i))
                c->captures[i].vantage = c->captures[k].vantage;
        if (!c->captures[i].vantage)
            c->captures[i].vantage = ++places;
    }
    free(samples);
    return true;
}

/* Captures that share no beginning may share the ends of connections that one of them took up in
 * the middle: ports and times alone tie those, so only a clock that is the same is believed. */
static bool measure_middles(struct vantage *v, struct arena *a, const struct case_file *c)
{
    struct deltas deltas = {0};
    uint32_t *talk_of = malloc((c->n_records + 1) * sizeof *talk_of);
    if (!talk_of)
        return false;
    memcpy(talk_of, v->talk_of, c->n_records * sizeof *talk_of);
    bool good = twins_by_ends(c, v->shift, talk_of);
    if (good)
        collect_deltas(c, talk_of, &deltas);
    good = good && add_pairs(v, a, &deltas, true);
    vec_finish(&deltas);
    free(talk_of);
    return good;
}

bool vantage_measure(struct vantage *v, struct arena *a, struct case_file *c)
{
    v->shift = arena_array(a, c->n_captures + 1, sizeof *v->shift);
    v->known = arena_array(a, c->n_captures + 1, sizeof *v->known);
    v->talk_of = arena_array(a, c->n_records + 1, sizeof *v->talk_of);
    if (!v->shift || !v->known || !v->talk_of)
        return false;
    for (size_t i = 0; i < c->n_records; i++)
        v->talk_of[i] = (uint32_t)i;
    struct deltas deltas = {0};
    if (!twins_by_isn(c, v->talk_of))
        return false;
    if (c->n_captures > 1)
        collect_deltas(c, v->talk_of, &deltas);
    bool good = add_pairs(v, a, &deltas, false);
    vec_finish(&deltas);
    if (!good || (c->n_captures > 1 && !measure_middles(v, a, c)))
        return false;
    spread_clocks(v, v->pairs, v->n_pairs, c->n_captures);
    if (!number_places(c, v->pairs, v->n_pairs))
        return false;
    spread_over_series(v, c);
    for (size_t i = 0; i < c->n_captures; i++) {
        c->captures[i].clock_offset_known = v->known[i];
        c->captures[i].clock_offset_ns = v->shift[i];
    }
    return c->n_captures < 2 || twins_by_ends(c, v->shift, v->talk_of);
}

static bool is_seen_again(const struct case_file *c, const struct roster *r, uint32_t talk,
                          uint32_t record)
{
    const struct connection_record *x = &r->records[record];
    bool again = false;
    for (uint32_t i = talk; i != ROSTER_NONE && i != record; i = r->next[i]) {
        const struct connection_record *y = &r->records[i];
        if (!twins_same_ends(x, y))
            continue;
        if (case_series(c, x->capture) == case_series(c, y->capture))
            return false; /* counted with its first file */
        again |= c->captures[x->capture].vantage == c->captures[y->capture].vantage;
    }
    return again;
}

uint64_t vantage_n_again(const struct case_file *c, const struct roster *r)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < r->n && c->n_captures > 1; i++)
        n += r->talk[i] != i && is_seen_again(c, r, r->talk[i], i);
    return n;
}
