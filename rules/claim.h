/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fact and its value as a sentence that a person can check: "the server sent no FIN".  One const
 * table holds the wording; a fact without a row there is said by what the fact table tells of it.
 */
#ifndef WHYRST_RULES_CLAIM_H
#define WHYRST_RULES_CLAIM_H

#include "rules/hearing.h"

/* The sentence, in the bench's arena.  value: as speak_value gives it; bytes out of the input stay
 * as they are. */
struct text claim_says(const struct bench *b, const struct fact_def *def, const struct fact *f,
                       struct text value);
/* Whether a diagnosis states this fact in a field of its own (sender, mechanism, phase ...), so
 * that people need not read it twice. */
bool claim_is_stated(struct text fact_name);
/* Whether it says no more than that nothing is amiss with the capture. */
bool claim_is_usual(struct text fact_name, const struct fact *f);

#endif
