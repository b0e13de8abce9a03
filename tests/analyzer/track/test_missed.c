/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the segment that drew a RST ever reached the connection in whose name the RST came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/track/missed.h"
#include "parsers/packet/packet.h"

static const struct segment trigger = {.time = 1000 * NS_PER_MS,
                                       .seq = 5000,
                                       .payload_len = 100,
                                       .from = SIDE_SERVER,
                                       .flags = TCP_ACK};
static const struct segment rst = {.time = 1009 * NS_PER_MS, .from = SIDE_CLIENT, .flags = TCP_RST};

static struct segment ack(instant_ns ms_after, uint32_t number)
{
    return (struct segment){.time = rst.time + ms_after * NS_PER_MS,
                            .from = SIDE_CLIENT,
                            .flags = TCP_ACK,
                            .ack = number};
}

static bool missed(struct segment *v, size_t n, const struct segment *drew)
{
    const struct connection k = {.segments = v, .n_kept = n};
    return trigger_missed(&k, drew, &rst);
}

static void it_goes_on_without_the_payload(void **state)
{
    (void)state;
    struct segment v[] = {ack(-400, 4000), trigger, rst, ack(230, 5000)};
    assert_true(missed(v, 4, &trigger));
    v[3].ack = 5100; /* it has it */
    assert_false(missed(v, 4, &trigger));
    v[3] = ack(230, 5050); /* some of it */
    assert_false(missed(v, 4, &trigger));
}

static void what_was_in_flight_says_nothing(void **state)
{
    (void)state;
    struct segment v[] = {trigger, rst, ack(2, 5000)};
    assert_false(missed(v, 3, &trigger));
    assert_false(missed(v, 2, &trigger)); /* it fell silent */
    v[2] = ack(300, 5000);
    v[2].from = SIDE_SERVER; /* the other end */
    assert_false(missed(v, 3, &trigger));
}

static void nothing_drew_it(void **state)
{
    (void)state;
    struct segment v[] = {rst, ack(300, 5000)}, bare = trigger;
    bare.payload_len = 0;
    assert_false(missed(v, 2, NULL));
    assert_false(missed(v, 2, &bare));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_without_the_payload),
        cmocka_unit_test(what_was_in_flight_says_nothing),
        cmocka_unit_test(nothing_drew_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
