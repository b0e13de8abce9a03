/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The refusals and unknown connections of each port that has one of the latter, in order of time; a
 * question walks from the reset both ways.
 */
#include "analyzer/population/shunnings.h"

#include <stdlib.h>

#include "analyzer/population/server_rows.h"

#define WALK_MAX 200 /* rows that are looked at, each way */

struct shunnings {
    struct server_rows rows; /* of resets; their notes say whose, and of which kind */
};

static bool is_of_kind(const struct reset *r)
{
    switch (r->mechanism) {
    case MECHANISM_REFUSED:
    case MECHANISM_REJECTED_IN_PATH:
        return true;
    case MECHANISM_NO_STATE:
    case MECHANISM_INJECTED:
        return r->claimed == SIDE_SERVER;
    default:
        return false;
    }
}

enum { NOTE_REFUSED = 1, NOTE_SUDDEN = 2, NOTE_CLIENT = 2 /* its shift */ };

/* A client's number, and whether it was refused or else unknown, and how soon. */
static uint32_t note_of(uint32_t client, bool refused, const struct reset *r)
{
    const instant_ns since =
        refused ? INSTANT_NONE
                : instant_since(r->deciding.segment.time, reset_last_time(r, SIDE_SERVER));
    const bool sudden = since != INSTANT_NONE && since < SHUNNINGS_SUDDEN_NS;
    return client << NOTE_CLIENT | (refused ? NOTE_REFUSED : 0) | (sudden ? NOTE_SUDDEN : 0);
}

static bool name_places(struct server_rows *rows)
{
    const struct case_file *c = rows->census->of;
    for (size_t i = 0; i < c->n_resets; i++)
        if ((rows->census->traits[i] & CENSUS_NO_STATE) && !server_rows_name(rows, c->resets[i]))
            return false;
    return true;
}

static void deal(struct server_rows *rows)
{
    const struct case_file *c = rows->census->of;
    for (size_t i = 0; i < c->n_resets; i++) {
        const struct reset *r = c->resets[i];
        const uint8_t traits =
            rows->census->traits[i] & (CENSUS_REFUSAL | CENSUS_REJECTED | CENSUS_NO_STATE);
        struct server_row *row = traits ? server_rows_of(rows, r) : NULL;
        if (row)
            server_rows_add(rows, row, r->deciding.segment.time,
                            note_of(rows->census->client[i], !(traits & CENSUS_NO_STATE), r));
    }
}

struct shunnings *shunnings_create(const struct census *census)
{
    struct shunnings *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    server_rows_init(&s->rows, census, 1);
    if (name_places(&s->rows) && server_rows_fill(&s->rows, deal))
        return s;
    shunnings_free(s);
    return NULL;
}

void shunnings_free(struct shunnings *s)
{
    if (!s)
        return;
    server_rows_finish(&s->rows);
    free(s);
}

/* What stands at i in the rows, of which first is the earliest of the client's.  False: it is too
 * far away from t. */
static bool take(struct shunning *out, const struct server_rows *rows, size_t i, uint32_t client,
                 instant_ns t, instant_ns *first)
{
    const instant_ns apart = rows->time[i] > t ? rows->time[i] - t : t - rows->time[i];
    if (apart > SHUNNINGS_REACH_NS)
        return false;
    const bool is_mine = rows->note[i] >> NOTE_CLIENT == client;
    const bool is_refused = rows->note[i] & NOTE_REFUSED;
    out->n_refused += is_mine && is_refused;
    out->n_unknown += is_mine && !is_refused;
    out->n_sudden += is_mine && (rows->note[i] & NOTE_SUDDEN);
    out->n_others += !is_mine;
    if (is_mine && rows->time[i] < *first)
        *first = rows->time[i];
    return true;
}

/* Whether it was open together with r, and was reset in the server's name as well. */
static bool fell_together(const struct connection_record *other, const struct reset *r)
{
    return (census_bits(other) & CENSUS_SERVED) && record_saw_rst(other, SIDE_SERVER) &&
           other->rst_time >= reset_first_time(r) &&
           (other->stream != reset_stream(r) || other->capture != reset_capture(r));
}

/* What became of the connections to r's server that had begun before t. */
static void count_beside(const struct shunnings *s, const struct reset *r, uint32_t client,
                         instant_ns t, struct shunning *out)
{
    const struct census *k = s->rows.census;
    const struct case_file *c = k->of;
    const uint32_t server = census_server(k, r), series = case_series(c, reset_capture(r));
    out->n_others_held = out->n_together = out->n_held = 0;
    if (server == CENSUS_NONE)
        return;
    const size_t first = k->first[server], n = k->first[server + 1] - first;
    uint32_t hint = 0;
    const size_t at = first + times_before(k->row.time + first, n, t, false, &hint);
    for (size_t i = at; i > first && at - i < WALK_MAX; i--) {
        const struct connection_record *other = &c->records[k->row.record[i - 1]];
        if (case_series(c, other->capture) != series)
            continue;
        const bool is_mine = k->row.client[i - 1] == client, held = census_holds(other, t);
        out->n_others_held += !is_mine && held;
        out->n_held += is_mine && held;
        out->n_together += is_mine && fell_together(other, r);
    }
}

bool shunnings_of(const struct shunnings *s, const struct reset *r, struct shunning *out)
{
    struct server_row *row = s && is_of_kind(r) ? server_rows_of(&s->rows, r) : NULL;
    const uint32_t client = row ? census_client(s->rows.census, r) : CENSUS_NONE;
    if (client == CENSUS_NONE)
        return false;
    const instant_ns t = r->deciding.segment.time;
    const size_t end = row->first + row->n;
    const size_t at = row->first + server_rows_before(&s->rows, row, t, false);
    instant_ns from = t;
    *out = (struct shunning){0};
    count_beside(s, r, client, t, out);
    for (size_t i = at; i > row->first && at - i < WALK_MAX; i--)
        if (!take(out, &s->rows, i - 1, client, t, &from))
            break;
    for (size_t i = at; i < end && i - at < WALK_MAX; i++)
        if (!take(out, &s->rows, i, client, t, &from))
            break;
    if (out->n_others_held == 0 && from < t) { /* the capture may end with r */
        struct shunning then;
        count_beside(s, r, client, from, &then);
        out->n_others_held = then.n_others_held;
        out->n_held = out->n_held > then.n_held ? out->n_held : then.n_held;
    }
    return true;
}

bool shunnings_any(const struct shunnings *s)
{
    return s->rows.places.n > 0;
}
