/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a rule and a reset.  Out: the truth of every condition and the confidence.  Conditions stand
 * children first, so one pass over the array is enough.
 */
#include "rules/hearing.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate.h"
#include "analyzer/population/population.h"
#include "analyzer/record/leap.h"
#include "analyzer/record/said.h"
#include "rules/confidence.h"

bool bench_init(struct bench *b, const struct catalogue *k, struct case_file *c)
{
    *b = (struct bench){.catalogue = k, .of = c, .arena = &c->arena};
    b->facts = calloc(k->n_asked + 1, sizeof *b->facts);
    b->asked = calloc(k->n_asked + 1, sizeof *b->asked);
    b->heard = calloc(k->n_asked + 1, sizeof *b->heard);
    b->in_order = calloc(k->n_asked + 1, sizeof *b->in_order);
    return b->facts && b->asked && b->heard && b->in_order;
}

void bench_finish(struct bench *b)
{
    if (!b)
        return;
    free(b->facts);
    free(b->asked);
    free(b->heard);
    free(b->in_order);
    *b = (struct bench){0};
}

/* Traits of the facts that rest on an end of which nothing was captured. */
static unsigned unheard_traits(const struct case_file *c, const struct reset *r)
{
    const unsigned unheard = population_unheard(c, r);
    unsigned traits = 0;
    if (unheard & 1U << SIDE_CLIENT)
        traits |= FACT_HEARS_CLIENT;
    if (unheard & 1U << SIDE_SERVER)
        traits |= FACT_HEARS_SERVER;
    if (unheard & 1U << r->claimed)
        traits |= FACT_HEARS_RESET_SIDE;
    if (unheard & 1U << side_other(r->claimed))
        traits |= FACT_HEARS_OTHER_SIDE;
    return traits;
}

static double share_lost(const struct case_file *c, const struct reset *r)
{
    const uint32_t capture = reset_capture(r);
    return capture < c->n_captures ? loss_share(&c->captures[capture]) : 0;
}

void bench_take(struct bench *b, const struct reset *r)
{
    b->reset = r;
    b->left_out = loss_left_out(b->of);
    b->unheard = unheard_traits(b->of, r);
    b->lost = share_lost(b->of, r);
    b->by_absence = b->lost > 0 && reset_by_absence(r);
    b->leaps = reset_leaps(b->of, r);
    b->leaps_near = b->leaps || reset_leaps_near(b->of, r);
    b->spoken = r->in_full ? said_protocols(r->in_full) : 0;
    b->links = case_links(b->of, r, &b->n_links);
    memset(b->asked, 0, b->catalogue->n_asked * sizeof *b->asked);
}

void bench_listen(struct bench *b)
{
    memset(b->heard, 0, b->catalogue->n_asked * sizeof *b->heard);
    b->n_heard = 0;
}

const struct fact *bench_ask(struct bench *b, uint32_t slot)
{
    if (!b->heard[slot]) {
        b->heard[slot] = true;
        b->in_order[b->n_heard++] = slot;
    }
    if (!b->asked[slot]) {
        const struct asked_fact *a = &b->catalogue->asked[slot];
        b->facts[slot] =
            a->def ? a->def->get(b->of, b->reset) : fact_host(b->of, b->reset, a->name);
        b->asked[slot] = true;
    }
    return &b->facts[slot];
}

const struct pick *hearing_pick(struct hearing *h, uint32_t bind)
{
    struct pick *p = &h->picks[bind];
    if (!p->looked) {
        p->looked = true; /* a "where" may refer to its own bind: it is not known there */
        p->truth = TRUTH_UNKNOWN;
        *p = bind_pick(h, &h->rule->binds[bind]);
    }
    return p;
}

struct fact hearing_value(struct hearing *h, const struct subject *s)
{
    if (s->kind == SUBJECT_FACT)
        return *bench_ask(h->bench, s->slot);
    const struct pick *p = hearing_pick(h, s->bind);
    if (p->link)
        return line_value(h->bench, s, p->link, p->n_fitting);
    return (struct fact){.why_unknown = p->truth == TRUTH_FALSE
                                            ? TEXT("no such line, though a log covers it")
                                            : TEXT("no such line, and no log covers it")};
}

static double line_strength(const struct link *l)
{
    return l ? join_strength(l->join) * (l->ambiguous ? 0.5 : 1) : 1;
}

/* Whether the condition would turn, were there more of it. */
static bool turns_with_more(struct hearing *h, const struct condition *c,
                            const struct fact_def *def, const struct fact *f, enum truth now)
{
    struct fact more = *f;
    if (!f->known)
        return false;
    if (def->type == FACT_BOOL)
        more.as.truth = true;
    else
        more.as.number = INT64_MAX;
    return tests_hold(h, &c->subject, &more, c->tests, c->n_tests) != now;
}

/* Whether more than was captured would turn the condition. */
static bool could_turn(struct hearing *h, const struct condition *c, const struct fact_def *def,
                       const struct fact *f, enum truth now)
{
    if (def->traits & FACT_BY_ABSENCE)
        return h->bench->by_absence;
    return (def->traits & FACT_MAY_GROW) && turns_with_more(h, c, def, f, now);
}

/* Of all that could have been said and was not seen, what is asked for is hardly ever it. */
static bool is_unseen_text(const struct fact_def *def, const struct fact *f)
{
    return def->type == FACT_TEXT && !f->known;
}

static void set_doubt(struct hearing *h, const struct condition *c, const struct fact *f,
                      struct outcome *o)
{
    const struct bench *b = h->bench;
    const struct fact_def *def = b->catalogue->asked[c->subject.slot].def;
    if (!def)
        return;
    if ((def->traits & b->unheard) && !h->rule->minds_unheard && !is_unseen_text(def, f))
        o->doubt = CONFIDENCE_UNHEARD;
    else if (b->leaps && (def->traits & FACT_BY_CLOCK)) {
        o->doubt = CONFIDENCE_LEAPT;
        o->by_clock = true;
    } else {
        if (b->lost > 0 && could_turn(h, c, def, f, o->truth))
            o->doubt = b->lost;
        if (b->left_out > o->doubt && (def->traits & FACT_OF_OTHERS) &&
            turns_with_more(h, c, def, f, o->truth))
            o->doubt = b->left_out;
    }
}

static struct outcome leaf(struct hearing *h, const struct condition *c)
{
    if (c->kind == CONDITION_FACT) {
        const struct fact *f = bench_ask(h->bench, c->subject.slot);
        const enum truth truth = tests_hold(h, &c->subject, f, c->tests, c->n_tests);
        struct outcome o = {truth, f->known ? line_strength(f->from.link) : 1, 0, false};
        set_doubt(h, c, f, &o);
        return o;
    }
    const struct pick *p = hearing_pick(h, c->bind);
    if (c->kind == CONDITION_EXISTS || p->truth != TRUTH_TRUE)
        return (struct outcome){p->truth, line_strength(p->link), 0, false};
    struct fact f = line_value(h->bench, &c->subject, p->link, p->n_fitting);
    return (struct outcome){tests_hold(h, &c->subject, &f, c->tests, c->n_tests),
                            line_strength(p->link), 0, false};
}

struct tally { /* of the children of one condition */
    unsigned n, n_true, n_unknown;
    unsigned n_doubtful, n_surely_true, n_surely_false; /* surely: not doubtful */
    double most_doubt;
    bool by_clock;             /* that one */
    double weakest, strongest; /* strengths of the true ones */
};

static void count(struct tally *t, const struct outcome *o)
{
    t->n++;
    t->n_unknown += o->truth == TRUTH_UNKNOWN;
    t->n_surely_false += o->truth == TRUTH_FALSE && o->doubt == 0;
    t->n_doubtful += o->doubt > 0;
    if (o->doubt > t->most_doubt) {
        t->most_doubt = o->doubt;
        t->by_clock = o->by_clock;
    }
    if (o->truth != TRUTH_TRUE)
        return;
    if (!t->n_true || o->strength < t->weakest)
        t->weakest = o->strength;
    if (!t->n_true || o->strength > t->strongest)
        t->strongest = o->strength;
    t->n_true++;
    t->n_surely_true += o->doubt == 0;
}

/* A group is in doubt where its doubtful children can turn it. */
static bool can_turn(const struct tally *t, unsigned n_wanted, enum truth now)
{
    if (now == TRUTH_TRUE)
        return t->n_surely_true < n_wanted;
    return t->n_doubtful > 0 && t->n - t->n_surely_false >= n_wanted;
}

static struct outcome group(const struct condition *c, const struct tally *t)
{
    const unsigned n_wanted = c->kind == CONDITION_ALL        ? t->n
                              : c->kind == CONDITION_AT_LEAST ? c->at_least
                                                              : 1;
    struct outcome o = {truth_at_least(n_wanted, t->n_true, t->n_unknown), 1, 0, false};
    if (can_turn(t, n_wanted, o.truth)) {
        o.doubt = t->most_doubt;
        o.by_clock = t->by_clock;
    }
    if (c->kind == CONDITION_NOT)
        o.truth = truth_not(o.truth);
    else if (t->n_true)
        o.strength = c->kind == CONDITION_ALL ? t->weakest : t->strongest;
    return o;
}

/* Conditions first to last; stops early once a part of the require is false. */
static void walk(struct hearing *h, uint32_t first, uint32_t last, bool thorough)
{
    const struct condition *all = h->rule->conditions;
    struct tally tallies[RULE_CONDITIONS_MAX];
    bool needs_all = h->rule->require == last && all[last].kind == CONDITION_ALL;
    for (uint32_t i = first; i <= last; i++)
        tallies[i] = (struct tally){0};
    for (uint32_t i = first; i <= last; i++) {
        const struct condition *c = &all[i];
        h->outcomes[i] = c->kind <= CONDITION_EXISTS ? leaf(h, c) : group(c, &tallies[i]);
        if (c->parent != NO_INDEX && c->parent <= last)
            count(&tallies[c->parent], &h->outcomes[i]);
        if (!thorough && needs_all && c->parent == last && h->outcomes[i].truth == TRUTH_FALSE) {
            h->outcomes[last] = (struct outcome){TRUTH_FALSE, 1, 0, false};
            return;
        }
    }
}

double hearing_share(const struct outcome *o)
{
    return o->strength * (1 - o->doubt);
}

/* A clock that was set takes nothing from it: that would favour causes that need no times. */
double hearing_base(const struct hearing *h)
{
    const struct rule *r = h->rule;
    const struct outcome *o = r->require != NO_INDEX ? &h->outcomes[r->require] : NULL;
    return r->base * (o && !o->by_clock ? 1 - o->doubt : 1);
}

/* What speaks against a cause may only not have been captured: it counts in part. */
static void contradict(struct confidence *c, double weight, const struct outcome *o)
{
    if (o->truth == TRUTH_TRUE)
        confidence_contradict(c, weight * o->strength);
    else
        confidence_contradict(c, weight * o->doubt);
}

/* Weighs what holds. */
static double weigh(const struct hearing *h)
{
    const struct rule *r = h->rule;
    struct confidence c = confidence_from(hearing_base(h));
    for (size_t i = 0; i < r->n_supports; i++) {
        const struct outcome *o = &h->outcomes[r->supports[i].condition];
        if (o->truth == TRUTH_TRUE)
            confidence_support(&c, r->supports[i].weight * hearing_share(o));
    }
    for (size_t i = 0; i < r->n_contradicts; i++)
        contradict(&c, r->contradicts[i].weight, &h->outcomes[r->contradicts[i].condition]);
    if (h->bench->leaps_near)
        confidence_contradict(&c, CONFIDENCE_LEAPT_NEAR);
    return confidence_value(&c);
}

/* The same with all that is unknown or in doubt as it would help the rule most. */
static double weigh_hopefully(const struct hearing *h)
{
    const struct rule *r = h->rule;
    struct confidence c = confidence_from(r->base);
    for (size_t i = 0; i < r->n_supports; i++) {
        const struct outcome *o = &h->outcomes[r->supports[i].condition];
        if (o->truth != TRUTH_FALSE)
            confidence_support(&c,
                               r->supports[i].weight * (o->truth == TRUTH_TRUE ? o->strength : 1));
    }
    for (size_t i = 0; i < r->n_contradicts; i++) {
        const struct outcome *o = &h->outcomes[r->contradicts[i].condition];
        if (o->truth == TRUTH_TRUE)
            confidence_contradict(&c, r->contradicts[i].weight * o->strength);
    }
    if (h->bench->leaps_near)
        confidence_contradict(&c, CONFIDENCE_LEAPT_NEAR);
    return confidence_value(&c);
}

void hearing_judge(struct hearing *h, struct bench *b, const struct rule *r, bool thorough)
{
    h->bench = b;
    h->rule = r;
    h->confidence = h->potential = 0;
    for (size_t i = 0; i < r->n_binds; i++)
        h->picks[i] = (struct pick){0};
    uint32_t next = 0;
    h->require = TRUTH_TRUE;
    if (r->require != NO_INDEX) { /* its conditions are the first of the array */
        walk(h, 0, r->require, thorough);
        next = r->require + 1;
        h->require = h->outcomes[r->require].truth;
    }
    if (h->require == TRUTH_FALSE && !thorough)
        return;
    if (next < r->n_conditions)
        walk(h, next, (uint32_t)r->n_conditions - 1, true);
    h->confidence = weigh(h);
    h->potential = weigh_hopefully(h);
}
