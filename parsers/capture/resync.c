/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reading goes on behind damage.  The stream at a record that makes no sense goes in, the
 * bytes up to the next sound run of records come out.  A run is believed when its headers agree
 * with each other and with the file, and when it is longer than what could lie inside one frame (a
 * capture that was sent over the captured network holds sound records too), or reaches the very end
 * of the file.  Nothing is repaired.
 */
#include <string.h>

#include "parsers/capture/format.h"

#define AGREEING 2                /* records behind an odd one that are asked */
#define RUN_RECORDS 4             /* as many sound headers at least, but at the end */
#define RUN_AT_END 2              /* where they reach the end of the file exactly */
#define RUN_BYTES 4096            /* and as many bytes, and more than the largest frame */
#define RUN_BYTES_MAX (64u << 10) /* but not more than this */
#define ZEROS 16                  /* as long as the shortest record header */

static size_t bytes_wanted(const struct capture *c)
{
    size_t most = (size_t)c->caplen_most + 64;
    if (most < RUN_BYTES)
        return RUN_BYTES;
    return most < RUN_BYTES_MAX ? most : RUN_BYTES_MAX;
}

/* Whether a run begins at p.  is_last: the stream ends with these n bytes. */
static bool run_begins(const struct capture *c, const uint8_t *p, size_t n, bool is_last)
{
    struct chain chain = {.p = p, .n = n};
    const size_t wanted = bytes_wanted(c);
    unsigned records = 0;
    c->format->chain_begin(c, &chain);
    while (records < RUN_RECORDS || (size_t)(chain.p - p) < wanted) {
        if (chain.n == 0)
            return is_last && records >= RUN_AT_END;
        enum chain_step step = c->format->chain_next(c, &chain);
        if (step == CHAIN_ENDS)
            return false;
        if (step == CHAIN_SHORT)
            return records >= RUN_RECORDS && (size_t)(chain.p - p) >= wanted;
        chain.p += chain.size;
        chain.n -= (size_t)chain.size;
        records++;
    }
    return true;
}

/* Nothing begins with so many zeros: where the next may that does not.  A file that was made in its
 * full length beforehand (a preallocated one, after a crash) may end in gigabytes of them. */
static size_t behind_zeros(const uint8_t *p, size_t at, size_t end)
{
    static const uint8_t zeros[ZEROS];
    if (end - at < ZEROS || memcmp(p + at, zeros, ZEROS) != 0)
        return at;
    at += ZEROS;
    while (end - at >= ZEROS && memcmp(p + at, zeros, ZEROS) == 0)
        at += ZEROS;
    while (at < end && p[at] == 0)
        at++;
    return at - ZEROS + 1;
}

static size_t next_run(const struct capture *c, const uint8_t *p, size_t n, size_t at, size_t end,
                       bool is_last)
{
    for (; at < end; at++) {
        at = behind_zeros(p, at, end);
        if (run_begins(c, p + at, n - at, is_last))
            break;
    }
    return at;
}

uint64_t resync_seek(struct capture *c, bool *resumes)
{
    enum { WINDOW = SOURCE_PEEK_MAX, AHEAD = SOURCE_PEEK_MAX / 2 };
    uint64_t passed = 0;
    size_t from = 1;
    *resumes = false;
    for (;;) {
        const uint8_t *p;
        size_t n = source_peek(c->source, WINDOW, &p);
        bool is_last = n < WINDOW;
        size_t end = is_last ? n : n - AHEAD, at = next_run(c, p, n, from, end, is_last);
        if (at > n) /* nothing at all is left */
            at = n;
        source_consume(c->source, at);
        passed += at;
        *resumes = at < end;
        if (*resumes || is_last)
            return passed;
        from = 0;
    }
}

bool resync_inside(struct capture *c, size_t size)
{
    const uint8_t *p;
    const size_t n = source_peek(c->source, SOURCE_PEEK_MAX, &p);
    for (size_t at = 1; at < size && at < n; at++)
        if (run_begins(c, p + at, n - at, n < SOURCE_PEEK_MAX))
            return true;
    return false;
}

bool resync_agrees(struct capture *c, uint64_t size)
{
    const uint8_t *p;
    if (size > SOURCE_PEEK_MAX / 2)
        return true; /* cannot be asked */
    size_t n = source_peek(c->source, (size_t)size + SOURCE_PEEK_MAX / 4, &p);
    if (n <= size)
        return true;
    struct chain chain = {.p = p + size, .n = n - (size_t)size};
    c->format->chain_begin(c, &chain);
    chain.is_loose = true;
    for (unsigned i = 0; i < AGREEING && chain.n > 0; i++) {
        enum chain_step step = c->format->chain_next(c, &chain);
        if (step != CHAIN_GOES_ON || chain.size > chain.n)
            return step != CHAIN_ENDS;
        chain.p += chain.size;
        chain.n -= (size_t)chain.size;
    }
    return true;
}
