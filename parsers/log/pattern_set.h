/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a set of patterns, shared by its loader, its checker and its matcher only.
 */
#ifndef WHYRST_PARSERS_LOG_PATTERN_SET_H
#define WHYRST_PARSERS_LOG_PATTERN_SET_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "parsers/base/arena.h"
#include "parsers/base/map.h"
#include "parsers/base/vec.h"
#include "parsers/log/pattern.h"
#include "parsers/log/pattern_filter.h"

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
};

/* The candidates for one program, in the order in which they are tried. */
struct bucket {
    uint16_t first[257]; /* by_byte[first[c] .. first[c + 1]): literal starts the message with c */
    uint32_t *by_byte;
    uint32_t *anywhere;
    size_t n_anywhere;
    struct filter filter; /* of the literals that may stand anywhere */
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
#define KNOWN_PROGRAMS 64

struct patterns {
    struct arena arena;
    VEC(struct pattern) list;
    bool sealed;          /* the buckets are up to date */
    struct arena buckets; /* what sealing makes */
    struct map programs;  /* program_key -> bucket index */
    VEC(struct bucket) bucket;
    struct bucket any, bare;
    size_t n_message_ids;
    struct known_program known[KNOWN_PROGRAMS]; /* names that came up lately */
    pcre2_compile_context *compile;
    pcre2_match_context *limits;
    pcre2_match_data *match;
};

/* Compiles if that has not been done; false (and *why for people, when not NULL) if it cannot. */
bool pattern_compile(struct patterns *p, struct pattern *pt, char *why, size_t why_size);
/* Tries one pattern on a message; fills e on a match.  is_held: the message is known to hold the
 * literal, if that may stand anywhere. */
enum pattern_outcome pattern_try(struct patterns *p, struct pattern *pt, bool is_held,
                                 struct event *e, struct pattern_stamp *inner, struct flaws *flaws);
/* How far "error: ", "fatal: ", "debug1: " ... reach at the front of a message; 0 without one. */
size_t pattern_level_length(struct text message);
/* Which pattern won, for the checker; as patterns_match otherwise. */
enum pattern_outcome pattern_find(struct patterns *p, struct event *e, bool bare,
                                  struct text message_id, struct pattern_stamp *inner,
                                  struct flaws *flaws, const struct pattern **winner);

#endif
