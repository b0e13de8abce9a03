/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of messages: what is folded and what stays, which literals and expressions may hang on a
 * folded digit, and that what is remembered by shape is what a search finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/log/pattern_set.h"
#include "parsers/log/scan.h"

static const struct {
    const char *message, *shape;
} folded[] = {
    {"7", "0"},
    {"no number", "no number"},
    {"port 51514", "port 00000"},
    {"from 192.0.2.1 port 22 ssh2", "from 000.0.0.0 port 00 ssh2"},
    {"2001:db8::a1:99", "0000:db8::a0:00"},
    {"[ 5.25] eth10: 1000", "[ 0.00] eth10: 0000"},
    {"4F1C62A0297595: x5 xx5 xxx55 9x9xx9", "0F0C00A0000000: x0 xx5 xxx55 0x0xx9"},
    {"123456789012345a1234567890123456 1", "000000000000000a0000000000000000 0"},
    {"12345678901234ab1234567890123456 1", "00000000000000ab1234567890123456 0"},
    {"123456789012345ab1234567890123456 1", "000000000000000ab1234567890123456 0"},
    {"1234567890123456ab1234567890123456 1", "0000000000000000ab1234567890123456 0"},
    {"0123456789abcde1 12 0123456789abcdef12", "0000000000abcde1 00 0000000000abcdef12"},
    {"0123456789abcdeZ1234567890 9_9/9-9@9`9{9", "0000000000abcdeZ1234567890 0_0/0-0@0`0{0"},
    {"\xc3\xa4"
     "1 \xff"
     "2",
     "\xc3\xa4"
     "0 \xff"
     "0"},
};

static void test_folded(void **state)
{
    (void)state;
    static struct shape s, t; /* not cleared: what lies behind is nobody's */
    for (size_t i = 0; i < sizeof folded / sizeof folded[0]; i++) {
        memset(s.text, 0x55, sizeof s.text);
        assert_true(shape_of(text_of(folded[i].message), &s));
        assert_int_equal(s.n, strlen(folded[i].shape));
        if (memcmp(s.text, folded[i].shape, s.n) != 0)
            fail_msg("\"%s\" gives \"%.*s\"", folded[i].message, (int)s.n, s.text);
        memset(t.text, 0xaa, sizeof t.text);
        assert_true(shape_of(text_of(folded[i].message), &t));
        assert_true(s.hash == t.hash);
    }
    char longest[SHAPE_MAX + 1];
    memset(longest, '8', sizeof longest);
    assert_true(shape_of((struct text){longest, SHAPE_MAX}, &s));
    assert_int_equal(s.text[SHAPE_MAX - 1], '0');
    assert_false(shape_of((struct text){longest, SHAPE_MAX + 1}, &s));
    assert_false(shape_of((struct text){longest, 0}, &s));
}

/* A message with a 0 for each digit but those is its shape. */
static void test_stays(void **state)
{
    (void)state;
    uint8_t at[SHAPE_MAX];
    unsigned n;
    for (size_t i = 0; i < sizeof folded / sizeof folded[0]; i++) {
        char text[SHAPE_MAX + 1];
        const struct text m = text_of(folded[i].message);
        for (size_t k = 0; k <= m.n; k++)
            text[k] = scan_is_digit(m.p[k]) ? '0' : m.p[k];
        assert_true(shape_stays(m, at, SHAPE_MAX, &n));
        for (unsigned k = 0; k < n; k++)
            text[at[k]] = m.p[at[k]];
        assert_string_equal(text, folded[i].shape);
    }
    assert_true(shape_stays(TEXT("ssh2 eth10"), at, 3, &n));
    assert_int_equal(n, 3);
    assert_false(shape_stays(TEXT("ssh2 eth10"), at, 2, &n));
}

static void test_literals(void **state)
{
    (void)state;
    assert_false(shape_hides_from_literal(TEXT("Connection from ")));
    assert_false(shape_hides_from_literal(TEXT(" ssh2 AH01102")));
    assert_true(shape_hides_from_literal(TEXT("failed (111: ")));
    assert_true(shape_hides_from_literal(TEXT("5 times")));
    assert_true(shape_hides_from_literal(TEXT("h2")));
    assert_true(shape_hides_from_literal(TEXT("1h2")));
    assert_true(shape_hides_from_literal(TEXT("ssh2.0")));
}

static void test_expressions(void **state)
{
    (void)state;
    static const char *const alike[] = {
        "^Connection from (?'ip'\\S+) port (?'port'\\d{1,5})(?: \\[preauth\\])?$",
        "ssh2$",
        "ipv[46]: ([0-9a-fA-F.:]+)/(\\d+)",
        "^.*?(?<![\\w.])(?:\\d{1,3}(?:\\.\\d{1,3}){3})",
        "[^\\]:]+ [^ ]* [\\d.]+ [\\w-]+ x{2,3} y{ \\x20end",
        "(?=.* a)(?!b)(?>c)[!-~][]9a0-8]z",
    };
    static const char *const apart[] = {
        "(104|32): ",
        "status=0x[0-9a-f]+",
        " [1-5]\\d\\d ",
        "h?2",
        "h2",
        "sh?2",
        "s*h2",
        "(s)h2",
        "\\sh2",
        "[^0] ",
        "(a)\\1",
        "\\x31",
        "h|2",
        "(?i)a",
        "(?&name)",
        "[[:digit:]]",
        "\\d2",
        "a[46]+",
        "(?#note)x",
        "[\\x31]",
        "(?'n'a)\\k'n'",
        "a(?'x'4)",
        "\\Q4\\E",
        "[+-4]",
        "[4",
        "(*ACCEPT)",
        "(?1)",
        "\\",
        "[a-\\d]",
        "[\\w-z]",
        "\\R",
    };
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
        if (shape_hides_from_regex(text_of(alike[i])))
            fail_msg("takes all digits alike: %s", alike[i]);
    for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++)
        if (!shape_hides_from_regex(text_of(apart[i])))
            fail_msg("may tell digits apart: %s", apart[i]);
}

static struct patterns *shipped(bool without_memos)
{
    struct patterns *p = patterns_create();
    assert_non_null(p);
    assert_true(patterns_add_embedded(p, event_pattern_files, NULL, NULL));
    p->without_memos = without_memos;
    return p;
}

static void assert_same_event(const struct event *a, const struct event *b)
{
    assert_true(text_eq(a->kind, b->kind));
    assert_int_equal(a->claim, b->claim);
    assert_int_equal(a->scope, b->scope);
    assert_true(endpoint_eq(&a->client, &b->client) && endpoint_eq(&a->server, &b->server));
    assert_true(endpoint_eq(&a->src, &b->src) && endpoint_eq(&a->dst, &b->dst));
    assert_true(a->tcp_seq == b->tcp_seq && a->tcp_ack == b->tcp_ack && a->ip_id == b->ip_id);
    assert_true(a->has_seq == b->has_seq && a->has_ip_id == b->has_ip_id);
    assert_int_equal(a->n_fields, b->n_fields);
    for (unsigned i = 0; i < a->n_fields; i++) {
        assert_true(text_eq(a->fields[i].name, b->fields[i].name));
        assert_ptr_equal(a->fields[i].value.p, b->fields[i].value.p);
        assert_int_equal(a->fields[i].value.n, b->fields[i].value.n);
    }
}

static void assert_same_addresses(struct text t, const struct address_runs *runs)
{
    struct endpoint a[LOG_ADDRESSES_MAX], b[LOG_ADDRESSES_MAX];
    unsigned n = log_addresses_in(t, runs, a);
    assert_int_equal(n, log_find_addresses(t, b));
    for (unsigned i = 0; i < n; i++)
        assert_true(endpoint_eq(&a[i], &b[i]));
}

/* The message through both sets.  Gives whether it was known where addresses may stand. */
static bool match_both(struct patterns *by_shape, struct patterns *by_search,
                       const struct envelope *env)
{
    struct event a = {.program = env->program, .message = env->message}, b = a;
    struct pattern_stamp sa, sb;
    struct flaws flaws;
    flaws_init(&flaws);
    enum pattern_outcome oa = patterns_match(by_shape, &a, false, (struct text){0}, &sa, &flaws);
    bool known = a.runs != NULL;
    if (known)
        assert_same_addresses(a.message, a.runs);
    enum pattern_outcome ob = patterns_match(by_search, &b, false, (struct text){0}, &sb, &flaws);
    assert_int_equal(oa, ob);
    assert_same_event(&a, &b);
    assert_true(sa.present == sb.present && sa.after_ms == sb.after_ms);
    assert_true(!sa.present ||
                memcmp(&sa.stamp.civil, &sb.stamp.civil, sizeof sa.stamp.civil) == 0);
    flaws_finish(&flaws);
    return known;
}

/* Every sample again and again with other digits, also at places where no daemon writes them. */
static void test_remembered(void **state)
{
    (void)state;
    struct patterns *by_shape = shipped(false), *by_search = shipped(true);
    uint32_t random = 20261122;
    char line[4096];
    size_t n = patterns_count(by_shape);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < patterns_info(by_shape, i).n_samples; k++)
            for (unsigned turn = 0; turn < 24; turn++) {
                struct text t = text_slice(patterns_sample(by_shape, i, k), 0, sizeof line);
                struct envelope env;
                memcpy(line, t.p, t.n);
                t.p = line;
                envelope_parse(t, &env);
                for (char *c = line; c < line + t.n; c++) {
                    random = random * 1664525 + 1013904223;
                    if (scan_is_digit(*c) && turn % 4)
                        *c = (char)('0' + (random >> 24) % 10);
                    else if (turn > 15 && c >= env.message.p && (random >> 16) % 40 == 0)
                        *c = "07 a.:"[(random >> 8) % 6];
                }
                for (unsigned again = 0; again < 3; again++)
                    match_both(by_shape, by_search, &env);
            }
    patterns_free(by_shape);
    patterns_free(by_search);
}

static void test_runs(void **state)
{
    (void)state;
    struct patterns *by_shape = shipped(false), *by_search = shipped(true);
    struct envelope env = {.program = TEXT("worker")};
    static const char *const alike[][3] = {
        {"job 17 done in 4 ms", "job 18 done in 4 ms", "job 99 done in 5 ms"},
        {"host 999.9.9.9 is gone", "host 000.0.0.0 is gone", "host 192.0.2.1 is gone"},
        {"from 192.0.2.1 port 22222 to 198.51.100.7", "from 192.0.2.9 port 99999 to 198.51.100.7",
         "from 999.0.2.1 port 22222 to 198.51.100.7"},
    };
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
        for (size_t k = 0; k < 3; k++) { /* known when it came twice */
            env.message = text_of(alike[i][k]);
            assert_int_equal(match_both(by_shape, by_search, &env), k == 2);
        }
    /* what the port word reaches hangs on the number */
    env.message = TEXT("from 192.0.2.1 port 22:198.51.100.7");
    for (size_t k = 0; k < 4; k++)
        assert_false(match_both(by_shape, by_search, &env));
    patterns_free(by_shape);
    patterns_free(by_search);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folded),     cmocka_unit_test(test_stays),
        cmocka_unit_test(test_literals),   cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_remembered), cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
