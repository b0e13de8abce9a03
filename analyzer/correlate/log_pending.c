/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that name nobody belong to whom their process serves, and a process mostly says so within
 * its first lines.  They wait for that, a few thousand at a time; what waited for nothing is let
 * go.  Of processes that are not kept only the newest line about others is remembered, in a table
 * of fixed size, which holds at least those of which a line waits.
 */
#include "analyzer/correlate/log_index_parts.h"
#include "parsers/base/hash.h"
#include "parsers/base/huge.h"

#define SETS 8192 /* of the table; a power of two */
#define WAYS 4

/* The place of a newcomer: free, or the one longest there that no line waits for. */
static struct log_process *choose(struct log_process *set)
{
    struct log_process *best = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i].key)
            return &set[i];
        if (!set[i].n_waiting && (!best || set[i].taken < best->taken))
            best = &set[i];
    }
    return best;
}

#define PROCESSES ((size_t)SETS * WAYS)
#define TABLE_BYTES (PROCESSES * (sizeof(struct log_process) + sizeof(struct log_mark)))
_Static_assert(TABLE_BYTES <= HUGE_PAGE, "a second large page for little");

static bool make_table(struct log_index *x)
{
    x->processes = huge_alloc(TABLE_BYTES);
    x->others = x->processes ? (struct log_mark *)(x->processes + PROCESSES) : NULL;
    return x->processes != NULL;
}

void log_index_free_processes(struct log_index *x)
{
    if (x->processes)
        huge_free(x->processes, TABLE_BYTES);
}

struct log_mark *log_index_other(const struct log_index *x, const struct log_process *p)
{
    return &x->others[p - x->processes];
}

/* Process ids are given one after the other: those of neighbours share a place, so that the table
 * is walked through more than jumped about in. */
static struct log_process *set_of(const struct log_index *x, const struct group_key *key)
{
    uint64_t h =
        (key->program ^ key->id ^ (uint64_t)key->domain << 32) * UINT64_C(0x9E3779B97F4A7C15);
    return &x->processes[((h >> 48) + key->pid / WAYS) % SETS * WAYS];
}

static bool has_group(struct log_index *x, const struct group_key *key, uint64_t hash)
{
    return (*log_index_kept(x, hash) & log_index_kept_bit(hash)) &&
           log_index_find_group(x, key) != LOG_NONE;
}

struct log_process *log_index_process_slot(struct log_index *x, const struct group_key *key)
{
    if (!x->processes && !make_table(x))
        return NULL;
    uint64_t hash = log_index_hash(key);
    struct log_process *set = set_of(x, key);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == hash)
            return &set[i];
    struct log_process *p = choose(set);
    if (p)
        *p = (struct log_process){.key = hash,
                                  .taken = x->n_taken++ & (INT32_MAX >> 1),
                                  .is_kept = has_group(x, key, hash)};
    return p;
}

uint32_t log_index_adopt(struct log_index *x, const struct group_key *key, enum writer w)
{
    struct log_process *p = log_index_process_slot(x, key);
    uint32_t group = log_index_make_group(x, key, w);
    if (group != LOG_NONE && p && !p->is_kept) {
        p->is_kept = true;
        if (p->is_of_others)
            log_index_mark(x, group, log_index_other(x, p));
    }
    return group;
}

/* Lines of a daemon's process that never named anybody: only service and time can tell whose they
 * were, and join_hosts asks that. */
static bool may_serve(const struct log_entry *e)
{
    return e->writer != WRITER_OTHER && e->writer != WRITER_KERNEL && e->writer != WRITER_SYSTEMD &&
           !text_starts(e->event->kind, TEXT("pam."));
}

static void decide(struct log_index *x, struct log_pending *l, enum writer w)
{
    struct log_process *p = log_index_process_slot(x, &l->key);
    if (p && p->n_waiting)
        p->n_waiting--;
    bool reports = log_event_reports(l->entry.event);
    bool of_others = p && p->is_of_others;
    bool kept = (p && p->is_kept) || (!of_others && (may_serve(&l->entry) || reports)) ||
                (of_others && reports && log_index_takes_stranger(x, l->entry.event->time));
    l->entry.by_name &= !kept;
    if (kept || l->entry.by_name) {
        l->entry.group = log_index_adopt(x, &l->key, w);
        log_index_keep(x, l->entry.event, l->entry);
    } else if (of_others) {
        x->n_elsewhere += !reports;
    } else {
        x->n_no_tie++;
    }
}

/* The older generation is decided, and becomes the newer one, empty. */
static void turn(struct log_index *x)
{
    struct log_generation *g = &x->generation[1 - x->newer];
    for (size_t i = 0; i < g->lines.n; i++)
        decide(x, &g->lines.v[i], writer_of(g->lines.v[i].entry.event->program));
    g->lines.n = 0;
    arena_finish(&g->arena);
    arena_init(&g->arena, NULL);
    x->newer = 1 - x->newer;
}

void log_index_wait(struct log_index *x, const struct event *e, const struct group_key *key,
                    const struct log_entry *entry)
{
    if (x->generation[x->newer].lines.n >= LOG_PENDING_MAX)
        turn(x);
    struct log_generation *g = &x->generation[x->newer];
    struct log_process *p = log_index_process_slot(x, key);
    struct event *copy = p ? event_copy(&g->arena, &x->words, e) : NULL;
    struct log_pending *l = copy ? vec_push(&g->lines) : NULL;
    if (!l) {
        log_index_drop(x, "log-index.no-room", e);
        return;
    }
    p->n_waiting++;
    *l = (struct log_pending){.entry = *entry, .key = *key};
    l->entry.event = copy;
}

void log_index_stop_waiting(struct log_index *x)
{
    turn(x);
    turn(x);
}
