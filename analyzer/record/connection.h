/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TCP connection as the tracker leaves it: both ends, their sequence space, what was said first
 * and last, and the segments kept as evidence.  "Client" is the side that sent the first SYN;
 * picked up mid-stream it is guessed and marked.  All numbers are as on the wire unless a name says
 * otherwise.
 */
#ifndef WHYRST_ANALYZER_RECORD_CONNECTION_H
#define WHYRST_ANALYZER_RECORD_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/address.h"
#include "parsers/base/instant.h"
#include "parsers/base/text.h"

struct last_said; /* analyzer/record/said.h */

enum side { SIDE_CLIENT, SIDE_SERVER, SIDE_PATH /* neither: only for a reset's sender */ };

static inline enum side side_other(enum side s)
{
    return s == SIDE_CLIENT ? SIDE_SERVER : SIDE_CLIENT;
}

const char *side_name(enum side s); /* "client", "server", "path" */

/* What the tracker noticed about a segment (bits). */
enum segment_note {
    NOTE_RETRANSMISSION = 1 << 0,    /* payload or SYN/FIN sent before */
    NOTE_OUT_OF_ORDER = 1 << 1,      /* fills a hole, first sight */
    NOTE_HOLE_BEFORE = 1 << 2,       /* bytes before it were not captured (yet) */
    NOTE_OVERLAP = 1 << 3,           /* part old, part new */
    NOTE_OVERLAP_CONFLICT = 1 << 4,  /* old bytes re-sent with other content */
    NOTE_KEEPALIVE = 1 << 5,         /* seq = snd_nxt - 1, 0 or 1 byte */
    NOTE_ZERO_WINDOW = 1 << 6,       /* advertises a receive window of 0 */
    NOTE_ZERO_WINDOW_PROBE = 1 << 7, /* sent into a zero window */
    NOTE_DUP_ACK = 1 << 8,
    NOTE_DUPLICATE_CAPTURE = 1 << 9, /* the same packet captured twice (mirror, -i any) */
    NOTE_ACK_UNSEEN = 1 << 10,       /* acknowledges bytes that were never captured */
    NOTE_OUT_OF_WINDOW = 1 << 11,
    NOTE_AFTER_RST = 1 << 12, /* sent by an end after a RST in its own name */
    NOTE_CHALLENGE_ACK = 1 << 13,
    NOTE_TIME_BACKWARDS = 1 << 14,
};

/* Frames of a series of files (a ring buffer) that one tracker follows: the file's place in the
 * series above, the frame number that Wireshark shows below.  They compare in capture order; in the
 * first file, and without a series, they are the plain numbers. */
#define FRAME_FILE_SHIFT 40

static inline uint64_t frame_number(uint64_t frame)
{
    return frame & ((UINT64_C(1) << FRAME_FILE_SHIFT) - 1);
}

static inline uint32_t frame_file(uint64_t frame)
{
    return (uint32_t)(frame >> FRAME_FILE_SHIFT);
}

struct segment {    /* one kept segment */
    uint64_t frame; /* see frame_number */
    instant_ns time;
    uint32_t seq, ack;
    uint32_t payload_len; /* by the IP header */
    uint32_t tsval, tsecr;
    uint32_t flow_label;
    uint16_t flags;  /* enum tcp_flag */
    uint16_t window; /* unscaled */
    uint16_t ip_id;
    uint16_t notes; /* enum segment_note */
    uint8_t ttl;
    uint8_t from; /* enum side: client or server */
    bool df, has_ip_id, has_timestamps, has_options;
    uint8_t src_mac[6]; /* zero where the link has none */
};

struct end_trouble { /* of one end: zero for most */
    uint32_t n_retransmissions, n_out_of_order, n_keepalives, n_zero_windows, n_zero_window_probes;
    uint32_t n_duplicates; /* the same packet captured again */
    /* the unanswered tail, at the moment of the deciding RST (or at the end) */
    uint32_t n_unanswered_retransmissions; /* since the other end last spoke */
    uint32_t n_unanswered_keepalives;
    uint32_t n_unanswered_zero_window_probes; /* probes whose answers all kept the window shut */
    uint64_t bytes_missing;                   /* payload never captured */
};

/* One end: what it sent and what it showed of itself.  There may be two million. */
struct end {
    struct endpoint at;

    /* habits: see analyzer/track/fingerprint.h for the host-wide ones */
    uint8_t ttl_min, ttl_max; /* of its segments that are not RST; 0 = none seen */

    /* sequence space (valid where n_segments > 0) */
    uint32_t isn;
    uint32_t next_seq;    /* one past the highest sequence number sent, SYN and FIN counted */
    uint32_t acked;       /* highest acknowledgement number it sent: what it got from the other */
    uint32_t fin_seq;     /* sequence number of its FIN */
    uint32_t last_window; /* scaled bytes, of its last segment that is not a RST */
    uint16_t mss;         /* of its SYN, 0 unknown */
    uint8_t window_scale; /* shift, 0 when unknown */
    bool window_scale_known;
    bool isn_known, saw_ack, saw_fin;
    bool fin_acked;  /* by the other end */
    bool timestamps; /* its segments carry the timestamps option */

    /* counts */
    uint8_t n_fins;             /* this and n_rsts go no further than their type */
    uint16_t n_syns, n_synacks; /* no further than 1023 */
    uint16_t n_rsts;
    const char *overwritten;  /* static: why its captured payload is not what it said, which
                                 is not known then; or NULL */
    uint32_t n_data_segments; /* with payload, retransmissions included */
    uint64_t n_segments;      /* captured, duplicates of the capture not counted */
    uint64_t bytes;           /* payload by sequence space: first to highest, holes, too */
    const struct end_trouble *trouble; /* NULL: all are zero; ask end_trouble */

    /* time: INSTANT_NONE where it never happened */
    instant_ns first_time, last_time;           /* any segment but RST */
    instant_ns first_data_time, last_data_time; /* payload, no keep-alive */
    instant_ns syn_time, fin_time;

    /* content, in order, as captured; lives in the case's arena */
    struct text head; /* the first payload bytes, at most CONNECTION_HEAD; ends at the first hole */
    struct text
        tail; /* the last payload bytes before the RST, at most 512; empty if all is in head */
    const struct last_said *said; /* what it said last; NULL: no payload, or none captured */
};

/* Never NULL. */
static inline const struct end_trouble *end_trouble(const struct end *e)
{
    static const struct end_trouble none;
    return e->trouble ? e->trouble : &none;
}

#define CONNECTION_HEAD 2048 /* bytes of end.head */
#define CONNECTION_FIRST_SEGMENTS 12
#define CONNECTION_LAST_SEGMENTS 40

struct connection {
    uint32_t capture; /* index into the case's captures: the file that holds the deciding RST */
    uint32_t file;    /* that file's place in its series, from 0 */
    uint32_t stream;  /* Wireshark's tcp.stream in that capture */
    bool client_guessed;
    bool began_mid_stream; /* no SYN and no SYN-ACK were captured */
    bool handshake_seen;   /* SYN and the client's ACK of the SYN-ACK, which was captured or not */
    bool synack_seen;
    bool synack_shut;  /* it advertised window 0, as who answers in the server's name does */
    struct end end[2]; /* by enum side */
    instant_ns first_time, last_time;
    instant_ns
        rtt_ns; /* smallest SYN to SYN-ACK, or SYN-ACK to ACK at a server's side; 0 unknown */
    uint64_t n_segments;
    char conn_state[8];  /* Zeek's: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH */
    struct text history; /* Zeek's, with its repetition rules */
    const char *tunnel;  /* or NULL */

    /* evidence: the first and the last segments around the reset, in capture order */
    const struct segment *segments;
    uint16_t n_kept;      /* kept here; n_segments - n_kept were let go between first and last */
    uint16_t n_head_kept; /* the first n_head_kept are the beginning; a gap may follow */

    uint16_t vlan; /* outermost tag, 0 none */

    /* ICMP errors that quoted a segment of this connection */
    uint16_t n_icmp;
    const struct icmp_note *icmp;
};

/* The capture that holds a frame of the connection: an earlier or later file of the series, too. */
static inline uint32_t connection_capture(const struct connection *c, uint64_t frame)
{
    return frame == 0 ? c->capture : c->capture - c->file + frame_file(frame);
}

struct icmp_note {
    uint64_t frame;
    instant_ns time;
    uint8_t type, code;
    bool is_v6;
    uint32_t mtu;
    struct address from; /* the router or host that sent the error */
};

#endif
