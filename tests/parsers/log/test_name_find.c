/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that a line gives together with their addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/log/name_find.h"

static const struct {
    const char *text, *found; /* name and address, a space behind each */
} rows[] = {
    {"", ""},
    {"connect from mail.example.net[192.0.2.20]", "mail.example.net=192.0.2.20 "},
    {"client=mail.example.net[192.0.2.20]:4711, x", "mail.example.net=192.0.2.20 "},
    {"connect from unknown[192.0.2.20]", ""},
    {"connect from node-3[192.0.2.20]", "node-3=192.0.2.20 "},
    {"refused connect from host.example.net (::ffff:192.0.2.20)", "host.example.net=192.0.2.20 "},
    {"Connecting to host.example.net [2001:db8::20] port 22.", "host.example.net=2001:db8::20 "},
    {"Connected to www.example.org (198.51.100.1) port 443 (#0)", "www.example.org=198.51.100.1 "},
    {"Disconnected from b1.example.org/198.51.100.7:9092 and b2/198.51.100.8:9092.",
     "b1.example.org=198.51.100.7 b2=198.51.100.8 "},
    {"read from b1.example.org/[2001:db8::7]:9092", "b1.example.org=2001:db8::7 "},
    {"from /198.51.100.7:9092", ""},
    {"GET http://www.example.org/198.51.100.7", ""},
    {"on eth (198.51.100.7), from client [192.0.2.1]", ""},
    {"net 192.0.2.0/24 via 192.0.2.1 [192.0.2.2]", ""},
    {"a..b.example[192.0.2.1] .example.net[192.0.2.1] x.[192.0.2.1] x.y-[192.0.2.1]", ""},
    {"host.example.net[192.0.2.1", ""},
    {"host.example.net[192.0.2.1 ]", ""},
    {"host.example.net[0.0.0.0]", ""},
    {"host.example.9[192.0.2.1]", ""},
    {"reverse mapping checking getaddrinfo for h.example.net [192.0.2.1] failed.", ""},
    {"Address [192.0.2.1] maps to h.example.net [192.0.2.1], but this does not map back to it", ""},
    {"a1[192.0.2.1] a2[192.0.2.2] a3[192.0.2.3] a4[192.0.2.4] a5[192.0.2.5]",
     "a1=192.0.2.1 a2=192.0.2.2 a3=192.0.2.3 a4=192.0.2.4 "},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct log_name v[LOG_NAMES_MAX];
        char one[ADDRESS_TEXT_MAX];
        struct strbuf got;
        strbuf_init(&got);
        unsigned n = log_find_names(text_of(rows[i].text), v);
        for (unsigned k = 0; k < n; k++) {
            address_format(&v[k].ip, one);
            strbuf_printf(&got, TEXT_FMT "=%s ", TEXT_ARG(v[k].name), one);
        }
        if (!text_eq(strbuf_view(&got), text_of(rows[i].found)))
            fail_msg("row %zu: \"%s\" gives \"%s\"", i, rows[i].text, got.p);
        strbuf_finish(&got);
    }
}

static void test_long_names(void **state)
{
    (void)state;
    char line[400];
    struct log_name v[LOG_NAMES_MAX];
    for (size_t n = LOG_NAME_BYTES - 1; n <= LOG_NAME_BYTES + 1; n++) {
        memset(line, 'a', n);
        line[n / 2] = '.';
        snprintf(line + n, sizeof line - n, "[192.0.2.1]");
        assert_int_equal(log_find_names(text_of(line), v), n <= LOG_NAME_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
