/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts over all connection records.  A few sorts and maps; each question afterwards is a look-up
 * or a search, however many connections a server had.
 */
#include "analyzer/population.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/alike.h"
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

struct sums { /* over the records before a place of by_server */
    uint32_t n_syn, n_accepted, n_served;
};

struct ending {      /* of a served connection */
    uint32_t server; /* its first_record stands for it */
    instant_ns last;
};

struct owner { /* records of one stream lie together */
    uint64_t stream;
    uint32_t record;
};

struct population {
    const struct connection_record *records;
    uint32_t *by_server; /* record indexes sorted by server endpoint, then time */
    size_t n;
    struct map servers;     /* struct endpoint -> struct server_stats */
    struct map clients;     /* struct address -> struct client_stats */
    struct map targets;     /* struct target_key -> struct target */
    struct map hosts;       /* struct host_key -> bool */
    struct map ports;       /* client's struct endpoint -> last record + 1 of its chain */
    uint32_t *same_port;    /* for each record: the one before it in its chain + 1, 0 none */
    struct sums *sums;      /* n + 1 */
    struct ending *endings; /* by server, then time */
    size_t n_endings;
    struct owner *owners; /* by stream, then record */
    struct alike *alike;
};

static int by_server_time(const void *a, const void *b, void *ctx)
{
    const struct connection_record *records = ctx;
    const struct connection_record *x = &records[*(const uint32_t *)a];
    const struct connection_record *y = &records[*(const uint32_t *)b];
    int order = endpoint_cmp(&x->server, &y->server);
    if (order != 0)
        return order;
    if (x->first_time != y->first_time)
        return x->first_time < y->first_time ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int by_server_end(const void *a, const void *b)
{
    const struct ending *x = a, *y = b;
    if (x->server != y->server)
        return x->server < y->server ? -1 : 1;
    return x->last < y->last ? -1 : x->last > y->last;
}

static int by_stream(const void *a, const void *b)
{
    const struct owner *x = a, *y = b;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

static uint64_t stream_key(uint32_t capture, uint32_t stream)
{
    return (uint64_t)capture << 32 | stream;
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

static void add_up(struct population *p, size_t at, const struct server_stats *s)
{
    const struct connection_record *r = &p->records[p->by_server[at]];
    bool has_syn = r->syn_time != INSTANT_NONE, served = was_served(r);
    const struct sums *before = &p->sums[at];
    p->sums[at + 1] = (struct sums){.n_syn = before->n_syn + has_syn,
                                    .n_accepted = before->n_accepted +
                                                  (has_syn && r->synack_time != INSTANT_NONE),
                                    .n_served = before->n_served + served};
    if (served)
        p->endings[p->n_endings++] =
            (struct ending){.server = s->first_record, .last = r->last_time};
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
        add_up(p, i, s);
        if (!count_client(p, r))
            return false;
    }
    qsort(p->endings, p->n_endings, sizeof *p->endings, by_server_end);
    return true;
}

static bool make_room(struct population *p)
{
    size_t room = p->n + 1;
    p->by_server = calloc(room, sizeof *p->by_server);
    p->same_port = calloc(room, sizeof *p->same_port);
    p->sums = calloc(room, sizeof *p->sums);
    p->endings = calloc(room, sizeof *p->endings);
    p->owners = calloc(room, sizeof *p->owners);
    return p->by_server && p->same_port && p->sums && p->endings && p->owners;
}

static void sort_records(struct population *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct connection_record *r = &p->records[i];
        p->by_server[i] = (uint32_t)i;
        p->owners[i] =
            (struct owner){.stream = stream_key(r->capture, r->stream), .record = (uint32_t)i};
    }
    union { /* qsort_r wants a mutable context; the records stay const */
        const struct connection_record *in;
        void *out;
    } records = {.in = p->records};
    qsort_r(p->by_server, p->n, sizeof *p->by_server, by_server_time, records.out);
    qsort(p->owners, p->n, sizeof *p->owners, by_stream);
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
    p->alike = alike_create(c->resets, c->n_resets);
    bool good = p->alike && make_room(p);
    if (good)
        sort_records(p);
    if (good && count_all(p))
        return p;
    population_free(p);
    return NULL;
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
    alike_free(p->alike);
    free(p->owners);
    free(p->endings);
    free(p->sums);
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

/* The place in by_server of the server's first record that began after t (at or after it, when at
 * is set). */
static size_t place_after(const struct population *p, const struct server_stats *s, instant_ns t,
                          bool at)
{
    size_t low = s->first_record;
    for (size_t high = low + s->n_records; low < high;) {
        size_t middle = low + (high - low) / 2;
        instant_ns first = p->records[p->by_server[middle]].first_time;
        if (first < t || (!at && first == t))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t population_attempts(const struct population *p, const struct endpoint *server,
                             instant_ns from, instant_ns to, bool accepted)
{
    const struct server_stats *s = population_server(p, server);
    if (s->n_records == 0 || from > to)
        return 0;
    const struct sums *a = &p->sums[place_after(p, s, from, true)];
    const struct sums *b = &p->sums[place_after(p, s, to, false)];
    return accepted ? b->n_accepted - a->n_accepted : b->n_syn - a->n_syn;
}

/* Served connections of the server that were over before t. */
static uint32_t count_over(const struct population *p, const struct server_stats *s, instant_ns t)
{
    const struct ending from = {.server = s->first_record, .last = INT64_MIN};
    const struct ending to = {.server = s->first_record, .last = t};
    size_t place[2];
    for (int i = 0; i < 2; i++) {
        size_t low = 0;
        for (size_t high = p->n_endings; low < high;) {
            size_t middle = low + (high - low) / 2;
            if (by_server_end(&p->endings[middle], i == 0 ? &from : &to) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        place[i] = low;
    }
    return (uint32_t)(place[1] - place[0]);
}

#define CHAIN_MAX 1000 /* uses of one port, or records of one stream, that are looked at */

/* Whether the connection's own record is among those that were served at t. */
static uint32_t count_own(const struct population *p, const struct connection *k, instant_ns t)
{
    uint64_t key = stream_key(k->capture, k->stream);
    size_t low = 0;
    for (size_t high = p->n; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (p->owners[middle].stream < key)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t n = 0;
    for (size_t i = 0; i < CHAIN_MAX && low + i < p->n && p->owners[low + i].stream == key; i++) {
        const struct connection_record *o = &p->records[p->owners[low + i].record];
        n += endpoint_eq(&o->server, &k->end[SIDE_SERVER].at) && o->first_time <= t &&
             o->last_time >= t && was_served(o);
    }
    return n;
}

uint32_t population_live_beside(const struct case_file *c, const struct reset *r)
{
    const struct population *p = c->population;
    const struct server_stats *s = population_server(p, &r->connection->end[SIDE_SERVER].at);
    instant_ns t = r->deciding.segment.time;
    if (s->n_records == 0)
        return 0;
    uint32_t begun =
        p->sums[place_after(p, s, t, false)].n_served - p->sums[s->first_record].n_served;
    uint32_t gone = count_over(p, s, t) + count_own(p, r->connection, t);
    return begun > gone ? begun - gone : 0;
}

uint32_t population_same_instant(const struct case_file *c, const struct reset *r,
                                 instant_ns within)
{
    return c->population ? alike_same_instant(c->population->alike, r, within) : 0;
}

uint32_t population_same_idle(const struct case_file *c, const struct reset *r)
{
    return c->population ? alike_same_idle(c->population->alike, r) : 0;
}

uint32_t population_same_bytes(const struct case_file *c, const struct reset *r)
{
    return c->population ? alike_same_bytes(c->population->alike, r) : 0;
}

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
