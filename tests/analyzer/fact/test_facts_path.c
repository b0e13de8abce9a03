/* SPDX-License-Identifier: Apache-2.0 */
/* What betrays a RST that a third party made, as the facts that rules ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"
#include "parsers/packet/packet.h"

static struct fact ask(const struct reset *r, const char *name)
{
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    const struct fact f = def->get(NULL, r);
    assert_true(f.known);
    return f;
}

static struct rst rst_of(uint64_t frame, uint32_t seq)
{
    return (struct rst){
        .segment = {.frame = frame, .time = NS_PER_S, .seq = seq, .from = SIDE_SERVER}};
}

/* Numbers begin anywhere, and go round. */
static const uint32_t bases[] = {0, 5000, 0x7ffffff0, 0xfffffff0};

static void data_behind_the_reset(void **state)
{
    (void)state;
    static const struct {
        int32_t apart;
        bool told;
    } rows[] = {{-100, false}, {-1, false}, {0, true}, {100, true}};
    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            const struct segment v = {.frame = 7,
                                      .seq = bases[b] + (uint32_t)rows[i].apart,
                                      .payload_len = 10,
                                      .from = SIDE_SERVER};
            const struct connection k = {.segments = &v, .n_kept = 1};
            const struct reset r = {.in_full = &k, .deciding = rst_of(5, bases[b])};
            assert_int_equal(ask(&r, "weaver.rst-seq-data").as.truth, rows[i].told);
        }
}

static void data_before_the_reset(void **state)
{
    (void)state;
    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
        for (uint32_t below = 0; below < 3; below++) {
            const struct segment v = {
                .frame = 4, .seq = bases[b] - 10, .payload_len = 10, .from = SIDE_SERVER};
            const struct connection k = {.segments = &v, .n_kept = 1};
            const struct reset r = {.in_full = &k, .deciding = rst_of(5, bases[b] - below)};
            assert_int_equal(ask(&r, "weaver.data-seq-rst").as.truth, below > 0);
        }
}

/* The second RST lies above the first, and above all that was sent. */
static void resets_that_rise(void **state)
{
    (void)state;
    static const struct {
        int32_t second, sent;
        bool told;
    } rows[] = {{0, -1, false},      {-5, -9, false},    {1460, 0, true},
                {1460, 1460, false}, {1460, 1459, true}, {1460, 4000, false}};
    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            struct connection k = {0};
            k.end[SIDE_SERVER].next_seq = bases[b] + (uint32_t)rows[i].sent;
            const struct rst v[] = {rst_of(5, bases[b]),
                                    rst_of(6, bases[b] + (uint32_t)rows[i].second)};
            const struct reset r = {.in_full = &k, .deciding = v[0], .rsts = v, .n_rsts = 2};
            assert_int_equal(ask(&r, "weaver.rst-seq-change").as.truth, rows[i].told);
        }
}

/* In the client's name, on its SYN alone, before any answer. */
static void a_reset_of_ones_own_syn(void **state)
{
    (void)state;
    struct connection k = {0};
    struct reset r = {.in_full = &k, .claimed = SIDE_CLIENT};
    struct end *client = &k.end[SIDE_CLIENT];
    assert_false(ask(&r, "weaver.syn-rst").as.truth);
    client->n_syns = 2;
    client->n_rsts = 1;
    client->n_segments = 3;
    assert_true(ask(&r, "weaver.syn-rst").as.truth);
    client->n_segments = 4;
    assert_false(ask(&r, "weaver.syn-rst").as.truth);
    client->n_segments = 3;
    k.synack_seen = true;
    assert_false(ask(&r, "weaver.syn-rst").as.truth);
    k.synack_seen = false;
    r.claimed = SIDE_SERVER;
    assert_false(ask(&r, "weaver.syn-rst").as.truth);
}

/* A RST below what its alleged sender had sent before, not the other end, and not after. */
static void a_reset_below_data(void **state)
{
    (void)state;
    struct segment v = {.frame = 4, .seq = 1000, .payload_len = 100, .from = SIDE_SERVER};
    const struct connection k = {.segments = &v, .n_kept = 1};
    struct reset r = {.in_full = &k, .deciding.segment = {.frame = 5, .from = SIDE_SERVER}};
    r.deciding.segment.seq = 1099;
    assert_true(ask(&r, "weaver.data-seq-rst").as.truth);
    assert_int_equal(ask(&r, "weaver.data-seq-rst").from.frame, 4);
    r.deciding.segment.seq = 1100;
    assert_false(ask(&r, "weaver.data-seq-rst").as.truth);
    r.deciding.segment.seq = 1099;
    v.frame = 6;
    assert_false(ask(&r, "weaver.data-seq-rst").as.truth);
    v.frame = 4;
    v.from = SIDE_CLIENT;
    assert_false(ask(&r, "weaver.data-seq-rst").as.truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_behind_the_reset), cmocka_unit_test(data_before_the_reset),
        cmocka_unit_test(resets_that_rise),      cmocka_unit_test(a_reset_of_ones_own_syn),
        cmocka_unit_test(a_reset_below_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
