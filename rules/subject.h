/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name in a rule stands for: a fact, a host value, a field of a bound line, or one of the
 * few names that only texts know.
 */
#ifndef WHYRST_RULES_SUBJECT_H
#define WHYRST_RULES_SUBJECT_H

#include "rules/catalogue.h"

/* The fields that every line has: line.program ... */
enum line_field {
    LINE_PROGRAM,
    LINE_HOST,
    LINE_PID,
    LINE_KIND,
    LINE_CLAIM,
    LINE_SCOPE,
    LINE_JOIN,
    LINE_SIDE,
    LINE_AMBIGUOUS,
    LINE_OFFSET,
    LINE_SINCE_CLOSE,
    LINE_FILE,
    LINE_NUMBER,
    LINE_TIME,
    LINE_TEXT,
    LINE_CLIENT,
    LINE_SERVER,
    LINE_COUNT,
    LINE_FIELDS,
};

enum builtin {
    BUILTIN_CLIENT,
    BUILTIN_SERVER,
    BUILTIN_SENDER,
    BUILTIN_RECEIVER,
    BUILTIN_RST_TIME,
    BUILTIN_RST_FRAME,
    BUILTIN_CAPTURE,
    BUILTINS,
};

/* Rows as the fact table has them (get is NULL), by enum line_field. */
const struct fact_def *line_field_table(void);

/* Where a name is resolved: the file and line for complaints, the binds of the rule so far. */
struct scope {
    struct catalogue *catalogue;
    struct complaints *complaints;
    const char *file;
    uint32_t line;
    const struct bind *binds;
    size_t n_binds;
};

uint32_t scope_find_bind(const struct scope *s, struct text name); /* or NO_INDEX */

/* Each returns false after a complaint. */
bool subject_of_fact(const struct scope *s, struct text name, struct subject *out);
bool subject_of_field(const struct scope *s, uint32_t bind, struct text field, struct subject *out);
/* "bind.field", else a fact: what may follow '@'. */
bool subject_of_reference(const struct scope *s, struct text name, struct subject *out);
/* As a reference, and also "bind" alone and the names that only texts know. */
bool subject_in_text(const struct scope *s, struct text name, struct subject *out);

#endif
