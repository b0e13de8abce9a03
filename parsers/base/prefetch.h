/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that will be asked for soon is told to come: for those who walk through very many things
 * that lie anywhere.  Nothing is read.
 */
#ifndef WHYRST_PARSERS_BASE_PREFETCH_H
#define WHYRST_PARSERS_BASE_PREFETCH_H

#include <stddef.h>

#define PREFETCH_LINE 64

/* The n bytes at p, which may be NULL. */
static inline void prefetch_bytes(const void *p, size_t n)
{
    const char *at = p;
    if (!p || n == 0)
        return;
    /* GCC takes a function that does nothing but this for one without effect, and drops calls. */
    __asm__ volatile("");
    for (size_t i = 0; i < n; i += PREFETCH_LINE)
        __builtin_prefetch(at + i);
    __builtin_prefetch(at + n - 1);
}

/* For those who walk through v[0..n) of items of some size in order, and are at i: one behind it.
 */
#define PREFETCH_BEHIND 32
static inline void prefetch_behind(const void *v, size_t n, size_t size, size_t i)
{
    if (i + PREFETCH_BEHIND < n)
        prefetch_bytes((const char *)v + (i + PREFETCH_BEHIND) * size, size);
}

#endif
