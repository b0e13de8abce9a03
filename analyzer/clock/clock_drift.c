/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock/clock_drift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/clock/clock_lag.h"

#define STEADY_PPB 25000 /* how much a steady clock's rate still changes, with warmth */
#define LEAST_DRIFT_PPB 5000

static int compare_ns(const void *x, const void *y)
{
    instant_ns a = *(const instant_ns *)x, b = *(const instant_ns *)y;
    return a < b ? -1 : a > b;
}

instant_ns clock_usual_width(const struct clock_track *t, size_t n)
{
    instant_ns *widths = calloc(n + 1, sizeof *widths), usual = 0;
    for (size_t i = 0; widths && i < n; i++)
        widths[i] = t[i].high - t[i].low;
    if (widths && n) {
        qsort(widths, n, sizeof *widths, compare_ns);
        usual = widths[n / 2];
    }
    free(widths);
    return usual;
}

bool clock_is_sharp(const struct clock_track *t, instant_ns usual)
{
    return t->high - t->low <= 4 * usual;
}

instant_ns clock_crept(int32_t ppb, instant_ns apart)
{
    instant_ns d = clock_drifted(ppb, apart);
    return d < 0 ? -d : d;
}

bool clock_is_step(const struct clock_track *a, const struct clock_track *b, instant_ns apart,
                   int32_t drift, int32_t rate)
{
    instant_ns by = clock_drifted(drift, apart), room = clock_crept(rate, apart);
    return a->high + by + room < b->low || b->high < a->low + by - room;
}

struct slope { /* of offsets over stamps, each stretch between steps with its own height */
    double w, wx, wy;
    double all_xx, all_xy; /* of the stretches done with */
    double wxx, wxy;
    double begin, longest; /* seconds */
};

static void end_stretch(struct slope *s)
{
    if (s->w > 0) {
        s->all_xx += s->wxx - s->wx * s->wx / s->w;
        s->all_xy += s->wxy - s->wx * s->wy / s->w;
    }
    s->w = s->wx = s->wy = s->wxx = s->wxy = 0;
}

/* The drift that the tracks show, and three standard deviations of it, in parts per billion. */
static bool fit_drift(const struct clock_bench *b, const struct clock_track *tracks, int32_t about,
                      int32_t rate_ppb, int32_t *drift, int32_t *spread)
{
    struct slope s = {0};
    instant_ns usual = clock_usual_width(tracks, b->n_lines);
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < b->n_lines; i++) {
        const struct clock_track *t = &tracks[i];
        if (!clock_is_sharp(t, usual))
            continue;
        if (last != SIZE_MAX &&
            clock_is_step(&tracks[last], t, b->lines[i].log - b->lines[last].log, about, rate_ppb))
            end_stretch(&s);
        double half = (double)(t->high - t->low) * 0.5e-9 + 1e-6;
        double x = (double)(b->lines[i].log - b->lines[0].log) * 1e-9;
        double y = (double)(t->middle - tracks[0].middle) * 1e-9, w = 9 / (half * half);
        s.begin = s.w > 0 ? s.begin : x;
        s.longest = x - s.begin > s.longest ? x - s.begin : s.longest;
        s.w += w;
        s.wx += w * x;
        s.wy += w * y;
        s.wxx += w * x * x;
        s.wxy += w * x * y;
        last = i;
    }
    end_stretch(&s);
    if (s.all_xx <= 0)
        return false;
    double rate = s.all_xy / s.all_xx * 1e9, doubt = 3 / sqrt(s.all_xx) * 1e9;
    double tilt = s.longest > 0 ? (double)usual / s.longest : 0; /* of a line through such tracks */
    doubt = tilt > doubt ? tilt : doubt;
    bool is_shown = doubt <= CLOCK_RATE_MAX_PPB || doubt < fabs(rate) / 2;
    if (!is_shown || fabs(rate) > CLOCK_DRIFT_MAX_PPB)
        return false;
    *drift = (int32_t)lround(rate);
    *spread = (int32_t)lround(doubt);
    return true;
}

static void add_band(struct clock_bands *bands, instant_ns low, instant_ns high)
{
    for (size_t i = 0; i < bands->n; i++)
        if (low <= bands->v[i].high && high >= bands->v[i].low) {
            bands->v[i].low = low < bands->v[i].low ? low : bands->v[i].low;
            bands->v[i].high = high > bands->v[i].high ? high : bands->v[i].high;
            return;
        }
    if (bands->n < CLOCK_BANDS_MAX)
        bands->v[bands->n++] = (struct clock_band){low, high, 0};
}

/* Where the offsets are once the drift is taken out. */
static struct clock_bands bands_less(const struct clock_bench *b, int32_t drift)
{
    struct clock_bands bands = {0};
    instant_ns usual = clock_usual_width(b->tracks, b->n_lines), margin = NS_PER_S;
    for (size_t i = 0; i < b->n_lines; i++) {
        instant_ns by = clock_drifted(drift, b->lines[i].log - b->lines[0].log);
        const struct clock_track *t = &b->tracks[i];
        if (clock_is_sharp(t, usual)) {
            add_band(&bands, t->low - by - margin, t->high - by + margin);
        } else { /* one side of a step or the other */
            add_band(&bands, t->low - by - margin, t->low - by + margin);
            add_band(&bands, t->high - by - margin, t->high - by + margin);
        }
    }
    return bands;
}

/* Follows the clock with that drift, and again with the rest of drift that this shows. */
static bool follow_steady(struct clock_bench *b, struct clock_course course, int32_t drift,
                          struct clock_estimate *e, double *evidence)
{
    int32_t spread = CLOCK_SEARCH_PPB;
    for (unsigned round = 0; round < 2; round++) {
        course.drift_ppb = drift;
        course.rate_ppb = spread > STEADY_PPB ? spread : STEADY_PPB;
        course.bands = bands_less(b, drift);
        if (!clock_filter(&course, b->other, evidence) ||
            !fit_drift(b, b->other, course.drift_ppb, course.rate_ppb, &drift, &spread))
            return false;
    }
    e->rate_ppb = course.rate_ppb;
    e->drift_ppb = course.drift_ppb;
    e->drift_spread_ppb = spread > LEAST_DRIFT_PPB ? spread : LEAST_DRIFT_PPB;
    return true;
}

/* First as a clock that may creep as fast as any does; then, if that tells the stamps better, as
 * one that drifts steadily. */
bool clock_follow(struct clock_bench *b, struct clock_estimate *e)
{
    double evidence, steady;
    int32_t drift;
    struct clock_estimate alike = *e;
    struct clock_course course = {.pairs = b->pairs,
                                  .lines = b->lines,
                                  .n_lines = b->n_lines,
                                  .bands = b->bands,
                                  .grain = b->grain,
                                  .rate_ppb = CLOCK_RATE_MAX_PPB};
    e->rate_ppb = CLOCK_RATE_MAX_PPB;
    if (!clock_filter(&course, b->tracks, &evidence))
        return false;
    instant_ns span = b->lines[b->n_lines - 1].log - b->lines[0].log;
    course.grain *= 2;
    bool searched =
        clock_crept(CLOCK_RATE_MAX_PPB, span) >= CLOCK_LEAD_NS && clock_search(&course, &drift);
    course.grain /= 2;
    if (!searched || !follow_steady(b, course, drift, &alike, &steady) || steady < evidence)
        return true;
    memcpy(b->tracks, b->other, b->n_lines * sizeof *b->tracks);
    int32_t size = alike.drift_ppb < 0 ? -alike.drift_ppb : alike.drift_ppb;
    alike.drifts = size > 2 * alike.drift_spread_ppb;
    *e = alike;
    return true;
}
