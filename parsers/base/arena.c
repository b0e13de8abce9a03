/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena: memory given back all at once.  Blocks double from 16 KiB to 2 MiB, then follow an
 * eighth of what there is up to 32 MiB; an object that would waste the rest of a block gets a block
 * of its own behind the current one.
 */
#include "parsers/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/huge.h"

#define ARENA_ALIGN 16
#define BLOCK_MIN ((size_t)16 << 10)
#define BLOCK_MAX HUGE_PAGE /* of a small arena */
#define BLOCK_LARGE_MAX ((size_t)32 << 20)
#define BLOCK_SHARE 8 /* of a large one */

struct arena_block {
    struct arena_block *next;
    size_t size; /* with this header */
    size_t used; /* with this header */
};

#define HEADER ((sizeof(struct arena_block) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN)

static void *heap_alloc(void *ctx, size_t n)
{
    (void)ctx;
    return n >= HUGE_PAGE ? huge_alloc(n) : calloc(1, n);
}

static void heap_release(void *ctx, void *p, size_t n)
{
    (void)ctx;
    if (n >= HUGE_PAGE)
        huge_free(p, n);
    else
        free(p);
}

/* Who releases says the size that was asked for. */
const struct allocator allocator_heap = {.alloc = heap_alloc, .release = heap_release};

void arena_init(struct arena *a, const struct allocator *from)
{
    *a = (struct arena){.from = from ? from : &allocator_heap};
}

void arena_finish(struct arena *a)
{
    if (!a)
        return;
    for (struct arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        a->from->release(a->from->ctx, b, b->size);
    }
    *a = (struct arena){.from = a->from};
}

static struct arena_block *block_new(struct arena *a, size_t size)
{
    struct arena_block *b = a->from->alloc(a->from->ctx, size);
    if (!b)
        return NULL;
    b->size = size;
    b->used = HEADER;
    a->reserved += size;
    return b;
}

/* Of several, as much as they had together, so that they are not asked for each time anew. */
void arena_clear(struct arena *a)
{
    struct arena_block *kept = a->head;
    if (!kept)
        return;
    if (kept->next && a->reserved <= BLOCK_MAX) {
        const size_t size = a->reserved;
        arena_finish(a);
        a->head = block_new(a, size);
        return;
    }
    a->head = kept->next;
    kept->next = NULL;
    arena_finish(a);
    memset((char *)kept + HEADER, 0, kept->used - HEADER);
    kept->used = HEADER;
    a->head = kept;
    a->reserved = kept->size;
}

static size_t next_size(const struct arena *a)
{
    if (!a->head)
        return BLOCK_MIN;
    /* Twice what there is, so the number of blocks stays logarithmic until the cap. */
    size_t size = a->reserved < BLOCK_MIN ? BLOCK_MIN : a->reserved;
    size_t cap = a->reserved / BLOCK_SHARE;
    cap = cap < BLOCK_MAX ? BLOCK_MAX : cap > BLOCK_LARGE_MAX ? BLOCK_LARGE_MAX : cap;
    return size > cap ? cap : size;
}

static struct arena_block *block_for(struct arena *a, size_t n)
{
    struct arena_block *b = a->head;
    if (b && b->size - b->used >= n)
        return b;
    size_t size = next_size(a);
    bool is_own = n > size / 4;
    b = block_new(a, is_own ? HEADER + n : size);
    if (!b)
        return NULL;
    if (is_own && a->head) {
        b->next = a->head->next;
        a->head->next = b;
    } else {
        b->next = a->head;
        a->head = b;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    size_t taken = n ? (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
    struct arena_block *b = block_for(a, taken);
    if (!b)
        return NULL;
    void *p = (char *)b + b->used;
    b->used += taken;
    a->used += n;
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return arena_alloc(a, count * size);
}

void *arena_copy(struct arena *a, const void *bytes, size_t n)
{
    void *p = arena_alloc(a, n);
    if (p && n > 0)
        memcpy(p, bytes, n);
    return p;
}

char *arena_cstr(struct arena *a, struct text t)
{
    if (t.n == SIZE_MAX)
        return NULL;
    char *p = arena_alloc(a, t.n + 1);
    if (p && t.n > 0)
        memcpy(p, t.p, t.n);
    return p;
}

struct text arena_text(struct arena *a, struct text t)
{
    char *p = arena_cstr(a, t);
    return (struct text){.p = p, .n = p ? t.n : 0};
}

struct text arena_join(struct arena *a, const struct text *parts, size_t n)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        len += parts[i].n; /* all of them are there: the sum fits */
    char *p = arena_alloc(a, len + 1);
    if (!p)
        return (struct text){0};
    for (size_t i = 0; i < n; at += parts[i++].n)
        if (parts[i].n > 0)
            memcpy(p + at, parts[i].p, parts[i].n);
    p[at] = '\0';
    return (struct text){p, len};
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}
