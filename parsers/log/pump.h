/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rest of a large log, from where its source stands: read in blocks, which two threads sort by
 * the reader's sieve, and which the reader takes one after the other in the calling thread.  What
 * comes out is the same for any timing, and without a second thread.
 */
#ifndef WHYRST_PARSERS_LOG_PUMP_H
#define WHYRST_PARSERS_LOG_PUMP_H

#include "parsers/input/source.h"
#include "parsers/log/reader.h"

/* What to call now and then, when the source may be asked how far it is; tell may be NULL. */
struct log_progress {
    void (*tell)(void *ctx, const struct source *source);
    void *ctx;
};

/* Bytes of a log that are not worth a thread. */
#define LOG_PUMP_AFTER ((uint64_t)4 << 20)

/* Reads to the end of the source, or until the sink says stop.  False: there is no memory, or the
 * reader has learnt nothing that would help, and nothing was read. */
bool log_pump(struct log_reader *r, struct source *source, log_sink_fn sink, void *ctx,
              const struct log_progress *progress);

#endif
