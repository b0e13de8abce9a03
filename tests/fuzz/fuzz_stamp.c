/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a stamp, in every grammar: a stamp that was taken resolves without trouble, one that
 * was not leaves the scan where it was.
 */
#include <stdint.h>
#include <stdlib.h>

#include "parsers/log/stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const take[])(struct scan *, struct stamp *) = {
        stamp_take_bsd,       stamp_take_iso,  stamp_take_asctime,     stamp_take_clf,
        stamp_take_day_first, stamp_take_unix, stamp_take_month_first,
    };
    struct text t = {(const char *)data, size};
    struct stamp_clock clock;
    stamp_clock_init(&clock, NULL, INT64_C(1750000000) * NS_PER_S, INT64_C(1750003600) * NS_PER_S);
    for (size_t i = 0; i < sizeof take / sizeof take[0]; i++) {
        struct scan s = scan_of(t);
        struct stamp st;
        bool inferred;
        if (!take[i](&s, &st)) {
            if (s.at != 0)
                abort();
            continue;
        }
        stamp_take_zone_word(&s, &st);
        instant_ns first = stamp_resolve(&clock, &st, &inferred);
        if (first != stamp_resolve(&clock, &st, &inferred) || s.at > size)
            abort();
    }
    struct scan s = scan_of(t);
    instant_ns ns, width;
    stamp_take_monotonic(&s, &ns, &width);
    return 0;
}
