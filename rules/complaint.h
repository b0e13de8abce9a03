/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes in data files, collected so that one run names them all: file, line, what is wrong and
 * what was probably meant.
 */
#ifndef WHYRST_RULES_COMPLAINT_H
#define WHYRST_RULES_COMPLAINT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "parsers/base/text.h"

#define COMPLAINTS_MAX 4000 /* further ones are counted, not kept */

struct complaint {
    char *file; /* owned */
    uint32_t line;
    char *what; /* owned; clean UTF-8, one sentence without a final newline */
};

struct complaints {
    struct complaint *v;
    size_t n, cap;
    size_t n_lost;
};

void complaints_init(struct complaints *c);
void complaints_finish(struct complaints *c);
/* Line 0 means the file as a whole.  Input bytes among the arguments must come through quoted(). */
void complain(struct complaints *c, const char *file, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* In the order of complaints_add, one a line: "file:line: what". */
void complaints_print(const struct complaints *c, FILE *out);

/* Input bytes made fit for a message, cut where they are long. */
struct quoted {
    char s[120];
};
struct quoted quoted(struct text t);

/* Any input bytes as clean UTF-8, whole. */
void print_clean(FILE *out, struct text t);

/* The word nearest to a misspelt one, at most a third of its letters away; the empty view when none
 * is.  Give it the words one after the other. */
struct nearest {
    struct text wanted, best;
    unsigned distance;
};
struct nearest nearest_of(struct text wanted);
void nearest_try(struct nearest *n, struct text word);
/* "; did you mean "x"?" or nothing. */
struct quoted nearest_hint(const struct nearest *n);

#endif
