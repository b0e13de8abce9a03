/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that a report is written into before it takes the place that was asked for: without a
 * name where the file system can do that, so that nothing is left of it whatever ends the program.
 */
#ifndef WHYRST_REPORTS_DRAFT_H
#define WHYRST_REPORTS_DRAFT_H

#include <signal.h>
#include <stdbool.h>

#include "parsers/base/error.h"

/* For a report at a path, in the same folder and with the rights of any new file; until draft_put
 * or draft_drop. */
struct draft {
    int fd;     /* to write to; stays the draft's */
    char *name; /* beside the path; NULL: it has none */
    sigset_t before;
};

/* False: there are no such files; nothing is open. */
bool draft_open_nameless(struct draft *d, const char *path);

/* One whose name would be left behind by a signal: they wait.  False with *err: nothing is open. */
bool draft_open_named(struct draft *d, const char *path, struct error *err);

/* Takes the path's place, at once and whole; what was there is gone.  False with *err: what was
 * there stays, and nothing is left of the draft. */
bool draft_put(struct draft *d, const char *path, struct error *err);

void draft_drop(struct draft *d);

#endif
