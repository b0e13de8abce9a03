/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text report of very many findings: what a person reads stays short, and what is left out is
 * counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reports/crowd.h"
#include "reports/tell.h"
#include "tests/reports/sheet.h"

static size_t count(struct text t, const char *what)
{
    size_t n = 0;
    for (size_t at = 0; (at = text_find(t, text_of(what), at)) != SIZE_MAX; at++)
        n++;
    return n;
}

static bool holds(struct text t, const char *what)
{
    return text_find(t, text_of(what), 0) != SIZE_MAX;
}

/* Each a case of its own: the first in full, more in a line, the rest counted. */
static void test_many_cases(void **state)
{
    (void)state;
    struct sheet s;
    struct report_options o = {.width = 100};
    sheet_make(&s,
               &(struct sheet_plan){.n_diagnoses = 3000, .n_segments = 2, .hostile = TEXT("x")});
    struct text t = sheet_report(&report_text, &s.f, &o);
    assert_int_equal(count(t, "Wireshark filter: "), 50);
    assert_int_equal(count(t, "    1  application-abort      at 198.51."), TELL_MOST_LISTED);
    assert_true(holds(t, "... and 1950 more cases with 1950 resets"));
    assert_int_equal(count(t, "\n1. x\n"), 1);
    assert_int_equal(count(t, "\n50. x\n"), 1);
    assert_int_equal(count(t, "\n0. ") + count(t, "\n51. "), 0);
    assert_false(holds(t, "Resets that ended nothing"));
    sheet_report_free(t);
    o.verbosity = 1;
    t = sheet_report(&report_text, &s.f, &o);
    assert_int_equal(count(t, "Wireshark filter: "), TELL_MOST_LISTED);
    assert_true(holds(t, "... and 1000 more cases with 1000 resets"));
    sheet_report_free(t);
    sheet_finish(&s);
}

/* One case of many: a few of them, where they came from, and how many more. */
static void test_many_members(void **state)
{
    (void)state;
    struct sheet s;
    struct report_options o = {.width = 100};
    sheet_make(&s, &(struct sheet_plan){
                       .n_diagnoses = 3000, .alike = true, .n_segments = 2, .hostile = TEXT("x")});
    struct text t = sheet_report(&report_text, &s.f, &o);
    assert_true(holds(t, "And 2999 more like it\n     all from 1 client; 1970-01-01T00:16:40"));
    assert_int_equal(count(t, "     192.0.2.1:50000 ->"), 8);
    assert_true(holds(t, "... and 2991 more (-o report.jsonl holds every one)"));
    sheet_report_free(t);
    o.verbosity = 1;
    t = sheet_report(&report_text, &s.f, &o);
    assert_int_equal(count(t, "     192.0.2.1:50000 ->"), TELL_MOST_LISTED);
    assert_true(holds(t, "... and 1999 more (-o report.jsonl holds every one)"));
    sheet_report_free(t);
    sheet_finish(&s);
}

/* Where the first one's capture does not hold them, members say which does; and a capture without
 * a packet has no times. */
static void test_members_of_other_captures(void **state)
{
    (void)state;
    struct sheet s;
    struct report_options o = {.width = 100};
    struct case_capture captures[2];
    sheet_make(&s, &(struct sheet_plan){
                       .n_diagnoses = 3, .alike = true, .n_segments = 2, .hostile = TEXT("x")});
    captures[0] = captures[1] = s.c.captures[0];
    captures[0].name = TEXT("a.pcap");
    captures[1].name = TEXT("b.pcap");
    captures[1].first = captures[1].last = INSTANT_NONE;
    s.c.captures = captures;
    s.c.n_captures = 2;
    ((struct connection *)(uintptr_t)reset_connection(s.c.resets[2]))->capture = 1;
    s.f.v[2].capture = 1;
    struct text t = sheet_report(&report_text, &s.f, &o);
    assert_int_equal(count(t, "Z  frame 2, stream 1\n"), 1);
    assert_int_equal(count(t, "Z  b.pcap frame 2, stream 2\n"), 1);
    assert_true(holds(t, "a.pcap: pcap, 7 packets, 1970-01-01T00:16:40.000000Z to 1970-01-01T00:"));
    assert_true(holds(t, "b.pcap: pcap, 7 packets;"));
    sheet_report_free(t);
    t = sheet_report(&report_html, &s.f, &o);
    assert_int_equal(count(t, "7 packets, 1970-01-01T00:16:40.000000Z to 1970-01-01T00:16:41"), 1);
    assert_int_equal(count(t, "<td>7 packets; "), 1);
    sheet_report_free(t);
    s.c.n_captures = 0;
    sheet_finish(&s);
}

static void fill_words(struct diagnosis *d)
{
    static const struct remedy remedies[] = {
        {.text = {"raise the limit", 15}, .risk = "low", .command = {"sysctl -w a=1", 13}},
        {.text = {"ask the owner", 13}, .risk = "none"}};
    static const struct alternative others[] = {
        {.cause = "client-abort",
         .rule = "client-abort",
         .confidence = 0.55,
         .indistinct = true,
         .told_apart_by = {"the client's log", 16}},
        {.cause = "service-restart", .rule = "service-restart", .confidence = 0.25},
        {.cause = "process-crash",
         .rule = "process-crash",
         .confidence = 0.5,
         .superseded_by = "application-abort"}};
    static const struct undecided undecided[] = {
        {"killed", "oom-kill", {"no kernel log", 13}, {"dmesg of the server", 19}, 0}};
    d->title = TEXT("It let go");
    d->explanation = TEXT("The program closed it.");
    d->remedies = (struct remedy *)(uintptr_t)remedies; /* read alone */
    d->n_remedies = 2;
    d->alternatives = (struct alternative *)(uintptr_t)others;
    d->n_alternatives = 3;
    d->undecided = (struct undecided *)(uintptr_t)undecided;
    d->n_undecided = 1;
}

/* All that is known of a case stands where a reader looks for it. */
static void test_a_case_in_full(void **state)
{
    (void)state;
    struct sheet s;
    struct report_options o = {.width = 100};
    sheet_make(&s, &(struct sheet_plan){
                       .n_diagnoses = 1, .n_unmatched = 1, .n_segments = 3, .hostile = TEXT("x")});
    fill_words(&s.d[0]);
    struct text t = sheet_report(&report_text, &s.f, &o);
    assert_true(holds(t, "1 log line reports a reset that no capture holds.\n"));
    assert_true(holds(t, "\n1. It let go\n   fault, possible (0.60): application-abort\n"
                         "   192.0.2.1:50000 -> 198.51.0.0:22 at 1970-01-01T00:16:40.002000Z\n"
                         "   x frame 3, Wireshark filter: tcp.stream eq 0\n"));
    assert_true(holds(t, "\n   The program closed it.\n"));
    assert_true(holds(t, "   What to do\n     - raise the limit\n         $ sysctl -w a=1\n"
                         "     - ask the owner\n"));
    assert_true(holds(t, "   Also possible: client-abort 0.55 (not distinguishable with this "
                         "evidence), service-restart 0.25\n"));
    assert_false(holds(t, "less specific"));
    assert_true(holds(t, "   To be surer, collect\n     - the client's log (would show whether it "
                         "was client-abort)\n     - dmesg of the server"));
    assert_false(holds(t, "more like it"));
    assert_true(holds(t, "\nLog lines that report a reset which no capture holds: 1\n  x:12\n"));
    sheet_report_free(t);
    o.verbosity = 1;
    t = sheet_report(&report_text, &s.f, &o);
    assert_true(holds(t, "   Holds too, but less specific: process-crash 0.50\n"));
    sheet_report_free(t);
    t = sheet_report(&report_html, &s.f, &o);
    assert_true(holds(t, "<td><code>198.51.0.0:22</code></td><td class=\"n\">1</td>"));
    assert_true(holds(t, "<li>raise the limit <span class=\"dim\">(risk: low)</span><br>"
                         "<code class=\"paste\">sysctl -w a=1</code></li>"));
    assert_true(holds(t, "<dd>1970-01-01T00:16:40.002000Z, frame 3 of <code>x</code></dd>"));
    assert_true(holds(t, "client-abort, possible (0.55): not distinguishable with this evidence; "
                         "to tell them apart: the client&#39;s log"));
    sheet_report_free(t);
    t = sheet_report(&report_json, &s.f, &o);
    assert_true(holds(t, "\"frame\":3,\"time\":\"1970-01-01T00:16:40.002000Z\""));
    assert_true(holds(t, "\"first\":\"1970-01-01T00:16:40.000000Z\","
                         "\"last\":\"1970-01-01T00:16:41.000000Z\""));
    assert_true(holds(t, "\"remedies\":[\"raise the limit\",\"ask the owner\"]"));
    sheet_report_free(t);
    sheet_finish(&s);
}

/* One is one and more are many; what was not used is told with its reason, what was used is not. */
static void test_the_page_counts_in_words(void **state)
{
    (void)state;
    struct sheet s;
    struct report_options o = {.width = 100};
    struct case_input inputs[] = {
        {.name = TEXT("a.pcap"), .taken_for = "capture"},
        {.name = TEXT("b.pcap"), .taken_for = "capture", .failed = true, .why = TEXT("it broke")},
        {.name = TEXT("c.doc"), .taken_for = "skipped", .why = TEXT("no log")},
        {.name = TEXT("d.gz"), .taken_for = "skipped", .failed = true, .why = TEXT("cut off")}};
    for (size_t n = 1; n < 3; n++) {
        sheet_make(&s,
                   &(struct sheet_plan){
                       .n_diagnoses = 1, .n_unmatched = n, .n_segments = 2, .hostile = TEXT("x")});
        s.c.inputs = inputs;
        s.c.n_inputs = 4;
        struct text t = sheet_report(&report_html, &s.f, &o);
        assert_true(holds(t, n == 1 ? ">1 log line reports a reset that no capture holds.<"
                                    : ">2 log lines report a reset that no capture holds.<"));
        assert_true(
            holds(t, "<code>192.0.2.1:50000</code> \xE2\x86\x92 <code>198.51.0.0:22</code>"));
        assert_int_equal(count(t, "a.pcap"), 0);
        assert_true(holds(t, "<td><code>b.pcap</code></td><td>failed</td><td>it broke<"));
        assert_true(holds(t, "<td><code>c.doc</code></td><td>not used</td><td>no log<"));
        assert_true(holds(t, "<td><code>d.gz</code></td><td>failed</td><td>cut off<"));
        sheet_report_free(t);
        sheet_finish(&s);
    }
}

static void set_end(const struct sheet *s, size_t i, enum side side, const char *end)
{
    struct connection *c = (struct connection *)(uintptr_t)reset_connection(s->c.resets[i]);
    assert_true(endpoint_parse(text_of(end), &c->end[side].at));
}

static void test_crowd(void **state)
{
    (void)state;
    struct sheet s;
    struct arrangement a;
    struct crowd c;
    struct strbuf b;
    strbuf_init(&b);
    sheet_make(&s, &(struct sheet_plan){.n_diagnoses = 9, .alike = true, .n_segments = 2});
    for (size_t i = 1; i < 4; i++) /* other ports of one address */
        set_end(&s, i, SIDE_CLIENT, "192.0.2.9:1");
    set_end(&s, 4, SIDE_CLIENT, "192.0.2.7:1");
    set_end(&s, 5, SIDE_CLIENT, "192.0.2.8:1");
    set_end(&s, 6, SIDE_CLIENT, "192.0.2.8:2");
    sheet_count_again(&s);
    assert_true(arrange(&s.f, &a));
    assert_true(crowd_count(&s.f, &a.cases[0], &c));
    assert_int_equal(c.n_clients, 4);
    assert_int_equal(c.n_servers, 1);
    assert_int_equal(c.last - c.first, 8);
    crowd_tell(&b, &c); /* equals in the order of their first */
    assert_string_equal(b.p,
                        "from 4 clients, most often 192.0.2.1 (3), 192.0.2.9 (3), 192.0.2.8 (2)");
    arrangement_finish(&a);
    for (size_t i = 0; i < 9; i++) { /* of one client, at three ports of two servers */
        static const char *const servers[] = {"198.51.100.7:22", "198.51.100.7:23",
                                              "198.51.100.8:22"};
        set_end(&s, i, SIDE_CLIENT, "192.0.2.9:1");
        set_end(&s, i, SIDE_SERVER, servers[i % 3]);
        s.f.v[i].cause = "port-scan";
        s.f.v[i].confidence = i == 4 ? 0.99 : 0.5; /* no order of time */
    }
    sheet_count_again(&s);
    assert_true(arrange(&s.f, &a));
    assert_int_equal(a.n_cases, 1);
    assert_true(crowd_count(&s.f, &a.cases[0], &c));
    assert_int_equal(c.n_clients, 1);
    assert_int_equal(c.n_servers, 2);
    assert_int_equal(c.last - c.first, 8);
    arrangement_finish(&a);
    sheet_finish(&s);
    strbuf_finish(&b);
}

/* Resets that their connection survived are listed, and in no case. */
static void test_attempts(void **state)
{
    (void)state;
    struct sheet s;
    struct report_options o = {.width = 100};
    sheet_make(&s, &(struct sheet_plan){.n_diagnoses = 13, .n_segments = 2, .hostile = TEXT("x")});
    s.c.resets[0]->deciding.validity = RST_IN_WINDOW;
    s.c.attempts = s.c.resets;
    s.c.n_attempts = 12;
    struct text t = sheet_report(&report_text, &s.f, &o);
    assert_true(holds(t, "Resets that ended nothing: 12 connections went on after 12 RSTs\n"
                         "  192.0.2.1:50000 -> 198.51.0.0:22 at 1970-01-01T00:16:40.001000Z\n"
                         "      x frame 2, Wireshark filter: tcp.stream eq 0\n"
                         "      1 RST in the server's name, in the window but not exact"));
    assert_true(holds(t, "... and 2 more (-o report.jsonl holds every one)"));
    sheet_report_free(t);
    t = sheet_report(&report_html, &s.f, &o);
    assert_true(holds(t, "<h2 id=\"attempts\">Resets that ended nothing: 12 connections"));
    assert_int_equal(count(t, "RST in the server's name"), 12);
    sheet_report_free(t);
    t = sheet_report(&report_json, &s.f, &o);
    assert_int_equal(count(t, "{\"type\":\"attempt\","), 12);
    assert_int_equal(count(t, "\"claimed\":\"server\",\"sender\":\"server\""), 12);
    assert_true(holds(t,
                      "\"client\":{\"ip\":\"192.0.2.1\",\"port\":50000},"
                      "\"server\":{\"ip\":\"198.51.0.0\",\"port\":22},\"stream\":0,\"claimed\""));
    sheet_report_free(t);
    sheet_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_cases),
        cmocka_unit_test(test_many_members),
        cmocka_unit_test(test_members_of_other_captures),
        cmocka_unit_test(test_a_case_in_full),
        cmocka_unit_test(test_the_page_counts_in_words),
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_attempts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
