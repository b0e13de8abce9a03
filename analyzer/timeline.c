/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kept segments: a head that fills once, a ring that turns, and an annex behind it for what
 * follows a reset.
 */
#include "analyzer/timeline.h"

#include <string.h>

struct kept kept_from(const struct packet *p, uint8_t dir)
{
    struct kept k = {.time = p->time,
                     .frame = p->frame,
                     .seq = p->seq,
                     .ack = p->ack,
                     .payload_len = p->payload_len,
                     .tsval = p->tsval,
                     .tsecr = p->tsecr,
                     .flow_label = p->flow_label,
                     .flags = p->flags,
                     .window = p->window,
                     .ip_id = p->ip_id,
                     .ttl = p->ttl};
    k.bits =
        (uint8_t)(dir | (p->df ? KEPT_DF : 0) | (p->has_ip_id ? KEPT_HAS_ID : 0) |
                  (p->has_timestamps ? KEPT_TIMESTAMPS : 0) | (p->has_options ? KEPT_OPTIONS : 0));
    if (p->has_mac)
        memcpy(k.src_mac, p->src_mac, sizeof k.src_mac);
    return k;
}

static struct kept *place(struct store *s, struct chunk **chunk, size_t i)
{
    if (!*chunk)
        *chunk = pool_take(&s->chunks);
    return *chunk ? &(*chunk)->k[i % CHUNK_SEGMENTS] : NULL;
}

static struct ring *ring_of(struct store *s, struct timeline *t)
{
    if (!t->ring)
        t->ring = pool_take(&s->rings);
    return t->ring;
}

static bool frozen(const struct timeline *t)
{
    return t->ring && t->ring->frozen;
}

static struct kept *after(struct store *s, struct ring *r)
{
    if (r->n_after >= TIMELINE_AFTER)
        return NULL;
    size_t i = CONNECTION_LAST_SEGMENTS + (size_t)r->n_after;
    struct kept *at = place(s, &r->c[i / CHUNK_SEGMENTS], i);
    r->n_after += at != NULL;
    return at;
}

static struct kept *turning(struct store *s, struct ring *r)
{
    size_t i = (size_t)(r->n % CONNECTION_LAST_SEGMENTS);
    struct kept *at = place(s, &r->c[i / CHUNK_SEGMENTS], i);
    r->n += at != NULL;
    return at;
}

/* Says where the ring goes on, if that is known yet. */
static void hint(struct timeline *t)
{
    const struct ring *r = t->ring;
    size_t i = (size_t)(r->n % CONNECTION_LAST_SEGMENTS);
    struct chunk *c = r->c[i / CHUNK_SEGMENTS];
    t->next = c ? &c->k[i % CHUNK_SEGMENTS] : NULL;
}

struct kept *timeline_place(struct store *s, struct timeline *t)
{
    if (frozen(t))
        return after(s, t->ring);
    if (t->n_head < CONNECTION_FIRST_SEGMENTS && !(t->ring && t->ring->n)) {
        struct kept *at = place(s, &t->head[t->n_head / CHUNK_SEGMENTS], t->n_head);
        t->n_head += at != NULL;
        t->next = at && t->n_head % CHUNK_SEGMENTS ? at + 1 : NULL;
        return at;
    }
    struct ring *r = ring_of(s, t);
    struct kept *at = r ? turning(s, r) : NULL;
    if (r)
        hint(t);
    return at;
}

struct kept *timeline_add(struct store *s, struct timeline *t, const struct kept *k)
{
    struct kept *at = timeline_place(s, t);
    if (at)
        *at = *k;
    return at;
}

void timeline_freeze(struct store *s, struct timeline *t)
{
    struct ring *r = ring_of(s, t);
    if (r)
        r->frozen = true;
}

void timeline_thaw(struct store *s, struct timeline *t)
{
    struct ring *r = t->ring;
    if (!r || !r->frozen)
        return;
    r->frozen = false;
    for (size_t j = 0; j < r->n_after; j++) {
        size_t i = CONNECTION_LAST_SEGMENTS + j;
        struct kept *at = turning(s, r);
        if (at)
            *at = r->c[i / CHUNK_SEGMENTS]->k[i % CHUNK_SEGMENTS];
    }
    r->n_after = 0;
}

static size_t turning_count(const struct ring *r)
{
    return r->n < CONNECTION_LAST_SEGMENTS ? (size_t)r->n : CONNECTION_LAST_SEGMENTS;
}

size_t timeline_count(const struct timeline *t)
{
    return t->n_head + (t->ring ? turning_count(t->ring) + t->ring->n_after : 0);
}

const struct kept *timeline_at(const struct timeline *t, size_t i)
{
    if (i < t->n_head)
        return &t->head[i / CHUNK_SEGMENTS]->k[i % CHUNK_SEGMENTS];
    const struct ring *r = t->ring;
    size_t turning = turning_count(r);
    i -= t->n_head;
    if (i >= turning)
        i = CONNECTION_LAST_SEGMENTS + (i - turning);
    else
        i = (size_t)((r->n - turning + i) % CONNECTION_LAST_SEGMENTS);
    return &r->c[i / CHUNK_SEGMENTS]->k[i % CHUNK_SEGMENTS];
}

void timeline_free(struct store *s, struct timeline *t)
{
    for (size_t i = 0; i < sizeof t->head / sizeof *t->head; i++)
        if (t->head[i])
            pool_give(&s->chunks, t->head[i]);
    for (size_t i = 0; t->ring && i < TIMELINE_RING_CHUNKS; i++)
        if (t->ring->c[i])
            pool_give(&s->chunks, t->ring->c[i]);
    if (t->ring)
        pool_give(&s->rings, t->ring);
    *t = (struct timeline){0};
}
