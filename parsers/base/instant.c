/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Civil time and instants: integer arithmetic over the proleptic Gregorian calendar.  The C
 * library's time functions, which look at TZ and the locale, are never called.
 */
#include "parsers/base/instant.h"

#include <stdio.h>
#include <stdlib.h>

#define S_PER_DAY INT64_C(86400)

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint8_t month_days(int32_t year, uint8_t month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return (uint8_t)(days[month - 1] + (month == 2 && is_leap(year)));
}

bool civil_valid(const struct civil *c)
{
    return c->year >= 1678 && c->year <= 2262 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= month_days(c->year, c->month) && c->hour < 24 && c->minute < 60 &&
           c->second <= 60 && c->nanosecond < NS_PER_S;
}

/* Days since 1970-01-01.  A year that begins in March puts the leap day last, so the day of the
 * year is one linear formula (153 days in five months). */
static int64_t days_from_civil(int32_t year, unsigned month, unsigned day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

instant_ns instant_from_civil(const struct civil *c)
{
    if (!civil_valid(c))
        return INSTANT_NONE;
    int64_t s = days_from_civil(c->year, c->month, c->day) * S_PER_DAY + c->hour * 3600 +
                c->minute * 60 + c->second;
    int64_t ns = c->second == 60 ? 0 : c->nanosecond; /* a leap second never outruns the next one */
    if (s > (INT64_MAX - ns) / NS_PER_S)
        return INSTANT_NONE;
    return s * NS_PER_S + ns;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct civil civil_from_instant(instant_ns t)
{
    int64_t s = floor_div(t, NS_PER_S);
    int64_t days = floor_div(s, S_PER_DAY);
    int64_t in_day = s - days * S_PER_DAY;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    uint8_t month = (uint8_t)(m < 10 ? m + 3 : m - 9);
    return (struct civil){
        .year = (int32_t)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = (uint8_t)(day_of_year - (153 * m + 2) / 5 + 1),
        .hour = (uint8_t)(in_day / 3600),
        .minute = (uint8_t)(in_day / 60 % 60),
        .second = (uint8_t)(in_day % 60),
        .nanosecond = (uint32_t)(t % NS_PER_S + (t % NS_PER_S < 0 ? NS_PER_S : 0)),
    };
}

/* Date, time and decimals without a zone; cut, never rounded, so a time is never in the future. */
static size_t format_civil(const struct civil *c, unsigned digits, char out[INSTANT_TEXT_MAX])
{
    int n = snprintf(out, INSTANT_TEXT_MAX, "%04d-%02u-%02uT%02u:%02u:%02u", (int)c->year, c->month,
                     c->day, c->hour, c->minute, c->second);
    if (digits > 9)
        digits = 9;
    uint32_t fraction = c->nanosecond;
    for (unsigned i = digits; i < 9; i++)
        fraction /= 10;
    if (digits > 0)
        n += snprintf(out + n, INSTANT_TEXT_MAX - (size_t)n, ".%0*u", (int)digits, fraction);
    return (size_t)n;
}

static size_t format_none(char out[INSTANT_TEXT_MAX])
{
    return (size_t)snprintf(out, INSTANT_TEXT_MAX, "-");
}

size_t instant_format(instant_ns t, unsigned digits, char out[INSTANT_TEXT_MAX])
{
    if (t == INSTANT_NONE)
        return format_none(out);
    struct civil c = civil_from_instant(t);
    size_t n = format_civil(&c, digits, out);
    return n + (size_t)snprintf(out + n, INSTANT_TEXT_MAX - n, "Z");
}

size_t instant_format_zoned(instant_ns t, unsigned digits, const struct zone *z,
                            char out[INSTANT_TEXT_MAX])
{
    if (t == INSTANT_NONE)
        return format_none(out);
    int32_t offset = zone_offset_at(z, t);
    int64_t shift = offset * NS_PER_S;
    if ((shift > 0 && t > INT64_MAX - shift) || (shift < 0 && t < INT64_MIN - shift))
        return instant_format(t, digits, out);
    struct civil c = civil_from_instant(t + shift);
    size_t n = format_civil(&c, digits, out);
    /* RFC 3339 knows whole minutes only; offsets with seconds ended with local mean time. */
    int32_t minutes = abs(offset) / 60;
    return n + (size_t)snprintf(out + n, INSTANT_TEXT_MAX - n, "%c%02d:%02d",
                                offset < 0 ? '-' : '+', (int)(minutes / 60), (int)(minutes % 60));
}
