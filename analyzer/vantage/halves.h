/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two halves of a connection through a proxy, told by their times: the half to the server is
 * opened soon after that of the client, and the end of the one is the end of the other, or the
 * proxy never got through.  Made for the resets that a proxy may have passed on; nothing is judged
 * here.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_HALVES_H
#define WHYRST_ANALYZER_VANTAGE_HALVES_H

#include "analyzer/vantage/roster.h"

struct halves_reset { /* a whole one that no other capture tells of better */
    struct reset *reset;
    uint32_t record, place; /* of its connection; in order of first times */
};

struct halves {
    const struct case_file *of;
    const struct roster *roster; /* times and talks; empty where one capture stands alone */
    uint32_t *order;             /* records by first time; NULL: they stand so */
    struct halves_reset *resets; /* by record */
    size_t n_resets;
};

/* False when memory ran out. */
bool halves_begin(struct halves *h, const struct roster *r, const struct case_file *c);
void halves_finish(struct halves *h);

/* The other half of the connection that x reset.  False: there is none, more than one may be it, or
 * a proxy can have had no part in the reset. */
bool halves_find(const struct halves *h, const struct halves_reset *x, struct leg *leg);

/* y's connection is known to be that half, beyond that end of x's. */
void halves_describe(const struct halves *h, const struct halves_reset *x, uint32_t y,
                     enum side beyond, bool sure, struct leg *leg);

/* A time of the record by the first capture's clock. */
instant_ns halves_time(const struct halves *h, uint32_t record, instant_ns t);

#endif
