/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reset while it happens: the state its first RST met, the RSTs that belong to it, and what each
 * end said afterwards, from which one learns whether the connection really died.
 */
#ifndef WHYRST_ANALYZER_TRACK_EPISODE_H
#define WHYRST_ANALYZER_TRACK_EPISODE_H

#include "analyzer/record/reset.h"
#include "analyzer/track/live.h"

/* Takes a RST (k is its kept form).  False when memory ran out and it is not accounted for. */
bool episode_rst(struct store *s, struct arena *arena, struct live *l, const struct packet *p,
                 const struct kept *k);

/* Takes any other segment once a RST was seen, after the sequence space did; may add notes to it.
 */
void episode_segment(struct store *s, struct arena *arena, struct live *l, uint8_t dir,
                     const struct packet *p, uint16_t *notes);

/* Of a RST by its own and the other half, as they were when it came.  t: what was kept of the
 * connection, or NULL. */
enum rst_validity rst_validity_of(const struct half *own, const struct half *other,
                                  const struct kept *k);
enum rst_family rst_family_of(const struct half *own, const struct half *other,
                              const struct timeline *t, const struct kept *k);

#endif
