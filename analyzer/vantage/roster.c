/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/vantage/roster.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/record/request.h"
#include "parsers/base/radix.h"

instant_ns roster_time(const struct roster *r, uint32_t record, instant_ns t)
{
    uint32_t capture = r->records[record].capture;
    t = sane_time(t);
    return t == INSTANT_NONE || capture >= r->n_captures ? t : t - r->shift[capture];
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

static uint64_t stream_key(uint32_t capture, uint32_t stream)
{
    return (uint64_t)capture << 32 | stream;
}

/* The record of a reset: same capture and stream; of several, the one that was alive. */
static uint32_t record_of(const struct roster *r, const struct radix_item *keys,
                          const struct reset *reset)
{
    uint64_t key = stream_key(reset_capture(reset), reset_stream(reset));
    uint32_t lo = 0, hi = r->n, best = ROSTER_NONE;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (keys[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < r->n && keys[lo].key == key; lo++)
        if (best == ROSTER_NONE ||
            r->records[keys[lo].value].first_time <= reset->deciding.segment.time)
            best = keys[lo].value;
    return best;
}

static bool place_resets(struct roster *r, struct arena *a, const struct case_file *of)
{
    struct radix_item *keys = radix_room(r->n);
    uint32_t *where = calloc(of->n_resets + 1, sizeof *where);
    r->reset_from = arena_array(a, (size_t)r->n + 2, sizeof *r->reset_from);
    r->reset_at = arena_array(a, of->n_resets + 1, sizeof(struct reset *));
    bool good = keys && where && r->reset_from && r->reset_at;
    for (uint32_t i = 0; good && i < r->n; i++)
        keys[i] = (struct radix_item){stream_key(r->records[i].capture, r->records[i].stream), i};
    if (good)
        radix_sort(keys, keys + r->n, r->n);
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
    radix_room_free(keys, r->n);
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

/* Sixteen bits an end, so that few strangers hit one. */
static bool note_addresses(struct roster *r, struct arena *a)
{
    struct address_filter known = {.n = 64};
    while (known.n < r->n / 2 && known.n < UINT64_C(1) << 20)
        known.n *= 2;
    known.bits = arena_array(a, known.n, sizeof *known.bits);
    for (uint32_t i = 0; known.bits && i < 2 * r->n; i++)
        address_filter_add(&known, &roster_end(r, i)->ip);
    r->known = known;
    return known.bits != NULL;
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
    if (!r->talk || !r->next || !place_resets(r, a, of))
        return false;
    find_span(r, of);
    roster_chain(r, talk_of);
    return true;
}

/* ---- the index ---- */

enum sort_key { KEY_TIME, KEY_PORT, KEY_IP_LOW, KEY_IP_HIGH };

static uint64_t sort_key(const struct roster *r, uint32_t entry, enum sort_key which)
{
    const struct endpoint *e = roster_end(r, entry);
    uint64_t word;
    switch (which) {
    case KEY_TIME:
        return radix_signed(roster_time(r, entry >> 1, r->records[entry >> 1].first_time));
    case KEY_PORT:
        return e->port;
    case KEY_IP_LOW:
    case KEY_IP_HIGH:
        memcpy(&word, &e->ip.b[which == KEY_IP_HIGH ? 0 : 8], sizeof word);
        return be64toh(word);
    }
    return 0;
}

/* Every further key is the greater one: the sort is stable. */
static void sort_by(const struct roster *r, struct radix_item *v, size_t n, enum sort_key which)
{
    for (size_t i = 0; i < n; i++)
        v[i].key = sort_key(r, v[i].value, which);
    radix_sort(v, v + n, n);
}

static void copy_order(uint32_t *to, const struct radix_item *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = v[i].value;
}

static void sort_entries(struct roster *r, struct radix_item *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i].value = (uint32_t)i;
    sort_by(r, v, n, KEY_TIME);
    sort_by(r, v, n, KEY_IP_LOW);
    sort_by(r, v, n, KEY_IP_HIGH);
    copy_order(r->by_address, v, n);
    sort_by(r, v, n, KEY_PORT); /* times of one address and port are in order still */
    sort_by(r, v, n, KEY_IP_LOW);
    sort_by(r, v, n, KEY_IP_HIGH);
    copy_order(r->by_endpoint, v, n);
}

bool roster_index(struct roster *r, struct arena *a)
{
    if (r->indexed)
        return true;
    size_t n = 2 * (size_t)r->n;
    struct radix_item *v = radix_room(n);
    r->by_endpoint = arena_array(a, n + 1, sizeof *r->by_endpoint);
    r->by_address = arena_array(a, n + 1, sizeof *r->by_address);
    r->block_last = arena_array(a, n / ROSTER_BLOCK + 1, sizeof *r->block_last);
    bool good = v && r->by_endpoint && r->by_address && r->block_last && note_addresses(r, a);
    if (good) {
        sort_entries(r, v, n);
        note_blocks(r);
        r->indexed = true;
    }
    radix_room_free(v, n);
    return good;
}

/* How many entries can be searched. */
static uint32_t n_entries(const struct roster *r)
{
    return r->indexed ? 2 * r->n : 0;
}

static uint32_t lower_endpoint(const struct roster *r, const struct endpoint *e, bool after)
{
    uint32_t lo = 0, hi = n_entries(r);
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
    uint32_t lo = 0, hi = n_entries(r);
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
    if (!address_filter_may_hold(&r->known, a))
        return false;
    uint32_t at = lower_address(r, a, false);
    return at < n_entries(r) && address_eq(&roster_end(r, r->by_address[at])->ip, a);
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

bool roster_asked(const struct roster *r, uint32_t record, struct text request)
{
    if (request.n == 0 || r->records[record].request == 0)
        return false;
    if (r->records[record].request == request_hash_quoted(request))
        return true;
    for (uint32_t i = r->reset_from[record]; i < r->reset_from[record + 1]; i++) {
        const struct end *client = &reset_connection(r->reset_at[i])->end[SIDE_CLIENT];
        if (request_is_in(client->head, request) || request_is_in(client->tail, request))
            return true;
    }
    return false;
}
