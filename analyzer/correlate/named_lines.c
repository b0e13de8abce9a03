/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that the logs explain themselves: one line gives a host's name beside a captured address,
 * and others carry the name alone.  All lines are read before any is explained, so their order does
 * not matter.  A name of several captured addresses explains nothing, and that is counted.
 */
#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/correlate/log_index_parts.h"
#include "parsers/log/name_find.h"

#define PAIRS_MAX 20000 /* of name and address, learned from lines */

struct pair {
    uint64_t name;
    struct address ip;
};

static bool learn_line(struct correlation *c, const struct event *e, struct map *seen)
{
    struct log_name v[LOG_NAMES_MAX];
    unsigned n = log_find_names(e->message, v);
    for (unsigned i = 0; i < n && seen->n < PAIRS_MAX; i++) {
        struct pair key = {host_names_hash(v[i].name), v[i].ip};
        if (!roster_knows(&c->roster, &v[i].ip) || map_get(seen, &key))
            continue;
        if (!map_put(seen, &key, NULL) || !host_names_learn(c, v[i].name, &v[i].ip, log_place(e)))
            return false;
    }
    return true;
}

static bool learn_lines(struct correlation *c)
{
    struct map seen;
    bool good = true;
    map_init(&seen, sizeof(struct pair), sizeof(uint8_t));
    for (size_t i = 0; i < c->index.entries.n && good; i++)
        if (c->index.entries.v[i].names_ours)
            good = learn_line(c, c->index.entries.v[i].event, &seen);
    map_finish(&seen);
    return good;
}

static void explain(struct correlation *c, struct log_entry *e)
{
    struct event named;
    switch (host_names_fill(c, e->event, &named)) {
    case HOST_NAMES_NONE:
        return;
    case HOST_NAMES_SEVERAL:
        log_index_drop(&c->index, "log-index.name-of-several", e->event);
        return;
    case HOST_NAMES_ONE:
        e->event->client = named.client;
        e->event->server = named.server;
        e->event->src = named.src;
        e->event->dst = named.dst;
        e->names = e->names_ours = true;
        e->by_name = false;
    }
}

bool named_lines_settle(struct correlation *c)
{
    struct log_index *x = &c->index;
    size_t n = 0;
    log_index_stop_waiting(x);
    if (!learn_lines(c))
        return false;
    for (size_t i = 0; i < x->entries.n; i++) {
        struct log_entry *e = &x->entries.v[i];
        explain(c, e);
        if (e->by_name)
            x->n_no_tie++;
        else
            x->entries.v[n++] = *e;
    }
    x->entries.n = n;
    return true;
}
