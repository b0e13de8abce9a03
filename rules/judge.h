/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All rules before one reset: which hold, which displace which, which wins.
 */
#ifndef WHYRST_RULES_JUDGE_H
#define WHYRST_RULES_JUDGE_H

#include "rules/hearing.h"

#define JUDGE_INDISTINCT 0.1 /* causes closer than this cannot be told apart */

struct verdict {
    const struct rule *rule;
    enum truth require;
    double confidence, potential;
    const struct rule *displaced_by; /* or NULL */
};

struct judgement {
    const struct verdict *verdicts; /* one a rule, in order of ids */
    size_t n;
    struct verdict *room;         /* where judge() puts them */
    const struct verdict *winner; /* NULL: no rule holds at all */
    const char *cause, *rule;     /* the winner's; "undetermined" and "" without one */
    enum severity severity;       /* the winner's, lowered where its rule says so */
};

bool judgement_init(struct judgement *j, const struct catalogue *k);
void judgement_finish(struct judgement *j);
/* Judges every rule for the reset on the bench, and how severe it is. */
void judge(struct judgement *j, struct bench *b);
/* Whether a verdict that holds cannot be told apart from the winner. */
bool judge_indistinct(const struct judgement *j, const struct verdict *v);
/* Whether an undecided rule could change the answer, were what is unknown known. */
bool judge_open(const struct judgement *j, const struct verdict *v);

#endif
