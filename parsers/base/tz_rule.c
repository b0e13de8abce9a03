/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The POSIX TZ rule (RFC 8536 section 3.3, IEEE Std 1003.1 section 8.3):
 *   rule  = name offset [ name [offset] "," day [ "/" time ] "," day [ "/" time ] ]
 *   name  = letters | "<" any but ">" ">"
 *   day   = "J" 1..365 | 0..365 | "M" month "." week "." weekday
 * POSIX counts offsets west of Greenwich; here they are turned east.
 */
#include "parsers/base/instant.h"
#include "parsers/base/tzif.h"

struct reader {
    struct text t;
    size_t at;
};

static bool is_next(struct reader *r, char c)
{
    if (r->at >= r->t.n || r->t.p[r->at] != c)
        return false;
    r->at++;
    return true;
}

static bool read_name(struct reader *r)
{
    size_t first = r->at;
    if (is_next(r, '<')) {
        r->at = text_find_byte(r->t, '>', r->at);
        return is_next(r, '>');
    }
    while (r->at < r->t.n && ((r->t.p[r->at] | 0x20) >= 'a' && (r->t.p[r->at] | 0x20) <= 'z'))
        r->at++;
    return r->at - first >= 3;
}

static bool read_number(struct reader *r, int low, int high, int *out)
{
    size_t first = r->at;
    int v = 0;
    while (r->at < r->t.n && r->at - first < 3 && r->t.p[r->at] >= '0' && r->t.p[r->at] <= '9')
        v = v * 10 + (r->t.p[r->at++] - '0');
    *out = v;
    return r->at > first && v >= low && v <= high;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool read_time(struct reader *r, int max_hours, int32_t *out)
{
    bool negative = is_next(r, '-');
    if (!negative)
        is_next(r, '+');
    int h, m = 0, s = 0;
    if (!read_number(r, 0, max_hours, &h))
        return false;
    if (is_next(r, ':') &&
        (!read_number(r, 0, 59, &m) || (is_next(r, ':') && !read_number(r, 0, 59, &s))))
        return false;
    int32_t v = h * 3600 + m * 60 + s;
    *out = negative ? -v : v;
    return true;
}

static bool read_day(struct reader *r, struct tz_day *d)
{
    d->seconds = 2 * 3600;
    bool ok;
    if (is_next(r, 'J')) {
        d->kind = TZ_DAY_JULIAN;
        ok = read_number(r, 1, 365, &d->day);
    } else if (is_next(r, 'M')) {
        d->kind = TZ_DAY_MONTH;
        ok = read_number(r, 1, 12, &d->month) && is_next(r, '.') &&
             read_number(r, 1, 5, &d->week) && is_next(r, '.') && read_number(r, 0, 6, &d->day);
    } else {
        d->kind = TZ_DAY_ZERO;
        ok = read_number(r, 0, 365, &d->day);
    }
    return ok && (!is_next(r, '/') || read_time(r, 167, &d->seconds));
}

bool tz_rule_parse(struct text t, struct tz_rule *out)
{
    struct reader r = {.t = t};
    struct tz_rule rule = {.is_set = true};
    if (!read_name(&r) || !read_time(&r, 24, &rule.standard))
        return false;
    rule.standard = -rule.standard;
    if (r.at < t.n) {
        rule.has_dst = true;
        rule.daylight = rule.standard + 3600;
        if (!read_name(&r))
            return false;
        if (r.at < t.n && t.p[r.at] != ',') {
            if (!read_time(&r, 24, &rule.daylight))
                return false;
            rule.daylight = -rule.daylight;
        }
        if (!is_next(&r, ',') || !read_day(&r, &rule.to_daylight) || !is_next(&r, ',') ||
            !read_day(&r, &rule.to_standard))
            return false;
    }
    if (r.at != t.n)
        return false;
    *out = rule;
    return true;
}

static int64_t midnight(int32_t year, uint8_t month, uint8_t day)
{
    struct civil c = {.year = year, .month = month, .day = day};
    instant_ns t = instant_from_civil(&c);
    return t == INSTANT_NONE ? INT64_MAX / 4 : t / NS_PER_S;
}

/* Local midnight of a rule's day in a year, in seconds as if local time were UTC. */
static int64_t day_in_year(const struct tz_day *d, int32_t year)
{
    int64_t january = midnight(year, 1, 1);
    if (d->kind == TZ_DAY_ZERO)
        return january + d->day * INT64_C(86400);
    int64_t march = midnight(year, 3, 1);
    if (d->kind == TZ_DAY_JULIAN) /* the 29th of February is never counted */
        return (d->day < 60 ? january : march - 59 * 86400) + (d->day - 1) * INT64_C(86400);
    int64_t first = midnight(year, (uint8_t)d->month, 1);
    int64_t next =
        d->month == 12 ? first + INT64_C(31 * 86400) : midnight(year, (uint8_t)(d->month + 1), 1);
    int weekday = (int)((first / 86400 % 7 + 7 + 4) % 7); /* 1970-01-01 was a Thursday */
    int64_t day = first + ((d->day - weekday + 7) % 7) * INT64_C(86400);
    day += (d->week - 1) * INT64_C(7 * 86400);
    return day >= next ? day - INT64_C(7 * 86400) : day; /* week 5 means the last */
}

int32_t tz_rule_offset_at(const struct tz_rule *r, int64_t s)
{
    if (!r->has_dst || s < -INT64_C(9000000000) || s > INT64_C(9000000000))
        return r->standard;
    struct civil c = civil_from_instant((s + r->standard) * NS_PER_S);
    int64_t on = day_in_year(&r->to_daylight, c.year) + r->to_daylight.seconds - r->standard;
    int64_t off = day_in_year(&r->to_standard, c.year) + r->to_standard.seconds - r->daylight;
    bool is_daylight = on < off ? s >= on && s < off : s >= on || s < off;
    return is_daylight ? r->daylight : r->standard;
}
