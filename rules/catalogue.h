/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All rules of a run: the built-in ones, and those of a folder, which replace built-in ones of the
 * same id.  Made once, then only read.
 */
#ifndef WHYRST_RULES_CATALOGUE_H
#define WHYRST_RULES_CATALOGUE_H

#include "parsers/base/arena.h"
#include "parsers/base/embedded.h"
#include "parsers/base/map.h"
#include "rules/complaint.h"
#include "rules/rule.h"
#include "rules/timeouts.h"

/* The event kinds that log patterns can yield.  n == 0: not known, kinds are not checked. */
struct event_kinds {
    const struct text *names;
    size_t n;
};

struct catalogue {
    struct arena arena;
    struct event_kinds kinds;
    struct rule **rules; /* sorted by id */
    size_t n_rules, cap_rules;
    struct asked_fact *asked; /* sorted by first use */
    size_t n_asked, cap_asked;
    struct timeouts timeouts;
    bool trusts_builtin; /* set before they are added: of what is part of the program, shapes and
                            circles were checked when it was built */
};

/* kinds must outlive the catalogue; NULL: not known. */
void catalogue_init(struct catalogue *k, const struct event_kinds *kinds);
void catalogue_finish(struct catalogue *k); /* NULL-safe */

/* Adds the rules of one file.  replace: a rule of the same id makes way (--rules), else it is a
 * mistake.  Mistakes become complaints; rules without one are added all the same. */
void catalogue_add(struct catalogue *k, const char *name, struct text bytes, bool replace,
                   struct complaints *c);
/* Adds a file, or the files *.xml of a folder in order of their names. */
void catalogue_add_path(struct catalogue *k, const char *path, bool replace, struct complaints *c);
/* Adds what is part of the program: rules and timers. */
void catalogue_add_builtin(struct catalogue *k, struct complaints *c);
/* After the last file: checks what concerns several rules (circles of supersedes) and sorts. */
void catalogue_seal(struct catalogue *k, struct complaints *c);

const struct rule *catalogue_find(const struct catalogue *k, struct text id);
/* The slot of a fact or host value, made when new; NO_INDEX: out of memory. */
uint32_t catalogue_ask(struct catalogue *k, struct text name, const struct fact_def *def);

#endif
