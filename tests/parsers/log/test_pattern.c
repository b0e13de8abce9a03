/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The patterns that ship: every one compiles, matches its own samples before any other pattern
 * does, through the envelope parser and through the whole reader; and what the loader refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/base/arena.h"
#include "parsers/log/pattern.h"
#include "parsers/log/reader.h"

static void complain(void *ctx, const char *file, unsigned line, const char *text)
{
    struct strbuf *out = ctx;
    strbuf_printf(out, "%s:%u: %s\n", file, line, text);
}

static struct patterns *shipped(void)
{
    struct strbuf out;
    strbuf_init(&out);
    struct patterns *p = patterns_create();
    assert_non_null(p);
    if (!patterns_add_embedded(p, event_pattern_files, complain, &out))
        fail_msg("%s", out.p);
    strbuf_finish(&out);
    return p;
}

static void test_samples(void **state)
{
    (void)state;
    struct strbuf out;
    strbuf_init(&out);
    struct patterns *p = shipped();
    if (!patterns_check(p, complain, &out) || !patterns_check_sources(p, complain, &out))
        print_error("%s", out.p);
    assert_int_equal(out.n, 0);
    strbuf_finish(&out);
    patterns_free(p);
}

struct seen {
    struct text kind; /* of the pattern: outlives the event */
    unsigned n;
};

static bool see(void *ctx, const struct event *e)
{
    struct seen *s = ctx;
    s->kind = e->kind;
    s->n++;
    return true;
}

/* One line through a whole reader, cut in two at every byte offset given by step. */
static void read_line(struct patterns *p, struct text line, size_t cut, struct seen *seen)
{
    struct flaws flaws;
    struct log_config config = {.span_first = 0, .span_last = 0, .boot = INSTANT_NONE};
    flaws_init(&flaws);
    struct log_reader *r = log_reader_create(p, &config, &flaws);
    assert_non_null(r);
    log_reader_feed(r, line.p, cut, see, seen);
    log_reader_feed(r, line.p + cut, line.n - cut, see, seen);
    log_reader_end(r, see, seen);
    log_reader_free(r);
    flaws_finish(&flaws);
}

static void test_samples_through_reader(void **state)
{
    (void)state;
    struct patterns *p = shipped();
    for (size_t i = 0; i < patterns_count(p); i++) {
        struct pattern_info info = patterns_info(p, i);
        for (size_t k = 0; k < info.n_samples; k++) {
            struct text line = patterns_sample(p, i, k);
            struct seen seen = {.n = 0};
            read_line(p, line, line.n / 2, &seen);
            if (seen.n != 1 || !text_eq(seen.kind, info.kind))
                fail_msg("%s:%u sample %zu: " TEXT_FMT " read as \"" TEXT_FMT "\" (%u events)",
                         info.file, info.line, k, TEXT_ARG(info.kind), TEXT_ARG(seen.kind), seen.n);
        }
    }
    patterns_free(p);
}

#define DOC(body) "<events programs=\"d\">\n" body "</events>\n"
#define GOOD                                                                                       \
    "<event kind=\"a.b\" reference=\"s\"><literal at=\"start\">x </literal><regex>^x "             \
    "(?'n'\\d+)$</regex>"                                                                          \
    "<sample n=\"1\">Jan  1 00:00:00 h d[1]: x 1</sample></event>"

static const struct {
    const char *xml, *complaint; /* NULL: fine */
} loads[] = {
    {DOC(GOOD), NULL},
    {"<rules/>", "f.xml:1: the root element must be <events>"},
    {"<events>", "f.xml:1: not well-formed XML"},
    {DOC("<evnt/>"), "f.xml:2: <events> has no element <evnt>, did you mean \"event\"?"},
    {DOC("<event kind=\"a.b\" reference=\"s\" clam=\"reset\">"
         "<literal>x</literal><regex>x</regex><sample>x</sample></event>"),
     "has no attribute \"clam\", did you mean \"claim\"?"},
    {DOC("<event kind=\"a.b\" reference=\"s\" claim=\"rest\"><literal>x</literal><regex>x</regex>"
         "<sample>x</sample></event>"),
     "unknown claim \"rest\", did you mean \"reset\"?"},
    {DOC("<event kind=\"ab\" "
         "reference=\"s\"><literal>x</literal><regex>x</regex><sample>x</sample></event>"),
     "needs a kind like"},
    {DOC("<event kind=\"a.b\" reference=\"s\"><regex>x</regex><sample>x</sample></event>"),
     "needs a <literal>"},
    {DOC("<event kind=\"a.b\" reference=\"s\"><literal>x</literal><sample>x</sample></event>"),
     "needs a <regex>"},
    {DOC("<event kind=\"a.b\" reference=\"s\"><literal>x</literal><regex>x</regex></event>"),
     "needs a <sample>"},
    {DOC("<event kind=\"a.b\"><literal>x</literal><regex>x</regex><sample>x</sample></event>"),
     "needs a reference"},
    {DOC("<event kind=\"a.b\" reference=\"s\" checked=\"sauce\"><literal>x</literal>"
         "<regex>x</regex><sample>x</sample></event>"),
     "unknown value \"sauce\" of checked, did you mean \"source\"?"},
    {DOC("<event kind=\"a.b\" "
         "reference=\"s\"><literal>x</literal><regex>%{y}</regex><sample>x</sample></event>"),
     "%{y} is not defined above"},
    {"<!DOCTYPE events [<!ENTITY a \"b\">]>\n<events>&a;</events>",
     "f.xml:1: document types and entities are not allowed"},
    {DOC("<event kind=\"a.b\" reference=\"s\"><literal>x</literal><regex>(x</regex>"
         "<sample>Jan  1 00:00:00 h d[1]: x</sample></event>"),
     "f.xml:2: the expression does not compile"},
    {DOC("<event kind=\"a.b\" reference=\"s\"><literal>x</literal><regex>^x$</regex>"
         "<sample>Jan  1 00:00:00 h d[1]: xy</sample></event>"),
     "f.xml:2: the sample is not matched; its program is \"d\", its message \"xy\""},
    {DOC("<event kind=\"a.b\" reference=\"s\"><literal>x</literal><regex>^x (?'n'.)$</regex>"
         "<sample n=\"2\">Jan  1 00:00:00 h d[1]: x 1</sample></event>"),
     "f.xml:2: n should be \"2\", the pattern gives \"1\""},
    {DOC(GOOD "\n<event kind=\"c.d\" reference=\"s\"><literal>x</literal><regex>x</regex>"
              "<sample>Jan  1 00:00:00 h d[1]: x 1</sample></event>"),
     "f.xml:3: the sample is taken by a.b (f.xml:2)"},
    {DOC("<event kind=\"a.b\" reference=\"s\"><literal>a</literal><regex>^(a+)+$</regex>"
         "<sample>Jan  1 00:00:00 h d[1]: "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab</sample></event>"),
     "gives up on its sample: too costly"},
};

static void test_complaints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        struct strbuf out;
        strbuf_init(&out);
        struct patterns *p = patterns_create();
        bool ok = patterns_add(p, "f.xml", loads[i].xml, strlen(loads[i].xml), complain, &out);
        ok = patterns_check(p, complain, &out) && ok;
        if (ok != !loads[i].complaint)
            fail_msg("row %zu: %s", i, out.p ? out.p : "no complaint");
        if (loads[i].complaint && !strstr(out.p, loads[i].complaint))
            fail_msg("row %zu: wanted \"%s\", got \"%s\"", i, loads[i].complaint, out.p);
        patterns_free(p);
        strbuf_finish(&out);
    }
}

static void test_sources(void **state)
{
    (void)state;
    static const char unchecked[] =
        "<events programs=\"d\"><event kind=\"a.b\" reference=\"s\"><literal>x</literal>"
        "<regex>x</regex><sample>Jan  1 00:00:00 h d[1]: x</sample></event></events>";
    struct strbuf out;
    strbuf_init(&out);
    struct patterns *p = patterns_create();
    assert_true(patterns_add(p, "f.xml", unchecked, strlen(unchecked), complain, &out));
    assert_true(patterns_check(p, complain, &out));
    assert_false(patterns_check_sources(p, complain, &out));
    assert_string_equal(out.p, "f.xml:1: a.b does not say what its text was checked against\n");
    patterns_free(p);
    strbuf_finish(&out);
}

static void test_limits(void **state)
{
    (void)state;
    struct strbuf out;
    strbuf_init(&out);
    struct patterns *p = patterns_create();
    size_t n = (1u << 20) + 1;
    char *big = calloc(1, n + 1);
    memset(big, ' ', n);
    assert_false(patterns_add(p, "big.xml", big, n, complain, &out));
    assert_non_null(strstr(out.p, "larger than 1 MiB"));
    assert_false(patterns_add(p, "nul.xml", "<events>\0</events>", 18, complain, &out));
    assert_non_null(strstr(out.p, "not UTF-8 text"));
    free(big);
    patterns_free(p);
    strbuf_finish(&out);
}

static void test_later_file_replaces(void **state)
{
    (void)state;
    static const char *const mine =
        DOC("<event kind=\"my.kind\" reference=\"s\" id=\"a.b\"><literal at=\"start\">x </literal>"
            "<regex>^x .*</regex><sample>Jan  1 00:00:00 h d[1]: x 1</sample></event>");
    struct patterns *p = patterns_create();
    assert_true(patterns_add(p, "one.xml", DOC(GOOD), strlen(DOC(GOOD)), NULL, NULL));
    assert_true(patterns_have_kind(p, TEXT("a.b")));
    assert_true(patterns_add(p, "two.xml", mine, strlen(mine), NULL, NULL));
    assert_false(patterns_have_kind(p, TEXT("a.b")));
    struct seen seen = {.n = 0};
    read_line(p, TEXT("Jan  1 00:00:00 h d[1]: x 1"), 5, &seen);
    assert_true(text_eq(seen.kind, TEXT("my.kind")));
    patterns_free(p);
}

static void test_kinds(void **state)
{
    (void)state;
    size_t n = 0;
    struct patterns *p = shipped();
    const struct text *kinds = patterns_kinds(p, &n);
    assert_true(n > 80 && n < patterns_count(p));
    for (size_t i = 1; i < n; i++)
        assert_true(text_cmp(kinds[i - 1], kinds[i]) < 0);
    assert_true(patterns_kind_has_field(p, TEXT("ssh.drop-connection"), TEXT("reason")));
    assert_true(patterns_kind_has_field(p, TEXT("ssh.drop-connection"), TEXT("server")));
    assert_false(patterns_kind_has_field(p, TEXT("ssh.drop-connection"), TEXT("user")));
    assert_false(patterns_kind_has_field(p, TEXT("no.such"), TEXT("user")));
    patterns_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),    cmocka_unit_test(test_samples_through_reader),
        cmocka_unit_test(test_complaints), cmocka_unit_test(test_sources),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_later_file_replaces),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
