/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection in Zeek's words: conn_state and history as its conn.log documents them, so that a
 * diagnosis joins with Zeek's records.  Letters: s SYN, h SYN-ACK, a pure ACK, d data, f FIN, r
 * RST, c bad checksum, g gap, t retransmission, w zero window, i and q odd flag combinations; upper
 * case from the originator; ^ the roles were turned.
 */
#ifndef WHYRST_ANALYZER_TRACK_HISTORY_H
#define WHYRST_ANALYZER_TRACK_HISTORY_H

#include "analyzer/track/live.h"
#include "analyzer/track/tracker.h"

enum zeek_state { /* of an end; half.zeek_state */
                  ZEEK_INACTIVE,
                  ZEEK_SYN_SENT,
                  ZEEK_SYN_ACK_SENT,
                  ZEEK_PARTIAL,
                  ZEEK_ESTABLISHED,
                  ZEEK_CLOSED,
                  ZEEK_RESET
};

enum zeek_seen { /* letters of the history that an end has; half.zeek_seen */
                 SEEN_SYN = 1,
                 SEEN_FIN = 2,
                 SEEN_RST = 4,
                 SEEN_DATA = 8,
                 SEEN_ACK = 16,
                 SEEN_MULTI = 32
};

/* Before the sequence space takes the segment. */
void history_segment(struct store *s, struct live *l, uint8_t dir, const struct packet *p);
/* After it. */
void history_notes(struct live *l, uint8_t dir, const struct packet *p, uint16_t notes,
                   uint32_t gaps_before);

/* The same as history_segment for an acknowledgement without SYN, FIN, RST or a shut window, from
 * an end that has a state, when it may be the first with payload or without. */
void history_first_words(struct live *l, uint8_t dir, bool has_payload);
static inline void history_speaks(struct live *l, uint8_t dir, bool has_payload)
{
    const unsigned letter = SEEN_ACK - (SEEN_ACK - SEEN_DATA) * has_payload; /* without a branch */
    if (!(l->half[dir].zeek_seen & letter))
        history_first_words(l, dir, has_payload);
}

/* And for one with the end's first FIN. */
void history_ends(struct live *l, uint8_t dir);

/* The same as history_segment for the first SYN of all, from the client. */
void history_opens(struct live *l, uint8_t dir);

enum conn_state history_state(const struct live *l);
/* The same of a connection of which nothing but a SYN was seen, or a SYN and then a RST. */
enum conn_state history_state_unopened(bool saw_rst, bool from_client);
/* Writes the history, of a connection with evidence, and its NUL; returns its length. */
size_t history_text(const struct live *l, char out[HISTORY_MAX + 2]);

#endif
