/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of each pair of a client's address and a server that a reset in mid-stream has
 * are walked from the last one back.
 */
#include "analyzer/population/predecessors.h"

#include <string.h>

#define CHAIN_MAX 500           /* connections of one pair that are looked at */
#define SEGMENT_MOST 8192       /* bytes that a segment advances the numbers by, on average */
#define ADVANCE_MOST (1U << 26) /* what goes further fits by chance too often */

struct pair {
    struct address client;
    struct endpoint server;
};

static void pair_of(const struct endpoint *client, const struct endpoint *server, void *key)
{
    const struct pair p = {.client = client->ip, .server = *server};
    memcpy(key, &p, sizeof p);
}

static bool has_no_state(const struct reset *r)
{
    return r->mechanism == MECHANISM_NO_STATE;
}

static const struct chain_kind of_pairs = {
    .key_size = sizeof(struct pair), .key = pair_of, .names = has_no_state, .most = CHAIN_MAX};

struct chains *predecessors_chains(const struct case_file *c)
{
    return chains_create(c, &of_pairs);
}

static bool goes_on(const struct reset *r, const struct connection_record *o)
{
    const struct connection *k = reset_connection(r);
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

bool predecessors_have(const struct chains *pairs, const struct reset *r)
{
    const struct connection *k = reset_connection(r);
    const struct end *client = &k->end[SIDE_CLIENT];
    return k->began_mid_stream && client->n_segments > 0 && client->saw_ack &&
           chains_any(pairs, r, goes_on);
}
