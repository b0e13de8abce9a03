/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the tree of one <rule> to its compiled form.  Every mistake becomes a complaint with the
 * line; reading goes on behind it, so that one run names them all.
 */
#ifndef WHYRST_RULES_RULE_LOAD_H
#define WHYRST_RULES_RULE_LOAD_H

#include "rules/subject.h"
#include "rules/xml_tree.h"

/* The rule, in the catalogue's arena, or NULL after a complaint. */
struct rule *rule_load(struct catalogue *k, const char *file, const struct xml_node *n,
                       struct complaints *c);

/* --- between the files of the loader */

struct loader {
    struct scope scope; /* its line is that of the element being read */
    struct rule *rule;
    struct condition conditions[RULE_CONDITIONS_MAX];
    size_t n_conditions;
    bool good;
};

void loader_at(struct loader *l, const struct xml_node *n); /* complaints are about n now */
/* An array in the arena for the children of that name; *n is their number. */
void *loader_array(struct loader *l, const struct xml_node *parent, const char *name, size_t size,
                   size_t *n);
bool loader_is_kebab(struct loader *l, struct text id, const char *what); /* complains if not */
/* bind_load.c */
void loader_binds(struct loader *l, const struct xml_node *rule);
/* condition_load.c: the conditions under n as one that needs them all; NO_INDEX: there are none. */
uint32_t loader_conditions(struct loader *l, const struct xml_node *n);
/* The condition of that id, or one that asks whether the bind of that name found a line. */
uint32_t loader_find(struct loader *l, const struct xml_node *n, const char *attribute);

#endif
