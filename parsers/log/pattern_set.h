/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a set of patterns, shared by its loader, its checker and its matcher only.
 */
#ifndef WHYRST_PARSERS_LOG_PATTERN_SET_H
#define WHYRST_PARSERS_LOG_PATTERN_SET_H

#include <stdatomic.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "parsers/base/arena.h"
#include "parsers/base/map.h"
#include "parsers/base/vec.h"
#include "parsers/log/address_find.h"
#include "parsers/log/pattern.h"
#include "parsers/log/pattern_filter.h"
#include "parsers/log/shape.h"

#define PATTERN_FILE_MAX (1u << 20)
#define PATTERN_REGEX_MAX 4096
#define PATTERN_MATCH_LIMIT 100000
#define PATTERN_DEPTH_LIMIT 2000
#define PATTERN_HEAP_LIMIT_KIB 1024
#define PATTERN_GIVE_UPS_MAX 200 /* matches that one pattern gives up in one log */
#define PATTERN_GROUPS_MAX 24

/* Where the text of a named group goes. */
enum pattern_slot {
    SLOT_FIELD,
    SLOT_CLIENT_IP,
    SLOT_CLIENT_PORT,
    SLOT_SERVER_IP,
    SLOT_SERVER_PORT,
    SLOT_SRC_IP,
    SLOT_SRC_PORT,
    SLOT_DST_IP,
    SLOT_DST_PORT,
    SLOT_TCP_SEQ,
    SLOT_TCP_ACK,
    SLOT_IP_ID,
    SLOT_STAMP,
    SLOT_AFTER_MS,
};

struct pattern_group {
    uint32_t number;
    enum pattern_slot slot;
    struct text name;
};

struct expectation { /* an attribute of a sample */
    struct text name, value;
};

struct sample {
    struct text line;
    unsigned at; /* line in the file */
    struct expectation *expect;
    size_t n_expect;
};

struct pattern {
    struct text id, kind, programs, versions, reference, checked, message_id;
    struct text literal, regex;
    enum event_claim claim;
    enum event_scope scope;
    bool at_start; /* the literal stands at the start of the message, behind "error: " or nothing */
    bool bare;     /* also tried on lines without a program */
    bool refused;  /* did not compile, failed its sample, or was replaced */
    bool by_shape; /* takes all messages of a shape or none of them */
    const char *file;
    unsigned line;
    struct sample *samples;
    size_t n_samples;
    /* made on first use */
    bool compiled, jitted;
    unsigned n_give_ups; /* in this log */
    pcre2_code *code;
    struct pattern_group groups[PATTERN_GROUPS_MAX];
    size_t n_groups;
    atomic_bool usable; /* the code and its groups are there, and stay as they are */
};

/* The candidates for one program, in the order in which they are tried. */
struct bucket {
    uint16_t first[257]; /* by_byte[first[c] .. first[c + 1]): literal starts the message with c */
    uint32_t *by_byte;
    uint32_t *anywhere;
    size_t n_anywhere;
    struct filter filter; /* of the literals that may stand anywhere */
    bool by_shape;        /* all messages of a shape hold the same literals */
};

/* Where a group of the winner stands in the message. */
struct pattern_span {
    uint8_t group; /* index in pattern.groups */
    uint16_t from, to;
};

/* What the search found for a shape among a program's candidates. */
struct pattern_memo {
    const struct bucket *bucket;
    struct pattern *winner; /* NULL: no pattern knows it */
    uint8_t n, n_spans;
    bool has_runs;
    struct address_runs runs; /* of a message that no pattern knows */
    struct {
        uint8_t group, from, to;
    } spans[PATTERN_GROUPS_MAX];
    char text[SHAPE_MAX];
};
#define PATTERN_MEMO_SETS 2864
#define PATTERN_MEMO_WAYS 2
#define PATTERN_MEMO_SEEN 1024 /* a power of two */
/* Fills one large page; what is known stands close together, in the order in which it came. */
struct pattern_memos {
    uint64_t hash[PATTERN_MEMO_SETS * PATTERN_MEMO_WAYS];  /* of shape and bucket; 0 = free */
    uint16_t place[PATTERN_MEMO_SETS * PATTERN_MEMO_WAYS]; /* of it in memo */
    uint16_t n;                                            /* places in use */
    uint16_t seen[PATTERN_MEMO_SEEN]; /* of each shape that came: a part of its hash */
    struct pattern_memo memo[PATTERN_MEMO_SETS * PATTERN_MEMO_WAYS];
};

#define PROGRAM_KEY 32 /* longer program names are not in any list */

struct program_key {
    char name[PROGRAM_KEY];
};

/* A name as logs have it and the candidates for it, which may be none. */
struct known_program {
    char name[PROGRAM_KEY];
    size_t n; /* 0 = free */
    const struct bucket *bucket;
};
#define KNOWN_PROGRAMS_BITS 8
#define KNOWN_PROGRAMS (1u << KNOWN_PROGRAMS_BITS)

struct patterns {
    struct arena arena;
    VEC(struct pattern) list;
    const struct embedded_file *awaited; /* NULL: nothing is */
    bool sealed;                         /* the buckets are up to date */
    struct arena buckets;                /* what sealing makes */
    struct map programs;                 /* program_key -> bucket index */
    VEC(struct bucket) bucket;
    struct bucket any, bare;
    size_t n_message_ids;
    struct known_program known[KNOWN_PROGRAMS]; /* names that came up lately */
    pcre2_compile_context *compile;
    pcre2_match_context *limits;
    pcre2_match_data *match;
    struct pattern_span spans[PATTERN_GROUPS_MAX]; /* of the last match */
    size_t n_spans;
    unsigned n_switched_off;     /* patterns that have given up too often in this log */
    bool saw_digits;             /* a pattern was tried that is not by shape */
    struct pattern_memos *memos; /* by hash of shape; NULL: not made yet, or no memory */
    unsigned memo_way;           /* of a full set, which is replaced next */
    bool without_memos;          /* for tests: every message is searched for */
};

/* Compiles if that has not been done; false (and *why for people, when not NULL) if it cannot. */
bool pattern_compile(struct patterns *p, struct pattern *pt, char *why, size_t why_size);
/* Tries one pattern on a message; fills e on a match.  is_held: the message is known to hold the
 * literal, if that may stand anywhere. */
enum pattern_outcome pattern_try(struct patterns *p, struct pattern *pt, bool is_held,
                                 struct event *e, struct pattern_stamp *inner, struct flaws *flaws);
/* A search by a thread of its own, by which nothing of the patterns changes. */
struct pattern_seeker {
    struct patterns *patterns; /* sealed */
    pcre2_match_data *match;
    unsigned n_give_ups;
    const struct pattern *winner;
    struct pattern_span spans[PATTERN_GROUPS_MAX];
    size_t n_spans;
};
/* What patterns_match would find among the candidates as long as none of them is switched off:
 * MATCHED: winner and spans.  UNDECIDED also where one is not compiled yet. */
enum pattern_outcome pattern_seek(struct pattern_seeker *k, const struct bucket *b,
                                  struct text message);
/* As pattern_try. */
enum pattern_outcome pattern_test(struct pattern_seeker *k, const struct pattern *pt, bool is_held,
                                  struct text message);
/* Fills e from what is remembered of a message's shape, as pattern_try did from the first one. */
void pattern_repeat(const struct pattern_memo *m, struct event *e, struct pattern_stamp *inner);
/* How far "error: ", "fatal: ", "debug1: " ... reach at the front of a message; 0 without one. */
size_t pattern_level_length(struct text message);

/* pattern_memo.c: the message's shape, where such may be remembered, and what is known of it; NULL:
 * nothing. */
void pattern_foresee_shape(struct patterns *p, struct text message, struct pattern_prospect *out);
const struct pattern_memo *pattern_recall(const struct patterns *p,
                                          const struct pattern_prospect *prospect);
/* Keeps what the search found, when the shape comes a second time: the winner or NULL, the spans of
 * the last match, and where addresses may stand in what no pattern knows. */
void pattern_remember(struct patterns *p, const struct pattern_prospect *prospect,
                      struct pattern *winner, struct text message);
/* The candidates are others now. */
void pattern_forget(struct patterns *p);
void pattern_free_memos(struct patterns *p);

/* Which pattern won, for the checker; as patterns_match otherwise. */
enum pattern_outcome pattern_find(struct patterns *p, struct event *e, bool bare,
                                  struct text message_id, struct pattern_stamp *inner,
                                  struct flaws *flaws, const struct pattern **winner);

#endif
