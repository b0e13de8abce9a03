/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journal entries as journalctl -o json prints them, one object a line, and the lines of Docker's
 * json-file driver; other objects are reader_object.c's.  Source: systemd
 * docs/JOURNAL_EXPORT_FORMATS.md: numbers are strings, bytes that are not UTF-8 make an array of
 * numbers, a repeated field an array, an oversize field null.
 */
#include <jansson.h>
#include <string.h>

#include "parsers/log/reader_state.h"

/* The field as text; an array of byte values is spelled out in the buffer. */
static struct text field_text(const json_t *object, const char *name, struct strbuf *bytes)
{
    const json_t *v = json_object_get(object, name);
    if (json_is_array(v) && json_is_string(json_array_get(v, 0)))
        v = json_array_get(v, 0);
    if (json_is_string(v))
        return (struct text){json_string_value(v), json_string_length(v)};
    if (!json_is_array(v) || !bytes)
        return (struct text){0};
    size_t from = bytes->n;
    for (size_t i = 0; i < json_array_size(v) && i < LOG_RAW_MAX; i++) {
        const json_t *b = json_array_get(v, i);
        if (!json_is_integer(b))
            return (struct text){0};
        strbuf_char(bytes, (char)json_integer_value(b));
    }
    return text_slice(strbuf_view(bytes), from, bytes->n);
}

static uint64_t field_number(const json_t *object, const char *name)
{
    uint64_t n = 0;
    return text_to_u64(field_text(object, name, NULL), &n) ? n : 0;
}

static instant_ns from_us(uint64_t us)
{
    return us && us < (uint64_t)INT64_MAX / 1000 ? (instant_ns)(us * 1000) : INSTANT_NONE;
}

void reader_emit_entry(struct log_reader *r, const struct journal_entry *j, struct text raw,
                       uint64_t line, enum log_format format)
{
    struct envelope env = {.format = format, .monotonic_ns = INSTANT_NONE};
    instant_ns t = from_us(j->source_realtime_us);
    if (t == INSTANT_NONE)
        t = from_us(j->realtime_us);
    env.has_stamp = t != INSTANT_NONE;
    env.stamp =
        (struct stamp){.instant = t, .precision_ns = 1000, .zone_stated = true, .has_year = true};
    if (j->monotonic_us && j->monotonic_us < (uint64_t)INT64_MAX / 1000)
        env.monotonic_ns = (instant_ns)(j->monotonic_us * 1000);
    env.host = j->host;
    env.program = j->identifier.n ? j->identifier : j->comm;
    env.pid = j->pid;
    env.message = env.body = text_slice(j->message, 0, LOG_RAW_MAX);
    reader_begin(r, raw, line);
    reader_take_envelope(r, &env);
    if (j->unit.n)
        event_add_field(&r->event, TEXT("journal_unit"), j->unit);
    reader_finish(r, !env.program.n, false, j->message_id);
    reader_forget_last(r); /* journals never say "last message repeated" */
}

static void take_journal(struct log_reader *r, const json_t *object, struct text line,
                         uint64_t number)
{
    uint64_t pid = field_number(object, "_PID");
    if (!pid)
        pid = field_number(object, "SYSLOG_PID");
    strbuf_reset(&r->scratch);
    struct journal_entry j = {
        .identifier = field_text(object, "SYSLOG_IDENTIFIER", NULL),
        .comm = field_text(object, "_COMM", NULL),
        .host = field_text(object, "_HOSTNAME", NULL),
        .message_id = field_text(object, "MESSAGE_ID", NULL),
        .unit = field_text(object, "UNIT", NULL),
        .realtime_us = field_number(object, "__REALTIME_TIMESTAMP"),
        .source_realtime_us = field_number(object, "_SOURCE_REALTIME_TIMESTAMP"),
        .monotonic_us = field_number(object, "_SOURCE_MONOTONIC_TIMESTAMP"),
        .pid = pid <= UINT32_MAX ? (uint32_t)pid : 0,
    };
    j.message = field_text(object, "MESSAGE", &r->scratch);
    reader_emit_entry(r, &j, line, number, LOG_JOURNAL_JSON);
}

/* {"log":"line\n","stream":"stderr","time":"2024-01-01T00:00:00.123456789Z"} */
static void take_docker(struct log_reader *r, const json_t *object, struct text line,
                        uint64_t number)
{
    struct envelope env;
    struct stamp st;
    struct text log = text_slice(text_trim(field_text(object, "log", NULL)), 0, LOG_RAW_MAX);
    struct scan s = scan_of(field_text(object, "time", NULL));
    envelope_parse(log, &env);
    if (!env.has_stamp && stamp_take_iso(&s, &st)) {
        env.stamp = st;
        env.has_stamp = true;
    }
    env.format = LOG_DOCKER_JSON;
    reader_begin(r, line, number);
    bool bare = patterns_settle_bare(r->patterns, &env);
    reader_take_envelope(r, &env);
    reader_finish(r, bare, false, (struct text){0});
    reader_forget_last(r);
}

void reader_take_json(struct log_reader *r, struct text line, uint64_t number)
{
    json_t *object = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
    if (json_object_get(object, "MESSAGE"))
        take_journal(r, object, line, number);
    else if (json_is_string(json_object_get(object, "log")))
        take_docker(r, object, line, number);
    else if (!reader_take_object(r, object, line, number))
        reader_skip(r, LOG_SKIP_BAD_JSON, 1);
    json_decref(object);
}
