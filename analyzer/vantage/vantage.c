/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/vantage/vantage.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/vantage/places.h"
#include "analyzer/vantage/twins.h"
#include "parsers/base/order.h"
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

bool vantage_is_one_clock(const struct vantage_pair *p)
{
    instant_ns offset = p->offset < 0 ? -p->offset : p->offset;
    instant_ns delay = p->delay < 0 ? -p->delay : p->delay;
    return p->both_ways && delay < SAME_PLACE_NS && offset < SAME_CLOCK_NS;
}

static int compare_pair(const void *p, const void *q)
{
    const struct vantage_pair *x = p, *y = q;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

const struct vantage_pair *vantage_pair_of(const struct vantage *v, uint32_t x, uint32_t y)
{
    struct vantage_pair key = {.a = x < y ? x : y, .b = x < y ? y : x};
    return v->n_pairs ? bsearch(&key, v->pairs, v->n_pairs, sizeof key, compare_pair) : NULL;
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
    size_t n = v->n_pairs;
    for (size_t i = 0, k; i < d->n; i = k) {
        for (k = i; k < d->n && d->v[k].a == d->v[i].a && d->v[k].b == d->v[i].b;)
            k++;
        struct vantage_pair p = pair_of(d->v + i, k - i);
        if (!vantage_pair_of(v, p.a, p.b) && (!same_clock || vantage_is_one_clock(&p)))
            all[n++] = p;
    }
    v->pairs = all;
    v->n_pairs = n;
    qsort(all, n, sizeof *all, compare_pair);
    return true;
}

#define COMPARED_MAX 8 /* sights of a connection that each is compared with, and the first */

/* What the captures share: the packets of connections that two of them hold. */
static void collect_deltas(const struct case_file *c, uint32_t *talk_of, struct deltas *out)
{
    const size_t n = c->n_records;
    uint32_t *newest = calloc(n + 1, sizeof *newest); /* by talk: record + 1 */
    uint32_t *before = calloc(n + 1, sizeof *before); /* by record: the one before it, + 1 */
    for (size_t i = 0; newest && before && i < n; i++) {
        const uint32_t talk = twins_root(talk_of, (uint32_t)i);
        uint32_t k = before[i] = newest[talk];
        for (unsigned left = COMPARED_MAX; k && left > 0; left--, k = before[k - 1])
            compare_records(c, out, &c->records[k - 1], &c->records[i]);
        if (k)
            compare_records(c, out, &c->records[talk], &c->records[i]);
        newest[talk] = (uint32_t)i + 1;
    }
    free(newest);
    free(before);
}

/* The pairs of each capture: those of i are at[from[i]..from[i + 1]). */
struct neighbours {
    uint32_t *from, *at, *queue;
};

static void neighbours_finish(struct neighbours *n)
{
    free(n->from);
    free(n->at);
    free(n->queue);
}

static bool neighbours_init(struct neighbours *n, const struct vantage *v, size_t n_captures)
{
    *n = (struct neighbours){.from = calloc(n_captures + 2, sizeof *n->from),
                             .at = calloc(2 * v->n_pairs + 1, sizeof *n->at),
                             .queue = calloc(n_captures + 1, sizeof *n->queue)};
    if (!n->from || !n->at || !n->queue)
        return false;
    for (size_t i = 0; i < v->n_pairs; i++) {
        n->from[v->pairs[i].a + 2]++;
        n->from[v->pairs[i].b + 2]++;
    }
    for (size_t i = 0; i < n_captures; i++)
        n->from[i + 1] += n->from[i];
    for (size_t i = 0; i < v->n_pairs; i++) {
        n->at[n->from[v->pairs[i].a + 1]++] = (uint32_t)i;
        n->at[n->from[v->pairs[i].b + 1]++] = (uint32_t)i;
    }
    return true;
}

/* Everything that can be reached from there, the nearest first. */
static void spread_clock(struct vantage *v, const struct neighbours *of, uint32_t root)
{
    size_t n = 0;
    of->queue[n++] = root;
    for (size_t done = 0; done < n; done++) {
        uint32_t from = of->queue[done];
        for (uint32_t i = of->from[from]; i < of->from[from + 1]; i++) {
            const struct vantage_pair *p = &v->pairs[of->at[i]];
            uint32_t to = p->a == from ? p->b : p->a;
            instant_ns shift = v->shift[from] + (p->a == from ? p->offset : -p->offset);
            if (to <= root || v->clock[to] != to || !is_sane_offset(shift))
                continue;
            v->shift[to] = shift;
            v->clock[to] = root;
            of->queue[n++] = to;
        }
    }
}

/* What shares no packet with the first capture may share some with others. */
static bool spread_clocks(struct vantage *v, size_t n_captures)
{
    struct neighbours of;
    bool good = neighbours_init(&of, v, n_captures);
    for (uint32_t i = 0; i < n_captures; i++)
        v->clock[i] = i;
    for (uint32_t i = 0; good && i < n_captures; i++)
        if (v->clock[i] == i)
            spread_clock(v, &of, i);
    neighbours_finish(&of);
    return good;
}

/* The files of a series have one clock and stand at one place. */
static void spread_over_series(struct vantage *v, struct case_file *c)
{
    for (uint32_t i = 0; i < c->n_captures; i++) {
        uint32_t first = case_series(c, i);
        v->shift[i] = v->shift[first];
        v->clock[i] = v->clock[first];
        c->captures[i].vantage = c->captures[first].vantage;
        c->captures[i].vantage_first = c->captures[first].vantage_first;
    }
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
    v->clock = arena_array(a, c->n_captures + 1, sizeof *v->clock);
    v->talk_of = arena_array(a, c->n_records + 1, sizeof *v->talk_of);
    if (!v->shift || !v->clock || !v->talk_of)
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
    if (!spread_clocks(v, c->n_captures) || !places_number(v, c))
        return false;
    spread_over_series(v, c);
    for (size_t i = 0; i < c->n_captures; i++) {
        c->captures[i].clock_offset_known = v->clock[i] == 0;
        c->captures[i].clock_offset_ns = v->shift[i];
    }
    return c->n_captures < 2 || twins_by_ends(c, v->shift, v->talk_of);
}

struct sight { /* of a connection */
    const struct endpoint *low, *high;
    uint32_t place, series;
};

static int compare_place(const struct sight *a, const struct sight *b)
{
    int order = endpoint_cmp(a->low, b->low);
    order = order ? order : endpoint_cmp(a->high, b->high);
    return order ? order : a->place < b->place ? -1 : a->place > b->place;
}

static int compare_sight(const void *x, const void *y)
{
    const struct sight *a = x, *b = y;
    int order = compare_place(a, b);
    return order ? order : a->series < b->series ? -1 : a->series > b->series;
}

static size_t list_sights(const struct case_file *c, const struct roster *r, uint32_t talk,
                          struct sight *out)
{
    size_t n = 0;
    for (uint32_t i = talk; i != ROSTER_NONE; i = r->next[i]) {
        const struct connection_record *x = &r->records[i];
        struct sight *s = &out[n++];
        *s = (struct sight){.place = c->captures[x->capture].vantage,
                            .series = case_series(c, x->capture)};
        twins_ends_in_order(x, &s->low, &s->high);
    }
    return n;
}

/* Of the captures of one place that hold the same ends all but one see them again; the files of a
 * series count as one. */
static uint64_t count_again(struct sight *v, size_t n)
{
    uint64_t n_again = 0;
    order_sort(v, n, sizeof *v, compare_sight);
    for (size_t i = 1; i < n; i++)
        n_again += compare_place(&v[i - 1], &v[i]) == 0 && v[i - 1].series != v[i].series;
    return n_again;
}

bool vantage_n_again(const struct case_file *c, const struct roster *r, uint64_t *n_again)
{
    *n_again = 0;
    if (c->n_captures < 2)
        return true;
    struct sight *v = malloc((r->n + 1) * sizeof *v);
    for (uint32_t i = 0; v && i < r->n; i++)
        if (r->talk[i] == i && r->next[i] != ROSTER_NONE)
            *n_again += count_again(v, list_sights(c, r, i, v));
    free(v);
    return v != NULL;
}

#define TELLERS_MAX 8 /* records of one connection that may tell of others: a NAT makes two */

/* Which of them told of that record's SYN before: one of the same client where there is one. */
static uint32_t teller_of(const struct case_file *c, const struct roster *r,
                          const uint32_t *tellers, size_t n, uint32_t record)
{
    const struct connection_record *x = &r->records[record];
    uint32_t found = CASE_UNTOLD;
    for (size_t i = 0; i < n; i++) {
        const struct connection_record *t = &r->records[tellers[i]];
        if (!endpoint_eq(&t->server, &x->server) ||
            case_series(c, t->capture) == case_series(c, x->capture))
            continue;
        if (endpoint_eq(&t->client, &x->client))
            return tellers[i];
        found = found == CASE_UNTOLD ? tellers[i] : found;
    }
    return found;
}

static bool is_other_client(const struct roster *r, uint32_t teller, uint32_t record)
{
    return teller == CASE_UNTOLD ||
           !endpoint_eq(&r->records[teller].client, &r->records[record].client);
}

bool vantage_tell_once(const struct roster *r, struct case_file *c)
{
    if (c->n_captures < 2)
        return true;
    uint32_t *told_by = arena_array(&c->arena, r->n + (size_t)1, sizeof *told_by);
    if (!told_by)
        return false;
    memset(told_by, 0xff, r->n * sizeof *told_by); /* CASE_UNTOLD */
    for (uint32_t talk = 0; talk < r->n; talk++) {
        uint32_t tellers[TELLERS_MAX];
        size_t n = 0;
        for (uint32_t i = r->talk[talk] == talk ? talk : ROSTER_NONE; i != ROSTER_NONE;
             i = r->next[i]) {
            if (r->records[i].syn_time == INSTANT_NONE)
                continue;
            told_by[i] = teller_of(c, r, tellers, n, i);
            if (is_other_client(r, told_by[i], i) && n < TELLERS_MAX)
                tellers[n++] = i;
        }
    }
    c->told_by = told_by;
    return true;
}
