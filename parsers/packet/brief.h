/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP segment in two cache lines: what following a connection needs of nearly every packet.  The
 * ordinary shapes (Ethernet with at most one tag, Linux cooked, raw IP; unfragmented IPv4 without
 * options or IPv6 without extensions; an acknowledgement with or without data or FIN, no option but
 * timestamps; a SYN with the options of an ordinary SYN; a bare RST whose checksums are good) are
 * read straight from the frame.  Whatever else a frame is, packet_decode() tells, and a brief can
 * be made from that.  Both ways give the same brief.
 */
#ifndef WHYRST_PARSERS_PACKET_BRIEF_H
#define WHYRST_PARSERS_PACKET_BRIEF_H

#include "parsers/packet/packet.h"

enum brief_bit {
    BRIEF_DF = 1,
    BRIEF_HAS_ID = 2,
    BRIEF_TIMESTAMPS = 4,
    BRIEF_OPTIONS = 8, /* any option but padding */
    BRIEF_MAC = 16,
    BRIEF_MSS = 32,
    BRIEF_WSCALE = 64,
    BRIEF_SACK_PERMITTED = 128,
};

/* What a hop or a mirror changes. */
struct brief_path {
    uint32_t iface;
    uint16_t vlan;      /* outermost id, 0 none */
    uint8_t src_mac[6]; /* zero where the link has none */
    uint8_t n_vlans, ttl;
    bool in_tunnel;
};

/* The meaning of the fields is that of struct packet. */
struct brief {
    /* what every capture of the segment has in common; no padding, it is hashed */
    struct address src, dst;
    uint32_t seq, ack, payload_len, tsval, tsecr, flow_label;
    uint16_t src_port, dst_port, flags, window, ip_id, urgent;
    /* what is this capture's own */
    uint32_t payload_captured;
    uint64_t frame;
    instant_ns time;
    const uint8_t *payload;
    struct brief_path path;
    uint8_t bits;   /* enum brief_bit */
    uint8_t wscale; /* of a SYN, as mss; else both are 0 */
    uint16_t mss;
};
#define BRIEF_COMMON offsetof(struct brief, payload_captured)

/* Reads a frame of an ordinary shape into *out.  False when it is of any other, or when a header
 * has a flaw; *out is then undefined. */
bool brief_decode(const struct frame_bytes *frame, struct brief *out);

/* Of a packet whose kind is PACKET_TCP. */
void brief_of(const struct packet *p, struct brief *out);

/* The whole packet of a frame that brief_decode() took, as packet_decode() gives it; but its number
 * is the brief's. */
void brief_expand(const struct brief *b, const struct frame_bytes *frame, struct packet *out);

#endif
