/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting what mostly stands in order already: what is written down as packets come has the order
 * of time, but for what came late.
 */
#ifndef WHYRST_PARSERS_BASE_ORDER_H
#define WHYRST_PARSERS_BASE_ORDER_H

#include <stdbool.h>
#include <stdlib.h>

/* Whether no item stands before one that it should follow. */
static inline bool order_holds(const void *v, size_t n, size_t size,
                               int (*compare)(const void *a, const void *b))
{
    const char *at = v;
    for (size_t i = 1; i < n; i++, at += size)
        if (compare(at, at + size) > 0)
            return false;
    return true;
}

/* As qsort(3), which is called only if the order does not hold; v may be NULL when n is 0. */
static inline void order_sort(void *v, size_t n, size_t size,
                              int (*compare)(const void *a, const void *b))
{
    if (!order_holds(v, n, size, compare))
        qsort(v, n, size, compare);
}

#endif
