/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attempts at each port that refused somebody, and the silent connections that it ended, in
 * order of time; a question walks from the refusal.
 */
#include "analyzer/population/refusals.h"

#include <stdlib.h>

#include "analyzer/population/server_rows.h"

#define WALK_MAX 200              /* attempts that are looked at, each way */
#define MOMENT_NS (NS_PER_S / 20) /* a process that ends closes its sockets in that time */
#define SILENCE_MS 200            /* longer than a server takes to close behind its answer */
#define ATTEMPT (CENSUS_ANSWERED | CENSUS_REFUSED)

enum row_kind { ATTEMPTS, ENDS, ROW_KINDS };

struct refusals {
    /* ATTEMPTS: of SYNs, whose notes say whose, and what became of it.  ENDS: of the server's FINs
     * after a silence. */
    struct server_rows rows;
};

/* A client's number, and whether it was accepted or else refused. */
static uint32_t note_of(uint32_t client, bool accepted)
{
    return client << 1 | accepted;
}

/* By server's number: whether it accepted anybody, or served one from before the capture. */
static bool *find_accepting(const struct census *s)
{
    bool *accepts = calloc(s->n_servers + (size_t)1, sizeof *accepts);
    for (uint32_t k = 0; accepts && k < s->n_servers; k++)
        for (size_t i = s->first[k]; i < s->first[k + 1] && !accepts[k]; i++)
            accepts[k] = s->row.bits[i] & (CENSUS_ANSWERED | CENSUS_SERVED);
    return accepts;
}

/* Where nobody was accepted there is nothing to ask. */
static bool name_places(struct server_rows *rows)
{
    const struct case_file *c = rows->census->of;
    bool *accepts = find_accepting(rows->census), good = accepts != NULL;
    for (size_t i = 0; good && i < c->n_resets; i++)
        if ((rows->census->traits[i] & CENSUS_REFUSAL) && accepts[rows->census->server[i]])
            good = server_rows_name(rows, c->resets[i]);
    free(accepts);
    return good;
}

/* When the server ended it of its own will after a silence, else INSTANT_NONE. */
static instant_ns silent_end(const struct connection_record *r)
{
    const instant_ns fin = r->fin_time[SIDE_SERVER], theirs = r->fin_time[SIDE_CLIENT];
    const bool first = fin != INSTANT_NONE && (theirs == INSTANT_NONE || fin <= theirs);
    return first && r->server_quiet_ms != UINT32_MAX && r->server_quiet_ms >= SILENCE_MS
               ? fin
               : INSTANT_NONE;
}

static void deal(struct server_rows *rows)
{
    const struct census *census = rows->census;
    const struct census_row *from = &census->row;
    for (uint32_t k = 0; k < census->n_servers; k++)
        for (size_t i = census->first[k]; i < census->first[k + 1]; i++) {
            const uint8_t bits = from->bits[i];
            const instant_ns end = bits & CENSUS_SERVED
                                       ? silent_end(&census->of->records[from->record[i]])
                                       : INSTANT_NONE;
            struct server_row *row =
                bits & ATTEMPT || end != INSTANT_NONE ? server_rows_at(rows, k, i) : NULL;
            if (row && (bits & ATTEMPT))
                server_rows_add(rows, &row[ATTEMPTS], from->time[i],
                                note_of(from->client[i], bits & CENSUS_ANSWERED));
            if (row && end != INSTANT_NONE)
                server_rows_add(rows, &row[ENDS], end, 0);
        }
}

struct refusals *refusals_create(const struct census *census)
{
    struct refusals *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    server_rows_init(&s->rows, census, ROW_KINDS);
    if (name_places(&s->rows) && server_rows_fill(&s->rows, deal))
        return s;
    refusals_free(s);
    return NULL;
}

void refusals_free(struct refusals *s)
{
    if (!s)
        return;
    server_rows_finish(&s->rows);
    free(s);
}

struct walk {
    uint32_t client;
    uint32_t n_others;  /* accepted so far */
    uint32_t n_between; /* of them, those behind which the client was refused again */
    bool over;          /* the client was accepted, or another refused */
    bool other_refused;
};

/* False: what stands at i in the rows is too far away from t. */
static bool step(struct walk *w, const struct server_rows *rows, size_t i, instant_ns t)
{
    const instant_ns apart = rows->time[i] > t ? rows->time[i] - t : t - rows->time[i];
    if (apart > REFUSALS_REACH_NS)
        return false;
    const bool accepted = rows->note[i] & 1, ours = rows->note[i] == note_of(w->client, accepted);
    w->n_others += accepted && !ours;
    if (ours && !accepted)
        w->n_between = w->n_others;
    w->other_refused |= !ours && !accepted;
    w->over = (ours && accepted) || w->other_refused;
    return true;
}

uint32_t refusals_accepted_between(const struct refusals *s, const struct reset *r)
{
    if (!s || r->mechanism != MECHANISM_REFUSED)
        return 0;
    struct server_row *row = server_rows_of(&s->rows, r);
    const uint32_t client = census_client(s->rows.census, r);
    if (!row || client == CENSUS_NONE)
        return 0;
    const instant_ns t = r->deciding.segment.time;
    const size_t end = row->first + row->n;
    const size_t at = row->first + server_rows_before(&s->rows, row, t, false);
    struct walk back = {.client = client}, on = {.client = client};
    for (size_t i = at; i > row->first && at - i < WALK_MAX && !back.over; i--)
        if (!step(&back, &s->rows, i - 1, t))
            break;
    for (size_t i = at; i < end && i - at < WALK_MAX && !on.over; i++)
        if (!step(&on, &s->rows, i, t))
            break;
    return back.other_refused || on.other_refused ? 0 : back.n_between + on.n_between;
}

/* The served connections of r's server that began before r, from the last of at most WALK_MAX
 * back: false from each ends the walk. */
static void walk_served(const struct refusals *s, const struct reset *r,
                        bool (*each)(const struct connection_record *other, instant_ns t,
                                     void *context),
                        void *context)
{
    const struct census *k = s ? s->rows.census : NULL;
    const uint32_t server = k ? census_server(k, r) : CENSUS_NONE;
    if (server == CENSUS_NONE || r->mechanism != MECHANISM_REFUSED)
        return;
    const uint32_t series = case_series(k->of, reset_capture(r));
    const instant_ns t = r->deciding.segment.time;
    const size_t first = k->first[server], n = k->first[server + 1] - first;
    uint32_t hint = 0;
    const size_t at = first + times_before(k->row.time + first, n, t, false, &hint);
    for (size_t i = at; i > first && at - i < WALK_MAX; i--) {
        const struct connection_record *other = &k->of->records[k->row.record[i - 1]];
        if ((k->row.bits[i - 1] & CENSUS_SERVED) && case_series(k->of, other->capture) == series &&
            !each(other, t, context))
            return;
    }
}

static bool look_held(const struct connection_record *other, instant_ns t, void *context)
{
    bool *held = context;
    *held = census_holds(other, t);
    return !*held;
}

bool refusals_held_beside(const struct refusals *s, const struct reset *r)
{
    bool held = false;
    walk_served(s, r, look_held, &held);
    return held;
}

/* ---- what the server ended before ---- */

struct stop {
    instant_ns last; /* when the server last ended a silent one */
    bool is_none;    /* one went on after that */
};

/* What it ended by then began by then. */
static bool look_going_on(const struct connection_record *other, instant_ns t, void *context)
{
    struct stop *s = context;
    const instant_ns end = silent_end(other), theirs = other->fin_time[SIDE_CLIENT];
    if (end == INSTANT_NONE || end > t)
        s->is_none = (theirs != INSTANT_NONE ? theirs : other->last_time) > s->last;
    return !s->is_none;
}

uint32_t refusals_ended_before(const struct refusals *s, const struct reset *r)
{
    struct server_row *rows = s ? server_rows_of(&s->rows, r) : NULL;
    if (!rows || r->mechanism != MECHANISM_REFUSED)
        return 0;
    const instant_ns t = r->deciding.segment.time, *ends = s->rows.time + rows[ENDS].first;
    const size_t n = server_rows_before(&s->rows, &rows[ENDS], t, true);
    if (n == 0 || instant_since(t, ends[n - 1]) > REFUSALS_REACH_NS)
        return 0;
    struct stop stop = {.last = ends[n - 1]};
    walk_served(s, r, look_going_on, &stop);
    uint32_t together = 0;
    while (!stop.is_none && together < n && together < WALK_MAX &&
           ends[n - 1 - together] + MOMENT_NS >= stop.last)
        together++;
    return together;
}
