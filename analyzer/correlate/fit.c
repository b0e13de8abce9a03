/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connections a line may speak of, and when it would be due.  A line speaks of a connection
 * only if everything that it names agrees; a proxy's line about its upstream names another
 * connection's client, which therefore has no say.
 */
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/record/window.h"

#define SCAN_MAX 8192 /* records of one endpoint or address looked at for one line */

bool is_upstream(const struct event *e)
{
    return text_find(e->kind, TEXT("upstream"), 0) != SIZE_MAX;
}

bool is_of_client(const struct event *e)
{
    return text_find(e->kind, TEXT(".client-"), 0) != SIZE_MAX;
}

static bool named(const struct endpoint *e)
{
    return !address_is_zero(&e->ip);
}

bool closed_by_client(const struct roster *r, uint32_t record, const struct event *e)
{
    const struct connection_record *c = &r->records[record];
    instant_ns fin = c->fin_time[SIDE_CLIENT], others = c->fin_time[SIDE_SERVER];
    return named(&e->client) && !is_upstream(e) && fin != INSTANT_NONE &&
           !record_saw_rst(c, SIDE_SERVER) && (others == INSTANT_NONE || fin < others);
}

static bool agrees(const struct endpoint *says, const struct endpoint *is)
{
    return !named(says) ||
           (address_eq(&says->ip, &is->ip) && (!says->port || says->port == is->port));
}

/* An address that no capture shows is another name of the same host (behind a NAT, or a wildcard),
 * as long as the port does not deny it. */
static bool agrees_or_hidden(const struct correlation *c, const struct endpoint *says,
                             const struct endpoint *is)
{
    return agrees(says, is) ||
           (!roster_knows(&c->roster, &says->ip) && (!says->port || says->port == is->port));
}

static enum fit grade(const struct endpoint *client, const struct endpoint *server,
                      const struct endpoint *is_server)
{
    bool knows_server = named(server) && address_eq(&server->ip, &is_server->ip);
    if (named(client) && client->port)
        return knows_server ? FIT_TUPLE : FIT_ENDPOINT;
    if (knows_server && server->port)
        return FIT_SERVICE;
    return knows_server || named(client) ? FIT_ADDRESS : FIT_NO;
}

static enum fit fit_roles(const struct correlation *c, const struct endpoint *client,
                          const struct endpoint *server, const struct endpoint *is_client,
                          const struct endpoint *is_server)
{
    bool by_client = named(client) && agrees(client, is_client);
    if (!agrees(client, is_client))
        return FIT_NO;
    if (by_client && client->port ? !agrees_or_hidden(c, server, is_server)
                                  : !agrees(server, is_server))
        return FIT_NO;
    return grade(client, server, is_server);
}

/* MySQL names the session by a number that it has told the client, too. */
static bool is_another_session(const struct correlation *c, const struct event *e, uint32_t record)
{
    uint32_t says, is;
    enum writer writer;
    if (!text_starts(e->kind, TEXT("mysql.")) || !session_of_event(e, WRITER_MYSQL, &says))
        return false;
    for (uint32_t i = c->roster.reset_from[record]; i < c->roster.reset_from[record + 1]; i++) {
        const struct connection *k = c->roster.reset_at[i]->in_full;
        if (k && session_of(k, &writer, &is))
            return writer != WRITER_MYSQL || says != is;
    }
    return false;
}

enum fit record_fit(const struct correlation *c, const struct event *e, uint32_t record)
{
    static const struct endpoint nobody;
    const struct connection_record *r = &c->roster.records[record];
    const struct endpoint *client = is_upstream(e) ? &nobody : &e->client;
    enum fit best = FIT_NO;
    if (named(client) || named(&e->server)) {
        best = fit_roles(c, client, &e->server, &r->client, &r->server);
        if (best == FIT_NO && r->client_guessed)
            best = fit_roles(c, client, &e->server, &r->server, &r->client);
    } else if (named(&e->src) || named(&e->dst)) {
        best = fit_roles(c, &e->src, &e->dst, &r->client, &r->server);
        enum fit turned = fit_roles(c, &e->dst, &e->src, &r->client, &r->server);
        best = turned > best ? turned : best;
    }
    if (best != FIT_NO && is_another_session(c, e, record))
        return FIT_NO;
    return best;
}

void talk_due(const struct talk *t, enum event_claim claim, instant_ns *from, instant_ns *to)
{
    instant_ns end = t->last;
    if (t->fin != INSTANT_NONE)
        end = t->fin;
    if (t->rst != INSTANT_NONE && (t->fin == INSTANT_NONE || t->rst < t->fin))
        end = t->rst;
    *from = *to = end;
    switch (claim) {
    case CLAIM_OPENED:
        *from = *to = t->opened;
        break;
    case CLAIM_RESET:
        *from = *to = t->rst != INSTANT_NONE ? t->rst : end;
        break;
    case CLAIM_REFUSED:
        *from = t->opened;
        break;
    case CLAIM_ENDED:
    case CLAIM_TIMEOUT:
        if (t->rst != INSTANT_NONE && t->rst > end)
            *to = t->rst;
        break;
    case CLAIM_NOTHING:
        *from = t->first;
        *to = t->last;
        break;
    }
    if (*to < *from)
        *to = *from;
}

struct pivot { /* the narrowest list of records that the line's ends lead to */
    const uint32_t *list;
    struct roster_range range;
    bool of_address; /* a range of by_address: blocks can be skipped */
    bool found;
};

static void consider(const struct correlation *c, const struct endpoint *e, struct pivot *p)
{
    if (!named(e) || !roster_knows(&c->roster, &e->ip))
        return;
    struct roster_range range =
        e->port ? roster_endpoint(&c->roster, e) : roster_address(&c->roster, &e->ip);
    if (p->found && range.to - range.from >= p->range.to - p->range.from)
        return;
    *p = (struct pivot){.list = e->port ? c->roster.by_endpoint : c->roster.by_address,
                        .range = range,
                        .of_address = !e->port,
                        .found = true};
}

/* What began after the line is cut off; of a list still long the newest are kept. */
static void cut_pivot(const struct correlation *c, struct pivot *p, struct when w)
{
    uint32_t lo = p->range.from, hi = p->range.to;
    while (w.stamped && lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2, record = roster_record(p->list[mid]);
        if (roster_time(&c->roster, record, c->roster.records[record].first_time) <=
            w.high + WINDOW_NAMED_BEFORE_NS)
            lo = mid + 1;
        else
            hi = mid;
    }
    p->range.to = w.stamped ? lo : hi;
    if (p->of_address && w.stamped) /* these are thinned by blocks, see below */
        return;
    if (p->range.to - p->range.from > SCAN_MAX)
        p->range.from = p->range.to - SCAN_MAX;
}

/* The next entry worth a look: blocks that were over long before the line are passed over. */
static uint32_t next_alive(const struct correlation *c, const struct pivot *p, uint32_t i,
                           instant_ns after)
{
    while (i < p->range.to && i % ROSTER_BLOCK == 0 &&
           c->roster.block_last[i / ROSTER_BLOCK] < after)
        i += ROSTER_BLOCK;
    return i;
}

void fit_each(const struct correlation *c, uint32_t entry, instant_ns slack, fit_fn *each,
              void *ctx)
{
    const struct event *e = c->index.entries.v[entry].event;
    struct pivot p = {0};
    if (!is_upstream(e))
        consider(c, &e->client, &p);
    consider(c, &e->server, &p);
    consider(c, &e->src, &p);
    consider(c, &e->dst, &p);
    if (!p.found)
        return;
    struct when w = when_of(c, entry);
    w.stamped &= slack != FIT_ANY_TIME;
    cut_pivot(c, &p, w);
    bool skip = p.of_address && w.stamped;
    uint32_t n = 0;
    for (uint32_t i = p.range.from; i < p.range.to && n < SCAN_MAX; i++) {
        if (skip)
            i = next_alive(c, &p, i, w.low - slack);
        if (i >= p.range.to)
            return;
        uint32_t record = roster_record(p.list[i]);
        enum fit fit = record_fit(c, e, record);
        n++;
        if (fit != FIT_NO && !each(ctx, record, fit))
            return;
    }
}
