/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of arena.h: objects of one size, given back one by one and handed out again.  Slabs stay
 * until the pool is finished; memory follows the high-water mark of live objects.
 */
#include <stdlib.h>
#include <string.h>

#include "parsers/base/arena.h"

#define POOL_ALIGN 16
#define SLAB_BYTES ((size_t)64 << 10)
#define SLAB_OBJECTS_MIN 8

struct pool_slab {
    struct pool_slab *next;
    size_t size;
    size_t used; /* objects handed out from here at least once come before this offset */
};

#define HEADER ((sizeof(struct pool_slab) + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN)

void pool_init(struct pool *p, size_t object_size, const struct allocator *from)
{
    if (object_size < sizeof(void *))
        object_size = sizeof(void *); /* the free list's link lives in the object */
    size_t rounded = (object_size + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
    *p = (struct pool){.from = from ? from : &allocator_heap, .object_size = rounded};
}

void pool_finish(struct pool *p)
{
    if (!p)
        return;
    for (struct pool_slab *s = p->slabs, *next; s; s = next) {
        next = s->next;
        p->from->release(p->from->ctx, s, s->size);
    }
    *p = (struct pool){.from = p->from, .object_size = p->object_size};
}

static struct pool_slab *slab_new(struct pool *p)
{
    size_t n = SLAB_BYTES / p->object_size;
    if (n < SLAB_OBJECTS_MIN)
        n = SLAB_OBJECTS_MIN;
    if (p->object_size > (SIZE_MAX - HEADER) / n)
        return NULL;
    size_t size = HEADER + n * p->object_size;
    struct pool_slab *s = p->from->alloc(p->from->ctx, size);
    if (!s)
        return NULL;
    *s = (struct pool_slab){.next = p->slabs, .size = size, .used = HEADER};
    p->slabs = s;
    p->reserved += size;
    return s;
}

static void *take_used(struct pool *p)
{
    void *object = p->free_list;
    memcpy(&p->free_list, object, sizeof(void *));
    memset(object, 0, p->object_size);
    return object;
}

static void *take_fresh(struct pool *p)
{
    struct pool_slab *s = p->slabs;
    if (!s || s->size - s->used < p->object_size)
        s = slab_new(p);
    if (!s)
        return NULL;
    void *object = (char *)s + s->used;
    s->used += p->object_size;
    return object;
}

void *pool_take(struct pool *p)
{
    void *object = p->free_list ? take_used(p) : take_fresh(p);
    if (object)
        p->n_live++;
    return object;
}

void pool_give(struct pool *p, void *object)
{
    if (!object)
        return;
    memcpy(object, &p->free_list, sizeof(void *));
    p->free_list = object;
    p->n_live--;
}
