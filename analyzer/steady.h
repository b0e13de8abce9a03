/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segment that almost every segment is: in order or a bare acknowledgement, on a connection
 * whose both ends are known, with nothing closed, shut, missing or reset.  It takes a short road
 * that leaves exactly what history.h, stream.h and episode.h together would leave.
 */
#ifndef WHYRST_ANALYZER_STEADY_H
#define WHYRST_ANALYZER_STEADY_H

#include "analyzer/live.h"

/* Takes p if it is such a segment; false, with nothing changed, if it is not.  Adds to *notes. */
bool steady_segment(struct store *s, struct live *l, uint8_t dir, const struct packet *p,
                    uint16_t *notes);

/* Brings into the cache what content and timeline of the segment's direction will touch; the live
 * connection itself is there already. */
void steady_prefetch(const struct live *l, uint8_t dir, const struct packet *p);

#endif
