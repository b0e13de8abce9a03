/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of a connection that is kept as an opening and plain: the same as if its segments
 * were led through a live one and that were settled, at a fraction of the work.
 */
#ifndef WHYRST_ANALYZER_TRACK_SETTLE_OPENING_H
#define WHYRST_ANALYZER_TRACK_SETTLE_OPENING_H

#include "analyzer/record/connection_record.h"
#include "analyzer/track/flow.h"
#include "analyzer/track/scene.h"

/* The scene of its reset, in the arena.  The reset is made in *reset, which is zero before; NULL:
 * in the arena, too.  at: its ends, by side; stream: as of the RST, in its file; capture: of the
 * series' first file.  NULL when memory ran out. */
struct scene *settle_opening_scene(struct arena *arena, struct reset *reset,
                                   const struct opening *o, const struct endpoint at[2],
                                   uint32_t stream, uint32_t capture);

/* Of the flow's; capture: that in which it was met last. */
void settle_opening_record(const struct flow *flow, uint32_t capture,
                           struct connection_record *out);

#endif
