/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the ends of a case's members.  Nothing is judged, and nothing of the input but addresses
 * and times is shown.
 */
#include "reports/crowd.h"

#include <inttypes.h>

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

static bool count(const struct findings *f, const struct arranged *a, struct map *clients,
                  struct map *servers, struct crowd *out)
{
    for (size_t i = 0; i < a->n_members; i++) {
        const struct finding *x = a->members[i];
        uint32_t *n = map_put(clients, &finding_end(f, x, SIDE_CLIENT)->ip, NULL);
        if (!n || !map_put(servers, &finding_end(f, x, SIDE_SERVER)->ip, NULL))
            return false;
        ++*n;
        instant_ns t = finding_time(f, x);
        if (i == 0 || t < out->first)
            out->first = t;
        if (i == 0 || t > out->last)
            out->last = t;
    }
    return true;
}

bool crowd_count(const struct findings *f, const struct arranged *a, struct crowd *out)
{
    struct map clients, servers;
    *out = (struct crowd){.first = INSTANT_NONE, .last = INSTANT_NONE};
    map_init(&clients, sizeof(struct address), sizeof(uint32_t));
    map_init(&servers, sizeof(struct address), sizeof(bool));
    bool good = count(f, a, &clients, &servers, out);
    out->n_clients = clients.n;
    out->n_servers = servers.n;
    for (size_t i = 0; good && i < clients.n; i++)
        rank(out, map_key_at(&clients, i), *(const uint32_t *)map_value_at(&clients, i));
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
