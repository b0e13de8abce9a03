/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of bytes with the name that the user knows it by ("x.pcap", "bundle.tar.gz!var/log/
 * messages"), read forward once.  A plain file is read straight into one buffer; what a thread has
 * read ahead (ahead.h) is shown where it is, and that buffer serves only those who want more at
 * once than there lies in one piece.  Only the tail of a record that straddles two pieces is ever
 * moved.
 */
#ifndef WHYRST_PARSERS_INPUT_SOURCE_H
#define WHYRST_PARSERS_INPUT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "parsers/base/error.h"

#define SOURCE_PEEK_MAX ((size_t)1 << 20) /* also the size of the buffer, which never grows */

/* So much at most is moved in front of what is read next. */
#define SOURCE_LEFT_MAX ((size_t)64 << 10)
#define SOURCE_LENDS_NOT (-2)

/* Where the bytes come from. */
struct source_reader {
    /* Up to n bytes to into.  Returns how many, 0 at the end, -1 with *err filled on failure. */
    ssize_t (*read)(void *ctx, void *into, size_t n, struct error *err);
    /* The next bytes where the reader has them, *p, behind a copy of the n_left bytes at left (at
     * most SOURCE_LEFT_MAX, of those lent last or of any others).  Returns how many, 0 or -1 as
     * read does, or SOURCE_LENDS_NOT: for now they must be read.  The bytes stay the reader's and
     * last until the next read, lend or pass that gives some.  May be NULL. */
    ssize_t (*lend)(void *ctx, const uint8_t *left, size_t n_left, const uint8_t **p,
                    struct error *err);
    void (*close)(void *ctx); /* may be NULL */
    /* Bytes at an offset of the stream without moving in it: how many, 0 where it cannot; may be
     * NULL. */
    size_t (*read_at)(void *ctx, uint64_t offset, void *into, size_t n);
    /* Passes n bytes unread, or what there is of them.  False where it cannot, and nothing moved;
     * may be NULL. */
    bool (*pass)(void *ctx, uint64_t n);
    /* Bytes taken so far from the file that all comes from; NULL = as many as were given. */
    uint64_t (*n_packed)(const void *ctx);
    /* Bytes of a compressed stream of which nothing came; may be NULL. */
    uint64_t (*n_unused)(const void *ctx);
};

/* The fields are the functions' own; they are here so that the common case is inlined. */
struct source {
    const uint8_t *piece; /* the buffer, or what the reader lends */
    size_t from, to;      /* what is read and not consumed: piece[from, to) */
    uint64_t offset;      /* of piece[from] in the stream */
    uint8_t *buffer;
    bool at_end; /* the reader has no more, or failed */
    struct error error;
    const struct source_reader *reader;
    void *ctx;
    void (*moving)(void *ctx); /* see source_watch */
    void *moving_ctx;
    char *name;
};

/* Takes ctx: it is closed with the source, or at once when this fails.  NULL with *err filled when
 * memory is short. */
struct source *source_new(const char *name, const struct source_reader *reader, void *ctx,
                          struct error *err);
/* Takes the descriptor, which is read from where it stands. */
struct source *source_from_fd(const char *name, int fd, struct error *err);
/* A plain file (or anything that open(2) and read(2) can do). */
struct source *source_open(const char *path, struct error *err);
struct source *source_open_as(const char *path, const char *name, struct error *err);
/* Bytes in memory, which must outlive the source. */
struct source *source_from_memory(const char *name, const void *bytes, size_t n, struct error *err);
void source_close(struct source *s); /* NULL-safe */

/* Calls moving(ctx) before bytes that a peek has shown are moved or overwritten, so that somebody
 * who holds on to several records at once can be done with them.  One at a time; NULL ends it. */
void source_watch(struct source *s, void (*moving)(void *ctx), void *ctx);

size_t source_fill(struct source *s, size_t want, const uint8_t **p);

/* Contiguous bytes from the current place: *p and how many.  At least want of them unless the
 * stream ends or fails before; often more.  want <= SOURCE_PEEK_MAX.  The bytes stay where they are
 * until the next peek (or what source_watch tells), also when they are consumed. */
static inline size_t source_peek(struct source *s, size_t want, const uint8_t **p)
{
    if (s->to - s->from >= want) {
        *p = s->piece + s->from;
        return s->to - s->from;
    }
    return source_fill(s, want, p);
}

/* What is there already, without a read: as source_peek with want 0. */
static inline size_t source_at_hand(const struct source *s, const uint8_t **p)
{
    *p = s->piece + s->from;
    return s->to - s->from;
}

/* Passes n bytes that a peek has shown. */
static inline void source_consume(struct source *s, size_t n)
{
    s->from += n;
    s->offset += n;
}

/* Takes n bytes to into, fewer only where the stream ends or fails: how many. */
size_t source_read(struct source *s, void *into, size_t n);

/* Passes up to n bytes, however many; returns how many there were. */
uint64_t source_skip(struct source *s, uint64_t n);

/* Goes on at an offset of the stream, not before the current one, without reading what lies
 * between.  False where that is not possible, and nothing moved. */
bool source_jump(struct source *s, uint64_t offset);

/* Up to n bytes from an offset of the stream, which stays where it is; 0 where only reading forward
 * is possible. */
size_t source_read_at(struct source *s, uint64_t offset, void *into, size_t n);

static inline uint64_t source_offset(const struct source *s)
{
    return s->offset;
}

/* Bytes that the reader has delivered so far. */
static inline uint64_t source_n_read(const struct source *s)
{
    return s->offset + (s->to - s->from);
}

/* Bytes taken so far from the file behind the stream, in the unit of the file's size: compressed
 * ones of a compressed file or archive.  For progress. */
uint64_t source_n_packed(const struct source *s);

/* Bytes of the compressed file behind the stream of which nothing came: broken, garbage or padding.
 * Their number is known at the end. */
uint64_t source_n_unused(const struct source *s);

/* Why the stream ended early, or NULL.  Bytes before the failure were delivered. */
const struct error *source_error(const struct source *s);
const char *source_name(const struct source *s);

#endif
