/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small XML file as a tree in an arena.  Refused, with a complaint: more than 1 MiB, other than
 * UTF-8, a DTD, entities beyond the five, more than 32 levels, 32 attributes or 50000 elements.
 * Nothing is ever fetched.  Comments and processing instructions vanish.
 */
#ifndef WHYRST_RULES_XML_TREE_H
#define WHYRST_RULES_XML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/arena.h"
#include "rules/complaint.h"

#define XML_BYTES_MAX ((size_t)1 << 20)
#define XML_DEPTH_MAX 32
#define XML_ATTRIBUTES_MAX 32
#define XML_ELEMENTS_MAX 50000

struct xml_attribute {
    struct text name, value;
};

struct xml_node {
    struct text name;
    uint32_t line; /* where its start tag ends, 1-based */
    struct xml_attribute *attributes;
    size_t n_attributes;
    struct text content; /* its own character data, children's not included */
    struct xml_node *parent, *first, *last, *next;
};

/* The root element, or NULL after a complaint.  name is for the complaints. */
struct xml_node *xml_tree_read(const char *name, struct text bytes, struct arena *a,
                               struct complaints *c);

/* The attribute's value, or a view with p == NULL when it is not there. */
struct text xml_attribute(const struct xml_node *n, const char *name);

/* The node behind n in document order within root, NULL at the end. */
const struct xml_node *xml_next(const struct xml_node *root, const struct xml_node *n);

#endif
