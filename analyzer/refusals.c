/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attempts at each port that refused somebody, in order of time; a question walks from the
 * refusal both ways.
 */
#include "analyzer/refusals.h"

#include <stdlib.h>

#include "analyzer/server_key.h"
#include "parsers/base/map.h"
#include "parsers/base/radix.h"

#define WALK_MAX 200 /* attempts that are looked at, each way */

struct place {
    size_t first, n; /* of the row */
};

struct refusals {
    const struct case_file *c;
    struct map places;      /* struct server_key -> struct place */
    struct radix_item *row; /* by place: radix_signed(time), record */
    size_t room;
};

static struct place *place_of(const struct refusals *s, const struct endpoint *server,
                              uint32_t capture)
{
    const struct server_key key = server_key_of(s->c, server, capture);
    return map_get(&s->places, &key);
}

static bool was_accepted(const struct connection_record *r)
{
    return r->synack_time != INSTANT_NONE;
}

static bool was_refused(const struct connection_record *r)
{
    return !was_accepted(r) && r->saw_rst[SIDE_SERVER] && r->syn_time != INSTANT_NONE;
}

static bool name_places(struct refusals *s)
{
    for (size_t i = 0; i < s->c->n_resets; i++) {
        const struct reset *r = s->c->resets[i];
        const struct server_key key =
            server_key_of(s->c, reset_end(r, SIDE_SERVER), reset_capture(r));
        if (r->mechanism == MECHANISM_REFUSED && !map_put(&s->places, &key, NULL))
            return false;
    }
    return true;
}

/* The place where an attempt belongs, or NULL. */
static struct place *attempt_at(const struct refusals *s, const struct connection_record *r)
{
    return was_accepted(r) || was_refused(r) ? place_of(s, &r->server, r->capture) : NULL;
}

static void share_room(struct refusals *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->c->n_records; i++) {
        struct place *p = attempt_at(s, &s->c->records[i]);
        if (p)
            p->n++;
    }
    for (size_t i = 0; i < s->places.n; i++) {
        struct place *p = map_value_at(&s->places, i);
        p->first = n;
        n += p->n;
        p->n = 0;
    }
    s->room = n + 1;
}

static bool fill_row(struct refusals *s)
{
    share_room(s);
    s->row = radix_room(s->room);
    if (!s->row)
        return false;
    for (size_t i = 0; i < s->c->n_records; i++) {
        const struct connection_record *r = &s->c->records[i];
        struct place *p = attempt_at(s, r);
        if (p)
            s->row[p->first + p->n++] =
                (struct radix_item){radix_signed(r->first_time), (uint32_t)i};
    }
    for (size_t i = 0; i < s->places.n; i++) {
        const struct place *p = map_value_at(&s->places, i);
        radix_sort(s->row + p->first, s->row + s->room, p->n);
    }
    return true;
}

struct refusals *refusals_create(const struct case_file *c)
{
    struct refusals *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->c = c;
    map_init(&s->places, sizeof(struct server_key), sizeof(struct place));
    if (name_places(s) && (s->places.n == 0 || fill_row(s)))
        return s;
    refusals_free(s);
    return NULL;
}

void refusals_free(struct refusals *s)
{
    if (!s)
        return;
    map_finish(&s->places);
    radix_room_free(s->row, s->room);
    free(s);
}

static size_t first_at(const struct refusals *s, const struct place *p, instant_ns t)
{
    size_t low = p->first;
    for (size_t high = low + p->n; low < high;) {
        const size_t middle = low + (high - low) / 2;
        if (s->row[middle].key < radix_signed(t))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct walk {
    const struct address *client;
    uint32_t n_others;  /* accepted so far */
    uint32_t n_between; /* of them, those behind which the client was refused again */
    bool over;          /* the client was accepted, or another refused */
    bool other_refused;
};

static void step(struct walk *w, const struct connection_record *r)
{
    const bool ours = address_eq(&r->client.ip, w->client), accepted = was_accepted(r);
    w->n_others += accepted && !ours;
    if (ours && !accepted)
        w->n_between = w->n_others;
    w->other_refused |= !ours && !accepted;
    w->over = (ours && accepted) || w->other_refused;
}

static bool is_near(const struct connection_record *r, instant_ns t)
{
    const instant_ns apart = r->first_time > t ? r->first_time - t : t - r->first_time;
    return apart <= REFUSALS_REACH_NS;
}

uint32_t refusals_accepted_between(const struct refusals *s, const struct reset *r)
{
    const struct place *p =
        s && s->row ? place_of(s, reset_end(r, SIDE_SERVER), reset_capture(r)) : NULL;
    if (!p || r->mechanism != MECHANISM_REFUSED)
        return 0;
    const struct address *client = &reset_end(r, SIDE_CLIENT)->ip;
    const instant_ns t = r->deciding.segment.time;
    const size_t at = first_at(s, p, t), end = p->first + p->n;
    struct walk back = {.client = client}, on = {.client = client};
    for (size_t i = at; i > p->first && at - i < WALK_MAX && !back.over; i--) {
        const struct connection_record *o = &s->c->records[s->row[i - 1].value];
        if (!is_near(o, t))
            break;
        step(&back, o);
    }
    for (size_t i = at; i < end && i - at < WALK_MAX && !on.over; i++) {
        const struct connection_record *o = &s->c->records[s->row[i].value];
        if (!is_near(o, t))
            break;
        step(&on, o);
    }
    return back.other_refused || on.other_refused ? 0 : back.n_between + on.n_between;
}
