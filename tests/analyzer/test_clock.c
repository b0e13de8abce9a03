/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define S NS_PER_S
#define MS (NS_PER_S / 1000)

/* A fixed sequence of numbers that look like chance: no test depends on luck. */
static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

struct bench { /* n connections, one line each, lagging by up to 30 ms */
    struct clock_pair v[2048];
    size_t n;
    uint32_t state;
};

static void add(struct bench *b, uint64_t line, uint32_t talk, instant_ns due, instant_ns log,
                instant_ns precision)
{
    instant_ns stamp = precision >= S ? log - ((log % precision) + precision) % precision : log;
    b->v[b->n++] = (struct clock_pair){line, talk, stamp, precision, due, due};
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
    struct clock_estimate e = clock_estimate_of(b.v, b.n);
    assert_true(e.known);
    assert_true(e.n_anchors >= 30);
    instant_ns off = e.offset > offset ? e.offset - offset : offset - e.offset;
    assert_true(off <= e.spread);
    assert_true(off <= within);
    assert_true(e.spread <= S);
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
    struct clock_estimate e = clock_estimate_of(NULL, 0);
    assert_false(e.known);
    assert_true(e.spread == CLOCK_UNKNOWN_SPREAD_NS);
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
    struct clock_estimate e = clock_estimate_of(&one, 1);
    assert_true(e.known);
    assert_int_equal(e.n_anchors, 1);
    assert_true(e.offset - 7200 * S >= 0 && e.offset - 7200 * S < 1000);
    one.precision = S;
    e = clock_estimate_of(&one, 1);
    assert_true(e.known && e.offset - e.spread <= 7200 * S && e.offset + e.spread >= 7200 * S);
    assert_true(e.spread >= S / 2);
}

/* The port was used twice, a minute apart, and one line speaks: either may be meant. */
static void test_reused_port(void **state)
{
    (void)state;
    struct clock_pair v[] = {{1, 1, 5000 * S, 1000, 5000 * S, 5000 * S},
                             {1, 2, 5000 * S, 1000, 5060 * S, 5060 * S}};
    struct clock_estimate e = clock_estimate_of(v, 2);
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
        v[2 * i] = (struct clock_pair){i, 2 * i, due, 1000, due, due};
        v[2 * i + 1] = (struct clock_pair){i, 2 * i + 1, due, 1000, due + 60 * S, due + 60 * S};
    }
    assert_false(clock_estimate_of(v, 40).known);
}

/* Two lines of one connection that trail differently must not cancel each other. */
static void test_late_line(void **state)
{
    (void)state;
    struct clock_pair v[] = {{1, 1, 5000 * S + 5 * MS, 1000, 5000 * S, 5000 * S},
                             {2, 1, 5011 * S, 1000, 5010 * S, 5010 * S}};
    struct clock_estimate e = clock_estimate_of(v, 2);
    assert_true(e.known);
    assert_true(e.offset <= 100 * MS && e.offset >= 0);
    assert_true(e.spread >= 900 * MS);
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
        cmocka_unit_test(test_offsets),        cmocka_unit_test(test_no_pairs),
        cmocka_unit_test(test_one_line),       cmocka_unit_test(test_reused_port),
        cmocka_unit_test(test_periodic_reuse), cmocka_unit_test(test_late_line),
        cmocka_unit_test(test_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
