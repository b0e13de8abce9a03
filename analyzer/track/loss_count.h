/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts what a connection tells of the capture's own losses, see loss.h.
 */
#ifndef WHYRST_ANALYZER_TRACK_LOSS_COUNT_H
#define WHYRST_ANALYZER_TRACK_LOSS_COUNT_H

#include "analyzer/record/loss.h"
#include "parsers/base/instant.h"

struct live;

/* Adds what a connection shows at its end, when the capture had come as far as now.  One that the
 * capture met in its midst shows nothing, since what was on its way then is no loss, and so does
 * one of which only one end was captured. */
void loss_count(struct loss *l, const struct live *k, instant_ns now);

#endif
