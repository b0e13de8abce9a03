/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reset before one rule: what each bind picked, what each condition came to.  Facts are asked
 * once a reset, whichever rules want them.
 */
#ifndef WHYRST_RULES_HEARING_H
#define WHYRST_RULES_HEARING_H

#include "rules/catalogue.h"
#include "rules/truth.h"

/* What all rules share while one reset is judged. */
struct bench {
    const struct catalogue *catalogue;
    const struct case_file *of;
    struct arena *arena; /* for what is said */
    const struct reset *reset;
    unsigned unheard; /* traits of facts that rest on an end which was not captured */
    double lost;      /* share of what passed that the capture does not hold; 0: it is whole */
    double left_out;  /* share of the case's connections that were counted, and not kept */
    bool by_absence;  /* if so, reset_by_absence */
    bool leaps;       /* the capture's clock was set while the connection lived: reset_leaps */
    bool leaps_near;  /* that, or set back near it */
    unsigned spoken;  /* see said_protocols; 0 of a reset in outline */
    const struct link *links;
    size_t n_links;
    struct fact *facts; /* by slot */
    bool *asked;
    bool *heard;        /* by slot: asked since bench_listen */
    uint32_t *in_order; /* those slots, in order of the first time */
    size_t n_heard;
};

struct pick { /* what a bind came to */
    bool looked;
    enum truth truth;
    const struct link *link; /* TRUTH_TRUE */
    size_t n_fitting;
};

struct outcome { /* what a condition came to */
    enum truth truth;
    double strength; /* of the log lines that it rests on, 1 when on none */
    double doubt;    /* how likely it could be otherwise, had all been captured that was not */
    bool by_clock;   /* or had the clock not been set */
};

struct hearing {
    struct bench *bench;
    const struct rule *rule;
    struct pick picks[RULE_BINDS_MAX];
    struct outcome outcomes[RULE_CONDITIONS_MAX];
    enum truth require;
    double confidence; /* require true: as weighed */
    double potential;  /* the most it could be, were all that is unknown true */
};

/* Texts go to the case's arena unless another one is set. */
bool bench_init(struct bench *b, const struct catalogue *k, struct case_file *c);
void bench_finish(struct bench *b);
void bench_take(struct bench *b, const struct reset *r); /* forgets the reset before */
void bench_listen(struct bench *b);                      /* notes from now on what is asked */
/* The fact in that slot of the catalogue. */
const struct fact *bench_ask(struct bench *b, uint32_t slot);

/* Judges the rule.  thorough: every condition, though the require may already be false. */
void hearing_judge(struct hearing *h, struct bench *b, const struct rule *r, bool thorough);

/* The part of a support's weight that counts where it holds: less on a weak line, less where it
 * rests on an end that was not captured.  And the base, lessened so by what the rule requires. */
double hearing_share(const struct outcome *o);
double hearing_base(const struct hearing *h);

/* The value of a fact, host value or field.  known is false with a reason otherwise. */
struct fact hearing_value(struct hearing *h, const struct subject *s);
const struct pick *hearing_pick(struct hearing *h, uint32_t bind);

/* bind_pick.c */
struct pick bind_pick(struct hearing *h, const struct bind *b);
/* Whether the bind would take the line, were it the only one. */
bool bind_takes(struct hearing *h, const struct bind *b, const struct link *l);
/* compare.c */
enum truth tests_hold(struct hearing *h, const struct subject *s, const struct fact *value,
                      const struct test *tests, size_t n);
/* line_value.c: a field of one line. */
/* When the reset side closed, as time after the RST: its FIN's (negative), else 0. */
instant_ns line_close_offset(const struct reset *r);
struct fact line_value(const struct bench *b, const struct subject *s, const struct link *l,
                       size_t n_fitting);

#endif
