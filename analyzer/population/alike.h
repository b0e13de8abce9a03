/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many other resets of a case were like one: at the same server in the same instant, after the
 * same silence, after the same bytes.  Sorted once; each question is a search.  Copies of a reset
 * in other captures never count, nor do resets of the same connection.
 */
#ifndef WHYRST_ANALYZER_POPULATION_ALIKE_H
#define WHYRST_ANALYZER_POPULATION_ALIKE_H

#include "analyzer/population/census.h"

struct alike;

/* Of the census's case, whose resets must not change afterwards; both must outlive it.  NULL when
 * memory ran out. */
struct alike *alike_create(const struct census *census);
void alike_free(struct alike *a); /* NULL-safe */

/* Resets of the case but for copies. */
size_t alike_n_resets(const struct alike *a);

/* Of the same server endpoint and by the same side, at most within_ns before or after. */
uint32_t alike_same_instant(const struct alike *a, const struct reset *r, instant_ns within_ns);
/* After a silence of the same length within 2 % or 0.5 s; 0 when r's was under 2 s or unknown. */
uint32_t alike_same_idle(const struct alike *a, const struct reset *r);
/* Of the same server endpoint, after the same bytes both ways; 0 when r's had none. */
uint32_t alike_same_bytes(const struct alike *a, const struct reset *r);

#endif
