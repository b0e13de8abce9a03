/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/vantage/glimpses.h"

#include <stdlib.h>

struct glimpse_list { /* by capture */
    struct glimpse *v;
    uint32_t n;
};

bool glimpses_init(struct glimpses *g, const struct case_file *c, const struct roster *r)
{
    *g = (struct glimpses){.c = c, .r = r};
    map_init(&g->hosts, sizeof(uint32_t), sizeof(struct glimpse_list));
    arena_init(&g->arena, NULL);
    for (uint32_t i = 0; i < c->n_captures; i++)
        g->n_captures += case_series(c, i) == i;
    g->asked = arena_array(&g->arena, c->n_captures + 1, sizeof *g->asked);
    return g->asked != NULL;
}

void glimpses_finish(struct glimpses *g)
{
    map_finish(&g->hosts);
    arena_finish(&g->arena);
}

static int compare_capture(const void *x, const void *y)
{
    const struct glimpse *a = x, *b = y;
    return a->capture < b->capture ? -1 : a->capture > b->capture;
}

/* mark: another one for each list, not 0. */
static struct glimpse_list list_of(struct glimpses *g, struct roster_range of, uint32_t mark)
{
    struct glimpse_list list = {0};
    uint32_t most = of.to - of.from < g->n_captures ? of.to - of.from : g->n_captures;
    list.v = arena_array(&g->arena, (size_t)most + 1, sizeof *list.v);
    for (uint32_t i = of.from; list.v && i < of.to && list.n < most; i++) {
        const uint32_t entry = g->r->by_address[i];
        const struct connection_record *rec = &g->r->records[roster_record(entry)];
        const enum side as = roster_side(entry);
        const uint32_t capture = case_series(g->c, rec->capture);
        if (!rec->ttl[as] || g->asked[capture] == mark)
            continue;
        g->asked[capture] = mark;
        list.v[list.n++] = (struct glimpse){capture, rec->ttl[as], (uint8_t)as};
    }
    if (list.n > 1)
        qsort(list.v, list.n, sizeof *list.v, compare_capture);
    return list;
}

struct glimpse glimpse_of(struct glimpses *g, const struct address *ip, uint32_t capture)
{
    const struct glimpse none = {.capture = capture};
    const struct roster_range range = roster_address(g->r, ip);
    bool made;
    struct glimpse_list *list =
        range.from < range.to ? map_put(&g->hosts, &range.from, &made) : NULL;
    if (!list)
        return none;
    if (made)
        *list = list_of(g, range, (uint32_t)g->hosts.n);
    const struct glimpse *found =
        list->n ? bsearch(&none, list->v, list->n, sizeof none, compare_capture) : NULL;
    return found ? *found : none;
}
