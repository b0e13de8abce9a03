/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings made up for tests of reports: as many diagnoses as wanted, all alike or each a case of
 * its own, with one text put wherever an attacker could put one.
 */
#ifndef WHYRST_TESTS_REPORTS_SHEET_H
#define WHYRST_TESTS_REPORTS_SHEET_H

#include "reports/report.h"

struct sheet {
    struct findings f;
    struct diagnosis *d; /* the words of each finding */
    struct case_file c;
    struct arena arena;
};

struct sheet_plan {
    size_t n_diagnoses;
    bool alike;          /* one cause at one server; else each at a server of its own */
    size_t n_unmatched;  /* log lines without a reset */
    size_t n_segments;   /* of each connection */
    struct text hostile; /* in names, log lines, payload, values, messages */
};

/* A text with every kind of byte that must not reach a reader as it is. */
extern const struct text sheet_hostile;

void sheet_make(struct sheet *s, const struct sheet_plan *plan);
void sheet_finish(struct sheet *s);
/* After ends were changed. */
void sheet_count_again(struct sheet *s);
/* The report in memory, until sheet_report_free. */
struct text sheet_report(const struct report_format *format, const struct findings *f,
                         const struct report_options *o);
void sheet_report_free(struct text report);

#endif
