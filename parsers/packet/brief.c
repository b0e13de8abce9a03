/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short road through the headers.  Each step takes its header or declines the frame; nothing is
 * counted here and nothing is guessed.
 */
#include "parsers/packet/brief.h"

#include "parsers/packet/decode.h"

_Static_assert(BRIEF_COMMON == 68, "no padding");

enum { TIMESTAMPS_LEN = 12 };

struct walk {
    const uint8_t *h; /* what comes next */
    uint32_t n;       /* bytes there that were captured */
    uint32_t wire_n;  /* bytes there on the wire, n at least */
    unsigned bits;    /* enum brief_bit, so far */
    struct brief *b;
};

static inline const uint8_t *step_over(struct walk *w, uint32_t n)
{
    const uint8_t *h = w->h;
    w->h += n;
    w->n -= n;
    w->wire_n -= n;
    return h;
}

static inline void put_mac(struct walk *w, const uint8_t *mac)
{
    memcpy(w->b->path.src_mac, mac, sizeof w->b->path.src_mac);
    w->bits |= BRIEF_MAC;
}

/* The ethertype behind the link header, or 0.  ORDINARY_MIN bytes are there, so all of the header.
 * Without a branch: on a trunk, whether a frame is tagged is anybody's guess. */
static inline uint16_t link_ether(struct walk *w)
{
    const bool tagged = be16_at(w->h, 12) == ETHERTYPE_VLAN;
    const uint8_t *h = step_over(w, 14 + 4u * tagged);
    put_mac(w, h + 6);
    w->b->path.n_vlans = tagged;
    w->b->path.vlan = (uint16_t)(be16_at(h, 14) & 0x0fffu * tagged);
    return be16_at(h, 12 + 4u * tagged);
}

static uint16_t link_cooked1(struct walk *w)
{
    const uint8_t *h = step_over(w, 16);
    if (be16_at(h, 2) == ARPHRD_NETLINK)
        return 0;
    if (be16_at(h, 4) == 6)
        put_mac(w, h + 6);
    return be16_at(h, 14);
}

static uint16_t link_cooked2(struct walk *w)
{
    const uint8_t *h = step_over(w, 20);
    if (be16_at(h, 8) == ARPHRD_NETLINK)
        return 0;
    if (h[11] == 6)
        put_mac(w, h + 12);
    return be16_at(h, 0);
}

static uint16_t link_none(const struct walk *w)
{
    const uint8_t version = w->h[0] >> 4;
    return version == 4 ? ETHERTYPE_IP4 : version == 6 ? ETHERTYPE_IP6 : 0;
}

static inline uint16_t take_link(struct walk *w, int link_type)
{
    if (link_type == LINK_ETHERNET)
        return link_ether(w);
    return link_type == LINK_SLL    ? link_cooked1(w)
           : link_type == LINK_SLL2 ? link_cooked2(w)
           : link_type == LINK_RAW  ? link_none(w)
                                    : 0;
}

/* The datagram goes on for exactly n more bytes; padding goes out of reach.  False when there is no
 * room for them on the wire, as for a length that went below 0, or not all of a TCP header was
 * captured. */
static inline bool bound(struct walk *w, uint32_t n)
{
    if (n > w->wire_n)
        return false;
    w->wire_n = n;
    if (n < w->n)
        w->n = n;
    return w->n >= TCP_HEADER;
}

static inline bool take_ip4(struct walk *w)
{
    struct brief *b = w->b;
    if (w->n < IP4_HEADER || w->h[0] != 0x45 || w->h[9] != IP_PROTOCOL_TCP || ip4_is_fragment(w->h))
        return false;
    const uint8_t *h = step_over(w, IP4_HEADER);
    b->ip_id = be16_at(h, 4);
    w->bits |= BRIEF_HAS_ID | (h[6] >> 6 & BRIEF_DF);
    b->path.ttl = h[8];
    b->flow_label = 0;
    address_put_v4(&b->src, h + 12);
    address_put_v4(&b->dst, h + 16);
    return bound(w, be16_at(h, 2) - (uint32_t)IP4_HEADER);
}

static inline bool take_ip6(struct walk *w)
{
    struct brief *b = w->b;
    if (w->n < IP6_HEADER || w->h[0] >> 4 != 6 || w->h[6] != IP_PROTOCOL_TCP)
        return false;
    const uint8_t *h = step_over(w, IP6_HEADER);
    b->ip_id = 0;
    b->path.ttl = h[7];
    b->flow_label = be32_at(h, 0) & 0xfffff;
    memcpy(&b->src, h + 8, sizeof b->src);
    memcpy(&b->dst, h + 24, sizeof b->dst);
    return bound(w, be16_at(h, 4));
}

static inline void put_timestamps(struct walk *w, const uint8_t *o)
{
    w->b->tsval = be32_at(o, 0);
    w->b->tsecr = be32_at(o, 4);
    w->bits |= BRIEF_TIMESTAMPS | BRIEF_OPTIONS;
}

/* The layout that RFC 7323 appendix A recommends. */
static inline bool take_timestamps(struct walk *w)
{
    if (w->n < TIMESTAMPS_LEN || be32_at(w->h, 0) != TIMESTAMPS_ALONE)
        return false;
    put_timestamps(w, step_over(w, TIMESTAMPS_LEN) + 4);
    return true;
}

/* An option of an ordinary SYN, with its kind and length. */
static inline bool take_syn_option(struct walk *w, const uint8_t *o)
{
    struct brief *b = w->b;
    const unsigned kind_len = be16_at(o, 0);
    w->bits |= BRIEF_OPTIONS;
    if (kind_len == (OPTION_MSS << 8 | 4)) {
        b->mss = be16_at(o, 2);
        w->bits |= BRIEF_MSS;
    } else if (kind_len == (OPTION_WSCALE << 8 | 3) && o[2] <= WSCALE_MAX) {
        b->wscale = o[2];
        w->bits |= BRIEF_WSCALE;
    } else if (kind_len == (OPTION_SACK_PERMITTED << 8 | 2)) {
        w->bits |= BRIEF_SACK_PERMITTED;
    } else if (kind_len == (OPTION_TIMESTAMPS << 8 | 10)) {
        put_timestamps(w, o + 2);
    } else {
        return false;
    }
    return true;
}

/* n goes below 0 where the header is too short, and then over what there is. */
static bool take_syn_options(struct walk *w, uint32_t n)
{
    if (w->n < n)
        return false;
    const uint8_t *o = step_over(w, n);
    for (uint32_t at = 0; at < n && o[at] != OPTION_END;) {
        if (o[at] == OPTION_NOP) {
            at++;
            continue;
        }
        const uint32_t len = n - at < 2 ? 0 : o[at + 1];
        if (len < 2 || len > n - at || !take_syn_option(w, o + at))
            return false;
        at += len;
    }
    return true;
}

/* A RST's checksums are always verified: packet_decode() tells what is wrong with any that are not
 * good, and whatever else a RST carries. */
static bool is_bare_and_sound(const struct walk *w)
{
    const uint8_t *tcp = w->h - TCP_HEADER, *ip4 = tcp - IP4_HEADER;
    const uint16_t rest[2] = {htobe16(IP_PROTOCOL_TCP), htobe16(TCP_HEADER)};
    /* what comes before an IPv4 address is ffff, and so nothing to the sum */
    const uint64_t sum = checksum_sum(w->b->src.b, sizeof w->b->src.b) +
                         checksum_sum(w->b->dst.b, sizeof w->b->dst.b) + rest[0] + rest[1] +
                         checksum_sum(tcp, TCP_HEADER);
    return w->wire_n == 0 && checksum_fold(sum) == 0xffff &&
           (!(w->bits & BRIEF_HAS_ID) || be16_at(ip4, 10) == 0 ||
            checksum_fold(checksum_sum(ip4, IP4_HEADER)) == 0xffff);
}

/* The options behind a header whose length and flags are in word: those of a SYN; none or
 * timestamps on an acknowledgement, which may be the last one of an end; none on a RST. */
static inline bool take_options(struct walk *w, uint16_t word)
{
    enum { ZERO = 0x0e00, LEN = 0xf000, NO_OPTIONS = 5 << 12, TIMESTAMPS = 8 << 12 };
    switch (word & (LEN | ZERO | TCP_SYN | TCP_RST | TCP_ACK)) {
    case NO_OPTIONS | TCP_ACK:
        return true;
    case TIMESTAMPS | TCP_ACK:
        return take_timestamps(w);
    case NO_OPTIONS | TCP_RST:
    case NO_OPTIONS | TCP_RST | TCP_ACK:
        return is_bare_and_sound(w);
    default:
        return (word & (ZERO | TCP_SYN | TCP_RST | TCP_FIN)) == TCP_SYN &&
               take_syn_options(w, (word >> 12 << 2) - (uint32_t)TCP_HEADER);
    }
}

/* The segment fills what bound() has left. */
static inline bool take_tcp(struct walk *w)
{
    struct brief *b = w->b;
    const uint8_t *h = step_over(w, TCP_HEADER);
    const uint16_t word = be16_at(h, 12);
    b->tsval = b->tsecr = 0;
    if (!take_options(w, word))
        return false;
    b->src_port = be16_at(h, 0);
    b->dst_port = be16_at(h, 2);
    b->seq = be32_at(h, 4);
    b->ack = be32_at(h, 8);
    b->flags = word & 0x1ff;
    b->window = be16_at(h, 14);
    b->urgent = be16_at(h, 18);
    b->payload_len = w->wire_n;
    b->payload_captured = w->n;
    b->payload = w->n > 0 ? w->h : NULL;
    b->bits = (uint8_t)w->bits;
    return true;
}

bool brief_decode(const struct frame_bytes *frame, struct brief *out)
{
    struct walk w = {.h = frame->data,
                     .n = frame->caplen,
                     .wire_n = frame->origlen > frame->caplen ? frame->origlen : frame->caplen,
                     .b = out};
    if (w.n < ORDINARY_MIN)
        return false;
    out->path = (struct brief_path){.iface = frame->iface};
    out->bits = 0;
    out->wscale = 0;
    out->mss = 0;
    out->frame = frame->number;
    out->time = frame->time;
    switch (take_link(&w, frame->link_type)) {
    case ETHERTYPE_IP4:
        return take_ip4(&w) && take_tcp(&w);
    case ETHERTYPE_IP6:
        return take_ip6(&w) && take_tcp(&w);
    default:
        return false;
    }
}

static uint8_t bits_of(const struct packet *p)
{
    return (uint8_t)((p->df ? BRIEF_DF : 0) | (p->has_ip_id ? BRIEF_HAS_ID : 0) |
                     (p->has_timestamps ? BRIEF_TIMESTAMPS : 0) |
                     (p->has_options ? BRIEF_OPTIONS : 0) | (p->has_mac ? BRIEF_MAC : 0) |
                     (p->has_mss ? BRIEF_MSS : 0) | (p->has_wscale ? BRIEF_WSCALE : 0) |
                     (p->sack_permitted ? BRIEF_SACK_PERMITTED : 0));
}

void brief_of(const struct packet *p, struct brief *out)
{
    *out = (struct brief){
        .src = p->ip_src,
        .dst = p->ip_dst,
        .seq = p->seq,
        .ack = p->ack,
        .payload_len = p->payload_len,
        .tsval = p->tsval,
        .tsecr = p->tsecr,
        .flow_label = p->flow_label,
        .src_port = p->src_port,
        .dst_port = p->dst_port,
        .flags = p->flags,
        .window = p->window,
        .ip_id = p->ip_id,
        .urgent = p->urgent,
        .payload_captured = p->payload_captured,
        .frame = p->frame,
        .time = p->time,
        .payload = p->payload,
        .path = {.iface = p->iface,
                 .vlan = p->vlan[0],
                 .n_vlans = p->n_vlans,
                 .ttl = p->ttl,
                 .in_tunnel = p->in_tunnel},
        .bits = bits_of(p),
        .wscale = p->wscale,
        .mss = p->mss,
    };
    if (p->has_mac)
        memcpy(out->path.src_mac, p->src_mac, sizeof out->path.src_mac);
}

static size_t link_len(int link_type, uint8_t n_vlans)
{
    return link_type == LINK_ETHERNET ? 14u + 4u * n_vlans
           : link_type == LINK_SLL    ? 16
           : link_type == LINK_SLL2   ? 20
                                      : 0;
}

static void expand_ip(const struct brief *b, const uint8_t *h, struct packet *out)
{
    const bool is_v4 = h[0] >> 4 == 4;
    out->ip_version = is_v4 ? 4 : 6;
    out->ip_src = b->src;
    out->ip_dst = b->dst;
    out->ttl = b->path.ttl;
    out->tos = is_v4 ? h[1] : (uint8_t)(h[0] << 4 | h[1] >> 4);
    out->has_ip_id = b->bits & BRIEF_HAS_ID;
    out->ip_id = b->ip_id;
    out->df = b->bits & BRIEF_DF;
    out->flow_label = b->flow_label;
    out->ip_protocol = IP_PROTOCOL_TCP;
}

static void expand_tcp(const struct brief *b, const uint8_t *h, struct packet *out)
{
    out->src_port = b->src_port;
    out->dst_port = b->dst_port;
    out->seq = b->seq;
    out->ack = b->ack;
    out->flags = b->flags;
    out->window = b->window;
    out->urgent = b->urgent;
    out->checksum = b->flags & TCP_RST ? CHECKSUM_GOOD : CHECKSUM_UNCHECKED;
    out->header_len = (uint8_t)(h[12] >> 4 << 2);
    out->payload_len = b->payload_len;
    out->payload = b->payload;
    out->payload_captured = b->payload_captured;
    out->has_options = b->bits & BRIEF_OPTIONS;
    out->has_timestamps = b->bits & BRIEF_TIMESTAMPS;
    out->has_mss = b->bits & BRIEF_MSS;
    out->has_wscale = b->bits & BRIEF_WSCALE;
    out->sack_permitted = b->bits & BRIEF_SACK_PERMITTED;
    out->mss = b->mss;
    out->wscale = b->wscale;
    out->tsval = b->tsval;
    out->tsecr = b->tsecr;
}

void brief_expand(const struct brief *b, const struct frame_bytes *frame, struct packet *out)
{
    packet_clear(frame, out);
    out->kind = PACKET_TCP;
    out->frame = b->frame;
    out->snaplen_cut = b->payload_captured < b->payload_len;
    out->has_mac = b->bits & BRIEF_MAC;
    memcpy(out->src_mac, b->path.src_mac, sizeof out->src_mac);
    if (frame->link_type == LINK_ETHERNET)
        memcpy(out->dst_mac, frame->data, sizeof out->dst_mac);
    out->n_vlans = b->path.n_vlans;
    out->vlan[0] = b->path.vlan;
    const uint8_t *ip = frame->data + link_len(frame->link_type, b->path.n_vlans);
    expand_ip(b, ip, out);
    expand_tcp(b, ip + (ip[0] >> 4 == 4 ? 20 : 40), out);
}
