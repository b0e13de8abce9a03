/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a port turned against one client alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/population/shunnings.h"
#include "tests/analyzer/joint.h"

#define PORT "198.51.100.7:443"

static struct reset *turned(struct joint *j, const char *client, double t, bool refused)
{
    struct reset *r;
    struct connection_record *k = joint_reset(j, client, PORT, refused ? t : t - 5, t, &r);
    r->mechanism = refused ? MECHANISM_REFUSED : MECHANISM_NO_STATE;
    r->claimed = SIDE_SERVER;
    if (refused) {
        k->synack_time = INSTANT_NONE;
        k->handshake_seen = false;
    }
    return r;
}

static bool ask(struct joint *j, const struct reset *r, struct shunning *out)
{
    struct census census;
    assert_true(census_take(&census, &j->c));
    struct shunnings *s = shunnings_create(&census);
    assert_non_null(s);
    const bool answered = shunnings_of(s, r, out);
    assert_true(shunnings_any(s) || !answered);
    shunnings_free(s);
    census_finish(&census);
    return answered;
}

static void one_client_is_shunned(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct shunning k;
    struct connection_record *other = joint_talk(j, "192.0.2.9:900", PORT, 1, 90);
    other->n_segments = 50;
    struct reset *lost = turned(j, "192.0.2.1:1000", 20, false);
    struct reset *refused = turned(j, "192.0.2.1:1001", 22, true);
    assert_true(ask(j, lost, &k));
    assert_int_equal(k.n_unknown, 1);
    assert_int_equal(k.n_sudden, 0);
    assert_int_equal(k.n_refused, 1);
    assert_int_equal(k.n_others, 0);
    assert_int_equal(k.n_others_held, 1);
    assert_true(ask(j, refused, &k));
    assert_int_equal(k.n_others_held, 1);
    other->saw_rst |= 1 << SIDE_SERVER; /* it was not held after all */
    assert_true(ask(j, refused, &k));
    assert_int_equal(k.n_others_held, 0);
    joint_free(j);
}

/* Other ports of the case, asked about before and after, have rows of their own. */
static void other_ports_do_not_count(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct shunning k;
    for (unsigned i = 0; i < 2; i++) {
        const char *port = i ? "198.51.100.9:443" : "198.51.100.1:443";
        struct reset *r;
        joint_talk(j, "192.0.2.9:901", port, 2, 90)->n_segments = 50;
        joint_talk(j, "192.0.2.9:902", port, 3, 90)->n_segments = 50;
        joint_reset(j, "192.0.2.9:903", port, 4, 90, &r)->n_segments = 50;
        if (i == 0) {
            joint_talk(j, "192.0.2.9:900", PORT, 1, 90)->n_segments = 50;
            turned(j, "192.0.2.1:1000", 20, false);
        }
    }
    struct reset *refused = turned(j, "192.0.2.1:1001", 22, true);
    assert_true(ask(j, refused, &k));
    assert_int_equal(k.n_unknown, 1);
    assert_int_equal(k.n_refused, 1);
    assert_int_equal(k.n_others_held, 1);
    assert_int_equal(k.n_held, 0);
    joint_free(j);
}

/* A host that starts anew was silent for longer. */
static void it_had_spoken_just_before(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct shunning k;
    struct reset *lost = turned(j, "192.0.2.1:1000", 20, false);
    struct reset *refused = turned(j, "192.0.2.1:1001", 22, true);
    struct connection full = *lost->in_full;
    lost->in_full = &full;
    full.end[SIDE_SERVER].last_time = JOINT_START + 19 * NS_PER_S;
    assert_true(ask(j, refused, &k));
    assert_int_equal(k.n_sudden, 1);
    full.end[SIDE_SERVER].last_time = JOINT_START + 18 * NS_PER_S;
    assert_true(ask(j, refused, &k));
    assert_int_equal(k.n_sudden, 0);
    joint_free(j);
}

/* A device that begins to answer in the server's name is told by both of its answers. */
static void a_device_turns_on_a_client(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct shunning k;
    struct reset *cut = turned(j, "192.0.2.1:1000", 20, false);
    struct reset *rejected = turned(j, "192.0.2.1:1001", 22, true);
    cut->mechanism = MECHANISM_INJECTED;
    rejected->mechanism = MECHANISM_REJECTED_IN_PATH;
    assert_true(ask(j, cut, &k));
    assert_int_equal(k.n_unknown, 1);
    assert_int_equal(k.n_refused, 1);
    assert_int_equal(k.n_others, 0);
    assert_true(ask(j, rejected, &k));
    assert_int_equal(k.n_refused, 1);
    cut->claimed = SIDE_CLIENT; /* that end was told of nothing in the server's name */
    assert_false(ask(j, cut, &k));
    joint_free(j);
}

/* A device that has lost its table turns on all that are open; one that dislikes what they say, on
 * one after the other. */
static void they_are_turned_on_together(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct shunning k;
    struct reset *r[3] = {turned(j, "192.0.2.1:1000", 20, false),
                          turned(j, "192.0.2.1:1001", 22, false),
                          turned(j, "192.0.2.1:1002", 30, false)};
    for (size_t i = 0; i < 3; i++) { /* open from 15, 17, 25 */
        j->records[i].n_segments = 9;
        j->records[i].saw_rst |= 1 << SIDE_SERVER;
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(ask(j, r[i], &k));
        assert_int_equal(k.n_unknown, 3);
        assert_int_equal(k.n_together, i < 2);
        assert_int_equal(k.n_held, 0);
    }
    joint_talk(j, "192.0.2.1:1003", PORT, 1, 90)->n_segments = 50;
    joint_talk(j, "192.0.2.9:1003", PORT, 1, 90)->n_segments = 50;
    assert_true(ask(j, r[0], &k));
    assert_int_equal(k.n_held, 1);
    joint_free(j);
}

/* What the capture holds of others ends before the last refusal. */
static void the_capture_ends_with_it(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct shunning k;
    struct connection_record *other = joint_talk(j, "192.0.2.9:900", PORT, 1, 21);
    other->n_segments = 50;
    turned(j, "192.0.2.1:1000", 20, false);
    struct reset *last = turned(j, "192.0.2.1:1001", 22, true);
    assert_true(ask(j, last, &k));
    assert_int_equal(k.n_unknown, 1);
    assert_int_equal(k.n_others_held, 1);
    other->last_time = JOINT_START + 19 * NS_PER_S; /* it had fallen silent before */
    assert_true(ask(j, last, &k));
    assert_int_equal(k.n_others_held, 0);
    joint_free(j);
}

static void others_are_turned_away_too(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct shunning k;
    struct reset *lost = turned(j, "192.0.2.1:1000", 20, false);
    turned(j, "192.0.2.2:1000", 21, true);
    turned(j, "192.0.2.1:1001", 95, true); /* too late to count */
    assert_true(ask(j, lost, &k));
    assert_int_equal(k.n_refused, 0);
    assert_int_equal(k.n_others, 1);
    assert_int_equal(k.n_others_held, 0);
    joint_free(j);
}

static void nothing_was_forgotten(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct shunning k;
    struct reset *r = turned(j, "192.0.2.1:1000", 20, true);
    assert_false(ask(j, r, &k));
    struct census census;
    assert_true(census_take(&census, &j->c));
    struct shunnings *s = shunnings_create(&census);
    assert_false(shunnings_any(s));
    shunnings_free(s);
    census_finish(&census);
    r->mechanism = MECHANISM_ABORT;
    assert_false(ask(j, r, &k));
    assert_false(shunnings_of(NULL, r, &k));
    shunnings_free(NULL);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_client_is_shunned),      cmocka_unit_test(other_ports_do_not_count),
        cmocka_unit_test(it_had_spoken_just_before),  cmocka_unit_test(a_device_turns_on_a_client),
        cmocka_unit_test(the_capture_ends_with_it),   cmocka_unit_test(they_are_turned_on_together),
        cmocka_unit_test(others_are_turned_away_too), cmocka_unit_test(nothing_was_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
