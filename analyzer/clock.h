/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a log's clock is from the captures'.  In: candidate pairs, each a log line that names a
 * connection's end and a connection that has that end, with the capture time at which such a line
 * is due.  Out: the offset on which most connections agree, how sure that is, or that nothing can
 * be said.  Wrong pairs (another connection on the same port, another day) agree on nothing; right
 * ones all agree.  Pure: knows neither events nor records.
 */
#ifndef WHYRST_ANALYZER_CLOCK_H
#define WHYRST_ANALYZER_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/instant.h"

/* A line trails what it reports by scheduling and writing; it hardly ever precedes it. */
#define CLOCK_LAG_NS (NS_PER_S / 4)
#define CLOCK_LEAD_NS (NS_PER_S / 100)
/* Where no anchor tells, the clocks are taken to agree this well (NTP on both, stamps cut). */
#define CLOCK_UNKNOWN_SPREAD_NS (5 * NS_PER_S)

struct clock_pair {
    uint64_t line;        /* identity of the log line */
    uint32_t talk;        /* identity of the connection */
    instant_ns log;       /* the stamp: the truth lies in [log, log + precision) */
    instant_ns precision; /* its width */
    instant_ns due_first; /* capture time of what it reports: within [due_first, due_last] */
    instant_ns due_last;
};

struct clock_estimate {
    bool known;
    instant_ns offset;  /* log clock minus capture clock; 0 when unknown */
    instant_ns spread;  /* half width: the true offset lies within; never 0 */
    uint32_t n_anchors; /* lines that agree on it */
    uint32_t n_talks;   /* connections that they name */
    bool contested;     /* unknown because two offsets have equal support */
};

/* Pairs are reordered.  Memory: a few words a pair from the heap; without it, unknown. */
struct clock_estimate clock_estimate_of(struct clock_pair *pairs, size_t n);

/* A zone that explains an offset: minutes east of UTC, a multiple of 15 within 14 hours, not 0;
 * *rest is what it leaves, at most 5 minutes either way.  False when none does. */
bool clock_zone_of(instant_ns offset, int *minutes_east, instant_ns *rest);

#endif
