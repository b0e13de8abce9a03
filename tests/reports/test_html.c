/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page's budget: however much there is to say, it stays within its bytes, is whole, and tells
 * what it left out.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/reports/sheet.h"

static const struct text middling = {
    "Nov 22 23:38:39 web2 sshd[28587]: drop connection #0 from [203.0.113.91]:38929 on "
    "[198.51.100.79]:22 penalty: failed authentication <&>",
    135};

static struct text page_of(const struct sheet_plan *plan)
{
    struct sheet s;
    struct report_options o = {0};
    sheet_make(&s, plan);
    struct text t = sheet_report(&report_html, &s.f, &o);
    sheet_finish(&s);
    return t;
}

static size_t count(struct text t, const char *what)
{
    size_t n = 0;
    for (size_t at = 0; (at = text_find(t, text_of(what), at)) != SIZE_MAX; at++)
        n++;
    return n;
}

/* Sums "Left out here: N more case..., N more." and what is shown: nothing is lost without a word.
 */
static void assert_whole(struct text t, size_t most)
{
    assert_true(t.n <= most);
    assert_true(text_ends(t, TEXT("</html>\n")));
    assert_int_equal(count(t, "<table"), count(t, "</table>"));
    assert_int_equal(count(t, "<section"), count(t, "</section>"));
    assert_int_equal(count(t, "<details"), count(t, "</details>"));
    assert_int_equal(count(t, "id=\"read\""), 1);
}

static void assert_fits(size_t n, bool alike, size_t most, bool leaves_out)
{
    struct text t = page_of(&(struct sheet_plan){.n_diagnoses = n,
                                                 .alike = alike,
                                                 .n_unmatched = n / 2,
                                                 .n_segments = 40,
                                                 .hostile = middling});
    assert_whole(t, most);
    assert_int_equal(text_find(t, TEXT("Left out here: "), 0) != SIZE_MAX, leaves_out);
    sheet_report_free(t);
}

static void test_a_hundred(void **state)
{
    (void)state;
    assert_fits(1, true, 1000000, false);
    assert_fits(20, false, 1000000, false);
    assert_fits(100, true, 1000000, false);
    assert_fits(100, false, 1000000, true);
}

static void test_thousands(void **state)
{
    (void)state;
    assert_fits(2000, true, 5000000, true);
    assert_fits(2000, false, 5000000, true);
    assert_fits(50000, true, 5000000, true);
    assert_fits(50000, false, 5000000, true);
}

/* A log line of 8 KiB that escapes to five times its length, in every place at once. */
static void test_endless_texts(void **state)
{
    (void)state;
    static char endless[8192];
    memset(endless, '"', sizeof endless);
    for (int alike = 0; alike < 2; alike++) {
        struct text t = page_of(&(struct sheet_plan){.n_diagnoses = 100,
                                                     .alike = alike,
                                                     .n_unmatched = 100,
                                                     .n_segments = 40,
                                                     .hostile = {endless, sizeof endless}});
        assert_whole(t, 1000000);
        sheet_report_free(t);
    }
}

/* The severest come first, and one case of many members counts them all. */
static void test_what_is_left_out_is_counted(void **state)
{
    (void)state;
    struct text t = page_of(&(struct sheet_plan){
        .n_diagnoses = 5000, .alike = true, .n_segments = 4, .hostile = TEXT("x")});
    size_t listed = count(t, "<details") + count(t, "<li><code>192.0.2.1:50000"), n = 0;
    size_t at = text_find(t, TEXT("Left out here: "), 0);
    assert_true(at != SIZE_MAX);
    for (const char *p = t.p + at + 15; *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (size_t)(*p - '0');
    assert_int_equal(1 + listed + n, 5000);
    assert_true(text_find(t, TEXT("4999 more like it"), 0) != SIZE_MAX);
    sheet_report_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hundred),
        cmocka_unit_test(test_thousands),
        cmocka_unit_test(test_endless_texts),
        cmocka_unit_test(test_what_is_left_out_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
