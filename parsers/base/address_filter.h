/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses are surely none of a set's: bits by hash, of which a clear one belongs to no
 * address of the set.  A set bit says nothing.
 */
#ifndef WHYRST_PARSERS_BASE_ADDRESS_FILTER_H
#define WHYRST_PARSERS_BASE_ADDRESS_FILTER_H

#include "parsers/base/address.h"

struct address_filter {
    uint64_t *bits; /* not owned; NULL: any address may be of the set */
    uint64_t n;     /* words of them, a power of two */
};

/* Not keyed: addresses of captures are not chosen against it, and a false hit costs a search. */
static inline uint64_t address_filter_bit(const struct address_filter *f, const struct address *a)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t half[2];
    memcpy(half, a->b, sizeof half);
    wide product =
        (wide)(half[0] ^ UINT64_C(0x9E3779B97F4A7C15)) * (half[1] ^ UINT64_C(0xD6E8FEB86659FD93));
    return ((uint64_t)product ^ (uint64_t)(product >> 64)) & (f->n * 64 - 1);
}

static inline void address_filter_add(struct address_filter *f, const struct address *a)
{
    uint64_t bit = address_filter_bit(f, a);
    f->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

static inline bool address_filter_may_hold(const struct address_filter *f, const struct address *a)
{
    if (!f->bits)
        return true;
    uint64_t bit = address_filter_bit(f, a);
    return f->bits[bit / 64] >> bit % 64 & 1;
}

#endif
