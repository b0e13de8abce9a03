/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to the person at the terminal: warnings, errors and progress on standard error, and
 * whether colour is welcome.
 */
#ifndef WHYRST_REPORTS_TERMINAL_H
#define WHYRST_REPORTS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "parsers/base/error.h"
#include "reports/arguments.h"

struct talk { /* with the person at the terminal */
    bool quiet, progress;
    uint64_t n_warnings;
    struct error first;          /* of the warnings */
    struct timespec began, last; /* of the input under way; of the last line shown */
    uint64_t done;
    bool is_running, line_open;
};

struct talk terminal_talk(const struct arguments *a);
void terminal_clear(struct talk *t); /* wipes an open progress line */
void terminal_error(const struct error *err);
/* Columns that the text report may fill on that terminal; 0: not a terminal. */
unsigned terminal_width(FILE *out);
bool terminal_takes_color(const struct arguments *a, FILE *out);
/* The case's hooks; ctx is a struct talk. */
void terminal_warn(void *ctx, const struct error *err);
void terminal_progress(void *ctx, const char *what, const char *name, uint64_t done,
                       uint64_t total);

#endif
