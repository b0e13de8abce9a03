/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a large log was written so far from the captured time that none of its lines can matter.
 * Told without reading it: its stamps are looked at in places spread evenly over the file, and must
 * run in order there.
 */
#ifndef WHYRST_ANALYZER_CORRELATE_LOG_OUTSIDE_H
#define WHYRST_ANALYZER_CORRELATE_LOG_OUTSIDE_H

#include "parsers/input/source.h"
#include "parsers/log/reader.h"

#define LOG_OUTSIDE_PLACES 64 /* besides the file's end */

struct log_outside {
    instant_ns first, last;          /* by the log's own clock */
    bool zone_stated, year_inferred; /* of all stamps that were seen; of any */
    enum log_format format;          /* of the first */
};

/* True when the file, of size bytes, is in order and all of it farther from the captures' span in
 * config than a wrong clock may be.  offset: of the log's clock, as far as it is known.  False also
 * for small files, and for those that cannot be read in places. */
bool log_outside_find(struct source *source, uint64_t size, const struct log_config *config,
                      instant_ns offset, struct log_outside *out);

/* Tells the reader from when to when lines may matter at all: the heads and tails of a large log
 * that lie as far away are counted and not looked into. */
void log_outside_limit(struct log_config *config, instant_ns offset);

#endif
