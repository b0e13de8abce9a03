/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines about a host, a process or a service: they name no connection, and may explain many.  Such
 * a line is tied to a reset when its host is one of the reset's ends as far as names are known, its
 * service is not known to be another one, and its time is near enough for what befell.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/correlate/log_index_parts.h"
#include "analyzer/record/window.h"

#define HOST_TIES_MAX 4000000 /* in all */
#define HOST_TIES_A_RESET 64
#define BEHIND_ALIKE_NS (100 * NS_PER_MS) /* of connections that one proxy ended at once */

struct reset_at {
    instant_ns time; /* first capture's clock */
    instant_ns began;
    uint32_t record, n_ties;
    uint32_t *n_nameless; /* of the connection, wherever it was captured */
    const struct reset *reset;
};

struct end_at { /* of a connection, first capture's clock */
    instant_ns time;
    uint32_t of; /* its reset, in the list of these */
};

struct ends {
    struct end_at *v;
    size_t n;
};

static int compare_reset(const void *x, const void *y)
{
    const struct reset_at *a = x, *b = y;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->reset->id < b->reset->id ? -1 : a->reset->id > b->reset->id;
}

static struct reset_at *list_resets(const struct correlation *c, uint32_t *n_nameless, size_t *n)
{
    const struct roster *r = &c->roster;
    struct reset_at *v = calloc(c->of->n_resets + 1, sizeof *v);
    *n = 0;
    for (uint32_t i = 0; v && i < r->n; i++)
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++)
            v[(*n)++] =
                (struct reset_at){.time = roster_time(r, i, r->reset_at[k]->deciding.segment.time),
                                  .began = roster_time(r, i, r->records[i].first_time),
                                  .record = i,
                                  .n_nameless = &n_nameless[r->talk[i]],
                                  .reset = r->reset_at[k]};
    if (v && *n)
        qsort(v, *n, sizeof *v, compare_reset);
    return v;
}

static bool kind_is(const struct event *e, const char *kind)
{
    return text_eq(e->kind, text_of(kind));
}

/* A fresh start of the whole host: everybody's connections are gone. */
static bool is_reboot(const struct event *e)
{
    return kind_is(e, "host.reboot") || kind_is(e, "kernel.boot") ||
           kind_is(e, "systemd.shutdown") || kind_is(e, "systemd.startup-finished");
}

static void window_before(const struct correlation *c, const struct event *e, instant_ns *before,
                          instant_ns *after)
{
    *before = e->scope == SCOPE_PROCESS ? WINDOW_PROCESS_BEFORE_NS : WINDOW_HOST_BEFORE_NS;
    *after = WINDOW_HOST_AFTER_NS;
    if (is_reboot(e))
        *before = WINDOW_REBOOT_BEFORE_NS;
    else if (kind_is(e, "kernel.oom-kill"))
        *before = WINDOW_PROCESS_BEFORE_NS;
    if (c->config.window_ns > *after)
        *after = c->config.window_ns;
    if (c->config.window_ns > *before)
        *before = c->config.window_ns;
}

/* "echod@3-198.51.100.22:8710-192.0.2.202:36070.service": one of a socket with Accept=yes, which
 * lives as long as its connection. */
static bool serves_one_connection(struct text unit)
{
    struct text name, number, server, client;
    return text_cut(unit, '@', &name, &unit) && text_cut(unit, '-', &number, &unit) &&
           text_cut(unit, '-', &server, &client) && number.n > 0 && number.p[0] >= '0' &&
           number.p[0] <= '9' && text_find_byte(server, ':', 0) != SIZE_MAX &&
           text_find_byte(client, ':', 0) != SIZE_MAX;
}

/* A unit that comes and goes beside the services: starting or stopping it is no news. */
static bool is_housekeeping(const struct log_entry *e, enum writer service)
{
    static const char *const moves[] = {"systemd.starting", "systemd.started", "systemd.stopping",
                                        "systemd.stopped", "systemd.deactivated"};
    bool known = service != WRITER_OTHER && service != WRITER_SYSTEMD;
    bool moves_only = false;
    if (e->writer != WRITER_SYSTEMD || known)
        return false;
    struct text unit = event_field(e->event, "unit");
    if (kind_is(e->event, "systemd.socket-limit") || kind_is(e->event, "systemd.trigger-limit-hit"))
        return false;
    if (unit.n && serves_one_connection(unit))
        return true;
    if (unit.n)
        return !text_ends(unit, TEXT(".service")) || services_is_chore(unit);
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++)
        moves_only |= kind_is(e->event, moves[i]);
    return moves_only && services_is_chore(event_field(e->event, "description"));
}

bool host_line_is_chore(const struct event *e, enum writer w)
{
    if (w != WRITER_SYSTEMD)
        return false;
    if (text_starts(event_field(e, "unit"), TEXT("session-"))) /* a login's; they are many */
        return true;
    const struct log_entry entry = {.event = (struct event *)(uintptr_t)e, .writer = w};
    return is_housekeeping(&entry, service_of(&entry));
}

/* A device between may be anybody's: its tables and links matter to both ends. */
static bool is_devices(const struct event *e)
{
    return kind_is(e, "kernel.conntrack-full") || kind_is(e, "kernel.link-down") ||
           kind_is(e, "kernel.link-up") || kind_is(e, "kernel.transmit-timeout");
}

static bool host_agrees(const struct correlation *c, const struct log_entry *e,
                        const struct connection_record *r)
{
    uint64_t key = name_key(&c->index.domains.v[e->domain]);
    int server = names_has(c, key, &r->server.ip), client = names_has(c, key, &r->client.ip);
    if (server == 1 || client == 1)
        return true;
    if (is_devices(e->event))
        return true;
    if (server == 0)
        return false; /* a host of another address */
    return !names_address_taken(c, key, &r->server.ip) ||
           !names_address_taken(c, key, &r->client.ip);
}

struct wide {           /* one line being tied */
    size_t n_strangers; /* see names_count_strangers; 0: its host is none of them */
    uint32_t entry;
    const struct log_entry *e;
    enum writer service;
    struct when w;
    instant_ns before, after;
};

/* Nothing says where the line's host is, and it is not the only such one: logs of several came
 * together.  all_ends: they are more than the connection has ends that no host is known for. */
static bool may_be_anothers(const struct correlation *c, const struct wide *l,
                            const struct reset_at *r, bool all_ends)
{
    if (l->n_strangers < 2)
        return false;
    const struct connection_record *rec = &c->roster.records[r->record];
    const uint64_t key = name_key(&c->index.domains.v[l->e->domain]);
    const size_t n_free = (size_t)!names_address_taken(c, key, &rec->server.ip) +
                          !names_address_taken(c, key, &rec->client.ip);
    return l->n_strangers > (all_ends ? n_free : 1);
}

static bool concerns(const struct correlation *c, const struct wide *l, const struct reset_at *r)
{
    const struct connection_record *rec = &c->roster.records[r->record];
    if (l->e->names && record_fit(c, l->e->event, r->record) == FIT_NO)
        return false;
    if (is_reboot(l->e->event) && l->w.high < r->began)
        return false; /* before the connection began */
    if (l->e->event->scope != SCOPE_HOST || l->service != l->e->writer)
        if (!services_fit(c, l->service, rec->server.port))
            return false;
    if (l->e->event->server.port && l->e->event->server.port != rec->server.port)
        return false; /* "flooding on port 80", "listening on port 22" */
    if (l->e->event->scope != SCOPE_HOST && may_be_anothers(c, l, r, true) &&
        !services_own(c, l->service, rec->server.port))
        return false;
    return host_agrees(c, l->e, rec);
}

/* The first of the resets, sorted by time, at or after t. */
static size_t seek_reset(const struct reset_at *v, size_t n, instant_ns t)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v[mid].time < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* A service that has usual ports, at another one, and nothing says that the line's host is an end
 * of the connection: some redis somewhere may have stopped. */
static bool is_odd(const struct correlation *c, const struct wide *l, const struct reset_at *r)
{
    const struct log_domain *d = &c->index.domains.v[l->e->domain];
    return names_is_stranger(c, d) && services_has_usual(l->service) &&
           !services_own(c, l->service, c->roster.records[r->record].server.port);
}

static bool tie_wide(struct correlation *c, const struct wide *l, struct reset_at *v, size_t n)
{
    size_t lo = seek_reset(v, n, l->w.low - l->after);
    for (; lo < n && v[lo].time - l->before <= l->w.high; lo++) {
        if (v[lo].n_ties >= HOST_TIES_A_RESET || c->ties.n >= HOST_TIES_MAX ||
            !concerns(c, l, &v[lo]))
            continue;
        struct tie t = {.entry = l->entry,
                        .record = v[lo].record,
                        .reset = v[lo].reset,
                        .wide = true,
                        .join = JOIN_HOST,
                        .bridge = JOIN_HOST,
                        .ambiguous = c->clocks.v[l->e->domain].weak || is_odd(c, l, &v[lo]) ||
                                     may_be_anothers(c, l, &v[lo], false)};
        t.side = side_of(c, l->entry, t.record);
        v[lo].n_ties++;
        if (!tie_add(c, &t))
            return false;
    }
    return true;
}

/* Whether any line of the same process named anybody. */
static bool process_names(const struct correlation *c, const struct log_entry *e)
{
    const struct log_group *g = &c->index.groups.v[e->group];
    if (g->last_mark != LOG_NONE)
        return true;
    for (uint32_t i = g->last; i != LOG_NONE; i = c->index.entries.v[i].in_group)
        if (c->index.entries.v[i].names)
            return true;
    return false;
}

/* A daemon's line that names nobody: "fatal: Missing privilege separation directory" of a process
 * that never named anybody, or a long-lived server's report of an end.  Only the service and the
 * time can tell whose it was. */
static bool is_nameless(const struct correlation *c, const struct log_entry *e)
{
    bool serves = e->writer != WRITER_OTHER && e->writer != WRITER_KERNEL &&
                  e->writer != WRITER_SYSTEMD && e->writer != WRITER_SFTP;
    if (!serves || e->names || e->event->scope != SCOPE_CONNECTION ||
        text_starts(e->event->kind, TEXT("pam.")))
        return false;
    if (e->writer == WRITER_SSHD)
        return e->group != LOG_NONE && !process_names(c, e);
    return e->event->claim != CLAIM_NOTHING && e->event->claim != CLAIM_OPENED;
}

/* When a connection was over: its first FIN or RST. */
static instant_ns over_at(const struct correlation *c, uint32_t record)
{
    const struct talk t = roster_talk(&c->roster, record);
    return t.fin == INSTANT_NONE || (t.rst != INSTANT_NONE && t.rst < t.fin) ? t.rst : t.fin;
}

static int compare_end(const void *x, const void *y)
{
    const struct end_at *a = x, *b = y;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->of < b->of ? -1 : a->of > b->of;
}

/* The resets of connections that were over long before, in the order of those ends. */
static struct ends list_ends(const struct correlation *c, const struct reset_at *v, size_t n)
{
    struct ends ends = {.v = calloc(n + 1, sizeof *ends.v)};
    for (size_t i = 0; ends.v && i < n; i++) {
        const instant_ns over = over_at(c, v[i].record);
        if (over != INSTANT_NONE && v[i].time - over > WINDOW_NAMELESS_NS)
            ends.v[ends.n++] = (struct end_at){.time = over, .of = (uint32_t)i};
    }
    if (ends.n)
        qsort(ends.v, ends.n, sizeof *ends.v, compare_end);
    return ends;
}

static size_t seek_end(const struct ends *ends, instant_ns t)
{
    size_t lo = 0, hi = ends->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ends->v[mid].time < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct nearest { /* of the resets that a line which names nobody could be about */
    struct reset_at *best;
    instant_ns gap, far;
    uint32_t n_equal;
};

/* at: when what the line is about befell that connection. */
static void weigh_nameless(const struct correlation *c, const struct wide *l, struct reset_at *r,
                           instant_ns at, struct nearest *near)
{
    const instant_ns middle = l->w.low + (l->w.high - l->w.low) / 2;
    const instant_ns gap = when_gap(l->w, at, at), far = at > middle ? at - middle : middle - at;
    if (gap > near->gap || gap > WINDOW_NAMELESS_NS || !concerns(c, l, r))
        return;
    const bool same = near->best && near->best->n_nameless == r->n_nameless; /* in two captures */
    near->n_equal = gap < near->gap ? 0 : near->n_equal + !same;
    const bool spread = near->best && gap == near->gap && *r->n_nameless != *near->best->n_nameless;
    const bool better = !near->best || gap < near->gap ||
                        (spread ? *r->n_nameless < *near->best->n_nameless : far < near->far);
    if (better) {
        near->best = r;
        near->gap = gap;
        near->far = far;
    }
}

/* The reset nearest to the line, of those near those that no such line was tied to yet.  A daemon
 * writes when it ends a connection; the RST to what the peer sends later may come long after, so
 * where the connection was over before, that moment counts. */
static bool tie_nameless(struct correlation *c, const struct wide *l, struct reset_at *v, size_t n,
                         const struct ends *ends)
{
    struct nearest near = {.gap = WINDOW_NAMELESS_NS + 1};
    const instant_ns from = l->w.low - WINDOW_NAMELESS_NS, to = l->w.high + WINDOW_NAMELESS_NS;
    for (size_t i = seek_reset(v, n, from); i < n && v[i].time <= to; i++)
        weigh_nameless(c, l, &v[i], v[i].time, &near);
    for (size_t i = seek_end(ends, from); i < ends->n && ends->v[i].time <= to; i++)
        if (v[ends->v[i].of].time > to)
            weigh_nameless(c, l, &v[ends->v[i].of], ends->v[i].time, &near);
    if (!near.best)
        return true;
    ++*near.best->n_nameless;
    struct tie t = {.entry = l->entry,
                    .record = near.best->record,
                    .reset = near.best->reset,
                    .join = JOIN_HOST,
                    .bridge = JOIN_HOST,
                    .ambiguous = near.n_equal > 0 || is_odd(c, l, near.best) ||
                                 may_be_anothers(c, l, near.best, false)};
    t.side = side_of(c, l->entry, t.record);
    return tie_add(c, &t);
}

/* HAProxy's log line names the client's connection and reports what became of the other one, to the
 * server, whose ends it does not name, where the first flag says S or s, and of both where it ended
 * them itself: D, U, K. */
static bool is_behind(const struct log_entry *e)
{
    struct text flags = event_field(e->event, "termination");
    return e->writer == WRITER_PROXY && flags.n && memchr("SsDUK", flags.p[0], 5);
}

/* Whether the connection of which the line speaks can be that one: not the client's own, and one
 * that was never accepted only where the second flag says that it failed then (C). */
static bool may_be_behind(const struct correlation *c, const struct wide *l,
                          const struct reset_at *r)
{
    const struct text flags = event_field(l->e->event, "termination");
    const bool opening = flags.n > 1 && flags.p[1] == 'C';
    return (opening || r->reset->mechanism != MECHANISM_REFUSED) &&
           !address_eq(&c->roster.records[r->record].client.ip, &l->e->event->client.ip);
}

/* Whether HAProxy ended both connections itself, at once. */
static bool ends_both(const struct wide *l)
{
    return memchr("DUK", event_field(l->e->event, "termination").p[0], 3) != NULL;
}

/* When it was over: as its client's connection where that ended with it, else as the line says. */
static instant_ns behind_due(const struct correlation *c, const struct wide *l)
{
    const struct tie *own = ends_both(l) ? tie_find(c, l->entry) : NULL;
    const bool sure = own && own->join <= JOIN_ENDPOINT && !own->ambiguous;
    const instant_ns over = sure ? over_at(c, own->record) : INSTANT_NONE;
    return over != INSTANT_NONE ? over : l->w.low + (l->w.high - l->w.low) / 2;
}

/* The nearest in time of those that may be it; of those as good as equally near one that the fewest
 * such lines were tied to yet. */
static bool tie_behind(struct correlation *c, const struct wide *l, struct reset_at *v, size_t n)
{
    struct reset_at *best = NULL;
    const instant_ns due = behind_due(c, l);
    instant_ns best_far = 0;
    size_t from = seek_reset(v, n, l->w.low - WINDOW_NAMELESS_NS);
    for (size_t i = from; i < n && v[i].time <= l->w.high + WINDOW_NAMELESS_NS; i++) {
        const instant_ns over = ends_both(l) ? over_at(c, v[i].record) : v[i].time;
        const instant_ns far = over > due ? over - due : due - over;
        if (over == INSTANT_NONE || !may_be_behind(c, l, &v[i]))
            continue;
        const bool alike = best && llabs(far - best_far) < BEHIND_ALIKE_NS;
        if (!best ||
            (alike && *v[i].n_nameless != *best->n_nameless ? *v[i].n_nameless < *best->n_nameless
                                                            : far < best_far)) {
            best = &v[i];
            best_far = far;
        }
    }
    if (!best)
        return true;
    ++*best->n_nameless;
    c->index.entries.v[l->entry].answered = true;
    return tie_add(c, &(struct tie){.entry = l->entry,
                                    .record = best->record,
                                    .reset = best->reset,
                                    .join = JOIN_HOST,
                                    .bridge = JOIN_HOST,
                                    .side = SIDE_CLIENT});
}

bool join_hosts(struct correlation *c)
{
    size_t n = 0;
    uint32_t *n_nameless = calloc(c->roster.n + 1, sizeof *n_nameless);
    struct reset_at *v = n_nameless ? list_resets(c, n_nameless, &n) : NULL;
    struct ends ends = {0};
    bool good = v != NULL;
    const size_t n_strangers = names_count_strangers(c);
    for (uint32_t i = 0; i < c->index.entries.n && good && n; i++) {
        const struct log_entry *e = &c->index.entries.v[i];
        struct wide l = {.entry = i, .e = e, .service = service_of(e), .w = when_of(c, i)};
        if (is_behind(e) && l.w.stamped)
            good = tie_behind(c, &l, v, n);
        if (c->tie_of.v[i] || !l.w.stamped)
            continue;
        if (n_strangers > 1 && !is_devices(e->event) &&
            names_is_stranger(c, &c->index.domains.v[e->domain]))
            l.n_strangers = n_strangers;
        if (is_nameless(c, e)) {
            if (!ends.v)
                ends = list_ends(c, v, n);
            good = ends.v && tie_nameless(c, &l, v, n, &ends);
        }
        if (e->event->scope == SCOPE_CONNECTION || is_housekeeping(e, l.service))
            continue;
        window_before(c, e->event, &l.before, &l.after);
        good = tie_wide(c, &l, v, n);
    }
    free(ends.v);
    free(v);
    free(n_nameless);
    return good;
}
