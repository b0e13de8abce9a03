/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folds digits sixteen bytes at a time, and reads expressions as far as it takes to say that they
 * do not tell the folded digits apart.  Nothing is matched here.
 */
#include "parsers/log/shape.h"

#include <string.h>

#include "parsers/log/scan.h"
#include "parsers/log/vector.h"

/* Quick and no more: shapes are compared byte by byte.  Each block is hashed by itself, with its
 * place, so that none waits for the one before it. */
static inline uint64_t hash_block(lanes v, uint64_t place)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t half[2];
    memcpy(half, &v, sizeof half);
    wide product = (wide)(half[0] ^ place ^ UINT64_C(0x9E3779B97F4A7C15)) *
                   (half[1] ^ place ^ UINT64_C(0xD6E8FEB86659FD93));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* What stands before a block, its last byte in bit 15: letters, and digits that stay. */
struct before {
    uint32_t letters, stay;
};

/* Folds a block.  Of those before and the block itself gives what the next block stands behind. */
static inline struct before fold(lanes v, struct before before, size_t place, char *out,
                                 uint64_t *hash)
{
    lanes digits = (lanes)((lanes)(v - '0') < 10);
    lanes letters = (lanes)((lanes)((v | 0x20) - 'a') < 26);
    lanes folded = (v & ~digits) | (digits & '0');
    uint32_t d = lanes_bits(digits), l = lanes_bits(letters), stay = 0;
    uint32_t behind = d & ((l << 1 | before.letters >> 15) & (l << 2 | before.letters >> 14));
    behind |= d & (before.stay >> 15);
    memcpy(out + place, &folded, LANES);
    *hash += hash_block(folded, place);
    if (behind) { /* a carry runs through each number that begins behind letters */
        char was[LANES];
        stay = d & ~(d + behind);
        memcpy(was, &v, LANES);
        for (uint32_t left = stay; left; left &= left - 1) {
            unsigned i = (unsigned)__builtin_ctz(left);
            out[place + i] = was[i];
            *hash += (uint64_t)was[i] << (i + place % 32);
        }
    }
    return (struct before){l, stay};
}

/* The same as seen from n bytes further on, with what comes behind. */
static inline struct before moved(struct before first, struct before then, size_t n)
{
    return (struct before){(first.letters | then.letters << 16) >> n & 0xffff,
                           (first.stay | then.stay << 16) >> n & 0xffff};
}

bool shape_of(struct text m, struct shape *out)
{
    uint64_t hash = m.n;
    struct before before = {0}, last = {0};
    size_t at = 0;
    lanes v;
    if (!m.n || m.n > SHAPE_MAX)
        return false;
    for (; at + LANES <= m.n; at += LANES) {
        memcpy(&v, m.p + at, LANES);
        last = before;
        before = fold(v, before, at, out->text, &hash);
    }
    if (at < m.n && at) { /* the last block begins within the one before it */
        memcpy(&v, m.p + m.n - LANES, LANES);
        fold(v, moved(last, before, m.n - at), m.n - LANES, out->text, &hash);
    } else if (at < m.n) {
        fold(lanes_tail(m, 0), before, 0, out->text, &hash);
    }
    out->n = m.n;
    out->hash = hash * UINT64_C(0x9E3779B97F4A7C15);
    return true;
}

/* How far a number that came next would be from staying: letters in a row, digits behind two. */
struct run_up {
    unsigned n_letters;
    bool stays;
};

static struct run_up behind(struct run_up was, char c)
{
    bool stays = was.n_letters >= 2 || was.stays;
    if (scan_is_alpha(c))
        return (struct run_up){.n_letters = was.n_letters + 1};
    return (struct run_up){.stays = stays && scan_is_digit(c)};
}

static bool would_stay(struct run_up r)
{
    return r.n_letters >= 2 || r.stays;
}

bool shape_hides_from_literal(struct text literal)
{
    struct run_up r = {0};
    for (size_t i = 0; i < literal.n; i++) {
        if (scan_is_digit(literal.p[i]) && !would_stay(r))
            return true;
        r = behind(r, literal.p[i]);
    }
    return false;
}

/* ---- expressions ---- */

#define ALL_DIGITS 0x3ffu

/* The digits from one byte to another. */
static unsigned digits_between(unsigned char from, unsigned char to)
{
    unsigned set = 0;
    for (unsigned d = 0; d < 10; d++)
        set |= '0' + d >= from && '0' + d <= to ? 1u << d : 0;
    return set;
}

/* What a backslash and a letter stand for inside brackets; false: not known here. */
static bool class_escape(char c, unsigned *digits)
{
    *digits = c == 'd' || c == 'w' || c == 'S' ? ALL_DIGITS : 0;
    if (scan_is_digit(c))
        return false;
    return !scan_is_alpha(c) || strchr("dDwWsStnr", c);
}

/* The set in brackets at *at, which goes behind it; false: not understood. */
static bool take_class(struct text re, size_t *at, unsigned *digits)
{
    size_t i = *at + 1, first;
    bool negated = i < re.n && re.p[i] == '^';
    unsigned set = 0, more;
    i += negated;
    for (first = i; i < re.n && (re.p[i] != ']' || i == first); i++) {
        bool range = i + 2 < re.n && re.p[i + 1] == '-' && re.p[i + 2] != ']';
        if (re.p[i] == '[' && i + 1 < re.n && strchr(":.=", re.p[i + 1]))
            return false;
        if (re.p[i] == '\\') {
            if (++i >= re.n || !class_escape(re.p[i], &more))
                return false;
            set |= more;
            if (i + 2 < re.n && re.p[i + 1] == '-' && re.p[i + 2] != ']')
                return false;
        } else if (range) {
            if (re.p[i + 2] == '\\')
                return false;
            set |= digits_between((unsigned char)re.p[i], (unsigned char)re.p[i + 2]);
            i += 2;
        } else if (scan_is_digit(re.p[i])) {
            set |= 1u << (re.p[i] - '0');
        }
    }
    *at = i + 1;
    *digits = negated ? ALL_DIGITS & ~set : set;
    return i < re.n;
}

/* "{1,5}" at i: where it ends; 0: a brace and no more. */
static size_t counted(struct text re, size_t i)
{
    size_t end = i + 1;
    while (end < re.n && (scan_is_digit(re.p[end]) || re.p[end] == ','))
        end++;
    return end > i + 1 && end < re.n && re.p[end] == '}' && scan_is_digit(re.p[i + 1]) ? end + 1
                                                                                       : 0;
}

/* What opens a group behind "(" goes by; 0: not understood. */
static size_t take_opening(struct text re, size_t i)
{
    static const char *const plain[] = {"?:", "?=", "?!", "?<=", "?<!", "?>"};
    struct text rest = text_slice(re, i + 1, re.n);
    if (text_starts(rest, TEXT("*")))
        return 0;
    if (!text_starts(rest, TEXT("?")))
        return i + 1;
    for (size_t k = 0; k < sizeof plain / sizeof plain[0]; k++)
        if (text_starts(rest, text_of(plain[k])))
            return i + 1 + strlen(plain[k]);
    if (!text_starts(rest, TEXT("?'")))
        return 0;
    size_t end = text_find_byte(rest, '\'', 2);
    return end == SIZE_MAX ? 0 : i + 1 + end + 1;
}

/* A backslash and what belongs to it, at i: where that ends; 0: not understood. */
static size_t take_escape(struct text re, size_t i)
{
    if (i + 1 >= re.n)
        return 0;
    char c = re.p[i + 1];
    if (c == 'x' && i + 3 < re.n && re.p[i + 2] == '2') /* "\x20": no digit is */
        return i + 4;
    if (scan_is_digit(c) || (scan_is_alpha(c) && !strchr("dDwWsSbBtnr", c)))
        return 0;
    return i + 2;
}

bool shape_hides_from_regex(struct text re)
{
    struct run_up r = {0};
    for (size_t i = 0; i < re.n;) {
        char c = re.p[i];
        size_t next = i + 1;
        unsigned digits;
        bool stood = would_stay(r);
        r = behind(r, c);
        if (c == '\\') {
            next = take_escape(re, i);
        } else if (c == '(') {
            next = take_opening(re, i);
        } else if (c == '{') {
            size_t end = counted(re, i);
            next = end ? end : next;
        } else if (c == '[') {
            next = i;
            if (!take_class(re, &next, &digits))
                return true;
            bool again = next < re.n && strchr("*+{", re.p[next]);
            if (digits && digits != ALL_DIGITS && (!stood || again))
                return true;
        } else if (scan_is_digit(c)) {
            if (!stood)
                return true;
        }
        if (!next)
            return true;
        i = next;
    }
    return false;
}
