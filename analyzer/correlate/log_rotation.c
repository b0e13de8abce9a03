/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/correlate/log_rotation.h"

#include <stdlib.h>

#define NUMBER_DIGITS_MAX 4
#define DATE_DIGITS_MIN 8  /* 20260101 */
#define DATE_DIGITS_MAX 14 /* 20260101-120000, 1767225600 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_end(struct text *t, struct text end)
{
    bool has = t->n > end.n && text_ends(*t, end);
    if (has)
        t->n -= end.n;
    return has;
}

static void take_compression(struct text *t)
{
    static const struct text ends[] = {{".gz", 3},  {".xz", 3},  {".bz2", 4},
                                       {".zst", 4}, {".lz4", 4}, {".Z", 2}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (take_end(t, ends[i]))
            return;
}

/* Digits at the end, and how many; the value with those that were taken before behind it. */
static size_t digits_at_end(struct text t)
{
    size_t n = 0;
    while (n < t.n && is_digit(t.p[t.n - 1 - n]))
        n++;
    return n;
}

/* ".1", "-20260101", "-20260101-120000" */
static bool take_addition(struct rotation *r)
{
    struct text t = r->stem;
    size_t n = digits_at_end(t), n_time = 0;
    if (n == 6 && t.n > n && t.p[t.n - n - 1] == '-') { /* a time of day behind the date */
        n_time = n;
        n = digits_at_end(text_slice(t, 0, t.n - n - 1));
        if (n != 8)
            return false;
    }
    size_t all = n + (n_time ? n_time + 1 : 0);
    if (!n || t.n < all + 2 || n + n_time > DATE_DIGITS_MAX)
        return false;
    char before = t.p[t.n - all - 1];
    bool is_date = n >= DATE_DIGITS_MIN && (before == '-' || before == '.');
    bool is_number = !n_time && n <= NUMBER_DIGITS_MAX && before == '.';
    if (!is_date && !is_number)
        return false;
    r->by = is_date ? ROTATED_BY_DATE : ROTATED_BY_NUMBER;
    r->at = 0;
    for (size_t i = t.n - all; i < t.n; i++)
        if (is_digit(t.p[i]))
            r->at = r->at * 10 + (uint64_t)(t.p[i] - '0');
    r->stem.n = t.n - all - 1;
    return true;
}

struct rotation log_rotation_of(struct text name)
{
    struct rotation r = {.stem = name, .by = ROTATED_NOT};
    take_compression(&r.stem);
    bool added = take_addition(&r);
    r.is_dot_log = take_end(&r.stem, TEXT(".log"));
    if (r.is_dot_log && !added)
        take_addition(&r);
    return r;
}

static bool is_one_log(const struct rotation *a, const struct rotation *b)
{
    return a->is_dot_log == b->is_dot_log && text_eq(a->stem, b->stem);
}

/* Positive: a was written before b. */
static int order(const struct rotation *a, const struct rotation *b)
{
    if (a->by != b->by)
        return a->by < b->by ? 1 : -1;
    if (a->at == b->at)
        return 0;
    bool is_less = a->at < b->at;
    return (a->by == ROTATED_BY_DATE) == is_less ? 1 : -1;
}

struct place { /* of a file among all; the files of one log side by side, the oldest first */
    const struct rotation *of;
    size_t file;
};

static int compare_places(const void *x, const void *y)
{
    const struct place *a = x, *b = y;
    if (a->of->is_dot_log != b->of->is_dot_log)
        return a->of->is_dot_log ? 1 : -1;
    int by = text_cmp(a->of->stem, b->of->stem);
    return by ? by : -order(a->of, b->of);
}

/* Whether v[0..n), all of one log by their names, are that. */
static bool is_sure(const struct place *v, size_t n)
{
    bool is_sure = v[0].of->is_dot_log, is_twice = false;
    for (size_t i = 0; i < n; i++) {
        /* two files "host.1" and "host.2" alone may be those of two hosts */
        is_sure |= v[i].of->by != ROTATED_BY_NUMBER;
        is_twice |= i > 0 && order(v[i - 1].of, v[i].of) == 0;
    }
    return is_sure && !is_twice;
}

bool log_rotation_chain(const struct rotation *v, size_t n, size_t *oldest, size_t *next)
{
    struct place *all = calloc(n + 1, sizeof *all);
    for (size_t i = 0; all && i < n; i++)
        all[i] = (struct place){&v[i], i};
    if (all)
        qsort(all, n, sizeof *all, compare_places);
    for (size_t i = 0, end; all && i < n; i = end) {
        for (end = i + 1; end < n && is_one_log(all[i].of, all[end].of);)
            end++;
        const bool one = is_sure(all + i, end - i);
        for (size_t k = i; k < end; k++) {
            oldest[all[k].file] = all[one ? i : k].file;
            next[all[k].file] = one && k + 1 < end ? all[k + 1].file : n;
        }
    }
    free(all);
    return all != NULL;
}
