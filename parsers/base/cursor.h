/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way to walk input bytes: a bounded cursor.  A read past the end returns 0, moves nothing
 * and sets overrun, so a decoder may read a whole header and ask once.
 */
#ifndef WHYRST_PARSERS_BASE_CURSOR_H
#define WHYRST_PARSERS_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *p; /* first byte */
    size_t n;         /* bytes in all */
    size_t at;        /* next byte to read, <= n */
    bool overrun;     /* a read asked for more than there was */
};

static inline struct cursor cursor_of(const void *bytes, size_t n)
{
    return (struct cursor){.p = bytes, .n = n};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return c->n - c->at;
}

/* The next n bytes, or NULL and overrun. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
    if (n > c->n - c->at) {
        c->overrun = true;
        return NULL;
    }
    const uint8_t *p = c->p + c->at;
    c->at += n;
    return p;
}

static inline bool cursor_skip(struct cursor *c, size_t n)
{
    return cursor_take(c, n) != NULL;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);
    return p ? p[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_be32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint16_t cursor_le16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p ? (uint16_t)(p[1] << 8 | p[0]) : 0;
}

static inline uint32_t cursor_le32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0] : 0;
}

static inline uint64_t cursor_be64(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 8);
    uint64_t v = 0;
    for (int i = 0; p && i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static inline uint64_t cursor_le64(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 8);
    uint64_t v = 0;
    for (int i = 7; p && i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

/* In the byte order that a file announced for itself. */
static inline uint16_t cursor_u16(struct cursor *c, bool is_big)
{
    return is_big ? cursor_be16(c) : cursor_le16(c);
}

static inline uint32_t cursor_u32(struct cursor *c, bool is_big)
{
    return is_big ? cursor_be32(c) : cursor_le32(c);
}

#endif
