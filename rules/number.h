/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as rules, snapshots and log lines write them: "42", "0.75", "200ms", "2h", "64KiB".
 * Durations are nanoseconds inside, byte counts bytes.
 */
#ifndef WHYRST_RULES_NUMBER_H
#define WHYRST_RULES_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/fact/fact.h"

struct number {
    bool is_real;
    int64_t i; /* unless is_real */
    double d;  /* always */
};

struct number number_of_int(int64_t i);
struct number number_of_real(double d);

/* The unit that a literal is written in: FACT_DURATION, FACT_BYTES, FACT_INT or FACT_REAL, or
 * FACT_TEXT when it is no number. */
enum fact_type number_unit(struct text t);

/* Reads t as that unit.  Exact: the unit must be written ("2h", never "2").  Not exact, for values
 * out of configuration and logs: a bare number is taken in the unit, seconds for a duration, and
 * the short forms that daemons use count too ("2m", "1w", "64k"). */
bool number_parse(struct text t, enum fact_type unit, bool exact, struct number *out);

int number_cmp(const struct number *a, const struct number *b);
bool number_near(const struct number *a, const struct number *b, const struct number *within);

/* Whether a fact of that type counts as a number; if so, its value. */
bool number_of_fact(enum fact_type type, const struct fact *f, struct number *out);

#endif
