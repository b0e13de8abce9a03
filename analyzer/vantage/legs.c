/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legs by NAT are records of one talk with other ends.  Legs by proxy are two resets in one capture
 * whose clients said the same: the host of the capture is the server of the one and the client of
 * the other, and the second was opened while the first was open.
 */
#include "analyzer/vantage/legs.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/hash.h"
#include "parsers/base/map.h"
#include "parsers/base/radix.h"

#define LEGS_MAX 8
#define WORDS_MIN 24 /* bytes; shorter greetings are everybody's */
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

static bool tie_by_nat(const struct roster *r, struct case_file *c, uint32_t record,
                       struct reset *x)
{
    for (uint32_t i = r->talk[record]; i != ROSTER_NONE; i = r->next[i]) {
        const struct connection_record *rec = &r->records[i];
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

/* ---- proxy ---- */

struct said { /* what a reset's client said first */
    struct text words;
    struct reset *reset;
    uint32_t series;
};

static bool same_words(const struct said *a, const struct said *b)
{
    return a->series == b->series && text_eq(a->words, b->words);
}

static bool is_at_end(unsigned ttl)
{
    return ttl == 64 || ttl == 128 || ttl == 255;
}

/* Whether the capture's host took a's connection and made b's for it. */
static bool is_front_of(const struct reset *a, const struct reset *b)
{
    const struct connection *x = reset_connection(a), *y = reset_connection(b);
    instant_ns apart = a->deciding.segment.time - b->deciding.segment.time;
    return is_at_end(x->end[SIDE_SERVER].ttl_max) && is_at_end(y->end[SIDE_CLIENT].ttl_max) &&
           !address_eq(&x->end[SIDE_CLIENT].at.ip, &y->end[SIDE_CLIENT].at.ip) &&
           !endpoint_eq(&x->end[SIDE_SERVER].at, &y->end[SIDE_SERVER].at) &&
           x->first_time <= y->first_time && y->first_time <= a->deciding.segment.time &&
           apart < TOGETHER_NS && apart > -TOGETHER_NS;
}

static bool tie_pair(struct case_file *c, struct reset *a, struct reset *b)
{
    for (int turn = 0; turn < 2; turn++) {
        struct reset *x = turn ? b : a, *y = turn ? a : b;
        const struct leg leg = {.by = LEG_PROXY,
                                .capture = reset_capture(y),
                                .stream = reset_stream(y),
                                .client = *reset_end(y, SIDE_CLIENT),
                                .server = *reset_end(y, SIDE_SERVER),
                                .reset = y};
        if (!add(c, x, &leg))
            return false;
    }
    return true;
}

static size_t collect_said(const struct case_file *c, struct said *v)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_resets; i++) {
        resets_fetch_heads(c->resets, c->n_resets, i);
        if (c->resets[i]->outline) /* nothing was said */
            continue;
        const struct connection *k = reset_connection(c->resets[i]);
        struct text head = k->end[SIDE_CLIENT].head;
        if (head.n >= WORDS_MIN)
            v[n++] = (struct said){.words = text_slice(head, 0, WORDS_MAX),
                                   .reset = c->resets[i],
                                   .series = case_series(c, k->capture)};
    }
    return n;
}

/* The same words in one series side by side, in order of time: by their hash. */
static void order_by_words(const struct said *v, size_t n, struct radix_item *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (struct radix_item){
            hash_bytes(v[i].words.p, v[i].words.n, map_seed() + v[i].series), (uint32_t)i};
    radix_sort(order, order + n, n);
}

/* Whether those at i and i + 1 said the same, and no others did. */
static bool are_alone(const struct said *v, const struct radix_item *order, size_t n, size_t i)
{
    const struct said *a = &v[order[i].value], *b = &v[order[i + 1].value];
    return same_words(a, b) && (i == 0 || !same_words(&v[order[i - 1].value], a)) &&
           (i + 2 == n || !same_words(b, &v[order[i + 2].value]));
}

static bool tie_by_proxy(struct case_file *c)
{
    struct said *v = malloc((c->n_resets + 1) * sizeof *v);
    const size_t n = v ? collect_said(c, v) : 0;
    struct radix_item *order = v ? radix_room(n) : NULL;
    bool good = order != NULL;
    if (good)
        order_by_words(v, n, order);
    for (size_t i = 0; good && i + 1 < n; i++) {
        struct reset *a = v[order[i].value].reset, *b = v[order[i + 1].value].reset;
        if (are_alone(v, order, n, i) && is_front_of(a, b) != is_front_of(b, a))
            good = tie_pair(c, a, b);
    }
    radix_room_free(order, n);
    free(v);
    return good;
}

bool legs_tie(const struct roster *r, struct case_file *c)
{
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++)
            if (!tie_by_nat(r, c, i, r->reset_at[k]))
                return false;
    return tie_by_proxy(c);
}
