/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/correlate/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/analyzer/joint.h"

#define SERVER "198.51.100.7:6379"
#define OTHER "198.51.100.7:8500"

static instant_ns size_of(instant_ns t)
{
    return t < 0 ? -t : t;
}

static void refuse(struct joint *j, const char *client, double t, struct reset **r)
{
    struct connection_record *c = joint_reset(j, client, SERVER, t, t + 0.0001, r);
    c->synack_time = INSTANT_NONE;
    c->handshake_seen = false;
}

/* Accepted, refused, accepted; a line for each turn, eleven minutes ahead. */
static void test_restart_measures(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_talk(j, "192.0.2.33:40000", SERVER, 10, 10.5)->fin_time[0] = JOINT_START + 10 * NS_PER_S;
    refuse(j, "192.0.2.33:40001", 11, &r);
    refuse(j, "192.0.2.33:40002", 12, NULL);
    joint_talk(j, "192.0.2.33:40003", SERVER, 13, 14)->fin_time[0] = JOINT_START + 14 * NS_PER_S;
    joint_log(j, "syslog",
              "2026-03-01T12:11:02.000000+00:00 web redis[9]: Ready to accept connections\n"
              "2026-03-01T12:11:10.800000+00:00 web redis[9]: User requested shutdown...\n"
              "2026-03-01T12:11:10.800100+00:00 web redis[9]: Redis is now ready to exit, bye "
              "bye...\n"
              "2026-03-01T12:11:12.700000+00:00 web redis[12]: Ready to accept connections\n"
              "2026-03-01T12:11:50.000000+00:00 web redis[12]: Redis is now ready to exit, bye "
              "bye...\n");
    joint_run(j);
    assert_true(j->logs[0].offset_known);
    assert_true(size_of(j->logs[0].offset_ns - 660 * NS_PER_S) <= j->logs[0].offset_spread_ns);
    assert_true(j->logs[0].offset_spread_ns < NS_PER_S);
    const struct link *stop = joint_link(j, r, 0, 3);
    assert_non_null(stop);
    assert_false(stop->ambiguous);
    assert_true(size_of(stop->offset_ns + NS_PER_S / 5) <= stop->uncertainty_ns);
    joint_free(j);
}

static const char crash_text[] =
    "2026-03-01T12:07:30.000000+00:00 web kernel: [ 3871.778231] reportd[640]: segfault at 0 ip "
    "00007f872f131ad8 sp 00007ffe48c895c8 error 4 in libc.so.6[7f872eff0000+156000]\n";

/* Everything of one service ended at one instant, and one crash is all that the log knows: likely
 * the same, and said to be in doubt. */
static void test_lone_crash(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[3], *other;
    joint_reset(j, "192.0.2.33:40000", OTHER, 10, 30, &r[0]);
    joint_reset(j, "192.0.2.33:40001", OTHER, 11, 30.001, &r[1]);
    joint_reset(j, "192.0.2.34:40001", OTHER, 12, 30.002, &r[2]);
    joint_reset(j, "192.0.2.34:40009", SERVER, 12, 70, &other);
    joint_log(j, "kern.log", crash_text);
    joint_run(j);
    assert_true(j->logs[0].offset_known);
    assert_true(size_of(j->logs[0].offset_ns - 420 * NS_PER_S) <= j->logs[0].offset_spread_ns);
    for (int i = 0; i < 3; i++) {
        const struct link *l = joint_link(j, r[i], 0, 1);
        assert_non_null(l);
        assert_int_equal(l->join, JOIN_HOST);
        assert_true(l->ambiguous);
    }
    joint_free(j);
}

/* Two such ends: the crash could be either, and is tied to none. */
static void test_two_ends(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[4];
    joint_reset(j, "192.0.2.33:40000", OTHER, 10, 30, &r[0]);
    joint_reset(j, "192.0.2.33:40001", OTHER, 11, 30.001, &r[1]);
    joint_reset(j, "192.0.2.33:40002", OTHER, 40, 60, &r[2]);
    joint_reset(j, "192.0.2.33:40003", OTHER, 41, 60.001, &r[3]);
    joint_log(j, "kern.log", crash_text);
    joint_run(j);
    assert_false(j->logs[0].offset_known);
    for (int i = 0; i < 4; i++)
        assert_null(joint_link(j, r[i], 0, 1));
    joint_free(j);
}

/* A service that closes its connections in order, two at a time, again and again: two lines of one
 * kill may mean any of those ends, and fit two at once. */
static void test_routine_ends(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    for (int i = 0; i < 8; i++) {
        char client[32];
        for (int k = 0; k < 2; k++) {
            snprintf(client, sizeof client, "192.0.2.33:%d", 40000 + 2 * i + k);
            joint_talk(j, client, OTHER, 30 + 0.1 * i, 30.02 + 0.1 * i);
        }
    }
    joint_reset(j, "192.0.2.34:40009", SERVER, 12, 32, NULL);
    joint_log(j, "kern.log",
              "2026-03-01T12:00:10.000000+00:00 web kernel: [49683.026612] oom-kill:constraint="
              "CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/b,task_memcg=/b,"
              "task=batchd,pid=11738,uid=0\n"
              "2026-03-01T12:00:10.000100+00:00 web kernel: [49683.026643] Memory cgroup out of "
              "memory: Killed process 11738 (batchd) total-vm:63748kB, anon-rss:53104kB, "
              "file-rss:6136kB, shmem-rss:0kB, UID:0 pgtables:160kB oom_score_adj:0\n");
    joint_run(j);
    assert_false(j->logs[0].offset_known);
    joint_free(j);
}

/* One connection lived on: it was no end of the process. */
static void test_survivor(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    joint_reset(j, "192.0.2.33:40000", OTHER, 10, 30, NULL);
    joint_reset(j, "192.0.2.33:40001", OTHER, 11, 30.001, NULL);
    joint_talk(j, "192.0.2.33:40002", OTHER, 12, 80);
    joint_log(j, "kern.log", crash_text);
    joint_run(j);
    assert_false(j->logs[0].offset_known);
    joint_free(j);
}

/* A unit that is not known to be this service says nothing of it. */
static void test_other_unit(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    joint_reset(j, "192.0.2.33:40000", OTHER, 10, 30, NULL);
    joint_reset(j, "192.0.2.33:40001", OTHER, 11, 30.001, NULL);
    joint_log(j, "syslog",
              "2026-03-01T12:07:30.000000+00:00 web systemd[1]: foo.service: Main process exited, "
              "code=killed, status=9/KILL\n");
    joint_run(j);
    assert_false(j->logs[0].offset_known);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart_measures), cmocka_unit_test(test_lone_crash),
        cmocka_unit_test(test_two_ends),         cmocka_unit_test(test_survivor),
        cmocka_unit_test(test_routine_ends),     cmocka_unit_test(test_other_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
