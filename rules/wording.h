/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How facts are said to people.  In a sentence {who} stands for the end that the fact is about,
 * {side} for an end that is the value, {protocol} for the value as the name of a protocol, and {v}
 * for any other value.
 */
#ifndef WHYRST_RULES_WORDING_H
#define WHYRST_RULES_WORDING_H

#include <stdbool.h>
#include <stddef.h>

#include "parsers/base/text.h"

struct wording {
    const char *name;   /* a fact; of an end: what follows the end's name in it; for one choice of
                           an enum "=choice" comes behind */
    const char *says;   /* a bool: when it is true */
    const char *denies; /* a bool: when it is false; a number: when it is 0, NULL: as any other */
};

/* The row of a fact, one for this very choice first; NULL when there is none.  choice: the value of
 * an enum, else empty. */
const struct wording *wording_of_fact(struct text name, struct text choice);
/* The same for what follows "server.", "reset-side." and so on in a name. */
const struct wording *wording_of_end(struct text name, struct text choice);
/* All rows, in the order of their names' bytes. */
const struct wording *wording_rows(bool are_of_ends, size_t *n);

#endif
