/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's journal files through libsystemd.  Only sd_journal_next and sd_journal_get_data are
 * used: neither follows the hash chains of a file, and each is bounded by the objects that lie
 * inside it.
 */
#include "parsers/log/journal_file.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "parsers/log/reader_state.h"

/* An entry object has a head of 64 bytes (docs/JOURNAL_FILE_FORMAT.md), so a file of n bytes cannot
 * hold more than n / 64 of them, however its lists are linked. */
#define ENTRY_BYTES_MIN 64

enum field {
    FIELD_MESSAGE,
    FIELD_IDENTIFIER,
    FIELD_COMM,
    FIELD_HOST,
    FIELD_MESSAGE_ID,
    FIELD_UNIT,
    FIELD_PID,
    FIELD_SYSLOG_PID,
    FIELD_SOURCE_REALTIME,
    FIELD_SOURCE_MONOTONIC,
    FIELDS
};

static const char *const field_names[FIELDS] = {
    [FIELD_MESSAGE] = "MESSAGE",
    [FIELD_IDENTIFIER] = "SYSLOG_IDENTIFIER",
    [FIELD_COMM] = "_COMM",
    [FIELD_HOST] = "_HOSTNAME",
    [FIELD_MESSAGE_ID] = "MESSAGE_ID",
    [FIELD_UNIT] = "UNIT",
    [FIELD_PID] = "_PID",
    [FIELD_SYSLOG_PID] = "SYSLOG_PID",
    [FIELD_SOURCE_REALTIME] = "_SOURCE_REALTIME_TIMESTAMP",
    [FIELD_SOURCE_MONOTONIC] = "_SOURCE_MONOTONIC_TIMESTAMP",
};

bool journal_file_readable(void)
{
    return true;
}

/* The fields of the current entry, one behind the other in the buffer. */
static void take_fields(sd_journal *j, struct strbuf *bytes, struct text out[FIELDS])
{
    size_t length[FIELDS] = {0}, at = 0;
    strbuf_reset(bytes);
    for (size_t i = 0; i < FIELDS; i++) {
        const void *data = NULL;
        size_t n = 0, name = strlen(field_names[i]) + 1; /* "NAME=" */
        if (sd_journal_get_data(j, field_names[i], &data, &n) < 0 || n < name)
            continue;
        length[i] = n - name < LOG_LINE_MAX ? n - name : LOG_LINE_MAX;
        strbuf_add(bytes, (const char *)data + name, length[i]);
    }
    struct text all = strbuf_view(bytes);
    for (size_t i = 0; i < FIELDS; i++) {
        out[i] = text_slice(all, at, at + length[i]);
        at += length[i];
    }
}

static uint64_t number(struct text t)
{
    uint64_t n = 0;
    return text_to_u64(t, &n) ? n : 0;
}

static void emit(struct log_reader *r, sd_journal *j)
{
    struct text f[FIELDS];
    uint64_t realtime = 0;
    take_fields(j, &r->scratch, f);
    if (sd_journal_get_realtime_usec(j, &realtime) < 0)
        realtime = 0;
    uint64_t pid = number(f[FIELD_PID].n ? f[FIELD_PID] : f[FIELD_SYSLOG_PID]);
    struct journal_entry entry = {
        .message = f[FIELD_MESSAGE],
        .identifier = f[FIELD_IDENTIFIER],
        .comm = f[FIELD_COMM],
        .host = f[FIELD_HOST],
        .message_id = f[FIELD_MESSAGE_ID],
        .unit = f[FIELD_UNIT],
        .realtime_us = realtime,
        .source_realtime_us = number(f[FIELD_SOURCE_REALTIME]),
        .monotonic_us = number(f[FIELD_SOURCE_MONOTONIC]),
        .pid = pid <= UINT32_MAX ? (uint32_t)pid : 0,
    };
    reader_emit_entry(r, &entry, entry.message, ++r->summary.lines, LOG_JOURNAL_FILE);
}

struct sd_journal *journal_file_open(const char *path, const char *name, struct error *err)
{
    sd_journal *j = NULL;
    const char *paths[] = {path, NULL};
    const int rc = sd_journal_open_files(&j, paths, 0);
    if (rc < 0)
        error_set_errno(err, -rc, name, "cannot read this journal file");
    return rc < 0 ? NULL : j;
}

bool journal_file_read(struct sd_journal *j, struct log_reader *r, uint64_t size, const char *name,
                       log_sink_fn sink, void *ctx, struct error *err)
{
    int rc = 0;
    r->sink = sink;
    r->ctx = ctx;
    sd_journal_set_data_threshold(j, LOG_LINE_MAX);
    uint64_t most = size / ENTRY_BYTES_MIN, n = 0;
    while (!r->stopped && n <= most && (rc = sd_journal_next(j)) > 0) {
        emit(r, j);
        n++;
    }
    sd_journal_close(j);
    if (n > most)
        return error_set(err, ERROR_FORMAT, name, "it lists more entries than it can hold");
    if (rc < 0)
        return error_set_errno(err, -rc, name, "cannot read all entries of this journal file");
    return true;
}
