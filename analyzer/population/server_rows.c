/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: what its owners add.  Out: rows that stand side by side in two arrays.  Most come in order of
 * time and need no sorting.  Nothing is counted here.
 */
#include "analyzer/population/server_rows.h"

#include <stdlib.h>

#include "parsers/base/radix.h"

void server_rows_init(struct server_rows *s, const struct census *census, size_t n_kinds)
{
    *s = (struct server_rows){.census = census, .n_kinds = n_kinds};
    map_init(&s->more, sizeof(struct server_place), sizeof(uint32_t));
}

void server_rows_finish(struct server_rows *s)
{
    free(s->place_of);
    map_finish(&s->more);
    vec_finish(&s->places);
    vec_finish(&s->rows);
    free(s->time);
    free(s->note);
}

static struct server_row *rows_of(const struct server_rows *s, uint32_t server, uint32_t series)
{
    uint32_t at = s->place_of && server < s->census->n_servers ? s->place_of[server] : 0;
    if (at > 0 && s->places.v[at - 1].series != series) { /* few servers are seen at several */
        const uint32_t *other = map_get(&s->more, &(struct server_place){server, series});
        at = other ? *other : 0;
    }
    return at > 0 ? &s->rows.v[(at - 1) * s->n_kinds] : NULL;
}

static uint32_t series_of(const struct server_rows *s, const struct reset *r)
{
    return case_series(s->census->of, reset_capture(r));
}

struct server_row *server_rows_of(const struct server_rows *s, const struct reset *r)
{
    return s->place_of ? rows_of(s, census_server(s->census, r), series_of(s, r)) : NULL;
}

bool server_rows_name(struct server_rows *s, const struct reset *r)
{
    const uint32_t server = census_server(s->census, r);
    if (!s->place_of)
        s->place_of = calloc(s->census->n_servers + (size_t)1, sizeof *s->place_of);
    if (!s->place_of || rows_of(s, server, series_of(s, r)))
        return s->place_of != NULL;
    struct server_place *place =
        vec_reserve(&s->rows, s->rows.n + s->n_kinds) ? vec_push(&s->places) : NULL;
    if (!place)
        return false;
    *place = (struct server_place){server, series_of(s, r)};
    uint32_t *at = s->place_of[server] ? map_put(&s->more, place, NULL) : &s->place_of[server];
    if (!at)
        return false;
    *at = (uint32_t)s->places.n;
    for (size_t i = 0; i < s->n_kinds; i++)
        (void)vec_push(&s->rows);
    return true;
}

struct server_row *server_rows_at(struct server_rows *s, uint32_t server, size_t i)
{
    const struct case_file *c = s->census->of;
    const uint32_t record = s->census->row.record[i];
    return rows_of(s, server, c->n_captures > 1 ? case_series(c, c->records[record].capture) : 0);
}

void server_rows_add(struct server_rows *s, struct server_row *row, instant_ns t, uint32_t note)
{
    const size_t at = row->first + row->n++;
    if (!s->time) /* they are being counted */
        return;
    s->time[at] = t;
    s->note[at] = note;
}

static bool share_room(struct server_rows *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->rows.n; i++) {
        struct server_row *row = &s->rows.v[i];
        row->first = n;
        n += row->n;
        row->n = 0;
    }
    s->time = malloc((n + 1) * sizeof *s->time);
    s->note = malloc((n + 1) * sizeof *s->note);
    return s->time && s->note;
}

static bool is_in_order(const instant_ns *t, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (t[i - 1] > t[i])
            return false;
    return true;
}

/* False when memory ran out. */
static bool sort_row(struct server_rows *s, const struct server_row *row)
{
    instant_ns *time = s->time + row->first;
    uint32_t *note = s->note + row->first;
    if (is_in_order(time, row->n))
        return true;
    struct radix_item *v = radix_room(row->n);
    if (!v)
        return false;
    for (size_t i = 0; i < row->n; i++)
        v[i] = (struct radix_item){radix_signed(time[i]), note[i]};
    radix_sort(v, v + row->n, row->n);
    for (size_t i = 0; i < row->n; i++) {
        time[i] = (instant_ns)radix_signed((int64_t)v[i].key);
        note[i] = v[i].value;
    }
    radix_room_free(v, row->n);
    return true;
}

bool server_rows_fill(struct server_rows *s, void (*deal)(struct server_rows *s))
{
    if (s->places.n == 0)
        return true;
    deal(s);
    if (!share_room(s))
        return false;
    deal(s);
    for (size_t i = 0; i < s->rows.n; i++)
        if (!sort_row(s, &s->rows.v[i]))
            return false;
    return true;
}
