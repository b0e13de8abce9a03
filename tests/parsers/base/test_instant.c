/* SPDX-License-Identifier: Apache-2.0 */
/* Civil time and zones: the C library (timegm, localtime_r under TZ) is the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "parsers/base/instant.h"
#include "parsers/base/tzif.h"

static void civil_agrees_with_timegm(void **state)
{
    (void)state;
    for (int64_t s = -INT64_C(9200000000); s < INT64_C(9200000000); s += 7654321) {
        time_t t = (time_t)s;
        struct tm tm;
        gmtime_r(&t, &tm);
        struct civil c = civil_from_instant(s * NS_PER_S);
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(c.hour * 3600 + c.minute * 60 + c.second,
                         tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
        assert_true(instant_from_civil(&c) == s * NS_PER_S);
    }
}

static void impossible_dates_are_refused(void **state)
{
    (void)state;
    static const struct civil wrong[] = {
        {.year = 2026, .month = 2, .day = 29},
        {.year = 1900, .month = 2, .day = 29},
        {.year = 2026, .month = 13, .day = 1},
        {.year = 2026, .month = 0, .day = 1},
        {.year = 2026, .month = 4, .day = 31},
        {.year = 1677, .month = 1, .day = 1},
        {.year = 2026, .month = 1, .day = 1, .hour = 24},
        {.year = 2026, .month = 1, .day = 1, .second = 61},
        {.year = 2262, .month = 12, .day = 31}, /* beyond 64 bits of nanoseconds */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_true(instant_from_civil(&wrong[i]) == INSTANT_NONE);
    struct civil leap = {2016, 12, 31, 23, 59, 60, 500000000};
    struct civil next = {2017, 1, 1, 0, 0, 0, 0};
    assert_true(instant_from_civil(&leap) == instant_from_civil(&next));
}

static void instants_are_cut_not_rounded(void **state)
{
    (void)state;
    char out[INSTANT_TEXT_MAX];
    struct civil c = {2026, 10, 22, 12, 9, 59, 999999999};
    instant_ns t = instant_from_civil(&c);
    assert_int_equal(instant_format(t, 6, out), 27);
    assert_string_equal(out, "2026-10-22T12:09:59.999999Z");
    instant_format(t, 0, out);
    assert_string_equal(out, "2026-10-22T12:09:59Z");
    instant_format(-1, 9, out);
    assert_string_equal(out, "1969-12-31T23:59:59.999999999Z");
    instant_format(INSTANT_NONE, 9, out);
    assert_string_equal(out, "-");
    struct zone *z = zone_open(TEXT("+0530"), NULL);
    instant_format_zoned(0, 3, z, out);
    assert_string_equal(out, "1970-01-01T05:30:00.000+05:30");
    instant_format_zoned(INT64_MAX, 0, z, out);
    zone_free(z);
    instant_format_zoned(0, 0, NULL, out);
    assert_string_equal(out, "1970-01-01T00:00:00+00:00");
}

static void zone_names_are_checked(void **state)
{
    (void)state;
    const char *wrong[] = {"",     "../etc/passwd", "/etc/passwd", "Nowhere/City", "Europe",
                           "+2:0", "+99:00",        "+02:60",      "tzdata.zi",    "zone.tab",
                           "+",    "+020",          "Europe/"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = {0};
        assert_null(zone_open(text_of(wrong[i]), &err));
        assert_int_not_equal(err.code, ERROR_NONE);
    }
    static const struct {
        const char *in, *name;
        int32_t offset;
    } rows[] = {{"UTC", "UTC", 0},           {"z", "UTC", 0},         {"+00:00", "UTC", 0},
                {"-0530", "-05:30", -19800}, {"+02", "+02:00", 7200}, {"+14:00", "+14:00", 50400}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct zone *z = zone_open(text_of(rows[i].in), NULL);
        assert_non_null(z);
        assert_string_equal(zone_name(z), rows[i].name);
        assert_int_equal(zone_offset_at(z, 0), rows[i].offset);
        zone_free(z);
    }
    assert_string_equal(zone_name(NULL), "UTC");
    zone_free(NULL);
}

static void compare_zone(const char *name)
{
    struct zone *z = zone_open(text_of(name), NULL);
    if (!z)
        return; /* this machine has no zone data */
    setenv("TZ", name, 1);
    tzset();
    for (int64_t s = -INT64_C(3000000000); s < INT64_C(6000000000); s += 1234567) {
        time_t t = (time_t)s;
        struct tm tm;
        localtime_r(&t, &tm);
        assert_int_equal(zone_offset_at(z, s * NS_PER_S), tm.tm_gmtoff);
        struct civil c = civil_from_instant((s + tm.tm_gmtoff) * NS_PER_S);
        bool ambiguous;
        instant_ns back = zone_to_utc(z, &c, &ambiguous);
        assert_true(back == s * NS_PER_S || (ambiguous && back < s * NS_PER_S));
    }
    unsetenv("TZ");
    tzset();
    zone_free(z);
}

static void offsets_agree_with_localtime(void **state)
{
    (void)state;
    const char *names[] = {"Europe/Berlin",     "America/New_York", "Australia/Lord_Howe",
                           "Africa/Casablanca", "Pacific/Apia",     "Asia/Kathmandu",
                           "America/Sao_Paulo", "Europe/Dublin",    "Asia/Tehran",
                           "Antarctica/Troll",  "America/Nuuk",     "Africa/Monrovia"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        compare_zone(names[i]);
}

static void folds_take_the_earlier_and_gaps_land_behind(void **state)
{
    (void)state;
    struct zone *z = zone_open(TEXT("Europe/Berlin"), NULL);
    if (!z)
        skip();
    bool ambiguous;
    char out[INSTANT_TEXT_MAX];
    struct civil fold = {2026, 10, 25, 2, 30, 0, 0}, gap = {2026, 3, 29, 2, 30, 0, 0};
    struct civil plain = {2026, 7, 1, 12, 0, 0, 0};
    instant_format(zone_to_utc(z, &fold, &ambiguous), 0, out);
    assert_true(ambiguous);
    assert_string_equal(out, "2026-10-25T00:30:00Z");
    instant_format_zoned(zone_to_utc(z, &gap, &ambiguous), 0, z, out);
    assert_true(ambiguous);
    assert_string_equal(out, "2026-03-29T03:30:00+02:00");
    instant_format(zone_to_utc(z, &plain, &ambiguous), 0, out);
    assert_false(ambiguous);
    assert_string_equal(out, "2026-07-01T10:00:00Z");
    zone_free(z);
}

static void rules_are_read_as_posix_says(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        bool ok;
        int32_t january, july; /* 2026-01-15 and 2026-07-15, noon UTC */
    } rows[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", true, 3600, 7200},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", true, 39600, 37800},
        {"EST5EDT,J60/2,J300", true, -18000, -14400},
        {"EST5EDT4:30,59,299/-2", true, -18000, -16200},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", true, 0, 3600},
        {"UTC0", true, 0, 0},
        {"", false, 0, 0},
        {"CET", false, 0, 0},
        {"CET-1CEST", false, 0, 0},
        {"CET-1CEST,M13.1.0,M1.1.0", false, 0, 0},
        {"CET-1CEST,M3.5.0,M10.5.0/200", false, 0, 0},
        {"<CET-1", false, 0, 0},
        {"CET-1CEST,M3.5.0,M10.5.0x", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tz_rule r;
        assert_int_equal(tz_rule_parse(text_of(rows[i].rule), &r), rows[i].ok);
        if (!rows[i].ok)
            continue;
        assert_int_equal(tz_rule_offset_at(&r, 1768478400), rows[i].january);
        assert_int_equal(tz_rule_offset_at(&r, 1784116800), rows[i].july);
    }
}

static void test_zone_by_rule(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int32_t january, july;
    } rows[] = {{"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200},
                {"<+0530>-5:30", 19800, 19800},
                {"JST-9", 32400, 32400},
                {"EST5EDT,M3.2.0,M11.1.0", -18000, -14400}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zone *z = zone_open(text_of(rows[i].rule), NULL);
        assert_non_null(z);
        assert_string_equal(zone_name(z), rows[i].rule);
        assert_int_equal(zone_offset_at(z, 1768478400 * NS_PER_S), rows[i].january);
        assert_int_equal(zone_offset_at(z, 1784116800 * NS_PER_S), rows[i].july);
        zone_free(z);
    }
    struct error err = {0};
    assert_null(zone_open(TEXT("CET-1CEST,M3.5.0"), &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_null(zone_open(TEXT("Nowhere/Else"), &err));
}

static int32_t offset_on(const struct tz_rule *r, int32_t year, uint8_t month, uint8_t day)
{
    struct civil noon = {.year = year, .month = month, .day = day, .hour = 12};
    return tz_rule_offset_at(r, instant_from_civil(&noon) / NS_PER_S);
}

static void a_julian_day_never_counts_the_leap_day(void **state)
{
    (void)state;
    struct tz_rule julian, zero;
    assert_true(tz_rule_parse(TEXT("EST5EDT,J60/2,J300"), &julian)); /* the 1st of March */
    assert_true(tz_rule_parse(TEXT("EST5EDT,59/2,299"), &zero));     /* the 60th day */
    assert_int_equal(offset_on(&julian, 2028, 2, 29), -18000);
    assert_int_equal(offset_on(&julian, 2028, 3, 1), -14400);
    assert_int_equal(offset_on(&zero, 2028, 2, 29), -14400);
    assert_int_equal(offset_on(&julian, 2027, 2, 28), -18000);
    assert_int_equal(offset_on(&julian, 2027, 3, 1), -14400);
}

static void a_change_begins_with_its_second(void **state)
{
    (void)state;
    struct zone *z = zone_open(TEXT("Europe/Berlin"), NULL);
    if (!z)
        skip();
    struct civil c = {1985, 3, 31, 1, 0, 0, 0}; /* from the table */
    instant_ns change = instant_from_civil(&c);
    assert_int_equal(zone_offset_at(z, change - 1), 3600);
    assert_int_equal(zone_offset_at(z, change), 7200);
    c.year = 2045, c.day = 26; /* from the rule */
    change = instant_from_civil(&c);
    assert_int_equal(zone_offset_at(z, change - 1), 3600);
    assert_int_equal(zone_offset_at(z, change), 7200);
    zone_free(z);
}

static void broken_zone_data_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[44 + 4 + 1 + 6 + 1] = {0};
    memcpy(bytes, "TZif", 4);           /* version 1: 32-bit times, no footer */
    bytes[35] = 1;                      /* one time */
    bytes[39] = 1;                      /* one type */
    bytes[43] = 1;                      /* one char */
    bytes[51] = 0x0e, bytes[52] = 0x10; /* 3600 s */
    struct tzif z;
    struct error err = {0};
    assert_true(tzif_parse(&z, bytes, sizeof bytes, "t", &err));
    assert_int_equal(tzif_offset_at(&z, 5), 3600);
    tzif_finish(&z);
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_false(tzif_parse(&z, bytes, n, "t", &err));
    bytes[48] = 1; /* a type that is not there */
    assert_false(tzif_parse(&z, bytes, sizeof bytes, "t", &err));
}

/* Of an unknown time nothing is known, and what does not fit is none. */
static void distances(void **state)
{
    (void)state;
    assert_true(instant_since(5, 3) == 2 && instant_since(3, 5) == -2);
    assert_true(instant_since(INSTANT_NONE, 1) == INSTANT_NONE);
    assert_true(instant_since(1, INSTANT_NONE) == INSTANT_NONE);
    assert_true(instant_since(INT64_MAX, -1) == INSTANT_NONE);
    assert_true(instant_plus(5, 3) == 8 && instant_plus(5, -8) == -3);
    assert_true(instant_plus(INSTANT_NONE, 1) == INSTANT_NONE);
    assert_true(instant_plus(INT64_MAX - 1, 5) == INT64_MAX);
    assert_true(instant_plus(INSTANT_NONE + 2, -2) == INSTANT_NONE + 1);
    assert_true(instant_plus(INSTANT_NONE + 2, -9) == INSTANT_NONE + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(civil_agrees_with_timegm),
        cmocka_unit_test(impossible_dates_are_refused),
        cmocka_unit_test(instants_are_cut_not_rounded),
        cmocka_unit_test(zone_names_are_checked),
        cmocka_unit_test(offsets_agree_with_localtime),
        cmocka_unit_test(folds_take_the_earlier_and_gaps_land_behind),
        cmocka_unit_test(test_zone_by_rule),
        cmocka_unit_test(rules_are_read_as_posix_says),
        cmocka_unit_test(a_julian_day_never_counts_the_leap_day),
        cmocka_unit_test(a_change_begins_with_its_second),
        cmocka_unit_test(broken_zone_data_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
