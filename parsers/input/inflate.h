/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gzip or zstd stream of any number of members (frames), decompressed under a budget.  All that
 * can be unpacked is given, of a file that is cut or damaged too; what could not is told as the
 * stream's failure behind its last byte, with the places in the compressed and in the unpacked
 * bytes and the cause.  Other formats go through packed.h.
 */
#ifndef WHYRST_PARSERS_INPUT_INFLATE_H
#define WHYRST_PARSERS_INPUT_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/input/limits.h"
#include "parsers/input/source.h"

/* Whether a stream that begins so is one of these. */
bool inflate_knows(const uint8_t *bytes, size_t n);

struct inflate;

/* from begins with bytes that inflate_knows; it is taken, and closed when this fails.  Bytes out
 * count in *total too (NULL = none).  NULL with *err: no memory. */
struct inflate *inflate_new(struct source *from, const struct input_limits *limits, uint64_t *total,
                            struct error *err);
/* For source_new: ctx is the struct inflate. */
extern const struct source_reader inflate_reader;

#endif
