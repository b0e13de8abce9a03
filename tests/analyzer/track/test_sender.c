/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sent it: proofs and traits, alone and together.  One odd field never moves the verdict off
 * the end whose address the RST carries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/analyzer/script.h"

/* 20 ms from the capture to the server, timestamps, TTL 64 from the client and 57 from the server
 */
#define OPEN                                                                                       \
    "+0us c S 100 0 ws=7 ts=10/0\n"                                                                \
    "+20ms s SA 500 101 ws=7 win=65160 ts=90/10 ttl=57\n"                                          \
    "+50us c A 101 501 ts=30/90\n"
#define TALK                                                                                       \
    OPEN "+1ms c PA 101 501 len=50 ts=31/90\n"                                                     \
         "+20ms s A 501 151 ts=111/31 ttl=57 id=7000\n"                                            \
         "+1ms s PA 501 151 len=200 ts=112/31 ttl=57 id=7001\n"                                    \
         "+50us c A 151 701 ts=53/112\n"
/* two more that were so long in coming */
#define AFAR                                                                                       \
    "+0us c S 10 0 cport=4001\n+20ms s SA 50 11 cport=4001 ttl=57\n"                               \
    "+1ms c S 20 0 cport=4002\n+20ms s SA 60 21 cport=4002 ttl=57\n"
#define ASK "+900ms c PA 151 701 len=40 ts=953/112\n"

static bool gives(const struct reset *r, const char *id)
{
    for (size_t i = 0; i < r->n_reasons; i++)
        if (strcmp(r->reasons[i].what->id, id) == 0)
            return true;
    return false;
}

static const struct {
    const char *name, *lines;
    enum side sender;
    enum mechanism mechanism;
    const char *because; /* a reason that must be given, or NULL */
} cases[] = {
    {"the server's own bare answer", TALK ASK "+20ms s R 701 0 ttl=57\n", SIDE_SERVER,
     MECHANISM_NO_STATE, "sender.answer-time-fits"},
    {"the server's own abort", TALK "+1s s RA 701 151 ts=1200/53 ttl=57 id=7002 win=501\n",
     SIDE_SERVER, MECHANISM_ABORT, "sender.id-in-sequence"},
    {"only the hop count is odd", TALK ASK "+20ms s R 701 0 ttl=60\n", SIDE_SERVER,
     MECHANISM_NO_STATE, "sender.ttl-unlike-answers"},
    {"only the timestamps are missing", TALK "+1s s RA 701 151 ttl=57 id=7002\n", SIDE_SERVER,
     MECHANISM_ABORT, "sender.timestamps-missing"},
    {"only the identification jumps", TALK "+1s s RA 701 151 ts=1200/53 ttl=57 id=40000\n",
     SIDE_SERVER, MECHANISM_ABORT, "sender.id-out-of-sequence"},
    {"a socket with its own TTL, the kernel's answer with the default one",
     "+0us c S 100 0\n+1ms s SA 500 101 ttl=254\n+1ms c A 101 501\n+1ms s PA 501 101 len=9 "
     "ttl=254\n"
     "+1ms c A 101 510\n+300s c PA 101 510 len=9\n+1ms s R 510 0 ttl=63\n",
     SIDE_SERVER, MECHANISM_NO_STATE, NULL},
    {"back before the server could have got it, and from nearer",
     TALK ASK "+200us s R 701 0 ttl=64\n", SIDE_PATH, MECHANISM_INJECTED, "sender.too-quick"},
    {"back too soon for what one SYN-ACK tells, and with an identification",
     TALK ASK "+1ms s R 701 0 ttl=57 id=9\n", SIDE_SERVER, MECHANISM_NO_STATE, "sender.too-quick"},
    {"back too soon for what three SYN-ACKs tell, and with an identification",
     AFAR TALK ASK "+1ms s R 701 0 ttl=57 id=9\n", SIDE_PATH, MECHANISM_INJECTED,
     "sender.too-quick"},
    {"back in less than half of what three SYN-ACKs tell", AFAR TALK ASK "+9ms s R 701 0 ttl=57\n",
     SIDE_SERVER, MECHANISM_NO_STATE, "sender.too-quick"},
    {"its answers were slow on this connection alone",
     "+0us c S 10 0 cport=4001\n+20ms s SA 50 11 cport=4001 ttl=57\n"
     "+1s c S 100 0\n+90ms s SA 500 101 ttl=57\n+50us c A 101 501\n"
     "+1ms c PA 101 501 len=50\n+100ms s PA 501 151 len=200 ttl=57\n+50us c A 151 701\n"
     "+900ms c PA 151 701 len=40\n+21ms s R 701 0 ttl=57\n",
     SIDE_SERVER, MECHANISM_NO_STATE, "sender.answer-time-fits"},
    {"timestamps, identification and hop count", TALK "+1s s RA 701 151 ttl=60 id=40000 win=501\n",
     SIDE_PATH, MECHANISM_INJECTED, "sender.ttl-unlike-segments"},
    {"the server keeps talking",
     TALK "+1s s RA 701 151 ttl=57 id=7002\n+400ms s PA 701 151 len=90 ts=1600/53 ttl=57 id=7003\n"
          "+20ms c R 151 0\n",
     SIDE_PATH, MECHANISM_INJECTED, "sender.talks-after-rst"},
    {"the server's kernel probes on", /* a forger in the kernel's clothes */
     TALK "+1s s R 701 0 ttl=57 id=0 win=0\n+900ms s A 700 151 ts=2100/53 ttl=57 id=7003\n"
          "+20us c R 151 0\n",
     SIDE_PATH, MECHANISM_INJECTED, "sender.talks-after-rst"},
    {"an ACK in flight before the first probe",
     TALK "+1s s R 701 0 ttl=57 id=0 win=0\n+2ms s A 701 151 ts=1203/53 ttl=57 id=7003\n"
          "+2s s A 700 151 ts=3203/53 ttl=57 id=7004\n",
     SIDE_PATH, MECHANISM_INJECTED, "sender.talks-after-rst"},
    {"an ACK that was in flight is not talking on",
     TALK
     "+1s s RA 701 151 ttl=57 ts=1200/53 id=7003\n+2ms s A 701 151 ts=1200/53 ttl=57 id=7002\n",
     SIDE_SERVER, MECHANISM_ABORT, NULL},
    {"an ACK of other numbers is not its own",
     TALK "+1s s RA 701 151 ttl=57 ts=1200/53 id=7003\n+100ms s A 90701 151 ttl=57 id=7004\n",
     SIDE_SERVER, MECHANISM_ABORT, NULL},
    {"captured out of order is not talking on",
     TALK "+1s s RA 791 151 ttl=57 ts=1200/53 id=7003\n"
          "+20us s PA 701 151 len=90 ts=1200/53 ttl=57 id=7002\n",
     SIDE_SERVER, MECHANISM_ABORT, NULL},
    {"both ways with one identification",
     TALK "+1s s R 701 0 ttl=80 id=4660\n+100us c R 151 0 ttl=80 id=4660\n", SIDE_PATH,
     MECHANISM_INJECTED, "sender.both-ways"},
    {"a burst of rising numbers",
     TALK ASK
     "+3ms s RA 701 191 ttl=113 id=54084 win=8\n+10us s RA 2161 191 ttl=113 id=54084 win=9\n"
     "+10us s RA 3621 191 ttl=113 id=54084 win=10\n",
     SIDE_PATH, MECHANISM_INJECTED, "sender.rising-burst"},
    {"another link address and no fragmentation bit",
     TALK "+1s s RA 701 151 ts=1200/53 ttl=57 id=7002 mac=9 df=0\n", SIDE_SERVER, MECHANISM_ABORT,
     "sender.mac-unlike"},
    {"another link address, no fragmentation bit, no timestamps, another hop count",
     TALK "+1s s RA 701 151 ttl=62 id=7002 mac=9 df=0\n", SIDE_PATH, MECHANISM_INJECTED,
     "sender.df-unlike"},
    {"IPv6: the socket's own label, hop limit and timestamps",
     "+0us c S 100 0 label=7 ts=1/0\n+1ms s SA 500 101 label=9 ts=1/1\n+1ms c A 101 501 label=7 "
     "ts=2/1\n"
     "+1ms s PA 501 101 len=9 label=9 ts=3/2\n+1ms c A 101 510 label=7 ts=4/3\n"
     "+9s s RA 510 101 label=9 ts=99/4\n",
     SIDE_SERVER, MECHANISM_ABORT, "sender.timestamps-carried"},
    {"IPv6: another label, another hop limit, no timestamps",
     "+0us c S 100 0 label=7 ts=1/0\n+1ms s SA 500 101 label=9 ts=1/1\n+1ms c A 101 501 label=7 "
     "ts=2/1\n"
     "+1ms s PA 501 101 len=9 label=9 ts=3/2\n+1ms c A 101 510 label=7 ts=4/3\n"
     "+9s s RA 510 101 label=0 ttl=61\n",
     SIDE_PATH, MECHANISM_INJECTED, "sender.flow-label-unlike"},
    {"seen once where all else was seen twice",
     "+0us c S 100 0 id=1\n+5us c S 100 0 id=1 ttl=63\n+1ms s SA 500 101\n+5us s SA 500 101 "
     "ttl=63\n"
     "+1ms c A 101 501 id=2\n+5us c A 101 501 id=2 ttl=63\n+1ms c PA 101 501 len=9 id=3\n"
     "+5us c PA 101 501 len=9 id=3 ttl=63\n+1ms s A 501 110 id=8\n+5us s A 501 110 id=8 ttl=63\n"
     "+50ms c PA 110 501 len=9 id=4\n+20us s R 501 0 ttl=60\n",
     SIDE_PATH, MECHANISM_INJECTED, "sender.seen-once"},
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script s = script_run(cases[i].lines);
        print_message("  %s\n", cases[i].name);
        assert_int_equal(s.resets.n, 1);
        const struct reset *r = s.resets.v[0];
        assert_string_equal(side_name(r->sender), side_name(cases[i].sender));
        assert_string_equal(mechanism_name(r->mechanism), mechanism_name(cases[i].mechanism));
        if (cases[i].because)
            assert_true(gives(r, cases[i].because));
        script_end(&s);
    }
}

/* The device's refusals are told from the host's by what that host's answers look like elsewhere.
 */
static void rejected_in_path(void **state)
{
    (void)state;
    struct script s =
        script_run("+0us c S 100 0 cport=41000\n+500us s SA 500 101 ttl=63 cport=41000\n"
                   "+1ms c A 101 501 cport=41000\n"
                   "+1ms c S 200 0 cport=41001 sport=9\n"
                   "+500us s RA 0 201 ttl=63 cport=41001 sport=9\n"
                   "+1ms c S 300 0 cport=41002 sport=10\n"
                   "+400us s RA 0 301 ttl=64 cport=41002 sport=10\n");
    assert_int_equal(s.resets.n, 2);
    assert_string_equal(mechanism_name(s.resets.v[0]->mechanism), "refused");
    assert_string_equal(mechanism_name(s.resets.v[1]->mechanism), "rejected-in-path");
    script_end(&s);

    /* with nothing to compare, the host is believed */
    s = script_run("+1ms c S 300 0\n+1ms s RA 0 301 ttl=64\n");
    assert_string_equal(mechanism_name(s.resets.v[0]->mechanism), "refused");
    script_end(&s);
}

/* One end survived the forgeries, the other did not: its kernel's answers are their consequence. */
static void one_sided_forgery(void **state)
{
    (void)state;
    struct script s = script_run(
        OPEN "+1ms c RA 161 501 ttl=113 id=54084 win=8\n+1us s A 501 101 ttl=57 ts=92/30\n"
             "+1us c RA 1621 501 ttl=113 id=54084 win=9\n"
             "+6ms c PA 101 501 len=60 ts=40/90\n+20ms s A 501 161 ttl=57 ts=93/40\n"
             "+10ms c R 101 0\n");
    assert_int_equal(s.resets.n, 1);
    const struct reset *r = s.resets.v[0];
    assert_string_equal(mechanism_name(r->mechanism), "injected");
    assert_int_equal(r->deciding.segment.frame, 4);
    assert_int_equal(r->n_rsts, 3);
    assert_int_equal(r->deciding.validity, RST_IN_WINDOW);
    script_end(&s);
}

/* What an end does speaks against its RST, what the packet looks like for it: said to come from
 * the path, with less than certainty. */
static void the_packet_or_the_conduct(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        bool looks_own;
    } rows[] = {
        {TALK "+1s s R 701 0 ttl=57 id=0 win=0\n+400ms s PA 701 151 len=9 ts=1600/53 ttl=57 "
              "id=7003\n+20ms c R 151 0\n",
         true},
        {TALK "+1s s R 701 0 ttl=60 id=0 win=0\n+400ms s PA 701 151 len=9 ts=1600/53 ttl=57 "
              "id=7003\n+20ms c R 151 0\n",
         false},
        {TALK "+1s s R 701 0 ttl=57 id=9 win=512\n+400ms s PA 701 151 len=9 ts=1600/53 ttl=57 "
              "id=7003\n+20ms c R 151 0\n",
         false},
        {TALK "+1s s RA 701 151 ttl=57 id=7002\n+400ms s PA 701 151 len=9 ts=1600/53 ttl=57 "
              "id=7003\n+20ms c R 151 0\n",
         false},
    };
    double confidence[sizeof rows / sizeof *rows];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct script s = script_run(rows[i].lines);
        const struct reset *r = s.resets.v[0];
        assert_string_equal(mechanism_name(r->mechanism), "injected");
        assert_int_equal(r->looks_own, rows[i].looks_own);
        assert_int_equal(r->alike, rows[i].looks_own);
        confidence[i] = r->sender_confidence;
        script_end(&s);
    }
    for (size_t i = 1; i < sizeof rows / sizeof *rows; i++)
        assert_true(confidence[0] < confidence[i] - 0.05);
}

/* netfilter's reject writes no IPv6 flow label; a kernel that labels its answers labels them all.
 */
static void an_answer_without_the_hosts_label(void **state)
{
    (void)state;
    struct script s = script_run("+0us c S 200 0 cport=41001 sport=9 label=5\n"
                                 "+500us s RA 0 201 cport=41001 sport=9 label=77\n"
                                 "+1ms c S 300 0 cport=41002 sport=10 label=6\n"
                                 "+500us s RA 0 301 cport=41002 sport=10 label=0\n");
    assert_int_equal(s.resets.n, 2);
    assert_false(s.resets.v[0]->label_missing);
    assert_true(s.resets.v[1]->label_missing);
    assert_true(gives(s.resets.v[1], "sender.flow-label-unlike-answers"));
    assert_string_equal(mechanism_name(s.resets.v[1]->mechanism), "refused");
    script_end(&s);

    s = script_run("+1ms c S 300 0 label=6\n+1ms s RA 0 301 label=0\n");
    assert_false(s.resets.v[0]->label_missing);
    script_end(&s);
}

/* A bare answer takes its number from an acknowledgement.  Where the ends' own numbers show that
 * segments of its receiver were not captured, that one may be among them. */
static void the_acknowledgement_was_not_captured(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        enum rst_family family;
    } rows[] = {
        {TALK "+1s s PA 701 151 len=20 ts=1200/53 ttl=57 id=7002\n+20ms s R 721 0 ttl=57\n",
         RST_NEITHER},
        {TALK "+1s s PA 701 181 len=20 ts=1200/53 ttl=57 id=7002\n+20ms s R 721 0 ttl=57\n",
         RST_ANSWER},
        {TALK "+1s s PA 701 181 len=20 ts=1200/53 ttl=57 id=7002\n+20ms s R 711 0 ttl=57\n",
         RST_NEITHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct script s = script_run(rows[i].lines);
        assert_int_equal(s.resets.n, 1);
        const struct reset *r = s.resets.v[0];
        assert_int_equal(r->deciding.family, rows[i].family);
        assert_int_equal(gives(r, "sender.number-fits-neither-form"),
                         rows[i].family == RST_NEITHER);
        script_end(&s);
    }
}

static void reasons_speak_for_the_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script s = script_run(cases[i].lines);
        const struct reset *r = s.resets.v[0];
        double strongest = r->n_reasons ? r->reasons[0].what->weight : 0;
        for (size_t j = 1; j < r->n_reasons; j++) {
            double a = r->reasons[j].what->weight, b = r->reasons[j - 1].what->weight;
            assert_true((a < 0 ? -a : a) <= (b < 0 ? -b : b));
        }
        if (r->sender == SIDE_PATH)
            assert_true(strongest > 0);
        script_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(rejected_in_path),
        cmocka_unit_test(one_sided_forgery),
        cmocka_unit_test(the_packet_or_the_conduct),
        cmocka_unit_test(an_answer_without_the_hosts_label),
        cmocka_unit_test(the_acknowledgement_was_not_captured),
        cmocka_unit_test(reasons_speak_for_the_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
