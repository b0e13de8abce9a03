/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue that is part of the program, against the real facts and the real log patterns.
 */
#include "rules/builtin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parsers/log/pattern.h"
#include "rules/catalogue.h"

static void ignore(void *ctx, const char *file, unsigned line, const char *text)
{
    (void)ctx, (void)file, (void)line, (void)text;
}

/* Owned by the caller. */
static struct text *kinds_of(const struct patterns *p, size_t *n)
{
    *n = patterns_count(p);
    struct text *names = calloc(*n + 1, sizeof *names);
    assert_non_null(names);
    for (size_t i = 0; i < *n; i++)
        names[i] = patterns_info(p, i).kind;
    return names;
}

static void test_no_mistakes(void **state)
{
    (void)state;
    struct patterns *p = patterns_create();
    struct complaints c;
    struct catalogue k;
    assert_non_null(p);
    patterns_add_embedded(p, event_pattern_files, ignore, NULL);
    struct event_kinds kinds;
    struct text *names = kinds_of(p, &kinds.n);
    kinds.names = names;
    assert_true(kinds.n > 0);
    complaints_init(&c);
    catalogue_init(&k, &kinds);
    catalogue_add_builtin(&k, &c);
    catalogue_seal(&k, &c);
    complaints_print(&c, stderr);
    assert_int_equal(c.n + c.n_lost, 0);
    assert_true(k.timeouts.n > 0);
    for (size_t i = 0; i < k.n_rules; i++) {
        const struct rule *r = k.rules[i];
        assert_true(r->title.n_pieces && r->conclude.n_pieces);
        assert_true(r->base > 0 && r->base < 1);
        if (r->n_conditions == 0) /* what always holds must give way to all else */
            assert_true(r->cause->gives_way);
    }
    complaints_finish(&c);
    catalogue_finish(&k);
    free(names);
    patterns_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
