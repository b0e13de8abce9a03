/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/vantage/twins.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/vantage/roster.h"
#include "parsers/base/arena.h"
#include "parsers/base/prefetch.h"
#include "parsers/base/radix.h"

/* The same client sequence number and timestamp may come again after this long. */
#define ISN_LIFE_NS (7200 * NS_PER_S)
/* How far one capture may begin after another ended and still hold the same connection's rest. */
#define HANDOVER_NS (60 * NS_PER_S)
#define LEG_DELAY_NS NS_PER_S /* how long a box may hold a SYN before it goes on */
#define LEGS_MAX 4            /* tuples of one connection in one capture */
#define ALONE_MAX 8           /* records with one number of the client that are all compared */

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

bool twins_same_ends(const struct connection_record *a, const struct connection_record *b)
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
    if (record_isn_known(a, 1) && record_isn_known(b, 1) && a->isn[1] != b->isn[1])
        return false;
    if (case_series(c, a->capture) == case_series(c, b->capture))
        return false;
    if (twins_same_ends(a, b))
        return true;
    return a->syn_tsval && a->syn_tsval == b->syn_tsval && a->server.port == b->server.port &&
           apart(a->first_time, b->first_time) < ISN_LIFE_NS;
}

/* ---- which sequence numbers come more than once ---- */

#define REPEATS_ROOM 8    /* bits a number: one in so many that come once passes all the same */
#define REPEATS_BEHIND 32 /* numbers whose bits are fetched while that of another is set */

struct repeats {
    uint64_t *words; /* two of each place: numbers that came, and those that came again */
    size_t n_bytes;
    unsigned shift;
};

static bool repeats_init(struct repeats *s, size_t n)
{
    unsigned n_bits = 6;
    while (((size_t)1 << n_bits) / REPEATS_ROOM < n && n_bits < 32)
        n_bits++;
    s->shift = 32 - n_bits;
    s->n_bytes = ((size_t)1 << n_bits) / 4;
    s->words = allocator_heap.alloc(NULL, s->n_bytes);
    return s->words != NULL;
}

static void repeats_finish(struct repeats *s)
{
    if (s->words)
        allocator_heap.release(NULL, s->words, s->n_bytes);
}

static uint64_t *repeats_place(const struct repeats *s, uint32_t hash)
{
    return &s->words[hash >> s->shift >> 6 << 1];
}

static uint64_t repeats_bit(const struct repeats *s, uint32_t hash)
{
    return (uint64_t)1 << (hash >> s->shift & 63);
}

static void repeats_note(struct repeats *s, uint32_t hash)
{
    uint64_t *place = repeats_place(s, hash);
    const uint64_t bit = repeats_bit(s, hash);
    place[1] |= place[0] & bit;
    place[0] |= bit;
}

/* Whether it was noted more than once; now and then true of one that was not. */
static bool repeats_has(const struct repeats *s, uint32_t hash)
{
    return repeats_place(s, hash)[1] & repeats_bit(s, hash);
}

/* The number of the client above and of the server below, or of the client alone. */
static uint64_t isn_of(const struct connection_record *r, bool both)
{
    return both ? (uint64_t)r->isn[0] << 32 | r->isn[1] : r->isn[0];
}

static bool is_isn_known(const struct connection_record *r, bool both)
{
    return record_isn_known(r, 0) && (!both || record_isn_known(r, 1)) && !r->client_guessed;
}

#define NO_HASH 0 /* the number is not known */

static uint32_t isn_hash(const struct connection_record *r, bool both)
{
    const uint64_t hash = isn_of(r, both) * 0x9e3779b97f4a7c15u; /* Knuth's golden ratio */
    return is_isn_known(r, both) ? (uint32_t)(hash >> 32) | 1 : NO_HASH;
}

/* hash: room for one of each record. */
static void note_isn(const struct case_file *c, bool both, struct repeats *s, uint32_t *hash)
{
    const size_t n = c->n_records;
    for (size_t i = 0; i < n + REPEATS_BEHIND; i++) {
        if (i < n) {
            hash[i] = isn_hash(&c->records[i], both);
            __builtin_prefetch(repeats_place(s, hash[i]));
        }
        if (i >= REPEATS_BEHIND && hash[i - REPEATS_BEHIND] != NO_HASH)
            repeats_note(s, hash[i - REPEATS_BEHIND]);
    }
}

/* Records whose numbers others have, too, and a few more, by their number; those of one number in
 * order of record.  out has room for two of each record. */
static size_t collect_isn(const struct case_file *c, bool both, struct radix_item *out)
{
    size_t n_may = 0, n = 0;
    struct repeats s;
    uint32_t *hash = malloc((c->n_records + 1) * sizeof *hash);
    const bool is_sifted = repeats_init(&s, c->n_records) && hash;
    if (is_sifted)
        note_isn(c, both, &s, hash);
    for (size_t i = 0; i < c->n_records; i++)
        if (!is_sifted || (hash[i] != NO_HASH && repeats_has(&s, hash[i])))
            out[n_may++].value = (uint32_t)i;
    for (size_t i = 0; i < n_may; i++) {
        const struct connection_record *r = &c->records[out[i].value];
        if (i + REPEATS_BEHIND < n_may)
            prefetch_bytes(&c->records[out[i + REPEATS_BEHIND].value], sizeof *r);
        if (is_isn_known(r, both))
            out[n++] = (struct radix_item){isn_of(r, both), out[i].value};
    }
    repeats_finish(&s);
    free(hash);
    radix_sort(out, out + n, n);
    return n;
}

/* Both sequence numbers agree within one capture: two legs of a NAT, if a box between them took the
 * time and the hop that a box takes.  Generated traffic may use the same numbers throughout. */
static bool are_legs(const struct connection_record *a, const struct connection_record *b)
{
    if (twins_same_ends(a, b))
        return true; /* one connection taken up again */
    bool moved =
        !address_eq(&a->client.ip, &b->client.ip) || !address_eq(&a->server.ip, &b->server.ip);
    bool hop = !a->ttl[0] || !b->ttl[0] || a->ttl[0] != b->ttl[0];
    return moved && hop && apart(a->first_time, b->first_time) <= LEG_DELAY_NS;
}

void twins_ends_in_order(const struct connection_record *r, const struct endpoint **low,
                         const struct endpoint **high)
{
    bool turned = endpoint_cmp(&r->client, &r->server) > 0;
    *low = turned ? &r->server : &r->client;
    *high = turned ? &r->client : &r->server;
}

static int compare_record_ends(const void *x, const void *y, void *ctx)
{
    const struct case_file *c = ctx;
    const struct radix_item *a = x, *b = y;
    const struct endpoint *al, *ah, *bl, *bh;
    twins_ends_in_order(&c->records[a->value], &al, &ah);
    twins_ends_in_order(&c->records[b->value], &bl, &bh);
    int order = endpoint_cmp(al, bl);
    order = order ? order : endpoint_cmp(ah, bh);
    return order ? order : a->value < b->value ? -1 : a->value > b->value;
}

static void sort_by_ends(const struct case_file *c, struct radix_item *keys, size_t n)
{
    union { /* qsort_r wants a mutable context; the case stays const */
        const struct case_file *in;
        void *out;
    } of = {.in = c};
    qsort_r(keys, n, sizeof *keys, compare_record_ends, of.out);
}

/* More tuples with one pair of numbers than a connection has: only what has the same ends is one.
 */
static void join_generated(const struct case_file *c, struct radix_item *keys, size_t n,
                           uint32_t *talk_of)
{
    sort_by_ends(c, keys, n);
    for (size_t i = 1; i < n; i++)
        if (twins_same_ends(&c->records[keys[i - 1].value], &c->records[keys[i].value]))
            twins_join(talk_of, keys[i - 1].value, keys[i].value);
}

/* Whether that capture holds the connection with its own ends: no other one there is its twin. */
static bool has_own_there(const struct case_file *c, const struct radix_item *keys, size_t n,
                          const struct connection_record *of, uint32_t capture)
{
    for (size_t i = 0; i < n; i++) {
        const struct connection_record *r = &c->records[keys[i].value];
        if (r->capture == capture && twins_same_ends(r, of))
            return true;
    }
    return false;
}

/* keys[0..n): records with one pair of numbers, in order of record and so of capture. */
static void join_pair(const struct case_file *c, struct radix_item *keys, size_t n,
                      uint32_t *talk_of)
{
    for (size_t i = LEGS_MAX; i < n; i++)
        if (c->records[keys[i].value].capture == c->records[keys[i - LEGS_MAX].value].capture) {
            join_generated(c, keys, n, talk_of);
            return;
        }
    for (size_t i = 0; i + 1 < n; i++)
        for (size_t k = i + 1; k < n && k <= i + LEGS_MAX; k++) {
            const struct connection_record *a = &c->records[keys[i].value];
            const struct connection_record *b = &c->records[keys[k].value];
            bool twins =
                a->capture == b->capture
                    ? are_legs(a, b)
                    : twins_same_ends(a, b) || !(has_own_there(c, keys, n, a, b->capture) ||
                                                 has_own_there(c, keys, n, b, a->capture));
            if (twins)
                twins_join(talk_of, keys[i].value, keys[k].value);
        }
}

/* keys[0..n): records with one number of the client, in order of record.  Who scans sends all its
 * SYNs with one number: then only what has the same ends is one. */
static void join_alone(const struct case_file *c, struct radix_item *keys, size_t n,
                       uint32_t *talk_of)
{
    const bool is_crowd = n > ALONE_MAX;
    if (is_crowd)
        sort_by_ends(c, keys, n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n && k <= i + (is_crowd ? 1 : ALONE_MAX); k++) {
            const struct connection_record *a = &c->records[keys[i].value];
            const struct connection_record *b = &c->records[keys[k].value];
            if ((!is_crowd || twins_same_ends(a, b)) && client_alone_agrees(c, a, b))
                twins_join(talk_of, keys[i].value, keys[k].value);
        }
}

/* The client's number alone joins captures of several series only. */
static bool has_several_series(const struct case_file *c)
{
    for (uint32_t i = 1; i < c->n_captures; i++)
        if (case_series(c, i) != case_series(c, 0))
            return true;
    return false;
}

bool twins_by_isn(const struct case_file *c, uint32_t *talk_of)
{
    struct radix_item *keys = radix_room(c->n_records + 1);
    if (!keys)
        return false;
    size_t n = collect_isn(c, true, keys);
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i + 1; k < n && keys[k].key == keys[i].key;)
            k++;
        join_pair(c, keys + i, k - i, talk_of);
    }
    n = has_several_series(c) ? collect_isn(c, false, keys) : 0;
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i + 1; k < n && keys[k].key == keys[i].key;)
            k++;
        join_alone(c, keys + i, k - i, talk_of);
    }
    radix_room_free(keys, c->n_records + 1);
    return true;
}

struct ends_order {
    const struct connection_record *records;
    const instant_ns *shift;
};

static instant_ns first_of(const struct ends_order *o, uint32_t i)
{
    return sane_time(o->records[i].first_time) - o->shift[o->records[i].capture];
}

static int compare_ends(const void *x, const void *y, void *ctx)
{
    const struct ends_order *o = ctx;
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    const struct endpoint *al, *ah, *bl, *bh;
    twins_ends_in_order(&o->records[a], &al, &ah);
    twins_ends_in_order(&o->records[b], &bl, &bh);
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
        if (record_isn_known(a, side) && record_isn_known(b, other) &&
            a->isn[side] != b->isn[other])
            return true;
    }
    return false;
}

static bool saw_syn(const struct connection_record *r)
{
    return !r->began_mid_stream && r->syn_time != INSTANT_NONE;
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
        if (a->capture == b->capture || !twins_same_ends(a, b) || isn_denies(a, b))
            continue;
        if (saw_syn(a) && saw_syn(b))
            continue; /* both saw the beginning: the numbers have spoken */
        instant_ns end = sane_time(a->last_time) - shift[a->capture];
        if (first_of(&o, order[i]) <= end + HANDOVER_NS)
            twins_join(talk_of, order[i - 1], order[i]);
    }
    free(order);
    return true;
}
