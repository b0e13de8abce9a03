/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's csvlog: columns in, the line that the same server would have written to stderr with
 * "%r %u@%d " in front out, so that one set of patterns serves both.  Source: PostgreSQL
 * src/backend/utils/error/csvlog.c (write_csvlog).
 */
#include "parsers/log/reader_state.h"

enum column { COLUMN_USER, COLUMN_DATABASE, COLUMN_PID, COLUMN_PEER, COLUMN_SEVERITY = 10 };
#define COLUMN_MESSAGE 12 /* counted behind log_time */
#define COLUMNS (COLUMN_MESSAGE + 1)

/* One column off the front, unquoted into the buffer; false at the end. */
static bool take_column(struct scan *s, struct strbuf *into, struct text *out)
{
    if (scan_done(s))
        return false;
    size_t from = into->n;
    bool quoted = scan_byte(s, '"');
    while (!scan_done(s)) {
        char c = s->t.p[s->at];
        if (quoted && c == '"' && scan_peek(s, 1) == '"')
            s->at++;
        else if (quoted ? c == '"' : c == ',')
            break;
        strbuf_char(into, c);
        s->at++;
    }
    if (quoted)
        scan_byte(s, '"');
    scan_byte(s, ',');
    /* positions, not pointers: the buffer moves when it grows */
    *out = (struct text){NULL, into->n - from};
    return true;
}

void reader_put_postgres(struct strbuf *out, const struct postgres_row *row)
{
    if (row->host.n && row->port.n && row->host.p[0] != '[')
        strbuf_printf(out, TEXT_FMT "(" TEXT_FMT ") ", TEXT_ARG(row->host), TEXT_ARG(row->port));
    strbuf_printf(out, TEXT_FMT "@" TEXT_FMT " " TEXT_FMT ":  ", TEXT_ARG(row->user),
                  TEXT_ARG(row->database), TEXT_ARG(row->severity));
    strbuf_text(out, row->message);
}

void reader_take_columns(struct log_reader *r, struct text raw, uint64_t number,
                         struct envelope *env)
{
    struct scan s = scan_of(env->message);
    struct text column[COLUMNS] = {0};
    size_t n = 0, at = 0;
    uint64_t pid = 0;
    strbuf_reset(&r->scratch);
    while (n < COLUMNS && take_column(&s, &r->scratch, &column[n]))
        n++;
    struct text all = strbuf_view(&r->scratch);
    for (size_t i = 0; i < n; i++)
        if (column[i].n > 0) { /* where all are empty there is no buffer either */
            column[i].p = all.p + at;
            at += column[i].n;
        }
    struct postgres_row row = {.user = column[COLUMN_USER],
                               .database = column[COLUMN_DATABASE],
                               .severity = column[COLUMN_SEVERITY],
                               .message = column[COLUMN_MESSAGE]};
    struct text peer = column[COLUMN_PEER];
    for (size_t i = peer.n; i > 0; i--)
        if (peer.p[i - 1] == ':') { /* an IPv6 address has colons of its own */
            row.host = text_slice(peer, 0, i - 1);
            row.port = text_slice(peer, i, peer.n);
            break;
        }
    if (text_to_u64(column[COLUMN_PID], &pid) && pid <= UINT32_MAX)
        env->pid = (uint32_t)pid;
    strbuf_reset(&r->columns);
    reader_put_postgres(&r->columns, &row);
    env->body = env->message = text_slice(strbuf_view(&r->columns), 0, LOG_RAW_MAX);
    reader_begin(r, raw, number);
    reader_take_envelope(r, env);
    reader_finish(r, false, false, (struct text){0});
    reader_forget_last(r);
}

bool reader_columns_open(struct text line)
{
    bool open = false;
    for (size_t i = 0; i < line.n; i++)
        open ^= line.p[i] == '"';
    return open;
}
