/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a log gives when it is read, told as text: one line an event.  For tests of the reader.
 */
#ifndef WHYRST_TESTS_PARSERS_LOG_TOLD_H
#define WHYRST_TESTS_PARSERS_LOG_TOLD_H

#include "parsers/log/reader.h"

#define FIRST (INT64_C(1749988800) * NS_PER_S) /* 2025-06-15T12:00:00Z */
#define LAST (INT64_C(1749992400) * NS_PER_S)

extern struct patterns *patterns;
/* A group's setup and teardown. */
int open_patterns(void **state);
int close_patterns(void **state);

/* Everything that a log gave, as text: one line an event. */
struct record {
    struct strbuf out;
    struct log_summary summary;
    struct flaws flaws;
};

/* A sink: adds the event to a record's text. */
bool note(void *ctx, const struct event *e);
/* Reads the log in pieces of the given size (0: all at once). */
void read_log(struct record *r, const void *bytes, size_t n, size_t piece);
void forget(struct record *r);
/* Fails unless the log gives that text, in pieces of any size. */
void expect(const char *log, size_t n, const char *wanted);

#define EXPECT(log, wanted) expect(log, sizeof(log) - 1, wanted)

#endif
