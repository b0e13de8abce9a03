/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: what a series' connections and a capture itself say.  Out: the share that was not captured.
 */
#include "analyzer/record/loss.h"

#include "analyzer/record/case_file.h"

#define PRIOR 10       /* segments, all held: a single hole among a few proves little */
#define CUT_MOST 100   /* segments: what is longer is no head */
#define CUT_SHORTEST 4 /* a handshake, and what follows it */
#define CUT_LEAST 3    /* connections that have just as many by chance are fewer */
#define LEAST 0.01     /* what counts as whole */

bool loss_is_control_only(const struct loss *l)
{
    return l->n_plain == 0 && l->n_bare > 0;
}

uint64_t loss_cut_at(const struct loss *l)
{
    const bool is_cut = l->longest >= CUT_SHORTEST && l->longest <= CUT_MOST &&
                        !loss_is_control_only(l) && l->n_goes_on >= CUT_LEAST &&
                        l->n_says_more > 0 && l->n_goes_on * 4 >= l->n_longest * 3;
    return is_cut ? l->longest : 0;
}

double loss_share(const struct case_capture *k)
{
    const struct loss *l = &k->loss;
    const double by_numbers = (double)l->n_missed / (double)(l->n_held + l->n_missed + PRIOR);
    const double all = (double)k->n_packets + (double)k->n_dropped;
    const double stated = all > 0 ? (double)k->n_dropped / all : 0;
    const double share = by_numbers > stated ? by_numbers : stated;
    return share < LEAST ? 0 : share;
}

static double share_of(uint64_t part, uint64_t rest)
{
    return part > 0 ? (double)part / ((double)part + (double)rest) : 0;
}

double loss_left_out(const struct case_file *c)
{
    const double records = share_of(c->n_records_lost, c->n_records);
    const double resets = share_of(c->n_resets_lost, c->n_resets);
    return records > resets ? records : resets;
}
