/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A measured clock asked: the offset at any line, by the knots around it.
 */
#include "analyzer/clock/clock_drift.h"

#define MINUTE_NS (60 * NS_PER_S)

/* What a knot says of a stamp, with room for a clock that creeps apart from its drift. */
static void join_knot(const struct clock_estimate *e, const struct clock_knot *k, instant_ns log,
                      instant_ns room, struct clock_span *b)
{
    instant_ns by = clock_drifted(e->drift_ppb, log - k->log);
    instant_ns low = k->low + by - room, high = k->high + by + room;
    b->low = low < b->low ? low : b->low;
    b->high = high > b->high ? high : b->high;
    b->best = k->best + by;
}

/* Between two knots: both, and what may have been between them. */
static void join_knots(const struct clock_estimate *e, uint32_t i, instant_ns log,
                       struct clock_span *b)
{
    const struct clock_knot *k = &e->knots[i], *next = i + 1 < e->n_knots ? k + 1 : k;
    instant_ns room = clock_crept(e->rate_ppb, log - k->log);
    instant_ns room_next = clock_crept(e->rate_ppb, log - next->log);
    bool nearer = room_next < room;
    room = nearer ? room_next : room;
    join_knot(e, nearer ? k : next, log, room, b);
    if (next != k)
        join_knot(e, nearer ? next : k, log, room, b); /* the nearer one's guess stands */
}

/* The first knot after the line, or after the stamp. */
static uint32_t seek_knot(const struct clock_estimate *e, uint64_t line, instant_ns log)
{
    uint32_t lo = 0, hi = e->n_knots;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        bool before = e->by_time ? e->knots[mid].log <= log : e->knots[mid].line <= line;
        if (before)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* A stamp that a clock which was set back showed twice. */
static bool join_all_at(const struct clock_estimate *e, instant_ns log, struct clock_span *b)
{
    bool any = false;
    for (uint32_t i = 0; i + 1 < e->n_knots; i++) {
        instant_ns x = e->knots[i].log, y = e->knots[i + 1].log;
        if ((log < x && log < y) || (log > x && log > y))
            continue;
        join_knots(e, i, log, b);
        any = true;
    }
    return any;
}

struct clock_span clock_at(const struct clock_estimate *e, uint64_t line, instant_ns log)
{
    struct clock_span b = {INT64_MAX, 0, INT64_MIN};
    if (!e->n_knots || log == INSTANT_NONE)
        return (struct clock_span){e->offset - e->spread, e->offset, e->offset + e->spread};
    if (!(e->by_time && e->n_steps && join_all_at(e, log, &b))) {
        uint32_t next = seek_knot(e, line, log);
        const struct clock_knot *k = next ? &e->knots[next - 1] : NULL;
        if (k && (e->by_time ? k->log == log : k->line == line))
            join_knot(e, k, log, 0, &b);
        else if (k)
            join_knots(e, next - 1, log, &b);
        else
            join_knot(e, e->knots, log, clock_crept(e->rate_ppb, log - e->knots[0].log), &b);
    }
    return b;
}

void clock_shift(struct clock_estimate *e, instant_ns shift)
{
    e->offset -= shift;
    for (uint32_t i = 0; i < e->n_knots; i++) {
        e->knots[i].log -= shift;
        e->knots[i].low -= shift;
        e->knots[i].high -= shift;
        e->knots[i].best -= shift;
    }
    for (uint32_t i = 0; i < e->n_steps; i++) {
        e->steps[i].from -= shift;
        e->steps[i].to -= shift;
    }
}

void clock_blur(struct clock_estimate *e, instant_ns by)
{
    e->spread += by;
    for (uint32_t i = 0; i < e->n_knots; i++) {
        e->knots[i].low -= by;
        e->knots[i].high += by;
    }
}

bool clock_zone_of(instant_ns offset, int *minutes_east, instant_ns *rest)
{
    const instant_ns quarter = 15 * MINUTE_NS;
    instant_ns half = offset < 0 ? -quarter / 2 : quarter / 2;
    instant_ns quarters = (offset + half) / quarter;
    *rest = offset - quarters * quarter;
    *minutes_east = (int)(quarters * 15);
    bool in_range = quarters && quarters >= -14 * 4 && quarters <= 14 * 4;
    bool near = *rest <= 5 * MINUTE_NS && *rest >= -5 * MINUTE_NS;
    return in_range && near;
}
