/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way through a plain syslog header.  A line of the common form teaches what stands
 * before its seconds and between them and the tag; a later line that agrees byte for byte is read
 * by its seconds, fraction and tag alone.  Whatever is unusual goes the long way, so both ways say
 * the same of a line.
 */
#include <string.h>

#include "parsers/log/reader_state.h"
#include "parsers/log/scan.h"
#include "parsers/log/vector.h"

#define TAG_MAX 96

static bool is_offset_char(char c)
{
    return scan_is_digit(c) || c == '+' || c == '-' || c == ':' || c == 'Z';
}

/* How many bytes stand before the seconds: "Nov 25 22:54:" or "2026-11-25T22:54:"; 0: another
 * form. */
static size_t minute_length(struct text line, enum log_format f)
{
    const char *p = line.p;
    if (line.n < 32)
        return 0;
    if (f == LOG_RFC3164 && p[3] == ' ' && p[6] == ' ' && p[9] == ':' && p[12] == ':')
        return 13;
    if (f == LOG_ISO && p[4] == '-' && p[7] == '-' && p[10] == 'T' && p[13] == ':' && p[16] == ':')
        return 17;
    return 0;
}

/* "." or "," and digits behind the seconds. */
static unsigned fraction_length(struct text line, size_t at)
{
    unsigned n = 0;
    if (line.p[at] != '.' && line.p[at] != ',')
        return 0;
    while (n < 9 && at + 1 + n < line.n && scan_is_digit(line.p[at + 1 + n]))
        n++;
    return n;
}

static bool is_plain(const struct quick_head *q, size_t n_host, enum log_format f)
{
    size_t n_offset = 0;
    if (q->n_rest < n_host + 2 || q->rest[q->n_rest - 1] != ' ' ||
        q->rest[q->n_rest - 2 - n_host] != ' ')
        return false;
    while (f == LOG_ISO && is_offset_char(q->rest[n_offset]))
        n_offset++;
    return n_offset + n_host + 2 == q->n_rest;
}

void reader_quick_learn(struct log_reader *r, struct text line, const struct envelope *env)
{
    struct quick_head *q = &r->quick;
    const struct event *e = &r->event;
    size_t n = minute_length(line, env->format);
    q->n_minute = 0;
    if (!n || e->time == INSTANT_NONE || !env->host.n || !env->program.n ||
        env->stamp.civil.second > 59 || env->program.p < line.p)
        return;
    size_t tag = (size_t)(env->program.p - line.p), at = n + 2;
    q->n_digits = fraction_length(line, at);
    at += q->n_digits ? q->n_digits + 1 : 0;
    if (tag > line.n || tag <= at || tag - at > sizeof q->rest)
        return;
    q->n_rest = tag - at;
    memcpy(q->minute, line.p, n);
    memcpy(q->rest, line.p + at, q->n_rest);
    q->n_host = env->host.n;
    if (!is_plain(q, q->n_host, env->format))
        return;
    q->start =
        e->time - (instant_ns)env->stamp.civil.second * NS_PER_S - env->stamp.civil.nanosecond;
    q->precision_ns = e->precision_ns;
    q->zone_stated = e->zone_stated;
    q->format = env->format;
    q->inferred = r->clock.minute_inferred;
    q->n_lines_of_host = reader_host_counter(&r->summary, env->host);
    q->n_minute = n;
}

/* Seconds and fraction; false where the long way has to look. */
static bool take_time(const struct quick_head *q, struct text line, size_t *at, instant_ns *t)
{
    const char *p = line.p + q->n_minute;
    unsigned tens = (unsigned)(p[0] - '0'), ones = (unsigned)(p[1] - '0');
    if (tens > 5 || ones > 9)
        return false;
    instant_ns ns = (instant_ns)(tens * 10 + ones) * NS_PER_S, width = NS_PER_S;
    p += 2;
    if (q->n_digits && *p != '.' && *p != ',')
        return false;
    for (unsigned i = 0; i < q->n_digits; i++) {
        unsigned digit = (unsigned)(p[1 + i] - '0');
        if (digit > 9)
            return false;
        width /= 10;
        ns += (instant_ns)digit * width;
    }
    *t = q->start + ns;
    *at = q->n_minute + 2 + (q->n_digits ? q->n_digits + 1 : 0);
    return true;
}

/* Letters, digits and "-_/.": 64 bytes a word, a bit each. */
static bool is_program_char(char c)
{
    static const uint64_t set[4] = {UINT64_C(0x03ffe000) << 32,
                                    UINT64_C(0x07fffffe) << 32 | UINT64_C(0x87fffffe)};
    return set[(uint8_t)c >> 6] >> ((uint8_t)c & 63) & 1;
}

/* How many of them stand there, TAG_MAX at most. */
static size_t program_length(struct text line, size_t at)
{
    size_t n = 0, max = line.n - at < TAG_MAX ? line.n - at : TAG_MAX;
    if (line.n - at >= LANES) {
        lanes v;
        memcpy(&v, line.p + at, LANES);
        lanes good = (lanes)((lanes)((v | 0x20) - 'a') < 26) | (lanes)((lanes)(v - '-') < 13) |
                     (lanes)(v == '_'); /* "-./0123456789" are neighbours */
        uint32_t others = ~lanes_bits(good) & 0xffff;
        if (others)
            return (size_t)__builtin_ctz(others);
        n = LANES;
    }
    while (n < max && is_program_char(line.p[at + n]))
        n++;
    return n;
}

/* "sshd[123]: " or "kernel: " and a message behind it. */
static bool take_tag(struct quick_line *l, struct text line, size_t at)
{
    size_t from = at;
    uint64_t pid = 0;
    at += program_length(line, at);
    if (at == from || at == line.n || at - from == TAG_MAX || scan_is_digit(line.p[from]))
        return false;
    l->program = (struct text){line.p + from, at - from};
    if (line.p[at] == '[') {
        size_t digits = ++at;
        for (; at < line.n && at - digits < 10 && scan_is_digit(line.p[at]); at++)
            pid = pid * 10 + (uint64_t)(line.p[at] - '0');
        if (at == digits || at >= line.n || line.p[at++] != ']' || pid > UINT32_MAX)
            return false;
    }
    if (at + 2 >= line.n || line.p[at] != ':' || line.p[at + 1] != ' ')
        return false;
    l->pid = (uint32_t)pid;
    l->message = (struct text){line.p + at + 2, line.n - at - 2};
    return true;
}

/* A message that its daemon or the kernel stamped, too. */
static bool look_inside(struct quick_line *l)
{
    struct text m = l->message;
    l->monotonic_ns = INSTANT_NONE;
    if (scan_is_digit(m.p[0]))
        return m.n < 5 || (m.p[4] != '-' && m.p[4] != '/');
    if (m.p[0] != '[')
        return true;
    instant_ns width;
    if (text_starts(l->program, TEXT("postgres")))
        return false;
    struct scan s = scan_of(m);
    if (text_eq(l->program, TEXT("kernel")) && stamp_take_monotonic(&s, &l->monotonic_ns, &width)) {
        scan_byte(&s, ' ');
        l->message = scan_rest(&s);
    }
    return true;
}

static void count(struct log_reader *r, instant_ns t)
{
    struct log_summary *s = &r->summary;
    const struct quick_head *q = &r->quick;
    s->formats[q->format]++;
    s->n_stamped++;
    s->n_zone_stated += q->zone_stated;
    s->n_year_inferred += q->inferred;
    s->first = t < s->first ? t : s->first; /* the line that taught was counted before */
    s->last = t > s->last ? t : s->last;
    ++*q->n_lines_of_host;
}

/* The head of the line is as it was when its parts were found: no line was learnt from since. */
static void finish(struct log_reader *r, struct quick_line *l)
{
    struct event *e = &r->event;
    l->is_there = false;
    if (r->stopped)
        return;
    reader_begin(r, l->raw, l->number);
    e->host = l->host;
    e->program = l->program;
    e->pid = l->pid;
    e->message = l->message;
    e->time = l->time;
    e->monotonic_ns = l->monotonic_ns;
    e->precision_ns = r->quick.precision_ns;
    e->zone_stated = r->quick.zone_stated;
    count(r, l->time);
    reader_finish_foreseen(r, &l->prospect);
}

void reader_quick_flush(struct log_reader *r)
{
    struct quick_line *waits = &r->ahead[1 - r->free_ahead];
    if (waits->is_there)
        finish(r, waits);
}

static bool is_far(const struct log_reader *r, instant_ns t)
{
    return r->config.has_wanted && r->n_read > LOG_READ_IN_FULL &&
           (t < r->config.wanted_first || t > r->config.wanted_last);
}

/* Its head counts as that of any other line. */
static void pass_over(struct log_reader *r, const struct quick_line *l)
{
    reader_quick_flush(r);
    if (r->stopped)
        return;
    count(r, l->time);
    reader_skip(r, LOG_SKIP_FAR, 1);
    r->last = l->raw;
}

bool reader_quick_take(struct log_reader *r, struct text line, uint64_t number)
{
    const struct quick_head *q = &r->quick;
    struct quick_line *l = &r->ahead[r->free_ahead];
    size_t at;
    if (!q->n_minute || line.n < q->n_minute + q->n_digits + q->n_rest + 6 || line.n > LOG_RAW_MAX)
        return false;
    if (!same_bytes(line.p, q->minute, q->n_minute) || !take_time(q, line, &at, &l->time) ||
        !same_bytes(line.p + at, q->rest, q->n_rest))
        return false;
    at += q->n_rest;
    if (!take_tag(l, line, at) || !look_inside(l))
        return false;
    l->raw = line;
    l->host = (struct text){line.p + at - 1 - q->n_host, q->n_host};
    l->number = number;
    if (is_far(r, l->time)) {
        pass_over(r, l);
        return true;
    }
    patterns_foresee(r->patterns, l->program, l->message, &l->prospect);
    l->is_there = true;
    reader_quick_flush(r);
    r->free_ahead = 1 - r->free_ahead;
    return true;
}
