/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files are one log that was rotated, and in which order they were written: told by their
 * names, as logrotate and its like give them.  "auth.log.2.gz", "auth.log.1", "auth.log";
 * "app-20260101.log.xz", "app-20260102.log", "app.log".  Nothing is opened here.
 */
#ifndef WHYRST_ANALYZER_CORRELATE_LOG_ROTATION_H
#define WHYRST_ANALYZER_CORRELATE_LOG_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/text.h"

enum rotated_by { /* in the order in which one set may hold them */
                  ROTATED_BY_DATE,
                  ROTATED_BY_NUMBER,
                  ROTATED_NOT /* the file that was still written to */
};

struct rotation {
    struct text stem; /* the name without what rotation and compression added; borrowed */
    bool is_dot_log;  /* and without ".log", which may stand before or behind the addition */
    enum rotated_by by;
    uint64_t at; /* the number, or the date's digits */
};

struct rotation log_rotation_of(struct text name);

/* Each of n files: the oldest of the log that it belongs to, and the one that was written after it,
 * or n.  A file stands alone where no other is known to be of its log, and also when a place in the
 * order is taken twice.  False when memory ran out. */
bool log_rotation_chain(const struct rotation *v, size_t n, size_t *oldest, size_t *next);

#endif
