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

/* The surely covered part: the spread is taken off at both ends. */
static struct covered covered_by(const struct correlation *c, size_t domain)
{
    const struct log_domain *d = &c->index.domains.v[domain];
    if (d->first == INSTANT_NONE || is_sent(c, d) || domain >= c->clocks.n)
        return (struct covered){INT64_MAX, INT64_MIN};
    struct clock_span first = clock_of_domain(c, domain, d->first);
    struct clock_span last = clock_of_domain(c, domain, d->last);
    return (struct covered){d->first - first.low, d->last - last.high};
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

static int compare_loss(const void *x, const void *y)
{
    const struct log_loss *a = x, *b = y;
    if (a->host != b->host)
        return a->host < b->host ? -1 : 1;
    if (a->families != b->families)
        return a->families < b->families ? -1 : 1;
    return a->low < b->low ? -1 : a->low > b->low;
}

/* A flood of such lines is one loss. */
static void merge_losses(struct correlation *c)
{
    struct log_loss *v = c->losses.v;
    size_t n = 0;
    if (c->losses.n > 1)
        qsort(v, c->losses.n, sizeof *v, compare_loss);
    for (size_t i = 0; i < c->losses.n; i++) {
        struct log_loss *last = n > 0 ? &v[n - 1] : NULL;
        if (last && last->host == v[i].host && last->families == v[i].families &&
            v[i].low <= last->high)
            last->high = v[i].high > last->high ? v[i].high : last->high;
        else
            v[n++] = v[i];
    }
    c->losses.n = n;
}

static bool find_losses(struct correlation *c)
{
    for (size_t i = 0; i < c->index.entries.n; i++) {
        const struct log_entry *e = &c->index.entries.v[i];
        if (!text_eq(e->event->kind, TEXT("log.messages-lost")))
            continue;
        struct when told = when_of(c, (uint32_t)i);
        struct log_loss *loss = vec_push(&c->losses);
        if (!loss)
            return false;
        *loss = (struct log_loss){.host = name_key(&c->index.domains.v[e->domain]),
                                  .families = families_of(e->event),
                                  .low = told.stamped ? told.low - LOSS_TOLD_LATE_NS : INT64_MIN,
                                  .high = told.stamped ? told.high : INT64_MAX};
    }
    merge_losses(c);
    return true;
}

/* Whose logs they are, and whether they are all of one host. */
static bool find_domains(struct correlation *c)
{
    struct host_domains *h = &c->host_domains;
    map_init(&h->newest, sizeof(uint64_t), sizeof(uint32_t));
    h->before = arena_array(&c->arena, c->index.domains.n + 1, sizeof *h->before);
    h->covered = arena_array(&c->arena, c->index.domains.n + 1, sizeof *h->covered);
    if (!h->before || !h->covered)
        return false;
    for (size_t i = 0; i < c->index.domains.n; i++) {
        const struct log_domain *d = &c->index.domains.v[i];
        const uint64_t key = name_key(d);
        uint32_t *newest = map_put(&h->newest, &key, NULL);
        if (!newest)
            return false;
        h->covered[i] = covered_by(c, i);
        h->before[i] = *newest;
        *newest = (uint32_t)i + 1;
        if ((d->host_hash || !is_sent(c, d)) && (h->n_hosts == 0 || h->only != key)) {
            h->n_hosts = h->n_hosts ? 2 : 1;
            h->only = key;
        }
    }
    return true;
}

bool log_cover_settle(struct correlation *c)
{
    return find_losses(c) && find_domains(c);
}

void log_cover_finish(struct correlation *c)
{
    map_finish(&c->host_domains.newest);
}

/* Whether the host of that domain says that lines of that kind were lost about then. */
static bool lost_some(const struct correlation *c, size_t domain, struct text kind, instant_ns from,
                      instant_ns to)
{
    uint64_t host = name_key(&c->index.domains.v[domain]);
    uint32_t wanted = UINT32_C(1) << writer_of_kind(kind);
    size_t lo = 0, hi = c->losses.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->losses.v[mid].host < host)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < c->losses.n && c->losses.v[lo].host == host; lo++) {
        const struct log_loss *l = &c->losses.v[lo];
        if ((l->families & wanted) && l->high >= from && l->low <= to)
            return true;
    }
    return false;
}

struct cover_question {
    struct text kind;
    instant_ns from, to; /* on the first capture's clock */
};

/* Any log of that host. */
static bool host_covers(const struct correlation *c, uint64_t key, const struct cover_question *q)
{
    const uint32_t *newest = map_get(&c->host_domains.newest, &key);
    for (uint32_t at = newest ? *newest : 0; at > 0; at = c->host_domains.before[at - 1]) {
        const struct covered *covered = &c->host_domains.covered[at - 1];
        if (covered->from <= q->from && covered->to >= q->to &&
            log_index_writes(&c->index, at - 1, q->kind) &&
            !lost_some(c, at - 1, q->kind, q->from, q->to))
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
    const struct address *ip = &reset_end(r, side)->ip;
    const instant_ns shift = k->vantage.shift[reset_capture(r)];
    const struct cover_question q = {event_kind, sane_time(from) - shift, sane_time(to) - shift};
    const struct host_head *head = map_get(&k->names.heads, ip);
    for (uint32_t at = head ? head->newest : 0; at > 0; at = k->names.v.v[at - 1].next)
        if (host_covers(k, k->names.v.v[at - 1].key, &q))
            return true;
    /* a log of an unknown host counts where it is the only host */
    return k->host_domains.n_hosts == 1 && !names_is_placed(k, k->host_domains.only) &&
           host_covers(k, k->host_domains.only, &q);
}
