/* SPDX-License-Identifier: Apache-2.0 */
/* Each end is folded into 64 bits, and the two are mixed by what does not know their order. */
#include "parsers/packet/glance.h"

#include "parsers/packet/decode.h"

#define SPREAD UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio */

static uint64_t end4(const uint8_t *ip, uint16_t port)
{
    return (uint64_t)be32_at(ip, 0) << 16 | port;
}

static uint64_t end6(const uint8_t *ip, uint16_t port)
{
    uint64_t high, low;
    memcpy(&high, ip, sizeof high);
    memcpy(&low, ip + 8, sizeof low);
    return ((high * SPREAD) ^ (low >> 32) ^ (low << 32)) + port;
}

/* Low bits of a product know low bits only: the high ones are led down. */
static uint64_t mix(uint64_t a, uint64_t b, uint64_t seed)
{
    const uint64_t product = ((a ^ seed) | 1) * SPREAD * ((b ^ seed) | 1) + (a ^ b) * SPREAD;
    return product ^ product >> 32;
}

uint64_t glance_ends(const struct endpoint *a, const struct endpoint *b, uint64_t seed)
{
    if (address_is_v4(&a->ip) && address_is_v4(&b->ip))
        return mix(end4(a->ip.b + 12, a->port), end4(b->ip.b + 12, b->port), seed);
    return mix(end6(a->ip.b, a->port), end6(b->ip.b, b->port), seed);
}

/* The place behind the link header; *type is its ethertype, 0 where it is none to go on with. */
static inline size_t behind_link(const struct frame_bytes *f, uint16_t *type)
{
    const uint8_t *h = f->data;
    size_t at = 0;
    *type = 0;
    if (f->link_type == LINK_ETHERNET && f->caplen > 18) {
        at = be16_at(h, 12) == ETHERTYPE_VLAN ? 18 : 14;
        *type = be16_at(h, at - 2);
    } else if (f->link_type == LINK_RAW && f->caplen > 0) {
        *type = h[0] >> 4 == 4 ? ETHERTYPE_IP4 : h[0] >> 4 == 6 ? ETHERTYPE_IP6 : 0;
    } else if (f->link_type == LINK_SLL && f->caplen > 16 && be16_at(h, 2) != ARPHRD_NETLINK) {
        at = 16;
        *type = be16_at(h, 14);
    } else if (f->link_type == LINK_SLL2 && f->caplen > 20 && be16_at(h, 8) != ARPHRD_NETLINK) {
        at = 20;
        *type = be16_at(h, 0);
    }
    return at;
}

/* A TCP header that is all there, in a segment of n bytes that the frame has room for. */
static inline bool is_header(const struct frame_bytes *f, size_t at, uint32_t n)
{
    if (n < TCP_HEADER || f->caplen < at + TCP_HEADER || f->caplen > f->origlen ||
        n > f->origlen - at)
        return false;
    const uint8_t header_len = (uint8_t)(f->data[at + 12] >> 4 << 2);
    return header_len >= TCP_HEADER && header_len <= n;
}

static bool glance_ip4(const struct frame_bytes *f, size_t at, uint64_t seed, uint64_t *out)
{
    const uint8_t *h = f->data + at;
    if (f->caplen < at + 20 + TCP_HEADER || h[0] != 0x45 || h[9] != IP_PROTOCOL_TCP ||
        (be16_at(h, 6) & 0x3fff) != 0 || !is_header(f, at + 20, be16_at(h, 2) - 20u))
        return false;
    *out = mix(end4(h + 12, be16_at(h, 20)), end4(h + 16, be16_at(h, 22)), seed);
    return true;
}

static bool glance_ip6(const struct frame_bytes *f, size_t at, uint64_t seed, uint64_t *out)
{
    static const uint8_t zeros[8];
    const uint8_t *h = f->data + at;
    if (f->caplen < at + 40 + TCP_HEADER || h[0] >> 4 != 6 || h[6] != IP_PROTOCOL_TCP ||
        memcmp(h + 8, zeros, sizeof zeros) == 0 || /* it may be a mapped IPv4 address */
        !is_header(f, at + 40, be16_at(h, 4)))
        return false;
    *out = mix(end6(h + 8, be16_at(h, 40)), end6(h + 24, be16_at(h, 42)), seed);
    return true;
}

bool glance_frame(const struct frame_bytes *frame, uint64_t seed, uint64_t *out)
{
    uint16_t type;
    if (!frame->data)
        return false;
    const size_t at = behind_link(frame, &type);
    if (type == ETHERTYPE_IP4)
        return glance_ip4(frame, at, seed, out);
    return type == ETHERTYPE_IP6 && glance_ip6(frame, at, seed, out);
}
