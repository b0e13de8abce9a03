/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the other half of a connection through a proxy, as the facts that rules ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"

static const char *const names[] = {"half.beyond", "half.end", "half.lead", "half.sure",
                                    "half.server"};

static struct fact ask(const struct leg *legs, size_t n, const char *name)
{
    static const struct connection k;
    struct reset_ties ties = {.legs = legs, .n_legs = n};
    const struct reset r = {.in_full = &k, .ties = &ties};
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    return def->get(NULL, &r);
}

static void a_half_beyond_a_proxy(void **state)
{
    (void)state;
    const struct leg legs[] = {{.by = LEG_NAT, .lead = 7},
                               {.by = LEG_PROXY,
                                .capture = 3,
                                .beyond = SIDE_SERVER,
                                .end = LEG_REFUSED,
                                .lead = 5 * NS_PER_MS,
                                .server_name = TEXT("192.0.2.1:80"),
                                .sure = true}};
    assert_true(text_eq(ask(legs, 2, names[0]).as.text, TEXT("server")));
    assert_true(text_eq(ask(legs, 2, names[1]).as.text, TEXT("refused")));
    assert_true(ask(legs, 2, names[2]).as.number == 5 * NS_PER_MS);
    assert_true(ask(legs, 2, names[3]).as.truth);
    assert_true(text_eq(ask(legs, 2, names[4]).as.text, TEXT("192.0.2.1:80")));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct fact f = ask(legs, 2, names[i]);
        assert_true(f.known && f.from.capture == 3 && f.from.frame == 0);
    }
}

/* Behind a NAT there is no other half. */
static void no_half(void **state)
{
    (void)state;
    const struct leg nat = {.by = LEG_NAT, .lead = 7};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_false(ask(NULL, 0, names[i]).known);
        assert_false(ask(&nat, 1, names[i]).known);
    }
}

static void a_half_that_nothing_ended(void **state)
{
    (void)state;
    const struct leg open = {.by = LEG_PROXY, .end = LEG_OPEN, .lead = INSTANT_NONE};
    assert_true(text_eq(ask(&open, 1, "half.end").as.text, TEXT("open")));
    assert_false(ask(&open, 1, "half.lead").known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_beyond_a_proxy),
        cmocka_unit_test(no_half),
        cmocka_unit_test(a_half_that_nothing_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
