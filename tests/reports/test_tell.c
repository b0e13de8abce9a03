/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that text and page share.
 */
#include "reports/tell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/log/event.h"
#include "tests/reports/sheet.h"

static void is(struct strbuf *b, const char *expected)
{
    assert_string_equal(b->p ? b->p : "", expected);
    strbuf_reset(b);
}

static void headline(struct strbuf *b, size_t faults, size_t notices, size_t harmless)
{
    struct sheet s;
    struct arrangement a = {.n_by_severity = {harmless, notices, faults}};
    sheet_make(&s,
               &(struct sheet_plan){.n_diagnoses = faults + notices + harmless, .n_segments = 1});
    tell_headline(b, &s.f, &a);
    sheet_finish(&s);
}

static void test_headline(void **state)
{
    (void)state;
    struct strbuf b;
    strbuf_init(&b);
    headline(&b, 0, 0, 0), is(&b, "1 connection, none reset.");
    headline(&b, 1, 0, 0), is(&b, "2 connections, 1 reset: 1 matters (1 fault), 0 harmless.");
    headline(&b, 0, 2, 1), is(&b, "4 connections, 3 reset: 2 matter (2 notices), 1 harmless.");
    headline(&b, 1, 1, 1),
        is(&b, "4 connections, 3 reset: 2 matter (1 fault, 1 notice), 1 harmless.");
    headline(&b, 0, 0, 3), is(&b, "4 connections, 3 reset: none matters, 3 harmless.");
    strbuf_finish(&b);
}

/* A file that was changed before its second reading: that a connection was reset is known, and
 * nothing else. */
static void test_headline_of_lost_resets(void **state)
{
    (void)state;
    struct strbuf b;
    struct sheet s;
    const struct arrangement none = {0};
    strbuf_init(&b);
    sheet_make(&s, &(struct sheet_plan){.n_segments = 1});
    flaws_init(&s.c.captures[0].flaws);
    flaws_add_n(&s.c.captures[0].flaws, "tracker.resets-not-read-again", 0, 3);
    tell_headline(&b, &s.f, &none);
    is(&b, "1 connection, 3 reset, which could not be read again.");
    flaws_finish(&s.c.captures[0].flaws);
    sheet_finish(&s);
    strbuf_finish(&b);
}

static void test_resets_over_a_budget(void **state)
{
    (void)state;
    struct strbuf b;
    struct sheet s;
    const struct arrangement none = {0};
    strbuf_init(&b);
    sheet_make(&s, &(struct sheet_plan){.n_segments = 1});
    s.c.n_resets_lost = 3;
    tell_headline(&b, &s.f, &none);
    is(&b, "1 connection, 3 reset, none of which was kept.");
    tell_lost_resets(&b, &s.c);
    assert_non_null(strstr(b.p, "3 more reset connections were counted, and nothing else is said "
                                "of them: "));
    assert_non_null(strstr(b.p, "--memory gives more of it"));
    sheet_finish(&s);
    strbuf_finish(&b);
}

static void test_confidence(void **state)
{
    (void)state;
    struct strbuf b;
    strbuf_init(&b);
    tell_confidence(&b, 0.996), is(&b, "almost certain (0.99)");
    tell_confidence(&b, 1.0), is(&b, "almost certain (1.00)");
    tell_confidence(&b, 0.818), is(&b, "likely (0.82)");
    tell_confidence(&b, 0.05), is(&b, "a guess (0.05)");
    strbuf_finish(&b);
}

static void test_ties(void **state)
{
    (void)state;
    struct event e = {.time = NS_PER_S};
    struct link l = {.event = &e, .join = JOIN_TUPLE, .offset_ns = -38600000, .recognised = true};
    struct strbuf b;
    strbuf_init(&b);
    tell_tie(&b, &l), is(&b, "38.6 ms before the RST, names both ends");
    l.uncertainty_ns = 20000000;
    tell_tie(&b, &l), is(&b, "38.6 ms before the RST (\xC2\xB1 20 ms), names both ends");
    l = (struct link){.event = &e,
                      .recognised = true,
                      .join = JOIN_PID,
                      .bridge_line = 7,
                      .offset_ns = 2 * NS_PER_S,
                      .ambiguous = true};
    tell_tie(&b, &l);
    is(&b, "2.0 s after the RST, is of the process that line 7 ties to the connection, fits other "
           "connections as well");
    l = (struct link){.event = &e, .join = JOIN_HOST, .offset_ns = 12, .recognised = true};
    tell_tie(&b, &l), is(&b, "at the time of the RST, is of a host of the connection");
    e.time = INSTANT_NONE;
    l.join = JOIN_ADDRESS;
    l.ambiguous = false;
    tell_tie(&b, &l), is(&b, "names an address of the connection");
    strbuf_finish(&b);
}

static void test_clocks(void **state)
{
    (void)state;
    struct case_log l = {.offset_known = true,
                         .offset_ns = -15500000,
                         .offset_spread_ns = 119000000,
                         .n_anchors = 1};
    struct strbuf b;
    strbuf_init(&b);
    tell_clock(&b, &l);
    is(&b, "clock 15.5 ms behind the capture's (\xC2\xB1 119 ms), by 1 line");
    struct case_clock_step step = {24, 25, -3600 * NS_PER_S, NS_PER_S / 2};
    struct case_clock k = {.by = CLOCK_BY_TURNS,
                           .offset_ns = 2 * NS_PER_S,
                           .spread_ns = NS_PER_S / 4,
                           .n_anchors = 3,
                           .drifts = true,
                           .drift_ppb = -80400,
                           .drift_spread_ppb = 5000,
                           .steps = &step,
                           .n_steps = 1};
    l.clocks = &k;
    l.n_clocks = 1;
    tell_clock(&b, &l);
    is(&b,
       "clock 2.0 s ahead of the capture's (\xC2\xB1 250 ms), by 3 lines about services that went "
       "down or came up; it runs 80 ppm slow (\xC2\xB1 5 ppm); it was set 60 min 0 s back "
       "(\xC2\xB1 500 ms) between lines 24 and 25");
    k = (struct case_clock){.by = CLOCK_BY_ONE_END, .offset_ns = 0, .spread_ns = NS_PER_S};
    tell_clock(&b, &l);
    is(&b, "clock 0 µs ahead of the capture's (\xC2\xB1 1.0 s), if the end of a service that "
           "it reports is the one captured");
    k.by = CLOCK_CONTESTED;
    l.offset_known = false;
    l.offset_spread_ns = 5 * NS_PER_S;
    tell_clock(&b, &l);
    is(&b,
       "clock not measured: its lines fit two offsets equally well; taken to agree within 5.0 s");
    l = (struct case_log){0};
    tell_clock(&b, &l);
    is(&b, "clock not measured: no line names a captured connection with its port");
    strbuf_finish(&b);
}

static void test_cuts(void **state)
{
    (void)state;
    bool was_cut;
    assert_true(text_eq(tell_cut(TEXT("abc \r\n"), 3, &was_cut), TEXT("abc")));
    assert_false(was_cut);
    assert_true(text_eq(tell_cut(TEXT("abcd"), 3, &was_cut), TEXT("abc")));
    assert_true(was_cut);
    assert_true(text_eq(tell_cut(TEXT("ab\xe2\x82\xac"), 4, &was_cut), TEXT("ab")));
    assert_true(tell_cut(TEXT("\x80\x80\x80\x80\x80\x80\x80\x80"), 6, &was_cut).n >= 2);
    assert_int_equal(tell_cut(TEXT(""), 6, &was_cut).n, 0);
}

/* Only where it could change the answer, and the same words once. */
static void test_what_to_collect(void **state)
{
    (void)state;
    struct to_collect v[TELL_COLLECT_MAX];
    struct undecided u[] = {{"a", "oom-kill", TEXT("m"), TEXT("the kernel's log"), 0},
                            {"b", "process-crash", TEXT("m"), TEXT("the kernel's log"), 0},
                            {"c", "host-reboot", TEXT("m"), TEXT(""), 0},
                            {"d", "proxy-timeout", TEXT("m"), TEXT("the proxy's log"), 0}};
    struct diagnosis d = {
        .severity = SEVERITY_FAULT, .confidence = 0.6, .undecided = u, .n_undecided = 4};
    assert_int_equal(tell_collect(&d, false, v), 2);
    assert_true(text_eq(v[0].what, TEXT("the kernel's log")));
    assert_string_equal(v[0].cause, "oom-kill");
    assert_string_equal(v[1].cause, "proxy-timeout");
    d.confidence = 0.95;
    assert_int_equal(tell_collect(&d, false, v), 0);
    assert_int_equal(tell_collect(&d, true, v), 2);
    d.confidence = 0.6;
    u[3].n_against = 1;
    assert_int_equal(tell_collect(&d, false, v), 1);
    assert_int_equal(tell_collect(&d, true, v), 2);
    u[3].n_against = 0;
    d.confidence = 0.95;
    struct alternative other = {.cause = "x", .indistinct = true};
    d.alternatives = &other;
    d.n_alternatives = 1;
    assert_int_equal(tell_collect(&d, false, v), 2);
    d.severity = SEVERITY_HARMLESS;
    assert_int_equal(tell_collect(&d, false, v), 0);
}

/* What the diagnosis itself lacks comes before what would speak for another. */
static void test_own_collect_comes_first(void **state)
{
    (void)state;
    struct to_collect v[TELL_COLLECT_MAX];
    struct undecided u[] = {{"a", "oom-kill", TEXT("m"), TEXT("the kernel's log"), 0},
                            {"d", "proxy-timeout", TEXT("m"), TEXT("the proxy's log"), 0}};
    struct alternative others[] = {
        {.cause = "x", .told_apart_by = TEXT("not asked: it is told apart")},
        {.cause = "y", .indistinct = true, .told_apart_by = TEXT("a capture at the server")}};
    struct diagnosis d = {.severity = SEVERITY_FAULT,
                          .confidence = 0.6,
                          .collect = TEXT("the server's journal"),
                          .undecided = u,
                          .n_undecided = 2,
                          .alternatives = others,
                          .n_alternatives = 2};
    assert_int_equal(tell_collect(&d, false, v), 3);
    assert_true(text_eq(v[0].what, TEXT("the server's journal")));
    assert_null(v[0].cause);
    assert_true(text_eq(v[1].what, TEXT("a capture at the server")));
    assert_string_equal(v[1].cause, "y");
    assert_string_equal(v[2].cause, "oom-kill");
    others[1].told_apart_by = TEXT("the server's"); /* said, with more */
    assert_int_equal(tell_collect(&d, false, v), 3);
    assert_string_equal(v[1].cause, "oom-kill");
    others[1].told_apart_by = d.collect;
    assert_int_equal(tell_collect(&d, false, v), 3);
    assert_string_equal(v[1].cause, "oom-kill");
}

static void test_lost_frames(void **state)
{
    (void)state;
    struct strbuf b;
    strbuf_init(&b);
    struct case_capture k = {.n_packets = 100, .loss = {.n_held = 90}};
    tell_lost(&b, &k), is(&b, "");
    k.loss.n_missed = 25;
    tell_lost(&b, &k);
    assert_true(text_starts(strbuf_view(&b), TEXT(", about 20 % of what passed was not captured")));
    strbuf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headline),        cmocka_unit_test(test_resets_over_a_budget),
        cmocka_unit_test(test_lost_frames),     cmocka_unit_test(test_headline_of_lost_resets),
        cmocka_unit_test(test_confidence),      cmocka_unit_test(test_ties),
        cmocka_unit_test(test_clocks),          cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_what_to_collect), cmocka_unit_test(test_own_collect_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
