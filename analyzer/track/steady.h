/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segment that almost every segment is: an acknowledgement, bare or with the bytes that come
 * next and perhaps the end's FIN behind them, on a connection whose both ends are known, with
 * nothing shut, missing or reset.  It takes a short road that leaves exactly what history.h,
 * stream.h and episode.h together would leave.
 */
#ifndef WHYRST_ANALYZER_TRACK_STEADY_H
#define WHYRST_ANALYZER_TRACK_STEADY_H

#include "analyzer/track/live.h"
#include "parsers/packet/brief.h"

/* For which directions (a bit each) all that the segment itself does not tell is so.  Asked after
 * every segment that took the long road: none on the short one makes it otherwise. */
uint8_t steady_ends(const struct live *l);

/* Whether b is such a segment; l->steady holds. */
bool steady_is(const struct live *l, uint8_t dir, const struct brief *b);
/* Takes it; counts and times of the connection as a whole are the caller's. */
void steady_take(struct store *s, struct live *l, uint8_t dir, const struct brief *b);

/* Brings into the cache what content and timeline of the segment's direction will touch; the live
 * connection itself is there already. */
void steady_prefetch(const struct live *l, uint8_t dir, const struct brief *b);

#endif
