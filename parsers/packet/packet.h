/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One captured frame, decoded to what TCP diagnosis needs.  Bytes come in with their link type, a
 * flat struct goes out; nothing is remembered between frames and nothing is judged.  The innermost
 * TCP segment is the packet; the path to it (VLANs, tunnels) is kept beside it.  Numbers are in
 * host order, addresses in network order.
 */
#ifndef WHYRST_PARSERS_PACKET_PACKET_H
#define WHYRST_PARSERS_PACKET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/address.h"
#include "parsers/base/flaw.h"
#include "parsers/base/instant.h"

enum packet_kind {
    PACKET_TCP,        /* a TCP segment: all fields below are valid */
    PACKET_ICMP_ERROR, /* an ICMP or ICMPv6 error that quotes a TCP header: see icmp */
    PACKET_OTHER_IP, /* IP, but neither of the two (UDP, ESP, a fragment without the header ...) */
    PACKET_NOT_IP,   /* ARP, LLDP, an unknown ethertype ... */
    PACKET_BROKEN,   /* a header contradicts itself or the capture cuts it before the ports */
    PACKET_KINDS
};

/* RFC 9293 section 3.1, RFC 3168 (ECE, CWR), draft-ietf-tcpm-accurate-ecn (AE). */
enum tcp_flag {
    TCP_FIN = 0x001,
    TCP_SYN = 0x002,
    TCP_RST = 0x004,
    TCP_PSH = 0x008,
    TCP_ACK = 0x010,
    TCP_URG = 0x020,
    TCP_ECE = 0x040,
    TCP_CWR = 0x080,
    TCP_AE = 0x100,
};

enum packet_checksum {
    CHECKSUM_UNCHECKED, /* cut by the snaplen, or not asked for */
    CHECKSUM_GOOD,
    CHECKSUM_BAD,
    CHECKSUM_PARTIAL, /* zero, or only the pseudo-header sum: left to the network card (offload) */
};

struct packet_icmp {    /* of a PACKET_ICMP_ERROR */
    uint8_t type, code; /* as on the wire, of ICMP or ICMPv6 (see is_v6) */
    bool is_v6;
    uint32_t mtu;             /* packet too big / fragmentation needed: next-hop MTU, else 0 */
    struct endpoint src, dst; /* of the quoted segment */
    uint32_t seq;             /* of the quoted segment; RFC 792 quotes at least 8 bytes */
    bool has_flags;           /* the quote reaches that far */
    uint16_t flags;           /* of the quoted segment, enum tcp_flag */
};

struct packet_fragment {  /* of a packet with mf or fragment_offset that was captured whole */
    const uint8_t *bytes; /* what it carries; lives as long as the frame's bytes; else NULL */
    uint32_t len;
    uint32_t id;      /* identification: 16 bits of IPv4, 32 of IPv6 */
    uint8_t protocol; /* of the datagram; IPv6: the first header behind the fragment header */
};

enum mptcp_no_reason {
    MPTCP_REASON_NONE = -1,
    MPTCP_REASON_CUT = -2 /* of a RST that has options, which were not all captured */
};

struct packet {
    enum packet_kind kind;

    /* the frame */
    uint64_t frame; /* 1-based, as Wireshark counts */
    instant_ns time;
    uint32_t wire_len; /* bytes on the wire */
    uint32_t iface;
    int link_type;
    bool snaplen_cut; /* captured bytes end before the IP datagram does */

    /* the link */
    bool has_mac;
    uint8_t src_mac[6], dst_mac[6]; /* SLL gives the source only */
    uint8_t n_vlans;                /* tags seen, outermost first; at most 2 ids are kept */
    uint16_t vlan[2];
    bool in_tunnel;     /* the segment was inside another IP packet, GRE, VXLAN ... */
    const char *tunnel; /* static name of the innermost tunnel, or NULL */
    struct address outer_src, outer_dst; /* of the outermost IP header when in_tunnel */

    /* IP */
    uint8_t ip_version; /* 4 or 6 */
    struct address ip_src, ip_dst;
    uint8_t ttl; /* or hop limit */
    uint8_t tos; /* or traffic class */
    bool has_ip_id;
    uint16_t ip_id;           /* IPv4 */
    bool df, mf;              /* IPv4 */
    uint16_t fragment_offset; /* in bytes; of a fragment */
    uint32_t flow_label;      /* IPv6 */
    uint8_t ip_protocol;      /* the upper-layer protocol after extension headers */

    /* TCP; ports are of UDP too where kind is PACKET_OTHER_IP and it is UDP */
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint16_t flags;  /* enum tcp_flag */
    uint16_t window; /* unscaled, as sent; where it was cut off 1, of a RST that answers 0: an
                        unknown window is not known to be shut */
    uint16_t urgent;
    uint8_t header_len; /* TCP header with options, bytes */
    enum packet_checksum checksum;
    uint32_t payload_len;   /* by the headers, not by what was captured; where kind is
                               PACKET_OTHER_IP: of a UDP datagram, or of a later fragment all that
                               follows the IP headers; else 0 */
    const uint8_t *payload; /* captured part; NULL when none; lives as long as the frame's bytes */
    uint32_t payload_captured;

    /* TCP options (RFC 9293, 7323, 2018, 8684) */
    bool has_options; /* any option but padding */
    bool has_mss, has_wscale, sack_permitted, has_timestamps, has_fastopen, has_md5, has_ao,
        has_mptcp;
    uint16_t mss;
    uint8_t wscale; /* as sent; > 14 is a flaw and counts as 14 (RFC 7323 section 2.3) */
    uint32_t tsval, tsecr;
    uint8_t n_sack;             /* blocks kept, 0..4 */
    uint32_t sack[4][2];        /* left and right edge */
    int16_t mptcp_reset_reason; /* MP_TCPRST reason 0..255, or enum mptcp_no_reason */

    struct packet_icmp icmp;
    struct packet_fragment fragment;
};

struct frame_bytes { /* what the decoder needs of a frame; capture/ and packet/ do not know each
                        other */
    uint64_t number;
    instant_ns time;
    uint32_t caplen, origlen;
    uint32_t iface;
    int link_type;       /* LINKTYPE_ value of the tcpdump.org registry */
    const uint8_t *data; /* caplen bytes */
};

/* Decodes one frame into *out (every field is set).  Returns out->kind.  Of a PACKET_BROKEN those
 * fields are set that were read before the header broke: ports and flags where 14 bytes of the TCP
 * header are there.  Flaws of the headers are counted in *flaws by dotted name ("LAYER.what") with
 * the frame number as place.  verify_checksums costs a pass
 * over the payload; without it checksum stays CHECKSUM_UNCHECKED except for RST segments, where it
 * is always verified. */
enum packet_kind packet_decode(const struct frame_bytes *frame, bool verify_checksums,
                               struct packet *out, struct flaws *flaws);

/* Whether link_type can be decoded at all. */
bool packet_link_supported(int link_type);

/* "SYN,ACK" style names in header order, for people; out holds at least 40 bytes. */
size_t packet_flags_text(uint16_t flags, char out[40]);

/* The outermost tag's id, 0 where there is none. */
static inline uint16_t packet_vlan(const struct packet *p)
{
    return p->n_vlans > 0 ? p->vlan[0] : 0;
}

static inline struct endpoint packet_src(const struct packet *p)
{
    return (struct endpoint){.ip = p->ip_src, .port = p->src_port};
}

static inline struct endpoint packet_dst(const struct packet *p)
{
    return (struct endpoint){.ip = p->ip_dst, .port = p->dst_port};
}

#endif
