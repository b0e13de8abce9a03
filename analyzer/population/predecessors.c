/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each pair of a client's address and a server that a reset in mid-stream has leads to the last
 * record with it, each record to the one before.
 */
#include "analyzer/population/predecessors.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/map.h"

#define CHAIN_MAX 500           /* connections of one pair that are looked at */
#define SEGMENT_MOST 8192       /* bytes that a segment advances the numbers by, on average */
#define ADVANCE_MOST (1U << 26) /* what goes further fits by chance too often */

struct pair {
    struct address client;
    struct endpoint server;
};

struct predecessors {
    const struct case_file *of;
    struct map last;    /* struct pair -> record + 1 */
    uint32_t *previous; /* by record: the one before it in its chain + 1, 0 none */
};

static struct pair pair_of(const struct endpoint *client, const struct endpoint *server)
{
    struct pair p;
    memset(&p, 0, sizeof p); /* a key, gaps and all */
    p.client = client->ip;
    p.server = *server;
    return p;
}

static bool name_pairs(struct predecessors *p)
{
    for (size_t i = 0; i < p->of->n_resets; i++) {
        const struct reset *r = p->of->resets[i];
        const struct pair key = pair_of(reset_end(r, SIDE_CLIENT), reset_end(r, SIDE_SERVER));
        if (r->mechanism == MECHANISM_NO_STATE && !map_put(&p->last, &key, NULL))
            return false;
    }
    return true;
}

struct predecessors *predecessors_create(const struct case_file *c)
{
    struct predecessors *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->of = c;
    map_init(&p->last, sizeof(struct pair), sizeof(uint32_t));
    p->previous = calloc(c->n_records + 1, sizeof *p->previous);
    if (!p->previous || !name_pairs(p)) {
        predecessors_free(p);
        return NULL;
    }
    for (size_t i = 0; i < c->n_records; i++) {
        const struct pair key = pair_of(&c->records[i].client, &c->records[i].server);
        uint32_t *last = map_get(&p->last, &key);
        if (!last)
            continue;
        p->previous[i] = *last;
        *last = (uint32_t)i + 1;
    }
    return p;
}

void predecessors_free(struct predecessors *p)
{
    if (!p)
        return;
    map_finish(&p->last);
    free(p->previous);
    free(p);
}

static bool goes_on(const struct connection *k, const struct connection_record *o)
{
    const struct end *client = &k->end[SIDE_CLIENT];
    const uint64_t all = ((uint64_t)o->n_segments + k->n_segments) * SEGMENT_MOST;
    const uint32_t most = all < ADVANCE_MOST ? (uint32_t)all : ADVANCE_MOST;
    return o->capture == k->capture && o->client.port != client->at.port &&
           record_isn_known(o, SIDE_CLIENT) && record_isn_known(o, SIDE_SERVER) &&
           o->first_time < k->first_time &&
           (o->rst_time == INSTANT_NONE || o->rst_time > k->first_time) &&
           client->next_seq - o->isn[SIDE_CLIENT] - 1 <= most &&
           client->acked - o->isn[SIDE_SERVER] - 1 <= most;
}

bool predecessors_have(const struct predecessors *p, const struct reset *r)
{
    const struct connection *k = reset_connection(r);
    const struct end *client = &k->end[SIDE_CLIENT];
    const struct pair key = pair_of(&client->at, &k->end[SIDE_SERVER].at);
    const uint32_t *last = map_get(&p->last, &key);
    uint32_t next = last ? *last : 0;
    if (!k->began_mid_stream || client->n_segments == 0 || !client->saw_ack)
        return false;
    for (unsigned n = 0; next != 0 && n < CHAIN_MAX; n++) {
        if (goes_on(k, &p->of->records[next - 1]))
            return true;
        next = p->previous[next - 1];
    }
    return false;
}
