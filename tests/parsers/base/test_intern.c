/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that come again stand once; others never change places with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/base/intern.h"

static void what_comes_again_is_kept_once(void **state)
{
    (void)state;
    static struct intern in;
    struct arena a;
    arena_init(&a, NULL);
    const struct text once = intern_text(&in, &a, TEXT("hop count 64"));
    const size_t used = a.used;
    char same[] = "hop count 64", longer[] = "hop count 640";
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(intern_text(&in, &a, text_of(same)).p, once.p);
    assert_int_equal(a.used, used);
    assert_string_equal(intern_text(&in, &a, text_of(longer)).p, "hop count 640");
    same[0] = 'H';
    assert_string_equal(once.p, "hop count 64");
    assert_int_equal(once.n, 12);
    assert_string_equal(intern_text(&in, &a, text_of(same)).p, "Hop count 64");
    assert_int_equal(intern_text(&in, &a, (struct text){NULL, 0}).n, 0);
    arena_finish(&a);
}

/* Many more than there are places: each is what it was asked for. */
static void others_keep_their_own(void **state)
{
    (void)state;
    static struct intern in;
    static const char *p[8 * INTERN_PLACES];
    struct arena a;
    char text[32];
    arena_init(&a, NULL);
    for (unsigned i = 0; i < 8 * INTERN_PLACES; i++) {
        snprintf(text, sizeof text, "number %u", i);
        p[i] = intern_bytes(&in, &a, text, strlen(text));
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % sizeof(void *), 0);
    }
    for (unsigned i = 0; i < 8 * INTERN_PLACES; i++) {
        snprintf(text, sizeof text, "number %u", i);
        assert_string_equal(p[i], text);
    }
    assert_ptr_not_equal(intern_bytes(NULL, &a, "x", 1), intern_bytes(NULL, &a, "x", 1));
    arena_finish(&a);
}

/* Copies of one text at other addresses: the bytes differ, and take the same place. */
static void addresses_have_the_place_of_what_they_point_to(void **state)
{
    (void)state;
    static struct intern in;
    struct arena a;
    arena_init(&a, NULL);
    static char copies[64][8];
    for (size_t i = 0; i < 64; i++) {
        memcpy(copies[i], "timeout", 8);
        const char *at = copies[i];
        const void *kept = intern_by_key(&in, &a, &at, sizeof at, intern_key(text_of(at), 7));
        assert_memory_equal(kept, &at, sizeof at);
        assert_ptr_equal(intern_by_key(&in, &a, &at, sizeof at, intern_key(text_of(at), 7)), kept);
    }
    unsigned n_taken = 0;
    for (size_t i = 0; i < INTERN_PLACES; i++)
        n_taken += in.place[i].bytes != NULL;
    assert_int_equal(n_taken, 1);
    assert_true(intern_key(TEXT("timeout"), 0) != intern_key(TEXT("timeout"), 7));
    arena_finish(&a);
}

static void *refuse(void *ctx, size_t n)
{
    (void)ctx, (void)n;
    return NULL;
}

static void release(void *ctx, void *p, size_t n)
{
    (void)ctx, (void)p, (void)n;
}

static void no_memory_leaves_nothing(void **state)
{
    (void)state;
    static struct intern in;
    const struct allocator none = {.alloc = refuse, .release = release};
    struct arena empty, full;
    arena_init(&empty, &none);
    arena_init(&full, NULL);
    assert_null(intern_bytes(&in, &empty, "lost", 4));
    assert_int_equal(intern_text(&in, &empty, TEXT("lost")).n, 0);
    assert_string_equal(intern_text(&in, &full, TEXT("lost")).p, "lost"); /* it is not remembered */
    arena_finish(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_again_is_kept_once),
        cmocka_unit_test(others_keep_their_own),
        cmocka_unit_test(addresses_have_the_place_of_what_they_point_to),
        cmocka_unit_test(no_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
