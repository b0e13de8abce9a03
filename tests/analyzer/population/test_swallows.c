/* SPDX-License-Identifier: Apache-2.0 */
/* What a device leaves that takes segments off the path: by whose name, and over how many hops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/population/population.h"
#include "tests/analyzer/joint.h"

/* Drawn by the frame before it, of which another capture knows so much. */
static struct reset *drawn(struct joint *j, const char *client, const char *server, uint8_t hops,
                           enum fate fate)
{
    struct reset *r;
    joint_reset(j, client, server, 1, 10, &r);
    struct packet_fate *f = arena_alloc(&j->c.arena, sizeof *f);
    struct reset_ties *ties = reset_tie(&j->c.arena, r);
    assert_true(f && ties);
    r->deciding.segment.ttl = hops;
    r->trigger_frame = r->deciding.segment.frame - 1;
    *f = (struct packet_fate){.capture = reset_capture_of(r, r->trigger_frame),
                              .other = 1,
                              .frame = frame_number(r->trigger_frame),
                              .fate = fate};
    ties->fates = f;
    ties->n_fates = 1;
    return r;
}

static void those_of_one_device_are_counted(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *plain;
    joint_capture(j, "b.pcap", 0, 100);
    struct reset *first = drawn(j, "192.0.2.1:1000", "198.51.100.7:80", 255, FATE_SWALLOWED);
    struct reset *second = drawn(j, "192.0.2.2:1000", "198.51.100.7:80", 255, FATE_SWALLOWED);
    struct reset *seen = drawn(j, "192.0.2.1:1001", "198.51.100.7:80", 255, FATE_SEEN);
    struct reset *nearer = drawn(j, "192.0.2.1:1002", "198.51.100.7:80", 64, FATE_SWALLOWED);
    struct reset *elsewhere = drawn(j, "192.0.2.1:1003", "198.51.100.8:80", 255, FATE_SEEN);
    struct reset *by_client = drawn(j, "192.0.2.1:1004", "198.51.100.7:80", 255, FATE_SEEN);
    struct reset *copy = drawn(j, "192.0.2.1:1005", "198.51.100.7:80", 255, FATE_SWALLOWED);
    joint_reset(j, "192.0.2.1:1006", "198.51.100.7:80", 1, 10, &plain);
    plain->deciding.segment.ttl = 255;
    by_client->claimed = SIDE_CLIENT;
    copy->is_copy_of_other = true;
    joint_settle(j);
    assert_int_equal(population_swallows_like(&j->c, first), 1); /* not itself, nor the copy */
    assert_int_equal(population_swallows_like(&j->c, second), 1);
    assert_int_equal(population_swallows_like(&j->c, seen), 2);
    assert_int_equal(population_swallows_like(&j->c, plain), 2);
    assert_int_equal(population_swallows_like(&j->c, nearer), 0);
    assert_int_equal(population_swallows_like(&j->c, elsewhere), 0);
    assert_int_equal(population_swallows_like(&j->c, by_client), 0);
    joint_free(j);
}

/* What another capture knows of the RST itself says nothing about the segment that drew it. */
static void a_reset_that_was_swallowed_is_none(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    joint_capture(j, "b.pcap", 0, 100);
    struct reset *a = drawn(j, "192.0.2.1:1000", "198.51.100.7:80", 255, FATE_SWALLOWED);
    struct reset *b = drawn(j, "192.0.2.1:1001", "198.51.100.7:80", 255, FATE_SEEN);
    a->trigger_frame++; /* the frame of which that is known is no longer the one that drew it */
    joint_settle(j);
    assert_int_equal(population_swallows_like(&j->c, b), 0);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_one_device_are_counted),
        cmocka_unit_test(a_reset_that_was_swallowed_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
