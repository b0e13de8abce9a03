/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the tracker's live form to what is reported: a struct connection, its resets with all their
 * RSTs, a scene for the judges, and the short record.  Everything made here lives in the arena.
 */
#ifndef WHYRST_ANALYZER_SETTLE_H
#define WHYRST_ANALYZER_SETTLE_H

#include "analyzer/connection_record.h"
#include "analyzer/flow.h"
#include "analyzer/scene.h"

struct scenes {
    struct scene **v;
    size_t n, cap;
};

/* Appends one scene for each reset of the connection; false when memory ran out.  capture: of the
 * series' first file. */
bool settle_resets(struct arena *arena, const struct flow *flow, uint32_t capture,
                   struct scenes *out);
/* The connection alone, as its first reset has it.  NULL: no memory, or it has none. */
struct connection *settle_connection(struct arena *arena, const struct flow *flow,
                                     uint32_t capture);
/* capture: that in which the connection was met last. */
void settle_record(const struct flow *flow, uint32_t capture, struct connection_record *out);

#endif
