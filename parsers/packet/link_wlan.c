/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data frames of IEEE 802.11, with the headers that capture tools put before them (radiotap, Prism,
 * AVS).  Encrypted frames are counted and left alone; of an A-MSDU the first packet is followed.
 */
#include "parsers/packet/decode.h"

enum {
    WLAN_TYPE_MASK = 0x0c,
    WLAN_TYPE_DATA = 0x08,
    WLAN_NO_DATA = 0x40,
    WLAN_QOS = 0x80,
    WLAN_TO_DS = 0x01,
    WLAN_FROM_DS = 0x02,
    WLAN_MORE_FRAGMENTS = 0x04,
    WLAN_PROTECTED = 0x40,
    WLAN_ORDER = 0x80,
    WLAN_AMSDU = 0x80,
};

static uint16_t le16_at(const uint8_t *p, size_t at)
{
    return (uint16_t)(p[at] | p[at + 1] << 8);
}

static uint32_t le32_at(const uint8_t *p, size_t at)
{
    return (uint32_t)le16_at(p, at) | (uint32_t)le16_at(p, at + 2) << 16;
}

/* Which of the three or four addresses are the ends' (IEEE 802.11 section 9.3.2.1). */
static void wlan_addresses(struct packet *p, const uint8_t *h, const uint8_t *fourth)
{
    const bool to = h[1] & WLAN_TO_DS, from = h[1] & WLAN_FROM_DS;
    p->has_mac = true;
    memcpy(p->dst_mac, to ? h + 16 : h + 4, 6);
    memcpy(p->src_mac, from ? (to ? fourth : h + 16) : h + 10, 6);
}

/* The first packet of several in one frame (section 9.3.2.2): addresses, length, LLC. */
static enum layer wlan_amsdu(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 14);
    if (!h)
        return decoding_broken(d, "wlan.header-cut");
    const uint16_t len = be16_at(h, 12);
    if (len + (size_t)8 < decoding_wire_left(d))
        decoding_flaw(d, "wlan.more-packets-in-frame");
    memcpy(d->p->dst_mac, h, 6);
    memcpy(d->p->src_mac, h + 6, 6);
    return LAYER_LLC;
}

enum layer link_wlan(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 24);
    if (!h) /* control frames are shorter */
        return LAYER_END;
    if ((h[0] & WLAN_TYPE_MASK) != WLAN_TYPE_DATA || (h[0] & WLAN_NO_DATA))
        return LAYER_END;
    const bool has_fourth = (h[1] & WLAN_TO_DS) && (h[1] & WLAN_FROM_DS);
    const uint8_t *fourth = has_fourth ? cursor_take(&d->c, 6) : h;
    const uint8_t *qos = h[0] & WLAN_QOS ? cursor_take(&d->c, 2) : NULL;
    if (!fourth || ((h[0] & WLAN_QOS) && !qos) ||
        (qos && (h[1] & WLAN_ORDER) && !cursor_skip(&d->c, 4)))
        return decoding_broken(d, "wlan.header-cut");
    wlan_addresses(d->p, h, fourth);
    if (h[1] & WLAN_PROTECTED) {
        decoding_flaw(d, "wlan.encrypted");
        return LAYER_END;
    }
    if ((h[1] & WLAN_MORE_FRAGMENTS) || (h[22] & 0x0f) != 0) {
        decoding_flaw(d, "wlan.fragment");
        return LAYER_END;
    }
    if (d->wlan_padded && !cursor_skip(&d->c, (4 - d->c.at + d->wlan_at) % 4))
        return decoding_broken(d, "wlan.header-cut");
    return qos && (qos[0] & WLAN_AMSDU) ? wlan_amsdu(d) : LAYER_LLC;
}

/* https://www.radiotap.org: the flags byte follows the present words and an 8-byte timer. */
static bool radiotap_pads(const uint8_t *h, size_t len)
{
    enum { TSFT = 1, FLAGS = 2, DATA_PAD = 0x20 };
    const uint32_t present = le32_at(h, 4);
    size_t at = 4;
    while (at + 4 <= len && (le32_at(h, at) >> 31))
        at += 4;
    at += 4;
    if (present & TSFT)
        at = (at + 7) / 8 * 8 + 8;
    return (present & FLAGS) && at < len && (h[at] & DATA_PAD);
}

enum layer link_radiotap(struct decoding *d)
{
    struct cursor peek = d->c;
    const uint8_t *h = cursor_take(&peek, 8);
    const size_t len = h ? le16_at(h, 2) : 0;
    if (len < 8 || !(h = cursor_take(&d->c, len)))
        return decoding_broken(d, "radiotap.header-cut");
    d->wlan_padded = radiotap_pads(h, len);
    d->wlan_at = d->c.at;
    return LAYER_WLAN;
}

/* AVS says its length in network order, Prism in the capturing host's, mostly little-endian. */
enum layer link_prism(struct decoding *d)
{
    struct cursor peek = d->c;
    const uint8_t *h = cursor_take(&peek, 8);
    if (!h)
        return decoding_broken(d, "prism.header-cut");
    const bool is_avs = (be32_at(h, 0) & 0xfffff000u) == 0x80211000u;
    const uint32_t len = is_avs ? be32_at(h, 4) : le32_at(h, 4);
    if (len < 8 || !cursor_skip(&d->c, len))
        return decoding_broken(d, "prism.header-cut");
    return LAYER_WLAN;
}

/* Per-Packet Information: its length and the link type of what follows. */
enum layer link_ppi(struct decoding *d)
{
    struct cursor peek = d->c;
    const uint8_t *h = cursor_take(&peek, 8);
    const uint16_t len = h ? le16_at(h, 2) : 0;
    if (len < 8 || !cursor_skip(&d->c, len))
        return decoding_broken(d, "ppi.header-cut");
    return link_first((int)(le32_at(h, 4) & 0xffff));
}

/* The header of macOS's pktap: length, record type, link type, all little-endian. */
enum layer link_pktap(struct decoding *d)
{
    struct cursor peek = d->c;
    const uint8_t *h = cursor_take(&peek, 12);
    const uint32_t len = h ? le32_at(h, 0) : 0;
    if (len < 12 || !cursor_skip(&d->c, len))
        return decoding_broken(d, "pktap.header-cut");
    return link_first((int)(le32_at(h, 8) & 0xffff));
}

/* Netfilter's log: family, version, resource, then attributes of the host's byte order, of which
 * NFULA_PAYLOAD is the packet. */
enum layer link_nflog(struct decoding *d)
{
    enum { PAYLOAD = 9, FAMILY_IP4 = 2, FAMILY_IP6 = 10 };
    const uint8_t *h = cursor_take(&d->c, 4);
    if (!h)
        return decoding_broken(d, "nflog.header-cut");
    if (h[1] != 0 || (h[0] != FAMILY_IP4 && h[0] != FAMILY_IP6))
        return LAYER_END;
    for (;;) {
        const uint8_t *a = cursor_take(&d->c, 4);
        const uint16_t len = a ? le16_at(a, 0) : 0;
        if (len < 4)
            return decoding_broken(d, "nflog.attribute-bad");
        if ((le16_at(a, 2) & 0x7fff) == PAYLOAD) {
            decoding_bound(d, len - 4u);
            return h[0] == FAMILY_IP4 ? LAYER_IP4 : LAYER_IP6;
        }
        if (!cursor_skip(&d->c, ((size_t)len + 3) / 4 * 4 - 4))
            return decoding_broken(d, "nflog.attribute-bad");
    }
}
