/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two readings of one log are held against each other by: which of its events' ends a passer
 * may name, which lines are about an address of interest, and what the other lines add up to.
 */
#ifndef WHYRST_TESTS_PARSERS_LOG_SIEVED_H
#define WHYRST_TESTS_PARSERS_LOG_SIEVED_H

#include "parsers/log/address_find.h"
#include "parsers/log/reader.h"

/* Of the event's ends the one address that may be of interest, beside others; NULL: none. */
static inline const struct address *sieved_known(const struct address_filter *interest,
                                                 const struct event *e)
{
    const struct endpoint *ends[] = {&e->client, &e->server, &e->src, &e->dst};
    const struct address *known = NULL;
    bool others = false;
    for (size_t i = 0; i < 4; i++) {
        if (address_is_zero(&ends[i]->ip))
            continue;
        if (!address_filter_may_hold(interest, &ends[i]->ip))
            others = true;
        else if (known && !address_eq(known, &ends[i]->ip))
            return NULL;
        else
            known = &ends[i]->ip;
    }
    return others ? known : NULL;
}

/* Whether its line holds an address that may be of interest. */
static inline bool sieved_is_of_interest(const struct address_filter *interest,
                                         const struct event *e)
{
    struct endpoint found[LOG_ADDRESSES_MAX];
    unsigned n = log_find_addresses(e->message, found);
    for (unsigned i = 0; i < n; i++)
        if (address_filter_may_hold(interest, &found[i].ip))
            return true;
    return false;
}

struct sieved_others { /* lines that are no event and about nobody of interest */
    uint64_t n;
    instant_ns first, last; /* INT64_MAX and INSTANT_NONE: of none */
};

static inline void sieved_add(struct sieved_others *o, uint64_t n, instant_ns first,
                              instant_ns last)
{
    o->n += n;
    o->first = first < o->first ? first : o->first;
    o->last = last > o->last ? last : o->last;
}

/* A line whose time may be INSTANT_NONE. */
static inline void sieved_add_one(struct sieved_others *o, instant_ns t)
{
    sieved_add(o, 1, t == INSTANT_NONE ? INT64_MAX : t, t);
}

#endif
