/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Habits of hosts as one capture shows them: from which hop counts a host's SYNs, SYN-ACKs, socket
 * segments and resets arrive, how it numbers its IPv4 packets, its link address, how fast it
 * answers.  An end's segments of different kinds may start from different hop counts (sockets may
 * set their own, the kernel's bare answers use the default), so like is compared with like.
 * Packets go in one by one; nothing is judged here.
 */
#ifndef WHYRST_ANALYZER_TRACK_FINGERPRINT_H
#define WHYRST_ANALYZER_TRACK_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/arena.h"
#include "parsers/base/instant.h"
#include "parsers/packet/brief.h"

enum segment_kind {
    SEGMENT_SYN,
    SEGMENT_SYNACK,
    SEGMENT_SOCKET,    /* anything else that a socket sends */
    SEGMENT_BARE_RST,  /* RST without ACK */
    SEGMENT_REFUSAL,   /* RST+ACK with sequence number 0: the answer to a SYN */
    SEGMENT_OWNER_RST, /* any other RST+ACK */
    SEGMENT_KINDS
};

#define HABIT_TTLS 4
#define HABIT_MACS 4

struct habit_ttl {
    uint8_t ttl;
    uint32_t n; /* connections whose first segment of the kind came with it */
};

struct habit_kind {                   /* one note a connection and kind: its first segment */
    struct habit_ttl ttl[HABIT_TTLS]; /* in order of first sight; further values are not kept */
    uint8_t n_ttls;
    bool more_ttls;
    uint32_t n;            /* connections */
    uint32_t n_id_zero;    /* IPv4 with identification 0 */
    uint32_t n_df;         /* IPv4 with don't-fragment */
    uint32_t n_label_zero; /* IPv6 with flow label 0 */
};

struct habit {                  /* of one address */
    instant_ns min_answer_ns;   /* quickest SYN to SYN-ACK of its own, 0 unknown */
    uint8_t mac[HABIT_MACS][6]; /* link addresses its packets came from */
    uint8_t n_macs;
    bool more_macs;
    struct habit_kind kind[SEGMENT_KINDS];
};

struct habits;

struct habits *habits_create(const struct allocator *from, size_t max_hosts); /* 0: 65536 */
void habits_free(struct habits *h);

/* Looked up: where connections are short, no branch would be guessed. */
static inline enum segment_kind segment_kind_of(uint16_t flags, uint32_t seq)
{
    enum { SYN = 1, RST = 2, ACK = 4, SEQ = 8 };
    static const uint8_t kinds[16] = {
        /* with sequence number 0: nothing, SYN, RST, both; the same with ACK */
        SEGMENT_SOCKET, SEGMENT_SYN, SEGMENT_BARE_RST, SEGMENT_BARE_RST, SEGMENT_SOCKET,
        SEGMENT_SYNACK, SEGMENT_REFUSAL, SEGMENT_REFUSAL,
        /* with any other */
        SEGMENT_SOCKET, SEGMENT_SYN, SEGMENT_BARE_RST, SEGMENT_BARE_RST, SEGMENT_SOCKET,
        SEGMENT_SYNACK, SEGMENT_OWNER_RST, SEGMENT_OWNER_RST};
    return kinds[(flags & TCP_SYN ? SYN : 0) | (flags & TCP_RST ? RST : 0) |
                 (flags & TCP_ACK ? ACK : 0) | (seq ? SEQ : 0)];
}
const char *segment_kind_name(enum segment_kind k); /* "SYN-ACK", for sentences */

/* Where a host may stand in the book; 0: nobody knows.  It may be a wrong one, and stays good. */
typedef uint32_t habit_guess;

/* Once a connection and kind.  Hosts over the limit are not noted. */
void habits_note(struct habits *h, const struct brief *b, enum segment_kind kind,
                 habit_guess guess);
void habits_note_answer(struct habits *h, const struct address *ip, instant_ns delay);
/* Has the memory that a note will touch fetched, in two steps: what the first gives goes into the
 * second, once it had its time. */
uint32_t habits_prefetch(const struct habits *h, const struct address *ip);
habit_guess habits_guess(const struct habits *h, uint32_t hash);
/* False when the address was never noted. */
bool habits_get(const struct habits *h, const struct address *ip, struct habit *out);

/* Connections in which the host's segments of this kind came with this ttl. */
uint32_t habit_kind_with(const struct habit_kind *k, uint8_t ttl);

#endif
