/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sixteen bytes at a time, on whatever machine: the compiler turns the vector type into what the
 * machine has.  Comparisons give all ones or all zeros for each byte.
 */
#ifndef WHYRST_PARSERS_LOG_VECTOR_H
#define WHYRST_PARSERS_LOG_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "parsers/base/text.h"

#define LANES 16
typedef uint8_t lanes __attribute__((vector_size(LANES)));

static inline lanes lanes_at(const void *p)
{
    lanes v;
    memcpy(&v, p, LANES);
    return v;
}

/* A bit for each byte of a comparison's result. */
static inline uint32_t lanes_bits(lanes v)
{
#if defined(__SSE2__)
    typedef char signed_lanes __attribute__((vector_size(LANES)));
    return (uint32_t)__builtin_ia32_pmovmskb128((signed_lanes)v);
#else
    uint32_t bits = 0;
    for (size_t i = 0; i < LANES; i++)
        bits |= (uint32_t)(v[i] & 1) << i;
    return bits;
#endif
}

/* The greater of each two bytes. */
static inline lanes lanes_max(lanes a, lanes b)
{
#if defined(__SSE2__) && !defined(__clang__) /* which sees by itself what is meant below */
    typedef char signed_lanes __attribute__((vector_size(LANES)));
    return (lanes)__builtin_ia32_pmaxub128((signed_lanes)a, (signed_lanes)b);
#else
    const lanes greater = (lanes)(a > b);
    return (a & greater) | (b & ~greater);
#endif
}

/* By how much each byte is over its limit, else 0. */
static inline lanes lanes_over(lanes v, lanes limit)
{
    return lanes_max(v, limit) - limit;
}

static inline bool lanes_are_zero(lanes v)
{
    return lanes_bits((lanes)(v == 0)) == 0xffff;
}

/* All ones in the first n bytes, n <= LANES. */
static inline lanes lanes_front(size_t n)
{
    static const uint8_t ones[2 * LANES] = {255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255};
    return lanes_at(ones + LANES - n);
}

/* As memcmp(a, b, n) == 0 where most texts are short: a call costs more than they do. */
static inline bool same_bytes(const char *a, const char *b, size_t n)
{
    uint64_t a1, a2, b1, b2;
    if (n > 16)
        return memcmp(a, b, n) == 0;
    if (n >= 8) {
        memcpy(&a1, a, 8);
        memcpy(&b1, b, 8);
        memcpy(&a2, a + n - 8, 8);
        memcpy(&b2, b + n - 8, 8);
        return ((a1 ^ b1) | (a2 ^ b2)) == 0;
    }
    if (n >= 4) {
        uint32_t c1, c2, d1, d2;
        memcpy(&c1, a, 4);
        memcpy(&d1, b, 4);
        memcpy(&c2, a + n - 4, 4);
        memcpy(&d2, b + n - 4, 4);
        return ((c1 ^ d1) | (c2 ^ d2)) == 0;
    }
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

/* For a small table of names; n > 0.  The high bits are the best. */
static inline uint32_t hash_of_name(struct text t)
{
    uint32_t first = (uint8_t)t.p[0], last = (uint8_t)t.p[t.n - 1];
    if (t.n >= 4) {
        memcpy(&first, t.p, 4);
        memcpy(&last, t.p + t.n - 4, 4);
    }
    return ((first ^ (uint32_t)t.n) * UINT32_C(0x9E3779B1) ^ last) * UINT32_C(0x85EBCA77);
}

/* The last bytes of a text, fewer than a block, and zeros; at < t.n. */
static inline lanes lanes_tail(struct text t, size_t at)
{
    lanes v = {0};
    memcpy(&v, t.p + at, t.n - at);
    return v;
}

#endif
