/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets in packets: GRE with ERSPAN and PPTP inside, EtherIP, NSH, and over UDP VXLAN with and
 * without GPE, Geneve, GTP-U, MPLS, L2TP and Teredo.  A UDP port alone proves nothing, so the inner
 * header must look right before it is followed; if not, the datagram stays plain UDP.  IP directly
 * in IP needs no file.
 */
#include "parsers/packet/decode.h"

enum {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACK = 0x0080,
    GRE_VERSION = 0x0007,
    GRE_ERSPAN = 0x88be,  /* types I and II */
    GRE_ERSPAN3 = 0x22eb, /* type III */
    GRE_WCCP = 0x883e,
};

/* Type I has no header of its own and no GRE sequence number; type II has 8 bytes; type III 12, and
 * 8 more when the O bit is set (draft-foschiano-erspan sections 4.1-4.3). */
static enum layer tunnel_erspan(struct decoding *d, uint16_t flags, uint16_t protocol)
{
    d->tunnel = "erspan";
    if (protocol == GRE_ERSPAN) {
        if ((flags & GRE_SEQUENCE) && !cursor_skip(&d->c, 8))
            return decoding_broken(d, "erspan.header-cut");
        return LAYER_ETHERNET;
    }
    const uint8_t *h = cursor_take(&d->c, 12);
    if (!h || ((h[11] & 1) && !cursor_skip(&d->c, 8)))
        return decoding_broken(d, "erspan.header-cut");
    const unsigned frame_type = h[10] >> 2 & 0x1f;
    if (frame_type == 2)
        return LAYER_IP;
    return frame_type == 0 ? LAYER_ETHERNET : LAYER_END;
}

/* RFC 2784, 2890 (version 0) and 2637 (version 1, PPTP). */
enum layer tunnel_gre(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 4);
    if (!h)
        return decoding_broken(d, "gre.header-cut");
    const uint16_t flags = be16_at(h, 0);
    const uint16_t protocol = be16_at(h, 2);
    const unsigned version = flags & GRE_VERSION;
    if (version > 1 || (flags & GRE_ROUTING)) {
        decoding_flaw(d, "gre.version-unknown");
        return LAYER_END;
    }
    size_t optional = 0;
    optional += flags & GRE_CHECKSUM ? 4 : 0;
    optional += flags & GRE_KEY ? 4 : 0;
    optional += flags & GRE_SEQUENCE ? 4 : 0;
    optional += version == 1 && (flags & GRE_ACK) ? 4 : 0;
    if (!cursor_skip(&d->c, optional))
        return decoding_broken(d, "gre.header-cut");
    if (version == 1 && decoding_wire_left(d) == 0)
        return LAYER_END; /* a PPTP acknowledgement alone */
    d->tunnel = version == 1 ? "pptp" : "gre";
    if (protocol == GRE_ERSPAN || protocol == GRE_ERSPAN3)
        return tunnel_erspan(d, flags, protocol);
    if (protocol == GRE_WCCP) { /* WCCPv2 puts 4 bytes before the packet, version 1 does not */
        struct cursor peek = d->c;
        if (cursor_u8(&peek) >> 4 != 4)
            cursor_skip(&d->c, 4);
        return LAYER_IP4;
    }
    return decoding_ethertype(d, protocol);
}

enum layer tunnel_etherip(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 2);
    if (!h)
        return decoding_broken(d, "etherip.header-cut");
    if (h[0] >> 4 != 3) /* RFC 3378 section 3 */
        return LAYER_END;
    d->tunnel = "etherip";
    return LAYER_ETHERNET;
}

/* RFC 7348 section 5: the I flag, all else reserved. */
static enum layer tunnel_vxlan(struct decoding *d)
{
    struct cursor c = d->c;
    const uint8_t *h = cursor_take(&c, 8);
    if (!h || !(h[0] & 0x08) || h[7] != 0)
        return LAYER_END;
    d->c = c;
    d->tunnel = "vxlan";
    return LAYER_ETHERNET;
}

/* What follows a header that names it by the numbers of RFC 8300 section 11.2.5. */
static enum layer tunnel_next(uint8_t next)
{
    switch (next) {
    case 1:
        return LAYER_IP4;
    case 2:
        return LAYER_IP6;
    case 3:
        return LAYER_ETHERNET;
    case 4:
        return LAYER_NSH;
    case 5:
        return LAYER_MPLS;
    default:
        return LAYER_END;
    }
}

/* RFC 8300 section 2.2: the length of the whole header in words of 4 bytes. */
enum layer tunnel_nsh(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 4);
    const size_t words = h ? h[1] & 0x3f : 0;
    if (words < 2 || !cursor_skip(&d->c, words * 4 - 4))
        return decoding_broken(d, "nsh.header-cut");
    d->tunnel = "nsh";
    return tunnel_next(h[3]);
}

/* draft-ietf-nvo3-vxlan-gpe section 3: flags I and P, what follows in the fourth byte. */
static enum layer tunnel_vxlan_gpe(struct decoding *d)
{
    struct cursor c = d->c;
    const uint8_t *h = cursor_take(&c, 8);
    if (!h || (h[0] & 0x3c) != 0x0c || h[7] != 0 || tunnel_next(h[3]) == LAYER_END)
        return LAYER_END;
    d->c = c;
    d->tunnel = "vxlan-gpe";
    return tunnel_next(h[3]);
}

/* RFC 7510: a label stack behind the UDP header. */
static enum layer tunnel_mpls(struct decoding *d)
{
    if (cursor_left(&d->c) < 4)
        return LAYER_END;
    d->tunnel = "mpls-in-udp";
    return LAYER_MPLS;
}

/* RFC 2661 section 3.1, data messages of version 2: PPP inside. */
static enum layer tunnel_l2tp(struct decoding *d)
{
    enum { CONTROL = 0x8000, LENGTH = 0x4000, SEQUENCE = 0x0800, OFFSET = 0x0200 };
    struct cursor c = d->c;
    const uint16_t flags = cursor_be16(&c);
    if ((flags & CONTROL) || (flags & 0x000f) != 2)
        return LAYER_END;
    cursor_skip(&c, (flags & LENGTH ? 2u : 0u) + 4u + (flags & SEQUENCE ? 4u : 0u));
    if (flags & OFFSET)
        cursor_skip(&c, cursor_be16(&c));
    if (c.overrun)
        return LAYER_END;
    d->c = c;
    d->tunnel = "l2tp";
    return LAYER_PPP;
}

/* RFC 4380 section 5.1.1: authentication and origin may come before the IPv6 header. */
static enum layer tunnel_teredo(struct decoding *d)
{
    struct cursor c = d->c, peek = c;
    if (cursor_be16(&peek) == 0x0001) {
        const size_t id_len = cursor_u8(&peek), value_len = cursor_u8(&peek);
        cursor_skip(&peek, id_len + value_len + 9);
        c = peek;
    }
    peek = c;
    if (cursor_be16(&peek) == 0x0000 && cursor_skip(&c, 8))
        peek = c;
    else
        peek = c;
    if (cursor_u8(&peek) >> 4 != 6 || peek.overrun || cursor_left(&peek) < 39)
        return LAYER_END;
    d->c = c;
    d->tunnel = "teredo";
    return LAYER_IP6;
}

/* RFC 8926 section 3.4. */
static enum layer tunnel_geneve(struct decoding *d)
{
    struct cursor c = d->c;
    const uint8_t *h = cursor_take(&c, 8);
    if (!h || h[0] >> 6 != 0 || h[7] != 0 || !cursor_skip(&c, (size_t)(h[0] & 0x3f) * 4))
        return LAYER_END;
    d->c = c;
    d->tunnel = "geneve";
    return decoding_ethertype(d, be16_at(h, 2));
}

/* 3GPP TS 29.281 sections 5.1 and 5.2: version 1, GTP (not GTP'), message 255 carries a packet. */
static enum layer tunnel_gtpu(struct decoding *d)
{
    struct cursor c = d->c;
    const uint8_t *h = cursor_take(&c, 8);
    if (!h || h[0] >> 4 != 3 || h[1] != 255)
        return LAYER_END;
    if (h[0] & 0x07) { /* sequence, N-PDU number or extension: all three fields are there */
        const uint8_t *o = cursor_take(&c, 4);
        uint8_t next = o && (h[0] & 0x04) ? o[3] : 0;
        for (unsigned n = 0; next != 0 && n < DECODE_EXTENSIONS_MAX; n++) {
            const size_t len = (size_t)cursor_u8(&c) * 4;
            const uint8_t *body = len >= 4 ? cursor_take(&c, len - 1) : NULL;
            if (!body)
                return LAYER_END;
            next = body[len - 2];
        }
    }
    struct cursor peek = c;
    const uint8_t version = cursor_u8(&peek) >> 4;
    if (c.overrun || (version != 4 && version != 6))
        return LAYER_END;
    d->c = c;
    d->tunnel = "gtp-u";
    return LAYER_IP;
}

/* 8472 is what Linux used before the registry gave VXLAN its port, and what flannel still uses. */
static const struct {
    uint16_t port;
    enum layer (*follow)(struct decoding *d);
} udp_tunnels[] = {
    {4789, tunnel_vxlan}, {8472, tunnel_vxlan}, {4790, tunnel_vxlan_gpe}, {6081, tunnel_geneve},
    {6635, tunnel_mpls},  {1701, tunnel_l2tp},  {3544, tunnel_teredo},    {2152, tunnel_gtpu},
};

/* What no tunnel is followed into: as many bytes as the header says (RFC 768), or all of the
 * datagram where that cannot be. */
static enum layer udp_payload(struct decoding *d, uint16_t length)
{
    struct packet *p = d->p;
    if (length >= 8 && length - 8u <= decoding_wire_left(d))
        decoding_bound(d, length - 8u);
    p->payload_len = (uint32_t)decoding_wire_left(d);
    p->payload_captured = (uint32_t)cursor_left(&d->c);
    p->payload = p->payload_captured > 0 ? d->c.p + d->c.at : NULL;
    return LAYER_END;
}

enum layer tunnel_udp(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 8);
    if (!h)
        return decoding_broken(d, "udp.header-cut");
    struct packet *p = d->p;
    p->src_port = be16_at(h, 0);
    p->dst_port = be16_at(h, 2);
    if (p->mf)
        return LAYER_END;
    enum layer next = LAYER_END;
    for (size_t i = 0; i < sizeof udp_tunnels / sizeof udp_tunnels[0]; i++) {
        if (udp_tunnels[i].port == p->dst_port)
            next = udp_tunnels[i].follow(d);
    }
    return next == LAYER_END && p->kind == PACKET_OTHER_IP ? udp_payload(d, be16_at(h, 4)) : next;
}
