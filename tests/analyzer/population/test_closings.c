/* SPDX-License-Identifier: Apache-2.0 */
/* When servers ended their connections: by hand for the meaning, by chance against plain loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/population/closings.h"
#include "tests/analyzer/joint.h"

#define S NS_PER_S
#define PORT "198.51.100.7:80"

static bool ask(const struct joint *j, const struct reset *r, struct closing *out)
{
    struct census census;
    assert_true(census_take(&census, &j->c));
    struct closings *s = closings_create(&census);
    assert_non_null(s);
    const bool is = closings_of(s, r, out);
    assert_true(closings_any(s) || !is);
    closings_free(s);
    census_finish(&census);
    return is;
}

static struct closing asked(const struct joint *j, const struct reset *r)
{
    struct closing k = {0};
    assert_true(ask(j, r, &k));
    return k;
}

static bool answers(const struct joint *j, const struct reset *r)
{
    struct closing k;
    return ask(j, r, &k);
}

static void a_process_ends_all_at_once(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_talk(j, "192.0.2.1:1000", PORT, 1, 10)->server_quiet_ms = 4000;
    joint_talk(j, "192.0.2.1:1001", PORT, 5, 10.04)->server_quiet_ms = 20;
    joint_talk(j, "192.0.2.1:1002", PORT, 2, 3)->server_quiet_ms = 1; /* long over */
    joint_talk(j, "192.0.2.1:1003", "198.51.100.7:81", 1, 20);        /* another port */
    joint_reset(j, "192.0.2.1:1004", PORT, 8, 10.01, &r);
    const struct closing k = asked(j, r);
    assert_int_equal(k.n_together, 2);
    assert_int_equal(k.n_left_open, 0);
    assert_int_equal(k.least_idle, S / 50);
    assert_int_equal(k.most_idle, 4 * S);
    joint_free(j);
}

/* A request, its answer and the server's FIN, fifty times a second; one of them is reset. */
static void quick_ones_tell_nothing_of_a_moment(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    char client[32];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(client, sizeof client, "192.0.2.1:%u", 1000 + i);
        joint_talk(j, client, PORT, i * 0.02, i * 0.02 + 0.1)->server_quiet_ms = 1;
    }
    joint_reset(j, "192.0.2.2:1000", PORT, 1, 1.1, &r);
    assert_int_equal(asked(j, r).n_together, 0);
    assert_int_equal(asked(j, r).n_before, 0);
    r = NULL;
    joint_reset(j, "192.0.2.2:1001", PORT, 0.9, 1.1, &r); /* one that lasted */
    assert_int_equal(asked(j, r).n_together, 0);
    joint_free(j);
}

/* They were open when the capture began, which was just before. */
static void those_met_in_their_midst_count(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    for (unsigned i = 0; i < 3; i++) {
        char client[32];
        snprintf(client, sizeof client, "192.0.2.1:%u", 1000 + i);
        struct connection_record *k = joint_talk(j, client, PORT, 9.99, 10);
        k->began_mid_stream = i < 2;
        k->handshake_seen = i == 2;
    }
    joint_reset(j, "192.0.2.2:1000", PORT, 1, 10.01, &r);
    assert_int_equal(asked(j, r).n_together, 2);
    joint_free(j);
}

/* Longer ones that it always ends itself stand beside the moment's. */
static void what_it_ended_shortly_before_is_told(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_talk(j, "192.0.2.1:1000", PORT, 1, 11.9);
    joint_talk(j, "192.0.2.1:1001", PORT, 1, 12); /* too long before */
    joint_talk(j, "192.0.2.1:1002", PORT, 1, 21.9);
    joint_talk(j, "192.0.2.1:1003", PORT, 1, 22);   /* of the moment */
    joint_talk(j, "192.0.2.1:1004", PORT, 1, 22.1); /* after it */
    joint_reset(j, "192.0.2.1:1005", PORT, 1, 22.01, &r);
    const struct closing k = asked(j, r);
    assert_int_equal(k.n_together, 1);
    assert_int_equal(k.n_before, 2);
    joint_free(j);
}

static void a_timer_leaves_the_others(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_talk(j, "192.0.2.1:1000", PORT, 1, 12)->server_quiet_ms = 1000;
    joint_talk(j, "192.0.2.1:1001", PORT, 1, 0)->fin_time[SIDE_SERVER] = INSTANT_NONE; /* open */
    struct connection_record *opening = joint_talk(j, "192.0.2.1:1002", PORT, 9, 12);
    opening->handshake_seen = false;
    joint_reset(j, "192.0.2.1:1003", PORT, 4, 10, &r);
    const struct closing k = asked(j, r);
    assert_int_equal(k.n_together, 0);
    assert_int_equal(k.n_left_open, 2);
    assert_int_equal(k.least_idle, 6 * S); /* it said nothing in all its life */
    assert_int_equal(k.most_idle, 6 * S);
    joint_free(j);
}

static void what_the_client_ended_does_not_count(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r, *by_client;
    joint_talk(j, "192.0.2.1:1000", PORT, 1, 10)->fin_time[SIDE_CLIENT] = JOINT_START + 9 * S;
    struct connection_record *k = joint_reset(j, "192.0.2.1:1001", PORT, 1, 10, &by_client);
    by_client->claimed = SIDE_CLIENT;
    k->saw_rst = 1 << SIDE_CLIENT;
    joint_reset(j, "192.0.2.1:1002", PORT, 1, 10, &r);
    assert_int_equal(asked(j, r).n_together, 0);
    assert_int_equal(asked(j, r).n_left_open, 0);
    assert_false(answers(j, by_client));
    joint_free(j);
}

static void two_places_are_not_added_up(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.1:1000", PORT, 1, 10, &r);
    joint_talk(j, "192.0.2.1:1000", PORT, 1, 10);
    joint_move(j, joint_capture(j, "b.pcap", 0, 100), 0);
    assert_int_equal(asked(j, r).n_together, 0);
    joint_free(j);
}

/* Gives a reset's connection these segments. */
static void keep(struct joint *j, struct reset *r, const struct segment *kept, size_t n)
{
    struct connection *k = arena_copy(&j->c.arena, reset_connection(r), sizeof *k);
    assert_non_null(k);
    k->segments = kept;
    k->n_kept = n;
    r->in_full = k;
}

static void payload_that_crossed_the_end_was_no_talk(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.1:1000", PORT, 1, 10, &r);
    const struct segment kept[] = {
        {.time = JOINT_START + 4 * S, .seq = 100, .payload_len = 10, .from = SIDE_CLIENT},
        {.time = JOINT_START + 9 * S, .seq = 110, .payload_len = 10, .from = SIDE_CLIENT},
        {.time = JOINT_START + 10 * S, .ack = 110, .flags = 0x14, .from = SIDE_SERVER}};
    keep(j, r, kept, sizeof kept / sizeof kept[0]);
    assert_int_equal(asked(j, r).least_idle, 6 * S);
    joint_free(j);
}

static void a_goodbye_was_no_talk(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.1:1000", PORT, 1, 10, &r);
    struct segment kept[] = {
        {.time = JOINT_START + 4 * S, .payload_len = 900, .from = SIDE_SERVER},
        {.time = JOINT_START + 10 * S - S / 100, .payload_len = 31, .from = SIDE_SERVER},
        {.time = JOINT_START + 10 * S, .flags = 0x14, .from = SIDE_SERVER}};
    keep(j, r, kept, sizeof kept / sizeof kept[0]);
    assert_int_equal(asked(j, r).least_idle, 6 * S);
    kept[0].from = SIDE_CLIENT; /* and so it may be the answer */
    assert_int_equal(asked(j, r).least_idle, S / 100);
    joint_free(j);
}

static void an_empty_case_has_no_answer(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct census census;
    struct closing k;
    struct reset *r;
    joint_reset(j, "192.0.2.1:1000", PORT, 1, 10, &r);
    assert_true(census_take(&census, &j->c));
    struct closings *s = closings_create(&census);
    assert_true(closings_of(s, r, &k));
    r->in_full = NULL; /* it never opened */
    assert_false(closings_of(s, r, &k));
    assert_false(closings_of(NULL, r, &k));
    closings_free(s);
    s = closings_create(&census);
    assert_false(closings_any(s));
    closings_free(s);
    census_finish(&census);
    joint_free(j);
    closings_free(NULL);
}

/* --- against plain loops */

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % sides;
}

static void throw_connection(struct joint *j, uint32_t *seed, uint32_t n)
{
    static const char *const servers[] = {PORT, "[2001:db8::7]:80"};
    const char *server = servers[dice(seed, 2)];
    const double opened = dice(seed, 60) * 0.02, ended = opened + dice(seed, 60) * 0.02;
    char client[32];
    snprintf(client, sizeof client, "192.0.2.1:%u", 1000 + n);
    if (dice(seed, 3) == 0) {
        joint_reset(j, client, server, opened, ended, NULL);
        return;
    }
    struct connection_record *k = joint_talk(j, client, server, opened, ended);
    k->server_quiet_ms = dice(seed, 4) ? dice(seed, 50) : UINT32_MAX;
    if (dice(seed, 4) == 0)
        k->fin_time[SIDE_CLIENT] = k->fin_time[SIDE_SERVER] + (int)dice(seed, 3) - 1;
    if (dice(seed, 6) == 0)
        k->fin_time[SIDE_SERVER] = INSTANT_NONE;
}

static instant_ns first_of(instant_ns a, instant_ns b)
{
    return a == INSTANT_NONE || (b != INSTANT_NONE && b < a) ? b : a;
}

static struct closing plain(const struct joint *j, const struct reset *r)
{
    struct closing k = {0};
    const instant_ns t = r->deciding.segment.time, w = CLOSINGS_MOMENT_NS;
    for (size_t i = 0; i < j->c.n_records; i++) {
        const struct connection_record *o = &j->records[i];
        const instant_ns client = o->fin_time[0], server = first_of(o->fin_time[1], o->rst_time);
        const instant_ns over = first_of(client, server);
        if (o->stream == reset_stream(r) || !endpoint_eq(&o->server, reset_end(r, 1)))
            continue;
        const bool by_server =
            server != INSTANT_NONE && !(client != INSTANT_NONE && client < server);
        if (over != INSTANT_NONE && over - o->first_time <= 2 * w)
            continue;
        k.n_together += by_server && joint_size(server - t) <= w;
        k.n_before += by_server && server < t - w && server >= t - w - CLOSINGS_BEFORE_NS;
        k.n_left_open += o->first_time < t - w && (over == INSTANT_NONE || over > t + w);
    }
    return k;
}

static void searches_count_as_loops_do(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct joint *j = joint_create();
        uint32_t chance = seed;
        for (uint32_t i = 0; i < 80; i++)
            throw_connection(j, &chance, i);
        for (size_t i = 0; i < j->c.n_resets; i++) {
            const struct closing got = asked(j, j->c.resets[i]), want = plain(j, j->c.resets[i]);
            assert_int_equal(got.n_together, want.n_together);
            assert_int_equal(got.n_left_open, want.n_left_open);
            assert_int_equal(got.n_before, want.n_before);
        }
        joint_free(j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_ends_all_at_once),
        cmocka_unit_test(quick_ones_tell_nothing_of_a_moment),
        cmocka_unit_test(those_met_in_their_midst_count),
        cmocka_unit_test(what_it_ended_shortly_before_is_told),
        cmocka_unit_test(a_timer_leaves_the_others),
        cmocka_unit_test(what_the_client_ended_does_not_count),
        cmocka_unit_test(two_places_are_not_added_up),
        cmocka_unit_test(payload_that_crossed_the_end_was_no_talk),
        cmocka_unit_test(a_goodbye_was_no_talk),
        cmocka_unit_test(an_empty_case_has_no_answer),
        cmocka_unit_test(searches_count_as_loops_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
