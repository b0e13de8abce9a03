/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of each packet near a reset between the captures of its connection: seen in both,
 * altered, swallowed on its way, or sent by nobody there (forged).  Absence counts only where the
 * capture covers the time, holds the packets before and lost none elsewhere.  Fills the resets'
 * fates; vantage.h turns them into proof of the sender.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_FATES_H
#define WHYRST_ANALYZER_VANTAGE_FATES_H

#include "analyzer/vantage/look.h"
#include "analyzer/vantage/vantage.h"

struct fates;

/* Says to *look what each capture must be looked at for; it is taken.  NULL when memory ran out,
 * and look stays the caller's. */
struct fates *fates_plan(struct arena *a, const struct vantage *v, const struct roster *r,
                         struct case_file *c, struct look *look);
void fates_free(struct fates *f); /* NULL-safe */

/* After the captures passed through look.  False when memory ran out. */
bool fates_judge(struct fates *f);

/* Whether capture k (a series' first file) holds the deciding RST, be it under other ends. */
bool fates_hold_rst(const struct fates *f, const struct reset *x, uint32_t k);

/* Whether what capture k (a series' first file) does not hold of a reset's connection was not
 * there: it holds what came before, and the RST under no other ends.  True where nothing was looked
 * at. */
bool fates_trust(const struct fates *f, const struct reset *x, uint32_t k);

#endif
