/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segments of a connection that are kept as evidence: the first twelve, the last forty, and
 * once a reset has frozen those, up to sixteen after it.  Memory comes in chunks of four segments
 * on first need.
 */
#ifndef WHYRST_ANALYZER_TRACK_TIMELINE_H
#define WHYRST_ANALYZER_TRACK_TIMELINE_H

#include <string.h>

#include "analyzer/track/live.h"
#include "parsers/packet/brief.h"

/* The kept form of a segment, without notes; written where it stays, for a copy of what was just
 * written waits until it is in the cache. */
struct kept kept_from(const struct packet *p, uint8_t dir);
static inline void kept_from_brief(const struct brief *b, uint8_t dir, struct kept *out)
{
    const uint8_t bits = b->bits;
    out->time = b->time;
    out->frame = b->frame;
    out->seq = b->seq;
    out->ack = b->ack;
    out->payload_len = b->payload_len;
    out->tsval = b->tsval;
    out->tsecr = b->tsecr;
    out->flow_label = b->flow_label;
    out->flags = b->flags;
    out->window = b->window;
    out->ip_id = b->ip_id;
    out->notes = 0;
    memcpy(out->src_mac, b->path.src_mac, sizeof out->src_mac);
    out->ttl = b->path.ttl;
    out->bits =
        (uint8_t)(dir | (bits & BRIEF_DF ? KEPT_DF : 0) | (bits & BRIEF_HAS_ID ? KEPT_HAS_ID : 0) |
                  (bits & BRIEF_TIMESTAMPS ? KEPT_TIMESTAMPS : 0) |
                  (bits & BRIEF_OPTIONS ? KEPT_OPTIONS : 0));
}

/* Room for one segment more, which the caller fills; NULL: it is let go (frozen and full, or memory
 * ran out). */
struct kept *timeline_place(struct store *s, struct timeline *t);
/* The kept copy, or NULL. */
struct kept *timeline_add(struct store *s, struct timeline *t, const struct kept *k);
void timeline_freeze(struct timeline *t);
/* What came after the reset becomes part of the last. */
void timeline_thaw(struct store *s, struct timeline *t);

size_t timeline_count(const struct timeline *t);
/* i in capture order, i < timeline_count. */
const struct kept *timeline_at(const struct timeline *t, size_t i);
void timeline_free(struct store *s, struct timeline *t);

#endif
