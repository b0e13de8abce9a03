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
#define SIEVE_PAD 64 /* bytes behind a line that are looked at as well, and do not matter */

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

/* Sixteen bytes of lines of the shape.  A line's byte less text's, bit by bit, is at most the
 * limit: 0 where they have to be the same, 9 where the text is '0' and the line has any digit;
 * behind the end anything goes. */
struct known_piece {
    lanes text, limit;
};

/* Lines of one program and shape; or, with n_stays, of all shapes that differ in the digits that
 * stay, which are at those places: the lesson is looked for by these as well. */
struct known {
    lanes program; /* and zeros */
    uint32_t token;
    uint8_t n; /* bytes of the message */
    uint8_t verdict;
    uint8_t n_places, n_stays;
    union {
        struct known_place place[SIEVE_PLACES];
        uint8_t stays[SIEVE_STAYS];
    };
    struct known_piece piece[];
};
_Static_assert(sizeof(struct known) == SIEVE_UNIT, "what is asked first takes one cache line");
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
};

static inline uint64_t sieve_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    const wide product =
        (wide)(a ^ UINT64_C(0x9E3779B97F4A7C15)) * (b ^ UINT64_C(0xD6E8FEB86659FD93));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Digits become one value that no other byte has. */
static inline lanes sieve_fold(lanes v)
{
    return lanes_max(v ^ '0', (lanes){0} + 9);
}

/* Each pair of bytes is weighed by where it stands. */
static inline uint64_t sieve_hash(lanes program, const char *message, size_t n)
{
    typedef uint16_t pairs __attribute__((vector_size(LANES)));
    pairs sum = {0}, weight = {0x9E37, 0x79B9, 0x7F4B, 0x7C15, 0xD6E9, 0xFEB9, 0x6659, 0xFD93};
    uint64_t half[2], name[2];
    size_t at = 0;
    for (; at + LANES <= n; at += LANES, weight += 0x3C6E)
        sum += (pairs)sieve_fold(lanes_at(message + at)) * weight;
    sum += (pairs)(sieve_fold(lanes_at(message + at)) & lanes_front(n - at)) * weight;
    memcpy(half, &sum, sizeof half);
    memcpy(name, &program, sizeof name);
    return sieve_mix(half[0] ^ (name[0] + n) * UINT64_C(0xA0761D6478BD642F),
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
    lanes over = k->program ^ key->program;
    for (size_t i = 0; i * LANES < key->n; i++)
        over |=
            lanes_over(lanes_at(key->message + i * LANES) ^ k->piece[i].text, k->piece[i].limit);
    return lanes_are_zero(over);
}

static inline const struct known *sieve_probe(const struct sieve *s, const struct sieve_key *key,
                                              uint64_t hash)
{
    for (uint32_t i = 0; i < SIEVE_PROBES; i++) {
        const uint32_t slot = sieve_slot(s, hash, i);
        if (!slot)
            return NULL;
        if (!((slot ^ sieve_tag(hash)) >> 16) && sieve_is_of(sieve_at(s, slot), key))
            return sieve_at(s, slot);
    }
    return NULL;
}

/* The hash of a line whose digits at those places stay. */
static inline uint64_t sieve_hash_stays(const struct sieve_key *key, const uint8_t *at, unsigned n)
{
    uint64_t sum = key->hash;
    for (unsigned i = 0; i < n; i++)
        sum = sum * UINT64_C(0xA0761D6478BD642F) + (uint8_t)key->message[at[i]];
    return sieve_mix(sum, key->hash);
}

/* NULL: nothing is known. */
static inline const struct known *sieve_find(const struct sieve *s, const struct sieve_key *key)
{
    const struct known *k = sieve_probe(s, key, key->hash);
    if (!k || !k->n_stays)
        return k;
    k = sieve_probe(s, key, sieve_hash_stays(key, k->stays, k->n_stays));
    return k && !k->n_stays ? k : NULL;
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
    for (size_t i = 0; i < sizeof(struct known) + 2 * key->n; i += SIEVE_UNIT)
        __builtin_prefetch(p + i);
}

#endif
