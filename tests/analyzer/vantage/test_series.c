/* SPDX-License-Identifier: Apache-2.0 */
/* Names and times of the pieces of a capture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
    }
}

/* Numbers at one place of the names are of one kind, and those at two are not. */
static void numbers_in_names(void **state)
{
    (void)state;
    const struct text a = TEXT("d/web1_00001_20260301120000.pcap"),
                      host = TEXT("d/web2_00001_20260301120000.pcap"),
                      next = TEXT("d/web1_00002_20260301120500.pcap.gz"),
                      other = TEXT("d/web12_00002_20260301120500.pcap"), first = TEXT("x.pcap"),
                      second = TEXT("x.pcap1");
    assert_true(series_numbers(a, a) == 0);
    assert_int_equal(__builtin_popcountll(series_numbers(a, host)), 1);
    assert_int_equal(__builtin_popcountll(series_numbers(a, next)), 2);
    assert_true((series_numbers(a, host) & series_numbers(a, next)) == 0);
    assert_true(series_numbers(a, other) == (series_numbers(a, host) | series_numbers(a, next)));
    assert_true(series_numbers(a, next) == series_numbers(next, a));
    assert_int_equal(__builtin_popcountll(series_numbers(first, second)), 1);
}

static void files_beside_another(void **state)
{
    (void)state;
    const instant_ns t = INT64_C(1772366400) * NS_PER_S, began = t - 3600 * NS_PER_S;
    assert_true(series_is_beside(began, t, began));
    assert_true(series_is_beside(began, t, began - NS_PER_S / 2));
    assert_true(series_is_beside(began, t, t - 2 * NS_PER_S));
    assert_false(series_is_beside(began, t, t - NS_PER_S / 1000)); /* the next piece */
    assert_false(series_is_beside(began, t, t + NS_PER_S));
    assert_false(series_is_beside(began, t, began - 2 * NS_PER_S)); /* before it */
    assert_false(series_is_beside(began, t, INSTANT_NONE));
    assert_false(series_is_beside(INSTANT_NONE, INSTANT_NONE, t));
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_pieces), cmocka_unit_test(numbers_in_names),
        cmocka_unit_test(files_beside_another), cmocka_unit_test(times_of_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
