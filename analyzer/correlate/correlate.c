/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/correlate/correlate.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/vantage/fates.h"
#include "analyzer/vantage/legs.h"

#define SOURCES_MAX 1000000

static bool call_roster(struct correlation *c)
{
    return c->roster.talk ||
           roster_build(&c->roster, &c->arena, c->of, c->vantage.shift, c->vantage.talk_of);
}

/* Whether some records are one connection. */
static bool has_twins(const struct correlation *c)
{
    for (size_t i = 0; i < c->of->n_records; i++)
        if (c->vantage.talk_of[i] != i)
            return true;
    return false;
}

/* Which records are one connection.  Where each is one of its own, the roster waits for a log. */
static bool lay_captures(struct correlation *c)
{
    if (!vantage_measure(&c->vantage, &c->arena, c->of))
        return false;
    if (c->of->n_captures < 2)
        return !has_twins(c) || call_roster(c);
    return call_roster(c) && roster_index(&c->roster, &c->arena) &&
           vantage_join_by_rst(&c->vantage, &c->roster);
}

/* What two captures of one place hold is one connection. */
static bool count_once(struct correlation *c)
{
    uint64_t n_again;
    if (!vantage_n_again(c->of, &c->roster, &n_again))
        return false;
    c->of->summary.n_connections -= n_again;
    return vantage_tell_once(&c->roster, c->of);
}

/* The fates of packets near the resets of connections that several captures hold. */
static bool look_again(struct correlation *c, struct fates **fates)
{
    *fates = NULL;
    if (!c->config.look || c->of->n_captures < 2)
        return true;
    struct look *look = look_create(&c->arena);
    *fates = look ? fates_plan(&c->arena, &c->vantage, &c->roster, c->of, look) : NULL;
    if (!*fates) {
        look_free(look);
        return false;
    }
    c->n_not_looked_at = look_n_refused(look);
    return c->config.look(c->config.look_ctx, look) && fates_judge(*fates);
}

struct correlation *correlation_create(const struct correlate_config *config, struct case_file *of)
{
    struct correlation *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->of = of;
    if (config)
        c->config = *config;
    arena_init(&c->arena, NULL);
    map_init(&c->reset_links, sizeof(const struct reset *), sizeof(struct linked_reset));
    sent_lines_init(&c->sent);
    names_init(&c->names);
    log_index_init(&c->index, &c->roster, c->config.max_events, c->config.max_bytes);
    struct fates *fates = NULL;
    const bool good = lay_captures(c) && look_again(c, &fates) && count_once(c) &&
                      vantage_prove(&c->vantage, &c->roster, fates, of);
    fates_free(fates);
    if (good && vantage_match_resets(&c->vantage, &c->roster, of) && legs_tie(&c->roster, of))
        return c;
    correlation_free(c);
    return NULL;
}

void correlation_free(struct correlation *c)
{
    if (!c)
        return;
    vec_finish(&c->sources);
    vec_finish(&c->clocks);
    vec_finish(&c->set_lines);
    vec_finish(&c->losses);
    vec_finish(&c->ties);
    vec_finish(&c->tie_of);
    names_finish(&c->names);
    log_cover_finish(c);
    vec_finish(&c->known_names);
    vec_finish(&c->logins);
    vec_finish(&c->links);
    sent_lines_finish(&c->sent);
    map_finish(&c->reset_links);
    log_index_finish(&c->index);
    arena_finish(&c->arena);
    free(c);
}

bool correlation_source(struct correlation *c, uint32_t source, const struct log_about *about)
{
    if (!call_roster(c) || !roster_index(&c->roster, &c->arena))
        return false;
    while (c->sources.n <= source)
        if (source >= SOURCES_MAX || !vec_push(&c->sources))
            return false;
    c->sources.v[source] = *about;
    c->sources.v[source].offset_given &= is_sane_offset(about->offset_ns);
    return log_index_continue(&c->index, source, source);
}

bool correlation_continue(struct correlation *c, uint32_t source, uint32_t before)
{
    return log_index_continue(&c->index, source, before);
}

void correlation_ask(struct correlation *c, uint32_t source, uint64_t line)
{
    c->index.asked_source = source;
    c->index.asked_line = line;
}

void correlation_add(struct correlation *c, const struct event *e)
{
    struct event named;
    bool by_name = c->known_names.n && host_names_fill(c, e, &named) == HOST_NAMES_ONE;
    log_index_add(&c->index, by_name ? &named : e);
}

void correlation_event(struct correlation *c, const struct event *e)
{
    correlation_add(c, e);
    if (c->sent.lines.n > 0)
        sent_lines_match(c, e);
}

/* Lines that captured datagrams may hold, too, are compared in full. */
static uint32_t admit(void *ctx, const struct event *e)
{
    struct correlation *c = ctx;
    return c->sent.lines.n > 0 ? 0 : log_index_admit(&c->index, e);
}

static bool pass(void *ctx, bool is_event, const struct log_passed *passed)
{
    struct correlation *c = ctx;
    return log_index_pass(&c->index, is_event, passed);
}

struct log_passer correlation_passer(struct correlation *c)
{
    return (struct log_passer){
        .ctx = c, .of_interest = &c->roster.known, .admit = admit, .pass = pass};
}

static bool join_all(struct correlation *c)
{
    services_scan(c);
    names_learn_hints(c);
    return join_named(c) && join_bridged(c) && join_sftp(c) && join_sessions(c) &&
           join_addresses(c) && join_hosts(c);
}

bool correlation_join(struct correlation *c, struct error *err)
{
    if (c->sources.n == 0 && c->of->n_logs == 0) { /* there is nothing to join */
        c->of->correlation = c;
        return true;
    }
    bool good = named_lines_settle(c);
    sent_lines_settle(c);
    log_index_settle(&c->index);
    good = good && vec_reserve(&c->tie_of, c->index.entries.n + 1);
    while (good && c->tie_of.n < c->index.entries.n)
        good = vec_push(&c->tie_of) != NULL;
    good = good && clocks_estimate(c) && join_all(c) && links_build(c) && unmatched_find(c) &&
           log_cover_settle(c) && clocks_publish(c);
    if (!good)
        return error_set(err, ERROR_NO_MEMORY, "", "no memory to join logs and captures");
    names_publish(c);
    c->of->correlation = c;
    return true;
}

const struct flaws *correlation_dropped(const struct correlation *c)
{
    return &c->index.dropped;
}

size_t correlation_not_looked_at(const struct correlation *c)
{
    return c->n_not_looked_at;
}
