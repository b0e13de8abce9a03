/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorts findings for people.  Nothing is left out: every finding is a member of exactly one
 * case.
 */
#include "reports/arrange.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/population/population.h"
#include "parsers/base/vec.h"

/* Causes that are one client's doing or fate, whatever servers it met. */
static bool is_of_client(const char *cause)
{
    return strcmp(cause, "port-scan") == 0 || strcmp(cause, "backscatter") == 0;
}

struct label { /* what the members of a case share, besides their server (or client) */
    const char *cause, *rule; /* each name stands once in memory */
    enum severity severity;
    uint32_t next; /* 1 + another case of the same end, 0: none */
};

struct sorting {
    const struct findings *f;
    VEC(struct label) labels; /* by number of the case */
    uint32_t *newest[2];      /* by side, then by population_number: 1 + a case of that end, or 0 */
    uint32_t *case_of;        /* by finding */
    const char *last;         /* the cause asked about last, and what came of it */
    enum side last_side;
};

/* The end that the members of such a case share. */
static enum side shared_end(struct sorting *s, const char *cause)
{
    if (cause != s->last) {
        s->last = cause;
        s->last_side = is_of_client(cause) ? SIDE_CLIENT : SIDE_SERVER;
    }
    return s->last_side;
}

static bool fits(const struct label *l, const struct finding *x)
{
    return l->cause == x->cause && l->rule == x->rule && l->severity == x->severity;
}

/* 1 + the number of the finding's case, a new one if it is the first of it; 0: no memory. */
static uint32_t case_for(struct sorting *s, const struct finding *x)
{
    const enum side side = shared_end(s, x->cause);
    uint32_t *newest = &s->newest[side][population_number(s->f->of, x->reset, side)];
    for (uint32_t i = *newest; i > 0; i = s->labels.v[i - 1].next)
        if (fits(&s->labels.v[i - 1], x))
            return i;
    struct label *l = vec_push(&s->labels);
    if (!l)
        return 0;
    *l = (struct label){x->cause, x->rule, x->severity, *newest};
    return *newest = (uint32_t)s->labels.n;
}

static bool number_cases(struct sorting *s, struct arrangement *out)
{
    for (size_t i = 0; i < s->f->n; i++) {
        const struct finding *x = &s->f->v[i];
        const uint32_t number = case_for(s, x);
        if (number == 0)
            return false;
        s->case_of[i] = number - 1;
        out->n_by_severity[x->severity]++;
    }
    out->n_cases = s->labels.n;
    return true;
}

/* Each case gets its stretch of all, filled in order of time. */
static void deal(const struct sorting *s, struct arrangement *out)
{
    for (size_t i = 0; i < s->f->n; i++)
        out->cases[s->case_of[i]].n_members++;
    const struct finding **at = out->all;
    for (size_t i = 0; i < out->n_cases; i++) {
        out->cases[i].members = at;
        at += out->cases[i].n_members;
        out->cases[i].n_members = 0;
    }
    for (size_t i = 0; i < s->f->n; i++) {
        struct arranged *c = &out->cases[s->case_of[i]];
        c->members[c->n_members++] = &s->f->v[i];
    }
}

/* The best proven one speaks for the case; of equals the first in time. */
static int member_order(const void *pa, const void *pb)
{
    const struct finding *a = *(const struct finding *const *)pa;
    const struct finding *b = *(const struct finding *const *)pb;
    if (a->confidence != b->confidence)
        return a->confidence > b->confidence ? -1 : 1;
    return a < b ? -1 : a > b; /* one array: its order */
}

static void sort_members(struct arranged *c)
{
    for (size_t i = 1; i < c->n_members; i++)
        if (c->members[i - 1]->confidence < c->members[i]->confidence) {
            qsort(c->members, c->n_members, sizeof *c->members, member_order);
            return;
        }
}

static int case_order(const void *pa, const void *pb)
{
    const struct arranged *a = pa, *b = pb;
    enum severity x = a->members[0]->severity, y = b->members[0]->severity;
    if (x != y)
        return x > y ? -1 : 1;
    if (a->n_members != b->n_members)
        return a->n_members > b->n_members ? -1 : 1;
    return a->members[0] < b->members[0] ? -1 : a->members[0] > b->members[0];
}

static bool sort_out(struct sorting *s, struct arrangement *out)
{
    if (!number_cases(s, out))
        return false;
    out->cases = calloc(out->n_cases + 1, sizeof *out->cases);
    if (!out->cases)
        return false;
    deal(s, out);
    for (size_t i = 0; i < out->n_cases; i++)
        sort_members(&out->cases[i]);
    qsort(out->cases, out->n_cases, sizeof *out->cases, case_order);
    return true;
}

static bool make_room(struct sorting *s, struct arrangement *out)
{
    s->case_of = malloc((s->f->n + 1) * sizeof *s->case_of);
    out->all = malloc((s->f->n + 1) * sizeof *out->all);
    bool good = s->case_of && out->all;
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        const size_t n = s->f->n > 0 ? population_n_numbers(s->f->of, (enum side)side) : 0;
        s->newest[side] = calloc(n + 1, sizeof *s->newest[side]);
        good = good && s->newest[side];
    }
    return good;
}

bool arrange(const struct findings *f, struct arrangement *out)
{
    struct sorting s = {.f = f};
    *out = (struct arrangement){0};
    bool good = make_room(&s, out) && sort_out(&s, out);
    vec_finish(&s.labels);
    free(s.newest[SIDE_CLIENT]);
    free(s.newest[SIDE_SERVER]);
    free(s.case_of);
    if (!good)
        arrangement_finish(out);
    return good;
}

void arrangement_finish(struct arrangement *a)
{
    free(a->all);
    free(a->cases);
    *a = (struct arrangement){0};
}

static unsigned rank_of(const struct evidence *e)
{
    return e->kind == SOURCE_LOG ? 1 : e->kind == SOURCE_HOST ? 2 : 0;
}

static uint64_t frame_of(const struct diagnosis *d, const struct evidence *e)
{
    return e->frame ? e->frame : reset_frame(d->reset);
}

bool evidence_same_frame(const struct diagnosis *d, const struct evidence *a,
                         const struct evidence *b)
{
    return rank_of(a) == 0 && rank_of(b) == 0 && a->capture == b->capture &&
           frame_of(d, a) == frame_of(d, b);
}

static bool is_later(const struct evidence *a, const struct evidence *b)
{
    return a->link && b->link && a->link->offset_ns != INSTANT_NONE &&
           b->link->offset_ns != INSTANT_NONE && a->link->offset_ns > b->link->offset_ns;
}

/* Where e goes among out[0..n): behind its frame's other statements, or behind its kind. */
static size_t place_of(const struct diagnosis *d, const struct evidence *const *out, size_t n,
                       const struct evidence *e)
{
    for (size_t i = n; i > 0; i--)
        if (evidence_same_frame(d, out[i - 1], e))
            return i;
    size_t at = n;
    while (at > 0 && (rank_of(out[at - 1]) > rank_of(e) || is_later(out[at - 1], e)))
        at--;
    return at;
}

size_t arrange_evidence(const struct diagnosis *d, bool all,
                        const struct evidence *out[EVIDENCE_SHOWN])
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_evidence && n < EVIDENCE_SHOWN; i++) {
        if (d->evidence[i].is_stated && !all)
            continue;
        size_t at = place_of(d, out, n, &d->evidence[i]);
        memmove(out + at + 1, out + at, (n - at) * sizeof *out);
        out[at] = &d->evidence[i];
        n++;
    }
    return n;
}
