/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journalctl -o verbose: a line with the entry's time and cursor, then its fields, one a line and
 * indented.  The fields are kept as those of the export format are, and told by the same code.
 */
#include <stdio.h>
#include <string.h>

#include "parsers/log/reader_state.h"

#define INDENT 4

void reader_verbose_begin(struct log_reader *r, const struct envelope *env, uint64_t number)
{
    struct export_state *x = &r->export;
    bool inferred;
    char field[64];
    reader_export_end(r);
    instant_ns t = stamp_resolve(&r->clock, &env->stamp, &inferred);
    int n = snprintf(field, sizeof field, "__REALTIME_TIMESTAMP=%lld",
                     t == INSTANT_NONE || t < 0 ? 0LL : (long long)(t / 1000));
    x->phase = EXPORT_VERBOSE;
    x->format = LOG_JOURNAL_VERBOSE;
    x->line = number;
    reader_skip(r, LOG_SKIP_CONTINUATION, 1);
    reader_export_keep(x, field, (size_t)n + 1);
}

bool reader_verbose_line(struct log_reader *r, struct text line)
{
    struct export_state *x = &r->export;
    if (!text_starts(line, TEXT("    ")) && !text_starts(line, TEXT("\t"))) {
        reader_export_end(r);
        return false;
    }
    reader_skip(r, LOG_SKIP_CONTINUATION, 1);
    struct text field = text_slice(line, INDENT, line.n);
    if (field.n && field.p[0] == ' ') { /* a value goes on: its field's end is taken back */
        if (x->data.n)
            x->data.n--;
        reader_export_keep(x, "\n", 1);
        field = text_trim(field);
    } else {
        struct text name, value;
        text_cut(field, '=', &name, &value);
        reader_export_note(x, name, r->summary.lines);
    }
    reader_export_keep(x, field.p, field.n);
    reader_export_keep(x, "", 1);
    return true;
}
