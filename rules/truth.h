/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kleene's three values.  Ordered so that "all" is the least and "any" the greatest of its parts.
 */
#ifndef WHYRST_RULES_TRUTH_H
#define WHYRST_RULES_TRUTH_H

#include <stdbool.h>

enum truth { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE };

static inline enum truth truth_of(bool b)
{
    return b ? TRUTH_TRUE : TRUTH_FALSE;
}

static inline enum truth truth_not(enum truth t)
{
    return (enum truth)(TRUTH_TRUE - t);
}

static inline enum truth truth_and(enum truth a, enum truth b)
{
    return a < b ? a : b;
}

static inline enum truth truth_or(enum truth a, enum truth b)
{
    return a > b ? a : b;
}

/* At least n parts are true, given how many are and how many may be. */
static inline enum truth truth_at_least(unsigned n, unsigned n_true, unsigned n_unknown)
{
    if (n_true >= n)
        return TRUTH_TRUE;
    return n_true + n_unknown >= n ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

const char *truth_name(enum truth t); /* "false", "unknown", "true" */

#endif
