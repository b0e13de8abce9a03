/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory with two lifetimes.  An arena gives everything back at once (all that a report may cite
 * lives in the case's arena); a pool gives fixed-size objects back one by one and reuses them (live
 * connections, stream holes).  Both draw from an allocator that is passed down, so that a test can
 * make the k-th allocation fail.  Memory from an arena or a pool is zeroed.
 */
#ifndef WHYRST_PARSERS_BASE_ARENA_H
#define WHYRST_PARSERS_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "parsers/base/text.h"

struct allocator {
    void *(*alloc)(void *ctx, size_t n);           /* n > 0; returns zeroed memory or NULL */
    void (*release)(void *ctx, void *p, size_t n); /* n as it was asked for */
    void *ctx;
};

extern const struct allocator allocator_heap; /* calloc; large pages for what is large */

struct arena {
    const struct allocator *from;
    struct arena_block *head;
    size_t used;     /* bytes handed out */
    size_t reserved; /* bytes taken from the allocator */
};

void arena_init(struct arena *a, const struct allocator *from); /* from NULL = heap */
void arena_finish(struct arena *a);                             /* NULL-safe; frees everything */
/* Forgets everything but keeps a block for what comes. */
void arena_clear(struct arena *a);
/* Zeroed, aligned for any type; NULL when the allocator refuses. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_array(struct arena *a, size_t count, size_t size); /* overflow-checked */
void *arena_copy(struct arena *a, const void *bytes, size_t n);
struct text arena_text(struct arena *a,
                       struct text t); /* a copy; also NUL-terminated; empty on failure */
char *arena_cstr(struct arena *a, struct text t);
/* One behind the other; as arena_text. */
struct text arena_join(struct arena *a, const struct text *parts, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct pool {
    const struct allocator *from;
    struct pool_slab *slabs, *spare; /* spare: rewound, its objects are not zero */
    void *free_list;
    size_t object_size;
    size_t n_live; /* objects handed out and not returned */
    size_t reserved;
    size_t n_cleared; /* bytes of an object that are zero when it is handed out; all, unless the
                         owner of the pool lowers it */
    size_t *total; /* or NULL: where the bytes handed out are counted, of several pools together */
    struct pool_draining *draining; /* by address, see pool_drain; NULL: none */
    size_t n_draining;
};

void pool_init(struct pool *p, size_t object_size, const struct allocator *from);
void pool_finish(struct pool *p);
void *pool_take(struct pool *p); /* zeroed object (see n_cleared) or NULL */
void pool_give(struct pool *p, void *object);
/* Most objects will be given back and few taken: from now on memory in which no object is left goes
 * back to the allocator at once, for what others ask for meanwhile.  Where there is no memory for
 * it, nothing changes. */
void pool_drain(struct pool *p);
/* All objects are forgotten; their memory stays for what comes, or until it is trimmed. */
void pool_rewind(struct pool *p);
void pool_trim(struct pool *p);
/* Gives back n objects that are linked by their first member, without touching any but the last. */
void pool_give_chain(struct pool *p, void *first, void *last, size_t n);

#endif
