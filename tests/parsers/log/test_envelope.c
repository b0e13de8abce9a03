/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row a form of log line: what the envelope parser must find around the message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/log/envelope.h"

static const struct {
    const char *line, *format, *host, *program;
    uint32_t pid;
    const char *message;
    bool stamped;
} rows[] = {
    {"Mar 16 09:29:50 srv1 sshd[19131]: Connection reset", "rfc3164", "srv1", "sshd", 19131,
     "Connection reset", true},
    {"<38>Mar 16 09:29:50 srv1 sshd[19131]: x", "rfc3164", "srv1", "sshd", 19131, "x", true},
    {"Feb 17 17:40:17 sshd[19725]: error: x", "rfc3164", "", "sshd", 19725, "error: x", true},
    {"Mar 16 09:29:50 192.0.2.1 kernel: [88130.640147] DROP", "rfc3164", "192.0.2.1", "kernel", 0,
     "DROP", true},
    {"Mar 16 09:29:50 127.0.0.1:514 app: x", "rfc3164", "127.0.0.1:514", "app", 0, "x", true},
    {"Mar 16 09:29:50 2001:db8::1 app[1]: x", "rfc3164", "2001:db8::1", "app", 1, "x", true},
    {"Mar 16 09:29:50 mac Setup Assistant[1173]: x", "rfc3164", "mac", "Setup Assistant", 1173, "x",
     true},
    {"Mar 16 09:29:50 h (sd-pam)[77]: x", "rfc3164", "h", "(sd-pam)", 77, "x", true},
    {"Mar 16 09:29:50 h postfix/smtpd[77]: x: y", "rfc3164", "h", "postfix/smtpd", 77, "x: y",
     true},
    {"Mar 16 09:29:50 h last message repeated 3 times", "rfc3164", "h", "", 0,
     "last message repeated 3 times", true},
    {"Mar 16 09:29:50 h", "rfc3164", "h", "", 0, "", true},
    {"Jun  7 2024 09:29:50 h app: x", "rfc3164", "h", "app", 0, "x", true},
    {"Jan  1 03:13:14.663 UTC: %SYS-5-RESTART: x", "rfc3164", "", "%SYS-5-RESTART", 0, "x", true},
    {"2024 Jan 10 19:55:59 relay->192.0.2.1 Jan 10 16:55:59 kernel: DROP IN=", "rfc3164",
     "relay->192.0.2.1", "kernel", 0, "DROP IN=", true},
    {"Jun 15 15:06:40.123456 srv1 sshd-session[4242]: x", "rfc3164", "srv1", "sshd-session", 4242,
     "x", true},
    {"<46>1 2017-04-27T07:50:47.381967+02:00 logserver rsyslogd 12 - "
     "[origin a=\"r\\\"s\\]yslogd\" b=\"8\"][x y=\"z\"] start",
     "rfc5424", "logserver", "rsyslogd", 12, "start", true},
    {"<38>1 2026-11-26T01:19:31.000267+00:00 bastion sshd 26323 - -  Connection closed", "rfc5424",
     "bastion", "sshd", 26323, "Connection closed", true},
    {"<46>1 - - - - - - \xEF\xBB\xBFhello", "rfc5424", "", "", 0, "hello", false},
    {"2025-08-31T09:36:55.418891-07:00 stack-pc2 rsyslogd: x", "iso", "stack-pc2", "rsyslogd", 0,
     "x", true},
    {"2025-06-15T15:06:40+0000 srv1 sshd[1]: x", "iso", "srv1", "sshd", 1, "x", true},
    {"Sun 2025-06-15 15:06:40 UTC srv1 ssh.service[4242]: x", "journal-full", "srv1", "ssh.service",
     4242, "x", true},
    {"1750000000.123456 srv1 sshd[1]: x", "unix", "srv1", "sshd", 1, "x", true},
    {"[ 5000.000123] srv1 sshd[1]: x", "journal-monotonic", "srv1", "sshd", 1, "x", false},
    {"[ 5000.876668 <    0.876545 >] srv1 kernel: x", "journal-monotonic", "srv1", "kernel", 0, "x",
     false},
    {"[ 5000.123456                ] srv1 sshd-session[4242]: x", "journal-monotonic", "srv1",
     "sshd-session", 4242, "x", false},
    {"[  601.749973][    C1] usb 1-1: new device", "dmesg", "", "kernel", 0, "usb 1-1: new device",
     false},
    {"[Tue Mar 10 20:19:39 2021] TCP: x", "dmesg-ctime", "", "kernel", 0, "TCP: x", true},
    {"2016-10-06T00:17:09.669794202Z stderr F sshd[1]: x", "cri", "", "sshd", 1, "x", true},
    {"2016-10-06T00:17:09.669794202Z stdout P 2016/10/06 00:17:09 [error] 7#9: *1 x", "cri", "",
     "nginx", 7, "*1 x", true},
    {"2016-10-06T00:17:09.669794202Z Connection closed by 192.0.2.1 port 22", "docker", "", "", 0,
     "Connection closed by 192.0.2.1 port 22", true},
    {"db_1  | 2015-11-28T02:50:01.238745Z 3 [Note] Aborted", "compose", "db_1", "mysqld", 0,
     "Aborted", true},
    {"2025/12/03 14:45:10 [error] 125#126: *1234 recv() failed", "nginx", "", "nginx", 125,
     "*1234 recv() failed", true},
    {"2025/12/03 14:45:10 kid1| Shutting down...", "squid", "", "squid", 0, "Shutting down...",
     true},
    {"2025/12/03 14:45:10| Shutting down...", "squid", "", "squid", 0, "Shutting down...", true},
    {"2025/12/03 14:45:10 kids| x", "application", "", "", 0, "kids| x", true},
    {"Dec  3 14:45:10 h nginx: 2025/12/03 14:45:10 [error] 125#126: *1234 x", "rfc3164", "h",
     "nginx", 125, "*1234 x", true},
    {"[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328] [client 192.0.2.1:5] x",
     "apache", "", "apache2", 35708, "[client 192.0.2.1:5] x", true},
    {"2021-10-14 14:36:01.123 [error] <0.2375.628> closing", "rabbitmq", "", "rabbitmq", 0,
     "<0.2375.628> closing", true},
    {"2021-10-14 14:36:01.123456+02:00 [error] <0.2375.628> closing", "rabbitmq", "", "rabbitmq", 0,
     "<0.2375.628> closing", true},
    {"=ERROR REPORT==== 14-May-2015::14:52:07 ===", "rabbitmq", "", "rabbitmq", 0, "", true},
    {"2024-07-25 05:02:30.294 UTC [9954] u@d LOG:  x", "postgresql", "", "postgres", 9954,
     "u@d LOG:  x", true},
    {"2024-07-25 05:02:30 +0200 [9954] Connection lost: x", "application", "", "", 0,
     "[9954] Connection lost: x", true},
    {"2024-07-25 05:02:30.294 UTC [9954] LOG C-0x5: x", "postgresql", "", "postgres", 9954,
     "LOG C-0x5: x", true},
    {"Jul 25 05:02:30 h postgres[9954]: [5-1] 2024-07-25 05:02:30.294 UTC [9954] LOG:  x",
     "rfc3164", "h", "postgres", 9954, "LOG:  x", true},
    {"1:M 29 Aug 2023 13:47:38.984 * Ready", "redis", "", "redis-server", 1, "Ready", true},
    {"812:signal-handler (1693316858) Received SIGTERM scheduling shutdown...", "redis", "",
     "redis-server", 812, "Received SIGTERM scheduling shutdown...", true},
    {"2019-07-08T00:21:55.857946Z 2876 [Note] Aborted", "mysql", "", "mysqld", 0, "Aborted", true},
    {"2023-01-01  1:02:03 12 [Warning] Aborted", "mysql", "", "mysqld", 0, "Aborted", true},
    {"230324 14:08:01 [ERROR] mysqld got", "mysql", "", "mysqld", 0, "mysqld got", true},
    {"230324  4:08:01 [Note] ready", "mysql", "", "mysqld", 0, "ready", true},
    {"2024-07-08T00:21:55Z UTC - mysqld got", "mysql", "", "mysqld", 0, "mysqld got", true},
    {"2023-01-01 12:00:00,123 fail2ban.actions        [99]: NOTICE  [sshd] Ban 192.0.2.1",
     "fail2ban", "", "fail2ban.actions", 99, "NOTICE  [sshd] Ban 192.0.2.1", true},
    {"2023-01-01 12:00:00,123 web1 proftpd[99] localhost: ProFTPD killed (signal 15)", "proftpd",
     "web1", "proftpd", 99, "localhost: ProFTPD killed (signal 15)", true},
    {"2023-01-01 12:00:00,123 web1 proftpd[99]: killed", "application", "", "", 0,
     "web1 proftpd[99]: killed", true},
    {"[2016-04-15T20:17:00.310Z] \"POST / HTTP/2\" 503 UR", "envoy", "", "envoy", 0,
     "\"POST / HTTP/2\" 503 UR", true},
    {"type=CRYPTO_SESSION msg=audit(1475948552.051:28938): pid=1", "audit", "", "audit", 0,
     "type=CRYPTO_SESSION msg=audit(1475948552.051:28938): pid=1", true},
    {"    sshd-4242    [001] ..s1.  5000.123456: tcp_send_reset: skbaddr=0", "ftrace", "",
     "kernel-trace", 0, "tcp_send_reset: skbaddr=0", false},
    {"sshd  4242 [001]  5000.123456: tcp:tcp_send_reset: x", "ftrace", "", "kernel-trace", 0,
     "tcp:tcp_send_reset: x", false},
    {"2026-11-27T03:52:39,123456+00:00 TCP: request_sock_TCP: x", "dmesg-iso", "", "kernel", 0,
     "TCP: request_sock_TCP: x", true},
    {"2026-11-27T03:52:39,123456+00:00 usb 1-1: new device", "dmesg-iso", "", "kernel", 0,
     "usb 1-1: new device", true},
    {"2026-11-27T03:52:39,123456+00:00 srv1 sshd[1]: x", "iso", "srv1", "sshd", 1, "x", true},
    {"2026-11-27T03:52:39,123+00:00 srv1 sshd[1]: x", "iso", "srv1", "sshd", 1, "x", true},
    {"192.0.2.1 - - [27/Nov/2026 03:52:39] \"GET / HTTP/1.1\" 200 -", "access", "", "http-access",
     0, "192.0.2.1 - - [27/Nov/2026 03:52:39] \"GET / HTTP/1.1\" 200 -", true},
    {"192.0.2.1 - - [27/Nov/2026 03:52:39] code 404, message File not found", "access", "",
     "http-access", 0, "192.0.2.1 - - [27/Nov/2026 03:52:39] code 404, message File not found",
     true},
    {"INFO:werkzeug:192.0.2.1 - - [27/Nov/2026 03:52:39] \"GET / HTTP/1.1\" 200 -", "access", "",
     "http-access", 0, "192.0.2.1 - - [27/Nov/2026 03:52:39] \"GET / HTTP/1.1\" 200 -", true},
    {"27-Nov-2026 03:52:39.123 INFO [main] a.b.Catalina.start x", "application", "", "", 0,
     "INFO [main] a.b.Catalina.start x", true},
    {"[2026-11-27T03:52:39,123][INFO ][o.e.n.Node               ] [node-1] started", "application",
     "", "", 0, "[o.e.n.Node               ] [node-1] started", true},
    {"INFO  [main] 2026-11-27 03:52:39,123 Daemon.java:767 - x", "application", "", "", 0,
     "Daemon.java:767 - x", true},
    {"ERROR 2026-11-27 03:52:39,123 views x", "application", "", "", 0, "views x", true},
    {"E1127 03:52:40.123456       1 proxier.go:99] x", "application", "", "", 0, "proxier.go:99] x",
     true},
    {"time=\"2026-11-27T03:52:39Z\" level=debug msg=\"x\"", "application", "", "", 0,
     "level=debug msg=\"x\"", true},
    {"level=info ts=2026-11-27T03:52:39.123Z caller=a.go:1 x", "application", "", "", 0,
     "caller=a.go:1 x", true},
    {"[pod/web-1/nginx] 2025/12/03 14:45:10 [error] 125#126: *1234 x", "compose", "web-1", "nginx",
     125, "*1234 x", true},
    {"1795751559.123    182 192.0.2.1 TCP_MISS/200 1234 GET http://a/ - HIER_DIRECT/198.51.100.7 x",
     "access", "", "squid", 0,
     "192.0.2.1 TCP_MISS/200 1234 GET http://a/ - HIER_DIRECT/198.51.100.7 x", true},
    {"1750000000.123 srv1 sshd[1]: x", "unix", "srv1", "sshd", 1, "x", true},
    {"2026-11-27 03:52:39 192.0.2.1 50124 198.51.100.7 80 - - - - - - Timer_ConnectionIdle -",
     "application", "", "http-sys", 0,
     "192.0.2.1 50124 198.51.100.7 80 - - - - - - Timer_ConnectionIdle -", true},
    {"2026-11-27 03:52:39 198.51.100.7 GET / - 80 - 192.0.2.1 x - 200 0 0 15", "application", "",
     "iis", 0, "198.51.100.7 GET / - 80 - 192.0.2.1 x - 200 0 0 15", true},
    {"2026-11-27 03:52:39 DROP TCP 192.0.2.1 198.51.100.7 5 445 52 S", "application", "",
     "pfirewall", 0, "DROP TCP 192.0.2.1 198.51.100.7 5 445 52 S", true},
    {"2026-11-27 03:52:39 192.0.2.1 gone", "application", "", "", 0, "192.0.2.1 gone", true},
    {"2025-06-15T15:06:40.123456789Z Mar 16 09:29:50 srv1 sshd[1]: x", "docker", "srv1", "sshd", 1,
     "x", true},
    {"2025-06-15T15:06:40.123456789Z 2025-06-15T15:06:40+00:00 srv1 sshd[1]: x", "docker", "srv1",
     "sshd", 1, "x", true},
    {"/var/log/auth.log:Mar 16 09:29:50 srv1 sshd[1]: x", "rfc3164", "srv1", "sshd", 1, "x", true},
    {"auth.log.1:12:2025-06-15T15:06:40+0000 srv1 sshd[1]: x", "iso", "srv1", "sshd", 1, "x", true},
    {"12:Mar 16 09:29:50 srv1 sshd[1]: x", "rfc3164", "srv1", "sshd", 1, "x", true},
    {"./a.log:1:M 29 Aug 2023 13:47:38.984 * x", "redis", "", "redis-server", 1, "x", true},
    {"a.c:12: error: x", "bare", "", "", 0, "a.c:12: error: x", false},
    {"auth.log:", "bare", "", "", 0, "auth.log:", false},
    {"12:34:56 x", "bare", "", "", 0, "12:34:56 x", false},
    {"\x1b[0;32mMar 16 09:29:50 srv1 sshd[1]: x\x1b[0m", "rfc3164", "srv1", "sshd", 1, "x", true},
    {"\x1b[1m\x1b[32m2025/12/03 14:45:10 [error] 125#126: *1234 x\x1b[0m\x1b[m", "nginx", "",
     "nginx", 125, "*1234 x", true},
    {"\x1b[32mMar 16 09:29:50 srv1 sshd[1]: a\x1b[31mb m", "rfc3164", "srv1", "sshd", 1,
     "a\x1b[31mb m", true},
    {"\x1b[2Jx", "bare", "", "", 0, "\x1b[2Jx", false},
    {"[pod/web-1/nginx] x", "compose", "web-1", "", 0, "x", false},
    {"INFO starting 2026-11-27 03:52:39 x", "bare", "", "", 0,
     "INFO starting 2026-11-27 03:52:39 x", false},
    {"I1327 03:52:39.123456       1 a.go:1] x", "bare", "", "", 0,
     "I1327 03:52:39.123456       1 a.go:1] x", false},
    {"time=soon level=info", "bare", "", "", 0, "time=soon level=info", false},
    {"2024-01-01 12:00:00 INFO worker: x", "application", "", "", 0, "INFO worker: x", true},
    {"192.0.2.1 - - [06/Feb/2009:12:12:51 +0100] \"GET / HTTP/1.1\" 499 0", "access", "",
     "http-access", 0, "192.0.2.1 - - [06/Feb/2009:12:12:51 +0100] \"GET / HTTP/1.1\" 499 0", true},
    {"Sun 2025-06-15 12:00:01.120000 UTC [s=41632d;i=1;b=11;m=12;t=63;x=b9]", "journal-verbose", "",
     "", 0, "[s=41632d;i=1;b=11;m=12;t=63;x=b9]", true},
    {"6\xe6\x9c\x88 15 12:00:01 h app[1]: x", "rfc3164", "h", "app", 1, "x", true},
    {"ao\xc3\xbbt 15 12:00:01 h app[1]: x", "rfc3164", "h", "app", 1, "x", true},
    {"<166>Mar 16 2024 09:29:50: %ASA-6-302014: Teardown x", "rfc3164", "", "%ASA", 0,
     "%ASA-6-302014: Teardown x", true},
    {"Mar 16 2024 09:29:50 fw1 : %ASA-6-302014: Teardown x", "rfc3164", "fw1", "%ASA", 0,
     "%ASA-6-302014: Teardown x", true},
    {"Mar 16 09:29:50 fw1 %FTD-6-302014: Teardown x", "rfc3164", "fw1", "%FTD", 0,
     "%FTD-6-302014: Teardown x", true},
    {"<189>date=2024-03-16 time=09:29:50 devname=\"fw1\" tz=\"-0700\" type=\"traffic\"",
     "fortigate", "fw1", "fortigate", 0,
     "date=2024-03-16 time=09:29:50 devname=\"fw1\" tz=\"-0700\" type=\"traffic\"", true},
    {"Mar 16 09:29:50 relay date=2024-03-16 time=09:29:50 devname=fw1 x", "rfc3164", "fw1",
     "fortigate", 0, "date=2024-03-16 time=09:29:50 devname=fw1 x", true},
    {"Nov 27 17:37:08 fw1 1,2025/11/27 17:37:07,013201030824,TRAFFIC,end,2817", "rfc3164", "fw1",
     "pan-os", 0, "TRAFFIC,end,2817", true},
    {"1,2025/11/27 17:37:07,013201030824,TRAFFIC,end,2817", "pan-os", "", "pan-os", 0,
     "TRAFFIC,end,2817", true},
    {"[26-Nov-2026 14:39:58] WARNING: [pool www] child 1 exited", "php", "", "php-fpm", 0,
     "[pool www] child 1 exited", true},
    {"[2026-11-26 15:16:01 +0000] [811] [CRITICAL] WORKER TIMEOUT (pid:812)", "gunicorn", "",
     "gunicorn", 811, "WORKER TIMEOUT (pid:812)", true},
    {"[2399] 2026/11/27 19:28:40.120537 [ERR] 192.0.2.79:43590 - cid:6 - Stale Client Connection",
     "nats", "", "nats-server", 2399, "192.0.2.79:43590 - cid:6 - Stale Client Connection", true},
    {"[26-Nov-2026 14:39:58 Europe/Berlin] PHP Fatal error:  x", "php", "", "php", 0,
     "Fatal error:  x", true},
    {"01/02/2024-12:00:00.301466  [Drop] [**] [1:2:3] x [**]", "fast-alert", "", "suricata", 0,
     "[Drop] [**] [1:2:3] x [**]", true},
    {"2024.01.01 12:00:00 LOG5[12]: Service", "stunnel", "", "stunnel", 0, "LOG5[12]: Service",
     true},
    {"1773653390: New client connected from 192.0.2.20:51514 as door (p2, c1, k60).", "mosquitto",
     "", "mosquitto", 0, "New client connected from 192.0.2.20:51514 as door (p2, c1, k60).", true},
    {"1773653390: x", "bare", "", "", 0, "1773653390: x", false},
    {"2024-01-01 12:00:00 us=123456 192.0.2.20:51514 Connection reset", "openvpn", "", "openvpn", 0,
     "192.0.2.20:51514 Connection reset", true},
    {"Mon Jan  1 12:00:00 2024 carol/192.0.2.20:51514 Connection reset", "openvpn", "", "openvpn",
     0, "carol/192.0.2.20:51514 Connection reset", true},
    {"Mon Jan  1 12:00:00 2024 starting up", "application", "", "", 0, "starting up", true},
    {"[2024-01-01 12:00:00,123] INFO x (kafka.server.KafkaServer)", "log4j", "", "kafka", 0,
     "INFO x (kafka.server.KafkaServer)", true},
    {"[2024-01-01 12:00:00,123] INFO x (org.example.App)", "log4j", "", "", 0,
     "INFO x (org.example.App)", true},
    {"2015-05-13T23:39:43.945958Z lb1 192.0.2.39:2817 198.51.100.1:80 0.000073 0.001 0.0 200",
     "aws-elb", "", "aws-elb", 0, "lb1 192.0.2.39:2817 198.51.100.1:80 0.000073 0.001 0.0 200",
     true},
    {"https 2018-07-02T22:23:00.186641Z app/lb1/50dc 192.0.2.39:2817 x", "aws-elb", "", "aws-elb",
     0, "https 2018-07-02T22:23:00.186641Z app/lb1/50dc 192.0.2.39:2817 x", true},
    {"tls 2.0 2018-12-20T02:59:40 net/lb1/c6e7 x", "aws-elb", "", "aws-elb", 0,
     "tls 2.0 2018-12-20T02:59:40 net/lb1/c6e7 x", true},
    {"2024-07-25 05:02:30.294 UTC,\"app\",\"db\",9954,\"192.0.2.20:51514\",66", "postgresql-csv",
     "", "postgres", 0, "\"app\",\"db\",9954,\"192.0.2.20:51514\",66", true},
    {"sshd[123]: x", "tagged", "", "sshd", 123, "x", false},
    {"Connection reset by 192.0.2.1 port 22", "bare", "", "", 0,
     "Connection reset by 192.0.2.1 port 22", false},
    {"", "bare", "", "", 0, "", false},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct envelope e;
        bool any = envelope_parse(text_of(rows[i].line), &e);
        assert_int_equal(any, strcmp(rows[i].format, "bare") != 0);
        if (strcmp(log_format_id(e.format), rows[i].format) != 0 ||
            !text_eq(e.host, text_of(rows[i].host)) ||
            !text_eq(e.program, text_of(rows[i].program)) || e.pid != rows[i].pid ||
            !text_eq(e.message, text_of(rows[i].message)) || e.has_stamp != rows[i].stamped)
            fail_msg("row %zu: %s\n  %s host=" TEXT_FMT " program=" TEXT_FMT
                     " pid=%u stamp=%d message=" TEXT_FMT,
                     i, rows[i].line, log_format_id(e.format), TEXT_ARG(e.host),
                     TEXT_ARG(e.program), e.pid, e.has_stamp, TEXT_ARG(e.message));
    }
}

/* A relay's own stamp gives way to the one that the writer made. */
static void test_innermost_stamp(void **state)
{
    (void)state;
    struct envelope e;
    envelope_parse(TEXT("2024 Jan 10 19:55:59 relay Jan 10 16:55:58 kernel: x"), &e);
    assert_int_equal(e.stamp.civil.hour, 16);
    envelope_parse(TEXT("2025-12-03T14:45:10.5+01:00 h nginx: 2025/12/03 14:45:09 [error] 1#1: x"),
                   &e);
    assert_int_equal(e.stamp.civil.second, 9);
    assert_true(e.stamp.zone_stated);
    assert_int_equal(e.stamp.offset_s, 3600);
}

/* ... and the relay's header is kept beside it. */
static void test_relay_is_kept(void **state)
{
    (void)state;
    struct envelope e;
    envelope_parse(TEXT("2024 Jan 10 19:55:59 relay->192.0.2.1 Jan 10 16:55:58 h app[1]: x"), &e);
    assert_true(text_eq(e.relay, TEXT("2024 Jan 10 19:55:59 relay->192.0.2.1")));
    assert_true(text_eq(e.host, TEXT("h")));
    assert_int_equal(e.stamp.civil.hour, 16);
    envelope_parse(TEXT("Jan 10 16:55:58 h app[1]: x"), &e);
    assert_int_equal(e.relay.n, 0);
}

/* FortiOS states the instant in nanoseconds, or a zone for its local time. */
static void test_fortigate_time(void **state)
{
    (void)state;
    struct envelope e;
    envelope_parse(
        TEXT("date=2019-06-17 time=16:35:53 eventtime=1560814553778525154 tz=\"-0700\" x"), &e);
    assert_int_equal(e.stamp.instant, INT64_C(1560814553778525154));
    envelope_parse(TEXT("date=2019-06-17 time=16:35:53 eventtime=1560814553 tz=\"-0700\" x"), &e);
    assert_int_equal(e.stamp.instant, INSTANT_NONE);
    assert_true(e.stamp.zone_stated);
    assert_int_equal(e.stamp.offset_s, -7 * 3600);
}

/* A container runtime's nanoseconds stay where the daemon writes seconds. */
static void test_container_stamp(void **state)
{
    (void)state;
    struct envelope e;
    envelope_parse(
        TEXT("2016-10-06T00:17:09.669794202Z stderr F 2016/10/06 02:17:09 [error] 7#9: x"), &e);
    assert_int_equal(e.stamp.precision_ns, 1);
    assert_int_equal(e.stamp.civil.hour, 0);
    assert_true(text_eq(e.program, TEXT("nginx")));
}

static void test_kernel_time(void **state)
{
    (void)state;
    struct envelope e;
    envelope_parse(TEXT("Mar 16 09:29:50 h kernel: [88130.640147] x"), &e);
    assert_int_equal(e.monotonic_ns, INT64_C(88130640147000));
    assert_int_equal(e.monotonic_width, 1000);
}

/* Every prefix of every row must be safe to parse and give views inside the line. */
static void test_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text line = text_of(rows[i].line);
        for (size_t n = 0; n <= line.n; n++) {
            struct envelope e;
            envelope_parse(text_slice(line, 0, n), &e);
            assert_true(e.message.n <= n && e.host.n <= n && e.program.n <= 96);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_innermost_stamp),
        cmocka_unit_test(test_relay_is_kept),
        cmocka_unit_test(test_fortigate_time),
        cmocka_unit_test(test_container_stamp),
        cmocka_unit_test(test_kernel_time),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
