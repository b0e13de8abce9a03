/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts: what rules may ask about a reset.  A fact is typed, knows its unit, and carries its
 * provenance; when it cannot be known it says why.  The facts_*.c hold one row a fact, the only
 * place where names exist: the rule checker, "whyrst facts" and the manual all read it.
 */
#ifndef WHYRST_ANALYZER_FACT_FACT_H
#define WHYRST_ANALYZER_FACT_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/record/link.h"

enum fact_type {
    FACT_BOOL,
    FACT_INT,
    FACT_REAL,
    FACT_DURATION, /* nanoseconds inside; rules write "1.5s", "200ms", "350s", "2h" */
    FACT_BYTES,    /* rules write "64KiB", "1500" */
    FACT_ENUM,     /* text out of a closed list, see fact_def.choices */
    FACT_TEXT,
    FACT_IP,
    FACT_TIME,
};

const char *fact_type_name(enum fact_type t);

enum source_kind { SOURCE_NONE, SOURCE_PACKET, SOURCE_LOG, SOURCE_HOST, SOURCE_DERIVED };

struct provenance {
    enum source_kind kind;
    uint32_t capture;        /* SOURCE_PACKET: index into the case's captures */
    uint64_t frame;          /* SOURCE_PACKET: 0 when it is about the connection as a whole */
    const struct link *link; /* SOURCE_LOG */
    uint32_t host;           /* SOURCE_HOST: index into the case's host snapshots */
    struct text key;         /* SOURCE_HOST: the named value */
    struct text note;        /* how it was derived, for people; may be empty */
};

struct fact {
    bool known;
    union {
        bool truth;        /* FACT_BOOL */
        int64_t number;    /* FACT_INT, FACT_BYTES, FACT_DURATION, FACT_TIME (ns) */
        double real;       /* FACT_REAL */
        struct text text;  /* FACT_TEXT, FACT_ENUM */
        struct address ip; /* FACT_IP */
    } as;
    struct provenance from;
    struct text why_unknown; /* for people, when !known */
};

struct arena;
struct case_file;

/* What holds of a fact whatever its value; bits. */
enum fact_trait {
    /* One and the same for all resets in outline of one kind, see reset_kind: nothing was said by
     * either end, and the verdicts and the RST's flags are the kind.  What hangs on times, numbers,
     * addresses, hosts or other connections is not. */
    FACT_OF_KIND = 1,
    /* It rests on what that end did and did not do: of an end that was not captured it may tell
     * nothing but that, see reset_unheard. */
    FACT_HEARS_CLIENT = 2,
    FACT_HEARS_SERVER = 4,
    FACT_HEARS_RESET_SIDE = 8,
    FACT_HEARS_OTHER_SIDE = 16,
    FACT_HEARS_BOTH = FACT_HEARS_CLIENT | FACT_HEARS_SERVER,
    /* It tells whether both ends were captured: who asks has minded that. */
    FACT_TELLS_UNHEARD = 32,
    /* What was not captured could only add to it: a count, or whether something was seen. */
    FACT_MAY_GROW = 256,
    /* Its value may come of what was not captured, see reset_by_absence. */
    FACT_BY_ABSENCE = 512,
    /* It compares times of the connection: a clock that was set meanwhile may have made it. */
    FACT_BY_CLOCK = 1024,
    /* It counts other connections: those that were not kept for want of memory are not among them.
     */
    FACT_OF_OTHERS = 2048,
};

struct fact_def {
    const char *name; /* dotted: "rst.sender" */
    enum fact_type type;
    unsigned traits;            /* bits of enum fact_trait */
    const char *const *choices; /* FACT_ENUM: NULL-terminated; else NULL */
    const char *about;          /* one line for people, with the unit */
    /* Never fails; unknown is an answer.  Texts live in the case's arena. */
    struct fact (*get)(const struct case_file *c, const struct reset *r);
};

/* Every row, sorted by name, and how many; free() it.  NULL when memory is short. */
const struct fact_def **fact_list(size_t *n);
const struct fact_def *fact_find(struct text name);
/* The nearest name to a misspelt one, or NULL. */
const struct fact_def *fact_nearest(struct text name);

/* The value alone of a fact that is a number or a truth.  False: unknown. */
typedef bool fact_plain(const struct case_file *c, const struct reset *r, int64_t *out);
/* How to ask for it at less cost than for all that the fact tells; NULL where there is no such way.
 */
fact_plain *fact_plain_of(const struct fact_def *def);
/* Whether all resets of the case give one and the same answer, or all none, since there is nothing
 * that it could rest on. */
bool fact_is_mute(const struct case_file *c, const struct fact_def *def);

/* Facts of host snapshots are open-ended: "host.sysctl.net.ipv4.tcp_abort_on_overflow".  Any name
 * that starts with "host." is asked here, text-typed; numbers are compared as numbers when both
 * sides are. */
struct fact fact_host(const struct case_file *c, const struct reset *r, struct text name);

/* A fact's value for people, unit included ("350.2 s", "22 bytes", "true"); returns arena text. */
struct text fact_text(struct arena *a, const struct fact_def *def, const struct fact *f);

#endif
