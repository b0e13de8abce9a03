/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "told.h"

struct patterns *patterns;

int open_patterns(void **state)
{
    (void)state;
    patterns = patterns_create();
    return patterns && patterns_add_embedded(patterns, event_pattern_files, NULL, NULL) ? 0 : -1;
}

int close_patterns(void **state)
{
    (void)state;
    patterns_free(patterns);
    return 0;
}

bool note(void *ctx, const struct event *e)
{
    struct record *r = ctx;
    char end[ENDPOINT_TEXT_MAX], time[INSTANT_TEXT_MAX] = "-";
    if (e->time != INSTANT_NONE)
        instant_format(e->time, 3, time);
    strbuf_printf(&r->out, "%llu %s " TEXT_FMT "[%u]", (unsigned long long)e->line, time,
                  TEXT_ARG(e->program), e->pid);
    strbuf_printf(&r->out, " %s", e->kind.n ? "" : "?");
    strbuf_text(&r->out, e->kind);
    if (!address_is_zero(&e->client.ip)) {
        endpoint_format(&e->client, end);
        strbuf_printf(&r->out, " client=%s", end);
    }
    for (unsigned i = 0; i < e->n_fields; i++)
        strbuf_printf(&r->out, " " TEXT_FMT "=" TEXT_FMT, TEXT_ARG(e->fields[i].name),
                      TEXT_ARG(e->fields[i].value));
    strbuf_char(&r->out, '\n');
    return true;
}

void read_log(struct record *r, const void *bytes, size_t n, size_t piece)
{
    struct log_config config = {.span_first = FIRST, .span_last = LAST, .boot = INSTANT_NONE};
    strbuf_init(&r->out);
    strbuf_str(&r->out, "");
    flaws_init(&r->flaws);
    struct log_reader *reader = log_reader_create(patterns, &config, &r->flaws);
    assert_non_null(reader);
    const char *p = bytes;
    for (size_t at = 0; at < n;) {
        size_t take = piece && piece < n - at ? piece : n - at;
        /* a copy that ends where the piece ends lets the sanitizer see any read beyond it */
        char *copy = malloc(take);
        memcpy(copy, p + at, take);
        assert_true(log_reader_feed(reader, copy, take, note, r));
        free(copy);
        at += take;
    }
    assert_true(log_reader_end(reader, note, r));
    r->summary = *log_reader_summary(reader);
    log_reader_free(reader);
    uint64_t sum = r->summary.events + r->summary.unrecognised;
    for (size_t i = 0; i < LOG_SKIP_REASONS; i++)
        sum += r->summary.skipped[i];
    assert_int_equal(r->summary.lines, sum);
}

void forget(struct record *r)
{
    strbuf_finish(&r->out);
    flaws_finish(&r->flaws);
}

void expect(const char *log, size_t n, const char *wanted)
{
    static const size_t pieces[] = {0, 1, 2, 3, 7, 64, 4096};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct record r;
        read_log(&r, log, n, pieces[i]);
        if (!text_eq(strbuf_view(&r.out), text_of(wanted)))
            fail_msg("in pieces of %zu:\n%s", pieces[i], r.out.p);
        forget(&r);
    }
}
