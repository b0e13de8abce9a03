/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever an attacker writes into logs, names and payload: no format lets it act on its reader,
 * and none loses it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/reports/sheet.h"

static struct text report_of(const struct report_format *format, struct text hostile)
{
    struct sheet s;
    struct report_options o = {.verbosity = 2};
    sheet_make(&s, &(struct sheet_plan){
                       .n_diagnoses = 3, .n_unmatched = 2, .n_segments = 5, .hostile = hostile});
    struct text t = sheet_report(format, &s.f, &o);
    sheet_finish(&s);
    return t;
}

static bool holds(struct text t, const char *what)
{
    return text_find(t, text_of(what), 0) != SIZE_MAX;
}

/* Valid UTF-8 without controls but the newline, without C1, bidi marks and line separators. */
static void assert_clean(struct text t)
{
    while (t.n > 0) {
        size_t n = text_utf8_len(t);
        unsigned char a = (unsigned char)t.p[0], b = n > 1 ? (unsigned char)t.p[1] : 0,
                      c = n > 2 ? (unsigned char)t.p[2] : 0;
        assert_true(n > 0);
        assert_true(n > 1 || (a >= 0x20 && a != 0x7f) || a == '\n');
        assert_false(a == 0xc2 && b < 0xa0);  /* C1 */
        assert_false(a == 0xd8 && b == 0x9c); /* U+061C */
        assert_false(a == 0xe2 && b == 0x80 &&
                     (c == 0x8e || c == 0x8f || (c >= 0xa8 && c <= 0xae)));
        assert_false(a == 0xe2 && b == 0x81 && c >= 0xa6 && c <= 0xa9);
        t = text_slice(t, n, t.n);
    }
}

static void test_text(void **state)
{
    (void)state;
    struct text t = report_of(&report_text, sheet_hostile);
    assert_clean(t);
    assert_true(holds(t, "\\x1b[31m"));
    assert_true(holds(t, "\\u{202e}") || holds(t, "\\u{202E}"));
    assert_true(holds(t, "\\xff"));
    sheet_report_free(t);
}

static size_t count(struct text t, const char *what)
{
    size_t n = 0;
    for (size_t at = 0; (at = text_find(t, text_of(what), at)) != SIZE_MAX; at++)
        n++;
    return n;
}

/* The same markup comes out whatever the texts are: nothing in them opens or closes an element. */
static void test_html(void **state)
{
    (void)state;
    struct text hostile = report_of(&report_html, sheet_hostile);
    struct text tame = report_of(&report_html, TEXT("tame"));
    assert_clean(hostile);
    assert_int_equal(count(hostile, "<"), count(tame, "<"));
    assert_int_equal(count(hostile, ">"), count(tame, ">"));
    assert_int_equal(count(hostile, "\""), count(tame, "\""));
    assert_int_equal(count(hostile, "'"), count(tame, "'"));
    assert_false(holds(hostile, "<script"));
    assert_true(holds(hostile, "&lt;script&gt;"));
    sheet_report_free(hostile);
    sheet_report_free(tame);
}

static void test_html_loads_nothing(void **state)
{
    (void)state;
    static const char *const loaders[] = {"src=",    "url(",  "@import", "<link", "<script",
                                          "<iframe", "http:", "https:",  "onload"};
    struct text t = report_of(&report_html, TEXT("tame"));
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        assert_false(holds(t, loaders[i]));
    assert_true(holds(t, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"));
    sheet_report_free(t);
}

static void assert_no_null(const json_t *v)
{
    const char *key;
    json_t *each;
    size_t i;
    assert_false(json_is_null(v));
    json_object_foreach((json_t *)(uintptr_t)v, key, each) assert_no_null(each);
    json_array_foreach((json_t *)(uintptr_t)v, i, each) assert_no_null(each);
}

static void test_json(void **state)
{
    (void)state;
    struct text t = report_of(&report_json, sheet_hostile), line;
    size_t n = 0, n_diagnoses = 0;
    for (size_t i = 0; i < t.n; i++)
        assert_true(t.p[i] == '\n' || (t.p[i] >= 0x20 && t.p[i] < 0x7f));
    for (struct text rest = t; rest.n > 0; n++) {
        json_error_t e;
        assert_true(text_cut(rest, '\n', &line, &rest));
        json_t *o = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
        assert_non_null(o);
        assert_no_null(o);
        n_diagnoses += strcmp(json_string_value(json_object_get(o, "type")), "diagnosis") == 0;
        json_decref(o);
    }
    assert_int_equal(n_diagnoses, 3);
    assert_int_equal(n, 1 + 1 + 1 + 3 + 2 + 1);
    assert_true(holds(t, "\\u001B[31m"));
    sheet_report_free(t);
}

static void test_same_bytes_twice(void **state)
{
    (void)state;
    size_t n;
    const struct report_format *const *formats = report_formats(&n);
    for (size_t i = 0; i < n; i++) {
        struct text a = report_of(formats[i], sheet_hostile),
                    b = report_of(formats[i], sheet_hostile);
        assert_true(text_eq(a, b));
        sheet_report_free(a);
        sheet_report_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_html_loads_nothing),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_same_bytes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
