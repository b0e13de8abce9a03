/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-1 (FIPS 180-4) and base64 (RFC 4648 section 4), as published identifiers need them.  Never
 * used for anything that has to resist an attacker.
 */
#ifndef WHYRST_PARSERS_BASE_SHA1_H
#define WHYRST_PARSERS_BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_SIZE 20

void sha1(const void *bytes, size_t n, uint8_t out[SHA1_SIZE]);

/* Writes 4 * ceil(n / 3) characters and a NUL to out; returns their number without the NUL. */
size_t base64_encode(const uint8_t *bytes, size_t n, char *out);

#endif
