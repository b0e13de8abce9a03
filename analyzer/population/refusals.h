/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a port refused while it accepted others.  A service that is down refuses everybody; a rule
 * against one address, or a balancer that leads it to a dead host, refuses that one alone.  Counted
 * from the connection records; nothing is judged here.
 */
#ifndef WHYRST_ANALYZER_POPULATION_REFUSALS_H
#define WHYRST_ANALYZER_POPULATION_REFUSALS_H

#include "analyzer/population/census.h"

#define REFUSALS_REACH_NS (60 * NS_PER_S) /* so far before and after a refusal one looks */

struct refusals;

/* The census must outlive it.  NULL when memory ran out. */
struct refusals *refusals_create(const struct census *census);
void refusals_free(struct refusals *s); /* NULL-safe */

/* Connections of other addresses that the port accepted between two refusals of r's client, r's own
 * among them or not; 0 where the client was accepted between, or another address refused. */
uint32_t refusals_accepted_between(const struct refusals *s, const struct reset *r);

/* Whether the port held a connection, of whomever, before r and after it, of the 200 last
 * begun before it: a service whose process is gone holds none. */
bool refusals_held_beside(const struct refusals *s, const struct reset *r);

/* Silent connections to the port, of whomever, at most 200, that its server ended in one moment
 * before r, the last in which it ended any: what a process leaves behind that stops.  0 where one
 * of the 200 last begun before r outlived that moment, or where it is too long ago. */
uint32_t refusals_ended_before(const struct refusals *s, const struct reset *r);

#endif
