/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as people read them.
 */
#include "reports/show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void is(struct strbuf *b, const char *expected)
{
    assert_string_equal(b->p ? b->p : "", expected);
    strbuf_reset(b);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        instant_ns ns;
        const char *words;
    } rows[] = {{0, "0 \xC2\xB5s"},
                {12345, "12 \xC2\xB5s"},
                {999999, "1 ms"},
                {12300000, "12.3 ms"},
                {-12300000, "-12.3 ms"},
                {999999999, "1.0 s"},
                {NS_PER_S, "1.0 s"},
                {350200000000, "350.2 s"},
                {599990000000, "10 min 0 s"},
                {600 * NS_PER_S, "10 min 0 s"},
                {7200 * NS_PER_S, "2 h 0 min"},
                {(int64_t)3 * 86400 * NS_PER_S + 4 * 3600 * NS_PER_S, "3 d 4 h"}};
    struct strbuf b;
    strbuf_init(&b);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        show_duration(&b, rows[i].ns);
        is(&b, rows[i].words);
    }
    show_duration(&b, INT64_MIN); /* no overflow */
    assert_true(b.n > 0);
    strbuf_finish(&b);
}

static void test_counts(void **state)
{
    (void)state;
    struct strbuf b;
    strbuf_init(&b);
    show_bytes(&b, 0), is(&b, "0 bytes");
    show_bytes(&b, 1), is(&b, "1 byte");
    show_bytes(&b, 1023), is(&b, "1023 bytes");
    show_bytes(&b, 1024), is(&b, "1.0 KiB");
    show_bytes(&b, 1258291), is(&b, "1.2 MiB");
    show_bytes(&b, UINT64_MAX), is(&b, "16777216.0 TiB");
    show_count(&b, 1, "packet"), is(&b, "1 packet");
    show_count(&b, 2, "packet"), is(&b, "2 packets");
    show_count(&b, 0, "packet"), is(&b, "0 packets");
    strbuf_finish(&b);
}

static void test_texts(void **state)
{
    (void)state;
    struct strbuf b;
    strbuf_init(&b);
    show_utf8(&b, TEXT("a\xff\xc3\xa9\xed\xa0\x80z"));
    is(&b, "a\xEF\xBF\xBD\xc3\xa9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
    show_html(&b, TEXT("<a href=\"x\">&'\033"));
    is(&b, "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\\x1b");
    strbuf_finish(&b);
}

static void test_times(void **state)
{
    (void)state;
    struct error err = {0};
    struct zone *zone = zone_open(TEXT("+02:00"), &err);
    struct strbuf b;
    assert_non_null(zone);
    strbuf_init(&b);
    show_time(&b, INSTANT_NONE, 6, NULL), is(&b, "");
    show_time(&b, NS_PER_S / 2, 3, NULL), is(&b, "1970-01-01T00:00:00.500Z");
    show_time(&b, NS_PER_S / 2, 0, zone), is(&b, "1970-01-01T02:00:00+02:00");
    strbuf_finish(&b);
    zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
