/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that do not open: kept in their short form they come to the same as live ones, at a
 * fraction of the memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "analyzer/track/flow.h"
#include "tests/analyzer/same_outcome.h"
#include "tests/analyzer/script.h"

#define SYN "+1ms c S 100 0 ws=7 mss=1460 ts=100/0 id=9\n"
#define REFUSAL "+1ms s RA 0 101 ttl=60\n"
#define NEXT_FILE "" /* in the list of lines: a new file of the series begins */
#define BACK "<"     /* in the list of lines: the clock is set back */

static void lead(struct script *s, const char *const *lines)
{
    for (; *lines; lines++) {
        if ((*lines)[0] == '\0') {
            tracker_next_file(s->tracker);
            s->frame = (uint64_t)(frame_file(s->frame) + 1) << FRAME_FILE_SHIFT;
        }
        if (strcmp(*lines, BACK) == 0)
            s->time -= NS_PER_S;
        else
            script_lines(s, *lines);
    }
    script_finish(s);
}

static void quote(struct script *s, bool with_flags)
{
    const uint8_t client[4] = {192, 0, 2, 1}, server[4] = {198, 51, 100, 2};
    struct packet p = {.kind = PACKET_ICMP_ERROR, .ip_version = 4};
    p.icmp = (struct packet_icmp){.type = 3, .code = 1, .seq = 100, .has_flags = with_flags};
    p.icmp.flags = with_flags ? TCP_SYN : 0;
    p.icmp.src = (struct endpoint){.ip = address_from_v4(client), .port = 40000};
    p.icmp.dst = (struct endpoint){.ip = address_from_v4(server), .port = 80};
    script_packet(s, &p);
}

static void assert_alike(struct script *a, struct script *b)
{
    assert_true(same_outcome(a->tracker, a->resets, b->tracker, b->resets));
    script_end(a);
    script_end(b);
}

static const struct tracker_config in_short = {.keep_records = true};
static const struct tracker_config in_outline = {.keep_records = true, .in_outline = true};
static const struct tracker_config in_full = {.keep_records = true, .live_from_start = true};

static void comes_to_the_same(void **state)
{
    (void)state;
    static const char *const stories[][8] = {
        {SYN},
        {SYN, SYN},
        {SYN, REFUSAL},
        {SYN, REFUSAL, REFUSAL},
        {SYN, REFUSAL, "+1s c S 100 0 ws=7 mss=1460\n", REFUSAL},
        {SYN, REFUSAL, "+1s c S 7000 0\n", "+1ms s RA 0 7001\n"},
        {SYN, REFUSAL, "+1s c S 7000 0\n", "+1ms s SA 1 7001\n", "+1ms c A 7001 2\n"},
        {SYN, REFUSAL, "+1ms s SA 500 101\n", "+1ms c A 101 501\n", "+1ms c PA 101 501 len=9\n"},
        {SYN, "+1ms c R 101 0\n"},
        {SYN, "+1ms s R 0 0 data=closed\n"},
        {SYN, "+1ms s RA 0 101 mptcp=3\n"},
        {SYN, "+9us c S 100 0 ws=7 mss=1460 ts=100/0 id=9 ttl=63\n", REFUSAL},
        {SYN, "+1ms s RA 0 101 id=7 ttl=60\n", "+9us s RA 0 101 id=7 ttl=59\n"},
        {"+1ms c S 100 0 len=9\n", REFUSAL},
        {"+1ms c S 100 0 vlan=12 mac=3 label=77\n", "+1ms s RA 0 101 vlan=12 label=5\n"},
        {SYN, "+1ms s SRA 0 101\n"},
        {SYN, "+1ms c RF 101 0\n"},
        {SYN, "+0ms s RA 0 101\n", "+1s c A 101 1\n"},
        {SYN, BACK, REFUSAL},
        {"+1ms c S 100 0 win=0\n", "+1ms s RA 0 101 win=0 df=1\n"},
        {"+1ms s S 100 0\n", "+1ms c RA 0 101\n"},
        {"+1ms s RA 0 101\n", SYN, REFUSAL},
        {SYN, NEXT_FILE, REFUSAL},
        {SYN, REFUSAL, NEXT_FILE, SYN, REFUSAL},
        {SYN, REFUSAL, NEXT_FILE, "+1s c S 7000 0\n", "+1ms s RA 0 7001\n"},
    };
    static const struct tracker_config *const shorter[] = {&in_short, &in_outline};
    for (size_t i = 0; i < 2 * sizeof stories / sizeof *stories; i++) {
        struct script a = script_begin(shorter[i % 2]), b = script_begin(&in_full);
        lead(&a, stories[i / 2]);
        lead(&b, stories[i / 2]);
        assert_alike(&a, &b);
    }
}

/* What later segments of the tuple find does not hang on the form. */
static void leaves_the_same(void **state)
{
    (void)state;
    static const instant_ns rst_times[] = {0, 3, 9};
    struct store store;
    store_init(&store, &allocator_heap);
    for (uint8_t i = 0; i < 6; i++) {
        const instant_ns rst_time = rst_times[i / 2];
        struct opening o = {
            .syn.k = {.time = 5, .frame = 1, .seq = 100, .window = 9, .bits = i % 2}};
        if (rst_time > 0)
            o.rst.k = (struct kept){.time = rst_time, .frame = 2, .flags = TCP_RST};
        struct flow in_two = {.stream = 7, .left_bits = LEFT_OPENING, .opening = &o};
        struct flow alive = {.stream = 7};
        struct live *l = opening_live(&store, &alive, &o.syn);
        assert_non_null(l);
        l->last_time = rst_time > l->last_time ? rst_time : l->last_time;
        live_leave(&alive);
        opening_leave(&in_two);
        assert_int_equal(in_two.left_bits, alive.left_bits);
        assert_int_equal(in_two.left_stream, alive.left_stream);
        assert_true(in_two.left_time == alive.left_time);
        live_free(&store, l);
    }
    store_finish(&store);
}

static void quoted_by_icmp(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 8; k++) {
        struct script s[2] = {script_begin(&in_short), script_begin(&in_full)};
        for (unsigned i = 0; i < 2; i++) {
            if (k & 4)
                quote(&s[i], true);
            script_lines(&s[i], SYN);
            if (k & 1)
                script_lines(&s[i], REFUSAL);
            quote(&s[i], k & 2);
            script_finish(&s[i]);
        }
        assert_alike(&s[0], &s[1]);
    }
}

#define N_REFUSED 20000

static size_t bytes_each(const struct tracker_config *config)
{
    struct script s = script_begin(config);
    char line[96];
    for (unsigned i = 0; i < N_REFUSED; i++) {
        snprintf(line, sizeof line, "+1ms c S %u 0 cport=%u\n+1ms s RA 0 %u cport=%u\n", 100 + i,
                 10000 + i, 101 + i, 10000 + i);
        script_lines(&s, line);
    }
    script_lines(&s, "+1ms c S 1 0 cport=1\n+1ms s SA 1 2 cport=1\n"); /* memory is counted now */
    script_finish(&s);
    assert_int_equal(s.resets.n, N_REFUSED);
    assert_int_equal(tracker_connections(s.tracker).n, N_REFUSED + 1);
    size_t bytes = tracker_counts(s.tracker)->peak_bytes / N_REFUSED;
    script_end(&s);
    return bytes;
}

static void takes_little(void **state)
{
    (void)state;
    assert_true(bytes_each(&in_full) > 1000);
    assert_true(bytes_each(&in_short) < 320);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_to_the_same),
        cmocka_unit_test(leaves_the_same),
        cmocka_unit_test(quoted_by_icmp),
        cmocka_unit_test(takes_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
