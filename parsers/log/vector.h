/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sixteen bytes at a time, on whatever machine: the compiler turns the vector type into what the
 * machine has.  Comparisons give all ones or all zeros for each byte.
 */
#ifndef WHYRST_PARSERS_LOG_VECTOR_H
#define WHYRST_PARSERS_LOG_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "parsers/base/text.h"

#define LANES 16
typedef uint8_t lanes __attribute__((vector_size(LANES)));

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

/* The last bytes of a text, fewer than a block, and zeros; at < t.n. */
static inline lanes lanes_tail(struct text t, size_t at)
{
    lanes v = {0};
    memcpy(&v, t.p + at, t.n - at);
    return v;
}

#endif
