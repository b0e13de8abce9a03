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
                   (half[1] ^ UINT64_C(0xD6E8FEB86659FD93));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Which of up to 64 bytes are digits and letters, a bit each. */
struct classes {
    uint64_t digits, letters;
};

/* Folds the digits of a block and gives its part of the hash. */
static inline uint64_t fold(lanes v, size_t place, char *out, uint32_t *d, uint32_t *l)
{
    lanes digits = (lanes)((lanes)(v - '0') < 10);
    lanes letters = (lanes)((lanes)((v | 0x20) - 'a') < 26);
    lanes folded = (v & ~digits) | (digits & '0');
    *d = lanes_bits(digits);
    *l = lanes_bits(letters);
    memcpy(out + place, &folded, LANES);
    return hash_block(folded, place);
}

/* Folds n blocks from a place on, which is the first byte of the classes. */
static inline uint64_t fold_blocks(struct text m, size_t place, size_t n, char *out,
                                   struct classes *c)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t d, l;
        hash += fold(lanes_at(m.p + place + i * LANES), place + i * LANES, out, &d, &l);
        c->digits |= (uint64_t)d << i * LANES;
        c->letters |= (uint64_t)l << i * LANES;
    }
    return hash;
}

/* Folds what stands behind the last whole block, and some of that. */
static inline uint64_t fold_tail(struct text m, size_t whole, char *out, struct classes *c)
{
    const size_t again = whole ? whole + LANES - m.n : 0; /* bytes of the block before */
    uint32_t d, l;
    const lanes v = whole ? lanes_at(m.p + m.n - LANES) : lanes_tail(m, 0);
    uint64_t hash = fold(v, whole - again, out, &d, &l);
    c->digits = (uint64_t)(d >> again) << whole % 64;
    c->letters = (uint64_t)(l >> again) << whole % 64;
    return hash;
}

bool shape_of(struct text m, struct shape *out)
{
    const size_t whole = m.n / LANES * LANES;
    struct classes tail = {0};
    uint64_t hash = m.n, letters = 0, stay = 0; /* of the 64 bytes before */
    if (!m.n || m.n > SHAPE_MAX)
        return false;
    if (whole < m.n)
        hash += fold_tail(m, whole, out->text, &tail);
    for (size_t at = 0; at < m.n; at += 64) {
        struct classes c = {0};
        if (whole - at >= 64) {
            hash += fold_blocks(m, at, 4, out->text, &c);
        } else {
            c = tail;
            hash += fold_blocks(m, at, (whole - at) / LANES, out->text, &c);
        }
        uint64_t begin =
            (c.digits & (c.letters << 1 | letters >> 63) & (c.letters << 2 | letters >> 62)) |
            (c.digits & (stay >> 63));
        stay = begin ? c.digits & ~(c.digits + begin) : 0; /* a carry runs through each number */
        letters = c.letters;
        for (uint64_t left = stay; left; left &= left - 1) {
            size_t i = at + (size_t)__builtin_ctzll(left);
            out->text[i] = m.p[i];
            hash = hash * UINT64_C(0xD6E8FEB86659FD93) + (uint64_t)m.p[i];
        }
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

bool shape_stays(struct text message, uint8_t *at, unsigned max, unsigned *n)
{
    struct run_up r = {0};
    *n = 0;
    for (size_t i = 0; i < message.n; i++) {
        const bool stays = scan_is_digit(message.p[i]) && would_stay(r);
        if (stays && *n == max)
            return false;
        if (stays)
            at[(*n)++] = (uint8_t)i;
        r = behind(r, message.p[i]);
    }
    return true;
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
