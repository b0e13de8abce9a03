/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the head of a text is that of a log, and of what sort.  Nothing is matched here.
 */
#include "parsers/log/reader.h"
#include "parsers/log/reader_state.h"

#define PROBED_LINES 50

static bool holds_any(struct text line, const char *const *words)
{
    for (; *words; words++)
        if (text_find(line, text_of(*words), 0) != SIZE_MAX)
            return true;
    return false;
}

/* An object a line, with a time and a message. */
static bool is_json_log(struct text line)
{
    static const char *const times[] = {"\"time\"",         "\"ts\"",         "\"timestamp\"",
                                        "\"@timestamp\"",   "\"start_time\"", "\"time_local\"",
                                        "\"time_iso8601\"", "\"$date\"",      NULL};
    static const char *const messages[] = {
        "\"message\"",        "\"msg\"",         "\"log\"",
        "\"response_flags\"", "\"event_type\"",  "\"remote_addr\"",
        "\"client_ip\"",      "\"httpRequest\"", NULL};
    return text_find(line, TEXT("\"MESSAGE\""), 0) != SIZE_MAX ||
           (holds_any(line, times) && holds_any(line, messages));
}

/* Whether one line is what a log would hold. */
static bool probe_line(struct text line)
{
    struct envelope env;
    bool journal = text_starts(line, TEXT("{\"__")) || text_starts(line, TEXT("__CURSOR=")) ||
                   (line.p[0] == '{' && is_json_log(line));
    return journal || envelope_parse(text_slice(line, 0, LOG_RAW_MAX), &env);
}

unsigned log_probe(struct text head)
{
    unsigned n = 0, good = 0;
    struct text line, tail = head;
    while (n < PROBED_LINES && text_cut(tail, '\n', &line, &tail)) {
        if (!text_trim(line).n || reader_is_marker(line))
            continue;
        n++;
        good += probe_line(line);
    }
    if (n == 0 && text_trim(line).n) /* one line that ends with the file, or is longer than head */
        return probe_line(line) ? 100 : 0;
    return n ? good * 100 / n : 0;
}

bool log_probe_since_boot(struct text head)
{
    unsigned n = 0, since_boot = 0;
    struct text line, tail = head;
    struct envelope env;
    while (n < PROBED_LINES && text_cut(tail, '\n', &line, &tail))
        if (envelope_parse(text_slice(line, 0, LOG_RAW_MAX), &env)) {
            n++;
            since_boot += !env.has_stamp && env.monotonic_ns != INSTANT_NONE;
        }
    return since_boot * 2 > n;
}

instant_ns log_probe_time(struct text head, const struct log_config *config)
{
    struct stamp_clock clock;
    struct envelope env;
    struct text line, tail = head;
    bool inferred;
    instant_ns t = INSTANT_NONE;
    stamp_clock_init(&clock, config->zone, config->span_first, config->span_last);
    for (unsigned n = 0; n < PROBED_LINES && t == INSTANT_NONE && tail.n; n++) {
        text_cut(tail, '\n', &line, &tail);
        if (envelope_parse(text_slice(line, 0, LOG_RAW_MAX), &env) && env.has_stamp)
            t = stamp_resolve(&clock, &env.stamp, &inferred);
    }
    return t;
}
