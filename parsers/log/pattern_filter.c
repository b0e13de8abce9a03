/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter runs over nearly every byte of a log, so it compares sixteen at a time; the compiler
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

void filter_add(struct filter *f, struct text literal)
{
    if (literal.n < 2 || f->n == FILTER_PAIRS_MAX) {
        f->off = true;
        return;
    }
    size_t best = 0;
    unsigned least = UINT32_MAX;
    for (size_t i = 0; i + 1 < literal.n; i++) {
        unsigned n = commonness(literal.p[i]) + commonness(literal.p[i + 1]);
        if (n < least) {
            least = n;
            best = i;
        }
    }
    uint8_t a = (uint8_t)literal.p[best], b = (uint8_t)literal.p[best + 1];
    for (unsigned i = 0; i < f->n; i++)
        if (f->a[i][0] == a && f->b[i][0] == b)
            return;
    memset(f->a[f->n], a, FILTER_LANES);
    memset(f->b[f->n++], b, FILTER_LANES);
}

static bool any_pair_at(const struct filter *f, const char *p)
{
    for (unsigned k = 0; k < f->n; k++)
        if ((uint8_t)p[0] == f->a[k][0] && (uint8_t)p[1] == f->b[k][0])
            return true;
    return false;
}

/* Sixteen neighbouring pairs, from seventeen bytes. */
static bool any_pair_in_block(const struct filter *f, const char *p)
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
    uint64_t halves[2];
    memcpy(halves, &hit, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

bool filter_may_hold(const struct filter *f, struct text m)
{
    size_t at = 0;
    if (f->off)
        return true;
    if (!f->n || m.n < 2)
        return false;
    for (; at + FILTER_LANES + 1 <= m.n; at += FILTER_LANES)
        if (any_pair_in_block(f, m.p + at))
            return true;
    if (m.n >= FILTER_LANES + 1) /* what is left, together with bytes that were seen */
        return any_pair_in_block(f, m.p + m.n - FILTER_LANES - 1);
    for (; at + 1 < m.n; at++)
        if (any_pair_at(f, m.p + at))
            return true;
    return false;
}
