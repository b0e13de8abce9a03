/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and endpoints: what is read is what is written; the C library is the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/address.h"

static void addresses_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"[2001:DB8::1]", "2001:db8::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"fe80::1%eth0", "fe80::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:db8::", "2001:db8::"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a;
        char out[ADDRESS_TEXT_MAX];
        assert_true(address_parse(text_of(rows[i].in), &a));
        assert_int_equal(address_format(&a, out), strlen(rows[i].out));
        assert_string_equal(out, rows[i].out);
    }
}

static void wrong_addresses_are_refused(void **state)
{
    (void)state;
    const char *wrong[] = {"",         "1.2.3",     "1.2.3.256", "01.2.3.4", "1.2.3.4.5",
                           "1.2.3.4 ", "2001:db8:", ":::",       "1::2::3",  "fe80::1%",
                           "[::1",     "host",      "12345::",   "1.2.3.-4"};
    struct address a;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(address_parse(text_of(wrong[i]), &a));
    assert_false(address_parse((struct text){"::1\0", 4}, &a));
}

static void random_ipv6_is_written_as_inet_ntop_does(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        struct address a;
        for (int k = 0; k < 8; k++) {
            seed = seed * 1664525u + 1013904223u;
            uint16_t g = seed >> 30 ? 0 : (uint16_t)(seed >> 8);
            a.b[2 * k] = (uint8_t)(g >> 8);
            a.b[2 * k + 1] = (uint8_t)g;
        }
        a.b[0] = 0x20; /* outside the ranges that inet_ntop writes with dots */
        char ours[ADDRESS_TEXT_MAX], theirs[INET6_ADDRSTRLEN];
        address_format(&a, ours);
        inet_ntop(AF_INET6, a.b, theirs, sizeof theirs);
        assert_string_equal(ours, theirs);
        struct address back;
        assert_true(address_parse(text_of(ours), &back) && address_eq(&a, &back));
    }
}

static void endpoints_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"192.0.2.1:22", "192.0.2.1:22"},
        {"192.0.2.1", "192.0.2.1"},
        {"[2001:db8::1]:65535", "[2001:db8::1]:65535"},
        {"2001:db8::1", "2001:db8::1"},
        {"::ffff:192.0.2.1:443", "192.0.2.1:443"},
        {"2001:db8:0:0:0:0:0:1:22", "[2001:db8::1]:22"},
        {"fe80::1%eth0:22", "[fe80::1]:22"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct endpoint e;
        char out[ENDPOINT_TEXT_MAX];
        assert_true(endpoint_parse(text_of(rows[i].in), &e));
        endpoint_format(&e, out);
        assert_string_equal(out, rows[i].out);
    }
    struct endpoint e;
    assert_false(endpoint_parse(TEXT("192.0.2.1:65536"), &e));
    assert_false(endpoint_parse(TEXT("192.0.2.1:"), &e));
    assert_false(endpoint_parse(TEXT("host:22"), &e));
}

static void order_and_zero(void **state)
{
    (void)state;
    struct endpoint a, b;
    endpoint_parse(TEXT("192.0.2.1:22"), &a);
    endpoint_parse(TEXT("192.0.2.1:23"), &b);
    assert_true(endpoint_cmp(&a, &b) < 0 && endpoint_cmp(&b, &a) > 0);
    assert_false(endpoint_eq(&a, &b));
    struct address z = {{0}};
    assert_true(address_is_zero(&z) && !address_is_v4(&z));
    assert_true(address_parse(TEXT("0.0.0.0"), &z) && address_is_zero(&z) && address_is_v4(&z));
    assert_false(address_is_zero(&a.ip));
}

static void the_loopback(void **state)
{
    (void)state;
    static const char *const own[] = {"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"};
    static const char *const others[] = {"128.0.0.1", "192.0.2.127", "::", "::2", "2001:db8::1"};
    struct address a;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        assert_true(address_parse(text_of(own[i]), &a));
        assert_true(address_is_loopback(&a));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_true(address_parse(text_of(others[i]), &a));
        assert_false(address_is_loopback(&a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_read_and_written),
        cmocka_unit_test(wrong_addresses_are_refused),
        cmocka_unit_test(random_ipv6_is_written_as_inet_ntop_does),
        cmocka_unit_test(endpoints_read_and_written),
        cmocka_unit_test(order_and_zero),
        cmocka_unit_test(the_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
