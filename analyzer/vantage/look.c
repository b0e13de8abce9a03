/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wanted is found by capture and ends; several resets of one connection hang together in a
 * chain.
 */
#include "analyzer/vantage/look.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/track/flow.h"
#include "parsers/base/hash.h"
#include "parsers/base/map.h"
#include "parsers/base/vec.h"

struct look_key {
    struct endpoint e[2]; /* the lower first */
    uint32_t capture;
};

struct wanted {
    struct look_want want;
    uint32_t next;  /* of the same key: its index + 1, or 0 */
    uint8_t client; /* direction of the client */
    uint32_t n_before, n_after;
    struct sighting *before, *after; /* on first need */
};

struct chain {
    uint32_t newest; /* index + 1 */
    uint32_t n;
};

#define CHAIN_MAX 16 /* resets of one pair of ends that are looked at */

struct numbers { /* without padding: a key is its bytes */
    uint32_t capture, seq, ack;
    uint16_t kind, has_payload;
};

static struct numbers numbers_key(uint32_t capture, struct look_numbers n)
{
    return (struct numbers){capture, n.seq, n.ack, n.kind, n.has_payload};
}

struct look {
    struct arena *arena;
    struct map by_key; /* struct look_key -> struct chain */
    VEC(struct wanted) wanted;
    struct map numbers; /* struct numbers -> bool: seen */
    size_t n_refused;
};

struct look *look_create(struct arena *arena)
{
    struct look *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->arena = arena;
    map_init(&l->by_key, sizeof(struct look_key), sizeof(struct chain));
    map_init(&l->numbers, sizeof(struct numbers), sizeof(bool));
    return l;
}

void look_free(struct look *l)
{
    if (!l)
        return;
    map_finish(&l->by_key);
    map_finish(&l->numbers);
    vec_finish(&l->wanted);
    free(l);
}

static uint8_t key_of(uint32_t capture, const struct endpoint *src, const struct endpoint *dst,
                      struct look_key *key)
{
    struct flow_key flow;
    uint8_t dir = flow_key_of(src, dst, &flow);
    memset(key, 0, sizeof *key); /* it is hashed as bytes */
    memcpy(key->e, flow.e, sizeof key->e);
    key->capture = capture;
    return dir;
}

int look_want(struct look *l, const struct look_want *w)
{
    struct look_key key;
    uint8_t client = key_of(w->capture, &w->client, &w->server, &key);
    struct chain *chain = l->wanted.n < LOOK_WANTED_MAX ? map_put(&l->by_key, &key, NULL) : NULL;
    struct wanted *made = chain && chain->n < CHAIN_MAX ? vec_push(&l->wanted) : NULL;
    if (!made) {
        l->n_refused++;
        return -1;
    }
    *made = (struct wanted){.want = *w, .next = chain->newest, .client = client};
    chain->newest = (uint32_t)l->wanted.n;
    chain->n++;
    return (int)l->wanted.n - 1;
}

bool look_want_numbers(struct look *l, uint32_t capture, struct look_numbers n)
{
    const struct numbers key = numbers_key(capture, n);
    return l->numbers.n < LOOK_WANTED_MAX && map_put(&l->numbers, &key, NULL);
}

bool look_has_numbers(const struct look *l, uint32_t capture, struct look_numbers n)
{
    const struct numbers key = numbers_key(capture, n);
    const bool *seen = map_get(&l->numbers, &key);
    return seen && *seen;
}

size_t look_n_refused(const struct look *l)
{
    return l->n_refused;
}

bool look_wants(const struct look *l, uint32_t capture)
{
    for (size_t i = 0; i < l->wanted.n; i++)
        if (l->wanted.v[i].want.capture == capture)
            return true;
    return false;
}

static uint64_t print_of(const struct packet *p)
{
    bool whole = p->payload && p->payload_len > 0 && p->payload_captured >= p->payload_len;
    return whole ? hash_bytes(p->payload, p->payload_len, map_seed()) | 1 : 0;
}

static struct sighting *place_for(struct look *l, struct wanted *w, instant_ns t)
{
    bool before = t <= w->want.pivot;
    struct sighting **room = before ? &w->before : &w->after;
    if (!before && (w->n_after == LOOK_AFTER || t - w->want.pivot > w->want.until))
        return NULL;
    if (!*room)
        *room = arena_array(l->arena, before ? LOOK_BEFORE : LOOK_AFTER, sizeof **room);
    if (!*room)
        return NULL;
    return before ? &w->before[w->n_before++ % LOOK_BEFORE] : &w->after[w->n_after++];
}

static void see(struct look *l, struct wanted *w, uint8_t dir, uint32_t capture,
                const struct packet *p)
{
    struct sighting *s = place_for(l, w, p->time);
    if (!s)
        return;
    *s = (struct sighting){.frame = p->frame,
                           .print = print_of(p),
                           .time = p->time,
                           .capture = capture,
                           .seq = p->seq,
                           .ack = p->ack,
                           .payload_len = p->payload_len,
                           .flags = p->flags,
                           .window = p->window,
                           .ttl = p->ttl,
                           .from = dir == w->client ? SIDE_CLIENT : SIDE_SERVER};
}

void look_packet(struct look *l, uint32_t series, uint32_t capture, const struct packet *p)
{
    struct look_key key;
    if (p->kind != PACKET_TCP || p->time == INSTANT_NONE)
        return;
    const struct numbers numbers =
        numbers_key(series, look_numbers_of(p->seq, p->ack, p->flags, p->payload_len));
    bool *seen = map_get(&l->numbers, &numbers);
    if (seen)
        *seen = true;
    struct endpoint src = packet_src(p), dst = packet_dst(p);
    uint8_t dir = key_of(series, &src, &dst, &key);
    const struct chain *chain = map_get(&l->by_key, &key);
    for (uint32_t i = chain ? chain->newest : 0; i > 0; i = l->wanted.v[i - 1].next)
        see(l, &l->wanted.v[i - 1], dir, capture, p);
}

size_t look_seen(const struct look *l, int number, struct sighting out[LOOK_BEFORE + LOOK_AFTER])
{
    if (number < 0 || (size_t)number >= l->wanted.n)
        return 0;
    const struct wanted *w = &l->wanted.v[number];
    size_t n = 0, held = w->n_before < LOOK_BEFORE ? w->n_before : LOOK_BEFORE;
    for (size_t i = w->n_before - held; i < w->n_before; i++)
        out[n++] = w->before[i % LOOK_BEFORE];
    for (size_t i = 0; i < w->n_after; i++)
        out[n++] = w->after[i];
    return n;
}
