/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each port that some reset concerns has three rows of times, in order: when its server ended a
 * connection, and when connections that lasted longer than a moment began and were over.  Each
 * question is a few searches.  The captures of one series are one; those of two places are not.
 */
#include "analyzer/closings.h"

#include <stdlib.h>

#include "analyzer/server_key.h"
#include "parsers/base/map.h"
#include "parsers/base/radix.h"
#include "parsers/packet/packet.h"

#define NEAR_MAX 1000 /* connections of one moment whose silence is looked at */

struct place {
    size_t first; /* of its slice in every row */
    size_t n;     /* room in each row */
    size_t n_ends, n_long, n_over;
};

struct closings {
    const struct case_file *c;
    struct map places;         /* struct server_key -> struct place */
    struct radix_item *ends;   /* row: radix_signed(time), server_quiet_ms */
    instant_ns *begins, *over; /* rows */
    size_t room;               /* of each row */
};

static struct place *place_of(const struct closings *s, const struct endpoint *server,
                              uint32_t capture)
{
    const struct server_key key = server_key_of(s->c, server, capture);
    return map_get(&s->places, &key);
}

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
    return sooner(r->fin_time[side], r->saw_rst[side] ? r->rst_time : INSTANT_NONE);
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

/* ---- rows ---- */

static bool name_places(struct closings *s)
{
    for (size_t i = 0; i < s->c->n_resets; i++) {
        const struct reset *r = s->c->resets[i];
        if (closing_time(r) == INSTANT_NONE)
            continue;
        const struct server_key key =
            server_key_of(s->c, reset_end(r, SIDE_SERVER), reset_capture(r));
        if (!map_put(&s->places, &key, NULL))
            return false;
    }
    return true;
}

static void share_room(struct closings *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->c->n_records; i++) {
        const struct connection_record *r = &s->c->records[i];
        struct place *p = was_open(r) ? place_of(s, &r->server, r->capture) : NULL;
        if (p)
            p->n++;
    }
    for (size_t i = 0; i < s->places.n; i++) {
        struct place *p = map_value_at(&s->places, i);
        p->first = n;
        n += p->n;
    }
    s->room = n + 1;
}

static void note(struct closings *s, struct place *p, const struct connection_record *r)
{
    const instant_ns client = end_in_record(r, SIDE_CLIENT), server = end_in_record(r, SIDE_SERVER);
    const instant_ns over = sooner(client, server);
    if (server_end(client, server) != INSTANT_NONE)
        s->ends[p->first + p->n_ends++] =
            (struct radix_item){radix_signed(server), r->server_quiet_ms};
    if (over != INSTANT_NONE && over - r->first_time <= 2 * CLOSINGS_MOMENT_NS)
        return;
    s->begins[p->first + p->n_long++] = r->first_time;
    if (over != INSTANT_NONE)
        s->over[p->first + p->n_over++] = over;
}

static void sort_times(instant_ns *t, size_t n, struct radix_item *v, size_t room)
{
    for (size_t i = 0; i < n; i++)
        v[i].key = radix_signed(t[i]);
    radix_sort(v, v + room, n);
    for (size_t i = 0; i < n; i++)
        t[i] = (instant_ns)radix_signed((int64_t)v[i].key);
}

static bool fill_rows(struct closings *s)
{
    share_room(s);
    s->ends = radix_room(s->room);
    s->begins = calloc(s->room, sizeof *s->begins);
    s->over = calloc(s->room, sizeof *s->over);
    struct radix_item *v = radix_room(s->room);
    const bool good = s->ends && s->begins && s->over && v;
    for (size_t i = 0; good && i < s->c->n_records; i++) {
        const struct connection_record *r = &s->c->records[i];
        struct place *p = was_open(r) ? place_of(s, &r->server, r->capture) : NULL;
        if (p)
            note(s, p, r);
    }
    for (size_t i = 0; good && i < s->places.n; i++) {
        const struct place *p = map_value_at(&s->places, i);
        radix_sort(s->ends + p->first, s->ends + s->room, p->n_ends);
        sort_times(s->begins + p->first, p->n_long, v, s->room);
        sort_times(s->over + p->first, p->n_over, v, s->room);
    }
    radix_room_free(v, s->room);
    return good;
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

/* Payload that the server had got, or had sent, when it ended the connection. */
static bool came_before(const struct segment *g, const struct segment *end, instant_ns closed)
{
    const bool crossed = end && g->from == SIDE_CLIENT && (end->flags & TCP_ACK) &&
                         (int32_t)(g->seq + g->payload_len - end->ack) > 0;
    return g->payload_len > 0 && !(g->notes & NOTE_KEEPALIVE) && g->time <= closed && !crossed;
}

/* Time without payload before the server's FIN or RST; its whole life where none was captured. */
static instant_ns idle_before(const struct connection *k, instant_ns closed)
{
    const struct segment *end = end_segment(k, closed);
    instant_ns last = k->first_time;
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *g = &k->segments[i];
        if (came_before(g, end, closed) && g->time > last)
            last = g->time;
    }
    return closed - last;
}

struct closings *closings_create(const struct case_file *c)
{
    struct closings *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->c = c;
    map_init(&s->places, sizeof(struct server_key), sizeof(struct place));
    if (name_places(s) && (s->places.n == 0 || fill_rows(s)))
        return s;
    closings_free(s);
    return NULL;
}

void closings_free(struct closings *s)
{
    if (!s)
        return;
    map_finish(&s->places);
    radix_room_free(s->ends, s->room);
    free(s->begins);
    free(s->over);
    free(s);
}

/* ---- questions ---- */

/* How many of a row are before t; with at, those at t as well. */
static size_t n_before(const instant_ns *row, size_t n, instant_ns t, bool at)
{
    size_t low = 0;
    for (size_t high = n; low < high;) {
        const size_t middle = low + (high - low) / 2;
        if (row[middle] < t || (at && row[middle] == t))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Those of row ends: the same. */
static size_t n_ended(const struct closings *s, const struct place *p, instant_ns t, bool at)
{
    const uint64_t key = radix_signed(t);
    size_t low = 0;
    for (size_t high = p->n_ends; low < high;) {
        const size_t middle = low + (high - low) / 2;
        const uint64_t here = s->ends[p->first + middle].key;
        if (here < key || (at && here == key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_idle(const struct closings *s, const struct place *p, size_t from, size_t to,
                      struct closing *out)
{
    for (size_t i = from; i < to && i - from < NEAR_MAX; i++) {
        const uint32_t ms = s->ends[p->first + i].value;
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
    const struct place *p =
        t == INSTANT_NONE ? NULL : place_of(s, reset_end(r, SIDE_SERVER), reset_capture(r));
    if (!p)
        return false;
    const instant_ns from = t - CLOSINGS_MOMENT_NS, to = t + CLOSINGS_MOMENT_NS;
    const size_t first = n_ended(s, p, from, false), last = n_ended(s, p, to, true);
    const size_t begun = n_before(s->begins + p->first, p->n_long, from, false);
    const size_t over = n_before(s->over + p->first, p->n_over, to, true);
    *out = (struct closing){.n_together = (uint32_t)(last > first ? last - first - 1 : 0),
                            .n_left_open = (uint32_t)(begun > over ? begun - over : 0),
                            .least_idle = idle_before(r->in_full, t)};
    out->most_idle = out->least_idle;
    find_idle(s, p, first, last, out);
    return true;
}
