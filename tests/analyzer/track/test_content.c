/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First and last bytes against a plain copy of everything, whatever order the pieces come in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/track/content.h"
#include "analyzer/track/survey.h"

#define ALL 6000

struct plain {
    uint8_t byte[ALL];
    bool known[ALL];
    size_t end;
};

static void plain_put(struct plain *p, size_t at, const uint8_t *bytes, size_t n, bool *conflict)
{
    *conflict = false;
    for (size_t i = 0; i < n; i++) {
        bool visible = at + i < CONTENT_HEAD || at + i + CONTENT_TAIL >= p->end;
        if (p->known[at + i])
            *conflict |= visible && p->byte[at + i] != bytes[i];
        else
            p->byte[at + i] = bytes[i];
        p->known[at + i] = true;
    }
    if (at + n > p->end)
        p->end = at + n;
}

static void check(const struct plain *p, const struct content *c)
{
    struct arena arena;
    arena_init(&arena, NULL);
    size_t head = 0;
    while (head < CONTENT_HEAD && head < p->end && p->known[head])
        head++;
    struct text got = content_head(c, &arena);
    assert_int_equal(got.n, head);
    assert_memory_equal(got.p ? got.p : "", p->byte, head);

    size_t from = p->end, floor = p->end > CONTENT_TAIL ? p->end - CONTENT_TAIL : 0;
    while (from > floor && from > head && p->known[from - 1])
        from--;
    got = content_tail(c, &arena);
    assert_int_equal(got.n, p->end - from);
    assert_memory_equal(got.p ? got.p : "", &p->byte[from], got.n);
    arena_finish(&arena);
}

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void in_order(void **state)
{
    (void)state;
    static struct plain p;
    struct store s;
    struct content *c = NULL;
    uint8_t bytes[700];
    uint32_t random = 5;
    memset(&p, 0, sizeof p);
    store_init(&s, NULL);
    for (size_t at = 0; at + sizeof bytes < ALL;) {
        size_t n = 1 + next(&random) % sizeof bytes;
        bool conflict;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)next(&random);
        plain_put(&p, at, bytes, n, &conflict);
        assert_false(content_put(&s, &c, at, bytes, n));
        check(&p, c);
        at += n;
    }
    content_free(&s, c);
    assert_int_equal(s.used, 0);
    store_finish(&s);
}

/* Any order, with gaps and copies; a copy sometimes differs.  What falls behind the last bytes is
 * forgotten, so pieces move forward on the whole. */
static void any_order(void **state)
{
    (void)state;
    static struct plain p;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        struct store s;
        struct content *c = NULL;
        uint32_t random = seed;
        memset(&p, 0, sizeof p);
        store_init(&s, NULL);
        for (size_t base = 0; base < 4000; base += next(&random) % 120) {
            uint8_t bytes[90];
            size_t n = 1 + next(&random) % sizeof bytes, at = base + next(&random) % 100;
            bool conflict, differs = next(&random) % 8 == 0;
            for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t)((at + i) * 7 + (differs ? next(&random) % 2 : 0));
            plain_put(&p, at, bytes, n, &conflict);
            assert_int_equal(content_put(&s, &c, at, bytes, n), conflict);
            check(&p, c);
        }
        content_free(&s, c);
        assert_int_equal(s.used, 0);
        store_finish(&s);
    }
}

/* Bytes near the head's end are kept twice where a copy reaches beyond it: the first one counts. */
static void the_first_copy_counts(void **state)
{
    (void)state;
    static struct plain p;
    struct store s;
    struct content *c = NULL;
    uint8_t first[40], later[600];
    bool conflict;
    memset(&p, 0, sizeof p);
    memset(first, 'a', sizeof first);
    memset(later, 'b', sizeof later);
    store_init(&s, NULL);
    plain_put(&p, 2000, first, sizeof first, &conflict);
    assert_false(content_put(&s, &c, 2000, first, sizeof first));
    plain_put(&p, 1500, later, sizeof later, &conflict);
    assert_true(content_put(&s, &c, 1500, later, sizeof later));
    check(&p, c);
    content_free(&s, c);
    store_finish(&s);
}

static void nothing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, NULL);
    assert_int_equal(content_head(NULL, &arena).n, 0);
    assert_int_equal(content_tail(NULL, &arena).n, 0);
    content_free(NULL, NULL);
    arena_finish(&arena);
}

/* Of what is read twice the first reading keeps what may be a request, with any method that the
 * decoder of HTTP takes, and nothing else. */
static void requests_alone(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool kept;
    } of[] = {
        {"GET / HTTP/1.1\r\n", true},      {"GE", true},
        {"M-SEARCH * HTTP/1.1\r\n", true}, {"UPDATEREDIRECTREF /a HTTP/1.1\r\n", true},
        {"SSH-2.0-x\r\n", false},          {"HTTP/1.1 200 OK\r\n", false},
        {" GET / HTTP/1.1\r\n", false},    {"ABCDEFGHIJKLMNOPQRSTUVWXYZ / ", false},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct store s;
        struct half h = {0};
        const size_t n = strlen(of[i].bytes);
        store_init(&s, &allocator_heap);
        survey_payload(&s, &h, 0, (const uint8_t *)of[i].bytes, n);
        survey_payload(&s, &h, n, (const uint8_t *)"more", 4);
        assert_int_equal(half_content(&h) != NULL, of[i].kept);
        assert_int_equal(half_has(&h, HALF_NO_REQUEST), !of[i].kept);
        half_let_go(&s, &h);
        store_finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(any_order),
        cmocka_unit_test(the_first_copy_counts),
        cmocka_unit_test(nothing),
        cmocka_unit_test(requests_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
