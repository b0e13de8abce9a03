/* SPDX-License-Identifier: Apache-2.0 */
/* Which connections are the two halves of one through a proxy, by their times and places alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/vantage/legs.h"
#include "tests/analyzer/joint.h"

#define CLIENT "192.0.2.33:40001"
#define FRONT "192.0.2.80:80"
#define PROXY "192.0.2.80:50001" /* where it has one address */
#define INSIDE "198.51.100.80:50001"
#define BACK "198.51.100.7:8080"

/* The program at the front threw it away at that time. */
static struct reset *dropped(struct joint *j, double opened, double rst)
{
    struct reset *r;
    joint_reset(j, CLIENT, FRONT, opened, rst, &r);
    r->mechanism = MECHANISM_ABORT_UNREAD;
    return r;
}

/* One more connection, refused a millisecond after its SYN. */
static struct connection_record *refused(struct joint *j, const char *client, const char *server,
                                         double opened)
{
    struct connection_record *r = joint_talk(j, client, server, opened, opened + 0.001);
    r->rst_time = r->last_time;
    r->saw_rst = 1 << SIDE_SERVER;
    r->synack_time = r->fin_time[SIDE_SERVER] = INSTANT_NONE;
    r->handshake_seen = false;
    return r;
}

static bool has_leg(struct joint *j, const struct reset *r, struct leg *leg)
{
    size_t n;
    joint_run(j);
    const struct leg *v = legs_of(r, &n);
    assert_in_range(n, 0, 1);
    *leg = n == 1 ? v[0] : (struct leg){0};
    return n == 1;
}

static void refused_behind(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    const struct reset *r = dropped(j, 10, 10.02);
    refused(j, PROXY, BACK, 10.01);
    struct leg leg;
    assert_true(has_leg(j, r, &leg));
    assert_int_equal(leg.by, LEG_PROXY);
    assert_int_equal(leg.beyond, SIDE_SERVER);
    assert_int_equal(leg.end, LEG_REFUSED);
    assert_int_equal(leg.stream, 1);
    assert_true(leg.sure);
    assert_in_range(leg.lead, 8900000, 9100000);
    joint_free(j);
}

/* Two addresses: the hop counts must be those of the capture's own host, and it is not sure. */
static void two_addresses(void **state)
{
    (void)state;
    for (int far = 0; far < 2; far++) {
        struct joint *j = joint_create();
        const struct reset *r = dropped(j, 10, 10.02);
        refused(j, INSIDE, BACK, 10.01)->ttl[SIDE_CLIENT] = far ? 61 : 64;
        struct leg leg;
        assert_int_equal(has_leg(j, r, &leg), !far);
        assert_false(leg.sure);
        joint_free(j);
    }
}

/* Refused long before the end; a later attempt got through; two services refused; the same client
 * was refused elsewhere; the reset is no owner's. */
static void not_for_that(void **state)
{
    (void)state;
    for (int what = 0; what < 5; what++) {
        struct joint *j = joint_create();
        struct reset *r = dropped(j, 10, what == 0 ? 10.9 : 10.02);
        refused(j, what == 3 ? "192.0.2.33:40002" : PROXY, BACK, 10.01);
        if (what == 1)
            joint_talk(j, "192.0.2.80:50002", BACK, 10.012, 50);
        if (what == 2)
            refused(j, "192.0.2.80:50002", "198.51.100.8:8080", 10.012);
        if (what == 4)
            r->mechanism = MECHANISM_NO_STATE;
        struct leg leg;
        assert_false(has_leg(j, r, &leg));
        joint_free(j);
    }
}

/* That the other side of a NAT was captured, too, says nothing of what stands behind the proxy. */
static void beyond_a_nat_and_a_proxy(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    const struct reset *r = dropped(j, 10, 10.02);
    refused(j, PROXY, BACK, 10.01);
    joint_capture(j, "client.pcap", 0, 100);
    struct connection_record *there = joint_talk(j, "203.0.113.33:61000", FRONT, 10, 10.02);
    there->isn[0] = j->records[0].isn[0];
    there->isn[1] = j->records[0].isn[1];
    joint_move(j, 1, 0);
    joint_run(j);
    size_t n, n_by[2] = {0, 0};
    const struct leg *v = legs_of(r, &n);
    for (size_t i = 0; i < n; i++)
        n_by[v[i].by == LEG_PROXY]++;
    assert_int_equal(n_by[0], 1);
    assert_int_equal(n_by[1], 1);
    joint_free(j);
}

static void never_answered(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    const struct reset *r = dropped(j, 10, 13);
    struct connection_record *y = joint_talk(j, PROXY, BACK, 10.01, 12);
    y->synack_time = y->fin_time[SIDE_SERVER] = INSTANT_NONE;
    y->handshake_seen = false;
    struct leg leg;
    assert_true(has_leg(j, r, &leg));
    assert_int_equal(leg.end, LEG_UNANSWERED);
    assert_int_equal(leg.lead, INSTANT_NONE);
    joint_free(j);
}

/* The proxy closed both in one moment. */
static void ended_together(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    const struct reset *r = dropped(j, 10, 40);
    struct connection_record *y = joint_talk(j, PROXY, BACK, 10.01, 39.99);
    y->fin_time[SIDE_CLIENT] = y->fin_time[SIDE_SERVER];
    y->fin_time[SIDE_SERVER] = INSTANT_NONE;
    struct leg leg;
    assert_true(has_leg(j, r, &leg));
    assert_int_equal(leg.end, LEG_CLOSED_BY_CLIENT);
    assert_int_equal(leg.beyond, SIDE_SERVER);
    assert_in_range(leg.lead, 9900000, 10100000);
    joint_free(j);
}

/* What was reset is the half from the proxy, and its client had left the other. */
static void from_the_proxy(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    struct connection_record *x = joint_talk(j, CLIENT, FRONT, 10, 20);
    x->fin_time[SIDE_CLIENT] = x->fin_time[SIDE_SERVER];
    x->fin_time[SIDE_SERVER] = INSTANT_NONE;
    joint_reset(j, PROXY, BACK, 10.01, 20.001, &r)->saw_rst = 1 << SIDE_CLIENT;
    r->mechanism = MECHANISM_ABORT;
    r->claimed = SIDE_CLIENT;
    struct leg leg;
    assert_true(has_leg(j, r, &leg));
    assert_int_equal(leg.beyond, SIDE_CLIENT);
    assert_int_equal(leg.end, LEG_CLOSED_BY_CLIENT);
    assert_in_range(leg.lead, 900000, 1100000);
    joint_free(j);
}

/* Two may be it; one may be of two; they asked other things.  Without all that it is the one. */
static void more_than_one(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++) {
        struct joint *j = joint_create();
        const struct reset *r = dropped(j, 10, 40);
        joint_talk(j, PROXY, BACK, 10.01, 39.99)->request = 7;
        if (what == 0)
            joint_talk(j, "192.0.2.80:50002", BACK, 10.02, 39.99);
        if (what == 1)
            joint_talk(j, "192.0.2.34:40001", FRONT, 10, 40);
        if (what == 2)
            j->records[0].request = 8;
        struct leg leg;
        assert_int_equal(has_leg(j, r, &leg), what == 3);
        joint_free(j);
    }
}

/* Records that do not stand in order of time, in two captures. */
static void out_of_order(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    joint_capture(j, "b.pcap", 0, 100);
    refused(j, PROXY, BACK, 10.01);
    joint_move(j, 1, 0);
    const struct reset *r = dropped(j, 10, 10.02);
    struct leg leg;
    assert_true(has_leg(j, r, &leg));
    assert_int_equal(leg.end, LEG_REFUSED);
    assert_int_equal(leg.capture, 1);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_behind), cmocka_unit_test(beyond_a_nat_and_a_proxy),
        cmocka_unit_test(two_addresses),  cmocka_unit_test(not_for_that),
        cmocka_unit_test(never_answered), cmocka_unit_test(ended_together),
        cmocka_unit_test(from_the_proxy), cmocka_unit_test(more_than_one),
        cmocka_unit_test(out_of_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
