/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that concern nobody, told from the others without making an event of each.  A sieve learns
 * what lines of a program and shape (shape.h) mean and where addresses stand in them; a block of
 * lines then falls into what has to be read, what says nothing and names no address of interest,
 * and events that are about others.  Lines of a new shape may be searched for (sieve_seek.h).  What
 * it is not sure of has to be read.  One thread teaches; any number may look at blocks meanwhile.
 */
#ifndef WHYRST_PARSERS_LOG_SIEVE_H
#define WHYRST_PARSERS_LOG_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/address_filter.h"
#include "parsers/log/address_find.h"
#include "parsers/log/plain_head.h"

#define SIEVE_BLOCK_MAX ((size_t)128 << 10)
#define SIEVED_ITEMS 2048
#define SIEVED_HEADS 64
#define SIEVE_PROGRAM_MAX 16 /* lines of longer names have to be read */
#define SIEVE_PLACES 8

enum sieve_verdict {
    SIEVE_READ,  /* has to be read */
    SIEVE_EMPTY, /* no pattern knows it, and it names no address of interest */
    SIEVE_EVENT, /* a pattern knows it, and of its ends none is of interest, or one beside others */
};

/* Whose address or port stands at a place. */
enum sieve_end { SIEVE_CLIENT, SIEVE_SERVER, SIEVE_SRC, SIEVE_DST, SIEVE_ENDS };

struct sieve_place {
    uint8_t from, to; /* in the message */
    uint8_t end;
    bool is_port;
};

/* What is known of lines of one program and shape. */
struct sieve_lesson {
    enum sieve_verdict verdict;
    uint32_t token;           /* the teacher's own */
    struct address_runs runs; /* SIEVE_EMPTY: where alone addresses may stand */
    unsigned n_places;        /* SIEVE_EVENT */
    struct sieve_place place[SIEVE_PLACES];
};

/* Lines that no pattern knows. */
struct sieved_lines {
    uint32_t n;
    uint32_t last, n_last; /* the last line in the block, without its end */
    instant_ns last_ns;    /* the latest time, since the minute began */
};

struct sieved_event {
    uint32_t pid;
    struct endpoint client; /* the client's end, else the source's; may be none */
    struct address known;   /* with has_known: of its ends the one that may be of interest */
};

/* Neighbouring lines of one verdict and, but for SIEVE_READ, of one head.  Events stand alone.  It
 * takes one cache line: one thread writes it and another reads it. */
struct sieved_item {
    uint32_t from, n; /* in the block; ends of lines included */
    uint32_t token;   /* of the last line */
    uint16_t head;
    uint8_t verdict;
    bool has_known;
    instant_ns first_ns; /* the earliest time, since the minute began */
    union {
        struct sieved_lines lines; /* of SIEVE_READ their number alone */
        struct sieved_event event;
    };
};
_Static_assert(sizeof(struct sieved_item) <= 64, "a second cache line");

/* The header that lines share; its bytes are those of a line of the block. */
struct sieved_head {
    uint32_t from;
    struct plain_form form;
};

struct sieved {
    size_t n_items, n_heads;
    struct sieved_item item[SIEVED_ITEMS];
    struct sieved_head head[SIEVED_HEADS];
};

struct sieve;
struct sieve_seeker; /* sieve_seek.h */

/* of_interest may be filled until the first block comes, and must outlive it.  NULL: out of memory.
 */
struct sieve *sieve_create(const struct address_filter *of_interest);
void sieve_free(struct sieve *s); /* NULL-safe */
/* Whether lines of that program and shape are not known yet, and there is room for them. */
bool sieve_wants(const struct sieve *s, const struct plain_tag *tag);
/* tag: of a line as plain_take_tag gives it; places and runs count from the message's begin.  What
 * is known already stays as it is. */
void sieve_teach(struct sieve *s, const struct plain_tag *tag, const struct sieve_lesson *lesson);
/* What lines of the program mean that the pattern takes, one of the bucket's or of those for any
 * program, with something in those of its groups alone; winner NULL: that none takes. */
struct bucket;
struct pattern;
struct sieve_found {
    const struct bucket *bucket;
    const struct pattern *winner;
    uint32_t groups; /* a bit each, by place in the pattern's list */
};
void sieve_teach_found(struct sieve *s, const struct plain_tag *tag, const struct sieve_found *f,
                       uint32_t token);
/* Sorts a block of at most SIEVE_BLOCK_MAX bytes.  The items cover all of it in order; a last line
 * without an end has to be read.  seeker: the calling thread's, or NULL. */
void sieve_block(const struct sieve *s, struct sieve_seeker *seeker, const char *block, size_t n,
                 struct sieved *out);

#endif
