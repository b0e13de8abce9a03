/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose clock a line was written by, and what the lines of each clock cover: their time, families
 * and kinds.  Asked for every line of every log, so the last answers are kept.
 */
#include <string.h>

#include "analyzer/correlate/log_index_parts.h"
#include "parsers/log/vector.h"

#define MAX_DOMAINS 4096

struct domain_key {
    uint64_t host;
    uint32_t source;
    uint32_t stamps; /* bits: the zone is stated; received */
};

struct kind_key {
    uint64_t what;
    uint64_t domain;
};

void log_domains_init(struct log_index *x)
{
    map_init(&x->domain_of, sizeof(struct domain_key), sizeof(uint32_t));
    map_init(&x->kinds, sizeof(struct kind_key), sizeof(uint8_t));
    x->last_domain = LOG_NONE;
}

static bool is_last_domain(const struct log_index *x, const struct event *e)
{
    if (x->last_domain == LOG_NONE)
        return false;
    const struct log_domain *d = &x->domains.v[x->last_domain];
    return d->source == log_index_first_source(x, e->source) && d->zone_stated == e->zone_stated &&
           d->received == e->received && d->host.n == e->host.n &&
           same_bytes(d->host.p, e->host.p, e->host.n);
}

static uint32_t make_domain(struct log_index *x, const struct event *e,
                            const struct domain_key *key)
{
    if (x->domains.n >= MAX_DOMAINS) /* host names are an attacker's to choose */
        return LOG_NONE;
    struct log_domain *d = vec_push(&x->domains);
    uint32_t *at = d ? map_put(&x->domain_of, key, NULL) : NULL;
    if (!at)
        return LOG_NONE;
    *d = (struct log_domain){.source = key->source,
                             .host_hash = key->host,
                             .host = arena_text(&x->arena, e->host),
                             .zone_stated = e->zone_stated,
                             .received = e->received,
                             .first = INSTANT_NONE,
                             .last = INSTANT_NONE};
    return *at = (uint32_t)(x->domains.n - 1);
}

uint32_t log_domain_of(struct log_index *x, const struct event *e)
{
    if (is_last_domain(x, e))
        return x->last_domain;
    struct domain_key key = {text_hash(e->host), log_index_first_source(x, e->source),
                             (uint32_t)e->zone_stated | (uint32_t)e->received << 1};
    const uint32_t *at = map_get(&x->domain_of, &key);
    return x->last_domain = at ? *at : make_domain(x, e, &key);
}

static void note_kind(struct log_index *x, uint32_t domain, uint64_t what)
{
    struct kind_key key = {what, domain};
    uint8_t *seen = map_put(&x->kinds, &key, NULL);
    if (seen)
        *seen = 1;
}

/* Notes family and kind for the domain, and finds whose line it is. */
static void look_up(struct log_index *x, uint32_t domain, const struct event *e,
                    enum writer *process, enum writer *line)
{
    bool pam = text_starts(e->kind, TEXT("pam.")); /* su has PAM too */
    *process = writer_of(e->program);
    if (*process != WRITER_OTHER)
        note_kind(x, domain, (uint64_t)*process);
    if (e->kind.n)
        note_kind(x, domain, text_hash(kind_prefix(e->kind)));
    *line = *process != WRITER_OTHER || pam ? *process : writer_of_kind(e->kind);
}

static inline bool is_noted(const struct log_kind *k, uint32_t domain, const struct event *e)
{
    return k->n_program == e->program.n && k->kind.p == e->kind.p && k->kind.n == e->kind.n &&
           k->domain == domain && same_bytes(k->program, e->program.p, e->program.n);
}

/* As look_up, from what it found before. */
void log_domain_writer(struct log_index *x, uint32_t domain, const struct event *e,
                       enum writer *process, enum writer *line)
{
    if (!e->program.n || e->program.n > sizeof x->noted[0].program) {
        look_up(x, domain, e, process, line);
        return;
    }
    /* kinds are the patterns' own texts, so the place says which it is */
    uint32_t place = (uint32_t)(uintptr_t)e->kind.p ^ domain << 20 ^ hash_of_name(e->program);
    place = place * UINT32_C(0x9E3779B1) >> (32 - LOG_KINDS_BITS);
    struct log_kind *k = &x->noted[place];
    if (!is_noted(k, domain, e)) {
        struct log_kind *other = &x->noted[place ^ 1], was = *k;
        *k = *other; /* two of one place take turns */
        *other = was;
    }
    if (!is_noted(k, domain, e)) {
        memcpy(k->program, e->program.p, e->program.n);
        k->n_program = e->program.n;
        k->kind = e->kind;
        k->domain = domain;
        look_up(x, domain, e, &k->process, &k->line);
    }
    *process = k->process;
    *line = k->line;
}

void log_domain_count(struct log_index *x, uint32_t domain, uint64_t n, instant_ns first,
                      instant_ns last)
{
    struct log_domain *d = &x->domains.v[domain];
    d->n_lines += n;
    d->first = d->first == INSTANT_NONE || first < d->first ? first : d->first;
    d->last = d->last == INSTANT_NONE || last > d->last ? last : d->last;
}

void log_domain_note(struct log_index *x, uint32_t domain, const struct event *e,
                     enum writer *process, enum writer *line)
{
    if (log_event_stamped(e)) {
        log_domain_count(x, domain, 1, e->time, e->time);
    } else {
        x->domains.v[domain].n_lines++;
        if (e->time != INSTANT_NONE)
            log_index_drop(x, "log-index.time-out-of-range", e);
    }
    log_domain_writer(x, domain, e, process, line);
}

bool log_index_writes(const struct log_index *x, uint32_t domain, struct text kind)
{
    struct kind_key family = {(uint64_t)writer_of_kind(kind), domain};
    struct kind_key word = {text_hash(kind_prefix(kind)), domain};
    return (family.what != WRITER_OTHER && map_get(&x->kinds, &family)) ||
           map_get(&x->kinds, &word);
}
