/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a rule may be believed: noisy-or over what supports it, damped by what contradicts it.
 * Monotone, and independent of order.
 */
#ifndef WHYRST_RULES_CONFIDENCE_H
#define WHYRST_RULES_CONFIDENCE_H

/* How likely what rests on the silence of an end that was not captured is otherwise.  So much less
 * does it count, and so much counts of what would speak against a cause, had that end been heard.
 */
#define CONFIDENCE_UNHEARD 0.5
/* The same of a connection's times where the clock that told them was set meanwhile. */
#define CONFIDENCE_LEAPT 0.4
/* And of any cause: what other connections did before and after is told by the same clock. */
#define CONFIDENCE_LEAPT_NEAR 0.15

struct confidence {
    double doubt; /* (1-base) * product of (1-support) */
    double trust; /* product of (1-contradict) */
};

static inline struct confidence confidence_from(double base)
{
    return (struct confidence){1 - base, 1};
}

static inline void confidence_support(struct confidence *c, double weight)
{
    c->doubt *= 1 - weight;
}

static inline void confidence_contradict(struct confidence *c, double weight)
{
    c->trust *= 1 - weight;
}

static inline double confidence_value(const struct confidence *c)
{
    return (1 - c->doubt) * c->trust;
}

/* "almost certain", "very likely", "likely", "possible", "a guess": for people. */
const char *confidence_word(double c);
/* With two decimals: never rounded up to certainty. */
double confidence_shown(double c);

#endif
