/* SPDX-License-Identifier: Apache-2.0 */
/* Folders, archives, compressed files and pipes become streams: in order, bounded, and twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/base/text.h"
#include "parsers/input/walk.h"

#define LOG "Oct 22 12:09:10 host sshd[1]: first\nOct 22 12:09:11 host sshd[1]: second\n"
#define PCAP "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0"

/* Each test works in a folder of its own. */
static int enter(void **state)
{
    char *path = strdup("/tmp/whyrst-walk-XXXXXX");
    *state = path;
    return path && mkdtemp(path) && chdir(path) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    int r = chdir("/") | system(command);
    free(*state);
    return r;
}

static void store(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* An archive writer: format "raw", "ustar", "pax" or "zip"; filter "gzip", ... or NULL. */
static struct archive *writing(const char *path, const char *format, const char *filter)
{
    struct archive *a = archive_write_new();
    assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
    if (filter)
        assert_true(archive_write_add_filter_by_name(a, filter) >= ARCHIVE_WARN);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    return a;
}

static void member(struct archive *a, const char *name, const void *bytes, size_t n)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, (la_int64_t)n);
    assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
    assert_int_equal(archive_write_data(a, bytes, n), n);
    archive_entry_free(e);
}

static void link_member(struct archive *a, const char *name, const char *target)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFLNK);
    archive_entry_set_symlink(e, target);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    archive_entry_free(e);
}

static void done(struct archive *a)
{
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

static void compress_to(const char *path, const char *filter, const void *bytes, size_t n)
{
    struct archive *a = writing(path, "raw", filter);
    member(a, "data", bytes, n);
    done(a);
}

static uint64_t sum_of(struct source *s, uint64_t *n)
{
    const uint8_t *p;
    uint64_t h = 0;
    size_t have;
    *n = 0;
    while ((have = source_peek(s, 1, &p)) > 0) {
        for (size_t i = 0; i < have; i++)
            h = h * 31 + p[i];
        *n += have;
        source_consume(s, have);
    }
    return h;
}

/* The whole walk as text: one line an input. */
struct listing {
    struct strbuf text;
    struct walk *w;
    uint64_t sums[256];
};

static void list(struct listing *l, const struct input_limits *limits, const char *const *paths)
{
    *l = (struct listing){.w = walk_new(limits, NULL, NULL, NULL)};
    for (; *paths; paths++)
        assert_true(walk_add(l->w, *paths, NULL));
    size_t i, want = 0;
    struct source *s;
    while (walk_next(l->w, &i, &s)) {
        assert_int_equal(i, want++);
        const struct input *in = walk_input(l->w, i);
        uint64_t n = 0;
        strbuf_printf(&l->text, "%s %s", in->name, input_kind_id(in->kind));
        if (s)
            l->sums[i] = sum_of(s, &n);
        if (s && !source_error(s) && !in->is_member) /* all of the file was taken */
            assert_int_equal(source_n_packed(s), in->size);
        assert_int_equal(s == NULL, in->error != NULL);
        if (s)
            strbuf_printf(&l->text, " %llu", (unsigned long long)n);
        if (s && source_error(s))
            strbuf_printf(&l->text, " (%s)", source_error(s)->text);
        strbuf_char(&l->text, '\n');
        source_close(s);
    }
    assert_int_equal(walk_n_inputs(l->w), want);
    if (!l->text.p)
        strbuf_str(&l->text, "");
}

/* Opens input i again: the same bytes. */
static void again(struct listing *l, size_t i)
{
    struct error err = {0};
    uint64_t n;
    struct source *s = walk_open_input(l->w, i, &err);
    if (walk_input(l->w, i)->error) {
        assert_null(s);
        return;
    }
    assert_non_null(s);
    assert_true(sum_of(s, &n) == l->sums[i]);
    assert_string_equal(source_name(s), walk_input(l->w, i)->name);
    source_close(s);
}

static void listing_finish(struct listing *l)
{
    size_t n = walk_n_inputs(l->w);
    for (size_t i = 0; i < n; i++)
        again(l, i);
    for (size_t i = n; i > 0; i--)
        again(l, i - 1);
    walk_free(l->w);
    strbuf_finish(&l->text);
}

#define LIST(l, ...) list(l, NULL, (const char *const[]){__VA_ARGS__, NULL})

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

static void compressed_files_are_one_stream(void **state)
{
    (void)state;
    static const char *const filters[] = {"gzip", "bzip2", "xz", "zstd", "lz4"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        compress_to("log.packed", filters[i], LOG, sizeof LOG - 1);
        if (strcmp(filters[i], "lz4") == 0) /* libarchive cannot write an empty one */
            store("none.packed", "\x04\x22\x4d\x18\x64\x40\xa7\0\0\0\0\5\x5d\xcc\2", 15);
        else
            compress_to("none.packed", filters[i], "", 0);
        compress_to("cap.packed", filters[i], PCAP, sizeof PCAP - 1);
        struct listing l;
        LIST(&l, "log.packed", "none.packed", "cap.packed");
        assert_string_equal(l.text.p, "log.packed text 73\nnone.packed empty 0\n"
                                      "cap.packed pcap 24\n");
        const struct input *in = walk_input(l.w, 0);
        assert_true(in->is_compressed);
        assert_false(in->is_member);
        struct stat st;
        assert_int_equal(stat("log.packed", &st), 0);
        assert_int_equal(in->size, st.st_size);
        listing_finish(&l);
    }
}

static void fill_archive(struct archive *a)
{
    compress_to("inner.gz", "gzip", LOG LOG, 2 * sizeof LOG - 2);
    FILE *f = fopen("inner.gz", "rb");
    char packed[4096];
    size_t n = fread(packed, 1, sizeof packed, f);
    fclose(f);
    member(a, "var/log/auth.log", LOG, sizeof LOG - 1);
    member(a, "../../etc/\x1b[2Jpasswd", LOG, sizeof LOG - 1);
    link_member(a, "var/log/link", "auth.log");
    member(a, "auth.log.1.gz", packed, n);
    member(a, "x.pcap", PCAP, sizeof PCAP - 1);
    member(a, "caf\xc3\xa9", "", 0);
    done(a);
}

static void archives_are_opened_to_their_members(void **state)
{
    (void)state;
    static const struct {
        const char *format, *filter;
    } rows[] = {{"ustar", NULL},  {"ustar", "gzip"},  {"pax", "zstd"},
                {"gnutar", "xz"}, {"v7tar", "bzip2"}, {"zip", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fill_archive(writing("b", rows[i].format, rows[i].filter));
        struct listing l;
        LIST(&l, "b");
        assert_string_equal(l.text.p, "b!var/log/auth.log text 73\n"
                                      "b!../../etc/\x1b[2Jpasswd text 73\n"
                                      "b!var/log/link skipped\n"
                                      "b!auth.log.1.gz text 146\n"
                                      "b!x.pcap pcap 24\n"
                                      "b!caf\xc3\xa9 empty 0\n");
        assert_true(walk_input(l.w, 0)->is_member);
        listing_finish(&l);
    }
}

static void members_can_be_open_side_by_side(void **state)
{
    (void)state;
    fill_archive(writing("b", "ustar", "gzip"));
    struct listing l;
    LIST(&l, "b");
    struct source *first = walk_open_input(l.w, 3, NULL), *second = walk_open_input(l.w, 0, NULL);
    uint64_t n;
    assert_true(sum_of(second, &n) == l.sums[0]);
    assert_true(sum_of(first, &n) == l.sums[3]);
    source_close(first);
    source_close(second);
    listing_finish(&l);
}

static void an_archive_within_an_archive_stays_closed(void **state)
{
    (void)state;
    struct archive *a = writing("in.tar", "ustar", NULL);
    member(a, "x", LOG, sizeof LOG - 1);
    done(a);
    char bytes[20480];
    FILE *f = fopen("in.tar", "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    a = writing("out.tar", "ustar", NULL);
    member(a, "in.tar", bytes, n);
    done(a);
    struct listing l;
    LIST(&l, "out.tar");
    assert_true(text_starts(text_of(l.text.p), TEXT("out.tar!in.tar tar ")));
    assert_int_equal(walk_n_inputs(l.w), 1);
    listing_finish(&l);
}

static void broken_archives_fail_and_the_rest_goes_on(void **state)
{
    (void)state;
    struct archive *a = writing("whole", "ustar", "gzip");
    static char noise[300000];
    uint32_t seed = 7;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)((seed = seed * 1664525u + 1013904223u) >> 24);
    member(a, "a.log", LOG, sizeof LOG - 1);
    member(a, "noise", noise, sizeof noise);
    member(a, "z.log", LOG, sizeof LOG - 1);
    done(a);
    assert_int_equal(system("head -c 200000 whole > cut"), 0);
    store("bad.zip", "PK\3\4garbage", 11);
    store("bad.gz", "\x1f\x8b\x08\0garbage that is not deflated", 32);
    store("after", LOG, sizeof LOG - 1);
    struct listing l;
    LIST(&l, "cut", "bad.zip", "bad.gz", "after");
    struct text t = strbuf_view(&l.text);
    assert_true(text_starts(t, TEXT("cut!a.log text 73\ncut!noise unknown ")));
    assert_true(text_find(t, TEXT("truncated"), 0) != SIZE_MAX);
    assert_true(text_find(t, TEXT("cut!z.log"), 0) == SIZE_MAX);
    assert_true(text_find(t, TEXT("bad.zip failed\n"), 0) != SIZE_MAX);
    assert_true(text_find(t, TEXT("bad.gz failed\n"), 0) != SIZE_MAX);
    assert_true(text_ends(t, TEXT("after text 73\n")));
    walk_free(l.w);
    strbuf_finish(&l.text);
}

/* Overwrites a 16-bit field at some offset behind each signature, once. */
static void patch(const char *path, const char *signature, size_t offset, uint16_t value)
{
    char bytes[8192];
    FILE *f = fopen(path, "rb+");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    size_t at = text_find((struct text){bytes, n}, text_of(signature), 0);
    assert_true(at != SIZE_MAX);
    assert_int_equal(fseek(f, (long)(at + offset), SEEK_SET), 0);
    fputc(value & 0xff, f);
    fputc(value >> 8, f);
    fclose(f);
}

static void holes_read_as_zeros_and_links_are_no_files(void **state)
{
    (void)state;
    static char bytes[100000];
    memcpy(bytes + 50000, LOG, sizeof LOG - 1);
    struct archive *a = writing("sparse.tar", "pax", NULL);
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, "sparse");
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, sizeof bytes);
    archive_entry_sparse_add_entry(e, 50000, sizeof LOG - 1);
    assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
    assert_true(archive_write_data(a, bytes, sizeof bytes) > 0);
    archive_entry_clear(e);
    archive_entry_set_pathname(e, "linked");
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_hardlink(e, "sparse");
    assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
    archive_entry_free(e);
    done(a);
    struct listing l;
    LIST(&l, "sparse.tar");
    assert_string_equal(l.text.p, "sparse.tar!sparse unknown 100000\n"
                                  "sparse.tar!linked skipped\n");
    uint64_t n, want = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        want = want * 31 + (uint8_t)bytes[i];
    struct source *s = walk_open_input(l.w, 0, NULL);
    assert_true(sum_of(s, &n) == want);
    source_close(s);
    listing_finish(&l);
}

static void one_unreadable_member_does_not_hide_the_others(void **state)
{
    (void)state;
    struct archive *a = writing("odd.zip", "zip", NULL);
    member(a, "strange", LOG, sizeof LOG - 1);
    member(a, "plain", LOG, sizeof LOG - 1);
    done(a);
    patch("odd.zip", "PK\3\4", 8, 4321); /* a compression method that nobody has */
    patch("odd.zip", "PK\1\2", 10, 4321);
    a = archive_write_new();
    archive_write_set_format_zip(a);
    assert_int_equal(archive_write_set_options(a, "zip:encryption=zipcrypt"), ARCHIVE_OK);
    assert_int_equal(archive_write_set_passphrase(a, "secret"), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, "locked.zip"), ARCHIVE_OK);
    member(a, "locked", LOG, sizeof LOG - 1);
    member(a, "locked too", LOG, sizeof LOG - 1);
    done(a);
    struct listing l;
    LIST(&l, "odd.zip", "locked.zip");
    assert_string_equal(l.text.p, "odd.zip!strange failed\n"
                                  "odd.zip!plain text 73\n"
                                  "locked.zip!locked failed\n"
                                  "locked.zip!locked too failed\n");
    listing_finish(&l);
}

static struct input_limits small_limits(void)
{
    struct input_limits limits = input_limits_default;
    limits.produced_max = 1 << 20;
    limits.produced_free = 1 << 18;
    limits.ratio_max = 50;
    limits.members_max = 5;
    limits.inputs_max = 20;
    limits.depth_max = 3;
    limits.spool_max = 10000;
    return limits;
}

/* The stream of path ends before its time with a limit's error. */
static void expect_limit(const char *path, uint64_t at_most)
{
    struct input_limits limits = small_limits();
    struct walk *w = walk_new(&limits, NULL, NULL, NULL);
    assert_true(walk_add(w, path, NULL));
    size_t i;
    struct source *s;
    bool limited = false;
    while (walk_next(w, &i, &s)) {
        uint64_t n = 0;
        if (s)
            sum_of(s, &n);
        assert_true(n <= at_most);
        const struct error *e = s ? source_error(s) : walk_input(w, i)->error;
        limited |= e && e->code == ERROR_LIMIT;
        source_close(s);
    }
    if (!limited)
        fail_msg("%s met no limit", path);
    walk_free(w);
}

static void bombs_are_stopped(void **state)
{
    (void)state;
    size_t n = (size_t)8 << 20;
    char *zeros = calloc(1, n);
    char *noise = malloc(n);
    uint32_t seed = 7;
    for (size_t i = 0; i < n; i++)
        noise[i] = (char)((seed = seed * 1664525u + 1013904223u) >> 24);
    compress_to("ratio.gz", "gzip", zeros, n);
    expect_limit("ratio.gz", (1 << 18) + (1 << 17)); /* the ratio is the first to stop it */
    compress_to("total.xz", "xz", noise, n);
    expect_limit("total.xz", 3 * SOURCE_PEEK_MAX);
    struct archive *a = writing("passed.tar.zst", "ustar", "zstd");
    member(a, "zeros", zeros, n);
    member(a, "after", LOG, sizeof LOG - 1);
    done(a);
    expect_limit("passed.tar.zst", 3 * SOURCE_PEEK_MAX);
    a = writing("zeros.zip", "zip", NULL);
    member(a, "zeros", zeros, n);
    done(a);
    expect_limit("zeros.zip", 3 * SOURCE_PEEK_MAX);
    compress_to("inner.gz", "gzip", zeros, n);
    FILE *f = fopen("inner.gz", "rb");
    size_t packed = fread(noise, 1, n, f);
    fclose(f);
    a = writing("inner.tar", "ustar", NULL);
    member(a, "inner.gz", noise, packed);
    done(a);
    expect_limit("inner.tar", 3 * SOURCE_PEEK_MAX);
    compress_to("inner.gz", "gzip", zeros, 240 << 10); /* small enough each, too much in all */
    f = fopen("inner.gz", "rb");
    packed = fread(noise, 1, n, f);
    fclose(f);
    a = writing("inners.tar", "ustar", NULL);
    for (int i = 0; i < 5; i++)
        member(a, "inner.gz", noise, packed);
    done(a);
    expect_limit("inners.tar", 240 << 10);
    free(zeros);
    free(noise);
}

static void nothing_is_unpacked_once_the_budget_is_spent(void **state)
{
    (void)state;
    size_t n = (size_t)8 << 20;
    char *zeros = calloc(1, n);
    struct archive *a = writing("b", "ustar", "gzip");
    member(a, "zeros", zeros, n);
    member(a, "after", LOG, sizeof LOG - 1);
    done(a);
    struct input_limits limits = small_limits();
    struct listing l;
    list(&l, &limits, (const char *const[]){"b", NULL});
    assert_int_equal(walk_n_inputs(l.w), 2);
    assert_true(text_starts(strbuf_view(&l.text), TEXT("b!zeros unknown ")));
    assert_true(text_find(strbuf_view(&l.text), TEXT("times its size"), 0) != SIZE_MAX);
    assert_true(text_ends(strbuf_view(&l.text), TEXT("\nb failed\n")));
    assert_int_equal(walk_input(l.w, 1)->error->code, ERROR_LIMIT);
    walk_free(l.w);
    strbuf_finish(&l.text);
    free(zeros);
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
    assert_int_equal(system("head -c 20000 /dev/zero > pipe 2>&1 &"), 0);
    expect_limit("pipe", 0);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folders_are_walked_in_order_of_names),
        TEST(compressed_files_are_one_stream),
        TEST(archives_are_opened_to_their_members),
        TEST(members_can_be_open_side_by_side),
        TEST(an_archive_within_an_archive_stays_closed),
        TEST(broken_archives_fail_and_the_rest_goes_on),
        TEST(holes_read_as_zeros_and_links_are_no_files),
        TEST(nothing_is_unpacked_once_the_budget_is_spent),
        TEST(one_unreadable_member_does_not_hide_the_others),
        TEST(bombs_are_stopped),
        TEST(counts_and_depths_are_bounded),
        TEST(pipes_can_be_read_twice),
        TEST(the_user_has_the_last_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
