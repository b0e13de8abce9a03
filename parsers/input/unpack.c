/* SPDX-License-Identifier: Apache-2.0 */
/* Members of archives and compressed files in their order.  Nothing is written, nothing is run. */
#include "parsers/input/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/input/ahead.h"
#include "parsers/input/packed.h"
#include "parsers/input/sniff.h"
#include "parsers/input/spool.h"

struct unpack {
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

/* Content decides, and not what libarchive would make of it: a compressed file is a tar when a tar
 * header is in it, and else one stream. */
static bool find_kind(struct unpack *u, struct error *err)
{
    uint8_t bytes[SNIFF_BYTES];
    ssize_t n = pread(u->fd, bytes, sizeof bytes, 0);
    if (n < 0)
        return error_set_errno(err, errno, u->name, "cannot read");
    u->kind = sniff_kind(bytes, (size_t)n);
    if (u->kind == INPUT_TAR || u->kind == INPUT_ZIP)
        return true;
    struct packed p = {0};
    u->kind = INPUT_COMPRESSED;
    if (packed_open_fd(&p, u->fd, u->kind, u->packed.limits, u->name, NULL) &&
        kind_of_packed(&p) == INPUT_TAR)
        u->kind = INPUT_TAR;
    packed_close(&p);
    return lseek(u->fd, 0, SEEK_SET) == 0 || error_set_errno(err, errno, u->name, "cannot read");
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
    u->packed.limits = limits ? limits : &input_limits_default;
    bool ok = false;
    if (u->fd < 0)
        error_set_errno(err, errno, name, "cannot open");
    else if (!u->name)
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
    else
        ok = find_kind(u, err) &&
             packed_open_fd(&u->packed, u->fd, u->kind, u->packed.limits, u->name, err);
    u->packed.total = &u->total;
    if (ok)
        return u;
    unpack_close(u);
    return NULL;
}

void unpack_close(struct unpack *u)
{
    if (!u)
        return;
    packed_close(&u->packed);
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

/* A compressed file of no bytes has no member for libarchive, but is one empty stream. */
static enum unpack_step at_end(struct unpack *u, struct unpack_member *member)
{
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
    do {
        int r = pass_rest(u, err) ? packed_next(&u->packed, &e, err) : -1;
        u->has_member = r > 0;
        if (r == 0)
            return at_end(u, member);
        if (r < 0)
            return stop(u, UNPACK_FAILED);
    } while (archive_entry_filetype(e) == AE_IFDIR);
    if (u->n_members >= u->packed.limits->members_max) {
        error_set(err, ERROR_LIMIT, u->name, "holds more than %llu members",
                  (unsigned long long)u->packed.limits->members_max);
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
    ssize_t got = packed_read(&m->u->packed, into, n, err);
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
    const struct member_reader *m = ctx;
    return packed_n_in(&m->u->packed);
}

static const struct source_reader member_source = {
    .read = member_read, .close = member_close, .n_packed = member_n_packed};

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
    if (!packed_open_source(&in->packed, in->outer, in->u->packed.limits, &in->u->total,
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
static struct source *decompressed(struct unpack *u, struct source *outer, struct error *err)
{
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
