/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds to the table of what is known: a line and its lesson come in, an entry goes out that takes
 * all lines of its shape.  Entries are never changed once others may see them.
 */
#include <string.h>

#include "parsers/log/scan.h"
#include "parsers/log/sieve_names.h"

#define KNOWN_MAX (SIEVE_SLOTS / 2)

struct sieve *sieve_create(const struct address_filter *of_interest)
{
    struct sieve *s = huge_alloc(sizeof *s);
    if (s)
        s->of_interest = of_interest;
    return s;
}

void sieve_free(struct sieve *s)
{
    if (s)
        huge_free(s, sizeof *s);
}

/* Bytes of an entry that is no branch. */
static size_t size_of(size_t n)
{
    const size_t behind = n > SIEVE_FRONT ? (n - SIEVE_FRONT + LANES - 1) / LANES : 0;
    return sizeof(struct known) + behind * LANES;
}

#define BRANCH_SIZE (offsetof(struct known, digits) + sizeof(((struct known *)0)->digits))

static size_t units_of(size_t bytes)
{
    return (bytes + SIEVE_UNIT - 1) / SIEVE_UNIT;
}

/* A line by itself, with room behind it. */
struct pupil {
    struct sieve_key key;
    char message[SHAPE_MAX + SIEVE_PAD];
    uint8_t stays[SIEVE_STAYS];
    unsigned n_stays;
};

static bool find_stays(struct pupil *p)
{
    return shape_stays((struct text){p->message, p->key.n}, p->stays, SIEVE_STAYS, &p->n_stays);
}

static bool make_pupil(const struct plain_tag *tag, struct pupil *p)
{
    const size_t n = tag->message.n;
    if (!n || n > SHAPE_MAX || tag->program.n > SIEVE_PROGRAM_MAX)
        return false;
    memcpy(p->message, tag->message.p, n);
    memset(p->message + n, 0, SIEVE_PAD);
    p->key.program = (lanes){0};
    memcpy(&p->key.program, tag->program.p, tag->program.n);
    p->key.message = p->message;
    p->key.n = n;
    sieve_key_close(&p->key);
    return true;
}

/* Where an entry of that hash and so many bytes has room; SIEVE_SLOTS: nowhere. */
static uint32_t free_slot(const struct sieve *s, uint64_t hash, size_t bytes)
{
    if (s->n_known == KNOWN_MAX || SIEVE_UNITS - s->n_units < units_of(bytes))
        return SIEVE_SLOTS;
    for (uint32_t i = 0; i < SIEVE_PROBES; i++)
        if (!sieve_slot(s, hash, i))
            return (sieve_first_slot(hash) + i) % SIEVE_SLOTS;
    return SIEVE_SLOTS;
}

/* What is yet to be entered. */
struct gap {
    const struct known *fork; /* of which it is a branch, or NULL */
    struct sieve_turn turn;   /* from there */
    uint64_t hash;
    size_t bytes;
};

/* False: the lesson is known. */
static bool find_gap(const struct sieve *s, const struct pupil *p, struct gap *out)
{
    const struct known *k = sieve_probe(s, &p->key);
    *out = (struct gap){.fork = k, .hash = p->key.hash, .bytes = size_of(p->key.n)};
    if (!k)
        return true;
    if (!k->n_stays)
        return false;
    out->turn = sieve_turn_at(s, k, &p->key);
    out->hash = out->turn.hash;
    out->bytes = BRANCH_SIZE;
    return !sieve_branch(s, &out->turn);
}

bool sieve_wants(const struct sieve *s, const struct plain_tag *tag)
{
    struct pupil p;
    struct gap gap;
    return s->n_known < KNOWN_MAX && make_pupil(tag, &p) && find_gap(s, &p, &gap) &&
           find_stays(&p) && free_slot(s, gap.hash, gap.bytes) != SIEVE_SLOTS;
}

static struct known *new_known(struct sieve *s, size_t bytes)
{
    struct known *k = (struct known *)(void *)s->units[s->n_units];
    s->n_units += (uint32_t)units_of(bytes);
    s->n_known++;
    return k;
}

/* A new entry that takes all digits alike. */
static struct known *new_trunk(struct sieve *s, const struct pupil *p)
{
    struct known *k = new_known(s, size_of(p->key.n));
    k->program = p->key.program;
    k->n = (uint8_t)p->key.n;
    memcpy(k->front, p->key.front, sizeof k->front);
    for (size_t at = SIEVE_FRONT; at < p->key.n; at += LANES)
        k->behind[(at - SIEVE_FRONT) / LANES] = sieve_folded_behind(&p->key, at);
    return k;
}

static struct known *new_branch(struct sieve *s, const struct sieve_turn *turn)
{
    struct known *k = new_known(s, BRANCH_SIZE);
    k->fork = turn->fork;
    memcpy(k->digits, turn->digits, sizeof k->digits);
    return k;
}

static void publish(struct sieve *s, const struct known *k, uint64_t hash, uint32_t slot)
{
    const size_t unit = (size_t)((const char *)k - s->units[0]) / SIEVE_UNIT;
    atomic_store_explicit(&s->slot[slot], sieve_tag(hash) | (uint32_t)(unit + 1),
                          memory_order_release);
}

/* ---- places ---- */

static void note_runs(struct known *k, struct text message, const struct address_runs *runs)
{
    for (unsigned i = 0; i < runs->n; i++) {
        struct known_place *at = &k->place[k->n_places];
        size_t v4;
        if (!log_run_may_be_address(message, runs->from[i]))
            continue;
        k->n_places++;
        at->kind = KNOWN_ADDRESS;
        at->from = runs->from[i];
        if (log_run_is_v4(message, at->from, &v4, &at->parts)) {
            at->kind = KNOWN_V4;
            at->n = (uint8_t)(v4 - at->from);
        }
    }
}

static enum known_kind kind_of_port(struct text t)
{
    uint64_t port;
    return t.n <= 8 && text_to_u64(t, &port) ? KNOWN_PORT : KNOWN_NUMBER;
}

static void note_place(struct known *k, struct text message, const struct sieve_place *place,
                       bool is_client)
{
    struct known_place *at = &k->place[k->n_places++];
    const struct text t = text_slice(message, place->from, place->to);
    uint8_t n = 0;
    at->from = place->from;
    at->n = (uint8_t)t.n;
    at->is_client = is_client;
    if (place->is_port)
        at->kind = kind_of_port(t);
    else
        at->kind = log_v4_parts(t, &at->parts, &n) && n == t.n ? KNOWN_V4 : KNOWN_ADDRESS;
}

/* Of the places, those of addresses and the client's port. */
static void note_ends(struct known *k, struct text message, const struct sieve_lesson *lesson)
{
    const enum sieve_end client = sieve_client_of(lesson);
    for (unsigned i = 0; i < lesson->n_places; i++) {
        const struct sieve_place *place = &lesson->place[i];
        if (!place->is_port || place->end == client)
            note_place(k, message, place, place->end == client);
    }
}

static void note_lesson(struct known *k, struct text message, const struct sieve_lesson *lesson)
{
    k->verdict = (uint8_t)lesson->verdict;
    k->token = lesson->token;
    if (lesson->verdict == SIEVE_EMPTY)
        note_runs(k, message, &lesson->runs);
    else if (lesson->verdict == SIEVE_EVENT)
        note_ends(k, message, lesson);
}

/* ---- teaching ---- */

/* What leads from a line with all digits alike to the lessons of those whose digits stay. */
static void enter_fork(struct sieve *s, const struct pupil *p, uint32_t slot)
{
    struct known *k = new_trunk(s, p);
    k->n_stays = (uint8_t)p->n_stays;
    memcpy(k->stays, p->stays, p->n_stays);
    publish(s, k, p->key.hash, slot);
}

static void enter_lesson(struct sieve *s, const struct pupil *p, const struct sieve_lesson *lesson,
                         const struct gap *gap, uint32_t slot)
{
    struct known *k = gap->fork ? new_branch(s, &gap->turn) : new_trunk(s, p);
    note_lesson(k, (struct text){p->message, p->key.n}, lesson);
    publish(s, k, gap->hash, slot);
}

void sieve_teach(struct sieve *s, const struct plain_tag *tag, const struct sieve_lesson *lesson)
{
    struct pupil p;
    struct gap gap;
    if (!make_pupil(tag, &p) || !find_gap(s, &p, &gap) || !find_stays(&p))
        return;
    uint32_t slot = free_slot(s, gap.hash, gap.bytes);
    if (slot != SIEVE_SLOTS && p.n_stays && !gap.fork) {
        enter_fork(s, &p, slot);
        if (!find_gap(s, &p, &gap))
            return;
        slot = free_slot(s, gap.hash, gap.bytes);
    }
    if (slot != SIEVE_SLOTS)
        enter_lesson(s, &p, lesson, &gap, slot);
}

/* ---- what searches find ---- */

/* The program's place, made if it is new; NULL: there is no room. */
static const struct sieve_program *program_for(struct sieve *s, struct text name,
                                               const struct bucket *bucket)
{
    lanes program = {0};
    memcpy(&program, name.p, name.n);
    const struct sieve_program *known = sieve_program_of(s, &program);
    const uint32_t n = atomic_load_explicit(&s->n_programs, memory_order_relaxed);
    if (known || n == SIEVE_PROGRAMS)
        return known;
    s->program[n] = (struct sieve_program){program, bucket};
    atomic_store_explicit(&s->n_programs, n + 1, memory_order_release);
    return &s->program[n];
}

void sieve_teach_found(struct sieve *s, const struct plain_tag *tag, const struct sieve_found *f,
                       uint32_t token)
{
    if (tag->program.n > SIEVE_PROGRAM_MAX)
        return;
    const struct sieve_program *program = program_for(s, tag->program, f->bucket);
    if (!program || sieve_finding(s, program, f->winner, f->groups))
        return;
    for (uint32_t i = 0; i < SIEVE_FINDING_PROBES; i++) {
        struct sieve_finding *to =
            &s->finding[sieve_finding_place(s, program, f->winner, f->groups, i)];
        if (atomic_load_explicit(&to->token, memory_order_relaxed))
            continue;
        to->winner = f->winner;
        to->groups = f->groups;
        to->program = (uint16_t)(program - s->program);
        atomic_store_explicit(&to->token, token, memory_order_release);
        return;
    }
}
