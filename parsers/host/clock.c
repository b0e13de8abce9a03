/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a snapshot says of the host's clock: timedatectl, /etc/timezone, where /etc/localtime points
 * to or what it holds, date.  The zone comes out as it is written ("Europe/Berlin", "+02:00",
 * "CEST", "CET-1CEST,M3.5.0,M10.5.0/3"); what it means is not decided here.
 */
#include <stdio.h>

#include "parsers/host/kind.h"

#define ZONE_NAME_MAX 64

static bool is_zone_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("_+-/", c));
}

/* "Europe/Berlin", "Etc/GMT+5", "UTC" */
static bool is_zone_name(struct text t)
{
    if (t.n < 3 || t.n > ZONE_NAME_MAX || t.p[0] < 'A' || t.p[0] > 'Z')
        return false;
    for (size_t i = 0; i < t.n; i++)
        if (!is_zone_byte(t.p[i]))
            return false;
    return true;
}

/* The first line that is not blank; *only: nothing but it is there. */
static bool first_line(struct text first, struct text *line, bool *only)
{
    size_t at = 0;
    struct text other;
    while (line_next(first, &at, line)) {
        *line = text_trim(*line);
        if (line->n == 0)
            continue;
        *only = true;
        while (line_next(first, &at, &other))
            *only &= text_trim(other).n == 0;
        return true;
    }
    return false;
}

static bool timedatectl_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    bool zone = false, clock = false;
    for (size_t at = 0; line_next(first, &at, &line);) {
        line = text_trim(line);
        zone |= text_starts(line, TEXT("Time zone: ")) || text_starts(line, TEXT("Timezone: ")) ||
                text_starts(line, TEXT("Timezone="));
        clock |= text_starts(line, TEXT("Local time: ")) || text_starts(line, TEXT("LocalRTC="));
    }
    return zone && clock;
}

/* "Europe/Berlin (CEST, +0200)"; "n/a (UTC, +0000)" where the link leads nowhere */
static void put_zone(struct host_parse *p, struct text value)
{
    struct text name = word_next(&value);
    const size_t comma = text_find(value, TEXT(", "), 0);
    const struct text offset =
        text_slice(value, comma == SIZE_MAX ? value.n : comma + 2, value.n > 0 ? value.n - 1 : 0);
    if (is_zone_name(name))
        item_put(p, name, "clock", TEXT("zone"), NULL, NO_TEXT);
    else if (offset.n > 0)
        item_put(p, offset, "clock", TEXT("zone"), NULL, NO_TEXT);
}

static void timedatectl_line(struct host_parse *p, struct text line)
{
    struct text head, value;
    line = text_trim(line);
    if (text_starts(line, TEXT("Timezone=")))
        put_zone(p, text_slice(line, 9, line.n));
    else if (text_cut(line, ':', &head, &value) &&
             (text_eq(head, TEXT("Time zone")) || text_eq(head, TEXT("Timezone"))))
        put_zone(p, value);
}

/* "... /etc/localtime -> ../usr/share/zoneinfo/Europe/Berlin", as ls -l and readlink have it */
static struct text link_target(struct text line)
{
    static const char folder[] = "zoneinfo/";
    const size_t at = text_find(line, TEXT("zoneinfo/"), 0);
    const struct text zone =
        at == SIZE_MAX ? NO_TEXT : text_slice(line, at + sizeof folder - 1, line.n);
    return is_zone_name(zone) ? zone : NO_TEXT;
}

static bool timezone_sniff(struct text first, struct text name)
{
    struct text line;
    bool only;
    if (!first_line(first, &line, &only) || !only)
        return false;
    if (link_target(line).n > 0)
        return true;
    return is_zone_name(line) && (text_holds(name, TEXT("timezone")) || text_eq(name, TEXT("TZ")));
}

static void timezone_line(struct host_parse *p, struct text line)
{
    line = text_trim(line);
    const struct text target = link_target(line);
    if (target.n > 0 || is_zone_name(line))
        item_put(p, target.n > 0 ? target : line, "clock", TEXT("zone"), NULL, NO_TEXT);
}

/* The footer of TZif data (RFC 8536 section 3.3), a line of its own: the rule that holds from the
 * last change in the table on.  Of a file without one, or of version 1, nothing is taken. */
static bool is_footer(struct text t)
{
    bool digit = false;
    for (size_t i = 0; i < t.n; i++) {
        if (!is_zone_byte(t.p[i]) && !(t.p[i] && strchr("<>,.:", t.p[i])))
            return false;
        digit |= t.p[i] >= '0' && t.p[i] <= '9';
    }
    return t.n >= 4 && t.n <= ZONE_NAME_MAX && digit;
}

static bool localtime_sniff(struct text first, struct text name)
{
    return (name.n == 0 || text_ends(name, TEXT("localtime"))) && first.n >= 20 &&
           text_starts(first, TEXT("TZif")) && first.p[4] >= '2' && first.p[4] <= '9';
}

static void localtime_line(struct host_parse *p, struct text line)
{
    p->section = is_footer(line) ? arena_text(p->arena, line) : NO_TEXT;
}

static void localtime_end(struct host_parse *p)
{
    if (text_eq(p->section, TEXT("UTC0")) || text_eq(p->section, TEXT("GMT0")))
        item_put(p, TEXT("UTC"), "clock", TEXT("zone"), NULL, NO_TEXT);
    else if (p->section.n > 0)
        item_put(p, p->section, "clock", TEXT("zone"), NULL, NO_TEXT);
}

static bool is_year(struct text t)
{
    return t.n == 4 && text_is_number(t) && (t.p[0] == '1' || t.p[0] == '2');
}

static bool is_abbreviation(struct text t)
{
    bool letters = t.n >= 1 && t.n <= 5, digits = t.n == 3 || t.n == 5;
    for (size_t i = 0; i < t.n; i++) {
        letters &= t.p[i] >= 'A' && t.p[i] <= 'Z';
        digits &= i == 0 ? t.p[0] == '+' || t.p[0] == '-' : t.p[i] >= '0' && t.p[i] <= '9';
    }
    return letters || digits;
}

static bool is_clock(struct text t)
{
    return (t.n == 8 || t.n == 7) && text_find_byte(t, ':', 0) != SIZE_MAX;
}

struct told_date { /* what date printed; empty parts: not told */
    struct text day, month, year, clock, half, zone;
};

/* "Wed Nov 25 18:33:51 UTC 2026", "Wed 25 Nov 2026 06:33:51 PM CET", date -R's "Wed, 25 Nov 2026
 * 18:33:51 +0100", date -Is' "2026-11-25T18:33:51+01:00" (the clock is all before the zone then);
 * no zone for anything else. */
static struct told_date date_of(struct text line)
{
    struct text w[8], rest = line;
    size_t n = 0;
    while (n < 8 && (w[n] = word_next(&rest)).n > 0)
        n++;
    if (n == 1 && w[0].n == 25 && w[0].p[10] == 'T' && (w[0].p[19] == '+' || w[0].p[19] == '-'))
        return (struct told_date){.clock = text_slice(w[0], 0, 19),
                                  .zone = text_slice(w[0], 19, 25)};
    if (n == 6 && is_clock(w[3]) && is_abbreviation(w[4]) && is_year(w[5]))
        return (struct told_date){w[2], w[1], w[5], w[3], NO_TEXT, w[4]};
    if (n == 6 && is_year(w[3]) && is_clock(w[4]) && is_abbreviation(w[5]))
        return (struct told_date){w[1], w[2], w[3], w[4], NO_TEXT, w[5]};
    if (n == 7 && is_year(w[3]) && is_clock(w[4]) && is_abbreviation(w[6]))
        return (struct told_date){w[1], w[2], w[3], w[4], w[5], w[6]};
    return (struct told_date){0};
}

static unsigned month_of(struct text t)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned i = 0; t.n == 3 && i < 12; i++)
        if (text_eq(t, (struct text){months + 3 * (size_t)i, 3}))
            return i + 1;
    return 0;
}

/* "2026-11-25 18:33:51", the host's own time of day; nothing of a month in another language. */
static void put_now(struct host_parse *p, const struct told_date *d)
{
    char now[32];
    uint64_t day, hour;
    const unsigned month = month_of(d->month);
    const size_t colon = text_find_byte(d->clock, ':', 0);
    if (d->day.n == 0) {
        item_put(p, d->clock, "clock", TEXT("now"), NULL, NO_TEXT);
        return;
    }
    if (!month || !text_to_u64(d->day, &day) || day > 31 || colon == SIZE_MAX ||
        !text_to_u64(text_slice(d->clock, 0, colon), &hour) || hour > 23)
        return;
    if (text_eq(d->half, TEXT("PM")) && hour < 12)
        hour += 12;
    else if (text_eq(d->half, TEXT("AM")) && hour == 12)
        hour = 0;
    int n =
        snprintf(now, sizeof now, TEXT_FMT "-%02u-%02u %02u" TEXT_FMT, TEXT_ARG(d->year), month,
                 (unsigned)day, (unsigned)hour, TEXT_ARG(text_slice(d->clock, colon, d->clock.n)));
    item_put(p, (struct text){now, (size_t)n}, "clock", TEXT("now"), NULL, NO_TEXT);
}

static bool date_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    bool only;
    return first_line(first, &line, &only) && only && date_of(line).zone.n > 0;
}

static void date_line(struct host_parse *p, struct text line)
{
    const struct told_date d = date_of(text_trim(line));
    if (d.zone.n == 0)
        return;
    item_put(p, d.zone, "clock", TEXT("zone"), NULL, NO_TEXT);
    put_now(p, &d);
}

const struct host_kind kind_timedatectl = {"timedatectl", "timedatectl", timedatectl_sniff,
                                           timedatectl_line, NULL};
const struct host_kind kind_timezone = {"timezone", "/etc/timezone", timezone_sniff, timezone_line,
                                        NULL};
const struct host_kind kind_localtime = {"localtime", "/etc/localtime", localtime_sniff,
                                         localtime_line, localtime_end};
const struct host_kind kind_date = {"date", "date", date_sniff, date_line, NULL};
