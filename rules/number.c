/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: text.  Out: numbers in base units.  Nothing overflows silently: what does not fit is no
 * number.
 */
#include "rules/number.h"

struct unit {
    const char *suffix;
    int64_t scale;
    enum fact_type type;
    bool exact; /* may stand in a rule */
};

#define KIB INT64_C(1024)

static const struct unit units[] = {
    {"ns", 1, FACT_DURATION, true},
    {"us", 1000, FACT_DURATION, true},
    {"ms", 1000000, FACT_DURATION, true},
    {"s", NS_PER_S, FACT_DURATION, true},
    {"min", 60 * NS_PER_S, FACT_DURATION, true},
    {"h", 3600 * NS_PER_S, FACT_DURATION, true},
    {"d", 86400 * NS_PER_S, FACT_DURATION, true},
    {"m", 60 * NS_PER_S, FACT_DURATION, false},
    {"w", 7 * 86400 * NS_PER_S, FACT_DURATION, false},
    {"sec", NS_PER_S, FACT_DURATION, false},
    {"seconds", NS_PER_S, FACT_DURATION, false},
    {"minutes", 60 * NS_PER_S, FACT_DURATION, false},
    {"B", 1, FACT_BYTES, true},
    {"KiB", KIB, FACT_BYTES, true},
    {"MiB", KIB *KIB, FACT_BYTES, true},
    {"GiB", KIB *KIB *KIB, FACT_BYTES, true},
    {"k", KIB, FACT_BYTES, false},
    {"K", KIB, FACT_BYTES, false},
    {"kB", 1000, FACT_BYTES, false},
    {"M", KIB *KIB, FACT_BYTES, false},
    {"G", KIB *KIB *KIB, FACT_BYTES, false},
};

struct number number_of_int(int64_t i)
{
    return (struct number){.i = i, .d = (double)i};
}

struct number number_of_real(double d)
{
    return (struct number){.is_real = true, .d = d};
}

/* Splits "1.5s" into its digits and its suffix. */
static void split(struct text t, struct text *digits, struct text *suffix)
{
    size_t n = 0;
    if (n < t.n && (t.p[n] == '-' || t.p[n] == '+'))
        n++;
    while (n < t.n && ((t.p[n] >= '0' && t.p[n] <= '9') || t.p[n] == '.'))
        n++;
    *digits = text_slice(t, 0, n);
    *suffix = text_trim(text_slice(t, n, t.n));
}

static const struct unit *find_unit(struct text suffix, enum fact_type type, bool exact)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].type == type && (units[i].exact || !exact) &&
            text_eq(suffix, text_of(units[i].suffix)))
            return &units[i];
    return NULL;
}

static bool hex_parse(struct text t, int64_t *out)
{
    if (!text_starts(t, TEXT("0x")) || t.n < 3 || t.n > 17)
        return false;
    int64_t v = 0;
    for (size_t i = 2; i < t.n; i++) {
        char c = t.p[i];
        int digit = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0 || v > (INT64_MAX >> 4))
            return false;
        v = v * 16 + digit;
    }
    *out = v;
    return true;
}

static bool int_parse(struct text t, struct number *out)
{
    int64_t v;
    if (!text_to_i64(t, &v) && !hex_parse(t, &v))
        return false;
    *out = number_of_int(v);
    return true;
}

static bool real_parse(struct text t, struct number *out)
{
    double d;
    if (!text_to_double(t, &d))
        return false;
    *out = number_of_real(d);
    return true;
}

/* whole * scale + fraction, exact to the unit's last digit; false when it does not fit. */
static bool scaled(struct text digits, int64_t scale, struct number *out)
{
    struct text whole, fraction;
    bool negative = text_starts(digits, TEXT("-"));
    if (negative || text_starts(digits, TEXT("+")))
        digits = text_slice(digits, 1, digits.n);
    bool split_at_point = text_cut(digits, '.', &whole, &fraction);
    uint64_t n;
    int64_t v;
    if (!text_to_u64(whole, &n) || n > INT64_MAX || __builtin_mul_overflow((int64_t)n, scale, &v))
        return false;
    if (split_at_point && fraction.n == 0)
        return false;
    for (size_t i = 0; split_at_point && i < fraction.n; i++) {
        if (fraction.p[i] < '0' || fraction.p[i] > '9')
            return false;
        scale /= 10;
        if (__builtin_add_overflow(v, (fraction.p[i] - '0') * scale, &v))
            return false;
    }
    *out = number_of_int(negative ? -v : v);
    return true;
}

enum fact_type number_unit(struct text t)
{
    struct text digits, suffix;
    struct number ignored;
    if (int_parse(t, &ignored))
        return FACT_INT;
    if (real_parse(t, &ignored))
        return FACT_REAL;
    split(t, &digits, &suffix);
    if (digits.n && suffix.n && find_unit(suffix, FACT_DURATION, true))
        return FACT_DURATION;
    if (digits.n && suffix.n && find_unit(suffix, FACT_BYTES, true))
        return FACT_BYTES;
    return FACT_TEXT;
}

static bool measured(struct text t, enum fact_type unit, bool exact, struct number *out)
{
    struct text digits, suffix;
    split(t, &digits, &suffix);
    if (suffix.n == 0) {
        if (exact && unit == FACT_DURATION)
            return false;
        return scaled(digits, unit == FACT_DURATION ? NS_PER_S : 1, out);
    }
    const struct unit *u = find_unit(suffix, unit, exact);
    return u && scaled(digits, u->scale, out);
}

bool number_parse(struct text t, enum fact_type unit, bool exact, struct number *out)
{
    t = text_trim(t);
    if (t.n == 0 || t.n > 64)
        return false;
    switch (unit) {
    case FACT_INT:
        return int_parse(t, out) || (!exact && real_parse(t, out));
    case FACT_REAL:
        return real_parse(t, out);
    case FACT_DURATION:
    case FACT_BYTES:
        return measured(t, unit, exact, out);
    default:
        return false;
    }
}

int number_cmp(const struct number *a, const struct number *b)
{
    if (a->is_real || b->is_real)
        return a->d < b->d ? -1 : a->d > b->d;
    return a->i < b->i ? -1 : a->i > b->i;
}

bool number_near(const struct number *a, const struct number *b, const struct number *within)
{
    if (a->is_real || b->is_real || within->is_real) {
        double apart = a->d > b->d ? a->d - b->d : b->d - a->d;
        return apart <= within->d;
    }
    uint64_t apart =
        a->i > b->i ? (uint64_t)a->i - (uint64_t)b->i : (uint64_t)b->i - (uint64_t)a->i;
    return within->i >= 0 && apart <= (uint64_t)within->i;
}

bool number_of_fact(enum fact_type type, const struct fact *f, struct number *out)
{
    switch (type) {
    case FACT_INT:
    case FACT_DURATION:
    case FACT_BYTES:
    case FACT_TIME:
        *out = number_of_int(f->as.number);
        return true;
    case FACT_REAL:
        *out = number_of_real(f->as.real);
        return true;
    default:
        return false;
    }
}
