/* SPDX-License-Identifier: Apache-2.0 */
/* The machine as a whole: uptime, the head of top, /proc/stat, free. */
#include "parsers/host/kind.h"

/* "12:00:01 up 3 days,  2:10,  1 user,  load average: 0.10, 0.20, 0.30", as uptime, w and the
 * first line of top have it. */
static bool is_uptime_line(struct text line)
{
    struct text rest = line;
    const struct text clock = word_next(&rest);
    if (clock.n < 7 || clock.n > 8 || text_find_byte(clock, ':', 0) == SIZE_MAX ||
        !text_eq(word_next(&rest), TEXT("up")))
        return false;
    const size_t load = text_find(rest, TEXT("load average"), 0);
    const size_t colon = load == SIZE_MAX ? SIZE_MAX : text_find_byte(rest, ':', load);
    if (colon == SIZE_MAX)
        return false;
    rest = text_slice(rest, colon + 1, rest.n);
    struct text first = word_next(&rest);
    if (first.n > 0 && first.p[first.n - 1] == ',')
        first.n--;
    return text_is_number(first);
}

static void put_loads(struct host_parse *p, const char *prefix, struct text rest)
{
    static const char *const names[] = {"load1", "load5", "load15"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct text load = word_next(&rest);
        if (load.n > 0 && load.p[load.n - 1] == ',')
            load.n--;
        if (text_is_number(load))
            item_put(p, load, prefix, text_of(names[i]), NULL, NO_TEXT);
    }
}

static void put_uptime(struct host_parse *p, const char *prefix, struct text line)
{
    struct text rest = text_trim(line);
    item_put(p, word_next(&rest), prefix, TEXT("clock"), NULL, NO_TEXT);
    word_next(&rest); /* up */
    const size_t users = text_find(rest, TEXT(" user"), 0);
    size_t end = text_find(rest, TEXT("load average"), 0);
    if (users != SIZE_MAX && users < end) {
        size_t from = users;
        while (from > 0 && rest.p[from - 1] != ' ')
            from--;
        item_put(p, text_slice(rest, from, users), prefix, TEXT("users"), NULL, NO_TEXT);
        end = from;
    }
    struct text up = text_trim(text_slice(rest, 0, end));
    if (up.n > 0 && up.p[up.n - 1] == ',')
        up.n--;
    item_put(p, up, prefix, TEXT("up"), NULL, NO_TEXT);
    const size_t colon = text_find_byte(rest, ':', text_find(rest, TEXT("load average"), 0));
    if (colon != SIZE_MAX)
        put_loads(p, prefix, text_slice(rest, colon + 1, rest.n));
}

static bool uptime_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    size_t at = 0;
    return line_next(first, &at, &line) && is_uptime_line(line);
}

static void uptime_line(struct host_parse *p, struct text line)
{
    if (is_uptime_line(line))
        put_uptime(p, "uptime", line);
}

/* "350735.47", as the kernel prints it */
static bool is_hundredths(struct text t)
{
    struct text whole, part;
    return text_cut(t, '.', &whole, &part) && whole.n > 0 && part.n == 2 && text_is_number(t);
}

/* /proc/uptime: "350735.47 234388.90" and nothing else */
static bool proc_uptime_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    size_t at = 0;
    if (!line_next(first, &at, &line) || at < first.n)
        return false;
    const struct text up = word_next(&line), idle = word_next(&line);
    return is_hundredths(up) && is_hundredths(idle) && word_next(&line).n == 0;
}

static void proc_uptime_line(struct host_parse *p, struct text line)
{
    item_put(p, word_next(&line), "uptime", TEXT("seconds"), NULL, NO_TEXT);
}

static bool top_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    for (size_t at = 0; line_next(first, &at, &line);) {
        if (text_starts(line, TEXT("top - ")))
            return is_uptime_line(text_slice(line, 6, line.n));
        if (text_trim(line).n > 0)
            return false;
    }
    return false;
}

/* "Tasks:  91 total,   2 running" to top.tasks.total, top.tasks.running */
static void put_pairs(struct host_parse *p, const char *prefix, struct text rest)
{
    struct text pair;
    for (bool more = true; more;) {
        more = text_cut(rest, ',', &pair, &rest);
        const struct text value = word_next(&pair);
        const struct text what = word_next(&pair);
        if (text_is_number(value) && what.n > 0)
            item_put(p, value, prefix, what, NULL, NO_TEXT);
    }
}

/* Only the first of several screens (top -b -n N) is read, and no processes. */
static void top_line(struct host_parse *p, struct text line)
{
    struct text head, rest;
    if (text_starts(line, TEXT("top - "))) {
        if (p->depth++ == 0)
            put_uptime(p, "top", text_slice(line, 6, line.n));
        return;
    }
    if (p->depth != 1 || !text_cut(line, ':', &head, &rest))
        return;
    if (text_eq(head, TEXT("Tasks")))
        put_pairs(p, "top.tasks", rest);
    else if (text_starts(head, TEXT("%Cpu")))
        put_pairs(p, "top.cpu", rest);
    else if (text_ends(head, TEXT("Mem ")) || text_ends(head, TEXT("Mem")))
        put_pairs(p, "top.mem", rest);
    else if (text_ends(head, TEXT("Swap")))
        put_pairs(p, "top.swap", rest);
}

static bool stat_sniff(struct text first, struct text name)
{
    (void)name;
    return text_starts(first, TEXT("cpu  ")) && text_holds(first, TEXT("\ncpu0 "));
}

static void stat_line(struct host_parse *p, struct text line)
{
    static const char *const wanted[] = {"btime",         "processes", "procs_running",
                                         "procs_blocked", "ctxt",      NULL};
    const struct text key = word_next(&line);
    for (const char *const *w = wanted; *w; w++) {
        if (text_eq(key, text_of(*w)))
            item_put(p, line, "stat", key, NULL, NO_TEXT);
    }
}

static bool is_free_header(struct text line)
{
    struct text rest = line;
    return text_eq(word_next(&rest), TEXT("total")) && text_eq(word_next(&rest), TEXT("used")) &&
           text_eq(word_next(&rest), TEXT("free"));
}

static bool free_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    size_t at = 0;
    return line_next(first, &at, &line) && is_free_header(line) &&
           text_has_line(first, TEXT("Mem:"));
}

static void free_line(struct host_parse *p, struct text line)
{
    if (is_free_header(line)) {
        p->header = arena_text(p->arena, line);
        return;
    }
    struct text head, values, names = p->header;
    if (!text_cut(line, ':', &head, &values))
        return;
    const char *prefix = text_eq(head, TEXT("Mem"))    ? "free.mem"
                         : text_eq(head, TEXT("Swap")) ? "free.swap"
                                                       : NULL;
    if (!prefix)
        return;
    for (struct text value = word_next(&values); value.n > 0; value = word_next(&values)) {
        const struct text what = word_next(&names);
        if (what.n == 0)
            return;
        item_put(p, value, prefix, what, NULL, NO_TEXT);
    }
}

const struct host_kind kind_uptime = {"uptime", "uptime", uptime_sniff, uptime_line, NULL};
const struct host_kind kind_top = {"top", "top -b", top_sniff, top_line, NULL};
const struct host_kind kind_proc_uptime = {"proc-uptime", "/proc/uptime", proc_uptime_sniff,
                                           proc_uptime_line, NULL};
const struct host_kind kind_stat = {"proc-stat", "/proc/stat", stat_sniff, stat_line, NULL};
const struct host_kind kind_free = {"free", "free", free_sniff, free_line, NULL};
