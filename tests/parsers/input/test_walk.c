/* SPDX-License-Identifier: Apache-2.0 */
/* Files, folders and pipes become streams: in order of names, bounded, and twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/parsers/input/pack.h"

static void folders_are_walked_in_order_of_names(void **state)
{
    (void)state;
    mkdir("d", 0755);
    mkdir("d/sub", 0755);
    mkdir("d/sub/empty", 0755);
    store("d/b.log", LOG, sizeof LOG - 1);
    store("d/B.log", LOG, sizeof LOG - 1);
    store("d/sub/x", PCAP, sizeof PCAP - 1);
    store("d/nothing", "", 0);
    store("first", "\0\1\2\3\4\5", 6);
    assert_int_equal(symlink("b.log", "d/link"), 0);
    assert_int_equal(symlink("..", "d/sub/loop"), 0);
    assert_int_equal(mkfifo("d/pipe", 0644), 0);
    struct listing l;
    LIST(&l, "first", "d/", "missing", "d/link");
    assert_string_equal(l.text.p, "first unknown 6\n"
                                  "d/B.log text 73\n"
                                  "d/b.log text 73\n"
                                  "d/link skipped\n"
                                  "d/nothing empty 0\n"
                                  "d/pipe skipped\n"
                                  "d/sub/loop skipped\n"
                                  "d/sub/x pcap 24\n"
                                  "missing failed\n"
                                  "d/link text 73\n");
    assert_int_equal(walk_input(l.w, 1)->size, 73);
    assert_int_equal(walk_input(l.w, 8)->error->code, ERROR_IO);
    listing_finish(&l);
}

static void counts_and_depths_are_bounded(void **state)
{
    (void)state;
    struct archive *a = writing("many.tar", "ustar", NULL);
    char name[32];
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "m%d", i);
        member(a, name, "x\n", 2);
    }
    done(a);
    expect_limit("many.tar", 2);
    assert_int_equal(system("mkdir -p a/b/c/d/e && echo x > a/b/c/d/e/f && echo y > a/z"), 0);
    expect_limit("a", 2);
    assert_int_equal(system("mkdir wide && cd wide && for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
                            "16 17 18 19 20; do echo $i > $i; done"),
                     0);
    struct input_limits limits = small_limits();
    struct listing l;
    list(&l, &limits, (const char *const[]){"wide", "wide", NULL});
    assert_int_equal(walk_n_inputs(l.w), 21);
    assert_true(text_ends(strbuf_view(&l.text), TEXT("... failed\n")));
    walk_free(l.w);
    strbuf_finish(&l.text);
}

static void pipes_can_be_read_twice(void **state)
{
    (void)state;
    compress_to("log.gz", "gzip", LOG, sizeof LOG - 1);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(system("cat log.gz > pipe &"), 0);
    assert_non_null(freopen("log.gz", "rb", stdin));
    struct listing l;
    LIST(&l, "pipe", "-");
    assert_string_equal(l.text.p, "pipe text 73\n- text 73\n");
    listing_finish(&l);
    assert_int_equal(system("yes | head -c 20000 > pipe 2>&1 &"), 0);
    expect_limit("pipe", 0);
}

static void a_device_without_end_is_not_copied(void **state)
{
    (void)state;
    struct listing l;
    LIST(&l, "/dev/zero");
    assert_true(text_starts(strbuf_view(&l.text), TEXT("/dev/zero unknown ")));
    assert_true(walk_input(l.w, 0)->size < 1 << 20);
    walk_free(l.w);
    strbuf_finish(&l.text);
}

/* Walks over path and keeps every stream: how many were. */
static size_t keep_all(struct walk *w, const char *path)
{
    size_t i, n_kept = 0;
    struct source *s;
    assert_true(walk_add(w, path, NULL));
    while (walk_next(w, &i, &s)) {
        n_kept += s && walk_keep(w, i, s);
        source_close(s);
    }
    return n_kept;
}

static void expect_bytes(struct source *s, const char *bytes, size_t n)
{
    const uint8_t *p;
    assert_non_null(s);
    assert_int_equal(source_peek(s, n + 1, &p), n);
    assert_memory_equal(p, bytes, n);
    source_close(s);
}

/* The archive is gone: what is opened is the copy. */
static void members_are_kept_for_any_order(void **state)
{
    (void)state;
    struct archive *a = writing("t.tar", "ustar", NULL);
    member(a, "one", LOG, sizeof LOG - 1);
    member(a, "two", PCAP, sizeof PCAP - 1);
    member(a, "three", "x\ny\n", 4);
    done(a);
    struct walk *w = walk_new(NULL, NULL, NULL, NULL);
    assert_int_equal(keep_all(w, "t.tar"), 3);
    assert_int_equal(unlink("t.tar"), 0);
    assert_true(walk_input(w, 2)->is_kept && walk_input(w, 2)->is_member);
    struct source *first = walk_open_input(w, 0, NULL), *second = walk_open_input(w, 1, NULL);
    expect_bytes(walk_open_input(w, 2, NULL), "x\ny\n", 4);
    assert_string_equal(source_name(second), "t.tar!two");
    char at[4];
    assert_int_equal(source_read_at(second, sizeof PCAP - 3, at, sizeof at), 2);
    assert_memory_equal(at, &PCAP[sizeof PCAP - 3], 2);
    assert_true(source_jump(second, 4));
    assert_false(source_jump(second, sizeof PCAP));
    expect_bytes(second, &PCAP[4], sizeof PCAP - 5);
    expect_bytes(first, LOG, sizeof LOG - 1);
    walk_free(w);
}

static void what_fails_fails_in_the_copy(void **state)
{
    (void)state;
    static char noise[100000];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * i >> 3);
    struct archive *a = writing("cut.tar.gz", "ustar", "gzip");
    member(a, "x", noise, sizeof noise);
    done(a);
    struct stat st;
    assert_int_equal(stat("cut.tar.gz", &st), 0);
    assert_int_equal(truncate("cut.tar.gz", st.st_size / 2), 0);
    struct walk *w = walk_new(NULL, NULL, NULL, NULL);
    uint64_t n, n_copy;
    struct listing l;
    LIST(&l, "cut.tar.gz");
    struct source *s = walk_open_input(l.w, 0, NULL);
    uint64_t sum = sum_of(s, &n);
    assert_non_null(source_error(s));
    assert_int_equal(keep_all(w, "cut.tar.gz"), 1);
    struct source *copy = walk_open_input(w, 0, NULL);
    assert_true(walk_input(w, 0)->is_kept && sum_of(copy, &n_copy) == sum && n_copy == n && n > 0);
    assert_string_equal(source_error(copy)->text, source_error(s)->text);
    assert_true(text_starts(text_of(source_error(copy)->place), TEXT("cut.tar.gz")));
    source_close(copy);
    source_close(s);
    walk_free(w);
    listing_finish(&l);
}

static void what_has_no_room_is_left_where_it_stands(void **state)
{
    (void)state;
    struct input_limits limits = small_limits();
    limits.kept_max = 10;
    struct archive *a = writing("t.tar", "ustar", NULL);
    member(a, "one", LOG, sizeof LOG - 1);
    member(a, "two", "0123456789", 10);
    done(a);
    struct walk *w = walk_new(&limits, NULL, NULL, NULL);
    size_t i = 0;
    struct source *s = NULL;
    assert_true(walk_add(w, "t.tar", NULL));
    assert_true(walk_next(w, &i, &s));
    assert_false(walk_keep(w, i, s));
    assert_false(walk_input(w, i)->is_kept);
    expect_bytes(s, LOG, sizeof LOG - 1);
    assert_true(walk_next(w, &i, &s));
    assert_true(walk_keep(w, i, s));
    source_close(s);
    assert_false(walk_next(w, &i, &s));
    expect_bytes(walk_open_input(w, 1, NULL), "0123456789", 10);
    expect_bytes(walk_open_input(w, 0, NULL), LOG, sizeof LOG - 1);
    walk_free(w);
}

static enum input_kind take_for_text(void *ctx, const char *name, enum input_kind sniffed)
{
    return strcmp(name, ctx) == 0 ? INPUT_TEXT : sniffed;
}

static void the_user_has_the_last_word(void **state)
{
    (void)state;
    store("odd", "\1\2\3\4", 4);
    store("other", "\1\2\3\4", 4);
    char name[] = "odd";
    struct walk *w = walk_new(NULL, take_for_text, name, NULL);
    walk_add(w, "odd", NULL);
    walk_add(w, "other", NULL);
    size_t i;
    struct source *s;
    while (walk_next(w, &i, &s))
        source_close(s);
    assert_int_equal(walk_input(w, 0)->kind, INPUT_TEXT);
    assert_int_equal(walk_input(w, 1)->kind, INPUT_UNKNOWN);
    walk_free(w);
    walk_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folders_are_walked_in_order_of_names),
        TEST(counts_and_depths_are_bounded),
        TEST(pipes_can_be_read_twice),
        TEST(a_device_without_end_is_not_copied),
        TEST(members_are_kept_for_any_order),
        TEST(what_fails_fails_in_the_copy),
        TEST(what_has_no_room_is_left_where_it_stands),
        TEST(the_user_has_the_last_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
