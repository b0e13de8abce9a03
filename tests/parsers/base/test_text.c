/* SPDX-License-Identifier: Apache-2.0 */
/* Text views and the text buffer: total functions, whole numbers only, clean output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "parsers/base/text.h"

static void views_compare_and_cut(void **state)
{
    (void)state;
    assert_true(text_eq(text_of(NULL), TEXT("")));
    assert_true(text_eq_nocase(TEXT("SSHd"), TEXT("sshD")));
    assert_false(text_eq_nocase(TEXT("a["), TEXT("A{")));
    assert_true(text_cmp(TEXT("ab"), TEXT("abc")) < 0);
    assert_true(text_cmp(TEXT("\xff"), TEXT("a")) > 0);
    assert_true(text_starts(TEXT("connect"), TEXT("conn")));
    assert_false(text_starts(TEXT("co"), TEXT("conn")));
    assert_true(text_ends(TEXT("a.gz"), TEXT(".gz")));
    assert_int_equal(text_find(TEXT("aXbXc"), TEXT("X"), 2), 3);
    assert_true(text_find(TEXT("abc"), TEXT("abcd"), 0) == SIZE_MAX);
    assert_true(text_find(TEXT("abc"), TEXT("a"), 99) == SIZE_MAX);
    assert_true(text_find(TEXT("abcab"), TEXT("abd"), 0) == SIZE_MAX);
    assert_int_equal(text_find(TEXT("aaaaaaaaaaaaaaaaaaaaaaaab"), TEXT("aab"), 1), 22);
    assert_true(text_find(TEXT("aaaaaaaaaaaaaaaaaaaaaaaab"), TEXT("aac"), 1) == SIZE_MAX);
    assert_int_equal(text_find_nocase(TEXT("tT TOo many"), TEXT("tOO")), 3);
    assert_int_equal(text_find_nocase(TEXT("TtTo"), TEXT("TO")), 2);
    assert_int_equal(text_find_nocase(TEXT("a[b{b"), TEXT("{B")), 3); /* no letters, though near */
    assert_int_equal(text_find_nocase(TEXT("abc"), TEXT("C")), 2);
    assert_int_equal(text_find_nocase(TEXT("abc"), TEXT("")), 0);
    assert_true(text_find_nocase(TEXT("abc"), TEXT("Cd")) == SIZE_MAX);
    assert_true(text_find_nocase(TEXT("abc"), TEXT("abcd")) == SIZE_MAX);
    assert_true(text_find_nocase((struct text){0}, TEXT("a")) == SIZE_MAX);
    assert_true(text_eq(text_slice(TEXT("abc"), 1, 99), TEXT("bc")));
    assert_int_equal(text_slice(TEXT("abc"), 7, 9).n, 0);
    assert_true(text_eq(text_trim(TEXT(" \t a b\r\n")), TEXT("a b")));
    struct text head, tail;
    assert_true(text_cut(TEXT("key=value=x"), '=', &head, &tail));
    assert_true(text_eq(head, TEXT("key")) && text_eq(tail, TEXT("value=x")));
    assert_false(text_cut(TEXT("key"), '=', &head, &tail));
    assert_true(text_eq(head, TEXT("key")) && tail.n == 0);
}

/* Wherever a run lies, and next to what. */
static void runs_are_never_overlooked(void **state)
{
    (void)state;
    char bytes[64];
    assert_false(text_holds_run((struct text){0}));
    for (size_t n = 0; n <= sizeof bytes; n++)
        for (size_t at = 0; at + TEXT_RUN <= n; at++)
            for (unsigned k = 0; k < 4; k++) {
                memset(bytes, "\x1f\x80\xff\0"[k], n);
                assert_false(text_holds_run((struct text){bytes, n}));
                memset(bytes + at, " ~@`"[k], TEXT_RUN);
                assert_true(text_holds_run((struct text){bytes, n}));
            }
    for (size_t at = 0; at + TEXT_RUN <= sizeof bytes;
         at++) { /* nor what is shorter taken for one */
        memset(bytes, at % 2 ? 0x7f : 0x1f, sizeof bytes);
        memset(bytes + at, '~', TEXT_RUN - 1);
        assert_false(text_holds_run((struct text){bytes, sizeof bytes}));
        assert_false(text_holds_run((struct text){bytes + at, TEXT_RUN - 1}));
    }
    assert_true(text_is_run(TEXT(" 23456789abcde~")));
    assert_false(text_is_run(TEXT(" 23456789abcd~")));
    assert_false(text_is_run(TEXT(" 234567\n9abcdefgh~")));
    assert_false(text_is_run(TEXT(" 234567\xc3\xa9zyxwvu~")));
}

static void numbers_must_fill_the_view_and_fit(void **state)
{
    (void)state;
    uint64_t u;
    int64_t i;
    double d;
    assert_true(text_to_u64(TEXT("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(text_to_u64(TEXT("18446744073709551616"), &u));
    assert_false(text_to_u64(TEXT(""), &u) || text_to_u64(TEXT("1 "), &u));
    assert_true(text_to_i64(TEXT("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_false(text_to_i64(TEXT("9223372036854775808"), &i));
    assert_false(text_to_i64(TEXT("-"), &i) || text_to_i64(TEXT("+-1"), &i));
    assert_true(text_to_double(TEXT("-1.25e2"), &d) && d == -125.0);
    assert_true(text_to_double(TEXT(".5"), &d) && d == 0.5);
    const char *wrong[] = {"", ".", "1e", "nan", "inf", "0x10", "1,5", "1e999", " 1"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
        assert_false(text_to_double(text_of(wrong[k]), &d));
}

static void distance_counts_edits_up_to_the_limit(void **state)
{
    (void)state;
    assert_int_equal(text_distance(TEXT("filter"), TEXT("filter"), 2), 0);
    assert_int_equal(text_distance(TEXT("fitler"), TEXT("filter"), 2), 1); /* swap */
    assert_int_equal(text_distance(TEXT("fiter"), TEXT("filter"), 2), 1);
    assert_int_equal(text_distance(TEXT("kitten"), TEXT("sitting"), 5), 3);
    assert_int_equal(text_distance(TEXT("kitten"), TEXT("sitting"), 1), 2);
    assert_int_equal(text_distance(TEXT(""), TEXT("abc"), 9), 3);
}

static void utf8_is_judged_as_rfc_3629(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n, len;
    } rows[] = {
        {"a", 1, 1},
        {"\xc3\xa9", 2, 2},
        {"\xe2\x82\xac", 3, 3},
        {"\xf0\x9f\x98\x80", 4, 4},
        {"\xc0\x80", 2, 0},
        {"\xe0\x80\x80", 3, 0},
        {"\xed\xa0\x80", 3, 0},
        {"\xf4\x90\x80\x80", 4, 0},
        {"\xf0\x80\x80\x80", 4, 0},
        {"\xe2\x82", 2, 0},
        {"\xe0\x9f\xbf", 3, 0},
        {"\xe0\xa0\x80", 3, 3},
        {"\xed\x9f\xbf", 3, 3},
        {"\xee\x80\x80", 3, 3},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xf0\x90\x80\x80", 4, 4},
        {"\xf4\x8f\xbf\xbf", 4, 4},
        {"\xf5\x80\x80\x80", 4, 0},
        {"\xc2\x7f", 2, 0},
        {"\x80", 1, 0},
        {"\xff", 1, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(text_utf8_len((struct text){rows[i].bytes, rows[i].n}), rows[i].len);
}

static void escaped(struct text in, const char *want)
{
    struct strbuf b;
    strbuf_init(&b);
    strbuf_escaped(&b, in);
    assert_string_equal(b.p ? b.p : "", want);
    strbuf_finish(&b);
}

static void hostile_bytes_never_reach_the_terminal(void **state)
{
    (void)state;
    escaped(TEXT("plain \xc3\xa9"), "plain \xc3\xa9");
    escaped(TEXT("\x1b[31m\n\x7f"), "\\x1b[31m\\x0a\\x7f");
    escaped(TEXT("\xff\x80"), "\\xff\\x80");
    escaped(TEXT("\xc2\x9b"), "\\xc2\\x9b");      /* C1 CSI */
    escaped(TEXT("a\xe2\x80\xae"), "a\\u{202E}"); /* bidi override */
    escaped(TEXT("\xe2\x81\xa6\xd8\x9c"), "\\u{2066}\\u{061C}");
    escaped(TEXT("\xe2\x80\xa8"), "\\u{2028}");
    escaped(TEXT("10.\xe2\x80\x8b" /* no width */ "1"), "10.\\u{200B}1");
    escaped(TEXT("a\xf3\xa0\x81\xa1 tag"), "a\\u{E0061} tag");
    escaped(TEXT("\xc2\xad\xe2\x81\xa0"), "\\u{00AD}\\u{2060}");
    escaped(TEXT("\xe2\x80\x8d\xe2\x80\xb0"), "\xe2\x80\x8d\xe2\x80\xb0"); /* joiner, per mille */
    escaped((struct text){"a\0b", 3}, "a\\x00b");
}

static void buffer_grows_and_resets(void **state)
{
    (void)state;
    struct strbuf b;
    strbuf_init(&b);
    for (int i = 0; i < 1000; i++)
        strbuf_printf(&b, "%d,", i);
    assert_false(b.failed);
    assert_int_equal(b.n, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(strlen(b.p), b.n);
    strbuf_reset(&b);
    strbuf_char(&b, 'x');
    strbuf_str(&b, "yz");
    assert_true(text_eq(strbuf_view(&b), TEXT("xyz")));
    strbuf_finish(&b);
    strbuf_finish(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_and_cut),
        cmocka_unit_test(runs_are_never_overlooked),
        cmocka_unit_test(numbers_must_fill_the_view_and_fit),
        cmocka_unit_test(distance_counts_edits_up_to_the_limit),
        cmocka_unit_test(utf8_is_judged_as_rfc_3629),
        cmocka_unit_test(hostile_bytes_never_reach_the_terminal),
        cmocka_unit_test(buffer_grows_and_resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
