/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many numbers put in order, with what they belong to.  Stable, so that sorting by the lesser key
 * first and by the greater one afterwards orders by both.  What is in order already costs one look.
 */
#ifndef WHYRST_PARSERS_BASE_RADIX_H
#define WHYRST_PARSERS_BASE_RADIX_H

#include <stddef.h>
#include <stdint.h>

struct radix_item {
    uint64_t key;
    uint32_t value;
};

/* Ascending by key.  room holds n items and is overwritten. */
void radix_sort(struct radix_item *v, struct radix_item *room, size_t n);

/* 2 * n items: n to be sorted, and the room to do it in.  NULL when memory ran out. */
struct radix_item *radix_room(size_t n);
void radix_room_free(struct radix_item *v, size_t n); /* NULL-safe */

/* A key by which signed numbers keep their order. */
static inline uint64_t radix_signed(int64_t x)
{
    return (uint64_t)x ^ UINT64_C(1) << 63;
}

#endif
