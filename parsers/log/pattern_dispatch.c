/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which patterns are worth trying on a line: lists by program and by the first byte of the literal,
 * made once, when the first line comes.
 */
#include <string.h>

#include "parsers/log/address_find.h"
#include "parsers/log/pattern_set.h"
#include "parsers/log/vector.h"

/* One search: what it runs over and what it has found out so far. */
struct search {
    struct patterns *p;
    struct text message;
    struct pattern_seeker *seeker; /* whose search it is; else the event is filled in */
    struct event *e;
    struct pattern_stamp *inner;
    struct flaws *flaws;
    struct pattern *winner;
    bool undecided;
};

static enum pattern_outcome try_one(struct search *s, struct pattern *pt, bool is_held)
{
    return s->seeker ? pattern_test(s->seeker, pt, is_held, s->message)
                     : pattern_try(s->p, pt, is_held, s->e, s->inner, s->flaws);
}

/* True: the search is over. */
static bool try_list(struct search *s, const uint32_t *list, size_t n, bool is_held)
{
    for (size_t i = 0; i < n; i++) {
        struct pattern *pt = &s->p->list.v[list[i]];
        enum pattern_outcome o = try_one(s, pt, is_held);
        s->undecided |= o == PATTERN_UNDECIDED;
        if (o == PATTERN_MATCHED)
            s->winner = pt;
        if (o == PATTERN_MATCHED || (s->seeker && o == PATTERN_UNDECIDED))
            return true;
    }
    return false;
}

static bool try_first_byte(struct search *s, const struct bucket *b, unsigned char c)
{
    return b->first[c] != b->first[c + 1] &&
           try_list(s, b->by_byte + b->first[c], (size_t)(b->first[c + 1] - b->first[c]), false);
}

/* Those whose literal the message holds, in their order. */
static bool try_anywhere(struct search *s, const struct bucket *b)
{
    uint64_t held = b->n_anywhere ? filter_find(&b->filter, s->message) : 0;
    for (const uint32_t *at = b->anywhere; held; held >>= 1, at++)
        if (held & 1 && try_list(s, at, 1, true))
            return true;
    return b->n_anywhere > FILTER_LITERALS_MAX &&
           try_list(s, b->anywhere + FILTER_LITERALS_MAX, b->n_anywhere - FILTER_LITERALS_MAX,
                    false);
}

static bool try_bucket(struct search *s, const struct bucket *b)
{
    struct text m = s->message;
    if (!b || !m.n)
        return false;
    if (try_first_byte(s, b, (unsigned char)m.p[0]))
        return true;
    size_t level = pattern_level_length(m);
    if (level && level < m.n && m.p[level] != m.p[0] &&
        try_first_byte(s, b, (unsigned char)m.p[level]))
        return true;
    return try_anywhere(s, b);
}

/* A journal entry whose MESSAGE_ID is known needs no text: that may be in any language. */
static bool try_message_id(struct search *s, struct text id)
{
    for (size_t i = 0; i < s->p->list.n; i++) {
        struct pattern *pt = &s->p->list.v[i];
        if (pt->refused || !pt->message_id.n || !text_eq_nocase(pt->message_id, id))
            continue;
        s->e->kind = pt->kind;
        s->e->claim = pt->claim;
        s->e->scope = pt->scope;
        s->winner = pt;
        return true;
    }
    return false;
}

static bool in_list(struct text list, struct text word)
{
    struct text head, tail;
    bool more = list.n > 0;
    while (more) {
        more = text_cut(list, ' ', &head, &tail);
        if (text_eq(head, word))
            return true;
        list = tail;
    }
    return false;
}

/* Fills one bucket with the patterns that list the program (or, for any and bare, that qualify). */
enum member { MEMBER_PROGRAM, MEMBER_ANY, MEMBER_BARE };

static bool belongs(const struct pattern *pt, enum member m, struct text program)
{
    if (pt->refused)
        return false;
    if (m == MEMBER_ANY)
        return pt->programs.n == 0;
    return m == MEMBER_BARE ? pt->bare && pt->programs.n : in_list(pt->programs, program);
}

static bool fill_bucket(struct patterns *p, struct bucket *b, enum member m, struct text program)
{
    uint32_t *members = arena_array(&p->buckets, p->list.n + 1, sizeof *members);
    uint32_t *starts = arena_array(&p->buckets, p->list.n + 1, sizeof *starts);
    size_t n_members = 0, n = 0, n_anywhere = 0;
    if (!members || !starts)
        return false;
    for (size_t i = 0; i < p->list.n; i++)
        if (belongs(&p->list.v[i], m, program))
            members[n_members++] = (uint32_t)i;
    for (unsigned c = 0; c < 256; c++) {
        b->first[c] = (uint16_t)n;
        for (size_t i = 0; i < n_members; i++) {
            const struct pattern *pt = &p->list.v[members[i]];
            if (pt->at_start && (unsigned char)pt->literal.p[0] == c)
                starts[n++] = members[i];
        }
    }
    b->first[256] = (uint16_t)n;
    for (size_t i = 0; i < n_members; i++)
        if (!p->list.v[members[i]].at_start)
            members[n_anywhere++] = members[i];
    b->by_shape = true;
    for (size_t i = 0; i < p->list.n; i++)
        if (belongs(&p->list.v[i], m, program))
            b->by_shape &= !shape_hides_from_literal(p->list.v[i].literal);
    for (size_t i = 0; i < n_anywhere; i++)
        filter_add(&b->filter, p->list.v[members[i]].literal);
    b->by_byte = starts;
    b->anywhere = members;
    b->n_anywhere = n_anywhere;
    return true;
}

static struct program_key key_of(struct text program)
{
    struct program_key k = {{0}};
    if (program.n && program.n < PROGRAM_KEY)
        memcpy(k.name, program.p, program.n);
    return k;
}

static bool add_programs(struct patterns *p, struct text list)
{
    struct text head, tail = list;
    while (tail.n) {
        bool more = text_cut(tail, ' ', &head, &tail);
        if (head.n) {
            struct program_key k = key_of(head);
            bool made = false;
            uint32_t *index = map_put(&p->programs, &k, &made);
            struct bucket *b = index && made ? vec_push(&p->bucket) : NULL;
            if (!index || (made && !b))
                return false;
            if (made)
                *index = (uint32_t)(p->bucket.n - 1);
        }
        if (!more)
            break;
    }
    return true;
}

/* Makes the candidate lists.  Without memory they stay empty and nothing is recognised. */
static void seal(struct patterns *p)
{
    if (p->sealed)
        return;
    p->sealed = true;
    map_finish(&p->programs);
    map_init(&p->programs, sizeof(struct program_key), sizeof(uint32_t));
    arena_finish(&p->buckets);
    arena_init(&p->buckets, NULL);
    p->bucket.n = 0;
    p->any = p->bare = (struct bucket){0};
    memset(p->known, 0, sizeof p->known);
    p->n_message_ids = 0;
    pattern_forget(p);
    for (size_t i = 0; i < p->list.n; i++) {
        p->list.v[i].by_shape = !shape_hides_from_regex(p->list.v[i].regex);
        if (!p->list.v[i].refused && !add_programs(p, p->list.v[i].programs))
            return;
        p->n_message_ids += p->list.v[i].message_id.n != 0;
    }
    for (size_t i = 0; i < p->programs.n; i++) {
        const struct program_key *k = map_key_at(&p->programs, i);
        const uint32_t *index = map_value_at(&p->programs, i);
        if (!fill_bucket(p, &p->bucket.v[*index], MEMBER_PROGRAM, text_of(k->name)))
            return;
    }
    if (fill_bucket(p, &p->any, MEMBER_ANY, (struct text){0}))
        fill_bucket(p, &p->bare, MEMBER_BARE, (struct text){0});
}

static const struct bucket *look_up(const struct patterns *p, struct text program)
{
    if (!program.n || program.n >= PROGRAM_KEY)
        return NULL;
    struct program_key k = key_of(program);
    const uint32_t *index = map_get(&p->programs, &k);
    return index ? &p->bucket.v[*index] : NULL;
}

/* "/usr/sbin/sshd" is sshd; "sshd@3-192.0.2.1:22-....service" (with-unit) is sshd.service */
static const struct bucket *look_up_variants(const struct patterns *p, struct text program)
{
    const struct bucket *b = look_up(p, program);
    if (b)
        return b;
    size_t slash = SIZE_MAX;
    for (size_t i = 0; i < program.n; i++)
        if (program.p[i] == '/')
            slash = i;
    if (slash != SIZE_MAX)
        return look_up(p, text_slice(program, slash + 1, program.n));
    if (!text_ends(program, TEXT(".service")))
        return NULL;
    size_t at = text_find_byte(program, '@', 0);
    char name[PROGRAM_KEY];
    if (at == SIZE_MAX || at + 9 > sizeof name)
        return look_up(p, text_slice(program, 0, program.n - 8));
    memcpy(name, program.p, at);
    memcpy(name + at, ".service", 8);
    return look_up(p, (struct text){name, at + 8});
}

static inline bool is_known(const struct known_program *k, struct text program)
{
    return k->n == program.n && same_bytes(k->name, program.p, program.n);
}

static const struct bucket *bucket_of(struct patterns *p, struct text program)
{
    if (!program.n || program.n >= PROGRAM_KEY)
        return look_up_variants(p, program);
    uint32_t place = hash_of_name(program) >> (32 - KNOWN_PROGRAMS_BITS);
    struct known_program *k = &p->known[place], *other = &p->known[place ^ 1];
    if (is_known(k, program))
        return k->bucket;
    if (is_known(other, program))
        return other->bucket;
    *other = *k; /* two programs of one place take turns */
    memcpy(k->name, program.p, program.n);
    k->n = program.n;
    k->bucket = look_up_variants(p, program);
    return k->bucket;
}

bool patterns_know_program(struct patterns *p, struct text program)
{
    seal(p);
    return bucket_of(p, program) != NULL;
}

bool patterns_settle_bare(struct patterns *p, struct envelope *e)
{
    if (!e->program.n)
        return e->format != LOG_APPLICATION;
    if (e->host.n || e->pid || patterns_know_program(p, e->program))
        return false;
    e->program = (struct text){0};
    e->message = e->body;
    return true;
}

/* The search itself. */
static bool search(struct search *s, const struct bucket *b, bool bare, struct text message_id)
{
    struct patterns *p = s->p;
    return try_bucket(s, b) || (bare && try_bucket(s, &p->bare)) || try_bucket(s, &p->any) ||
           (message_id.n && p->n_message_ids && try_message_id(s, message_id));
}

void patterns_foresee(struct patterns *p, struct text program, struct text message,
                      struct pattern_prospect *out)
{
    seal(p);
    out->bucket = bucket_of(p, program);
    pattern_foresee_shape(p, message, out);
}

/* By what is remembered of the shape, else by the search. */
static enum pattern_outcome find(struct search *s, const struct pattern_prospect *o, bool bare,
                                 struct text message_id)
{
    struct patterns *p = s->p;
    const struct pattern_memo *known = pattern_recall(p, o);
    *s->inner = (struct pattern_stamp){0};
    s->e->runs = known && known->has_runs ? &known->runs : NULL;
    if (known) {
        s->winner = known->winner;
        if (known->winner)
            pattern_repeat(known, s->e, s->inner);
        return known->winner ? PATTERN_MATCHED : PATTERN_NONE;
    }
    p->saw_digits = false;
    bool found = search(s, o->bucket, bare, message_id);
    if (!found && s->undecided)
        return PATTERN_UNDECIDED;
    if (o->has_shape && !p->saw_digits && !s->undecided)
        pattern_remember(p, o, s->winner, s->e->message);
    return found ? PATTERN_MATCHED : PATTERN_NONE;
}

enum pattern_outcome pattern_find(struct patterns *p, struct event *e, bool bare,
                                  struct text message_id, struct pattern_stamp *inner,
                                  struct flaws *flaws, const struct pattern **winner)
{
    struct search s = {.p = p, .message = e->message, .e = e, .inner = inner, .flaws = flaws};
    struct pattern_prospect o;
    seal(p);
    o.bucket = bucket_of(p, e->program);
    o.has_shape = false;
    if (!bare && !message_id.n)
        pattern_foresee_shape(p, e->message, &o);
    enum pattern_outcome outcome = find(&s, &o, bare, message_id);
    *winner = s.winner;
    return outcome;
}

enum pattern_outcome patterns_match(struct patterns *p, struct event *e, bool bare,
                                    struct text message_id, struct pattern_stamp *inner,
                                    struct flaws *flaws)
{
    const struct pattern *winner = NULL;
    return pattern_find(p, e, bare, message_id, inner, flaws, &winner);
}

enum pattern_outcome patterns_match_foreseen(struct patterns *p, struct event *e,
                                             const struct pattern_prospect *o,
                                             struct pattern_stamp *inner, struct flaws *flaws)
{
    struct search s = {.p = p, .message = e->message, .e = e, .inner = inner, .flaws = flaws};
    return find(&s, o, false, (struct text){0});
}

enum pattern_outcome pattern_seek(struct pattern_seeker *k, const struct bucket *b,
                                  struct text message)
{
    struct search s = {.p = k->patterns, .message = message, .seeker = k};
    (void)search(&s, b, false, (struct text){0});
    k->winner = s.winner;
    return s.undecided ? PATTERN_UNDECIDED : s.winner ? PATTERN_MATCHED : PATTERN_NONE;
}
