/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses and endpoints.  One form for both families: 16 bytes in network order, IPv4 as the
 * IPv4-mapped ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so equality is memcmp.
 */
#ifndef WHYRST_PARSERS_BASE_ADDRESS_H
#define WHYRST_PARSERS_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "parsers/base/text.h"

struct address {
    uint8_t b[16];
};

struct endpoint {
    struct address ip;
    uint16_t port; /* host order; 0 = unknown where a log names only an address */
};

#define ADDRESS_TEXT_MAX 48
#define ENDPOINT_TEXT_MAX 64

/* Inline: these are asked for every line of every log, some of them often. */
static inline struct address address_from_v4(const uint8_t b[4])
{
    struct address a = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    memcpy(a.b + 12, b, 4);
    return a;
}

/* The same from a number whose highest byte is the first. */
static inline struct address address_from_u32(uint32_t v)
{
    uint64_t half[2] = {0, UINT64_C(0xffff) << 32 | v};
    struct address a;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    half[1] = __builtin_bswap64(half[1]);
#endif
    memcpy(a.b, half, sizeof a.b);
    return a;
}

/* "192.0.2.1" at the front of n bytes: how many bytes it takes; 0: it does not stand there.  Four
 * decimal parts without leading zeros, which some readers take as octal. */
static inline size_t address_take_v4(const char *p, size_t n, struct address *out)
{
    uint8_t b[4];
    size_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned v = at < n ? (unsigned)(p[at] - '0') : 10, more;
        if (v > 9)
            return 0;
        const size_t first = at++;
        while (at < n && at - first < 3 && (more = (unsigned)(p[at] - '0')) <= 9) {
            if (v == 0)
                return 0;
            v = v * 10 + more;
            at++;
        }
        if (v > 255 || (i < 3 && (at == n || p[at++] != '.')))
            return 0;
        b[i] = (uint8_t)v;
    }
    *out = address_from_v4(b);
    return at;
}

static inline bool address_eq(const struct address *a, const struct address *b)
{
    return memcmp(a->b, b->b, 16) == 0;
}

static inline bool address_is_v4(const struct address *a)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a->b, prefix, 12) == 0;
}

static inline bool address_is_zero(const struct address *a) /* ::, 0.0.0.0 or never set */
{
    static const struct address none, v4 = {{[10] = 0xff, [11] = 0xff}};
    return address_eq(a, &none) || address_eq(a, &v4);
}

/* 127.0.0.0/8, ::1: every host has them, each its own. */
bool address_is_loopback(const struct address *a);
int address_cmp(const struct address *a, const struct address *b);
/* Dotted IPv4, IPv6 (RFC 5952 or any legal form), brackets, IPv4-mapped (becomes IPv4), %scope
 * dropped. */
bool address_parse(struct text t, struct address *out);
size_t address_format(const struct address *a, char out[ADDRESS_TEXT_MAX]); /* RFC 5952 */
bool endpoint_eq(const struct endpoint *a, const struct endpoint *b);
int endpoint_cmp(const struct endpoint *a, const struct endpoint *b);
/* "192.0.2.1:22", "[2001:db8::1]:22"; also "192.0.2.1" (port 0). */
bool endpoint_parse(struct text t, struct endpoint *out);
size_t endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX]);

#endif
