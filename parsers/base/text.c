/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text views: searching, cutting and reading numbers.  Bytes come in, views of the same bytes go
 * out; nothing is copied or changed, and no locale is asked.
 */
#include "parsers/base/text.h"

#include <stdlib.h>
#include <string.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool text_eq_nocase(struct text a, struct text b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

int text_cmp(struct text a, struct text b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool text_ends(struct text t, struct text suffix)
{
    return t.n >= suffix.n && text_eq(text_slice(t, t.n - suffix.n, t.n), suffix);
}

size_t text_find_byte(struct text t, char byte, size_t from)
{
    if (from >= t.n)
        return SIZE_MAX;
    const char *hit = memchr(t.p + from, (unsigned char)byte, t.n - from);
    return hit ? (size_t)(hit - t.p) : SIZE_MAX;
}

/* From one first byte to the next: where they are rare that is the quickest. */
#define LEAPS_MAX 16

size_t text_find(struct text t, struct text needle, size_t from)
{
    if (from > t.n || needle.n > t.n - from)
        return SIZE_MAX;
    if (needle.n == 0)
        return from;
    size_t at = text_find_byte(t, needle.p[0], from);
    for (size_t i = 1; i < LEAPS_MAX && at != SIZE_MAX && t.n - at >= needle.n; i++) {
        if (t.p[at + needle.n - 1] == needle.p[needle.n - 1] &&
            memcmp(t.p + at, needle.p, needle.n) == 0)
            return at;
        at = text_find_byte(t, needle.p[0], at + 1);
    }
    if (at == SIZE_MAX)
        return SIZE_MAX;
    const char *hit = memmem(t.p + at, t.n - at, needle.p, needle.n);
    return hit ? (size_t)(hit - t.p) : SIZE_MAX;
}

size_t text_find_nocase(struct text t, struct text needle)
{
    if (needle.n > t.n)
        return SIZE_MAX;
    if (needle.n == 0)
        return 0;
    const unsigned char low = lower(needle.p[0]), other = low >= 'a' && low <= 'z' ? low - 32 : low;
    const char first[2] = {(char)low, (char)other};
    size_t at[2] = {text_find_byte(t, first[0], 0), text_find_byte(t, first[1], 0)};
    for (;;) {
        const size_t i = at[0] < at[1] ? at[0] : at[1];
        if (i > t.n - needle.n)
            return SIZE_MAX;
        if (text_eq_nocase(text_slice(t, i, i + needle.n), needle))
            return i;
        for (size_t k = 0; k < 2; k++)
            if (at[k] == i)
                at[k] = text_find_byte(t, first[k], i + 1);
    }
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static bool is_in_run(struct text t, size_t at)
{
    size_t from = at, to = at;
    while (from > 0 && to - from < TEXT_RUN && is_printable(t.p[from - 1]))
        from--;
    while (to < t.n && to - from < TEXT_RUN && is_printable(t.p[to]))
        to++;
    return to - from >= TEXT_RUN;
}

/* Any run covers one of the words of eight bytes that lie side by side in t. */
bool text_holds_run(struct text t)
{
    const uint64_t each = 0x0101010101010101;
    for (size_t i = 0; i + 8 <= t.n; i += 8) {
        uint64_t w;
        memcpy(&w, t.p + i, sizeof w);
        /* of each byte: not 0x80 or more, and 0x20 or 0x40 or more */
        const bool may_be = ((w & each * 0x80) | ((w | w << 1) & each * 0x40)) == each * 0x40;
        if (may_be && is_in_run(t, i))
            return true;
    }
    return false;
}

bool text_is_run(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (!is_printable(t.p[i]))
            return false;
    return t.n >= TEXT_RUN;
}

struct text text_slice(struct text t, size_t from, size_t to)
{
    if (to > t.n)
        to = t.n;
    if (from >= to)
        return (struct text){0};
    return (struct text){.p = t.p + from, .n = to - from};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text text_trim(struct text t)
{
    size_t from = 0, to = t.n;
    while (from < to && is_blank(t.p[from]))
        from++;
    while (to > from && is_blank(t.p[to - 1]))
        to--;
    return text_slice(t, from, to);
}

bool text_cut(struct text t, char sep, struct text *head, struct text *tail)
{
    size_t at = text_find_byte(t, sep, 0);
    *head = text_slice(t, 0, at);
    *tail = at == SIZE_MAX ? (struct text){0} : text_slice(t, at + 1, t.n);
    return at != SIZE_MAX;
}

#define U64_DIGITS_SAFE 19 /* so many always fit */

bool text_to_u64(struct text t, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < t.n; i++) {
        unsigned d = (unsigned)(unsigned char)t.p[i] - '0';
        if (d > 9 || (i >= U64_DIGITS_SAFE && v > (UINT64_MAX - d) / 10))
            return false;
        v = v * 10 + d;
    }
    if (t.n == 0)
        return false;
    *out = v;
    return true;
}

bool text_to_i64(struct text t, int64_t *out)
{
    bool negative = t.n > 0 && t.p[0] == '-';
    if (negative || (t.n > 0 && t.p[0] == '+'))
        t = text_slice(t, 1, t.n);
    uint64_t v;
    if (!text_to_u64(t, &v) || v > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static size_t skip_digits(struct text t, size_t at)
{
    while (at < t.n && t.p[at] >= '0' && t.p[at] <= '9')
        at++;
    return at;
}

/* [+-] digits [. digits] [eE [+-] digits], with at least one digit before the exponent. */
static bool is_decimal(struct text t)
{
    size_t at = t.n > 0 && (t.p[0] == '-' || t.p[0] == '+');
    size_t whole = at;
    at = skip_digits(t, at);
    size_t n_digits = at - whole;
    if (at < t.n && t.p[at] == '.') {
        size_t fraction = ++at;
        at = skip_digits(t, at);
        n_digits += at - fraction;
    }
    if (n_digits == 0)
        return false;
    if (at < t.n && (t.p[at] == 'e' || t.p[at] == 'E')) {
        at++;
        at += at < t.n && (t.p[at] == '-' || t.p[at] == '+');
        size_t exponent = at;
        at = skip_digits(t, at);
        if (at == exponent)
            return false;
    }
    return at == t.n;
}

bool text_to_double(struct text t, double *out)
{
    char copy[128];
    if (t.n >= sizeof copy || !is_decimal(t))
        return false;
    memcpy(copy, t.p, t.n);
    copy[t.n] = '\0';
    /* The program never calls setlocale, so the decimal point is a point. */
    double v = strtod(copy, NULL);
    if (v > 1e308 || v < -1e308)
        return false;
    *out = v;
    return true;
}

#define DISTANCE_MAX 128 /* words, not documents */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: insert, delete, replace, and swap of two neighbours cost 1 each. */
unsigned text_distance(struct text a, struct text b, unsigned limit)
{
    if (text_eq(a, b))
        return 0;
    if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX)
        return limit + 1;
    unsigned rows[3][DISTANCE_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        last[j] = before[j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned cost = a.p[i - 1] != b.p[j - 1];
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                now[j] = min3(now[j], before[j - 2] + 1, UINT32_MAX);
        }
        unsigned *spare = before;
        before = last, last = now, now = spare;
    }
    return last[b.n] <= limit ? last[b.n] : limit + 1;
}

static bool is_tail(struct text t, size_t at)
{
    return at < t.n && ((unsigned char)t.p[at] & 0xc0) == 0x80;
}

/* RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t text_utf8_len(struct text t)
{
    if (t.n == 0)
        return 0;
    unsigned c = (unsigned char)t.p[0];
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4 || !is_tail(t, 1))
        return 0;
    if (c < 0xe0)
        return 2;
    unsigned next = (unsigned char)t.p[1];
    if (!is_tail(t, 2))
        return 0;
    if (c < 0xf0)
        return (c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ? 0 : 3;
    if (!is_tail(t, 3))
        return 0;
    return (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f) ? 0 : 4;
}
