/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stamps to UTC.  Expected instants were worked out with date -u -d, not with the code under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/log/stamp.h"

typedef bool (*take_fn)(struct scan *s, struct stamp *out);

/* The span of the captures in every row: 2025-06-15T12:00:00Z to 13:00:00Z. */
#define FIRST (INT64_C(1749988800) * NS_PER_S)
#define LAST (INT64_C(1749992400) * NS_PER_S)

static const struct {
    take_fn take;
    const char *text;
    const char *utc; /* with nine decimals; NULL: not a stamp, or none that resolves */
    int64_t precision;
    const char *rest;
} rows[] = {
    {stamp_take_bsd, "Jun 15 12:30:00 h", "2025-06-15T12:30:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "Jun  7 09:29:50 h", "2025-06-07T09:29:50.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "Jun 7 09:29:50 h", "2025-06-07T09:29:50.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "Jun 15 12:30:00.123456 h", "2025-06-15T12:30:00.123456000Z", 1000, " h"},
    {stamp_take_bsd, "Dec 31 23:59:59 h", "2024-12-31T23:59:59.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "Dec 01 00:00:00 h", "2025-12-01T00:00:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "Feb 29 10:00:00 h", "2024-02-29T10:00:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "Feb 30 10:00:00 h", NULL, NS_PER_S, " h"},
    {stamp_take_bsd, "Jan 10 2024 16:55:59 h", "2024-01-10T16:55:59.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "2024 Jan 10 19:55:59 h", "2024-01-10T19:55:59.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "ao\xc3\xbbt 19 11:08:37 h", "2025-08-19T11:08:37.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "M\xc3\xa4r  3 11:08:37 h", "2025-03-03T11:08:37.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "maj 15 12:30:00 h", "2025-05-15T12:30:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "pa\xc5\xba 15 12:30:00 h", "2025-10-15T12:30:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "\xc5\x99\xc3\xadj  5 12:30:00 h", "2025-10-05T12:30:00.000000000Z", NS_PER_S,
     " h"},
    {stamp_take_bsd, "marras 5 12:30:00 h", "2025-11-05T12:30:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "6\xe6\x9c\x88 15 12:30:00 h", "2025-06-15T12:30:00.000000000Z", NS_PER_S,
     " h"},
    {stamp_take_bsd, "12\xec\x9b\x94  1 12:30:00 h", "2025-12-01T12:30:00.000000000Z", NS_PER_S,
     " h"},
    {stamp_take_bsd, "Haz 15 12:30:00 h", "2025-06-15T12:30:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "lip 15 12:30:00 h", "2025-07-15T12:30:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "Foo 15 12:30:00 h", NULL, 0, NULL},
    {stamp_take_bsd, "Jun 15 12:30:60 h", "2025-06-15T12:31:00.000000000Z", NS_PER_S, " h"},
    {stamp_take_bsd, "Jun 15 24:30:00 h", NULL, 0, NULL},
    {stamp_take_bsd, "Jun 15 12:3", NULL, 0, NULL},
    {stamp_take_bsd, "June 15 12:30:00", NULL, 0, NULL},
    {stamp_take_bsd, "", NULL, 0, NULL},
    {stamp_take_iso, "2025-06-15T15:06:40.123456+0200 x", "2025-06-15T13:06:40.123456000Z", 1000,
     " x"},
    {stamp_take_iso, "2025-06-15T15:06:40-05:30", "2025-06-15T20:36:40.000000000Z", NS_PER_S, ""},
    {stamp_take_iso, "2025-06-15T15:06:40Z", "2025-06-15T15:06:40.000000000Z", NS_PER_S, ""},
    {stamp_take_iso, "2025-06-15 15:06:40,123 x", "2025-06-15T15:06:40.123000000Z", 1000000, " x"},
    {stamp_take_iso, "2025/06/15 15:06:40 [", "2025-06-15T15:06:40.000000000Z", NS_PER_S, " ["},
    {stamp_take_iso, "2025-06-15T15:06:40.1234567891Z", "2025-06-15T15:06:40.123456789Z", 1, ""},
    {stamp_take_iso, "2025-06-15  5:06:40 x", "2025-06-15T05:06:40.000000000Z", NS_PER_S, " x"},
    {stamp_take_iso, "2025.06.15 15:06:40 LOG", "2025-06-15T15:06:40.000000000Z", NS_PER_S, " LOG"},
    {stamp_take_iso, "2025-06/15 15:06:40", NULL, 0, NULL},
    {stamp_take_iso, "2025-13-15 15:06:40", NULL, NS_PER_S, ""},
    {stamp_take_asctime, "Tue Mar 10 20:19:39 2021]", "2021-03-10T20:19:39.000000000Z", NS_PER_S,
     "]"},
    {stamp_take_asctime, "Fri Sep 09 10:42:29.902022 2011]", "2011-09-09T10:42:29.902022000Z", 1000,
     "]"},
    {stamp_take_asctime, "\xd0\xa1\xd1\x80 \xd0\xbc\xd0\xb0\xd1\x80 10 20:19:39 2021]",
     "2021-03-10T20:19:39.000000000Z", NS_PER_S, "]"},
    {stamp_take_asctime, "Tue Mar 10 20:19:39]", NULL, 0, NULL},
    {stamp_take_clf, "06/Feb/2009:12:12:51.443]", "2009-02-06T12:12:51.443000000Z", 1000000, "]"},
    {stamp_take_clf, "06/Feb/2009:12:12:51 +0100]", "2009-02-06T11:12:51.000000000Z", NS_PER_S,
     "]"},
    {stamp_take_clf, "27/Nov/2026 03:52:39]", "2026-11-27T03:52:39.000000000Z", NS_PER_S, "]"},
    {stamp_take_month_day, "0615 12:30:00.123456  1", "2025-06-15T12:30:00.123456000Z", 1000,
     "  1"},
    {stamp_take_month_day, "0631 12:30:00 1", NULL, NS_PER_S, " 1"},
    {stamp_take_short_year, "250615 12:30:00 [ERROR]", "2025-06-15T12:30:00.000000000Z", NS_PER_S,
     " [ERROR]"},
    {stamp_take_short_year, "250615  2:30:00 [Note]", "2025-06-15T02:30:00.000000000Z", NS_PER_S,
     " [Note]"},
    {stamp_take_short_year, "251315 12:30:00", NULL, 0, NULL},
    {stamp_take_short_year, "250600 12:30:00", NULL, 0, NULL},
    {stamp_take_short_year, "1750000000 12:30:00", NULL, 0, NULL},
    {stamp_take_month_day, "1315 12:30:00", NULL, 0, NULL},
    {stamp_take_month_day, "0600 12:30:00", NULL, 0, NULL},
    {stamp_take_day_first, "29 Aug 2023 13:47:38.984 *", "2023-08-29T13:47:38.984000000Z", 1000000,
     " *"},
    {stamp_take_day_first, "26-Nov-2026 14:39:58] NOTICE", "2026-11-26T14:39:58.000000000Z",
     NS_PER_S, "] NOTICE"},
    {stamp_take_day_first, "14-May-2015::14:52:07 ===", "2015-05-14T14:52:07.000000000Z", NS_PER_S,
     " ==="},
    {stamp_take_month_first, "11/26/2026-12:00:20.301466  [", "2026-11-26T12:00:20.301466000Z",
     1000, "  ["},
    {stamp_take_month_first, "11/26/26-12:00:20.301466 [", "2026-11-26T12:00:20.301466000Z", 1000,
     " ["},
    {stamp_take_month_first, "06/15-15:06:40.123456 [", "2025-06-15T15:06:40.123456000Z", 1000,
     " ["},
    {stamp_take_month_first, "26/11/2026-12:00:20 [", NULL, 0, NULL},
    {stamp_take_month_first, "11/26/2026 12:00:20 [", NULL, 0, NULL},
    {stamp_take_unix, "1750000000.123456 h", "2025-06-15T15:06:40.123456000Z", 1000, " h"},
    {stamp_take_unix, "17500000 h", NULL, 0, NULL},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scan s = scan_of(text_of(rows[i].text));
        struct stamp st;
        struct stamp_clock clock;
        bool inferred;
        char got[INSTANT_TEXT_MAX] = "";
        stamp_clock_init(&clock, NULL, FIRST, LAST);
        bool took = rows[i].take(&s, &st);
        if (took != (rows[i].rest != NULL))
            fail_msg("row %zu: \"%s\" %s", i, rows[i].text, took ? "was taken" : "was not taken");
        if (!took) {
            assert_int_equal(s.at, 0);
            continue;
        }
        instant_ns t = stamp_resolve(&clock, &st, &inferred);
        if (t != INSTANT_NONE)
            instant_format(t, 9, got);
        if (strcmp(got, rows[i].utc ? rows[i].utc : "") != 0)
            fail_msg("row %zu: \"%s\" is %s, not \"%s\"", i, rows[i].text, rows[i].utc, got);
        if (st.precision_ns != rows[i].precision)
            fail_msg("row %zu: precision %lld", i, (long long)st.precision_ns);
        if (!text_eq(scan_rest(&s), text_of(rows[i].rest)))
            fail_msg("row %zu: left \"" TEXT_FMT "\"", i, TEXT_ARG(scan_rest(&s)));
        assert_int_equal(inferred, !st.has_year && t != INSTANT_NONE);
    }
}

/* Seconds of a BSD stamp read beside captures of one instant. */
static int64_t beside(const char *text, int64_t capture_s, const struct zone *zone)
{
    struct scan s = scan_of(text_of(text));
    struct stamp st;
    struct stamp_clock clock;
    bool inferred;
    stamp_clock_init(&clock, zone, capture_s * NS_PER_S, capture_s * NS_PER_S);
    assert_true(stamp_take_bsd(&s, &st));
    instant_ns t = stamp_resolve(&clock, &st, &inferred);
    assert_true(inferred);
    return t / NS_PER_S;
}

static void test_year_rolls_over(void **state)
{
    (void)state;
    assert_int_equal(beside("Dec 31 23:59:58", 1735689602, NULL), 1735689598); /* 2025-01-01 */
    assert_int_equal(beside("Jan  1 00:00:02", 1735689598, NULL), 1735689602); /* 2024-12-31 */
    assert_int_equal(beside("Jan  1 00:00:02", 1735689603, NULL), 1735689602);
    assert_int_equal(beside("Feb 29 00:00:00", 1740787200, NULL), 1709164800); /* 2025-03-01 */
    assert_int_equal(beside("Feb 29 00:00:00", 1834617600, NULL), 1835395200); /* 2028-02-20 */
}

static uint64_t way_to(instant_ns t, instant_ns first, instant_ns last)
{
    return t < first ? (uint64_t)(first - t) : t > last ? (uint64_t)(t - last) : 0;
}

/* Of all years the one in which the stamp is nearest to the span, the earliest of several. */
static void test_nearest_year(void **state)
{
    (void)state;
    uint32_t dice = 20261126;
    for (unsigned i = 0; i < 20000; i++) {
        struct stamp st = {.instant = INSTANT_NONE, .precision_ns = NS_PER_S};
        struct stamp_clock clock;
        bool inferred;
        uint32_t roll[5];
        for (size_t k = 0; k < 5; k++)
            roll[k] = (dice = dice * 1664525 + 1013904223) >> 8;
        instant_ns first = ((INT64_C(1700000000) + roll[0] * 7) * NS_PER_S);
        instant_ns last = first + (instant_ns)(roll[1] % (i % 2 ? 3600 : 70000000)) * NS_PER_S;
        st.civil.month = (uint8_t)(1 + roll[2] % 12);
        st.civil.day = (uint8_t)(1 + roll[3] % 29);
        st.civil.hour = (uint8_t)(roll[4] % 24);
        instant_ns best = INSTANT_NONE;
        for (int32_t year = 2010; year < 2040; year++) {
            struct civil c = st.civil;
            c.year = year;
            instant_ns t = civil_valid(&c) ? instant_from_civil(&c) : INSTANT_NONE;
            if (t != INSTANT_NONE &&
                (best == INSTANT_NONE || way_to(t, first, last) < way_to(best, first, last)))
                best = t;
        }
        stamp_clock_init(&clock, NULL, first, last);
        assert_true(stamp_resolve(&clock, &st, &inferred) == best);
    }
}

static void test_zone(void **state)
{
    (void)state;
    struct error err;
    struct zone *zone = zone_open(TEXT("+02:00"), &err);
    assert_non_null(zone);
    /* two o'clock on New Year's morning is still last year in UTC */
    assert_int_equal(beside("Jan  1 00:30:00", 1735684200, zone), 1735684200);
    struct stamp_clock clock;
    stamp_clock_init(&clock, zone, FIRST, LAST);
    struct scan s = scan_of(TEXT("2025-06-15 15:06:40"));
    struct stamp st;
    bool inferred;
    assert_true(stamp_take_iso(&s, &st));
    assert_int_equal(stamp_resolve(&clock, &st, &inferred) / NS_PER_S, 1749992800);
    s = scan_of(TEXT("2025-06-15 15:06:40Z"));
    assert_true(stamp_take_iso(&s, &st));
    assert_int_equal(stamp_resolve(&clock, &st, &inferred) / NS_PER_S, 1750000000);
    assert_false(inferred);
    zone_free(zone);
}

/* Lines of one log in Berlin, 2026-10-25: 01:00 UTC is 03:00 CEST and becomes 02:00 CET. */
static void test_fold(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t utc; /* seconds behind 2026-10-25T00:00:00Z */
    } lines[] = {{"2026-10-25 01:50:00", -600},
                 {"2026-10-25 02:10:00", 600},
                 {"2026-10-25 02:09:00", 540} /* a little out of order */,
                 {"2026-10-25 02:59:59", 3599},
                 {"2026-10-25 02:00:01", 3601},
                 {"2026-10-25 02:30:00", 5400},
                 {"2026-10-25 02:59:59", 7199},
                 {"2026-10-25 03:00:00", 7200}};
    const int64_t midnight = 1792886400;
    struct error err;
    struct stamp_clock clock;
    struct stamp st;
    bool inferred;
    struct zone *zone = zone_open(TEXT("Europe/Berlin"), &err);
    assert_non_null(zone);
    stamp_clock_init(&clock, zone, FIRST, LAST);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct scan s = scan_of(text_of(lines[i].text));
        assert_true(stamp_take_iso(&s, &st));
        assert_int_equal(stamp_resolve(&clock, &st, &inferred) / NS_PER_S - midnight, lines[i].utc);
    }
    /* a log that begins in the hour: what the captures saw; without captures the first time */
    assert_int_equal(beside("Oct 25 02:30:00", midnight + 5400, zone), midnight + 5400);
    assert_int_equal(beside("Oct 25 02:30:00", midnight + 1800, zone), midnight + 1800);
    zone_free(zone);
}

static void test_no_span_no_year(void **state)
{
    (void)state;
    struct stamp_clock clock;
    struct stamp st;
    bool inferred;
    stamp_clock_init(&clock, NULL, INSTANT_NONE, INSTANT_NONE);
    struct scan s = scan_of(TEXT("Jun 15 12:30:00"));
    assert_true(stamp_take_bsd(&s, &st));
    assert_true(stamp_resolve(&clock, &st, &inferred) == INSTANT_NONE);
    assert_false(inferred);
}

static void test_zone_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool takes, states;
        int32_t offset;
    } words[] = {{" UTC srv1", true, true, 0},      {" CEST [1]", true, true, 7200},
                 {" CST [1]", true, false, 0},      {" -03 srv1", true, true, -10800},
                 {" srv1 sshd", false, false, 0},   {" SERVER1 x", false, false, 0},
                 {" EDT: %SYS", true, true, -14400}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct scan s = scan_of(text_of(words[i].text));
        struct stamp st = {0};
        assert_int_equal(stamp_take_zone_word(&s, &st), words[i].takes);
        assert_int_equal(st.zone_stated, words[i].states);
        assert_int_equal(st.offset_s, words[i].offset);
    }
}

static void test_monotonic(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rest;
        int64_t ns;
    } m[] = {{"[    0.000000] x", " x", 0},
             {"[88130.640147] x", " x", INT64_C(88130640147000)},
             {"[  601.749973][    C1] x", " x", INT64_C(601749973000)},
             {"[ 5000.876668 <    0.876545 >] x", " x", INT64_C(5000876668000)},
             {"[12] x", NULL, 0},
             {"[error] x", NULL, 0},
             {"[1.5", NULL, 0}};
    for (size_t i = 0; i < sizeof m / sizeof m[0]; i++) {
        struct scan s = scan_of(text_of(m[i].text));
        instant_ns t = -1, width = 0;
        assert_int_equal(stamp_take_monotonic(&s, &t, &width), m[i].rest != NULL);
        if (!m[i].rest)
            continue;
        assert_int_equal(t, m[i].ns);
        assert_true(text_eq(scan_rest(&s), text_of(m[i].rest)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_year_rolls_over),
        cmocka_unit_test(test_nearest_year), cmocka_unit_test(test_zone),
        cmocka_unit_test(test_fold),         cmocka_unit_test(test_no_span_no_year),
        cmocka_unit_test(test_zone_words),   cmocka_unit_test(test_monotonic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
