/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search in times that stand in order, by those who ask again and again for about the same one:
 * it goes from where the last one ended, by steps that double.
 */
#ifndef WHYRST_ANALYZER_RECORD_TIMES_H
#define WHYRST_ANALYZER_RECORD_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/instant.h"

#define TIMES_AHEAD 16 /* times that come into the cache for whoever asks next */

static inline bool times_is_before(instant_ns x, instant_ns t, bool at)
{
    return x < t || (at && x == t);
}

/* How many of v[0..n), n < UINT32_MAX, come before t; with those at t, too, when at is set.  *hint
 * is where it is looked for first, and the answer afterwards. */
static inline size_t times_before(const instant_ns *v, size_t n, instant_ns t, bool at,
                                  uint32_t *hint)
{
    size_t low = 0, high = n, here = *hint < n ? *hint : n; /* it lies within low and high */
    for (size_t step = 1; here < n && times_is_before(v[here], t, at); step *= 2) {
        low = here + 1;
        here = n - here > step ? here + step : n;
    }
    high = here;
    for (size_t step = 1; low < high; step *= 2) {
        const size_t probe = high - low > step ? high - step : low;
        if (times_is_before(v[probe], t, at)) {
            low = probe + 1;
            break;
        }
        high = probe;
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (times_is_before(v[middle], t, at))
            low = middle + 1;
        else
            high = middle;
    }
    *hint = (uint32_t)low;
    if (low + TIMES_AHEAD < n) /* others are asked about in between */
        __builtin_prefetch(&v[low + TIMES_AHEAD]);
    return low;
}

#endif
