/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of arena.h: objects of one size, given back one by one and handed out again.  Slabs stay
 * until the pool is finished, and memory follows the high-water mark of live objects; where the
 * pool is drained, a slab goes with the last of its objects.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/arena.h"

#define POOL_ALIGN 16
#define CACHE_LINE 64
#define SLAB_BYTES ((size_t)64 << 10)    /* of a small pool */
#define SLAB_BYTES_MAX ((size_t)4 << 20) /* of a large one: half of what it has */
#define SLAB_SHARE 2
#define SLAB_OBJECTS_MIN 8

struct pool_slab {
    struct pool_slab *next;
    size_t size;
    size_t used; /* objects handed out from here at least once come before this offset */
};

struct pool_draining { /* a slab that goes with its last object */
    struct pool_slab *slab;
    size_t size;
    size_t n_live; /* 0: it is gone */
};

#define HEADER ((sizeof(struct pool_slab) + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN)

void pool_init(struct pool *p, size_t object_size, const struct allocator *from)
{
    if (object_size < sizeof(void *))
        object_size = sizeof(void *); /* the free list's link lives in the object */
    size_t rounded = (object_size + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
    *p = (struct pool){
        .from = from ? from : &allocator_heap, .object_size = rounded, .n_cleared = rounded};
}

static void finish_draining(struct pool *p)
{
    for (size_t i = 0; i < p->n_draining; i++)
        if (p->draining[i].n_live > 0)
            p->from->release(p->from->ctx, p->draining[i].slab, p->draining[i].size);
    if (p->draining)
        p->from->release(p->from->ctx, p->draining, p->n_draining * sizeof *p->draining);
}

static void release_slabs(struct pool *p, struct pool_slab *s)
{
    for (struct pool_slab *next; s; s = next) {
        next = s->next;
        p->from->release(p->from->ctx, s, s->size);
    }
}

/* As it was before the first object. */
static void forget(struct pool *p)
{
    *p = (struct pool){.from = p->from,
                       .object_size = p->object_size,
                       .n_cleared = p->n_cleared,
                       .total = p->total};
}

void pool_finish(struct pool *p)
{
    if (!p)
        return;
    finish_draining(p);
    release_slabs(p, p->slabs);
    release_slabs(p, p->spare);
    forget(p);
}

void pool_rewind(struct pool *p)
{
    struct pool_slab *spare = p->spare;
    for (struct pool_slab *s = p->slabs, *next; s; s = next) {
        next = s->next;
        s->next = spare;
        spare = s;
    }
    finish_draining(p);
    forget(p);
    p->spare = spare;
    for (const struct pool_slab *s = spare; s; s = s->next)
        p->reserved += s->size;
}

/* Objects of whole cache lines begin at one. */
static size_t first_object(const struct pool *p, const struct pool_slab *s)
{
    uintptr_t at = (uintptr_t)s + HEADER;
    size_t pad = p->object_size % CACHE_LINE == 0 ? (CACHE_LINE - at % CACHE_LINE) % CACHE_LINE : 0;
    return HEADER + pad;
}

void pool_trim(struct pool *p)
{
    for (const struct pool_slab *s = p->spare; s; s = s->next)
        p->reserved -= s->size;
    release_slabs(p, p->spare);
    p->spare = NULL;
}

/* A slab that was rewound. */
static struct pool_slab *slab_again(struct pool *p)
{
    struct pool_slab *s = p->spare;
    p->spare = s->next;
    const size_t first = first_object(p, s);
    memset((char *)s + first, 0, s->used - first);
    s->used = first;
    s->next = p->slabs;
    p->slabs = s;
    return s;
}

static struct pool_slab *slab_new(struct pool *p)
{
    size_t bytes = p->reserved / SLAB_SHARE;
    bytes = bytes < SLAB_BYTES ? SLAB_BYTES : bytes > SLAB_BYTES_MAX ? SLAB_BYTES_MAX : bytes;
    if (bytes > SLAB_BYTES_MAX / 2)
        bytes = SLAB_BYTES_MAX;
    size_t n = (bytes - HEADER - CACHE_LINE) / p->object_size; /* the slab fills its pages */
    if (n < SLAB_OBJECTS_MIN)
        n = SLAB_OBJECTS_MIN;
    if (p->object_size > (SIZE_MAX - HEADER - CACHE_LINE) / n)
        return NULL;
    size_t size = HEADER + CACHE_LINE + n * p->object_size;
    struct pool_slab *s = p->from->alloc(p->from->ctx, size);
    if (!s)
        return NULL;
    *s = (struct pool_slab){.next = p->slabs, .size = size};
    s->used = first_object(p, s);
    p->slabs = s;
    p->reserved += size;
    return s;
}

static struct pool_slab *slab_next(struct pool *p)
{
    return p->spare ? slab_again(p) : slab_new(p);
}

static void *take_used(struct pool *p)
{
    void *object = p->free_list;
    memcpy(&p->free_list, object, sizeof(void *));
    memset(object, 0, p->n_cleared);
    return object;
}

static void *take_fresh(struct pool *p)
{
    struct pool_slab *s = p->slabs;
    if (!s || s->size - s->used < p->object_size)
        s = slab_next(p);
    if (!s)
        return NULL;
    void *object = (char *)s + s->used;
    s->used += p->object_size;
    return object;
}

void *pool_take(struct pool *p)
{
    void *object = p->free_list ? take_used(p) : take_fresh(p);
    if (!object)
        return NULL;
    p->n_live++;
    if (p->total)
        *p->total += p->object_size;
    return object;
}

/* The slab that drains and holds the object; NULL: it is of a later one. */
static struct pool_draining *drain_of(const struct pool *p, const void *object)
{
    size_t low = 0, high = p->n_draining; /* slabs before low begin before the object */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((uintptr_t)p->draining[middle].slab < (uintptr_t)object)
            low = middle + 1;
        else
            high = middle;
    }
    struct pool_draining *d = low > 0 ? &p->draining[low - 1] : NULL;
    return d && d->n_live > 0 && (uintptr_t)object < (uintptr_t)d->slab + d->size ? d : NULL;
}

static void leave(struct pool *p, struct pool_draining *d)
{
    if (--d->n_live == 0)
        p->from->release(p->from->ctx, d->slab, d->size);
}

/* One that is free is kept, for whoever takes and gives back in turn. */
static bool drains(struct pool *p, const void *object)
{
    struct pool_draining *d = p->free_list ? drain_of(p, object) : NULL;
    if (d)
        leave(p, d);
    return d != NULL;
}

void pool_give(struct pool *p, void *object)
{
    if (!object)
        return;
    p->n_live--;
    if (p->total)
        *p->total -= p->object_size;
    if (p->draining && drains(p, object))
        return;
    memcpy(object, &p->free_list, sizeof(void *));
    p->free_list = object;
}

static int by_address(const void *a, const void *b)
{
    const struct pool_draining *x = a, *y = b;
    return ((uintptr_t)x->slab > (uintptr_t)y->slab) - ((uintptr_t)x->slab < (uintptr_t)y->slab);
}

void pool_drain(struct pool *p)
{
    size_t n = 0;
    pool_trim(p);
    for (const struct pool_slab *s = p->slabs; s; s = s->next)
        n++;
    if (n == 0 || p->draining)
        return;
    p->draining = p->from->alloc(p->from->ctx, n * sizeof *p->draining);
    if (!p->draining)
        return;
    for (struct pool_slab *s = p->slabs; s; s = s->next)
        p->draining[p->n_draining++] =
            (struct pool_draining){s, s->size, (s->used - first_object(p, s)) / p->object_size};
    qsort(p->draining, n, sizeof *p->draining, by_address);
    p->slabs = NULL;
    p->reserved = 0;
    for (void *object = p->free_list, *next; object; object = next) {
        memcpy(&next, object, sizeof next);
        struct pool_draining *d = drain_of(p, object);
        if (d)
            leave(p, d);
    }
    p->free_list = NULL;
}

void pool_give_chain(struct pool *p, void *first, void *last, size_t n)
{
    if (n == 0)
        return;
    memcpy(last, &p->free_list, sizeof(void *));
    p->free_list = first;
    p->n_live -= n;
    if (p->total)
        *p->total -= n * p->object_size;
}
