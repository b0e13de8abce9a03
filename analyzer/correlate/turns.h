/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a service went down or came up, as the captures show it: its port refused after it had
 * accepted, accepted after it had refused, or all that it served ended at one instant.  In: the
 * roster.  No log is looked at.
 */
#ifndef WHYRST_ANALYZER_CORRELATE_TURNS_H
#define WHYRST_ANALYZER_CORRELATE_TURNS_H

#include "analyzer/vantage/roster.h"
#include "parsers/base/vec.h"

struct turn {
    struct endpoint server;
    bool up;
    bool whole;          /* down: several connections ended together and none lived on */
    instant_ns from, to; /* it happened within, on the first capture's clock */
};

struct turns {
    struct turn *v;
    size_t n, cap;
};

/* In order of server and time; false when memory ran out.  turns are zeroed, the caller's to
 * vec_finish. */
bool turns_find(const struct roster *r, struct turns *out);

#endif
