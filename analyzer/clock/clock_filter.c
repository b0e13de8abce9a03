/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock/clock_filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/clock/clock_lag.h"

#define BINS_MAX 4096
#define RANGE_S 194400.0  /* offsets that clocks are found at: 27 hours either way */
#define ASTRAY_NEAR 0.01  /* lines about something else close by, within the band */
#define ASTRAY 0.03       /* lines that are about something else */
#define STEP_CHANCE 0.002 /* from one line to the next */
#define HINTED_CHANCE 0.3
#define SEARCH_PPB 500000
#define TAIL 0.001 /* left out at either end of what is stated */
#define FEW_LINES 8
#define FEW_TAIL                                                                                   \
    0.01 /* of few lines the latest lags that are thinkable would be all that is said */

struct grid {
    size_t n, n_bands;
    size_t from[CLOCK_BANDS_MAX + 1]; /* bands' bins in a row */
    instant_ns low[CLOCK_BANDS_MAX];
    instant_ns grain;
};

struct filter {
    const struct clock_course *course;
    struct grid grid;
    int32_t rate_ppb;
    double *seen;    /* by line and bin: how likely the line's stamp is */
    double *forward; /* by line and bin: what the lines so far say, normed */
    double *state, *next, *sums;
};

instant_ns clock_drifted(int32_t ppb, instant_ns since)
{
    return (instant_ns)((double)since * (double)ppb * 1e-9);
}

static int compare_band(const void *x, const void *y)
{
    const struct clock_band *a = x, *b = y;
    return a->low < b->low ? -1 : a->low > b->low;
}

/* Bands in order, those that touch made one; bins as fine as asked, or as many as there may be. */
static void lay_grid(struct grid *g, struct clock_bands bands, instant_ns grain)
{
    size_t n = 0;
    double all = 0;
    qsort(bands.v, bands.n, sizeof *bands.v, compare_band);
    for (size_t i = 0; i < bands.n; i++)
        if (n && bands.v[i].low <= bands.v[n - 1].high) {
            if (bands.v[i].high > bands.v[n - 1].high)
                bands.v[n - 1].high = bands.v[i].high;
        } else
            bands.v[n++] = bands.v[i];
    for (size_t i = 0; i < n; i++)
        all += (double)(bands.v[i].high - bands.v[i].low);
    while (all / (double)grain > BINS_MAX - CLOCK_BANDS_MAX)
        grain *= 2;
    g->grain = grain;
    g->n_bands = n;
    for (size_t i = 0; i < n; i++) {
        size_t bins = (size_t)((bands.v[i].high - bands.v[i].low) / grain) + 1;
        g->low[i] = bands.v[i].low;
        g->from[i + 1] = g->from[i] + bins;
    }
    g->n = g->from[n];
}

static size_t band_of(const struct grid *g, size_t bin)
{
    size_t b = 0;
    while (bin >= g->from[b + 1])
        b++;
    return b;
}

/* The middle of a bin. */
static instant_ns offset_of(const struct grid *g, size_t bin)
{
    size_t b = band_of(g, bin);
    return g->low[b] + (instant_ns)(bin - g->from[b]) * g->grain + g->grain / 2;
}

/* The bins of a band from low to high, cut to the band; false when there are none. */
static bool bins_within(const struct grid *g, size_t band, instant_ns low, instant_ns high,
                        size_t *from, size_t *to)
{
    instant_ns size = (instant_ns)(g->from[band + 1] - g->from[band]);
    if (high < g->low[band] || low >= g->low[band] + size * g->grain)
        return false;
    instant_ns a = low <= g->low[band] ? 0 : (low - g->low[band]) / g->grain;
    instant_ns b = (high - g->low[band]) / g->grain + 1;
    *from = g->from[band] + (size_t)a;
    *to = g->from[band] + (size_t)(b < size ? b : size);
    return true;
}

static void see_pair(struct filter *f, const struct clock_pair *pair, instant_ns drifted,
                     double share, double *seen)
{
    const struct grid *g = &f->grid;
    struct clock_pair p = *pair;
    p.log -= drifted;
    instant_ns low = clock_pair_low(&p, CLOCK_LAG_MOST_NS, CLOCK_LEAD_MOST_NS);
    instant_ns high = clock_pair_high(&p, CLOCK_LAG_MOST_NS, CLOCK_LEAD_MOST_NS);
    for (size_t band = 0; band < g->n_bands; band++) {
        size_t from, to;
        if (!bins_within(g, band, low, high, &from, &to))
            continue;
        instant_ns at = offset_of(g, from);
        for (size_t i = from; i < to; i++, at += g->grain)
            seen[i] += share * clock_lag_density(&p, at, g->grain);
    }
}

/* The density of stamps of lines that are about something else.  Being set has to be less likely
 * than one such line, and more than two in a row. */
static double astray(const struct grid *g)
{
    return ASTRAY / RANGE_S + ASTRAY_NEAR / ((double)g->n * (double)g->grain * 1e-9);
}

static double rooted(double x, uint8_t times)
{
    while (times--)
        x = sqrt(x);
    return x;
}

static void see_lines(struct filter *f)
{
    const struct clock_course *c = f->course;
    for (size_t i = 0; i < c->n_lines; i++) {
        const struct clock_line *line = &c->lines[i];
        double *seen = f->seen + i * f->grid.n;
        instant_ns drifted = clock_drifted(c->drift_ppb, line->log - c->lines[0].log);
        for (size_t k = 0; k < f->grid.n; k++)
            seen[k] = astray(&f->grid);
        for (uint32_t k = 0; k < line->n; k++)
            see_pair(f, &c->pairs[line->first + k], drifted, (1 - ASTRAY - ASTRAY_NEAR) / line->n,
                     seen);
        for (size_t k = 0; line->roots && k < f->grid.n; k++)
            seen[k] = rooted(seen[k], line->roots);
    }
}

/* Sums of state before each bin of a band: bin i's at i + band, so that each band begins with 0. */
static void sum_up(struct filter *f, const double *state)
{
    const struct grid *g = &f->grid;
    for (size_t b = 0; b < g->n_bands; b++) {
        double sum = 0, *sums = f->sums + g->from[b] + b;
        for (size_t i = g->from[b]; i < g->from[b + 1]; i++) {
            *sums++ = sum;
            sum += state[i];
        }
        *sums = sum;
    }
}

static double sum_within(const double *sums, long from, long to, long n)
{
    return sums[to < n ? to + 1 : n] - sums[from > 0 ? from : 0];
}

struct reach { /* how far an offset may creep: whole bins, and of one more a part */
    long whole;
    double part, share;
};

static struct reach reach_of(const struct filter *f, size_t line)
{
    const struct clock_line *l = &f->course->lines[line];
    instant_ns crept = clock_drifted(f->rate_ppb, l->log - l[-1].log);
    double half = fabs((double)crept) / (double)f->grid.grain;
    half = half < BINS_MAX ? half : BINS_MAX;
    long whole = (long)half;
    return (struct reach){whole, half - (double)whole, 1 / (1 + 2 * half)};
}

static double crept_to(const double *sums, long i, long n, const struct reach *r)
{
    double inner = sum_within(sums, i - r->whole, i + r->whole, n);
    double outer = sum_within(sums, i - r->whole - 1, i + r->whole + 1, n);
    return r->share * (inner + r->part * (outer - inner));
}

/* A band's bins after a time in which the clock crept or was set; far from the edges the same
 * without asking for them. */
static void move_band(const double *sums, long n, const struct reach *r, double stay, double set,
                      double *to)
{
    long low = r->whole + 1 < n ? r->whole + 1 : n, high = n - r->whole - 1, w = r->whole;
    high = high > low ? high : low;
    double whole = stay * r->share * (1 - r->part), all = stay * r->share * r->part;
    for (long i = 0; i < low; i++)
        to[i] = stay * crept_to(sums, i, n, r) + set;
    for (long i = low; i < high; i++)
        to[i] = whole * (sums[i + w + 1] - sums[i - w]) +
                all * (sums[i + w + 2] - sums[i - w - 1]) + set;
    for (long i = high; i < n; i++)
        to[i] = stay * crept_to(sums, i, n, r) + set;
}

/* One way or the other between two lines: both ways are alike.  Half of the times that a clock is
 * set it is by little, within the band. */
static void move(struct filter *f, const double *state, double *to, size_t line)
{
    const struct grid *g = &f->grid;
    struct reach reach = reach_of(f, line);
    double chance = f->course->lines[line].hinted ? HINTED_CHANCE : STEP_CHANCE, total = 0;
    sum_up(f, state);
    for (size_t b = 0; b < g->n_bands; b++)
        total += f->sums[g->from[b + 1] + b];
    double far = chance / 2 * total * (double)g->grain * 1e-9 / RANGE_S;
    for (size_t b = 0; b < g->n_bands; b++) {
        const double *sums = f->sums + g->from[b] + b;
        size_t n = g->from[b + 1] - g->from[b];
        move_band(sums, (long)n, &reach, 1 - chance, far + chance / 2 * sums[n] / (double)n,
                  to + g->from[b]);
    }
}

static double norm(double *state, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += state[i];
    for (size_t i = 0; sum > 0 && i < n; i++)
        state[i] /= sum;
    return sum;
}

static void run_forward(struct filter *f, double *evidence)
{
    size_t n = f->grid.n;
    *evidence = 0;
    for (size_t i = 0; i < f->course->n_lines; i++) {
        double *at = f->forward + i * n;
        if (i)
            move(f, at - n, at, i);
        for (size_t k = 0; k < n; k++)
            at[k] = (i ? at[k] : (double)f->grid.grain * 1e-9 / RANGE_S) * f->seen[i * n + k];
        *evidence += log(norm(at, n));
    }
}

/* The same for a drift in whole bins, taken out of what was seen without it; the states of the
 * lines before are not kept. */
static double evidence_of(struct filter *f, int32_t drift)
{
    const struct grid *g = &f->grid;
    double evidence = 0, *state = f->state, *next = f->next;
    for (size_t i = 0; i < f->course->n_lines; i++) {
        const struct clock_line *line = &f->course->lines[i];
        const double *seen = f->seen + i * g->n;
        instant_ns by = clock_drifted(drift, line->log - f->course->lines[0].log);
        long shift = lround((double)by / (double)g->grain);
        double none = rooted(astray(g), line->roots);
        if (i)
            move(f, state, next, i);
        for (size_t b = 0; b < g->n_bands; b++) {
            long from = (long)g->from[b], to = (long)g->from[b + 1];
            for (long k = from; k < to; k++) {
                double is = k + shift >= from && k + shift < to ? seen[k + shift] : none;
                next[k] = (i ? next[k] : (double)g->grain * 1e-9 / RANGE_S) * is;
            }
        }
        evidence += log(norm(next, g->n));
        double *swap = state;
        state = next;
        next = swap;
    }
    return evidence;
}

static void read_track(const struct filter *f, const double *state, struct clock_track *out)
{
    const struct grid *g = &f->grid;
    double sum = 0, tail = f->course->n_lines < FEW_LINES ? FEW_TAIL : TAIL;
    size_t low = SIZE_MAX, middle = SIZE_MAX, high = g->n - 1;
    for (size_t i = 0; i < g->n; i++) {
        sum += state[i];
        low = low == SIZE_MAX && sum > tail ? i : low;
        middle = middle == SIZE_MAX && sum >= 0.5 ? i : middle;
        if (sum >= 1 - tail) {
            high = i;
            break;
        }
    }
    low = low == SIZE_MAX ? 0 : low;
    *out = (struct clock_track){.low = offset_of(g, low) - g->grain / 2,
                                .high = offset_of(g, high) + g->grain / 2,
                                .middle = offset_of(g, middle == SIZE_MAX ? low : middle)};
}

/* What later lines say meets what earlier ones said. */
static void run_backward(struct filter *f, struct clock_track *tracks)
{
    const struct clock_course *c = f->course;
    size_t n = f->grid.n;
    for (size_t k = 0; k < n; k++)
        f->state[k] = 1.0 / (double)n;
    for (size_t i = c->n_lines; i-- > 0;) {
        double *at = f->forward + i * n;
        instant_ns drifted = clock_drifted(c->drift_ppb, c->lines[i].log - c->lines[0].log);
        for (size_t k = 0; k < n; k++)
            at[k] *= f->state[k];
        norm(at, n);
        read_track(f, at, &tracks[i]);
        tracks[i].low += drifted;
        tracks[i].high += drifted;
        tracks[i].middle += drifted;
        for (size_t k = 0; k < n; k++)
            f->next[k] = f->state[k] * f->seen[i * n + k];
        if (i)
            move(f, f->next, f->state, i);
        norm(f->state, n);
    }
}

static bool open_filter(struct filter *f)
{
    if (!f->course->n_lines || !f->course->bands.n)
        return false;
    lay_grid(&f->grid, f->course->bands, f->course->grain);
    f->seen = malloc(f->course->n_lines * f->grid.n * sizeof *f->seen);
    f->state = calloc(f->grid.n, sizeof *f->state);
    f->next = calloc(f->grid.n, sizeof *f->next);
    f->sums = calloc(f->grid.n + CLOCK_BANDS_MAX, sizeof *f->sums);
    if (!f->seen || !f->state || !f->next || !f->sums)
        return false;
    see_lines(f);
    return true;
}

static void close_filter(struct filter *f)
{
    free(f->seen);
    free(f->forward);
    free(f->state);
    free(f->next);
    free(f->sums);
}

bool clock_filter(const struct clock_course *course, struct clock_track *tracks, double *evidence)
{
    struct filter f = {.course = course, .rate_ppb = course->rate_ppb};
    bool good = open_filter(&f);
    f.forward = good ? malloc(course->n_lines * f.grid.n * sizeof *f.forward) : NULL;
    if (f.forward) {
        run_forward(&f, evidence);
        run_backward(&f, tracks);
    }
    good = f.forward != NULL;
    close_filter(&f);
    return good;
}

/* Drifts as far apart as the rate leaves no gap between, then finer about the best. */
bool clock_search(const struct clock_course *course, int32_t *drift)
{
    struct filter f = {.course = course};
    double best = -INFINITY;
    int32_t at = 0;
    bool good = open_filter(&f);
    for (int32_t step = SEARCH_PPB; good && step >= CLOCK_SEARCH_PPB; step /= 2) {
        bool first = step == SEARCH_PPB;
        int32_t middle = first ? 0 : at, most = first ? CLOCK_DRIFT_MAX_PPB / SEARCH_PPB : 1;
        f.rate_ppb = step * 3 / 5;
        best = -INFINITY; /* the finer rate has its own evidence */
        for (int32_t i = -most; i <= most; i++) {
            double evidence = evidence_of(&f, middle + i * step);
            at = evidence > best ? middle + i * step : at;
            best = evidence > best ? evidence : best;
        }
    }
    *drift = at;
    close_filter(&f);
    return good;
}
