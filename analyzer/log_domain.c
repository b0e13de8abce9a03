/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose clock a line was written by, and what the lines of each clock cover: their time, families
 * and kinds.  Asked for every line of every log, so the last answers are kept.
 */
#include <string.h>

#include "analyzer/log_index_parts.h"
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

/* The family that writes under the program's name. */
static enum writer program_writer(struct log_index *x, struct text program)
{
    struct log_program *p;
    if (!program.n || program.n >= sizeof p->name)
        return writer_of(program);
    p = &x->programs[hash_of_name(program) >> (32 - LOG_PROGRAMS_BITS)];
    if (p->n == program.n && same_bytes(p->name, program.p, program.n))
        return p->writer;
    memcpy(p->name, program.p, program.n);
    p->n = program.n;
    return p->writer = writer_of(program);
}

/* Notes family and kind for the domain, once a pair, and finds whose line it is. */
static void note_writer(struct log_index *x, uint32_t domain, const struct event *e,
                        enum writer *process, enum writer *line)
{
    enum writer w = program_writer(x, e->program);
    /* kinds are the patterns' own texts, so the place says which it is */
    struct log_kind *k =
        &x->noted[(((uint32_t)(uintptr_t)e->kind.p ^ domain << 20 ^ (uint32_t)w << 12) *
                   UINT32_C(0x9E3779B1)) >>
                  (32 - LOG_KINDS_BITS)];
    if (k->name != e->kind.p || k->n != e->kind.n || k->domain != domain || k->writer != w) {
        if (w != WRITER_OTHER)
            note_kind(x, domain, (uint64_t)w);
        if (e->kind.n)
            note_kind(x, domain, text_hash(kind_prefix(e->kind)));
        bool pam = text_starts(e->kind, TEXT("pam.")); /* su has PAM too */
        *k = (struct log_kind){.name = e->kind.p,
                               .n = e->kind.n,
                               .domain = domain,
                               .writer = w,
                               .of_kind = pam ? WRITER_OTHER : writer_of_kind(e->kind)};
    }
    *process = w;
    *line = w != WRITER_OTHER ? w : k->of_kind;
}

void log_domain_note(struct log_index *x, uint32_t domain, const struct event *e,
                     enum writer *process, enum writer *line)
{
    struct log_domain *d = &x->domains.v[domain];
    d->n_lines++;
    if (log_event_stamped(e)) {
        d->first = d->first == INSTANT_NONE || e->time < d->first ? e->time : d->first;
        d->last = d->last == INSTANT_NONE || e->time > d->last ? e->time : d->last;
    } else if (e->time != INSTANT_NONE) {
        log_index_drop(x, "log-index.time-out-of-range", e);
    }
    note_writer(x, domain, e, process, line);
}

bool log_index_writes(const struct log_index *x, uint32_t domain, struct text kind)
{
    struct kind_key family = {(uint64_t)writer_of_kind(kind), domain};
    struct kind_key word = {text_hash(kind_prefix(kind)), domain};
    return (family.what != WRITER_OTHER && map_get(&x->kinds, &family)) ||
           map_get(&x->kinds, &word);
}
