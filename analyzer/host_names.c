/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that carry a host's name where others carry its address: the address comes from the hosts
 * files among the inputs, if the captures know exactly one of those that the name has there.  A
 * number in the line always goes before: names are what a stranger's name server says.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate_parts.h"

#define NAME_BYTES 253
#define HOST_NAMES_MAX 100000

static uint64_t hash_of(struct text name)
{
    char low[NAME_BYTES];
    size_t n = name.n < NAME_BYTES ? name.n : NAME_BYTES;
    n -= n > 0 && name.p[n - 1] == '.';
    for (size_t i = 0; i < n; i++)
        low[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
    return text_hash((struct text){low, n});
}

bool correlation_name(struct correlation *c, struct text name, const struct address *ip)
{
    if (c->known_names.n >= HOST_NAMES_MAX || name.n == 0)
        return true;
    struct known_name *k = vec_push(&c->known_names);
    if (!k)
        return false;
    *k = (struct known_name){hash_of(name), *ip};
    c->names_sorted = false;
    return true;
}

static int compare(const void *x, const void *y)
{
    const struct known_name *a = x, *b = y;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return address_cmp(&a->ip, &b->ip);
}

bool host_names_find(struct correlation *c, struct text name, struct address *out)
{
    uint64_t hash = hash_of(name);
    size_t lo = 0, hi = c->known_names.n;
    if (!c->names_sorted && hi > 1)
        qsort(c->known_names.v, c->known_names.n, sizeof *c->known_names.v, compare);
    c->names_sorted = true;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->known_names.v[mid].hash < hash)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool found = false;
    for (; lo < c->known_names.n && c->known_names.v[lo].hash == hash; lo++) {
        const struct address *ip = &c->known_names.v[lo].ip;
        if (!roster_knows(&c->roster, ip) || (found && address_eq(ip, out)))
            continue;
        if (found)
            return false;
        *out = *ip;
        found = true;
    }
    return found;
}

static bool fill(struct correlation *c, const struct event *e, const char *field,
                 struct endpoint *end)
{
    struct text name = address_is_zero(&end->ip) ? event_field(e, field) : TEXT("");
    return name.n > 0 && host_names_find(c, name, &end->ip);
}

bool host_names_fill(struct correlation *c, const struct event *e, struct event *named)
{
    if (c->known_names.n == 0 || e->n_fields == 0)
        return false;
    struct endpoint client = e->client, server = e->server, src = e->src, dst = e->dst;
    bool any = fill(c, e, "client_host", &client);
    any |= fill(c, e, "server_host", &server);
    any |= fill(c, e, "src_host", &src);
    any |= fill(c, e, "dst_host", &dst);
    if (!any)
        return false;
    *named = *e;
    named->client = client;
    named->server = server;
    named->src = src;
    named->dst = dst;
    return true;
}
