/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock/clock.h"

#include <stdlib.h>

#include "analyzer/clock/clock_drift.h"
#include "analyzer/clock/clock_lag.h"

#define SLACK_NS (NS_PER_S / 100) /* all lines may trail by as much, which no line can show */
#define FEW_NS (NS_PER_S / 20)    /* one or two lines: how far they trail is not seen */
#define VAGUE_NS (120 * NS_PER_S) /* bounds further apart are no measurement */

static int compare_pair(const void *x, const void *y)
{
    const struct clock_pair *a = x, *b = y;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->talk != b->talk)
        return a->talk < b->talk ? -1 : 1;
    return a->due_first < b->due_first ? -1 : a->due_first > b->due_first;
}

static int compare_u32(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

static void note_step(struct clock_estimate *e, const struct clock_bench *b, size_t from, size_t to)
{
    const struct clock_track *x = &b->tracks[from], *y = &b->tracks[to];
    if (e->n_steps == CLOCK_STEPS_MAX) {
        e->n_steps_more++;
        return;
    }
    instant_ns apart = b->lines[to].log - b->lines[from].log - (y->middle - x->middle);
    instant_ns by = clock_drifted(e->drift_ppb, apart);
    instant_ns low = y->low - x->high - by, high = y->high - x->low - by;
    e->steps[e->n_steps++] = (struct clock_step){.after = b->lines[from].line,
                                                 .before = b->lines[to].line,
                                                 .from = b->lines[from].log,
                                                 .to = b->lines[to].log,
                                                 .by = low + (high - low) / 2,
                                                 .spread = (high - low) / 2 + SLACK_NS};
}

/* The steps, and the middle of the longest stretch between them, which speaks for the whole. */
static size_t find_steps(struct clock_estimate *e, const struct clock_bench *b)
{
    instant_ns usual = clock_usual_width(b->tracks, b->n_lines);
    size_t last = SIZE_MAX, begin = 0, best = 0, best_begin = 0;
    for (size_t i = 0; i <= b->n_lines; i++) {
        bool end = i == b->n_lines;
        if (!end && !clock_is_sharp(&b->tracks[i], usual))
            continue;
        bool step = !end && last != SIZE_MAX &&
                    clock_is_step(&b->tracks[last], &b->tracks[i],
                                  b->lines[i].log - b->lines[last].log, e->drift_ppb, e->rate_ppb);
        if (step)
            note_step(e, b, last, i);
        if ((step || end) && i - begin > best) {
            best = i - begin;
            best_begin = begin;
        }
        begin = step ? i : begin;
        last = i;
    }
    return best_begin + best / 2;
}

static bool keep_knots(struct arena *a, struct clock_estimate *e, const struct clock_bench *b)
{
    instant_ns slack = SLACK_NS + (b->n_lines < 3 ? FEW_NS : 0);
    e->knots = arena_array(a, b->n_lines, sizeof *e->knots);
    if (!e->knots)
        return false;
    for (size_t i = 0; i < b->n_lines; i++)
        e->knots[i] = (struct clock_knot){.line = b->lines[i].line,
                                          .log = b->lines[i].log,
                                          .low = b->tracks[i].low - slack,
                                          .high = b->tracks[i].high + slack,
                                          .best = b->tracks[i].middle};
    e->n_knots = (uint32_t)b->n_lines;
    e->by_time = b->by_time;
    return true;
}

static bool agrees(const struct clock_estimate *e, const struct clock_pair *p)
{
    struct clock_span at = clock_at(e, p->line, p->log);
    instant_ns low = at.low > at.best - CLOCK_LAG_NS ? at.low : at.best - CLOCK_LAG_NS;
    instant_ns high = at.high < at.best + CLOCK_LAG_NS ? at.high : at.best + CLOCK_LAG_NS;
    return clock_pair_low(p, CLOCK_LAG_NS, CLOCK_LEAD_NS) <= high &&
           clock_pair_high(p, CLOCK_LAG_NS, CLOCK_LEAD_NS) >= low;
}

/* Who stands behind it, of all pairs. */
static void count_anchors(struct clock_estimate *e, const struct clock_pair *pairs, size_t n)
{
    uint32_t *talks = calloc(n + 1, sizeof *talks);
    size_t n_talks = 0;
    uint64_t last = UINT64_MAX;
    for (size_t i = 0; talks && i < n; i++) {
        if (!agrees(e, &pairs[i]))
            continue;
        talks[n_talks++] = pairs[i].talk;
        e->n_anchors += pairs[i].line != last;
        last = pairs[i].line;
    }
    if (n_talks)
        qsort(talks, n_talks, sizeof *talks, compare_u32);
    for (size_t i = 0; talks && i < n_talks; i++)
        e->n_talks += i == 0 || talks[i] != talks[i - 1];
    free(talks);
}

static bool measure(struct arena *a, struct clock_bench *b, struct clock_estimate *e)
{
    if (!clock_follow(b, e) || !keep_knots(a, e, b))
        return false;
    size_t middle = find_steps(e, b);
    const struct clock_knot *k = &e->knots[middle < e->n_knots ? middle : 0];
    e->contested = clock_usual_width(b->tracks, b->n_lines) > VAGUE_NS;
    e->known = !e->contested;
    e->offset = k->best;
    e->spread = k->high - k->best > k->best - k->low ? k->high - k->best : k->best - k->low;
    return true;
}

static struct clock_estimate unknown(bool contested)
{
    return (struct clock_estimate){.spread = CLOCK_UNKNOWN_SPREAD_NS, .contested = contested};
}

struct clock_estimate clock_estimate_of(struct arena *a, struct clock_pair *pairs, size_t n,
                                        const uint64_t *hints, size_t n_hints)
{
    struct clock_bench b = {.pairs = pairs, .n_pairs = n};
    struct clock_estimate e = unknown(false);
    if (!n || n > UINT32_MAX / 4)
        return e;
    qsort(pairs, n, sizeof *pairs, compare_pair);
    bool good = clock_vote(pairs, n, &b.bands) && !b.bands.contested && b.bands.n > 0 &&
                clock_bench_open(&b, hints, n_hints) && measure(a, &b, &e);
    clock_bench_close(&b);
    if (!good || !e.known)
        return unknown(b.bands.contested || e.contested);
    count_anchors(&e, pairs, n);
    return e;
}
