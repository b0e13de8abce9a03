/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules and event patterns of a run behind one door: made once, then asked to judge cases, to
 * explain, and to serve the sub-commands about rules.
 */
#ifndef WHYRST_RULES_ENGINE_H
#define WHYRST_RULES_ENGINE_H

#include <stdio.h>

#include "rules/diagnosis.h"
#include "rules/rules_cmd.h"

struct engine;
struct patterns;

/* The built-in patterns and rules, and those of the folders, which replace built-in rules of the
 * same id.  Mistakes are printed to complaints, which must outlive it, as "file:line: what"; NULL
 * when there was one.  Without folders nothing is loaded before it is needed. */
struct engine *engine_create(const char *const *folders, size_t n_folders, FILE *complaints);
void engine_free(struct engine *e); /* NULL-safe */

/* The event patterns, for reading logs. */
struct patterns *engine_patterns(const struct engine *e);

/* One finding a reset; engine and case must outlive it.  NULL: *err says why. */
struct findings *engine_judge(struct engine *e, struct case_file *c, struct error *err);
void findings_free(struct findings *f); /* NULL-safe */

/* What every rule made of one reset; thorough: also the conditions of rules that are out. */
bool engine_explain(struct engine *e, struct case_file *c, const struct reset *r, bool thorough,
                    FILE *out);

/* "rules check|list|show|test": the sub-command and its arguments.  Returns an exit status. */
int engine_command(struct engine *e, const char *const *words, size_t n,
                   const struct case_door *door, FILE *out, FILE *err);

#endif
