/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole logs through the reader: what comes out, in which pieces the bytes may come, what is
 * counted, and lines that mean harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/base/arena.h"
#include "told.h"

static void test_lines(void **state)
{
    (void)state;
    EXPECT("Jun 15 12:00:01 h sshd[7]: Connection reset by 192.0.2.1 port 40000\r\n"
           "\n"
           "Jun 15 12:00:02 h cron[8]: nothing known\n"
           "no envelope here\n"
           "-- Boot 0123456789abcdef --\n"
           "Jun 15 12:00:03 h sshd[7]: Connection closed by 192.0.2.1 port 40000",
           "1 2025-06-15T12:00:01.000Z sshd[7] ssh.connection-reset client=192.0.2.1:40000\n"
           "3 2025-06-15T12:00:02.000Z cron[8] ?\n"
           "6 2025-06-15T12:00:03.000Z sshd[7] ssh.connection-closed client=192.0.2.1:40000\n");
}

/* A line behind another with the same header takes a short way; it must come out the same as it
 * does alone. */
static void same_both_ways(const char *head, const char *seconds, const char *tail)
{
    static const char *const teachers[] = {"sshd[7]: x", "cron[8]: y"};
    struct strbuf line;
    struct record alone, taught;
    strbuf_init(&line);
    strbuf_printf(&line, "\n%s%s%s\n", head, seconds, tail);
    read_log(&alone, line.p, line.n, 0);
    for (size_t i = 0; i < 2; i++) {
        strbuf_reset(&line);
        const char *tag = strstr(tail, " h ") + 3;
        strbuf_printf(&line, "%s%s%.*s%s\n%s%s%s\n", head, head[4] == '-' ? "30.500000" : "30",
                      (int)(tag - tail), tail, teachers[i], head, seconds, tail);
        read_log(&taught, line.p, line.n, 0);
        const char *second = strchr(taught.out.p, '\n') + 1;
        if (strcmp(second, alone.out.p) != 0)
            fail_msg("%s%s%s\nalone:  %sbehind: %s", head, seconds, tail, alone.out.p, second);
        assert_int_equal(taught.summary.events, alone.summary.events);
        assert_int_equal(taught.summary.last, alone.summary.last > taught.summary.first
                                                  ? alone.summary.last
                                                  : taught.summary.last);
        forget(&taught);
    }
    forget(&alone);
    strbuf_finish(&line);
}

static void test_short_way(void **state)
{
    static const char *const messages[] = {
        "sshd[7]: Connection reset by 192.0.2.1 port 5",
        "/usr/sbin/sshd[7]: Connection reset by 192.0.2.1 port 5",
        "sshd: Connection reset by 192.0.2.1 port 5",
        "sshd[7]: ",
        "sshd[7]:",
        "sshd[7]",
        "sshd[7]:x",
        "sshd[]: x",
        "sshd[7] x: y",
        "sshd[99999999999]: x",
        "sshd[4294967296]: x",
        "kernel: [   12.345678] TCP: request_sock_TCP: Possible SYN flooding on port 80.",
        "kernel: [x] y",
        "kernel: 1234-56",
        "postgres[5]: [5-1] 2025-06-15 12:00:01.123 UTC [5] LOG:  could not receive data from "
        "client: Connection reset by peer",
        "nginx[3]: 2025/06/15 12:00:01 [error] 1#1: *1 recv() failed (104: Connection reset by "
        "peer) while reading client request line, client: 192.0.2.1, server: x",
        "Jun 15 12:00:09 inner sshd[9]: Connection closed by 192.0.2.1 port 6",
        "2025-06-15T12:00:09Z inner sshd[9]: Connection closed by 192.0.2.1 port 6",
        "inner sshd[9]: Connection closed by 192.0.2.1 port 6",
        "my program: x",
        "(systemd)[1]: x",
        "a:b[3]: x",
        "1prog[2]: x",
        "last message repeated 3 times",
        "sshd[7]: message repeated 2 times: [ Connection reset by 192.0.2.1 port 5]",
    };
    static const char *const seconds[] = {"01", "59", "60", "61", "1", " 1", "1x"};
    static const char *const fine[] = {"01.123456", "59.999999",  "60.000000",
                                       "01.12345",  "01.1234567", "01,123456"};
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct strbuf tail;
        strbuf_init(&tail);
        strbuf_printf(&tail, " h %s", messages[i]);
        for (size_t k = 0; k < sizeof seconds / sizeof seconds[0]; k++)
            same_both_ways("Jun 15 12:00:", seconds[k], tail.p);
        strbuf_reset(&tail);
        strbuf_printf(&tail, "+02:00 h %s", messages[i]);
        for (size_t k = 0; k < sizeof fine / sizeof fine[0]; k++)
            same_both_ways("2025-06-15T12:00:", fine[k], tail.p);
        strbuf_finish(&tail);
    }
}

static void test_summary(void **state)
{
    (void)state;
    static const char log[] = "Jun 15 12:00:01 h1 sshd[7]: Connection reset by 192.0.2.1 port 1\n"
                              "\n"
                              "Jun 15 12:00:09 h2 cron[8]: nothing known\n"
                              "no envelope here\n"
                              "-- No entries --\n"
                              "{\"a\":1}\n"
                              "2025-06-15T14:00:05+02:00 h1 cron[8]: nothing known\n";
    struct record r;
    read_log(&r, log, sizeof log - 1, 0);
    assert_int_equal(r.summary.lines, 7);
    assert_int_equal(r.summary.events, 1);
    assert_int_equal(r.summary.unrecognised, 2);
    assert_int_equal(r.summary.skipped[LOG_SKIP_BLANK], 1);
    assert_int_equal(r.summary.skipped[LOG_SKIP_NO_ENVELOPE], 1);
    assert_int_equal(r.summary.skipped[LOG_SKIP_MARKER], 1);
    assert_int_equal(r.summary.skipped[LOG_SKIP_BAD_JSON], 1);
    assert_int_equal(r.summary.formats[LOG_RFC3164], 2);
    assert_int_equal(r.summary.formats[LOG_ISO], 1);
    assert_int_equal(r.summary.n_stamped, 3);
    assert_int_equal(r.summary.n_zone_stated, 1);
    assert_int_equal(r.summary.n_year_inferred, 2);
    assert_int_equal(r.summary.first, FIRST + 1 * NS_PER_S);
    assert_int_equal(r.summary.last, FIRST + 9 * NS_PER_S);
    assert_int_equal(r.summary.n_hosts, 2);
    assert_string_equal(r.summary.hosts[0].name, "h1");
    assert_int_equal(r.summary.hosts[0].n_lines, 2);
    forget(&r);
}

static void test_repeats(void **state)
{
    (void)state;
    EXPECT("Jun 15 12:00:01 h sshd[7]: message repeated 3 times: [ Failed password for root from "
           "192.0.2.1 port 40000 ssh2]\n"
           "Jun 15 12:00:02 h sshd[7]: Connection closed by 192.0.2.1 port 40000\n"
           "Jun 15 12:00:09 h last message repeated 2 times\n"
           "Jun 15 12:00:19 h last message repeated 4 times\n",
           "1 2025-06-15T12:00:01.000Z sshd[7] ssh.failed client=192.0.2.1:40000 repeated=3 "
           "method=password user=root\n"
           "2 2025-06-15T12:00:02.000Z sshd[7] ssh.connection-closed client=192.0.2.1:40000\n"
           "3 2025-06-15T12:00:09.000Z sshd[7] ssh.connection-closed client=192.0.2.1:40000 "
           "repeated=2\n"
           "4 2025-06-15T12:00:19.000Z sshd[7] ssh.connection-closed client=192.0.2.1:40000 "
           "repeated=4\n");
    EXPECT("Jun 15 12:00:09 h last message repeated 2 times\n",
           "1 2025-06-15T12:00:09.000Z [0] ?\n");
    /* what is repeated is the line before, and not an older one that meant something */
    EXPECT("Jun 15 12:00:02 h sshd[7]: Connection closed by 192.0.2.1 port 40000\n"
           "Jun 15 12:00:03 h cron[8]: nothing known\n"
           "Jun 15 12:00:09 h last message repeated 2 times\n",
           "1 2025-06-15T12:00:02.000Z sshd[7] ssh.connection-closed client=192.0.2.1:40000\n"
           "2 2025-06-15T12:00:03.000Z cron[8] ?\n"
           "3 2025-06-15T12:00:09.000Z [0] ?\n");
    /* nor one before an entry of another kind of log */
    EXPECT("Jun 15 12:00:02 h sshd[7]: Connection closed by 192.0.2.1 port 40000\n"
           "{\"MESSAGE\":\"x\",\"__REALTIME_TIMESTAMP\":\"1749988803000000\"}\n"
           "Jun 15 12:00:09 h last message repeated 2 times\n",
           "1 2025-06-15T12:00:02.000Z sshd[7] ssh.connection-closed client=192.0.2.1:40000\n"
           "2 2025-06-15T12:00:03.000Z [0] ?\n"
           "3 2025-06-15T12:00:09.000Z [0] ?\n");
}

/* The line that is repeated may stand at the end of the file before. */
static void test_continues(void **state)
{
    (void)state;
    static const char first[] =
        "Jun 15 12:00:02 h sshd[7]: Connection closed by 192.0.2.1 port 4\n";
    static const char next[] = "Jun 15 12:00:09 h last message repeated 2 times\n";
    struct log_config config = {.span_first = FIRST, .span_last = LAST, .boot = INSTANT_NONE};
    struct record a = {0}, b = {0};
    struct flaws flaws;
    strbuf_init(&a.out);
    strbuf_init(&b.out);
    flaws_init(&flaws);
    struct log_reader *before = log_reader_create(patterns, &config, &flaws);
    log_reader_feed(before, first, sizeof first - 1, note, &a);
    log_reader_end(before, note, &a);
    config.before = log_reader_last_line(before);
    struct log_reader *r = log_reader_create(patterns, &config, &flaws);
    log_reader_free(before);
    log_reader_feed(r, next, sizeof next - 1, note, &b);
    log_reader_end(r, note, &b);
    assert_string_equal(b.out.p, "1 2025-06-15T12:00:09.000Z sshd[7] ssh.connection-closed "
                                 "client=192.0.2.1:4 repeated=2\n");
    assert_int_equal(log_probe_time(text_of(next), &config), log_reader_summary(r)->first);
    assert_int_equal(log_probe_time(TEXT("no stamp\nhere"), &config), INSTANT_NONE);
    log_reader_free(r);
    flaws_finish(&flaws);
    strbuf_finish(&a.out);
    strbuf_finish(&b.out);
}

static bool count_known(void *ctx, const struct event *e)
{
    *(unsigned *)ctx += e->kind.n > 0;
    return true;
}

/* An expression that runs wild costs a log only so much, and the next log anew. */
static void test_costly_pattern(void **state)
{
    (void)state;
    static const char xml[] =
        "<events programs='gate'><event kind='gate.wild' reference='x'><literal>x</literal>"
        "<regex>^(?:a+)+x(?'port'\\d+)$</regex><sample port='1'>Jun 15 12:00:01 h gate[7]: "
        "aax1</sample>"
        "</event></events>";
    struct patterns *own = patterns_create();
    struct log_config config = {.span_first = FIRST, .span_last = LAST, .boot = INSTANT_NONE};
    assert_true(patterns_add(own, "own.xml", xml, sizeof xml - 1, NULL, NULL));
    for (unsigned k = 0; k < 2; k++) {
        struct flaws flaws;
        unsigned n_known = 0;
        flaws_init(&flaws);
        struct log_reader *r = log_reader_create(own, &config, &flaws);
        for (unsigned i = 0; i < 260; i++) {
            static const char wild[] =
                "Jun 15 12:00:01 h gate[7]: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab x\n";
            static const char tame[] = "Jun 15 12:00:01 h gate[7]: aax1\n";
            log_reader_feed(r, tame, sizeof tame - 1, count_known, &n_known);
            log_reader_feed(r, wild, sizeof wild - 1, count_known, &n_known);
        }
        log_reader_end(r, count_known, &n_known);
        assert_int_equal(n_known, 200);
        assert_int_equal(flaws_count(&flaws, "log.pattern-undecided"), 200);
        assert_int_equal(flaws_count(&flaws, "log.pattern-switched-off"), 2 * 60);
        assert_int_equal(log_reader_summary(r)->n_undecided, 200 + 2 * 60);
        log_reader_free(r);
        flaws_finish(&flaws);
    }
    patterns_free(own);
}

/* Of a large log, lines far from the wanted time are counted as such, whatever the pieces. */
static void test_far(void **state)
{
    (void)state;
    static const char line[] = "Jun 13 12:00:01 h sshd[7]: Connection reset by 192.0.2.1 port 4\n";
    static const char tail[] = "Jun 13 12:00:02 h sshd[7]: Connection reset by 192.0.2.1 port 4\n"
                               "Jun 13 12:00:03 h plain words\n"
                               "Jun 15 12:00:01 h sshd[7]: Connection reset by 192.0.2.1 port 4\n"
                               "Jun 15 12:00:02 h last message repeated 2 times\n"
                               "Jun 17 12:00:01 h sshd[7]: Connection reset by 192.0.2.1 port 4\n"
                               "Jun 17 12:00:02 h sshd[7]: Connection reset by 192.0.2.1 port 4\n";
    const uint64_t n_full = LOG_READ_IN_FULL / (sizeof line - 1);
    struct log_config config = {.span_first = FIRST,
                                .span_last = LAST,
                                .boot = INSTANT_NONE,
                                .has_wanted = true,
                                .wanted_first = FIRST - 86400 * NS_PER_S,
                                .wanted_last = LAST + 86400 * NS_PER_S};
    struct strbuf log;
    strbuf_init(&log);
    for (uint64_t i = 0; i < n_full + 7; i++)
        strbuf_add(&log, line, sizeof line - 1);
    strbuf_add(&log, tail, sizeof tail - 1);
    static const size_t pieces[] = {4097, 65536, SIZE_MAX};
    for (size_t k = 0; k < 3; k++) {
        struct flaws flaws;
        unsigned n_known = 0;
        flaws_init(&flaws);
        struct log_reader *r = log_reader_create(patterns, &config, &flaws);
        for (size_t at = 0; at < log.n; at += pieces[k] < log.n - at ? pieces[k] : log.n - at)
            log_reader_feed(r, log.p + at, pieces[k] < log.n - at ? pieces[k] : log.n - at,
                            count_known, &n_known);
        log_reader_end(r, count_known, &n_known);
        const struct log_summary *s = log_reader_summary(r);
        assert_int_equal(s->lines, n_full + 7 + 6);
        assert_int_equal(s->skipped[LOG_SKIP_FAR], 7 + 1 + 1);
        assert_int_equal(n_known, n_full + 3);
        assert_int_equal(s->events, n_full + 3);
        assert_int_equal(s->unrecognised, 1);
        assert_int_equal(s->n_stamped, s->lines);
        assert_true(s->last - s->first == 4 * 86400 * NS_PER_S + NS_PER_S);
        log_reader_free(r);
        flaws_finish(&flaws);
    }
    strbuf_finish(&log);
}

static void test_bare(void **state)
{
    (void)state;
    EXPECT("Server listening on 0.0.0.0 port 22.\n"
           "error: kex_exchange_identification: read: Connection reset by peer\n"
           "2025-06-15T12:00:01.5Z Disconnecting authenticating user root 192.0.2.1 port 4: Too "
           "many authentication failures [preauth]\n"
           "2025-06-15T12:00:01.5Z Disconnecting: Too many authentication failures\n",
           "1 - [0] ssh.listening\n"
           "2 - [0] ssh.banner-read-reset action=read error=Connection reset by peer\n"
           "3 2025-06-15T12:00:01.500Z [0] ssh.disconnecting client=192.0.2.1:4 user=root "
           "text=Too many authentication failures\n"
           "4 2025-06-15T12:00:01.500Z [0] ssh.disconnecting text=Too many authentication "
           "failures\n");
}

static void test_nul_and_utf8(void **state)
{
    (void)state;
    EXPECT("\0\0\0\0Jun 15 12:00:01 h sshd[7]: Connection reset by 192.0.2.1 port 4\n"
           "Jun 15 12:00:01 h sshd[7]: Invalid user \xff\xfe\\303\\251 from 192.0.2.1 port 4\n"
           "Jun 15 12:00:01 h sshd[7]: Invalid \0user a from 192.0.2.1 port 4\n",
           "1 2025-06-15T12:00:01.000Z sshd[7] ssh.connection-reset client=192.0.2.1:4\n"
           "2 2025-06-15T12:00:01.000Z sshd[7] ssh.invalid-user client=192.0.2.1:4 "
           "user=\xff\xfe\\303\\251\n"
           "3 2025-06-15T12:00:01.000Z sshd[7] ?\n");
}

static void test_long_line(void **state)
{
    (void)state;
    size_t n = 3u << 20;
    char *log = malloc(n + 128);
    memset(log, 'x', n);
    memcpy(log, "Jun 15 12:00:01 h a[1]: ", 24);
    static const char next[] =
        "\nJun 15 12:00:02 h sshd[7]: Connection reset by 192.0.2.1 port 4\n";
    memcpy(log + n, next, sizeof next - 1);
    for (size_t piece = 0; piece < 200000; piece += 65537) {
        struct record r;
        read_log(&r, log, n + sizeof next - 1, piece);
        assert_int_equal(r.summary.lines, 2);
        assert_int_equal(r.summary.events, 1);
        assert_int_equal(r.summary.unrecognised, 1);
        assert_true(flaws_count(&r.flaws, "log.line-cut") >= 1);
        assert_non_null(strstr(r.out.p, "\n2 2025-06-15T12:00:02.000Z sshd[7]"));
        forget(&r);
    }
    free(log);
}

/* Lines that look for the worst in every shipped expression must end, soon. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const fronts[] = {
        "Jun 15 12:00:01 h sshd[7]: Connection reset by invalid user ",
        "Jun 15 12:00:01 h sshd[7]: x: Connection from ",
        "Jun 15 12:00:01 h sshd[7]: Failed password for ",
        "Jun 15 12:00:01 h kernel: SRC=1 IN= OUT= ",
        "Jun 15 12:00:01 h x[1]: Connection reset by peer ",
        "Jun 15 12:00:01 h haproxy[1]: / ",
        "2025/12/03 14:45:10 [error] 1#1: *1 recv() failed (104: x) , client: , upstream: \"",
        "2025-06-15 12:00:00 UTC [1] FATAL:  connection to client lost ",
    };
    static const char *const fills[] = {
        "a",      " ",  "1.",         "1.1.1.1 port ", "192.0.2.1:1 ", "(", ":", "IN= OUT= SRC=",
        " from ", "\\", ", client: 1"};
    for (size_t i = 0; i < sizeof fronts / sizeof fronts[0]; i++)
        for (size_t k = 0; k < sizeof fills / sizeof fills[0]; k++) {
            struct strbuf log;
            struct record r;
            strbuf_init(&log);
            strbuf_str(&log, fronts[i]);
            while (log.n < 8000)
                strbuf_str(&log, fills[k]);
            read_log(&r, log.p, log.n, 0);
            assert_int_equal(r.summary.lines, 1);
            forget(&r);
            strbuf_finish(&log);
        }
}

static bool stop_at_once(void *ctx, const struct event *e)
{
    (void)e;
    ++*(unsigned *)ctx;
    return false;
}

static void test_stop(void **state)
{
    (void)state;
    static const char log[] = "Jun 15 12:00:01 h a[1]: x\nJun 15 12:00:01 h a[1]: x\n";
    struct log_config config = {.span_first = FIRST, .span_last = LAST, .boot = INSTANT_NONE};
    struct flaws flaws;
    unsigned n = 0;
    flaws_init(&flaws);
    struct log_reader *r = log_reader_create(patterns, &config, &flaws);
    assert_false(log_reader_feed(r, log, sizeof log - 1, stop_at_once, &n));
    assert_false(log_reader_end(r, stop_at_once, &n));
    assert_int_equal(n, 1);
    log_reader_free(r);
    flaws_finish(&flaws);
}

struct copied {
    struct arena arena;
    struct event_words words;
    struct event *e;
};

static bool copy_it(void *ctx, const struct event *e)
{
    struct copied *c = ctx;
    c->e = event_copy(&c->arena, &c->words, e);
    return true;
}

static void test_copy_outlives(void **state)
{
    (void)state;
    char log[] = "Jun 15 12:00:01 h sshd[7]: Failed password for root from 192.0.2.1 port 4 ssh2\n";
    struct log_config config = {.span_first = FIRST, .span_last = LAST, .boot = INSTANT_NONE};
    struct copied c = {.words = {.arena = &c.arena}};
    struct flaws flaws;
    arena_init(&c.arena, NULL);
    flaws_init(&flaws);
    struct patterns *own = patterns_create();
    assert_true(patterns_add_embedded(own, event_pattern_files, NULL, NULL));
    struct log_reader *r = log_reader_create(own, &config, &flaws);
    assert_true(log_reader_feed(r, log, sizeof log - 1, copy_it, &c));
    memset(log, '#', sizeof log);
    log_reader_free(r);
    patterns_free(own);
    assert_non_null(c.e);
    assert_true(text_eq(c.e->kind, TEXT("ssh.failed")));
    assert_true(text_eq(c.e->host, TEXT("h")));
    assert_true(text_eq(c.e->program, TEXT("sshd")));
    assert_true(text_eq(event_field(c.e, "user"), TEXT("root")));
    assert_true(text_eq(event_field(c.e, "method"), TEXT("password")));
    assert_int_equal(event_field(c.e, "absent").n, 0);
    assert_true(text_starts(c.e->raw, TEXT("Jun 15 12:00:01 h sshd[7]: Failed")));
    arena_finish(&c.arena);
    flaws_finish(&flaws);
}

static void test_probe(void **state)
{
    (void)state;
    assert_int_equal(log_probe(TEXT("Jun 15 12:00:01 h a[1]: x\nJun 15 12:00:01 h a[1]: x\nJu")),
                     100);
    assert_int_equal(log_probe(TEXT("Jun 15 12:00:01 h a[1]: x\nhello\n")), 50);
    assert_int_equal(log_probe(TEXT("{\"timestamp\":\"2025-06-15T12:00:05.3+0000\","
                                    "\"event_type\":\"flow\"}\n")),
                     100);
    assert_int_equal(log_probe(TEXT("{\"t\":{\"$date\":\"2026-11-27T03:52:39.123+00:00\"},"
                                    "\"msg\":\"Connection accepted\"}\n")),
                     100);
    assert_int_equal(log_probe(TEXT("{\"time_local\":\"27/Nov/2026:03:52:39 +0000\","
                                    "\"remote_addr\":\"192.0.2.1\"}\n")),
                     100);
    assert_int_equal(log_probe(TEXT("net.ipv4.tcp_syncookies = 1\n")), 0);
    assert_int_equal(log_probe(TEXT("")), 0);
    assert_int_equal(log_probe(TEXT("Jun 15 12:00:01 h a[1]: no line end")), 100);
    assert_int_equal(log_probe(TEXT("hello")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_summary),
        cmocka_unit_test(test_repeats),       cmocka_unit_test(test_costly_pattern),
        cmocka_unit_test(test_far),           cmocka_unit_test(test_bare),
        cmocka_unit_test(test_continues),     cmocka_unit_test(test_short_way),
        cmocka_unit_test(test_nul_and_utf8),  cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_hostile),       cmocka_unit_test(test_stop),
        cmocka_unit_test(test_copy_outlives), cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, open_patterns, close_patterns);
}
