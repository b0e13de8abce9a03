/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units, exact and lenient.
 */
#include "rules/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void reads(const char *text, enum fact_type unit, bool exact, int64_t expected)
{
    struct number n;
    if (!number_parse(text_of(text), unit, exact, &n))
        fail_msg("%s is no number", text);
    assert_int_equal(n.i, expected);
}

static void refuses(const char *text, enum fact_type unit, bool exact)
{
    struct number n;
    if (number_parse(text_of(text), unit, exact, &n))
        fail_msg("%s passed", text);
}

static void test_durations(void **state)
{
    (void)state;
    reads("0s", FACT_DURATION, true, 0);
    reads("1.5s", FACT_DURATION, true, 1500000000);
    reads("200ms", FACT_DURATION, true, 200000000);
    reads("2h", FACT_DURATION, true, 7200 * NS_PER_S);
    reads("0.5h", FACT_DURATION, true, 1800 * NS_PER_S);
    reads("1d", FACT_DURATION, true, 86400 * NS_PER_S);
    reads("0.000000001s", FACT_DURATION, true, 1);
    reads("-3s", FACT_DURATION, true, -3 * NS_PER_S);
    refuses("2", FACT_DURATION, true);
    refuses("2m", FACT_DURATION, true);
    refuses("s", FACT_DURATION, true);
    refuses("1.s", FACT_DURATION, true);
    refuses("1..5s", FACT_DURATION, true);
    refuses("", FACT_DURATION, true);
    refuses("99999999999999999999s", FACT_DURATION, true);
    refuses("300000000000s", FACT_DURATION, true); /* more nanoseconds than fit */
    reads("9223372036s", FACT_DURATION, true, 9223372036 * NS_PER_S);
}

static void test_lenient(void **state)
{
    (void)state;
    reads("120", FACT_DURATION, false, 120 * NS_PER_S);
    reads(" 2m ", FACT_DURATION, false, 120 * NS_PER_S);
    reads("75s", FACT_DURATION, false, 75 * NS_PER_S);
    reads("64k", FACT_BYTES, false, 65536);
    refuses("off", FACT_DURATION, false);
    refuses("10:30:100", FACT_INT, false);
}

static void test_bytes_and_integers(void **state)
{
    (void)state;
    reads("64KiB", FACT_BYTES, true, 65536);
    reads("1500", FACT_BYTES, true, 1500);
    reads("2MiB", FACT_BYTES, true, 2097152);
    refuses("64k", FACT_BYTES, true);
    refuses("64s", FACT_BYTES, true);
    reads("0x1f", FACT_INT, true, 31);
    reads("-1", FACT_INT, true, -1);
    refuses("0xfffffffffffffffff", FACT_INT, true);
    refuses("1.5", FACT_INT, true);
}

static void test_unit_of_a_literal(void **state)
{
    (void)state;
    assert_int_equal(number_unit(TEXT("5")), FACT_INT);
    assert_int_equal(number_unit(TEXT("0.5")), FACT_REAL);
    assert_int_equal(number_unit(TEXT("5min")), FACT_DURATION);
    assert_int_equal(number_unit(TEXT("5KiB")), FACT_BYTES);
    assert_int_equal(number_unit(TEXT("five")), FACT_TEXT);
}

/* As near as wanted is near enough, and no distance at all is a wish like another. */
static void test_near_to_the_point(void **state)
{
    (void)state;
    const struct number a = number_of_int(100), b = number_of_int(105), c = number_of_int(106);
    const struct number five = number_of_int(5), none = number_of_int(0), less = number_of_int(-1);
    assert_true(number_near(&a, &b, &five) && number_near(&b, &a, &five));
    assert_false(number_near(&a, &c, &five) || number_near(&c, &a, &five));
    assert_true(number_near(&a, &a, &none));
    assert_false(number_near(&a, &b, &none));
    assert_false(number_near(&a, &a, &less));
}

static void test_near_does_not_overflow(void **state)
{
    (void)state;
    struct number low = number_of_int(INT64_MIN), high = number_of_int(INT64_MAX);
    struct number within = number_of_int(5);
    assert_false(number_near(&low, &high, &within));
    assert_true(number_near(&high, &high, &within));
    assert_int_equal(number_cmp(&low, &high), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),          cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_bytes_and_integers), cmocka_unit_test(test_unit_of_a_literal),
        cmocka_unit_test(test_near_to_the_point),  cmocka_unit_test(test_near_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
