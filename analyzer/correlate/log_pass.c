/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that concern nobody in the captures, or no more of them than others before, and of which
 * many are alike: what they are to the index is found out by one of them, and of the others no
 * event needs to be made.  What log_index_add would do with them is done here, or they are asked
 * for.
 */
#include "analyzer/correlate/log_index_parts.h"

static bool names_anybody(const struct event *e)
{
    return !address_is_zero(&e->client.ip) || !address_is_zero(&e->server.ip) ||
           !address_is_zero(&e->src.ip) || !address_is_zero(&e->dst.ip);
}

/* A name stands where others have an address: whose it is may become known later. */
static bool names_by_name(const struct event *e)
{
    return event_field(e, "client_host").n || event_field(e, "server_host").n ||
           event_field(e, "src_host").n || event_field(e, "dst_host").n;
}

uint32_t log_index_admit(struct log_index *x, const struct event *e)
{
    struct log_passable pass = {
        .how = PASS_UNKNOWN, .reports = log_event_reports(e), .domain = log_domain_of(x, e)};
    enum writer line;
    if (pass.domain == LOG_NONE || e->received || x->asked_line)
        return 0;
    log_domain_writer(x, pass.domain, e, &pass.process, &line);
    struct event any = *e;
    any.pid = e->pid ? e->pid : 1;
    log_index_group_key(&any, pass.domain, pass.process, &pass.key);
    if (e->kind.n && (pass.key.id || names_by_name(e)))
        return 0;
    if (e->kind.n && e->scope != SCOPE_CONNECTION) {
        if (!host_line_is_chore(e, line))
            return 0;
        pass.how = PASS_CHORE;
    } else if (e->kind.n) {
        pass.how = names_anybody(e) ? PASS_STRANGERS : PASS_NAMELESS;
    }
    struct log_passable *slot = vec_push(&x->passable);
    if (slot)
        *slot = pass;
    return slot ? (uint32_t)x->passable.n : 0;
}

/* A captured address beside a stranger's; as log_index_add.  False: the line may be kept. */
static bool pass_mixed(struct log_index *x, const struct log_passed *passed)
{
    return !passed->known || !roster_knows(x->roster, passed->known) ||
           log_index_leaves_mixed(x, passed->first);
}

/* As take_strangers. */
static bool pass_strangers(struct log_index *x, const struct log_passable *k,
                           const struct group_key *key, const struct log_passed *passed)
{
    struct log_mark mark = {.place = log_place_at(passed->source, passed->line),
                            .time = passed->first,
                            .client = passed->client,
                            .before = LOG_NONE};
    if (k->reports && !log_index_leaves_stranger(x, passed->first))
        return false;
    log_index_note_others(x, key, &mark);
    x->n_elsewhere += !k->reports;
    return true;
}

/* As take_nameless. */
static bool pass_nameless(struct log_index *x, const struct log_passable *k,
                          const struct group_key *key)
{
    if (k->reports)
        return false;
    if (!key) {
        x->n_no_tie++;
        return true;
    }
    const struct log_process *p = log_index_process_slot(x, key);
    if (!p || p->is_kept || !p->is_of_others)
        return false;
    x->n_elsewhere++;
    return true;
}

static bool pass_event(struct log_index *x, const struct log_passable *k,
                       const struct log_passed *passed)
{
    struct group_key key = k->key;
    key.pid = passed->pid;
    switch (k->how) {
    case PASS_STRANGERS:
        return pass_mixed(x, passed) && pass_strangers(x, k, key.pid ? &key : NULL, passed);
    case PASS_NAMELESS:
        return pass_nameless(x, k, key.pid ? &key : NULL);
    case PASS_CHORE:
        x->n_chores++;
        return true;
    case PASS_UNKNOWN:
        break;
    }
    return false;
}

bool log_index_pass(struct log_index *x, bool is_event, const struct log_passed *passed)
{
    const struct log_passable *k = &x->passable.v[passed->token - 1];
    if (!log_time_counts(passed->first) || !log_time_counts(passed->last))
        return false;
    if (is_event && !pass_event(x, k, passed))
        return false;
    log_domain_count(x, k->domain, passed->n_lines, passed->first, passed->last);
    return true;
}
