/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a log is read: the reader of parsers/log with all patterns beside a bare loop that only
 * looks for newlines, over the same bytes in memory.  Usage: bench_log [FILE]; without a file two
 * logs are made up: one where every second line is sshd's, one where no line concerns a connection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parsers/log/reader.h"

#define ROUNDS 5
#define LINES 400000
#define PIECE (256 * 1024)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others may share the machine */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The program whose reading every log has to bear anyway. */
static uint64_t count_lines(struct text log)
{
    uint64_t n = 0;
    const char *p = log.p, *end = log.p + log.n;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        n++;
        p++;
    }
    return n;
}

/* The same with each line copied out, as getline(3) hands it over. */
static uint64_t copy_lines(struct text log)
{
    FILE *f = fmemopen((void *)(uintptr_t)log.p, log.n, "r");
    char *line = NULL;
    size_t cap = 0;
    uint64_t n = 0;
    while (f && getline(&line, &cap, f) >= 0)
        n++;
    free(line);
    if (f)
        fclose(f);
    return n;
}

static bool take(void *ctx, const struct event *e)
{
    *(uint64_t *)ctx += e->kind.n != 0;
    return true;
}

static uint64_t read_lines(struct text log, struct patterns *patterns, uint64_t *n_events)
{
    struct log_config config = {.span_first = INT64_C(1750000000) * NS_PER_S,
                                .span_last = INT64_C(1750003600) * NS_PER_S,
                                .boot = INSTANT_NONE};
    struct flaws flaws;
    flaws_init(&flaws);
    struct log_reader *r = log_reader_create(patterns, &config, &flaws);
    if (!r)
        abort();
    *n_events = 0;
    for (size_t at = 0; at < log.n; at += PIECE)
        log_reader_feed(r, log.p + at, log.n - at < PIECE ? log.n - at : PIECE, take, n_events);
    log_reader_end(r, take, n_events);
    uint64_t n = log_reader_summary(r)->lines;
    log_reader_free(r);
    flaws_finish(&flaws);
    return n;
}

static void compare(const char *name, struct text log, struct patterns *patterns)
{
    double best[3] = {1e9, 1e9, 1e9};
    uint64_t n = 0, n_events = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double t[4];
        t[0] = now();
        n = count_lines(log);
        t[1] = now();
        if (copy_lines(log) != n)
            abort();
        t[2] = now();
        if (read_lines(log, patterns, &n_events) != n)
            abort();
        t[3] = now();
        for (int i = 0; i < 3; i++)
            best[i] = t[i + 1] - t[i] < best[i] ? t[i + 1] - t[i] : best[i];
    }
    printf("%-10s %8llu lines %8llu events  memchr %6.1f ns  getline %6.1f ns  reader %6.1f ns/line"
           "  = %.1f x memchr, %.1f x getline\n",
           name, (unsigned long long)n, (unsigned long long)n_events, best[0] / (double)n * 1e9,
           best[1] / (double)n * 1e9, best[2] / (double)n * 1e9, best[2] / best[0],
           best[2] / best[1]);
}

static void add_stamp(struct strbuf *b, unsigned i)
{
    strbuf_printf(b, "Jun 15 %02u:%02u:%02u srv1 ", i / 36000 % 24, i / 600 % 60, i / 10 % 60);
}

static void add_ssh(struct strbuf *b, unsigned i)
{
    static const char *const users[] = {"root", "admin", "alice", "test"};
    unsigned host = i % 250 + 1, port = 1024 + i % 60000;
    add_stamp(b, i);
    switch (i / 2 % 5) {
    case 0:
        strbuf_printf(b, "sshd[%u]: Failed password for %s from 192.0.2.%u port %u ssh2\n", i,
                      users[i % 4], host, port);
        break;
    case 1:
        strbuf_printf(b,
                      "sshd[%u]: Connection reset by authenticating user %s 192.0.2.%u port %u "
                      "[preauth]\n",
                      i, users[i % 4], host, port);
        break;
    case 2:
        strbuf_printf(b, "sshd[%u]: Received disconnect from 192.0.2.%u port %u:11: Bye Bye\n", i,
                      host, port);
        break;
    case 3:
        strbuf_printf(b,
                      "sshd[%u]: pam_unix(sshd:auth): authentication failure; logname= uid=0 "
                      "euid=0 tty=ssh ruser= rhost=192.0.2.%u  user=%s\n",
                      i, host, users[i % 4]);
        break;
    default:
        strbuf_printf(b, "sshd[%u]: Invalid user %s from 192.0.2.%u port %u\n", i, users[i % 4],
                      host, port);
        break;
    }
}

static void add_other(struct strbuf *b, unsigned i)
{
    add_stamp(b, i);
    switch (i / 2 % 3) {
    case 0:
        strbuf_printf(b, "CRON[%u]: (root) CMD (  cd / && run-parts --report /etc/cron.hourly)\n",
                      i);
        break;
    case 1:
        strbuf_printf(b, "dhclient[611]: DHCPREQUEST for 198.51.100.7 on eth0 to 198.51.100.1 port "
                         "67\n");
        break;
    default:
        strbuf_printf(b, "worker[%u]: job %u done in %u ms, 17 items, nothing left to do\n", i, i,
                      i % 977);
        break;
    }
}

static bool read_file(const char *path, struct strbuf *b)
{
    FILE *f = fopen(path, "rb");
    char bytes[65536];
    size_t n;
    if (!f)
        return false;
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        strbuf_add(b, bytes, n);
    fclose(f);
    return true;
}

int main(int argc, char **argv)
{
    struct strbuf log;
    struct patterns *patterns = patterns_create();
    strbuf_init(&log);
    if (!patterns || !patterns_add_embedded(patterns, event_pattern_files, NULL, NULL))
        return 1;
    if (argc > 1) {
        if (!read_file(argv[1], &log))
            return 2;
        compare("file", strbuf_view(&log), patterns);
    } else {
        for (unsigned i = 0; i < LINES; i++)
            i % 2 ? add_ssh(&log, i) : add_other(&log, i);
        compare("half sshd", strbuf_view(&log), patterns);
        strbuf_reset(&log);
        for (unsigned i = 0; i < LINES; i++)
            add_other(&log, i);
        compare("no concern", strbuf_view(&log), patterns);
    }
    strbuf_finish(&log);
    patterns_free(patterns);
    return 0;
}
