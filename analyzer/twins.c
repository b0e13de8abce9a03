/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/twins.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/roster.h"

/* The same client sequence number and timestamp may come again after this long. */
#define ISN_LIFE_NS (7200 * NS_PER_S)
/* How far one capture may begin after another ended and still hold the same connection's rest. */
#define HANDOVER_NS (60 * NS_PER_S)

uint32_t twins_root(uint32_t *talk_of, uint32_t i)
{
    while (talk_of[i] != i) {
        talk_of[i] = talk_of[talk_of[i]];
        i = talk_of[i];
    }
    return i;
}

void twins_join(uint32_t *talk_of, uint32_t a, uint32_t b)
{
    a = twins_root(talk_of, a);
    b = twins_root(talk_of, b);
    if (a < b)
        talk_of[b] = a;
    else
        talk_of[a] = b;
}

struct isn_key {
    uint64_t isn; /* client's above, server's below; or the client's alone */
    instant_ns first;
    uint32_t record;
};

static int compare_isn(const void *x, const void *y)
{
    const struct isn_key *a = x, *b = y;
    if (a->isn != b->isn)
        return a->isn < b->isn ? -1 : 1;
    return a->record < b->record ? -1 : a->record > b->record;
}

static bool same_ends(const struct connection_record *a, const struct connection_record *b)
{
    return (endpoint_eq(&a->client, &b->client) && endpoint_eq(&a->server, &b->server)) ||
           (endpoint_eq(&a->client, &b->server) && endpoint_eq(&a->server, &b->client));
}

static instant_ns apart(instant_ns a, instant_ns b)
{
    a = sane_time(a);
    b = sane_time(b);
    return a > b ? a - b : b - a;
}

/* With one sequence number only, something else must agree. */
static bool client_alone_agrees(const struct case_file *c, const struct connection_record *a,
                                const struct connection_record *b)
{
    if (a->isn_known[1] && b->isn_known[1] && a->isn[1] != b->isn[1])
        return false;
    if (case_series(c, a->capture) == case_series(c, b->capture))
        return false;
    if (same_ends(a, b))
        return true;
    return a->syn_tsval && a->syn_tsval == b->syn_tsval && a->server.port == b->server.port &&
           apart(a->first_time, b->first_time) < ISN_LIFE_NS;
}

static size_t collect_isn(const struct case_file *c, bool both, struct isn_key *out)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_records; i++) {
        const struct connection_record *r = &c->records[i];
        if (!r->isn_known[0] || (both && !r->isn_known[1]) || r->client_guessed)
            continue;
        uint64_t isn = both ? (uint64_t)r->isn[0] << 32 | r->isn[1] : r->isn[0];
        out[n++] = (struct isn_key){isn, r->first_time, (uint32_t)i};
    }
    qsort(out, n, sizeof *out, compare_isn);
    return n;
}

bool twins_by_isn(const struct case_file *c, uint32_t *talk_of)
{
    struct isn_key *keys = calloc(c->n_records + 1, sizeof *keys);
    if (!keys)
        return false;
    size_t n = collect_isn(c, true, keys);
    for (size_t i = 1; i < n; i++)
        if (keys[i].isn == keys[i - 1].isn)
            twins_join(talk_of, keys[i].record, keys[i - 1].record);
    n = collect_isn(c, false, keys);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n && k < i + 8 && keys[k].isn == keys[i].isn; k++)
            if (client_alone_agrees(c, &c->records[keys[i].record], &c->records[keys[k].record]))
                twins_join(talk_of, keys[i].record, keys[k].record);
    free(keys);
    return true;
}

struct ends_order {
    const struct connection_record *records;
    const instant_ns *shift;
};

/* The lower end first, so that a guessed client does not matter. */
static void ordered(const struct connection_record *r, const struct endpoint **low,
                    const struct endpoint **high)
{
    bool turned = endpoint_cmp(&r->client, &r->server) > 0;
    *low = turned ? &r->server : &r->client;
    *high = turned ? &r->client : &r->server;
}

static instant_ns first_of(const struct ends_order *o, uint32_t i)
{
    return sane_time(o->records[i].first_time) - o->shift[o->records[i].capture];
}

static int compare_ends(const void *x, const void *y, void *ctx)
{
    const struct ends_order *o = ctx;
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    const struct endpoint *al, *ah, *bl, *bh;
    ordered(&o->records[a], &al, &ah);
    ordered(&o->records[b], &bl, &bh);
    int order = endpoint_cmp(al, bl);
    order = order ? order : endpoint_cmp(ah, bh);
    if (order)
        return order;
    instant_ns at = first_of(o, a), bt = first_of(o, b);
    if (at != bt)
        return at < bt ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Sequence numbers, where both know them, must not speak against it. */
static bool isn_denies(const struct connection_record *a, const struct connection_record *b)
{
    bool turned = !endpoint_eq(&a->client, &b->client);
    for (unsigned side = 0; side < 2; side++) {
        unsigned other = turned ? 1 - side : side;
        if (a->isn_known[side] && b->isn_known[other] && a->isn[side] != b->isn[other])
            return true;
    }
    return false;
}

bool twins_by_ends(const struct case_file *c, const instant_ns *shift, uint32_t *talk_of)
{
    struct ends_order o = {c->records, shift};
    uint32_t *order = calloc(c->n_records + 1, sizeof *order);
    if (!order)
        return false;
    for (size_t i = 0; i < c->n_records; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, c->n_records, sizeof *order, compare_ends, &o);
    for (size_t i = 1; i < c->n_records; i++) {
        const struct connection_record *a = &c->records[order[i - 1]], *b = &c->records[order[i]];
        if (a->capture == b->capture || !same_ends(a, b) || isn_denies(a, b))
            continue;
        if (!a->began_mid_stream && !b->began_mid_stream)
            continue; /* both saw the beginning: the numbers have spoken */
        instant_ns end = sane_time(a->last_time) - shift[a->capture];
        if (first_of(&o, order[i]) <= end + HANDOVER_NS)
            twins_join(talk_of, order[i - 1], order[i]);
    }
    free(order);
    return true;
}
