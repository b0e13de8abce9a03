/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judgements remembered by the answers that led to them.  Rules see a reset only through the truth
 * of their conditions, so two resets of which every condition that was asked came out alike are
 * judged alike.  A judgement that rests on log lines, or on which logs cover a time, is not kept.
 */
#ifndef WHYRST_RULES_MEMO_H
#define WHYRST_RULES_MEMO_H

#include "rules/judge.h"

struct memo;

/* Both must outlive it.  NULL: out of memory. */
struct memo *memo_create(const struct catalogue *k, const struct case_file *c);
void memo_free(struct memo *m); /* NULL-safe */

/* The judgement of the reset on the bench, if one with its answers is remembered. */
bool memo_recall(struct memo *m, struct bench *b, struct judgement *out);
/* Before a reset is judged that is to be learned. */
void memo_listen(struct memo *m, struct bench *b);
/* After it was judged.  Only remembering fails when memory is short. */
void memo_learn(struct memo *m, struct bench *b, const struct judgement *j);

#endif
