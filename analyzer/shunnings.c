/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The refusals and unknown connections of each port that has one of the latter, in order of time; a
 * question walks from the reset both ways.
 */
#include "analyzer/shunnings.h"

#include <stdlib.h>

#include "analyzer/server_key.h"
#include "analyzer/times.h"
#include "parsers/base/map.h"

#define WALK_MAX 200 /* rows that are looked at, each way */

struct turned { /* row: one reset */
    instant_ns time;
    uint32_t client; /* its number in the census, or CENSUS_NONE */
    bool refused;    /* else unknown */
};

struct place {
    size_t first, n; /* of the rows */
};

struct shunnings {
    const struct census *census;
    struct map places; /* struct server_key -> struct place */
    struct turned *row;
};

static bool is_of_kind(const struct reset *r)
{
    return r->mechanism == MECHANISM_REFUSED ||
           (r->mechanism == MECHANISM_NO_STATE && r->claimed == SIDE_SERVER);
}

static struct place *place_of(const struct shunnings *s, const struct reset *r)
{
    const struct server_key key =
        server_key_of(s->census->of, reset_end(r, SIDE_SERVER), reset_capture(r));
    return map_get(&s->places, &key);
}

static bool name_places(struct shunnings *s)
{
    const struct case_file *c = s->census->of;
    for (size_t i = 0; i < c->n_resets; i++) {
        const struct reset *r = c->resets[i];
        if (!is_of_kind(r) || r->mechanism == MECHANISM_REFUSED)
            continue;
        const struct server_key key = server_key_of(c, reset_end(r, SIDE_SERVER), reset_capture(r));
        if (!map_put(&s->places, &key, NULL))
            return false;
    }
    return true;
}

static int by_time(const void *x, const void *y)
{
    const struct turned *a = x, *b = y;
    return (a->time > b->time) - (a->time < b->time);
}

static bool fill_rows(struct shunnings *s)
{
    const struct case_file *c = s->census->of;
    size_t n = 0;
    for (size_t i = 0; i < c->n_resets; i++) {
        struct place *p = is_of_kind(c->resets[i]) ? place_of(s, c->resets[i]) : NULL;
        if (p)
            p->n++;
    }
    for (size_t i = 0; i < s->places.n; i++) {
        struct place *p = map_value_at(&s->places, i);
        p->first = n;
        n += p->n;
        p->n = 0;
    }
    s->row = malloc((n + 1) * sizeof *s->row);
    for (size_t i = 0; s->row && i < c->n_resets; i++) {
        const struct reset *r = c->resets[i];
        struct place *p = is_of_kind(r) ? place_of(s, r) : NULL;
        if (p)
            s->row[p->first + p->n++] =
                (struct turned){r->deciding.segment.time, census_client(s->census, r),
                                r->mechanism == MECHANISM_REFUSED};
    }
    for (size_t i = 0; s->row && i < s->places.n; i++) {
        const struct place *p = map_value_at(&s->places, i);
        qsort(s->row + p->first, p->n, sizeof *s->row, by_time);
    }
    return s->row != NULL;
}

struct shunnings *shunnings_create(const struct census *census)
{
    struct shunnings *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->census = census;
    map_init(&s->places, sizeof(struct server_key), sizeof(struct place));
    if (name_places(s) && (s->places.n == 0 || fill_rows(s)))
        return s;
    shunnings_free(s);
    return NULL;
}

void shunnings_free(struct shunnings *s)
{
    if (!s)
        return;
    map_finish(&s->places);
    free(s->row);
    free(s);
}

/* False: it is too far away from t. */
static bool take(struct shunning *out, const struct turned *g, uint32_t client, instant_ns t)
{
    const instant_ns apart = g->time > t ? g->time - t : t - g->time;
    if (apart > SHUNNINGS_REACH_NS)
        return false;
    if (g->client != client)
        out->n_others++;
    else if (g->refused)
        out->n_refused++;
    else
        out->n_unknown++;
    return true;
}

/* Whether the server still held it after t: what a host does not know it resets. */
static bool is_held(const struct connection_record *k, instant_ns t)
{
    const instant_ns fin = k->fin_time[SIDE_SERVER];
    return (census_bits(k) & CENSUS_SERVED) && k->last_time > t && !k->saw_rst[SIDE_SERVER] &&
           (fin == INSTANT_NONE || fin > t);
}

static uint32_t held_beside(const struct shunnings *s, const struct reset *r, uint32_t client)
{
    const struct census *k = s->census;
    const struct case_file *c = k->of;
    const uint32_t server = census_server(k, r), series = case_series(c, reset_capture(r));
    if (server == CENSUS_NONE)
        return 0;
    const instant_ns t = r->deciding.segment.time;
    const size_t first = k->first[server], n = k->first[server + 1] - first;
    uint32_t hint = 0, held = 0;
    const size_t at = first + times_before(k->row.time + first, n, t, false, &hint);
    for (size_t i = at; i > first && at - i < WALK_MAX; i--) {
        const struct connection_record *other = &c->records[k->row.record[i - 1]];
        held += k->row.client[i - 1] != client && is_held(other, t) &&
                case_series(c, other->capture) == series;
    }
    return held;
}

bool shunnings_of(const struct shunnings *s, const struct reset *r, struct shunning *out)
{
    const struct place *p = s && is_of_kind(r) ? place_of(s, r) : NULL;
    const uint32_t client = p ? census_client(s->census, r) : CENSUS_NONE;
    if (client == CENSUS_NONE)
        return false;
    const instant_ns t = r->deciding.segment.time;
    size_t at = p->first;
    for (size_t high = p->first + p->n; at < high;) { /* the first row at t or later */
        const size_t middle = at + (high - at) / 2;
        if (s->row[middle].time < t)
            at = middle + 1;
        else
            high = middle;
    }
    *out = (struct shunning){.n_others_held = held_beside(s, r, client)};
    for (size_t i = at; i > p->first && at - i < WALK_MAX; i--)
        if (!take(out, &s->row[i - 1], client, t))
            break;
    for (size_t i = at; i < p->first + p->n && i - at < WALK_MAX; i++)
        if (!take(out, &s->row[i], client, t))
            break;
    return true;
}
