/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published causes: the vocabulary of the "cause" key.  Adding a row is fine, renaming one is a
 * break of a public interface.
 */
#ifndef WHYRST_RULES_CAUSE_H
#define WHYRST_RULES_CAUSE_H

#include "rules/diagnosis.h"

struct cause {
    const char *id;         /* "ssh-max-startups" */
    enum severity severity; /* the default; a rule may lower it */
    const char *about;      /* one line for people */
    bool gives_way;         /* every other cause displaces it */
};

extern const char *const cause_undetermined; /* what is left when nothing better holds */

/* The table, by family as published, and its length. */
const struct cause *cause_table(size_t *n);
const struct cause *cause_find(struct text id); /* or NULL */

#endif
