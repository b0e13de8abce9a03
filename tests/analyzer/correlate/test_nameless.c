/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that name no address: what ended bore its id before, and what one capture has, all have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/analyzer/joint.h"

#define BROKER "198.51.100.7:1883"
#define FTP "198.51.100.7:21"
#define MQ "2026-03-01T12:00:"

/* Each closes the one before, right before it gets the name itself. */
static void the_older_of_two_with_one_id_ended(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[3];
    joint_reset(j, "192.0.2.33:40000", BROKER, 10, 12.2, &r[0]);
    joint_reset(j, "192.0.2.33:40001", BROKER, 12, 14.2, &r[1]);
    joint_reset(j, "192.0.2.33:40002", BROKER, 14, 20.2, &r[2]);
    joint_log(
        j, "mq.log",
        MQ "10.010000+00:00 mq mosquitto[7]: New client connected from 192.0.2.33:40000 as a (p2, "
           "c1, k60).\n" MQ "12.009900+00:00 mq mosquitto[7]: Client a already connected, closing "
           "old connection.\n" MQ "12.010000+00:00 mq mosquitto[7]: New client connected from "
           "192.0.2.33:40001 as a (p2, c1, k60).\n" MQ "14.009900+00:00 mq mosquitto[7]: Client a "
           "already connected, closing old connection.\n" MQ "14.010000+00:00 mq mosquitto[7]: New "
           "client connected from 192.0.2.33:40002 as a (p2, c1, k60).\n");
    joint_run(j);
    for (size_t i = 0; i < 3; i++) {
        const struct link *l = joint_link(j, r[i], 0, 2 * i + 2);
        assert_true((l != NULL) == (i < 2));
        assert_true(!l || (l->join == JOIN_PID && !l->ambiguous));
        assert_int_equal(joint_n_links(j, r[i]), i < 2 ? 2 : 1);
    }
    joint_free(j);
}

/* Two captures of each connection: a line is about one of them, in both, and nothing is ambiguous
 * for being captured twice. */
static void a_line_is_about_a_reset_wherever_it_was_captured(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *near[2], *far[2];
    const uint32_t b = joint_capture(j, "b.pcap", 0, 100);
    for (int i = 0; i < 2; i++) {
        const char *client = i ? "192.0.2.33:40001" : "192.0.2.33:40000";
        const double at = 10 + 20 * i;
        const struct connection_record *a = joint_reset(j, client, FTP, at, at + 0.1, &near[i]);
        struct connection_record *again = joint_reset(j, client, FTP, at, at + 0.1, &far[i]);
        memcpy(again->isn, a->isn, sizeof a->isn);
        joint_move(j, b, 0.004);
    }
    joint_log(j, "proftpd.log",
              MQ "10.100000+00:00 web proftpd[7]: localhost - MaxInstances (2) reached, new "
                 "connection denied\n" MQ "30.100000+00:00 web proftpd[7]: localhost - "
                 "MaxInstances (2) reached, new connection denied\n");
    joint_run(j);
    for (uint64_t i = 0; i < 2; i++) {
        const struct link *l = joint_link(j, near[i], 0, i + 1);
        assert_non_null(l);
        assert_non_null(joint_link(j, far[i], 0, i + 1));
        assert_false(l->ambiguous);
        assert_int_equal(joint_n_links(j, near[i]), 1);
        assert_int_equal(joint_n_links(j, far[i]), 1);
    }
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_older_of_two_with_one_id_ended),
        cmocka_unit_test(a_line_is_about_a_reset_wherever_it_was_captured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
