/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker's own state, shared by its packet path and its end.  Only tracker.c and tracker_end.c
 * include this.
 */
#ifndef WHYRST_ANALYZER_TRACKER_PARTS_H
#define WHYRST_ANALYZER_TRACKER_PARTS_H

#include "analyzer/duplicate.h"
#include "analyzer/flow.h"
#include "analyzer/settle.h"
#include "analyzer/tracker.h"
#include "parsers/base/vec.h"

struct tracker {
    struct arena *arena;
    struct tracker_config config;
    const struct allocator *from;
    struct flows flows;
    struct store store;
    struct duplicates *duplicates;
    struct habits *habits, *own_habits;
    struct scenes scenes;
    VEC(struct tracker_rst_skip) skips;
    VEC(struct connection_record) records;
    struct tracker_counts counts;
    struct tracker_records records_out;
    struct tracker_skips skips_out;
    struct tracker_resets attempts;
    uint32_t next_stream;
    uint32_t file;  /* of the series, from 0 */
    instant_ns now; /* the latest capture time so far */
};

/* A RST frame that belongs to no reset. */
void tracker_skip_rst(struct tracker *t, uint64_t frame, const char *reason, uint64_t same_as);
/* Lets go of the connection of a flow, if it has one: what is worth keeping becomes a result. */
void tracker_settle(struct tracker *t, struct flow *flow);

#endif
