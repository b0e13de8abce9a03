/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names of logs and the addresses they have, learned from lines whose connection is known, and
 * from what logs are called.  Nothing is resolved.
 */
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"

#define NAMES_MAX 2048

uint64_t name_key(const struct log_domain *d)
{
    return d->host_hash ? d->host_hash : UINT64_MAX - d->source; /* a nameless log is one host */
}

void names_learn(struct correlation *c, uint64_t key, const struct address *ip)
{
    if (address_is_zero(ip) || c->names.n >= NAMES_MAX)
        return;
    for (size_t i = 0; i < c->names.n; i++)
        if (c->names.v[i].key == key && address_eq(&c->names.v[i].ip, ip)) {
            c->names.v[i].votes++;
            return;
        }
    struct host_name *n = vec_push(&c->names);
    if (n)
        *n = (struct host_name){key, *ip, 1};
}

int names_has(const struct correlation *c, uint64_t key, const struct address *ip)
{
    int known = -1;
    for (size_t i = 0; i < c->names.n; i++) {
        if (c->names.v[i].key != key)
            continue;
        if (address_eq(&c->names.v[i].ip, ip))
            return 1;
        known = 0;
    }
    return known;
}

bool names_address_taken(const struct correlation *c, uint64_t key, const struct address *ip)
{
    for (size_t i = 0; i < c->names.n; i++)
        if (c->names.v[i].key != key && address_eq(&c->names.v[i].ip, ip))
            return true;
    return false;
}

/* An address of the captures among the parts of the path, as in "logs/198.51.100.7/auth.log". */
static void learn_from_path(struct correlation *c, const struct log_domain *d, struct text path)
{
    struct text part, rest = path;
    for (bool more = true; more;) {
        more = text_cut(rest, '/', &part, &rest);
        struct address ip;
        if (address_parse(part, &ip) && roster_knows(&c->roster, &ip))
            names_learn(c, name_key(d), &ip);
    }
}

/* Empty for lines out of datagrams: where their capture lies says nothing of their writer. */
static struct text path_of(const struct correlation *c, uint32_t source)
{
    bool is_file = source < c->sources.n && !c->sources.v[source].is_sent;
    return is_file ? c->sources.v[source].name : (struct text){0};
}

/* Whoever sends lines of one host alone is that host; a relay sends those of many. */
static void learn_from_sender(struct correlation *c, const struct log_domain *d)
{
    const struct log_about *about = d->source < c->sources.n ? &c->sources.v[d->source] : NULL;
    if (!about || !about->is_sent || !roster_knows(&c->roster, &about->sender))
        return;
    for (size_t i = 0; i < c->index.domains.n; i++)
        if (c->index.domains.v[i].source == d->source &&
            c->index.domains.v[i].host_hash != d->host_hash)
            return;
    names_learn(c, name_key(d), &about->sender);
}

void names_learn_hints(struct correlation *c)
{
    for (size_t i = 0; i < c->index.domains.n; i++) {
        const struct log_domain *d = &c->index.domains.v[i];
        struct address ip;
        learn_from_path(c, d, path_of(c, d->source));
        learn_from_sender(c, d);
        if ((address_parse(d->host, &ip) && roster_knows(&c->roster, &ip)) ||
            (d->host.n && host_names_find(c, d->host, &ip)))
            names_learn(c, name_key(d), &ip);
    }
    for (size_t i = 0; i < c->index.entries.n; i++) {
        const struct log_entry *e = &c->index.entries.v[i];
        if (!text_ends(e->event->kind, TEXT(".listening")))
            continue;
        services_learn(c, e->writer, e->event->server.port);
        if (roster_knows(&c->roster, &e->event->server.ip))
            names_learn(c, name_key(&c->index.domains.v[e->domain]), &e->event->server.ip);
    }
}

/* A folder called "server" or "client" says whose log it is; a router's says that it is neither. */
static bool path_says(struct text path, enum side *out)
{
    static const struct {
        const char *word;
        enum side side;
    } words[] = {{"server", SIDE_SERVER},
                 {"client", SIDE_CLIENT},
                 {"router", SIDE_PATH},
                 {"gateway", SIDE_PATH},
                 {"firewall", SIDE_PATH}};
    struct text part, rest = path;
    for (bool more = true; more;) {
        more = text_cut(rest, '/', &part, &rest);
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (text_eq_nocase(part, text_of(words[i].word))) {
                *out = words[i].side;
                return true;
            }
    }
    return false;
}

static bool is_placed(const struct correlation *c, uint64_t key)
{
    for (size_t i = 0; i < c->names.n; i++)
        if (c->names.v[i].key == key)
            return true;
    return false;
}

bool names_is_stranger(const struct correlation *c, const struct log_domain *d)
{
    enum side said;
    return d->host_hash && !is_placed(c, name_key(d)) && !path_says(path_of(c, d->source), &said);
}

size_t names_count_strangers(const struct correlation *c)
{
    uint64_t seen[STRANGERS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->index.domains.n && n < STRANGERS_MAX; i++) {
        const struct log_domain *d = &c->index.domains.v[i];
        size_t k = 0;
        while (k < n && seen[k] != d->host_hash)
            k++;
        if (k == n && names_is_stranger(c, d))
            seen[n++] = d->host_hash;
    }
    return n;
}

void names_publish(const struct correlation *c)
{
    if (names_count_strangers(c) < STRANGERS_MAX)
        return;
    for (uint32_t s = 0; s < c->of->n_logs; s++) {
        const uint32_t first = log_index_first_source(&c->index, s);
        for (size_t i = 0; i < c->index.domains.n; i++)
            if (c->index.domains.v[i].source == first)
                c->of->logs[s].host_unplaced |= names_is_stranger(c, &c->index.domains.v[i]);
    }
}

/* A kernel's own line about a RST: who sent it, or got it, is whose kernel speaks. */
static const struct address *kernel_speaks(const struct event *e)
{
    if (text_eq(e->kind, TEXT("kernel.tcp-send-reset")))
        return &e->src.ip;
    return text_eq(e->kind, TEXT("kernel.tcp-receive-reset")) ? &e->dst.ip : NULL;
}

enum side side_of(const struct correlation *c, uint32_t entry, uint32_t record)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    const struct log_domain *d = &c->index.domains.v[e->domain];
    const struct connection_record *r = &c->roster.records[record];
    const struct address *own = kernel_speaks(e->event);
    if (own && address_eq(own, &r->server.ip) != address_eq(own, &r->client.ip))
        return address_eq(own, &r->server.ip) ? SIDE_SERVER : SIDE_CLIENT;
    int server = names_has(c, name_key(d), &r->server.ip);
    int client = names_has(c, name_key(d), &r->client.ip);
    if (server == 1 && client != 1)
        return SIDE_SERVER;
    if (client == 1 && server != 1)
        return SIDE_CLIENT;
    if (writer_serves(e->writer) || e->writer == WRITER_SFTP)
        return SIDE_SERVER;
    if (e->writer == WRITER_PROXY)
        return is_upstream(e->event) ? SIDE_CLIENT : SIDE_SERVER;
    enum side said;
    return path_says(path_of(c, d->source), &said) ? said : SIDE_PATH;
}
