/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection in Zeek's words: conn_state and history as its conn.log documents them, so that a
 * diagnosis joins with Zeek's records.  Letters: s SYN, h SYN-ACK, a pure ACK, d data, f FIN, r
 * RST, c bad checksum, g gap, t retransmission, w zero window, i and q odd flag combinations; upper
 * case from the originator; ^ the roles were turned.
 */
#ifndef WHYRST_ANALYZER_HISTORY_H
#define WHYRST_ANALYZER_HISTORY_H

#include "analyzer/live.h"
#include "analyzer/tracker.h"

/* Before the sequence space takes the segment. */
void history_segment(struct store *s, struct live *l, uint8_t dir, const struct packet *p);
/* After it. */
void history_notes(struct live *l, uint8_t dir, const struct packet *p, uint16_t notes,
                   uint32_t gaps_before);

/* A segment of a known end, without SYN, FIN, RST or a shut window, that writes no letter and
 * changes no state. */
bool history_is_steady(const struct half *h, bool has_payload);

enum conn_state history_state(const struct live *l);
/* Writes the history, of a connection with evidence, and its NUL; returns its length. */
size_t history_text(const struct live *l, char out[HISTORY_MAX + 2]);

#endif
