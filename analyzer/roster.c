/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/roster.h"

#include <stdlib.h>
#include <string.h>

instant_ns roster_time(const struct roster *r, uint32_t record, instant_ns t)
{
    uint32_t capture = r->records[record].capture;
    t = sane_time(t);
    return t == INSTANT_NONE || capture >= r->n_captures ? t : t - r->shift[capture];
}

static int by_first(const struct roster *r, uint32_t x, uint32_t y)
{
    instant_ns a = roster_time(r, x >> 1, r->records[x >> 1].first_time);
    instant_ns b = roster_time(r, y >> 1, r->records[y >> 1].first_time);
    if (a != b)
        return a < b ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int compare_endpoint(const void *x, const void *y, void *ctx)
{
    const struct roster *r = ctx;
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    int order = endpoint_cmp(roster_end(r, a), roster_end(r, b));
    return order ? order : by_first(r, a, b);
}

static int compare_address(const void *x, const void *y, void *ctx)
{
    const struct roster *r = ctx;
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    int order = address_cmp(&roster_end(r, a)->ip, &roster_end(r, b)->ip);
    return order ? order : by_first(r, a, b);
}

/* The lowest record reached from i; paths are halved on the way. */
static uint32_t lowest(uint32_t *of, uint32_t i)
{
    while (of[i] != i) {
        of[i] = of[of[i]];
        i = of[i];
    }
    return i;
}

void roster_chain(struct roster *r, uint32_t *talk_of)
{
    for (uint32_t i = 0; i < r->n; i++)
        r->talk[i] = lowest(talk_of, i);
    for (uint32_t i = 0; i < r->n; i++) {
        r->next[i] = ROSTER_NONE;
        talk_of[i] = i; /* from here on: the last record of the talk so far */
    }
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t t = r->talk[i];
        if (t == i)
            continue;
        r->next[talk_of[t]] = i;
        talk_of[t] = i;
    }
}

struct stream_key {
    uint32_t capture, stream, record;
};

static int compare_stream(const void *x, const void *y)
{
    const struct stream_key *a = x, *b = y;
    if (a->capture != b->capture)
        return a->capture < b->capture ? -1 : 1;
    if (a->stream != b->stream)
        return a->stream < b->stream ? -1 : 1;
    return a->record < b->record ? -1 : a->record > b->record;
}

/* The record of a reset: same capture and stream; of several, the one that was alive. */
static uint32_t record_of(const struct roster *r, const struct stream_key *keys,
                          const struct reset *reset)
{
    const struct connection *c = reset->connection;
    uint32_t lo = 0, hi = r->n, best = ROSTER_NONE;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        bool before = keys[mid].capture != c->capture ? keys[mid].capture < c->capture
                                                      : keys[mid].stream < c->stream;
        if (before)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < r->n && keys[lo].capture == c->capture && keys[lo].stream == c->stream; lo++)
        if (best == ROSTER_NONE ||
            r->records[keys[lo].record].first_time <= reset->deciding.segment.time)
            best = keys[lo].record;
    return best;
}

static bool place_resets(struct roster *r, struct arena *a, const struct case_file *of)
{
    struct stream_key *keys = calloc((size_t)r->n + 1, sizeof *keys);
    uint32_t *where = calloc(of->n_resets + 1, sizeof *where);
    r->reset_from = arena_array(a, (size_t)r->n + 2, sizeof *r->reset_from);
    r->reset_at = arena_array(a, of->n_resets + 1, sizeof(struct reset *));
    bool good = keys && where && r->reset_from && r->reset_at;
    for (uint32_t i = 0; good && i < r->n; i++)
        keys[i] = (struct stream_key){r->records[i].capture, r->records[i].stream, i};
    if (good)
        qsort(keys, r->n, sizeof *keys, compare_stream);
    for (size_t i = 0; good && i < of->n_resets; i++) {
        where[i] = record_of(r, keys, of->resets[i]);
        if (where[i] != ROSTER_NONE)
            r->reset_from[where[i] + 2]++;
    }
    for (uint32_t i = 0; good && i < r->n; i++)
        r->reset_from[i + 1] += r->reset_from[i];
    for (size_t i = 0; good && i < of->n_resets; i++)
        if (where[i] != ROSTER_NONE)
            r->reset_at[r->reset_from[where[i] + 1]++] = of->resets[i];
    free(keys);
    free(where);
    return good;
}

static void find_span(struct roster *r, const struct case_file *of)
{
    r->first = r->last = INSTANT_NONE;
    for (uint32_t i = 0; i < of->n_captures; i++) {
        const struct case_capture *c = &of->captures[i];
        if (c->first == INSTANT_NONE)
            continue;
        instant_ns first = sane_time(c->first) - r->shift[i];
        instant_ns last = sane_time(c->last) - r->shift[i];
        r->first = r->first == INSTANT_NONE || first < r->first ? first : r->first;
        r->last = r->last == INSTANT_NONE || last > r->last ? last : r->last;
    }
}

/* So that who had gone long before need not be looked at one by one. */
static void note_blocks(struct roster *r)
{
    for (uint32_t i = 0; i < 2 * r->n; i++) {
        uint32_t record = r->by_address[i] >> 1;
        instant_ns last = roster_time(r, record, r->records[record].last_time);
        instant_ns *block = &r->block_last[i / ROSTER_BLOCK];
        if (i % ROSTER_BLOCK == 0 || last > *block)
            *block = last;
    }
}

/* Not keyed: addresses of captures are not chosen against it, and a false hit costs a search. */
static uint64_t address_bit(const struct roster *r, const struct address *a)
{
    uint64_t half[2];
    memcpy(half, a->b, sizeof half);
    uint64_t h = (half[0] ^ half[1] * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xD6E8FEB86659FD93);
    return h >> 32 & (r->n_known * 64 - 1);
}

/* Sixteen bits an end, so that few strangers hit one. */
static bool note_addresses(struct roster *r, struct arena *a)
{
    r->n_known = 64;
    while (r->n_known < r->n / 2 && r->n_known < UINT64_C(1) << 20)
        r->n_known *= 2;
    r->known = arena_array(a, r->n_known, sizeof *r->known);
    for (uint32_t i = 0; r->known && i < 2 * r->n; i++) {
        uint64_t bit = address_bit(r, &roster_end(r, i)->ip);
        r->known[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    return r->known != NULL;
}

bool roster_build(struct roster *r, struct arena *a, const struct case_file *of,
                  const instant_ns *shift, uint32_t *talk_of)
{
    size_t n = of->n_records < UINT32_MAX / 2 - 1 ? of->n_records : UINT32_MAX / 2 - 1;
    *r = (struct roster){.records = of->records,
                         .n = (uint32_t)n,
                         .shift = shift,
                         .n_captures = (uint32_t)of->n_captures};
    r->talk = arena_array(a, n + 1, sizeof *r->talk);
    r->next = arena_array(a, n + 1, sizeof *r->next);
    r->by_endpoint = arena_array(a, 2 * n + 1, sizeof *r->by_endpoint);
    r->by_address = arena_array(a, 2 * n + 1, sizeof *r->by_address);
    r->block_last = arena_array(a, 2 * n / ROSTER_BLOCK + 1, sizeof *r->block_last);
    if (!r->block_last || !r->talk || !r->next || !r->by_endpoint || !r->by_address ||
        !place_resets(r, a, of) || !note_addresses(r, a))
        return false;
    find_span(r, of);
    roster_chain(r, talk_of);
    for (uint32_t i = 0; i < 2 * (uint32_t)n; i++)
        r->by_endpoint[i] = r->by_address[i] = i;
    if (n) {
        qsort_r(r->by_endpoint, 2 * n, sizeof *r->by_endpoint, compare_endpoint, r);
        qsort_r(r->by_address, 2 * n, sizeof *r->by_address, compare_address, r);
    }
    note_blocks(r);
    return true;
}

static uint32_t lower_endpoint(const struct roster *r, const struct endpoint *e, bool after)
{
    uint32_t lo = 0, hi = 2 * r->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int order = endpoint_cmp(roster_end(r, r->by_endpoint[mid]), e);
        if (order < 0 || (after && order == 0))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct roster_range roster_endpoint(const struct roster *r, const struct endpoint *e)
{
    return (struct roster_range){lower_endpoint(r, e, false), lower_endpoint(r, e, true)};
}

static uint32_t lower_address(const struct roster *r, const struct address *a, bool after)
{
    uint32_t lo = 0, hi = 2 * r->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int order = address_cmp(&roster_end(r, r->by_address[mid])->ip, a);
        if (order < 0 || (after && order == 0))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct roster_range roster_address(const struct roster *r, const struct address *a)
{
    return (struct roster_range){lower_address(r, a, false), lower_address(r, a, true)};
}

bool roster_knows(const struct roster *r, const struct address *a)
{
    uint64_t bit = r->known ? address_bit(r, a) : 0;
    if (r->known && !(r->known[bit / 64] >> bit % 64 & 1))
        return false;
    uint32_t at = lower_address(r, a, false);
    return at < 2 * r->n && address_eq(&roster_end(r, r->by_address[at])->ip, a);
}

static instant_ns earlier(instant_ns a, instant_ns b)
{
    if (a == INSTANT_NONE || b == INSTANT_NONE)
        return a == INSTANT_NONE ? b : a;
    return a < b ? a : b;
}

struct talk roster_talk(const struct roster *r, uint32_t record)
{
    struct talk t = {.id = r->talk[record],
                     .first = INSTANT_NONE,
                     .last = INSTANT_NONE,
                     .opened = INSTANT_NONE,
                     .rst = INSTANT_NONE,
                     .fin = INSTANT_NONE};
    for (uint32_t i = t.id; i != ROSTER_NONE; i = r->next[i]) {
        const struct connection_record *c = &r->records[i];
        instant_ns last = roster_time(r, i, c->last_time);
        t.first = earlier(t.first, roster_time(r, i, c->first_time));
        t.last = last > t.last ? last : t.last;
        t.opened = earlier(t.opened, roster_time(r, i, c->syn_time));
        t.rst = earlier(t.rst, roster_time(r, i, c->rst_time));
        t.fin = earlier(t.fin, roster_time(r, i, c->fin_time[0]));
        t.fin = earlier(t.fin, roster_time(r, i, c->fin_time[1]));
        t.handshake |= c->handshake_seen;
        t.has_reset |= r->reset_from[i + 1] > r->reset_from[i];
        t.torn |= c->ending == ENDING_RST;
    }
    t.torn |= t.has_reset;
    t.opened = t.opened == INSTANT_NONE ? t.first : t.opened;
    return t;
}
