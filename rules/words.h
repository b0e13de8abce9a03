/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of words in attribute values, separated by any white space.
 */
#ifndef WHYRST_RULES_WORDS_H
#define WHYRST_RULES_WORDS_H

#include "parsers/base/text.h"

static inline bool words_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes the next word off *rest; false at the end. */
static inline bool words_next(struct text *rest, struct text *word)
{
    size_t from = 0, to;
    while (from < rest->n && words_is_blank(rest->p[from]))
        from++;
    for (to = from; to < rest->n && !words_is_blank(rest->p[to]);)
        to++;
    *word = text_slice(*rest, from, to);
    *rest = text_slice(*rest, to, rest->n);
    return word->n > 0;
}

#endif
