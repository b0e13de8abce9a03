/* SPDX-License-Identifier: Apache-2.0 */
/* How much a capture does not hold, from connections written as text. */
#include "analyzer/record/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/record/case_file.h"
#include "tests/analyzer/script.h"

#define OPEN                                                                                       \
    "+0us c S 100 0\n"                                                                             \
    "+10ms s SA 500 101\n"                                                                         \
    "+50us c A 101 501\n"

static struct loss of(const char *lines)
{
    struct script s = script_run(lines);
    const struct loss l = tracker_counts(s.tracker)->loss;
    script_end(&s);
    return l;
}

static void assert_loss(const char *lines, uint64_t n_held, uint64_t n_missed)
{
    const struct loss l = of(lines);
    assert_int_equal(l.n_held, n_held);
    assert_int_equal(l.n_missed, n_missed);
}

static void what_both_ends_testify(void **state)
{
    (void)state;
    assert_loss(OPEN "+1ms c PA 101 501 len=50\n+1ms s PA 501 151 len=70\n+1ms c A 151 571\n", 3,
                0);
    /* an answer that the client acknowledges */
    assert_loss(OPEN "+1ms c PA 101 501 len=50\n+1ms s A 501 151\n+1ms c A 151 571\n", 2, 1);
    /* three segments as long as the others */
    assert_loss(OPEN "+1ms c PA 101 501 len=50\n+1ms s PA 501 151 len=100\n+1ms c A 151 901\n", 3,
                3);
    /* a SYN-ACK */
    assert_loss("+0us c S 100 0\n+10ms c A 101 501\n+1ms s PA 501 101 len=20\n", 1, 1);
}

static void what_tells_nothing(void **state)
{
    (void)state;
    /* lost on the way, and sent again: nobody had acknowledged it */
    assert_loss(OPEN "+1ms c PA 151 501 len=50\n+1ms s A 501 101\n+1ms c PA 101 501 len=50\n"
                     "+1ms s A 501 201\n",
                3, 0);
    /* one end alone was captured */
    assert_loss("+0us c S 100 0\n+10ms c A 101 501\n+1ms c A 101 901\n", 0, 0);
    /* nobody answered */
    assert_loss("+0us c S 100 0\n+1s c S 100 0\n", 0, 0);
    /* on its way when the capture began */
    assert_loss("+0us c PA 5000 900 len=50\n+1ms s A 900 5050\n+1ms c A 5050 990\n", 0, 0);
}

static void the_share(void **state)
{
    (void)state;
    struct case_capture k = {.n_packets = 1000, .loss = {.n_held = 300, .n_missed = 90}};
    assert_float_equal(loss_share(&k), 90.0 / 400, 1e-9);
    k.n_dropped = 1000; /* its own count says more */
    assert_float_equal(loss_share(&k), 0.5, 1e-9);
    k = (struct case_capture){.n_packets = 1000, .loss = {.n_held = 990, .n_missed = 5}};
    assert_float_equal(loss_share(&k), 0, 1e-9);
    k = (struct case_capture){.n_packets = 4, .loss = {.n_held = 1, .n_missed = 1}};
    assert_true(loss_share(&k) < 0.1); /* of few it is no half */
    k = (struct case_capture){0};
    assert_float_equal(loss_share(&k), 0, 1e-9);
}

static void flags_alone(void **state)
{
    (void)state;
    static const char *const whole[] = {
        OPEN "+1ms s R 501 0\n",                                 /* a handshake's last ACK */
        "+0us c S 100 0\n+10ms s SA 500 101\n+50us c R 101 0\n", /* a probe */
        "+0us c S 100 0\n+10ms s RA 0 101\n",                    /* a closed port */
        "+0us c S 100 0\n+1s c S 100 0\n+1s s SA 500 101\n",
    };
    static const char *const picked[] = {
        "+0us c S 100 0\n+10ms s SA 500 101\n+2s s R 571 0\n",
        "+0us c S 100 0\n+10ms s SA 500 101\n+2s s RA 501 151\n",
        "+0us c S 100 0\n+10ms s SA 500 101\n+2s c FA 101 501\n",
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        const struct loss l = of(whole[i]);
        assert_false(loss_is_control_only(&l));
    }
    for (size_t i = 0; i < sizeof picked / sizeof *picked; i++) {
        struct loss l = of(picked[i]);
        assert_true(loss_is_control_only(&l));
        l.n_plain = 1; /* of another connection */
        assert_false(loss_is_control_only(&l));
    }
}

/* A tool that keeps the first segments of each connection: all go on, and one says of what. */
static void heads_alone(void **state)
{
    (void)state;
    struct loss l = of(OPEN "+1ms c PA 101 501 len=50\n+1ms s A 501 151\n+9s s RA 901 151\n");
    assert_int_equal(l.longest, 5);
    assert_int_equal(l.n_longest, 1);
    assert_int_equal(l.n_says_more, 1);
    assert_int_equal(loss_cut_at(&l), 0); /* a single one may have been lost otherwise */
    l.n_longest = l.n_goes_on = 3;
    assert_int_equal(loss_cut_at(&l), 5);
    l.n_longest = 5; /* two of five ended in order after just as many */
    assert_int_equal(loss_cut_at(&l), 0);
    l = of(OPEN "+1ms c PA 101 501 len=50\n+1ms s A 501 151\n+9s s RA 501 151\n");
    assert_int_equal(l.n_says_more, 0);
    l = of(OPEN "+1ms c PA 101 501 len=50\n+1ms s A 501 151\n+1ms c FA 151 501\n");
    assert_int_equal(l.n_goes_on, 0);
    l.n_longest = l.n_goes_on = l.n_says_more = 3;
    l.n_plain = 0; /* flags alone */
    l.n_bare = 3;
    assert_int_equal(loss_cut_at(&l), 0);
    l = (struct loss){.longest = 6, .n_longest = 9, .n_goes_on = 9}; /* a pool that is idle */
    assert_int_equal(loss_cut_at(&l), 0);
}

static void what_was_not_kept_is_a_share(void **state)
{
    (void)state;
    struct case_file c = {.n_records = 90, .n_resets = 40};
    assert_true(loss_left_out(&c) == 0);
    c.n_records_lost = 10;
    assert_true(loss_left_out(&c) == 0.1);
    c.n_resets_lost = 10; /* more of those */
    assert_true(loss_left_out(&c) == 0.2);
    c = (struct case_file){.n_records_lost = 5};
    assert_true(loss_left_out(&c) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_kept_is_a_share),
        cmocka_unit_test(what_both_ends_testify),
        cmocka_unit_test(what_tells_nothing),
        cmocka_unit_test(the_share),
        cmocka_unit_test(flags_alone),
        cmocka_unit_test(heads_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
