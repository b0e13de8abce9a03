/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log read through the sieve against the same log read line by line: events in the same order
 * with the same contents, and everything counted the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/log/pump.h"
#include "parsers/log/sieve.h"
#include "sieved.h"
#include "told.h"

#define TOKENS_MAX 100000

/* What came of a log: a line for each event and for each line about an address of interest. */
struct told {
    struct strbuf out;
    struct log_summary summary;
    struct flaws flaws;
    struct address_filter interest;
    struct sieved_others others;
    uint64_t n_passed, n_mixed, n_v6;
    struct text kind[TOKENS_MAX];
    uint32_t n_tokens;
    unsigned refuse; /* one in so many is handed on; 0: none */
};

static uint64_t interest_bits[64];

static void tell_event(struct told *t, uint64_t line, instant_ns time, uint32_t pid,
                       struct text kind, const struct endpoint *client, const struct address *known)
{
    char end[ENDPOINT_TEXT_MAX], address[ADDRESS_TEXT_MAX] = "";
    endpoint_format(client, end);
    if (known)
        address_format(known, address);
    strbuf_printf(&t->out, "%llu %lld [%u] " TEXT_FMT " %s %s\n", (unsigned long long)line,
                  (long long)time, pid, TEXT_ARG(kind), end, address);
}

static bool sink(void *ctx, const struct event *e)
{
    struct told *t = ctx;
    const struct endpoint *client = address_is_zero(&e->client.ip) ? &e->src : &e->client;
    if (e->kind.n || sieved_is_of_interest(&t->interest, e))
        tell_event(t, e->line, e->time, e->pid, e->kind, client, sieved_known(&t->interest, e));
    else
        sieved_add_one(&t->others, e->time);
    return true;
}

static uint32_t admit(void *ctx, const struct event *e)
{
    struct told *t = ctx;
    if (t->n_tokens == TOKENS_MAX)
        return 0;
    t->kind[t->n_tokens] = e->kind;
    return ++t->n_tokens;
}

static bool pass(void *ctx, bool is_event, const struct log_passed *p)
{
    struct told *t = ctx;
    assert_true(p->token > 0 && p->token <= t->n_tokens && p->n_lines > 0);
    if (t->refuse && p->line % t->refuse == 0)
        return false;
    t->n_passed += p->n_lines;
    t->n_mixed += p->known != NULL;
    t->n_v6 += is_event && !address_is_v4(&p->client.ip) && !address_is_zero(&p->client.ip);
    assert_true(is_event == (t->kind[p->token - 1].n != 0));
    if (is_event)
        tell_event(t, p->line, p->first, p->pid, t->kind[p->token - 1], &p->client, p->known);
    else
        sieved_add(&t->others, p->n_lines, p->first, p->last);
    return true;
}

/* The rest of the log by blocks and two threads, or all at once. */
static void pump(struct log_reader *r, const struct strbuf *log, size_t at, bool sieve,
                 struct told *t)
{
    struct error err;
    struct source *source = source_from_memory("log", log->p + at, log->n - at, &err);
    assert_non_null(source);
    if (sieve)
        assert_true(log_pump(r, source, sink, t, NULL));
    else
        assert_true(log_reader_feed(r, log->p + at, log->n - at, sink, t));
    source_close(source);
}

/* piece 0: the first third in one piece, the rest by log_pump. */
static struct told *read_through(const struct strbuf *log, struct log_config config, bool sieve,
                                 unsigned refuse, size_t piece)
{
    struct told *t = calloc(1, sizeof *t);
    t->others = (struct sieved_others){0, INT64_MAX, INSTANT_NONE};
    t->refuse = refuse;
    t->interest = (struct address_filter){interest_bits, 64};
    strbuf_init(&t->out);
    flaws_init(&t->flaws);
    struct log_passer passer = {
        .ctx = t, .of_interest = &t->interest, .admit = admit, .pass = pass};
    config.passer = sieve ? &passer : NULL;
    struct log_reader *r = log_reader_create(patterns, &config, &t->flaws);
    assert_non_null(r);
    size_t fed = piece ? log->n : log->n / 3;
    for (size_t at = 0; at < fed;) {
        size_t n = piece && piece < fed - at ? piece : fed - at;
        char *copy = malloc(n); /* lets the sanitizer see what outlives the call */
        memcpy(copy, log->p + at, n);
        assert_true(log_reader_feed(r, copy, n, sink, t));
        free(copy);
        at += n;
    }
    if (fed < log->n)
        pump(r, log, fed, sieve, t);
    assert_true(log_reader_end(r, sink, t));
    t->summary = *log_reader_summary(r);
    log_reader_free(r);
    return t;
}

static void forget_told(struct told *t)
{
    strbuf_finish(&t->out);
    flaws_finish(&t->flaws);
    free(t);
}

static void assert_same_flaws(const struct flaws *a, const struct flaws *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_string_equal(a->v[i].name, b->v[i].name);
        assert_int_equal(a->v[i].count, b->v[i].count);
        assert_int_equal(a->v[i].first_place, b->v[i].first_place);
    }
}

static void assert_same_lines(const char *a, const char *b)
{
    size_t at = 0;
    while (a[at] && a[at] == b[at])
        at++;
    if (!a[at] && !b[at])
        return;
    while (at && a[at - 1] != '\n')
        at--;
    fail_msg("line by line: %.*s\nby the sieve: %.*s", (int)strcspn(a + at, "\n"), a + at,
             (int)strcspn(b + at, "\n"), b + at);
}

/* Gives how many lines were passed. */
static uint64_t assert_same(const struct strbuf *log, const struct log_config *config,
                            unsigned refuse, size_t piece)
{
    struct told *a = read_through(log, *config, false, 0, piece);
    struct told *b = read_through(log, *config, true, refuse, piece);
    uint64_t n = b->n_passed;
    assert_true(b->n_mixed > 10 && b->n_v6 > 1000);
    assert_same_lines(a->out.p, b->out.p);
    assert_int_equal(a->others.n, b->others.n);
    assert_true(a->others.first == b->others.first && a->others.last == b->others.last);
    assert_memory_equal(&a->summary, &b->summary, sizeof a->summary);
    assert_same_flaws(&a->flaws, &b->flaws);
    forget_told(a);
    forget_told(b);
    return n;
}

/* ---- logs ---- */

static uint32_t dice = 20261126;

static uint32_t roll(uint32_t sides)
{
    dice = dice * 1664525 + 1013904223;
    return (dice >> 8) % sides;
}

static void add_head(struct strbuf *b, uint64_t i, bool iso)
{
    unsigned s = (unsigned)(i / 8), m = 12 * 60 + s / 60;
    const char *host = roll(400) == 0 ? "other" : "srv1";
    if (iso)
        strbuf_printf(b, "2025-06-%02uT%02u:%02u:%02u.%06u+02:00 %s ", 15 + m / 1440, m / 60 % 24,
                      m % 60, roll(600) ? s % 60 : 60, roll(1000000), host);
    else
        strbuf_printf(b, "Jun %2u %02u:%02u:%02u %s ", 15 + m / 1440, m / 60 % 24, m % 60,
                      roll(600) ? s % 60 : 60, host);
}

static void add_word(struct strbuf *b)
{
    for (uint32_t n = 1 + roll(9); n > 0; n--)
        strbuf_char(b, (char)('a' + roll(26)));
}

/* Mostly a stranger's. */
static void add_v6(struct strbuf *b)
{
    strbuf_printf(b, roll(20) ? "2001:db8:%x::%x" : "2001:db8::1", roll(0x10000), roll(0x1000));
}

/* A message with other numbers, and mostly with strangers' addresses; "~" is any word, "|" an IPv6
 * address. */
static void add_message(struct strbuf *b, struct text message)
{
    bool keep = roll(12) == 0;
    for (size_t i = 0; i < message.n; i++) {
        char c = message.p[i];
        bool digit = c >= '0' && c <= '9';
        if (c == '~')
            add_word(b);
        else if (c == '|')
            add_v6(b);
        else
            strbuf_char(b, digit && !keep ? (char)('0' + roll(10)) : c == '\n' ? ' ' : c);
    }
}

static void add_tagged(struct strbuf *b, struct text program, struct text message)
{
    strbuf_text(b, program);
    if (roll(5))
        strbuf_printf(b, "[%u]", roll(3) ? 600 + roll(40) : roll(4000000));
    strbuf_str(b, ": ");
    add_message(b, message);
    strbuf_str(b, roll(300) ? "\n" : "\r\n");
}

static void add_odd(struct strbuf *b, uint64_t i, bool iso)
{
    static const char *const lines[] = {
        "\n",
        "no header at all\n",
        "-- Boot 0123456789abcdef --\n",
        "{\"MESSAGE\":\"x\"}\n",
        "2024-01-16 09:03:47.401 [error] <0.512.0> closing AMQP connection <0.512.0> "
        "(192.0.2.1:50001 "
        "-> 192.0.2.2:5672):\n",
        "missed heartbeats from client, timeout: 60s\n",
        "Jun 15\n",
        "2024-01-16T09:03:47.401Z stdout P half a line\n",
    };
    if (roll(3)) {
        strbuf_str(b, lines[roll(sizeof lines / sizeof lines[0])]);
        return;
    }
    add_head(b, i, iso);
    strbuf_printf(b, "%s\n",
                  roll(2) ? "last message repeated 2 times"
                          : "sshd[7]: message repeated 3 times: [ Connection closed by "
                            "198.18.0.7 port 4711]");
}

/* Everyday lines, of which many are alike, and what breaks them off. */
static void make_log(struct strbuf *b, bool iso, size_t size)
{
    static const struct {
        const char *program, *message;
    } daily[] = {
        {"sshd", "Connection closed by 198.18.60.47 port 48971"},
        {"sshd", "Connection reset by 198.18.60.47 port 48971 [preauth]"},
        {"sshd", "Connection reset by 2001:db8:101::44 port 48971 [preauth]"},
        {"sshd", "Connection from 192.0.2.1 port 48971 on 192.0.2.2 port 22"},
        {"sshd", "error: kex_exchange_identification: Connection closed by remote host"},
        {"CRON", "(root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)"},
        {"systemd", "Started session-714451.scope - Session 714451 of User deploy."},
        {"kernel",
         "[660568.481516] [UFW BLOCK] IN=eth0 OUT= SRC=198.18.67.227 DST=192.0.2.10 LEN=40 "
         "TOS=0x00 PREC=0x00 TTL=241 ID=54321 PROTO=TCP SPT=21592 DPT=8728 WINDOW=1024 "
         "RES=0x00 SYN URGP=0 "},
        {"postfix/smtpd", "connect from unknown[198.18.28.9]"},
        {"postfix/qmgr", "4F1C62A0297595: from=<root@gate1.example>, size=1184, nrcpt=1"},
        {"worker", "job 363278 done in 4302 ms, 17 items, nothing left to do"},
        {"a-program-of-a-long-name", "says 5"},
        {"sshd", "Invalid user ~ from | port 48971"},
        {"sshd", "Invalid user root from | port 48971"},
        {"sshd", "Accepted publickey for ~ from | port 48971 ssh2: ED25519 SHA256:~"},
        {"sshd", "pam_unix(sshd:session): session opened for user ~(uid=1000) by (uid=0)"},
        {"sshd", "Failed password for ~ from ~ port 4711 ssh2"},
        {"sshd", "message repeated 3 times: [ Invalid user ~ from | port 48971]"},
        {"worker", "~ and ~ done for | in 4302 ms"},
        {"worker", "[~] 4302 ~"},
        {"nginx",
         "2025/06/15 12:00:00 [error] 7#7: *~ recv() failed (104: Connection reset by peer), "
         "client: |, server: ~"},
        {"haproxy", "|:48971 [15/Jun/2025:12:00:00.123] ~ ~/~ 1/0/4302 212 -- 1/1/0/0/0 0/0"},
        {"sshd", "Failed password for root from UNKNOWN port 4711 ssh2"},
    };
    size_t n_samples = patterns_count(patterns);
    for (uint64_t i = 0; b->n < size; i++) {
        uint32_t what = roll(100);
        const size_t one =
            what < 92 ? roll(sizeof daily / sizeof daily[0]) : roll((uint32_t)n_samples);
        if (what >= 99) {
            add_odd(b, i, iso);
            continue;
        }
        if (what < 92) {
            add_head(b, i, iso);
            add_tagged(b, text_of(daily[one].program), text_of(daily[one].message));
            continue;
        }
        struct envelope env;
        struct text line = text_slice(patterns_sample(patterns, one, 0), 0, 4096);
        if (!envelope_parse(line, &env) || !env.program.n || !env.message.n)
            continue;
        add_head(b, i, iso);
        add_tagged(b, env.program, env.message);
    }
}

static const struct log_config plain_config = {
    .span_first = FIRST, .span_last = LAST, .boot = INSTANT_NONE, .source = 7};

static void open_interest(void)
{
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.2", "192.0.2.10", "2001:db8::1"};
    struct address_filter f = {interest_bits, 64};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct address a;
        assert_true(address_parse(text_of(addresses[i]), &a));
        address_filter_add(&f, &a);
    }
}

static void test_same(void **state)
{
    (void)state;
    open_interest();
    for (unsigned iso = 0; iso < 2; iso++) {
        struct strbuf log;
        strbuf_init(&log);
        make_log(&log, iso != 0, 6 << 20);
        uint64_t n = assert_same(&log, &plain_config, 0, 1 << 20);
        if (n < 10000)
            fail_msg("only %llu lines were passed", (unsigned long long)n);
        assert_same(&log, &plain_config, 3, 70001);
        assert_same(&log, &plain_config, 0, 4099);
        assert_same(&log, &plain_config, 0, 0);
        assert_same(&log, &plain_config, 5, 0);
        strbuf_finish(&log);
    }
}

/* From a place in the log on, lines are too far away; the place may lie within a minute. */
static void test_far(void **state)
{
    (void)state;
    struct log_config config = plain_config;
    struct strbuf log;
    open_interest();
    strbuf_init(&log);
    make_log(&log, false, 14 << 20);
    config.has_wanted = true;
    config.wanted_first = FIRST + 60 * NS_PER_S;
    config.wanted_last = FIRST + 10000 * NS_PER_S + 17 * NS_PER_S;
    assert_true(assert_same(&log, &config, 0, 1 << 20) > 10000);
    assert_true(assert_same(&log, &config, 0, 0) > 10000);
    strbuf_finish(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_far),
    };
    return cmocka_run_group_tests(tests, open_patterns, close_patterns);
}
