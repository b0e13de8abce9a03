/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a port refused while it accepted others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/population/refusals.h"
#include "tests/analyzer/joint.h"

#define PORT "198.51.100.7:443"

/* A letter is an attempt, a second apart: a lower-case client is refused, an upper-case accepted.
 * The count is asked of the refusal at that place. */
static uint32_t between(const char *attempts, size_t asked)
{
    struct joint *j = joint_create();
    struct reset *wanted = NULL;
    for (size_t i = 0; attempts[i]; i++) {
        const bool refused = attempts[i] >= 'a';
        char client[32];
        snprintf(client, sizeof client, "192.0.2.%u:%u", 1u + (unsigned)(attempts[i] | 32) - 'a',
                 1000 + (unsigned)i);
        struct reset *r;
        if (!refused) {
            joint_talk(j, client, PORT, (double)i, (double)i + 0.5);
            continue;
        }
        struct connection_record *k = joint_reset(j, client, PORT, (double)i, (double)i, &r);
        k->synack_time = INSTANT_NONE;
        k->handshake_seen = false;
        r->mechanism = MECHANISM_REFUSED;
        if (i == asked)
            wanted = r;
    }
    assert_non_null(wanted);
    struct census census;
    assert_true(census_take(&census, &j->c));
    struct refusals *s = refusals_create(&census);
    assert_non_null(s);
    const uint32_t n = refusals_accepted_between(s, wanted);
    refusals_free(s);
    census_finish(&census);
    joint_free(j);
    return n;
}

static void others_are_accepted_between_two_refusals(void **state)
{
    (void)state;
    assert_int_equal(between("aBa", 0), 1);
    assert_int_equal(between("aBa", 2), 1);
    assert_int_equal(between("aBCaBa", 3), 3);
    assert_int_equal(between("AaBaBB", 1), 1); /* served before it was banned */
}

static void a_service_that_is_down_refuses_everybody(void **state)
{
    (void)state;
    assert_int_equal(between("BaaaB", 2), 0);
    assert_int_equal(between("aBab", 0), 0);
    assert_int_equal(between("BaB", 1), 0); /* one refusal says nothing */
    assert_int_equal(between("aAa", 0), 0); /* it came and went, for this client, too */
    assert_int_equal(between("aABa", 0), 0);
}

static void nobody_was_refused(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.1:1000", PORT, 1, 2, &r);
    struct census census;
    assert_true(census_take(&census, &j->c));
    struct refusals *s = refusals_create(&census);
    assert_non_null(s);
    assert_int_equal(refusals_accepted_between(s, r), 0);
    assert_int_equal(refusals_accepted_between(NULL, r), 0);
    refusals_free(s);
    census_finish(&census);
    refusals_free(NULL);
    joint_free(j);
}

/* What is asked of a refusal at 10 s; the case is over then. */
static uint32_t ask(struct joint *j,
                    uint32_t (*question)(const struct refusals *s, const struct reset *r))
{
    struct reset *r;
    struct connection_record *k = joint_reset(j, "192.0.2.1:1001", PORT, 10, 10, &r);
    k->synack_time = INSTANT_NONE;
    k->handshake_seen = false;
    r->mechanism = MECHANISM_REFUSED;
    struct census census;
    assert_true(census_take(&census, &j->c));
    struct refusals *s = refusals_create(&census);
    assert_non_null(s);
    const uint32_t answer = question(s, r);
    refusals_free(s);
    census_finish(&census);
    joint_free(j);
    return answer;
}

static uint32_t held_beside(const struct refusals *s, const struct reset *r)
{
    return refusals_held_beside(s, r);
}

/* Of a refusal at 10 s, beside a connection as the arguments have it. */
static bool held(double opened, double ended, bool server_reset, uint32_t n_segments)
{
    struct joint *j = joint_create();
    struct connection_record *other =
        server_reset ? joint_reset(j, "192.0.2.1:1000", PORT, opened, ended, NULL)
                     : joint_talk(j, "192.0.2.1:1000", PORT, opened, ended);
    other->n_segments = n_segments;
    return ask(j, held_beside);
}

static void a_port_holds_a_connection_while_it_refuses(void **state)
{
    (void)state;
    assert_true(held(5, 15, false, 10));
    assert_false(held(5, 9, false, 10));   /* over before */
    assert_false(held(11, 15, false, 10)); /* begun afterwards */
    assert_false(held(5, 15, true, 10));   /* the server did not know it any more */
    assert_false(held(5, 15, false, 3));   /* it had never been served */
    assert_false(refusals_held_beside(NULL, NULL));
}

/* The silent connections that ended before a refusal at 10 s, beside one as the arguments have it:
 * begun, ended by the server's FIN after so long a silence. */
static uint32_t ended(double opened, double fin, uint32_t quiet_ms)
{
    struct joint *j = joint_create();
    for (int i = 0; i < 3; i++) {
        const instant_ns at = JOINT_START + (instant_ns)((i ? 9.0 : fin) * NS_PER_S);
        struct connection_record *other =
            joint_talk(j, i ? "192.0.2.1:1000" : "192.0.2.2:1002", PORT, i ? 5 : opened, 9.5);
        other->n_segments = 10;
        other->fin_time[SIDE_SERVER] = at;
        other->fin_time[SIDE_CLIENT] = at + 1000;
        other->server_quiet_ms = i ? 3000 : quiet_ms;
    }
    return ask(j, refusals_ended_before);
}

static void a_process_that_stops_ends_what_is_silent(void **state)
{
    (void)state;
    assert_int_equal(ended(4, 9, 2000), 3);
    assert_int_equal(ended(4, 6, 2000), 2); /* another moment */
    assert_int_equal(ended(4, 9.4, 2000), 1);
    assert_int_equal(ended(4, 9.4, 1), 0); /* one was still served after that moment */
    assert_int_equal(ended(9.3, 9.4, 1), 0);
    assert_int_equal(ended(4, 6, UINT32_MAX), 2); /* not known how silent, and long over */
    assert_int_equal(refusals_ended_before(NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_are_accepted_between_two_refusals),
        cmocka_unit_test(a_service_that_is_down_refuses_everybody),
        cmocka_unit_test(nobody_was_refused),
        cmocka_unit_test(a_port_holds_a_connection_while_it_refuses),
        cmocka_unit_test(a_process_that_stops_ends_what_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
