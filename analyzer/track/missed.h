/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the segment that drew a RST ever reached the connection in whose name the RST came.  An
 * end that goes on and still does not acknowledge its payload did not get it there: it was lost, a
 * device took it, or a NAT handed it to that end's host under another name.
 */
#ifndef WHYRST_ANALYZER_TRACK_MISSED_H
#define WHYRST_ANALYZER_TRACK_MISSED_H

#include "analyzer/record/connection.h"

/* Of a RST's sender by name, in its kept segments: it spoke after the RST, later than what was in
 * flight may come, and acknowledged none of the trigger's payload.  False where the trigger is NULL
 * or has none. */
bool trigger_missed(const struct connection *k, const struct segment *trigger,
                    const struct segment *rst);

#endif
