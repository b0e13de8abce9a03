/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connection one that was met in mid-stream goes on: a NAT that forgot a connection lets it
 * pass with another port, and its numbers stay.
 */
#ifndef WHYRST_ANALYZER_POPULATION_PREDECESSORS_H
#define WHYRST_ANALYZER_POPULATION_PREDECESSORS_H

#include "analyzer/record/case_file.h"

struct predecessors;

/* Records and resets must not change afterwards.  NULL when memory ran out. */
struct predecessors *predecessors_create(const struct case_file *c);
void predecessors_free(struct predecessors *p); /* NULL-safe */

/* Whether the numbers of both directions go on where another connection stood that the same
 * capture holds from its beginning: of the client's address to that server, from another port. */
bool predecessors_have(const struct predecessors *p, const struct reset *r);

#endif
