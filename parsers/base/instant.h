/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time: signed nanoseconds since 1970-01-01T00:00:00Z, valid from 1678 to 2262.  Civil
 * time is proleptic Gregorian.  A zone maps local civil time to UTC from TZif data (RFC 8536) or a
 * fixed offset; the process environment (TZ) and locale are never consulted.
 */
#ifndef WHYRST_PARSERS_BASE_INSTANT_H
#define WHYRST_PARSERS_BASE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/base/text.h"

typedef int64_t instant_ns;
#define INSTANT_NONE INT64_MIN
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS (NS_PER_S / 1000)

/* How long after the other; INSTANT_NONE where either is, or where it does not fit. */
static inline instant_ns instant_since(instant_ns t, instant_ns before)
{
    instant_ns since;
    bool known = t != INSTANT_NONE && before != INSTANT_NONE;
    return known && !__builtin_sub_overflow(t, before, &since) ? since : INSTANT_NONE;
}

/* So long after t; INSTANT_NONE stays, and what does not fit is the last that does. */
static inline instant_ns instant_plus(instant_ns t, instant_ns by)
{
    instant_ns sum;
    if (t == INSTANT_NONE)
        return t;
    if (__builtin_add_overflow(t, by, &sum) || sum == INSTANT_NONE)
        return by < 0 ? INSTANT_NONE + 1 : INT64_MAX;
    return sum;
}

struct civil {
    int32_t year;                 /* 1678..2262 */
    uint8_t month, day;           /* 1..12, 1..31 */
    uint8_t hour, minute, second; /* second 0..60: a leap second reads as the next second's start */
    uint32_t nanosecond;          /* 0..999999999 */
};

bool civil_valid(const struct civil *c);
instant_ns instant_from_civil(const struct civil *c); /* as UTC; INSTANT_NONE if invalid */
struct civil civil_from_instant(instant_ns t);        /* UTC */

/* RFC 3339 in UTC with digits decimals (0..9, cut, not rounded): "2026-10-22T12:09:10.123456Z";
 * INSTANT_NONE gives "-".  Returns the length. */
#define INSTANT_TEXT_MAX 48
size_t instant_format(instant_ns t, unsigned digits, char out[INSTANT_TEXT_MAX]);

/* A time zone.  Opaque; NULL means UTC wherever a zone is taken. */
struct zone;
/* "UTC", "Z", "+02:00", "-0530", a name under /usr/share/zoneinfo (no "..", no absolute path), or
 * else a rule of POSIX TZ: "CET-1CEST,M3.5.0,M10.5.0/3", "<+0530>-5:30", "JST-9". */
struct zone *zone_open(struct text name, struct error *err);
void zone_free(struct zone *z);
const char *zone_name(const struct zone *z); /* "UTC" for NULL */
/* Local civil time to UTC.  In a fold the earlier instant is taken and *ambiguous set; in a gap the
 * time after the jump is taken and *ambiguous set (ambiguous may be NULL). */
instant_ns zone_to_utc(const struct zone *z, const struct civil *local, bool *ambiguous);
int32_t zone_offset_at(const struct zone *z, instant_ns t); /* seconds east of UTC */
/* RFC 3339 local time of the zone with its numeric offset: "2026-10-22T14:09:10.123+02:00". */
size_t instant_format_zoned(instant_ns t, unsigned digits, const struct zone *z,
                            char out[INSTANT_TEXT_MAX]);

#endif
