/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "joint.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
