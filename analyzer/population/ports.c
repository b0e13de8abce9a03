/* SPDX-License-Identifier: Apache-2.0 */
/* Each port that a reset has leads to the last record with it, each record to the one before. */
#include "analyzer/population/ports.h"

#include <stdlib.h>

#include "analyzer/population/census.h"
#include "parsers/base/map.h"

#define CHAIN_MAX 1000 /* uses of one port that are looked at */

struct ports {
    const struct case_file *of;
    struct map last;    /* client's struct endpoint -> record + 1 */
    uint32_t *previous; /* by record: the one before it in its chain + 1, 0 none */
};

static bool name_ports(struct ports *p)
{
    for (size_t i = 0; i < p->of->n_resets; i++)
        if (!map_put(&p->last, reset_end(p->of->resets[i], SIDE_CLIENT), NULL))
            return false;
    return true;
}

struct ports *ports_create(const struct case_file *c)
{
    struct ports *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->of = c;
    map_init(&p->last, sizeof(struct endpoint), sizeof(uint32_t));
    p->previous = calloc(c->n_records + 1, sizeof *p->previous);
    if (!p->previous || !name_ports(p)) {
        ports_free(p);
        return NULL;
    }
    for (size_t i = 0; i < c->n_records; i++) {
        uint32_t *last = map_get(&p->last, &c->records[i].client);
        if (!last)
            continue;
        p->previous[i] = *last;
        *last = (uint32_t)i + 1;
    }
    return p;
}

void ports_free(struct ports *p)
{
    if (!p)
        return;
    map_finish(&p->last);
    free(p->previous);
    free(p);
}

/* Whether what the RST answers, a SYN-ACK, acknowledges the SYN of that attempt: numbers of 32 bits
 * do not fit by chance. */
static bool answers(const struct reset *r, const struct connection_record *o)
{
    return r->mechanism == MECHANISM_UNEXPECTED_SYNACK && record_isn_known(o, SIDE_CLIENT) &&
           o->syn_time != INSTANT_NONE && r->deciding.segment.seq == o->isn[SIDE_CLIENT] + 1;
}

static bool is_elsewhere(const struct reset *r, const struct connection_record *o)
{
    return answers(r, o) || (census_bits(o) & CENSUS_SERVED);
}

/* Of the client's end nothing but its RST was captured. */
static bool is_turned_away(const struct reset *r, const struct connection_record *o)
{
    return o->began_mid_stream && record_saw_rst(o, SIDE_CLIENT) && o->ttl[SIDE_CLIENT] == 0 &&
           o->first_time >= reset_connection(r)->first_time &&
           o->rst_time <= r->deciding.segment.time;
}

/* Whether a connection is so that the port had to another server in the reset one's time. */
static bool any(const struct ports *p, const struct reset *r,
                bool (*is_so)(const struct reset *r, const struct connection_record *o))
{
    const struct connection *k = reset_connection(r);
    const uint32_t *last = map_get(&p->last, &k->end[SIDE_CLIENT].at);
    uint32_t next = last ? *last : 0;
    for (unsigned n = 0; next != 0 && n < CHAIN_MAX; n++) {
        const struct connection_record *o = &p->of->records[next - 1];
        next = p->previous[next - 1];
        if (o->capture == k->capture && !endpoint_eq(&o->server, &k->end[SIDE_SERVER].at) &&
            o->first_time <= k->last_time && o->last_time >= k->first_time && is_so(r, o))
            return true;
    }
    return false;
}

bool ports_elsewhere(const struct ports *p, const struct reset *r)
{
    return any(p, r, is_elsewhere);
}

bool ports_turned_away(const struct ports *p, const struct reset *r)
{
    return any(p, r, is_turned_away);
}
