/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sequence space of both directions: what is new, old, missing, out of order, a keep-alive or a
 * zero-window probe; windows, FINs, and how long an end has spoken without an answer.  RST segments
 * never move anything here (RFC 5961: their numbers are not to be trusted).
 */
#ifndef WHYRST_ANALYZER_TRACK_STREAM_H
#define WHYRST_ANALYZER_TRACK_STREAM_H

#include "analyzer/track/opening.h"

/* Takes one segment that is neither a RST nor a second capture of one; returns its notes. */
uint16_t stream_segment(struct store *s, struct live *l, uint8_t dir, const struct packet *p);

/* What stream_segment leaves in the half for the first SYN of all, whose window is not shut. */
void stream_opens(struct half *h, const struct opening_segment *syn);

struct fin { /* a segment that carries one */
    uint32_t seq;
    instant_ns time;
    bool crossed; /* it does not acknowledge all that the other end has sent */
    uint32_t payload_len;
};

/* What stream_segment does with a FIN of h, once its other numbers are taken; o is the other.  With
 * no memory for it the FIN is not seen. */
void stream_fin(struct store *s, struct half *h, const struct half *o, const struct fin *fin);

/* Whether a FIN of this end must have passed uncaptured: one sequence number behind its last byte
 * was used or acknowledged, and no FIN was seen. */
bool half_fin_implied(const struct half *h);

/* Scaled receive window that an end last advertised. */
uint32_t half_window(const struct half *h, const struct half *other);

#endif
