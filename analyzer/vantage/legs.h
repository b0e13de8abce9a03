/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other legs of a reset connection: the same connection behind a NAT, tied by the sequence
 * numbers that no NAT rewrites, and the connection that a proxy made for it, tied by equal words in
 * both within one span of time.  Rather no tie than a wrong one: equal words of several connections
 * tie none.  Filled by correlation.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_LEGS_H
#define WHYRST_ANALYZER_VANTAGE_LEGS_H

#include "analyzer/vantage/roster.h"

/* Fills the legs of every reset; false when memory ran out. */
bool legs_tie(const struct roster *r, struct case_file *c);

/* A reset's other legs. */
static inline const struct leg *legs_of(const struct reset *r, size_t *n)
{
    *n = reset_ties(r)->n_legs;
    return reset_ties(r)->legs;
}

#endif
