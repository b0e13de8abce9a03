/* SPDX-License-Identifier: Apache-2.0 */
/* Which line of a log belongs to which reset, and to none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/analyzer/joint.h"

#define SERVER "198.51.100.7:22"

/* Twenty resets of one client within a second, one line each: the port decides. */
static void test_port_decides(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[20];
    struct strbuf log;
    strbuf_init(&log);
    for (int i = 0; i < 20; i++) {
        char client[32];
        snprintf(client, sizeof client, "192.0.2.33:%d", 40000 + i);
        joint_reset(j, client, SERVER, 10 + i * 0.04, 10.01 + i * 0.04, &r[i]);
        strbuf_printf(&log,
                      "%s web sshd[77]: drop connection #10 from [192.0.2.33]:%d on "
                      "[198.51.100.7]:22 past MaxStartups\n",
                      joint_stamp(j, 10.0102 + i * 0.04, 0), 40000 + i);
    }
    strbuf_str(&log, "2026-03-01T12:00:10.500000+00:00 web sshd[77]: drop connection #10 from "
                     "[192.0.2.34]:40003 on [198.51.100.7]:22 past MaxStartups\n");
    joint_log(j, "auth.log", log.p);
    joint_run(j);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(joint_n_links(j, r[i]), 1);
        const struct link *l = joint_link(j, r[i], 0, (uint64_t)i + 1);
        assert_non_null(l);
        assert_int_equal(l->join, JOIN_TUPLE);
        assert_int_equal(l->side, SIDE_SERVER);
        assert_false(l->ambiguous);
        assert_true(l->recognised);
        assert_true(joint_size(l->offset_ns) < NS_PER_S / 50);
    }
    assert_true(j->logs[0].offset_known);
    assert_int_equal(j->logs[0].n_anchors, 20);
    strbuf_finish(&log);
    joint_free(j);
}

/* The same in one second without ports: nothing can decide, so each line says so. */
static void test_nothing_decides(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[3];
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 10.2, &r[0]);
    joint_reset(j, "192.0.2.33:40001", SERVER, 10.1, 10.3, &r[1]);
    joint_reset(j, "192.0.2.99:40002", SERVER, 10.1, 10.3, &r[2]);
    joint_log(j, "auth.log",
              "2026-03-01T12:00:10+00:00 web sshd[77]: refused connect from x (192.0.2.33)\n"
              "2026-03-01T12:00:10+00:00 web sshd[78]: refused connect from x (192.0.2.33)\n");
    joint_run(j);
    assert_int_equal(joint_n_links(j, r[0]) + joint_n_links(j, r[1]), 2);
    assert_int_equal(joint_n_links(j, r[0]), 1); /* two lines, two connections */
    assert_int_equal(joint_n_links(j, r[2]), 0);
    const struct link *l = joint_link(j, r[0], 0, 1);
    l = l ? l : joint_link(j, r[0], 0, 2);
    assert_non_null(l);
    assert_int_equal(l->join, JOIN_ADDRESS);
    assert_true(l->ambiguous);
    joint_free(j);
}

/* Lines of one sshd process follow the one that named the port; a later process with the same id
 * serves somebody else. */
static void test_pid_bridge(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r, *other;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &r);
    joint_reset(j, "192.0.2.44:41000", SERVER, 70, 72, &other);
    joint_log(
        j, "auth.log",
        "2026-03-01T12:00:10.020000+00:00 web sshd[77]: Connection from 192.0.2.33 port 40000 on "
        "198.51.100.7 port 22 rdomain \"\"\n"
        "2026-03-01T12:00:12.001000+00:00 web sshd[77]: error: kex_exchange_identification: read: "
        "Connection reset by peer\n"
        "2026-03-01T12:00:12.002000+00:00 web sshd[77]: Connection reset by 192.0.2.33 port 40000\n"
        "2026-03-01T12:00:40.000000+00:00 web sshd[78]: error: kex_exchange_identification: read: "
        "Connection reset by peer\n"
        "2026-03-01T12:01:12.001000+00:00 web sshd[77]: error: kex_exchange_identification: read: "
        "Connection reset by peer\n"
        "2026-03-01T12:01:12.002000+00:00 web sshd[77]: Connection reset by 192.0.2.44 port "
        "41000\n");
    joint_run(j);
    const struct link *l = joint_link(j, r, 0, 2);
    assert_non_null(l);
    assert_int_equal(l->join, JOIN_PID);
    assert_true(l->bridge == JOIN_TUPLE || l->bridge == JOIN_ENDPOINT);
    assert_true(l->bridge_line == 1 || l->bridge_line == 3);
    assert_non_null(joint_link(j, r, 0, 1));
    assert_non_null(joint_link(j, r, 0, 3));
    assert_null(joint_link(j, r, 0, 4)); /* another process */
    assert_null(joint_link(j, r, 0, 5));
    assert_null(joint_link(j, r, 0, 6));
    assert_non_null(joint_link(j, other, 0, 5));
    assert_non_null(joint_link(j, other, 0, 6));
    assert_int_equal(joint_n_links(j, other), 2);
    joint_free(j);
}

/* An sftp server has its own process id; user and address lead to the login before it. */
static void test_sftp(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *a, *b;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 30, &a);
    joint_reset(j, "192.0.2.33:40002", SERVER, 10.5, 31, &b);
    joint_log(
        j, "auth.log",
        "2026-03-01T12:00:10.200000+00:00 web sshd[70]: Accepted password for ann from 192.0.2.33 "
        "port 40000 ssh2\n"
        "2026-03-01T12:00:10.700000+00:00 web sshd[80]: Accepted password for bob from 192.0.2.33 "
        "port 40002 ssh2\n"
        "2026-03-01T12:00:11.000000+00:00 web internal-sftp[82]: session opened for local user "
        "bob from [192.0.2.33]\n"
        "2026-03-01T12:00:11.100000+00:00 web internal-sftp[72]: session opened for local user "
        "ann from [192.0.2.33]\n"
        "2026-03-01T12:00:29.000000+00:00 web internal-sftp[72]: forced close \"/a\" bytes read 0 "
        "written 10\n"
        "2026-03-01T12:00:30.100000+00:00 web internal-sftp[72]: session closed for local user "
        "ann from [192.0.2.33]\n"
        "2026-03-01T12:00:31.100000+00:00 web internal-sftp[82]: session closed for local user "
        "bob from [192.0.2.33]\n"
        "2026-03-01T12:00:30.200000+00:00 web sshd[70]: pam_unix(sshd:session): session closed "
        "for user ann\n");
    joint_run(j);
    static const bool anns[] = {true, false, false, true, true, true, false, true};
    for (uint64_t line = 1; line <= 8; line++) {
        assert_int_equal(joint_link(j, a, 0, line) != NULL, anns[line - 1]);
        assert_int_equal(joint_link(j, b, 0, line) != NULL, !anns[line - 1]);
    }
    assert_int_equal(joint_link(j, a, 0, 4)->join, JOIN_ADDRESS);
    assert_false(joint_link(j, a, 0, 4)->ambiguous);
    assert_int_equal(joint_link(j, a, 0, 5)->join, JOIN_PID);
    assert_int_equal(joint_link(j, a, 0, 5)->bridge_line, 4);
    assert_int_equal(joint_link(j, a, 0, 8)->join, JOIN_PID);
    joint_free(j);
}

/* One port, two connections, one line: no confident offset, and the tie says so. */
static void test_reused_port(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *a, *b;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 11, &a);
    joint_reset(j, "192.0.2.33:40000", SERVER, 50, 51, &b);
    joint_log(j, "auth.log",
              "2026-03-01T12:00:51.001000+00:00 web sshd[7]: Connection reset by 192.0.2.33 port "
              "40000\n");
    joint_run(j);
    assert_false(j->logs[0].offset_known);
    assert_null(joint_link(j, a, 0, 1)); /* with clocks that agree to seconds, time decides */
    assert_non_null(joint_link(j, b, 0, 1));
    joint_free(j);
}

/* Host-wide lines reach the resets of that host's service near them, and no others. */
static void test_host_lines(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *ssh, *web, *late;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &ssh);
    joint_reset(j, "192.0.2.33:40001", "198.51.100.7:80", 10, 12, &web);
    joint_reset(j, "192.0.2.33:40002", SERVER, 90, 95, &late);
    joint_log(j, "syslog",
              "2026-03-01T12:00:12.001000+00:00 srv sshd[7]: Connection reset by 192.0.2.33 port "
              "40000\n"
              "2026-03-01T12:00:12.500000+00:00 srv sshd[6]: error: beginning MaxStartups "
              "throttling\n"
              "2026-03-01T12:00:13.500000+00:00 srv systemd[1]: nginx.service: Main process "
              "exited, code=killed, status=9/KILL\n"
              "2026-03-01T12:00:13.600000+00:00 srv systemd[1]: Started Daily apt upgrade and "
              "clean activities.\n");
    joint_run(j);
    assert_int_equal(joint_link(j, ssh, 0, 2)->join, JOIN_HOST);
    assert_null(joint_link(j, web, 0, 2));
    assert_null(joint_link(j, ssh, 0, 3));
    assert_non_null(joint_link(j, web, 0, 3));
    assert_int_equal(joint_link(j, web, 0, 3)->side, SIDE_SERVER);
    assert_null(joint_link(j, web, 0, 4));
    assert_null(joint_link(j, late, 0, 1));
    joint_free(j);
}

/* A line that names its client is tied by the address that another line gives the name, and says
 * which line that is; one that has both says nothing. */
static void test_named_client(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.33:40000", "198.51.100.7:22", 10, 12, &r);
    joint_log(j, "auth.log",
              "2026-03-01T12:00:11.999000+00:00 srv sshd[7]: refused connect from c.example.org "
              "(192.0.2.33)\n"
              "2026-03-01T12:00:12.001000+00:00 srv sshd[7]: refused connect from c.example.org\n");
    joint_run(j);
    const struct link *both = joint_link(j, r, 0, 1), *named = joint_link(j, r, 0, 2);
    assert_non_null(both);
    assert_non_null(named);
    assert_int_equal(both->host_name.n, 0);
    assert_true(text_eq(named->host_name, TEXT("c.example.org")));
    assert_true(address_eq(&named->host_address, &reset_connection(r)->end[SIDE_CLIENT].at.ip));
    assert_int_equal(named->host_name_source, 0);
    assert_int_equal(named->host_name_line, 1);
    joint_free(j);
}

/* Logs of so many hosts that came together: without a word about where they are, a service's end
 * may be anybody's, but where the port is that service's. */
static void among_strangers(const char *server, bool own, unsigned n_hosts, bool placed)
{
    struct joint *j = joint_create();
    struct reset *r;
    char path[4][32], text[4][256];
    joint_reset(j, "192.0.2.33:40000", server, 10, 12, &r);
    for (unsigned i = 0; i < n_hosts; i++) {
        snprintf(path[i], sizeof path[i], "%s/syslog", placed && i == 0 ? "198.51.100.7" : "host");
        snprintf(text[i], sizeof text[i],
                 "2026-03-01T12:00:12.001000+00:00 host%u redis[29]: Redis is now ready to exit, "
                 "bye bye...\n"
                 "2026-03-01T12:00:12.001000+00:00 host%u kernel: Out of memory: Killed process 71 "
                 "(java) total-vm:1kB, anon-rss:1kB\n",
                 i, i);
        joint_log(j, path[i], text[i]);
    }
    joint_run(j);
    const bool crowd = n_hosts - placed > 2, several = n_hosts > 1 && !placed;
    const struct link *service = joint_link(j, r, 0, 1), *host = joint_link(j, r, 0, 2);
    assert_int_equal(service != NULL, own || !crowd || placed);
    const bool unsure = several || (!own && !placed); /* some redis, at a port of no redis */
    assert_true(!service || service->ambiguous == unsure);
    assert_non_null(host);
    assert_int_equal(host->ambiguous, several);
    assert_int_equal(j->logs[0].host_unplaced, crowd && !placed);
    joint_free(j);
}

static void test_strangers(void **state)
{
    (void)state;
    for (unsigned n_hosts = 1; n_hosts <= 4; n_hosts++)
        for (unsigned placed = 0; placed <= 1; placed++) {
            among_strangers("198.51.100.7:9443", false, n_hosts, placed);
            among_strangers("198.51.100.7:6379", true, n_hosts, placed);
        }
}

/* A line that no pattern knows, with an address and port of the connection. */
static void test_unrecognised(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r, *other;
    joint_reset(j, "192.0.2.33:40000", "198.51.100.7:9999", 10, 12, &r);
    joint_reset(j, "192.0.2.33:40001", "198.51.100.7:9999", 10, 12, &other);
    joint_log(j, "app.log",
              "2026-03-01T12:00:12.001000+00:00 srv app[9]: peer 192.0.2.33:40000 is gone, giving "
              "up\n"
              "2026-03-01T12:00:12.001000+00:00 srv app[9]: peer 203.0.113.9:40000 is gone\n");
    joint_run(j);
    const struct link *l = joint_link(j, r, 0, 1);
    assert_non_null(l);
    assert_false(l->recognised);
    assert_int_equal(l->join, JOIN_ENDPOINT);
    assert_int_equal(joint_n_links(j, r), 1);
    assert_int_equal(joint_n_links(j, other), 0);
    joint_free(j);
}

/* Three processes died before they could name anybody: each goes to the reset beside it. */
static void test_nameless(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[3], *web;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 10.2, &r[0]);
    joint_reset(j, "192.0.2.33:40001", SERVER, 11, 11.2, &r[1]);
    joint_reset(j, "192.0.2.33:40002", SERVER, 12, 12.2, &r[2]);
    joint_reset(j, "192.0.2.33:40003", "198.51.100.7:80", 12, 12.1, &web);
    joint_log(j, "auth.log",
              "2026-03-01T12:00:10.199000+00:00 web sshd[7]: fatal: Missing privilege separation "
              "directory: /run/sshd\n"
              "2026-03-01T12:00:11.199000+00:00 web sshd[8]: fatal: Missing privilege separation "
              "directory: /run/sshd\n"
              "2026-03-01T12:00:12.199000+00:00 web sshd[9]: fatal: Missing privilege separation "
              "directory: /run/sshd\n"
              "2026-03-01T12:00:40.000000+00:00 web sshd[5]: fatal: Missing privilege separation "
              "directory: /run/sshd\n"
              "2026-03-01T12:00:50.000000+00:00 web sshd[6]: Connection from 192.0.2.40 port 1 on "
              "198.51.100.7 port 22 rdomain \"\"\n");
    joint_talk(j, "192.0.2.40:1", SERVER, 49.99, 60); /* tells the clock */
    joint_run(j);
    for (uint64_t i = 0; i < 3; i++) {
        const struct link *l = joint_link(j, r[i], 0, i + 1);
        assert_non_null(l);
        assert_int_equal(l->join, JOIN_HOST);
        assert_false(l->ambiguous);
        assert_int_equal(joint_n_links(j, r[i]), 1);
    }
    assert_int_equal(joint_n_links(j, web), 0);
    joint_free(j);
}

static void test_covers(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &r);
    joint_log(j, "auth.log",
              "2026-03-01T12:00:05.000000+00:00 web sshd[7]: Server listening on 198.51.100.7 port "
              "22.\n"
              "2026-03-01T12:00:12.001000+00:00 web sshd[8]: Connection reset by 192.0.2.33 port "
              "40000\n"
              "2026-03-01T12:00:30.000000+00:00 web sshd[7]: Received signal 15; terminating.\n");
    joint_run(j);
    const struct case_file *c = &j->c;
    struct text kind = TEXT("ssh.drop-connection");
    instant_ns t = JOINT_START;
    assert_true(case_log_covers(c, r, SIDE_SERVER, kind, t + 10 * NS_PER_S, t + 14 * NS_PER_S));
    assert_false(case_log_covers(c, r, SIDE_SERVER, kind, t + 1 * NS_PER_S, t + 14 * NS_PER_S));
    assert_false(case_log_covers(c, r, SIDE_SERVER, kind, t + 10 * NS_PER_S, t + 40 * NS_PER_S));
    assert_false(case_log_covers(c, r, SIDE_CLIENT, kind, t + 10 * NS_PER_S, t + 14 * NS_PER_S));
    assert_false(case_log_covers(c, r, SIDE_SERVER, TEXT("kernel.oom-kill"), t + 10 * NS_PER_S,
                                 t + 14 * NS_PER_S));
    joint_free(j);
}

/* A log that says that it lost lines proves nothing by a missing one: of the unit that it names, or
 * of all. */
static void test_lost_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool ssh, kernel;
    } told[] = {
        {"systemd-journald[3]: Suppressed 118 messages from ssh.service", false, true},
        {"systemd-journald[3]: Suppressed 7 messages from cron.service", true, true},
        {"rsyslogd[4]: imjournal: 236 messages lost due to rate-limiting (9 allowed within 9 "
         "seconds)",
         false, false},
        {"kernel: net_ratelimit: 3 callbacks suppressed", true, false},
        {"systemd[1]: Started cron.service", true, true},
    };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        struct joint *j = joint_create();
        struct reset *r;
        char log[1024];
        snprintf(log, sizeof log,
                 "2026-03-01T12:00:05.000000+00:00 web sshd[7]: Server listening on 198.51.100.7 "
                 "port 22.\n"
                 "2026-03-01T12:00:06.000000+00:00 web kernel: nf_conntrack: table full, dropping "
                 "packet\n"
                 "2026-03-01T12:00:12.001000+00:00 web sshd[8]: Connection reset by 192.0.2.33 "
                 "port 40000\n"
                 "2026-03-01T12:00:20.000000+00:00 web %s\n"
                 "2026-03-01T12:00:30.000000+00:00 web sshd[7]: Received signal 15; "
                 "terminating.\n",
                 told[i].line);
        joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &r);
        joint_log(j, "auth.log", log);
        joint_run(j);
        instant_ns from = JOINT_START + 10 * NS_PER_S, to = JOINT_START + 14 * NS_PER_S;
        assert_int_equal(
            case_log_covers(&j->c, r, SIDE_SERVER, TEXT("ssh.drop-connection"), from, to),
            told[i].ssh);
        assert_int_equal(case_log_covers(&j->c, r, SIDE_SERVER, TEXT("kernel.oom-kill"), from, to),
                         told[i].kernel);
        joint_free(j);
    }
}

/* The budget holds, and what it costs is counted. */
static void test_budget(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    struct strbuf log;
    strbuf_init(&log);
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &r);
    for (int i = 0; i < 50; i++)
        strbuf_printf(&log,
                      "2026-03-01T12:00:12.%06d+00:00 web sshd[7]: Connection reset by "
                      "192.0.2.33 port 40000\n",
                      i);
    joint_log(j, "auth.log", log.p);
    j->config.max_events = 20;
    joint_run(j);
    assert_int_equal(joint_n_links(j, r), 20);
    assert_int_equal(flaws_count(correlation_dropped(j->correlation), "log-index.full"), 30);
    strbuf_finish(&log);
    joint_free(j);
}

/* Stamps at the ends of time, in captures and logs, and lines without any. */
static void test_extremes(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.33:40000", SERVER, 10, 12, &r);
    joint_talk(j, "192.0.2.33:40001", SERVER, 10, 12)->last_time = INT64_MAX;
    joint_talk(j, "192.0.2.33:40002", SERVER, 10, 12)->first_time = INT64_MIN + 1;
    j->captures[0].last = INT64_MAX;
    joint_log(j, "auth.log",
              "sshd[3]: Connection reset by 192.0.2.33 port 40000\n"
              "1970-01-01T00:00:00+00:00 web sshd[4]: Connection reset by 192.0.2.33 port 40000\n"
              "2026-03-01T12:00:12+00:00 web sshd[5]: Connection reset by 192.0.2.33 port 40000\n");
    for (int i = 0; i < 2; i++) {
        struct event *e = &j->extra[j->n_extra++];
        *e = (struct event){.kind = TEXT("ssh.connection-reset"),
                            .claim = CLAIM_RESET,
                            .line = 10 + (uint64_t)i,
                            .time = i ? INT64_MAX : INT64_MIN + 1,
                            .precision_ns = 1000,
                            .program = TEXT("sshd"),
                            .pid = 1,
                            .raw = TEXT("x")};
        e->client = j->records[1 + i].client;
    }
    j->about[0].offset_given = true;
    j->about[0].offset_ns = INT64_MIN + 1;
    joint_run(j);
    assert_int_equal(
        flaws_count(correlation_dropped(j->correlation), "log-index.time-out-of-range"), 2);
    const struct link *l = joint_link(j, r, 0, 1); /* names the port, and no other used it */
    assert_non_null(l);
    assert_true(l->uncertainty_ns > 86400 * NS_PER_S);
    assert_non_null(joint_link(j, r, 0, 3));
    joint_free(j);
}

/* Logs alone, and nothing at all. */
static void test_nothing(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    j->c.n_captures = 0;
    joint_log(j, "auth.log", "sshd[3]: Connection reset by 192.0.2.33 port 40000\n\n");
    joint_log(j, "empty.log", "");
    joint_run(j);
    assert_int_equal(j->c.n_unmatched, 1);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port_decides), cmocka_unit_test(test_nothing_decides),
        cmocka_unit_test(test_pid_bridge),   cmocka_unit_test(test_sftp),
        cmocka_unit_test(test_reused_port),  cmocka_unit_test(test_host_lines),
        cmocka_unit_test(test_named_client), cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_unrecognised), cmocka_unit_test(test_nameless),
        cmocka_unit_test(test_covers),       cmocka_unit_test(test_lost_lines),
        cmocka_unit_test(test_budget),       cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
