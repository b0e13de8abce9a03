/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that carry a host's name where others carry its address: the address comes from the hosts
 * files among the inputs, else from other lines, if the captures know exactly one of those that the
 * name has there.  A
 * number in the line always goes before: names are what a stranger's name server says.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate_parts.h"

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

static bool add(struct correlation *c, struct text name, const struct address *ip, bool learned)
{
    if (c->known_names.n >= HOST_NAMES_MAX || name.n == 0)
        return true;
    struct known_name *k = vec_push(&c->known_names);
    if (!k)
        return false;
    *k = (struct known_name){host_names_hash(name), *ip, learned};
    c->names_sorted = false;
    return true;
}

bool correlation_name(struct correlation *c, struct text name, const struct address *ip)
{
    return add(c, name, ip, false);
}

bool host_names_learn(struct correlation *c, struct text name, const struct address *ip)
{
    return add(c, name, ip, true);
}

static int compare(const void *x, const void *y)
{
    const struct known_name *a = x, *b = y;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return address_cmp(&a->ip, &b->ip);
}

/* The captured address of the name, by hosts files or by lines. */
static enum host_names find(const struct correlation *c, uint64_t hash, bool learned,
                            struct address *out)
{
    enum host_names found = HOST_NAMES_NONE;
    size_t lo = 0, hi = c->known_names.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->known_names.v[mid].hash < hash)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < c->known_names.n && c->known_names.v[lo].hash == hash; lo++) {
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
