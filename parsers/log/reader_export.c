/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal export format: FIELD=VALUE lines, a blank line behind each entry; a field that is not
 * clean text is its name, a newline, the size as 64-bit little-endian, the bytes, a newline.
 * Source: systemd docs/JOURNAL_EXPORT_FORMATS.md.
 */
#include <string.h>

#include "parsers/log/reader_state.h"

/* Fields are kept as "NAME=VALUE" and a terminating NUL, one behind the other; a value's own NULs
 * become spaces. */
void reader_export_keep(struct export_state *x, const char *bytes, size_t n)
{
    if (!kept_add(&x->data, bytes, n, LOG_LINE_MAX))
        x->lost = true;
}

static bool is_field_name(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (!((t.p[i] >= 'A' && t.p[i] <= 'Z') || scan_is_digit(t.p[i]) || t.p[i] == '_'))
            return false;
    return t.n > 0 && t.n <= 64;
}

static struct text find(const struct export_state *x, struct text name)
{
    struct text field, rest = {x->data.p, x->data.n};
    while (rest.n && text_cut(rest, '\0', &field, &rest))
        if (text_starts(field, name) && field.n > name.n && field.p[name.n] == '=')
            return text_slice(field, name.n + 1, field.n);
    return (struct text){0};
}

static uint64_t number_of(const struct export_state *x, struct text name)
{
    uint64_t n = 0;
    return text_to_u64(find(x, name), &n) ? n : 0;
}

static void end_entry(struct log_reader *r)
{
    struct export_state *x = &r->export;
    uint64_t pid = number_of(x, TEXT("_PID"));
    struct journal_entry j = {
        .message = find(x, TEXT("MESSAGE")),
        .identifier = find(x, TEXT("SYSLOG_IDENTIFIER")),
        .comm = find(x, TEXT("_COMM")),
        .host = find(x, TEXT("_HOSTNAME")),
        .message_id = find(x, TEXT("MESSAGE_ID")),
        .unit = find(x, TEXT("UNIT")),
        .realtime_us = number_of(x, TEXT("__REALTIME_TIMESTAMP")),
        .source_realtime_us = number_of(x, TEXT("_SOURCE_REALTIME_TIMESTAMP")),
        .monotonic_us = number_of(x, TEXT("_SOURCE_MONOTONIC_TIMESTAMP")),
        .pid = pid <= UINT32_MAX ? (uint32_t)pid : 0,
    };
    if (x->lost)
        flaws_add(r->flaws, "log.line-cut", x->line);
    if (x->data.n) {
        /* all its lines were counted as skipped: one of them is the event's */
        r->summary.skipped[LOG_SKIP_CONTINUATION]--;
        reader_emit_entry(r, &j, j.message, x->said ? x->said : x->line, x->format);
    }
    x->data.n = 0;
    x->lost = false;
    x->line = x->said = 0;
}

void reader_export_note(struct export_state *x, struct text name, uint64_t number)
{
    if (!x->said && text_eq(name, TEXT("MESSAGE")))
        x->said = number;
}

bool reader_export_line(struct log_reader *r, struct text line, uint64_t number)
{
    struct export_state *x = &r->export;
    if (x->phase == EXPORT_OFF) {
        if (!text_starts(line, TEXT("__CURSOR=")) &&
            !text_starts(line, TEXT("__REALTIME_TIMESTAMP=")))
            return false;
        x->phase = EXPORT_FIELDS;
        x->format = LOG_JOURNAL_EXPORT;
    }
    if (x->phase == EXPORT_VERBOSE)
        return reader_verbose_line(r, line);
    if (!line.n) {
        reader_skip(r, LOG_SKIP_BLANK, 1);
        end_entry(r);
        return true;
    }
    struct text name, value;
    bool whole = text_cut(line, '=', &name, &value);
    if (!is_field_name(name)) { /* another kind of log begins here */
        if (x->data.n)
            end_entry(r);
        x->phase = EXPORT_OFF;
        return false;
    }
    reader_skip(r, LOG_SKIP_CONTINUATION, 1);
    if (!x->line)
        x->line = number;
    reader_export_note(x, name, number);
    x->field_at = x->data.n;
    reader_export_keep(x, line.p, line.n);
    for (size_t i = x->field_at; i < x->data.n; i++)
        if (x->data.p[i] == '\0')
            x->data.p[i] = ' ';
    if (whole) {
        reader_export_keep(x, "", 1);
        return true;
    }
    reader_export_keep(x, "=", 1);
    x->phase = EXPORT_SIZE;
    x->says = x->said == number;
    x->size = 0;
    x->n_size = 0;
    return true;
}

/* Bytes of the value; its last byte is followed by a newline that ends the field. */
static size_t take_data(struct export_state *x, const char *bytes, size_t n)
{
    size_t take = x->size < n ? (size_t)x->size : n;
    size_t from = x->data.n;
    reader_export_keep(x, bytes, take);
    for (size_t i = from; i < x->data.n; i++)
        if (x->data.p[i] == '\0')
            x->data.p[i] = ' ';
    x->size -= take;
    if (x->size || take == n)
        return take;
    reader_export_keep(x, "", 1);
    x->phase = EXPORT_FIELDS;
    return take + (bytes[take] == '\n');
}

/* Size and value may have line ends of their own. */
static size_t count_lines(struct log_reader *r, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n')
            continue;
        r->summary.lines++;
        reader_skip(r, LOG_SKIP_CONTINUATION, 1);
    }
    return n;
}

size_t reader_export_bytes(struct log_reader *r, const char *bytes, size_t n)
{
    struct export_state *x = &r->export;
    size_t at = 0;
    while (x->phase == EXPORT_SIZE && at < n) {
        x->size |= (uint64_t)(unsigned char)bytes[at++] << (8 * x->n_size);
        if (++x->n_size == 8)
            x->phase = EXPORT_DATA;
    }
    count_lines(r, bytes, at);
    if (at && x->phase == EXPORT_DATA && x->says)
        x->said = r->summary.lines + 1;
    if (at == n)
        return at;
    return at + count_lines(r, bytes + at, take_data(x, bytes + at, n - at));
}

void reader_export_end(struct log_reader *r)
{
    struct export_state *x = &r->export;
    if (x->phase == EXPORT_OFF)
        return;
    if (x->data.n) {
        reader_export_keep(x, "", 1);
        end_entry(r);
    }
    x->phase = EXPORT_OFF;
}
