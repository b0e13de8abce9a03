/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many findings alike in a few numbers: how many clients they came from, which of them most often,
 * from when to when.
 */
#ifndef WHYRST_REPORTS_CROWD_H
#define WHYRST_REPORTS_CROWD_H

#include "reports/arrange.h"

#define CROWD_TOP 3 /* ends that are named */

struct crowd_end { /* an address, and how many of the members are its */
    struct address ip;
    uint32_t n;
};

struct crowd {
    size_t n_clients, n_servers; /* distinct addresses */
    instant_ns first, last;
    struct crowd_end top[CROWD_TOP]; /* clients, the most frequent first; equals as they came */
    size_t n_top;
};

/* False when memory ran out. */
bool crowd_count(const struct findings *f, const struct arranged *a, struct crowd *out);
/* "from 150 clients, most often 192.0.2.7 (40), 192.0.2.9 (12)" */
void crowd_tell(struct strbuf *b, const struct crowd *c);

#endif
