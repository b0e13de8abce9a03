/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends get numbers in order of first sight, resets before records; then records are dealt out by
 * their servers' numbers.  Most captures give them in order of time already.
 */
#include "analyzer/population/census.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/prefetch.h"
#include "parsers/base/radix.h"

/* Who answers SYNs in a server's name has no window to give before the server has answered it: a
 * reset that follows is that server's refusal. */
static bool refused_behind_proxy(const struct connection_record *r)
{
    return r->synack_shut && record_saw_rst(r, SIDE_SERVER) && r->n_segments <= 5;
}

uint8_t census_bits(const struct connection_record *r)
{
    const bool syn = r->syn_time != INSTANT_NONE, turned_away = refused_behind_proxy(r);
    const bool answered = r->synack_time != INSTANT_NONE && !turned_away;
    const bool acked = syn && !answered && r->handshake_seen && !turned_away;
    const bool served = (r->handshake_seen || r->began_mid_stream) && r->n_segments > 5;
    const bool refused = syn && !answered && !acked && record_saw_rst(r, SIDE_SERVER);
    return (uint8_t)((r->began_mid_stream ? CENSUS_MIDDLE : 0) | (syn ? CENSUS_SYN : 0) |
                     (answered ? CENSUS_ANSWERED : 0) | (served ? CENSUS_SERVED : 0) |
                     (refused ? CENSUS_REFUSED : 0) | (acked ? CENSUS_ACKED : 0));
}

bool census_holds(const struct connection_record *r, instant_ns t)
{
    const instant_ns fin = r->fin_time[SIDE_SERVER];
    return (census_bits(r) & CENSUS_SERVED) && r->last_time > t &&
           !record_saw_rst(r, SIDE_SERVER) && (fin == INSTANT_NONE || fin > t);
}

/* ---- ends are looked for some at a time ---- */

struct batch { /* of resets or records */
    struct map_ahead servers, clients;
    uint32_t at[MAP_AHEAD];
    size_t n;
};

static struct batch batch_for(struct census *s)
{
    return (struct batch){.servers.in = &s->servers, .clients.in = &s->clients};
}

static void batch_add(struct batch *b, size_t at, const struct endpoint *server,
                      const struct endpoint *client)
{
    b->servers.key[b->n] = server;
    b->clients.key[b->n] = &client->ip;
    b->at[b->n++] = (uint32_t)at;
}

static void batch_look(struct batch *b)
{
    b->servers.n = b->clients.n = b->n;
    map_look_ahead(&b->servers);
    map_look_ahead(&b->clients);
}

/* The number of an end; CENSUS_NONE: it has none. */
static uint32_t number_of(const struct map_ahead *ends, size_t i)
{
    const uint32_t *n = map_get_ahead(ends, i);
    return n ? *n : CENSUS_NONE;
}

/* A new one when it has none.  CENSUS_NONE: out of memory. */
static uint32_t number(struct map_ahead *ends, size_t i)
{
    bool made;
    uint32_t *n = map_put_ahead(ends, i, &made);
    if (!n)
        return CENSUS_NONE;
    if (made)
        *n = (uint32_t)ends->in->n - 1;
    return *n;
}

/* ---- resets ---- */

struct dealing { /* by record */
    uint32_t *server, *client;
    uint8_t *bits;
    bool by_time; /* the records stand by first_time */
};

/* Where the reset's own record is: in a case of one capture most streams have one each.  Or NULL.
 */
static const struct connection_record *record_near(const struct census *s, const struct reset *r)
{
    const struct connection_record *v = s->of->records;
    const size_t at = s->n_records > 0 ? (size_t)reset_stream(r) - v->stream : 0;
    return at < s->n_records ? &v[at] : NULL;
}

/* If it is there, or NULL. */
static const struct connection_record *own_record(const struct census *s, const struct reset *r)
{
    const struct connection_record *near = record_near(s, r);
    if (!near || near->stream != reset_stream(r) || near->capture != reset_capture(r) ||
        !endpoint_eq(&near->server, reset_end(r, SIDE_SERVER)) ||
        !address_eq(&near->client.ip, &reset_end(r, SIDE_CLIENT)->ip))
        return NULL;
    return near;
}

/* What is known of a reset need not be looked for again with its record. */
static void hand_numbers_on(const struct census *s, struct dealing *d, uint32_t reset)
{
    const struct connection_record *own = own_record(s, s->of->resets[reset]);
    if (!own)
        return;
    d->server[own - s->of->records] = s->server[reset];
    d->client[own - s->of->records] = s->client[reset];
}

static uint8_t traits_of(const struct reset *r)
{
    const bool no_state = r->claimed == SIDE_SERVER && (r->mechanism == MECHANISM_NO_STATE ||
                                                        r->mechanism == MECHANISM_INJECTED);
    return (uint8_t)((r->in_full ? CENSUS_WHOLE : 0) |
                     (r->mechanism == MECHANISM_REFUSED ? CENSUS_REFUSAL : 0) |
                     (r->mechanism == MECHANISM_REJECTED_IN_PATH ? CENSUS_REJECTED : 0) |
                     (no_state ? CENSUS_NO_STATE : 0) | (r->is_copy_of_other ? CENSUS_COPY : 0) |
                     (r->claimed == SIDE_CLIENT ? CENSUS_BY_CLIENT : 0) |
                     (r->idle_before_ns != INSTANT_NONE ? CENSUS_WAITED : 0));
}

static bool number_batch_of_resets(struct census *s, struct dealing *d, struct batch *b)
{
    batch_look(b);
    for (size_t i = 0; i < b->n; i++) {
        const uint32_t server = number(&b->servers, i);
        const uint32_t client = number(&b->clients, i);
        if (server == CENSUS_NONE || client == CENSUS_NONE)
            return false;
        s->server[b->at[i]] = server;
        s->client[b->at[i]] = client;
        s->traits[b->at[i]] = traits_of(s->of->resets[b->at[i]]);
        s->time[b->at[i]] = s->of->resets[b->at[i]]->deciding.segment.time;
        hand_numbers_on(s, d, b->at[i]);
    }
    b->n = 0;
    return true;
}

static bool number_resets(struct census *s, struct dealing *d)
{
    const size_t n = s->of->n_resets;
    struct batch b = batch_for(s);
    s->server = malloc((n + 1) * sizeof *s->server);
    s->client = malloc((n + 1) * sizeof *s->client);
    s->traits = malloc((n + 1) * sizeof *s->traits);
    s->time = malloc((n + 1) * sizeof *s->time);
    bool good = s->server && s->client && s->traits && s->time;
    memset(d->client, 0xff, s->n_records * sizeof *d->client); /* CENSUS_NONE */
    uint64_t last = 0;
    s->resets_by_stream = true;
    for (size_t i = 0; good && i < n; i++) {
        const struct reset *r = s->of->resets[i];
        const uint64_t place = (uint64_t)reset_capture(r) << 32 | reset_stream(r);
        s->resets_by_stream = s->resets_by_stream && last <= place;
        last = place;
        resets_fetch_behind(s->of->resets, n, i);
        prefetch_bytes(record_near(s, r), sizeof *s->of->records);
        batch_add(&b, i, reset_end(r, SIDE_SERVER), reset_end(r, SIDE_CLIENT));
        good = b.n < MAP_AHEAD || number_batch_of_resets(s, d, &b);
    }
    good = good && number_batch_of_resets(s, d, &b);
    s->n_servers = (uint32_t)s->servers.n;
    return good;
}

/* ---- records ---- */

static void note_order(struct census *s, struct dealing *d, size_t i)
{
    const struct connection_record *a = &s->of->records[i - 1], *b = &s->of->records[i];
    d->by_time = d->by_time && a->first_time <= b->first_time;
    s->by_stream = s->by_stream && (a->capture < b->capture ||
                                    (a->capture == b->capture && a->stream <= b->stream));
}

/* bits: of the records before it. */
static uint8_t bits_of(const struct census *s, const uint8_t *bits, size_t i)
{
    const uint8_t own = census_bits(&s->of->records[i]);
    const uint32_t by = s->of->told_by ? s->of->told_by[i] : CASE_UNTOLD;
    if (by == CASE_UNTOLD)
        return own;
    const bool all = (bits[by] & (CENSUS_TOLD - 1)) == own;
    return (uint8_t)(own | CENSUS_TOLD | (all ? CENSUS_TOLD_ALL : 0));
}

/* Servers of no reset are numbered where a client of some reset tried them. */
static bool number_batch_of_records(struct dealing *d, struct batch *b)
{
    batch_look(b);
    for (size_t i = 0; i < b->n; i++) {
        const uint32_t client = number_of(&b->clients, i);
        const bool is_of_reset = client != CENSUS_NONE;
        const uint32_t server = is_of_reset ? number(&b->servers, i) : number_of(&b->servers, i);
        if (is_of_reset && server == CENSUS_NONE)
            return false;
        d->server[b->at[i]] = server;
        d->client[b->at[i]] = client;
    }
    b->n = 0;
    return true;
}

static bool number_records(struct census *s, struct dealing *d)
{
    struct batch b = batch_for(s);
    bool good = true;
    d->by_time = s->by_stream = true;
    for (size_t i = 0; good && i < s->n_records; i++) {
        const struct connection_record *r = &s->of->records[i];
        prefetch_behind(s->of->records, s->n_records, sizeof *r, i);
        d->bits[i] = bits_of(s, d->bits, i);
        if (i > 0)
            note_order(s, d, i);
        if (d->client[i] == CENSUS_NONE)
            batch_add(&b, i, &r->server, &r->client);
        good = b.n < MAP_AHEAD || number_batch_of_records(d, &b);
    }
    return good && number_batch_of_records(d, &b);
}

/* Where each server's connections begin. */
static bool share_room(struct census *s, const struct dealing *d)
{
    const size_t n = s->servers.n;
    s->first = calloc(n + 2, sizeof *s->first);
    if (!s->first)
        return false;
    for (size_t i = 0; i < s->n_records; i++)
        if (d->server[i] != CENSUS_NONE)
            s->first[d->server[i] + 1]++;
    for (size_t i = 0; i < n; i++)
        s->first[i + 1] += s->first[i];
    s->row.n = s->first[n];
    const size_t room = s->row.n + 1;
    s->row.time = malloc(room * sizeof *s->row.time);
    s->row.end = malloc(room * sizeof *s->row.end);
    s->row.record = malloc(room * sizeof *s->row.record);
    s->row.client = malloc(room * sizeof *s->row.client);
    s->row.bits = malloc(room * sizeof *s->row.bits);
    return s->row.time && s->row.end && s->row.record && s->row.client && s->row.bits;
}

/* Into s->first, which is where each server's connections end afterwards. */
static void deal(struct census *s, const struct dealing *d, uint32_t record)
{
    const struct connection_record *r = &s->of->records[record];
    if (d->server[record] == CENSUS_NONE)
        return;
    const size_t at = s->first[d->server[record]]++;
    s->row.time[at] = r->first_time;
    s->row.record[at] = record;
    s->row.client[at] = d->client[record];
    s->row.bits[at] = d->bits[record];
    const bool refused = (d->bits[record] & (CENSUS_REFUSED | CENSUS_SERVED)) == CENSUS_REFUSED;
    s->row.end[at] = refused ? r->rst_time : r->last_time;
}

static bool deal_by_time(struct census *s, const struct dealing *d)
{
    const size_t n = s->n_records;
    struct radix_item *v = radix_room(n);
    if (!v)
        return false;
    for (size_t i = 0; i < n; i++)
        v[i] = (struct radix_item){radix_signed(s->of->records[i].first_time), (uint32_t)i};
    radix_sort(v, v + n, n);
    for (size_t i = 0; i < n; i++)
        deal(s, d, v[i].value);
    radix_room_free(v, n);
    return true;
}

static bool deal_all(struct census *s, const struct dealing *d)
{
    for (size_t i = 0; d->by_time && i < s->n_records; i++) {
        prefetch_behind(s->of->records, s->n_records, sizeof *s->of->records, i);
        deal(s, d, (uint32_t)i);
    }
    if (!d->by_time && !deal_by_time(s, d))
        return false;
    for (size_t i = s->servers.n; i > 0; i--)
        s->first[i] = s->first[i - 1];
    s->first[0] = 0;
    return true;
}

bool census_take(struct census *s, const struct case_file *c)
{
    *s = (struct census){.of = c, .n_records = c->n_resets > 0 ? c->n_records : 0};
    const size_t room = s->n_records + 1;
    map_init(&s->servers, sizeof(struct endpoint), sizeof(uint32_t));
    map_init(&s->clients, sizeof(struct address), sizeof(uint32_t));
    struct dealing d = {malloc(room * sizeof(uint32_t)), malloc(room * sizeof(uint32_t)),
                        malloc(room), false};
    const bool good = d.server && d.client && d.bits && number_resets(s, &d) &&
                      number_records(s, &d) && share_room(s, &d) && deal_all(s, &d);
    free(d.server);
    free(d.client);
    free(d.bits);
    return good;
}

void census_finish(struct census *s)
{
    map_finish(&s->servers);
    map_finish(&s->clients);
    free(s->server);
    free(s->client);
    free(s->traits);
    free(s->time);
    free(s->first);
    free(s->row.time);
    free(s->row.end);
    free(s->row.record);
    free(s->row.client);
    free(s->row.bits);
    *s = (struct census){0};
}

uint32_t census_server(const struct census *s, const struct reset *r)
{
    const uint32_t i = census_index(s, r);
    if (i != CENSUS_NONE)
        return s->server[i];
    const uint32_t *n = map_get(&s->servers, reset_end(r, SIDE_SERVER));
    return n && *n < s->n_servers ? *n : CENSUS_NONE;
}

uint32_t census_client(const struct census *s, const struct reset *r)
{
    const uint32_t i = census_index(s, r);
    if (i != CENSUS_NONE)
        return s->client[i];
    const uint32_t *n = map_get(&s->clients, &reset_end(r, SIDE_CLIENT)->ip);
    return n ? *n : CENSUS_NONE;
}
