/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a stamp as written to UTC: zone, leap day and the missing year.  The minute that was
 * resolved last is kept, since a log's neighbouring lines mostly share it.
 */
#include "parsers/log/stamp.h"

/* Years to try on either side of the span: eight reach the next leap day even across 2100. */
#define YEARS_AROUND 8
/* How far a log's lines may be out of order. */
#define DISORDER_NS (2 * 60 * NS_PER_S)
#define DAY_NS (24 * 3600 * NS_PER_S)

void stamp_clock_init(struct stamp_clock *c, const struct zone *zone, instant_ns first,
                      instant_ns last)
{
    *c = (struct stamp_clock){.zone = zone, .first = first, .last = last, .latest = INSTANT_NONE};
    if (first == INSTANT_NONE)
        c->first = last;
    if (last == INSTANT_NONE)
        c->last = c->first;
}

/* 0 inside the span, else the way to its nearer end. */
static uint64_t distance(const struct stamp_clock *c, instant_ns t)
{
    if (t < c->first)
        return (uint64_t)c->first - (uint64_t)t;
    return t > c->last ? (uint64_t)t - (uint64_t)c->last : 0;
}

static bool is_within_a_day(instant_ns a, instant_ns b)
{
    return (a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a) < (uint64_t)DAY_NS;
}

/* A minute that the zone passes twice, as summer time ends: once more where the log had come
 * further already, else the first time; at the log's begin what is nearer to the captures. */
static instant_ns settle_fold(const struct stamp_clock *c, instant_ns first_time)
{
    if (first_time > INT64_MAX - 2 * DAY_NS)
        return first_time;
    int32_t summer = zone_offset_at(c->zone, first_time);
    int32_t winter = zone_offset_at(c->zone, first_time + DAY_NS);
    instant_ns again = first_time + (instant_ns)(summer - winter) * NS_PER_S;
    if (summer <= winter || zone_offset_at(c->zone, again) != winter)
        return first_time; /* a minute that is skipped in spring */
    if (c->latest != INSTANT_NONE && is_within_a_day(c->latest, again))
        return first_time + DISORDER_NS < c->latest ? again : first_time;
    if (c->first == INSTANT_NONE)
        return first_time;
    return distance(c, again) < distance(c, first_time) ? again : first_time;
}

/* A minute's civil fields to UTC, by the stamp's own offset or the clock's zone. */
static instant_ns minute_to_utc(const struct stamp_clock *c, const struct stamp *s,
                                const struct civil *minute)
{
    if (!civil_valid(minute))
        return INSTANT_NONE;
    if (!s->zone_stated) {
        bool ambiguous;
        instant_ns local = zone_to_utc(c->zone, minute, &ambiguous);
        return ambiguous && local != INSTANT_NONE ? settle_fold(c, local) : local;
    }
    instant_ns t = instant_from_civil(minute);
    return t == INSTANT_NONE ? t : t - (instant_ns)s->offset_s * NS_PER_S;
}

/* Whether the same minute of any other year, which is a year away but for a change of the zone, is
 * farther from the span. */
static bool is_surely_nearest(const struct stamp_clock *c, instant_ns t)
{
    const uint64_t year = (uint64_t)360 * DAY_NS, span = (uint64_t)c->last - (uint64_t)c->first;
    return c->first <= c->last && span < year && distance(c, t) < (year - span) / 2;
}

static instant_ns nearest_year(const struct stamp_clock *c, const struct stamp *s,
                               struct civil minute)
{
    if (c->first == INSTANT_NONE)
        return INSTANT_NONE;
    instant_ns best = INSTANT_NONE;
    minute.year = civil_from_instant(c->first).year;
    instant_ns likely = minute_to_utc(c, s, &minute);
    if (likely != INSTANT_NONE && is_surely_nearest(c, likely))
        return likely;
    int32_t from = minute.year - YEARS_AROUND;
    int32_t to = civil_from_instant(c->last).year + YEARS_AROUND;
    for (int32_t year = from; year <= to; year++) {
        minute.year = year;
        instant_ns t = minute_to_utc(c, s, &minute);
        if (t != INSTANT_NONE && (best == INSTANT_NONE || distance(c, t) < distance(c, best)))
            best = t;
    }
    return best;
}

static uint64_t key_of(const struct stamp *s)
{
    const struct civil *c = &s->civil;
    uint64_t year = s->has_year ? (uint64_t)c->year : 0;
    return 1 | (uint64_t)s->zone_stated << 1 | (uint64_t)c->minute << 8 | (uint64_t)c->hour << 16 |
           (uint64_t)c->day << 24 | (uint64_t)c->month << 32 | year << 40;
}

instant_ns stamp_resolve(struct stamp_clock *c, const struct stamp *s, bool *inferred)
{
    *inferred = false;
    if (s->instant != INSTANT_NONE)
        return s->instant;
    uint64_t key = key_of(s);
    if (key != c->minute_key || s->offset_s != c->minute_offset_s) {
        struct civil minute = s->civil;
        minute.second = 0;
        minute.nanosecond = 0;
        c->minute_start = s->has_year ? minute_to_utc(c, s, &minute) : nearest_year(c, s, minute);
        c->minute_key = key;
        c->minute_offset_s = s->offset_s;
        if (!s->zone_stated && c->minute_start != INSTANT_NONE)
            c->latest = c->minute_start;
        c->minute_inferred = !s->has_year && c->minute_start != INSTANT_NONE;
    }
    if (c->minute_start == INSTANT_NONE)
        return INSTANT_NONE;
    *inferred = c->minute_inferred;
    return c->minute_start + (instant_ns)s->civil.second * NS_PER_S + s->civil.nanosecond;
}
