/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the tracker's live form to what is reported: a struct connection, its resets with all their
 * RSTs, a scene for the judges, and the short record.  Everything made here lives in arenas.
 */
#ifndef WHYRST_ANALYZER_TRACK_SETTLE_H
#define WHYRST_ANALYZER_TRACK_SETTLE_H

#include "analyzer/record/connection_record.h"
#include "analyzer/track/flow.h"
#include "analyzer/track/scene.h"

struct scenes {
    struct scene **v;
    size_t n, cap;
};

struct settle_to {         /* where what is made of a connection goes */
    struct arena *arena;   /* what is reported */
    struct arena *scenes;  /* the scenes, which nobody needs once their resets are final */
    struct intern *intern; /* of what is reported, or NULL */
    uint32_t capture;      /* of the series' first file */
};

/* Appends one scene for each reset of the connection; false when memory ran out. */
bool settle_resets(const struct settle_to *to, const struct flow *flow, struct scenes *out);
/* capture: that in which the connection was met last. */
void settle_record(const struct flow *flow, uint32_t capture, struct connection_record *out);

/* The parts, each written where it belongs; *out is zero before. */
void settle_segment(const struct kept *k, enum side from, struct segment *out);
/* All but its trouble and what it said.  syn_time: of its first SYN or SYN-ACK. */
void settle_end(const struct endpoint *at, const struct half *h, const struct half *other,
                instant_ns syn_time, const struct half_times *times, struct end *out);
/* Of the connection, whose segments are there. */
void settle_rst(const struct rst_note *n, enum side from, const struct connection *c,
                struct rst *out);

#endif
