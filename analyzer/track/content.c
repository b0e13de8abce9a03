/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse head pieces with a bit a byte, and a ring for the tail.  A byte is written once; later
 * copies are only compared.
 */
#include "analyzer/track/content.h"

#include <string.h>

static bool bit_get(const uint8_t *bits, size_t i)
{
    return bits[i / 8] >> (i % 8) & 1;
}

static void bit_set(uint8_t *bits, size_t i)
{
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

static void bit_clear(uint8_t *bits, size_t i)
{
    bits[i / 8] = (uint8_t)(bits[i / 8] & ~(1u << (i % 8)));
}

/* Sets the bits [from, to). */
static void bits_set(uint8_t *bits, size_t from, size_t to)
{
    for (; from < to && from % 8 != 0; from++)
        bit_set(bits, from);
    size_t whole = (to - from) / 8;
    memset(&bits[from / 8], 0xff, whole);
    for (from += 8 * whole; from < to; from++)
        bit_set(bits, from);
}

/* Whether the bits [from, to) are all set. */
static bool bits_all(const uint8_t *bits, size_t from, size_t to)
{
    for (; from < to && from % 8 != 0; from++)
        if (!bit_get(bits, from))
            return false;
    for (; to - from >= 8; from += 8)
        if (bits[from / 8] != 0xff)
            return false;
    for (; from < to; from++)
        if (!bit_get(bits, from))
            return false;
    return true;
}

static bool write_once(uint8_t *at, uint8_t *bits, size_t i, uint8_t byte)
{
    if (bit_get(bits, i))
        return at[i] != byte;
    at[i] = byte;
    bit_set(bits, i);
    return false;
}

static struct piece *piece_at(const struct content *c, size_t at)
{
    struct piece *p = c->head;
    while (p && p->index != at / CONTENT_PIECE)
        p = p->next;
    return p;
}

static struct piece *add_piece(struct store *s, struct content *c, size_t at)
{
    struct piece *p = pool_take(&s->pieces);
    if (!p)
        return NULL;
    p->index = (uint16_t)(at / CONTENT_PIECE);
    p->next = c->head;
    c->head = p;
    c->oldest = c->oldest ? c->oldest : p;
    c->n_pieces++;
    return p;
}

static struct piece *piece_for(struct store *s, struct content *c, size_t at)
{
    struct piece *p = piece_at(c, at);
    return p ? p : add_piece(s, c, at);
}

static bool put_head(struct store *s, struct content *c, uint64_t offset, const uint8_t *bytes,
                     size_t n)
{
    bool conflict = false;
    struct piece *piece = NULL;
    for (size_t i = 0; i < n && offset + i < CONTENT_HEAD; i++) {
        size_t at = (size_t)offset + i;
        if (!piece || piece->index != at / CONTENT_PIECE)
            piece = piece_for(s, c, at);
        if (!piece)
            return conflict;
        conflict |= write_once(piece->byte, piece->filled, at % CONTENT_PIECE, bytes[i]);
    }
    return conflict;
}

/* What comes in order meets nothing that is kept yet, but in the piece that it may begin in, and is
 * copied in one go. */
static void append_head(struct store *s, struct content *c, size_t at, const uint8_t *bytes,
                        size_t n)
{
    while (n > 0 && at < CONTENT_HEAD) {
        size_t from = at % CONTENT_PIECE;
        size_t now = n < CONTENT_PIECE - from ? n : CONTENT_PIECE - from;
        struct piece *piece = from > 0 ? piece_for(s, c, at) : add_piece(s, c, at);
        if (!piece)
            return;
        if (now > CONTENT_HEAD - at)
            now = CONTENT_HEAD - at;
        memcpy(&piece->byte[from], bytes, now);
        bits_set(piece->filled, from, from + now);
        at += now;
        bytes += now;
        n -= now;
    }
}

static void append_tail(struct store *s, struct content *c, uint64_t at, const uint8_t *bytes,
                        size_t n)
{
    if (at + n <= CONTENT_HEAD || (!c->tail && !(c->tail = pool_take(&s->tails))))
        return;
    size_t skip = n > CONTENT_TAIL ? n - CONTENT_TAIL : 0;
    c->tail->end = at + n;
    at += skip;
    bytes += skip;
    n -= skip;
    size_t from = (size_t)(at % CONTENT_TAIL);
    size_t first = n < CONTENT_TAIL - from ? n : CONTENT_TAIL - from;
    memcpy(&c->tail->byte[from], bytes, first);
    memcpy(c->tail->byte, &bytes[first], n - first);
    bits_set(c->tail->filled, from, from + first);
    bits_set(c->tail->filled, 0, n - first);
}

/* Makes room up to end: what leaves the window is forgotten. */
static void tail_advance(struct tail *t, uint64_t end)
{
    if (end <= t->end)
        return;
    if (end - t->end >= CONTENT_TAIL)
        memset(t->filled, 0, sizeof t->filled);
    else
        for (uint64_t at = t->end; at < end; at++)
            bit_clear(t->filled, at % CONTENT_TAIL);
    t->end = end;
}

static bool put_tail(struct store *s, struct content *c, uint64_t offset, const uint8_t *bytes,
                     size_t n)
{
    if (offset + n <= CONTENT_HEAD)
        return false;
    if (!c->tail && !(c->tail = pool_take(&s->tails)))
        return false;
    tail_advance(c->tail, offset + n);
    uint64_t from = c->tail->end > CONTENT_TAIL ? c->tail->end - CONTENT_TAIL : 0;
    bool conflict = false;
    for (size_t i = from > offset ? (size_t)(from - offset) : 0; i < n; i++)
        conflict |=
            write_once(c->tail->byte, c->tail->filled, (offset + i) % CONTENT_TAIL, bytes[i]);
    return conflict;
}

bool content_put(struct store *s, struct content **c, uint64_t offset, const uint8_t *bytes,
                 size_t n)
{
    if (n == 0)
        return false;
    if (!*c && !(*c = pool_take(&s->contents)))
        return false;
    bool in_order = offset == (*c)->end && (!(*c)->tail || (*c)->tail->end == offset);
    if (offset + n > (*c)->end)
        (*c)->end = offset + n;
    if (in_order) {
        if (offset < CONTENT_HEAD)
            append_head(s, *c, (size_t)offset, bytes, n);
        append_tail(s, *c, offset, bytes, n);
        return false;
    }
    bool conflict = put_head(s, *c, offset, bytes, n);
    return put_tail(s, *c, offset, bytes, n) || conflict;
}

static bool head_byte(const struct content *c, size_t at, char *byte)
{
    const struct piece *piece = piece_at(c, at);
    if (!piece || !bit_get(piece->filled, at % CONTENT_PIECE))
        return false;
    *byte = (char)piece->byte[at % CONTENT_PIECE];
    return true;
}

/* How many of the piece's bytes are there before its first hole. */
static size_t piece_length(const struct piece *p)
{
    size_t n = 0;
    while (n < CONTENT_PIECE && p->filled[n / 8] == 0xff)
        n += 8;
    while (n < CONTENT_PIECE && bit_get(p->filled, n))
        n++;
    return n;
}

#define PIECES ((CONTENT_HEAD + CONTENT_PIECE - 1) / CONTENT_PIECE)

/* The pieces in order, NULL where there is none; returns how many bytes there are before the first
 * hole. */
static size_t lay_out(const struct content *c, const struct piece *at[PIECES])
{
    size_t n = 0;
    memset(at, 0, PIECES * sizeof *at);
    for (const struct piece *p = c->head; p; p = p->next)
        at[p->index] = p;
    for (size_t i = 0; i < PIECES && at[i] && n == i * CONTENT_PIECE; i++)
        n += piece_length(at[i]);
    return n < CONTENT_HEAD ? n : CONTENT_HEAD;
}

struct text content_head(const struct content *c, struct arena *arena)
{
    const struct piece *at[PIECES];
    size_t n = c ? lay_out(c, at) : 0;
    char *copy = n ? arena_alloc(arena, n + 1) : NULL;
    if (!copy)
        return (struct text){0};
    for (size_t i = 0, done = 0; done < n; i++, done += CONTENT_PIECE)
        memcpy(&copy[done], at[i]->byte, n - done < CONTENT_PIECE ? n - done : CONTENT_PIECE);
    return (struct text){copy, n};
}

size_t content_begin(const struct content *c, char *out, size_t most)
{
    size_t n = 0;
    const struct piece *p;
    while (c && n < most && (p = piece_at(c, n))) {
        size_t length = piece_length(p), now = length < most - n ? length : most - n;
        memcpy(&out[n], p->byte, now);
        n += now;
        if (length < CONTENT_PIECE)
            break;
    }
    return n;
}

/* A kept byte, from wherever it is kept. */
static bool kept_byte(const struct content *c, uint64_t at, char *byte)
{
    const struct tail *t = c->tail;
    if (at < CONTENT_HEAD && head_byte(c, (size_t)at, byte))
        return true;
    if (t && at < t->end && at + CONTENT_TAIL >= t->end && bit_get(t->filled, at % CONTENT_TAIL))
        *byte = (char)t->byte[at % CONTENT_TAIL];
    else
        return false;
    return true;
}

/* Whether all bytes from there to the end are in the ring and nowhere else. */
static bool is_all_in_ring(const struct content *c, uint64_t from)
{
    const struct tail *t = c->tail;
    if (!t || t->end != c->end || from < CONTENT_HEAD || from > t->end ||
        from + CONTENT_TAIL < t->end)
        return false;
    const size_t at = (size_t)(from % CONTENT_TAIL), n = (size_t)(t->end - from);
    const size_t first = n < CONTENT_TAIL - at ? n : CONTENT_TAIL - at;
    return bits_all(t->filled, at, at + first) && bits_all(t->filled, 0, n - first);
}

static void copy_from_ring(const struct tail *t, uint64_t from, size_t n, char *out)
{
    const size_t at = (size_t)(from % CONTENT_TAIL);
    const size_t first = n < CONTENT_TAIL - at ? n : CONTENT_TAIL - at;
    memcpy(out, &t->byte[at], first);
    memcpy(&out[first], t->byte, n - first);
}

/* Where the last bytes without a hole begin, which are none of the head's. */
static uint64_t tail_begins(const struct content *c)
{
    const struct piece *at[PIECES];
    uint64_t floor = c->end > CONTENT_TAIL ? c->end - CONTENT_TAIL : 0, from = c->end;
    const size_t n_head = floor < CONTENT_HEAD ? lay_out(c, at) : 0;
    char byte;
    if (floor < n_head)
        floor = n_head;
    if (is_all_in_ring(c, floor))
        return floor;
    while (from > floor && kept_byte(c, from - 1, &byte))
        from--;
    return from;
}

struct text content_tail(const struct content *c, struct arena *arena)
{
    const uint64_t from = c ? tail_begins(c) : 0;
    const size_t n = c ? (size_t)(c->end - from) : 0;
    char *copy = n ? arena_alloc(arena, n + 1) : NULL;
    if (!copy)
        return (struct text){0};
    if (is_all_in_ring(c, from))
        copy_from_ring(c->tail, from, n, copy);
    else
        for (size_t i = 0; i < n; i++)
            kept_byte(c, from + i, &copy[i]);
    return (struct text){copy, n};
}

void content_free(struct store *s, struct content *c)
{
    if (!c)
        return;
    pool_give_chain(&s->pieces, c->head, c->oldest, c->n_pieces);
    if (c->tail)
        pool_give(&s->tails, c->tail);
    pool_give(&s->contents, c);
}
