/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts over all connection records and resets.  One sort by server endpoint and time, two maps;
 * each question afterwards is a look-up or a bounded walk.
 */
#include "analyzer/population.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/map.h"

struct target_key { /* a client that tried a server endpoint */
    struct address client;
    struct endpoint server;
};

struct target {
    bool served; /* it carried more than a handshake */
};

struct host_key {
    struct address client, server;
};

struct population {
    const struct connection_record *records;
    uint32_t *by_server; /* record indexes sorted by server endpoint, then time */
    size_t n;
    struct map servers;  /* struct endpoint -> struct server_stats */
    struct map clients;  /* struct address -> struct client_stats */
    struct map targets;  /* struct target_key -> struct target */
    struct map hosts;    /* struct host_key -> bool */
    struct map ports;    /* client's struct endpoint -> last record + 1 of its chain */
    uint32_t *same_port; /* for each record: the one before it in its chain + 1, 0 none */
};

static int by_server_time(const void *a, const void *b, void *ctx)
{
    const struct connection_record *records = ctx;
    const struct connection_record *x = &records[*(const uint32_t *)a];
    const struct connection_record *y = &records[*(const uint32_t *)b];
    int order = endpoint_cmp(&x->server, &y->server);
    if (order != 0)
        return order;
    return x->first_time < y->first_time ? -1 : x->first_time > y->first_time;
}

static bool was_refused(const struct connection_record *r)
{
    return r->synack_time == INSTANT_NONE && r->saw_rst[SIDE_SERVER] && r->syn_time != INSTANT_NONE;
}

/* More than SYN, SYN-ACK, ACK and a RST or two: somebody was served. */
static bool was_served(const struct connection_record *r)
{
    return (r->handshake_seen || r->began_mid_stream) && r->n_segments > 5;
}

static void widen(instant_ns *first, instant_ns *last, instant_ns t)
{
    if (*first == INSTANT_NONE || t < *first)
        *first = t;
    if (*last == INSTANT_NONE || t > *last)
        *last = t;
}

static void count_server(struct server_stats *s, const struct connection_record *r, uint32_t at,
                         bool made)
{
    if (made) {
        s->first_accepted = s->last_accepted = s->first_refused = s->last_refused = INSTANT_NONE;
        s->first_record = at;
    }
    s->n_records++;
    if (r->synack_time != INSTANT_NONE || (r->began_mid_stream && was_served(r))) {
        s->n_accepted++;
        widen(&s->first_accepted, &s->last_accepted, r->first_time);
    } else if (was_refused(r)) {
        s->n_refused++;
        widen(&s->first_refused, &s->last_refused, r->rst_time);
    } else if (r->syn_time != INSTANT_NONE) {
        s->n_unanswered++;
    }
    s->n_attempts += r->syn_time != INSTANT_NONE;
}

static bool count_client(struct population *p, const struct connection_record *r)
{
    bool new_target, new_host;
    struct client_stats *c = map_put(&p->clients, &r->client.ip, NULL);
    struct target_key key = {.client = r->client.ip, .server = r->server};
    struct target *t = map_put(&p->targets, &key, &new_target);
    struct host_key pair = {.client = r->client.ip, .server = r->server.ip};
    if (!c || !t || !map_put(&p->hosts, &pair, &new_host))
        return false;
    c->n_attempts += r->syn_time != INSTANT_NONE;
    c->n_hosts += new_host;
    if (new_target) {
        c->n_targets++;
        c->n_dead_targets++;
    }
    if (was_served(r) && !t->served) {
        t->served = true;
        c->n_dead_targets--;
    }
    return true;
}

static bool chain_port(struct population *p, uint32_t record)
{
    uint32_t *last = map_put(&p->ports, &p->records[record].client, NULL);
    if (!last)
        return false;
    p->same_port[record] = *last;
    *last = record + 1;
    return true;
}

static bool count_all(struct population *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!chain_port(p, (uint32_t)i))
            return false;
        const struct connection_record *r = &p->records[p->by_server[i]];
        bool made;
        struct server_stats *s = map_put(&p->servers, &r->server, &made);
        if (!s)
            return false;
        count_server(s, r, (uint32_t)i, made);
        if (!count_client(p, r))
            return false;
    }
    return true;
}

struct population *population_create(const struct case_file *c)
{
    struct population *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    map_init(&p->servers, sizeof(struct endpoint), sizeof(struct server_stats));
    map_init(&p->clients, sizeof(struct address), sizeof(struct client_stats));
    map_init(&p->targets, sizeof(struct target_key), sizeof(struct target));
    map_init(&p->hosts, sizeof(struct host_key), sizeof(bool));
    map_init(&p->ports, sizeof(struct endpoint), sizeof(uint32_t));
    p->records = c->records;
    p->n = c->n_records;
    p->by_server = calloc(p->n ? p->n : 1, sizeof *p->by_server);
    p->same_port = calloc(p->n ? p->n : 1, sizeof *p->same_port);
    if (!p->by_server || !p->same_port) {
        population_free(p);
        return NULL;
    }
    for (size_t i = 0; i < p->n; i++)
        p->by_server[i] = (uint32_t)i;
    if (p->n > 0) {
        union { /* qsort_r wants a mutable context; the records stay const */
            const struct connection_record *in;
            void *out;
        } records = {.in = p->records};
        qsort_r(p->by_server, p->n, sizeof *p->by_server, by_server_time, records.out);
    }
    if (!count_all(p)) {
        population_free(p);
        return NULL;
    }
    return p;
}

void population_free(struct population *p)
{
    if (!p)
        return;
    map_finish(&p->servers);
    map_finish(&p->clients);
    map_finish(&p->targets);
    map_finish(&p->hosts);
    map_finish(&p->ports);
    free(p->same_port);
    free(p->by_server);
    free(p);
}

const struct server_stats *population_server(const struct population *p, const struct endpoint *e)
{
    static const struct server_stats none = {.first_accepted = INSTANT_NONE,
                                             .last_accepted = INSTANT_NONE,
                                             .first_refused = INSTANT_NONE,
                                             .last_refused = INSTANT_NONE};
    const struct server_stats *s = p ? map_get(&p->servers, e) : NULL;
    return s ? s : &none;
}

const struct client_stats *population_client(const struct population *p, const struct address *a)
{
    static const struct client_stats none = {0};
    const struct client_stats *c = p ? map_get(&p->clients, a) : NULL;
    return c ? c : &none;
}

uint32_t population_attempts(const struct population *p, const struct endpoint *server,
                             instant_ns from, instant_ns to, bool accepted)
{
    const struct server_stats *s = population_server(p, server);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_records; i++) {
        const struct connection_record *r = &p->records[p->by_server[s->first_record + i]];
        if (r->first_time > to)
            break;
        n += r->first_time >= from && r->syn_time != INSTANT_NONE &&
             (!accepted || r->synack_time != INSTANT_NONE);
    }
    return n;
}

static bool another_event(const struct reset *a, const struct reset *b)
{
    return a != b && !b->is_copy_of_other &&
           !(a->connection->capture == b->connection->capture &&
             a->connection->stream == b->connection->stream);
}

static bool same_server(const struct reset *a, const struct reset *b)
{
    return endpoint_eq(&a->connection->end[SIDE_SERVER].at, &b->connection->end[SIDE_SERVER].at);
}

uint32_t population_same_instant(const struct case_file *c, const struct reset *r,
                                 instant_ns within)
{
    uint32_t n = 0;
    for (size_t i = 0; i < c->n_resets; i++) {
        const struct reset *o = c->resets[i];
        instant_ns apart = o->deciding.segment.time - r->deciding.segment.time;
        if (apart > within)
            break;
        n += apart >= -within && another_event(r, o) && same_server(r, o);
    }
    return n;
}

static bool same_idle(instant_ns a, instant_ns b)
{
    instant_ns apart = a > b ? a - b : b - a;
    instant_ns slack = a / 50 > NS_PER_S / 2 ? a / 50 : NS_PER_S / 2;
    return apart <= slack;
}

uint32_t population_same_idle(const struct case_file *c, const struct reset *r)
{
    uint32_t n = 0;
    if (r->idle_before_ns == INSTANT_NONE || r->idle_before_ns < 2 * NS_PER_S)
        return 0;
    for (size_t i = 0; i < c->n_resets; i++) {
        const struct reset *o = c->resets[i];
        n += another_event(r, o) && o->idle_before_ns != INSTANT_NONE &&
             same_idle(r->idle_before_ns, o->idle_before_ns);
    }
    return n;
}

uint32_t population_same_bytes(const struct case_file *c, const struct reset *r)
{
    const struct end *a = r->connection->end;
    uint32_t n = 0;
    if (a[0].bytes + a[1].bytes == 0)
        return 0;
    for (size_t i = 0; i < c->n_resets; i++) {
        const struct end *b = c->resets[i]->connection->end;
        n += another_event(r, c->resets[i]) && same_server(r, c->resets[i]) &&
             a[0].bytes == b[0].bytes && a[1].bytes == b[1].bytes;
    }
    return n;
}

uint32_t population_live_beside(const struct case_file *c, const struct reset *r)
{
    const struct server_stats *s =
        population_server(c->population, &r->connection->end[SIDE_SERVER].at);
    const struct population *p = c->population;
    instant_ns t = r->deciding.segment.time;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_records; i++) {
        const struct connection_record *o = &p->records[p->by_server[s->first_record + i]];
        bool itself = o->capture == r->connection->capture && o->stream == r->connection->stream;
        n += !itself && o->first_time <= t && o->last_time >= t && was_served(o);
    }
    return n;
}

#define CHAIN_MAX 1000 /* uses of one port that are looked at */

bool population_port_elsewhere(const struct case_file *c, const struct reset *r)
{
    const struct population *p = c->population;
    const struct connection *k = r->connection;
    const uint32_t *last = p ? map_get(&p->ports, &k->end[SIDE_CLIENT].at) : NULL;
    uint32_t next = last ? *last : 0;
    for (unsigned n = 0; next != 0 && n < CHAIN_MAX; n++) {
        const struct connection_record *o = &p->records[next - 1];
        next = p->same_port[next - 1];
        if (o->capture == k->capture && !endpoint_eq(&o->server, &k->end[SIDE_SERVER].at) &&
            was_served(o) && o->first_time <= k->last_time && o->last_time >= k->first_time)
            return true;
    }
    return false;
}
