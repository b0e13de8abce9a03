/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mechanism from the segments that make it, and its near misses: one row a case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/analyzer/script.h"
#include "tests/analyzer/track/talk.h"

static const struct {
    const char *name, *lines;
    enum mechanism mechanism;
    enum phase phase;
    enum side sender;
    uint64_t frame;
    size_t n_rsts;
} cases[] = {
    {"refused", "+0us c S 100 0\n+10ms s RA 0 101\n", MECHANISM_REFUSED, PHASE_OPENING, SIDE_SERVER,
     2, 1},
    {"refused, SYN with data", "+0us c S 100 0 len=10\n+10ms s RA 0 111\n", MECHANISM_REFUSED,
     PHASE_OPENING, SIDE_SERVER, 2, 1},
    {"refused three times with one number",
     "+0us c S 100 0\n+1ms s RA 0 101\n+500ms c S 100 0\n+1ms s RA 0 101\n+500ms c S 100 0\n"
     "+1ms s RA 0 101\n",
     MECHANISM_REFUSED, PHASE_OPENING, SIDE_SERVER, 2, 3},
    {"refused at the top of the numbers", "+0us c S 4294967295 0\n+1ms s RA 0 0\n",
     MECHANISM_REFUSED, PHASE_OPENING, SIDE_SERVER, 2, 1},
    {"a refusal alone", "+0us s RA 0 101\n", MECHANISM_REFUSED, PHASE_OPENING, SIDE_SERVER, 1, 1},
    {"a bare refusal, as devices write it", "+0us c S 100 0\n+10ms s R 0 0\n", MECHANISM_REFUSED,
     PHASE_OPENING, SIDE_SERVER, 2, 1},
    {"a bare number is no answer to a SYN", "+0us c S 100 0\n+130ms s R 501 0\n",
     MECHANISM_UNDETERMINED, PHASE_OPENING, SIDE_SERVER, 2, 1},
    {"refused late", OPEN "+10ms s R 501 0\n", MECHANISM_REFUSED_LATE, PHASE_OPENING, SIDE_SERVER,
     4, 1},
    {"refused late, after first data", OPEN "+1ms c PA 101 501 len=30\n+10ms s R 501 0\n",
     MECHANISM_REFUSED_LATE, PHASE_OPENING, SIDE_SERVER, 5, 1},
    {"refused late, SYN-ACK not captured", "+0us c S 100 0\n+10ms c A 101 501\n+10ms s R 501 0\n",
     MECHANISM_REFUSED_LATE, PHASE_OPENING, SIDE_SERVER, 3, 1},
    {"it had served, by what the client acknowledged",
     "+0us c S 100 0\n+10ms c A 101 501\n+10ms c PA 101 501 len=30\n+20ms c A 131 701\n"
     "+10ms s R 701 0\n",
     MECHANISM_NO_STATE, PHASE_ACTIVE, SIDE_SERVER, 5, 1},
    {"it had served, by the number of its RST", OPEN "+1ms c PA 101 501 len=30\n+10ms s R 701 0\n",
     MECHANISM_UNDETERMINED, PHASE_ACTIVE, SIDE_SERVER, 5, 1},
    {"it had served, by what the client acknowledges afterwards",
     OPEN "+1ms c PA 101 501 len=30\n+10ms s R 501 0\n+1ms c A 131 601\n", MECHANISM_NO_STATE,
     PHASE_ACTIVE, SIDE_SERVER, 5, 1},
    {"too late for that: state lost", OPEN "+300s c PA 101 501 len=30\n+10ms s R 501 0\n",
     MECHANISM_NO_STATE, PHASE_ACTIVE, SIDE_SERVER, 5, 1},
    {"scanner's kernel", "+0us c S 100 0 ttl=50 win=1024\n+10us s SA 500 101\n+10ms c R 101 0\n",
     MECHANISM_ABANDONED_OPEN, PHASE_OPENING, SIDE_CLIENT, 3, 1},
    {"reset in place of the third packet",
     "+0us c S 100 0\n+10us s SA 500 101\n+10ms c RA 101 501\n", MECHANISM_ABANDONED_OPEN,
     PHASE_OPENING, SIDE_CLIENT, 3, 1},
    {"scanner's kernel, SYN-ACK not captured", "+0us c S 100 0 ttl=50\n+10ms c R 101 0\n",
     MECHANISM_ABANDONED_OPEN, PHASE_OPENING, SIDE_CLIENT, 2, 1},
    {"open and gone, SYN-ACK not captured",
     "+0us c S 100 0\n+10ms c A 101 501\n+10us c RA 101 501\n", MECHANISM_ABANDONED_OPEN,
     PHASE_IDLE_OPEN, SIDE_CLIENT, 3, 1},
    {"gone after an answer, by what it acknowledged",
     "+0us c S 100 0\n+10ms c A 101 501\n+10us c RA 101 701\n", MECHANISM_ABORT, PHASE_IDLE_OPEN,
     SIDE_CLIENT, 3, 1},
    {"open and gone", OPEN "+10us c RA 101 501\n", MECHANISM_ABANDONED_OPEN, PHASE_IDLE_OPEN,
     SIDE_CLIENT, 4, 1},
    {"open, banner, gone", OPEN "+5ms s PA 501 101 len=40\n+10us c RA 101 541\n",
     MECHANISM_ABANDONED_OPEN, PHASE_ACTIVE, SIDE_CLIENT, 5, 1},
    {"open and gone, but by its numbers it had sent 30 bytes", OPEN "+10us c RA 131 501\n",
     MECHANISM_ABORT, PHASE_IDLE_OPEN, SIDE_CLIENT, 4, 1},
    {"held open, then dropped: an abort", OPEN "+60s c RA 101 501\n", MECHANISM_ABORT,
     PHASE_IDLE_OPEN, SIDE_CLIENT, 4, 1},
    {"unexpected SYN-ACK", "+0us s SA 500 101\n+10ms c R 101 0\n", MECHANISM_UNEXPECTED_SYNACK,
     PHASE_OPENING, SIDE_CLIENT, 2, 1},
    {"unexpected SYN-ACKs, one matter",
     "+0us s SA 500 101\n+10ms c R 101 0\n+1s s SA 500 101\n+10ms c R 101 0\n",
     MECHANISM_UNEXPECTED_SYNACK, PHASE_OPENING, SIDE_CLIENT, 2, 2},
    {"abort", TALK "+1s s RA 701 151\n", MECHANISM_ABORT, PHASE_ACTIVE, SIDE_SERVER, 8, 1},
    {"abort and its echoes", TALK "+1s s RA 701 151\n+1ms c PA 151 701 len=10\n+10ms s R 701 0\n",
     MECHANISM_ABORT, PHASE_ACTIVE, SIDE_SERVER, 8, 2},
    {"abort after the own FIN", TALK "+1s s FA 701 151\n+1ms s RA 702 151\n", MECHANISM_ABORT,
     PHASE_HALF_CLOSED, SIDE_SERVER, 9, 1},
    {"abort, request unanswered",
     TALK "+1s c PA 151 701 len=60\n+10ms s A 701 211\n+10ms s RA 701 211\n",
     MECHANISM_ABORT_UNREAD, PHASE_ACTIVE, SIDE_SERVER, 10, 1},
    {"abort, and its answer was not captured",
     TALK "+1s c PA 151 701 len=60\n+10ms s A 701 211\n+10ms s RA 731 211\n", MECHANISM_ABORT,
     PHASE_ACTIVE, SIDE_SERVER, 10, 1},
    {"abort, the window jumps back",
     OPEN "+1ms c PA 101 501 len=1000\n+1ms s A 501 1101 win=490\n+1ms c PA 1101 501 len=1000\n"
          "+1ms s PA 501 2101 len=20 win=482\n+1ms s RA 521 2101 win=499\n",
     MECHANISM_ABORT_UNREAD, PHASE_ACTIVE, SIDE_SERVER, 8, 1},
    {"abort, a shut window jumps back",
     OPEN "+1ms c PA 101 501 len=1000\n+1ms s A 501 1101 win=490\n+1ms c PA 1101 501 len=1000\n"
          "+1ms s A 501 2101 win=0\n+1ms s PA 501 2101 len=20 win=0\n+1ms s RA 521 2101 win=499\n",
     MECHANISM_ABORT_UNREAD, PHASE_ACTIVE, SIDE_SERVER, 9, 1},
    {"a client that had read its answer", TALK "+1s c RA 151 701\n", MECHANISM_ABORT, PHASE_ACTIVE,
     SIDE_CLIENT, 8, 1},
    {"a client in the middle of its answer",
     TALK "+1s c PA 151 701 len=10\n+10ms s PA 701 161 len=1000\n+5ms c RA 161 1701\n",
     MECHANISM_ABORT_UNREAD, PHASE_ACTIVE, SIDE_CLIENT, 10, 1},
    {"after close",
     TALK "+1s s FA 701 151\n+10us c A 151 702\n+5s c PA 151 702 len=9\n"
          "+10ms s R 702 0\n",
     MECHANISM_AFTER_CLOSE, PHASE_HALF_CLOSED, SIDE_SERVER, 11, 1},
    {"after close, crossing the FIN",
     TALK
     "+1s s PA 701 151 len=100\n+10us s FA 801 151\n+10us c PA 151 701 len=9\n+10ms s R 701 0\n",
     MECHANISM_AFTER_CLOSE, PHASE_HALF_CLOSED, SIDE_SERVER, 11, 1},
    {"after close, FIN not captured",
     TALK "+1s c A 151 702\n+5s c PA 151 702 len=9\n"
          "+10ms s R 702 0\n",
     MECHANISM_AFTER_CLOSE, PHASE_HALF_CLOSED, SIDE_SERVER, 10, 1},
    {"no state", TALK "+400s c PA 151 701 len=9\n+10ms s R 701 0\n", MECHANISM_NO_STATE,
     PHASE_ACTIVE, SIDE_SERVER, 9, 1},
    {"no state, picked up mid-stream", "+0us c PA 151 701 len=9\n+10ms s R 701 0\n",
     MECHANISM_NO_STATE, PHASE_ACTIVE, SIDE_SERVER, 2, 1},
    {"gave up on keep-alives",
     TALK "+75s s A 700 151\n+10s s A 700 151\n+10s s A 700 151\n+10s s RA 701 151\n",
     MECHANISM_GAVE_UP, PHASE_ACTIVE, SIDE_SERVER, 11, 1},
    {"answered keep-alives are no giving up",
     TALK "+75s s A 700 151\n+10ms c A 151 701\n+75s s A 700 151\n+10ms c A 151 701\n"
          "+10s s RA 701 151\n",
     MECHANISM_ABORT, PHASE_ACTIVE, SIDE_SERVER, 12, 1},
    {"gave up on a keep-alive with a byte",
     TALK "+75s s A 700 151 len=1\n+10s s A 700 151 len=1\n+10s s RA 701 151\n", MECHANISM_GAVE_UP,
     PHASE_ACTIVE, SIDE_SERVER, 10, 1},
    {"gave up on retransmissions",
     TALK "+1s s PA 701 151 len=80\n+300ms s PA 701 151 len=80\n+600ms s PA 701 151 len=80\n"
          "+2s s RA 781 151\n",
     MECHANISM_GAVE_UP, PHASE_ACTIVE, SIDE_SERVER, 11, 1},
    {"gave up on a shut window",
     TALK
     "+1s s PA 701 151 len=80\n+1ms c A 151 781 win=0\n+5s s A 780 151\n+1ms c A 151 781 win=0\n"
     "+9s s A 780 151\n+1ms c A 151 781 win=0\n+9s s RA 781 151\n",
     MECHANISM_GAVE_UP, PHASE_ACTIVE, SIDE_SERVER, 14, 1},
    {"stale",
     TALK
     "+1s s FA 701 151\n+1ms c FA 151 702\n+10ms s A 702 152\n+90s c A 152 702\n+10ms s R 702 0\n",
     MECHANISM_STALE, PHASE_CLOSED, SIDE_SERVER, 12, 1},
    {"no echo: data before the FIN was not captured",
     TALK "+1s s FA 701 151\n+1ms c FA 181 701\n+10ms s R 701 0\n", MECHANISM_AFTER_CLOSE,
     PHASE_CLOSED, SIDE_SERVER, 10, 1},
    {"one RST and nothing else", "+0us s R 701 0\n", MECHANISM_UNDETERMINED, PHASE_UNKNOWN,
     SIDE_SERVER, 1, 1},
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script s = script_run(cases[i].lines);
        print_message("  %s\n", cases[i].name);
        assert_int_equal(s.resets.n, 1);
        const struct reset *r = s.resets.v[0];
        assert_string_equal(mechanism_name(r->mechanism), mechanism_name(cases[i].mechanism));
        assert_string_equal(phase_name(r->phase), phase_name(cases[i].phase));
        assert_string_equal(side_name(r->sender), side_name(cases[i].sender));
        assert_int_equal(r->deciding.segment.frame, cases[i].frame);
        assert_int_equal(r->n_rsts, cases[i].n_rsts);
        assert_true(r->n_reasons > 0);
        assert_true(r->sender_confidence >= 0.5 && r->sender_confidence <= 1.0);
        script_end(&s);
    }
}

/* RFC 9293 section 3.5.2: a RST without ACK that answers a segment takes its number from what that
 * acknowledges; one of another number answers nothing that was captured. */
static void a_bare_rst_answers_what_acknowledges_its_number(void **state)
{
    (void)state;
    static const struct {
        const char *rst;
        uint64_t answers;
    } of[] = {{"+10ms s R 501 0\n", 4}, {"+10ms s R 521 0\n", 0}};
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct script s = script_begin(NULL);
        script_lines(&s, OPEN "+1ms c PA 101 501 len=30\n");
        script_lines(&s, of[i].rst);
        script_finish(&s);
        assert_int_equal(s.resets.v[0]->trigger_frame, of[i].answers);
        script_end(&s);
    }
}

/* Keep-alive probes of both ends, and nothing else: it was open, and idle. */
static void probes_alone_tell_that_it_was_open(void **state)
{
    (void)state;
    struct script s = script_run("+0us c A 151 701\n+1ms s A 701 151\n+60s c A 150 701\n"
                                 "+1ms s A 701 151\n+9s s A 700 151\n+1ms c A 151 701\n"
                                 "+9s s RA 701 151\n");
    assert_string_equal(phase_name(s.resets.v[0]->phase), "idle-open");
    script_end(&s);
}

/* The RST belongs to the stream that the SYN opened, and kills the one before; the connection that
 * then comes about may be reset in its own right. */
static void collision(void **state)
{
    (void)state;
    struct script s = script_run(TALK "+60s c S 9000 0\n+10ms s A 701 151\n+50us c R 151 0\n"
                                      "+13ms c S 9000 0\n+10ms s SA 7000 9001\n+1ms c A 9001 7001\n"
                                      "+1ms c PA 9001 7001 len=5\n+10ms s A 7001 9006\n"
                                      "+1s s RA 7001 9006\n");
    assert_int_equal(s.resets.n, 2);
    assert_string_equal(mechanism_name(s.resets.v[0]->mechanism), "collision");
    assert_int_equal(s.resets.v[0]->sender, SIDE_CLIENT);
    assert_int_equal(s.resets.v[0]->phase, PHASE_OPENING);
    assert_int_equal(reset_stream(s.resets.v[0]), 1);
    assert_int_equal(s.resets.v[0]->deciding.segment.frame, 10);
    assert_string_equal(mechanism_name(s.resets.v[1]->mechanism), "abort-unread");
    assert_int_equal(reset_stream(s.resets.v[1]), 1);
    assert_int_equal(s.resets.v[1]->deciding.validity, RST_EXACT);
    script_end(&s);
}

/* What passed between the handshake and the RST was left out, by the RST's number. */
static void captured_by_flags(void **state)
{
    (void)state;
    struct script s = script_run("+0us c S 100 0\n+10ms s SA 500 101\n+2s s R 571 0\n");
    assert_int_equal(s.resets.n, 1);
    const struct reset *r = s.resets.v[0];
    assert_string_equal(phase_name(r->phase), "unknown");
    assert_int_equal(r->deciding.validity, RST_UNVERIFIABLE);
    assert_int_equal(r->sender, SIDE_SERVER);
    script_end(&s);
    s = script_run("+0us c S 100 0\n+10ms s SA 500 101\n+1us c R 101 0\n"); /* it is no guess */
    assert_int_equal(s.resets.n, 1);
    assert_string_equal(phase_name(s.resets.v[0]->phase), "opening");
    assert_int_equal(s.resets.v[0]->deciding.validity, RST_EXACT);
    script_end(&s);
}

#define TURNED "+10us s SA 500 101\n+1ms c R 101 0\n"

#define ASKED "+0us s SA 500 101\n+1ms c R 101 0\n"

#define MET "+10us s A 500 7000\n+1ms c R 7000 0\n"

/* Of its resets, so many know that the attempt was made again. */
static size_t n_tried_again(const char *lines, size_t n_resets)
{
    struct script s = script_run(lines);
    size_t n = 0;
    assert_int_equal(s.resets.n, n_resets);
    for (size_t i = 0; i < s.resets.n; i++)
        n += s.resets.v[i]->tried_again;
    script_end(&s);
    return n;
}

static void the_same_syn_comes_again(void **state)
{
    (void)state;
    assert_int_equal(n_tried_again("+0us c S 100 0\n" TURNED "+1s c S 100 0\n" TURNED, 2), 2);
    assert_int_equal(n_tried_again("+0us c S 100 0\n" TURNED "+1s c S 100 0\n", 1), 1);
    assert_int_equal(n_tried_again("+0us c S 100 0\n" TURNED, 1), 0);
    /* another attempt, and a second capture of the first one */
    assert_int_equal(n_tried_again("+0us c S 100 0\n" TURNED "+1s c S 9999 0\n", 1), 0);
    assert_int_equal(n_tried_again("+0us c S 100 0\n" TURNED "+50us c S 100 0\n", 1), 0);
    /* a SYN of which the answer tells: that begins anew, where a host is asked again */
    assert_int_equal(n_tried_again(ASKED "+1s s SA 9500 101\n+1ms c R 101 0\n", 1), 1);
    assert_int_equal(n_tried_again(ASKED "+1s s SA 500 101\n+1ms c R 101 0\n", 1), 0);
    /* after a RST that carries an earlier connection's number it comes sooner */
    assert_int_equal(n_tried_again("+0us c S 100 0\n" MET "+8ms c S 100 0\n", 1), 1);
    assert_int_equal(n_tried_again("+0us c S 100 0\n" MET "+50us c S 100 0\n", 1), 0);
    assert_int_equal(n_tried_again("+0us c S 100 0\n" TURNED "+8ms c S 100 0\n", 1), 0);
}

static void idle_time_and_trigger(void **state)
{
    (void)state;
    struct script s = script_run(TALK "+400s c PA 151 701 len=9\n+300ms c PA 151 701 len=9\n"
                                      "+10ms s R 701 0\n");
    const struct reset *r = s.resets.v[0];
    assert_int_equal(r->idle_before_ns, 400 * NS_PER_S);
    assert_int_equal(r->trigger_frame, 9); /* the first of the two had been lost */
    assert_int_equal(r->deciding.answers_frame, 9);
    assert_string_equal(r->kernel_reasons[0], "NO_SOCKET");
    script_end(&s);

    s = script_run(TALK "+75s s A 700 151\n+10s s A 700 151\n+10s s RA 701 151\n");
    assert_int_equal(s.resets.v[0]->idle_before_ns, 75 * NS_PER_S);
    assert_string_equal(s.resets.v[0]->kernel_reasons[0], "TCP_KEEPALIVE_TIMEOUT");
    script_end(&s);
}

static void unread_bytes(void **state)
{
    (void)state;
    struct script s =
        script_run(TALK "+1s c PA 151 701 len=60\n+10ms s A 701 211\n+10ms s RA 701 211\n");
    assert_int_equal(s.resets.v[0]->unread_bytes, 60);
    assert_string_equal(s.resets.v[0]->kernel_reasons[0], "TCP_ABORT_ON_CLOSE");
    script_end(&s);
}

static void icmp_beside_a_refusal(void **state)
{
    (void)state;
    struct script s = script_begin(NULL);
    script_lines(&s, "+0us c S 100 0\n");
    struct packet p = {.kind = PACKET_ICMP_ERROR, .icmp = {.type = 3, .code = 13, .seq = 100}};
    endpoint_parse(TEXT("192.0.2.1:40000"), &p.icmp.src);
    endpoint_parse(TEXT("198.51.100.2:80"), &p.icmp.dst);
    script_packet(&s, &p);
    script_lines(&s, "+1ms s RA 0 101\n");
    script_finish(&s);
    assert_string_equal(mechanism_name(s.resets.v[0]->mechanism), "rejected-in-path");
    assert_int_equal(reset_connection(s.resets.v[0])->n_icmp, 1);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(collision),
        cmocka_unit_test(captured_by_flags),
        cmocka_unit_test(the_same_syn_comes_again),
        cmocka_unit_test(idle_time_and_trigger),
        cmocka_unit_test(probes_alone_tell_that_it_was_open),
        cmocka_unit_test(a_bare_rst_answers_what_acknowledges_its_number),
        cmocka_unit_test(unread_bytes),
        cmocka_unit_test(icmp_beside_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
