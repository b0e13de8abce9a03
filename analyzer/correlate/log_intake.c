/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides line by line what the log index keeps.  Nearly every line of a large log concerns nobody
 * in the captures; it costs a look at its addresses and nothing that lasts.
 */
#include "analyzer/correlate/log_index_parts.h"
#include "analyzer/record/window.h"
#include "parsers/log/address_find.h"

/* Reports about strangers that are kept one by one: the answer to each is the same. */
static const uint64_t strangers_max[LOG_REACHES] = {
    [REACH_NEAR] = 20000, [REACH_FAR] = 2000, [REACH_BEYOND] = 500};

/* Lines that name a stranger and a captured address, mostly the server's own.  No capture holds
 * that connection, unless under other addresses. */
static const uint64_t mixed_max[LOG_REACHES] = {
    [REACH_NEAR] = 50000, [REACH_FAR] = 10000, [REACH_BEYOND] = 1000};

/* Lines kept for a name alone; what follows is kept as if they had none. */
#define NAMED_MAX 20000

static enum log_reach reach_of(const struct log_index *x, instant_ns time)
{
    instant_ns first = x->roster->first, last = x->roster->last;
    if (first == INSTANT_NONE || !log_time_counts(time))
        return REACH_FAR;
    if (time >= first - WINDOW_NAMED_AFTER_NS && time <= last + WINDOW_NAMED_AFTER_NS)
        return REACH_NEAR;
    bool within = time >= first - WINDOW_UNSTAMPED_NS && time <= last + WINDOW_UNSTAMPED_NS;
    return within ? REACH_FAR : REACH_BEYOND;
}

bool log_index_takes_stranger(struct log_index *x, instant_ns time)
{
    enum log_reach reach = reach_of(x, time);
    return x->n_strangers[reach]++ < strangers_max[reach];
}

bool log_index_leaves_stranger(struct log_index *x, instant_ns time)
{
    enum log_reach reach = reach_of(x, time);
    bool left = x->n_strangers[reach] >= strangers_max[reach];
    x->n_strangers[reach] += left;
    return left;
}

uint64_t log_index_n_strangers_left_out(const struct log_index *x)
{
    uint64_t n = 0;
    for (int i = 0; i < LOG_REACHES; i++)
        if (x->n_strangers[i] > strangers_max[i])
            n += x->n_strangers[i] - strangers_max[i];
    return n;
}

/* Gives whether it names somebody whom no capture holds. */
static bool look_at_ends(const struct log_index *x, const struct event *e, struct log_entry *out)
{
    bool strangers = false;
    const struct endpoint *ends[] = {&e->client, &e->server, &e->src, &e->dst};
    for (size_t i = 0; i < 4; i++) {
        if (address_is_zero(&ends[i]->ip))
            continue;
        out->names = true;
        if (roster_knows(x->roster, &ends[i]->ip))
            out->names_ours = true;
        else
            strangers = true;
    }
    return strangers;
}

/* A line that no pattern knows: the first two addresses in it that the captures know. */
static const struct event *with_addresses(const struct log_index *x, const struct event *e,
                                          struct event *room)
{
    struct endpoint found[LOG_ADDRESSES_MAX];
    unsigned n = e->runs ? log_addresses_in(e->message, e->runs, found)
                         : log_find_addresses(e->message, found);
    unsigned n_kept = 0;
    for (unsigned i = 0; i < n && n_kept < 2; i++) {
        if (!roster_knows(x->roster, &found[i].ip))
            continue;
        if (!n_kept)
            *room = *e;
        *(n_kept++ ? &room->dst : &room->src) = found[i];
    }
    return n_kept ? room : e;
}

struct intake { /* one line on its way */
    const struct event *e;
    struct log_entry entry;
    enum writer process; /* the family by the program's name alone */
    bool has_key;
    struct group_key key;
};

static void keep_with_group(struct log_index *x, struct intake *l)
{
    if (l->has_key)
        l->entry.group = log_index_adopt(x, &l->key, l->process);
    log_index_keep(x, l->e, l->entry);
}

uint32_t log_index_note_others(struct log_index *x, const struct group_key *key,
                               const struct log_mark *mark)
{
    struct log_process *p = key ? log_index_process_slot(x, key) : NULL;
    if (!p || address_is_zero(&mark->client.ip))
        return LOG_NONE;
    p->is_of_others = true;
    *log_index_other(x, p) = *mark;
    uint32_t group = p->is_kept ? log_index_find_group(x, key) : LOG_NONE;
    if (group != LOG_NONE)
        log_index_mark(x, group, mark);
    return group;
}

/* A line about others only. */
static void take_strangers(struct log_index *x, struct intake *l)
{
    const struct event *e = l->e;
    struct log_mark mark = {.place = log_place(e),
                            .time = e->time,
                            .client = address_is_zero(&e->client.ip) ? e->src : e->client,
                            .before = LOG_NONE};
    uint32_t group = log_index_note_others(x, l->has_key ? &l->key : NULL, &mark);
    l->entry.group = group == LOG_NONE ? l->entry.group : group;
    if (!log_event_reports(e))
        x->n_elsewhere++;
    else if (log_index_takes_stranger(x, e->time))
        log_index_keep(x, e, l->entry);
}

bool log_index_leaves_mixed(const struct log_index *x, instant_ns time)
{
    enum log_reach reach = reach_of(x, time);
    return x->n_mixed[reach] >= mixed_max[reach];
}

static bool takes_mixed(struct log_index *x, const struct event *e)
{
    if (log_index_leaves_mixed(x, e->time))
        return false;
    x->n_mixed[reach_of(x, e->time)]++;
    return true;
}

/* A name where others give an address: a later line may say whose it is. */
static bool has_name(struct log_index *x, const struct event *e)
{
    static const char *const fields[] = {"client_host", "server_host", "src_host", "dst_host"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && e->n_fields; i++)
        if (event_field(e, fields[i]).n)
            return x->n_by_name++ < NAMED_MAX;
    return false;
}

/* A line about one connection that names nobody. */
static void take_nameless(struct log_index *x, struct intake *l)
{
    bool by_name = has_name(x, l->e);
    if (!l->has_key) {
        l->entry.by_name = by_name && !log_event_reports(l->e);
        if (log_event_reports(l->e) || by_name)
            log_index_keep(x, l->e, l->entry);
        else
            x->n_no_tie++;
        return;
    }
    const struct log_process *p = log_index_process_slot(x, &l->key);
    if (p && p->is_kept) {
        keep_with_group(x, l);
    } else if (p && p->is_of_others && !log_event_reports(l->e) && !by_name) {
        x->n_elsewhere++;
    } else {
        l->entry.by_name = by_name;
        log_index_wait(x, l->e, &l->key, &l->entry);
    }
}

static bool is_wide(const struct event *e)
{
    return e->scope != SCOPE_CONNECTION;
}

void log_index_add(struct log_index *x, const struct event *e)
{
    struct event room;
    bool asked = x->asked_line && e->line == x->asked_line && e->source == x->asked_source;
    if (asked)
        x->asked = event_copy(&x->arena, &x->words, e);
    uint32_t domain = log_domain_of(x, e);
    if (domain == LOG_NONE) {
        log_index_drop(x, "log-index.too-many-hosts", e);
        return;
    }
    struct intake l = {.entry = {.domain = domain, .group = LOG_NONE, .in_group = LOG_NONE}};
    log_domain_note(x, domain, e, &l.process, &l.entry.writer);
    if (!e->kind.n && e->runs && !e->runs->n && !asked)
        return; /* says nothing that anybody here understands */
    l.e = e->kind.n ? e : with_addresses(x, e, &room);
    bool strangers = look_at_ends(x, l.e, &l.entry);
    if (!e->kind.n && !l.entry.names_ours)
        return;
    l.has_key = log_index_group_key(e, domain, l.process, &l.key);
    if (asked)
        keep_with_group(x, &l);
    else if (!l.entry.names_ours && is_wide(e) && host_line_is_chore(e, l.entry.writer))
        log_index_drop(x, LOG_CHORE, e);
    else if (is_wide(e) || (l.entry.names_ours && !(strangers && !takes_mixed(x, e))))
        keep_with_group(x, &l);
    else if (l.entry.names)
        take_strangers(x, &l);
    else
        take_nameless(x, &l);
}
