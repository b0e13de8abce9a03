/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: what its owners add.  Out: rows that stand side by side in two arrays.  Most come in order of
 * time and need no sorting.  Nothing is counted here.
 */
#include "analyzer/server_rows.h"

#include <stdlib.h>

#include "parsers/base/radix.h"

struct place_key {
    uint32_t server, series; /* server: its number in the census */
};

static struct place_key key_of(const struct server_rows *s, const struct reset *r)
{
    return (struct place_key){census_server(s->census, r),
                              case_series(s->census->of, reset_capture(r))};
}

void server_rows_init(struct server_rows *s, const struct census *census, size_t n_kinds)
{
    *s = (struct server_rows){.census = census, .n_kinds = n_kinds, .found_server = CENSUS_NONE};
    map_init(&s->places, sizeof(struct place_key), n_kinds * sizeof(struct server_row));
}

void server_rows_finish(struct server_rows *s)
{
    map_finish(&s->places);
    free(s->time);
    free(s->note);
}

bool server_rows_name(struct server_rows *s, const struct reset *r)
{
    const struct place_key key = key_of(s, r);
    return map_put(&s->places, &key, NULL) != NULL;
}

struct server_row *server_rows_of(const struct server_rows *s, const struct reset *r)
{
    const struct place_key key = key_of(s, r);
    return map_get(&s->places, &key);
}

struct server_row *server_rows_at(struct server_rows *s, uint32_t server, size_t i)
{
    const struct case_file *c = s->census->of;
    const uint32_t record = s->census->row.record[i];
    const struct place_key key = {
        server, c->n_captures > 1 ? case_series(c, c->records[record].capture) : 0};
    if (server != s->found_server || key.series != s->found_series) {
        s->found = map_get(&s->places, &key);
        s->found_server = server;
        s->found_series = key.series;
    }
    return s->found;
}

void server_rows_add(struct server_rows *s, struct server_row *row, instant_ns t, uint32_t note)
{
    const size_t at = row->first + row->n++;
    if (!s->time) /* they are being counted */
        return;
    s->time[at] = t;
    s->note[at] = note;
}

/* Row i of all, in the order in which ports were named. */
static struct server_row *row_at(struct server_rows *s, size_t i)
{
    struct server_row *rows = map_value_at(&s->places, i / s->n_kinds);
    return &rows[i % s->n_kinds];
}

static bool share_room(struct server_rows *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->places.n * s->n_kinds; i++) {
        struct server_row *row = row_at(s, i);
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
    for (size_t i = 0; i < s->places.n * s->n_kinds; i++)
        if (!sort_row(s, row_at(s, i)))
            return false;
    return true;
}
