/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a value and tests.  Out: whether they all hold.  An unknown value on either side is unknown;
 * only "known" asks for that itself.
 */
#include <string.h>

#include "rules/hearing.h"
#include "rules/subject.h"

/* A value in the type of its subject, or in text that is read in the unit of the other side. */
static bool as_number(const struct subject *s, const struct fact *f, enum fact_type unit,
                      struct number *out)
{
    if (s->type == FACT_TEXT)
        return number_parse(f->as.text, unit == FACT_TEXT ? FACT_REAL : unit, false, out);
    return number_of_fact(s->type, f, out);
}

static enum truth order(enum comparison op, const struct number *a, const struct number *b,
                        const struct number *within)
{
    switch (op) {
    case OP_AT_LEAST:
        return truth_of(number_cmp(a, b) >= 0);
    case OP_AT_MOST:
        return truth_of(number_cmp(a, b) <= 0);
    case OP_MORE_THAN:
        return truth_of(number_cmp(a, b) > 0);
    case OP_LESS_THAN:
        return truth_of(number_cmp(a, b) < 0);
    case OP_NEAR:
        return truth_of(number_near(a, b, within));
    default:
        return truth_of(number_cmp(a, b) == 0);
    }
}

static struct text text_of_fact(const struct fact *f)
{
    return f->as.text;
}

static bool same_text(struct text a, struct text b, bool nocase)
{
    return nocase ? text_eq_nocase(a, b) : text_eq(a, b);
}

static bool contains(struct text t, struct text part, bool nocase)
{
    return (nocase ? text_find_nocase(t, part) : text_find(t, part, 0)) != SIZE_MAX;
}

static bool in_prefix(const struct address *a, const struct operand *o)
{
    size_t whole = o->bits / 8, rest = o->bits % 8;
    if (memcmp(a->b, o->ip.b, whole) != 0)
        return false;
    return rest == 0 || ((a->b[whole] ^ o->ip.b[whole]) >> (8 - rest)) == 0;
}

/* The other side is a fact or field, too. */
static enum truth against_reference(struct hearing *h, const struct subject *s,
                                    const struct fact *f, const struct test *t,
                                    const struct operand *o)
{
    struct fact other = hearing_value(h, o->ref);
    struct number a, b;
    if (!other.known)
        return TRUTH_UNKNOWN;
    bool texts = s->type == FACT_TEXT || s->type == FACT_ENUM;
    bool others = o->ref->type == FACT_TEXT || o->ref->type == FACT_ENUM;
    if (t->op == OP_IS && texts && others)
        return truth_of(same_text(f->as.text, other.as.text, t->nocase));
    if (t->op == OP_IS && s->type == FACT_BOOL && o->ref->type == FACT_BOOL)
        return truth_of(f->as.truth == other.as.truth);
    if (t->op == OP_IS && s->type == FACT_IP && o->ref->type == FACT_IP)
        return truth_of(address_eq(&f->as.ip, &other.as.ip));
    if (!as_number(s, f, o->ref->type, &a) || !as_number(o->ref, &other, s->type, &b))
        return TRUTH_UNKNOWN; /* a snapshot that says "off" where a number is wanted */
    return order(t->op, &a, &b, &t->within);
}

static enum truth against_literal(const struct subject *s, const struct fact *f,
                                  const struct test *t, const struct operand *o)
{
    struct number a;
    switch (s->type) {
    case FACT_BOOL:
        return truth_of(f->as.truth == o->truth);
    case FACT_IP:
        return truth_of(in_prefix(&f->as.ip, o));
    case FACT_TEXT:
        if (o->is_number)
            return as_number(s, f, o->unit, &a) ? order(t->op, &a, &o->number, &t->within)
                                                : TRUTH_FALSE;
        return truth_of(same_text(text_of_fact(f), o->text, t->nocase));
    case FACT_ENUM:
        return truth_of(same_text(text_of_fact(f), o->text, t->nocase));
    default:
        return as_number(s, f, s->type, &a) ? order(t->op, &a, &o->number, &t->within)
                                            : TRUTH_UNKNOWN;
    }
}

static enum truth against(struct hearing *h, const struct subject *s, const struct fact *f,
                          const struct test *t, const struct operand *o)
{
    return o->ref ? against_reference(h, s, f, t, o) : against_literal(s, f, t, o);
}

/* A limit to a line's time that its best guess does not keep, but that the clocks' uncertainty lets
 * in: nobody knows. */
static enum truth limit_holds(struct hearing *h, const struct subject *s, const struct fact *f,
                              const struct test *t)
{
    enum truth at_best = against(h, s, f, t, &t->operands[0]);
    bool upward = t->op == OP_AT_LEAST || t->op == OP_MORE_THAN;
    instant_ns doubt = f->from.link ? f->from.link->uncertainty_ns : 0;
    struct fact most = *f;
    if (at_best != TRUTH_FALSE || doubt <= 0)
        return at_best;
    if (__builtin_add_overflow(f->as.number, upward ? doubt : -doubt, &most.as.number))
        return TRUTH_UNKNOWN;
    return against(h, s, &most, t, &t->operands[0]) == TRUTH_FALSE ? TRUTH_FALSE : TRUTH_UNKNOWN;
}

static bool is_limit_of_time(const struct subject *s, enum comparison op)
{
    bool is_time = s->kind == SUBJECT_FIELD &&
                   (s->line_field == LINE_OFFSET || s->line_field == LINE_SINCE_CLOSE);
    return is_time &&
           (op == OP_AT_LEAST || op == OP_AT_MOST || op == OP_MORE_THAN || op == OP_LESS_THAN);
}

static enum truth test_holds(struct hearing *h, const struct subject *s, const struct fact *f,
                             const struct test *t)
{
    struct test positive = *t;
    enum truth any = TRUTH_FALSE;
    if (is_limit_of_time(s, t->op))
        return limit_holds(h, s, f, t);
    switch (t->op) {
    case OP_IS_NOT:
    case OP_NOT_IN:
        positive.op = OP_IS;
        for (size_t i = 0; i < t->n_operands; i++)
            any = truth_or(any, against(h, s, f, &positive, &t->operands[i]));
        return truth_not(any);
    case OP_IN:
        positive.op = OP_IS;
        for (size_t i = 0; i < t->n_operands; i++)
            any = truth_or(any, against(h, s, f, &positive, &t->operands[i]));
        return any;
    case OP_NEAR_TIMER:
        return truth_of(timeouts_near(&h->bench->catalogue->timeouts, f->as.number,
                                      (struct timer_wanted){t->timers, h->bench->spoken}));
    case OP_CONTAINS:
        return truth_of(contains(text_of_fact(f), t->operands[0].text, t->nocase));
    case OP_STARTS:
        return truth_of(same_text(text_slice(text_of_fact(f), 0, t->operands[0].text.n),
                                  t->operands[0].text, t->nocase));
    case OP_ENDS: {
        struct text v = text_of_fact(f), end = t->operands[0].text;
        return truth_of(v.n >= end.n && same_text(text_slice(v, v.n - end.n, v.n), end, t->nocase));
    }
    default:
        return against(h, s, f, t, &t->operands[0]);
    }
}

enum truth tests_hold(struct hearing *h, const struct subject *s, const struct fact *value,
                      const struct test *tests, size_t n)
{
    enum truth all = TRUTH_TRUE;
    for (size_t i = 0; i < n && all != TRUTH_FALSE; i++) {
        if (tests[i].op == OP_KNOWN)
            all = truth_and(all, truth_of(value->known == tests[i].operands[0].truth));
        else if (!value->known)
            all = truth_and(all, TRUTH_UNKNOWN);
        else
            all = truth_and(all, test_holds(h, s, value, &tests[i]));
    }
    return all;
}
