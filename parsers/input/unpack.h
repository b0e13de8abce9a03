/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed files and archives as streams: gzip, bzip2, xz, zstd and lz4 around one file, a tar or
 * a zip.  A file goes in, its members come out one after the other.  Nothing is ever extracted to
 * disk, no helper program is run, and member names are text, never paths.  A compressed member is
 * decompressed too; an archive within an archive is not opened.
 */
#ifndef WHYRST_PARSERS_INPUT_UNPACK_H
#define WHYRST_PARSERS_INPUT_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/input/limits.h"
#include "parsers/input/source.h"

struct unpack;

enum unpack_step {
    UNPACK_MEMBER, /* *member is filled */
    UNPACK_END,
    UNPACK_FAILED, /* *err is filled; no more members */
};

struct unpack_member {
    uint64_t index;    /* from 0 in the archive's own order, folders not counted */
    const char *name;  /* as the archive has it; NULL for the one stream of a compressed file */
    uint64_t size;     /* as stated; UINT64_MAX if not */
    bool is_file;      /* false: a link, device or other entry without bytes of its own */
    bool is_encrypted; /* its bytes cannot be read */
};

/* path is opened; name stands for it in errors.  limits NULL = the defaults. */
struct unpack *unpack_open(const char *path, const char *name, const struct input_limits *limits,
                           struct error *err);
void unpack_close(struct unpack *u); /* NULL-safe */
/* Whether it is one gzip or zstd stream, which unpacks several times as fast as bzip2 or xz. */
bool unpack_is_quick(const struct unpack *u);
/* Bytes out of an archive so far, those of compressed members counted packed and unpacked. */
uint64_t unpack_n_out(const struct unpack *u);
/* member->name lives until the next step.  What was not read of the last member is passed over. */
enum unpack_step unpack_next(struct unpack *u, struct unpack_member *member, struct error *err);
/* The bytes of the current member, decompressed if it is a compressed file; of a long one read
 * ahead by another thread.  At most one such source at a time, and until it is closed nothing else
 * may be asked of u; on_close(ctx) is called when it is closed (may be NULL). */
struct source *unpack_source(struct unpack *u, const char *name, void (*on_close)(void *ctx),
                             void *ctx, struct error *err);

#endif
