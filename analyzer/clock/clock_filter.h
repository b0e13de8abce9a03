/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock followed along its log: a Bayes filter over a grid of offsets, run forward and backward.
 * Each line says how likely its stamp is under each offset, or is about something else altogether;
 * from line to line the offset may creep, and now and then jump.  Deterministic, no chance
 * involved.
 */
#ifndef WHYRST_ANALYZER_CLOCK_CLOCK_FILTER_H
#define WHYRST_ANALYZER_CLOCK_CLOCK_FILTER_H

#include "analyzer/clock/clock_vote.h"

#define CLOCK_LINES_MAX 512 /* a filter looks at; of more, an even choice */

struct clock_line {
    uint64_t line;
    instant_ns log;
    uint32_t first, n; /* its pairs */
    uint8_t roots;     /* how often its say is square-rooted: several speak of one connection */
    bool hinted;       /* a line between the one before and this one says that the clock was set */
};

struct clock_course { /* what is assumed */
    const struct clock_pair *pairs;
    const struct clock_line *lines;
    size_t n_lines;
    struct clock_bands bands; /* where offsets are sought, less the drift since the first line */
    instant_ns grain;         /* at least so fine */
    int32_t drift_ppb, rate_ppb;
};

struct clock_track { /* what was found at a line */
    instant_ns low, high, middle;
};

/* tracks: one a line, room for n_lines; *evidence: the logarithm of how likely all stamps are under
 * the assumptions, comparable between courses of the same lines.  False when memory ran out or no
 * offset is possible. */
bool clock_filter(const struct clock_course *course, struct clock_track *tracks, double *evidence);

/* The steady drift that tells the stamps best, to within CLOCK_SEARCH_PPB; the course's own drift
 * and rate are not looked at.  False when memory ran out. */
#define CLOCK_SEARCH_PPB 50000
bool clock_search(const struct clock_course *course, int32_t *drift);

/* The drift's share of the offset at that stamp. */
instant_ns clock_drifted(int32_t ppb, instant_ns since);

#endif
