/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why each rule did or did not hold for one reset: every condition with its value, its source and
 * what it came to.
 */
#ifndef WHYRST_RULES_EXPLAIN_H
#define WHYRST_RULES_EXPLAIN_H

#include <stdio.h>

#include "rules/catalogue.h"

/* Prints the reset's head, then rules that hold, the winner first, then the undecided ones, then
 * one line a rule that is out.  thorough: all conditions of those, too.  Clean UTF-8.  False: out
 * of memory. */
bool explain_reset(FILE *out, const struct catalogue *k, struct case_file *c, const struct reset *r,
                   bool thorough);

#endif
