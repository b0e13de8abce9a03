/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One clock on the bench: which of its lines are looked at, how much each weighs, how fine the
 * offsets are told apart.  In: pairs, sorted by line, and the bands of offsets that they allow.
 */
#ifndef WHYRST_ANALYZER_CLOCK_CLOCK_BENCH_H
#define WHYRST_ANALYZER_CLOCK_CLOCK_BENCH_H

#include "analyzer/clock/clock_filter.h"

struct clock_bench {
    const struct clock_pair *pairs; /* borrowed */
    size_t n_pairs;
    struct clock_bands bands;
    struct clock_line *lines; /* of the pairs, at most CLOCK_LINES_MAX, in order */
    size_t n_lines;
    struct clock_track *tracks, *other; /* room for one a line each */
    instant_ns grain;
    bool by_time; /* lines are in order of stamp */
};

/* pairs, n_pairs and bands are set.  hints: as in clock_estimate_of.  False when memory ran out or
 * no line is left; close in any case. */
bool clock_bench_open(struct clock_bench *b, const uint64_t *hints, size_t n_hints);
void clock_bench_close(struct clock_bench *b);

#endif
