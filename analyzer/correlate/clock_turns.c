/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks of logs that name nobody: a line says that a process died or a service came up, and the
 * captures show services going down and coming up.  Several lines that fit several turns at one
 * offset measure the clock.  A single line and a single end that it could be are a coincidence
 * until shown otherwise: the clock is weak, and every tie by it says that it is in doubt.
 */
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/correlate/turns.h"
#include "analyzer/record/window.h"

#define LINES_MAX 256                   /* of a log; one with more tells nothing by their order */
#define APART_MAX_NS (97200 * NS_PER_S) /* 27 hours: a zone and a little */
#define DUE_MAX_NS (30 * NS_PER_S)
#define ONE_END_NS (3 * NS_PER_S) /* what is said of one end, by kernel, unit and program */
#define TRAIL_NS (2 * NS_PER_S)   /* "ready" is said when all is ready, "exited" when all is gone */
#define WEAK_SPREAD_NS (NS_PER_S / 4)

enum way { NO_WAY, DOWN, UP };

static enum way way_of(const struct event *e)
{
    static const struct {
        const char *kind;
        enum way way;
    } rows[] = {{"kernel.segfault", DOWN},
                {"kernel.trap", DOWN},
                {"kernel.oom-kill", DOWN},
                {"systemd.oomd-kill", DOWN},
                {"systemd.process-exited", DOWN},
                {"audit.process-crashed", DOWN},
                {"service.process-died", DOWN},
                {"service.stopped", DOWN},
                {"postgres.process-killed", DOWN},
                {"ssh.terminating", DOWN},
                {"service.started", UP},
                {"ssh.listening", UP},
                {"systemd.started", UP}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (text_eq(e->kind, text_of(rows[i].kind)))
            return rows[i].way;
    return NO_WAY;
}

struct gather { /* the lines of one domain and what they could mean */
    VEC(struct clock_pair) pairs;
    uint32_t turn;      /* of the first pair */
    bool several_turns; /* and another one */
    instant_ns first, last;
    size_t n_lines;
    bool whole; /* the first pair's turn is an end of everything */
};

/* A program that crashed may be any service; a unit that was started or stopped has to be known to
 * be this one. */
static bool serves(const struct correlation *c, const struct log_entry *e, uint16_t port)
{
    enum writer service = service_of(e);
    bool crash = text_starts(e->event->kind, TEXT("kernel.")) ||
                 text_eq(e->event->kind, TEXT("service.process-died"));
    bool known = service != WRITER_OTHER && service != WRITER_SYSTEMD && service != WRITER_KERNEL;
    return (crash || known) && services_fit(c, service, port);
}

/* Whether the line may report the turn, as far as host and service are known. */
static bool may_mean(const struct correlation *c, uint32_t entry, const struct turn *t)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    uint64_t key = name_key(&c->index.domains.v[e->domain]);
    enum way way = way_of(e->event);
    instant_ns apart = e->event->time - t->from;
    uint16_t port = e->event->server.port;
    return way == (t->up ? UP : DOWN) && t->to - t->from <= DUE_MAX_NS && apart <= APART_MAX_NS &&
           apart >= -APART_MAX_NS && (!port || port == t->server.port) &&
           serves(c, e, t->server.port) && names_has(c, key, &t->server.ip) != 0;
}

static bool gather_line(const struct correlation *c, uint32_t entry, const struct turns *turns,
                        struct gather *g)
{
    const struct event *e = c->index.entries.v[entry].event;
    bool any = false;
    for (uint32_t i = 0; i < turns->n; i++) {
        if (!may_mean(c, entry, &turns->v[i]))
            continue;
        struct clock_pair *p = vec_push(&g->pairs);
        if (!p)
            return false;
        bool trails = turns->v[i].up || text_starts(e->kind, TEXT("systemd."));
        *p = (struct clock_pair){.line = log_place(e),
                                 .talk = i,
                                 .log = e->time,
                                 .precision = e->precision_ns,
                                 .due_first = turns->v[i].from,
                                 .due_last = turns->v[i].to + (trails ? TRAIL_NS : 0)};
        g->several_turns |= g->pairs.n > 1 && g->turn != i;
        if (g->pairs.n == 1) {
            g->turn = i;
            g->whole = turns->v[i].whole;
        }
        any = true;
    }
    if (!any)
        return true;
    g->first = g->n_lines && g->first < e->time ? g->first : e->time;
    g->last = g->n_lines && g->last > e->time ? g->last : e->time;
    g->n_lines++;
    return true;
}

/* One line (or what several say of one end), one end that it could be, and as the clocks are taken
 * to agree it would be tied to none. */
static bool is_lone(const struct gather *g, const struct turns *turns)
{
    if (g->several_turns || !g->n_lines || !g->whole || g->last - g->first > ONE_END_NS)
        return false;
    const struct turn *t = &turns->v[g->turn];
    instant_ns slack = CLOCK_UNKNOWN_SPREAD_NS;
    return g->last < t->from - WINDOW_PROCESS_BEFORE_NS - slack ||
           g->first > t->to + WINDOW_HOST_AFTER_NS + slack;
}

/* Of few lines each one that means something else would pass for a step: they are left out. */
static void leave_out(struct gather *g, const struct clock_estimate *e)
{
    size_t n = 0;
    instant_ns low = e->offset - e->spread, high = e->offset + e->spread;
    for (size_t i = 0; i < g->pairs.n; i++) {
        const struct clock_pair *p = &g->pairs.v[i];
        if (p->log - p->due_last <= high + WEAK_SPREAD_NS && p->log - p->due_first >= low)
            g->pairs.v[n++] = *p;
    }
    g->pairs.n = n;
}

/* Whether the lines report more than one turn: what several say of one end fits, where the service
 * closes connections all the time, several of its ends as well as one. */
static bool tell_several(const struct gather *g, const struct turns *turns)
{
    for (size_t i = 1; i < g->pairs.n; i++) {
        const struct clock_pair *a = &g->pairs.v[0], *b = &g->pairs.v[i];
        const instant_ns apart = a->log > b->log ? a->log - b->log : b->log - a->log;
        if (apart > ONE_END_NS || turns->v[a->talk].up != turns->v[b->talk].up)
            return true;
    }
    return false;
}

static void accept(struct correlation *c, uint32_t domain, struct gather *g,
                   const struct turns *turns)
{
    struct domain_clock *k = &c->clocks.v[domain];
    struct clock_estimate e = clock_estimate_of(&c->arena, g->pairs.v, g->pairs.n, NULL, 0);
    if (e.known) {
        leave_out(g, &e);
        e = clock_estimate_of(&c->arena, g->pairs.v, g->pairs.n, NULL, 0);
    }
    bool shown = e.known && e.n_anchors >= 2 && e.n_talks >= 2 && tell_several(g, turns);
    if (!shown && (!e.known || !is_lone(g, turns)))
        return;
    k->at = e;
    k->weak = !shown;
    k->by_turns = true;
    if (k->weak)
        clock_blur(&k->at, WEAK_SPREAD_NS);
}

static bool measure(struct correlation *c, uint32_t domain, const struct turns *turns)
{
    struct gather g = {0};
    bool good = true;
    for (uint32_t i = 0; i < c->index.entries.n && good && g.n_lines <= LINES_MAX; i++) {
        const struct log_entry *e = &c->index.entries.v[i];
        if (e->domain == domain && e->event->time != INSTANT_NONE && way_of(e->event) != NO_WAY)
            good = gather_line(c, i, turns, &g);
    }
    if (good && g.n_lines && g.n_lines <= LINES_MAX)
        accept(c, domain, &g, turns);
    vec_finish(&g.pairs);
    return good;
}

static bool wants_turns(const struct domain_clock *k)
{
    return !k->at.known && !k->at.contested && !k->given;
}

/* Domains with a line about a service. */
static bool *list_domains(const struct correlation *c, bool *any)
{
    bool *is = calloc(c->index.domains.n + 1, sizeof *is);
    for (uint32_t i = 0; is && i < c->index.entries.n; i++) {
        const struct log_entry *e = &c->index.entries.v[i];
        if (!wants_turns(&c->clocks.v[e->domain]) || way_of(e->event) == NO_WAY)
            continue;
        is[e->domain] = *any = true;
    }
    return is;
}

bool clocks_by_turns(struct correlation *c)
{
    struct turns turns = {0};
    bool any = false;
    bool *is = list_domains(c, &any);
    bool good = is && (!any || turns_find(&c->roster, &turns));
    for (uint32_t d = 0; good && turns.n && d < c->index.domains.n; d++)
        if (is[d])
            good = measure(c, d, &turns);
    vec_finish(&turns);
    free(is);
    return good;
}
