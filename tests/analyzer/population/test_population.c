/* SPDX-License-Identifier: Apache-2.0 */
/* What other connections testify: by hand for the meaning, and by chance against plain loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/population/alike.h"
#include "analyzer/population/population.h"
#include "analyzer/record/times.h"
#include "tests/analyzer/joint.h"

#define S NS_PER_S

/* A reset that is none of the case, between these ends. */
static struct reset *stranger(struct joint *j, const char *client, const char *server)
{
    struct reset *r = arena_alloc(&j->c.arena, sizeof *r);
    struct connection *c = arena_alloc(&j->c.arena, sizeof *c);
    assert_true(r && c && endpoint_parse(text_of(client), &c->end[SIDE_CLIENT].at) &&
                endpoint_parse(text_of(server), &c->end[SIDE_SERVER].at));
    r->in_full = c;
    return r;
}

static void a_server_is_counted_by_what_it_answered(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_talk(j, "192.0.2.1:1000", "198.51.100.7:80", 1, 2);
    joint_talk(j, "192.0.2.1:1001", "198.51.100.7:80", 5, 6);
    struct connection_record *refused =
        joint_reset(j, "192.0.2.1:1002", "198.51.100.7:80", 10, 10.001, &r);
    refused->synack_time = INSTANT_NONE;
    refused->handshake_seen = false;
    refused->rst_time = JOINT_START + 10 * S;
    refused->saw_rst |= 1 << SIDE_SERVER;
    struct connection_record *silent = joint_talk(j, "192.0.2.1:1003", "198.51.100.7:80", 12, 13);
    silent->synack_time = INSTANT_NONE;
    silent->handshake_seen = false;
    struct connection_record *acked = joint_talk(j, "192.0.2.1:1004", "198.51.100.7:80", 14, 15);
    acked->synack_time = INSTANT_NONE; /* it was not captured, but the client's ACK of it was */
    struct connection_record *behind = joint_talk(j, "192.0.2.1:1005", "198.51.100.7:80", 16, 17);
    behind->synack_shut = true; /* a SYN proxy's, and then the server's own refusal */
    behind->n_segments = 4;
    behind->rst_time = JOINT_START + 17 * S;
    behind->saw_rst |= 1 << SIDE_SERVER;
    joint_settle(j);
    const struct server_stats *s = population_server(&j->c, r);
    assert_int_equal(s->n_attempts, 6);
    assert_int_equal(s->n_accepted, 3);
    assert_int_equal(s->n_refused, 2);
    assert_int_equal(s->n_unanswered, 1);
    assert_true(s->first_accepted == JOINT_START + 1 * S &&
                s->last_accepted == JOINT_START + 14 * S);
    assert_true(s->first_refused == JOINT_START + 10 * S);
    const struct reset *same = stranger(j, "192.0.2.9:1", "198.51.100.7:80");
    assert_ptr_equal(population_server(&j->c, same), s);
    const struct reset *other = stranger(j, "192.0.2.1:1", "198.51.100.7:81");
    assert_int_equal(population_server(&j->c, other)->n_attempts, 0);
    assert_true(population_server(&j->c, other)->first_accepted == INSTANT_NONE);
    joint_free(j);
}

static void a_client_is_counted_by_what_served_it(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_talk(j, "192.0.2.9:1000", "198.51.100.7:80", 1, 2);
    joint_talk(j, "192.0.2.9:1001", "198.51.100.7:81", 1, 2)->n_segments = 3;
    joint_talk(j, "192.0.2.9:1002", "198.51.100.7:81", 3, 4)->n_segments = 3;
    joint_reset(j, "192.0.2.9:1003", "198.51.100.8:81", 3, 4, &r)->n_segments = 3;
    joint_settle(j);
    const struct client_stats *s = population_client(&j->c, r);
    assert_int_equal(s->n_attempts, 4);
    assert_int_equal(s->n_targets, 3);
    assert_int_equal(s->n_dead_targets, 2);
    assert_int_equal(
        population_client(&j->c, stranger(j, "192.0.2.8:1", "198.51.100.7:80"))->n_targets, 0);
    joint_free(j);
}

/* Both captures hold both connections: there is one beside each. */
static void a_connection_that_two_places_saw_is_one(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[2];
    const uint32_t other = joint_capture(j, "b.pcap", 0, 100);
    for (size_t i = 0; i < 2; i++) {
        joint_talk(j, "192.0.2.1:1000", "198.51.100.7:80", 1, 9)->n_segments = 9;
        if (i > 0)
            joint_move(j, other, 0.001);
        joint_reset(j, "192.0.2.1:1001", "198.51.100.7:80", 2, 5, &r[i])->n_segments = 9;
        if (i > 0)
            joint_move(j, other, 0.001);
    }
    joint_settle(j);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(population_live_beside(&j->c, r[i]), 1);
    joint_free(j);
}

/* Two captures hold one that was accepted, one refused, one whose answer the first has not, and one
 * behind a NAT: each is one attempt, and each address behind or before the NAT made its own. */
static void an_attempt_counts_once(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r[2];
    const uint32_t other = joint_capture(j, "b.pcap", 0, 100);
    const char *const nat[] = {"192.0.2.1:1003", "203.0.113.5:61003"};
    for (uint32_t i = 0; i < 8; i++) {
        struct connection_record *k;
        char client[32];
        snprintf(client, sizeof client, "192.0.2.1:%u", 1000 + i / 2);
        if (i / 2 == 3)
            k = joint_reset(j, nat[i % 2], "198.51.100.7:80", 20, 21, &r[i % 2]);
        else
            k = joint_talk(j, client, "198.51.100.7:80", 1 + i / 2, 5);
        k->isn[0] = 100 + i / 2;
        k->isn[1] = 500 + i / 2;
        if (i / 2 == 1 || i == 4) {
            k->synack_time = INSTANT_NONE;
            k->handshake_seen = false;
        }
        if (i / 2 == 1)
            k->saw_rst |= 1 << SIDE_SERVER;
        if (i % 2)
            joint_move(j, other, 0.001);
    }
    joint_run(j);
    joint_settle(j);
    const struct server_stats *s = population_server(&j->c, r[0]);
    assert_int_equal(s->n_attempts, 4);
    assert_int_equal(s->n_accepted, 3);
    assert_int_equal(s->n_refused, 1);
    assert_int_equal(s->n_unanswered, 1);
    assert_int_equal(population_attempts(&j->c, r[0], 0, INT64_MAX), 4);
    assert_int_equal(population_client(&j->c, r[0])->n_attempts, 4);
    assert_int_equal(population_client(&j->c, r[1])->n_attempts, 1);
    joint_free(j);
}

static void an_empty_case_has_answers(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    bool elsewhere = true;
    const struct reset *r = stranger(j, "192.0.2.8:1", "198.51.100.7:80");
    assert_int_equal(population_attempts(&j->c, r, 0, INT64_MAX), 0);
    joint_settle(j);
    assert_int_equal(population_attempts(&j->c, r, 0, INT64_MAX), 0);
    assert_int_equal(population_server(&j->c, r)->n_accepted, 0);
    assert_int_equal(population_client(&j->c, r)->n_attempts, 0);
    assert_true(population_port_elsewhere(&j->c, r, &elsewhere));
    assert_false(elsewhere);
    bool moved = true;
    assert_true(population_port_moved(&j->c, r, &moved));
    assert_false(moved);
    joint_free(j);
    population_free(NULL);
    alike_free(NULL);
}

static void resets_are_alike(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *a, *b, *far, *elsewhere, *copy, *by_client;
    joint_reset(j, "192.0.2.1:1000", "198.51.100.7:80", 1, 10, &a);
    joint_reset(j, "192.0.2.1:1001", "198.51.100.7:80", 1, 10.1, &b);
    joint_reset(j, "192.0.2.1:1002", "198.51.100.7:80", 1, 10.2, &far);
    joint_reset(j, "192.0.2.1:1003", "198.51.100.8:80", 1, 10, &elsewhere);
    joint_reset(j, "192.0.2.1:1004", "198.51.100.7:80", 1, 10, &copy);
    copy->is_copy_of_other = true;
    joint_reset(j, "192.0.2.1:1005", "198.51.100.7:80", 1, 10, &by_client);
    by_client->claimed = SIDE_CLIENT;
    by_client->idle_before_ns = INSTANT_NONE;
    a->idle_before_ns = 100 * S;
    b->idle_before_ns = 102 * S;
    far->idle_before_ns = 103 * S;
    elsewhere->idle_before_ns = INSTANT_NONE;
    copy->idle_before_ns = 100 * S;
    joint_settle(j);
    assert_int_equal(population_same_instant(&j->c, a, S / 10), 1); /* b, at the very edge */
    assert_int_equal(population_same_instant(&j->c, b, S / 10), 2);
    assert_int_equal(population_same_instant(&j->c, copy, S / 10), 2);
    assert_int_equal(population_same_instant(&j->c, elsewhere, S / 10), 0);
    assert_int_equal(population_same_instant(&j->c, by_client, S / 10), 0);
    assert_int_equal(population_same_idle(&j->c, a), 1);
    assert_int_equal(population_same_idle(&j->c, b), 2);
    assert_int_equal(population_same_idle(&j->c, elsewhere), 0);
    assert_int_equal(population_same_bytes(&j->c, a), 0); /* none had any */
    joint_free(j);
}

/* --- against plain loops */

#define N_RANDOM 60 /* below what joint can hold */

static uint32_t plain_instant(const struct joint *j, const struct reset *r, instant_ns within)
{
    uint32_t n = 0;
    for (size_t i = 0; i < j->c.n_resets; i++) {
        const struct reset *o = j->c.resets[i];
        instant_ns apart = llabs(o->deciding.segment.time - r->deciding.segment.time);
        n += !o->is_copy_of_other && reset_stream(o) != reset_stream(r) && apart <= within &&
             endpoint_eq(reset_end(o, 1), reset_end(r, 1)) && o->claimed == r->claimed;
    }
    return n;
}

static uint32_t plain_bytes(const struct joint *j, const struct reset *r)
{
    const struct end *a = reset_connection(r)->end;
    uint32_t n = 0;
    for (size_t i = 0; i < j->c.n_resets; i++) {
        const struct reset *o = j->c.resets[i];
        const struct end *b = reset_connection(o)->end;
        n += !o->is_copy_of_other && reset_stream(o) != reset_stream(r) &&
             endpoint_eq(&a[1].at, &b[1].at) && a[0].bytes == b[0].bytes &&
             a[1].bytes == b[1].bytes && a[0].bytes + a[1].bytes > 0;
    }
    return n;
}

static uint32_t plain_idle(const struct joint *j, const struct reset *r)
{
    instant_ns mine = r->idle_before_ns, slack = mine / 50 > S / 2 ? mine / 50 : S / 2;
    uint32_t n = 0;
    for (size_t i = 0; i < j->c.n_resets && mine >= 2 * S; i++) {
        const struct reset *o = j->c.resets[i];
        n += !o->is_copy_of_other && reset_stream(o) != reset_stream(r) &&
             o->idle_before_ns != INSTANT_NONE && llabs(o->idle_before_ns - mine) <= slack;
    }
    return n;
}

static uint32_t plain_beside(const struct joint *j, const struct reset *r)
{
    instant_ns t = r->deciding.segment.time;
    uint32_t n = 0;
    for (size_t i = 0; i < j->c.n_records; i++) {
        const struct connection_record *o = &j->records[i];
        n += o->stream != reset_stream(r) && o->first_time <= t && o->last_time >= t &&
             o->n_segments > 5 && endpoint_eq(&o->server, reset_end(r, 1));
    }
    return n;
}

static uint32_t plain_attempts(const struct joint *j, const struct endpoint *e, instant_ns from,
                               instant_ns to)
{
    uint32_t n = 0;
    for (size_t i = 0; i < j->c.n_records; i++) {
        const struct connection_record *o = &j->records[i];
        n += endpoint_eq(&o->server, e) && o->first_time >= from && o->first_time <= to &&
             o->syn_time != INSTANT_NONE;
    }
    return n;
}

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % sides;
}

static void throw_connection(struct joint *j, uint32_t *seed)
{
    static const char *const servers[] = {"198.51.100.7:80", "198.51.100.7:81", "[2001:db8::7]:80"};
    const char *server = servers[dice(seed, 3)];
    double opened = dice(seed, 40) * 0.05, ended = opened + dice(seed, 40) * 0.05;
    struct reset *r = NULL;
    struct connection_record *k;
    if (dice(seed, 2))
        k = joint_reset(j, "192.0.2.1:1000", server, opened, ended, &r);
    else
        k = joint_talk(j, "192.0.2.1:1001", server, opened, ended);
    k->n_segments = 4 + dice(seed, 4);
    if (dice(seed, 4) == 0)
        k->synack_time = INSTANT_NONE;
    if (dice(seed, 6) == 0)
        k->syn_time = INSTANT_NONE;
    if (!r)
        return;
    r->claimed = dice(seed, 3) ? SIDE_SERVER : SIDE_CLIENT;
    struct connection *c = arena_copy(&j->c.arena, reset_connection(r), sizeof *c);
    assert_non_null(c);
    c->end[0].bytes = dice(seed, 2);
    c->end[1].bytes = dice(seed, 3);
    r->in_full = c;
    r->is_copy_of_other = dice(seed, 5) == 0;
    r->idle_before_ns = dice(seed, 4) ? (instant_ns)dice(seed, 12) * S / 2 : INSTANT_NONE;
}

static void compare_all(const struct joint *j)
{
    for (size_t i = 0; i < j->c.n_resets; i++) {
        const struct reset *r = j->c.resets[i];
        const struct endpoint *server = reset_end(r, 1);
        instant_ns t = r->deciding.segment.time;
        assert_int_equal(population_same_instant(&j->c, r, S / 10), plain_instant(j, r, S / 10));
        assert_int_equal(population_same_bytes(&j->c, r), plain_bytes(j, r));
        assert_int_equal(population_same_idle(&j->c, r), plain_idle(j, r));
        assert_int_equal(population_live_beside(&j->c, r), plain_beside(j, r));
        assert_int_equal(population_attempts(&j->c, r, t - S / 4, t + S / 4),
                         plain_attempts(j, server, t - S / 4, t + S / 4));
    }
}

static int by_time(const void *a, const void *b)
{
    const struct reset *const *x = a, *const *y = b;
    const instant_ns s = (*x)->deciding.segment.time, t = (*y)->deciding.segment.time;
    return (s > t) - (s < t);
}

/* As a real case has them: in order of time, and numbered so. */
static void put_in_order(struct joint *j)
{
    qsort(j->resets, j->c.n_resets, sizeof(struct reset *), by_time);
    for (size_t i = 0; i < j->c.n_resets; i++)
        j->resets[i]->id = (uint32_t)i + 1;
}

static void searches_count_as_loops_do(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 100; seed++) {
        struct joint *j = joint_create();
        uint32_t chance = seed;
        size_t n = N_RANDOM < JOINT_MAX ? N_RANDOM : JOINT_MAX;
        for (size_t i = 0; i < n; i++)
            throw_connection(j, &chance);
        if (seed % 2)
            put_in_order(j);
        joint_settle(j);
        compare_all(j);
        joint_free(j);
    }
}

/* From any place one may begin at. */
static void a_search_goes_on_from_anywhere(void **state)
{
    (void)state;
    uint32_t chance = 5;
    for (size_t n = 0; n < 40; n++) {
        instant_ns v[40] = {0};
        for (size_t i = 1; i < n; i++)
            v[i] = v[i - 1] + dice(&chance, 3);
        for (instant_ns t = -1; t < 2 + (n ? v[n - 1] : 0); t++)
            for (uint32_t hint = 0; hint < n + 3; hint++)
                for (int at = 0; at < 2; at++) {
                    uint32_t moved = hint;
                    size_t plain = 0;
                    while (plain < n && (v[plain] < t || (at && v[plain] == t)))
                        plain++;
                    assert_int_equal(times_before(v, n, t, at, &moved), plain);
                    assert_int_equal(moved, plain);
                }
    }
}

/* An end of which nothing was captured, unless another connection shows that captures hold it. */
static void an_end_that_others_show_is_heard(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    struct connection_record *own = joint_reset(j, "192.0.2.1:1000", "198.51.100.7:80", 1, 2, &r);
    struct connection *k = arena_copy(&j->c.arena, r->in_full, sizeof *k);
    assert_non_null(k);
    k->end[SIDE_SERVER].n_segments = 3;
    k->end[SIDE_SERVER].saw_ack = true;
    r->in_full = k;
    own->syn_time = INSTANT_NONE; /* the client's frames took another way */
    joint_settle(j);
    assert_int_equal(population_unheard(&j->c, r), 1U << SIDE_CLIENT);
    joint_talk(j, "192.0.2.1:1001", "198.51.100.8:80", 3, 4);
    joint_settle(j);
    assert_int_equal(population_unheard(&j->c, r), 0);
    k->end[SIDE_CLIENT].n_segments = 1;
    assert_int_equal(population_unheard(&j->c, r), 0);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_counted_by_what_it_answered),
        cmocka_unit_test(a_client_is_counted_by_what_served_it),
        cmocka_unit_test(a_search_goes_on_from_anywhere),
        cmocka_unit_test(a_connection_that_two_places_saw_is_one),
        cmocka_unit_test(an_attempt_counts_once),
        cmocka_unit_test(an_empty_case_has_answers),
        cmocka_unit_test(resets_are_alike),
        cmocka_unit_test(searches_count_as_loops_do),
        cmocka_unit_test(an_end_that_others_show_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
