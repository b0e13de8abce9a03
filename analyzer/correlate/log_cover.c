/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a missing line means anything: a log of that host must reach over the whole time, hold
 * lines of the program that would have written it, and not say that it lost such lines then.  Lines
 * out of captured datagrams are no such log: datagrams get lost, and a sender sends what it likes.
 */
#include "analyzer/correlate/correlate_parts.h"

static bool is_sent(const struct correlation *c, const struct log_domain *d)
{
    return d->source < c->sources.n && c->sources.v[d->source].is_sent;
}

/* Whose log it is: by learned names; a log of an unknown host counts where it is the only host. */
static bool is_logs_host(const struct correlation *c, const struct log_domain *d,
                         const struct address *ip)
{
    int has = names_has(c, name_key(d), ip);
    if (has != -1)
        return has == 1;
    for (size_t i = 0; i < c->index.domains.n; i++)
        if (name_key(&c->index.domains.v[i]) != name_key(d) &&
            (c->index.domains.v[i].host_hash || !is_sent(c, &c->index.domains.v[i])))
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

/* Whether the line tells of lost lines that the family may have written. */
static bool lost_of(const struct event *e, enum writer wanted)
{
    if (text_eq(e->program, TEXT("kernel")) || text_starts(e->message, TEXT("Missed ")))
        return wanted == WRITER_KERNEL || wanted == WRITER_OTHER;
    for (unsigned i = 0; i < e->n_fields && wanted != WRITER_OTHER; i++) {
        struct text unit = e->fields[i].value;
        if (!text_eq(e->fields[i].name, TEXT("unit")))
            continue;
        size_t dot = text_find_byte(unit, '.', 0), colon = text_find_byte(unit, ':', 0);
        size_t end = dot < colon ? dot : colon;
        return writer_of(unit) == wanted ||
               (end != SIZE_MAX && writer_of(text_slice(unit, 0, end)) == wanted);
    }
    return true;
}

/* Loggers tell of lost lines after the fact, when the next line comes: so long at most. */
#define LOSS_TOLD_LATE_NS (3600 * NS_PER_S)
#define LOSSES_TRIED 64 /* of the newest, to lengthen one instead of adding another */

static uint32_t families_of(const struct event *e)
{
    uint32_t families = 0;
    for (unsigned w = 0; w < WRITERS; w++)
        families |= lost_of(e, (enum writer)w) ? UINT32_C(1) << w : 0;
    return families;
}

/* A flood of such lines is one loss. */
static bool add_loss(struct correlation *c, struct log_loss loss)
{
    for (size_t i = c->losses.n; i > 0 && c->losses.n - i < LOSSES_TRIED; i--) {
        struct log_loss *l = &c->losses.v[i - 1];
        if (l->host != loss.host || l->families != loss.families || loss.low > l->high ||
            loss.high < l->low)
            continue;
        l->low = loss.low < l->low ? loss.low : l->low;
        l->high = loss.high > l->high ? loss.high : l->high;
        return true;
    }
    struct log_loss *slot = vec_push(&c->losses);
    if (slot)
        *slot = loss;
    return slot != NULL;
}

bool losses_find(struct correlation *c)
{
    for (size_t i = 0; i < c->index.entries.n; i++) {
        const struct log_entry *e = &c->index.entries.v[i];
        if (!text_eq(e->event->kind, TEXT("log.messages-lost")))
            continue;
        struct when told = when_of(c, (uint32_t)i);
        if (!add_loss(
                c, (struct log_loss){.host = name_key(&c->index.domains.v[e->domain]),
                                     .families = families_of(e->event),
                                     .low = told.stamped ? told.low - LOSS_TOLD_LATE_NS : INT64_MIN,
                                     .high = told.stamped ? told.high : INT64_MAX}))
            return false;
    }
    return true;
}

/* Whether the host of that domain says that lines of that kind were lost about then. */
static bool lost_some(const struct correlation *c, size_t domain, struct text kind, instant_ns from,
                      instant_ns to)
{
    uint64_t host = name_key(&c->index.domains.v[domain]);
    uint32_t wanted = UINT32_C(1) << writer_of_kind(kind);
    for (size_t i = 0; i < c->losses.n; i++) {
        const struct log_loss *l = &c->losses.v[i];
        if (l->host == host && (l->families & wanted) && l->high >= from && l->low <= to)
            return true;
    }
    return false;
}

bool case_log_covers(const struct case_file *c, const struct reset *r, enum side side,
                     struct text event_kind, instant_ns from, instant_ns to)
{
    const struct correlation *k = c->correlation;
    if (!k || side == SIDE_PATH || k->clocks.n != k->index.domains.n)
        return false;
    instant_ns shift = k->vantage.shift[reset_capture(r)];
    for (size_t i = 0; i < k->index.domains.n; i++)
        if (!is_sent(k, &k->index.domains.v[i]) &&
            is_logs_host(k, &k->index.domains.v[i], &reset_end(r, side)->ip) &&
            spans(k, i, sane_time(from) - shift, sane_time(to) - shift) &&
            log_index_writes(&k->index, (uint32_t)i, event_kind) &&
            !lost_some(k, i, event_kind, sane_time(from) - shift, sane_time(to) - shift))
            return true;
    return false;
}
