/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms of logs in which an event is more than a line or stands inside one: continued lines,
 * journals, containers, columns and objects.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "told.h"

static void test_rabbitmq_joins(void **state)
{
    (void)state;
    EXPECT("2025-06-15 12:00:01.123 [error] <0.1.2> closing AMQP connection <0.1.2> "
           "(192.0.2.1:4 -> 192.0.2.2:5672):\n"
           "missed heartbeats from client, timeout: 8s\n"
           "2025-06-15 12:00:02.123 [error] <0.1.3> closing AMQP connection <0.1.3> "
           "(192.0.2.1:5 -> 192.0.2.2:5672):\n"
           "2025-06-15 12:00:02.123 [error] <0.1.3> missed heartbeats from client, timeout: 9s\n"
           "2025-06-15 12:00:03.123 [info] <0.1.4> accepting AMQP connection <0.1.4> "
           "(192.0.2.1:6 -> 192.0.2.2:5672)\n"
           "=ERROR REPORT==== 15-Jun-2025::12:00:04 ===\n"
           "closing AMQP connection <0.1.5> (192.0.2.1:7 -> 192.0.2.2:5672):\n"
           "{heartbeat_timeout,running}\n"
           "\n",
           "1 2025-06-15T12:00:01.123Z rabbitmq[0] rabbitmq.missed-heartbeats client=192.0.2.1:4 "
           "process=0.1.2 reason=missed heartbeats from client, timeout: 8s timeout=8s\n"
           "3 2025-06-15T12:00:02.123Z rabbitmq[0] rabbitmq.missed-heartbeats client=192.0.2.1:5 "
           "process=0.1.3 reason=missed heartbeats from client, timeout: 9s timeout=9s\n"
           "5 2025-06-15T12:00:03.123Z rabbitmq[0] rabbitmq.accepting client=192.0.2.1:6 "
           "process=0.1.4\n"
           "6 2025-06-15T12:00:04.000Z rabbitmq[0] rabbitmq.missed-heartbeats client=192.0.2.1:7 "
           "process=0.1.5 reason={heartbeat_timeout,running}\n");
}

static void test_haproxy_time(void **state)
{
    (void)state;
    /* accepted at .443, 5007 ms long, logged by the second: the end is known to the millisecond */
    EXPECT("Jun 15 12:12:56 lb haproxy[1]: 192.0.2.1:4 [15/Jun/2025:12:12:51.443] f b/s 0/0/5007 "
           "212 SD 0/0/0/0/0 0/0\n"
           "2025-06-15T12:12:56+00:00 lb haproxy[1]: 192.0.2.1:4 [15/Jun/2025:14:12:51.443] f b/s "
           "0/0/5007 212 SD 0/0/0/0/0 0/0\n",
           "1 2025-06-15T12:12:56.450Z haproxy[1] haproxy.session client=192.0.2.1:4 frontend=f "
           "backend=b server_name=s bytes=212 termination=SD\n"
           "2 2025-06-15T12:12:56.450Z haproxy[1] haproxy.session client=192.0.2.1:4 frontend=f "
           "backend=b server_name=s bytes=212 termination=SD\n");
}

static void test_journal_json(void **state)
{
    (void)state;
    EXPECT("{\"__REALTIME_TIMESTAMP\":\"1750000000123456\",\"_SOURCE_REALTIME_TIMESTAMP\":"
           "\"1750000000120000\",\"SYSLOG_IDENTIFIER\":\"sshd-session\",\"_PID\":\"42\","
           "\"MESSAGE\":\"Connection reset by 192.0.2.1 port 4\"}\n"
           "{\"__REALTIME_TIMESTAMP\":\"1750000000123456\",\"_COMM\":\"sshd\",\"MESSAGE\":"
           "[67,111,110,110,101,99,116,105,111,110,32,99,108,111,115,101,100,32,98,121,32,49,57,50,"
           "46,48,46,50,46,49,32,112,111,114,116,32,52]}\n"
           "{\"__REALTIME_TIMESTAMP\":\"1750000000123456\",\"MESSAGE\":null}\n"
           "{\"__REALTIME_TIMESTAMP\":\"1750000000123456\",\"SYSLOG_IDENTIFIER\":\"systemd\","
           "\"MESSAGE_ID\":\"c7a787079b354eaaa9e77b371893cd27\",\"MESSAGE\":\"Die Zeit wurde\"}\n"
           "{\"log\":\"Connection reset by 192.0.2.1 port 4\\n\",\"stream\":\"stderr\",\"time\":"
           "\"2025-06-15T12:00:01.5Z\"}\n"
           "{broken\n",
           "1 2025-06-15T15:06:40.120Z sshd-session[42] ssh.connection-reset client=192.0.2.1:4\n"
           "2 2025-06-15T15:06:40.123Z sshd[0] ssh.connection-closed client=192.0.2.1:4\n"
           "3 2025-06-15T15:06:40.123Z [0] ?\n"
           "4 2025-06-15T15:06:40.123Z systemd[0] systemd.time-changed\n"
           "5 2025-06-15T12:00:01.500Z [0] ssh.connection-reset client=192.0.2.1:4\n");
}

static void test_journal_export(void **state)
{
    (void)state;
    EXPECT("__CURSOR=s=1\n__REALTIME_TIMESTAMP=1750000000123456\nSYSLOG_IDENTIFIER=sshd\n_PID=42\n"
           "MESSAGE=Connection reset by 192.0.2.1 port 4\n"
           "\n"
           "__CURSOR=s=2\n__REALTIME_TIMESTAMP=1750000001123456\nSYSLOG_IDENTIFIER=sshd\n"
           "MESSAGE\n\x25\0\0\0\0\0\0\0Connection closed by 192.0.2.1 port 5\n_PID=43\n"
           "\n",
           "5 2025-06-15T15:06:40.123Z sshd[42] ssh.connection-reset client=192.0.2.1:4\n"
           "11 2025-06-15T15:06:41.123Z sshd[43] ssh.connection-closed client=192.0.2.1:5\n");
}

/* A size of ten looks like the end of a line, and the value of another field has one. */
static void test_journal_export_lines(void **state)
{
    (void)state;
    EXPECT(
        "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1750000000123456\nNOTE\n\x0a\0\0\0\0\0\0\0one\ntwo th\n"
        "SYSLOG_IDENTIFIER=sshd\nMESSAGE=Connection reset by 192.0.2.1 port 4\n_PID=42\n"
        "\n"
        "Jun 15 12:00:03 h sshd[7]: Connection closed by 192.0.2.1 port 4\n",
        "8 2025-06-15T15:06:40.123Z sshd[42] ssh.connection-reset client=192.0.2.1:4\n"
        "11 2025-06-15T12:00:03.000Z sshd[7] ssh.connection-closed client=192.0.2.1:4\n");
}

/* As journalctl 252 prints an entry; the second one's message has two lines. */
static void test_journal_verbose(void **state)
{
    (void)state;
    EXPECT(
        "Sun 2025-06-15 12:00:01.120000 UTC [s=4163;i=1;b=11;m=12a07d440;t=6379;x=b9d9]\n"
        "    _SOURCE_REALTIME_TIMESTAMP=1749988801120000\n"
        "    SYSLOG_IDENTIFIER=sshd-session\n"
        "    _PID=4242\n"
        "    MESSAGE=Connection reset by authenticating user root 192.0.2.20 port 1558 [preauth]\n"
        "Sun 2025-06-15 12:00:02.123456 UTC [s=4163;i=2;b=11;m=12a171680;t=6379;x=434f]\n"
        "    SYSLOG_IDENTIFIER=app\n"
        "    _PID=77\n"
        "    MESSAGE=first\n"
        "            other\n"
        "Jun 15 12:00:03 h sshd[7]: Connection closed by 192.0.2.1 port 4\n",
        "5 2025-06-15T12:00:01.120Z sshd-session[4242] ssh.connection-reset "
        "client=192.0.2.20:1558 user=root\n"
        "9 2025-06-15T12:00:02.123Z app[77] ?\n"
        "11 2025-06-15T12:00:03.000Z sshd[7] ssh.connection-closed client=192.0.2.1:4\n");
}

static void test_container_pieces(void **state)
{
    (void)state;
    EXPECT("2025-06-15T12:00:01.5Z stderr P sshd[7]: Connection reset by \n"
           "2025-06-15T12:00:01.6Z stderr F 192.0.2.1 port 4\n"
           "2025-06-15T12:00:02.5Z stderr P sshd[7]: Connection \n"
           "2025-06-15T12:00:02.6Z stdout F sshd[8]: Connection closed by 192.0.2.1 port 5\n",
           "1 2025-06-15T12:00:01.500Z sshd[7] ssh.connection-reset client=192.0.2.1:4\n"
           "3 2025-06-15T12:00:02.500Z sshd[7] ?\n"
           "4 2025-06-15T12:00:02.600Z sshd[8] ssh.connection-closed client=192.0.2.1:5\n");
}

/* Columns as PostgreSQL's documentation of csvlog orders them; a column may hold lines and quotes.
 */
static void test_postgresql_columns(void **state)
{
    (void)state;
    EXPECT("2025-06-15 12:00:01.294 UTC,\"app\",\"db\",9954,\"192.0.2.20:51514\",66a1dd46.26e2,1,"
           "\"idle\",2025-06-15 11:59:00 UTC,3/0,0,LOG,08006,\"could not receive data from client: "
           "Connection reset by peer\",,,,,,,,,\"psql\",\"client backend\",,0\n"
           "2025-06-15 12:00:02.294 UTC,\"a\"\"b\",\"db\",9955,\"2001:db8::20:51515\",66,1,"
           "\"SELECT\",2025-06-15 11:59:00 UTC,3/0,0,ERROR,42601,\"syntax\nerror\",,,,,,\"x\n"
           "y\",,,\"psql\",\"client backend\",,0\n"
           "2025-06-15 12:00:03.294 UTC,,,9956,\"\",66,1,,,,0,LOG,00000,\"connection received: "
           "host=192.0.2.21 port=51516\",,,,,,,,,\"\",\"not initialized\",,0\n",
           "1 2025-06-15T12:00:01.294Z postgres[9954] postgres.client-reset "
           "client=192.0.2.20:51514 action=receive data from error=Connection reset by peer\n"
           "2 2025-06-15T12:00:02.294Z postgres[9955] ?\n"
           "5 2025-06-15T12:00:03.294Z postgres[9956] postgres.connection-received "
           "client=192.0.2.21:51516\n");
}

/* Nothing was copied out of a row before: there is no buffer yet. */
static void test_postgresql_empty_columns(void **state)
{
    (void)state;
    EXPECT("2025-06-15 12:00:01.294 UTC,,,,,,,,,,\n", "1 2025-06-15T12:00:01.294Z postgres[0] ?\n");
}

static void test_json_of_programs(void **state)
{
    (void)state;
    EXPECT("{\"timestamp\":\"2025-06-15 12:00:01.294 UTC\",\"user\":\"app\",\"dbname\":\"db\","
           "\"pid\":9954,\"remote_host\":\"192.0.2.20\",\"remote_port\":51514,"
           "\"error_severity\":\"LOG\",\"message\":\"could not send data to client: Broken "
           "pipe\",\"backend_type\":\"client backend\"}\n"
           "{\"level\":\"error\",\"ts\":1749988802.5,\"msg\":\"copy\",\"error\":\"read tcp "
           "192.0.2.1:5->198.51.100.1:80: read: connection reset by peer\"}\n"
           "{\"@timestamp\":\"2025-06-15T12:00:03.5Z\",\"host\":{\"name\":\"h\"},\"message\":"
           "\"Jun 15 12:00:03 h sshd[7]: Connection reset by 192.0.2.1 port 4\"}\n"
           "{\"t\":{\"$date\":\"2025-06-15T12:00:03.750+00:00\"},\"c\":\"NETWORK\",\"msg\":\"x\"}\n"
           "{\"time_local\":\"15/Jun/2025:12:00:03 +0000\",\"remote_addr\":\"192.0.2.9\"}\n"
           "{\"time\":1749988804500,\"msg\":\"nothing\",\"peer\":\"192.0.2.9\"}\n"
           "{\"timestamp\":\"2025-06-15T12:00:05.301466+0000\",\"flow_id\":7,\"event_type\":"
           "\"drop\",\"src_ip\":\"192.0.2.20\",\"src_port\":51514,\"dest_ip\":\"198.51.100.7\","
           "\"dest_port\":443,\"proto\":\"TCP\",\"drop\":{\"len\":79,\"reason\":\"rules\"}}\n",
           "1 2025-06-15T12:00:01.294Z postgres[9954] postgres.client-reset "
           "client=192.0.2.20:51514 action=send data to error=Broken pipe\n"
           "2 2025-06-15T12:00:02.500Z [0] service.reset\n"
           "3 2025-06-15T12:00:03.000Z sshd[7] ssh.connection-reset client=192.0.2.1:4\n"
           "4 2025-06-15T12:00:03.750Z [0] ?\n"
           "5 2025-06-15T12:00:03.000Z [0] ?\n"
           "6 2025-06-15T12:00:04.500Z [0] ?\n"
           "7 2025-06-15T12:00:05.301Z suricata[0] firewall.ips-dropped reason=rules\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rabbitmq_joins),
        cmocka_unit_test(test_haproxy_time),
        cmocka_unit_test(test_journal_json),
        cmocka_unit_test(test_journal_export),
        cmocka_unit_test(test_journal_export_lines),
        cmocka_unit_test(test_journal_verbose),
        cmocka_unit_test(test_container_pieces),
        cmocka_unit_test(test_postgresql_columns),
        cmocka_unit_test(test_json_of_programs),
        cmocka_unit_test(test_postgresql_empty_columns),
    };
    return cmocka_run_group_tests(tests, open_patterns, close_patterns);
}
