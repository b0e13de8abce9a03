/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in the range of all offsets the truth may be: the stretches on which many pairs agree, the
 * best supported first, the later ones by lines that no earlier one explains.  A stretch holds
 * every offset of a clock that drifts; a clock that was set has several.  Nothing is measured here.
 */
#ifndef WHYRST_ANALYZER_CLOCK_CLOCK_VOTE_H
#define WHYRST_ANALYZER_CLOCK_CLOCK_VOTE_H

#include "analyzer/clock/clock.h"

#define CLOCK_BANDS_MAX 8

struct clock_band {
    instant_ns low, high; /* offsets */
    uint32_t n_lines;     /* that allow one of them, and none of an earlier band's */
};

struct clock_bands {
    struct clock_band v[CLOCK_BANDS_MAX];
    size_t n;
    bool contested; /* the same lines would support another offset nearly as well */
};

/* Pairs sorted by line and talk.  False when memory ran out. */
bool clock_vote(const struct clock_pair *pairs, size_t n, struct clock_bands *out);

#endif
