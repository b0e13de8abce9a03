/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attempts at each port that refused somebody, in order of time; a question walks from the
 * refusal both ways.
 */
#include "analyzer/refusals.h"

#include <stdlib.h>

#include "analyzer/times.h"
#include "parsers/base/map.h"

#define WALK_MAX 200 /* attempts that are looked at, each way */
#define ATTEMPT (CENSUS_ANSWERED | CENSUS_REFUSED)

struct place_key { /* a server's port as one place sees it: the captures of one series are one */
    uint32_t server, series;
};

struct place {
    uint32_t first, n; /* of the rows */
    uint32_t hint;
};

struct attempts {     /* rows */
    instant_ns *time; /* of the SYN */
    uint32_t *client; /* its number, or CENSUS_NONE */
    bool *accepted;   /* else refused */
};

struct refusals {
    const struct census *census;
    struct map places; /* struct place_key -> struct place */
    struct attempts row;
};

static struct place_key key_of(const struct refusals *s, const struct reset *r)
{
    return (struct place_key){census_server(s->census, r),
                              case_series(s->census->of, reset_capture(r))};
}

static bool name_places(struct refusals *s)
{
    const struct case_file *c = s->census->of;
    for (size_t i = 0; i < c->n_resets; i++) {
        if (c->resets[i]->mechanism != MECHANISM_REFUSED)
            continue;
        const struct place_key key = key_of(s, c->resets[i]);
        if (!map_put(&s->places, &key, NULL))
            return false;
    }
    return true;
}

struct finder { /* connections of one place mostly follow each other */
    struct place_key key;
    struct place *place; /* or NULL: nobody was refused there */
    bool is_set;
};

/* The place where the connection at i in the census's row belongs, or NULL. */
static struct place *attempt_at(const struct refusals *s, struct finder *f, uint32_t server,
                                size_t i)
{
    const struct case_file *c = s->census->of;
    const struct census_row *row = &s->census->row;
    if (!(row->bits[i] & ATTEMPT))
        return NULL;
    const struct place_key key = {
        server, c->n_captures > 1 ? case_series(c, c->records[row->record[i]].capture) : 0};
    if (!f->is_set || f->key.server != key.server || f->key.series != key.series)
        *f = (struct finder){key, map_get(&s->places, &key), true};
    return f->place;
}

static bool share_room(struct refusals *s)
{
    struct finder f = {.is_set = false};
    size_t n = 0;
    for (uint32_t k = 0; k < s->census->n_servers; k++)
        for (size_t i = s->census->first[k]; i < s->census->first[k + 1]; i++) {
            struct place *p = attempt_at(s, &f, k, i);
            if (p)
                p->n++;
        }
    for (size_t i = 0; i < s->places.n; i++) {
        struct place *p = map_value_at(&s->places, i);
        p->first = (uint32_t)n;
        n += p->n;
        p->n = 0;
    }
    s->row = (struct attempts){malloc((n + 1) * sizeof *s->row.time),
                               malloc((n + 1) * sizeof *s->row.client),
                               malloc((n + 1) * sizeof *s->row.accepted)};
    return s->row.time && s->row.client && s->row.accepted;
}

/* The census has the order of time. */
static bool fill_rows(struct refusals *s)
{
    const struct census_row *row = &s->census->row;
    struct finder f = {.is_set = false};
    if (!share_room(s))
        return false;
    for (uint32_t k = 0; k < s->census->n_servers; k++)
        for (size_t i = s->census->first[k]; i < s->census->first[k + 1]; i++) {
            struct place *p = attempt_at(s, &f, k, i);
            if (!p)
                continue;
            const size_t at = p->first + p->n++;
            s->row.time[at] = row->time[i];
            s->row.client[at] = row->client[i];
            s->row.accepted[at] = row->bits[i] & CENSUS_ANSWERED;
        }
    return true;
}

struct refusals *refusals_create(const struct census *census)
{
    struct refusals *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->census = census;
    map_init(&s->places, sizeof(struct place_key), sizeof(struct place));
    if (name_places(s) && (s->places.n == 0 || fill_rows(s)))
        return s;
    refusals_free(s);
    return NULL;
}

void refusals_free(struct refusals *s)
{
    if (!s)
        return;
    map_finish(&s->places);
    free(s->row.time);
    free(s->row.client);
    free(s->row.accepted);
    free(s);
}

struct walk {
    uint32_t client;
    uint32_t n_others;  /* accepted so far */
    uint32_t n_between; /* of them, those behind which the client was refused again */
    bool over;          /* the client was accepted, or another refused */
    bool other_refused;
};

/* False: it is too far away from t. */
static bool step(struct walk *w, const struct attempts *row, size_t i, instant_ns t)
{
    const instant_ns apart = row->time[i] > t ? row->time[i] - t : t - row->time[i];
    if (apart > REFUSALS_REACH_NS)
        return false;
    const bool ours = row->client[i] == w->client, accepted = row->accepted[i];
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
    const struct place_key key = key_of(s, r);
    struct place *p = map_get(&s->places, &key);
    const uint32_t client = census_client(s->census, r);
    if (!p || client == CENSUS_NONE)
        return 0;
    const instant_ns t = r->deciding.segment.time;
    const size_t at = p->first + times_before(s->row.time + p->first, p->n, t, false, &p->hint);
    const size_t end = p->first + p->n;
    struct walk back = {.client = client}, on = {.client = client};
    for (size_t i = at; i > p->first && at - i < WALK_MAX && !back.over; i--)
        if (!step(&back, &s->row, i - 1, t))
            break;
    for (size_t i = at; i < end && i - at < WALK_MAX && !on.over; i++)
        if (!step(&on, &s->row, i, t))
            break;
    return back.other_refused || on.other_refused ? 0 : back.n_between + on.n_between;
}
