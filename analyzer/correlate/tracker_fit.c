/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a segment of another file goes on where a connection stands: a 32-bit number that agrees
 * to within a window is no chance, and hops that differ are another place.
 */
#include "analyzer/track/tracker_parts.h"

#define LOST_BYTES 65536 /* between two files, at most */

/* Behind it is what another capture of the same time holds, too. */
static bool goes_on(const struct half *h, uint32_t seq)
{
    int32_t ahead = seq_diff(seq, h->next_seq);
    return ahead >= 0 && ahead <= LOST_BYTES;
}

enum tracker_fit tracker_fit(const struct tracker *t, const struct brief *b)
{
    struct flow_key key;
    uint8_t dir;
    const uint32_t hash = flows_hash_of_brief(&t->flows, b, &dir);
    flow_key_of_brief(b, dir, &key);
    const struct flow *f = flows_find(&t->flows, &key, hash);
    const struct half *h = f && f->live ? &f->live->half[dir] : NULL;
    if (!h || !half_has(h, HALF_SEQ) || (b->flags & TCP_SYN))
        return TRACKER_FIT_UNKNOWN;
    if (b->flags & TCP_RST) /* whoever sent it: only the exact number of the first says anything */
        return b->seq == h->next_seq && half_n_rsts(h) == 0 ? TRACKER_FIT_GOES_ON
                                                            : TRACKER_FIT_UNKNOWN;
    bool same_hops = h->n_segments == 0 || (b->path.ttl >= h->ttl_min && b->path.ttl <= h->ttl_max);
    return same_hops && goes_on(h, b->seq) ? TRACKER_FIT_GOES_ON : TRACKER_FIT_DIFFERS;
}
