/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a series: connections that go on, numbers of each file, records by file, and whether
 * a file of another name goes on where one ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/analyzer/script.h"
#include "tests/analyzer/track/talk.h"

/* What a ring buffer cuts in two is one connection, numbered as each file alone would be. */
static void over_files(void **state)
{
    (void)state;
    const struct tracker_config config = {.capture = 3, .keep_records = true};
    struct script s = script_begin(&config);
    script_lines(&s, "+0us c S 9 0 cport=50001\n+1ms s RA 0 10 cport=50001\n"
                     "+1ms c S 5 0 cport=50002\n" TALK);
    tracker_next_file(s.tracker);
    s.frame = UINT64_C(1) << FRAME_FILE_SHIFT;
    script_lines(&s, "+1s c PA 151 701 len=9\n+10ms s RA 701 151\n");
    tracker_next_file(s.tracker);
    s.frame = UINT64_C(2) << FRAME_FILE_SHIFT;
    script_lines(&s, "+1ms s SA 70 6 cport=50002\n+1ms c PA 160 701 len=9\n+9ms s R 701 0\n");
    assert_int_equal(tracker_counts(s.tracker)->n_continued, 3);
    script_finish(&s);
    assert_int_equal(s.resets.n, 2);
    const struct reset *r = s.resets.v[1];
    assert_int_equal(reset_capture(r), 4);
    assert_int_equal(reset_stream(r), 0);
    assert_int_equal(reset_connection(r)->end[SIDE_CLIENT].isn, 100);
    assert_true(reset_connection(r)->handshake_seen);
    assert_int_equal(reset_frame(r), 2);
    assert_int_equal(r->n_rsts, 2);
    assert_int_equal(frame_file(r->rsts[1].segment.frame), 2);
    assert_int_equal(frame_number(r->rsts[1].segment.frame), 3);
    assert_int_equal(r->rsts[1].stream, 1);
    assert_int_equal(connection_capture(reset_connection(r), r->rsts[1].segment.frame), 5);
    assert_int_equal(
        connection_capture(reset_connection(r), reset_connection(r)->segments[0].frame), 3);
    struct tracker_records records = tracker_connections(s.tracker);
    assert_int_equal(records.n, 4); /* one for each file that holds a RST of it */
    script_end(&s);
}

/* A connection that no later file holds a packet of is of the file where it was. */
static void left_in_a_file(void **state)
{
    (void)state;
    const struct tracker_config config = {.capture = 3, .keep_records = true};
    struct script s = script_begin(&config);
    script_lines(&s, "+0us c S 5 0 cport=50001\n");
    tracker_next_file(s.tracker);
    s.frame = UINT64_C(1) << FRAME_FILE_SHIFT;
    script_lines(&s, "+1us c S 7 0 cport=50002\n+1us c S 9 0 cport=50003\n");
    tracker_next_file(s.tracker);
    s.frame = UINT64_C(2) << FRAME_FILE_SHIFT;
    script_lines(&s, "+1us s SA 20 10 cport=50003\n+1us c A 10 21 cport=50003\n");
    script_finish(&s);
    static const struct {
        uint16_t port;
        uint32_t capture, stream;
    } want[] = {{50001, 3, 0}, {50002, 4, 0}, {50003, 5, 0}};
    struct tracker_records records = tracker_connections(s.tracker);
    assert_int_equal(records.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(records.v[i].client.port, want[i].port);
        assert_int_equal(records.v[i].capture, want[i].capture);
        assert_int_equal(records.v[i].stream, want[i].stream);
    }
    script_end(&s);
}

/* The record of one that was let go of in the file before stands behind that file's. */
static void reset_in_a_later_file(void **state)
{
    (void)state;
    const struct tracker_config config = {.keep_records = true};
    struct script s = script_begin(&config);
    script_lines(&s, TALK "+1ms c FA 151 701\n+1ms s FA 701 152\n+1ms c A 152 702\n"
                          "+1ms c S 5 0 cport=50002\n+200s c S 7 0 cport=50003\n");
    tracker_next_file(s.tracker);
    s.frame = UINT64_C(1) << FRAME_FILE_SHIFT;
    script_lines(&s, "+1ms s R 702 0\n");
    script_finish(&s);
    static const struct {
        uint32_t capture, stream;
    } want[] = {{0, 1}, {0, 2}, {1, 0}};
    const struct tracker_records records = tracker_connections(s.tracker);
    assert_int_equal(records.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(records.v[i].capture, want[i].capture);
        assert_int_equal(records.v[i].stream, want[i].stream);
    }
    script_end(&s);
}

static struct brief sent(bool by_client, uint16_t flags, uint32_t seq, uint8_t ttl)
{
    struct address a = address_from_v4((const uint8_t[4]){192, 0, 2, 1});
    struct address b = address_from_v4((const uint8_t[4]){198, 51, 100, 2});
    return (struct brief){.src = by_client ? a : b,
                          .dst = by_client ? b : a,
                          .src_port = by_client ? 40000 : 80,
                          .dst_port = by_client ? 80 : 40000,
                          .flags = flags,
                          .seq = seq,
                          .path.ttl = ttl};
}

/* Whether a file of another name goes on where a connection stands. */
static void another_file_fits(void **state)
{
    (void)state;
    struct script s = script_begin(NULL);
    script_lines(&s, TALK);
    const struct tracker_counts before = *tracker_counts(s.tracker);
    const struct {
        struct brief b;
        enum tracker_fit want;
    } rows[] = {
        {sent(true, TCP_ACK, 151, 64), TRACKER_FIT_GOES_ON},
        {sent(true, TCP_ACK, 151 + 3000, 64), TRACKER_FIT_GOES_ON},
        {sent(true, TCP_ACK, 151 + 65536, 64), TRACKER_FIT_GOES_ON},
        {sent(true, TCP_ACK, 151 + 65537, 64), TRACKER_FIT_DIFFERS},
        {sent(true, TCP_ACK, 101, 64), TRACKER_FIT_DIFFERS}, /* was captured before */
        {sent(true, TCP_ACK, 151, 63), TRACKER_FIT_DIFFERS},
        {sent(true, TCP_ACK, 151 + 3000000, 64), TRACKER_FIT_DIFFERS},
        {sent(true, TCP_SYN, 7, 64), TRACKER_FIT_UNKNOWN},
        {sent(false, TCP_RST, 701, 63), TRACKER_FIT_GOES_ON},
        {sent(false, TCP_RST, 702, 64), TRACKER_FIT_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(tracker_fit(s.tracker, &rows[i].b), rows[i].want);
    assert_memory_equal(tracker_counts(s.tracker), &before, sizeof before);
    script_finish(&s);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_files),
        cmocka_unit_test(left_in_a_file),
        cmocka_unit_test(reset_in_a_later_file),
        cmocka_unit_test(another_file_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
