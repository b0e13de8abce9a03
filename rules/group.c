/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: findings.  Out: groups of one cause at one place that show a pattern together: within one
 * instant, after the same silence, after the same bytes, one scan, or simply again and again.
 */
#include <stdlib.h>
#include <string.h>

#include "parsers/base/vec.h"
#include "rules/findings.h"

#define LEAST_MEMBERS 3
#define INSTANT_GAP NS_PER_S          /* same-instant: between neighbours in time */
#define SILENCE_LEAST (2 * NS_PER_S)  /* same-idle: shorter pauses are everyday */
#define SILENCE_WITHIN (NS_PER_S / 2) /* same-idle: or 2 % of it */

struct member { /* a finding with what its pattern compares */
    const struct finding *d;
    const struct reset *reset;
    struct endpoint at;
    int64_t x, y;
};

struct pattern {
    const char *name;
    bool by_server;
    bool (*applies)(struct member *m); /* fills x and y */
    bool (*continues)(const struct member *first, const struct member *last,
                      const struct member *next);
};

typedef VEC(struct group) group_list;

static bool by_instant(struct member *m)
{
    m->x = m->reset->deciding.segment.time;
    return m->x != INSTANT_NONE;
}

static bool same_instant(const struct member *first, const struct member *last,
                         const struct member *next)
{
    (void)first;
    const instant_ns apart = instant_since(next->x, last->x);
    return apart != INSTANT_NONE && apart <= INSTANT_GAP;
}

static bool by_silence(struct member *m)
{
    m->x = m->reset->idle_before_ns;
    return m->x != INSTANT_NONE && m->x >= SILENCE_LEAST;
}

static bool same_silence(const struct member *first, const struct member *last,
                         const struct member *next)
{
    (void)last;
    int64_t within = first->x / 50 > SILENCE_WITHIN ? first->x / 50 : SILENCE_WITHIN;
    return next->x - first->x <= within;
}

static bool by_bytes(struct member *m)
{
    m->x = (int64_t)reset_bytes(m->reset, SIDE_CLIENT);
    m->y = (int64_t)reset_bytes(m->reset, SIDE_SERVER);
    return m->x > 0 && m->y > 0;
}

static bool same_bytes(const struct member *first, const struct member *last,
                       const struct member *next)
{
    (void)last;
    return first->x == next->x && first->y == next->y;
}

static bool by_scan(struct member *m)
{
    m->at.port = 0;
    return strcmp(m->d->cause, "port-scan") == 0;
}

static bool by_place(struct member *m)
{
    (void)m;
    return true;
}

static bool anything(const struct member *first, const struct member *last,
                     const struct member *next)
{
    (void)first, (void)last, (void)next;
    return true;
}

static const struct pattern patterns[] = {
    {"same-instant", true, by_instant, same_instant}, {"same-idle", true, by_silence, same_silence},
    {"same-bytes", true, by_bytes, same_bytes},       {"scan", false, by_scan, anything},
    {"repeated", true, by_place, anything},
};

static int compare_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_key(const void *a, const void *b)
{
    const struct member *p = a, *q = b;
    int order = strcmp(p->d->cause, q->d->cause);
    if (!order)
        order = endpoint_cmp(&p->at, &q->at);
    if (!order)
        order = compare_numbers(p->x, q->x);
    if (!order)
        order = compare_numbers(p->y, q->y);
    return order ? order : (p->d < q->d ? -1 : p->d > q->d); /* one array: its order */
}

static int by_order(const void *a, const void *b)
{
    const struct finding *const *p = a, *const *q = b;
    return *p < *q ? -1 : *p > *q;
}

/* "repeated" adds nothing where a sharper pattern holds the very same members. */
static bool told_already(const group_list *groups, const struct member *first, size_t n)
{
    for (size_t i = 0; i < groups->n; i++)
        if (groups->v[i].n_members == n && groups->v[i].cause == first->d->cause &&
            groups->v[i].by_server && endpoint_eq(&groups->v[i].at, &first->at))
            return true;
    return false;
}

static bool emit(const struct findings *f, group_list *groups, const struct pattern *p,
                 const struct member *run, size_t n, struct arena *a)
{
    if (n < LEAST_MEMBERS || (p->applies == by_place && told_already(groups, run, n)))
        return true;
    const struct finding **members = arena_array(a, n, sizeof *members);
    struct group *g = members ? vec_push(groups) : NULL;
    if (!g)
        return false;
    for (size_t i = 0; i < n; i++)
        members[i] = run[i].d;
    qsort(members, n, sizeof *members, by_order);
    *g = (struct group){.cause = run->d->cause,
                        .pattern = p->name,
                        .by_server = p->by_server,
                        .at = run->at,
                        .first = finding_time(f, members[0]),
                        .last = finding_time(f, members[n - 1]),
                        .members = members,
                        .n_members = n};
    return true;
}

static bool find_pattern(const struct findings *f, const struct pattern *p, struct member *v,
                         group_list *groups, struct arena *a)
{
    size_t n = 0;
    enum side side = p->by_server ? SIDE_SERVER : SIDE_CLIENT;
    for (size_t i = 0; i < f->n; i++) {
        struct member *m = &v[n];
        *m = (struct member){.d = &f->v[i], .reset = finding_reset(f, &f->v[i])};
        m->at = *reset_end(m->reset, side);
        n += p->applies(m);
    }
    qsort(v, n, sizeof *v, by_key);
    for (size_t first = 0, i = 1; i <= n; i++) {
        if (i < n && v[i].d->cause == v[first].d->cause && endpoint_eq(&v[i].at, &v[first].at) &&
            p->continues(&v[first], &v[i - 1], &v[i]))
            continue;
        if (!emit(f, groups, p, &v[first], i - first, a))
            return false;
        first = i;
    }
    return true;
}

bool findings_group(const struct findings *f, struct arena *a, struct groups *out)
{
    struct member *v = calloc(f->n + 1, sizeof *v);
    group_list groups = {0};
    bool good = v != NULL;
    *out = (struct groups){0};
    for (size_t i = 0; good && i < sizeof patterns / sizeof *patterns; i++)
        good = find_pattern(f, &patterns[i], v, &groups, a);
    if (good && groups.n) {
        out->v = arena_copy(a, groups.v, groups.n * sizeof *groups.v);
        out->n = out->v ? groups.n : 0;
        good = out->v != NULL;
    }
    free(groups.v);
    free(v);
    return good;
}
