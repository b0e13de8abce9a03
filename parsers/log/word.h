/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digits eight at a time, in one word.
 */
#ifndef WHYRST_PARSERS_LOG_WORD_H
#define WHYRST_PARSERS_LOG_WORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD_ZEROS UINT64_C(0x3030303030303030)

/* The eight bytes at p, the first lowest, each less what makes it a digit. */
static inline uint64_t word_at(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w ^ WORD_ZEROS;
}

/* How many of a word's first bytes are digits. */
static inline unsigned word_digits(uint64_t w)
{
    const uint64_t others = ((w + UINT64_C(0x7676767676767676)) | w) & UINT64_C(0x8080808080808080);
    return others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
}

/* The number of eight digits. */
static inline uint32_t word_number(uint64_t w)
{
    const uint64_t mask = UINT64_C(0x000000ff000000ff);
    w = w * 10 + (w >> 8); /* of two digits each */
    w = (w & mask) * (100 + (UINT64_C(1000000) << 32)) +
        (w >> 16 & mask) * (1 + (UINT64_C(10000) << 32));
    return (uint32_t)(w >> 32);
}

/* The number of the first n digits, 1 to 8. */
static inline uint32_t word_front(uint64_t w, unsigned n)
{
    return word_number(w << (64 - 8 * n));
}

#endif
