/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One libarchive reader under a budget: packed bytes go in from a descriptor or a stream, the bytes
 * of its members come out.  Used by unpack.c only; with packed.c it is the one door to libarchive.
 */
#ifndef WHYRST_PARSERS_INPUT_PACKED_H
#define WHYRST_PARSERS_INPUT_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "parsers/base/error.h"
#include "parsers/input/budget.h"
#include "parsers/input/limits.h"
#include "parsers/input/sniff.h"
#include "parsers/input/source.h"

struct packed {
    struct archive *a;
    struct source *from;  /* of the packed bytes, the caller's; NULL: a descriptor */
    const char *place;    /* named in errors; the caller's */
    struct budget budget; /* of all members */
    const uint8_t *block; /* libarchive's, until its next step */
    size_t block_n;
    uint64_t block_at; /* offset of block in the member; before it is a hole of a sparse file */
    uint64_t at;       /* offset of the next byte to give */
};

/* What a packed file is to be read as: INPUT_TAR (compressed or not), INPUT_ZIP, or
 * INPUT_COMPRESSED for one compressed stream, whatever is in it. */
bool packed_open_fd(struct packed *p, int fd, enum input_kind kind,
                    const struct input_limits *limits, const char *place, struct error *err);
/* The same out of a stream, which stays the caller's; bytes out count in *total too. */
bool packed_open_source(struct packed *p, struct source *from, enum input_kind kind,
                        const struct input_limits *limits, uint64_t *total, const char *place,
                        struct error *err);
void packed_close(struct packed *p); /* also after a failed open */

/* Packed bytes taken so far. */
uint64_t packed_n_in(const struct packed *p);

struct archive_entry;
/* The next member: 1 and *entry (libarchive's, until the next step); 0 at the end; -1 with *err. */
int packed_next(struct packed *p, struct archive_entry **entry, struct error *err);
/* Bytes of the current member, as source_reader.read. */
ssize_t packed_read(struct packed *p, void *into, size_t n, struct error *err);
/* Unpacks the rest of the current member and forgets it, also when it is broken: what that means
 * for the members behind it, packed_next will say.  False with *err when a budget is exhausted. */
bool packed_pass(struct packed *p, struct error *err);

#endif
