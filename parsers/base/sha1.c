/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-1 over one buffer, straight from FIPS 180-4 section 6.1, and base64 with padding.  Bytes come
 * in, a digest or its text goes out; nothing is kept between calls.
 */
#include "parsers/base/sha1.h"

#include <string.h>

#define BLOCK 64

static uint32_t rotl(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void expand(const uint8_t block[BLOCK], uint32_t w[80])
{
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
}

static void round_of(int i, const uint32_t s[5], uint32_t *f, uint32_t *k)
{
    if (i < 20) {
        *f = (s[1] & s[2]) | (~s[1] & s[3]);
        *k = 0x5a827999;
    } else if (i < 40) {
        *f = s[1] ^ s[2] ^ s[3];
        *k = 0x6ed9eba1;
    } else if (i < 60) {
        *f = (s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3]);
        *k = 0x8f1bbcdc;
    } else {
        *f = s[1] ^ s[2] ^ s[3];
        *k = 0xca62c1d6;
    }
}

/* One block into the five words of the state. */
static void mix(uint32_t *h, const uint8_t *block)
{
    uint32_t w[80], s[5], f, k;
    expand(block, w);
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 80; i++) {
        round_of(i, s, &f, &k);
        uint32_t t = rotl(s[0], 5) + f + s[4] + k + w[i];
        s[4] = s[3];
        s[3] = s[2];
        s[2] = rotl(s[1], 30);
        s[1] = s[0];
        s[0] = t;
    }
    for (int i = 0; i < 5; i++)
        h[i] += s[i];
}

void sha1(const void *bytes, size_t n, uint8_t out[SHA1_SIZE])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const uint8_t *p = bytes;
    size_t whole = n / BLOCK * BLOCK;
    for (size_t at = 0; at < whole; at += BLOCK)
        mix(h, &p[at]);

    uint8_t last[2 * BLOCK] = {0};
    size_t rest = n - whole, used = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    if (rest > 0)
        memcpy(last, &p[whole], rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[used - 1 - (size_t)i] = (uint8_t)((uint64_t)n * 8 >> 8 * i);
    mix(h, last);
    if (used > BLOCK)
        mix(h, &last[BLOCK]);
    for (int i = 0; i < SHA1_SIZE; i++)
        out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

size_t base64_encode(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                     (left > 2 ? bytes[i + 2] : 0);
        out[at++] = digits[v >> 18];
        out[at++] = digits[v >> 12 & 63];
        out[at++] = left > 1 ? digits[v >> 6 & 63] : '=';
        out[at++] = left > 2 ? digits[v & 63] : '=';
    }
    out[at] = '\0';
    return at;
}
