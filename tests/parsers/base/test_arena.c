/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas and pools: zeroed, aligned, reused, bounded, and honest when the allocator refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/arena.h"

struct counting {
    size_t n_live, fail_at, n_calls;
};

static void *counting_alloc(void *ctx, size_t n)
{
    struct counting *c = ctx;
    if (++c->n_calls == c->fail_at)
        return NULL;
    c->n_live += n;
    return calloc(1, n);
}

static void counting_release(void *ctx, void *p, size_t n)
{
    struct counting *c = ctx;
    c->n_live -= n;
    free(p);
}

static void arena_memory_is_zeroed_aligned_and_given_back(void **state)
{
    (void)state;
    struct counting c = {0};
    const struct allocator from = {counting_alloc, counting_release, &c};
    struct arena a;
    arena_init(&a, &from);
    size_t asked = 0;
    for (size_t i = 0; i < 3000; i++) {
        size_t n = i % 97 == 0 ? 40000 : i % 50;
        unsigned char *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xee, n);
        asked += n;
    }
    assert_int_equal(a.used, asked);
    assert_int_equal(a.reserved, c.n_live);
    assert_true(a.reserved < 2 * asked + 65536);
    arena_finish(&a);
    assert_int_equal(c.n_live, 0);
    arena_finish(NULL);
}

/* What a round took is there for the next one, zeroed, and is not asked for again. */
static void arena_that_is_cleared_is_used_again(void **state)
{
    (void)state;
    static const size_t sizes[] = {100, 40000, 9000, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct counting c = {0};
        const struct allocator from = {counting_alloc, counting_release, &c};
        struct arena a;
        size_t n_calls = 0;
        arena_init(&a, &from);
        for (int round = 0; round < 6; round++) {
            n_calls = round == 3 ? c.n_calls : n_calls;
            for (size_t n = 0; n < sizes[i]; n += 50) {
                char *p = arena_alloc(&a, 50);
                assert_non_null(p);
                for (int k = 0; k < 50; k++)
                    assert_int_equal(p[k], 0);
                memset(p, 0xff, 50);
            }
            arena_clear(&a);
            assert_int_equal(a.used, 0);
            assert_int_equal(a.reserved, c.n_live);
        }
        assert_int_equal(c.n_calls, n_calls);
        c.fail_at = c.n_calls + 2; /* refused when it is cleared, or when it is filled */
        for (size_t n = 0; n < 2 * sizes[i] + 40000 && arena_alloc(&a, 50); n += 50)
            continue;
        arena_clear(&a);
        assert_non_null(arena_alloc(&a, 50));
        arena_finish(&a);
        assert_int_equal(c.n_live, 0);
    }
}

static void arena_copies_text(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, NULL);
    struct text t = arena_text(&a, TEXT("hello"));
    assert_true(text_eq(t, TEXT("hello")));
    assert_int_equal(t.p[5], 0);
    assert_string_equal(arena_printf(&a, "%d/%s", 7, "x"), "7/x");
    assert_string_equal(arena_cstr(&a, TEXT("")), "");
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_finish(&a);
}

static void arena_joins_texts(void **state)
{
    (void)state;
    struct counting c = {.fail_at = 2};
    const struct allocator from = {counting_alloc, counting_release, &c};
    const struct text parts[] = {TEXT("ab"), TEXT(""), {0}, TEXT("c\0d")};
    struct arena a;
    arena_init(&a, &from);
    const struct text t = arena_join(&a, parts, 4);
    assert_int_equal(t.n, 5);
    assert_memory_equal(t.p, "abc\0d", 6);
    assert_int_equal(arena_join(&a, parts, 0).n, 0);
    const struct text large = {calloc(1, 1 << 20), 1 << 20};
    assert_non_null(large.p);
    assert_null(arena_join(&a, &large, 1).p);
    free((void *)(uintptr_t)large.p);
    arena_finish(&a);
}

static void a_refused_allocation_leaves_the_arena_usable(void **state)
{
    (void)state;
    struct counting c = {.fail_at = 2};
    const struct allocator from = {counting_alloc, counting_release, &c};
    struct arena a;
    arena_init(&a, &from);
    assert_non_null(arena_alloc(&a, 8));
    assert_null(arena_alloc(&a, 100000));
    assert_non_null(arena_alloc(&a, 100000));
    arena_finish(&a);
    assert_int_equal(c.n_live, 0);
}

static void pool_reuses_what_it_gets_back(void **state)
{
    (void)state;
    struct counting c = {0};
    const struct allocator from = {counting_alloc, counting_release, &c};
    struct pool p;
    pool_init(&p, 100, &from);
    char *first = pool_take(&p);
    memset(first, 0xaa, 100);
    pool_give(&p, first);
    char *again = pool_take(&p);
    assert_ptr_equal(again, first);
    for (int i = 0; i < 100; i++)
        assert_int_equal(again[i], 0);
    for (int i = 0; i < 100000; i++)
        pool_give(&p, pool_take(&p));
    size_t reserved = p.reserved;
    assert_true(reserved <= 70000);
    void *held[2000];
    for (int i = 0; i < 2000; i++) {
        held[i] = pool_take(&p);
        assert_int_equal((uintptr_t)held[i] % 16, 0);
    }
    assert_int_equal(p.n_live, 2001);
    for (int i = 0; i < 2000; i++)
        pool_give(&p, held[i]);
    pool_give(&p, NULL);
    assert_int_equal(p.n_live, 1);
    pool_finish(&p);
    assert_int_equal(c.n_live, 0);
}

/* Objects come back in the order in which they were taken: memory goes with them, not at the end.
 */
static void a_pool_that_drains_gives_memory_back_meanwhile(void **state)
{
    enum { N = 200000 };
    (void)state;
    static void *held[N];
    struct counting c = {0};
    const struct allocator from = {counting_alloc, counting_release, &c};
    struct pool p;
    pool_init(&p, 100, &from);
    for (int i = 0; i < N; i++)
        held[i] = pool_take(&p);
    for (int i = 0; i < N; i += 2)
        pool_give(&p, held[i]);
    const size_t whole = c.n_live;
    pool_drain(&p);
    pool_drain(&p); /* once is enough */
    for (int i = 1; i < N / 2; i += 2)
        pool_give(&p, held[i]);
    assert_in_range(c.n_live, whole / 4, whole - whole / 4);
    const size_t half = c.n_live;
    for (int i = 0; i < 1000; i++) {
        unsigned char *again = pool_take(&p);
        for (int k = 0; k < 100; k++)
            assert_int_equal(again[k], 0);
        memset(again, 0xee, 100);
        pool_give(&p, again);
    }
    assert_in_range(c.n_live, half, half + 70000);
    for (int i = N / 2 + 1; i < N; i += 2)
        pool_give(&p, held[i]);
    assert_int_equal(p.n_live, 0);
    assert_in_range(c.n_live, 0, whole / 4);
    pool_finish(&p);
    assert_int_equal(c.n_live, 0);
}

/* What was handed out is forgotten, and its memory comes again as zeros, without asking for more.
 */
static void a_pool_begins_again(void **state)
{
    enum { N = 5000 };
    (void)state;
    struct counting c = {0};
    const struct allocator from = {counting_alloc, counting_release, &c};
    struct pool p;
    size_t total = 0;
    pool_init(&p, 100, &from);
    p.total = &total;
    for (int round = 0; round < 4; round++) {
        const size_t before = c.n_live;
        total = 0;
        for (int i = 0; i < N; i++) {
            unsigned char *o = pool_take(&p);
            assert_non_null(o);
            for (int k = 0; k < 100; k++)
                assert_int_equal(o[k], 0);
            memset(o, 0xee, 100);
            if (i % 3 == 0)
                pool_give(&p, o);
        }
        assert_true(round == 0 || c.n_live == before);
        assert_true(total > 0 && total == p.n_live * p.object_size);
        if (round == 1)
            pool_drain(&p);
        pool_rewind(&p);
        assert_int_equal(p.n_live, 0);
        if (round == 1) { /* what was drained is gone */
            assert_int_equal(c.n_live, 0);
            assert_non_null(pool_take(&p));
            for (int i = 1; i < N; i++)
                (void)pool_take(&p);
            pool_rewind(&p);
        }
    }
    (void)pool_take(&p);
    const size_t whole = c.n_live;
    pool_trim(&p);
    assert_in_range(c.n_live, 1, whole / 2);
    pool_rewind(&p);
    pool_drain(&p);
    pool_finish(&p);
    assert_int_equal(c.n_live, 0);
}

static void a_pool_that_cannot_drain_goes_on(void **state)
{
    (void)state;
    struct counting c = {.fail_at = 2};
    const struct allocator from = {counting_alloc, counting_release, &c};
    struct pool p;
    pool_init(&p, 100, &from);
    pool_drain(&p); /* nothing to drain: asks for nothing */
    void *held = pool_take(&p);
    pool_drain(&p);
    pool_give(&p, held);
    assert_ptr_equal(pool_take(&p), held);
    pool_finish(&p);
    assert_int_equal(c.n_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_given_back),
        cmocka_unit_test(arena_that_is_cleared_is_used_again),
        cmocka_unit_test(arena_copies_text),
        cmocka_unit_test(arena_joins_texts),
        cmocka_unit_test(a_refused_allocation_leaves_the_arena_usable),
        cmocka_unit_test(pool_reuses_what_it_gets_back),
        cmocka_unit_test(a_pool_that_drains_gives_memory_back_meanwhile),
        cmocka_unit_test(a_pool_begins_again),
        cmocka_unit_test(a_pool_that_cannot_drain_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
