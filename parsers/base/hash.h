/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keyed hash of bytes (XXH3).  With a seed from map_seed() an attacker cannot aim at one slot;
 * never part of any output.
 */
#ifndef WHYRST_PARSERS_BASE_HASH_H
#define WHYRST_PARSERS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed);

#endif
