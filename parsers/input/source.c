/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer behind every stream, and the readers of descriptors and of memory. */
#include "parsers/input/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/input/spool.h"

/* Of the buffer only so much is used, and stays in the cache, unless somebody wants more. */
#define READ_MAX ((size_t)256 << 10)

struct source *source_new(const char *name, const struct source_reader *reader, void *ctx,
                          struct error *err)
{
    struct source *s = calloc(1, sizeof *s);
    char *copy = strdup(name);
    uint8_t *buffer = malloc(SOURCE_PEEK_MAX);
    if (!s || !copy || !buffer) {
        free(s);
        free(copy);
        free(buffer);
        if (reader->close)
            reader->close(ctx);
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        return NULL;
    }
    *s = (struct source){
        .piece = buffer, .buffer = buffer, .reader = reader, .ctx = ctx, .name = copy};
    return s;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    if (s->reader->close)
        s->reader->close(s->ctx);
    free(s->buffer);
    free(s->name);
    free(s);
}

/* How many bytes came, by what the reader says. */
static size_t n_more(struct source *s, ssize_t n)
{
    if (n <= 0)
        s->at_end = true;
    if (n < 0 && s->error.place[0] == '\0') {
        struct error cause = s->error;
        error_set(&s->error, cause.code ? cause.code : ERROR_IO, s->name, "%s", cause.text);
    }
    return n > 0 ? (size_t)n : 0;
}

/* One read more; there is room for n bytes.  How many came. */
static size_t read_more(struct source *s, void *into, size_t room)
{
    return n_more(s, s->reader->read(s->ctx, into, room, &s->error));
}

void source_watch(struct source *s, void (*moving)(void *ctx), void *ctx)
{
    s->moving = moving;
    s->moving_ctx = ctx;
}

/* What is left and the next bytes, where the reader has them.  False: they must be read. */
static bool borrow(struct source *s)
{
    const size_t left = s->to - s->from;
    const uint8_t *p;
    if (!s->reader->lend || left > SOURCE_LEFT_MAX)
        return false;
    const ssize_t n = s->reader->lend(s->ctx, s->piece + s->from, left, &p, &s->error);
    if (n == SOURCE_LENDS_NOT)
        return false;
    const size_t more = n_more(s, n);
    if (more > 0) {
        s->piece = p - left;
        s->from = 0;
        s->to = left + more;
    }
    return true;
}

/* What is left goes to the front: a buffer of which only the front is used stays in the cache. */
static void move_left(struct source *s)
{
    const size_t left = s->to - s->from;
    memmove(s->buffer, s->piece + s->from, left);
    s->piece = s->buffer;
    s->to = left;
    s->from = 0;
}

static bool is_short(const struct source *s, size_t want)
{
    return s->to - s->from < want && !s->at_end;
}

static void fill(struct source *s, size_t want)
{
    const bool is_lent = s->piece != s->buffer;
    if (is_lent || s->to - s->from <= SOURCE_LEFT_MAX || s->from + want > SOURCE_PEEK_MAX) {
        if (s->moving)
            s->moving(s->moving_ctx);
        if (!borrow(s) || is_short(s, want))
            move_left(s);
    }
    while (is_short(s, want)) {
        const size_t room = SOURCE_PEEK_MAX - s->to;
        s->to += read_more(s, s->buffer + s->to, room < READ_MAX ? room : READ_MAX);
    }
}

size_t source_fill(struct source *s, size_t want, const uint8_t **p)
{
    if (want > SOURCE_PEEK_MAX)
        want = SOURCE_PEEK_MAX;
    if (is_short(s, want))
        fill(s, want);
    *p = s->piece + s->from;
    return s->to - s->from;
}

size_t source_read(struct source *s, void *into, size_t n)
{
    size_t have = s->to - s->from, got = have < n ? have : n;
    if (s->moving)
        s->moving(s->moving_ctx);
    memcpy(into, s->piece + s->from, got);
    source_consume(s, got);
    while (got < n && !s->at_end) {
        const size_t more = read_more(s, (char *)into + got, n - got);
        s->offset += more;
        got += more;
    }
    return got;
}

uint64_t source_skip(struct source *s, uint64_t n)
{
    uint64_t left = n;
    while (left > 0) {
        const uint8_t *p;
        size_t have = source_peek(s, 1, &p);
        if (have == 0)
            break;
        size_t step = have < left ? have : (size_t)left;
        source_consume(s, step);
        left -= step;
    }
    return n - left;
}

bool source_jump(struct source *s, uint64_t offset)
{
    const size_t have = s->to - s->from;
    if (offset < s->offset)
        return false;
    const uint64_t ahead = offset - s->offset;
    if (ahead <= have) {
        source_consume(s, (size_t)ahead);
        return true;
    }
    if (s->moving)
        s->moving(s->moving_ctx);
    if (s->at_end || !s->reader->pass || !s->reader->pass(s->ctx, ahead - have))
        return false;
    s->from = s->to = 0;
    s->offset = offset;
    return true;
}

size_t source_read_at(struct source *s, uint64_t offset, void *into, size_t n)
{
    return s->reader->read_at ? s->reader->read_at(s->ctx, offset, into, n) : 0;
}

uint64_t source_n_packed(const struct source *s)
{
    return s->reader->n_packed ? s->reader->n_packed(s->ctx) : source_n_read(s);
}

uint64_t source_n_unused(const struct source *s)
{
    return s->reader->n_unused ? s->reader->n_unused(s->ctx) : 0;
}

const struct error *source_error(const struct source *s)
{
    return s->error.code ? &s->error : NULL;
}

const char *source_name(const struct source *s)
{
    return s->name;
}

struct descriptor {
    int fd;
};

static ssize_t descriptor_read(void *ctx, void *into, size_t n, struct error *err)
{
    const struct descriptor *d = ctx;
    ssize_t got;
    do
        got = read(d->fd, into, n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        error_set_errno(err, errno, "", "cannot read");
    return got;
}

static size_t descriptor_read_at(void *ctx, uint64_t offset, void *into, size_t n)
{
    const struct descriptor *d = ctx;
    ssize_t got;
    do
        got = pread(d->fd, into, n, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got > 0 ? (size_t)got : 0;
}

static bool descriptor_pass(void *ctx, uint64_t n)
{
    const struct descriptor *d = ctx;
    return n <= INT64_MAX && lseek(d->fd, (off_t)n, SEEK_CUR) >= 0;
}

static void descriptor_close(void *ctx)
{
    struct descriptor *d = ctx;
    close(d->fd);
    free(d);
}

static const struct source_reader descriptor_reader = {.read = descriptor_read,
                                                       .close = descriptor_close,
                                                       .read_at = descriptor_read_at,
                                                       .pass = descriptor_pass};

struct source *source_from_fd(const char *name, int fd, struct error *err)
{
    struct descriptor *d = malloc(sizeof *d);
    if (!d) {
        close(fd);
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        return NULL;
    }
    d->fd = fd;
    /* A hint; pipes and odd file systems may refuse it. */
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return source_new(name, &descriptor_reader, d, err);
}

struct source *source_open_as(const char *path, const char *name, struct error *err)
{
    int fd = spool_open(path);
    if (fd < 0) {
        error_set_errno(err, errno, name, "cannot open");
        return NULL;
    }
    return source_from_fd(name, fd, err);
}

struct source *source_open(const char *path, struct error *err)
{
    return source_open_as(path, path, err);
}

struct memory {
    const uint8_t *p;
    size_t n;
};

static ssize_t memory_read(void *ctx, void *into, size_t n, struct error *err)
{
    (void)err;
    struct memory *m = ctx;
    size_t step = n < m->n ? n : m->n;
    if (step > 0)
        memcpy(into, m->p, step);
    m->p = step ? m->p + step : m->p;
    m->n -= step;
    return (ssize_t)step;
}

static const struct source_reader memory_reader = {.read = memory_read, .close = free};

struct source *source_from_memory(const char *name, const void *bytes, size_t n, struct error *err)
{
    struct memory *m = malloc(sizeof *m);
    if (!m) {
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        return NULL;
    }
    *m = (struct memory){.p = bytes, .n = n};
    return source_new(name, &memory_reader, m, err);
}
