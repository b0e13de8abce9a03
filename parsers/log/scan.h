/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded position in one line of text: what the stamp and envelope parsers walk with.  Reads
 * past the end give a NUL, which no grammar here accepts, so a parser needs no separate end check.
 * Nothing is ever written, and no pointer leaves the view.
 */
#ifndef WHYRST_PARSERS_LOG_SCAN_H
#define WHYRST_PARSERS_LOG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/text.h"

struct scan {
    struct text t;
    size_t at; /* next byte, <= t.n */
};

static inline struct scan scan_of(struct text t)
{
    return (struct scan){.t = t};
}

/* The byte k places ahead; '\0' past the end. */
static inline char scan_peek(const struct scan *s, size_t k)
{
    return k < s->t.n - s->at ? s->t.p[s->at + k] : '\0';
}

static inline bool scan_done(const struct scan *s)
{
    return s->at >= s->t.n;
}

static inline void scan_skip(struct scan *s, size_t n)
{
    s->at += n < s->t.n - s->at ? n : s->t.n - s->at;
}

/* Takes the byte c if it is next. */
static inline bool scan_byte(struct scan *s, char c)
{
    if (scan_done(s) || s->t.p[s->at] != c)
        return false;
    s->at++;
    return true;
}

static inline bool scan_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool scan_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Between min and max (<= 18) decimal digits as a number; takes nothing on failure. */
static inline bool scan_number(struct scan *s, unsigned min, unsigned max, uint64_t *out)
{
    uint64_t v = 0;
    unsigned n = 0;
    while (n < max && scan_is_digit(scan_peek(s, n)))
        v = v * 10 + (uint64_t)(scan_peek(s, n++) - '0');
    if (n < min)
        return false;
    s->at += n;
    *out = v;
    return true;
}

/* Exactly two digits, the commonest number of a stamp. */
static inline bool scan_two(struct scan *s, uint8_t *out)
{
    char a = scan_peek(s, 0), b = scan_peek(s, 1);
    if (!scan_is_digit(a) || !scan_is_digit(b))
        return false;
    s->at += 2;
    *out = (uint8_t)((a - '0') * 10 + (b - '0'));
    return true;
}

static inline void scan_spaces(struct scan *s)
{
    while (scan_peek(s, 0) == ' ')
        s->at++;
}

/* What is left of the line. */
static inline struct text scan_rest(const struct scan *s)
{
    return s->at < s->t.n ? (struct text){s->t.p + s->at, s->t.n - s->at} : (struct text){0};
}

/* Takes the literal if it is next. */
static inline bool scan_literal(struct scan *s, struct text literal)
{
    for (size_t i = 0; i < literal.n; i++)
        if (scan_peek(s, i) != literal.p[i])
            return false;
    if (literal.n > s->t.n - s->at)
        return false;
    s->at += literal.n;
    return true;
}

/* Bytes up to the next space or the end; may be empty. */
static inline struct text scan_word(struct scan *s)
{
    size_t at = s->at;
    if (scan_done(s))
        return (struct text){0};
    struct text word = {s->t.p + at, 0};
    while (at < s->t.n && s->t.p[at] != ' ')
        at++;
    word.n = at - s->at;
    s->at = at;
    return word.n ? word : (struct text){0};
}

#endif
