/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/correlate/log_index.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/log_index_parts.h"
#include "parsers/base/hash.h"

#define MAX_EVENTS 1000000
#define MAX_BYTES ((size_t)512 << 20)
#define MAX_MARKS 1000000

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
    x->words.arena = &x->arena;
    arena_init(&x->generation[0].arena, NULL);
    arena_init(&x->generation[1].arena, NULL);
    map_init(&x->group_of, sizeof(struct group_key), sizeof(uint32_t));
    log_domains_init(x);
    flaws_init(&x->dropped);
}

void log_index_finish(struct log_index *x)
{
    vec_finish(&x->entries);
    vec_finish(&x->groups);
    vec_finish(&x->domains);
    vec_finish(&x->marks);
    vec_finish(&x->first_source);
    vec_finish(&x->passable);
    for (size_t i = 0; i < 2; i++) {
        vec_finish(&x->generation[i].lines);
        arena_finish(&x->generation[i].arena);
    }
    map_finish(&x->group_of);
    map_finish(&x->domain_of);
    map_finish(&x->kinds);
    flaws_finish(&x->dropped);
    log_index_free_processes(x);
    arena_finish(&x->arena);
}

bool log_index_continue(struct log_index *x, uint32_t source, uint32_t before)
{
    while (x->first_source.n <= source) {
        uint32_t *at = vec_push(&x->first_source);
        if (!at)
            return false;
        *at = (uint32_t)(x->first_source.n - 1);
    }
    x->first_source.v[source] = before == source ? source : log_index_first_source(x, before);
    x->last_domain = LOG_NONE;
    return true;
}

void log_index_drop(struct log_index *x, const char *why, const struct event *e)
{
    flaws_add(&x->dropped, why, e->line);
}

/* Not keyed by chance: which process takes which slot shows in what is remembered of it. */
static uint64_t name_hash(struct text t)
{
    return t.n ? hash_bytes(t.p, t.n, 0) : 0;
}

/* What the line calls its connection: nginx "*7", RabbitMQ "<0.512.0>", a thread number. */
static struct text connection_id(const struct event *e)
{
    static const struct text names[] = {
        {"conn", 4}, {"connection", 10}, {"conn_id", 7}, {"thread", 6}, {"process", 7}};
    static const size_t process = sizeof names / sizeof names[0] - 1;
    size_t best = sizeof names / sizeof names[0], at = 0;
    for (unsigned i = 0; i < e->n_fields; i++) {
        char first = e->fields[i].name.n ? e->fields[i].name.p[0] : '\0';
        if (first != 'c' && first != 't' && first != 'p')
            continue;
        for (size_t k = 0; k < best; k++)
            if (e->fields[i].value.n && text_eq(e->fields[i].name, names[k])) {
                best = k;
                at = i;
            }
    }
    bool counts = best < process || (best == process && text_starts(e->kind, TEXT("rabbitmq.")));
    return counts ? e->fields[at].value : (struct text){0};
}

bool log_index_group_key(const struct event *e, uint32_t domain, enum writer w,
                         struct group_key *out)
{
    struct text id = connection_id(e);
    if (!e->pid && !id.n)
        return false;
    const bool is_many = w == WRITER_OTHER || w == WRITER_ANY_PORT;
    *out = (struct group_key){.program = is_many ? name_hash(e->program) : (uint64_t)w,
                              .id = name_hash(id),
                              .domain = domain,
                              .pid = e->pid};
    return true;
}

uint32_t log_index_find_group(const struct log_index *x, const struct group_key *key)
{
    const uint32_t *at = map_get(&x->group_of, key);
    return at ? *at : LOG_NONE;
}

uint32_t log_index_make_group(struct log_index *x, const struct group_key *key, enum writer w)
{
    uint32_t *at = map_get(&x->group_of, key);
    if (at)
        return *at;
    if (x->groups.n >= 2 * x->max_events)
        return LOG_NONE;
    struct log_group *g = vec_push(&x->groups);
    if (!g || !(at = map_put(&x->group_of, key, NULL)))
        return LOG_NONE;
    uint64_t hash = log_index_hash(key);
    *log_index_kept(x, hash) |= log_index_kept_bit(hash);
    *g = (struct log_group){.domain = key->domain,
                            .writer = w,
                            .last = LOG_NONE,
                            .by_id = key->id != 0,
                            .last_mark = LOG_NONE};
    return *at = (uint32_t)(x->groups.n - 1);
}

uint32_t log_index_process(const struct log_index *x, uint32_t domain, enum writer w, uint32_t pid)
{
    struct group_key key = {.program = (uint64_t)w, .id = 0, .domain = domain, .pid = pid};
    return log_index_find_group(x, &key);
}

void log_index_mark(struct log_index *x, uint32_t group, const struct log_mark *mark)
{
    struct log_group *g = &x->groups.v[group];
    const struct log_mark *last = g->last_mark == LOG_NONE ? NULL : &x->marks.v[g->last_mark];
    if (last && endpoint_eq(&last->client, &mark->client) && last->time == mark->time)
        return;
    struct log_mark *m = x->marks.n < MAX_MARKS ? vec_push(&x->marks) : NULL;
    if (!m) {
        flaws_add(&x->dropped, "log-index.marks-full", log_place_line(mark->place));
        return;
    }
    *m = *mark;
    m->before = g->last_mark;
    g->last_mark = (uint32_t)(x->marks.n - 1);
}

void log_index_keep(struct log_index *x, const struct event *e, struct log_entry entry)
{
    if (x->entries.n >= x->max_events || x->arena.used >= x->max_bytes) {
        log_index_drop(x, "log-index.full", e);
        return;
    }
    entry.event = event_copy(&x->arena, &x->words, e);
    if (entry.event && !log_event_stamped(e))
        entry.event->time = INSTANT_NONE;
    struct log_entry *kept = entry.event ? vec_push(&x->entries) : NULL;
    if (kept)
        *kept = entry;
    else
        log_index_drop(x, "log-index.no-memory", e);
}

static int compare_line(const void *pa, const void *pb)
{
    const struct log_entry *a = pa, *b = pb;
    if (a->event->source != b->event->source)
        return a->event->source < b->event->source ? -1 : 1;
    if (a->event->line != b->event->line)
        return a->event->line < b->event->line ? -1 : 1;
    return 0;
}

/* Lines that waited were kept later than their neighbours. */
static void chain_entries(struct log_index *x)
{
    if (x->entries.n)
        qsort(x->entries.v, x->entries.n, sizeof *x->entries.v, compare_line);
    for (size_t i = 0; i < x->entries.n; i++) {
        struct log_entry *e = &x->entries.v[i];
        e->in_group = LOG_NONE;
        if (e->group == LOG_NONE)
            continue;
        struct log_group *g = &x->groups.v[e->group];
        e->in_group = g->last;
        g->last = (uint32_t)i;
        g->n++;
    }
}

void log_index_settle(struct log_index *x)
{
    log_index_stop_waiting(x);
    chain_entries(x);
    flaws_add_n(&x->dropped, "log-index.elsewhere", 0, x->n_elsewhere);
    flaws_add_n(&x->dropped, "log-index.no-tie", 0, x->n_no_tie);
    flaws_add_n(&x->dropped, LOG_CHORE, 0, x->n_chores);
    x->n_elsewhere = x->n_no_tie = x->n_chores = 0;
}
