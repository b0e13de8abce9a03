/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive with the formats that are wanted and no others, its bytes counted as they come. */
#include "parsers/input/packed.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)256 << 10)

static bool fail(struct packed *p, struct error *err)
{
    const char *text = archive_error_string(p->a);
    const struct error *cause = p->from ? source_error(p->from) : NULL;
    if (cause) {
        if (err)
            *err = *cause;
        return false;
    }
    if (archive_errno(p->a) == ENOMEM)
        return error_set(err, ERROR_NO_MEMORY, p->place, "out of memory");
    return error_set(err, ERROR_FORMAT, p->place, "%s", text ? text : "cannot be unpacked");
}

/* libarchive falls back to running gzip, zstd ... when it was built without a library, and says so
 * with ARCHIVE_WARN: then that filter is refused instead. */
static bool support_filters(struct packed *p, struct error *err)
{
    static int (*const filters[])(struct archive *) = {
        archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
        archive_read_support_filter_xz,   archive_read_support_filter_zstd,
        archive_read_support_filter_lz4,
    };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (filters[i](p->a) != ARCHIVE_OK)
            return error_set(err, ERROR_USAGE, p->place,
                             "the installed libarchive lacks a decompressor: %s",
                             archive_error_string(p->a));
    return true;
}

static bool support_format(struct packed *p, enum input_kind kind, struct error *err)
{
    int r;
    if (kind == INPUT_TAR)
        r = archive_read_support_format_tar(p->a);
    else if (kind == INPUT_ZIP)
        r = archive_read_support_format_zip(p->a);
    else
        r = archive_read_support_format_raw(p->a) | archive_read_support_format_empty(p->a);
    return r == ARCHIVE_OK || fail(p, err);
}

static bool start(struct packed *p, enum input_kind kind, const struct input_limits *limits,
                  const char *place, struct error *err)
{
    *p = (struct packed){.a = archive_read_new(), .budget = {.limits = limits}, .place = place};
    if (!p->a)
        return error_set(err, ERROR_NO_MEMORY, place, "out of memory");
    return support_filters(p, err) && support_format(p, kind, err);
}

bool packed_open_fd(struct packed *p, int fd, enum input_kind kind,
                    const struct input_limits *limits, const char *place, struct error *err)
{
    return start(p, kind, limits, place, err) &&
           (archive_read_open_fd(p->a, fd, BLOCK_BYTES) == ARCHIVE_OK || fail(p, err));
}

static la_ssize_t from_source(struct archive *a, void *ctx, const void **bytes)
{
    struct source *from = ctx;
    const uint8_t *p = NULL;
    size_t n = source_peek(from, 1, &p);
    source_consume(from, n);
    *bytes = p;
    const struct error *e = n == 0 ? source_error(from) : NULL;
    if (!e)
        return (la_ssize_t)n;
    archive_set_error(a, EIO, "%s", e->text);
    return -1;
}

bool packed_open_source(struct packed *p, struct source *from, enum input_kind kind,
                        const struct input_limits *limits, uint64_t *total, const char *place,
                        struct error *err)
{
    bool started = start(p, kind, limits, place, err);
    p->from = from;
    p->budget.total = total;
    return started &&
           (archive_read_open(p->a, from, NULL, from_source, NULL) == ARCHIVE_OK || fail(p, err));
}

void packed_close(struct packed *p)
{
    if (p->a)
        archive_read_free(p->a);
    p->a = NULL;
}

uint64_t packed_n_in(const struct packed *p)
{
    if (p->from)
        return source_n_packed(p->from);
    int64_t n = archive_filter_bytes(p->a, -1);
    return n > 0 ? (uint64_t)n : 0;
}

int packed_next(struct packed *p, struct archive_entry **entry, struct error *err)
{
    p->block = NULL;
    p->block_n = 0;
    p->block_at = p->at = 0;
    int r;
    do
        r = archive_read_next_header(p->a, entry);
    while (r == ARCHIVE_RETRY);
    if (r == ARCHIVE_EOF)
        return 0;
    if (r == ARCHIVE_OK || r == ARCHIVE_WARN)
        return 1;
    fail(p, err);
    return -1;
}

/* Counts n bytes more; false with *err when a budget is exhausted. */
static bool account(struct packed *p, uint64_t n, struct error *err)
{
    const int64_t in = archive_filter_bytes(p->a, -1), filtered = archive_filter_bytes(p->a, 0);
    return budget_spend(&p->budget, n, in > 0 ? (uint64_t)in : 0,
                        filtered > 0 ? (uint64_t)filtered : 0, p->place, err);
}

/* The next block of the member: 1, 0 at its end, -1 on failure.  Blocks are taken one by one
 * because archive_read_data forgets what it has when a later block fails. */
static int next_block(struct packed *p, struct error *err)
{
    const void *bytes = NULL;
    size_t n = 0;
    la_int64_t at = 0;
    int r;
    do
        r = archive_read_data_block(p->a, &bytes, &n, &at);
    while (r == ARCHIVE_RETRY);
    bool is_last_hole = r == ARCHIVE_EOF && n == 0 && at > 0 && (uint64_t)at > p->at;
    if (r == ARCHIVE_EOF && !is_last_hole)
        return 0;
    if (r != ARCHIVE_OK && r != ARCHIVE_WARN && !is_last_hole) {
        fail(p, err);
        return -1;
    }
    p->block = bytes;
    p->block_n = n;
    p->block_at = at > 0 ? (uint64_t)at : 0;
    return 1;
}

static size_t give(struct packed *p, uint8_t *into, size_t n)
{
    uint64_t hole = p->block_at > p->at ? p->block_at - p->at : 0;
    if (hole > 0) {
        n = hole < n ? (size_t)hole : n;
        memset(into, 0, n);
    } else {
        n = p->block_n < n ? p->block_n : n;
        memcpy(into, p->block, n);
        p->block += n;
        p->block_n -= n;
        p->block_at += n;
    }
    p->at += n;
    return n;
}

ssize_t packed_read(struct packed *p, void *into, size_t n, struct error *err)
{
    while (p->block_n == 0 && p->block_at <= p->at) {
        int r = next_block(p, err);
        if (r <= 0)
            return r;
    }
    size_t got = give(p, into, n);
    return account(p, got, err) ? (ssize_t)got : -1;
}

bool packed_pass(struct packed *p, struct error *err)
{
    while (next_block(p, NULL) > 0) {
        if (!account(p, p->block_n, err))
            return false;
        p->at = p->block_at + p->block_n;
    }
    return true;
}
