/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule as the loader leaves it: names resolved, values typed, conditions in one array in which
 * children stand before their parent.  Judging one is a walk over that array; nothing is parsed or
 * looked up by name any more.  All of it lives in the catalogue's arena.
 */
#ifndef WHYRST_RULES_RULE_H
#define WHYRST_RULES_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/cause.h"
#include "rules/number.h"

#define RULE_CONDITIONS_MAX 200
#define RULE_BINDS_MAX 16
#define RULE_DEPTH_MAX 16
#define NO_INDEX UINT32_MAX

/* --- what a name stands for */

enum subject_kind {
    SUBJECT_FACT,   /* a row of the fact table, or a value of a host snapshot */
    SUBJECT_FIELD,  /* a field of the line that a bind picked */
    SUBJECT_LINE,   /* a bind alone: the place of its line; templates only */
    SUBJECT_BUILTIN /* templates only: client, server ... */
};

struct subject {
    enum subject_kind kind;
    struct text name; /* as written */
    enum fact_type type;
    const char *const *choices; /* FACT_ENUM */
    uint32_t slot;              /* SUBJECT_FACT: index into the catalogue's asked facts */
    uint32_t bind;              /* SUBJECT_FIELD, SUBJECT_LINE: index into the rule's binds */
    struct text field;          /* SUBJECT_FIELD: of the event's pattern */
    int line_field;             /* SUBJECT_FIELD: row of line_field_table(), or -1 */
    int builtin;                /* SUBJECT_BUILTIN: row of its table */
};

struct asked_fact { /* a fact that some rule asks for; remembered while one reset is judged */
    struct text name;
    const struct fact_def *def; /* NULL: a host value */
};

/* --- conditions */

enum comparison {
    OP_IS,
    OP_IS_NOT,
    OP_IN,
    OP_NOT_IN,
    OP_AT_LEAST,
    OP_AT_MOST,
    OP_MORE_THAN,
    OP_LESS_THAN,
    OP_NEAR,
    OP_NEAR_TIMER,
    OP_CONTAINS,
    OP_STARTS,
    OP_ENDS,
    OP_KNOWN,
    COMPARISONS
};

struct operand {
    const struct subject *ref; /* "@name", or NULL for a literal */
    struct text text;          /* as written */
    bool is_number;
    enum fact_type unit; /* of the number */
    struct number number;
    bool truth;        /* bool, known */
    struct address ip; /* with the number of leading bits that count */
    uint8_t bits;
};

struct test { /* one operator */
    enum comparison op;
    bool nocase;
    struct operand *operands;
    size_t n_operands;
    struct number within; /* near */
    uint32_t timers;      /* near-timer: bits of enum timer_kind */
};

enum condition_kind {
    CONDITION_FACT,
    CONDITION_BOUND,
    CONDITION_EXISTS,
    CONDITION_ALL,
    CONDITION_ANY,
    CONDITION_NOT,
    CONDITION_AT_LEAST,
};

struct condition {
    enum condition_kind kind;
    uint32_t parent; /* NO_INDEX: a root */
    uint32_t first;  /* index of the first condition of this subtree */
    uint32_t line;
    struct text id;      /* or empty */
    struct text written; /* "rst.sender is server", for people */
    struct subject subject;
    uint32_t bind; /* CONDITION_EXISTS, CONDITION_BOUND */
    unsigned at_least;
    struct test *tests;
    size_t n_tests;
};

struct where {
    struct subject subject;
    struct test *tests;
    size_t n_tests;
};

enum bind_side { BIND_ANYONE, BIND_CLIENT, BIND_SERVER, BIND_SENDER, BIND_RECEIVER, BIND_PATH };

enum bind_from {
    FROM_RST,
    FROM_START, /* the connection's first packet */
    FROM_CLOSE, /* the reset side's FIN, or the RST where it sent none before */
};

struct bind {
    struct text name;
    uint32_t line;
    struct text *kinds; /* event kinds; one that ends in '*' takes all that start so */
    size_t n_kinds;
    uint32_t claims; /* bits of enum event_claim, 0: any */
    uint32_t joins;  /* bits of enum join */
    enum bind_side side;
    enum bind_from from; /* what the window lies around */
    instant_ns before_ns, after_ns;
    struct where *wheres;
    size_t n_wheres;
};

/* --- texts */

enum piece_kind {
    PIECE_TEXT,
    PIECE_VALUE,
    PIECE_TIMERS,
    PIECE_COUNTED, /* a number, and a noun that agrees with it */
    PIECE_OPEN,
    PIECE_CLOSE
};

struct piece {
    enum piece_kind kind;
    struct text text; /* PIECE_COUNTED: what follows the number 1 */
    struct text many; /* PIECE_COUNTED: what follows every other number */
    struct subject subject;
};

struct message { /* a compiled template */
    struct piece *pieces;
    size_t n_pieces;
};

/* --- the rule */

struct weighing { /* support or contradict */
    uint32_t condition;
    double weight;
    uint32_t line;
};

struct lowering {
    uint32_t condition;
    enum severity to;
};

struct said {      /* also, remedy, collect */
    uint32_t when; /* a condition, or NO_INDEX */
    struct message message;
    const char *risk;       /* remedy */
    struct message command; /* remedy; no pieces: none */
};

struct example {
    struct text folder;
    bool fires;
    uint32_t line;
};

struct rule {
    const char *id;
    const struct cause *cause;
    enum severity severity;
    const char *file;
    uint32_t line;
    const struct cause **supersedes;
    size_t n_supersedes;
    struct bind *binds;
    size_t n_binds;
    struct condition *conditions;
    size_t n_conditions;
    uint32_t require;   /* a condition, or NO_INDEX: always */
    bool minds_unheard; /* it requires that an end was captured or was not */
    struct weighing *supports, *contradicts;
    size_t n_supports, n_contradicts;
    struct lowering *lowerings;
    size_t n_lowerings;
    double base;
    struct message title, conclude;
    struct said *also, *remedies, *collects;
    size_t n_also, n_remedies, n_collects;
    struct text *references;
    size_t n_references;
    struct example *examples;
    size_t n_examples;
};

bool rule_supersedes(const struct rule *r, const struct cause *c);

#endif
