/* SPDX-License-Identifier: Apache-2.0 */
/* Each end is folded into 64 bits, and the two are mixed by what does not know their order. */
#include "parsers/packet/glance.h"

#include "parsers/packet/decode.h"

#define SPREAD UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio */

/* The ends' ports are as in the header: in network byte order. */
static inline uint64_t end4(const uint8_t *ip, const uint8_t *port)
{
    uint32_t host;
    uint16_t number;
    memcpy(&host, ip, sizeof host);
    memcpy(&number, port, sizeof number);
    return (uint64_t)host << 16 | number;
}

static inline uint64_t end6(const uint8_t *ip, const uint8_t *port)
{
    uint64_t high, low;
    uint16_t number;
    memcpy(&high, ip, sizeof high);
    memcpy(&low, ip + 8, sizeof low);
    memcpy(&number, port, sizeof number);
    return ((high * SPREAD) ^ (low >> 32) ^ (low << 32)) + number;
}

/* Low bits of a product know low bits only: the high ones are led down. */
static inline uint64_t mix(uint64_t a, uint64_t b, uint64_t seed)
{
    __extension__ typedef unsigned __int128 wide;
    const wide product = (wide)(a ^ seed) * (b ^ seed);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t glance_ends(const struct endpoint *a, const struct endpoint *b, uint64_t seed)
{
    const uint16_t ports[2] = {htobe16(a->port), htobe16(b->port)};
    const uint8_t *pa = (const uint8_t *)&ports[0], *pb = (const uint8_t *)&ports[1];
    if (address_is_v4(&a->ip) && address_is_v4(&b->ip))
        return mix(end4(a->ip.b + 12, pa), end4(b->ip.b + 12, pb), seed);
    return mix(end6(a->ip.b, pa), end6(b->ip.b, pb), seed);
}

/* The length of the link header, which is all there; *type is its ethertype, 0 where it is none to
 * go on with. */
static inline uint32_t behind_link(const uint8_t *h, int link_type, uint16_t *type)
{
    if (link_type == LINK_ETHERNET) {
        const uint32_t tag = 4u * (be16_at(h, 12) == ETHERTYPE_VLAN); /* without a branch */
        *type = be16_at(h, 12 + tag);
        return 14 + tag;
    }
    *type = 0;
    switch (link_type) {
    case LINK_RAW:
        *type = h[0] >> 4 == 4 ? ETHERTYPE_IP4 : h[0] >> 4 == 6 ? ETHERTYPE_IP6 : 0;
        return 0;
    case LINK_SLL:
        *type = be16_at(h, 2) != ARPHRD_NETLINK ? be16_at(h, 14) : 0;
        return 16;
    case LINK_SLL2:
        *type = be16_at(h, 8) != ARPHRD_NETLINK ? be16_at(h, 0) : 0;
        return 20;
    default:
        return 0;
    }
}

/* Whether a datagram of n bytes, with room for most of them, holds all of the TCP header that
 * begins ip_len bytes behind its own. */
static inline bool has_header(const uint8_t *ip, uint32_t ip_len, uint32_t n, uint32_t most)
{
    const uint32_t tcp_len = (ip[ip_len + 12] & 0xf0u) >> 2;
    if (n > most)
        return false;
    return tcp_len >= TCP_HEADER && ip_len + tcp_len <= n;
}

/* h: n bytes, wire_n on the wire. */
static inline bool glance_ip4(const uint8_t *h, uint32_t n, uint32_t wire_n, uint64_t seed,
                              uint64_t *out)
{
    if (n < IP4_HEADER + TCP_HEADER || h[0] != 0x45 || h[9] != IP_PROTOCOL_TCP ||
        ip4_is_fragment(h) || !has_header(h, IP4_HEADER, be16_at(h, 2), wire_n))
        return false;
    *out = mix(end4(h + 12, h + 20), end4(h + 16, h + 22), seed);
    return true;
}

static inline bool glance_ip6(const uint8_t *h, uint32_t n, uint32_t wire_n, uint64_t seed,
                              uint64_t *out)
{
    static const uint8_t zeros[8];
    if (n < IP6_HEADER + TCP_HEADER || h[0] >> 4 != 6 || h[6] != IP_PROTOCOL_TCP ||
        memcmp(h + 8, zeros, sizeof zeros) == 0 || /* it may be a mapped IPv4 address */
        !has_header(h, IP6_HEADER, IP6_HEADER + (uint32_t)be16_at(h, 4), wire_n))
        return false;
    *out = mix(end6(h + 8, h + 40), end6(h + 24, h + 42), seed);
    return true;
}

bool glance_frame(const struct frame_bytes *frame, uint64_t seed, uint64_t *out)
{
    uint16_t type;
    if (frame->caplen < ORDINARY_MIN || frame->caplen > frame->origlen)
        return false;
    const uint32_t at = behind_link(frame->data, frame->link_type, &type);
    const uint8_t *ip = frame->data + at;
    if (type == ETHERTYPE_IP4)
        return glance_ip4(ip, frame->caplen - at, frame->origlen - at, seed, out);
    return type == ETHERTYPE_IP6 &&
           glance_ip6(ip, frame->caplen - at, frame->origlen - at, seed, out);
}
