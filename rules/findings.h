/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a case to its diagnoses and groups.
 */
#ifndef WHYRST_RULES_FINDINGS_H
#define WHYRST_RULES_FINDINGS_H

#include "rules/catalogue.h"

/* One finding for each reset that is not a copy of another's, in the case's order.  Catalogue and
 * case must outlive it.  False: out of memory. */
bool findings_build(struct findings *f, const struct catalogue *k, struct case_file *c);
void findings_finish(struct findings *f); /* NULL-safe */

#endif
