/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the layers of the packet decoder share; nobody outside parsers/packet includes this.  Each
 * layer takes its header from the cursor, writes its fields into the packet and names the layer
 * that follows; packet_decode() walks them in a loop, so nesting never becomes recursion.
 */
#ifndef WHYRST_PARSERS_PACKET_DECODE_H
#define WHYRST_PARSERS_PACKET_DECODE_H

#include <endian.h>
#include <string.h>

#include "parsers/base/cursor.h"
#include "parsers/packet/packet.h"

enum layer {
    LAYER_END, /* nothing more to decode: packet.kind stands */
    LAYER_ETHERNET,
    LAYER_ETHERTYPE, /* by decoding.type */
    LAYER_LLC,       /* IEEE 802.2, SNAP inside gives an ethertype */
    LAYER_SLL,
    LAYER_SLL2,
    LAYER_LOOPBACK, /* 4 bytes of address family, either byte order */
    LAYER_PFLOG,
    LAYER_PPP,
    LAYER_PPP_HDLC,
    LAYER_PPPOE,
    LAYER_CISCO_HDLC,
    LAYER_MPLS,
    LAYER_NSH,
    LAYER_WLAN,
    LAYER_RADIOTAP,
    LAYER_PRISM, /* or AVS */
    LAYER_PPI,
    LAYER_PKTAP,
    LAYER_NFLOG,
    LAYER_ENC,
    LAYER_PPP_DIRECTION,
    LAYER_IP, /* by the version nibble */
    LAYER_IP4,
    LAYER_IP6,
    LAYER_UPPER, /* by decoding.type, an IP protocol number */
};

enum ordinary { /* what brief.h and glance.h read without asking the layers */
                LINK_ETHERNET = 1,
                LINK_RAW = 101,
                LINK_SLL = 113,
                LINK_SLL2 = 276,
                IP4_HEADER = 20, /* without options, as the next one */
                TCP_HEADER = 20,
                IP6_HEADER = 40,
                /* the least that any of the frames has; more than the longest link header */
                ORDINARY_MIN = IP4_HEADER + TCP_HEADER,
};

enum ethertype {
    ETHERTYPE_IP4 = 0x0800,
    ETHERTYPE_TEB = 0x6558, /* transparent Ethernet bridging, inside GRE and Geneve */
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IP6 = 0x86dd,
    ETHERTYPE_PPP = 0x880b,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_UPSTREAM = 0x8848,
    ETHERTYPE_PPPOE_SESSION = 0x8864,
    ETHERTYPE_QINQ = 0x88a8,
    ETHERTYPE_PBB = 0x88e7,
    ETHERTYPE_NSH = 0x894f,
    ETHERTYPE_QINQ_OLD = 0x9100,
    ETHERTYPE_QINQ_OLDER = 0x9200,
};

enum { ARPHRD_NETLINK = 824 }; /* a hardware type of cooked captures */

enum ip_protocol {
    IP_PROTOCOL_HOP_BY_HOP = 0,
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_IP4 = 4,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_IP6 = 41,
    IP_PROTOCOL_ROUTING = 43,
    IP_PROTOCOL_FRAGMENT = 44,
    IP_PROTOCOL_GRE = 47,
    IP_PROTOCOL_AH = 51,
    IP_PROTOCOL_ICMP6 = 58,
    IP_PROTOCOL_NONE = 59,
    IP_PROTOCOL_DESTINATION = 60,
    IP_PROTOCOL_ETHERIP = 97,
    IP_PROTOCOL_MOBILITY = 135,
    IP_PROTOCOL_MPLS = 137,
    IP_PROTOCOL_HIP = 139,
    IP_PROTOCOL_SHIM6 = 140,
};

struct decoding {
    struct cursor c;    /* ends where the innermost datagram ends: padding is out of reach */
    uint32_t missing;   /* bytes of that datagram behind the end of the cursor: not captured */
    uint16_t type;      /* for LAYER_ETHERTYPE and LAYER_UPPER */
    uint8_t n_ip;       /* IP headers so far */
    bool verify;        /* checksums of every segment, not of RSTs alone */
    bool dst_not_final; /* source routing: the pseudo-header's address is not in the header */
    struct packet *p;
    struct flaws *flaws;
    const uint8_t *ip4_header; /* innermost, for its checksum; NULL for IPv6 */
    size_t ip4_header_len;
    bool wlan_padded;   /* the 802.11 header is padded to 4 bytes */
    size_t wlan_at;     /* where that header begins */
    const char *tunnel; /* that the next IP header would be in */
};

/* Limits of nesting; deeper frames are counted as flaws and left alone. */
#define DECODE_LAYERS_MAX 32
#define DECODE_IP_MAX 8
#define DECODE_VLANS_MAX 8
#define DECODE_LABELS_MAX 16
#define DECODE_EXTENSIONS_MAX 16

/* What the frame says of itself, and nothing more. */
void packet_clear(const struct frame_bytes *frame, struct packet *out);

static inline uint16_t be16_at(const uint8_t *p, size_t at)
{
    uint16_t number;
    memcpy(&number, p + at, sizeof number);
    return be16toh(number);
}

static inline uint32_t be32_at(const uint8_t *p, size_t at)
{
    uint32_t number;
    memcpy(&number, p + at, sizeof number);
    return be32toh(number);
}

/* Whether the IPv4 header is of a fragment: more follow it, or some came before. */
static inline bool ip4_is_fragment(const uint8_t *header)
{
    uint16_t field;
    memcpy(&field, header + 6, sizeof field);
    return (field & htobe16(0x3fff)) != 0;
}

static inline void address_put_v4(struct address *a, const uint8_t *b)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memcpy(a->b, mapped, sizeof mapped);
    memcpy(a->b + sizeof mapped, b, 4);
}

static inline void decoding_flaw(struct decoding *d, const char *name)
{
    flaws_add(d->flaws, name, d->p->frame);
}

/* A header that cannot be trusted or is not all there: the frame is broken from here on. */
static inline enum layer decoding_broken(struct decoding *d, const char *name)
{
    decoding_flaw(d, name);
    d->p->kind = PACKET_BROKEN;
    return LAYER_END;
}

static inline enum layer decoding_ethertype(struct decoding *d, uint16_t ethertype)
{
    d->type = ethertype;
    return LAYER_ETHERTYPE;
}

/* Bytes of the datagram on the wire from the cursor on. */
static inline uint64_t decoding_wire_left(const struct decoding *d)
{
    return (uint64_t)cursor_left(&d->c) + d->missing;
}

/* The datagram goes on for exactly n more bytes: what is behind it is padding or a trailer. */
static inline void decoding_bound(struct decoding *d, uint32_t n)
{
    const size_t left = cursor_left(&d->c);
    if (n <= left) {
        d->c.n = d->c.at + n;
        d->missing = 0;
    } else {
        d->missing = n - (uint32_t)left;
    }
}

/* The first layer of a link type, or LAYER_END when it is not supported. */
enum layer link_first(int link_type);
enum layer link_ethernet(struct decoding *d);
enum layer link_ethertype(struct decoding *d);
enum layer link_llc(struct decoding *d);
enum layer link_sll(struct decoding *d);
enum layer link_sll2(struct decoding *d);
enum layer link_loopback(struct decoding *d);
enum layer link_pflog(struct decoding *d);
enum layer link_ppp(struct decoding *d);
enum layer link_ppp_hdlc(struct decoding *d);
enum layer link_pppoe(struct decoding *d);
enum layer link_cisco_hdlc(struct decoding *d);
enum layer link_mpls(struct decoding *d);
enum layer link_enc(struct decoding *d);
enum layer link_ppp_direction(struct decoding *d);
enum layer link_wlan(struct decoding *d);
enum layer link_radiotap(struct decoding *d);
enum layer link_prism(struct decoding *d);
enum layer link_ppi(struct decoding *d);
enum layer link_pktap(struct decoding *d);
enum layer link_nflog(struct decoding *d);

enum layer ip_any(struct decoding *d);
enum layer ip4_decode(struct decoding *d);
enum layer ip6_decode(struct decoding *d);

enum layer tunnel_gre(struct decoding *d);
enum layer tunnel_etherip(struct decoding *d);
enum layer tunnel_nsh(struct decoding *d);
enum layer tunnel_udp(struct decoding *d); /* UDP itself, and what it may carry */

enum tcp_option { /* those of an ordinary SYN */
                  OPTION_END = 0,
                  OPTION_NOP = 1,
                  OPTION_MSS = 2,
                  OPTION_WSCALE = 3,
                  OPTION_SACK_PERMITTED = 4,
                  OPTION_TIMESTAMPS = 8,
};
enum { WSCALE_MAX = 14 }; /* RFC 7323 section 2.3 */

/* NOP, NOP, timestamps and their length, as RFC 7323 appendix A lays them out. */
#define TIMESTAMPS_ALONE 0x0101080au

enum layer tcp_decode(struct decoding *d);
void tcp_options(struct decoding *d, struct cursor options);

/* The one's complement sum of RFC 1071 over n bytes, not folded, in memory byte order. */
uint64_t checksum_sum(const uint8_t *bytes, size_t n);
uint16_t checksum_fold(uint64_t sum);
/* Of the captured segment of n bytes; never called on a cut one. */
enum packet_checksum checksum_tcp(const struct packet *p, const uint8_t *segment, uint32_t n);

enum layer icmp4_decode(struct decoding *d);
enum layer icmp6_decode(struct decoding *d);

/* Skips the extension headers of IPv6 (and AH of IPv4) from *protocol on; false when they are cut
 * or too many.  Tells of a fragment and of the jumbo length where asked (both may be NULL). */
struct ip6_extensions {
    bool is_fragment, more_fragments, has_jumbo, routed;
    uint16_t fragment_offset; /* bytes */
    uint8_t fragment_next;    /* the header behind the fragment header */
    uint32_t fragment_id;
    size_t fragment_at; /* where that header begins, by the cursor */
    uint32_t jumbo_len;
};
bool ip6_extensions_skip(struct cursor *c, uint8_t *protocol, struct ip6_extensions *seen);

#endif
