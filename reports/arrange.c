/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorts diagnoses for people.  Nothing is left out: every diagnosis is a member of exactly one
 * case.
 */
#include "reports/arrange.h"

#include <stdlib.h>
#include <string.h>

static const struct endpoint *server_of(const struct diagnosis *d)
{
    return &d->reset->connection->end[SIDE_SERVER].at;
}

/* Causes that are one client's doing or fate, whatever servers it met. */
static bool is_of_client(const char *cause)
{
    return strcmp(cause, "port-scan") == 0 || strcmp(cause, "backscatter") == 0;
}

/* Diagnoses that belong together stand together: one severity, rule and server. */
static int alike(const struct diagnosis *a, const struct diagnosis *b)
{
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    int order = strcmp(a->cause, b->cause);
    if (order == 0)
        order = strcmp(a->rule, b->rule);
    if (order != 0)
        return order;
    if (is_of_client(a->cause))
        return address_cmp(&a->reset->connection->end[SIDE_CLIENT].at.ip,
                           &b->reset->connection->end[SIDE_CLIENT].at.ip);
    return endpoint_cmp(server_of(a), server_of(b));
}

static int by_time(const struct diagnosis *a, const struct diagnosis *b)
{
    instant_ns x = a->reset->deciding.segment.time, y = b->reset->deciding.segment.time;
    return x < y ? -1 : x > y ? 1 : text_cmp(a->id, b->id);
}

static int member_order(const void *pa, const void *pb)
{
    const struct diagnosis *a = *(const struct diagnosis *const *)pa;
    const struct diagnosis *b = *(const struct diagnosis *const *)pb;
    int order = alike(a, b);
    if (order != 0)
        return order;
    if (a->confidence != b->confidence) /* the best proven one speaks for the case */
        return a->confidence > b->confidence ? -1 : 1;
    return by_time(a, b);
}

static int case_order(const void *pa, const void *pb)
{
    const struct arranged *a = pa, *b = pb;
    enum severity x = a->members[0]->severity, y = b->members[0]->severity;
    if (x != y)
        return x > y ? -1 : 1;
    if (a->n_members != b->n_members)
        return a->n_members > b->n_members ? -1 : 1;
    return by_time(a->members[0], b->members[0]);
}

bool arrange(const struct findings *f, struct arrangement *out)
{
    *out = (struct arrangement){0};
    size_t n = f->n_diagnoses;
    out->all = calloc(n ? n : 1, sizeof *out->all);
    out->cases = calloc(n ? n : 1, sizeof *out->cases);
    if (!out->all || !out->cases) {
        arrangement_finish(out);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        out->all[i] = &f->diagnoses[i];
        out->n_by_severity[f->diagnoses[i].severity]++;
    }
    qsort(out->all, n, sizeof *out->all, member_order);
    for (size_t i = 0; i < n; i++) {
        bool joins = out->n_cases > 0 && alike(out->all[i - 1], out->all[i]) == 0;
        if (!joins)
            out->cases[out->n_cases++].members = &out->all[i];
        out->cases[out->n_cases - 1].n_members++;
    }
    qsort(out->cases, out->n_cases, sizeof *out->cases, case_order);
    return true;
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
