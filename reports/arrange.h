/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which people read findings: faults first, then notices, then the harmless; what has
 * the same cause at the same server is one case with many members.  Shared by the text and HTML
 * reports.
 */
#ifndef WHYRST_REPORTS_ARRANGE_H
#define WHYRST_REPORTS_ARRANGE_H

#include "rules/diagnosis.h"

struct arranged { /* one case: findings alike, the most telling one first */
    const struct finding **members;
    size_t n_members;
};

struct arrangement {
    struct arranged *cases; /* by severity, then by number of members, then by time */
    size_t n_cases;
    size_t n_by_severity[3]; /* findings, by enum severity */
    const struct finding **all;
};

/* False when memory ran out. */
bool arrange(const struct findings *f, struct arrangement *out);
void arrangement_finish(struct arrangement *a);

/* The evidence as people read it: packets, one frame's statements together, then log lines by time,
 * then host values.  all: also what the diagnosis states in a field of its own.  Returns how many.
 */
#define EVIDENCE_SHOWN 64
size_t arrange_evidence(const struct diagnosis *d, bool all,
                        const struct evidence *out[EVIDENCE_SHOWN]);
/* Whether two pieces of evidence speak of one frame of one capture. */
bool evidence_same_frame(const struct diagnosis *d, const struct evidence *a,
                         const struct evidence *b);

#endif
