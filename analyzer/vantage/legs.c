/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legs by NAT are records of one talk with other ends.  Legs by proxy are two resets whose clients
 * said the same, the second opened while the first was open (in one capture its host is the server
 * of the one and the client of the other), or those that halves.h finds by their times.
 */
#include "analyzer/vantage/legs.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/vantage/halves.h"
#include "parsers/base/hash.h"
#include "parsers/base/map.h"
#include "parsers/base/radix.h"

#define LEGS_MAX 8
#define PAIRS_MAX (LEGS_MAX + 2) /* of ends: a reset's own, either way round, are no leg */
#define WORDS_MIN 24             /* bytes; shorter greetings are everybody's */
#define WORDS_MAX 96
#define TOGETHER_NS (10 * NS_PER_S) /* between the two resets */

static bool add(struct case_file *c, struct reset *r, const struct leg *leg)
{
    struct reset_ties *ties = reset_tie(&c->arena, r);
    if (!ties)
        return false;
    for (size_t i = 0; i < ties->n_legs; i++)
        if (endpoint_eq(&ties->legs[i].client, &leg->client) &&
            endpoint_eq(&ties->legs[i].server, &leg->server))
            return true;
    if (ties->n_legs >= LEGS_MAX)
        return true;
    struct leg *v = arena_array(&c->arena, ties->n_legs + 1, sizeof *v);
    if (!v)
        return false;
    if (ties->n_legs > 0)
        memcpy(v, ties->legs, ties->n_legs * sizeof *v);
    v[ties->n_legs] = *leg;
    if (leg->by == LEG_PROXY) {
        char name[ENDPOINT_TEXT_MAX];
        endpoint_format(&leg->server, name);
        v[ties->n_legs].server_name = arena_text(&c->arena, text_of(name));
        c->any_proxied = true;
    }
    ties->legs = v;
    ties->n_legs++;
    return true;
}

/* ---- NAT ---- */

static bool same_pair(const struct reset *x, const struct connection_record *rec)
{
    const struct endpoint *c = reset_end(x, SIDE_CLIENT), *s = reset_end(x, SIDE_SERVER);
    return (endpoint_eq(c, &rec->client) && endpoint_eq(s, &rec->server)) ||
           (endpoint_eq(c, &rec->server) && endpoint_eq(s, &rec->client));
}

/* The first record of the talk with each pair of ends, as many as it takes: a connection may lie in
 * thousands of copies of a capture. */
static size_t list_pairs(const struct roster *r, uint32_t talk,
                         const struct connection_record *out[PAIRS_MAX])
{
    size_t n = 0;
    for (uint32_t i = talk; i != ROSTER_NONE && n < PAIRS_MAX; i = r->next[i]) {
        const struct connection_record *rec = &r->records[i];
        size_t k = 0;
        while (k < n && !(endpoint_eq(&out[k]->client, &rec->client) &&
                          endpoint_eq(&out[k]->server, &rec->server)))
            k++;
        if (k == n)
            out[n++] = rec;
    }
    return n;
}

static bool tie_by_nat(struct case_file *c, struct reset *x,
                       const struct connection_record *const *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct connection_record *rec = pairs[i];
        if (same_pair(x, rec))
            continue;
        const struct leg leg = {.by = LEG_NAT,
                                .capture = rec->capture,
                                .stream = rec->stream,
                                .client = rec->client,
                                .server = rec->server};
        if (!add(c, x, &leg))
            return false;
    }
    return true;
}

static bool tie_talk(const struct roster *r, struct case_file *c, uint32_t talk)
{
    const struct connection_record *pairs[PAIRS_MAX];
    size_t n = 0; /* not listed yet: few talks have a reset */
    for (uint32_t i = talk; i != ROSTER_NONE; i = r->next[i])
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++) {
            n = n > 0 ? n : list_pairs(r, talk, pairs);
            if (!tie_by_nat(c, r->reset_at[k], pairs, n))
                return false;
        }
    return true;
}

/* ---- proxy ---- */

struct said { /* what a reset's client said first */
    struct text words;
    const struct halves_reset *of;
};

static bool same_words(const struct said *a, const struct said *b)
{
    return text_eq(a->words, b->words);
}

static bool is_same_series(const struct case_file *c, const struct reset *a, const struct reset *b)
{
    return case_series(c, reset_capture(a)) == case_series(c, reset_capture(b));
}

/* A NAT changes neither end's first number. */
static bool has_own_numbers(const struct connection *x, const struct connection *y)
{
    const struct end *p = &x->end[SIDE_SERVER], *q = &y->end[SIDE_SERVER];
    return !p->isn_known || !q->isn_known || p->isn != q->isn;
}

/* Whether a's server took a's connection and made b's for it. */
static bool is_front_of(const struct halves *h, const struct halves_reset *a,
                        const struct halves_reset *b)
{
    const struct connection *x = reset_connection(a->reset), *y = reset_connection(b->reset);
    const instant_ns rst = halves_time(h, a->record, a->reset->deciding.segment.time);
    const instant_ns apart =
        instant_since(rst, halves_time(h, b->record, b->reset->deciding.segment.time));
    const instant_ns opened = halves_time(h, b->record, y->first_time);
    const bool at_host = roster_is_at_end(x->end[SIDE_SERVER].ttl_max) &&
                         roster_is_at_end(y->end[SIDE_CLIENT].ttl_max);
    return (is_same_series(h->of, a->reset, b->reset) ? at_host : has_own_numbers(x, y)) &&
           !address_eq(&x->end[SIDE_CLIENT].at.ip, &y->end[SIDE_CLIENT].at.ip) &&
           !endpoint_eq(&x->end[SIDE_SERVER].at, &y->end[SIDE_SERVER].at) &&
           halves_time(h, a->record, x->first_time) <= opened && opened <= rst &&
           apart != INSTANT_NONE && apart < TOGETHER_NS && apart > -TOGETHER_NS;
}

static bool tie_pair(const struct halves *h, struct case_file *c, const struct halves_reset *front,
                     const struct halves_reset *back)
{
    struct leg on, from;
    halves_describe(h, front, back->record, SIDE_SERVER, true, &on);
    halves_describe(h, back, front->record, SIDE_CLIENT, true, &from);
    return add(c, front->reset, &on) && add(c, back->reset, &from);
}

static size_t collect_said(const struct halves *h, struct said *v)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_resets; i++) {
        const struct text head = reset_connection(h->resets[i].reset)->end[SIDE_CLIENT].head;
        if (head.n >= WORDS_MIN)
            v[n++] = (struct said){text_slice(head, 0, WORDS_MAX), &h->resets[i]};
    }
    return n;
}

/* The same words side by side: by their hash. */
static void order_by_words(const struct said *v, size_t n, struct radix_item *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] =
            (struct radix_item){hash_bytes(v[i].words.p, v[i].words.n, map_seed()), (uint32_t)i};
    radix_sort(order, order + n, n);
}

/* Whether those at i and i + 1 said the same, and no others did. */
static bool are_alone(const struct said *v, const struct radix_item *order, size_t n, size_t i)
{
    const struct said *a = &v[order[i].value], *b = &v[order[i + 1].value];
    return same_words(a, b) && (i == 0 || !same_words(&v[order[i - 1].value], a)) &&
           (i + 2 == n || !same_words(b, &v[order[i + 2].value]));
}

static bool tie_by_words(const struct halves *h, struct case_file *c)
{
    struct said *v = malloc((h->n_resets + 1) * sizeof *v);
    const size_t n = v ? collect_said(h, v) : 0;
    struct radix_item *order = v ? radix_room(n) : NULL;
    bool good = order != NULL;
    if (good)
        order_by_words(v, n, order);
    for (size_t i = 0; good && i + 1 < n; i++) {
        if (!are_alone(v, order, n, i))
            continue;
        const struct halves_reset *a = v[order[i].value].of, *b = v[order[i + 1].value].of;
        const bool before = is_front_of(h, a, b), behind = is_front_of(h, b, a);
        if (before != behind)
            good = before ? tie_pair(h, c, a, b) : tie_pair(h, c, b, a);
    }
    radix_room_free(order, n);
    free(v);
    return good;
}

static bool has_proxy_leg(const struct reset *x)
{
    size_t n;
    const struct leg *v = legs_of(x, &n);
    for (size_t i = 0; i < n; i++)
        if (v[i].by == LEG_PROXY)
            return true;
    return false;
}

/* Those that are not tied by what was said. */
static bool tie_by_times(const struct halves *h, struct case_file *c)
{
    bool good = true;
    for (size_t i = 0; good && i < h->n_resets; i++) {
        struct leg leg;
        if (!has_proxy_leg(h->resets[i].reset) && halves_find(h, &h->resets[i], &leg))
            good = add(c, h->resets[i].reset, &leg);
    }
    return good;
}

bool legs_tie(const struct roster *r, struct case_file *c)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (r->talk[i] == i && !tie_talk(r, c, i))
            return false;
    struct halves h;
    if (!halves_begin(&h, r, c))
        return false;
    const bool good = tie_by_words(&h, c) && tie_by_times(&h, c);
    halves_finish(&h);
    return good;
}
