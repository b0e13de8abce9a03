/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses in free text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/log/address_find.h"

static const struct {
    const char *text, *found; /* endpoints, a space behind each */
} rows[] = {
    {"", ""},
    {"no address here, only a time 12:30:45 and a version 1.2.3", ""},
    {"reset by 192.0.2.1", "192.0.2.1 "},
    {"reset by 192.0.2.1.", "192.0.2.1 "},
    {"reset by 192.0.2.1:22, then 198.51.100.7:443;", "192.0.2.1:22 198.51.100.7:443 "},
    {"by 192.0.2.1 port 22 [preauth]", "192.0.2.1:22 "},
    {"192.0.2.1:22->198.51.100.7:443", "192.0.2.1:22 198.51.100.7:443 "},
    {"addr=192.0.2.1:22 laddr=198.51.100.7:443", "192.0.2.1:22 198.51.100.7:443 "},
    {"[2001:db8::1]:22 and 2001:db8::2", "[2001:db8::1]:22 2001:db8::2 "},
    {"[192.0.2.1] (192.0.2.2) [client 192.0.2.3:5]", "192.0.2.1 192.0.2.2 192.0.2.3:5 "},
    {"192.0.2.1 192.0.2.1 192.0.2.1:0", "192.0.2.1 "},
    {"192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5",
     "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 "},
    {"host:192.0.2.1 x192.0.2.2 192.0.2.3x 0.0.0.0 256.1.1.1", "192.0.2.1 "},
    {"::ffff:192.0.2.1", "192.0.2.1 "},
    {"02:00:00:00:00:01", ""},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint e[LOG_ADDRESSES_MAX];
        char one[ENDPOINT_TEXT_MAX];
        struct strbuf got;
        strbuf_init(&got);
        unsigned n = log_find_addresses(text_of(rows[i].text), e);
        for (unsigned k = 0; k < n; k++) {
            endpoint_format(&e[k], one);
            strbuf_printf(&got, "%s ", one);
        }
        if (!text_eq(strbuf_view(&got), text_of(rows[i].found)))
            fail_msg("row %zu: \"%s\" gives \"%s\"", i, rows[i].text, got.p);
        strbuf_finish(&got);
    }
}

/* Wherever in a line an address stands, it is found, and the text around it does not matter. */
static void test_places(void **state)
{
    (void)state;
    static const char *const addresses[] = {"192.0.2.1", "2001:db8::1", "::1", "1:2:3:4:5:6:7:8",
                                            "[2001:db8::1]:22"};
    for (size_t k = 0; k < sizeof addresses / sizeof addresses[0]; k++)
        for (size_t before = 0; before < 40; before++)
            for (size_t after = 0; after < 20; after++) {
                char line[128];
                struct endpoint e[LOG_ADDRESSES_MAX], wanted;
                int n = snprintf(line, sizeof line, "%.*s%s%.*s", (int)before,
                                 "a b,c d e f g h i j k l m n o p q r s t ", addresses[k],
                                 (int)after, " a b,c d e f g h i j");
                struct text t = {line, (size_t)n};
                if (before % 2)
                    continue; /* grown together with a letter */
                endpoint_parse(text_of(addresses[k]), &wanted);
                assert_int_equal(log_find_addresses(t, e), 1);
                assert_true(endpoint_eq(&e[0], &wanted));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
