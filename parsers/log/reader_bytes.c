/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as they come, in pieces that end anywhere: cut into lines, of which one may have begun in
 * the piece before, and given to the sieve first where there is one.  What a line is, is not asked
 * here.
 */
#include <stdlib.h>
#include <string.h>

#include "parsers/log/reader_state.h"

/* The end of a line whose front was carried over from the last call. */
static void take_carried(struct log_reader *r, const char *bytes, size_t n)
{
    if (!r->dropping && !kept_add(&r->carry, bytes, n, LOG_LINE_MAX))
        flaws_add(r->flaws, "log.line-cut", r->summary.lines + 1);
    r->dropping = false;
    reader_take_line(r, kept_view(&r->carry));
    reader_settle(r);
    r->carry.n = 0;
}

static void carry_rest(struct log_reader *r, const char *bytes, size_t n)
{
    if (r->dropping || kept_add(&r->carry, bytes, n, LOG_LINE_MAX))
        return;
    flaws_add(r->flaws, "log.line-cut", r->summary.lines + 1);
    r->dropping = true;
}

void reader_take_bytes(struct log_reader *r, const char *p, size_t n)
{
    size_t at = 0;
    while (at < n && !r->stopped) {
        if (r->export.phase >= EXPORT_SIZE) {
            at += reader_export_bytes(r, p + at, n - at);
            continue;
        }
        const char *end = memchr(p + at, '\n', n - at);
        if (!end) {
            carry_rest(r, p + at, n - at);
            break;
        }
        size_t length = (size_t)(end - (p + at));
        if (r->carry.n || r->dropping)
            take_carried(r, p + at, length);
        else if (length <= LOG_LINE_MAX)
            reader_take_line(r, (struct text){p + at, length});
        else {
            flaws_add(r->flaws, "log.line-cut", r->summary.lines + 1);
            reader_take_line(r, (struct text){p + at, LOG_LINE_MAX});
        }
        at += length + 1;
    }
}

/* Without memory for it the sieve is not asked. */
static bool can_sieve(struct log_reader *r)
{
    if (r->sieve && !r->sieved)
        r->sieved = malloc(sizeof *r->sieved);
    return r->sieve && r->sieved;
}

bool log_reader_feed(struct log_reader *r, const void *bytes, size_t n, log_sink_fn sink, void *ctx)
{
    const char *p = bytes;
    r->sink = sink;
    r->ctx = ctx;
    while (n && !r->stopped) {
        size_t step = n < SIEVE_BLOCK_MAX ? n : SIEVE_BLOCK_MAX;
        if (can_sieve(r)) {
            sieve_block(r->sieve, r->seeker, p, step, r->sieved);
            reader_take_sieved(r, p, r->sieved);
        } else {
            reader_take_bytes(r, p, step);
        }
        p += step;
        n -= step;
    }
    reader_settle(r);
    return !r->stopped;
}

bool log_reader_end(struct log_reader *r, log_sink_fn sink, void *ctx)
{
    r->sink = sink;
    r->ctx = ctx;
    if (!r->stopped && (r->carry.n || r->dropping))
        take_carried(r, NULL, 0);
    if (!r->stopped)
        reader_export_end(r);
    if (!r->stopped)
        reader_flush_pending(r);
    return !r->stopped;
}
