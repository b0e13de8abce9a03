/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an end said first (2 KiB) and last (512 bytes), put in order as its segments arrive in any.
 * Where two segments claim the same byte, the first copy captured wins and a differing second one
 * is reported.  Bytes between first and last are never kept.
 */
#ifndef WHYRST_ANALYZER_TRACK_CONTENT_H
#define WHYRST_ANALYZER_TRACK_CONTENT_H

#include "analyzer/track/live.h"

/* Puts n captured bytes at an offset from the first payload byte.  True when a byte kept before was
 * re-sent with another value.  *c is taken on first need. */
bool content_put(struct store *s, struct content **c, uint64_t offset, const uint8_t *bytes,
                 size_t n);

/* Brings into the cache where the next bytes will go; c itself is there. */
static inline void content_prefetch_bytes(const struct content *c)
{
    if (c->head && c->end < CONTENT_HEAD) {
        __builtin_prefetch(c->head, 1);
        __builtin_prefetch(&c->head->byte[c->end % CONTENT_PIECE], 1);
    }
    if (c->tail) {
        __builtin_prefetch(c->tail, 1);
        __builtin_prefetch(&c->tail->filled[c->end % CONTENT_TAIL / 8], 1);
        __builtin_prefetch(&c->tail->byte[c->end % CONTENT_TAIL], 1);
    }
}

/* The head up to its first hole, and the unbroken run that ends with the newest byte, without what
 * the head already gives.  Copies into the arena. */
struct text content_head(const struct content *c, struct arena *arena);
struct text content_tail(const struct content *c, struct arena *arena);

/* Copies the first bytes up to the first hole, at most so many; gives how many. */
size_t content_begin(const struct content *c, char *out, size_t most);

void content_free(struct store *s, struct content *c); /* NULL-safe */

#endif
