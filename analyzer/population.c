/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts over the connection records that concern a reset: those of its server, of its client, of
 * its client's port.  A few sorts and maps; each question afterwards is a look-up or a search,
 * however many connections a server had.
 */
#include "analyzer/population.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/alike.h"
#include "parsers/base/map.h"
#include "parsers/base/radix.h"

struct sums { /* over the records before a place of by_server */
    uint32_t n_syn, n_accepted, n_served;
};

struct server {
    struct server_stats stats;
    uint32_t rank; /* in order of first sight */
};

struct client {
    struct client_stats stats;
    uint32_t rank;
};

struct population {
    const struct connection_record *records;
    uint32_t *by_server; /* record indexes by server, then time */
    size_t n;            /* of by_server */
    size_t n_records;
    struct map servers;  /* struct endpoint -> struct server; those of resets alone, as below */
    struct map clients;  /* struct address -> struct client */
    struct map ports;    /* client's struct endpoint -> last record + 1 of its chain */
    uint32_t *same_port; /* for each record: the one before it in its chain + 1, 0 none */
    struct sums *sums;   /* n + 1 */
    instant_ns *endings; /* of served connections, by server, then time */
    struct radix_item *owners; /* by capture and stream, then record */
    struct alike *alike;
    struct closings *closings;
    struct refusals *refusals;
};

static const struct server_stats no_server = {.first_accepted = INSTANT_NONE,
                                              .last_accepted = INSTANT_NONE,
                                              .first_refused = INSTANT_NONE,
                                              .last_refused = INSTANT_NONE};

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

static void count_server(struct server_stats *s, const struct connection_record *r, uint32_t at)
{
    if (s->n_records++ == 0)
        s->first_record = at;
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

/* Each client's tries at each server endpoint, whose number is what its map says.  Returns false
 * when memory ran out. */
static bool list_tries(struct population *p, struct map *targets, struct radix_item *v, size_t *n)
{
    for (size_t i = 0; i < p->n_records; i++) {
        const struct connection_record *r = &p->records[i];
        struct client *c = map_get(&p->clients, &r->client.ip);
        if (!c)
            continue;
        bool made;
        uint32_t *number = map_put(targets, &r->server, &made);
        if (!number)
            return false;
        if (made)
            *number = (uint32_t)targets->n;
        c->stats.n_attempts += r->syn_time != INSTANT_NONE;
        v[(*n)++] = (struct radix_item){(uint64_t)c->rank << 32 | *number, (uint32_t)i};
    }
    return true;
}

/* owners serves as room. */
static bool count_clients(struct population *p)
{
    struct radix_item *v = p->owners;
    struct map targets; /* struct endpoint -> uint32_t */
    size_t n = 0;
    map_init(&targets, sizeof(struct endpoint), sizeof(uint32_t));
    bool good = list_tries(p, &targets, v, &n);
    map_finish(&targets);
    radix_sort(v, v + p->n_records, n);
    for (size_t i = 0; i < n;) {
        const uint64_t key = v[i].key;
        bool served = false;
        for (; i < n && v[i].key == key; i++)
            served = served || was_served(&p->records[v[i].value]);
        struct client *c = map_value_at(&p->clients, (size_t)(key >> 32));
        c->stats.n_targets++;
        c->stats.n_dead_targets += !served;
    }
    return good;
}

static void chain_port(struct population *p, uint32_t record)
{
    uint32_t *last = map_get(&p->ports, &p->records[record].client);
    if (!last)
        return;
    p->same_port[record] = *last;
    *last = record + 1;
}

static void add_up(struct population *p, size_t at)
{
    const struct connection_record *r = &p->records[p->by_server[at]];
    bool has_syn = r->syn_time != INSTANT_NONE, served = was_served(r);
    const struct sums *before = &p->sums[at];
    p->sums[at + 1] = (struct sums){.n_syn = before->n_syn + has_syn,
                                    .n_accepted = before->n_accepted +
                                                  (has_syn && r->synack_time != INSTANT_NONE),
                                    .n_served = before->n_served + served};
}

static bool count_servers(struct population *p)
{
    p->sums = malloc((p->n + 1) * sizeof *p->sums);
    if (!p->sums)
        return false;
    p->sums[0] = (struct sums){0};
    for (size_t i = 0; i < p->n; i++) {
        const struct connection_record *r = &p->records[p->by_server[i]];
        struct server *s = map_get(&p->servers, &r->server);
        if (s)
            count_server(&s->stats, r, (uint32_t)i);
        add_up(p, i);
    }
    return true;
}

/* Ends of served connections: those of one server lie where the sums say. */
static bool sort_endings(struct population *p)
{
    struct radix_item *v = radix_room(p->n);
    p->endings = malloc((p->sums[p->n].n_served + (size_t)1) * sizeof *p->endings);
    if (!v || !p->endings) {
        radix_room_free(v, p->n);
        return false;
    }
    for (size_t k = 0; k < p->servers.n; k++) {
        const struct server_stats *s =
            &((const struct server *)map_value_at(&p->servers, k))->stats;
        size_t n = 0, first = p->sums[s->first_record].n_served;
        for (size_t i = s->first_record; i < (size_t)s->first_record + s->n_records; i++) {
            const struct connection_record *r = &p->records[p->by_server[i]];
            if (was_served(r))
                v[n++].key = radix_signed(r->last_time);
        }
        radix_sort(v, v + p->n, n);
        for (size_t i = 0; i < n; i++)
            p->endings[first + i] = (instant_ns)radix_signed((int64_t)v[i].key);
    }
    radix_room_free(v, p->n);
    return true;
}

static bool make_room(struct population *p)
{
    size_t room = p->n_records + 1;
    p->by_server = malloc(room * sizeof *p->by_server);
    p->same_port = calloc(room, sizeof *p->same_port);
    p->owners = radix_room(p->n_records);
    return p->by_server && p->same_port && p->owners;
}

/* By server, then time, then record.  owners serves as room first. */
static void sort_records(struct population *p)
{
    struct radix_item *v = p->owners, *room = v + p->n_records;
    for (size_t i = 0; i < p->n_records; i++)
        if (map_get(&p->servers, &p->records[i].server))
            v[p->n++] = (struct radix_item){radix_signed(p->records[i].first_time), (uint32_t)i};
    radix_sort(v, room, p->n);
    for (size_t i = 0; i < p->n; i++) {
        const struct server *s = map_get(&p->servers, &p->records[v[i].value].server);
        v[i].key = s ? s->rank : 0;
    }
    radix_sort(v, room, p->n);
    for (size_t i = 0; i < p->n; i++)
        p->by_server[i] = v[i].value;
    for (size_t i = 0; i < p->n_records; i++) {
        const struct connection_record *r = &p->records[i];
        v[i] = (struct radix_item){stream_key(r->capture, r->stream), (uint32_t)i};
    }
    radix_sort(v, room, p->n_records);
}

/* Whose counts will be asked for. */
static bool name_ends(struct population *p, struct reset *const *resets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct endpoint *client = reset_end(resets[i], SIDE_CLIENT);
        bool made;
        struct client *c = map_put(&p->clients, &client->ip, &made);
        if (!c || !map_put(&p->ports, client, NULL))
            return false;
        if (made)
            c->rank = (uint32_t)p->clients.n - 1;
        struct server *s = map_put(&p->servers, reset_end(resets[i], SIDE_SERVER), &made);
        if (!s)
            return false;
        if (made)
            *s = (struct server){.stats = no_server, .rank = (uint32_t)p->servers.n};
    }
    return true;
}

static bool count_all(struct population *p)
{
    if (!make_room(p) || !count_clients(p))
        return false;
    sort_records(p);
    for (size_t i = 0; i < p->n_records; i++)
        chain_port(p, (uint32_t)i);
    return count_servers(p) && sort_endings(p);
}

struct population *population_create(const struct case_file *c)
{
    struct population *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    map_init(&p->servers, sizeof(struct endpoint), sizeof(struct server));
    map_init(&p->clients, sizeof(struct address), sizeof(struct client));
    map_init(&p->ports, sizeof(struct endpoint), sizeof(uint32_t));
    p->records = c->records;
    p->n_records = c->n_resets > 0 ? c->n_records : 0; /* nobody will ask */
    p->alike = alike_create(c->resets, c->n_resets);
    p->closings = closings_create(c);
    p->refusals = refusals_create(c);
    if (p->alike && p->closings && p->refusals && name_ends(p, c->resets, c->n_resets) &&
        count_all(p))
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
    map_finish(&p->ports);
    alike_free(p->alike);
    closings_free(p->closings);
    refusals_free(p->refusals);
    radix_room_free(p->owners, p->n_records);
    free(p->endings);
    free(p->sums);
    free(p->same_port);
    free(p->by_server);
    free(p);
}

const struct server_stats *population_server(const struct population *p, const struct endpoint *e)
{
    const struct server *s = p ? map_get(&p->servers, e) : NULL;
    return s ? &s->stats : &no_server;
}

const struct client_stats *population_client(const struct population *p, const struct address *a)
{
    static const struct client_stats none = {0};
    const struct client *c = p ? map_get(&p->clients, a) : NULL;
    return c ? &c->stats : &none;
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
    size_t first = p->sums[s->first_record].n_served, low = first;
    for (size_t high = p->sums[s->first_record + s->n_records].n_served; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (p->endings[middle] < t)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)(low - first);
}

#define CHAIN_MAX 1000 /* uses of one port, or records of one stream, that are looked at */

/* The first of the owners with that key or a greater one.  In a case of one capture most streams
 * have one record each, so that the key's distance from the first is where it stands. */
static size_t find_owner(const struct population *p, uint64_t key)
{
    const uint64_t first = p->n_records > 0 ? p->owners[0].key : 0;
    size_t low = 0, high = p->n_records;
    if (key >= first && key - first < high) {
        size_t guess = (size_t)(key - first);
        if (p->owners[guess].key < key)
            low = guess + 1;
        else if (guess == 0 || p->owners[guess - 1].key < key)
            return guess;
        else
            high = guess;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->owners[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether the connection's own record is among those that were served at t. */
static uint32_t count_own(const struct population *p, const struct reset *r, instant_ns t)
{
    const uint64_t key = stream_key(reset_capture(r), reset_stream(r));
    const size_t low = find_owner(p, key);
    uint32_t n = 0;
    for (size_t i = 0; i < CHAIN_MAX && low + i < p->n_records && p->owners[low + i].key == key;
         i++) {
        const struct connection_record *o = &p->records[p->owners[low + i].value];
        n += was_served(o) && o->first_time <= t && o->last_time >= t &&
             endpoint_eq(&o->server, reset_end(r, SIDE_SERVER));
    }
    return n;
}

uint32_t population_live_beside(const struct case_file *c, const struct reset *r)
{
    const struct population *p = c->population;
    const struct server_stats *s = population_server(p, reset_end(r, SIDE_SERVER));
    instant_ns t = r->deciding.segment.time;
    if (s->n_records == 0)
        return 0;
    uint32_t begun =
        p->sums[place_after(p, s, t, false)].n_served - p->sums[s->first_record].n_served;
    uint32_t gone = count_over(p, s, t) + count_own(p, r, t);
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

uint32_t population_accepted_between(const struct case_file *c, const struct reset *r)
{
    return c->population ? refusals_accepted_between(c->population->refusals, r) : 0;
}

bool population_closing(const struct case_file *c, const struct reset *r, struct closing *out)
{
    return c->population && closings_of(c->population->closings, r, out);
}

bool population_port_elsewhere(const struct case_file *c, const struct reset *r)
{
    const struct population *p = c->population;
    const struct connection *k = reset_connection(r);
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
