/* SPDX-License-Identifier: Apache-2.0 */
/* The one door to libarchive: members in order, bytes through budgets, nothing written, nothing
 * run. */
#include "parsers/input/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/input/sniff.h"

#define BLOCK_BYTES ((size_t)256 << 10)

const struct input_limits input_limits_default = {
    .produced_max = UINT64_C(64) << 30,
    .ratio_max = 300,
    .produced_free = UINT64_C(1) << 30,
    .members_max = 200000,
    .inputs_max = 500000,
    .depth_max = 32,
    .spool_max = UINT64_C(64) << 30,
};

/* One libarchive reader with its budget.  The outer one reads a file, an inner one a member. */
struct stream {
    struct archive *a;
    const struct input_limits *limits;
    uint64_t produced;
};

struct unpack {
    struct stream stream;
    int fd;
    char *name;
    uint64_t n_members;
    bool has_member, ended;
    bool is_single; /* one compressed file, no archive */
};

static bool fail(struct archive *a, const char *place, struct error *err)
{
    const char *text = archive_error_string(a);
    if (archive_errno(a) == ENOMEM)
        return error_set(err, ERROR_NO_MEMORY, place, "out of memory");
    return error_set(err, ERROR_FORMAT, place, "%s", text ? text : "cannot be unpacked");
}

/* libarchive falls back to running gzip, zstd ... when it was built without a library, and says so
 * with ARCHIVE_WARN: then that filter is refused instead. */
static bool support_filters(struct archive *a, const char *place, struct error *err)
{
    static int (*const filters[])(struct archive *) = {
        archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
        archive_read_support_filter_xz,   archive_read_support_filter_zstd,
        archive_read_support_filter_lz4,
    };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (filters[i](a) != ARCHIVE_OK)
            return error_set(err, ERROR_USAGE, place,
                             "the installed libarchive lacks a decompressor: %s",
                             archive_error_string(a));
    return true;
}

static bool support(struct archive *a, bool with_archives, const char *place, struct error *err)
{
    if (!support_filters(a, place, err))
        return false;
    int r = archive_read_support_format_raw(a) | archive_read_support_format_empty(a);
    if (with_archives)
        r |= archive_read_support_format_tar(a) | archive_read_support_format_zip(a);
    return r == ARCHIVE_OK || fail(a, place, err);
}

/* Counts n bytes more; false with *err when a budget is exhausted. */
static bool account(struct stream *s, uint64_t n, const char *place, struct error *err)
{
    s->produced += n;
    int64_t filtered = archive_filter_bytes(s->a, 0), raw = archive_filter_bytes(s->a, -1);
    uint64_t out = s->produced, in = raw > 0 ? (uint64_t)raw : 1;
    if (filtered > 0 && (uint64_t)filtered > out)
        out = (uint64_t)filtered;
    if (out > s->limits->produced_max)
        return error_set(err, ERROR_LIMIT, place, "unpacks to more than %llu bytes",
                         (unsigned long long)s->limits->produced_max);
    if (out > s->limits->produced_free && out / in > s->limits->ratio_max)
        return error_set(err, ERROR_LIMIT, place, "unpacks to more than %llu times its size",
                         (unsigned long long)s->limits->ratio_max);
    return true;
}

static ssize_t stream_read(struct stream *s, void *into, size_t n, const char *place,
                           struct error *err)
{
    la_ssize_t got;
    do
        got = archive_read_data(s->a, into, n);
    while (got == ARCHIVE_RETRY);
    if (got < 0) {
        fail(s->a, place, err);
        return -1;
    }
    return account(s, (uint64_t)got, place, err) ? (ssize_t)got : -1;
}

struct unpack *unpack_open(const char *path, const char *name, const struct input_limits *limits,
                           struct error *err)
{
    struct unpack *u = calloc(1, sizeof *u);
    if (!u) {
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        return NULL;
    }
    u->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    u->name = strdup(name);
    u->stream.a = archive_read_new();
    u->stream.limits = limits ? limits : &input_limits_default;
    bool ok = false;
    if (u->fd < 0)
        error_set_errno(err, errno, name, "cannot open");
    else if (!u->name || !u->stream.a)
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
    else
        ok = support(u->stream.a, true, name, err) &&
             (archive_read_open_fd(u->stream.a, u->fd, BLOCK_BYTES) == ARCHIVE_OK ||
              fail(u->stream.a, name, err));
    if (ok)
        return u;
    unpack_close(u);
    return NULL;
}

void unpack_close(struct unpack *u)
{
    if (!u)
        return;
    if (u->stream.a)
        archive_read_free(u->stream.a);
    if (u->fd >= 0)
        close(u->fd);
    free(u->name);
    free(u);
}

static bool is_zip(struct archive *a)
{
    return (archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
}

/* Passes over the rest of the current member under the budget.  A zip is read by seeking, so its
 * members need not be unpacked to be passed. */
static bool pass_rest(struct unpack *u, struct error *err)
{
    if (!u->has_member || is_zip(u->stream.a))
        return true;
    const void *block;
    size_t n;
    la_int64_t at;
    int r;
    while ((r = archive_read_data_block(u->stream.a, &block, &n, &at)) == ARCHIVE_OK ||
           r == ARCHIVE_RETRY || r == ARCHIVE_WARN)
        if (!account(&u->stream, r == ARCHIVE_OK ? n : 0, u->name, err))
            return false;
    return r == ARCHIVE_EOF || fail(u->stream.a, u->name, err);
}

static void fill_member(struct unpack *u, struct archive_entry *e, struct unpack_member *m)
{
    const char *name = archive_entry_pathname(e);
    if (!name) /* UTF-8 that the C locale cannot say */
        name = archive_entry_pathname_utf8(e);
    bool is_link = archive_entry_hardlink(e) || archive_entry_hardlink_utf8(e);
    *m = (struct unpack_member){
        .index = u->n_members++,
        .name = u->is_single ? NULL
                : name       ? name
                             : "(name cannot be read)",
        .size = archive_entry_size_is_set(e) ? (uint64_t)archive_entry_size(e) : UINT64_MAX,
        .is_file = archive_entry_filetype(e) == AE_IFREG && !is_link,
        .is_encrypted = archive_entry_is_encrypted(e) != 0,
    };
}

static enum unpack_step stop(struct unpack *u, enum unpack_step step)
{
    u->ended = true;
    u->has_member = false;
    return step;
}

/* A compressed file of no bytes has no member for libarchive, but is one empty stream. */
static bool is_empty_stream(const struct unpack *u)
{
    return u->n_members == 0 &&
           (archive_format(u->stream.a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_EMPTY;
}

enum unpack_step unpack_next(struct unpack *u, struct unpack_member *member, struct error *err)
{
    struct archive_entry *e = NULL;
    if (u->ended)
        return UNPACK_END;
    do {
        if (!pass_rest(u, err))
            return stop(u, UNPACK_FAILED);
        int r = archive_read_next_header(u->stream.a, &e);
        u->has_member = r == ARCHIVE_OK || r == ARCHIVE_WARN;
        if (r == ARCHIVE_EOF && is_empty_stream(u)) {
            *member = (struct unpack_member){.is_file = true};
            u->n_members++;
            u->ended = true;
            return UNPACK_MEMBER;
        }
        if (r == ARCHIVE_EOF)
            return stop(u, UNPACK_END);
        if (!u->has_member && r != ARCHIVE_RETRY) {
            fail(u->stream.a, u->name, err);
            return stop(u, UNPACK_FAILED);
        }
    } while (!u->has_member || archive_entry_filetype(e) == AE_IFDIR);
    if (u->n_members >= u->stream.limits->members_max) {
        error_set(err, ERROR_LIMIT, u->name, "holds more than %llu members",
                  (unsigned long long)u->stream.limits->members_max);
        return stop(u, UNPACK_FAILED);
    }
    u->is_single = (archive_format(u->stream.a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_RAW;
    fill_member(u, e, member);
    return UNPACK_MEMBER;
}

struct member_reader {
    struct unpack *u;
    void (*on_close)(void *ctx);
    void *ctx;
};

static ssize_t member_read(void *ctx, void *into, size_t n, struct error *err)
{
    struct member_reader *m = ctx;
    if (!m->u->has_member)
        return 0;
    ssize_t got = stream_read(&m->u->stream, into, n, "", err);
    if (got <= 0)
        m->u->has_member = got == 0; /* after a failure there is nothing to pass over */
    return got;
}

static void member_close(void *ctx)
{
    struct member_reader *m = ctx;
    if (m->on_close)
        m->on_close(m->ctx);
    free(m);
}

static const struct source_reader member_source = {member_read, member_close};

/* A compressed member: a second reader whose input is the member's source. */
struct inner_reader {
    struct stream stream;
    struct source *outer;
    bool started;
};

static la_ssize_t inner_input(struct archive *a, void *ctx, const void **bytes)
{
    struct inner_reader *in = ctx;
    const uint8_t *p = NULL;
    size_t n = source_peek(in->outer, 1, &p);
    source_consume(in->outer, n);
    *bytes = p;
    const struct error *e = n == 0 ? source_error(in->outer) : NULL;
    if (!e)
        return (la_ssize_t)n;
    archive_set_error(a, EIO, "%s", e->text);
    return -1;
}

static bool inner_start(struct inner_reader *in, struct error *err)
{
    struct archive_entry *e;
    in->started = true;
    if (!support(in->stream.a, false, "", err))
        return false;
    if (archive_read_open(in->stream.a, in, NULL, inner_input, NULL) != ARCHIVE_OK)
        return fail(in->stream.a, "", err);
    int r = archive_read_next_header(in->stream.a, &e);
    return r == ARCHIVE_OK || r == ARCHIVE_WARN || r == ARCHIVE_EOF || fail(in->stream.a, "", err);
}

static ssize_t inner_read(void *ctx, void *into, size_t n, struct error *err)
{
    struct inner_reader *in = ctx;
    if (!in->started && !inner_start(in, err))
        return -1;
    if ((archive_format(in->stream.a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_EMPTY)
        return 0;
    return stream_read(&in->stream, into, n, "", err);
}

static void inner_close(void *ctx)
{
    struct inner_reader *in = ctx;
    if (in->stream.a)
        archive_read_free(in->stream.a);
    source_close(in->outer);
    free(in);
}

static const struct source_reader inner_source = {inner_read, inner_close};

/* Takes outer. */
static struct source *decompressed(struct source *outer, const struct input_limits *limits,
                                   struct error *err)
{
    struct inner_reader *in = calloc(1, sizeof *in);
    if (!in) {
        error_set(err, ERROR_NO_MEMORY, source_name(outer), "out of memory");
        source_close(outer);
        return NULL;
    }
    *in = (struct inner_reader){.outer = outer,
                                .stream = {.a = archive_read_new(), .limits = limits}};
    if (!in->stream.a) {
        error_set(err, ERROR_NO_MEMORY, source_name(outer), "out of memory");
        inner_close(in);
        return NULL;
    }
    return source_new(source_name(outer), &inner_source, in, err);
}

struct source *unpack_source(struct unpack *u, const char *name, void (*on_close)(void *ctx),
                             void *ctx, struct error *err)
{
    struct member_reader *m = calloc(1, sizeof *m);
    if (!m) {
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        if (on_close)
            on_close(ctx);
        return NULL;
    }
    *m = (struct member_reader){.u = u, .on_close = on_close, .ctx = ctx};
    struct source *s = source_new(name, &member_source, m, err);
    if (!s || u->is_single)
        return s;
    const uint8_t *p;
    size_t n = source_peek(s, SNIFF_BYTES, &p);
    if (sniff_kind(p, n) != INPUT_COMPRESSED)
        return s;
    return decompressed(s, u->stream.limits, err);
}
