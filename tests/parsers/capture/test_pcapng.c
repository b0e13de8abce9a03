/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng: sections, interfaces, clocks, all packet blocks, and blocks that are passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/capture/interface.h"
#include "tests/parsers/capture/build.h"

#define T UINT64_C(1700000000000000) /* microseconds */

static void the_three_packet_blocks_are_frames(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct build b = {.is_big = big};
        section(&b);
        interface(&b, 1, 262144, NULL);
        enhanced(&b, 0, T, 53, 1500);
        simple(&b, 54, 54);
        obsolete(&b, 0, T + 5, 51);
        struct reading r;
        read_built(&r, &b);
        assert_int_equal(r.end, CAPTURE_END);
        assert_int_equal(r.n, 3);
        assert_int_equal(r.flaws.n, 0);
        assert_true(r.frames[0].time == INT64_C(1700000000000000000));
        assert_true(r.frames[1].time == INSTANT_NONE);
        assert_true(r.frames[2].time == INT64_C(1700000000000005000));
        assert_int_equal(r.frames[0].caplen, 53);
        assert_int_equal(r.frames[0].origlen, 1500);
        assert_int_equal(r.frames[1].caplen, 54);
        assert_int_equal(r.frames[2].caplen, 51);
        assert_int_equal(r.frames[0].offset, 28 + 20);
        assert_int_equal(r.frames[2].number, 3);
        assert_int_equal(r.info.n_bytes_analysed, b.bytes.n);
        assert_true(r.info.last == r.frames[2].time);
        reading_finish(&r);
        strbuf_finish(&b.bytes);
    }
}

static void a_run_tells_where_the_next_records_are(void **state)
{
    (void)state;
    struct build b = {0};
    section(&b);
    interface(&b, 1, 65535, NULL);
    for (uint32_t i = 0; i < 70; i++)
        enhanced(&b, 0, UINT64_C(1700000000000000) + i, 54 + i * i % 97, 1500);
    check_trail(&b, 28);
    strbuf_finish(&b.bytes);
}

static void sections_bring_their_own_order_and_interfaces(void **state)
{
    (void)state;
    struct build b = {0};
    section(&b);
    interface(&b, 1, 0, NULL);
    enhanced(&b, 0, T, 54, 54);
    b.is_big = true;
    section(&b);
    interface(&b, 1, 100, NULL);
    interface(&b, 101, 60, NULL);
    enhanced(&b, 1, T + 1, 40, 40);
    enhanced(&b, 0, T + 2, 54, 54);
    simple(&b, 100, 200); /* cut at the snaplen of the section's first interface */
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 4);
    assert_int_equal(r.info.n_sections, 2);
    assert_int_equal(r.info.n_interfaces, 3);
    assert_int_equal(r.frames[1].iface, 2);
    assert_int_equal(r.frames[1].link_type, 101);
    assert_int_equal(r.frames[1].snaplen, 60);
    assert_int_equal(r.frames[2].iface, 1);
    assert_int_equal(r.frames[3].caplen, 100);
    assert_int_equal(r.frames[3].iface, 1);
    assert_int_equal(r.interfaces[2].section, 1);
    assert_int_equal(r.interfaces[2].index, 1);
    assert_int_equal(r.interfaces[0].n_frames, 1);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

static void clock_of(uint8_t resolution, int64_t offset, struct clock *k, uint8_t *digits)
{
    struct build options = {0}, body = {0};
    put16(&body, 1);
    put16(&body, 0);
    put32(&body, 0);
    option(&options, 2, "eth0", 4);
    option(&options, 9, &resolution, 1);
    struct build value = {0};
    put64(&value, (uint64_t)offset);
    option(&options, 14, value.bytes.p, 8);
    put_bytes(&body, options.bytes.p, options.bytes.n);
    struct capture_interface i = {0};
    interface_read(cursor_of(body.bytes.p, body.bytes.n), false, &i, k);
    assert_string_equal(i.name, "eth0");
    *digits = i.time_digits;
    strbuf_finish(&value.bytes);
    strbuf_finish(&options.bytes);
    strbuf_finish(&body.bytes);
}

static void clocks_count_in_powers_of_ten_and_of_two(void **state)
{
    (void)state;
    static const struct {
        uint8_t resolution, digits;
        int64_t offset;
        uint64_t units;
        instant_ns time;
    } rows[] = {
        {0, 0, 0, 1700000000, INT64_C(1700000000000000000)},
        {3, 3, 0, UINT64_C(1700000000123), INT64_C(1700000000123000000)},
        {6, 6, 0, UINT64_C(1700000000123456), INT64_C(1700000000123456000)},
        {9, 9, 0, UINT64_C(1700000000123456789), INT64_C(1700000000123456789)},
        {10, 9, 0, UINT64_C(17000000001234567899), INT64_C(1700000000123456789)},
        {9, 9, 1000, UINT64_C(5), INT64_C(1000000000005)},
        {9, 9, -1, UINT64_C(5), INT64_C(-999999995)},
        {0x80, 0, 0, 1700000000, INT64_C(1700000000000000000)},
        {0x8a, 4, 0, (UINT64_C(1700000000) << 10) + 512, INT64_C(1700000000500000000)},
        {0x94, 7, 0, (UINT64_C(1700000000) << 20) + 123, INT64_C(1700000000000117301)},
        {0xa0, 9, 0, (UINT64_C(1700000000) << 32) + (1u << 31), INT64_C(1700000000500000000)},
        {0xbf, 9, 0, (UINT64_C(1) << 63) + (UINT64_C(1) << 62), INT64_C(1500000000)},
        {6, 6, 0, UINT64_MAX, INSTANT_NONE}, /* the year 586524 */
        {9, 9, INT64_MAX, UINT64_MAX, INSTANT_NONE},
        {9, 9, INT64_MIN, 0, INSTANT_NONE},
        {29, 0, 0, 1, INSTANT_NONE}, /* no clock is that fine */
        {0xff, 0, 0, 1, INSTANT_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct clock k;
        uint8_t digits;
        clock_of(rows[i].resolution, rows[i].offset, &k, &digits);
        assert_int_equal(digits, rows[i].digits);
        assert_true(clock_to_instant(&k, rows[i].units) == rows[i].time);
        struct tick t;
        assert_int_equal(clock_tick(&k, &t), i < 4 || i == 5 || i == 6 || i == 12);
        if (clock_tick(&k, &t) && rows[i].units <= t.units_max)
            assert_true((instant_ns)(rows[i].units * t.multiply) + t.add_ns == rows[i].time);
    }
}

static void options_may_be_cut_or_nonsense(void **state)
{
    (void)state;
    struct build options = {0};
    option(&options, 9, "\x09", 1);
    put16(&options, 2); /* a name longer than the block */
    put16(&options, 60000);
    struct build b = {0};
    section(&b);
    interface(&b, 1, 0, &options);
    enhanced(&b, 0, 1, 54, 54);
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.frames[0].time, 1);
    assert_string_equal(r.interfaces[0].name, "");
    reading_finish(&r);
    strbuf_finish(&options.bytes);
    strbuf_finish(&b.bytes);
}

/* The filter of the interface, and what its statistics say was lost: counted from the beginning in
 * each block, of the interface named, and not read from a block that is cut. */
static void what_was_lost_and_filtered_is_kept(void **state)
{
    (void)state;
    static const struct {
        bool is_big;
        uint32_t iface;
        uint64_t if_drop, os_drop, wanted;
    } rows[] = {{false, 0, 7, 2, 9}, {true, 0, 7, 2, 9}, {false, 1, 7, 2, 0}, {false, 0, 0, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct build b = {.is_big = rows[i].is_big}, options = b;
        option(&options, 11, "\0tcp port 22", 12);
        section(&b);
        interface(&b, 1, 0, &options);
        for (uint64_t k = 0; k < 2; k++) { /* the first block tells of half */
            struct build body = {.is_big = rows[i].is_big}, value = body;
            put64(&value, rows[i].if_drop * (k + 1) / 2);
            put64(&value, rows[i].os_drop * (k + 1) / 2);
            put32(&body, rows[i].iface);
            put64(&body, 0);
            option(&body, 5, value.bytes.p, 8);
            option(&body, 7, value.bytes.p + 8, 8);
            put16(&body, 5); /* cut */
            put16(&body, 8);
            block(&b, 5, &body);
            strbuf_finish(&body.bytes);
            strbuf_finish(&value.bytes);
        }
        struct reading r;
        read_built(&r, &b);
        assert_int_equal(r.interfaces[0].n_dropped, rows[i].wanted);
        assert_string_equal(r.interfaces[0].filter, "tcp port 22");
        assert_int_equal(r.info.skipped[CAPTURE_SKIP_STATISTICS].n, 2);
        reading_finish(&r);
        strbuf_finish(&options.bytes);
        strbuf_finish(&b.bytes);
    }
}

static void other_blocks_are_counted_and_number_as_wireshark_does(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        enum capture_skip reason;
        uint64_t next_number;
    } rows[] = {
        {4, CAPTURE_SKIP_NAMES, 2},
        {5, CAPTURE_SKIP_STATISTICS, 2},
        {10, CAPTURE_SKIP_SECRETS, 2},
        {9, CAPTURE_SKIP_JOURNAL, 3},
        {0xbad, CAPTURE_SKIP_CUSTOM, 3},
        {0x40000bad, CAPTURE_SKIP_CUSTOM, 3},
        {7, CAPTURE_SKIP_UNKNOWN, 2},
        {0x80000001, CAPTURE_SKIP_UNKNOWN, 2},
        {0x204, CAPTURE_SKIP_SYSTEM_CALLS, 3},
        {0x208, CAPTURE_SKIP_UNKNOWN, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct build b = {0}, body = {0};
        section(&b);
        interface(&b, 1, 0, NULL);
        enhanced(&b, 0, T, 54, 54);
        put64(&body, 32473);
        put64(&body, 0);
        block(&b, rows[i].type, &body);
        enhanced(&b, 0, T + 1, 54, 54);
        struct reading r;
        read_built(&r, &b);
        assert_int_equal(r.n, 2);
        assert_int_equal(r.frames[1].number, rows[i].next_number);
        assert_int_equal(r.info.skipped[rows[i].reason].n, 1);
        assert_int_equal(r.info.skipped[rows[i].reason].n_bytes, 28);
        reading_finish(&r);
        strbuf_finish(&body.bytes);
        strbuf_finish(&b.bytes);
    }
}

static void a_block_larger_than_the_buffer_is_passed(void **state)
{
    (void)state;
    struct build b = {0}, body = {0};
    section(&b);
    interface(&b, 1, 0, NULL);
    enhanced(&b, 0, T, 54, 54);
    for (size_t i = 0; i < 3 * SOURCE_PEEK_MAX / 8; i++)
        put64(&body, i);
    block(&b, 10, &body);
    enhanced(&b, 0, T + 1, 54, 54);
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.info.skipped[CAPTURE_SKIP_SECRETS].n_bytes, body.bytes.n + 12);
    reading_finish(&r);
    read_bytes(&r, b.bytes.p, 2 * SOURCE_PEEK_MAX); /* cut inside it */
    assert_int_equal(r.n, 1);
    assert_true(r.info.truncated);
    assert_int_equal(r.info.stopped_offset, 28 + 20 + 88);
    reading_finish(&r);
    strbuf_finish(&body.bytes);
    strbuf_finish(&b.bytes);
}

static void a_cut_keeps_everything_before_it(void **state)
{
    (void)state;
    struct build b = {0};
    section(&b);
    interface(&b, 1, 0, NULL);
    for (uint32_t i = 0; i < 3; i++)
        enhanced(&b, 0, T + i, 54, 54);
    for (size_t n = 12; n < b.bytes.n; n++) {
        struct reading r;
        read_bytes(&r, b.bytes.p, n);
        size_t whole = n < 48 ? 0 : (n - 48) / 88;
        bool is_cut = n < 48 ? n != 28 : (n - 48) % 88 != 0;
        assert_int_equal(r.end, CAPTURE_END);
        assert_int_equal(r.n, whole);
        assert_int_equal(r.info.truncated, is_cut);
        assert_int_equal(flaws_count(&r.flaws, "pcapng.truncated-tail"), is_cut);
        reading_finish(&r);
    }
    strbuf_finish(&b.bytes);
}

static void frames_that_cannot_be_used_take_their_number(void **state)
{
    (void)state;
    struct build b = {0};
    section(&b);
    simple(&b, 54, 54); /* no interface yet */
    interface(&b, 1, 0, NULL);
    enhanced(&b, 3, T, 54, 54); /* no such interface */
    enhanced(&b, 0, T, CAPTURE_FRAME_MAX + 1, CAPTURE_FRAME_MAX + 1);
    size_t lying = b.bytes.n;
    enhanced(&b, 0, T, 54, 54);
    b.bytes.p[lying + 20] = 100; /* caplen beyond the block */
    enhanced(&b, 0, T + 1, 54, 54);
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.frames[0].number, 5);
    assert_int_equal(r.info.skipped[CAPTURE_SKIP_UNUSABLE].n, 4);
    assert_int_equal(flaws_count(&r.flaws, "pcapng.unknown-interface"), 2);
    assert_int_equal(flaws_count(&r.flaws, "pcapng.frame-too-large"), 1);
    assert_int_equal(flaws_count(&r.flaws, "pcapng.caplen-over-block"), 1);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

static void noise_between_blocks_stops_the_reading_visibly(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, 4, 11, 0xdeadbeef, 16};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct build b = {0};
        section(&b);
        interface(&b, 1, 0, NULL);
        enhanced(&b, 0, T, 54, 54);
        size_t at = b.bytes.n;
        put32(&b, 6);
        put32(&b, lengths[i]);
        for (int k = 0; k < 50; k++)
            put32(&b, 0);
        struct reading r;
        read_built(&r, &b);
        assert_int_equal(r.end, CAPTURE_END);
        assert_int_equal(r.n, 1);
        assert_true(r.info.broken);
        assert_int_equal(r.info.stopped_offset, at);
        assert_int_equal(flaws_count(&r.flaws, "pcapng.broken-block"), 1);
        assert_int_equal(r.info.skipped[CAPTURE_SKIP_DAMAGED].n_bytes, 208);
        reading_finish(&r);
        strbuf_finish(&b.bytes);
    }
}

static void lengths_without_padding_are_rounded_up(void **state)
{
    (void)state;
    struct build b = {0};
    section(&b);
    interface(&b, 1, 0, NULL);
    size_t at = b.bytes.n;
    enhanced(&b, 0, T, 54, 54);
    b.bytes.p[at + 4] = 86; /* 32 + 54 instead of 88 */
    b.bytes.p[at + 84] = 86;
    enhanced(&b, 0, T + 1, 54, 54);
    b.bytes.p[b.bytes.n - 4] = 80; /* the length behind differs */
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 2);
    assert_int_equal(flaws_count(&r.flaws, "pcapng.trailer-mismatch"), 1);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

enum oddity {
    OVER_SNAPLEN,
    OVER_ORIGLEN,
    OTHER_INTERFACE,
    FINE_CLOCK, /* of the other interface: picoseconds */
    LATER,      /* by decades */
    WRAPPED,    /* beyond any instant, but not once it has gone over 64 bits */
    TRAILER,    /* says another length */
    OVER_BLOCK, /* more than its block holds */
    ODDITIES
};

static void odd_block(struct build *b, enum oddity odd, uint64_t units)
{
    const size_t at = b->bytes.n;
    units = odd == LATER ? 2 * units : odd == WRAPPED ? units + (UINT64_C(1) << 61) : units;
    enhanced(b, odd == OTHER_INTERFACE || odd == FINE_CLOCK, units, odd == OVER_SNAPLEN ? 97 : 54,
             odd == OVER_ORIGLEN ? 1 : 1500);
    if (odd == TRAILER)
        b->bytes.p[b->bytes.n - (b->is_big ? 1 : 4)] ^= 0x40;
    if (odd == OVER_BLOCK)
        b->bytes.p[at + (b->is_big ? 23 : 20)] ^= 0x40;
}

/* Among many blocks of one interface, which are read at once; read_built() also reads one by one,
 * and sees that both tell the same. */
static void odd_blocks_stand_among_many(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2 * ODDITIES; k++) {
        const enum oddity odd = (enum oddity)(k / 2);
        struct build b = {.is_big = k % 2}, options = {.is_big = k % 2};
        const uint8_t picoseconds = 12;
        option(&options, 9, &picoseconds, 1);
        section(&b);
        interface(&b, 1, 96, NULL);
        interface(&b, 1, 0, odd == FINE_CLOCK ? &options : NULL);
        for (unsigned i = 0; i < 200; i++)
            if (i % 100 == 99)
                odd_block(&b, odd, T + i);
            else
                enhanced(&b, 0, T + i, i % 54, 1500);
        struct reading r;
        read_built(&r, &b);
        const struct flaws *flaws = &r.flaws;
        assert_int_equal(r.end, CAPTURE_END);
        assert_int_equal(r.info.n_numbered, 200);
        assert_int_equal(r.n, odd == OVER_BLOCK ? 198 : 200);
        assert_int_equal(r.interfaces[1].n_frames,
                         odd == OTHER_INTERFACE || odd == FINE_CLOCK ? 2 : 0);
        assert_int_equal(flaws_count(flaws, "pcapng.caplen-over-snaplen"),
                         odd == OVER_SNAPLEN ? 2 : 0);
        assert_int_equal(flaws_count(flaws, "pcapng.caplen-over-origlen"),
                         odd == OVER_ORIGLEN ? 2 : 0);
        assert_int_equal(flaws_count(flaws, "pcapng.time-out-of-range"), odd == WRAPPED ? 2 : 0);
        assert_int_equal(flaws_count(flaws, "pcapng.trailer-mismatch"), odd == TRAILER ? 2 : 0);
        assert_int_equal(flaws_count(flaws, "pcapng.caplen-over-block"), odd == OVER_BLOCK ? 2 : 0);
        reading_finish(&r);
        strbuf_finish(&b.bytes);
        strbuf_finish(&options.bytes);
    }
}

static void interfaces_are_bounded(void **state)
{
    (void)state;
    struct build b = {0};
    section(&b);
    for (unsigned i = 0; i < CAPTURE_INTERFACES_MAX + 10; i++)
        interface(&b, 1, 0, NULL);
    enhanced(&b, 0, T, 54, 54);
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 1);
    assert_int_equal(flaws_count(&r.flaws, "pcapng.too-many-interfaces"), 10);
    assert_int_equal(r.info.skipped[CAPTURE_SKIP_UNUSABLE].n_bytes, 200);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

static void the_first_bytes_decide(void **state)
{
    (void)state;
    struct build b = {.is_big = true};
    section(&b);
    assert_string_equal(capture_probe((const uint8_t *)b.bytes.p, b.bytes.n), "pcapng");
    assert_null(capture_probe((const uint8_t *)b.bytes.p, 11));
    assert_string_equal(capture_probe((const uint8_t *)"\xd4\xc3\xb2\xa1", 4), "pcap");
    assert_null(capture_probe((const uint8_t *)"\x0a\x0d\x0d\x0a\0\0\0\0garb", 12));
    assert_null(capture_probe((const uint8_t *)"hello", 5));
    struct reading r;
    read_bytes(&r, "Oct 22 12:00:00 host sshd[1]: x\n", 32);
    assert_false(r.opened);
    assert_int_equal(r.err.code, ERROR_FORMAT);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_packet_blocks_are_frames),
        cmocka_unit_test(a_run_tells_where_the_next_records_are),
        cmocka_unit_test(sections_bring_their_own_order_and_interfaces),
        cmocka_unit_test(clocks_count_in_powers_of_ten_and_of_two),
        cmocka_unit_test(options_may_be_cut_or_nonsense),
        cmocka_unit_test(what_was_lost_and_filtered_is_kept),
        cmocka_unit_test(other_blocks_are_counted_and_number_as_wireshark_does),
        cmocka_unit_test(a_block_larger_than_the_buffer_is_passed),
        cmocka_unit_test(a_cut_keeps_everything_before_it),
        cmocka_unit_test(frames_that_cannot_be_used_take_their_number),
        cmocka_unit_test(noise_between_blocks_stops_the_reading_visibly),
        cmocka_unit_test(lengths_without_padding_are_rounded_up),
        cmocka_unit_test(odd_blocks_stand_among_many),
        cmocka_unit_test(interfaces_are_bounded),
        cmocka_unit_test(the_first_bytes_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
