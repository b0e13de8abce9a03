/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of sftp servers.  They run under a process id of their own and name an address but no
 * port: "session opened for local user fred from [192.0.2.33]".  Where sshd wrote under the same id
 * its lines decide; else the login of that user from that address just before, each login once;
 * else the connection of that address alive then.  What the process says next follows it.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/record/window.h"

#define LOGIN_AGE_NS (60 * NS_PER_S) /* from "Accepted" to the sftp server's first words */

/* A sure tie of sshd's lines under the same process id, or NULL. */
static const struct tie *sshd_beside(const struct correlation *c, const struct log_entry *e)
{
    uint32_t group = log_index_process(&c->index, e->domain, WRITER_SSHD, e->event->pid);
    if (group == LOG_NONE || !e->event->pid)
        return NULL;
    for (uint32_t i = c->index.groups.v[group].last; i != LOG_NONE;
         i = c->index.entries.v[i].in_group) {
        const struct tie *t = tie_find(c, i);
        if (t && t->join <= JOIN_ENDPOINT && !t->ambiguous)
            return t;
    }
    return NULL;
}

/* The latest login of the user from the address that no sftp session has yet. */
static struct accepted_login *login_before(const struct correlation *c, uint32_t entry)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    uint64_t user = text_hash(event_field(e->event, "user"));
    uint64_t key = name_key(&c->index.domains.v[e->domain]);
    instant_ns t = e->event->time;
    struct accepted_login *best = NULL;
    for (size_t i = 0; i < c->logins.n; i++) {
        struct accepted_login *l = &c->logins.v[i];
        const struct log_entry *le = &c->index.entries.v[l->entry];
        bool before = le->domain == e->domain ? log_place(le->event) < log_place(e->event)
                                              : le->event->time <= t + e->event->precision_ns;
        if (l->used || l->user != user || l->host_key != key || !before ||
            record_fit(c, e->event, l->record) == FIT_NO || t - le->event->time > LOGIN_AGE_NS)
            continue;
        if (!best || le->event->time >= c->index.entries.v[best->entry].event->time)
            best = l;
    }
    return best;
}

struct alive { /* connections of the address that live at that time */
    const struct correlation *c;
    struct when w;
    uint32_t record, talk, n;
    instant_ns opened;
};

static bool see_alive(void *ctx, uint32_t record, enum fit fit)
{
    struct alive *a = ctx;
    const struct roster *r = &a->c->roster;
    (void)fit;
    if (!services_fit(a->c, WRITER_SFTP, r->records[record].server.port) ||
        (a->n && r->talk[record] == a->talk))
        return true;
    struct talk t = roster_talk(r, record);
    if (a->w.high < t.first || a->w.low > t.last + NS_PER_S)
        return true;
    a->n++;
    if (a->n > 1 && t.opened <= a->opened)
        return true;
    a->record = record;
    a->talk = t.id;
    a->opened = t.opened;
    return true;
}

/* The connection that a "session opened" line belongs to. */
static bool find_session(const struct correlation *c, uint32_t entry, struct tie *out)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    const struct tie *beside = sshd_beside(c, e);
    if (beside && record_fit(c, e->event, beside->record) != FIT_NO) {
        out->record = beside->record;
        return true;
    }
    struct accepted_login *login = login_before(c, entry);
    if (login) {
        login->used = true;
        out->record = login->record;
        return true;
    }
    struct alive a = {.c = c, .w = when_of(c, entry)};
    fit_each(c, entry, NS_PER_S, see_alive, &a);
    out->record = a.record;
    out->ambiguous = a.n > 1;
    return a.n > 0;
}

struct session { /* what an sftp process is serving */
    bool any, ambiguous;
    uint32_t record;
    uint64_t place;
};

static bool tie_line(struct correlation *c, uint32_t entry, struct session *s)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    struct tie t = {.entry = entry, .join = JOIN_ADDRESS, .bridge = JOIN_ADDRESS};
    bool opens = text_eq(e->event->kind, TEXT("sftp.session-opened"));
    if (opens || (!s->any && e->names_ours)) {
        *s = (struct session){.any = e->names_ours && find_session(c, entry, &t)};
        s->record = t.record;
        s->ambiguous = t.ambiguous;
        s->place = log_place(e->event);
    }
    if (!s->any || (e->names && record_fit(c, e->event, s->record) == FIT_NO))
        return true;
    t.record = s->record;
    t.ambiguous = s->ambiguous;
    t.side = SIDE_SERVER;
    if (!e->names) {
        t.join = JOIN_PID;
        t.bridge_place = s->place;
    }
    return tie_add(c, &t);
}

static int compare_line(const void *x, const void *y, void *ctx)
{
    const struct correlation *c = ctx;
    uint64_t a = log_place(c->index.entries.v[*(const uint32_t *)x].event);
    uint64_t b = log_place(c->index.entries.v[*(const uint32_t *)y].event);
    return a < b ? -1 : a > b;
}

static bool join_process(struct correlation *c, const struct log_group *g)
{
    uint32_t *order = calloc((size_t)g->n + 1, sizeof *order);
    struct session s = {0};
    size_t n = 0;
    if (!order)
        return false;
    for (uint32_t i = g->last; i != LOG_NONE && n < g->n; i = c->index.entries.v[i].in_group)
        if (!c->tie_of.v[i])
            order[n++] = i;
    if (n)
        qsort_r(order, n, sizeof *order, compare_line, c);
    bool good = true;
    for (size_t i = 0; i < n && good; i++)
        good = tie_line(c, order[i], &s);
    free(order);
    return good;
}

bool join_sftp(struct correlation *c)
{
    bool good = true;
    for (size_t i = 0; i < c->index.groups.n && good; i++)
        if (c->index.groups.v[i].writer == WRITER_SFTP)
            good = join_process(c, &c->index.groups.v[i]);
    return good;
}
