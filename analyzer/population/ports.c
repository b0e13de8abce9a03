/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of each client's port that a reset has are walked from the last one back. */
#include "analyzer/population/ports.h"

#include <string.h>

#include "analyzer/population/census.h"

#define CHAIN_MAX 1000 /* uses of one port that are looked at */

static void key(const struct endpoint *client, const struct endpoint *server, void *key)
{
    (void)server;
    memcpy(key, client, sizeof *client);
}

static const struct chain_kind of_ports = {
    .key_size = sizeof(struct endpoint), .key = key, .most = CHAIN_MAX};

struct chains *ports_chains(const struct case_file *c)
{
    return chains_create(c, &of_ports);
}

/* Whether what the RST answers, a SYN-ACK, acknowledges the SYN of that attempt: numbers of 32 bits
 * do not fit by chance. */
static bool answers(const struct reset *r, const struct connection_record *o)
{
    return r->mechanism == MECHANISM_UNEXPECTED_SYNACK && record_isn_known(o, SIDE_CLIENT) &&
           o->syn_time != INSTANT_NONE && r->deciding.segment.seq == o->isn[SIDE_CLIENT] + 1;
}

/* Whether it is of another server than the reset one, in that one's time. */
static bool is_beside(const struct reset *r, const struct connection_record *o)
{
    const struct connection *k = reset_connection(r);
    return o->capture == k->capture && !endpoint_eq(&o->server, &k->end[SIDE_SERVER].at) &&
           o->first_time <= k->last_time && o->last_time >= k->first_time;
}

static bool is_elsewhere(const struct reset *r, const struct connection_record *o)
{
    return is_beside(r, o) && (answers(r, o) || (census_bits(o) & CENSUS_SERVED));
}

/* Of the client's end nothing but its RST was captured. */
static bool is_turned_away(const struct reset *r, const struct connection_record *o)
{
    return is_beside(r, o) && o->began_mid_stream && record_saw_rst(o, SIDE_CLIENT) &&
           o->ttl[SIDE_CLIENT] == 0 && o->first_time >= reset_connection(r)->first_time &&
           o->rst_time <= r->deciding.segment.time;
}

bool ports_elsewhere(const struct chains *ports, const struct reset *r)
{
    return chains_any(ports, r, is_elsewhere);
}

bool ports_turned_away(const struct chains *ports, const struct reset *r)
{
    return chains_any(ports, r, is_turned_away);
}
