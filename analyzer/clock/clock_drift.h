/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a clock drifts steadily or creeps about, and where it was set.  In: a clock on the bench.
 * Out: its course line by line in the bench's tracks.
 */
#ifndef WHYRST_ANALYZER_CLOCK_CLOCK_DRIFT_H
#define WHYRST_ANALYZER_CLOCK_CLOCK_DRIFT_H

#include "analyzer/clock/clock_bench.h"

/* Sets the bench's tracks and the estimate's drift and rate; false when memory ran out. */
bool clock_follow(struct clock_bench *b, struct clock_estimate *e);

/* Half of the tracks are no wider; 0 when memory ran out. */
instant_ns clock_usual_width(const struct clock_track *t, size_t n);

/* False between two lines of which it is not known on which side of a step they are, or for those
 * that are late: they show neither drift nor steps. */
bool clock_is_sharp(const struct clock_track *t, instant_ns usual);

/* Whether a clock with that drift that creeps no faster than the rate cannot have got from the one
 * to the other in the time between. */
bool clock_is_step(const struct clock_track *a, const struct clock_track *b, instant_ns apart,
                   int32_t drift, int32_t rate);

/* How far a clock of that rate may get in that time. */
instant_ns clock_crept(int32_t ppb, instant_ns apart);

#endif
