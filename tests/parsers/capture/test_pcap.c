/* SPDX-License-Identifier: Apache-2.0 */
/* Classic pcap: every variant, cut at every byte, and records that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/parsers/capture/build.h"

#define MICRO 0xa1b2c3d4u
#define NANO 0xa1b23c4du
#define MODIFIED 0xa1b2cd34u

static void both_orders_and_resolutions_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct build b = {.is_big = i & 1};
        bool is_nano = i & 2;
        pcap_header(&b, is_nano ? NANO : MICRO, 4, 262144, 1);
        pcap_record(&b, 1700000000, 123456, 54, 1500);
        pcap_record(&b, 4294967295u, 999999, 54, 54); /* the last second before 2106 */
        struct reading r;
        read_built(&r, &b);
        assert_int_equal(r.end, CAPTURE_END);
        assert_int_equal(r.n, 2);
        assert_int_equal(r.flaws.n, 0);
        int64_t unit = is_nano ? 1 : 1000;
        assert_true(r.frames[0].time == INT64_C(1700000000000000000) + 123456 * unit);
        assert_true(r.frames[1].time == INT64_C(4294967295000000000) + 999999 * unit);
        assert_int_equal(r.frames[0].time_digits, is_nano ? 9 : 6);
        assert_int_equal(r.frames[0].number, 1);
        assert_int_equal(r.frames[0].offset, 24);
        assert_int_equal(r.frames[1].offset, 24 + 16 + 54);
        assert_int_equal(r.frames[0].caplen, 54);
        assert_int_equal(r.frames[0].origlen, 1500);
        assert_int_equal(r.frames[0].snaplen, 262144);
        assert_int_equal(r.frames[0].link_type, 1);
        assert_string_equal(r.info.format, "pcap");
        assert_int_equal(r.info.n_frames_cut, 1);
        assert_int_equal(r.info.n_bytes_analysed, b.bytes.n);
        assert_true(r.info.first == r.frames[0].time && r.info.last == r.frames[1].time);
        reading_finish(&r);
        strbuf_finish(&b.bytes);
    }
}

static void the_modified_format_has_longer_records(void **state)
{
    (void)state;
    struct build b = {0};
    pcap_header(&b, MODIFIED, 4, 65535, 1);
    for (int i = 0; i < 3; i++) {
        put32(&b, 100 + (uint32_t)i);
        put32(&b, 7);
        put32(&b, 54);
        put32(&b, 54);
        put64(&b, 0x0100080000000002); /* interface, protocol, packet type, padding */
        put_bytes(&b, frame_bytes, 54);
    }
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 3);
    assert_true(r.frames[2].time == 102 * NS_PER_S + 7000);
    assert_int_equal(r.flaws.n, 0);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

static void a_run_tells_where_the_next_records_are(void **state)
{
    (void)state;
    struct build b = {0};
    pcap_header(&b, MICRO, 4, 65535, 1);
    for (uint32_t i = 0; i < 70; i++)
        pcap_record(&b, 100, i, 54 + i * i % 97, 54 + i * i % 97);
    check_trail(&b, 16);
    strbuf_finish(&b.bytes);
}

static void old_versions_swap_the_lengths(void **state)
{
    (void)state;
    static const struct {
        uint16_t minor;
        uint32_t first, second, caplen, origlen;
    } rows[] = {
        {2, 100, 54, 54, 100}, {3, 100, 54, 54, 100}, {3, 54, 100, 54, 100}, {4, 54, 100, 54, 100}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct build b = {0};
        pcap_header(&b, MICRO, rows[i].minor, 65535, 1);
        put32(&b, 1);
        put32(&b, 2);
        put32(&b, rows[i].first);
        put32(&b, rows[i].second);
        put_bytes(&b, frame_bytes, 54);
        struct reading r;
        read_built(&r, &b);
        assert_int_equal(r.n, 1);
        assert_int_equal(r.frames[0].caplen, rows[i].caplen);
        assert_int_equal(r.frames[0].origlen, rows[i].origlen);
        reading_finish(&r);
        strbuf_finish(&b.bytes);
    }
}

static void the_link_field_sheds_its_flags(void **state)
{
    (void)state;
    static const struct {
        uint32_t field;
        int type;
    } rows[] = {{1, 1}, {0x24000001, 1}, {101, 101}, {12, 101}, {14, 101}, {276, 276}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct build b = {0};
        pcap_header(&b, MICRO, 4, 0, rows[i].field);
        pcap_record(&b, 1, 1, 54, 54);
        struct reading r;
        read_built(&r, &b);
        assert_int_equal(r.frames[0].link_type, rows[i].type);
        assert_int_equal(r.flaws.n, 0); /* a snaplen of 0 is no limit */
        reading_finish(&r);
        strbuf_finish(&b.bytes);
    }
}

static void a_cut_keeps_everything_before_it(void **state)
{
    (void)state;
    struct build b = {0};
    pcap_header(&b, MICRO, 4, 65535, 1);
    for (uint32_t i = 0; i < 3; i++)
        pcap_record(&b, 100 + i, 0, 54, 54);
    for (size_t n = 24; n < b.bytes.n; n++) {
        struct reading r;
        read_bytes(&r, b.bytes.p, n);
        size_t whole = (n - 24) / 70;
        bool is_cut = (n - 24) % 70 != 0;
        assert_int_equal(r.end, CAPTURE_END);
        assert_int_equal(r.n, whole);
        assert_int_equal(r.info.truncated, is_cut);
        assert_int_equal(flaws_count(&r.flaws, "pcap.truncated-tail"), is_cut);
        if (is_cut) {
            assert_int_equal(r.info.stopped_offset, 24 + whole * 70);
            assert_int_equal(r.info.stopped_frame, whole + 1);
            assert_int_equal(r.info.skipped[CAPTURE_SKIP_CUT].n_bytes, (n - 24) % 70);
        }
        reading_finish(&r);
    }
    for (size_t n = 0; n < 24; n++) {
        struct reading r;
        read_bytes(&r, b.bytes.p, n);
        assert_false(r.opened);
        assert_int_equal(r.err.code, ERROR_FORMAT);
        reading_finish(&r);
    }
    strbuf_finish(&b.bytes);
}

static void odd_records_are_carried_with_a_flaw(void **state)
{
    (void)state;
    struct build b = {0};
    pcap_header(&b, MICRO, 4, 50, 1);
    pcap_record(&b, 10, 1500000, 40, 40); /* half a second over */
    pcap_record(&b, 11, 0, 54, 40);       /* more captured than there was */
    pcap_record(&b, 12, 0, 60, 60);       /* over the snaplen */
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 3);
    assert_true(r.frames[0].time == 11 * NS_PER_S + NS_PER_S / 2);
    assert_int_equal(flaws_count(&r.flaws, "pcap.fraction-over-a-second"), 1);
    assert_int_equal(flaws_count(&r.flaws, "pcap.caplen-over-origlen"), 1);
    assert_int_equal(flaws_count(&r.flaws, "pcap.caplen-over-snaplen"), 2);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

/* The clock was set back, once in front of a run of frames and once inside. */
static void time_that_goes_back_is_told(void **state)
{
    static const uint32_t ms[] = {0, 10, 20, 1020, 1000, 910, 800, 790, 2000, 1900, 1901, 1801};
    (void)state;
    struct build b = {0};
    pcap_header(&b, MICRO, 4, 0, 1);
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++)
        pcap_record(&b, 100 + ms[i] / 1000, ms[i] % 1000 * 1000, 60, 60);
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, sizeof ms / sizeof *ms);
    assert_int_equal(flaws_count(&r.flaws, "capture.time-goes-back"), 3);
    assert_int_equal(r.flaws.v[0].first_place, 7);
    assert_true(r.info.back_first == 100 * NS_PER_S + 910 * NS_PER_MS);
    assert_true(r.info.back_last == 101 * NS_PER_S + 901 * NS_PER_MS);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

enum oddity {
    OVER_SECOND,
    OVER_ORIGLEN,
    OVER_SNAPLEN,
    LATER, /* by years */
    EMPTY, /* and what comes behind does not bear it out */
    ODDITIES
};

static void odd_record(struct build *b, enum oddity odd, uint32_t s)
{
    pcap_record(b, odd == LATER ? 2 * s : s, odd == OVER_SECOND ? 1500000 : 0,
                odd == OVER_SNAPLEN ? 97
                : odd == EMPTY      ? 0
                                    : 54,
                odd == OVER_ORIGLEN ? 40 : 97);
    if (odd == EMPTY)
        pcap_record(b, 2 * s, 0, 0, 54);
}

/* Among many records, which are read at once; read_built() also reads one by one, and sees that
 * both tell the same. */
static void odd_records_stand_among_many(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2 * ODDITIES; k++) {
        const enum oddity odd = (enum oddity)(k / 2);
        struct build b = {.is_big = k % 2};
        pcap_header(&b, MICRO, 4, 96, 1);
        for (uint32_t i = 1; i <= 200; i++)
            if (i % 100 == 0)
                odd_record(&b, odd, 1000000000 + i);
            else
                pcap_record(&b, 1000000000 + i, i, 54, 54);
        struct reading r;
        read_built(&r, &b);
        assert_int_equal(r.end, CAPTURE_END);
        if (odd != EMPTY)
            assert_int_equal(r.n, 200);
        assert_int_equal(flaws_count(&r.flaws, "pcap.fraction-over-a-second"),
                         odd == OVER_SECOND ? 2 : 0);
        assert_int_equal(flaws_count(&r.flaws, "pcap.caplen-over-origlen"),
                         odd == OVER_ORIGLEN ? 2 : 0);
        assert_int_equal(flaws_count(&r.flaws, "pcap.caplen-over-snaplen"),
                         odd == OVER_SNAPLEN ? 2 : 0);
        assert_int_equal(flaws_count(&r.flaws, "pcap.broken-record") > 0, odd == EMPTY);
        reading_finish(&r);
        strbuf_finish(&b.bytes);
    }
}

static void a_record_without_sense_stops_the_reading_visibly(void **state)
{
    (void)state;
    struct build b = {0};
    pcap_header(&b, MICRO, 4, 65535, 1);
    pcap_record(&b, 10, 0, 54, 54);
    put64(&b, 0);
    put32(&b, CAPTURE_FRAME_MAX + 1);
    put32(&b, 54);
    for (int i = 0; i < 100; i++)
        put64(&b, 0);
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.end, CAPTURE_END);
    assert_int_equal(r.n, 1);
    assert_true(r.info.broken);
    assert_false(r.info.truncated);
    assert_int_equal(r.info.stopped_offset, 94);
    assert_int_equal(r.info.stopped_frame, 2);
    assert_int_equal(r.info.skipped[CAPTURE_SKIP_DAMAGED].n_bytes, b.bytes.n - 94);
    assert_int_equal(flaws_count(&r.flaws, "pcap.broken-record"), 1);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

static void frames_straddle_the_buffer_whole(void **state)
{
    (void)state;
    struct build b = {0};
    pcap_header(&b, MICRO, 4, 262144, 1);
    uint32_t sizes[] = {262144, 1, 99999, 0, 262143, 54};
    size_t n = 0, total = 24;
    while (total < 9 * SOURCE_PEEK_MAX) {
        uint32_t size = sizes[n % 6];
        pcap_record(&b, (uint32_t)n++, 0, size, size);
        total += 16 + size;
    }
    struct reading r; /* the reader checks every byte of every frame */
    read_built(&r, &b);
    assert_int_equal(r.n, n);
    assert_int_equal(r.info.n_bytes, total);
    assert_int_equal(r.flaws.n, 0);
    reading_finish(&r);
    strbuf_finish(&b.bytes);
}

static ssize_t failing_read(void *ctx, void *into, size_t n, struct error *err)
{
    (void)into;
    (void)n;
    int *left = ctx;
    if ((*left)-- > 0) {
        struct build b = {0};
        pcap_header(&b, MICRO, 4, 0, 1);
        pcap_record(&b, 1, 0, 54, 54);
        put32(&b, 7);
        memcpy(into, b.bytes.p, b.bytes.n);
        size_t got = b.bytes.n;
        strbuf_finish(&b.bytes);
        return (ssize_t)got;
    }
    error_set(err, ERROR_IO, "", "the disk went away");
    return -1;
}

static void a_failing_stream_is_a_failure_after_the_frames_before(void **state)
{
    (void)state;
    static const struct source_reader reader = {.read = failing_read};
    int left = 1;
    struct source *s = source_new("x.pcap", &reader, &left, NULL);
    struct flaws flaws;
    flaws_init(&flaws);
    struct capture *c = NULL;
    struct error err = {0};
    struct frame f;
    assert_true(capture_open(s, &flaws, &c, &err));
    assert_int_equal(capture_next(c, &f, &err), CAPTURE_FRAME);
    assert_int_equal(capture_next(c, &f, &err), CAPTURE_FAILED);
    assert_string_equal(err.text, "the disk went away");
    assert_string_equal(err.place, "x.pcap");
    assert_int_equal(capture_next(c, &f, &err), CAPTURE_END);
    capture_close(c);
    source_close(s);
    flaws_finish(&flaws);
}

static struct capture *open_again(const char *path, struct flaws *flaws, struct source **s)
{
    struct capture *c = NULL;
    struct error err;
    *s = source_open(path, &err);
    assert_true(*s && capture_open(*s, flaws, &c, &err));
    return c;
}

/* n records, and in the middle a file header again, of another link type, if so. */
static void write_records(const char *path, uint32_t n, bool header_again)
{
    struct build b = {0};
    pcap_header(&b, MICRO, 4, 262144, 1);
    for (uint32_t i = 0; i < n; i++) {
        if (header_again && i == n / 2)
            pcap_header(&b, MICRO, 4, 262144, 113);
        pcap_record(&b, 1700000000 + i, i, 54, 54 + i);
    }
    FILE *f = fopen(path, "wb");
    assert_true(f && fwrite(b.bytes.p, 1, b.bytes.n, f) == b.bytes.n && fclose(f) == 0);
    strbuf_finish(&b.bytes);
}

static void another_reading_goes_on_at_a_mark(void **state)
{
    (void)state;
    static const bool again[] = {false, true};
    for (size_t k = 0; k < 2; k++) {
        char path[] = "/tmp/marks-XXXXXX";
        close(mkstemp(path));
        write_records(path, 40000, again[k]);
        struct flaws flaws;
        struct source *s, *s2;
        struct frame f = {0}, f2 = {0};
        struct error err;
        flaws_init(&flaws);
        struct capture *c = open_again(path, &flaws, &s), *c2 = open_again(path, &flaws, &s2);
        while (f.number < 30000)
            assert_int_equal(capture_next(c, &f, &err), CAPTURE_FRAME);
        const struct capture_mark mark = capture_mark(c);
        assert_int_equal(capture_next(c, &f, &err), CAPTURE_FRAME);
        assert_int_equal(capture_next(c2, &f2, &err), CAPTURE_FRAME);
        assert_int_equal(capture_resume(c2, &mark), !again[k]);
        assert_int_equal(capture_next(c2, &f2, &err), CAPTURE_FRAME);
        assert_int_equal(f2.number, again[k] ? 2 : f.number);
        assert_int_equal(f2.origlen, again[k] ? 55 : f.origlen);
        assert_int_equal(f2.offset == f.offset && f2.time == f.time, !again[k]);
        assert_int_equal(capture_info_of(c2)->n_frames, f2.number);
        capture_close(c);
        capture_close(c2);
        source_close(s);
        source_close(s2);
        flaws_finish(&flaws);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_orders_and_resolutions_are_read),
        cmocka_unit_test(the_modified_format_has_longer_records),
        cmocka_unit_test(a_run_tells_where_the_next_records_are),
        cmocka_unit_test(old_versions_swap_the_lengths),
        cmocka_unit_test(the_link_field_sheds_its_flags),
        cmocka_unit_test(a_cut_keeps_everything_before_it),
        cmocka_unit_test(odd_records_are_carried_with_a_flaw),
        cmocka_unit_test(time_that_goes_back_is_told),
        cmocka_unit_test(odd_records_stand_among_many),
        cmocka_unit_test(a_record_without_sense_stops_the_reading_visibly),
        cmocka_unit_test(frames_straddle_the_buffer_whole),
        cmocka_unit_test(a_failing_stream_is_a_failure_after_the_frames_before),
        cmocka_unit_test(another_reading_goes_on_at_a_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
