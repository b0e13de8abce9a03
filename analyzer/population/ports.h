/* SPDX-License-Identifier: Apache-2.0 */
/* What else a client's port was used for. */
#ifndef WHYRST_ANALYZER_POPULATION_PORTS_H
#define WHYRST_ANALYZER_POPULATION_PORTS_H

#include "analyzer/population/chains.h"

/* The connections with the same address and port at the client's end; see chains_create. */
struct chains *ports_chains(const struct case_file *c);

/* Whether the reset's client talked to another server from that port at the same time, or had sent
 * it the SYN that the SYN-ACK answers which the RST answers. */
bool ports_elsewhere(const struct chains *ports, const struct reset *r);

/* Whether before the RST, while this connection lived, the client's end answered with a RST, and
 * with nothing else, what another address sent to that port in the middle of something. */
bool ports_turned_away(const struct chains *ports, const struct reset *r);

#endif
