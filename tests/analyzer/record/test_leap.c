/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that were set while connections lived, written as text. */
#include "analyzer/record/leap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/analyzer/script.h"

/* Both ends' timestamps tick every millisecond. */
#define OPEN                                                                                       \
    "+0us c S 100 0 ts=1000/0\n"                                                                   \
    "+10ms s SA 500 101 ts=7000/1000\n"                                                            \
    "+10ms c A 101 501 ts=1020/7000\n"                                                             \
    "+1ms c PA 101 501 len=10 ts=1021/7000\n"                                                      \
    "+10ms s PA 501 111 len=10 ts=7021/1021\n"

/* The clock is set back by so much behind the opening. */
static bool leaps_back(instant_ns back, const char *after)
{
    struct script s = script_begin(NULL);
    script_lines(&s, OPEN);
    s.time -= back;
    script_lines(&s, after);
    script_lines(&s, "+1ms s R 511 0\n");
    script_finish(&s);
    assert_int_equal(s.resets.n, 1);
    struct case_capture capture = {.back_first = back ? 0 : INSTANT_NONE};
    const struct case_file c = {.captures = &capture, .n_captures = 1};
    const bool told = reset_leaps(&c, s.resets.v[0]);
    assert_int_equal(told, connection_leaps(s.resets.v[0]->in_full));
    script_end(&s);
    return told;
}

static bool leaps(const char *after)
{
    return leaps_back(0, after);
}

static void a_pause_that_the_ends_know_nothing_of(void **state)
{
    (void)state;
    assert_true(leaps("+300s c PA 111 511 len=10 ts=2031/7021\n"));
    assert_true(leaps("+5s c PA 111 511 len=10 ts=1080/7021\n"));
    /* and one that passed, for clocks of 1 and of 10 ms */
    assert_false(leaps("+300s c PA 111 511 len=10 ts=301031/7021\n"));
    assert_false(leaps("+300s c PA 111 511 len=10 ts=31031/7021\n"));
    assert_false(leaps("+1400ms c PA 111 511 len=10 ts=1032/7021\n"));
}

/* The client's host slept: its clock that counts ticks stood still, the server's did not. */
static void a_pause_that_one_end_knows_of(void **state)
{
    (void)state;
    assert_false(leaps("+300s c PA 111 511 len=10 ts=1041/7021\n"
                       "+10ms s A 511 121 ts=307041/1041\n"));
    assert_true(leaps("+300s c PA 111 511 len=10 ts=1041/7021\n"
                      "+10ms s A 511 121 ts=7041/1041\n"));
}

static void time_that_goes_back(void **state)
{
    (void)state;
    assert_true(leaps_back(2 * NS_PER_S, "+1ms c PA 111 511 len=10 ts=1032/7021\n"));
    assert_false(leaps_back(50 * NS_PER_MS, "+1ms c PA 111 511 len=10 ts=1032/7021\n"));
}

/* An end whose timestamps were not seen to tick, or that stand for none, tells nothing. */
static void timestamps_that_tell_nothing(void **state)
{
    (void)state;
    struct script s = script_run("+0us c S 100 0 ts=1000/0\n"
                                 "+50us s SA 500 101 ts=7000/1000\n"
                                 "+50us c A 101 501 ts=1000/7000\n"
                                 "+300s c PA 101 501 len=10 ts=1001/7000\n"
                                 "+1ms s R 501 0\n");
    assert_int_equal(s.resets.n, 1);
    assert_false(connection_leaps(s.resets.v[0]->in_full));
    script_end(&s);
}

static void near_a_place_where_time_goes_back(void **state)
{
    (void)state;
    struct script s = script_run(OPEN "+1ms s R 511 0\n");
    assert_int_equal(s.resets.n, 1);
    const struct reset *r = s.resets.v[0];
    const instant_ns t = r->deciding.segment.time;
    struct case_capture capture = {.back_first = INSTANT_NONE, .back_last = INSTANT_NONE};
    const struct case_file c = {.captures = &capture, .n_captures = 1};
    assert_false(reset_leaps_near(&c, r));
    capture.back_first = capture.back_last = t - LEAP_NEAR_NS / 2;
    assert_true(reset_leaps_near(&c, r));
    capture.back_first = capture.back_last = t + LEAP_NEAR_NS / 2;
    assert_true(reset_leaps_near(&c, r));
    capture.back_first = capture.back_last = t + 2 * LEAP_NEAR_NS;
    assert_false(reset_leaps_near(&c, r));
    capture.back_first = capture.back_last = t - 2 * LEAP_NEAR_NS;
    assert_false(reset_leaps_near(&c, r));
    capture.back_last = t + 2 * LEAP_NEAR_NS;
    assert_true(reset_leaps_near(&c, r));
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_that_the_ends_know_nothing_of),
        cmocka_unit_test(a_pause_that_one_end_knows_of),
        cmocka_unit_test(time_that_goes_back),
        cmocka_unit_test(timestamps_that_tell_nothing),
        cmocka_unit_test(near_a_place_where_time_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
