/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/log_index.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/hash.h"
#include "parsers/log/address_find.h"

#define MAX_EVENTS 1000000
#define MAX_BYTES ((size_t)512 << 20)
#define MAX_MARKS 1000000
#define MAX_DOMAINS 4096

struct domain_key {
    uint64_t host;
    uint32_t source;
    uint32_t zone_stated;
};

struct group_key {
    uint64_t program, id;
    uint32_t domain, pid;
};

struct kind_key {
    uint64_t what;
    uint64_t domain;
};

static const struct writer_row {
    const char *program;
    enum writer writer;
} writer_rows[] = {
    {"sshd", WRITER_SSHD},
    {"sshd-session", WRITER_SSHD},
    {"sshd-auth", WRITER_SSHD},
    {"ssh.service", WRITER_SSHD},
    {"sshd.service", WRITER_SSHD},
    {"internal-sftp", WRITER_SFTP},
    {"sftp-server", WRITER_SFTP},
    {"kernel", WRITER_KERNEL},
    {"systemd", WRITER_SYSTEMD},
    {"init", WRITER_SYSTEMD},
    {"systemd-logind", WRITER_SYSTEMD},
    {"haproxy", WRITER_PROXY},
    {"nginx", WRITER_PROXY},
    {"apache", WRITER_PROXY},
    {"apache2", WRITER_PROXY},
    {"httpd", WRITER_PROXY},
    {"envoy", WRITER_PROXY},
    {"rabbitmq", WRITER_RABBITMQ},
    {"rabbitmq-server", WRITER_RABBITMQ},
    {"beam.smp", WRITER_RABBITMQ},
    {"postgres", WRITER_POSTGRES},
    {"postgresql", WRITER_POSTGRES},
    {"mysqld", WRITER_MYSQL},
    {"mysql", WRITER_MYSQL},
    {"mariadbd", WRITER_MYSQL},
    {"redis", WRITER_REDIS},
    {"redis-server", WRITER_REDIS},
};

static const struct writer_row kind_rows[] = {
    {"ssh", WRITER_SSHD},          {"pam", WRITER_SSHD},          {"sftp", WRITER_SFTP},
    {"kernel", WRITER_KERNEL},     {"systemd", WRITER_SYSTEMD},   {"haproxy", WRITER_PROXY},
    {"nginx", WRITER_PROXY},       {"apache", WRITER_PROXY},      {"envoy", WRITER_PROXY},
    {"rabbitmq", WRITER_RABBITMQ}, {"postgres", WRITER_POSTGRES}, {"mysql", WRITER_MYSQL},
    {"redis", WRITER_REDIS},
};

enum writer writer_of(struct text program)
{
    size_t slash = 0; /* "/usr/sbin/sshd" and "sshd" are one */
    for (size_t i = 0; i < program.n; i++)
        if (program.p[i] == '/')
            slash = i + 1;
    struct text name = text_slice(program, slash, program.n);
    for (size_t i = 0; i < sizeof writer_rows / sizeof writer_rows[0]; i++)
        if (text_eq(name, text_of(writer_rows[i].program)))
            return writer_rows[i].writer;
    return WRITER_OTHER;
}

struct text kind_prefix(struct text kind)
{
    struct text head, tail;
    text_cut(kind, '.', &head, &tail);
    return head;
}

enum writer writer_of_kind(struct text kind)
{
    struct text prefix = kind_prefix(kind);
    for (size_t i = 0; i < sizeof kind_rows / sizeof kind_rows[0]; i++)
        if (text_eq(prefix, text_of(kind_rows[i].program)))
            return kind_rows[i].writer;
    return WRITER_OTHER;
}

uint64_t text_hash(struct text t)
{
    return t.n ? hash_bytes(t.p, t.n, map_seed()) : 0;
}

void log_index_init(struct log_index *x, const struct roster *roster, size_t max_events,
                    size_t max_bytes)
{
    *x = (struct log_index){.roster = roster,
                            .max_events = max_events ? max_events : MAX_EVENTS,
                            .max_bytes = max_bytes ? max_bytes : MAX_BYTES};
    arena_init(&x->arena, NULL);
    map_init(&x->group_of, sizeof(struct group_key), sizeof(uint32_t));
    map_init(&x->domain_of, sizeof(struct domain_key), sizeof(uint32_t));
    map_init(&x->kinds, sizeof(struct kind_key), sizeof(uint8_t));
    flaws_init(&x->dropped);
}

void log_index_finish(struct log_index *x)
{
    vec_finish(&x->entries);
    vec_finish(&x->groups);
    vec_finish(&x->domains);
    vec_finish(&x->marks);
    map_finish(&x->group_of);
    map_finish(&x->domain_of);
    map_finish(&x->kinds);
    flaws_finish(&x->dropped);
    arena_finish(&x->arena);
}

static void drop(struct log_index *x, const char *why, const struct event *e)
{
    flaws_add(&x->dropped, why, e->line);
}

static uint32_t domain_of(struct log_index *x, const struct event *e)
{
    struct domain_key key = {text_hash(e->host), e->source, e->zone_stated};
    uint32_t *at = map_get(&x->domain_of, &key);
    if (at)
        return *at;
    if (x->domains.n >= MAX_DOMAINS) /* host names are an attacker's to choose */
        return LOG_NONE;
    struct log_domain *d = vec_push(&x->domains);
    if (!d || !(at = map_put(&x->domain_of, &key, NULL)))
        return LOG_NONE;
    *d = (struct log_domain){.source = e->source,
                             .host_hash = key.host,
                             .host = arena_text(&x->arena, e->host),
                             .zone_stated = e->zone_stated,
                             .first = INSTANT_NONE,
                             .last = INSTANT_NONE};
    return *at = (uint32_t)(x->domains.n - 1);
}

static void note_kind(struct log_index *x, uint32_t domain, uint64_t what)
{
    struct kind_key key = {what, domain};
    uint8_t *seen = map_put(&x->kinds, &key, NULL);
    if (seen)
        *seen = 1;
}

/* With a time that can be reckoned with. */
static bool stamped(const struct event *e)
{
    return e->time != INSTANT_NONE && e->time == sane_time(e->time);
}

/* What the domain's lines cover: time, families, kinds. */
static void note_cover(struct log_index *x, uint32_t domain, const struct event *e)
{
    struct log_domain *d = &x->domains.v[domain];
    d->n_lines++;
    if (e->time != INSTANT_NONE && !stamped(e))
        drop(x, "log-index.time-out-of-range", e);
    if (stamped(e)) {
        d->first = d->first == INSTANT_NONE || e->time < d->first ? e->time : d->first;
        d->last = d->last == INSTANT_NONE || e->time > d->last ? e->time : d->last;
    }
    enum writer w = writer_of(e->program);
    if (w != WRITER_OTHER)
        note_kind(x, domain, (uint64_t)w);
    if (e->kind.n)
        note_kind(x, domain, text_hash(kind_prefix(e->kind)));
}

bool log_index_writes(const struct log_index *x, uint32_t domain, struct text kind)
{
    struct kind_key family = {(uint64_t)writer_of_kind(kind), domain};
    struct kind_key word = {text_hash(kind_prefix(kind)), domain};
    return (family.what != WRITER_OTHER && map_get(&x->kinds, &family)) ||
           map_get(&x->kinds, &word);
}

/* What the line calls its connection: nginx "*7", RabbitMQ "<0.512.0>", a thread number. */
static struct text connection_id(const struct event *e)
{
    static const char *const names[] = {"conn", "connection", "conn_id", "thread", "process"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] - 1; i++) {
        struct text id = event_field(e, names[i]);
        if (id.n)
            return id;
    }
    return text_starts(e->kind, TEXT("rabbitmq.")) ? event_field(e, "process") : (struct text){0};
}

static uint32_t group_of(struct log_index *x, uint32_t domain, const struct event *e)
{
    struct text id = connection_id(e);
    if (!e->pid && !id.n)
        return LOG_NONE;
    enum writer w = writer_of(e->program);
    struct group_key key = {.program = w == WRITER_OTHER ? text_hash(e->program) : (uint64_t)w,
                            .id = text_hash(id),
                            .domain = domain,
                            .pid = e->pid};
    uint32_t *at = map_get(&x->group_of, &key);
    if (at)
        return *at;
    if (x->groups.n >= 2 * x->max_events)
        return LOG_NONE;
    struct log_group *g = vec_push(&x->groups);
    if (!g || !(at = map_put(&x->group_of, &key, NULL)))
        return LOG_NONE;
    *g = (struct log_group){
        .domain = domain, .writer = w, .last = LOG_NONE, .by_id = id.n > 0, .last_mark = LOG_NONE};
    return *at = (uint32_t)(x->groups.n - 1);
}

uint32_t log_index_process(const struct log_index *x, uint32_t domain, enum writer w, uint32_t pid)
{
    struct group_key key = {.program = (uint64_t)w, .id = 0, .domain = domain, .pid = pid};
    const uint32_t *at = map_get(&x->group_of, &key);
    return at ? *at : LOG_NONE;
}

static bool reports(const struct event *e)
{
    return e->claim == CLAIM_RESET || e->claim == CLAIM_REFUSED || e->claim == CLAIM_TIMEOUT;
}

static void look_at_ends(const struct log_index *x, const struct event *e, bool *names, bool *ours)
{
    const struct endpoint *ends[] = {&e->client, &e->server, &e->src, &e->dst};
    for (size_t i = 0; i < 4; i++) {
        if (address_is_zero(&ends[i]->ip))
            continue;
        *names = true;
        *ours |= roster_knows(x->roster, &ends[i]->ip);
    }
}

/* A line about others only: remembered as little more than "this process then served others". */
static void mark_foreign(struct log_index *x, uint32_t group, const struct event *e)
{
    drop(x, "log-index.elsewhere", e);
    if (group == LOG_NONE)
        return;
    struct log_mark *m = x->marks.n < MAX_MARKS ? vec_push(&x->marks) : NULL;
    if (!m) {
        drop(x, "log-index.marks-full", e);
        return;
    }
    *m = (struct log_mark){.line = e->line,
                           .time = e->time,
                           .client = address_is_zero(&e->client.ip) ? e->src : e->client,
                           .before = x->groups.v[group].last_mark};
    x->groups.v[group].last_mark = (uint32_t)(x->marks.n - 1);
}

static void keep(struct log_index *x, const struct event *e, struct log_entry entry)
{
    if (x->entries.n >= x->max_events || x->arena.used >= x->max_bytes) {
        drop(x, "log-index.full", e);
        return;
    }
    entry.event = event_copy(&x->arena, e);
    if (entry.event && !stamped(e))
        entry.event->time = INSTANT_NONE;
    struct log_entry *kept = entry.event ? vec_push(&x->entries) : NULL;
    if (!kept) {
        drop(x, "log-index.no-memory", e);
        return;
    }
    *kept = entry;
    if (entry.group == LOG_NONE)
        return;
    struct log_group *g = &x->groups.v[entry.group];
    kept->in_group = g->last;
    g->last = (uint32_t)(x->entries.n - 1);
    g->n++;
}

/* A line that no pattern knows: the first two addresses in it that the captures know. */
static const struct event *with_addresses(const struct log_index *x, const struct event *e,
                                          struct event *room)
{
    struct endpoint found[LOG_ADDRESSES_MAX];
    unsigned n = log_find_addresses(e->message, found), n_kept = 0;
    for (unsigned i = 0; i < n && n_kept < 2; i++) {
        if (!roster_knows(x->roster, &found[i].ip))
            continue;
        if (!n_kept)
            *room = *e;
        *(n_kept++ ? &room->dst : &room->src) = found[i];
    }
    return n_kept ? room : e;
}

void log_index_add(struct log_index *x, const struct event *e)
{
    struct event room;
    uint32_t domain = domain_of(x, e);
    if (domain == LOG_NONE) {
        drop(x, "log-index.too-many-hosts", e);
        return;
    }
    note_cover(x, domain, e);
    struct log_entry entry = {
        .domain = domain, .group = LOG_NONE, .in_group = LOG_NONE, .writer = writer_of(e->program)};
    if (entry.writer == WRITER_OTHER && !text_starts(e->kind, TEXT("pam."))) /* su has PAM too */
        entry.writer = writer_of_kind(e->kind);
    if (!e->kind.n)
        e = with_addresses(x, e, &room);
    look_at_ends(x, e, &entry.names, &entry.names_ours);
    if (!e->kind.n && !entry.names_ours)
        return; /* says nothing that anybody here understands */
    entry.group = group_of(x, domain, e);
    bool wide = e->scope != SCOPE_CONNECTION;
    if (entry.names && !entry.names_ours && !wide && !reports(e)) {
        mark_foreign(x, entry.group, e);
        return;
    }
    if (!entry.names && !wide && entry.group == LOG_NONE && !reports(e)) {
        drop(x, "log-index.no-tie", e);
        return;
    }
    keep(x, e, entry);
}
