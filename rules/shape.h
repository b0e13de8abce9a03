/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of a data file as a table: which element may stand where, with which attributes.  It
 * says the same as the RELAX NG schemas, but names the line and what was probably meant.
 */
#ifndef WHYRST_RULES_SHAPE_H
#define WHYRST_RULES_SHAPE_H

#include "rules/xml_tree.h"

struct shape_attribute {
    const char *name;
    bool needed;
    bool list;                /* several of the words, separated by blanks */
    const char *const *words; /* NULL-terminated; NULL: anything */
};

struct shape {
    const char *name;
    const char *const *children; /* NULL-terminated names, or NULL: none */
    bool holds_text;
    bool needs_content;                       /* some text or child must be there */
    const struct shape_attribute *attributes; /* ends with a NULL name, or NULL: none */
};

/* The row of that name, or NULL. */
const struct shape *shape_find(const struct shape *table, size_t n, struct text name);

/* Complains about everything below and including root that does not fit; root_name is what the file
 * must begin with.  Returns whether nothing was found. */
bool shape_check(const struct shape *table, size_t n, const char *root_name, const char *file,
                 const struct xml_node *root, struct complaints *c);

/* The shapes of <rules>. */
const struct shape *rule_shapes(size_t *n);

#endif
