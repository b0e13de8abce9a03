/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several captures laid over each other: how far their clocks are apart, which were taken at one
 * place, which resets are one event, and what one capture proves about a reset that only another
 * holds.  Fills the captures' vantage and clock offset, the resets' seen_in and is_copy_of_other,
 * and speaks through reset_set_sender.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_VANTAGE_H
#define WHYRST_ANALYZER_VANTAGE_VANTAGE_H

#include "analyzer/vantage/roster.h"

struct vantage_pair {  /* two captures that hold the same packets */
    uint32_t a, b;     /* of a series its first file */
    instant_ns offset; /* b's clock minus a's */
    instant_ns delay;  /* one way between the two places: positive when b is nearer to the servers;
                          0 when packets of one direction only were shared */
    bool both_ways;
};

struct vantage {
    /* By capture: its clock minus that of clock[i], which is taken for the first capture's own. */
    instant_ns *shift;
    /* By capture: the lowest one that its clock was measured against, over others between them or
     * not; itself where it shares no packet with any. */
    uint32_t *clock;
    uint32_t *talk_of;          /* by record, input of roster_build */
    struct vantage_pair *pairs; /* by a, then b */
    size_t n_pairs;
};

/* Clocks, places and which records are one connection; before the roster exists.  Lives in a. */
bool vantage_measure(struct vantage *v, struct arena *a, struct case_file *c);

/* How many records are second sights of a connection, by a capture of the same place.  False when
 * memory ran out. */
bool vantage_n_again(const struct case_file *c, const struct roster *r, uint64_t *n_again);

/* Fills the case's told_by.  False when memory ran out. */
bool vantage_tell_once(const struct roster *r, struct case_file *c);

/* The same RST in two captures though the ends are others: a NAT, and a connection that neither saw
 * begin on both sides.  Joins the talks of the roster.  False when memory ran out. */
bool vantage_join_by_rst(struct vantage *v, struct roster *r);

/* One event, several captures: seen_in and is_copy_of_other.  The diagnosis stays with the capture
 * nearest to the reset's sender; of captures of one place with that which shows most of the
 * connection; of equals with the first; a forgery's with the forged RST. */
bool vantage_match_resets(const struct vantage *v, const struct roster *r, struct case_file *c);

/* Two captures, of a series its first file, in any order; NULL: they share no packet. */
const struct vantage_pair *vantage_pair_of(const struct vantage *v, uint32_t x, uint32_t y);

/* When its deciding RST passed, by the clock that its capture's shift is told against. */
static inline instant_ns vantage_reset_time(const struct vantage *v, const struct reset *r)
{
    return sane_time(r->deciding.segment.time) - v->shift[reset_capture(r)];
}

/* One wire and one clock, though two writers. */
bool vantage_is_one_clock(const struct vantage_pair *p);

/* Whether times in the two can be compared: their clocks were measured against each other. */
static inline bool vantage_is_measured(const struct vantage *v, uint32_t x, uint32_t y)
{
    return v->clock[x] == v->clock[y];
}

/* Whether capture k (of a series its first file) was being taken at t, by the clock that its shift
 * is told against. */
bool vantage_covers(const struct vantage *v, const struct case_file *c, uint32_t k, instant_ns t);

/* The same when what passed the capture here at t has passed capture k before, or will pass it: by
 * as long as the path between them takes. */
bool vantage_covers_passing(const struct vantage *v, const struct case_file *c, uint32_t k,
                            uint32_t here, bool before, instant_ns t);

struct fates;

/* The sender, where a capture nearer to the claimed end does not hold the RST, or one at that end
 * holds it; or where the segment that it answers never got there.  fates may be NULL.  False when
 * memory ran out.
 */
bool vantage_prove(const struct vantage *v, const struct roster *r, const struct fates *fates,
                   struct case_file *c);

#endif
