/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter runs over nearly every byte of a log, so it compares many at a time; the compiler
 * turns the vector type into what the machine has.
 */
#include "parsers/log/pattern_filter.h"

#include <string.h>

typedef uint8_t lanes __attribute__((vector_size(FILTER_LANES)));

/* The commonest bytes of log text first; what is not listed is rare. */
static unsigned commonness(char c)
{
    static const char common[] = "e to1ani.r0s2:3-d[l]54c6u789p/=mf,()h";
    const char *at = c ? strchr(common, c) : NULL;
    return at ? (unsigned)(sizeof common - (size_t)(at - common)) : 0;
}

/* Where the rarest pair of the literal stands. */
static size_t rarest_pair(struct text literal)
{
    size_t best = 0;
    unsigned least = UINT32_MAX;
    for (size_t i = 0; i + 1 < literal.n && i < UINT8_MAX; i++) {
        unsigned n = commonness(literal.p[i]) + commonness(literal.p[i + 1]);
        if (n < least) {
            least = n;
            best = i;
        }
    }
    return best;
}

static unsigned pair_of(struct filter *f, uint8_t a, uint8_t b)
{
    unsigned i = 0;
    while (i < f->n && (f->a[i][0] != a || f->b[i][0] != b))
        i++;
    if (i < f->n || i == FILTER_PAIRS_MAX)
        return i;
    memset(f->a[i], a, FILTER_LANES);
    memset(f->b[i], b, FILTER_LANES);
    return f->n++;
}

bool filter_add(struct filter *f, struct text literal)
{
    if (f->n_literals == FILTER_LITERALS_MAX)
        return false;
    size_t at = rarest_pair(literal);
    unsigned pair = FILTER_PAIRS_MAX;
    if (literal.n >= 2)
        pair = pair_of(f, (uint8_t)literal.p[at], (uint8_t)literal.p[at + 1]);
    f->n_others += pair == FILTER_PAIRS_MAX;
    f->literal[f->n_literals].text = literal;
    f->literal[f->n_literals].at = (uint8_t)at;
    f->literal[f->n_literals++].pair = (uint8_t)pair;
    return true;
}

/* The literals whose pair k stands at the place. */
static uint64_t compare_at(const struct filter *f, unsigned k, struct text m, size_t at)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < f->n_literals; i++) {
        size_t before = f->literal[i].at;
        struct text t = f->literal[i].text;
        if (f->literal[i].pair == k && at >= before && m.n - (at - before) >= t.n &&
            memcmp(m.p + at - before, t.p, t.n) == 0)
            found |= UINT64_C(1) << i;
    }
    return found;
}

static uint64_t find_at(const struct filter *f, struct text m, size_t at)
{
    uint64_t found = 0;
    for (unsigned k = 0; k < f->n; k++)
        if ((uint8_t)m.p[at] == f->a[k][0] && (uint8_t)m.p[at + 1] == f->b[k][0])
            found |= compare_at(f, k, m, at);
    return found;
}

/* At which of neighbouring places any pair stands: a byte each that is not 0, and whether there is
 * one at all.  Reads a byte more. */
static inline bool pairs_in_block(const struct filter *f, const char *p, uint8_t at[FILTER_LANES])
{
    lanes first, second, hit = {0};
    memcpy(&first, p, sizeof first);
    memcpy(&second, p + 1, sizeof second);
    for (unsigned k = 0; k < f->n; k++) {
        lanes a, b;
        memcpy(&a, f->a[k], sizeof a);
        memcpy(&b, f->b[k], sizeof b);
        hit |= (lanes)(first == a) & (lanes)(second == b);
    }
    uint64_t parts[FILTER_LANES / 8], any = 0;
    memcpy(parts, &hit, sizeof parts);
    for (size_t i = 0; i < FILTER_LANES / 8; i++)
        any |= parts[i];
    if (!any)
        return false;
    memcpy(at, &hit, sizeof hit);
    return true;
}

/* Those that no pair stands for. */
static uint64_t find_others(const struct filter *f, struct text m)
{
    uint64_t found = 0;
    if (!f->n_others)
        return 0;
    for (unsigned i = 0; i < f->n_literals; i++) {
        struct text t = f->literal[i].text;
        if (f->literal[i].pair == FILTER_PAIRS_MAX && m.n && memmem(m.p, m.n, t.p, t.n))
            found |= UINT64_C(1) << i;
    }
    return found;
}

#if defined(__x86_64__) && !defined(__clang__)
__attribute__((target_clones("avx2", "default"))) /* one for each kind of machine */
#endif
uint64_t
filter_find(const struct filter *f, struct text m)
{
    uint64_t found = find_others(f, m);
    uint8_t hit[FILTER_LANES];
    char tail[FILTER_LANES + 1] = {0};
    size_t at = 0;
    if (!f->n)
        return found;
    for (; at + FILTER_LANES + 1 <= m.n; at += FILTER_LANES)
        if (pairs_in_block(f, m.p + at, hit))
            for (size_t i = 0; i < FILTER_LANES; i++)
                found |= hit[i] ? find_at(f, m, at + i) : 0;
    if (m.n - at < 2)
        return found;
    memcpy(tail, m.p + at, m.n - at);
    if (pairs_in_block(f, tail, hit))
        for (size_t i = 0; at + i + 1 < m.n; i++)
            found |= hit[i] ? find_at(f, m, at + i) : 0;
    return found;
}
