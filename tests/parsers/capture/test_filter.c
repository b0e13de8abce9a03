/* SPDX-License-Identifier: Apache-2.0 */
/* Capture filters and the pcap writer: what is kept, what is refused, what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/capture/filter.h"
#include "parsers/capture/linktype.h"
#include "parsers/capture/writer.h"
#include "tests/parsers/capture/build.h"

static const struct frame syn = {.number = 1,
                                 .time = INT64_C(1700000000123456789),
                                 .caplen = FRAME_BYTES,
                                 .origlen = FRAME_BYTES,
                                 .link_type = 1,
                                 .data = frame_bytes};

static void expressions_take_and_leave(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        bool takes;
    } rows[] = {
        {"", true},
        {"tcp port 80", true},
        {"tcp port 80 or portrange 1-10", true},
        {"tcp[2:2] = 80 and ip[0]&0xf=5", true},
        {"net 192.0.2 and host ::ffff:192.0.2.1 or len -54=0", true},
        {"host 192.0.2.1 and not port 22", true},
        {"src net 198.51.100.0/24", false},
        {"tcp[tcpflags] & (tcp-syn|tcp-rst) != 0", true},
        {"tcp[13]&4!=0", false},
        {"ip6 host 2001:db8::1", false},
        {"ether host 02:00:00:00:00:01", true},
        {"ether src aa:bb:cc:dd:ee:ff", false},
        {"ip[2:2] > 0x28", false},
        {"len - 54 = 0", true},
        {"ip proto 6", true},
        {"portrange 1234-1300", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        struct filter *f = filter_new(rows[i].expression, &err);
        assert_non_null(f);
        bool accepts;
        assert_true(filter_run(f, &syn, &accepts, &err));
        assert_int_equal(accepts, rows[i].takes);
        filter_free(f);
    }
}

static void names_and_nonsense_are_refused(void **state)
{
    (void)state;
    const char *wrong[] = {"host example.com", "host localhost",  "net loopback",
                           "host face",        "tcp prot 80",     "port",
                           "tcp and and 1",    "gateway a",       "ip protochain 6",
                           "host \xc3\xa9",    "dst www.example", "fe80",
                           "port ssh",         "ip proto \\tcp",  "host 12.de",
                           "host 1.2.3.4.5",   "host 10-20",      "host face:1",
                           "port 22-http",     "portrange 1-x",   "ether host a:b",
                           "portrange ssh-80", "host 0xg"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = {0};
        assert_null(filter_new(wrong[i], &err));
        assert_int_equal(err.code, ERROR_USAGE);
        assert_true(err.text[0] != '\0');
    }
    filter_free(NULL);
}

static void a_filter_follows_the_link_type(void **state)
{
    (void)state;
    struct filter *f = filter_new("tcp dst port 80", NULL);
    struct frame raw = syn;
    raw.link_type = 101;
    raw.data = frame_bytes + 14;
    raw.caplen = raw.origlen = FRAME_BYTES - 14;
    bool accepts;
    struct error err = {0};
    assert_true(filter_run(f, &raw, &accepts, &err) && accepts);
    assert_true(filter_run(f, &syn, &accepts, &err) && accepts);
    raw.link_type = 220; /* USB: nothing to say about TCP */
    if (!filter_run(f, &raw, &accepts, &err)) {
        assert_int_equal(err.code, ERROR_USAGE);
        assert_false(accepts);
    }
    filter_free(f);
    assert_string_equal(linktype_name(1), "EN10MB");
    assert_string_equal(linktype_name(101), "RAW");
    assert_string_equal(linktype_description(113), "Linux cooked v1");
    assert_string_equal(linktype_name(65000), "unknown");
}

static void written_frames_come_back_whole(void **state)
{
    (void)state;
    char path[] = "/tmp/whyrst-writer-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct error err = {0};
    struct writer *w = writer_open(path, 1, &err);
    assert_non_null(w);
    struct frame late = syn, none = syn, first = syn, beyond = syn, other = syn;
    late.time = INT64_C(4294967295999999999);
    late.caplen = 20;
    none.time = INSTANT_NONE;
    first.time = 0; /* a time like any other */
    beyond.time = INT64_C(4294967296000000000);
    other.link_type = 101;
    assert_true(writer_add(w, &syn, &err) && writer_add(w, &late, &err));
    assert_true(writer_add(w, &first, &err));
    assert_int_equal(writer_n_untimed(w), 0);
    assert_true(writer_add(w, &none, &err) && writer_add(w, &beyond, &err));
    assert_false(writer_add(w, &other, &err));
    assert_int_equal(writer_n_untimed(w), 2);
    assert_true(writer_close(w, &err));
    struct reading r;
    read_file(&r, path); /* checks the bytes too */
    assert_int_equal(r.n, 5);
    assert_true(r.frames[0].time == syn.time && r.frames[1].time == late.time);
    assert_int_equal(r.frames[1].caplen, 20);
    assert_int_equal(r.frames[1].origlen, FRAME_BYTES);
    for (size_t i = 2; i < 5; i++)
        assert_int_equal(r.frames[i].time, 0);
    assert_int_equal(r.frames[0].time_digits, 9);
    reading_finish(&r);
    unlink(path);
    assert_null(writer_open("/nonexistent/x.pcap", 1, &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_true(writer_close(NULL, NULL));
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct error err = {0};
    struct writer *w = writer_open("/dev/full", 1, &err);
    if (!w)
        return;
    bool ok = true;
    for (int i = 0; ok && i < 1000; i++)
        ok = writer_add(w, &syn, &err);
    ok = writer_close(w, ok ? &err : NULL) && ok;
    assert_false(ok);
    assert_int_equal(err.code, ERROR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_take_and_leave),
        cmocka_unit_test(names_and_nonsense_are_refused),
        cmocka_unit_test(a_filter_follows_the_link_type),
        cmocka_unit_test(written_frames_come_back_whole),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
