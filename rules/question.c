/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: the conditions of all rules.  Out: by fact, what is tested of it, each test once, and how
 * they come out for a reset.  Some answers are remembered with the values that they hold for,
 * since one reset after the other has the same, or a number between the same limits.
 */
#include "rules/question.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_TEXT_MAX 48
#define ATOMS_MAX 32 /* of one question: two bits of its answer each */
#define HELD 4       /* answers that are remembered of each */

struct question_atom { /* one condition on a fact */
    const struct rule *rule;
    const struct condition *condition;
    bool wants_run; /* false of a known text in which none is, see text_holds_run() */
};

/* How two values of a fact are held against each other. */
enum likeness { ALIKE_NEVER, ALIKE_UNKNOWN, ALIKE_NUMBER, ALIKE_TRUTH, ALIKE_TEXT };

struct held { /* an answer, and the values of the fact that it holds for */
    uint64_t answer;
    int64_t least, most; /* numbers; 0 or 1 for a truth */
    unsigned spoken;     /* of a question that asks for timers, else 0 */
    bool known;
    uint8_t n; /* bytes of a text */
    char text[VALUE_TEXT_MAX];
};

struct question {
    uint32_t slot, first, n; /* atoms */
    enum likeness likeness;  /* never: the answer hangs on more than this fact's value */
    bool asks_timers;        /* the answer hangs on what was spoken, too */
    bool of_kind;            /* all resets of one kind give one answer */
    bool of_case;            /* all resets do */
    uint8_t n_held, next;    /* next: where the next one goes */
    fact_plain *plain;       /* the quick way to its value, or NULL */
    struct held held[HELD];
};

static bool same_condition(const struct condition *a, const struct condition *b)
{
    if (a->n_tests != b->n_tests || !text_eq(a->written, b->written))
        return false;
    for (size_t i = 0; i < a->n_tests; i++) /* not written, but it counts */
        if (a->tests[i].nocase != b->tests[i].nocase)
            return false;
    return true;
}

static bool has_reference(const struct condition *c)
{
    for (size_t i = 0; i < c->n_tests; i++)
        for (size_t k = 0; k < c->tests[i].n_operands; k++)
            if (c->tests[i].operands[k].ref)
                return true;
    return false;
}

/* Each condition once; one that refers to a bound line means another thing in each rule. */
static bool is_known(const struct questions *q, uint32_t first, const struct condition *c)
{
    for (size_t i = first; !has_reference(c) && i < q->atoms.n; i++)
        if (same_condition(q->atoms.v[i].condition, c))
            return true;
    return false;
}

/* Whether some snapshots are known to be of one host and not of another. */
static bool tells_hosts_apart(const struct case_file *c)
{
    for (size_t i = 0; i < c->n_hosts; i++)
        if (c->hosts[i].n_addresses > 0)
            return true;
    return false;
}

/* Whether it is the same for all resets, as what a host snapshot says unless it is known whose that
 * is, or for all of one kind. */
static bool is_the_same(const struct questions *all, const struct subject *ref, bool of_kind)
{
    if (ref->kind != SUBJECT_FACT)
        return false;
    const struct fact_def *def = all->catalogue->asked[ref->slot].def;
    return def ? of_kind && (def->traits & FACT_OF_KIND) : !tells_hosts_apart(all->of);
}

/* Whether answers hang on more than this fact's value; of_kind: among resets of one kind. */
static bool refers(const struct questions *all, const struct question *q, bool of_kind)
{
    for (uint32_t i = 0; i < q->n; i++) {
        const struct condition *c = all->atoms.v[q->first + i].condition;
        for (size_t k = 0; k < c->n_tests; k++)
            for (size_t o = 0; o < c->tests[k].n_operands; o++) {
                const struct subject *ref = c->tests[k].operands[o].ref;
                if (ref && !is_the_same(all, ref, of_kind))
                    return true;
            }
    }
    return false;
}

static bool asks_timers(const struct questions *all, const struct question *q)
{
    for (uint32_t i = 0; i < q->n; i++) {
        const struct condition *c = all->atoms.v[q->first + i].condition;
        for (size_t k = 0; k < c->n_tests; k++)
            if (c->tests[k].op == OP_NEAR_TIMER)
                return true;
    }
    return false;
}

static enum likeness likeness_of(const struct fact_def *def)
{
    switch (def ? def->type : FACT_TEXT) {
    case FACT_INT:
    case FACT_BYTES:
    case FACT_DURATION:
    case FACT_TIME:
        return ALIKE_NUMBER;
    case FACT_BOOL:
        return ALIKE_TRUTH;
    case FACT_ENUM:
    case FACT_TEXT:
        return ALIKE_TEXT;
    default:
        return ALIKE_UNKNOWN; /* where they are */
    }
}

static bool add_question(struct questions *all, uint32_t slot, uint32_t first, uint32_t n)
{
    const struct fact_def *def = all->catalogue->asked[slot].def;
    struct question *q = vec_push(&all->all);
    if (!q)
        return false;
    *q = (struct question){.slot = slot, .first = first, .n = n};
    q->of_kind = def && (def->traits & FACT_OF_KIND) && !refers(all, q, true);
    if (refers(all, q, false))
        return true;
    q->likeness = likeness_of(def);
    q->asks_timers = asks_timers(all, q);
    q->of_case = def && fact_is_mute(all->of, def);
    q->plain = def && q->likeness != ALIKE_NEVER ? fact_plain_of(def) : NULL;
    return true;
}

static bool wants_run(const struct condition *c)
{
    const struct test *t = c->tests;
    return c->n_tests == 1 && t->op == OP_CONTAINS && text_is_run(t->operands[0].text);
}

static bool add_atoms(struct questions *q, uint32_t slot)
{
    uint32_t first = (uint32_t)q->atoms.n;
    for (size_t i = 0; i < q->catalogue->n_rules; i++) {
        const struct rule *r = q->catalogue->rules[i];
        for (size_t k = 0; k < r->n_conditions; k++) {
            const struct condition *c = &r->conditions[k];
            if (c->kind != CONDITION_FACT || c->subject.slot != slot || is_known(q, first, c))
                continue;
            struct question_atom *a = vec_push(&q->atoms);
            if (!a)
                return false;
            *a = (struct question_atom){r, c, wants_run(c)};
        }
    }
    for (uint32_t at = first; at < q->atoms.n; at += ATOMS_MAX) {
        const uint32_t n = (uint32_t)q->atoms.n - at;
        if (!add_question(q, slot, at, n < ATOMS_MAX ? n : ATOMS_MAX))
            return false;
    }
    return true;
}

bool questions_list(struct questions *q, const struct catalogue *k, const struct case_file *c)
{
    *q = (struct questions){.catalogue = k, .of = c};
    q->first = calloc(k->n_asked + 1, sizeof *q->first);
    bool good = q->first != NULL;
    for (uint32_t slot = 0; good && slot < k->n_asked; slot++) {
        good = add_atoms(q, slot);
        q->first[slot + 1] = (uint32_t)q->all.n;
    }
    return good;
}

void questions_finish(struct questions *q)
{
    vec_finish(&q->atoms);
    vec_finish(&q->all);
    free(q->first);
    q->first = NULL;
}

bool question_is_idle(const struct questions *q, uint32_t i, bool of_kind)
{
    return q->all.v[i].of_case || (of_kind && q->all.v[i].of_kind);
}

/* ---- what an answer holds for ---- */

/* Draws the limits in so that they do not reach past the place, on which side of it a number lies
 * being what counts. */
static void draw_in(struct held *h, int64_t number, int64_t place)
{
    if (place < number && place >= h->least)
        h->least = place + 1;
    else if (place > number && place <= h->most)
        h->most = place - 1;
    else if (place == number)
        h->least = h->most = number;
}

/* The limits between which a test comes out as for the number. */
static void limit(struct held *h, int64_t number, const struct test *t, const struct operand *o)
{
    const int64_t within = t->op == OP_NEAR ? t->within.i : 0;
    int64_t low, high;
    const bool is_plain = o->is_number && !o->number.is_real && !t->within.is_real &&
                          !__builtin_sub_overflow(o->number.i, within, &low) &&
                          !__builtin_add_overflow(o->number.i, within, &high);
    draw_in(h, number, is_plain ? low : number);
    draw_in(h, number, is_plain ? high : number);
}

static void limit_by(struct held *h, int64_t number, const struct test *t, struct bench *b)
{
    if (t->op == OP_NEAR_TIMER)
        timeouts_limit(&b->catalogue->timeouts, number, (struct timer_wanted){t->timers, b->spoken},
                       &h->least, &h->most);
    for (size_t i = 0; i < t->n_operands && t->op != OP_KNOWN; i++) {
        const struct operand *o = &t->operands[i];
        const bool is_silent = o->ref && !bench_ask(b, o->ref->slot)->known;
        if (!is_silent)
            limit(h, number, t, o);
    }
}

static void limit_all(const struct questions *all, const struct question *q, struct held *h,
                      int64_t number, struct bench *b)
{
    h->least = INT64_MIN;
    h->most = INT64_MAX;
    for (uint32_t i = 0; i < q->n; i++) {
        const struct condition *c = all->atoms.v[q->first + i].condition;
        for (size_t k = 0; k < c->n_tests; k++)
            limit_by(h, number, &c->tests[k], b);
    }
}

static bool may_be_held(const struct question *q, const struct fact *f)
{
    if (q->likeness == ALIKE_NEVER)
        return false;
    return !f->known || (q->likeness != ALIKE_UNKNOWN &&
                         (q->likeness != ALIKE_TEXT || f->as.text.n <= VALUE_TEXT_MAX));
}

static unsigned spoken_for(const struct question *q, const struct bench *b)
{
    return q->asks_timers ? b->spoken : 0;
}

/* The oldest makes way. */
static void hold(const struct questions *all, struct question *q, struct bench *b,
                 const struct fact *f, uint64_t answer)
{
    struct held *h = &q->held[q->next];
    const bool is_text = f->known && q->likeness == ALIKE_TEXT;
    if (!may_be_held(q, f))
        return;
    *h = (struct held){.answer = answer, .known = f->known, .spoken = spoken_for(q, b)};
    if (is_text) {
        h->n = (uint8_t)f->as.text.n;
        if (h->n > 0)
            memcpy(h->text, f->as.text.p, h->n);
    } else if (q->likeness == ALIKE_TRUTH) {
        h->least = h->most = f->as.truth;
    } else {
        limit_all(all, q, h, f->as.number, b);
    }
    q->next = (uint8_t)((q->next + 1) % HELD);
    q->n_held = q->n_held < HELD ? q->n_held + 1 : HELD;
}

static const struct held *held_for(const struct question *q, const struct bench *b, bool known,
                                   int64_t number)
{
    const unsigned spoken = spoken_for(q, b);
    for (unsigned i = 0; i < q->n_held; i++) {
        const struct held *h = &q->held[i];
        if (known == h->known && spoken == h->spoken &&
            (!known || (number >= h->least && number <= h->most)))
            return h;
    }
    return NULL;
}

static const struct held *held_for_text(const struct question *q, struct text t)
{
    for (unsigned i = 0; i < q->n_held; i++) {
        const struct held *h = &q->held[i];
        if (h->known && text_eq((struct text){h->text, h->n}, t))
            return h;
    }
    return NULL;
}

/* An answer that was given before and holds for the fact, too. */
static const struct held *find_held(const struct question *q, const struct bench *b,
                                    const struct fact *f)
{
    if (f->known && q->likeness == ALIKE_TEXT)
        return held_for_text(q, f->as.text);
    return held_for(q, b, f->known, q->likeness == ALIKE_TRUTH ? f->as.truth : f->as.number);
}

/* ---- answers ---- */

static uint64_t test_all(const struct questions *all, const struct question *q, struct bench *b,
                         const struct fact *f)
{
    struct hearing h;
    uint64_t out = 0;
    const bool has_none = f->known && q->likeness == ALIKE_TEXT && !text_holds_run(f->as.text);
    h.bench = b;
    for (uint32_t i = 0; i < q->n; i++) {
        const struct question_atom *a = &all->atoms.v[q->first + i];
        const struct condition *c = a->condition;
        h.rule = a->rule;
        for (size_t k = 0; k < a->rule->n_binds; k++)
            h.picks[k].looked = false;
        const enum truth truth = has_none && a->wants_run
                                     ? TRUTH_FALSE
                                     : tests_hold(&h, &c->subject, f, c->tests, c->n_tests);
        out = out << 2 | (uint64_t)truth;
    }
    return out;
}

/* Its value alone may be enough. */
static const struct held *find_held_plain(const struct question *q, const struct bench *b)
{
    int64_t number = 0;
    const bool known = q->plain(b->of, b->reset, &number);
    return held_for(q, b, known, number);
}

/* Kept apart from the quick way, which most answers take. */
static bool __attribute__((noinline))
answer_by_fact(const struct questions *all, struct question *q, struct bench *b, uint64_t *out)
{
    const struct fact *f = bench_ask(b, q->slot);
    if (f->from.link)
        return false;
    const struct held *held = find_held(q, b, f);
    *out = held ? held->answer : test_all(all, q, b, f);
    if (!held)
        hold(all, q, b, f, *out);
    return true;
}

bool question_answer(struct questions *all, uint32_t i, struct bench *b, uint64_t *out)
{
    struct question *q = &all->all.v[i];
    const struct held *held = q->plain ? find_held_plain(q, b) : NULL;
    if (!held)
        return answer_by_fact(all, q, b, out);
    *out = held->answer;
    return true;
}

/* Which timers count hangs on what was spoken: nothing, by resets that are of a kind. */
fact_plain *question_plain(const struct questions *q, uint32_t i, bool of_kind)
{
    return of_kind || !q->all.v[i].asks_timers ? q->all.v[i].plain : NULL;
}

struct span question_span(const struct questions *q, uint32_t i, const struct bench *b, bool known,
                          int64_t number)
{
    const struct held *h = held_for(&q->all.v[i], b, known, number);
    return h ? (struct span){h->known, h->least, h->most} : (struct span){true, 1, 0};
}
