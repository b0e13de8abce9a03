/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a log's host booted, from the host snapshots of the case: the btime line of /proc/stat, or
 * an uptime beside a date.  Two hosts with two boot times are told apart by the folder that
 * snapshot and log share.
 */
#include "analyzer/case/case_parts.h"
#include "parsers/log/stamp.h"

#define DAY_NS (86400 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)
#define BESIDE_NS (10 * NS_PER_S) /* between two commands of one collection */

/* How many parts of the log's path the snapshot's path has too. */
static unsigned shared_parts(struct text log, struct text snapshot)
{
    unsigned n = 0;
    struct text part, rest = log;
    while (text_cut(rest, '/', &part, &rest)) { /* the file's own name is no part */
        struct text other, others = snapshot;
        while (text_cut(others, '/', &other, &others))
            if (part.n && text_eq(part, other)) {
                n++;
                break;
            }
    }
    return n;
}

static struct text value_of(const struct case_host *h, const char *name)
{
    const struct host_value *v = case_host_value(h, text_of(name));
    return v ? text_trim(v->value) : TEXT("");
}

static bool same_folder(struct text a, struct text b)
{
    while (a.n > 0 && a.p[a.n - 1] != '/' && a.p[a.n - 1] != '!')
        a.n--;
    while (b.n > 0 && b.p[b.n - 1] != '/' && b.p[b.n - 1] != '!')
        b.n--;
    return text_eq(a, b);
}

/* What date said, as an instant: its zone, too, must be known. */
static bool now_of(const struct case_host *h, instant_ns *now, struct zone **zone)
{
    struct text written = value_of(h, "clock.now");
    struct scan s = scan_of(written);
    struct stamp_clock clock;
    struct stamp st;
    bool inferred;
    if (!written.n || !stamp_take_iso(&s, &st) || !scan_done(&s))
        return false;
    *zone = case_zone_open(value_of(h, "clock.zone"));
    if (!*zone)
        return false;
    stamp_clock_init(&clock, *zone, INSTANT_NONE, INSTANT_NONE);
    *now = stamp_resolve(&clock, &st, &inferred);
    if (*now != INSTANT_NONE)
        return true;
    zone_free(*zone);
    return false;
}

/* A date that was taken beside the snapshot. */
static bool date_beside(const struct case_run *run, const struct case_host *h, instant_ns *now,
                        struct zone **zone)
{
    for (size_t i = 0; i < run->hosts.n; i++)
        if (same_folder(h->name, run->hosts.v[i].name) && now_of(&run->hosts.v[i], now, zone))
            return true;
    return false;
}

/* "3 days,  2:10", "1 day, 5 min", "2:10", "5 min": whole minutes. */
static bool minutes_of(struct text up, instant_ns *out)
{
    uint64_t n = 0, days = 0, hours, minutes;
    struct text first, rest, h, m;
    size_t day = text_find(up, TEXT(" day"), 0);
    if (day != SIZE_MAX) {
        if (!text_to_u64(text_trim(text_slice(up, 0, day)), &days) || days > 100000 ||
            !text_cut(up, ',', &first, &up))
            return false;
    }
    up = text_trim(up);
    if (text_cut(up, ':', &h, &m)) {
        if (!text_to_u64(h, &hours) || !text_to_u64(m, &minutes) || hours > 23 || minutes > 59)
            return false;
        n = hours * 60 + minutes;
    } else if (!text_cut(up, ' ', &first, &rest) || !text_starts(rest, TEXT("min")) ||
               !text_to_u64(first, &n) || n > 59) {
        return false;
    }
    *out = (instant_ns)(days * 1440 + n) * MINUTE_NS;
    return true;
}

/* The time of day that uptime prints, on the day that is nearest to the date. */
static bool clock_near(struct text clock, instant_ns now, const struct zone *zone, instant_ns *out)
{
    uint64_t part[3] = {0};
    struct text one;
    for (size_t i = 0; i < 3; i++) {
        text_cut(clock, ':', &one, &clock);
        if (!text_to_u64(one, &part[i]) || part[i] > 59 || part[0] > 23)
            return false;
    }
    instant_ns of_day = (instant_ns)(part[0] * 3600 + part[1] * 60 + part[2]) * NS_PER_S;
    instant_ns local = now + zone_offset_at(zone, now) * NS_PER_S;
    instant_ns apart = (of_day - local % DAY_NS) % DAY_NS;
    if (apart > DAY_NS / 2)
        apart -= DAY_NS;
    else if (apart < -DAY_NS / 2)
        apart += DAY_NS;
    *out = now + apart;
    return true;
}

/* By /proc/uptime or uptime, beside a date. */
static bool uptime_of(const struct case_run *run, const struct case_host *h, struct case_boot *out)
{
    struct text seconds = value_of(h, "uptime.seconds"), up = value_of(h, "uptime.up");
    instant_ns now, since;
    struct zone *zone;
    double s;
    if ((!seconds.n && !up.n) || !date_beside(run, h, &now, &zone))
        return false;
    bool good = false;
    if (seconds.n) {
        good = text_to_double(seconds, &s) && s >= 0 && s < 1e9;
        if (good)
            *out = (struct case_boot){now - (instant_ns)(s * 1e9), BESIDE_NS + NS_PER_S, h->name};
    } else {
        good = minutes_of(up, &since) && clock_near(value_of(h, "uptime.clock"), now, zone, &now);
        if (good)
            *out =
                (struct case_boot){now - since - MINUTE_NS / 2, MINUTE_NS / 2 + NS_PER_S, h->name};
    }
    zone_free(zone);
    return good;
}

static bool booted(const struct case_run *run, const struct case_host *h, struct case_boot *out)
{
    uint64_t seconds;
    if (!text_to_u64(value_of(h, "stat.btime"), &seconds) || seconds >= UINT32_MAX)
        return uptime_of(run, h, out);
    *out = (struct case_boot){(instant_ns)seconds * NS_PER_S, 0, h->name};
    return true;
}

static bool differs(const struct case_boot *a, const struct case_boot *b)
{
    instant_ns apart = a->at > b->at ? a->at - b->at : b->at - a->at;
    return apart > a->doubt + b->doubt;
}

struct case_boot case_boot_of(const struct case_run *run, struct text log)
{
    struct case_boot boot = {.at = INSTANT_NONE}, one;
    unsigned best = 0;
    bool contested = false;
    for (size_t i = 0; i < run->hosts.n; i++) {
        if (!booted(run, &run->hosts.v[i], &one))
            continue;
        unsigned shared = shared_parts(log, one.from);
        bool nearer = boot.at == INSTANT_NONE || shared > best;
        if (!nearer && shared == best)
            contested |= differs(&one, &boot);
        if (nearer || (shared == best && one.doubt < boot.doubt)) {
            contested &= !nearer;
            boot = one;
            best = shared;
        }
    }
    if (contested)
        boot.at = INSTANT_NONE;
    return boot;
}
