/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stamp grammars, by hand.  Text in, civil fields and what was stated about zone and width out;
 * resolving to UTC is clock.c's.  No grammar here looks further than the stamp itself.
 */
#include "parsers/log/stamp.h"

#include <string.h>

#define CODE3(a, b, c) ((uint32_t)(uint8_t)(a) << 16 | (uint32_t)(uint8_t)(b) << 8 | (uint8_t)(c))

static unsigned month_english(uint32_t code)
{
    switch (code) {
    case CODE3('J', 'a', 'n'):
        return 1;
    case CODE3('F', 'e', 'b'):
        return 2;
    case CODE3('M', 'a', 'r'):
        return 3;
    case CODE3('A', 'p', 'r'):
        return 4;
    case CODE3('M', 'a', 'y'):
        return 5;
    case CODE3('J', 'u', 'n'):
        return 6;
    case CODE3('J', 'u', 'l'):
        return 7;
    case CODE3('A', 'u', 'g'):
        return 8;
    case CODE3('S', 'e', 'p'):
        return 9;
    case CODE3('O', 'c', 't'):
        return 10;
    case CODE3('N', 'o', 'v'):
        return 11;
    case CODE3('D', 'e', 'c'):
        return 12;
    default:
        return 0;
    }
}

/* A month name and the space or dash behind it; a digit follows, or a space and a digit. */
static bool take_month(struct scan *s, char behind, uint8_t *out)
{
    unsigned m = month_english(CODE3(scan_peek(s, 0), scan_peek(s, 1), scan_peek(s, 2)));
    if (m && scan_peek(s, 3) == behind) {
        s->at += 4;
        *out = (uint8_t)m;
        return true;
    }
    size_t n = 0;
    while (n < 13 && scan_peek(s, n) != behind && scan_peek(s, n) != '\0')
        n++;
    if (n < 3 || scan_peek(s, n) != behind ||
        !scan_is_digit(scan_peek(s, scan_peek(s, n + 1) == ' ' ? n + 2 : n + 1)))
        return false;
    m = stamp_month_named(text_slice(s->t, s->at, s->at + n));
    if (!m)
        return false;
    s->at += n + 1;
    *out = (uint8_t)m;
    return true;
}

/* "7", " 7", "07", "17" and the space behind. */
static bool take_day(struct scan *s, uint8_t *out)
{
    uint64_t day;
    scan_spaces(s);
    if (!scan_number(s, 1, 2, &day) || day < 1 || day > 31)
        return false;
    *out = (uint8_t)day;
    return true;
}

/* "[.,]ddd": up to nine decimals count, more are taken and ignored. */
static void take_fraction(struct scan *s, struct stamp *out)
{
    char c = scan_peek(s, 0);
    if ((c != '.' && c != ',') || !scan_is_digit(scan_peek(s, 1)))
        return;
    s->at++;
    uint32_t ns = 0;
    instant_ns width = NS_PER_S;
    while (scan_is_digit(scan_peek(s, 0))) {
        if (width > 1) {
            width /= 10;
            ns += (uint32_t)(scan_peek(s, 0) - '0') * (uint32_t)width;
        }
        s->at++;
    }
    out->civil.nanosecond = ns;
    out->precision_ns = width;
}

/* "hh:mm:ss[.frac]"; an hour of one digit or with a leading space (MariaDB) is accepted. */
static bool take_clock(struct scan *s, struct stamp *out)
{
    struct civil *c = &out->civil;
    if (!scan_two(s, &c->hour)) {
        scan_spaces(s);
        uint64_t hour;
        if (!scan_number(s, 1, 2, &hour))
            return false;
        c->hour = (uint8_t)hour;
    }
    if (!scan_byte(s, ':') || !scan_two(s, &c->minute) || !scan_byte(s, ':') ||
        !scan_two(s, &c->second))
        return false;
    if (c->hour > 23 || c->minute > 59 || c->second > 60)
        return false;
    out->precision_ns = NS_PER_S;
    take_fraction(s, out);
    return true;
}

static bool take_year(struct scan *s, struct stamp *out)
{
    uint64_t year;
    if (!scan_number(s, 4, 4, &year) || year < 1900 || year > 2200)
        return false;
    out->civil.year = (int32_t)year;
    out->has_year = true;
    return true;
}

/* "Z", "+0200", "+02:00", "-05". */
static void take_offset(struct scan *s, struct stamp *out)
{
    char sign = scan_peek(s, 0);
    if (sign == 'Z') {
        s->at++;
        out->zone_stated = true;
        return;
    }
    if (sign != '+' && sign != '-')
        return;
    struct scan t = *s;
    uint8_t hours, minutes = 0;
    t.at++;
    if (!scan_two(&t, &hours) || hours > 15)
        return;
    if (scan_peek(&t, 0) == ':' && scan_is_digit(scan_peek(&t, 1)))
        t.at++;
    if (scan_is_digit(scan_peek(&t, 0)) && (!scan_two(&t, &minutes) || minutes > 59))
        return;
    *s = t;
    out->offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    out->zone_stated = true;
}

static bool give(struct scan *s, const struct scan *t, const struct stamp *st, struct stamp *out)
{
    *s = *t;
    *out = *st;
    return true;
}

static bool two_at(const char *p, uint8_t *out)
{
    unsigned a = (unsigned char)p[0] - (unsigned)'0', b = (unsigned char)p[1] - (unsigned)'0';
    *out = (uint8_t)(a * 10 + b);
    return a < 10 && b < 10;
}

/* "Mmm dd hh:mm:ss " and nothing behind it that belongs to the stamp: nearly every syslog line. */
static bool take_plain_bsd(struct scan *s, struct stamp *out)
{
    if (s->t.n - s->at < 16)
        return false;
    const char *p = s->t.p + s->at;
    uint8_t day, hour, minute, second;
    unsigned month = month_english(CODE3(p[0], p[1], p[2]));
    char tens = p[4] == ' ' ? '0' : p[4];
    const char two[2] = {tens, p[5]};
    if (!month || p[3] != ' ' || p[6] != ' ' || p[9] != ':' || p[12] != ':' || p[15] != ' ' ||
        !two_at(two, &day) || !two_at(p + 7, &hour) || !two_at(p + 10, &minute) ||
        !two_at(p + 13, &second) || day - 1u > 30 || hour > 23 || minute > 59 || second > 60)
        return false;
    *out = (struct stamp){.civil = {.month = (uint8_t)month,
                                    .day = day,
                                    .hour = hour,
                                    .minute = minute,
                                    .second = second},
                          .instant = INSTANT_NONE,
                          .precision_ns = NS_PER_S};
    s->at += 15;
    return true;
}

bool stamp_take_bsd(struct scan *s, struct stamp *out)
{
    if (take_plain_bsd(s, out))
        return true;
    struct scan t = *s;
    struct stamp st = {.instant = INSTANT_NONE};
    struct scan dated = t; /* a digit also begins the months of some languages */
    if (take_year(&dated, &st) && scan_byte(&dated, ' '))
        t = dated;
    if (!take_month(&t, ' ', &st.civil.month) || !take_day(&t, &st.civil.day) ||
        !scan_byte(&t, ' '))
        return false;
    if (!st.has_year && scan_peek(&t, 4) == ' ' && (!take_year(&t, &st) || !scan_byte(&t, ' ')))
        return false;
    return take_clock(&t, &st) && give(s, &t, &st, out);
}

bool stamp_take_iso(struct scan *s, struct stamp *out)
{
    struct scan t = *s;
    struct stamp st = {.instant = INSTANT_NONE};
    char sep = scan_peek(&t, 4);
    if ((sep != '-' && sep != '/' && sep != '.') || !take_year(&t, &st) || !scan_byte(&t, sep) ||
        !scan_two(&t, &st.civil.month) || !scan_byte(&t, sep) || !scan_two(&t, &st.civil.day))
        return false;
    if (!scan_byte(&t, 'T') && !scan_byte(&t, ' '))
        return false;
    if (!take_clock(&t, &st))
        return false;
    take_offset(&t, &st);
    return give(s, &t, &st, out);
}

bool stamp_take_asctime(struct scan *s, struct stamp *out)
{
    struct scan t = *s;
    struct stamp st = {.instant = INSTANT_NONE};
    /* the name of the day is not needed and may be in any language */
    struct text day_name = scan_word(&t);
    if (day_name.n < 2 || day_name.n > 8 || !scan_byte(&t, ' '))
        return false;
    scan_spaces(&t);
    if (!take_month(&t, ' ', &st.civil.month) || !take_day(&t, &st.civil.day) ||
        !scan_byte(&t, ' ') || !take_clock(&t, &st))
        return false;
    if (scan_byte(&t, ' ') && !take_year(&t, &st))
        return false;
    return st.has_year && give(s, &t, &st, out);
}

bool stamp_take_clf(struct scan *s, struct stamp *out)
{
    struct scan t = *s;
    struct stamp st = {.instant = INSTANT_NONE};
    if (!scan_two(&t, &st.civil.day) || !scan_byte(&t, '/') ||
        !take_month(&t, '/', &st.civil.month) || !take_year(&t, &st) ||
        (!scan_byte(&t, ':') && !scan_byte(&t, ' ')) || !take_clock(&t, &st))
        return false;
    if (scan_peek(&t, 0) == ' ' && (scan_peek(&t, 1) == '+' || scan_peek(&t, 1) == '-')) {
        t.at++;
        take_offset(&t, &st);
    }
    return give(s, &t, &st, out);
}

bool stamp_take_month_first(struct scan *s, struct stamp *out)
{
    struct scan t = *s;
    struct stamp st = {.instant = INSTANT_NONE};
    uint8_t short_year;
    if (!scan_two(&t, &st.civil.month) || st.civil.month > 12 || !scan_byte(&t, '/') ||
        !scan_two(&t, &st.civil.day))
        return false;
    if (scan_byte(&t, '/') && !take_year(&t, &st)) {
        if (!scan_two(&t, &short_year))
            return false;
        st.civil.year = 2000 + short_year;
        st.has_year = true;
    }
    return scan_byte(&t, '-') && take_clock(&t, &st) && give(s, &t, &st, out);
}

bool stamp_take_month_day(struct scan *s, struct stamp *out)
{
    struct scan t = *s;
    struct stamp st = {.instant = INSTANT_NONE};
    if (!scan_two(&t, &st.civil.month) || st.civil.month < 1 || st.civil.month > 12 ||
        !scan_two(&t, &st.civil.day) || st.civil.day < 1 || st.civil.day > 31)
        return false;
    return scan_byte(&t, ' ') && take_clock(&t, &st) && give(s, &t, &st, out);
}

bool stamp_take_short_year(struct scan *s, struct stamp *out)
{
    struct scan t = *s;
    struct stamp st = {.instant = INSTANT_NONE, .has_year = true};
    uint8_t year;
    if (!scan_two(&t, &year) || !scan_two(&t, &st.civil.month) || st.civil.month < 1 ||
        st.civil.month > 12 || !scan_two(&t, &st.civil.day) || st.civil.day < 1 ||
        st.civil.day > 31)
        return false;
    st.civil.year = 2000 + year;
    return scan_byte(&t, ' ') && take_clock(&t, &st) && give(s, &t, &st, out);
}

bool stamp_take_day_first(struct scan *s, struct stamp *out)
{
    struct scan t = *s;
    struct stamp st = {.instant = INSTANT_NONE};
    if (!take_day(&t, &st.civil.day))
        return false;
    char sep = scan_peek(&t, 0);
    if ((sep != ' ' && sep != '-') || !scan_byte(&t, sep) ||
        !take_month(&t, sep, &st.civil.month) || !take_year(&t, &st))
        return false;
    if (!(sep == '-' && scan_literal(&t, TEXT("::"))) && !scan_byte(&t, ' '))
        return false;
    return take_clock(&t, &st) && give(s, &t, &st, out);
}

bool stamp_take_unix(struct scan *s, struct stamp *out)
{
    struct scan t = *s;
    struct stamp st = {.precision_ns = NS_PER_S};
    uint64_t seconds;
    if (!scan_number(&t, 9, 10, &seconds) || seconds > (uint64_t)(INT64_MAX / NS_PER_S) - 1)
        return false;
    take_fraction(&t, &st);
    st.instant = (instant_ns)seconds * NS_PER_S + st.civil.nanosecond;
    st.zone_stated = st.has_year = true;
    return give(s, &t, &st, out);
}

/* An abbreviation that several zones share says nothing. */
#define SEVERAL INT16_MIN

static const struct {
    char word[5];
    int16_t minutes;
} zone_words[] = {
    {"UTC", 0},       {"GMT", 0},       {"Z", 0},         {"WET", 0},       {"WEST", 60},
    {"CET", 60},      {"CEST", 120},    {"EET", 120},     {"EEST", 180},    {"MSK", 180},
    {"EDT", -240},    {"EST", -300},    {"CDT", -300},    {"MDT", -360},    {"MST", -420},
    {"PDT", -420},    {"PST", -480},    {"JST", 540},     {"KST", 540},     {"AEST", 600},
    {"AEDT", 660},    {"NZST", 720},    {"NZDT", 780},    {"SGT", 480},     {"HKT", 480},
    {"SAST", 120},    {"PKT", 300},     {"WIB", 420},     {"BRT", -180},    {"CST", SEVERAL},
    {"IST", SEVERAL}, {"BST", SEVERAL}, {"AST", SEVERAL}, {"ADT", SEVERAL}, {"ECT", SEVERAL},
    {"GST", SEVERAL}, {"SST", SEVERAL}, {"ICT", SEVERAL},
};

bool stamp_take_zone_word(struct scan *s, struct stamp *stamp)
{
    size_t n = 1;
    if (scan_peek(s, 0) != ' ')
        return false;
    if (scan_peek(s, 1) == '+' || scan_peek(s, 1) == '-') {
        struct scan t = *s;
        t.at++;
        take_offset(&t, stamp);
        if (stamp->zone_stated)
            *s = t;
        return stamp->zone_stated;
    }
    while (n < 6 && scan_peek(s, n) >= 'A' && scan_peek(s, n) <= 'Z')
        n++;
    char behind = scan_peek(s, n);
    if (n < 2 || n > 5 || (behind != ' ' && behind != ':' && behind != ',' && behind != '\0'))
        return false;
    struct text word = text_slice(s->t, s->at + 1, s->at + n);
    for (size_t i = 0; i < sizeof zone_words / sizeof zone_words[0]; i++) {
        if (!text_eq(word, text_of(zone_words[i].word)))
            continue;
        if (zone_words[i].minutes != SEVERAL) {
            stamp->zone_stated = true;
            stamp->offset_s = zone_words[i].minutes * 60;
        }
        s->at += n;
        return true;
    }
    return false;
}

bool stamp_take_monotonic(struct scan *s, instant_ns *out, instant_ns *precision_ns)
{
    struct scan t = *s;
    struct stamp st = {.precision_ns = NS_PER_S};
    uint64_t seconds;
    if (!scan_byte(&t, '['))
        return false;
    scan_spaces(&t);
    if (!scan_number(&t, 1, 9, &seconds) || scan_peek(&t, 0) != '.')
        return false;
    take_fraction(&t, &st);
    if (st.precision_ns == NS_PER_S)
        return false;
    if (scan_peek(&t, 0) == ' ') /* journalctl short-delta: " <    0.876545 >", or blank */
        while (scan_is_digit(scan_peek(&t, 0)) ||
               (scan_peek(&t, 0) && strchr(" <>.", scan_peek(&t, 0))))
            t.at++;
    if (!scan_byte(&t, ']'))
        return false;
    if (scan_peek(&t, 0) == '[') { /* CONFIG_PRINTK_CALLER: [T123] or [    C1] */
        size_t n = 1;
        while (n < 12 && scan_peek(&t, n) != ']' && scan_peek(&t, n) != '\0')
            n++;
        if (scan_peek(&t, n) == ']')
            t.at += n + 1;
    }
    *s = t;
    *out = (instant_ns)seconds * NS_PER_S + st.civil.nanosecond;
    *precision_ns = st.precision_ns;
    return true;
}
