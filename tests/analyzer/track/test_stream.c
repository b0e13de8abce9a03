/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sequence space at its edges: wrap-around, holes, overlaps, keep-alives, shut windows, odd
 * handshakes.  Read from the connection that a final RST makes visible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/analyzer/script.h"

#define OPEN                                                                                       \
    "+0us c S 100 0 ws=7 mss=1460\n"                                                               \
    "+10ms s SA 500 101 ws=5 mss=1400 win=65160\n"                                                 \
    "+50us c A 101 501\n"

static const struct connection *only(const struct script *s)
{
    assert_int_equal(s->resets.n, 1);
    return reset_connection(s->resets.v[0]);
}

static uint16_t notes_of(const struct connection *c, uint64_t frame)
{
    for (size_t i = 0; i < c->n_kept; i++)
        if (c->segments[i].frame == frame)
            return c->segments[i].notes;
    fail_msg("frame %llu was not kept", (unsigned long long)frame);
    return 0;
}

static void assert_text(struct text got, const char *want)
{
    assert_int_equal(got.n, text_of(want).n);
    assert_memory_equal(got.p ? got.p : "", want, got.n);
}

static void numbers_wrap(void **state)
{
    (void)state;
    struct script s = script_run("+0us c S 4294967285 0\n+1ms s SA 4294967295 4294967286\n"
                                 "+1ms c A 4294967286 0\n+1ms c PA 4294967286 0 data=0123456789\n"
                                 "+1ms c PA 0 0 data=abcdef\n+1ms s PA 0 6 data=xyz\n"
                                 "+1ms s RA 3 6\n");
    const struct connection *c = only(&s);
    assert_int_equal(c->end[SIDE_CLIENT].bytes, 16);
    assert_int_equal(c->end[SIDE_CLIENT].next_seq, 6);
    assert_int_equal(c->end[SIDE_SERVER].bytes, 3);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_retransmissions, 0);
    assert_text(c->end[SIDE_CLIENT].head, "0123456789abcdef");
    assert_text(c->end[SIDE_SERVER].head, "xyz");
    assert_int_equal(s.resets.v[0]->deciding.validity, RST_EXACT);
    script_end(&s);
}

static void order_and_holes(void **state)
{
    (void)state;
    struct script s = script_run(OPEN "+1ms c PA 106 501 data=world\n+1ms c PA 101 501 data=hello\n"
                                      "+1ms c PA 121 501 data=later\n+1ms s RA 501 126\n");
    const struct connection *c = only(&s);
    assert_true(notes_of(c, 4) & NOTE_HOLE_BEFORE);
    assert_true(notes_of(c, 5) & NOTE_OUT_OF_ORDER);
    assert_false(notes_of(c, 5) & NOTE_RETRANSMISSION);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_out_of_order, 1);
    assert_int_equal(c->end[SIDE_CLIENT].bytes, 25);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->bytes_missing, 10);
    assert_text(c->end[SIDE_CLIENT].head, "helloworld");
    assert_text(c->end[SIDE_CLIENT].tail, "later");
    script_end(&s);
}

static void first_copy_wins(void **state)
{
    (void)state;
    struct script s = script_run(OPEN "+1ms c PA 101 501 data=hello\n+1ms c PA 103 501 data=XXXXX\n"
                                      "+1ms c PA 101 501 data=hello\n+1ms s RA 501 108\n");
    const struct connection *c = only(&s);
    assert_true(notes_of(c, 5) & NOTE_OVERLAP);
    assert_true(notes_of(c, 5) & NOTE_OVERLAP_CONFLICT);
    assert_true(notes_of(c, 6) & NOTE_RETRANSMISSION);
    assert_false(notes_of(c, 6) & NOTE_OVERLAP_CONFLICT);
    assert_text(c->end[SIDE_CLIENT].head, "helloXX");
    assert_int_equal(c->end[SIDE_CLIENT].bytes, 7);
    script_end(&s);
}

static void keep_alives_are_no_retransmissions(void **state)
{
    (void)state;
    struct script s =
        script_run(OPEN "+1ms c PA 101 501 len=5\n+1ms s A 501 106\n+60s c A 105 501\n"
                        "+1ms s A 501 106\n+60s c A 105 501 len=1\n+1ms s A 501 106\n"
                        "+1s s RA 501 106\n");
    const struct connection *c = only(&s);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_keepalives, 2);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_retransmissions, 0);
    assert_int_equal(c->end[SIDE_CLIENT].bytes, 5);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_unanswered_keepalives, 0);
    assert_int_equal(s.resets.v[0]->idle_before_ns, NS_PER_S);
    script_end(&s);
}

static void one_byte_sent_twice_is_a_retransmission(void **state)
{
    (void)state;
    struct script s =
        script_run(OPEN "+1ms c PA 101 501 len=1\n+300ms c PA 101 501 len=1\n+1ms s RA 501 102\n");
    assert_int_equal(end_trouble(&only(&s)->end[SIDE_CLIENT])->n_retransmissions, 1);
    assert_int_equal(end_trouble(&only(&s)->end[SIDE_CLIENT])->n_keepalives, 0);
    script_end(&s);
}

static void shut_windows(void **state)
{
    (void)state;
    struct script s =
        script_run(OPEN "+1ms s PA 501 101 len=9\n+1ms c A 101 510 win=0\n+1s s A 509 101\n"
                        "+1ms c A 101 510 win=0\n+2s s PA 510 101 len=1\n+1ms c A 101 510 win=0\n"
                        "+1s s RA 511 101\n");
    const struct connection *c = only(&s);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_zero_windows, 3);
    assert_int_equal(end_trouble(&c->end[SIDE_SERVER])->n_zero_window_probes, 2);
    assert_int_equal(end_trouble(&c->end[SIDE_SERVER])->n_keepalives, 0);
    assert_true(notes_of(c, 6) & NOTE_ZERO_WINDOW_PROBE);
    assert_int_equal(s.resets.v[0]->mechanism, MECHANISM_GAVE_UP);
    script_end(&s);
}

static void windows_are_scaled(void **state)
{
    (void)state;
    struct script s = script_run(OPEN "+1ms c PA 101 501 len=9 win=100\n+1ms s A 501 110 win=64\n"
                                      "+1s s RA 501 110\n");
    const struct connection *c = only(&s);
    assert_int_equal(c->end[SIDE_CLIENT].last_window, 100 << 7);
    assert_int_equal(c->end[SIDE_SERVER].last_window, 64 << 5);
    assert_int_equal(c->end[SIDE_CLIENT].mss, 1460);
    script_end(&s);

    /* one end without the option: nobody scales (RFC 7323 section 2.2) */
    s = script_run("+0us c S 100 0 ws=7\n+1ms s SA 500 101\n+1ms c A 101 501 win=100\n"
                   "+1ms s RA 501 101\n");
    assert_int_equal(only(&s)->end[SIDE_CLIENT].last_window, 100);
    script_end(&s);
}

static void acknowledged_but_never_captured(void **state)
{
    (void)state;
    struct script s = script_run(OPEN "+1ms s A 501 301\n+1ms c PA 301 501 data=next\n"
                                      "+1ms s RA 501 305\n");
    const struct connection *c = only(&s);
    assert_true(notes_of(c, 4) & NOTE_ACK_UNSEEN);
    assert_int_equal(c->end[SIDE_CLIENT].bytes, 204);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->bytes_missing, 200);
    assert_int_equal(c->end[SIDE_CLIENT].head.n, 0);
    assert_text(c->end[SIDE_CLIENT].tail, "next");
    script_end(&s);
}

static void fast_open(void **state)
{
    (void)state;
    struct script s = script_run("+0us c S 100 0 data=early\n+1ms s SA 500 106\n+1ms c A 106 501\n"
                                 "+1ms s RA 501 106\n");
    assert_text(only(&s)->end[SIDE_CLIENT].head, "early");
    assert_int_equal(end_trouble(&only(&s)->end[SIDE_CLIENT])->n_retransmissions, 0);
    script_end(&s);

    s = script_run("+0us c S 100 0 data=early\n+1ms s SA 500 101\n+1ms c PA 101 501 data=early\n"
                   "+1ms s RA 501 106\n");
    assert_text(only(&s)->end[SIDE_CLIENT].head, "early");
    assert_int_equal(only(&s)->end[SIDE_CLIENT].bytes, 5);
    script_end(&s);
}

static void syn_ack_first(void **state)
{
    (void)state;
    struct script s = script_run("+0us s SA 500 101\n+5us c S 100 0\n+1ms c A 101 501\n"
                                 "+1ms c PA 101 501 data=hi\n+1ms s RA 501 103\n");
    const struct connection *c = only(&s);
    assert_false(c->client_guessed);
    assert_int_equal(c->end[SIDE_CLIENT].at.port, 40000);
    assert_true(c->handshake_seen);
    assert_text(c->end[SIDE_CLIENT].head, "hi");
    script_end(&s);
}

static void simultaneous_open(void **state)
{
    (void)state;
    struct script s = script_run("+0us c S 100 0\n+5us s S 500 0\n+1ms c SA 100 501\n"
                                 "+1ms s SA 500 101\n+1ms c PA 101 501 data=hi\n+1ms s A 501 103\n"
                                 "+1ms s RA 501 103\n");
    const struct connection *c = only(&s);
    assert_int_equal(c->end[SIDE_CLIENT].at.port, 40000);
    assert_text(c->end[SIDE_CLIENT].head, "hi");
    assert_int_equal(s.resets.v[0]->deciding.validity, RST_EXACT);
    assert_int_equal(s.resets.v[0]->phase, PHASE_ACTIVE);
    script_end(&s);
}

static void picked_up_mid_stream(void **state)
{
    (void)state;
    struct script s = script_run("+0us s PA 9000 70 data=answer\n+1ms c A 70 9006\n"
                                 "+1ms c PA 70 9006 data=ask\n+1ms s RA 9006 73\n");
    const struct connection *c = only(&s);
    assert_true(c->began_mid_stream);
    assert_true(c->client_guessed);
    assert_int_equal(c->end[SIDE_SERVER].at.port, 80);
    assert_text(c->end[SIDE_SERVER].head, "answer");
    assert_text(c->end[SIDE_CLIENT].head, "ask");
    script_end(&s);
}

static void cut_captures_keep_the_wire_length(void **state)
{
    (void)state;
    struct script s =
        script_run(OPEN "+1ms c PA 101 501 len=1000 cut=10\n+1ms c PA 1101 501 len=10\n"
                        "+1ms s RA 501 1111\n");
    const struct connection *c = only(&s);
    assert_int_equal(c->end[SIDE_CLIENT].bytes, 1010);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->bytes_missing, 0);
    assert_int_equal(c->end[SIDE_CLIENT].head.n, 10);
    script_end(&s);
}

static void long_talks_keep_first_and_last(void **state)
{
    (void)state;
    struct script s = script_begin(NULL);
    char line[64];
    script_lines(&s, OPEN);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "+1ms c PA %u 501 len=100\n", 101 + 100 * i);
        script_lines(&s, line);
    }
    script_lines(&s, "+1ms s RA 501 20101\n");
    for (unsigned i = 0; i < 30; i++) {
        snprintf(line, sizeof line, "+1ms c PA %u 501 len=100\n", 20101 + 100 * i);
        script_lines(&s, line);
    }
    script_finish(&s);
    const struct connection *c = only(&s);
    assert_int_equal(c->n_head_kept, 12);
    assert_int_equal(c->n_kept, 12 + 40 + 16);
    assert_int_equal(c->segments[11].frame, 12);
    assert_int_equal(c->segments[51].frame, 204);
    assert_int_equal(c->segments[12].frame, 204 - 39);
    assert_int_equal(c->segments[67].frame, 220);
    assert_int_equal(c->end[SIDE_CLIENT].head.n, 2048);
    assert_int_equal(c->end[SIDE_CLIENT].tail.n, 512);
    assert_int_equal(c->end[SIDE_CLIENT].tail.p[511], 'a' + (20101 - 100 + 99) % 26);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_wrap),
        cmocka_unit_test(order_and_holes),
        cmocka_unit_test(first_copy_wins),
        cmocka_unit_test(keep_alives_are_no_retransmissions),
        cmocka_unit_test(one_byte_sent_twice_is_a_retransmission),
        cmocka_unit_test(shut_windows),
        cmocka_unit_test(windows_are_scaled),
        cmocka_unit_test(acknowledged_but_never_captured),
        cmocka_unit_test(fast_open),
        cmocka_unit_test(syn_ack_first),
        cmocka_unit_test(simultaneous_open),
        cmocka_unit_test(picked_up_mid_stream),
        cmocka_unit_test(cut_captures_keep_the_wire_length),
        cmocka_unit_test(long_talks_keep_first_and_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
