/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/analyzer/joint.h"

#define SERVER "198.51.100.7:22"

static bool why_is(const struct unmatched_line *u, const char *id)
{
    return u && strcmp(u->why_id, id) == 0 && u->why.n > 0 && u->capture_hint.n > 0;
}

static void test_reasons(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &r);
    joint_talk(j, "192.0.2.33:40001", SERVER, 20, 22);
    joint_log(
        j, "auth.log",
        "2026-03-01T11:59:50.000000+00:00 web sshd[1]: Connection reset by 192.0.2.33 port 39000\n"
        "2026-03-01T12:00:10.001000+00:00 web sshd[2]: Connection from 192.0.2.33 port 40000 on "
        "198.51.100.7 port 22 rdomain \"\"\n"
        "2026-03-01T12:00:12.001000+00:00 web sshd[2]: error: kex_exchange_identification: read: "
        "Connection reset by peer\n"
        "2026-03-01T12:00:12.002000+00:00 web sshd[2]: Connection reset by 192.0.2.33 port 40000\n"
        "2026-03-01T12:00:22.001000+00:00 web sshd[3]: Connection reset by 192.0.2.33 port 40001\n"
        "2026-03-01T12:00:30.000000+00:00 web sshd[4]: Connection reset by 203.0.113.5 port 1234\n"
        "2026-03-01T12:00:31.000000+00:00 web sshd[5]: Connection reset by 192.0.2.33 port 45000\n"
        "2026-03-01T12:00:32.000000+00:00 web sshd[6]: Connection from 203.0.113.6 port 99 on "
        "198.51.100.7 port 22 rdomain \"\"\n"
        "2026-03-01T12:00:32.500000+00:00 web sshd[6]: error: kex_exchange_identification: read: "
        "Connection reset by peer\n"
        "2026-03-01T12:00:33.000000+00:00 web sshd[7]: Connection closed by 203.0.113.7 port 44\n"
        "2026-03-01T12:00:33.000000+00:00 web sshd[8]: error: maximum authentication attempts "
        "exceeded for root from 203.0.113.8 port 44 ssh2\n"
        "2026-03-01T12:05:00.000000+00:00 web sshd[9]: Connection reset by 192.0.2.33 port "
        "46000\n");
    joint_run(j);
    assert_true(why_is(joint_unmatched(j, 0, 1), "outside-captured-time"));
    assert_true(why_is(joint_unmatched(j, 0, 5), "connection-without-rst"));
    assert_true(why_is(joint_unmatched(j, 0, 6), "address-never-seen"));
    assert_true(why_is(joint_unmatched(j, 0, 7), "address-never-seen"));
    assert_true(why_is(joint_unmatched(j, 0, 9), "address-never-seen")); /* bridged */
    assert_true(why_is(joint_unmatched(j, 0, 12), "outside-captured-time"));
    assert_int_equal(j->c.n_unmatched, 6);
    assert_true(text_eq(joint_unmatched(j, 0, 6)->capture_hint,
                        TEXT("tcpdump -i any -w reset.pcap 'tcp and host 203.0.113.5 and port "
                             "22'")));
    joint_free(j);
}

/* A refusal that was carried out by FIN is no reset that somebody failed to capture; one of a
 * connection that no capture holds is. */
static void test_refused_in_order(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    joint_talk(j, "192.0.2.33:40001", SERVER, 20, 20.01);
    joint_log(j, "auth.log",
              "2026-03-01T12:00:20.005000+00:00 web sshd[5]: drop connection #10 from "
              "[192.0.2.33]:40001 on [198.51.100.7]:22 past MaxStartups\n"
              "2026-03-01T12:00:21.005000+00:00 web sshd[5]: drop connection #10 from "
              "[192.0.2.33]:40009 on [198.51.100.7]:22 past MaxStartups\n");
    joint_run(j);
    assert_null(joint_unmatched(j, 0, 1));
    assert_true(why_is(joint_unmatched(j, 0, 2), "address-never-seen"));
    joint_free(j);
}

/* HAProxy names the client's connection and reports the end of the other one. */
static void test_behind_proxy(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *back;
    joint_talk(j, "192.0.2.33:40001", "198.51.100.7:80", 20, 21);
    joint_reset(j, "198.51.100.8:50000", "198.51.100.9:9000", 20.1, 20.5, &back);
    joint_log(j, "haproxy.log",
              "2026-03-01T12:00:20.502000+00:00 lb haproxy[5]: 192.0.2.33:40001 "
              "[01/Mar/2026:12:00:20.001] web app/s1 0/0/1/-1/501 502 209 - - SH-- 1/1/0/0/0 0/0 "
              "\"GET / HTTP/1.1\"\n");
    joint_run(j);
    assert_int_equal(j->c.n_unmatched, 0);
    assert_non_null(joint_link(j, back, 0, 1));
    assert_int_equal(joint_link(j, back, 0, 1)->join, JOIN_HOST);
    joint_free(j);
}

/* Only logs were given. */
static void test_no_capture(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    j->c.n_captures = 0;
    joint_log(j, "auth.log",
              "Mar  1 12:00:30 web sshd[4]: Connection reset by 203.0.113.5 port 1234\n");
    joint_run(j);
    assert_int_equal(j->c.n_unmatched, 1);
    assert_true(why_is(&j->c.unmatched[0], "outside-captured-time"));
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_no_capture),
        cmocka_unit_test(test_refused_in_order),
        cmocka_unit_test(test_behind_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
