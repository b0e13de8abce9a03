/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that name nobody, joined by who wrote them: a line that named the connection lends it to
 * the other lines of its process (and connection id, where the daemon states one).
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/record/window.h"

#define NOBODY UINT32_MAX /* the line named a connection that no capture holds */

struct point { /* where a process named a connection */
    uint64_t place;
    instant_ns time; /* as stamped */
    uint32_t record; /* or NOBODY */
    enum join join;
};

struct points {
    struct point *v;
    size_t n, cap;
};

static int compare_point(const void *x, const void *y)
{
    const struct point *a = x, *b = y;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* Everything that the group's lines named, in order of place. */
static bool collect_points(const struct correlation *c, const struct log_group *g,
                           struct points *out)
{
    out->n = 0;
    for (uint32_t i = g->last; i != LOG_NONE; i = c->index.entries.v[i].in_group) {
        const struct log_entry *e = &c->index.entries.v[i];
        const struct tie *t = tie_find(c, i);
        bool tied = t && t->join <= JOIN_ENDPOINT && !t->ambiguous;
        if (!tied && (t || !e->names || !e->event->client.port))
            continue;
        if (!vec_reserve(out, out->n + 1))
            return false;
        out->v[out->n++] = (struct point){log_place(e->event), e->event->time,
                                          tied ? t->record : NOBODY, tied ? t->join : JOIN_PID};
    }
    for (uint32_t i = g->last_mark; i != LOG_NONE; i = c->index.marks.v[i].before) {
        if (!vec_reserve(out, out->n + 1))
            return false;
        out->v[out->n++] =
            (struct point){c->index.marks.v[i].place, c->index.marks.v[i].time, NOBODY, JOIN_PID};
    }
    if (out->n)
        qsort(out->v, out->n, sizeof *out->v, compare_point);
    return true;
}

static uint32_t talk_id(const struct correlation *c, const struct point *p)
{
    return p->record == NOBODY ? NOBODY : c->roster.talk[p->record];
}

static bool all_one(const struct correlation *c, const struct points *p)
{
    for (size_t i = 1; i < p->n; i++)
        if (talk_id(c, &p->v[i]) != talk_id(c, &p->v[0]))
            return false;
    return true;
}

/* One process a connection, or a connection id: the neighbour's connection is this line's.  Long
 * workers that serve many are trusted only where they named a single one. */
static bool one_at_a_time(const struct log_group *g)
{
    return g->by_id || g->writer == WRITER_SSHD || g->writer == WRITER_SFTP ||
           g->writer == WRITER_POSTGRES;
}

static bool lives(const struct correlation *c, uint32_t entry, const struct point *p)
{
    if (p->record == NOBODY)
        return false;
    struct talk t = roster_talk(&c->roster, p->record);
    struct when w = when_of(c, entry);
    return w.high >= t.first - WINDOW_BRIDGED_BEFORE_NS &&
           w.low <= t.last + WINDOW_BRIDGED_AFTER_NS;
}

static instant_ns apart(instant_ns a, instant_ns b)
{
    if (a == INSTANT_NONE || b == INSTANT_NONE)
        return 0;
    return a > b ? a - b : b - a;
}

/* What ended bore its id before: "client door already connected, closing old connection" stands
 * right before the line by which door's next connection is named. */
static bool ended_before(const struct log_group *g, const struct event *e)
{
    return g->by_id &&
           (e->claim == CLAIM_ENDED || e->claim == CLAIM_TIMEOUT || e->claim == CLAIM_RESET);
}

/* The naming line that lends its connection to the entry, or NULL. */
static const struct point *lender(const struct correlation *c, const struct log_group *g,
                                  const struct points *p, uint32_t entry)
{
    const struct event *e = c->index.entries.v[entry].event;
    size_t after = 0;
    while (after < p->n && p->v[after].place < log_place(e))
        after++;
    const struct point *prev = after ? &p->v[after - 1] : NULL;
    const struct point *next = after < p->n ? &p->v[after] : NULL;
    if (!prev || !next || talk_id(c, prev) == talk_id(c, next)) {
        const struct point *only = prev ? prev : next;
        bool sure = one_at_a_time(g) || all_one(c, p);
        return only && sure && lives(c, entry, only) ? only : NULL;
    }
    if (!one_at_a_time(g))
        return NULL;
    if (ended_before(g, e))
        return lives(c, entry, prev) ? prev : NULL;
    instant_ns to_prev = apart(e->time, prev->time), to_next = apart(next->time, e->time);
    if (to_next * 4 < to_prev)
        return lives(c, entry, next) ? next : NULL;
    if (to_prev * 4 < to_next)
        return lives(c, entry, prev) ? prev : NULL;
    bool a = lives(c, entry, prev), b = lives(c, entry, next);
    return a == b ? NULL : a ? prev : next;
}

/* Lines that could be lent a connection: those that name nobody, or an address without a port. */
static bool wants_bridge(const struct correlation *c, uint32_t entry)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    bool bare = !e->names || (!e->event->client.port && e->writer == WRITER_SSHD);
    return bare && !c->tie_of.v[entry] && e->event->scope == SCOPE_CONNECTION;
}

static bool lend(struct correlation *c, uint32_t entry, const struct point *p)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    if (e->names && record_fit(c, e->event, p->record) == FIT_NO)
        return true; /* it names somebody else */
    struct tie t = {.entry = entry,
                    .record = p->record,
                    .join = JOIN_PID,
                    .bridge = p->join,
                    .bridge_place = p->place};
    t.side = side_of(c, entry, p->record);
    return tie_add(c, &t);
}

static bool bridge_group(struct correlation *c, const struct log_group *g, struct points *p)
{
    if (!collect_points(c, g, p))
        return false;
    if (!p->n)
        return true;
    for (uint32_t i = g->last; i != LOG_NONE; i = c->index.entries.v[i].in_group) {
        if (!wants_bridge(c, i))
            continue;
        const struct point *from = lender(c, g, p, i);
        if (from && !lend(c, i, from))
            return false;
    }
    return true;
}

/* A line of the listener about a child that it names: "... from A to B, pid = N". */
static bool bridge_child(struct correlation *c, uint32_t entry, struct points *p)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    uint64_t pid;
    if (e->writer != WRITER_SSHD || c->tie_of.v[entry] || e->event->client.port ||
        !text_to_u64(event_field(e->event, "pid"), &pid) || pid > UINT32_MAX)
        return true;
    uint32_t group = log_index_process(&c->index, e->domain, WRITER_SSHD, (uint32_t)pid);
    if (group == LOG_NONE)
        return true;
    const struct log_group *g = &c->index.groups.v[group];
    if (!collect_points(c, g, p))
        return false;
    const struct point *from = p->n ? lender(c, g, p, entry) : NULL;
    return !from || lend(c, entry, from);
}

bool join_bridged(struct correlation *c)
{
    struct points p = {0};
    bool good = true;
    for (uint32_t i = 0; i < c->index.entries.n && good; i++)
        good = bridge_child(c, i, &p);
    for (size_t i = 0; i < c->index.groups.n && good; i++)
        good = bridge_group(c, &c->index.groups.v[i], &p);
    vec_finish(&p);
    return good;
}
