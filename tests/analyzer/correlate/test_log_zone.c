/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of a log beside that of the captures: its zone, how far off it is, and its steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/analyzer/joint.h"

#define SERVER "198.51.100.7:22"

/* Stamps without zone, written two hours and three seconds ahead, to the second. */
static void test_zone_and_offset(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[12];
    struct strbuf log;
    strbuf_init(&log);
    for (int i = 0; i < 12; i++) {
        char client[32];
        double t = 5 + i * 6.37;
        snprintf(client, sizeof client, "192.0.2.%d:50000", 40 + i);
        joint_reset(j, client, SERVER, t - 1, t, &r[i]);
        if (i % 3 == 2)
            continue; /* not every line was written */
        int s = (int)(t + 3.02);
        strbuf_printf(&log,
                      "Mar  1 14:%02d:%02d web sshd[%d]: Connection reset by 192.0.2.%d port "
                      "50000 [preauth]\n",
                      s / 60, s % 60, 100 + i, 40 + i);
    }
    joint_log(j, "auth.log", log.p);
    joint_run(j);
    assert_true(j->logs[0].offset_known);
    assert_true(text_eq(j->logs[0].zone, TEXT("UTC+02:00")));
    assert_true(text_starts(j->logs[0].zone_why, TEXT("inferred")));
    assert_true(joint_size(j->logs[0].offset_ns - 3 * NS_PER_S) <= j->logs[0].offset_spread_ns);
    assert_true(j->logs[0].offset_spread_ns < NS_PER_S / 2);
    assert_int_equal(j->logs[0].n_anchors, 8);
    const struct link *l = joint_link(j, r[0], 0, 1);
    assert_non_null(l);
    assert_true(joint_size(l->offset_ns) <= l->uncertainty_ns);
    assert_true(joint_size(l->event->time - (JOINT_START + 8 * NS_PER_S)) <= NS_PER_S);
    strbuf_finish(&log);
    joint_free(j);
}

/* No line names a port; the log is short, and meets the short capture in one zone only. */
static void test_zone_by_span(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.33:40000", "198.51.100.7:6379", 10, 30, &r);
    joint_log(j, "syslog",
              "Mar  1 17:30:20 cache redis-server[9]: Ready to accept connections\n"
              "Mar  1 17:30:29 cache redis-server[9]: User requested shutdown...\n");
    joint_run(j);
    assert_true(text_eq(j->logs[0].zone, TEXT("UTC+05:30")));
    assert_false(j->logs[0].offset_known);
    assert_non_null(joint_link(j, r, 0, 2));
    joint_free(j);
}

/* A zone that the stamps state is never inferred: the clock is wrong. */
static void test_stated_zone(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &r);
    joint_log(j, "auth.log",
              "2026-03-01T11:00:12.001000+00:00 web sshd[77]: Connection reset by 192.0.2.33 port "
              "40000\n");
    joint_run(j);
    assert_true(text_eq(j->logs[0].zone, TEXT("UTC")));
    assert_true(joint_size(j->logs[0].offset_ns + 3600 * NS_PER_S) < NS_PER_S / 10);
    assert_non_null(joint_link(j, r, 0, 1));
    joint_free(j);
}

/* Two hosts with different clocks in one file, and a second file of one of them without anchors. */
static void test_two_hosts(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *a, *b;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &a);
    joint_reset(j, "192.0.2.33:40000", "198.51.100.8:22", 50, 52, &b);
    joint_log(j, "auth.log",
              "2026-03-01T12:00:22.001000+00:00 web sshd[7]: Connection reset by 192.0.2.33 port "
              "40000\n"
              "2026-03-01T12:00:10.001000+00:00 db sshd[8]: Connection from 192.0.2.33 port 40000 "
              "on 198.51.100.8 port 22 rdomain \"\"\n"
              "2026-03-01T12:00:12.001000+00:00 db sshd[8]: Connection reset by 192.0.2.33 port "
              "40000\n"
              "2026-03-01T12:00:20.010000+00:00 web sshd[7]: Connection from 192.0.2.33 port 40000 "
              "on 198.51.100.7 port 22 rdomain \"\"\n");
    joint_log(j, "kern.log",
              "2026-03-01T12:00:21.900000+00:00 web kernel: Out of memory: Killed process 265 "
              "(java) total-vm:115232kB, anon-rss:520kB, file-rss:0kB, shmem-rss:0kB, UID:0 "
              "pgtables:128kB oom_score_adj:0\n");
    joint_run(j);
    assert_non_null(joint_link(j, a, 0, 1));
    assert_non_null(joint_link(j, a, 0, 4));
    assert_non_null(joint_link(j, b, 0, 2));
    assert_non_null(joint_link(j, b, 0, 3));
    assert_null(joint_link(j, a, 0, 3));
    assert_null(joint_link(j, b, 0, 1));
    const struct link *oom = joint_link(j, a, 1, 1);
    assert_non_null(oom);
    assert_int_equal(oom->join, JOIN_HOST);
    assert_int_equal(oom->side, SIDE_SERVER);
    assert_true(joint_size(oom->offset_ns + NS_PER_S / 10) < NS_PER_S / 20);
    assert_null(joint_link(j, b, 1, 1)); /* the other host */
    assert_true(j->logs[1].offset_known);
    assert_int_equal(j->logs[1].n_anchors, 0);
    joint_free(j);
}

/* The clock of one host was set back by two minutes in mid-log; another host's, in the same file,
 * was right all the time. */
static void test_set_back(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[16];
    struct strbuf log;
    strbuf_init(&log);
    for (int i = 0; i < 16; i++) {
        char client[32];
        double t = 10 + i * 5, off = i % 2 ? 0 : i < 10 ? 100 : -20;
        snprintf(client, sizeof client, "192.0.2.33:%d", 40000 + i);
        joint_reset(j, client, i % 2 ? "198.51.100.8:22" : SERVER, t - 1, t, &r[i]);
        strbuf_printf(&log, "%s %s sshd[%d]: Connection reset by 192.0.2.33 port %d\n",
                      joint_stamp(j, t + off + 0.002, 0), i % 2 ? "db" : "web", 70 + i, 40000 + i);
    }
    joint_log(j, "all.log", log.p);
    joint_run(j);
    const struct case_log *l = &j->logs[0];
    assert_int_equal(l->n_clocks, 2);
    for (size_t k = 0; k < 2; k++) {
        const struct case_clock *c = &l->clocks[k];
        bool is_web = text_eq(c->host, TEXT("web"));
        assert_int_equal(c->by, CLOCK_BY_LINES);
        assert_int_equal(c->n_anchors, 8);
        assert_int_equal(c->n_steps, is_web ? 1 : 0);
        if (!is_web)
            continue;
        assert_int_equal(c->steps[0].after_line, 9);
        assert_int_equal(c->steps[0].before_line, 11);
        assert_true(joint_size(c->steps[0].by_ns + 120 * NS_PER_S) <= c->steps[0].spread_ns);
    }
    for (uint64_t i = 0; i < 16; i++) {
        assert_int_equal(joint_n_links(j, r[i]), 1);
        assert_true(joint_size(joint_link(j, r[i], 0, i + 1)->offset_ns) < NS_PER_S / 10);
    }
    strbuf_finish(&log);
    joint_free(j);
}

static void test_given_offset(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *a, *b;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 11, &a);
    joint_reset(j, "192.0.2.33:40000", SERVER, 50, 51, &b);
    joint_log(j, "auth.log",
              "2026-03-01T12:00:51.001000+00:00 web sshd[7]: Connection reset by 192.0.2.33 port "
              "40000\n");
    j->about[0].offset_given = true;
    j->about[0].offset_ns = 40 * NS_PER_S;
    joint_run(j);
    assert_non_null(joint_link(j, a, 0, 1));
    assert_null(joint_link(j, b, 0, 1));
    assert_true(j->logs[0].offset_ns == 40 * NS_PER_S);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone_and_offset), cmocka_unit_test(test_zone_by_span),
        cmocka_unit_test(test_stated_zone),     cmocka_unit_test(test_two_hosts),
        cmocka_unit_test(test_set_back),        cmocka_unit_test(test_given_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
