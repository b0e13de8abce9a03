/* SPDX-License-Identifier: Apache-2.0 */
/* Names and times of the pieces of a capture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/vantage/series.h"

static void names_of_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum series_likeness want;
    } rows[] = {
        /* dumpcap -b, editcap -c */
        {"d/x_00001_20260301120000.pcap", "d/x_00002_20260301120105.pcap", SERIES_RING},
        {"d/x_00009_20260301120000.pcapng.gz", "d/x_00010_20260301120105.pcapng", SERIES_RING},
        {"d/x_00001_20260301120000.pcap", "d/x_00002_20260301120000.pcap", SERIES_LIKE},
        /* tcpdump -C; with -W; with -G */
        {"x.pcap", "x.pcap1", SERIES_RING},
        {"x.pcap9", "x.pcap10", SERIES_RING},
        {"x.pcap03", "x.pcap00", SERIES_RING},
        {"eth0-20260301-1200.pcap", "eth0-20260302-0000.pcap", SERIES_RING},
        /* perhaps of two hosts */
        {"web1.pcap", "web2.pcap", SERIES_LIKE},
        {"a.tar.gz!web1.pcap", "a.tar.gz!web2.pcap", SERIES_LIKE},
        /* not of one capture */
        {"client.pcap", "server.pcap", SERIES_UNLIKE},
        {"a/x.pcap1", "b/x.pcap2", SERIES_UNLIKE},
        {"10/x.pcap", "11/x.pcap", SERIES_UNLIKE},
        {"x.pcap", "x.pcap", SERIES_UNLIKE},
        {"x.pcap", "x.pcapng", SERIES_UNLIKE},
        {"", "", SERIES_UNLIKE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(series_likeness(text_of(rows[i].a), text_of(rows[i].b)), rows[i].want);
        assert_int_equal(series_likeness(text_of(rows[i].b), text_of(rows[i].a)), rows[i].want);
        if (rows[i].want == SERIES_RING)
            assert_true(series_may_be_ring(text_of(rows[i].a)) ||
                        series_may_be_ring(text_of(rows[i].b)));
    }
}

static void where_names_differ(void **state)
{
    (void)state;
    assert_int_equal(
        series_compare(TEXT("x_00001_20260301120000.pcap"), TEXT("x_00002_20260301120105.pcap"))
            .differ,
        1 << 2); /* not the stamp */
    assert_false(series_may_be_ring(TEXT("20260301/x-17.pcap")));
    assert_int_equal(series_compare(TEXT("h1-01.pcap"), TEXT("h2-01.pcap")).differ, 1 << 1);
    assert_int_equal(series_compare(TEXT("h1-01.pcap"), TEXT("h1-02.pcap")).differ, 1 << 2);
    assert_int_equal(series_compare(TEXT("h1-01.pcap"), TEXT("h2-02.pcap")).differ, 3 << 1);
    assert_int_equal(series_compare(TEXT("x.pcap"), TEXT("x.pcap1")).differ, 1 << 6);
    assert_int_equal(series_compare(TEXT("a1"), TEXT("b2")).differ, 0);
    static const char long_name[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    char dashes[140] = "", other[140];
    for (size_t i = 0; i < sizeof long_name - 1; i++) {
        dashes[2 * i] = '-';
        dashes[2 * i + 1] = long_name[i];
    }
    memcpy(other, dashes, sizeof other);
    other[139] = '8';
    assert_int_equal(series_compare((struct text){dashes, 140}, (struct text){other, 140}).differ,
                     UINT64_C(1) << 63);
}

static void times_of_pieces(void **state)
{
    (void)state;
    const instant_ns t = INT64_C(1772366400) * NS_PER_S;
    assert_true(series_continues(SERIES_LIKE, t - 3600 * NS_PER_S, t, t + NS_PER_S));
    assert_false(series_continues(SERIES_LIKE, t - 3600 * NS_PER_S, t, t + 61 * NS_PER_S));
    assert_true(series_continues(SERIES_RING, t - 3600 * NS_PER_S, t,
                                 t + 3600 * NS_PER_S)); /* nothing was said */
    assert_true(series_continues(SERIES_RING, t - 3600 * NS_PER_S, t, t - NS_PER_S / 1000));
    assert_false(series_continues(SERIES_RING, t - 3600 * NS_PER_S, t,
                                  t - 2 * NS_PER_S)); /* beside it, not after it */
    assert_false(series_continues(SERIES_UNLIKE, t - 3600 * NS_PER_S, t, t));
    assert_false(series_continues(SERIES_RING, t, INSTANT_NONE, t));
    assert_false(series_continues(SERIES_RING, t - 3600 * NS_PER_S, t, INSTANT_NONE));
    assert_true(series_continues(SERIES_RING, INT64_MIN + 1, INT64_MIN + 1, INT64_MAX));
    /* as short as the overlap: captured beside it */
    assert_false(series_continues(SERIES_RING, t - NS_PER_S / 2, t, t - NS_PER_S / 2));
    assert_true(series_may_adjoin(t - 3600 * NS_PER_S, t, t + NS_PER_S));
    assert_false(series_may_adjoin(t - 3600 * NS_PER_S, t, t + 61 * NS_PER_S));
    assert_false(series_may_adjoin(t - 3600 * NS_PER_S, t, t - 2 * NS_PER_S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_pieces),
                                       cmocka_unit_test(where_names_differ),
                                       cmocka_unit_test(times_of_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
