/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a large synthetic log for the benchmark: KIND, a file name and a scale come in, a syslog
 * file of some days goes out (1 GB at scale 1), and on standard output one row "TIME_US ADDRESS
 * PORT RST" for each ssh connection that a capture of half an hour in its middle shall hold, then
 * how many lines and bytes the log has.  The same arguments give the same bytes.  The texts are
 * those of the daemons; how they follow each other is made up.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/generator.h"

enum { SESSIONS = 64, LINE_MAX_BYTES = 512 };
#define MONTH_S UINT64_C(1793491200) /* 2026-11-01T00:00:00Z */
#define DAY_S UINT64_C(86400)
#define MIDDLE_S (MONTH_S + 24 * DAY_S)
#define CAPTURED_US (UINT64_C(1800) * 1000000)

struct session { /* one sshd process and what it still has to say */
    uint32_t pid, n_said;
    uint8_t plot;
    uint16_t port;
    bool of_ours; /* from an address that the capture holds too */
    char address[40];
    const char *user;
};

struct writer {
    FILE *file;
    uint64_t random, time_us, step_us;
    uint64_t n_lines, n_bytes, goal;
    uint32_t next_pid;
    bool iso, is_quiet;
    char head[64]; /* the stamp and host of the last line */
    uint64_t head_at;
    struct session sessions[SESSIONS];
};

/* xorshift64*, so that no library's generator decides what the bytes are. */
static uint32_t next_random(struct writer *w)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (uint32_t)((w->random * 0x2545F4914F6CDD1DULL) >> 32);
}

static void make_head(struct writer *w)
{
    uint64_t s = w->time_us / 1000000 - MONTH_S;
    unsigned day = (unsigned)(1 + s / DAY_S), hour = (unsigned)(s / 3600 % 24);
    unsigned minute = (unsigned)(s / 60 % 60), second = (unsigned)(s % 60);
    if (w->iso)
        snprintf(w->head, sizeof w->head, "2026-11-%02uT%02u:%02u:%02u.%06u+00:00 gate1 ", day,
                 hour, minute, second, (unsigned)(w->time_us % 1000000));
    else if (s != w->head_at)
        snprintf(w->head, sizeof w->head, "Nov %2u %02u:%02u:%02u gate1 ", day, hour, minute,
                 second);
    w->head_at = s;
}

static void put_line(struct writer *w, const char *tag, uint32_t pid, const char *message)
{
    char line[LINE_MAX_BYTES];
    make_head(w);
    int n = pid ? snprintf(line, sizeof line, "%s%s[%u]: %s\n", w->head, tag, pid, message)
                : snprintf(line, sizeof line, "%s%s: %s\n", w->head, tag, message);
    fwrite(line, (size_t)n, 1, w->file);
    w->n_bytes += (uint64_t)n;
    w->n_lines++;
    w->time_us += next_random(w) % (2 * w->step_us + 1);
}

static uint32_t take_pid(struct writer *w)
{
    w->next_pid = w->next_pid % 4194303 + 1;
    return w->next_pid;
}

/* Clients: scanners from the range of RFC 2544 and 2001:db8::/32, one in a hundred one of ours. */
static void choose_address(struct writer *w, struct session *s)
{
    uint32_t dice = next_random(w);
    s->of_ours = dice % 100 == 0;
    if (s->of_ours)
        snprintf(s->address, sizeof s->address, "203.0.113.%u", 1 + (dice >> 8) % 20);
    else if (dice % 10 == 1)
        snprintf(s->address, sizeof s->address, "2001:db8:%x::%x", (dice >> 8) % 0x200,
                 1 + (dice >> 20) % 0xff);
    else
        snprintf(s->address, sizeof s->address, "198.%u.%u.%u", 18 + (dice >> 8) % 2,
                 (dice >> 9) % 80, 1 + (dice >> 18) % 254);
}

static void begin(struct writer *w, struct session *s)
{
    static const char *const users[] = {"root", "admin", "alice", "oracle", "ubuntu", "deploy"};
    uint64_t middle = MIDDLE_S * 1000000;
    uint32_t dice = next_random(w);
    *s = (struct session){.pid = take_pid(w),
                          .plot = (uint8_t)(dice % 10),
                          .port = (uint16_t)(1024 + (dice >> 8) % 64000),
                          .user = users[(dice >> 4) % 6]};
    choose_address(w, s);
    if (s->of_ours && w->time_us >= middle && w->time_us < middle + CAPTURED_US)
        printf("%" PRIu64 " %s %u %d\n", w->time_us, s->address, s->port, s->plot == 9);
}

/* What an sshd process says, from first line to last; %U user, %A address, %P port. */
static const char *const plots[10][8] = {
    [0] = {"Invalid user %U from %A port %P", "pam_unix(sshd:auth): check pass; user unknown",
           "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
           "rhost=%A ",
           "Failed password for invalid user %U from %A port %P ssh2",
           "Received disconnect from %A port %P:11: Bye Bye [preauth]",
           "Disconnected from invalid user %U %A port %P [preauth]"},
    [1] = {"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
           "rhost=%A  user=%U",
           "Failed password for %U from %A port %P ssh2",
           "Failed password for %U from %A port %P ssh2",
           "Connection closed by authenticating user %U %A port %P [preauth]"},
    [2] = {"Accepted publickey for %U from %A port %P ssh2: ED25519 "
           "SHA256:Zk3yJ0c9qVwP8mR5sT1uX7bN2dF4gH6jK8lQ0wE3rTy",
           "pam_unix(sshd:session): session opened for user %U(uid=1000) by (uid=0)",
           "Received disconnect from %A port %P:11: disconnected by user",
           "Disconnected from user %U %A port %P",
           "pam_unix(sshd:session): session closed for user %U"},
    [3] = {"Connection closed by %A port %P"},
    [4] = {"banner exchange: Connection from %A port %P: invalid format"},
    [5] = {"Unable to negotiate with %A port %P: no matching key exchange method found. Their "
           "offer: diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1 [preauth]"},
    [6] = {"Invalid user %U from %A port %P",
           "Connection closed by invalid user %U %A port %P [preauth]"},
    [7] = {"error: maximum authentication attempts exceeded for %U from %A port %P ssh2 [preauth]",
           "Disconnecting authenticating user %U %A port %P: Too many authentication failures "
           "[preauth]"},
    [8] = {"error: kex_exchange_identification: Connection closed by remote host",
           "Connection closed by %A port %P"},
    [9] = {"Connection reset by %A port %P [preauth]"},
};

static void put_ssh(struct writer *w)
{
    struct session *s = &w->sessions[next_random(w) % SESSIONS];
    char text[LINE_MAX_BYTES] = "";
    if (!s->pid || s->n_said == 8 || !plots[s->plot][s->n_said])
        begin(w, s);
    size_t n = 0;
    for (const char *at = plots[s->plot][s->n_said++]; *at && n + 48 < sizeof text; at++) {
        if (*at != '%')
            text[n++] = *at;
        else if (*++at == 'P')
            n += (size_t)snprintf(text + n, 8, "%u", s->port);
        else
            n += (size_t)snprintf(text + n, 48, "%s", *at == 'U' ? s->user : s->address);
    }
    put_line(w, "sshd", s->pid, text);
}

/* What else such a host logs; %A and %P are strangers', %N is a number, %D is the last byte of the
 * server's address, or of another one where no line shall concern the capture. */
static const struct {
    const char *tag, *text;
    bool has_pid;
} others[] = {
    {"CRON", "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)", true},
    {"CRON", "(root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)", true},
    {"CRON", "pam_unix(cron:session): session closed for user root", true},
    {"systemd", "Started session-%N.scope - Session %N of User deploy.", true},
    {"systemd", "sysstat-collect.service: Deactivated successfully.", true},
    {"systemd", "Finished sysstat-collect.service - system activity accounting tool.", true},
    {"systemd-logind", "New session %N of user deploy.", true},
    {"systemd-logind", "Session %N logged out. Waiting for processes to exit.", true},
    {"kernel",
     "[%N.481516] [UFW BLOCK] IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 "
     "SRC=%A DST=192.0.2.%D LEN=40 TOS=0x00 PREC=0x00 TTL=241 ID=54321 PROTO=TCP SPT=%P "
     "DPT=8728 WINDOW=1024 RES=0x00 SYN URGP=0 ",
     false},
    {"postfix/smtpd", "connect from unknown[%A]", true},
    {"postfix/smtpd", "disconnect from unknown[%A] ehlo=1 auth=0/1 quit=1 commands=2/3", true},
    {"postfix/qmgr", "4F1C62A0%N: from=<root@gate1.example>, size=1184, nrcpt=1 (queue active)",
     true},
    {"dhclient", "DHCPREQUEST for 198.51.100.7 on eth1 to 198.51.100.1 port 67", true},
    {"dockerd",
     "time=\"2026-11-25T10:15:52.481516234Z\" level=info msg=\"ignoring event\" "
     "container=9f2d%N module=libcontainerd namespace=moby topic=/tasks/delete",
     true},
    {"worker", "job %N done in %P ms, 17 items, nothing left to do", true},
    {"rsyslogd",
     "[origin software=\"rsyslogd\" swVersion=\"8.2302.0\" x-pid=\"611\" "
     "x-info=\"https://www.rsyslog.com\"] rsyslogd was HUPed",
     false},
};

static void put_other(struct writer *w)
{
    uint32_t dice = next_random(w);
    size_t which = dice % (sizeof others / sizeof others[0]);
    struct session stranger;
    char text[LINE_MAX_BYTES] = "";
    size_t n = 0;
    choose_address(w, &stranger);
    if (stranger.of_ours) /* ours speak ssh only */
        snprintf(stranger.address, sizeof stranger.address, "198.18.0.1");
    for (const char *at = others[which].text; *at && n + 48 < sizeof text; at++) {
        if (*at != '%')
            text[n++] = *at;
        else if (*++at == 'A')
            n += (size_t)snprintf(text + n, 48, "%s", stranger.address);
        else if (*at == 'D')
            n += (size_t)snprintf(text + n, 4, "%d", w->is_quiet ? 77 : 10);
        else
            n += (size_t)snprintf(text + n, 12, "%u",
                                  *at == 'P' ? 1024 + dice % 60000 : 100000 + dice % 800000);
    }
    put_line(w, others[which].tag, others[which].has_pid ? 600 + dice % 60000 : 0, text);
}

static void make_half(struct writer *w)
{
    while (w->n_bytes < w->goal)
        w->n_lines % 2 ? put_ssh(w) : put_other(w);
}

static void make_quiet(struct writer *w)
{
    w->is_quiet = true;
    while (w->n_bytes < w->goal)
        put_other(w);
}

static const struct kind {
    const char *name;
    void (*make)(struct writer *w);
    uint32_t mean_bytes;
    bool iso;
    uint32_t days; /* the captured half of an hour is in their middle */
} kinds[] = {{"log-sshd", make_half, 112, false, 2},
             {"log-sshd-iso", make_half, 129, true, 2},
             {"log-quiet", make_quiet, 115, false, 2},
             {"log-days", make_half, 112, false, 10}};

static bool write_log(size_t i, const char *path, double scale)
{
    const struct kind *kind = &kinds[i];
    static char buffer[1 << 20];
    struct writer w = {.file = fopen(path, "wb"),
                       .random = 20261122,
                       .time_us = (MIDDLE_S - kind->days / 2 * DAY_S) * 1000000,
                       .goal = (uint64_t)(1e9 * scale),
                       .next_pid = 611,
                       .iso = kind->iso,
                       .head_at = UINT64_MAX};
    if (!w.file)
        return false;
    setvbuf(w.file, buffer, _IOFBF, sizeof buffer);
    w.step_us = kind->days * DAY_S * 1000000 / (w.goal / kind->mean_bytes + 1);
    kind->make(&w);
    bool good = !ferror(w.file);
    good = fclose(w.file) == 0 && good;
    printf("%" PRIu64 " lines %" PRIu64 " bytes\n", w.n_lines, w.n_bytes);
    return good;
}

static const char *kind_name(size_t i)
{
    return kinds[i].name;
}

int main(int argc, char **argv)
{
    static const struct generator generator = {"gen_log", sizeof kinds / sizeof *kinds, kind_name,
                                               write_log};
    return generator_run(&generator, argc, argv);
}
