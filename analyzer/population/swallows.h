/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resets that segments drew which never arrived where they were sent, by the name and the hop count
 * that the resets bear: what a device in line with the traffic leaves that takes segments off the
 * path.  A reset of which only one end's capture tells may be its work, too.
 */
#ifndef WHYRST_ANALYZER_POPULATION_SWALLOWS_H
#define WHYRST_ANALYZER_POPULATION_SWALLOWS_H

#include "analyzer/population/census.h"

struct swallows;

/* Of the census's case, whose resets must not change afterwards; both must outlive it.  NULL when
 * memory ran out. */
struct swallows *swallows_create(const struct census *census);
void swallows_free(struct swallows *s); /* NULL-safe */

/* Those of other connections that bear the same name, at the same server endpoint, and the same hop
 * count as r.  Copies of a reset in other captures do not count. */
uint32_t swallows_like(const struct swallows *s, const struct reset *r);

#endif
