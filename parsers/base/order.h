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

/* How many items of a sorted row come before the key; with those equal to it, too, when past is
 * set. */
static inline size_t order_rank(const void *v, size_t n, size_t size, const void *key,
                                int (*compare)(const void *a, const void *b), bool past)
{
    size_t low = 0;
    for (size_t high = n; low < high;) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare((const char *)v + middle * size, key);
        if (order < 0 || (past && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
