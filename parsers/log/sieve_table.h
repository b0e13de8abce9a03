/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of lines, by program and shape.  A line is looked for by a hash of its bytes with
 * all digits alike, which is quick and no more: what it leads to counts when every byte of the line
 * agrees with it, so lines made to share a hash only hide each other.  Of fixed size; only added
 * to, by one thread, while others look.
 */
#ifndef WHYRST_PARSERS_LOG_SIEVE_TABLE_H
#define WHYRST_PARSERS_LOG_SIEVE_TABLE_H

#include <stdatomic.h>

#include "parsers/base/huge.h"
#include "parsers/log/shape.h"
#include "parsers/log/sieve.h"
#include "parsers/log/vector.h"

#define SIEVE_SLOTS_BITS 13
#define SIEVE_SLOTS (1u << SIEVE_SLOTS_BITS)
#define SIEVE_PROBES 4 /* slots behind each other in which an entry may stand */
#define SIEVE_STAYS 32 /* digits that stay in a shape; of lines with more nothing is known */
#define SIEVE_UNIT 64  /* entries begin at multiples of it */
#define SIEVE_UNITS 32000u
/* So many bytes of a message are looked at without asking whether there are as many: a processor
 * that guesses wrongly how often a loop runs loses more time than some bytes too many take. */
#define SIEVE_FRONT 128
#define SIEVE_FRONT_LANES (SIEVE_FRONT / LANES)
#define SIEVE_PAD                                                                                  \
    SIEVE_FRONT /* bytes behind a line that are looked at as well, and do not matter */

/* How what stands at a place is read. */
enum known_kind {
    KNOWN_V4,      /* four parts of one to three digits */
    KNOWN_ADDRESS, /* what the reader makes of it */
    KNOWN_PORT,    /* one to eight digits */
    KNOWN_NUMBER,  /* what the reader makes of it */
};

struct known_place {
    uint8_t from, n;                 /* n of a run: bytes before its first part */
    uint8_t kind : 4, is_client : 1; /* is_client: of a port always, as others are not kept */
    uint8_t parts; /* KNOWN_V4: how many digits each has, two bits each, the first part lowest */
};

/* Lines of one program and shape; or, with n_stays, of all shapes that differ in the digits that
 * stay, which are at those places.  Then the lesson is in a branch, found by these digits. */
struct known {
    lanes program; /* and zeros */
    uint32_t token;
    uint16_t fork; /* of a branch: the unit of what leads to it, and n is 0; else 0 */
    uint8_t n;     /* bytes of the message */
    uint8_t verdict;
    uint8_t n_places, n_stays;
    union {
        struct known_place place[SIEVE_PLACES];
        uint8_t stays[SIEVE_STAYS];
    };
    union {
        lanes digits[SIEVE_STAYS / LANES]; /* of a branch: those that stay, in order, and zeros */
        lanes front[SIEVE_FRONT_LANES];    /* the message's, folded */
    };
    lanes behind[]; /* folded as well */
};
_Static_assert(offsetof(struct known, front) == SIEVE_UNIT,
               "what is asked first takes a cache line");
_Static_assert(SIEVE_PLACES >= LOG_ADDRESSES_MAX, "runs are kept as places");

/* Whose patterns lines of a program are searched for (sieve_seek.h). */
struct bucket;
struct sieve_program {
    lanes program; /* and zeros */
    const struct bucket *bucket;
};

/* What is known of all lines that a pattern takes, with something in those of its groups and in no
 * others. */
struct pattern;
struct sieve_finding {
    const struct pattern *winner; /* NULL: none takes them */
    uint32_t groups;              /* a bit each */
    uint16_t program;
    _Atomic uint32_t token; /* 0: a free place */
};

#define SIEVE_PROGRAMS 64
#define SIEVE_FINDINGS 256 /* a power of two */
#define SIEVE_FINDING_PROBES 8

struct sieve {
    const struct address_filter *of_interest;
    uint32_t n_units, n_known;
    _Atomic uint32_t n_programs;
    struct sieve_program program[SIEVE_PROGRAMS];
    struct sieve_finding finding[SIEVE_FINDINGS];
    /* tag, and 1 + unit in the low half; 0 = free */
    _Alignas(SIEVE_UNIT) _Atomic uint32_t slot[SIEVE_SLOTS];
    _Alignas(SIEVE_UNIT) char units[SIEVE_UNITS][SIEVE_UNIT];
};
_Static_assert(sizeof(struct sieve) <= HUGE_PAGE, "a second large page for little");
_Static_assert(SIEVE_UNITS < UINT16_MAX, "units have to fit into a slot");

/* A line on the search for what is known of it. */
struct sieve_key {
    lanes program; /* and zeros */
    const char *message;
    size_t n; /* 1 to SHAPE_MAX; SIEVE_PAD bytes behind may be read */
    uint64_t hash;
    lanes front[SIEVE_FRONT_LANES]; /* the message's, folded */
};

static inline uint64_t sieve_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    const wide product =
        (wide)(a ^ UINT64_C(0x9E3779B97F4A7C15)) * (b ^ UINT64_C(0xD6E8FEB86659FD93));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

typedef int8_t sieve_places __attribute__((vector_size(LANES)));

/* All digits become one value that no other byte has, and bytes whose place, of which the first's
 * is given, is behind the last zeros, which no byte becomes. */
static inline lanes sieve_folded(const char *p, int8_t place, sieve_places last)
{
    const sieve_places from_0 = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return lanes_max(lanes_at(p) ^ '0', (lanes){0} + 9) & (lanes)(from_0 + place <= last);
}

/* Folds what is behind the front, at a multiple of LANES. */
static inline lanes sieve_folded_behind(const struct sieve_key *key, size_t at)
{
    const size_t left = key->n - at;
    return sieve_folded(key->message + at, 0,
                        (sieve_places){0} + (int8_t)(left < LANES ? left - 1 : LANES));
}

/* Fills in what follows from program, message and n.  Each pair of bytes is weighed by where it
 * stands. */
static inline void sieve_key_close(struct sieve_key *key)
{
    typedef uint16_t pairs __attribute__((vector_size(LANES)));
    const sieve_places last =
        (sieve_places){0} + (int8_t)((key->n < SIEVE_FRONT ? key->n : SIEVE_FRONT) - 1);
    pairs sum = {0}, weight = {0x9E37, 0x79B9, 0x7F4B, 0x7C15, 0xD6E9, 0xFEB9, 0x6659, 0xFD93};
    uint64_t half[2], name[2];
    for (size_t i = 0; i < SIEVE_FRONT_LANES; i++, weight += 0x3C6E) {
        key->front[i] = sieve_folded(key->message + i * LANES, (int8_t)(i * LANES), last);
        sum += (pairs)key->front[i] * weight;
    }
    for (size_t at = SIEVE_FRONT; at < key->n; at += LANES, weight += 0x3C6E)
        sum += (pairs)sieve_folded_behind(key, at) * weight;
    memcpy(half, &sum, sizeof half);
    memcpy(name, &key->program, sizeof name);
    key->hash = sieve_mix(half[0] ^ (name[0] + key->n) * UINT64_C(0xA0761D6478BD642F),
                          half[1] ^ name[1] * UINT64_C(0xE7037ED1A0B428DB));
}

static inline uint32_t sieve_first_slot(uint64_t hash)
{
    return (uint32_t)(hash >> (64 - SIEVE_SLOTS_BITS));
}

static inline uint32_t sieve_tag(uint64_t hash)
{
    return (uint32_t)hash << 16;
}

static inline const struct known *sieve_at(const struct sieve *s, uint32_t slot)
{
    return (const struct known *)(const void *)s->units[(slot & UINT16_MAX) - 1];
}

static inline uint32_t sieve_slot(const struct sieve *s, uint64_t hash, uint32_t probe)
{
    return atomic_load_explicit(&s->slot[(sieve_first_slot(hash) + probe) % SIEVE_SLOTS],
                                memory_order_acquire);
}

static inline bool sieve_is_of(const struct known *k, const struct sieve_key *key)
{
    if (k->n != key->n)
        return false;
    lanes same = (lanes)(k->program == key->program);
    for (size_t i = 0; i < SIEVE_FRONT_LANES; i++)
        same &= (lanes)(k->front[i] == key->front[i]);
    for (size_t at = SIEVE_FRONT; at < key->n; at += LANES)
        same &= (lanes)(k->behind[(at - SIEVE_FRONT) / LANES] == sieve_folded_behind(key, at));
    return lanes_bits(same) == 0xffff;
}

static inline const struct known *sieve_probe(const struct sieve *s, const struct sieve_key *key)
{
    for (uint32_t i = 0; i < SIEVE_PROBES; i++) {
        const uint32_t slot = sieve_slot(s, key->hash, i);
        if (!slot)
            return NULL;
        if (!((slot ^ sieve_tag(key->hash)) >> 16) && sieve_is_of(sieve_at(s, slot), key))
            return sieve_at(s, slot);
    }
    return NULL;
}

/* A line's way from a fork. */
struct sieve_turn {
    lanes digits[SIEVE_STAYS / LANES]; /* those that stay, and zeros */
    uint64_t hash;
    uint16_t fork; /* its unit */
};

static inline struct sieve_turn sieve_turn_at(const struct sieve *s, const struct known *fork,
                                              const struct sieve_key *key)
{
    struct sieve_turn t = {.hash = key->hash,
                           .fork = (uint16_t)(((const char *)fork - s->units[0]) / SIEVE_UNIT + 1)};
    for (unsigned i = 0; i < fork->n_stays; i++) {
        const uint8_t digit = (uint8_t)key->message[fork->stays[i]];
        t.digits[i / LANES][i % LANES] = digit;
        t.hash = t.hash * UINT64_C(0xA0761D6478BD642F) + digit;
    }
    t.hash = sieve_mix(t.hash, key->hash);
    return t;
}

/* NULL: no line has gone there. */
static inline const struct known *sieve_branch(const struct sieve *s, const struct sieve_turn *t)
{
    for (uint32_t i = 0; i < SIEVE_PROBES; i++) {
        const uint32_t slot = sieve_slot(s, t->hash, i);
        if (!slot)
            return NULL;
        const struct known *k = sieve_at(s, slot);
        if (!((slot ^ sieve_tag(t->hash)) >> 16) && k->fork == t->fork &&
            lanes_are_zero((k->digits[0] ^ t->digits[0]) | (k->digits[1] ^ t->digits[1])))
            return k;
    }
    return NULL;
}

/* NULL: nothing is known. */
static inline const struct known *sieve_find(const struct sieve *s, const struct sieve_key *key)
{
    const struct known *k = sieve_probe(s, key);
    if (!k || !k->n_stays)
        return k;
    const struct sieve_turn t = sieve_turn_at(s, k, key);
    return sieve_branch(s, &t);
}

/* NULL: none is known. */
static inline const struct sieve_program *sieve_program_of(const struct sieve *s,
                                                           const lanes *program)
{
    const uint32_t n = atomic_load_explicit(&s->n_programs, memory_order_acquire);
    for (uint32_t i = 0; i < n; i++)
        if (lanes_are_zero(s->program[i].program ^ *program))
            return &s->program[i];
    return NULL;
}

static inline uint32_t sieve_finding_place(const struct sieve *s,
                                           const struct sieve_program *program,
                                           const struct pattern *winner, uint32_t groups,
                                           uint32_t probe)
{
    const uint64_t hash =
        sieve_mix((uintptr_t)winner, (uint64_t)groups << 16 | (uint64_t)(program - s->program));
    return (uint32_t)(hash + probe) % SIEVE_FINDINGS;
}

/* The token of lines that the winner takes; 0: nothing is known of them. */
static inline uint32_t sieve_finding(const struct sieve *s, const struct sieve_program *program,
                                     const struct pattern *winner, uint32_t groups)
{
    for (uint32_t i = 0; i < SIEVE_FINDING_PROBES; i++) {
        const struct sieve_finding *f =
            &s->finding[sieve_finding_place(s, program, winner, groups, i)];
        const uint32_t token = atomic_load_explicit(&f->token, memory_order_acquire);
        if (!token || (f->winner == winner && f->groups == groups &&
                       f->program == (uint16_t)(program - s->program)))
            return token;
    }
    return 0;
}

/* Has the memory fetched that sieve_find will want, in two steps. */
static inline void sieve_fetch_slot(const struct sieve *s, const struct sieve_key *key)
{
    const char *slots = (const char *)s + offsetof(struct sieve, slot);
    __builtin_prefetch(slots + sieve_first_slot(key->hash) * sizeof s->slot[0]);
}

static inline void sieve_fetch(const struct sieve *s, const struct sieve_key *key)
{
    const uint32_t slot = sieve_slot(s, key->hash, 0);
    if (!slot)
        return;
    const char *p = s->units[(slot & UINT16_MAX) - 1];
    for (size_t i = 0; i < sizeof(struct known); i += SIEVE_UNIT)
        __builtin_prefetch(p + i);
}

#endif
