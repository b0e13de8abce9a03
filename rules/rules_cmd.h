/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sub-commands of "whyrst rules".  Each returns the program's exit status: 0 good, 1 a test
 * failed, 2 a mistake in a rule or in what was asked.  Data goes to out, messages to err.
 */
#ifndef WHYRST_RULES_RULES_CMD_H
#define WHYRST_RULES_RULES_CMD_H

#include <stdio.h>

#include "rules/catalogue.h"

/* Checks files and folders on top of the built-in rules; without paths, the built-in ones. */
int rules_cmd_check(const char *const *paths, size_t n, const struct event_kinds *kinds, FILE *out,
                    FILE *err);
/* One line a rule: id, cause, severity, title; then the causes that no rule concludes. */
int rules_cmd_list(const struct catalogue *k, FILE *out);
/* One line an event kind. */
int rules_cmd_list_events(const struct event_kinds *kinds, FILE *out);
/* One rule in full, with its file and line. */
int rules_cmd_show(const struct catalogue *k, const char *id, FILE *out, FILE *err);

/* How a folder becomes a case: the front door knows.  close takes back what open gave. */
struct case_door {
    void *ctx;
    struct case_file *(*open)(void *ctx, const char *folder, struct error *err);
    void (*close)(void *ctx, struct case_file *c);
};

/* Runs the examples of each rule: "fires" wants a diagnosis by that rule, "silent" wants none.
 * Folders are looked for under each of dirs; a rule without an example of either kind is named.  0:
 * all passed; 2: one did not, or one of dirs is no folder. */
int rules_cmd_test(const struct catalogue *k, const char *const *dirs, size_t n,
                   const struct case_door *door, FILE *out, FILE *err);

#endif
