/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that carry a host's name where others carry its address: the address comes from the hosts
 * files among the inputs, else from other lines, if the captures know exactly one of those that the
 * name has there.  A
 * number in the line always goes before: names are what a stranger's name server says.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"

#define NAME_BYTES 253
#define HOST_NAMES_MAX 100000

uint64_t host_names_hash(struct text name)
{
    char low[NAME_BYTES];
    size_t n = name.n < NAME_BYTES ? name.n : NAME_BYTES;
    n -= n > 0 && name.p[n - 1] == '.';
    for (size_t i = 0; i < n; i++)
        low[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
    return text_hash((struct text){low, n});
}

static bool add(struct correlation *c, struct text name, const struct address *ip, bool learned,
                uint64_t place)
{
    if (c->known_names.n >= HOST_NAMES_MAX || name.n == 0)
        return true;
    struct known_name *k = vec_push(&c->known_names);
    if (!k)
        return false;
    *k = (struct known_name){host_names_hash(name), *ip, learned, place};
    c->names_sorted = false;
    return true;
}

bool correlation_name(struct correlation *c, struct text name, const struct address *ip)
{
    return add(c, name, ip, false, 0);
}

bool host_names_learn(struct correlation *c, struct text name, const struct address *ip,
                      uint64_t place)
{
    return add(c, name, ip, true, place);
}

static int compare(const void *x, const void *y)
{
    const struct known_name *a = x, *b = y;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return address_cmp(&a->ip, &b->ip);
}

static size_t first_of(const struct correlation *c, uint64_t hash)
{
    size_t lo = 0, hi = c->known_names.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->known_names.v[mid].hash < hash)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The captured address of the name, by hosts files or by lines. */
static enum host_names find(const struct correlation *c, uint64_t hash, bool learned,
                            struct address *out)
{
    enum host_names found = HOST_NAMES_NONE;
    for (size_t lo = first_of(c, hash); lo < c->known_names.n && c->known_names.v[lo].hash == hash;
         lo++) {
        const struct known_name *k = &c->known_names.v[lo];
        if (k->learned != learned || !roster_knows(&c->roster, &k->ip) ||
            (found && address_eq(&k->ip, out)))
            continue;
        if (found)
            return HOST_NAMES_SEVERAL;
        *out = k->ip;
        found = HOST_NAMES_ONE;
    }
    return found;
}

enum host_names host_names_find(struct correlation *c, struct text name, struct address *out)
{
    uint64_t hash = host_names_hash(name);
    if (!c->names_sorted && c->known_names.n > 1)
        qsort(c->known_names.v, c->known_names.n, sizeof *c->known_names.v, compare);
    c->names_sorted = true;
    enum host_names found = find(c, hash, false, out);
    return found ? found : find(c, hash, true, out);
}

static enum host_names fill(struct correlation *c, const struct event *e, const char *field,
                            struct endpoint *end)
{
    struct text name = address_is_zero(&end->ip) ? event_field(e, field) : TEXT("");
    return name.n > 0 ? host_names_find(c, name, &end->ip) : HOST_NAMES_NONE;
}

enum host_names host_names_fill(struct correlation *c, const struct event *e, struct event *named)
{
    if (c->known_names.n == 0 || e->n_fields == 0)
        return HOST_NAMES_NONE;
    struct endpoint client = e->client, server = e->server, src = e->src, dst = e->dst;
    enum host_names by[] = {fill(c, e, "client_host", &client), fill(c, e, "server_host", &server),
                            fill(c, e, "src_host", &src), fill(c, e, "dst_host", &dst)};
    enum host_names all = HOST_NAMES_NONE;
    for (size_t i = 0; i < sizeof by / sizeof by[0]; i++)
        all = by[i] > all ? by[i] : all;
    if (all != HOST_NAMES_ONE)
        return all;
    *named = *e;
    named->client = client;
    named->server = server;
    named->src = src;
    named->dst = dst;
    return all;
}

/* Who gives that name this address: hosts files first, as when it was looked up. */
static const struct known_name *given_by(const struct correlation *c, struct text name,
                                         const struct address *ip)
{
    const struct known_name *by = NULL;
    const uint64_t hash = host_names_hash(name);
    for (size_t i = first_of(c, hash); i < c->known_names.n; i++) {
        const struct known_name *k = &c->known_names.v[i];
        if (k->hash != hash)
            break;
        if (address_eq(&k->ip, ip) && (!by || by->learned))
            by = k;
    }
    return by;
}

static bool came_by(const struct correlation *c, struct link *l, const char *field,
                    const struct endpoint *end)
{
    const struct text name = event_field(l->event, field);
    const struct known_name *by = name.n > 0 ? given_by(c, name, &end->ip) : NULL;
    if (!by || (by->learned && by->place == log_place(l->event)))
        return false;
    l->host_name = name;
    l->host_address = end->ip;
    l->host_name_line = log_place_line(by->place);
    l->host_name_source = log_place_source(by->place);
    return true;
}

void host_names_origin(const struct correlation *c, struct link *l)
{
    const struct event *e = l->event;
    if (c->names_sorted && c->known_names.n > 0 && e->n_fields > 0 && l->join != JOIN_HOST)
        (void)(came_by(c, l, "client_host", &e->client) ||
               came_by(c, l, "server_host", &e->server) || came_by(c, l, "src_host", &e->src) ||
               came_by(c, l, "dst_host", &e->dst));
}
