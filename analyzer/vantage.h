/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several captures laid over each other: how far their clocks are apart, which were taken at one
 * place, which resets are one event, and what one capture proves about a reset that only another
 * holds.  Fills the captures' vantage and clock offset, the resets' seen_in and is_copy_of_other,
 * and speaks through reset_set_sender.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_H
#define WHYRST_ANALYZER_VANTAGE_H

#include "analyzer/roster.h"

struct vantage {
    instant_ns *shift; /* by capture: its clock minus the first's; 0 where unknown */
    bool *known;       /* by capture: shift is measured (or it is the first) */
    uint32_t *talk_of; /* by record, input of roster_build */
};

/* Clocks, places and which records are one connection; before the roster exists.  Lives in a. */
bool vantage_measure(struct vantage *v, struct arena *a, struct case_file *c);

/* One event, several captures: seen_in and is_copy_of_other.  The diagnosis stays with the capture
 * nearest to the reset's sender, of equals with the first. */
bool vantage_match_resets(const struct vantage *v, const struct roster *r, struct case_file *c);

/* The sender, where a capture at the claimed end does not hold the RST, or does. */
void vantage_prove(const struct vantage *v, const struct roster *r, struct case_file *c);

#endif
