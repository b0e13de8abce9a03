/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S NS_PER_S
#define MS (NS_PER_S / 1000)

static struct arena arena;

/* A fixed sequence of numbers that look like chance: no test depends on luck. */
static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

struct bench { /* n connections, one line each, lagging by up to 30 ms */
    struct clock_pair v[4096];
    size_t n;
    uint32_t state;
};

static struct clock_estimate estimate(struct bench *b)
{
    return clock_estimate_of(&arena, b->v, b->n, NULL, 0);
}

static instant_ns cut(instant_ns t, instant_ns precision)
{
    instant_ns rest = t % precision;
    return precision < S ? t : t - (rest < 0 ? rest + precision : rest);
}

static void add(struct bench *b, uint64_t line, uint32_t talk, instant_ns due, instant_ns log,
                instant_ns precision)
{
    b->v[b->n++] =
        (struct clock_pair){line, talk, CLOCK_TRAILS, cut(log, precision), precision, due, due};
}

/* Connections every few seconds; of the lines every third is missing; each line also pairs with a
 * wrong connection, as when ports come again. */
static void fill(struct bench *b, unsigned n, instant_ns offset, instant_ns precision, bool wrong)
{
    for (unsigned i = 0; i < n; i++) {
        instant_ns due = 1000000 * S + i * 7 * S + next(&b->state) % 1000 * MS;
        if (i % 3 == 1)
            continue;
        instant_ns log = due + offset + next(&b->state) % 30 * MS;
        add(b, i, i, due, log, precision);
        if (wrong)
            add(b, i, (i * 5 + 3) % n, due + next(&b->state) % 5000 * S, log, precision);
    }
}

static void check(instant_ns offset, instant_ns precision, instant_ns within, bool wrong)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    b.state = 1;
    fill(&b, 60, offset, precision, wrong);
    struct clock_estimate e = estimate(&b);
    assert_true(e.known);
    assert_true(e.n_anchors >= 30);
    instant_ns off = e.offset > offset ? e.offset - offset : offset - e.offset;
    assert_true(off <= e.spread);
    assert_true(off <= within);
    assert_true(e.spread <= S);
    assert_int_equal(e.n_steps, 0);
    assert_false(e.drifts);
}

static void test_offsets(void **state)
{
    (void)state;
    static const instant_ns offsets[] = {
        0,        26 * 3600 * S,    -26 * 3600 * S,    7200 * S,
        -37 * MS, 3 * S + 250 * MS, -3600 * S - 4 * S, 93600 * S + 7 * S};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        check(offsets[i], 1000, 30 * MS, false);
        check(offsets[i], 1000, 30 * MS, true);
        check(offsets[i], S, 150 * MS, false);
        check(offsets[i], S, 200 * MS, true);
    }
}

static void test_no_pairs(void **state)
{
    (void)state;
    struct clock_estimate e = clock_estimate_of(&arena, NULL, 0, NULL, 0);
    assert_false(e.known);
    assert_true(e.spread == CLOCK_UNKNOWN_SPREAD_NS);
    assert_true(clock_doubt(clock_at(&e, 7, 100 * S)) == CLOCK_UNKNOWN_SPREAD_NS);
}

static void test_one_line(void **state)
{
    (void)state;
    struct clock_pair one = {.line = 1,
                             .talk = 1,
                             .log = 5000 * S + 7200 * S,
                             .precision = 1000,
                             .due_first = 5000 * S,
                             .due_last = 5000 * S};
    struct clock_estimate e = clock_estimate_of(&arena, &one, 1, NULL, 0);
    assert_true(e.known);
    assert_int_equal(e.n_anchors, 1);
    assert_true(e.offset - e.spread <= 7200 * S && e.offset + e.spread >= 7200 * S);
    one.precision = S;
    e = clock_estimate_of(&arena, &one, 1, NULL, 0);
    assert_true(e.known && e.offset - e.spread <= 7200 * S && e.offset + e.spread >= 7200 * S);
    assert_true(e.spread >= S / 2);
}

/* The port was used twice, a minute apart, and one line speaks: either may be meant. */
static void test_reused_port(void **state)
{
    (void)state;
    struct clock_pair v[] = {{1, 1, CLOCK_TRAILS, 5000 * S, 1000, 5000 * S, 5000 * S},
                             {1, 2, CLOCK_TRAILS, 5000 * S, 1000, 5060 * S, 5060 * S}};
    struct clock_estimate e = clock_estimate_of(&arena, v, 2, NULL, 0);
    assert_false(e.known);
    assert_true(e.contested);
}

/* Every port is used again at the same distance: no count of lines can tell the two apart. */
static void test_periodic_reuse(void **state)
{
    (void)state;
    struct clock_pair v[40];
    for (uint32_t i = 0; i < 20; i++) {
        instant_ns due = 9000 * S + i * 11 * S;
        v[2 * i] = (struct clock_pair){i, 2 * i, CLOCK_TRAILS, due, 1000, due, due};
        v[2 * i + 1] = v[2 * i];
        v[2 * i + 1].talk++;
        v[2 * i + 1].due_first = v[2 * i + 1].due_last = due + 60 * S;
    }
    assert_false(clock_estimate_of(&arena, v, 40, NULL, 0).known);
}

/* Lines of two clocks in turn: no step explains them. */
static void test_two_clocks_in_one(void **state)
{
    (void)state;
    static struct bench b;
    memset(&b, 0, sizeof b);
    for (uint32_t i = 0; i < 40; i++) {
        instant_ns due = 9000 * S + (instant_ns)i * 11 * S;
        add(&b, i, i, due, due + (i % 2 ? 500 * S : 0), 1000);
    }
    assert_false(estimate(&b).known);
}

/* Two lines of one connection that trail differently must not cancel each other. */
static void test_late_line(void **state)
{
    (void)state;
    struct clock_pair v[] = {{1, 1, CLOCK_TRAILS, 5000 * S + 5 * MS, 1000, 5000 * S, 5000 * S},
                             {2, 1, CLOCK_TRAILS, 5011 * S, 1000, 5010 * S, 5010 * S}};
    struct clock_estimate e = clock_estimate_of(&arena, v, 2, NULL, 0);
    assert_true(e.known);
    assert_true(e.offset - e.spread <= 5 * MS);
    assert_true(e.offset + e.spread >= 900 * MS); /* which of the two was late is not known */
}

/* A clock that nobody sets runs at a rate of its own, however short the log: the bound holds at its
 * ends, too. */
static void test_fast_clock(void **state)
{
    (void)state;
    static struct bench b;
    static const int rates[] = {2000, -1500};
    for (size_t k = 0; k < 2; k++) {
        memset(&b, 0, sizeof b);
        for (uint32_t i = 0; i < 30; i++) {
            instant_ns since = (instant_ns)i * S + (instant_ns)(i % 7) * 61 * MS;
            instant_ns off = 100 * S + since / 1000000 * rates[k];
            add(&b, i, i, 9000 * S + since, 9000 * S + since + off + (i % 4) * MS, 1000);
        }
        struct clock_estimate e = estimate(&b);
        assert_true(e.known && e.drifts);
        for (uint32_t i = 0; i < 30; i++) {
            struct clock_span at = clock_at(&e, i, b.v[i].log);
            instant_ns off = b.v[i].log - b.v[i].due_first - (i % 4) * MS;
            assert_true(at.low <= off && off <= at.high);
            assert_true(at.high - at.low < 60 * MS);
        }
    }
}

/* The lines of such a clock in no order of time, as several writers' in one file: they are taken by
 * stamp, and the rate comes out the same. */
static void test_unsorted_lines(void **state)
{
    (void)state;
    static struct bench b;
    memset(&b, 0, sizeof b);
    for (uint32_t line = 0; line < 30; line++) {
        const uint32_t i = line * 11 % 30; /* 30 and 11 share no divisor */
        const instant_ns since = (instant_ns)i * 4 * S;
        const instant_ns off = 100 * S + since / 1000000 * 2000;
        add(&b, line, line, 9000 * S + since, 9000 * S + since + off + (i % 4) * MS, 1000);
    }
    struct clock_estimate e = estimate(&b);
    assert_true(e.known && e.by_time);
    for (uint32_t line = 0; line < 30; line++) {
        struct clock_span at = clock_at(&e, line, b.v[line].log);
        const instant_ns off = b.v[line].log - b.v[line].due_first - line * 11 % 30 % 4 * MS;
        assert_true(at.low <= off && off <= at.high);
        assert_true(at.high - at.low < 60 * MS);
    }
}

/* Lines captured on their way: none is sent before it is written, most soon after, some wait. */
static void fill_sent(struct bench *b, enum clock_order order, instant_ns precision)
{
    memset(b, 0, sizeof *b);
    for (uint32_t i = 0; i < 40; i++) {
        instant_ns written = 9000 * S + (instant_ns)i * 7 * S + (instant_ns)i * 37 * MS;
        instant_ns held = i % 8 == 0 ? 400 * MS : (instant_ns)(i % 5) * MS;
        add(b, i, i, written + held, written + 84 * S, precision);
        b->v[b->n - 1].order = order;
    }
}

static void test_sent_lines(void **state)
{
    (void)state;
    static struct bench b;
    static const enum clock_order orders[] = {CLOCK_LEADS, CLOCK_AROUND};
    static const instant_ns precisions[] = {1000, S};
    for (size_t i = 0; i < 4; i++) {
        fill_sent(&b, orders[i / 2], precisions[i % 2]);
        struct clock_estimate e = estimate(&b);
        assert_true(e.known);
        assert_true(e.offset - e.spread <= 84 * S && e.offset + e.spread >= 84 * S);
        assert_true(e.spread < (precisions[i % 2] == S ? 300 : 60) * MS);
        assert_int_equal(e.n_steps, 0);
    }
}

/* What trails and what is sent hold the truth between them. */
static void test_sent_and_late(void **state)
{
    (void)state;
    static struct bench b;
    fill_sent(&b, CLOCK_LEADS, 1000);
    for (uint32_t i = 1; i < 40; i += 2) {
        struct clock_pair *p = &b.v[i];
        p->order = CLOCK_TRAILS;
        p->due_first = p->due_last = p->log - 84 * S - (instant_ns)(i % 4) * MS;
    }
    struct clock_estimate e = estimate(&b);
    assert_true(e.known);
    assert_true(e.offset - e.spread <= 84 * S && e.offset + e.spread >= 84 * S);
    assert_true(e.spread < 30 * MS);
}

/* A clock that was set back by an hour in mid-log; what the two sides say stays apart. */
static void test_step(void **state)
{
    (void)state;
    static struct bench b;
    memset(&b, 0, sizeof b);
    for (uint32_t i = 0; i < 40; i++) {
        instant_ns due = 9000 * S + (instant_ns)i * 11 * S;
        add(&b, i, i, due, due + (i < 25 ? 90 * S : 90 * S - 3600 * S) + (i % 7) * MS, S);
    }
    struct clock_estimate e = estimate(&b);
    assert_true(e.known);
    assert_int_equal(e.n_steps, 1);
    assert_int_equal(e.steps[0].after, 24);
    assert_int_equal(e.steps[0].before, 25);
    instant_ns off = e.steps[0].by + 3600 * S;
    assert_true(off <= e.steps[0].spread && -off <= e.steps[0].spread);
    assert_true(e.steps[0].spread < 3 * S / 2);
    struct clock_span before = clock_at(&e, 3, b.v[3].log), after = clock_at(&e, 39, b.v[39].log);
    assert_true(before.low <= 90 * S && before.high >= 90 * S);
    assert_true(after.low <= -3510 * S && after.high >= -3510 * S);
    assert_true(before.high - before.low < 2 * S && after.high - after.low < 2 * S);
    assert_int_equal(e.n_anchors, 40);
}

/* A clock 80 parts in a million fast, over a day: the drift is found, and so is the offset between
 * the anchors. */
static void test_drift(void **state)
{
    (void)state;
    static struct bench b;
    memset(&b, 0, sizeof b);
    b.state = 5;
    for (uint32_t i = 0; i < 96; i++) {
        instant_ns due = 9000 * S + (instant_ns)i * 900 * S;
        add(&b, i, i, due, due + (due - 9000 * S) / 12500 + next(&b.state) % 20 * MS, S);
    }
    struct clock_estimate e = estimate(&b);
    assert_true(e.known && e.drifts && e.n_steps == 0);
    assert_true(e.drift_ppb - e.drift_spread_ppb <= 80000);
    assert_true(e.drift_ppb + e.drift_spread_ppb >= 80000);
    instant_ns noon = 43200 * S;
    struct clock_span at = clock_at(&e, 48, 9000 * S + noon);
    assert_true(at.low <= noon / 12500 && at.high >= noon / 12500);
    assert_true(clock_doubt(at) < S / 2);
}

struct trial { /* a clock as it was, and the lines that are left of what it stamped */
    instant_ns begin, span, offset, step_at, step;
    double drift;
    instant_ns due[256], log[256];
    unsigned n;
};

static instant_ns truth(const struct trial *t, instant_ns due)
{
    return t->offset + (instant_ns)(t->drift * (double)(due - t->begin)) +
           (due >= t->step_at ? t->step : 0);
}

static instant_ns any(uint32_t *state, instant_ns most) /* 0 .. most - 1 */
{
    uint64_t wide = (uint64_t)next(state) << 24 | next(state);
    return (instant_ns)(wide % (uint64_t)most);
}

/* Most lines trail by milliseconds, some by a quarter second, a few by seconds. */
static instant_ns any_lag(uint32_t *state)
{
    uint32_t kind = next(state) % 100;
    return kind < 80 ? any(state, 15 * MS) : kind < 97 ? any(state, 240 * MS) : any(state, 4 * S);
}

static void make_trial(struct trial *t, uint32_t *state)
{
    static const instant_ns spans[] = {600 * S, 3600 * S, 6 * 3600 * S, 24 * 3600 * S};
    static const instant_ns steps[] = {2 * S, 60 * S, 7200 * S};
    instant_ns most = steps[next(state) % 3];
    *t = (struct trial){.begin = 1000000 * S, .span = spans[next(state) % 4]};
    t->offset = any(state, 2 * 26 * 3600 * S) - 26 * 3600 * S;
    t->drift = ((double)any(state, 400001) - 200000) * 1e-9;
    t->step_at = t->begin + any(state, t->span);
    t->step = any(state, 2 * most) - most;
    t->n = 40 + next(state) % 160;
    for (unsigned i = 0; i < t->n; i++)
        t->due[i] = t->begin + (instant_ns)i * (t->span / t->n) + any(state, t->span / t->n);
}

/* Of every ten lines three are missing; every other one could mean other connections, too; one in
 * twenty means only those. */
static void write_trial(struct trial *t, uint32_t *state, struct bench *b)
{
    b->n = 0;
    for (unsigned i = 0; i < t->n; i++) {
        t->log[i] = cut(t->due[i] + truth(t, t->due[i]) + any_lag(state), S);
        bool missing = next(state) % 10 < 3, astray = next(state) % 20 == 0;
        unsigned n_wrong = astray ? 1 : next(state) % 2 * (1 + next(state) % 3);
        if (missing)
            continue;
        if (!astray)
            add(b, i, i, t->due[i], t->log[i], S);
        for (unsigned k = 0; k < n_wrong; k++) {
            uint32_t other = next(state) % t->n;
            if (other != i)
                add(b, i, other, t->due[other], t->log[i], S);
        }
    }
}

static int compare_width(const void *x, const void *y)
{
    instant_ns a = *(const instant_ns *)x, b = *(const instant_ns *)y;
    return a < b ? -1 : a > b;
}

#define TRIALS 1000

static void test_trials(void **state)
{
    (void)state;
    static struct bench b;
    static struct trial t;
    static instant_ns widths[TRIALS];
    uint32_t chance = 20260301;
    unsigned n_good = 0, n_all = 0, n_known = 0;
    unsigned long n_lines = 0, n_inside = 0;
    for (unsigned k = 0; k < TRIALS; k++) {
        make_trial(&t, &chance);
        write_trial(&t, &chance, &b);
        struct clock_estimate e = estimate(&b);
        unsigned probe = next(&chance) % t.n, n_off = 0;
        n_known += e.known;
        for (unsigned i = 0; i < t.n; i++) {
            struct clock_span at = clock_at(&e, i, t.log[i]);
            instant_ns is = truth(&t, t.due[i]);
            bool inside = e.known && at.low <= is && is <= at.high;
            n_good += inside && i == probe;
            n_off += !inside;
            if (i == probe)
                widths[k] = (at.high - at.low) / 2;
        }
        n_all += n_off == 0;
        n_lines += t.n;
        n_inside += t.n - n_off;
    }
    qsort(widths, TRIALS, sizeof *widths, compare_width);
    printf("known %u, inside at a line %u, at all lines %u, lines inside %.4f, "
           "half width: median %.3f s, nine in ten %.3f s\n",
           n_known, n_good, n_all, (double)n_inside / (double)n_lines,
           (double)widths[TRIALS / 2] / 1e9, (double)widths[TRIALS * 9 / 10] / 1e9);
    assert_true(n_good >= TRIALS * 99 / 100);
    assert_true(widths[TRIALS / 2] < S / 4);
}

static void test_zone(void **state)
{
    (void)state;
    static const struct {
        instant_ns offset;
        bool is;
        int minutes;
        instant_ns rest;
    } rows[] = {
        {7200 * S, true, 120, 0},
        {7203 * S, true, 120, 3 * S},
        {-18000 * S - 250 * MS, true, -300, -250 * MS},
        {20700 * S + 60 * S, true, 345, 60 * S},
        {0, false, 0, 0},
        {30 * S, false, 0, 0},
        {7200 * S + 400 * S, false, 0, 0},
        {26 * 3600 * S, false, 0, 0},
        {14 * 3600 * S, true, 840, 0},
        {-15 * 3600 * S, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int minutes;
        instant_ns rest;
        assert_int_equal(clock_zone_of(rows[i].offset, &minutes, &rest), rows[i].is);
        if (!rows[i].is)
            continue;
        assert_int_equal(minutes, rows[i].minutes);
        assert_true(rest == rows[i].rest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_no_pairs),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_reused_port),
        cmocka_unit_test(test_periodic_reuse),
        cmocka_unit_test(test_late_line),
        cmocka_unit_test(test_two_clocks_in_one),
        cmocka_unit_test(test_fast_clock),
        cmocka_unit_test(test_unsorted_lines),
        cmocka_unit_test(test_sent_lines),
        cmocka_unit_test(test_sent_and_late),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_trials),
        cmocka_unit_test(test_zone),
    };
    arena_init(&arena, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
