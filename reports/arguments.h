/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of options and one of commands, and what a user said with them.
 */
#ifndef WHYRST_REPORTS_ARGUMENTS_H
#define WHYRST_REPORTS_ARGUMENTS_H

#include "analyzer/case/case_config.h"
#include "parsers/base/vec.h"
#include "reports/report.h"

enum exit_status { EXIT_OK, EXIT_FAIL_ON, EXIT_USAGE, EXIT_NO_INPUT, EXIT_SOME_FAILED };

struct output {
    const char *path;
    const struct report_format *format;
};

struct settings { /* as VEC has it, under a name */
    struct case_setting *v;
    size_t n, cap;
};

struct arguments {
    VEC(const char *) paths;
    struct settings tz_of, log_offsets, as;
    VEC(struct output) outputs;
    VEC(const char *) rules;
    VEC(char *) owned; /* split copies of arguments */
    const struct report_format *format;
    const char *filter, *tz, *color;
    const char *asked_log; /* --explain-log LOG:LINE, or NULL */
    uint64_t asked_line;
    instant_ns window_ns;
    struct case_budgets budgets;
    unsigned verbosity;
    bool quiet, strict;
    bool fail_on_given;
    enum severity fail_on, min_severity;
};

/* Fills *a from argv (argv[0] is passed over).  EXIT_OK; a failure's status, after a message; or
 * ARGUMENTS_DONE when the option itself (--help, --version ...) has been answered. */
#define ARGUMENTS_DONE (-1)
int arguments_parse(struct arguments *a, int argc, char **argv);
void arguments_finish(struct arguments *a);
void arguments_help(FILE *out);
/* "whyrst: BEFORE value AFTER; see whyrst --help" on standard error, the value escaped; gives
 * EXIT_USAGE. */
int arguments_complain(const char *before, const char *value, const char *after);

#endif
