/* SPDX-License-Identifier: Apache-2.0 */
/* What else a client's port was used for, and which connection one goes on from another port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/population/population.h"
#include "tests/analyzer/joint.h"

#define S NS_PER_S

static bool turned_away(struct joint *j, const struct reset *r)
{
    bool answer;
    assert_true(population_turned_away(&j->c, r, &answer));
    return answer;
}

/* What a NAT let through untranslated: nothing of the client's end but its RST. */
static void a_port_turned_another_address_away(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[3], *before;
    joint_reset(j, "192.0.2.1:1000", "198.51.100.7:80", 1, 9, &r[0]);
    joint_reset(j, "192.0.2.1:1001", "198.51.100.7:80", 1, 9, &r[1]);
    joint_reset(j, "192.0.2.1:1002", "198.51.100.7:80", 1, 9, &r[2]);
    r[2]->deciding.segment.time -= 5 * S; /* before it turned the other away */
    for (size_t i = 0; i < 3; i++) {
        char client[] = "192.0.2.1:1000";
        client[sizeof client - 2] = (char)('0' + i);
        struct connection_record *o = joint_talk(j, client, "203.0.113.9:80", 5, 5);
        o->syn_time = o->synack_time = INSTANT_NONE;
        o->handshake_seen = false;
        o->began_mid_stream = true;
        o->rst_time = o->last_time;
        o->saw_rst = 1 << SIDE_CLIENT;
        o->ttl[SIDE_SERVER] = 63;
        o->ttl[SIDE_CLIENT] = i == 1 ? 64 : 0; /* there it had talked before */
    }
    joint_reset(j, "192.0.2.1:1003", "198.51.100.7:80", 1, 9, &before);
    r[0]->deciding.segment.time = JOINT_START + 5 * S; /* at the very time of that RST */
    joint_settle(j);
    assert_true(turned_away(j, r[0]));
    assert_false(turned_away(j, r[1]));
    assert_false(turned_away(j, r[2]));
    assert_false(turned_away(j, before));
    joint_free(j);
}

static bool is_elsewhere(const struct joint *j, const struct reset *r)
{
    bool answer;
    assert_true(population_port_elsewhere(&j->c, r, &answer));
    return answer;
}

/* A port has one use at a time: one that another server served meanwhile, with any number of
 * attempts before and after it, is not the reset one's. */
static void a_port_was_used_elsewhere(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *served, *before, *same, *attempted;
    joint_talk(j, "192.0.2.1:1000", "203.0.113.8:80", 4, 4.5)->n_segments = 3; /* not served */
    joint_talk(j, "192.0.2.1:1000", "203.0.113.9:80", 5, 6)->n_segments = 6;
    joint_talk(j, "192.0.2.1:1000", "203.0.113.8:80", 7, 7.5)->n_segments = 3;
    joint_talk(j, "192.0.2.1:1000", "203.0.113.7:80", 20, 21)->n_segments = 6; /* later */
    joint_reset(j, "192.0.2.1:1000", "198.51.100.7:80", 1, 9, &served);
    joint_reset(j, "192.0.2.1:1003", "198.51.100.7:80", 2, 3, &before);
    joint_talk(j, "192.0.2.1:1003", "203.0.113.9:80", 5, 6)->n_segments = 6;
    joint_talk(j, "192.0.2.1:1001", "198.51.100.7:80", 5, 6)->n_segments = 6;
    joint_reset(j, "192.0.2.1:1001", "198.51.100.7:80", 1, 9, &same);
    joint_talk(j, "192.0.2.1:1002", "203.0.113.8:80", 4, 4.5)->n_segments = 3;
    joint_reset(j, "192.0.2.1:1002", "198.51.100.7:80", 1, 9, &attempted);
    joint_settle(j);
    assert_true(is_elsewhere(j, served));
    assert_false(is_elsewhere(j, before));
    assert_false(is_elsewhere(j, same));
    assert_false(is_elsewhere(j, attempted));
    joint_free(j);
}

/* RFC 9293 section 3.10.7.3: a SYN-ACK acknowledges the SYN's number and one; the RST that turns
 * it down takes its own from there. */
static void a_synack_answers_the_syn_to_another_server(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *answered, *other_number, *other_way;
    struct reset **const all[] = {&answered, &other_number, &other_way};
    for (size_t i = 0; i < 3; i++) {
        char client[] = "192.0.2.1:1000";
        client[sizeof client - 2] = (char)('0' + i);
        struct connection_record *syn = joint_talk(j, client, "203.0.113.9:80", 5, 6);
        syn->n_segments = 1;
        syn->synack_time = INSTANT_NONE;
        syn->handshake_seen = false;
        syn->isn_known = 1 << SIDE_CLIENT;
        syn->isn[SIDE_CLIENT] = UINT32_MAX;
        joint_reset(j, client, "198.51.100.7:80", 5, 5.1, all[i]);
        (*all[i])->mechanism = MECHANISM_UNEXPECTED_SYNACK;
        (*all[i])->deciding.segment.seq = 0;
    }
    other_number->deciding.segment.seq = UINT32_MAX;
    other_way->mechanism = MECHANISM_ABORT;
    joint_settle(j);
    assert_true(is_elsewhere(j, answered));
    assert_false(is_elsewhere(j, other_number));
    assert_false(is_elsewhere(j, other_way));
    joint_free(j);
}

/* Met in mid-stream, so far behind where the old one began. */
static void goes_on(struct joint *j, struct reset *r, const struct connection_record *old,
                    uint32_t advance)
{
    struct connection *k = arena_alloc(&j->c.arena, sizeof *k);
    assert_non_null(k);
    *k = *r->in_full;
    r->in_full = k;
    r->mechanism = MECHANISM_NO_STATE;
    k->began_mid_stream = true;
    k->n_segments = 1;
    k->end[SIDE_CLIENT].n_segments = 1;
    k->end[SIDE_CLIENT].saw_ack = true;
    k->end[SIDE_CLIENT].next_seq = old->isn[SIDE_CLIENT] + advance;
    k->end[SIDE_CLIENT].acked = old->isn[SIDE_SERVER] + advance;
}

static bool moved(const struct joint *j, const struct reset *r)
{
    bool answer;
    assert_true(population_port_moved(&j->c, r, &answer));
    return answer;
}

static void a_port_that_moved_is_known_by_its_numbers(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *on, *far, *before, *same_port, *other_host;
    struct connection_record *old = joint_talk(j, "192.0.2.1:1000", "198.51.100.7:80", 1, 90);
    old->isn_known = 3;
    old->isn[SIDE_CLIENT] = UINT32_MAX - 5; /* its numbers wrap */
    old->isn[SIDE_SERVER] = 70000;
    old->n_segments = 10;
    joint_reset(j, "192.0.2.1:2000", "198.51.100.7:80", 5, 5.1, &on);
    joint_reset(j, "192.0.2.1:2001", "198.51.100.7:80", 5, 5.1, &far);
    joint_reset(j, "192.0.2.1:2002", "198.51.100.7:80", 0.5, 0.6, &before);
    joint_reset(j, "192.0.2.1:1000", "198.51.100.7:80", 5, 5.1, &same_port);
    joint_reset(j, "192.0.2.2:2000", "198.51.100.7:80", 5, 5.1, &other_host);
    struct reset *all[] = {on, far, before, same_port, other_host};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        goes_on(j, all[i], old, all[i] == far ? 50000000 : 300);
    joint_settle(j);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(moved(j, all[i]), all[i] == on);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_turned_another_address_away),
        cmocka_unit_test(a_port_was_used_elsewhere),
        cmocka_unit_test(a_synack_answers_the_syn_to_another_server),
        cmocka_unit_test(a_port_that_moved_is_known_by_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
