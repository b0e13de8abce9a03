/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the frames of a length-prefixed protocol at the end of a stream whose beginning is not at
 * hand.  Nobody outside parsers/packet includes this.
 */
#ifndef WHYRST_PARSERS_PACKET_CHAIN_H
#define WHYRST_PARSERS_PACKET_CHAIN_H

#include "parsers/base/cursor.h"
#include "parsers/packet/words.h"

/* Length of the frame that rest begins with, header included; 0 when it cannot be one. */
typedef size_t frame_length(struct text rest);

/* The longest end of tail that is whole frames one after the other; empty when there is none. */
struct text chain_at_end(struct text tail, frame_length *length);

static inline struct cursor text_cursor(struct text t)
{
    return cursor_of(t.p ? t.p : "", t.n);
}

/* The next n bytes as a view; empty and overrun when there are fewer. */
static inline struct text cursor_text(struct cursor *c, size_t n)
{
    const uint8_t *p = cursor_take(c, n);
    return p ? (struct text){(const char *)p, n} : (struct text){0};
}

/* Up to n bytes as a view, fewer at the end. */
static inline struct text cursor_text_up_to(struct cursor *c, size_t n)
{
    return cursor_text(c, n < cursor_left(c) ? n : cursor_left(c));
}

/* Bytes up to a NUL, which is skipped; up to the end when there is none. */
static inline struct text cursor_cstring(struct cursor *c)
{
    const struct text rest = {(const char *)c->p + c->at, cursor_left(c)};
    const size_t nul = text_find_byte(rest, '\0', 0);
    const struct text s = cursor_text_up_to(c, nul);
    if (nul != SIZE_MAX)
        cursor_skip(c, 1);
    return s;
}

#endif
