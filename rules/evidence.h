/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a diagnosis rests on, each piece checkable in the input by frame, line or key; and what is
 * missing where a rule could not be judged.
 */
#ifndef WHYRST_RULES_EVIDENCE_H
#define WHYRST_RULES_EVIDENCE_H

#include "rules/hearing.h"

/* The tracker's reasons for sender and mechanism, then every true condition that carried the rule,
 * in the rule's order; nothing twice.  Lives in the case's arena. */
struct evidence *evidence_of(struct hearing *h, size_t *n);
/* The reasons alone: for a reset that no rule explains. */
struct evidence *evidence_of_reset(struct bench *b, size_t *n);
/* How many known facts stand against the rule, though none decides alone. */
unsigned evidence_against(const struct hearing *h);
/* "rst.sender (one direction captured), a line for drop (no log covers it)" */
struct text evidence_missing(struct hearing *h);
/* The collect texts that would help here, joined. */
struct text evidence_collect(struct hearing *h);

#endif
