/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/correlate/turns.h"

#include <stdlib.h>
#include <string.h>

#define TOGETHER_NS (NS_PER_S / 20) /* one process's sockets are closed within so much */
#define SERVED_MAX 4096             /* connections of one service looked at */
#define TURNS_MAX 4096

struct visit { /* one connection of a service */
    struct endpoint server;
    instant_ns opened, ended; /* ended: by anyone, or the last that was seen of it */
    bool refused, accepted, by_server;
};

static int compare_visit(const void *x, const void *y)
{
    const struct visit *a = x, *b = y;
    int order = endpoint_cmp(&a->server, &b->server);
    if (order)
        return order;
    if (a->opened != b->opened)
        return a->opened < b->opened ? -1 : 1;
    return a->ended < b->ended ? -1 : a->ended > b->ended;
}

static int compare_ended(const void *x, const void *y)
{
    const struct visit *a = x, *b = y;
    return a->ended < b->ended ? -1 : a->ended > b->ended;
}

static instant_ns first_of(instant_ns a, instant_ns b)
{
    if (a == INSTANT_NONE || b == INSTANT_NONE)
        return a == INSTANT_NONE ? b : a;
    return a < b ? a : b;
}

static struct visit visit_of(const struct roster *r, uint32_t record)
{
    const struct connection_record *c = &r->records[record];
    struct talk t = roster_talk(r, record);
    instant_ns client_fin = roster_time(r, record, c->fin_time[SIDE_CLIENT]);
    instant_ns server_end = roster_time(r, record, c->fin_time[SIDE_SERVER]);
    if (record_saw_rst(c, SIDE_SERVER))
        server_end = first_of(server_end, t.rst);
    instant_ns ended = first_of(t.rst, t.fin);
    struct visit v = {.server = c->server, .opened = t.opened};
    v.ended = ended == INSTANT_NONE ? t.last : ended;
    v.accepted = t.handshake || c->synack_time != INSTANT_NONE;
    v.refused = !v.accepted && !c->began_mid_stream && record_saw_rst(c, SIDE_SERVER);
    v.by_server = server_end != INSTANT_NONE && server_end <= v.ended &&
                  (client_fin == INSTANT_NONE || server_end < client_fin);
    return v;
}

static bool add_turn(struct turns *out, const struct turn *t)
{
    if (out->n >= TURNS_MAX)
        return true;
    if (!vec_reserve(out, out->n + 1))
        return false;
    out->v[out->n++] = *t;
    return true;
}

/* From accepting to refusing and back, in order of opening. */
static bool find_changes(const struct visit *v, size_t n, struct turns *out)
{
    const struct visit *last = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!v[i].accepted && !v[i].refused)
            continue;
        if (last && last->accepted != v[i].accepted &&
            !add_turn(out, &(struct turn){.server = v[i].server,
                                          .up = v[i].accepted,
                                          .from = last->opened,
                                          .to = v[i].opened}))
            return false;
        last = &v[i];
    }
    return true;
}

/* Whether a connection that was open through all of it lived on. */
static bool any_outlives(const struct visit *v, size_t n, instant_ns from, instant_ns to)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].accepted && v[i].opened < from && v[i].ended > to)
            return true;
    return false;
}

/* Ends by the server within an instant, of all that it had.  v is in order of ending. */
static bool find_ends(const struct visit *v, size_t n, struct turns *out)
{
    for (size_t i = 0, k; i < n; i = k) {
        k = i + 1;
        if (!v[i].accepted || !v[i].by_server)
            continue;
        size_t together = 1;
        instant_ns to = v[i].ended;
        for (; k < n && v[k].ended - to <= TOGETHER_NS; k++) {
            if (!v[k].accepted || !v[k].by_server)
                continue;
            together++;
            to = v[k].ended;
        }
        if (together >= 2 && !any_outlives(v, n, v[i].ended, to) &&
            !add_turn(out, &(struct turn){
                               .server = v[i].server, .whole = true, .from = v[i].ended, .to = to}))
            return false;
    }
    return true;
}

/* An end of everything at once says better when the service went down than the first refusal. */
static void sharpen(struct turns *t, size_t from)
{
    for (size_t i = from; i < t->n; i++)
        for (size_t k = from; k < t->n && t->v[i].whole; k++) {
            struct turn *o = &t->v[k];
            if (o->whole || o->up || t->v[i].from < o->from || t->v[i].to > o->to)
                continue;
            o->from = t->v[i].from;
            o->to = t->v[i].to;
            o->whole = true;
            t->v[i--] = t->v[--t->n];
            break;
        }
}

static bool find_of_service(struct visit *v, size_t n, struct turns *out)
{
    size_t from = out->n;
    if (n < 2)
        return true;
    n = n < SERVED_MAX ? n : SERVED_MAX;
    if (!find_changes(v, n, out))
        return false;
    qsort(v, n, sizeof *v, compare_ended);
    if (!find_ends(v, n, out))
        return false;
    sharpen(out, from);
    return true;
}

bool turns_find(const struct roster *r, struct turns *out)
{
    struct visit *v = calloc((size_t)r->n + 1, sizeof *v);
    size_t n = 0;
    bool good = v != NULL;
    for (uint32_t i = 0; good && i < r->n; i++)
        if (r->talk[i] == i)
            v[n++] = visit_of(r, i);
    if (n)
        qsort(v, n, sizeof *v, compare_visit);
    for (size_t i = 0, k; good && i < n; i = k) {
        for (k = i; k < n && endpoint_cmp(&v[k].server, &v[i].server) == 0; k++)
            ;
        good = find_of_service(v + i, k - i, out);
    }
    free(v);
    return good;
}
