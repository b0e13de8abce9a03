/* SPDX-License-Identifier: Apache-2.0 */
/* Order and stability, against what is plain to see, for few and for many keys of several kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parsers/base/instant.h"
#include "parsers/base/radix.h"

static uint64_t key_of(unsigned kind, uint64_t i, uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    switch (kind) {
    case 0:
        return i;
    case 1:
        return *random;
    case 2:
        return *random >> 60;
    case 3:
        return (*random >> 56) << 40;
    default:
        return radix_signed((int64_t)*random >> (*random & 31));
    }
}

static void sort_and_check(unsigned kind, size_t n)
{
    uint64_t random = kind * 977 + n, sum = 0;
    struct radix_item *v = radix_room(n);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++) {
        v[i] = (struct radix_item){key_of(kind, i, &random), (uint32_t)i};
        sum += v[i].key ^ v[i].value;
    }
    radix_sort(v, v + n, n);
    for (size_t i = 0; i < n; i++) {
        sum -= v[i].key ^ v[i].value;
        if (i > 0)
            assert_true(v[i - 1].key < v[i].key ||
                        (v[i - 1].key == v[i].key && v[i - 1].value < v[i].value));
    }
    assert_int_equal(sum, 0);
    radix_room_free(v, n);
}

static void keys_are_in_order_and_equals_stay(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 47, 48, 1000, 70000};
    for (unsigned kind = 0; kind < 5; kind++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            sort_and_check(kind, sizes[i]);
}

static void signed_numbers_keep_their_order(void **state)
{
    (void)state;
    assert_true(radix_signed(INT64_MIN) < radix_signed(-1));
    assert_true(radix_signed(-1) < radix_signed(0) && radix_signed(0) < radix_signed(INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_are_in_order_and_equals_stay),
                                       cmocka_unit_test(signed_numbers_keep_their_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
