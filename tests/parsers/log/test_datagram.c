/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of UDP datagrams: which are syslog, and which lines they hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/log/datagram.h"

#define BYTES(s)                                                                                   \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static const struct {
    struct text payload;
    bool on_port, elsewhere; /* it is syslog on port 514, and on any other */
} kinds[] = {
    {BYTES("<34>Oct 11 22:14:15 mymachine su: 'su root' failed"), true, true},
    {BYTES("<165>1 2003-10-11T22:14:15.003Z host.example.com app - ID47 - text"), true, true},
    {BYTES("<38>2026-11-26T01:19:31.000158+00:00 bastion sshd[12]: text"), true, true},
    {BYTES("<189>1412: *Mar  1 00:05:36.099: %SYS-5-CONFIG_I: Configured"), true, false},
    {BYTES("71 <165>1 2003-10-11T22:14:15.003Z host.example.com app - - - one"), true, true},
    {BYTES("<13>app: no stamp"), true, false},
    {BYTES("<13>"), false, false},
    {BYTES("<192>Oct 11 22:14:15 host app: beyond the last priority"), false, false},
    {BYTES("<a>Oct 11 22:14:15 host app: text"), false, false},
    {BYTES("Oct 11 22:14:15 host app: no priority"), false, false},
    {BYTES("\0\0\0"), false, false},
    {BYTES(""), false, false},
};

static void only_syslog_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (datagram_is_syslog(kinds[i].payload, true) != kinds[i].on_port)
            fail_msg("row %zu on port 514", i);
        if (datagram_is_syslog(kinds[i].payload, false) != kinds[i].elsewhere)
            fail_msg("row %zu elsewhere", i);
    }
}

static const struct {
    struct text payload;
    const char *lines; /* each with '|' behind it */
} rows[] = {
    {BYTES("<13>a: b"), "<13>a: b|"},
    {BYTES("<13>a: b\n"), "<13>a: b|"},
    {BYTES("<13>a: b\r\n\0"), "<13>a: b|"},
    {BYTES("<13>a: b\n<13>c: d\n"), "<13>a: b|<13>c: d|"},
    {BYTES("<13>a: b\n\n\n at c"), "<13>a: b| at c|"},
    {BYTES("8 <13>a: b8 <13>c: d"), "<13>a: b|<13>c: d|"},
    {BYTES("99 <13>a: b"), "<13>a: b|"},
    {BYTES("0 <13>a: b"), ""},
    {BYTES("\n\r\0\n"), ""},
    {BYTES(""), ""},
};

static void lines_come_one_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char got[256] = "";
        size_t n = 0;
        struct text line, rest = rows[i].payload;
        while (datagram_line(&rest, &line) && n < sizeof got)
            n += (size_t)snprintf(got + n, sizeof got - n, TEXT_FMT "|", TEXT_ARG(line));
        if (strcmp(got, rows[i].lines) != 0)
            fail_msg("row %zu: %s", i, got);
    }
}

static void a_cut_word_is_left_out(void **state)
{
    (void)state;
    struct text t = datagram_whole_words(TEXT("from 192.0.2.1 port 51"));
    assert_true(text_eq(t, TEXT("from 192.0.2.1 port")));
    assert_int_equal(datagram_whole_words(TEXT("<13>word")).n, 0);
    assert_int_equal(datagram_whole_words(TEXT("")).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_syslog_is_taken),
        cmocka_unit_test(lines_come_one_by_one),
        cmocka_unit_test(a_cut_word_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
