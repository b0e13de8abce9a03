/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keyed hash of bytes (XXH3).  With a seed from map_seed() an attacker cannot aim at one slot;
 * never part of any output.  Inlined: for keys of a known, small size the call costs more than the
 * hash.
 */
#ifndef WHYRST_PARSERS_BASE_HASH_H
#define WHYRST_PARSERS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}

#endif
