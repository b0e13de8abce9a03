/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules ask about a reset, as one looks at it who has very many of them: a question is one
 * fact with all that any rule tests of it, its answer their truths.
 */
#ifndef WHYRST_RULES_QUESTION_H
#define WHYRST_RULES_QUESTION_H

#include "parsers/base/vec.h"
#include "rules/hearing.h"

struct question_atom;
struct question;

struct questions {
    const struct catalogue *catalogue;
    const struct case_file *of;
    VEC(struct question_atom) atoms;
    VEC(struct question) all; /* by slot of the catalogue */
    uint32_t *first;          /* by slot, n_asked + 1: where its questions begin */
};

/* All that the rules of the catalogue, which must outlive it, ask about resets of the case.  False:
 * out of memory. */
bool questions_list(struct questions *q, const struct catalogue *k, const struct case_file *c);
void questions_finish(struct questions *q);

/* Whether all resets give one answer, or where they are of one kind all of that. */
bool question_is_idle(const struct questions *q, uint32_t i, bool of_kind);

/* The answer of the reset on the bench, two bits a test.  False: there is none, for the fact rests
 * on a log line, whose strength counts as well. */
bool question_answer(struct questions *q, uint32_t i, struct bench *b, uint64_t *out);

struct span {            /* of a fact's plain values */
    bool known;          /* false: those that are not known */
    int64_t least, most; /* of known ones; none lies between where the least is more */
};

/* How to ask for the value on which alone the answers hang, for resets of one kind if of_kind;
 * NULL: there is no such way. */
fact_plain *question_plain(const struct questions *q, uint32_t i, bool of_kind);
/* For which values the answer holds that was given last to one that is known, or not. */
struct span question_span(const struct questions *q, uint32_t i, const struct bench *b, bool known,
                          int64_t number);

#endif
