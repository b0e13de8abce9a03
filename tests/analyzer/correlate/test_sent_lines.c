/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that were captured as syslog datagrams: the clocks that they tell, and that each counts
 * once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/analyzer/joint.h"

#define CLIENT "192.0.2.1:40001"
#define SERVER "198.51.100.7:22"

/* A line of the host, t seconds after the start by a clock that is off. */
static const char *line(struct joint *j, double t, double off, const char *host, const char *text)
{
    const char *s = arena_printf(&j->c.arena, "%s %s %s\n", joint_stamp(j, t + off, 0), host, text);
    assert_non_null(s);
    return s;
}

static const char *both(struct joint *j, const char *a, const char *b)
{
    return arena_printf(&j->c.arena, "%s%s", a, b);
}

static bool offset_is(const struct case_log *l, double seconds)
{
    instant_ns is = (instant_ns)(seconds * 1e9);
    return l->offset_known && l->offset_ns - l->offset_spread_ns <= is &&
           is <= l->offset_ns + l->offset_spread_ns && l->offset_spread_ns < NS_PER_S;
}

/* The file names nobody; of the same host, it holds a line that was captured. */
static void a_file_is_timed_by_its_captured_line(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    joint_reset(j, CLIENT, SERVER, 10, 20, NULL);
    static const double captured[] = {15.002};
    joint_sent(j, line(j, 15, -84, "web", "cron[77]: (root) CMD (/bin/true)"), captured);
    joint_log(j, "syslog", line(j, 15, 3000.25, "web", "cron[77]: (root) CMD (/bin/true)"));
    joint_log(j, "other", line(j, 15, 500, "db", "cron[77]: (root) CMD (/bin/true)"));
    joint_run(j);
    assert_true(offset_is(&j->logs[0], -84));
    assert_true(offset_is(&j->logs[1], 3000.25));
    assert_int_equal(j->logs[1].clocks[0].by, CLOCK_BY_DATAGRAMS);
    assert_false(j->logs[2].offset_known); /* another host may say the same */
    joint_free(j);
}

/* A queue that had to wait is sent at once. */
static void a_queue_moves_no_clock(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    joint_reset(j, CLIENT, SERVER, 10, 20, NULL);
    static const double captured[] = {5.001, 60.001, 60.002, 60.003, 60.004, 90.001};
    static const double written[] = {5, 20, 30, 40, 60, 90};
    const char *text = "";
    for (size_t i = 0; i < 6; i++) {
        const char *says = arena_printf(&j->c.arena, "app[%zu]: working", 100 + i);
        text = both(j, text, line(j, written[i], 7, "web", says));
    }
    joint_sent(j, text, captured);
    joint_run(j);
    assert_true(offset_is(&j->logs[0], 7));
    assert_int_equal(j->logs[0].clocks[0].n_steps, 0);
    joint_free(j);
}

static const char drop[] = "sshd[9]: drop connection #4 from [192.0.2.1]:40001 on "
                           "[198.51.100.7]:22 past MaxStartups";

static void a_line_counts_once(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, CLIENT, SERVER, 10, 20, &r);
    static const double captured[] = {20.003, 20.004};
    const char *opened = "sshd[8]: Connection from 192.0.2.1 port 40001 on 198.51.100.7 port 22";
    joint_sent(j, both(j, line(j, 20, 0, "web", drop), line(j, 20.001, 0, "web", opened)),
               captured);
    joint_log(j, "auth.log", line(j, 20, 0, "web", drop));
    joint_run(j);
    j->c.logs = j->logs;
    const struct link *file = joint_link(j, r, 1, 1);
    assert_non_null(file);
    assert_null(joint_link(j, r, 0, 1));     /* the file tells it */
    assert_non_null(joint_link(j, r, 0, 2)); /* the file does not hold it */
    const struct case_datagram *in = case_datagram_of(&j->c, file->event);
    assert_non_null(in);
    assert_int_equal(in->frame, 101);
    joint_free(j);
}

/* Datagrams get lost: that none came says nothing. */
static void absence_proves_nothing(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, CLIENT, SERVER, 10, 20, &r);
    static const double captured[] = {1.001, 99.001};
    const char *text =
        both(j, line(j, 1, 0, "web", "sshd[7]: Server listening on 0.0.0.0 port 22."),
             line(j, 99, 0, "web", drop));
    joint_sent(j, text, captured);
    joint_run(j);
    assert_false(case_log_covers(&j->c, r, SIDE_SERVER, TEXT("ssh.drop-connection"),
                                 JOINT_START + 18 * NS_PER_S, JOINT_START + 22 * NS_PER_S));
    joint_free(j);
}

/* A message without a stamp was written shortly before it was captured. */
static void no_stamp_is_the_time_of_capture(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, CLIENT, SERVER, 10, 20, &r);
    static const double captured[] = {20.003};
    joint_sent(j, both(j, drop, "\n"), captured);
    joint_run(j);
    const struct link *l = joint_link(j, r, 0, 1);
    assert_non_null(l);
    assert_int_equal(l->offset_ns, 3 * NS_PER_S / 1000);
    assert_true(l->uncertainty_ns < NS_PER_S);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_timed_by_its_captured_line),
        cmocka_unit_test(a_queue_moves_no_clock),
        cmocka_unit_test(a_line_counts_once),
        cmocka_unit_test(absence_proves_nothing),
        cmocka_unit_test(no_stamp_is_the_time_of_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
