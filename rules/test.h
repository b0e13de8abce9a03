/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operators of <fact>, <bound> and <where>: from attributes to typed tests.
 */
#ifndef WHYRST_RULES_TEST_H
#define WHYRST_RULES_TEST_H

#include "rules/subject.h"
#include "rules/xml_tree.h"

const char *comparison_name(enum comparison op); /* "at-least" */

/* Compiles every operator of n against the subject's type.  False after a complaint. */
bool tests_compile(const struct scope *s, const struct xml_node *n, const struct subject *subject,
                   struct test **out, size_t *n_out);

/* "rst.sender is server", for people. */
struct text tests_written(struct arena *a, struct text subject, const struct xml_node *n);

#endif
