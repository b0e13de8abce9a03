/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connection records are the same connection: seen by several captures, or on both sides of a
 * NAT.  Both initial sequence numbers together are proof; the client's alone asks for the same ends
 * or the same timestamp; connections picked up in the middle ask for the same ends and time.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_TWINS_H
#define WHYRST_ANALYZER_VANTAGE_TWINS_H

#include "analyzer/record/case_file.h"

/* Two records are one connection. */
void twins_join(uint32_t *talk_of, uint32_t a, uint32_t b);
bool twins_same_ends(const struct connection_record *a, const struct connection_record *b);
/* The lower end first, so that a guessed client does not matter. */
void twins_ends_in_order(const struct connection_record *r, const struct endpoint **low,
                         const struct endpoint **high);
uint32_t twins_root(uint32_t *talk_of, uint32_t i);

/* By sequence numbers, needing no clock.  talk_of has one number a record, each its own at first.
 * False when memory ran out. */
bool twins_by_isn(const struct case_file *c, uint32_t *talk_of);
/* By ends and time, for what began before its capture; shift: each capture's clock minus the
 * first's. */
bool twins_by_ends(const struct case_file *c, const instant_ns *shift, uint32_t *talk_of);

#endif
