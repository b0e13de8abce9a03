/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the ends of a case's members.  Nothing is judged, and nothing of the input but addresses
 * and times is shown.
 */
#include "reports/crowd.h"

#include <inttypes.h>

#include "analyzer/population/population.h"
#include "parsers/base/map.h"
#include "reports/show.h"

static void rank(struct crowd *c, const struct address *ip, uint32_t n)
{
    size_t at = c->n_top;
    while (at > 0 && c->top[at - 1].n < n)
        at--;
    if (at >= CROWD_TOP)
        return;
    c->n_top += c->n_top < CROWD_TOP;
    for (size_t i = c->n_top - 1; i > at; i--)
        c->top[i] = c->top[i - 1];
    c->top[at] = (struct crowd_end){.ip = *ip, .n = n};
}

struct counted {    /* an end by its population_number */
    uint32_t reset; /* the first that has it: index of the case's resets */
    uint32_t n;
};

/* What a member is counted by lies close together: its reset is looked at only for a new end. */
static bool count(struct map *ends, uint32_t number, uint32_t reset)
{
    bool made;
    struct counted *e = map_put(ends, &number, &made);
    if (!e)
        return false;
    if (made)
        e->reset = reset;
    e->n++;
    return true;
}

static bool count_all(const struct findings *f, const struct arranged *a, struct map *clients,
                      struct map *servers, struct crowd *out)
{
    uint32_t first = UINT32_MAX, last = 0; /* the resets of a case come in order of time */
    for (size_t i = 0; i < a->n_members; i++) {
        const uint32_t r = a->members[i]->reset;
        if (!count(clients, population_number(f->of, r, SIDE_CLIENT), r) ||
            !count(servers, population_number(f->of, r, SIDE_SERVER), r))
            return false;
        first = r < first ? r : first;
        last = r > last ? r : last;
    }
    if (a->n_members > 0) {
        out->first = f->of->resets[first]->deciding.segment.time;
        out->last = f->of->resets[last]->deciding.segment.time;
    }
    return true;
}

static const struct address *address_of(const struct findings *f, const struct counted *e,
                                        enum side side)
{
    return &reset_end(f->of->resets[e->reset], side)->ip;
}

/* Servers are numbered with their ports. */
static bool count_servers(const struct findings *f, const struct map *servers, struct crowd *out)
{
    struct map ips;
    bool good = true;
    map_init(&ips, sizeof(struct address), 0);
    for (size_t i = 0; good && i < servers->n; i++)
        good = map_put(&ips, address_of(f, map_value_at(servers, i), SIDE_SERVER), NULL) != NULL;
    out->n_servers = ips.n;
    map_finish(&ips);
    return good;
}

bool crowd_count(const struct findings *f, const struct arranged *a, struct crowd *out)
{
    struct map clients, servers;
    *out = (struct crowd){.first = INSTANT_NONE, .last = INSTANT_NONE};
    map_init(&clients, sizeof(uint32_t), sizeof(struct counted));
    map_init(&servers, sizeof(uint32_t), sizeof(struct counted));
    bool good = count_all(f, a, &clients, &servers, out) && count_servers(f, &servers, out);
    out->n_clients = clients.n;
    for (size_t i = 0; good && i < clients.n; i++) {
        const struct counted *e = map_value_at(&clients, i);
        rank(out, address_of(f, e, SIDE_CLIENT), e->n);
    }
    map_finish(&clients);
    map_finish(&servers);
    return good;
}

void crowd_tell(struct strbuf *b, const struct crowd *c)
{
    char ip[ADDRESS_TEXT_MAX];
    strbuf_str(b, "from ");
    show_count(b, c->n_clients, "client");
    if (c->n_servers > 1) {
        strbuf_str(b, " to ");
        show_count(b, c->n_servers, "server");
    }
    if (c->n_clients < 2 || c->top[0].n < 2)
        return;
    for (size_t i = 0; i < c->n_top; i++) {
        address_format(&c->top[i].ip, ip);
        strbuf_printf(b, "%s%s (%" PRIu32 ")", i == 0 ? ", most often " : ", ", ip, c->top[i].n);
    }
}
