/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the first byte of a frame to the IP header: Ethernet with its tags, Linux cooked, loopback,
 * pflog, PPP, PPPoE, HDLC and MPLS.  Link types are those of the tcpdump.org registry; the few
 * numbers on which raw DLT and LINKTYPE values differ are listed under both.
 */
#include "parsers/packet/decode.h"

static const struct {
    int link_type;
    enum layer first;
} link_types[] = {
    {1, LAYER_ETHERNET},        /* EN10MB */
    {113, LAYER_SLL},           /* LINUX_SLL */
    {276, LAYER_SLL2},          /* LINUX_SLL2 */
    {101, LAYER_IP},            /* RAW */
    {0, LAYER_LOOPBACK},        /* NULL: family in the byte order of the capturing host */
    {108, LAYER_LOOPBACK},      /* LOOP: family in network order */
    {12, LAYER_IP},             /* DLT_RAW on most systems */
    {14, LAYER_IP},             /* DLT_RAW on OpenBSD */
    {228, LAYER_IP4},           /* IPV4 */
    {229, LAYER_IP6},           /* IPV6 */
    {9, LAYER_PPP},             /* PPP */
    {50, LAYER_PPP_HDLC},       /* PPP_HDLC: PPP or Cisco HDLC framing */
    {51, LAYER_PPPOE},          /* PPP_ETHER: from the PPPoE header on */
    {104, LAYER_CISCO_HDLC},    /* C_HDLC */
    {117, LAYER_PFLOG},         /* PFLOG */
    {219, LAYER_MPLS},          /* MPLS */
    {105, LAYER_WLAN},          /* IEEE802_11 */
    {127, LAYER_RADIOTAP},      /* IEEE802_11_RADIOTAP */
    {119, LAYER_PRISM},         /* IEEE802_11_PRISM */
    {163, LAYER_PRISM},         /* IEEE802_11_AVS */
    {192, LAYER_PPI},           /* PPI */
    {258, LAYER_PKTAP},         /* PKTAP */
    {239, LAYER_NFLOG},         /* NFLOG */
    {109, LAYER_ENC},           /* ENC: OpenBSD's IPsec, decrypted */
    {204, LAYER_PPP_DIRECTION}, /* PPP_WITH_DIR */
};

enum layer link_first(int link_type)
{
    for (size_t i = 0; i < sizeof link_types / sizeof link_types[0]; i++) {
        if (link_types[i].link_type == link_type)
            return link_types[i].first;
    }
    return LAYER_END;
}

enum layer link_ethernet(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 14);
    if (!h)
        return decoding_broken(d, "ethernet.header-cut");
    struct packet *p = d->p;
    p->has_mac = true;
    memcpy(p->dst_mac, h, 6);
    memcpy(p->src_mac, h + 6, 6);
    const uint16_t type = be16_at(h, 12);
    if (type == ETHERTYPE_IP4)
        return LAYER_IP4;
    if (type <= 1500)
        return LAYER_LLC; /* IEEE 802.3: the field is a length */
    return decoding_ethertype(d, type);
}

static enum layer link_vlan(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 4);
    if (!h)
        return decoding_broken(d, "vlan.tag-cut");
    struct packet *p = d->p;
    if (p->n_vlans == DECODE_VLANS_MAX)
        return decoding_broken(d, "vlan.nested-too-deep");
    if (p->n_vlans < 2)
        p->vlan[p->n_vlans] = be16_at(h, 0) & 0x0fff;
    p->n_vlans++;
    const uint16_t type = be16_at(h, 2);
    return type <= 1500 ? LAYER_LLC : decoding_ethertype(d, type);
}

static enum layer link_pbb(struct decoding *d)
{
    if (!cursor_skip(&d->c, 4)) /* priority, flags and service id of IEEE 802.1ah */
        return decoding_broken(d, "pbb.tag-cut");
    return LAYER_ETHERNET;
}

enum layer link_ethertype(struct decoding *d)
{
    switch (d->type) {
    case ETHERTYPE_IP4:
        return LAYER_IP4;
    case ETHERTYPE_IP6:
        return LAYER_IP6;
    case ETHERTYPE_VLAN:
    case ETHERTYPE_QINQ:
    case ETHERTYPE_QINQ_OLD:
    case ETHERTYPE_QINQ_OLDER:
        return link_vlan(d);
    case ETHERTYPE_PBB:
        return link_pbb(d);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UPSTREAM:
        return LAYER_MPLS;
    case ETHERTYPE_PPPOE_SESSION:
        return LAYER_PPPOE;
    case ETHERTYPE_PPP:
        return LAYER_PPP;
    case ETHERTYPE_NSH:
        return LAYER_NSH;
    case ETHERTYPE_TEB:
        return LAYER_ETHERNET;
    default:
        return LAYER_END;
    }
}

enum layer link_llc(struct decoding *d)
{
    static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};
    const uint8_t *h = cursor_take(&d->c, 8);
    if (!h || memcmp(h, snap, sizeof snap) != 0)
        return LAYER_END; /* spanning tree, IS-IS ...: not IP */
    return decoding_ethertype(d, be16_at(h, 6));
}

static void link_source_mac(struct packet *p, const uint8_t address[8], unsigned len)
{
    if (len != 6)
        return;
    p->has_mac = true;
    memcpy(p->src_mac, address, 6);
}

enum { SLL_NOVELL = 1, SLL_LLC = 4 };

static enum layer link_cooked(struct decoding *d, uint16_t hardware, uint16_t protocol)
{
    if (hardware == ARPHRD_NETLINK || protocol == SLL_NOVELL)
        return LAYER_END;
    if (protocol == SLL_LLC)
        return LAYER_LLC;
    return decoding_ethertype(d, protocol);
}

enum layer link_sll(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 16);
    if (!h)
        return decoding_broken(d, "sll.header-cut");
    link_source_mac(d->p, h + 6, be16_at(h, 4));
    return link_cooked(d, be16_at(h, 2), be16_at(h, 14));
}

enum layer link_sll2(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 20);
    if (!h)
        return decoding_broken(d, "sll2.header-cut");
    link_source_mac(d->p, h + 12, h[11]);
    return link_cooked(d, be16_at(h, 8), be16_at(h, 0));
}

/* AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 23 on Windows, 24 on NetBSD and OpenBSD, 28 on
 * FreeBSD, 30 on Darwin. */
static enum layer link_family(uint32_t family)
{
    switch (family) {
    case 2:
        return LAYER_IP4;
    case 10:
    case 23:
    case 24:
    case 28:
    case 30:
        return LAYER_IP6;
    default:
        return LAYER_END;
    }
}

enum layer link_loopback(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 4);
    if (!h)
        return decoding_broken(d, "loopback.header-cut");
    const uint32_t family = be32_at(h, 0);
    if (family <= 0xffff)
        return link_family(family);
    return link_family((uint32_t)h[3] << 24 | (uint32_t)h[2] << 16 | (uint32_t)h[1] << 8 | h[0]);
}

/* enc(4): family, SPI and flags; the family in the byte order of the capturing host. */
enum layer link_enc(struct decoding *d)
{
    const enum layer next = link_loopback(d);
    return cursor_skip(&d->c, 8) ? next : decoding_broken(d, "enc.header-cut");
}

/* pf(4): the first byte is the header's length without its padding to 4 (8 where the length asks
 * for it: OpenBSD), the second the family. */
enum layer link_pflog(struct decoding *d)
{
    if (cursor_left(&d->c) < 4)
        return decoding_broken(d, "pflog.header-cut");
    const uint8_t *h = d->c.p + d->c.at;
    const size_t len = ((size_t)h[0] + 3) & ~(size_t)3;
    const uint8_t family = h[1];
    if (len < 4 || !cursor_skip(&d->c, len))
        return decoding_broken(d, "pflog.header-cut");
    return link_family(family);
}

enum { PPP_IP4 = 0x0021, PPP_IP6 = 0x0057, PPP_MPLS = 0x0281, PPP_MPLS_MULTICAST = 0x0283 };

static enum layer link_ppp_protocol(struct decoding *d)
{
    unsigned protocol = cursor_u8(&d->c);
    if (!(protocol & 1)) /* RFC 1661 section 6.5: an odd first byte is a compressed field */
        protocol = protocol << 8 | cursor_u8(&d->c);
    if (d->c.overrun)
        return decoding_broken(d, "ppp.header-cut");
    switch (protocol) {
    case PPP_IP4:
        return LAYER_IP4;
    case PPP_IP6:
        return LAYER_IP6;
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST:
        return LAYER_MPLS;
    default:
        return LAYER_END;
    }
}

static bool cursor_has_be16(const struct cursor *c, uint16_t want)
{
    struct cursor peek = *c;
    return cursor_be16(&peek) == want && !peek.overrun;
}

enum layer link_ppp(struct decoding *d)
{
    if (cursor_has_be16(&d->c, 0xff03)) /* address and control, RFC 1662 section 3.1 */
        cursor_skip(&d->c, 2);
    return link_ppp_protocol(d);
}

/* One byte says which way the frame went. */
enum layer link_ppp_direction(struct decoding *d)
{
    return cursor_skip(&d->c, 1) ? LAYER_PPP_HDLC : decoding_broken(d, "ppp.header-cut");
}

enum layer link_ppp_hdlc(struct decoding *d)
{
    if (cursor_has_be16(&d->c, 0x0f00) || cursor_has_be16(&d->c, 0x8f00))
        return LAYER_CISCO_HDLC;
    return link_ppp(d);
}

enum layer link_cisco_hdlc(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 4);
    if (!h)
        return decoding_broken(d, "hdlc.header-cut");
    return decoding_ethertype(d, be16_at(h, 2));
}

enum layer link_pppoe(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 6);
    if (!h)
        return decoding_broken(d, "pppoe.header-cut");
    if (h[0] != 0x11 || h[1] != 0)
        return LAYER_END; /* discovery, or a version that RFC 2516 does not know */
    return link_ppp_protocol(d);
}

/* RFC 3032; what follows the bottom label is not named: RFC 4928 makes IP tell itself by its
 * version nibble, and RFC 4385 a pseudowire with control word by the nibble 0. */
enum layer link_mpls(struct decoding *d)
{
    bool bottom = false;
    for (unsigned n = 0; !bottom; n++) {
        const uint8_t *h = cursor_take(&d->c, 4);
        if (!h)
            return decoding_broken(d, "mpls.label-cut");
        if (n == DECODE_LABELS_MAX)
            return decoding_broken(d, "mpls.nested-too-deep");
        bottom = h[2] & 1;
    }
    struct cursor peek = d->c;
    const uint8_t nibble = cursor_u8(&peek) >> 4;
    if (nibble == 4)
        return LAYER_IP4;
    if (nibble == 6)
        return LAYER_IP6;
    if (nibble == 0 && cursor_skip(&d->c, 4))
        return LAYER_ETHERNET;
    return LAYER_END;
}
