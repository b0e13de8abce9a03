/* SPDX-License-Identifier: Apache-2.0 */
/* What an end heard but ICMP errors before it gave up, as facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"

#define START (INT64_C(1700000000) * NS_PER_S)

static struct fact ask(const char *name, const struct connection *k, const struct segment *rst)
{
    const struct reset r = {.in_full = k, .claimed = SIDE_CLIENT, .deciding.segment = *rst};
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    return def->get(NULL, &r);
}

static void nothing_but_icmp_errors(void **state)
{
    (void)state;
    const struct segment v[] = {
        {.frame = 2, .time = START, .payload_len = 9, .from = SIDE_SERVER},
        {.frame = 4, .time = START + 2, .payload_len = 9, .from = SIDE_CLIENT},
        {.frame = 6, .time = START + 4, .payload_len = 9, .from = SIDE_CLIENT},
        {.frame = 12, .time = START + 90, .payload_len = 9, .from = SIDE_SERVER},
    };
    struct icmp_note errors[] = {
        {.frame = 1, .time = START - 1},
        {.frame = 5, .time = START + 3},
        {.frame = 7, .time = START + 5},
        {.frame = 11, .time = START + 70},
    };
    assert_true(address_parse(TEXT("192.0.2.1"), &errors[1].from));
    struct connection k = {.segments = v, .n_kept = 4, .icmp = errors, .n_icmp = 4};
    const struct segment rst = {.frame = 10, .time = START + 63};
    assert_int_equal(ask("conn.icmp-only", &k, &rst).as.number, 60);
    const struct fact from = ask("conn.icmp-from", &k, &rst);
    assert_true(address_eq(&from.as.ip, &errors[1].from));
    errors[1].frame = errors[2].frame = 11; /* those quote the RST itself, or come later */
    assert_false(ask("conn.icmp-only", &k, &rst).known);
    assert_false(ask("conn.icmp-from", &k, &rst).known);
    errors[1].frame = 5;
    k.segments = v + 1; /* the other end was not captured */
    k.n_kept = 2;
    assert_false(ask("conn.icmp-only", &k, &rst).known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_icmp_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
