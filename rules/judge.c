/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: every rule and one reset.  Out: verdicts and the winner.  There is no order among rules: each
 * is judged, then the specific displaces the general, then the most confident wins.
 */
#include "rules/judge.h"

#include <stdlib.h>
#include <string.h>

#define DISPLACES_FROM 0.5 /* confidence from which a specific cause displaces any general one */

bool judgement_init(struct judgement *j, const struct catalogue *k)
{
    *j = (struct judgement){.n = k->n_rules};
    j->room = calloc(k->n_rules + 1, sizeof *j->room);
    j->verdicts = j->room;
    return j->room != NULL;
}

void judgement_finish(struct judgement *j)
{
    if (!j)
        return;
    free(j->room);
    *j = (struct judgement){0};
}

static bool displaces(const struct verdict *a, const struct verdict *b)
{
    return rule_supersedes(a->rule, b->rule->cause) &&
           (a->confidence >= DISPLACES_FROM || a->confidence >= b->confidence);
}

/* The most confident of those that displace v, or NULL. */
static const struct rule *displacer(const struct judgement *j, const struct verdict *v)
{
    const struct verdict *best = NULL;
    for (size_t i = 0; i < j->n; i++) {
        const struct verdict *other = &j->verdicts[i];
        if (other != v && other->require == TRUTH_TRUE && displaces(other, v) &&
            (!best || other->confidence > best->confidence))
            best = other;
    }
    return best ? best->rule : NULL;
}

static void pick_winner(struct judgement *j)
{
    j->winner = NULL;
    for (size_t i = 0; i < j->n; i++) {
        struct verdict *v = &j->room[i];
        if (v->require != TRUTH_TRUE)
            continue;
        v->displaced_by = displacer(j, v);
        if (!v->displaced_by && (!j->winner || v->confidence > j->winner->confidence))
            j->winner = v;
    }
}

static bool is_true(const struct hearing *h, uint32_t condition)
{
    return condition == NO_INDEX || h->outcomes[condition].truth == TRUTH_TRUE;
}

static enum severity severity_of(const struct hearing *h)
{
    enum severity s = h->rule->severity;
    for (size_t i = 0; i < h->rule->n_lowerings; i++)
        if (is_true(h, h->rule->lowerings[i].condition) && h->rule->lowerings[i].to < s)
            s = h->rule->lowerings[i].to;
    return s;
}

static void name_winner(struct judgement *j, struct bench *b)
{
    struct hearing h;
    const struct verdict *w = j->winner;
    j->cause = w ? w->rule->cause->id : cause_undetermined;
    j->rule = w ? w->rule->id : "";
    j->severity = cause_find(text_of(j->cause))->severity;
    if (!w)
        return;
    hearing_judge(&h, b, w->rule, true);
    j->severity = severity_of(&h);
}

void judge(struct judgement *j, struct bench *b)
{
    struct hearing h;
    j->verdicts = j->room;
    for (size_t i = 0; i < j->n; i++) {
        hearing_judge(&h, b, b->catalogue->rules[i], false);
        j->room[i] = (struct verdict){.rule = h.rule,
                                      .require = h.require,
                                      .confidence = h.confidence,
                                      .potential = h.potential};
    }
    pick_winner(j);
    name_winner(j, b);
}

bool judge_indistinct(const struct judgement *j, const struct verdict *v)
{
    return j->winner && v != j->winner && !v->displaced_by && v->require == TRUTH_TRUE &&
           v->rule->cause != j->winner->rule->cause &&
           j->winner->confidence - v->confidence < JUDGE_INDISTINCT;
}

bool judge_open(const struct judgement *j, const struct verdict *v)
{
    if (v->require != TRUTH_UNKNOWN)
        return false;
    if (!j->winner)
        return true;
    if (v->rule->cause == j->winner->rule->cause)
        return false;
    return v->potential > j->winner->confidence - JUDGE_INDISTINCT ||
           rule_supersedes(v->rule, j->winner->rule->cause);
}
