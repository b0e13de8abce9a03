/* SPDX-License-Identifier: Apache-2.0 */
/* The hash map, the growing array and the flaw list: what is put in is found, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "parsers/base/cursor.h"
#include "parsers/base/error.h"
#include "parsers/base/flaw.h"
#include "parsers/base/map.h"
#include "parsers/base/vec.h"

static void map_finds_what_was_put_in_order_of_insertion(void **state)
{
    (void)state;
    struct map m;
    map_init(&m, 6, sizeof(uint64_t));
    assert_null(map_get(&m, "absent"));
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t key[6] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16), 9, 9, 9};
        bool made;
        uint64_t *v = map_put(&m, key, &made);
        assert_true(made);
        assert_int_equal((uintptr_t)v % 8, 0);
        assert_int_equal(*v, 0);
        *v = i;
    }
    assert_int_equal(m.n, 20000);
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t key[6] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16), 9, 9, 9};
        assert_int_equal(*(uint64_t *)map_get(&m, key), i);
        assert_memory_equal(map_key_at(&m, i), key, 6);
        assert_int_equal(*(uint64_t *)map_value_at(&m, i), i);
    }
    bool made = true;
    assert_non_null(map_put(&m, map_key_at(&m, 5), &made));
    assert_false(made);
    uint8_t absent[6] = {0, 0, 0, 1, 1, 1};
    assert_null(map_get(&m, absent));
    map_finish(&m);
    map_finish(NULL);
    assert_true(map_seed() == map_seed());
}

/* Keys of every size, some again and again, also within what is looked for together. */
static void map_looks_ahead_as_it_looks(void **state)
{
    (void)state;
    static const size_t sizes[] = {4, 16, 20, 40};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct map m, plain;
        uint8_t keys[MAP_AHEAD][40] = {{0}};
        uint32_t chance = 1;
        map_init(&m, sizes[k], sizeof(uint32_t));
        map_init(&plain, sizes[k], sizeof(uint32_t));
        struct map_ahead a = {.in = &m};
        for (size_t round = 0; round < 300; round++) {
            a.n = round % (MAP_AHEAD + 1);
            for (size_t i = 0; i < a.n; i++) {
                chance = chance * 1664525 + 1013904223;
                memset(keys[i], (int)(chance >> 30), sizeof keys[i]);
                keys[i][chance >> 8 & 1 ? 0 : sizes[k] - 1] = (uint8_t)(chance >> 20);
                a.key[i] = keys[i];
            }
            map_look_ahead(&a);
            for (size_t i = 0; i < a.n; i++) {
                bool made, wanted;
                uint32_t *got = i % 3 ? map_put_ahead(&a, i, &made) : map_get_ahead(&a, i);
                if (i % 3 == 0) {
                    assert_int_equal(got != NULL, map_get(&plain, keys[i]) != NULL);
                    continue;
                }
                uint32_t *value = map_put(&plain, keys[i], &wanted);
                assert_true(got && value && made == wanted);
                if (made)
                    *got = *value = (uint32_t)m.n;
                assert_int_equal(*got, *value);
            }
        }
        assert_true(m.n > 200 && m.n == plain.n);
        map_finish(&m);
        map_finish(&plain);
    }
}

/* Hashes seldom agree by chance: what is done then is asked for by hand. */
static void map_holds_keys_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = {4, 6, 8, 9, 16, 20, 40};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct map m;
        uint8_t key[40] = {0}, other[40] = {0};
        map_init(&m, sizes[k], sizeof(uint32_t));
        assert_non_null(map_put(&m, key, NULL));
        assert_true(map_is_at(&m, 1, key));
        for (size_t i = 0; i < sizes[k]; i++) {
            other[i] = 1;
            assert_false(map_is_at(&m, 1, other));
            if (i + 1 < sizes[k])
                other[i] = 0;
        }
        assert_non_null(map_put(&m, other, NULL));
        struct map_ahead a = {.in = &m, .key = {key, other}, .n = 2};
        map_look_ahead(&a);
        a.guess[0] = 2;
        a.guess[1] = 1;
        assert_ptr_equal(map_get_ahead(&a, 0), map_value_at(&m, 0));
        assert_ptr_equal(map_get_ahead(&a, 1), map_value_at(&m, 1));
        map_finish(&m);
    }
}

static void array_grows_and_refuses_the_impossible(void **state)
{
    (void)state;
    VEC(uint32_t) v = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t *p = vec_push(&v);
        if (!p) {
            fail();
            return;
        }
        assert_int_equal(*p, 0);
        *p = i;
    }
    assert_int_equal(v.v[999], 999);
    assert_false(vec_reserve(&v, SIZE_MAX));
    assert_int_equal(v.n, 1000);
    assert_int_equal(v.v[0], 0);
    vec_finish(&v);
    assert_null(v.v);
}

static void flaws_are_counted_by_name_with_their_first_place(void **state)
{
    (void)state;
    struct flaws f;
    flaws_init(&f);
    flaws_add(&f, "b.two", 7);
    flaws_add(&f, "a.one", 3);
    flaws_add(&f, "b.two", 9);
    flaws_add_n(&f, "c.three", 1, 40);
    flaws_add_n(&f, "c.three", 9, 2);
    flaws_add_n(&f, "d.none", 1, 0);
    assert_int_equal(f.n, 3);
    assert_string_equal(f.v[0].name, "a.one");
    assert_string_equal(f.v[2].name, "c.three");
    assert_int_equal(f.v[1].first_place, 7);
    assert_int_equal(flaws_count(&f, "b.two"), 2);
    assert_int_equal(flaws_count(&f, "c.three"), 42);
    assert_int_equal(flaws_count(&f, "d.none"), 0);
    flaws_finish(&f);
}

static void cursor_stops_at_the_end(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct cursor c = cursor_of(bytes, sizeof bytes);
    assert_true(cursor_be64(&c) == 0x0102030405060708u);
    assert_int_equal(cursor_be16(&c), 0);
    assert_true(c.overrun);
    assert_int_equal(cursor_left(&c), 1);
    assert_int_equal(cursor_u8(&c), 9);
    c = cursor_of(bytes, sizeof bytes);
    assert_true(cursor_le64(&c) == 0x0807060504030201u);
    c = cursor_of(bytes, 4);
    assert_int_equal(cursor_u32(&c, false), 0x04030201);
    assert_int_equal(cursor_u16(&c, true), 0);
}

static void errors_carry_clean_text(void **state)
{
    (void)state;
    struct error e = {0};
    assert_false(error_set(&e, ERROR_FORMAT, "a\x1b.log:3", "bad %s", "\xe2\x80\xae line\n"));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_string_equal(e.place, "a\\x1b.log:3");
    assert_string_equal(e.text, "bad \\u{202E} line\\x0a");
    char longer[4000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    error_set(&e, ERROR_LIMIT, longer, "%s", longer);
    assert_int_equal(strlen(e.place), sizeof e.place - 1);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    error_set_errno(&e, 2, "f", "cannot open");
    assert_int_equal(e.code, ERROR_IO);
    assert_string_equal(e.text, "cannot open: No such file or directory");
    assert_false(error_set(NULL, ERROR_IO, "", "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_finds_what_was_put_in_order_of_insertion),
        cmocka_unit_test(map_looks_ahead_as_it_looks),
        cmocka_unit_test(map_holds_keys_apart),
        cmocka_unit_test(array_grows_and_refuses_the_impossible),
        cmocka_unit_test(flaws_are_counted_by_name_with_their_first_place),
        cmocka_unit_test(cursor_stops_at_the_end),
        cmocka_unit_test(errors_carry_clean_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
