/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connection one that was met in mid-stream goes on: a NAT that forgot a connection lets it
 * pass with another port, and its numbers stay.
 */
#ifndef WHYRST_ANALYZER_POPULATION_PREDECESSORS_H
#define WHYRST_ANALYZER_POPULATION_PREDECESSORS_H

#include "analyzer/population/chains.h"

/* The connections of the same client's address and server; see chains_create. */
struct chains *predecessors_chains(const struct case_file *c);

/* Whether the numbers of both directions go on where another connection stood that the same
 * capture holds from its beginning: of the client's address to that server, from another port. */
bool predecessors_have(const struct chains *pairs, const struct reset *r);

#endif
