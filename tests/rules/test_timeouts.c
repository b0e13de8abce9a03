/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder of idle timers: reading it, and which of them a silence is near to.
 */
#include "rules/timeouts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parsers/packet/words.h"
#include "rules/builtin.h"

static const char ladder[] =
    "<timeouts version='1'>\n"
    "<timer after='60s' tolerance='2s' kind='proxy' ends='fin' product='P' setting='s'>x</timer>\n"
    "<timer after='5s' tolerance='100ms' kind='server' product='S'>x</timer>\n"
    "<timer after='61s' tolerance='2s' kind='network' ends='rst-later' product='N'>x</timer>\n"
    "</timeouts>";

#define ANY_OF(kinds)                                                                              \
    (struct timer_wanted)                                                                          \
    {                                                                                              \
        kinds, 0                                                                                   \
    }

static void test_near(void **state)
{
    (void)state;
    struct arena a;
    struct complaints c;
    struct timeouts t;
    arena_init(&a, NULL);
    complaints_init(&c);
    assert_true(timeouts_read(&t, "t.xml", text_of(ladder), &a, &c));
    assert_int_equal(t.n, 3);
    assert_int_equal(t.v[0].after_ns, 5 * NS_PER_S); /* sorted */
    assert_true(timeouts_near(&t, 58 * NS_PER_S, ANY_OF(TIMER_ANY)));
    assert_false(timeouts_near(&t, 58 * NS_PER_S, ANY_OF(TIMER_NETWORK)));
    assert_false(timeouts_near(&t, 58 * NS_PER_S - 1, ANY_OF(TIMER_ANY)));
    assert_true(timeouts_near(&t, 5 * NS_PER_S + 100000000, ANY_OF(TIMER_SERVER)));
    assert_false(timeouts_near(&t, INSTANT_NONE, ANY_OF(TIMER_ANY)));
    struct text near = timeouts_nearest(&t, 61 * NS_PER_S, ANY_OF(TIMER_ANY), 5, &a);
    assert_true(text_eq(near, TEXT("N (61 s), P s (60 s)")));
    assert_true(
        text_eq(timeouts_nearest(&t, 61 * NS_PER_S, ANY_OF(TIMER_ANY), 1, &a), TEXT("N (61 s)")));
    assert_int_equal(timeouts_nearest(&t, 20 * NS_PER_S, ANY_OF(TIMER_ANY), 5, &a).n, 0);
    complaints_finish(&c);
    arena_finish(&a);
}

/* A timer of another protocol explains nothing. */
static void test_protocols(void **state)
{
    (void)state;
    static const char of_some[] =
        "<timeouts version='1'>"
        "<timer after='5s' tolerance='1s' kind='server' speaks='http1 http2' product='W'>x</timer>"
        "<timer after='5s' tolerance='1s' kind='server' speaks='mysql' product='M'>x</timer>"
        "<timer after='9s' tolerance='1s' kind='server' product='A'>x</timer>"
        "</timeouts>";
    static const struct {
        unsigned spoken;
        const char *near;
        bool is_near;
    } rows[] = {
        {0, "M (5 s), W (5 s)", true},      {1U << APP_HTTP2, "W (5 s)", true},
        {1U << APP_MYSQL, "M (5 s)", true}, {1U << APP_UNKNOWN | 1U << APP_HTTP1, "W (5 s)", true},
        {1U << APP_TEXT, "", false},        {1U << APP_TLS, "M (5 s), W (5 s)", true},
    };
    struct arena a;
    struct complaints c;
    struct timeouts t;
    arena_init(&a, NULL);
    complaints_init(&c);
    assert_true(timeouts_read(&t, "t.xml", text_of(of_some), &a, &c));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct timer_wanted w = {TIMER_SERVER, rows[i].spoken};
        assert_int_equal(timeouts_near(&t, 5 * NS_PER_S, w), rows[i].is_near);
        assert_true(timeouts_near(&t, 9 * NS_PER_S, w));
        assert_true(text_eq(timeouts_nearest(&t, 5 * NS_PER_S, w, 5, &a), text_of(rows[i].near)));
        instant_ns least = INT64_MIN, most = INT64_MAX;
        timeouts_limit(&t, 7 * NS_PER_S, w, &least, &most);
        assert_true((least > 6 * NS_PER_S) == rows[i].is_near);
    }
    static const char wrong[] = "<timeouts version='1'><timer after='5s' tolerance='1s' "
                                "kind='server' speaks='htp' product='W'>x</timer></timeouts>";
    assert_false(timeouts_read(&t, "t.xml", text_of(wrong), &a, &c));
    complaints_finish(&c);
    arena_finish(&a);
}

/* Within the limits all silences are alike. */
static void test_limits(void **state)
{
    (void)state;
    static const char few[] =
        "<timeouts version='1'>"
        "<timer after='20ns' tolerance='3ns' kind='proxy' product='P'>x</timer>"
        "<timer after='24ns' tolerance='2ns' kind='server' product='S'>x</timer>"
        "<timer after='9000000000s' tolerance='8000000000s' kind='server' product='L'>x</timer>"
        "</timeouts>";
    struct arena a;
    struct complaints c;
    struct timeouts t;
    arena_init(&a, NULL);
    complaints_init(&c);
    assert_true(timeouts_read(&t, "t.xml", text_of(few), &a, &c));
    for (instant_ns idle = -3; idle < 40; idle++) {
        instant_ns least = INT64_MIN, most = INT64_MAX;
        const bool is_near = timeouts_near(&t, idle, ANY_OF(TIMER_ANY));
        timeouts_limit(&t, idle, ANY_OF(TIMER_ANY), &least, &most);
        assert_true(least <= idle && idle <= most);
        for (instant_ns other = least < -9 ? -9 : least; other <= most && other < 50; other++)
            assert_int_equal(timeouts_near(&t, other, ANY_OF(TIMER_ANY)), is_near);
    }
    instant_ns least = INT64_MIN, most = INT64_MAX;
    timeouts_limit(&t, 10, ANY_OF(TIMER_ANY), &least, &most);
    assert_true(least == 0 && most == 16);
    least = 5, most = 7;
    timeouts_limit(&t, 6, ANY_OF(TIMER_ANY), &least, &most); /* never wider */
    assert_true(least == 5 && most == 7);
    least = INT64_MIN, most = INT64_MAX;
    timeouts_limit(&t, 24, ANY_OF(TIMER_PROXY), &least,
                   &most); /* those of other kinds do not count */
    assert_true(least == 24 && most == INT64_MAX);
    least = INT64_MIN, most = INT64_MAX;
    timeouts_limit(&t, INT64_MAX - 1, ANY_OF(TIMER_SERVER), &least,
                   &most); /* its end does not fit */
    assert_true(least == 1000000000 * NS_PER_S && most == INT64_MAX);
    complaints_finish(&c);
    arena_finish(&a);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const char wrong[] =
        "<timeouts version='1'>\n<timer after='60' tolerance='2s' kind='proxy' product='P'>x"
        "</timer>\n<timer after='60s' tolerance='2s' kind='prox' product='P'>x</timer></timeouts>";
    struct arena a;
    struct complaints c;
    struct timeouts t;
    char *printed = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&printed, &n);
    arena_init(&a, NULL);
    complaints_init(&c);
    assert_false(timeouts_read(&t, "t.xml", text_of(wrong), &a, &c));
    complaints_print(&c, out);
    fclose(out);
    assert_string_equal(
        printed, "t.xml:3: <timer kind>: \"prox\" is none of its values; did you mean "
                 "\"proxy\"?\n"
                 "t.xml:2: after=\"60\": write a number with its unit: ns us ms s min h d\n");
    assert_int_equal(t.n, 0);
    free(printed);
    complaints_finish(&c);
    arena_finish(&a);
}

static void test_what_is_built_in(void **state)
{
    (void)state;
    struct arena a;
    struct complaints c;
    struct timeouts t = {0};
    arena_init(&a, NULL);
    complaints_init(&c);
    for (const struct embedded_file *f = builtin_files; f->name; f++)
        if (text_eq(text_of(f->name), TEXT("rules/timeouts.xml")))
            assert_true(
                timeouts_read(&t, f->name, (struct text){(const char *)f->bytes, f->n}, &a, &c));
    assert_true(t.n >= 30);
    assert_true(timeouts_near(&t, 350 * NS_PER_S, ANY_OF(TIMER_NETWORK)));
    for (size_t i = 0; i < t.n; i++) {
        assert_true(t.v[i].product.n && t.v[i].source.n);
        assert_true(t.v[i].tolerance_ns < t.v[i].after_ns);
    }
    complaints_finish(&c);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_what_is_built_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
