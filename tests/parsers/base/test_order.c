/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted is sorted, and what stands in order is left as it is. */
#include "parsers/base/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int key, number;
};

static int by_key(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static void test_sorts(void **state)
{
    (void)state;
    struct item v[] = {{1, 0}, {2, 1}, {5, 2}, {4, 3}, {9, 4}, {0, 5}};
    static const int sorted[] = {0, 1, 2, 4, 5, 9};
    order_sort(v, sizeof v / sizeof *v, sizeof *v, by_key);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        assert_int_equal(v[i].key, sorted[i]);
    struct item last[] = {{1, 0}, {2, 1}, {0, 2}}; /* the last pair counts */
    order_sort(last, 3, sizeof *last, by_key);
    assert_int_equal(last[0].number, 2);
}

static void test_leaves_what_is_in_order(void **state)
{
    (void)state;
    struct item v[] = {{1, 0}, {2, 1}, {2, 2}, {2, 3}, {7, 4}};
    order_sort(v, sizeof v / sizeof *v, sizeof *v, by_key);
    for (int i = 0; i < 5; i++)
        assert_int_equal(v[i].number, i);
    order_sort(v, 1, sizeof *v, by_key);
    order_sort(NULL, 0, sizeof *v, by_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_leaves_what_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
