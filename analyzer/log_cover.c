/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a missing line means anything: a log of that host must reach over the whole time and hold
 * lines of the program that would have written it.
 */
#include "analyzer/correlate_parts.h"

/* Whose log it is: by learned names; a log of an unknown host counts where it is the only host. */
static bool is_logs_host(const struct correlation *c, const struct log_domain *d,
                         const struct address *ip)
{
    int has = names_has(c, name_key(d), ip);
    if (has != -1)
        return has == 1;
    for (size_t i = 0; i < c->index.domains.n; i++)
        if (name_key(&c->index.domains.v[i]) != name_key(d))
            return false;
    return true;
}

/* The surely covered part must hold all of it: the spread is taken off at both ends. */
static bool spans(const struct correlation *c, size_t domain, instant_ns from, instant_ns to)
{
    const struct log_domain *d = &c->index.domains.v[domain];
    if (d->first == INSTANT_NONE)
        return false;
    struct clock_span first = clock_of_domain(c, domain, d->first);
    struct clock_span last = clock_of_domain(c, domain, d->last);
    return d->first - first.low <= from && d->last - last.high >= to;
}

bool case_log_covers(const struct case_file *c, const struct reset *r, enum side side,
                     struct text event_kind, instant_ns from, instant_ns to)
{
    const struct correlation *k = c->correlation;
    if (!k || side == SIDE_PATH || k->clocks.n != k->index.domains.n)
        return false;
    instant_ns shift = k->vantage.shift[r->connection->capture];
    for (size_t i = 0; i < k->index.domains.n; i++)
        if (is_logs_host(k, &k->index.domains.v[i], &r->connection->end[side].at.ip) &&
            spans(k, i, sane_time(from) - shift, sane_time(to) - shift) &&
            log_index_writes(&k->index, (uint32_t)i, event_kind))
            return true;
    return false;
}
