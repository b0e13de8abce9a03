/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names are those of one rotated log, and their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/correlate/log_rotation.h"

#define MAX 8

/* The names that are one log with the first, in the order in which they were written. */
static const struct {
    const char *names[MAX], *set[MAX];
} rows[] = {
    {{"auth.log", "auth.log.1", "auth.log.2.gz"}, {"auth.log.2.gz", "auth.log.1", "auth.log"}},
    {{"auth.log.10.gz", "auth.log.9.gz", "auth.log"},
     {"auth.log.10.gz", "auth.log.9.gz", "auth.log"}},
    {{"messages-20260108", "messages", "messages-20260101.xz"},
     {"messages-20260101.xz", "messages-20260108", "messages"}},
    {{"app-20260101.log.gz", "app.log", "app.log.1"},
     {"app-20260101.log.gz", "app.log.1", "app.log"}},
    {{"app.1.log", "app.log"}, {"app.1.log", "app.log"}},
    {{"x.log-20260101-120000", "x.log-20260101-060000"},
     {"x.log-20260101-060000", "x.log-20260101-120000"}},
    {{"x.log-1767225600", "x.log"}, {"x.log-1767225600", "x.log"}},
    {{"syslog.1", "syslog"}, {"syslog.1", "syslog"}},
    /* others' */
    {{"a/auth.log", "b/auth.log.1", "auth.log.1", "kern.log", "auth.log.old"}, {"a/auth.log"}},
    {{"host.1", "host.2"}, {"host.1"}},
    {{"host-1", "host"}, {"host-1"}},
    {{"auth", "auth.log"}, {"auth"}},
    /* a place taken twice */
    {{"auth.log", "auth.log.1", "auth.log.1.gz"}, {"auth.log"}},
    {{".gz", "1", ".1", "-20260101", ".log"}, {".gz"}},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rotation v[MAX];
        size_t n = 0, oldest[MAX], next[MAX], wanted = 0, n_set = 0;
        for (; n < MAX && rows[i].names[n]; n++)
            v[n] = log_rotation_of(text_of(rows[i].names[n]));
        while (wanted < MAX && rows[i].set[wanted])
            wanted++;
        assert_true(log_rotation_chain(v, n, oldest, next));
        for (size_t k = oldest[0]; k < n; k = next[k], n_set++) {
            assert_int_equal(oldest[k], oldest[0]);
            if (n_set < wanted)
                assert_string_equal(rows[i].names[k], rows[i].set[n_set]);
        }
        if (n_set != wanted)
            fail_msg("row %zu (%s): %zu files, not %zu", i, rows[i].names[0], n_set, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
