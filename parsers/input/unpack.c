/* SPDX-License-Identifier: Apache-2.0 */
/* Members of archives and compressed files in their order.  Nothing is written, nothing is run. */
#include "parsers/input/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/input/ahead.h"
#include "parsers/input/inflate.h"
#include "parsers/input/packed.h"
#include "parsers/input/sniff.h"
#include "parsers/input/spool.h"

struct unpack {
    const struct input_limits *limits;
    struct inflate *stream; /* a gzip or zstd file that is one stream: packed is not used */
    struct source *plain;   /* what a gzip or zstd file around a tar holds */
    struct packed packed;
    int fd;
    char *name;
    enum input_kind kind; /* INPUT_COMPRESSED (one stream), INPUT_TAR or INPUT_ZIP */
    uint64_t n_members;
    uint64_t total; /* bytes out, those of compressed members counted packed and unpacked */
    bool has_member, ended;
    bool over_budget; /* found while a member was read */
};

/* What a stream of sniffed bytes is. */
static enum input_kind kind_of_packed(struct packed *p)
{
    struct archive_entry *e;
    uint8_t bytes[SNIFF_BYTES];
    size_t n = 0;
    ssize_t got = packed_next(p, &e, NULL);
    while (got > 0 && n < sizeof bytes) {
        got = packed_read(p, bytes + n, sizeof bytes - n, NULL);
        n += got > 0 ? (size_t)got : 0;
    }
    return sniff_kind(bytes, n);
}

/* The gzip or zstd file from its beginning. */
static struct inflate *inflate_file(struct unpack *u, struct error *err)
{
    int fd = fcntl(u->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0) {
        error_set_errno(err, errno, u->name, "cannot read");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct source *from = source_from_fd(u->name, fd, err);
    return from ? inflate_new(from, u->limits, NULL, err) : NULL;
}

static struct source *inflated_file(struct unpack *u, struct error *err)
{
    struct inflate *f = inflate_file(u, err);
    return f ? source_new(u->name, &inflate_reader, f, err) : NULL;
}

/* Content decides, and not what libarchive would make of it: a compressed file is a tar when a tar
 * header is in it, and else one stream. */
static bool open_packed(struct unpack *u, struct error *err)
{
    if (u->kind == INPUT_COMPRESSED) {
        struct packed p = {0};
        if (packed_open_fd(&p, u->fd, u->kind, u->limits, u->name, NULL) &&
            kind_of_packed(&p) == INPUT_TAR)
            u->kind = INPUT_TAR;
        packed_close(&p);
        if (lseek(u->fd, 0, SEEK_SET) != 0)
            return error_set_errno(err, errno, u->name, "cannot read");
    }
    bool ok = packed_open_fd(&u->packed, u->fd, u->kind, u->limits, u->name, err);
    u->packed.budget.total = &u->total;
    return ok;
}

/* A gzip or zstd file is a tar when a tar header is in it, and else one stream; packed twice, it is
 * for libarchive, which takes one layer after the other. */
static bool open_inflated(struct unpack *u, struct error *err)
{
    const uint8_t *p;
    u->plain = inflated_file(u, err);
    if (!u->plain)
        return false;
    size_t n = source_peek(u->plain, SNIFF_BYTES, &p);
    const enum input_kind inside = sniff_kind(p, n);
    if (inside == INPUT_TAR) {
        u->kind = INPUT_TAR;
        return packed_open_source(&u->packed, u->plain, INPUT_TAR, u->limits, &u->total, u->name,
                                  err);
    }
    source_close(u->plain);
    u->plain = NULL;
    if (inside == INPUT_COMPRESSED)
        return open_packed(u, err);
    u->stream = inflate_file(u, err);
    return u->stream != NULL;
}

static bool open_file(struct unpack *u, struct error *err)
{
    uint8_t bytes[SNIFF_BYTES];
    ssize_t n = pread(u->fd, bytes, sizeof bytes, 0);
    if (n < 0)
        return error_set_errno(err, errno, u->name, "cannot read");
    u->kind = sniff_kind(bytes, (size_t)n);
    if (u->kind != INPUT_TAR && u->kind != INPUT_ZIP)
        u->kind = INPUT_COMPRESSED;
    return inflate_knows(bytes, (size_t)n) ? open_inflated(u, err) : open_packed(u, err);
}

struct unpack *unpack_open(const char *path, const char *name, const struct input_limits *limits,
                           struct error *err)
{
    struct unpack *u = calloc(1, sizeof *u);
    if (!u) {
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        return NULL;
    }
    u->fd = spool_open(path);
    u->name = strdup(name);
    u->limits = limits ? limits : &input_limits_default;
    bool ok = false;
    if (u->fd < 0)
        error_set_errno(err, errno, name, "cannot open");
    else if (!u->name)
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
    else
        ok = open_file(u, err);
    if (ok)
        return u;
    unpack_close(u);
    return NULL;
}

bool unpack_is_quick(const struct unpack *u)
{
    return u->stream != NULL;
}

uint64_t unpack_n_out(const struct unpack *u)
{
    return u->total;
}

void unpack_close(struct unpack *u)
{
    if (!u)
        return;
    packed_close(&u->packed);
    source_close(u->plain);
    if (u->stream)
        inflate_reader.close(u->stream);
    if (u->fd >= 0)
        close(u->fd);
    free(u->name);
    free(u);
}

/* Passes over what is left of the current member here, and not in libarchive, which would unpack it
 * without a budget. */
static bool pass_rest(struct unpack *u, struct error *err)
{
    if (u->over_budget)
        return error_set(err, ERROR_LIMIT, u->name, "unpacks to too much: the rest is not read");
    return !u->has_member || packed_pass(&u->packed, err);
}

static void fill_member(struct unpack *u, struct archive_entry *e, struct unpack_member *m)
{
    const char *name = archive_entry_pathname(e);
    if (!name) /* UTF-8 that the C locale cannot say */
        name = archive_entry_pathname_utf8(e);
    bool is_link = archive_entry_hardlink(e) || archive_entry_hardlink_utf8(e);
    *m = (struct unpack_member){
        .index = u->n_members++,
        .name = name ? name : "(name cannot be read)",
        .size = archive_entry_size_is_set(e) ? (uint64_t)archive_entry_size(e) : UINT64_MAX,
        .is_file = archive_entry_filetype(e) == AE_IFREG && !is_link,
        .is_encrypted = archive_entry_is_encrypted(e) != 0,
    };
    if (u->kind == INPUT_COMPRESSED)
        m->name = NULL;
}

static enum unpack_step stop(struct unpack *u, enum unpack_step step)
{
    u->ended = true;
    u->has_member = false;
    return step;
}

/* The compressed bytes behind a tar's end, and whether they are whole too. */
static enum unpack_step end_tar(struct unpack *u, struct error *err)
{
    source_skip(u->plain, UINT64_MAX);
    const struct error *failed = source_error(u->plain);
    if (failed && err)
        *err = *failed;
    return stop(u, failed ? UNPACK_FAILED : UNPACK_END);
}

/* A compressed file of no bytes has no member for libarchive, but is one empty stream. */
static enum unpack_step at_end(struct unpack *u, struct unpack_member *member, struct error *err)
{
    if (u->plain)
        return end_tar(u, err);
    if (u->kind != INPUT_COMPRESSED || u->n_members > 0)
        return stop(u, UNPACK_END);
    *member = (struct unpack_member){.is_file = true};
    u->n_members++;
    return stop(u, UNPACK_MEMBER);
}

enum unpack_step unpack_next(struct unpack *u, struct unpack_member *member, struct error *err)
{
    struct archive_entry *e = NULL;
    if (u->ended)
        return UNPACK_END;
    if (u->kind == INPUT_COMPRESSED && u->n_members > 0) /* one stream: nothing is behind it */
        return stop(u, UNPACK_END);
    if (u->stream) {
        *member = (struct unpack_member){.size = UINT64_MAX, .is_file = true};
        u->n_members++;
        u->has_member = true;
        return UNPACK_MEMBER;
    }
    do {
        int r = pass_rest(u, err) ? packed_next(&u->packed, &e, err) : -1;
        u->has_member = r > 0;
        if (r == 0)
            return at_end(u, member, err);
        if (r < 0)
            return stop(u, UNPACK_FAILED);
    } while (archive_entry_filetype(e) == AE_IFDIR);
    if (u->n_members >= u->limits->members_max) {
        error_set(err, ERROR_LIMIT, u->name, "holds more than %llu members",
                  (unsigned long long)u->limits->members_max);
        return stop(u, UNPACK_FAILED);
    }
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
    const struct member_reader *m = ctx;
    if (!m->u->has_member)
        return 0;
    ssize_t got = m->u->stream ? inflate_reader.read(m->u->stream, into, n, err)
                               : packed_read(&m->u->packed, into, n, err);
    if (got <= 0) /* nothing is left to be passed over */
        m->u->has_member = false;
    m->u->over_budget |= got < 0 && err->code == ERROR_LIMIT;
    return got;
}

static void member_close(void *ctx)
{
    struct member_reader *m = ctx;
    if (m->on_close)
        m->on_close(m->ctx);
    free(m);
}

static uint64_t member_n_packed(const void *ctx)
{
    const struct unpack *u = ((const struct member_reader *)ctx)->u;
    return u->stream ? inflate_reader.n_packed(u->stream) : packed_n_in(&u->packed);
}

static uint64_t member_n_unused(const void *ctx)
{
    const struct unpack *u = ((const struct member_reader *)ctx)->u;
    return u->stream ? inflate_reader.n_unused(u->stream) : 0;
}

static const struct source_reader member_source = {.read = member_read,
                                                   .close = member_close,
                                                   .n_packed = member_n_packed,
                                                   .n_unused = member_n_unused};

/* A compressed member: a second reader whose input is the member's source. */
struct inner_reader {
    struct packed packed;
    struct unpack *u;
    struct source *outer;
    bool started, is_empty;
};

static bool inner_start(struct inner_reader *in, struct error *err)
{
    struct archive_entry *e;
    in->started = true;
    if (!packed_open_source(&in->packed, in->outer, INPUT_COMPRESSED, in->u->limits, &in->u->total,
                            source_name(in->outer), err))
        return false;
    int r = packed_next(&in->packed, &e, err);
    in->is_empty = r == 0;
    return r >= 0;
}

static ssize_t inner_read(void *ctx, void *into, size_t n, struct error *err)
{
    struct inner_reader *in = ctx;
    if (!in->started && !inner_start(in, err))
        return -1;
    return in->is_empty ? 0 : packed_read(&in->packed, into, n, err);
}

static void inner_close(void *ctx)
{
    struct inner_reader *in = ctx;
    packed_close(&in->packed);
    source_close(in->outer);
    free(in);
}

static uint64_t inner_n_packed(const void *ctx)
{
    const struct inner_reader *in = ctx;
    return packed_n_in(&in->u->packed);
}

static const struct source_reader inner_source = {
    .read = inner_read, .close = inner_close, .n_packed = inner_n_packed};

/* Takes outer. */
static struct source *inflated(struct unpack *u, struct source *outer, struct error *err)
{
    struct inflate *f = inflate_new(outer, u->limits, &u->total, err);
    return f ? source_new_ahead(source_name(outer), &inflate_reader, f, err) : NULL;
}

/* Takes outer. */
static struct source *decompressed(struct unpack *u, struct source *outer, struct error *err)
{
    const uint8_t *p;
    const size_t n = source_peek(outer, SNIFF_BYTES, &p);
    if (inflate_knows(p, n))
        return inflated(u, outer, err);
    struct inner_reader *in = calloc(1, sizeof *in);
    if (!in) {
        error_set(err, ERROR_NO_MEMORY, source_name(outer), "out of memory");
        source_close(outer);
        return NULL;
    }
    in->outer = outer;
    in->u = u;
    return source_new_ahead(source_name(outer), &inner_source, in, err);
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
    struct source *s = source_new_ahead(name, &member_source, m, err);
    if (!s || u->kind == INPUT_COMPRESSED)
        return s;
    const uint8_t *p;
    size_t n = source_peek(s, SNIFF_BYTES, &p);
    if (sniff_kind(p, n) != INPUT_COMPRESSED)
        return s;
    return decompressed(u, s, err);
}
