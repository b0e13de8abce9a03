/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorts findings for people.  Nothing is left out: every finding is a member of exactly one
 * case.
 */
#include "reports/arrange.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/population.h"
#include "parsers/base/map.h"

/* Causes that are one client's doing or fate, whatever servers it met. */
static bool is_of_client(const char *cause)
{
    return strcmp(cause, "port-scan") == 0 || strcmp(cause, "backscatter") == 0;
}

/* What the members of a case share: severity, cause, rule and server (or client). */
struct case_key {
    const char *cause, *rule; /* each name stands once in memory */
    uint32_t severity, end;   /* see population_number */
};

_Static_assert(sizeof(struct case_key) == 2 * sizeof(char *) + 2 * sizeof(uint32_t),
               "it is compared byte by byte");

struct sorting {
    const struct findings *f;
    struct map cases;  /* struct case_key -> uint32_t: its number */
    uint32_t *case_of; /* by finding */
    const char *last;  /* the cause asked about last, and what came of it */
    bool last_is_of_client;
};

static void write_key(struct sorting *s, const struct finding *x, struct case_key *k)
{
    if (x->cause != s->last) {
        s->last = x->cause;
        s->last_is_of_client = is_of_client(x->cause);
    }
    const enum side side = s->last_is_of_client ? SIDE_CLIENT : SIDE_SERVER;
    *k = (struct case_key){.cause = x->cause,
                           .rule = x->rule,
                           .severity = x->severity,
                           .end = population_number(s->f->of, x->reset, side)};
}

/* Of some findings, which begin at that one. */
static bool number_some(struct sorting *s, struct map_ahead *cases, size_t from,
                        struct arrangement *out)
{
    struct case_key keys[MAP_AHEAD];
    for (size_t i = 0; i < cases->n; i++) {
        write_key(s, &s->f->v[from + i], &keys[i]);
        cases->key[i] = &keys[i];
    }
    map_look_ahead(cases);
    for (size_t i = 0; i < cases->n; i++) {
        bool made;
        uint32_t *number = map_put_ahead(cases, i, &made);
        if (!number)
            return false;
        if (made)
            *number = (uint32_t)out->n_cases++;
        s->case_of[from + i] = *number;
        out->n_by_severity[s->f->v[from + i].severity]++;
    }
    return true;
}

static bool number_cases(struct sorting *s, struct arrangement *out)
{
    struct map_ahead cases = {.in = &s->cases};
    for (size_t i = 0; i < s->f->n; i += cases.n) {
        cases.n = s->f->n - i < MAP_AHEAD ? s->f->n - i : MAP_AHEAD;
        if (!number_some(s, &cases, i, out))
            return false;
    }
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
    if (!s->case_of || !out->all || !number_cases(s, out))
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

bool arrange(const struct findings *f, struct arrangement *out)
{
    struct sorting s = {.f = f, .case_of = malloc((f->n + 1) * sizeof *s.case_of)};
    *out = (struct arrangement){.all = malloc((f->n + 1) * sizeof *out->all)};
    map_init(&s.cases, sizeof(struct case_key), sizeof(uint32_t));
    bool good = sort_out(&s, out);
    map_finish(&s.cases);
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
