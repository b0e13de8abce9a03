/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a plain syslog line, "Nov 25 22:54:01 host sshd[7]: " and the like, as far as
 * lines that follow each other share it: what stands before the seconds, and between seconds and
 * tag.  Read byte by byte against a form that is known; nothing is resolved.
 */
#ifndef WHYRST_PARSERS_LOG_PLAIN_HEAD_H
#define WHYRST_PARSERS_LOG_PLAIN_HEAD_H

#include "parsers/base/instant.h"
#include "parsers/log/format.h"
#include "parsers/log/scan.h"
#include "parsers/log/vector.h"

#define PLAIN_TAG_MAX 96

struct plain_form {
    size_t n_minute;   /* bytes before the seconds; 0: no form is known */
    unsigned n_digits; /* of the fraction behind them */
    size_t n_rest;     /* bytes from behind seconds and fraction to the tag: offset, host */
};

struct plain_tag {
    struct text program, message;
    uint32_t pid; /* 0: not stated */
};

/* Where the offset and the host begin. */
static inline size_t plain_rest_at(const struct plain_form *f)
{
    return f->n_minute + 2 + (f->n_digits ? f->n_digits + 1 : 0);
}

static inline size_t plain_tag_at(const struct plain_form *f)
{
    return plain_rest_at(f) + f->n_rest;
}

/* How many bytes stand before the seconds: "Nov 25 22:54:" or "2026-11-25T22:54:"; 0: another
 * form. */
static inline size_t plain_minute_length(struct text line, enum log_format f)
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

/* "." and digits behind the seconds; a "," goes the long way, where it may be dmesg's. */
static inline unsigned plain_fraction_length(struct text line, size_t at)
{
    unsigned n = 0;
    if (line.p[at] != '.')
        return 0;
    while (n < 9 && at + 1 + n < line.n && scan_is_digit(line.p[at + 1 + n]))
        n++;
    return n;
}

/* Seconds and fraction, since the minute began; false where a closer look is needed. */
static inline bool plain_take_time(const struct plain_form *f, const char *line, instant_ns *out)
{
    const char *p = line + f->n_minute;
    unsigned tens = (unsigned)(p[0] - '0'), ones = (unsigned)(p[1] - '0');
    if (tens > 5 || ones > 9)
        return false;
    instant_ns ns = (instant_ns)(tens * 10 + ones) * NS_PER_S, width = NS_PER_S;
    p += 2;
    if (f->n_digits && *p != '.')
        return false;
    for (unsigned i = 0; i < f->n_digits; i++) {
        unsigned digit = (unsigned)(p[1 + i] - '0');
        if (digit > 9)
            return false;
        width /= 10;
        ns += (instant_ns)digit * width;
    }
    *out = ns;
    return true;
}

/* Letters, digits and "-_/.": 64 bytes a word, a bit each. */
static inline bool plain_is_program_char(char c)
{
    static const uint64_t set[4] = {UINT64_C(0x03ffe000) << 32,
                                    UINT64_C(0x07fffffe) << 32 | UINT64_C(0x87fffffe)};
    return set[(uint8_t)c >> 6] >> ((uint8_t)c & 63) & 1;
}

/* How many of them a block begins with. */
static inline size_t plain_program_front(lanes v)
{
    const lanes good = (lanes)((lanes)((v | 0x20) - 'a') < 26) |
                       (lanes)((lanes)(v - '-') < 13) | /* "-./0123456789" are neighbours */
                       (lanes)(v == '_');
    const uint32_t others = ~lanes_bits(good) & 0xffff;
    return others ? (size_t)__builtin_ctz(others) : LANES;
}

/* How many of them stand there, PLAIN_TAG_MAX at most. */
static inline size_t plain_program_length(struct text line, size_t at)
{
    size_t n = 0, max = line.n - at < PLAIN_TAG_MAX ? line.n - at : PLAIN_TAG_MAX;
    if (line.n - at >= LANES) {
        n = plain_program_front(lanes_at(line.p + at));
        if (n < LANES)
            return n;
    }
    while (n < max && plain_is_program_char(line.p[at + n]))
        n++;
    return n;
}

/* "sshd[123]: " or "kernel: " and a message behind it; at < line.n. */
static inline bool plain_take_tag(struct plain_tag *tag, struct text line, size_t at)
{
    size_t from = at;
    uint64_t pid = 0;
    at += plain_program_length(line, at);
    if (at == from || at == line.n || at - from == PLAIN_TAG_MAX || scan_is_digit(line.p[from]))
        return false;
    tag->program = (struct text){line.p + from, at - from};
    if (line.p[at] == '[') {
        size_t digits = ++at;
        for (; at < line.n && at - digits < 10 && scan_is_digit(line.p[at]); at++)
            pid = pid * 10 + (uint64_t)(line.p[at] - '0');
        if (at == digits || at >= line.n || line.p[at++] != ']' || pid > UINT32_MAX)
            return false;
    }
    if (at + 2 >= line.n || line.p[at] != ':' || line.p[at + 1] != ' ')
        return false;
    tag->pid = (uint32_t)pid;
    tag->message = (struct text){line.p + at + 2, line.n - at - 2};
    return true;
}

/* A message that says how often another one came. */
static inline bool plain_is_repetition(struct text m)
{
    return text_starts(m, TEXT("message repeated ")) ||
           text_starts(m, TEXT("last message repeated "));
}

#endif
