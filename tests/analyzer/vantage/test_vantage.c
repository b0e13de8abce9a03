/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/vantage/twins.h"
#include "tests/analyzer/joint.h"

#define SERVER "198.51.100.7:80"

/* The newest connection, made again in another capture: same numbers, seen from the other end. */
static struct connection_record *copy_talk(struct joint *j, uint32_t capture, double seconds,
                                           double delay)
{
    struct connection_record *from = &j->records[j->c.n_records - 1];
    struct connection_record *r = &j->records[j->c.n_records++];
    *r = *from;
    if (from->ending == ENDING_RST) {
        struct reset *old = j->resets[j->c.n_resets - 1];
        struct reset *x = arena_copy(&j->c.arena, old, sizeof *x);
        assert_non_null(x);
        x->id = (uint32_t)j->c.n_resets + 1;
        j->resets[j->c.n_resets++] = x;
    }
    joint_move(j, capture, seconds);
    /* what the client sends comes later to the server's end, what the server sends left earlier */
    r->syn_time += (instant_ns)(delay * 1e9);
    r->synack_time -= (instant_ns)(delay * 1e9);
    if (r->fin_time[1] != INSTANT_NONE)
        r->fin_time[1] -= (instant_ns)(delay * 1e9);
    if (r->rst_time != INSTANT_NONE)
        r->rst_time -= (instant_ns)(delay * 1e9);
    r->ttl[0] = 63;
    r->ttl[1] = 64;
    from->ttl[0] = 64;
    from->ttl[1] = 63;
    return r;
}

/* One talk, captured near the client and, with a clock 5 s ahead, near the server; *b: there. */
static struct joint *two_places(uint32_t *b)
{
    struct joint *j = joint_create();
    *b = joint_capture(j, "server.pcap", 5, 105);
    joint_talk(j, "192.0.2.33:40001", SERVER, 10, 11);
    copy_talk(j, *b, 5, 0.004);
    return j;
}

/* The newest reset is not in the capture that has the record. */
static void take_rst_away(struct joint *j, struct connection_record *there)
{
    there->ending = ENDING_OPEN;
    there->rst_time = INSTANT_NONE;
    there->saw_rst = 0;
    j->c.n_resets--;
}

static void test_both_ends(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    uint32_t b = joint_capture(j, "server.pcap", 5, 105);
    struct reset *r;
    for (int i = 0; i < 5; i++) {
        joint_talk(j, "192.0.2.33:40000", SERVER, 10 + i, 10.5 + i);
        copy_talk(j, b, 5, 0.004);
    }
    joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
    ((struct connection *)(uintptr_t)reset_connection(r))->end[1].ttl_max = 63;
    copy_talk(j, b, 5, 0.004);
    ((struct connection *)(uintptr_t)reset_connection(j->resets[1]))->end[1].ttl_max = 64;
    joint_run(j);
    assert_true(j->captures[1].clock_offset_known);
    assert_true(j->captures[1].clock_offset_ns == 5 * NS_PER_S);
    assert_int_equal(j->captures[0].vantage, 1);
    assert_int_equal(j->captures[1].vantage, 2);
    assert_true(r->is_copy_of_other); /* the server sent it, its own capture is nearer */
    assert_false(j->resets[1]->is_copy_of_other);
    assert_int_equal(reset_ties(j->resets[1])->n_seen_in, 1);
    assert_ptr_equal(reset_ties(j->resets[1])->seen_in[0], r);
    assert_int_equal(j->resets[1]->sender, SIDE_SERVER);
    joint_free(j);
}

/* The capture at the server's end holds the connection, but not the RST in the server's name. */
static void test_absent_rst(void **state)
{
    (void)state;
    uint32_t b;
    struct reset *r;
    struct joint *j = two_places(&b);
    joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
    struct connection_record *there = copy_talk(j, b, 5, 0.004);
    take_rst_away(j, there);
    joint_run(j);
    assert_int_equal(r->sender, SIDE_PATH);
    assert_true(r->sender_confidence >= 0.9);
    assert_string_equal(r->reasons[0].what->id, "sender.absent-at-own-end");
    assert_int_equal(reset_ties(r)->n_seen_in, 0);
    joint_free(j);
}

/* The same two captures beside others that share no packet with them: their clocks are measured
 * against each other all the same. */
static void test_absent_rst_beside_others(void **state)
{
    (void)state;
    struct reset *r;
    struct joint *j = joint_create();
    uint32_t a = joint_capture(j, "client.pcap", 0, 100);
    uint32_t b = joint_capture(j, "server.pcap", 5, 105);
    uint32_t last = joint_capture(j, "z.pcap", 0, 100);
    joint_talk(j, "203.0.113.1:1", "203.0.113.2:80", 10, 11);
    joint_talk(j, "203.0.113.1:2", "203.0.113.2:81", 10, 11);
    joint_move(j, last, 0);
    joint_talk(j, "192.0.2.33:40001", SERVER, 10, 11);
    joint_move(j, a, 0);
    copy_talk(j, b, 5, 0.004);
    joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
    joint_move(j, a, 0);
    struct connection_record *there = copy_talk(j, b, 5, 0.004);
    take_rst_away(j, there);
    joint_run(j);
    assert_true(vantage_is_measured(&j->correlation->vantage, a, b));
    assert_false(vantage_is_measured(&j->correlation->vantage, 0, a));
    assert_false(vantage_is_measured(&j->correlation->vantage, last, a));
    assert_true(j->correlation->vantage.shift[b] == 5 * NS_PER_S);
    assert_false(j->captures[b].clock_offset_known); /* against the first capture */
    assert_int_equal(r->sender, SIDE_PATH);
    assert_string_equal(r->reasons[0].what->id, "sender.absent-at-own-end");
    joint_free(j);
}

/* Clocks are measured over captures in between, whichever order they are given in. */
static void test_clocks_in_a_chain(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    uint32_t far = joint_capture(j, "far.pcap", 0, 100);
    uint32_t middle = joint_capture(j, "middle.pcap", 0, 100);
    joint_talk(j, "192.0.2.33:40001", SERVER, 10, 11);
    copy_talk(j, middle, 2, 0.004);
    joint_talk(j, "192.0.2.33:40002", SERVER, 20, 21);
    joint_move(j, far, 5);
    copy_talk(j, middle, -3, -0.004);
    joint_run(j);
    assert_true(j->captures[far].clock_offset_known);
    assert_true(j->captures[middle].clock_offset_ns == 2 * NS_PER_S);
    assert_true(j->captures[far].clock_offset_ns == 5 * NS_PER_S);
    joint_free(j);
}

/* What is seen from three places is compared with the first of them, too, not with its neighbour
 * alone. */
static void test_clocks_of_three(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    uint32_t middle = joint_capture(j, "middle.pcap", 0, 100);
    uint32_t far = joint_capture(j, "far.pcap", 0, 100);
    joint_talk(j, "192.0.2.33:40001", SERVER, 10, 11);
    copy_talk(j, middle, 2, 0.004);
    copy_talk(j, far, 3, 0.004);
    joint_run(j);
    const struct vantage *v = &j->correlation->vantage;
    assert_int_equal(v->n_pairs, 3);
    for (size_t i = 0; i < 3; i++) {
        const bool at_first = v->pairs[i].a == 0 || v->pairs[i].b == 0;
        const bool at_far = v->pairs[i].a == far || v->pairs[i].b == far;
        const instant_ns want = !at_far ? 2 * NS_PER_S : at_first ? 5 * NS_PER_S : 3 * NS_PER_S;
        assert_true(joint_size(v->pairs[i].offset) == want);
    }
    joint_free(j);
}

/* No router between the two captures: hop counts are the same, delays tell who is nearer. */
static void test_one_segment(void **state)
{
    (void)state;
    uint32_t b;
    struct reset *r;
    struct joint *j = two_places(&b);
    joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
    struct connection_record *there = copy_talk(j, b, 5, 0.004);
    for (uint32_t i = 0; i < j->c.n_records; i++)
        j->records[i].ttl[0] = j->records[i].ttl[1] = 64;
    take_rst_away(j, there);
    joint_run(j);
    assert_int_equal(j->captures[1].vantage, 2);
    assert_int_equal(r->sender, SIDE_PATH);
    joint_free(j);
}

/* A host that asks here serves others: what it sends to these never passes the far capture, which
 * proves nothing by not holding it. */
static void test_both_roles(void **state)
{
    (void)state;
    uint32_t b;
    struct reset *r;
    struct joint *j = two_places(&b);
    joint_reset(j, "203.0.113.9:40007", "192.0.2.33:9000", 30, 31, &r);
    for (uint32_t i = 0; i < j->c.n_records; i++)
        j->records[i].ttl[0] = j->records[i].ttl[1] = 64;
    joint_run(j);
    assert_int_equal(j->captures[1].vantage, 2);
    assert_int_not_equal(r->sender, SIDE_PATH);
    joint_free(j);
}

/* Each end got its own forged RST in the other's name: other RSTs vouch for neither, and the event
 * is one. */
static void test_both_forged(void **state)
{
    (void)state;
    uint32_t b;
    struct reset *r;
    struct joint *j = two_places(&b);
    joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
    struct connection_record *there = copy_talk(j, b, 5, 0.004);
    struct reset *x = j->resets[1];
    struct rst *forged = arena_copy(&j->c.arena, x->rsts, sizeof *forged);
    assert_non_null(forged);
    forged->segment.from = SIDE_CLIENT;
    forged->segment.seq = 777;
    x->rsts = forged;
    x->deciding = *forged;
    x->claimed = x->sender = SIDE_CLIENT;
    there->saw_rst = 1 << SIDE_CLIENT;
    joint_run(j);
    assert_int_equal(r->sender, SIDE_PATH);
    assert_int_equal(x->sender, SIDE_PATH);
    assert_true(r->is_copy_of_other != x->is_copy_of_other);
    joint_free(j);
}

/* The same RST behind a NAT that neither capture saw begin on both sides. */
static void test_same_rst(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    uint32_t b = joint_capture(j, "server.pcap", 0, 100);
    struct reset *r;
    joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
    struct connection_record *there = copy_talk(j, b, 0.001, 0);
    assert_true(endpoint_parse(TEXT("203.0.113.4:61000"), &there->client));
    there->isn_known = 0;
    there->began_mid_stream = true;
    there->syn_time = there->synack_time = INSTANT_NONE;
    joint_run(j);
    assert_int_equal(reset_ties(r)->n_seen_in, 1);
    assert_true(r->is_copy_of_other != j->resets[1]->is_copy_of_other);
    joint_free(j);
}

/* The server's capture had ended by then: nothing is proven. */
static void test_capture_too_short(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    uint32_t b = joint_capture(j, "server.pcap", 5, 30);
    struct reset *r;
    joint_talk(j, "192.0.2.33:40001", SERVER, 10, 11);
    copy_talk(j, b, 5, 0.004);
    joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
    joint_run(j);
    assert_int_equal(r->sender, SIDE_SERVER);
    joint_free(j);
}

/* What comes to the client at 31 s has passed the server 100 ms before, and its capture may have
 * begun in between. */
static void test_capture_begun_too_late(void **state)
{
    (void)state;
    const double begun[] = {30.5, 30.89, 30.96};
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
        struct joint *j = joint_create();
        uint32_t b = joint_capture(j, "server.pcap", begun[i] + 5, 105);
        struct reset *r;
        joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
        joint_talk(j, "192.0.2.33:40001", SERVER, 50, 51);
        copy_talk(j, b, 5, 0.1);
        joint_run(j);
        assert_int_equal(r->sender, i == 0 ? SIDE_PATH : SIDE_SERVER);
        joint_free(j);
    }
}

/* Two captures at each end: those of one end are of one place, whichever was named between them. */
static void test_two_of_each_end(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    for (uint32_t i = 1; i < 4; i++)
        joint_capture(j, "another.pcap", 0, 100);
    joint_talk(j, "192.0.2.33:40001", SERVER, 10, 11);
    const struct connection_record client = j->records[0];
    copy_talk(j, 1, 0, 0.004);
    const struct connection_record server = j->records[1];
    j->records[2] = client;
    j->records[2].capture = 2;
    j->records[2].ttl[0] = j->records[0].ttl[0];
    j->records[2].ttl[1] = j->records[0].ttl[1];
    j->records[3] = server;
    j->records[3].capture = 3;
    j->c.n_records = 4;
    joint_run(j);
    assert_int_equal(j->captures[2].vantage, j->captures[0].vantage);
    assert_int_equal(j->captures[3].vantage, j->captures[1].vantage);
    assert_int_not_equal(j->captures[1].vantage, j->captures[0].vantage);
    assert_int_equal(j->c.summary.n_connections, (uint64_t)-2);
    joint_free(j);
}

/* A firewall answered the SYN: the server's capture holds nothing of the attempt. */
static void test_rejected_before(void **state)
{
    (void)state;
    uint32_t b;
    struct reset *r;
    struct joint *j = two_places(&b);
    struct connection_record *x = joint_reset(j, "192.0.2.33:40007", SERVER, 30, 30.001, &r);
    x->ttl[0] = 64;
    x->ttl[1] = 0;
    joint_run(j);
    assert_int_equal(r->sender, SIDE_PATH);
    joint_free(j);
}

/* Behind a NAT the ends are others, the sequence numbers are not; a log at the server names the
 * translated end. */
static void test_across_nat(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    uint32_t b = joint_capture(j, "server.pcap", 0, 100);
    struct reset *r;
    joint_reset(j, "192.0.2.33:40007", "198.51.100.7:22", 30, 31, &r);
    struct connection_record *there = copy_talk(j, b, 0, 0.002);
    assert_true(endpoint_parse(TEXT("203.0.113.4:61000"), &there->client));
    joint_log(j, "auth.log",
              "2026-03-01T12:00:31.001000+00:00 web sshd[1]: Connection reset by 203.0.113.4 port "
              "61000\n");
    joint_run(j);
    assert_int_equal(reset_ties(r)->n_seen_in, 1);
    assert_true(r->is_copy_of_other != j->resets[1]->is_copy_of_other);
    assert_non_null(joint_link(j, r, 0, 1));
    assert_non_null(joint_link(j, j->resets[1], 0, 1));
    assert_int_equal(j->c.n_unmatched, 0);
    joint_free(j);
}

/* Within one capture: two legs of a NAT are one connection, with the hop and the time that the box
 * took between them. */
static void test_legs_in_one_capture(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r;
    joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
    struct connection_record *leg = copy_talk(j, 0, 0.0001, 0);
    struct connection *c = (struct connection *)(uintptr_t)reset_connection(j->resets[1]);
    assert_true(endpoint_parse(TEXT("203.0.113.4:61000"), &leg->client));
    leg->ttl[0] = 62;
    c->end[SIDE_CLIENT].at = leg->client;
    c->stream = leg->stream = 1;
    j->records[0].ttl[0] = 63;
    joint_run(j);
    assert_int_equal(r->is_copy_of_other + j->resets[1]->is_copy_of_other, 1);
    assert_int_equal(reset_ties(r)->n_seen_in, 1);
    joint_free(j);
}

/* Generated traffic may use the same numbers for every connection: they are no copies. */
static void test_same_numbers_throughout(void **state)
{
    (void)state;
    for (int n = 2; n <= 80; n += 39) {
        struct joint *j = joint_create();
        uint32_t b = joint_capture(j, "b.pcap", 0, 100);
        char client[32];
        for (int i = 0; i < 2 * n; i++) { /* the second half in another capture */
            struct reset *r;
            snprintf(client, sizeof client, "192.0.2.%d:%d", 1 + i % n, 40000 + i % n);
            struct connection_record *rec =
                joint_reset(j, client, SERVER, 30 + i % n * 0.001, 31, &r);
            rec->isn[0] = 100, rec->isn[1] = 500;
            joint_move(j, i < n ? 0 : b, 0);
            ((struct rst *)(uintptr_t)j->resets[i]->rsts)->segment.seq = 501;
        }
        joint_run(j);
        size_t n_copies = 0;
        for (int i = 0; i < 2 * n; i++) {
            n_copies += j->resets[i]->is_copy_of_other;
            assert_int_equal(reset_ties(j->resets[i])->n_seen_in, 1);
        }
        assert_int_equal(n_copies, n); /* each is in both captures, and nowhere else */
        joint_free(j);
    }
}

/* One capture took the connection up in the middle and took the server for the client: with the
 * ends turned, the numbers are those of the other side each. */
static void test_same_ends_turned(void **state)
{
    (void)state;
    for (unsigned differs = 0; differs <= 2; differs++) { /* 1 + side whose number is another */
        struct joint *j = joint_create();
        uint32_t b = joint_capture(j, "b.pcap", 0, 100);
        uint32_t talk_of[2] = {0, 1};
        const instant_ns shift[2] = {0, 0};
        joint_talk(j, "192.0.2.33:40001", SERVER, 10, 11);
        struct connection_record *there = copy_talk(j, b, 0, 0);
        const struct connection_record *here = &j->records[0];
        there->client = here->server;
        there->server = here->client;
        there->isn[0] = here->isn[1] + (differs == 1);
        there->isn[1] = here->isn[0] + (differs == 2);
        there->began_mid_stream = true;
        there->syn_time = there->synack_time = INSTANT_NONE;
        assert_true(record_isn_known(there, 0) && record_isn_known(there, 1));
        assert_int_not_equal(here->isn[0], here->isn[1]);
        assert_true(twins_by_ends(&j->c, shift, talk_of));
        assert_int_equal(twins_root(talk_of, 1) == twins_root(talk_of, 0), differs == 0);
        joint_free(j);
    }
}

/* Two captures of one place, one of them with a snapshot length: the whole one is told, whichever
 * end's bytes the other lacks, of its first or its last. */
static void test_more_bytes_shown(void **state)
{
    (void)state;
    for (unsigned side = 0; side < 4; side++) {
        struct joint *j = joint_create();
        uint32_t b = joint_capture(j, "whole.pcap", 0, 100);
        struct reset *r;
        joint_reset(j, "192.0.2.33:40007", SERVER, 30, 31, &r);
        copy_talk(j, b, 0, 0);
        for (size_t i = 0; i < 2; i++)
            j->records[i].ttl[0] = j->records[i].ttl[1] = 64;
        struct connection *c = (struct connection *)(uintptr_t)reset_connection(j->resets[1]);
        struct connection *cut = (struct connection *)(uintptr_t)reset_connection(r);
        for (unsigned i = 0; i < 2; i++)
            cut->end[i].head = cut->end[i].tail = c->end[i].head = c->end[i].tail = TEXT("ab");
        *(side % 2 ? &c->end[side / 2].tail : &c->end[side / 2].head) = TEXT("abcd");
        joint_run(j);
        assert_int_equal(j->captures[0].vantage, j->captures[1].vantage);
        assert_true(r->is_copy_of_other);
        assert_false(j->resets[1]->is_copy_of_other);
        joint_free(j);
    }
}

/* One file after the other, from one place. */
static void test_rotated(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    uint32_t b = joint_capture(j, "a.pcap1", 100, 200);
    joint_talk(j, "192.0.2.33:40001", SERVER, 10, 11);
    joint_talk(j, "192.0.2.33:40002", SERVER, 110, 111);
    joint_move(j, b, 0);
    joint_run(j);
    assert_int_equal(j->captures[0].vantage, 1);
    assert_int_equal(j->captures[1].vantage, 1);
    assert_true(j->captures[0].clock_offset_known);
    assert_false(j->captures[1].clock_offset_known);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends),
        cmocka_unit_test(test_absent_rst),
        cmocka_unit_test(test_absent_rst_beside_others),
        cmocka_unit_test(test_clocks_in_a_chain),
        cmocka_unit_test(test_clocks_of_three),
        cmocka_unit_test(test_same_ends_turned),
        cmocka_unit_test(test_more_bytes_shown),
        cmocka_unit_test(test_capture_too_short),
        cmocka_unit_test(test_capture_begun_too_late),
        cmocka_unit_test(test_two_of_each_end),
        cmocka_unit_test(test_rejected_before),
        cmocka_unit_test(test_legs_in_one_capture),
        cmocka_unit_test(test_same_numbers_throughout),
        cmocka_unit_test(test_across_nat),
        cmocka_unit_test(test_one_segment),
        cmocka_unit_test(test_both_roles),
        cmocka_unit_test(test_both_forged),
        cmocka_unit_test(test_same_rst),
        cmocka_unit_test(test_rotated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
