/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of one connection as two captures hold them: at the client, and half-way to the server
 * with its clock 5 s ahead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/vantage/look.h"
#include "tests/analyzer/joint.h"

#define CLIENT "192.0.2.33:40007"
#define SERVER "198.51.100.7:80"
#define AHEAD 5.0

struct row {
    bool here, there; /* at the client, half-way */
    double at;
    enum side from;
    uint16_t flags;
    uint32_t seq, ack, len; /* after the initial numbers 1000 and 5000 */
};

static const struct row talk[] = {
    {true, true, 10.0, SIDE_CLIENT, TCP_SYN, 0, 0, 0},
    {true, true, 10.1, SIDE_SERVER, TCP_SYN | TCP_ACK, 0, 1, 0},
    {true, true, 10.2, SIDE_CLIENT, TCP_ACK, 1, 1, 0},
    {true, true, 10.3, SIDE_CLIENT, TCP_ACK | TCP_PSH, 1, 1, 100},
    {true, true, 10.4, SIDE_SERVER, TCP_ACK, 1, 101, 0},
    {true, true, 10.5, SIDE_SERVER, TCP_ACK | TCP_PSH, 1, 101, 50},
};
static const struct row request = {true, true, 30.0, SIDE_CLIENT, TCP_ACK, 101, 51, 10};
static const struct row rst = {true, true, 30.1, SIDE_SERVER, TCP_RST, 51, 0, 0};

struct scene_of_two {
    struct joint *j;
    struct reset *r;
    struct row rows[16];
    size_t n;
    const char *other_client; /* half-way: whom the RST goes to, or NULL */
    bool moves_request;       /* from whom the request comes as well */
};

static void feed(struct scene_of_two *s, struct look *look, const struct row *row, bool there)
{
    struct endpoint c, v;
    const bool moves = (row->flags & TCP_RST) || (s->moves_request && row->seq == request.seq);
    const char *client = there && s->other_client && moves ? s->other_client : CLIENT;
    assert_true(endpoint_parse(text_of(client), &c));
    assert_true(endpoint_parse(text_of(SERVER), &v));
    const struct endpoint *src = row->from == SIDE_CLIENT ? &c : &v;
    const struct endpoint *dst = row->from == SIDE_CLIENT ? &v : &c;
    uint32_t base[2] = {1000, 5000};
    struct packet p = {.kind = PACKET_TCP,
                       .frame = (uint64_t)(row - s->rows) + 1,
                       .time = JOINT_START + (instant_ns)((row->at + (there ? AHEAD : 0)) * 1e9),
                       .ip_src = src->ip,
                       .ip_dst = dst->ip,
                       .src_port = src->port,
                       .dst_port = dst->port,
                       .seq = base[row->from] + row->seq,
                       .ack = row->flags & TCP_ACK ? base[1 - row->from] + row->ack : 0,
                       .flags = row->flags,
                       .payload_len = row->len};
    look_packet(look, there, there, &p);
}

static bool show(void *ctx, struct look *look)
{
    struct scene_of_two *s = ctx;
    for (size_t i = 0; i < s->n; i++) {
        if (s->rows[i].here)
            feed(s, look, &s->rows[i], false);
        if (s->rows[i].there)
            feed(s, look, &s->rows[i], true);
    }
    return true;
}

static void add(struct scene_of_two *s, struct row row, bool here, bool there)
{
    row.here = here;
    row.there = there;
    s->rows[s->n++] = row;
}

static struct connection_record *both_see(struct joint *j, const char *client, bool is_reset,
                                          struct reset **r)
{
    uint8_t ttl[2][2] = {{64, 62}, {63, 63}};
    struct connection_record *last = NULL;
    for (uint32_t k = 0; k < 2; k++) {
        bool resets = is_reset && k == 0;
        last = resets ? joint_reset(j, client, SERVER, 10, 30.1, r)
                      : joint_talk(j, client, SERVER, 10, 40);
        last->isn[0] = 1000;
        last->isn[1] = 5000;
        last->fin_time[1] = INSTANT_NONE;
        memcpy(last->ttl, ttl[k], 2);
        if (k == 1)
            joint_move(j, 1, AHEAD);
    }
    return last;
}

static void begin(struct scene_of_two *s, size_t n_talk)
{
    *s = (struct scene_of_two){.j = joint_create()};
    joint_capture(s->j, "half-way.pcap", AHEAD, 100 + AHEAD);
    both_see(s->j, CLIENT, true, &s->r);
    struct connection *c = (struct connection *)(uintptr_t)reset_connection(s->r);
    struct segment *g = arena_array(&s->j->c.arena, 2, sizeof *g);
    struct rst *one = (struct rst *)(uintptr_t)s->r->rsts;
    assert_non_null(g);
    one->segment.seq = 5051;
    one->segment.flags = TCP_RST;
    one->segment.frame = 8;
    s->r->deciding = *one;
    s->r->deciding.answers_frame = s->r->trigger_frame = 7;
    g[0] = (struct segment){.frame = 7,
                            .time = JOINT_START + 30 * NS_PER_S,
                            .seq = 1101,
                            .ack = 5051,
                            .payload_len = 10,
                            .flags = TCP_ACK,
                            .from = SIDE_CLIENT};
    g[1] = one->segment;
    c->segments = g;
    c->n_kept = 2;
    for (size_t i = 0; i < sizeof talk / sizeof talk[0]; i++)
        add(s, talk[i], true, i < n_talk);
}

static void run(struct scene_of_two *s)
{
    s->j->config = (struct correlate_config){.look = show, .look_ctx = s};
    joint_run(s->j);
}

static bool says(const struct reset *r, const char *id)
{
    for (size_t i = 0; i < r->n_reasons; i++)
        if (strcmp(r->reasons[i].what->id, id) == 0)
            return true;
    return false;
}

static enum fate fate_at(const struct reset *r, uint32_t capture, uint64_t frame)
{
    for (size_t i = 0; i < reset_ties(r)->n_fates; i++)
        if (reset_ties(r)->fates[i].capture == capture && reset_ties(r)->fates[i].frame == frame)
            return reset_ties(r)->fates[i].fate;
    return FATE_UNKNOWN;
}

static void swallowed_and_forged(void **state)
{
    (void)state;
    struct scene_of_two s;
    begin(&s, 6);
    add(&s, request, true, false);
    add(&s, rst, true, false);
    /* an acknowledgement with the request's numbers is not the request */
    add(&s, (struct row){.at = 20.0, .from = SIDE_CLIENT, TCP_ACK, 101, 51, 0}, true, true);
    run(&s);
    assert_int_equal(fate_at(s.r, 0, 7), FATE_SWALLOWED);
    assert_int_equal(fate_at(s.r, 0, 8), FATE_FORGED);
    assert_int_equal(s.r->sender, SIDE_PATH);
    assert_true(s.r->sender_confidence > 0.9);
    assert_true(says(s.r, "sender.arose-between"));
    assert_true(says(s.r, "sender.trigger-swallowed"));
    joint_free(s.j);
}

/* The request leaves at 30 s and is half-way 100 ms later, when the capture there may have ended.
 */
static void stopped_while_it_was_on_its_way(void **state)
{
    (void)state;
    const double ends[] = {30.09, 30.11, 30.25};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct scene_of_two s;
        begin(&s, 6);
        s.j->captures[1].last = JOINT_START + (instant_ns)((ends[i] + AHEAD) * 1e9);
        s.j->records[1].syn_time += NS_PER_S / 10;
        s.j->records[1].synack_time -= NS_PER_S / 10;
        add(&s, request, true, false);
        add(&s, rst, true, false);
        add(&s, (struct row){.at = 20.0, .from = SIDE_CLIENT, TCP_ACK, 101, 51, 0}, true, true);
        run(&s);
        assert_int_equal(fate_at(s.r, 0, 7), i == 2 ? FATE_SWALLOWED : FATE_UNKNOWN);
        assert_int_equal(says(s.r, "sender.trigger-swallowed"), i == 2);
        joint_free(s.j);
    }
}

/* The segment before a RST that answers nothing is not why it was sent. */
static void swallowed_but_not_answered(void **state)
{
    (void)state;
    struct scene_of_two s;
    begin(&s, 6);
    s.r->deciding.answers_frame = 0;
    add(&s, request, true, false);
    add(&s, rst, true, false);
    add(&s, (struct row){.at = 20.0, .from = SIDE_CLIENT, TCP_ACK, 101, 51, 0}, true, true);
    run(&s);
    assert_int_equal(fate_at(s.r, 0, 7), FATE_SWALLOWED);
    assert_false(says(s.r, "sender.trigger-swallowed"));
    joint_free(s.j);
}

static void passed_through(void **state)
{
    (void)state;
    struct scene_of_two s;
    begin(&s, 6);
    add(&s, request, true, true);
    add(&s, rst, true, true);
    run(&s);
    assert_int_equal(fate_at(s.r, 0, 7), FATE_SEEN);
    assert_int_equal(fate_at(s.r, 0, 8), FATE_SEEN);
    assert_int_equal(s.r->sender, SIDE_SERVER); /* half-way proves no more */
    joint_free(s.j);
}

/* The capture half-way lost packets before: what it lacks may have been there. */
static void a_capture_that_loses(void **state)
{
    (void)state;
    struct scene_of_two s;
    begin(&s, 3);
    add(&s, request, true, false);
    add(&s, rst, true, false);
    run(&s);
    assert_int_equal(reset_ties(s.r)->n_fates, 0);
    assert_int_equal(s.r->sender, SIDE_SERVER);
    joint_free(s.j);
}

/* Four of five and no fewer, and more than one: a single packet that both hold shows no rule. */
static void nearly_all_is_there(void **state)
{
    (void)state;
    static const struct {
        size_t n_talk, n_held;
        bool tells;
    } of[] = {{4, 3, true}, {5, 3, false}, {1, 1, true}, {0, 0, false}}; /* before the last one */
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct scene_of_two s;
        begin(&s, of[i].n_held);
        s.n = of[i].n_talk;
        add(&s, (struct row){.at = 20.0, .from = SIDE_CLIENT, TCP_ACK, 101, 51, 0}, true, true);
        add(&s, request, true, false);
        add(&s, rst, true, false);
        run(&s);
        print_message("  %zu of %zu\n", of[i].n_held, of[i].n_talk);
        assert_int_equal(fate_at(s.r, 0, s.n - 1) == FATE_SWALLOWED, of[i].tells);
        joint_free(s.j);
    }
}

static const struct loss a_tenth = {.n_held = 900, .n_missed = 100};

/* All of this connection's packets are there, but a tenth of all others is not. */
static void a_capture_that_loses_elsewhere(void **state)
{
    (void)state;
    struct scene_of_two s;
    begin(&s, 6);
    s.j->c.captures[1].loss = a_tenth;
    add(&s, request, true, false);
    add(&s, rst, true, false);
    run(&s);
    assert_int_equal(reset_ties(s.r)->n_fates, 0);
    assert_int_equal(s.r->sender, SIDE_SERVER);
    joint_free(s.j);
}

/* A NAT let the RST through under another client's name. */
static void under_other_ends(void **state)
{
    (void)state;
    struct scene_of_two s;
    begin(&s, 6);
    s.other_client = "203.0.113.4:61000";
    add(&s, request, true, true);
    add(&s, rst, true, true);
    run(&s);
    assert_int_equal(fate_at(s.r, 0, 8), FATE_UNKNOWN);
    assert_int_equal(s.r->sender, SIDE_SERVER);
    joint_free(s.j);
}

/* What the RST answers went on under other ends, too: it was not swallowed. */
static void answered_under_other_ends(void **state)
{
    (void)state;
    struct scene_of_two s;
    begin(&s, 6);
    s.other_client = "203.0.113.4:61000";
    s.moves_request = true;
    add(&s, request, true, true);
    add(&s, rst, true, true);
    add(&s, (struct row){.at = 20.0, .from = SIDE_CLIENT, TCP_ACK, 101, 51, 0}, true, true);
    run(&s);
    assert_int_equal(fate_at(s.r, 0, 7), FATE_UNKNOWN);
    assert_false(says(s.r, "sender.trigger-swallowed"));
    assert_int_equal(s.r->sender, SIDE_SERVER);
    joint_free(s.j);
}

/* Offload joined two segments at the client's end. */
static void joined_segments(void **state)
{
    (void)state;
    struct scene_of_two s;
    begin(&s, 6);
    struct row part = request;
    add(&s, request, true, false);
    part.len = 4;
    add(&s, part, false, true);
    part.seq += 4;
    part.len = 6;
    add(&s, part, false, true);
    add(&s, rst, true, true);
    run(&s);
    assert_int_equal(fate_at(s.r, 0, 7), FATE_SEEN);
    assert_int_equal(s.r->sender, SIDE_SERVER);
    joint_free(s.j);
}

/* A RST half-way that never reached the client, and none at the client's own; which counts only
 * where the client's capture loses nothing. */
static enum fate of_second_reset(struct loss at_client)
{
    struct scene_of_two s;
    begin(&s, 6);
    s.j->c.captures[0].loss = at_client;
    add(&s, request, true, true);
    add(&s, rst, true, true);
    struct row second = rst;
    second.seq += 9;
    second.at += 0.2;
    add(&s, second, false, true);
    run(&s);
    const enum fate fate = fate_at(s.r, 1, 9);
    joint_free(s.j);
    return fate;
}

static void swallowed_reset(void **state)
{
    (void)state;
    assert_int_equal(of_second_reset((struct loss){0}), FATE_SWALLOWED);
    assert_int_equal(of_second_reset(a_tenth), FATE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swallowed_and_forged),
        cmocka_unit_test(swallowed_but_not_answered),
        cmocka_unit_test(stopped_while_it_was_on_its_way),
        cmocka_unit_test(passed_through),
        cmocka_unit_test(a_capture_that_loses),
        cmocka_unit_test(nearly_all_is_there),
        cmocka_unit_test(a_capture_that_loses_elsewhere),
        cmocka_unit_test(answered_under_other_ends),
        cmocka_unit_test(under_other_ends),
        cmocka_unit_test(joined_segments),
        cmocka_unit_test(swallowed_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
