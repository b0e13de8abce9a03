/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker as a whole: every RST accounted for once, second sights set aside, attempts that
 * fail, memory held, numbers kept, records written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/analyzer/script.h"
#include "tests/analyzer/track/talk.h"

static void second_sights(void **state)
{
    (void)state;
    struct script s =
        script_run("+0us c S 100 0 ttl=64 id=9\n+9us c S 100 0 ttl=63 id=9\n"
                   "+10ms s SA 500 101\n+9us s SA 500 101 ttl=63\n"
                   "+1ms c A 101 501 id=10\n+9us c A 101 501 ttl=63 id=10\n"
                   "+1ms c PA 101 501 len=9 id=11\n+9us c PA 101 501 len=9 ttl=63 id=11\n"
                   "+10ms s RA 501 110 id=70\n+9us s RA 501 110 id=70 ttl=63\n");
    assert_int_equal(s.resets.n, 1);
    assert_int_equal(s.resets.v[0]->n_rsts, 1);
    const struct connection *c = reset_connection(s.resets.v[0]);
    assert_int_equal(c->n_segments, 5);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_duplicates, 3);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_retransmissions, 0);
    struct tracker_skips skips = tracker_rst_skipped(s.tracker);
    assert_int_equal(skips.n, 1);
    assert_int_equal(skips.v[0].frame, 10);
    assert_int_equal(skips.v[0].same_as, 9);
    assert_string_equal(skips.v[0].reason, "duplicate-capture");
    script_end(&s);
}

/* A mirror that gives every packet twice, alike in all, of a connection that has no IP ID: the
 * handshake tells, as no sender repeats a SYN after microseconds, and it holds to the end. */
static void mirrored_without_ip_id(void **state)
{
    (void)state;
    const unsigned n_data = 1000;
    char lines[128];
    struct script s = script_begin(NULL);
    script_lines(&s, "+0us c S 100 0 label=7\n+4us c S 100 0 label=7\n"
                     "+1ms s SA 500 101 label=9\n+4us s SA 500 101 label=9\n"
                     "+1ms c A 101 501 label=7\n+4us c A 101 501 label=7\n");
    for (unsigned i = 0; i < n_data; i++) {
        const unsigned seq = 101 + 9 * i;
        snprintf(lines, sizeof lines,
                 "+1ms c PA %u 501 len=9 label=7\n+4us c PA %u 501 len=9 label=7\n", seq, seq);
        script_lines(&s, lines);
    }
    script_lines(&s, "+1ms s R 501 0 label=9\n+4us s R 501 0 label=9\n");
    script_finish(&s);
    assert_int_equal(s.resets.n, 1);
    const struct connection *c = reset_connection(s.resets.v[0]);
    assert_int_equal(s.resets.v[0]->n_rsts, 1);
    assert_int_equal(c->n_segments, n_data + 4);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_duplicates, n_data + 2);
    assert_int_equal(end_trouble(&c->end[SIDE_CLIENT])->n_retransmissions, 0);
    script_end(&s);
}

static void tagged_and_untagged(void **state)
{
    (void)state;
    struct script s = script_run(OPEN "+1ms c PA 101 501 len=9 id=7\n"
                                      "+2us c PA 101 501 len=9 id=7 vlan=12\n"
                                      "+10ms s R 501 0\n+2us s R 501 0 vlan=12\n");
    assert_int_equal(s.resets.v[0]->n_rsts, 1);
    assert_int_equal(tracker_rst_skipped(s.tracker).n, 1);
    script_end(&s);
}

/* A stream that only an ICMP error quotes has a number, and leaves no gap among the records. */
static void a_stream_without_record(void **state)
{
    (void)state;
    const struct tracker_config config = {.keep_records = true};
    struct script s = script_begin(&config);
    struct packet p = {.kind = PACKET_ICMP_ERROR, .icmp = {.has_flags = true, .flags = TCP_SYN}};
    assert_true(endpoint_parse(TEXT("192.0.2.1:50002"), &p.icmp.src));
    assert_true(endpoint_parse(TEXT("198.51.100.7:80"), &p.icmp.dst));
    script_lines(&s, "+0us c S 5 0 cport=50001\n");
    script_packet(&s, &p);
    script_lines(&s, "+1us c S 9 0 cport=50003\n");
    script_finish(&s);
    const struct tracker_records records = tracker_connections(s.tracker);
    assert_int_equal(records.n, 2);
    assert_int_equal(records.v[0].stream, 0);
    assert_int_equal(records.v[1].stream, 2);
    script_end(&s);
}

static void equal_bare_resets_are_two(void **state)
{
    (void)state;
    struct script s = script_run(TALK "+1s s FA 701 151\n+1ms c PA 151 701 len=9\n"
                                      "+5us c PA 160 701 len=9\n+10ms s R 701 0\n+5us s R 701 0\n");
    assert_int_equal(s.resets.v[0]->n_rsts, 2);
    assert_int_equal(tracker_rst_skipped(s.tracker).n, 0);
    script_end(&s);
}

static void a_failed_attempt_is_not_the_end(void **state)
{
    (void)state;
    struct script s = script_run(TALK "+1s s R 5000 0 ttl=90 id=77\n+1us c A 151 701\n"
                                      "+1ms c PA 151 701 len=10\n+10ms s PA 701 161 len=10\n"
                                      "+1ms c A 161 711\n+1s s PA 711 161 len=5\n"
                                      "+1ms c A 161 716\n");
    struct tracker_resets tries = tracker_attempts(s.tracker);
    assert_int_equal(s.resets.n, 0);
    assert_int_equal(tries.n, 1);
    assert_false(tries.v[0]->killed);
    assert_string_equal(side_name(tries.v[0]->sender), "path");
    assert_string_equal(mechanism_name(tries.v[0]->mechanism), "injected");
    assert_int_equal(tracker_counts(s.tracker)->n_reset_connections, 0);
    assert_string_equal(tracker_rst_skipped(s.tracker).v[0].reason, "connection-lived-on");
    assert_int_equal(tracker_connections(s.tracker).v[0].ending, ENDING_UNUSED);
    script_end(&s);
}

static void a_later_kill_decides(void **state)
{
    (void)state;
    struct script s = script_run(TALK "+1s s R 5000 0 ttl=90 id=77\n+1us c A 151 701\n"
                                      "+1ms c PA 151 701 len=10\n+10ms s PA 701 161 len=10\n"
                                      "+1ms c A 161 711\n+60s s RA 711 161\n");
    assert_int_equal(s.resets.n, 1);
    assert_int_equal(s.resets.v[0]->deciding.segment.frame, 13);
    assert_int_equal(s.resets.v[0]->n_rsts, 2);
    assert_true(s.resets.v[0]->killed);
    assert_string_equal(side_name(s.resets.v[0]->sender), "server");
    script_end(&s);
}

#define OPEN_FROM(port)                                                                            \
    "+1ms c S 100 0 cport=" port "\n"                                                              \
    "+1ms s SA 500 101 cport=" port "\n"                                                           \
    "+1ms c A 101 501 cport=" port "\n"

/* By the RST's time, whichever began or was captured first; those of one instant by frame. */
static void resets_stand_in_order_of_time(void **state)
{
    (void)state;
    static const uint64_t frames[] = {12, 10, 11};
    static const uint16_t ports[] = {7001, 7003, 7002};
    struct script s = script_begin(NULL);
    script_lines(&s, OPEN_FROM("7001") OPEN_FROM("7002") OPEN_FROM("7003"));
    script_lines(&s, "+1s s RA 501 101 cport=7003\n+0us s RA 501 101 cport=7002\n");
    s.time -= NS_PER_S / 2;
    script_lines(&s, "+0us s RA 501 101 cport=7001\n");
    script_finish(&s);
    assert_int_equal(s.resets.n, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(s.resets.v[i]->id, i + 1);
        assert_int_equal(reset_frame(s.resets.v[i]), frames[i]);
        assert_int_equal(reset_end(s.resets.v[i], SIDE_CLIENT)->port, ports[i]);
    }
    script_end(&s);
}

static void the_number_is_kept_after_the_linger(void **state)
{
    (void)state;
    struct script s = script_run(TALK CLOSE "+900s c A 152 702\n+10ms s R 702 0\n"
                                            "+1s c S 100 0\n+1ms s RA 0 101\n"
                                            "+1s c S 777 0\n+1ms s RA 0 778\n");
    assert_int_equal(s.resets.n, 2);
    assert_int_equal(reset_stream(s.resets.v[0]), 0);
    assert_string_equal(mechanism_name(s.resets.v[0]->mechanism), "stale");
    assert_int_equal(reset_stream(s.resets.v[1]), 1);
    assert_int_equal(tracker_counts(s.tracker)->n_connections, 2);
    struct tracker_records r = tracker_connections(s.tracker);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.v[0].ending, ENDING_RST);
    assert_true(record_saw_rst(&r.v[0], SIDE_SERVER));
    script_end(&s);
}

/* What was closed since then is not let go of as if it had been for that long. */
static void the_clock_is_set_back_by_an_hour(void **state)
{
    (void)state;
    struct script s = script_begin(NULL);
    script_lines(&s, OPEN_FROM("7001"));
    s.time -= 3600 * NS_PER_S;
    script_lines(&s, TALK CLOSE "+10ms c A 152 702\n+1ms s R 702 0\n");
    script_finish(&s);
    assert_int_equal(s.resets.n, 1);
    assert_non_null(s.resets.v[0]->in_full);
    assert_true(s.resets.v[0]->in_full->end[SIDE_SERVER].saw_fin);
    assert_true(s.resets.v[0]->in_full->n_kept > 5);
    script_end(&s);
}

#define BUDGET ((size_t)1 << 20)

static void memory_is_held(void **state)
{
    (void)state;
    struct tracker_config config = {.memory_budget = BUDGET, .keep_records = true};
    struct script s = script_begin(&config);
    char line[96];
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(line, sizeof line, "+1ms c S %u 0 cport=%u\n+1ms s SA 500 %u cport=%u\n", 100 + i,
                 10000 + i, 101 + i, 10000 + i);
        script_lines(&s, line);
    }
    script_lines(&s, "+1ms c R 20100 0 cport=29999\n");
    script_finish(&s);
    const struct tracker_counts *n = tracker_counts(s.tracker);
    assert_int_equal(n->n_connections, 20000);
    assert_true(n->n_evicted > 1000);
    assert_true(n->peak_bytes <= BUDGET + BUDGET / 4);
    assert_int_equal(tracker_connections(s.tracker).n, 20000);
    assert_int_equal(s.resets.n, 1);
    script_end(&s);
}

struct miser { /* an allocator that gives so many bytes */
    size_t left;
};

static void *give(void *ctx, size_t n)
{
    struct miser *m = ctx;
    if (n > m->left)
        return NULL;
    m->left -= n;
    return calloc(1, n);
}

static void take_back(void *ctx, void *p, size_t n)
{
    struct miser *m = ctx;
    if (p)
        m->left += n;
    free(p);
}

/* Packets that no memory was left for are counted, their RSTs accounted for. */
static void memory_runs_out(void **state)
{
    (void)state;
    struct miser m = {.left = SIZE_MAX};
    const struct allocator from = {.alloc = give, .release = take_back, .ctx = &m};
    struct tracker_config config = {.keep_records = true, .from = &from};
    struct script s = script_begin(&config);
    char line[96];
    m.left = 200000;
    script_lines(&s, "+0us c S 100 0 cport=9999\n"); /* more SYNs than RSTs */
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(line, sizeof line, "+1ms c S %u 0 cport=%u\n+1ms s RA 0 %u cport=%u\n", 100 + i,
                 10000 + i, 101 + i, 10000 + i);
        script_lines(&s, line);
    }
    script_finish(&s);
    const struct tracker_counts *n = tracker_counts(s.tracker);
    assert_true(n->n_no_memory > 1000);
    assert_int_equal(n->n_rst_frames, 3000);
    assert_int_equal(s.resets.n + tracker_rst_skipped(s.tracker).n, 3000);
    assert_string_equal(tracker_rst_skipped(s.tracker).v[0].reason, "no-memory");
    script_end(&s);
}

static void reset_text_and_reason(void **state)
{
    (void)state;
    struct script s =
        script_run(TALK "+1s s RA 701 151 data=idle-timeout mptcp=3\n+1ms c PA 151 701 len=3\n");
    const struct rst *r = &s.resets.v[0]->deciding;
    assert_int_equal(r->payload.n, 12);
    assert_memory_equal(r->payload.p, "idle-timeout", 12);
    assert_int_equal(r->mptcp_reason, 3);
    assert_string_equal(s.resets.v[0]->kernel_reasons[0], "MPTCP_RST_EPROHIBIT");
    assert_true(reset_connection(s.resets.v[0])->segments[8].frame == 9);
    script_end(&s);
}

/* What a second capture proves: the RST never left the claimed end. */
static void revised_from_outside(void **state)
{
    (void)state;
    struct script s =
        script_run(TALK "+400s c PA 151 701 len=9\n+10ms s R 701 0\n"
                        "+1ms c S 9000 0 cport=40001\n+1ms s RA 0 9001 cport=40001\n");
    struct reset *live = s.resets.v[0], *opening = s.resets.v[1];
    size_t n = live->n_reasons;
    reset_set_sender(s.arena, live, SIDE_PATH, "sender.missing-at-end", TEXT("not in server.pcap"),
                     0.9);
    assert_string_equal(mechanism_name(live->mechanism), "injected");
    assert_int_equal(live->sender, SIDE_PATH);
    assert_true(live->sender_confidence > 0.85);
    assert_string_equal(live->reasons[0].what->id, "sender.missing-at-end");
    assert_int_equal(live->n_reasons, n + 1);
    reset_set_sender(s.arena, live, SIDE_SERVER, "sender.seen-at-end", TEXT("it is"), 0.9);
    assert_string_equal(mechanism_name(live->mechanism), "no-state");
    reset_set_sender(s.arena, opening, SIDE_PATH, "sender.missing-at-end", TEXT("gone"), 0.9);
    assert_string_equal(mechanism_name(opening->mechanism), "rejected-in-path");
    script_end(&s);
}

struct scarce { /* gives until n_left is used up, then nothing more */
    size_t n_left, n_given;
};

static void *scarce_alloc(void *ctx, size_t n)
{
    struct scarce *s = ctx;
    if (s->n_left == 0)
        return NULL;
    s->n_left--;
    s->n_given++;
    return calloc(1, n);
}

static void scarce_release(void *ctx, void *p, size_t n)
{
    (void)n;
    struct scarce *s = ctx;
    s->n_given -= p != NULL;
    free(p);
}

/* Whatever the tracker and the arena are refused, nothing breaks and nothing is lost. */
static void allocations_that_fail(void **state)
{
    (void)state;
    static const char scene[] =
        TALK "+1s s R 5000 0 ttl=90 id=77\n+1ms c PA 191 701 data=hole\n"
             "+1ms c PA 151 701 len=10\n+10ms s PA 701 161 len=3000\n+1ms c A 161 3701\n"
             "+1s s RA 3701 161\n+1s c S 9000 0\n+1ms s A 3701 161\n+1ms c R 161 0\n"
             "+1ms c S 9000 0\n+1ms s SA 7000 9001\n+1ms c A 9001 7001\n+1ms s R 7001 0\n";
    for (size_t k = 0; k < 60; k++)
        for (size_t m = 0; m < 8; m++) {
            struct scarce mine = {.n_left = k}, results = {.n_left = m};
            struct allocator from = {scarce_alloc, scarce_release, &mine};
            struct allocator for_results = {scarce_alloc, scarce_release, &results};
            struct tracker_config config = {.from = &from, .keep_records = true};
            struct arena arena;
            arena_init(&arena, &for_results);
            struct script s = script_begin(NULL);
            tracker_free(s.tracker);
            s.tracker = tracker_create(&arena, &config);
            if (s.tracker) {
                script_lines(&s, scene);
                script_finish(&s);
            }
            script_end(&s);
            arena_finish(&arena);
            assert_int_equal(mine.n_given, 0);
            assert_int_equal(results.n_given, 0);
        }
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct script s = script_run("");
    assert_int_equal(s.resets.n, 0);
    assert_int_equal(tracker_connections(s.tracker).n, 0);
    script_end(&s);
    tracker_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_sights),
        cmocka_unit_test(mirrored_without_ip_id),
        cmocka_unit_test(tagged_and_untagged),
        cmocka_unit_test(equal_bare_resets_are_two),
        cmocka_unit_test(a_stream_without_record),
        cmocka_unit_test(a_failed_attempt_is_not_the_end),
        cmocka_unit_test(a_later_kill_decides),
        cmocka_unit_test(resets_stand_in_order_of_time),
        cmocka_unit_test(the_number_is_kept_after_the_linger),
        cmocka_unit_test(the_clock_is_set_back_by_an_hour),
        cmocka_unit_test(memory_is_held),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(reset_text_and_reason),
        cmocka_unit_test(revised_from_outside),
        cmocka_unit_test(allocations_that_fail),
        cmocka_unit_test(nothing_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
