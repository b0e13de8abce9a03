/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a log's clock is from the captures', line by line.  In: candidate pairs, each a log line
 * that names a connection's end and a connection that has that end, with the capture time at which
 * such a line is due.  Out: between which bounds the offset lay at each anchoring line: a clock may
 * drift and may be set.  Wrong pairs (another connection on the same port, another day) agree on
 * nothing; right ones all agree.  Pure: knows neither events nor records.
 */
#ifndef WHYRST_ANALYZER_CLOCK_CLOCK_H
#define WHYRST_ANALYZER_CLOCK_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/arena.h"
#include "parsers/base/instant.h"

/* Where no anchor tells, the clocks are taken to agree this well (NTP on both, stamps cut). */
#define CLOCK_UNKNOWN_SPREAD_NS (5 * NS_PER_S)
/* No clock that is told the time at all runs faster or slower than this: adjtimex(2) slews by 500
 * parts per million, and bare crystals stay within 200. */
#define CLOCK_RATE_MAX_PPB 500000
/* But one that nobody tells the time may run steadily at a rate of its own: a virtual machine whose
 * ticks were measured badly. */
#define CLOCK_DRIFT_MAX_PPB 3000000
#define CLOCK_STEPS_MAX 8

enum clock_order {
    CLOCK_TRAILS, /* the line was written after what it reports */
    CLOCK_LEADS,  /* before: what was captured is the line itself on its way */
    CLOCK_AROUND  /* one or the other: by its sender, or by whoever received it */
};

struct clock_pair {
    uint64_t line; /* identity of the log line; grows with its place in the log */
    uint32_t talk; /* identity of the connection, or of the datagram */
    enum clock_order order;
    instant_ns log;       /* the stamp: the truth lies in [log, log + precision) */
    instant_ns precision; /* its width */
    instant_ns due_first; /* capture time of what it reports: within [due_first, due_last] */
    instant_ns due_last;
};

struct clock_knot { /* what was found at one anchoring line */
    uint64_t line;
    instant_ns log;       /* its stamp */
    instant_ns low, high; /* the offset then: log clock minus capture clock, within */
    instant_ns best;      /* as likely more as less */
};

struct clock_step {         /* the clock was set between two anchoring lines */
    uint64_t after, before; /* their identities */
    instant_ns from, to;    /* their stamps */
    instant_ns by, spread;  /* positive: forward */
};

struct clock_estimate {
    bool known;
    instant_ns offset;  /* where most lines are: log clock minus capture clock; 0 when unknown */
    instant_ns spread;  /* half width: the true offset lies within; never 0 */
    uint32_t n_anchors; /* lines that agree on it */
    uint32_t n_talks;   /* connections that they name */
    bool contested;     /* unknown because two offsets have equal support */
    bool drifts;        /* the anchors show that it runs fast (positive) or slow */
    int32_t drift_ppb, drift_spread_ppb;
    int32_t rate_ppb; /* how fast the offset may change where no anchor tells, besides drift_ppb */
    struct clock_step steps[CLOCK_STEPS_MAX];
    uint32_t n_steps;
    uint32_t n_steps_more; /* found, not kept */
    bool by_time;          /* knots are sought by stamp, not by line: another log's, or unsorted */
    struct clock_knot *knots; /* in order of line or of stamp; the arena's */
    uint32_t n_knots;
};

struct clock_span { /* the truth lies within low and high, best guess in between */
    instant_ns low, best, high;
};

/* hints: identities of lines that say that the clock was set there, ascending (may be NULL).  Pairs
 * are reordered.  Memory: bounded, from the heap, and the knots from the arena; without it,
 * unknown. */
struct clock_estimate clock_estimate_of(struct arena *a, struct clock_pair *pairs, size_t n,
                                        const uint64_t *hints, size_t n_hints);

/* The offset at a line with that stamp. */
struct clock_span clock_at(const struct clock_estimate *e, uint64_t line, instant_ns log);

/* How far the truth may be from the best guess, either way. */
static inline instant_ns clock_doubt(struct clock_span s)
{
    return s.high - s.best > s.best - s.low ? s.high - s.best : s.best - s.low;
}

/* The same clock for stamps that are read shift earlier.  The knots are changed in place. */
void clock_shift(struct clock_estimate *e, instant_ns shift);

/* The same clock, known less well by that much either way. */
void clock_blur(struct clock_estimate *e, instant_ns by);

/* A zone that explains an offset: minutes east of UTC, a multiple of 15 within 14 hours, not 0;
 * *rest is what it leaves, at most 5 minutes either way.  False when none does. */
bool clock_zone_of(instant_ns offset, int *minutes_east, instant_ns *rest);

#endif
