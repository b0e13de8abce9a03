/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of segments, and what is remembered of the hosts that sent them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/track/fingerprint.h"

static enum segment_kind plain_kind(uint16_t flags, uint32_t seq)
{
    if (flags & TCP_RST)
        return !(flags & TCP_ACK) ? SEGMENT_BARE_RST
               : seq == 0         ? SEGMENT_REFUSAL
                                  : SEGMENT_OWNER_RST;
    if (flags & TCP_SYN)
        return flags & TCP_ACK ? SEGMENT_SYNACK : SEGMENT_SYN;
    return SEGMENT_SOCKET;
}

static void kinds_are_told_by_flags_and_number(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 0x200; flags++) {
        assert_int_equal(segment_kind_of((uint16_t)flags, 0), plain_kind((uint16_t)flags, 0));
        assert_int_equal(segment_kind_of((uint16_t)flags, 7), plain_kind((uint16_t)flags, 7));
    }
}

/* Two hop counts, one of them twice, and two link addresses; a RST teaches no link address. */
static void a_host_has_its_habits(void **state)
{
    (void)state;
    static const uint8_t ip[4] = {192, 0, 2, 1};
    struct habits *h = habits_create(NULL, 1);
    assert_non_null(h);
    struct brief b = {.src = address_from_v4(ip),
                      .flags = TCP_SYN,
                      .path = {.ttl = 64, .src_mac = {2, 0, 0, 0, 0, 1}},
                      .bits = BRIEF_HAS_ID | BRIEF_DF | BRIEF_MAC};
    habits_note(h, &b, SEGMENT_SYN, 0);
    habits_note(h, &b, SEGMENT_SYN, habits_guess(h, habits_prefetch(h, &b.src)));
    b.path.ttl = 63;
    b.path.src_mac[5] = 2;
    habits_note(h, &b, SEGMENT_SYN, 0);
    b.flags = TCP_RST;
    b.path.src_mac[5] = 3;
    habits_note(h, &b, SEGMENT_BARE_RST, 0);
    struct habit of;
    assert_true(habits_get(h, &b.src, &of));
    assert_int_equal(of.kind[SEGMENT_SYN].n, 3);
    assert_int_equal(of.kind[SEGMENT_SYN].n_id_zero, 3);
    assert_int_equal(of.kind[SEGMENT_SYN].n_df, 3);
    assert_int_equal(habit_kind_with(&of.kind[SEGMENT_SYN], 64), 2);
    assert_int_equal(habit_kind_with(&of.kind[SEGMENT_SYN], 63), 1);
    assert_int_equal(habit_kind_with(&of.kind[SEGMENT_SYN], 62), 0);
    assert_int_equal(of.kind[SEGMENT_BARE_RST].n, 1);
    assert_int_equal(of.kind[SEGMENT_SYNACK].n, 0);
    assert_int_equal(of.n_macs, 2);
    b.src.b[15]++; /* beyond the limit of one */
    habits_note(h, &b, SEGMENT_SYN, 0);
    assert_false(habits_get(h, &b.src, &of));
    habits_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_by_flags_and_number),
        cmocka_unit_test(a_host_has_its_habits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
