/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names of logs and the addresses they have, learned from lines whose connection is known, and
 * from what logs are called.  Nothing is resolved.
 */
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"

#define NAMES_MAX 65536

struct host_place { /* without padding: a key is its bytes */
    uint64_t key;
    struct address ip;
};

void names_init(struct host_names_of *n)
{
    map_init(&n->at, sizeof(struct host_place), sizeof(bool));
    map_init(&n->hosts, sizeof(uint64_t), sizeof(bool));
    map_init(&n->heads, sizeof(struct address), sizeof(struct host_head));
}

void names_finish(struct host_names_of *n)
{
    vec_finish(&n->v);
    map_finish(&n->at);
    map_finish(&n->hosts);
    map_finish(&n->heads);
}

uint64_t name_key(const struct log_domain *d)
{
    return d->host_hash ? d->host_hash : UINT64_MAX - d->source; /* a nameless log is one host */
}

void names_learn(struct correlation *c, uint64_t key, const struct address *ip)
{
    struct host_names_of *n = &c->names;
    const struct host_place place = {key, *ip};
    if (address_is_zero(ip) || n->v.n >= NAMES_MAX || map_get(&n->at, &place))
        return;
    struct host_head *head = map_put(&n->heads, ip, NULL);
    struct host_name *name = head && map_put(&n->hosts, &key, NULL) &&
                                     vec_reserve(&n->v, n->v.n + 1) && map_put(&n->at, &place, NULL)
                                 ? vec_push(&n->v)
                                 : NULL;
    if (!name)
        return;
    *name = (struct host_name){key, *ip, head->newest};
    head->newest = (uint32_t)n->v.n;
    head->n++;
}

bool names_is_placed(const struct correlation *c, uint64_t key)
{
    return map_get(&c->names.hosts, &key) != NULL;
}

static bool has_place(const struct correlation *c, uint64_t key, const struct address *ip)
{
    const struct host_place place = {key, *ip};
    return map_get(&c->names.at, &place) != NULL;
}

int names_has(const struct correlation *c, uint64_t key, const struct address *ip)
{
    return has_place(c, key, ip) ? 1 : names_is_placed(c, key) ? 0 : -1;
}

bool names_address_taken(const struct correlation *c, uint64_t key, const struct address *ip)
{
    const struct host_head *head = map_get(&c->names.heads, ip);
    return head && head->n > has_place(c, key, ip);
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

bool names_is_stranger(const struct correlation *c, const struct log_domain *d)
{
    enum side said;
    return d->host_hash && !names_is_placed(c, name_key(d)) &&
           !path_says(path_of(c, d->source), &said);
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
    for (size_t i = 0; i < c->index.domains.n; i++) {
        const struct log_domain *d = &c->index.domains.v[i];
        if (d->source < c->of->n_logs)
            c->of->logs[d->source].host_unplaced |= names_is_stranger(c, d);
    }
    for (uint32_t s = 0; s < c->of->n_logs; s++)
        c->of->logs[s].host_unplaced =
            c->of->logs[log_index_first_source(&c->index, s)].host_unplaced;
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
