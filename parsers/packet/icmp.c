/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP and ICMPv6 errors that quote a TCP segment (RFC 792, RFC 4443).  Routers may quote no more
 * than the ports and the sequence number.  Messages that quote nothing of TCP stay plain IP.
 */
#include "parsers/packet/decode.h"

static bool icmp4_is_error(uint8_t type)
{
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12; /* RFC 1122 3.2.2 */
}

static bool icmp6_is_error(uint8_t type)
{
    return type >= 1 && type <= 4;
}

/* Ports and sequence number must be there, the flags may be. */
static void quote_tcp(struct decoding *d, struct cursor *c)
{
    struct packet_icmp *icmp = &d->p->icmp;
    icmp->src.port = cursor_be16(c);
    icmp->dst.port = cursor_be16(c);
    icmp->seq = cursor_be32(c);
    if (c->overrun) {
        decoding_flaw(d, "icmp.quote-cut");
        return;
    }
    cursor_skip(c, 4); /* acknowledgement number */
    const uint16_t word = cursor_be16(c);
    icmp->has_flags = !c->overrun;
    icmp->flags = word & 0x1ff;
    d->p->kind = PACKET_ICMP_ERROR;
}

static void quote_ip4(struct decoding *d, struct cursor *c)
{
    const uint8_t *h = cursor_take(c, 20);
    const size_t header_len = h ? (size_t)(h[0] & 0x0f) * 4 : 0;
    if (!h || h[0] >> 4 != 4 || header_len < 20 || !cursor_skip(c, header_len - 20)) {
        decoding_flaw(d, "icmp.quote-cut");
        return;
    }
    if (h[9] != IP_PROTOCOL_TCP || (be16_at(h, 6) & 0x1fff) != 0)
        return;
    d->p->icmp.src.ip = address_from_v4(h + 12);
    d->p->icmp.dst.ip = address_from_v4(h + 16);
    quote_tcp(d, c);
}

static void quote_ip6(struct decoding *d, struct cursor *c)
{
    const uint8_t *h = cursor_take(c, 40);
    struct ip6_extensions seen = {0};
    uint8_t protocol = h ? h[6] : 0;
    if (!h || h[0] >> 4 != 6 || !ip6_extensions_skip(c, &protocol, &seen)) {
        decoding_flaw(d, "icmp6.quote-cut");
        return;
    }
    if (protocol != IP_PROTOCOL_TCP || seen.fragment_offset != 0)
        return;
    memcpy(d->p->icmp.src.ip.b, h + 8, 16);
    memcpy(d->p->icmp.dst.ip.b, h + 24, 16);
    quote_tcp(d, c);
}

enum layer icmp4_decode(struct decoding *d)
{
    struct packet_icmp *icmp = &d->p->icmp;
    const uint8_t *h = cursor_take(&d->c, 8);
    if (!h) {
        decoding_flaw(d, "icmp.header-cut");
        return LAYER_END;
    }
    if (!icmp4_is_error(h[0]))
        return LAYER_END;
    icmp->type = h[0];
    icmp->code = h[1];
    if (h[0] == 3 && h[1] == 4) /* RFC 1191 section 4 */
        icmp->mtu = be16_at(h, 6);
    quote_ip4(d, &d->c);
    return LAYER_END;
}

enum layer icmp6_decode(struct decoding *d)
{
    struct packet_icmp *icmp = &d->p->icmp;
    const uint8_t *h = cursor_take(&d->c, 8);
    if (!h) {
        decoding_flaw(d, "icmp6.header-cut");
        return LAYER_END;
    }
    if (!icmp6_is_error(h[0]))
        return LAYER_END;
    icmp->is_v6 = true;
    icmp->type = h[0];
    icmp->code = h[1];
    if (h[0] == 2) /* RFC 4443 section 3.2 */
        icmp->mtu = be32_at(h, 4);
    quote_ip6(d, &d->c);
    return LAYER_END;
}
