/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zone of a log's host, from the host snapshots of the case: timedatectl, /etc/timezone, date.
 * A snapshot speaks for the logs below the folder that it was taken into; of several the nearest,
 * and of two as near that disagree neither.
 */
#include <stdio.h>

#include "analyzer/case/case_parts.h"
#include "parsers/log/stamp.h"

static bool is_separator(char c)
{
    return c == '/' || c == '!';
}

/* Folders that sort what was collected of one host, and so belong to no host themselves. */
static bool is_sorting(struct text folder)
{
    static const char *const words[] = {"etc",      "proc",   "sos_commands", "systemd",
                                        "date",     "host",   "snapshot",     "snapshots",
                                        "commands", "host.d", "time",         "system"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_eq(folder, text_of(words[i])))
            return true;
    return false;
}

/* The path without its last part; empty where it has but one. */
static struct text above(struct text path, struct text *last)
{
    size_t at = path.n;
    while (at > 0 && !is_separator(path.p[at - 1]))
        at--;
    *last = text_slice(path, at, path.n);
    return text_slice(path, 0, at > 0 ? at - 1 : 0);
}

struct text case_root_of(struct text snapshot)
{
    struct text last, root = above(snapshot, &last);
    for (;;) {
        struct text up = above(root, &last);
        if (!is_sorting(last))
            return root;
        root = up;
    }
}

static bool is_below(struct text path, struct text root)
{
    return root.n == 0 ||
           (text_starts(path, root) && path.n > root.n && is_separator(path.p[root.n]));
}

/* "case/host/web1/timezone" and "case/logs/web1/auth.log" or "case/logs/auth.log": hosts and logs
 * lie apart, each host in a folder of its name. */
static bool is_beside(struct text log, struct text root, size_t *depth)
{
    struct text own, kind, base = above(above(root, &own), &kind);
    if (!is_sorting(kind) || own.n == 0 || !is_below(log, base))
        return false;
    struct text part, rest = above(text_slice(log, base.n, log.n), &part);
    *depth = base.n;
    while (rest.n > 0) {
        rest = above(rest, &part);
        if (text_eq(part, own))
            *depth = base.n + 1;
        else if (part.n > 0 && !is_sorting(part) && !text_eq(part, TEXT("logs")) &&
                 !text_eq(part, TEXT("log")) && !text_eq(part, TEXT("var")))
            return false;
    }
    return true;
}

static struct text zone_value(const struct case_host *h)
{
    const struct host_value *v = case_host_value(h, TEXT("clock.zone"));
    return v ? v->value : TEXT("");
}

/* A name has rules for summer and winter, an abbreviation or an offset holds for its day. */
static bool is_named(struct text zone)
{
    return text_find_byte(zone, '/', 0) != SIZE_MAX || text_find_byte(zone, ',', 0) != SIZE_MAX;
}

struct text case_zone_of(const struct case_run *run, struct text log, struct text *from)
{
    struct text best = TEXT("");
    size_t depth = 0;
    bool contested = false;
    for (size_t i = 0; i < run->hosts.n; i++) {
        const struct case_host *h = &run->hosts.v[i];
        struct text zone = zone_value(h), root = case_root_of(h->name);
        size_t at = root.n;
        if (zone.n == 0 || !(is_below(log, root) || is_beside(log, root, &at)) ||
            (best.n > 0 && at < depth))
            continue;
        bool nearer = best.n == 0 || at > depth;
        bool firmer = !nearer && is_named(zone) && !is_named(best);
        if (!nearer && !firmer) {
            contested |= is_named(zone) == is_named(best) && !text_eq(zone, best);
            continue;
        }
        best = zone;
        depth = at;
        *from = h->name;
        contested = false;
    }
    return contested ? TEXT("") : best;
}

/* "CEST", where that means one thing. */
static struct zone *open_abbreviation(struct text word)
{
    char text[16], offset[16];
    struct stamp st = {.zone_stated = false};
    struct error ignored;
    if (word.n == 0 || word.n > sizeof text - 2)
        return NULL;
    snprintf(text, sizeof text, " " TEXT_FMT, TEXT_ARG(word));
    struct scan s = {.t = text_of(text)};
    if (!stamp_take_zone_word(&s, &st) || !st.zone_stated)
        return NULL;
    int minutes = st.offset_s / 60, size = minutes < 0 ? -minutes : minutes;
    snprintf(offset, sizeof offset, "%c%02d:%02d", minutes < 0 ? '-' : '+', size / 60, size % 60);
    return zone_open(text_of(offset), &ignored);
}

struct zone *case_zone_open(struct text zone)
{
    struct error ignored;
    struct zone *z = open_abbreviation(zone);
    return z ? z : zone_open(zone, &ignored);
}
