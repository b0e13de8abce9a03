/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines joined by the number that the server gave the session: MySQL's thread id and PostgreSQL's
 * process id stand in clear in what the server first says, and in its log.  The captures alone tell
 * it, without a line that names the client's port.
 */
#include <string.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/record/window.h"
#include "parsers/packet/words.h"

#define NOBODY UINT32_MAX /* two connections have that number */

struct session { /* no gap between its members: it is hashed and compared */
    uint32_t writer, number;
};

bool session_of(const struct connection *k, enum writer *writer, uint32_t *number)
{
    const struct text head = k->end[SIDE_SERVER].head;
    struct mysql_seen m;
    struct postgresql_seen p;
    if (words_mysql(head, &m) && m.saw_thread) {
        *writer = WRITER_MYSQL;
        *number = m.thread;
        return true;
    }
    if (!words_postgresql(head, &p) || !p.saw_key)
        return false;
    *writer = WRITER_POSTGRES;
    *number = p.process;
    return true;
}

bool session_of_event(const struct event *e, enum writer writer, uint32_t *number)
{
    uint64_t id = e->pid;
    if (writer == WRITER_MYSQL && !text_to_u64(event_field(e, "id"), &id))
        return false;
    *number = (uint32_t)id;
    return (writer == WRITER_MYSQL || writer == WRITER_POSTGRES) && id > 0 && id <= UINT32_MAX;
}

static bool collect(const struct correlation *c, struct map *sessions)
{
    const struct roster *r = &c->roster;
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++) {
            const struct connection *of = r->reset_at[k]->in_full;
            enum writer writer;
            uint32_t number;
            if (!of || !session_of(of, &writer, &number))
                continue;
            const struct session key = {writer, number};
            bool fresh;
            uint32_t *record = map_put(sessions, &key, &fresh);
            if (!record)
                return false;
            *record = fresh || (*record != NOBODY && r->talk[*record] == r->talk[i]) ? i : NOBODY;
        }
    return true;
}

static bool lived(const struct correlation *c, uint32_t entry, uint32_t record)
{
    const struct talk t = roster_talk(&c->roster, record);
    const struct when w = when_of(c, entry);
    return w.stamped && w.high >= t.first - WINDOW_BRIDGED_BEFORE_NS &&
           w.low <= t.last + WINDOW_BRIDGED_AFTER_NS;
}

static bool tie_session(struct correlation *c, struct map *sessions, uint32_t entry)
{
    const struct log_entry *e = &c->index.entries.v[entry];
    struct session key = {.writer = e->writer};
    if (c->tie_of.v[entry] || e->event->scope != SCOPE_CONNECTION ||
        !session_of_event(e->event, e->writer, &key.number))
        return true;
    const uint32_t *record = map_get(sessions, &key);
    if (!record || *record == NOBODY || !lived(c, entry, *record) ||
        (e->names && record_fit(c, e->event, *record) == FIT_NO))
        return true;
    struct tie t = {.entry = entry,
                    .record = *record,
                    .join = JOIN_PID,
                    .bridge = JOIN_PID,
                    .by_session = true};
    t.side = side_of(c, entry, *record);
    return tie_add(c, &t);
}

bool join_sessions(struct correlation *c)
{
    struct map sessions; /* struct session -> uint32_t */
    map_init(&sessions, sizeof(struct session), sizeof(uint32_t));
    bool good = collect(c, &sessions);
    for (uint32_t i = 0; sessions.n > 0 && good && i < c->index.entries.n; i++)
        good = tie_session(c, &sessions, i);
    map_finish(&sessions);
    return good;
}
