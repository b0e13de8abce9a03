/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each port that some reset concerns has three rows of times, in order, of its connections that
 * lasted longer than a moment: when its server ended one, when one began and was over.  Each
 * question is a few searches.  The captures of one series are one; those of two places are not.
 */
#include "analyzer/population/closings.h"

#include <stdlib.h>

#include "analyzer/population/server_rows.h"
#include "analyzer/record/goodbye.h"
#include "parsers/packet/packet.h"

#define NEAR_MAX 1000 /* connections of one moment whose silence is looked at */

enum kind { ENDS, BEGINS, OVER, KINDS }; /* the notes of ENDS are server_quiet_ms */

struct closings {
    struct server_rows rows;
};

static instant_ns sooner(instant_ns a, instant_ns b)
{
    if (a == INSTANT_NONE || b == INSTANT_NONE)
        return a == INSTANT_NONE ? b : a;
    return a < b ? a : b;
}

/* The server's FIN or RST, unless the client's came first. */
static instant_ns server_end(instant_ns client, instant_ns server)
{
    return client != INSTANT_NONE && client < server ? INSTANT_NONE : server;
}

static instant_ns end_in_record(const struct connection_record *r, enum side side)
{
    return sooner(r->fin_time[side], record_saw_rst(r, side) ? r->rst_time : INSTANT_NONE);
}

static bool was_open(const struct connection_record *r)
{
    return r->handshake_seen || (r->began_mid_stream && r->n_segments > 5);
}

instant_ns closing_time(const struct reset *r)
{
    if (!r->in_full)
        return INSTANT_NONE;
    instant_ns end[2];
    for (int side = 0; side < 2; side++) {
        const struct end *e = &r->in_full->end[side];
        end[side] = sooner(e->saw_fin ? e->fin_time : INSTANT_NONE,
                           (int)r->claimed == side ? r->deciding.segment.time : INSTANT_NONE);
    }
    return server_end(end[SIDE_CLIENT], end[SIDE_SERVER]);
}

/* Whether it was open for longer than a moment.  One that the capture met in its midst is taken to
 * have been: few of the short ones are open when a capture begins.  So is one that seems to end
 * before it began, since the clock was set back meanwhile. */
static bool outlasted(bool began_mid_stream, instant_ns first, instant_ns over)
{
    const instant_ns open = instant_since(over, first);
    return began_mid_stream || open == INSTANT_NONE || open < 0 || open > 2 * CLOSINGS_MOMENT_NS;
}

/* ---- rows ---- */

static bool name_places(struct server_rows *rows)
{
    const struct case_file *c = rows->census->of;
    for (size_t i = 0; i < c->n_resets; i++)
        if ((rows->census->traits[i] & CENSUS_WHOLE) &&
            closing_time(c->resets[i]) != INSTANT_NONE && !server_rows_name(rows, c->resets[i]))
            return false;
    return true;
}

static void note(struct server_rows *rows, struct server_row *row,
                 const struct connection_record *r)
{
    const instant_ns client = end_in_record(r, SIDE_CLIENT), server = end_in_record(r, SIDE_SERVER);
    const instant_ns over = sooner(client, server);
    if (!outlasted(r->began_mid_stream, r->first_time, over))
        return;
    if (server_end(client, server) != INSTANT_NONE)
        server_rows_add(rows, &row[ENDS], server, r->server_quiet_ms);
    server_rows_add(rows, &row[BEGINS], r->first_time, 0);
    if (over != INSTANT_NONE)
        server_rows_add(rows, &row[OVER], over, 0);
}

static void deal(struct server_rows *rows)
{
    const struct census *census = rows->census;
    for (uint32_t k = 0; k < census->n_servers; k++)
        for (size_t i = census->first[k]; i < census->first[k + 1]; i++) {
            const struct connection_record *r = &census->of->records[census->row.record[i]];
            struct server_row *row = was_open(r) ? server_rows_at(rows, k, i) : NULL;
            if (row)
                note(rows, row, r);
        }
}

/* ---- silence ---- */

/* The FIN or RST itself, or NULL. */
static const struct segment *end_segment(const struct connection *k, instant_ns closed)
{
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *g = &k->segments[i];
        if (g->from == SIDE_SERVER && g->time == closed && (g->flags & (TCP_FIN | TCP_RST)))
            return g;
    }
    return NULL;
}

/* Time without payload before the server's FIN or RST and the goodbye that came with it; its whole
 * life where none was captured. */
static instant_ns idle_before(const struct connection *k, instant_ns closed)
{
    const struct segment *end = end_segment(k, closed);
    const size_t n = goodbye_of(k, SIDE_SERVER, closed, end);
    instant_ns last = k->first_time;
    for (size_t i = 0; i < n; i++) {
        const struct segment *g = &k->segments[i];
        if (came_before_end(g, SIDE_SERVER, closed, end) && g->time > last)
            last = g->time;
    }
    return closed - last;
}

struct closings *closings_create(const struct census *census)
{
    struct closings *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    server_rows_init(&s->rows, census, KINDS);
    if (name_places(&s->rows) && server_rows_fill(&s->rows, deal))
        return s;
    closings_free(s);
    return NULL;
}

void closings_free(struct closings *s)
{
    if (!s)
        return;
    server_rows_finish(&s->rows);
    free(s);
}

/* ---- questions ---- */

/* From row ENDS. */
static void find_idle(const uint32_t *quiet_ms, size_t from, size_t to, struct closing *out)
{
    for (size_t i = from; i < to && i - from < NEAR_MAX; i++) {
        const uint32_t ms = quiet_ms[i];
        if (ms == UINT32_MAX)
            continue;
        const instant_ns idle = ms * NS_PER_MS;
        out->least_idle = idle < out->least_idle ? idle : out->least_idle;
        out->most_idle = idle > out->most_idle ? idle : out->most_idle;
    }
}

bool closings_of(const struct closings *s, const struct reset *r, struct closing *out)
{
    const instant_ns t = s ? closing_time(r) : INSTANT_NONE;
    struct server_row *row = t == INSTANT_NONE ? NULL : server_rows_of(&s->rows, r);
    if (!row)
        return false;
    const instant_ns from = t - CLOSINGS_MOMENT_NS, to = t + CLOSINGS_MOMENT_NS;
    const size_t first = server_rows_before(&s->rows, &row[ENDS], from, false);
    const size_t last = server_rows_before(&s->rows, &row[ENDS], to, true);
    const size_t before =
        server_rows_before(&s->rows, &row[ENDS], from - CLOSINGS_BEFORE_NS, false);
    const size_t begun = server_rows_before(&s->rows, &row[BEGINS], from, false);
    const size_t over = server_rows_before(&s->rows, &row[OVER], to, true);
    const size_t n_own = outlasted(r->in_full->began_mid_stream, r->in_full->first_time, t);
    *out =
        (struct closing){.n_together = (uint32_t)(last - first > n_own ? last - first - n_own : 0),
                         .n_before = (uint32_t)(first - before),
                         .n_left_open = (uint32_t)(begun > over ? begun - over : 0),
                         .least_idle = idle_before(r->in_full, t)};
    out->most_idle = out->least_idle;
    find_idle(s->rows.note + row[ENDS].first, first, last, out);
    return true;
}

bool closings_any(const struct closings *s)
{
    return s->rows.places.n > 0;
}
