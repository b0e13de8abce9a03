/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the case says of each log's clocks: the measured ones of correlation, made the report's.
 */
#include <stdlib.h>

#include "analyzer/correlate/correlate_parts.h"

#define CLOCKS_TOLD_MAX 64 /* hosts of one log */

/* The domains of each log, in their order: those of the source s, the log's first, are
 * at[from[s]..from[s + 1]). */
struct domains_by_log {
    uint32_t *from, *at;
};

static bool list_domains(const struct correlation *c, struct domains_by_log *out)
{
    const size_t n_logs = c->of->n_logs, n = c->index.domains.n;
    uint32_t *from = calloc(n_logs + 2, sizeof *from), *at = calloc(n + 1, sizeof *at);
    *out = (struct domains_by_log){from, at};
    if (!from || !at)
        return false;
    for (size_t i = 0; i < n; i++)
        if (c->index.domains.v[i].source < n_logs)
            from[c->index.domains.v[i].source + 2]++;
    for (size_t s = 0; s < n_logs; s++)
        from[s + 1] += from[s];
    for (size_t i = 0; i < n; i++)
        if (c->index.domains.v[i].source < n_logs)
            at[from[c->index.domains.v[i].source + 1]++] = (uint32_t)i;
    return true;
}

/* The clock that speaks for a whole log: of its hosts the best anchored, then the longest. */
static size_t main_domain(const struct correlation *c, const uint32_t *of, size_t n)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        if (best == SIZE_MAX) {
            best = of[i];
            continue;
        }
        const struct clock_estimate *a = &c->clocks.v[of[i]].at, *b = &c->clocks.v[best].at;
        if (a->known != b->known ? a->known
            : a->n_anchors != b->n_anchors
                ? a->n_anchors > b->n_anchors
                : c->index.domains.v[of[i]].n_lines > c->index.domains.v[best].n_lines)
            best = of[i];
    }
    return best;
}

static void publish_zone(const struct correlation *c, size_t domain, struct case_log *log)
{
    int minutes = c->clocks.v[domain].zone_minutes;
    unsigned size = (unsigned)(minutes < 0 ? -minutes : minutes);
    const char *name = arena_printf(&c->of->arena, "UTC%c%02u:%02u", minutes < 0 ? '-' : '+',
                                    size / 60, size % 60);
    const struct domain_clock *k = &c->clocks.v[domain];
    const char *how = !k->at.known      ? "in no other would the log and the captures meet"
                      : k->by_datagrams ? "lines that were captured as syslog datagrams fit it"
                                        : "lines that name captured connections fit them in it";
    const char *why = arena_printf(&c->of->arena, "inferred: its stamps state none, and %s", how);
    if (!why || !name)
        return;
    log->zone = text_of(name);
    log->zone_why = text_of(why);
    instant_ns shift = (instant_ns)minutes * 60 * NS_PER_S;
    if (log->first != INSTANT_NONE) {
        log->first -= shift;
        log->last -= shift;
    }
}

static enum clock_by by_of(const struct domain_clock *k)
{
    if (k->given)
        return CLOCK_BY_OPTION;
    if (!k->at.known)
        return k->at.contested ? CLOCK_CONTESTED : CLOCK_BY_NOTHING;
    if (k->weak)
        return CLOCK_BY_ONE_END;
    if (k->borrowed)
        return CLOCK_BY_OTHER_LOG;
    if (k->by_datagrams)
        return CLOCK_BY_DATAGRAMS;
    return k->by_turns ? CLOCK_BY_TURNS : CLOCK_BY_LINES;
}

/* Steps of its own lines; another log's lines have other numbers. */
static void list_steps(const struct correlation *c, const struct domain_clock *k, uint32_t source,
                       struct case_clock *out)
{
    if (k->borrowed || k->given || !k->at.n_steps)
        return;
    out->steps = arena_array(&c->of->arena, k->at.n_steps, sizeof *out->steps);
    for (uint32_t i = 0; out->steps && i < k->at.n_steps; i++) {
        const struct clock_step *s = &k->at.steps[i];
        if (log_place_source(s->before) != source) /* it is told of the file that it ends in */
            continue;
        bool same = log_place_source(s->after) == source;
        out->steps[out->n_steps++] =
            (struct case_clock_step){.after_line = same ? log_place_line(s->after) : 1,
                                     .before_line = log_place_line(s->before),
                                     .by_ns = s->by,
                                     .spread_ns = s->spread};
    }
}

static void list_clock(const struct correlation *c, size_t domain, uint32_t source,
                       struct case_log *log)
{
    const struct domain_clock *k = &c->clocks.v[domain];
    struct case_clock *out = &log->clocks[log->n_clocks++];
    *out = (struct case_clock){
        .host = arena_text(&c->of->arena, c->index.domains.v[domain].host),
        .by = by_of(k),
        .offset_ns = k->at.known ? k->at.offset : 0,
        .spread_ns = k->at.spread,
        .n_anchors = k->at.n_anchors,
        .drifts = k->at.known && k->at.drifts,
        .drift_ppb = k->at.drift_ppb,
        .drift_spread_ppb = k->at.drift_spread_ppb,
    };
    list_steps(c, k, source, out);
}

/* The main one, then the other hosts' that were measured. */
static void list_clocks(const struct correlation *c, uint32_t source, size_t main_one,
                        const uint32_t *of, size_t n, struct case_log *log)
{
    log->clocks = arena_array(&c->of->arena, CLOCKS_TOLD_MAX, sizeof *log->clocks);
    if (!log->clocks)
        return;
    list_clock(c, main_one, source, log);
    for (size_t i = 0; i < n && log->n_clocks < CLOCKS_TOLD_MAX; i++)
        if (of[i] != main_one && c->clocks.v[of[i]].at.known)
            list_clock(c, of[i], source, log);
}

static void publish_log(const struct correlation *c, uint32_t source, const uint32_t *of, size_t n)
{
    struct case_log *log = &c->of->logs[source];
    const size_t d = main_domain(c, of, n);
    if (d == SIZE_MAX)
        return;
    const struct clock_estimate *at = &c->clocks.v[d].at;
    log->offset_known = at->known;
    log->offset_ns = at->known ? at->offset : 0;
    log->offset_spread_ns = at->spread;
    log->n_anchors = at->n_anchors;
    list_clocks(c, source, d, of, n, log);
    if (c->clocks.v[d].zone_minutes)
        publish_zone(c, d, log);
}

bool clocks_publish(const struct correlation *c)
{
    struct domains_by_log by;
    const bool good = list_domains(c, &by);
    for (uint32_t s = 0; good && s < c->of->n_logs; s++) {
        const uint32_t first = log_index_first_source(&c->index, s);
        publish_log(c, s, by.at + by.from[first], by.from[first + 1] - by.from[first]);
    }
    free(by.from);
    free(by.at);
    return good;
}
