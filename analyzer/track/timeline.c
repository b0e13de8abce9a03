/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kept segments: a head that fills once, a ring that turns, and an annex behind it for what
 * follows a reset.
 */
#include "analyzer/track/timeline.h"

struct kept kept_from(const struct packet *p, uint8_t dir)
{
    struct brief b;
    brief_of(p, &b);
    struct kept k;
    kept_from_brief(&b, dir, &k);
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

static struct kept *after(struct store *s, struct timeline *t)
{
    if (t->n_after >= TIMELINE_AFTER || !ring_of(s, t))
        return NULL;
    size_t i = CONNECTION_LAST_SEGMENTS + (size_t)t->n_after;
    struct kept *at = place(s, &t->ring->c[i / CHUNK_SEGMENTS], i);
    t->n_after += at != NULL;
    return at;
}

static struct kept *turning(struct store *s, struct timeline *t)
{
    struct kept *at = t->next;
    if (!at && ring_of(s, t))
        at = place(s, &t->ring->c[t->at / CHUNK_SEGMENTS], t->at);
    if (!at)
        return NULL;
    t->at = (uint8_t)((t->at + 1) % CONNECTION_LAST_SEGMENTS);
    t->n_turning += t->n_turning < CONNECTION_LAST_SEGMENTS;
    const size_t in_chunk = t->at % CHUNK_SEGMENTS;
    struct chunk *c = in_chunk ? NULL : t->ring->c[t->at / CHUNK_SEGMENTS];
    t->next = in_chunk ? at + 1 : c ? c->k : NULL;
    return at;
}

static struct kept *heading(struct store *s, struct timeline *t)
{
    struct kept *at = t->next;
    if (!at)
        at = place(s, &t->head[t->n_head / CHUNK_SEGMENTS], t->n_head);
    t->n_head += at != NULL;
    t->next = at && t->n_head % CHUNK_SEGMENTS ? at + 1 : NULL;
    return at;
}

struct kept *timeline_place(struct store *s, struct timeline *t)
{
    if (t->frozen)
        return after(s, t);
    if (t->n_head < CONNECTION_FIRST_SEGMENTS && t->n_turning == 0)
        return heading(s, t);
    return turning(s, t);
}

struct kept *timeline_add(struct store *s, struct timeline *t, const struct kept *k)
{
    struct kept *at = timeline_place(s, t);
    if (at)
        *at = *k;
    return at;
}

void timeline_freeze(struct timeline *t)
{
    t->frozen = true;
    if (t->n_turning == 0) /* what comes after a thaw turns, and is not of the head any more */
        t->next = NULL;
}

void timeline_thaw(struct store *s, struct timeline *t)
{
    if (!t->frozen)
        return;
    t->frozen = false;
    for (size_t j = 0; j < t->n_after; j++) {
        size_t i = CONNECTION_LAST_SEGMENTS + j;
        struct kept *at = turning(s, t);
        if (at)
            *at = t->ring->c[i / CHUNK_SEGMENTS]->k[i % CHUNK_SEGMENTS];
    }
    t->n_after = 0;
}

size_t timeline_count(const struct timeline *t)
{
    return (size_t)t->n_head + t->n_turning + t->n_after;
}

const struct kept *timeline_at(const struct timeline *t, size_t i)
{
    if (i < t->n_head)
        return &t->head[i / CHUNK_SEGMENTS]->k[i % CHUNK_SEGMENTS];
    i -= t->n_head;
    if (i >= t->n_turning)
        i = CONNECTION_LAST_SEGMENTS + (i - t->n_turning);
    else
        i = (i + CONNECTION_LAST_SEGMENTS + t->at - t->n_turning) % CONNECTION_LAST_SEGMENTS;
    return &t->ring->c[i / CHUNK_SEGMENTS]->k[i % CHUNK_SEGMENTS];
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
