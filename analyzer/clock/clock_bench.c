/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock/clock_bench.h"

#include <stdlib.h>

#include "analyzer/clock/clock_lag.h"

#define FINE_NS (NS_PER_S / 50)        /* stamps and dues finer than this are worth a fine grid */
#define FINE_GRAIN_NS (NS_PER_S / 250) /* as fine as lags are told apart */
#define COARSE_GRAIN_NS (NS_PER_S / 40)

static int compare_line_time(const void *x, const void *y)
{
    const struct clock_line *a = x, *b = y;
    if (a->log != b->log)
        return a->log < b->log ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static int compare_u32(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

static bool touches(const struct clock_bands *bands, const struct clock_pair *p)
{
    for (size_t i = 0; i < bands->n; i++)
        if (clock_pair_low(p, CLOCK_LAG_NS, CLOCK_LEAD_NS) <= bands->v[i].high &&
            clock_pair_high(p, CLOCK_LAG_NS, CLOCK_LEAD_NS) >= bands->v[i].low)
            return true;
    return false;
}

/* The lines that some band explains, each with all its pairs. */
static bool list_lines(struct clock_bench *b)
{
    b->lines = calloc(b->n_pairs, sizeof *b->lines);
    for (size_t i = 0, k; b->lines && i < b->n_pairs; i = k) {
        bool any = false;
        for (k = i; k < b->n_pairs && b->pairs[k].line == b->pairs[i].line; k++)
            any |= touches(&b->bands, &b->pairs[k]);
        if (any)
            b->lines[b->n_lines++] = (struct clock_line){.line = b->pairs[i].line,
                                                         .log = b->pairs[i].log,
                                                         .first = (uint32_t)i,
                                                         .n = (uint32_t)(k - i)};
    }
    return b->lines != NULL;
}

/* An even choice of the lines; a log whose stamps jump about all the time is taken by stamp. */
static void choose_lines(struct clock_bench *b)
{
    size_t n_back = 0, n = b->n_lines;
    for (size_t i = 1; i < n; i++)
        n_back += b->lines[i].log < b->lines[i - 1].log - NS_PER_S;
    b->by_time = n_back > 2 + n / 8;
    if (b->by_time)
        qsort(b->lines, n, sizeof *b->lines, compare_line_time);
    if (n <= CLOCK_LINES_MAX)
        return;
    for (size_t i = 0; i < CLOCK_LINES_MAX; i++)
        b->lines[i] = b->lines[i * (n - 1) / (CLOCK_LINES_MAX - 1)];
    b->n_lines = CLOCK_LINES_MAX;
}

static uint32_t count_of(const uint32_t *sorted, size_t n, uint32_t id)
{
    size_t lo = 0, hi = n, from;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (sorted[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (from = lo; lo < n && sorted[lo] == id; lo++)
        ;
    return (uint32_t)(lo - from);
}

/* Several lines about one connection are late or astray together.  Roots, for they come out the
 * same on every machine. */
static bool weigh_lines(struct clock_bench *b)
{
    size_t n = 0, all = 0;
    for (size_t i = 0; i < b->n_lines; i++)
        all += b->lines[i].n;
    uint32_t *talks = calloc(all + 1, sizeof *talks);
    for (size_t i = 0; talks && i < b->n_lines; i++)
        for (uint32_t k = 0; k < b->lines[i].n; k++)
            talks[n++] = b->pairs[b->lines[i].first + k].talk;
    if (n)
        qsort(talks, n, sizeof *talks, compare_u32);
    for (size_t i = 0; talks && i < b->n_lines; i++) {
        uint32_t least = UINT32_MAX;
        for (uint32_t k = 0; k < b->lines[i].n; k++) {
            uint32_t times = count_of(talks, n, b->pairs[b->lines[i].first + k].talk);
            least = times < least ? times : least;
        }
        b->lines[i].roots = least >= 10 ? 2 : least >= 3 ? 1 : 0;
    }
    free(talks);
    return talks != NULL;
}

static void place_hints(struct clock_bench *b, const uint64_t *hints, size_t n)
{
    for (size_t i = 1; i < b->n_lines && !b->by_time; i++)
        for (size_t k = 0; k < n && !b->lines[i].hinted; k++)
            b->lines[i].hinted = hints[k] > b->lines[i - 1].line && hints[k] <= b->lines[i].line;
}

static void choose_grain(struct clock_bench *b)
{
    size_t n_fine = 0;
    for (size_t i = 0; i < b->n_lines; i++) {
        const struct clock_pair *p = &b->pairs[b->lines[i].first];
        n_fine += p->precision + (p->due_last - p->due_first) <= FINE_NS;
    }
    b->grain = n_fine * 2 >= b->n_lines ? FINE_GRAIN_NS : COARSE_GRAIN_NS;
}

bool clock_bench_open(struct clock_bench *b, const uint64_t *hints, size_t n_hints)
{
    if (!list_lines(b) || !b->n_lines)
        return false;
    choose_lines(b);
    b->tracks = calloc(b->n_lines, sizeof *b->tracks);
    b->other = calloc(b->n_lines, sizeof *b->other);
    if (!b->tracks || !b->other || !weigh_lines(b))
        return false;
    place_hints(b, hints, n_hints);
    choose_grain(b);
    return true;
}

void clock_bench_close(struct clock_bench *b)
{
    free(b->lines);
    free(b->tracks);
    free(b->other);
}
