/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip and zstd streams that are cut, damaged, concatenated or followed by something else: what
 * comes out is what zcat and zstd -dc give, byte by byte, and the rest is told with its place.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/parsers/input/pack.h"

#define N_PLAIN ((size_t)700000)

static const struct format {
    const char *name, *pack, *unpack;
} formats[] = {
    {"gzip", "gzip -c", "gzip -dc"},
    {"zstd", "zstd -q -c", "zstd -q -dc"},
};

static bool is_installed(const struct format *f)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >tool", f->name);
    return system(command) == 0;
}

static void run(const char *format, const char *a, const char *b)
{
    char command[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(command, sizeof command, format, a, b);
#pragma GCC diagnostic pop
    (void)!system(command);
}

/* A whole file; the caller's to free. */
static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *bytes = malloc(2 * N_PLAIN + 1);
    *n = fread(bytes, 1, 2 * N_PLAIN + 1, f);
    fclose(f);
    return bytes;
}

/* Lines that compress to about a third. */
static void store_plain(const char *path)
{
    char *bytes = malloc(N_PLAIN + 64);
    uint32_t dice = 11;
    size_t n = 0;
    while (n < N_PLAIN) {
        dice = dice * 1664525u + 1013904223u;
        n += (size_t)snprintf(bytes + n, 64, "Oct 22 12:09:10 host sshd[1]: %u %08x\n", dice >> 29,
                              dice);
    }
    store(path, bytes, N_PLAIN);
    free(bytes);
}

/* What whyrst's door gives of the file. */
struct given {
    char *bytes;
    size_t n;
    uint64_t n_unused;
    struct error error;
};

static struct given read_packed(const char *path)
{
    struct given g = {.bytes = malloc(2 * N_PLAIN + 1)};
    struct walk *w = walk_new(NULL, NULL, NULL, NULL);
    struct source *s;
    const uint8_t *p;
    size_t i, n;
    assert_true(walk_add(w, path, NULL));
    while (walk_next(w, &i, &s)) {
        const struct error *e = walk_input(w, i)->error;
        while (s && (n = source_peek(s, 1, &p)) > 0) {
            memcpy(g.bytes + g.n, p, n);
            g.n += n;
            source_consume(s, n);
        }
        e = s ? source_error(s) : e;
        if (e)
            g.error = *e;
        g.n_unused = s ? source_n_unused(s) : 0;
        source_close(s);
    }
    walk_free(w);
    return g;
}

/* As the tool that made the file unpacks it; at_least: more is as good. */
static void expect_same(const struct given *g, const char *path, const struct format *f,
                        bool at_least)
{
    size_t n;
    run("%s >plain.told 2>/dev/null <%s", f->unpack, path);
    char *told = slurp("plain.told", &n);
    if (at_least ? g->n < n : g->n != n)
        fail_msg("%s: %zu bytes, not %zu", path, g->n, n);
    assert_memory_equal(g->bytes, told, n);
    free(told);
}

static void expect_said(const struct given *g, const char *words)
{
    if (text_find(text_of(g->error.text), text_of(words), 0) == SIZE_MAX)
        fail_msg("\"%s\" is not in \"%s\"", words, g->error.text);
}

static void cut(const struct format *f, const char *packed, size_t at, const char *plain)
{
    char words[64];
    store("cut", packed, at);
    struct given g = read_packed("cut");
    expect_same(&g, "cut", f, true); /* gzip looks a few bits ahead */
    assert_memory_equal(g.bytes, plain, g.n);
    expect_said(&g, "that begins at compressed byte 0");
    snprintf(words, sizeof words, "breaks off at byte %zu, behind %zu unpacked", at, g.n);
    expect_said(&g, words);
    assert_string_equal(g.error.place, "cut");
    assert_true(g.n_unused <= at);
    free(g.bytes);
}

static void a_cut_file_gives_all_that_its_tool_gives(void **state)
{
    (void)state;
    size_t n;
    store_plain("plain");
    char *plain = slurp("plain", &n);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *f = &formats[i];
        if (!is_installed(f))
            continue;
        run("%s plain >%s", f->pack, "packed");
        char *packed = slurp("packed", &n);
        for (size_t k = 1; k < 25; k++)
            cut(f, packed, n * k / 25 + k, plain);
        for (size_t k = 1; k < 13; k++) { /* in the check sum and the last block's end */
            store("cut", packed, n - k);
            struct given g = read_packed("cut");
            expect_same(&g, "cut", f, true); /* zstd keeps its last block back */
            assert_memory_equal(g.bytes, plain, g.n);
            expect_said(&g, "cut short");
            free(g.bytes);
        }
        free(packed);
    }
    free(plain);
}

static void members_follow_each_other(void **state)
{
    (void)state;
    store_plain("plain");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *f = &formats[i];
        size_t n;
        if (!is_installed(f))
            continue;
        run("(%s plain; head -c 1000 plain | %s) >packed", f->pack, f->pack);
        if (i == 0) /* padding of a tape's last block */
            run("head -c %s /dev/zero >>%s", "3000", "packed");
        struct given g = read_packed("packed");
        assert_int_equal(g.error.code, 0);
        assert_int_equal(g.n, N_PLAIN + 1000);
        assert_int_equal(g.n_unused, i == 0 ? 3000 : 0);
        expect_same(&g, "packed", f, false);
        free(g.bytes);
        free(slurp("packed", &n));
    }
}

static void what_is_behind_the_last_member_is_told(void **state)
{
    (void)state;
    char words[128];
    store_plain("plain");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t n;
        if (!is_installed(&formats[i]))
            continue;
        run("%s plain >%s", formats[i].pack, "packed");
        free(slurp("packed", &n));
        run("echo %s >>%s", "and so on", "packed");
        struct given g = read_packed("packed");
        assert_int_equal(g.n, N_PLAIN);
        assert_int_equal(g.n_unused, 10);
        snprintf(words, sizeof words, "10 bytes from compressed byte %zu on, behind %zu", n,
                 N_PLAIN);
        expect_said(&g, words);
        free(g.bytes);
    }
}

/* The member before and the one behind are read all the same. */
static void a_wrong_check_sum_ends_nothing(void **state)
{
    (void)state;
    store_plain("plain");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *f = &formats[i];
        char words[64];
        size_t n;
        if (!is_installed(f))
            continue;
        run("%s plain >%s", f->pack, "packed");
        char *packed = slurp("packed", &n);
        packed[i == 0 ? n - 8 : n - 4] ^= 1;
        store("packed", packed, n);
        run("head -c 1000 plain | %s >>%s", f->pack, "packed");
        struct given g = read_packed("packed");
        assert_int_equal(g.n, N_PLAIN + 1000);
        snprintf(words, sizeof words, "from compressed byte 0 to %zu does not hold", n);
        expect_said(&g, words);
        assert_int_equal(g.n_unused, 0);
        free(g.bytes);
        if (i == 0) { /* and a wrong length */
            packed[n - 8] ^= 1;
            packed[n - 1] ^= 1;
            store("packed", packed, n);
            g = read_packed("packed");
            assert_int_equal(g.n, N_PLAIN);
            expect_said(&g, "length");
            free(g.bytes);
        }
        free(packed);
    }
}

static void a_broken_member_gives_what_comes_before(void **state)
{
    (void)state;
    store_plain("plain");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *f = &formats[i];
        size_t n, n_plain;
        if (!is_installed(f))
            continue;
        run("%s plain >%s", f->pack, "packed");
        char *packed = slurp("packed", &n), *plain = slurp("plain", &n_plain);
        memset(packed + n / 2, 0xff, 2000);
        store("packed", packed, n);
        struct given g = read_packed("packed");
        expect_same(&g, "packed", f, true);
        expect_said(&g, i == 0 ? "gzip member" : "zstd frame");
        assert_true(g.n > n_plain / 4 && g.n < n_plain);
        assert_memory_equal(g.bytes, plain, n_plain / 4);
        free(g.bytes);
        free(packed);
        free(plain);
    }
}

static void a_window_without_bound_is_refused(void **state)
{
    (void)state;
    if (!is_installed(&formats[1]))
        return;
    store_plain("plain");
    run("%s --long=28 <plain >%s", formats[1].pack, "packed");
    struct given g = read_packed("packed");
    assert_int_equal(g.error.code, ERROR_LIMIT);
    assert_int_equal(g.n, 0);
    free(g.bytes);
}

static void a_cut_tar_gives_its_members(void **state)
{
    (void)state;
    store_plain("plain");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *f = &formats[i];
        size_t n;
        if (!is_installed(f))
            continue;
        run("head -c 200000 plain >a; tar cf - a plain | %s >%s", f->pack, "packed");
        char *packed = slurp("packed", &n);
        store("packed", packed, n * 3 / 4);
        struct listing l;
        LIST(&l, "packed");
        assert_true(
            text_starts(strbuf_view(&l.text), TEXT("packed!a text 200000\npacked!plain text")));
        assert_true(text_find(strbuf_view(&l.text), TEXT("cut short"), 0) != SIZE_MAX);
        listing_finish(&l);
        packed[n - 8 + 4 * i] ^= 1; /* behind the tar's end */
        store("packed", packed, n);
        struct given g = read_packed("packed");
        assert_int_equal(g.n, N_PLAIN + 200000);
        expect_said(&g, "does not hold what was packed");
        free(g.bytes);
        free(packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cut_file_gives_all_that_its_tool_gives),
        TEST(members_follow_each_other),
        TEST(what_is_behind_the_last_member_is_told),
        TEST(a_wrong_check_sum_ends_nothing),
        TEST(a_broken_member_gives_what_comes_before),
        TEST(a_window_without_bound_is_refused),
        TEST(a_cut_tar_gives_its_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
