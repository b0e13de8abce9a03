/* SPDX-License-Identifier: Apache-2.0 */
/* Which connections are legs of one another, and which only look alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/vantage/legs.h"
#include "tests/analyzer/joint.h"

#define ASK "GET /report/2026-03-01 HTTP/1.1\r\nHost: app.example.org\r\n\r\n"

/* A reset connection whose client said that; the capture's host is at both its near ends. */
static struct reset *asked(struct joint *j, const char *client, const char *server, double opened,
                           double rst, const char *words)
{
    struct reset *r;
    joint_reset(j, client, server, opened, rst, &r);
    struct connection *c = (struct connection *)(uintptr_t)reset_connection(r);
    c->end[SIDE_CLIENT].head = text_of(words);
    c->end[SIDE_CLIENT].ttl_max = c->end[SIDE_SERVER].ttl_max = 64;
    return r;
}

static void beyond_a_proxy(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *front = asked(j, "192.0.2.33:40001", "192.0.2.80:80", 10, 12, ASK);
    struct reset *back = asked(j, "198.51.100.80:50001", "198.51.100.7:8080", 10.1, 12.1, ASK);
    size_t n;
    joint_run(j);
    const struct leg *leg = legs_of(front, &n);
    assert_int_equal(n, 1);
    assert_int_equal(leg->by, LEG_PROXY);
    assert_ptr_equal(leg->reset, back);
    assert_int_equal(reset_ties(back)->n_legs, 1);
    assert_ptr_equal(reset_ties(back)->legs[0].reset, front);
    joint_free(j);
}

/* Two clients asked the same of one proxy: nobody knows whose the back connection is. */
static void equal_words_of_several(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *a = asked(j, "192.0.2.33:40001", "192.0.2.80:80", 10, 12, ASK);
    asked(j, "192.0.2.34:40001", "192.0.2.80:80", 10, 12, ASK);
    struct reset *back = asked(j, "198.51.100.80:50001", "198.51.100.7:8080", 10.1, 12.1, ASK);
    joint_run(j);
    assert_int_equal(reset_ties(a)->n_legs, 0);
    assert_int_equal(reset_ties(back)->n_legs, 0);
    joint_free(j);
}

/* The same client twice, the same server twice, too far apart, too few words. */
static void no_proxy(void **state)
{
    (void)state;
    static const struct {
        const char *client, *server;
        double opened, rst;
        const char *words;
    } rows[] = {
        {"192.0.2.33:40002", "198.51.100.7:8080", 10.1, 12.1, ASK},
        {"198.51.100.80:50001", "192.0.2.80:80", 10.1, 12.1, ASK},
        {"198.51.100.80:50001", "198.51.100.7:8080", 10.1, 40, ASK},
        {"198.51.100.80:50001", "198.51.100.7:8080", 13, 14, ASK},
        {"198.51.100.80:50001", "198.51.100.7:8080", 10.1, 12.1, "SSH-2.0-OpenSSH_9.2\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct joint *j = joint_create();
        struct reset *a = asked(j, "192.0.2.33:40001", "192.0.2.80:80", 10, 12, rows[i].words);
        asked(j, rows[i].client, rows[i].server, rows[i].opened, rows[i].rst, rows[i].words);
        joint_run(j);
        assert_int_equal(reset_ties(a)->n_legs, 0);
        joint_free(j);
    }
}

static void beyond_a_nat(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_capture(j, "server.pcap", 0, 100);
    joint_reset(j, "192.0.2.33:40007", "203.0.113.9:443", 30, 31, &r);
    struct connection_record *there =
        joint_talk(j, "198.51.100.1:61000", "198.51.100.7:8443", 30, 31);
    there->isn[0] = j->records[0].isn[0];
    there->isn[1] = j->records[0].isn[1];
    joint_move(j, 1, 0);
    joint_run(j);
    assert_int_equal(reset_ties(r)->n_legs, 1);
    assert_int_equal(reset_ties(r)->legs[0].by, LEG_NAT);
    assert_int_equal(reset_ties(r)->legs[0].capture, 1);
    assert_int_equal(reset_ties(r)->legs[0].server.port, 8443);
    assert_null(reset_ties(r)->legs[0].reset);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beyond_a_proxy),
        cmocka_unit_test(equal_words_of_several),
        cmocka_unit_test(no_proxy),
        cmocka_unit_test(beyond_a_nat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
