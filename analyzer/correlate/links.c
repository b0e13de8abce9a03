/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ties turned round: for each reset the lines that belong to it, strongest join first, then nearest
 * in time.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"

#define LINKS_A_RESET 1024 /* a client's thousand lines on one connection; the rest is counted */

struct pending {
    const struct reset *reset;
    struct link link;
    bool by_leg; /* the line names the connection's other leg */
};

struct pendings {
    struct pending *v;
    size_t n, cap;
};

static instant_ns size_of(instant_ns t)
{
    return t < 0 ? -t : t;
}

static int compare_pending(const void *x, const void *y)
{
    const struct pending *a = x, *b = y;
    if (a->reset != b->reset)
        return a->reset->id != b->reset->id ? (a->reset->id < b->reset->id ? -1 : 1)
               : a->reset < b->reset        ? -1
                                            : 1;
    double sa = join_strength(a->link.join), sb = join_strength(b->link.join);
    if (sa != sb)
        return sa > sb ? -1 : 1;
    instant_ns ta = size_of(a->link.offset_ns), tb = size_of(b->link.offset_ns);
    if (ta != tb)
        return ta < tb ? -1 : 1;
    const struct event *ea = a->link.event, *eb = b->link.event;
    if (ea->source != eb->source)
        return ea->source < eb->source ? -1 : 1;
    return ea->line < eb->line ? -1 : ea->line > eb->line;
}

static bool add_link(struct correlation *c, const struct tie *t, const struct reset *r,
                     uint32_t record, struct pendings *out)
{
    if (!vec_reserve(out, out->n + 1))
        return false;
    const struct event *e = c->index.entries.v[t->entry].event;
    const struct segment *packet = packet_of_line(e, r);
    if (packet && !(packet = arena_copy(&c->arena, packet, sizeof *packet)))
        return false; /* the connection may be forgotten, see reset_connection */
    instant_ns at = corrected_time(c, t->entry);
    instant_ns rst = roster_time(&c->roster, record, r->deciding.segment.time);
    out->v[out->n++] = (struct pending){.reset = r,
                                        .link = {.event = e,
                                                 .join = t->join,
                                                 .bridge = t->bridge,
                                                 .bridge_line = log_place_line(t->bridge_place),
                                                 .bridge_source = log_place_source(t->bridge_place),
                                                 .side = t->side,
                                                 .offset_ns = at == INSTANT_NONE ? 0 : at - rst,
                                                 .uncertainty_ns = uncertainty_of(c, t->entry),
                                                 .ambiguous = t->ambiguous,
                                                 .packet = packet,
                                                 .by_request = t->by_request,
                                                 .by_session = t->by_session,
                                                 .recognised = e->kind.n > 0}};
    host_names_origin(c, &out->v[out->n - 1].link);
    return true;
}

/* The reset of another record of the connection that is the same as the tie's: the nearest. */
static const struct reset *counterpart(const struct correlation *c, const struct tie *t,
                                       uint32_t record)
{
    const struct roster *r = &c->roster;
    const instant_ns at = roster_time(r, t->record, t->reset->deciding.segment.time);
    const struct reset *best = NULL;
    instant_ns best_far = 0;
    for (uint32_t k = r->reset_from[record]; k < r->reset_from[record + 1]; k++) {
        const instant_ns far =
            size_of(roster_time(r, record, r->reset_at[k]->deciding.segment.time) - at);
        if (!best || far < best_far) {
            best = r->reset_at[k];
            best_far = far;
        }
    }
    return best;
}

/* A tie to one reset holds in every capture of it. */
static bool expand_one(struct correlation *c, const struct tie *t, struct pendings *out)
{
    const struct roster *r = &c->roster;
    for (uint32_t i = r->talk[t->record]; i != ROSTER_NONE; i = r->next[i]) {
        const struct reset *of = i == t->record ? t->reset : counterpart(c, t, i);
        if (of && !add_link(c, t, of, i, out))
            return false;
    }
    return true;
}

static bool expand(struct correlation *c, const struct tie *t, struct pendings *out)
{
    const struct roster *r = &c->roster;
    if (t->reset)
        return t->wide ? add_link(c, t, t->reset, t->record, out) : expand_one(c, t, out);
    for (uint32_t i = r->talk[t->record]; i != ROSTER_NONE; i = r->next[i])
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++)
            if (!add_link(c, t, r->reset_at[k], i, out))
                return false;
    return true;
}

/* A proxy's line about one of its two connections comes from the process that held the other. */
static bool lend_to_leg(struct pendings *out, size_t i, const struct leg *leg)
{
    if (!vec_reserve(out, out->n + 1))
        return false;
    struct pending lent = out->v[i];
    bool to_backend =
        reset_connection(lent.reset)->first_time <= reset_connection(leg->reset)->first_time;
    lent.link.offset_ns +=
        lent.reset->deciding.segment.time - leg->reset->deciding.segment.time; /* one capture */
    lent.link.bridge = lent.link.join;
    lent.link.bridge_line = lent.link.event->line;
    lent.link.bridge_source = lent.link.event->source;
    lent.link.join = JOIN_PID;
    lent.link.packet = NULL;
    lent.link.side = to_backend ? SIDE_CLIENT : SIDE_SERVER;
    lent.reset = leg->reset;
    lent.by_leg = true;
    out->v[out->n++] = lent;
    return true;
}

static bool lend_all(struct pendings *out)
{
    for (size_t i = 0, n = out->n; i < n; i++) {
        const struct reset *r = out->v[i].reset;
        enum join j = out->v[i].link.join;
        bool named = j == JOIN_TUPLE || j == JOIN_ENDPOINT;
        for (size_t k = 0; named && k < reset_ties(r)->n_legs; k++)
            if (reset_ties(r)->legs[k].by == LEG_PROXY && reset_ties(r)->legs[k].reset &&
                !out->v[i].link.ambiguous && !lend_to_leg(out, i, &reset_ties(r)->legs[k]))
                return false;
    }
    return true;
}

/* Whether the reset has the line already, by its own name; v is its first. */
static bool is_known(const struct pending *v, const struct pending *p)
{
    for (; p->by_leg && v < p; v++)
        if (v->link.event == p->link.event)
            return true;
    return false;
}

static bool publish(struct correlation *c, const struct pendings *p)
{
    if (!vec_reserve(&c->links, p->n + 1))
        return false;
    for (size_t i = 0, k; i < p->n; i = k) {
        struct linked_reset *at = map_put(&c->reset_links, &p->v[i].reset, NULL);
        if (!at)
            return false;
        *at = (struct linked_reset){.reset = p->v[i].reset, .from = (uint32_t)c->links.n};
        for (k = i; k < p->n && p->v[k].reset == p->v[i].reset; k++) {
            if (k - i >= LINKS_A_RESET) {
                flaws_add(&c->index.dropped, "links.too-many", p->v[k].link.event->line);
                continue;
            }
            if (!is_known(&p->v[i], &p->v[k]))
                c->links.v[c->links.n++] = p->v[k].link;
        }
        at->n = (uint32_t)c->links.n - at->from;
    }
    return true;
}

bool links_build(struct correlation *c)
{
    struct pendings p = {0};
    bool good = true;
    for (size_t i = 0; i < c->ties.n && good; i++)
        good = expand(c, &c->ties.v[i], &p);
    good = good && lend_all(&p);
    if (p.n)
        qsort(p.v, p.n, sizeof *p.v, compare_pending);
    good = good && publish(c, &p);
    vec_finish(&p);
    return good;
}

const struct link *case_links(const struct case_file *c, const struct reset *r, size_t *n)
{
    const struct linked_reset *at =
        c->correlation ? map_get(&c->correlation->reset_links, &r) : NULL;
    *n = at ? at->n : 0;
    return at ? c->correlation->links.v + at->from : NULL;
}
