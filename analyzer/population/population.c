/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts over the connections that concern a reset: those of its server, of its client, of its
 * client's port.  A few passes over the census; each question afterwards is a short search from
 * where the last one about that server ended, since resets are asked about in order of time.
 */
#include "analyzer/population/population.h"

#include <stdlib.h>

#include "analyzer/population/alike.h"
#include "analyzer/population/census.h"
#include "analyzer/population/ports.h"
#include "analyzer/population/predecessors.h"
#include "analyzer/population/server_rows.h"
#include "analyzer/population/swallows.h"
#include "analyzer/record/loss.h"
#include "analyzer/record/times.h"
#include "parsers/base/prefetch.h"
#include "parsers/base/radix.h"
#include "parsers/packet/packet.h"

struct server {
    struct server_stats stats;
    uint32_t hint_from, hint_to;
};

enum life { BEGUN, OVER, LIFE_KINDS }; /* of served connections */

struct client {
    struct client_stats stats;
    uint32_t last_target, last_served; /* number + 1 of the server counted last */
};

struct population {
    const struct connection_record *records;
    size_t n_records;
    struct census census;
    struct server *servers; /* by number; those of resets */
    struct client *clients; /* by number */
    uint32_t *n_syn;        /* of the census's row before a place; one more than it has */
    struct server_rows lives;
    struct radix_item *owners; /* by capture and stream, then record; NULL: as the records are */
    struct alike *alike;
    struct closings *closings;
    struct refusals *refusals;
    struct shunnings *shunnings;
    struct swallows *swallows;
    struct chains *ports, *pairs; /* made when they are first asked for */
    struct shunned {              /* several facts of one reset ask the same */
        const struct reset *r;
        bool is_told;
        struct shunning told;
    } shunned;
    struct closed {
        const struct reset *r;
        bool is_told;
        struct closing told;
    } closed;
};

static const struct server_stats no_server = {.first_accepted = INSTANT_NONE,
                                              .last_accepted = INSTANT_NONE,
                                              .first_refused = INSTANT_NONE,
                                              .last_refused = INSTANT_NONE};

static uint64_t stream_key(uint32_t capture, uint32_t stream)
{
    return (uint64_t)capture << 32 | stream;
}

static uint64_t owner_key(const struct population *p, size_t i)
{
    return p->owners ? p->owners[i].key : stream_key(p->records[i].capture, p->records[i].stream);
}

static const struct connection_record *owner(const struct population *p, size_t i)
{
    return &p->records[p->owners ? p->owners[i].value : i];
}

static void widen(instant_ns *first, instant_ns *last, instant_ns t)
{
    if (*first == INSTANT_NONE || t < *first)
        *first = t;
    if (*last == INSTANT_NONE || t > *last)
        *last = t;
}

/* Each once, however many captures hold it. */
static bool is_attempt(uint8_t bits)
{
    return (bits & (CENSUS_SYN | CENSUS_TOLD)) == CENSUS_SYN;
}

static void count_server(struct server_stats *s, const struct population *p, size_t at)
{
    const struct census_row *row = &p->census.row;
    const uint8_t bits = row->bits[at];
    s->n_attempts += is_attempt(bits);
    if (bits & CENSUS_TOLD_ALL)
        return;
    if ((bits & (CENSUS_ANSWERED | CENSUS_ACKED)) ||
        (bits & (CENSUS_SERVED | CENSUS_MIDDLE)) == (CENSUS_SERVED | CENSUS_MIDDLE)) {
        s->n_accepted++;
        s->n_acked += (bits & CENSUS_ACKED) != 0;
        widen(&s->first_accepted, &s->last_accepted, row->time[at]);
    } else if (bits & CENSUS_REFUSED) {
        s->n_refused++;
        widen(&s->first_refused, &s->last_refused,
              bits & CENSUS_SERVED ? p->records[row->record[at]].rst_time : row->end[at]);
    } else if (bits & CENSUS_SYN) {
        s->n_unanswered++;
    }
}

/* Behind a NAT another address has made the attempt. */
static bool is_clients_attempt(const struct population *p, size_t at)
{
    const uint32_t record = p->census.row.record[at];
    const uint8_t bits = p->census.row.bits[at];
    return is_attempt(bits) || ((bits & CENSUS_TOLD) &&
                                !address_eq(&p->records[record].client.ip,
                                            &p->records[p->census.of->told_by[record]].client.ip));
}

/* One of its connections to a server that has that number. */
static void count_client(struct client *c, uint32_t server, const struct population *p, size_t at)
{
    const uint8_t bits = p->census.row.bits[at];
    c->stats.n_attempts += is_clients_attempt(p, at);
    if (c->last_target != server + 1) {
        c->last_target = server + 1;
        c->stats.n_targets++;
        c->stats.n_dead_targets++;
    }
    if ((bits & CENSUS_SERVED) && c->last_served != server + 1) {
        c->last_served = server + 1;
        c->stats.n_dead_targets--;
    }
}

static bool count(struct population *p)
{
    const struct census *s = &p->census;
    p->servers = calloc(s->n_servers + (size_t)1, sizeof *p->servers);
    p->clients = calloc(s->clients.n + 1, sizeof *p->clients);
    p->n_syn = malloc((s->row.n + 1) * sizeof *p->n_syn);
    if (!p->servers || !p->clients || !p->n_syn)
        return false;
    uint32_t n_syn = 0;
    for (uint32_t k = 0; k < s->servers.n; k++) {
        if (k < s->n_servers)
            p->servers[k].stats = no_server;
        for (size_t i = s->first[k]; i < s->first[k + 1]; i++) {
            p->n_syn[i] = n_syn;
            n_syn += is_attempt(s->row.bits[i]);
            if (k < s->n_servers)
                count_server(&p->servers[k].stats, p, i);
            if (s->row.client[i] != CENSUS_NONE)
                count_client(&p->clients[s->row.client[i]], k, p, i);
        }
    }
    p->n_syn[s->row.n] = n_syn;
    return true;
}

static bool name_all(struct population *p, const struct case_file *c)
{
    for (size_t i = 0; i < c->n_resets; i++)
        if (!server_rows_name(&p->lives, c->resets[i]))
            return false;
    return true;
}

static void deal_lives(struct server_rows *lives)
{
    const struct census *s = lives->census;
    for (uint32_t k = 0; k < s->n_servers; k++)
        for (size_t i = s->first[k]; i < s->first[k + 1]; i++) {
            struct server_row *row =
                s->row.bits[i] & CENSUS_SERVED ? server_rows_at(lives, k, i) : NULL;
            if (!row)
                continue;
            server_rows_add(lives, &row[BEGUN], s->row.time[i], 0);
            server_rows_add(lives, &row[OVER], s->row.end[i], 0);
        }
}

/* Records of one capture come by stream; those of a series may not. */
static bool find_owners(struct population *p)
{
    const size_t n = p->n_records;
    if (p->census.by_stream)
        return true;
    struct radix_item *v = radix_room(n);
    if (!v)
        return false;
    for (size_t i = 0; i < n; i++)
        v[i] = (struct radix_item){owner_key(p, i), (uint32_t)i};
    radix_sort(v, v + n, n);
    p->owners = v;
    return true;
}

struct population *population_create(const struct case_file *c)
{
    struct population *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->records = c->records;
    p->n_records = c->n_resets > 0 ? c->n_records : 0; /* nobody will ask */
    server_rows_init(&p->lives, &p->census, LIFE_KINDS);
    bool good = census_take(&p->census, c) && count(p) && name_all(p, c) &&
                server_rows_fill(&p->lives, deal_lives) && find_owners(p);
    p->alike = good ? alike_create(&p->census) : NULL;
    p->closings = good ? closings_create(&p->census) : NULL;
    p->refusals = good ? refusals_create(&p->census) : NULL;
    p->shunnings = good ? shunnings_create(&p->census) : NULL;
    p->swallows = good ? swallows_create(&p->census) : NULL;
    if (p->alike && p->closings && p->refusals && p->shunnings && p->swallows)
        return p;
    population_free(p);
    return NULL;
}

void population_free(struct population *p)
{
    if (!p)
        return;
    chains_free(p->ports);
    chains_free(p->pairs);
    alike_free(p->alike);
    closings_free(p->closings);
    refusals_free(p->refusals);
    shunnings_free(p->shunnings);
    swallows_free(p->swallows);
    radix_room_free(p->owners, p->n_records);
    server_rows_finish(&p->lives);
    free(p->n_syn);
    free(p->clients);
    free(p->servers);
    census_finish(&p->census);
    free(p);
}

size_t population_n_resets(const struct population *p)
{
    return alike_n_resets(p->alike);
}

/* NULL: no reset of the case has that server. */
static struct server *server_of(const struct case_file *c, const struct reset *r, uint32_t *number)
{
    const struct population *p = c->population;
    *number = p ? census_server(&p->census, r) : CENSUS_NONE;
    return *number != CENSUS_NONE ? &p->servers[*number] : NULL;
}

uint32_t population_number(const struct case_file *c, size_t reset, enum side end)
{
    const struct census *s = &c->population->census;
    return end == SIDE_CLIENT ? s->client[reset] : s->server[reset];
}

uint32_t population_n_numbers(const struct case_file *c, enum side end)
{
    const struct census *s = &c->population->census;
    return (uint32_t)(end == SIDE_CLIENT ? s->clients.n : s->servers.n);
}

const struct server_stats *population_server(const struct case_file *c, const struct reset *r)
{
    uint32_t number;
    const struct server *s = server_of(c, r, &number);
    return s ? &s->stats : &no_server;
}

const struct client_stats *population_client(const struct case_file *c, const struct reset *r)
{
    static const struct client_stats none = {0};
    const struct population *p = c->population;
    const uint32_t number = p ? census_client(&p->census, r) : CENSUS_NONE;
    return number != CENSUS_NONE ? &p->clients[number].stats : &none;
}

/* Those that come next are on their way to whoever asks about the server again. */
static void fetch_sums(const struct population *p, size_t at)
{
    if (at + TIMES_AHEAD < p->census.row.n)
        __builtin_prefetch(&p->n_syn[at + TIMES_AHEAD]);
}

uint32_t population_attempts(const struct case_file *c, const struct reset *r, instant_ns from,
                             instant_ns to)
{
    uint32_t number;
    struct server *s = server_of(c, r, &number);
    if (!s || from > to)
        return 0;
    const struct population *p = c->population;
    const size_t first = p->census.first[number], n = p->census.first[number + 1] - first;
    const instant_ns *begins = p->census.row.time + first;
    const size_t a = times_before(begins, n, from, false, &s->hint_from);
    const size_t b = times_before(begins, n, to, true, &s->hint_to);
    fetch_sums(p, first + a);
    fetch_sums(p, first + b);
    return p->n_syn[first + b] - p->n_syn[first + a];
}

#define RECORDS_MAX 1000 /* of one stream, that are looked at */

/* The first of the owners with that key or a greater one.  In a case of one capture most streams
 * have one record each, so that the key's distance from the first is where it stands. */
static size_t find_owner(const struct population *p, uint64_t key)
{
    const uint64_t first = p->n_records > 0 ? owner_key(p, 0) : 0;
    size_t low = 0, high = p->n_records;
    if (key >= first && key - first < high) {
        size_t guess = (size_t)(key - first);
        if (owner_key(p, guess) < key)
            low = guess + 1;
        else if (guess == 0 || owner_key(p, guess - 1) < key)
            return guess;
        else
            high = guess;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (owner_key(p, middle) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void population_fetch(const struct case_file *c, const struct reset *r)
{
    const struct population *p = c->population;
    const uint64_t key = stream_key(reset_capture(r), reset_stream(r));
    const uint64_t first = p && p->n_records > 0 ? owner_key(p, 0) : 0;
    if (p && key >= first && key - first < p->n_records)
        prefetch_bytes(owner(p, key - first), sizeof *p->records);
}

/* Whether the connection's own record is among those that were served at t. */
static uint32_t count_own(const struct population *p, const struct reset *r, instant_ns t)
{
    const uint64_t key = stream_key(reset_capture(r), reset_stream(r));
    const size_t low = find_owner(p, key);
    uint32_t n = 0;
    for (size_t i = 0; i < RECORDS_MAX && low + i < p->n_records && owner_key(p, low + i) == key;
         i++) {
        const struct connection_record *o = owner(p, low + i);
        n += (census_bits(o) & CENSUS_SERVED) && o->first_time <= t && o->last_time >= t &&
             endpoint_eq(&o->server, reset_end(r, SIDE_SERVER));
    }
    return n;
}

uint32_t population_live_beside(const struct case_file *c, const struct reset *r)
{
    const struct population *p = c->population;
    struct server_row *row = p ? server_rows_of(&p->lives, r) : NULL;
    if (!row)
        return 0;
    const instant_ns t = r->deciding.segment.time;
    const size_t begun = server_rows_before(&p->lives, &row[BEGUN], t, true);
    const size_t over = server_rows_before(&p->lives, &row[OVER], t, false);
    if (begun <= over)
        return 0;
    const uint32_t beside = (uint32_t)(begun - over), own = count_own(p, r, t);
    return beside > own ? beside - own : 0;
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

uint32_t population_swallows_like(const struct case_file *c, const struct reset *r)
{
    return c->population ? swallows_like(c->population->swallows, r) : 0;
}

uint32_t population_accepted_between(const struct case_file *c, const struct reset *r)
{
    return c->population ? refusals_accepted_between(c->population->refusals, r) : 0;
}

uint32_t population_ended_before(const struct case_file *c, const struct reset *r)
{
    return c->population ? refusals_ended_before(c->population->refusals, r) : 0;
}

bool population_held_beside(const struct case_file *c, const struct reset *r)
{
    return population_live_beside(c, r) > 0 && refusals_held_beside(c->population->refusals, r);
}

const struct shunning *population_shunning(const struct case_file *c, const struct reset *r)
{
    struct shunned *last = c->population ? &c->population->shunned : NULL;
    if (last && last->r != r) {
        last->r = r;
        last->is_told = shunnings_of(c->population->shunnings, r, &last->told);
    }
    return last && last->is_told ? &last->told : NULL;
}

const struct closing *population_closing(const struct case_file *c, const struct reset *r)
{
    struct closed *last = c->population ? &c->population->closed : NULL;
    if (last && last->r != r) {
        last->r = r;
        last->is_told = closings_of(c->population->closings, r, &last->told);
    }
    return last && last->is_told ? &last->told : NULL;
}

bool population_any_shunning(const struct case_file *c)
{
    return c->population && shunnings_any(c->population->shunnings);
}

bool population_any_closing(const struct case_file *c)
{
    return c->population && closings_any(c->population->closings);
}

bool population_hides_talk(const struct case_file *c, const struct reset *r)
{
    const bool answers_syn =
        r->mechanism == MECHANISM_REFUSED && r->deciding.segment.flags & TCP_ACK;
    return !answers_syn && loss_is_control_only(&c->captures[reset_capture(r)].loss);
}

bool population_cut_short(const struct case_file *c, const struct reset *r)
{
    const uint64_t at = loss_cut_at(&c->captures[reset_capture(r)].loss);
    uint64_t n = 0;
    if (at == 0 || !r->in_full) /* in outline: it never opened */
        return false;
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        n += r->in_full->end[side].n_segments - r->in_full->end[side].n_rsts;
    return n >= at;
}

unsigned population_unheard(const struct case_file *c, const struct reset *r)
{
    unsigned unheard = reset_unheard(r);
    if (population_hides_talk(c, r) || population_cut_short(c, r))
        return 1U << SIDE_CLIENT | 1U << SIDE_SERVER;
    if (unheard == 0)
        return 0;
    const struct server_stats *server = population_server(c, r);
    if (population_client(c, r)->n_attempts > 0)
        unheard &= ~(1U << SIDE_CLIENT);
    if (server->n_accepted - server->n_acked + server->n_refused > 0)
        unheard &= ~(1U << SIDE_SERVER);
    return unheard;
}

static bool ask_ports(const struct case_file *c, const struct reset *r,
                      bool (*question)(const struct chains *ports, const struct reset *r),
                      bool *answer)
{
    struct population *p = c->population;
    *answer = false;
    if (!p)
        return true;
    if (!p->ports && !(p->ports = ports_chains(c)))
        return false;
    *answer = question(p->ports, r);
    return true;
}

bool population_port_elsewhere(const struct case_file *c, const struct reset *r, bool *elsewhere)
{
    return ask_ports(c, r, ports_elsewhere, elsewhere);
}

bool population_turned_away(const struct case_file *c, const struct reset *r, bool *turned_away)
{
    return ask_ports(c, r, ports_turned_away, turned_away);
}

bool population_port_moved(const struct case_file *c, const struct reset *r, bool *moved)
{
    struct population *p = c->population;
    *moved = false;
    if (!p)
        return true;
    if (!p->pairs && !(p->pairs = predecessors_chains(c)))
        return false;
    *moved = predecessors_have(p->pairs, r);
    return true;
}
