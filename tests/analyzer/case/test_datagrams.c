/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP packets of captures: which become log lines, once each, and within which bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/case/datagrams.h"

struct bench {
    struct datagrams d;
    struct case_capture out;
};

static struct bench *open_bench(size_t max_bytes, size_t max_lines)
{
    static struct bench b;
    b = (struct bench){.out = {.n_files = 1}};
    datagrams_init(&b.d, max_bytes, max_lines);
    flaws_init(&b.out.skipped);
    flaws_init(&b.out.flaws);
    return &b;
}

static void close_bench(struct bench *b)
{
    flaws_finish(&b->out.skipped);
    flaws_finish(&b->out.flaws);
    datagrams_finish(&b->d);
}

/* A datagram from 192.0.2.<from> in a capture; false: it is none of syslog. */
static bool give(struct bench *b, unsigned from, const char *text, double at, uint32_t capture)
{
    const uint8_t v4[4] = {192, 0, 2, (uint8_t)from};
    static uint64_t frame;
    union {
        const char *text;
        const uint8_t *bytes;
    } payload = {.text = text};
    struct packet p = {.kind = PACKET_OTHER_IP,
                       .ip_protocol = 17,
                       .frame = ++frame,
                       .time = (instant_ns)(at * 1e9),
                       .ip_src = address_from_v4(v4),
                       .dst_port = 514,
                       .payload = payload.bytes,
                       .payload_len = (uint32_t)strlen(text),
                       .payload_captured = (uint32_t)strlen(text)};
    return datagrams_take(&b->d, &p, (struct datagram_place){capture, capture}, &b->out);
}

static size_t n_lines(const struct bench *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->d.senders.n; i++)
        n += b->d.senders.v[i].lines.n;
    return n;
}

static void each_line_counts_once(void **state)
{
    (void)state;
    struct bench *b = open_bench(0, 0);
    assert_true(give(b, 1, "<13>a: one", 1.0, 0));
    assert_true(give(b, 1, "<13>a: one", 1.0001, 0)); /* the mirror port's copy */
    assert_true(give(b, 1, "<13>a: one", 9.0, 0));    /* said again */
    assert_true(give(b, 2, "<13>a: one", 1.0, 1));    /* beyond a NAT, in another capture */
    assert_true(give(b, 2, "<13>a: one", 9.0, 1));
    assert_true(give(b, 2, "<13>a: one", 19.0, 1)); /* and again, beside the first capture */
    assert_int_equal(n_lines(b), 3);
    assert_int_equal(b->out.n_syslog, 3);
    assert_int_equal(flaws_count(&b->out.skipped, "syslog.captured-twice"), 3);
    assert_int_equal(b->d.senders.n, 2);
    close_bench(b);
}

static void what_is_no_syslog_is_left_to_others(void **state)
{
    (void)state;
    struct bench *b = open_bench(0, 0);
    assert_false(give(b, 1, "no priority", 1, 0));
    assert_false(give(b, 1, "", 1, 0));
    struct packet tcp = {.kind = PACKET_TCP, .payload = (const uint8_t *)"<13>a: b"};
    tcp.payload_captured = tcp.payload_len = 8;
    assert_false(datagrams_take(&b->d, &tcp, (struct datagram_place){0, 0}, &b->out));
    assert_int_equal(b->out.skipped.n, 0);
    close_bench(b);
}

static void bounds_hold_and_are_told(void **state)
{
    (void)state;
    struct bench *b = open_bench(0, 2);
    assert_true(give(b, 1, "<13>a: one", 1, 0));
    assert_true(give(b, 1, "<13>a: two", 1, 0));
    assert_true(give(b, 1, "<13>a: three", 1, 0));
    assert_int_equal(n_lines(b), 2);
    assert_int_equal(flaws_count(&b->out.skipped, "syslog.no-room"), 1);
    close_bench(b);
    b = open_bench(25, 0);
    assert_true(give(b, 1, "<13>a: one", 1, 0));
    assert_true(give(b, 1, "<13>a: two, longer than what is left", 1, 0));
    assert_true(give(b, 1, "<13>a: three", 1, 0));
    assert_int_equal(n_lines(b), 2);
    assert_int_equal(flaws_count(&b->out.skipped, "syslog.no-room"), 1);
    close_bench(b);
}

static void senders_are_bounded(void **state)
{
    (void)state;
    struct bench *b = open_bench(0, 0);
    for (unsigned i = 0; i < 300; i++) {
        char text[32];
        snprintf(text, sizeof text, "<13>a: line %u", i);
        struct packet p = {.kind = PACKET_OTHER_IP,
                           .ip_protocol = 17,
                           .frame = i + 1,
                           .ip_src.b = {0x20, 1, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i},
                           .dst_port = 514,
                           .payload = (const uint8_t *)text,
                           .payload_len = (uint32_t)strlen(text),
                           .payload_captured = (uint32_t)strlen(text)};
        assert_true(datagrams_take(&b->d, &p, (struct datagram_place){0, 0}, &b->out));
    }
    assert_int_equal(b->d.senders.n, 256);
    assert_int_equal(flaws_count(&b->out.skipped, "syslog.too-many-senders"), 44);
    close_bench(b);
}

static void what_goes_on_with_a_message_is_counted(void **state)
{
    (void)state;
    struct bench *b = open_bench(0, 0);
    assert_true(give(b, 1, "<13>a: one\n  at two\n<13>a: three", 1, 0));
    assert_int_equal(n_lines(b), 2);
    assert_int_equal(b->out.n_syslog, 1);
    assert_int_equal(flaws_count(&b->out.flaws, "syslog.continuation-line"), 1);
    close_bench(b);
}

static void a_capture_that_failed_leaves_nothing(void **state)
{
    (void)state;
    struct bench *b = open_bench(0, 0);
    assert_true(give(b, 1, "<13>a: one", 1, 0));
    assert_true(give(b, 1, "<13>a: two", 2, 1));
    datagrams_forget(&b->d, 1);
    assert_int_equal(n_lines(b), 1);
    close_bench(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_counts_once),
        cmocka_unit_test(what_is_no_syslog_is_left_to_others),
        cmocka_unit_test(bounds_hold_and_are_told),
        cmocka_unit_test(senders_are_bounded),
        cmocka_unit_test(what_goes_on_with_a_message_is_counted),
        cmocka_unit_test(a_capture_that_failed_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
