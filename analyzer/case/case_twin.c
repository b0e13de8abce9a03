/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a log's host booted, where the case holds the same kernel messages twice: counted from the
 * boot ("dmesg") and dated ("dmesg -T").  Messages that both hold once tell the boot to the second;
 * where they do not agree, since the clock was set or the host slept, nothing is said.
 */
#include <stdlib.h>

#include "analyzer/case/case_parts.h"
#include "parsers/log/envelope.h"

#define TWINS_MAX 8
#define TWIN_LINES 64
#define TWIN_LINE_MAX 1024

struct told { /* a message and its time: of the day, or since the boot */
    struct text message;
    instant_ns at;
    bool twice;
};

static void add(struct told *v, size_t *n, struct text message, instant_ns at)
{
    for (size_t i = 0; i < *n; i++)
        if (text_eq(v[i].message, message)) {
            v[i].twice = true;
            return;
        }
    v[(*n)++] = (struct told){.message = message, .at = at};
}

/* The messages at the head of a text; with a clock those that are dated, else those counted from
 * the boot. */
static size_t read_head(struct text head, struct stamp_clock *clock, struct told v[TWIN_LINES])
{
    size_t n = 0;
    struct text line, rest = head;
    struct envelope env;
    bool inferred;
    while (n < TWIN_LINES && text_cut(rest, '\n', &line, &rest)) {
        if (!envelope_parse(text_slice(line, 0, TWIN_LINE_MAX), &env) || env.message.n == 0)
            continue;
        instant_ns at = env.monotonic_ns;
        if (clock)
            at = env.format == LOG_DMESG_CTIME && env.has_stamp
                     ? stamp_resolve(clock, &env.stamp, &inferred)
                     : INSTANT_NONE;
        else if (env.has_stamp)
            at = INSTANT_NONE;
        if (at != INSTANT_NONE)
            add(v, &n, env.message, at);
    }
    return n;
}

/* dmesg -T cuts the fraction off: the boot is the latest that any message allows. */
static instant_ns boot_by(const struct told *counted, size_t n_counted, const struct told *dated,
                          size_t n_dated)
{
    instant_ns latest = INSTANT_NONE, earliest = INSTANT_NONE;
    for (size_t i = 0; i < n_counted; i++)
        for (size_t k = 0; k < n_dated; k++) {
            if (counted[i].twice || dated[k].twice ||
                !text_eq(counted[i].message, dated[k].message))
                continue;
            instant_ns boot = dated[k].at - counted[i].at;
            latest = latest == INSTANT_NONE || boot > latest ? boot : latest;
            earliest = earliest == INSTANT_NONE || boot < earliest ? boot : earliest;
        }
    return latest != INSTANT_NONE && latest - earliest > NS_PER_S ? INSTANT_NONE : latest;
}

bool case_note_twin(struct case_run *run, struct text name, struct text head)
{
    struct envelope env;
    struct text line, rest;
    if (run->twins.n >= TWINS_MAX || !text_cut(head, '\n', &line, &rest) ||
        !envelope_parse(text_slice(line, 0, TWIN_LINE_MAX), &env) || env.format != LOG_DMESG_CTIME)
        return true;
    struct case_twin *t = vec_push(&run->twins);
    if (t)
        *t = (struct case_twin){.name = name, .head = arena_text(&run->c->arena, head)};
    return t != NULL;
}

static instant_ns boot_of(const struct case_run *run, const struct case_twin *twin,
                          const struct told *counted, size_t n_counted, struct told *dated)
{
    struct text from, zone_text = case_zone_of(run, twin->name, &from);
    struct zone *zone = zone_text.n ? case_zone_open(zone_text) : NULL;
    struct stamp_clock clock;
    stamp_clock_init(&clock, zone, INSTANT_NONE, INSTANT_NONE);
    instant_ns boot = boot_by(counted, n_counted, dated, read_head(twin->head, &clock, dated));
    zone_free(zone);
    return boot;
}

instant_ns case_twin_boot(const struct case_run *run, struct text head, struct text *from)
{
    instant_ns boot = INSTANT_NONE;
    struct told *v = run->twins.n ? malloc(2 * TWIN_LINES * sizeof *v) : NULL;
    if (!v)
        return boot;
    size_t n = read_head(head, NULL, v);
    for (size_t i = 0; i < run->twins.n && boot == INSTANT_NONE && n > 0; i++) {
        boot = boot_of(run, &run->twins.v[i], v, n, v + TWIN_LINES);
        if (boot != INSTANT_NONE)
            *from = run->twins.v[i].name;
    }
    free(v);
    return boot;
}
