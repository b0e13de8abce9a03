/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one log of a host showed of its clock holds for the host's other logs, whose lines may name
 * nobody: each that nothing measured takes the best measured clock among them.
 */
#include "analyzer/correlate/correlate_parts.h"

#define LENT_SPREAD_NS (NS_PER_S / 50)

/* Which domains lend to one another: those of one host, and those of one log where one of the two
 * names no host. */
enum lends_by { BY_HOST, BY_LOG, BY_LOG_NAMELESS };

struct lender_key { /* without padding: a key is its bytes */
    uint64_t of;    /* host or source */
    uint32_t by;
    uint32_t zone_stated;
};

static const struct clock_estimate *at(const struct correlation *c, uint32_t domain)
{
    return &c->clocks.v[domain].at;
}

static struct lender_key key_of(const struct log_domain *d, enum lends_by by)
{
    return (struct lender_key){by == BY_HOST ? d->host_hash : d->source, by, d->zone_stated};
}

static bool is_better(const struct correlation *c, uint32_t a, uint32_t b)
{
    return at(c, a)->n_anchors != at(c, b)->n_anchors ? at(c, a)->n_anchors > at(c, b)->n_anchors
                                                      : a < b;
}

static bool offer(struct map *best, const struct correlation *c, uint32_t domain, enum lends_by by)
{
    const struct lender_key key = key_of(&c->index.domains.v[domain], by);
    bool made;
    uint32_t *one = map_put(best, &key, &made);
    if (one && (made || is_better(c, domain, *one)))
        *one = domain;
    return one != NULL;
}

/* best: struct lender_key to domain. */
static bool offer_all(struct map *best, const struct correlation *c)
{
    bool good = true;
    for (uint32_t i = 0; good && i < c->index.domains.n; i++) {
        const struct log_domain *d = &c->index.domains.v[i];
        if (!at(c, i)->known || c->clocks.v[i].borrowed || d->received)
            continue;
        good = offer(best, c, i, BY_LOG) &&
               offer(best, c, i, d->host_hash ? BY_HOST : BY_LOG_NAMELESS);
    }
    return good;
}

static uint32_t lender_of(const struct map *best, const struct correlation *c, uint32_t domain)
{
    const struct log_domain *d = &c->index.domains.v[domain];
    const enum lends_by ways[] = {d->host_hash ? BY_HOST : BY_LOG, BY_LOG_NAMELESS};
    uint32_t lender = LOG_NONE;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const struct lender_key key = key_of(d, ways[i]);
        const uint32_t *one = map_get(best, &key);
        if (one && (lender == LOG_NONE || is_better(c, *one, lender)))
            lender = *one;
    }
    return lender;
}

static void lend(struct correlation *c, uint32_t from, uint32_t to)
{
    struct domain_clock *k = &c->clocks.v[to];
    const struct domain_clock *lent = &c->clocks.v[from];
    struct clock_knot *knots =
        lent->at.n_knots ? arena_copy(&c->arena, lent->at.knots, lent->at.n_knots * sizeof *knots)
                         : NULL;
    k->at = lent->at;
    k->at.n_anchors = 0;
    k->at.spread += LENT_SPREAD_NS;
    k->at.by_time = true;
    k->at.knots = knots; /* its own: a zone may yet be taken out of them */
    k->at.n_knots = knots ? lent->at.n_knots : 0;
    k->given = lent->given;
    k->weak = lent->weak;
    k->by_turns = lent->by_turns;
    k->by_datagrams = lent->by_datagrams;
    k->borrowed = true;
}

bool clocks_lend(struct correlation *c)
{
    struct map best;
    map_init(&best, sizeof(struct lender_key), sizeof(uint32_t));
    const bool good = offer_all(&best, c);
    for (uint32_t i = 0; good && i < c->index.domains.n; i++) {
        const uint32_t lender = at(c, i)->known ? LOG_NONE : lender_of(&best, c, i);
        if (lender != LOG_NONE)
            lend(c, lender, i);
    }
    map_finish(&best);
    return good;
}
