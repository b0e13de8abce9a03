/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time stamps that log writers use.  A parser takes a stamp off the front of a scan and says
 * what it stated: civil fields, offset, width.  A stamp clock turns that into UTC: it knows the
 * zone for stamps that state none, and infers the year of stamps that state none from the span of
 * the captures.  The wall clock, TZ and the locale are never consulted.
 */
#ifndef WHYRST_PARSERS_LOG_STAMP_H
#define WHYRST_PARSERS_LOG_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/instant.h"
#include "parsers/base/text.h"
#include "parsers/log/scan.h"

struct stamp {
    struct civil civil;      /* as written; year 0 where none was */
    instant_ns instant;      /* epoch forms only, else INSTANT_NONE */
    instant_ns precision_ns; /* 1 s, or the width of the last decimal */
    int32_t offset_s;        /* seconds east of UTC, when zone_stated */
    bool zone_stated;
    bool has_year;
};

/* Each takes one stamp off the scan, or returns false and leaves the scan where it was. */

/* "Jun  7 09:29:50", "Jun 7 09:29:50.123", "Jun  7 2024 09:29:50", "2024 Jan 10 19:55:59", and the
 * month names of other languages ("août 19"). RFC 3164 section 4.1.2. */
bool stamp_take_bsd(struct scan *s, struct stamp *out);
/* "2025-06-15T15:06:40.123456+0000", "2025-06-15 15:06:40,123", "2025/06/15 15:06:40", "2025.06.15
 * 15:06:40"; offset, "Z", or none.  RFC 3339, ISO 8601 extended. */
bool stamp_take_iso(struct scan *s, struct stamp *out);
/* "Tue Mar 10 20:19:39 2021", "Fri Sep 09 10:42:29.902022 2011": asctime(3), Apache, dmesg -T. */
bool stamp_take_asctime(struct scan *s, struct stamp *out);
/* "06/Feb/2009:12:12:51.443", optionally " +0100": common log format, HAProxy; with a blank before
 * the hour, Python's http.server. */
bool stamp_take_clf(struct scan *s, struct stamp *out);
/* "11/26/2026-12:00:20.301466", "11/26-12:00:20.301466", "11/26/26-...": Suricata's and Snort's
 * fast alerts. */
bool stamp_take_month_first(struct scan *s, struct stamp *out);
/* "1127 03:52:39.123456", a month, a day and no year: klog. */
bool stamp_take_month_day(struct scan *s, struct stamp *out);
/* "230324 14:08:01", "230324  4:08:01": MySQL and MariaDB, of this century. */
bool stamp_take_short_year(struct scan *s, struct stamp *out);
/* "29 Aug 2023 13:47:38.984" (Redis), "14-May-2015::14:52:07" (RabbitMQ up to 3.6),
 * "26-Nov-2026 14:39:58" (PHP). */
bool stamp_take_day_first(struct scan *s, struct stamp *out);
/* "1750000000.123456": seconds since the epoch, at least nine digits before the point. */
bool stamp_take_unix(struct scan *s, struct stamp *out);
/* " UTC", " CEST" ... behind a stamp: takes the space and the word, and sets the offset where the
 * abbreviation means one thing only ("CST" does not: then zone_stated stays false). */
bool stamp_take_zone_word(struct scan *s, struct stamp *stamp);
/* "[   12.345678]", "[   12.345678][  T123]", "[ 5000.8 <    0.8 >]": time since boot. */
bool stamp_take_monotonic(struct scan *s, instant_ns *out, instant_ns *precision_ns);

/* The month that a name means in any language but English, 1 to 12; 0: none. */
unsigned stamp_month_named(struct text word);

struct stamp_clock {
    const struct zone *zone; /* of stamps that state none; NULL = UTC; not owned */
    instant_ns first, last;  /* what the captures span; INSTANT_NONE: no captures */
    instant_ns latest;       /* the last minute of a stamp without zone; INSTANT_NONE: none yet */
    /* the minute that was resolved last: most lines share it with their neighbour */
    uint64_t minute_key;
    int32_t minute_offset_s;
    instant_ns minute_start;
    bool minute_inferred;
};

void stamp_clock_init(struct stamp_clock *c, const struct zone *zone, instant_ns first,
                      instant_ns last);
/* UTC, or INSTANT_NONE for an impossible date and for a stamp without year when no span is known.
 * A stamp without year takes the year that puts it nearest to the span; *inferred says so. */
instant_ns stamp_resolve(struct stamp_clock *c, const struct stamp *s, bool *inferred);

#endif
