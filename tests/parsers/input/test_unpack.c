/* SPDX-License-Identifier: Apache-2.0 */
/* Archives and compressed files: members in order, none hidden, none without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive_entry.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/parsers/input/pack.h"

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

/* The file at path as the member name of a new tar. */
static void wrap(const char *path, const char *name, const char *tar)
{
    static char bytes[100000];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    struct archive *a = writing(tar, "ustar", NULL);
    member(a, name, bytes, n);
    member(a, "beside", LOG, sizeof LOG - 1);
    done(a);
}

static void archives_within_archives_are_opened(void **state)
{
    (void)state;
    struct archive *a = writing("0.zip", "zip", NULL);
    member(a, "x", PCAP, sizeof PCAP - 1);
    done(a);
    wrap("0.zip", "0.zip", "1.tar");
    wrap("1.tar", "1.tar", "2.tar");
    wrap("2.tar", "2.tar", "3.tar");
    wrap("3.tar", "3.tar", "4.tar");
    struct listing l;
    LIST(&l, "2.tar", "0.zip");
    assert_string_equal(l.text.p, "2.tar!beside text 73\n"
                                  "2.tar!1.tar!beside text 73\n"
                                  "2.tar!1.tar!0.zip!x pcap 24\n"
                                  "0.zip!x pcap 24\n");
    assert_false(walk_input(l.w, 2)->is_given);
    listing_finish(&l);
    LIST(&l, "4.tar");
    assert_non_null(strstr(l.text.p, "4.tar!3.tar!2.tar!1.tar!0.zip failed\n"));
    const struct error *why = walk_input(l.w, walk_n_inputs(l.w) - 2)->error;
    assert_int_equal(why->code, ERROR_LIMIT);
    assert_non_null(strstr(why->text, "too deep"));
    listing_finish(&l);
}

static void archives_within_an_archive_keep_their_order(void **state)
{
    (void)state;
    struct archive *a = writing("in.tar", "ustar", NULL);
    member(a, "x", LOG, sizeof LOG - 1);
    done(a);
    static char bytes[20480];
    FILE *f = fopen("in.tar", "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    a = writing("out.tar", "ustar", "gzip");
    member(a, "b.tar", bytes, n);
    member(a, "a.tar", bytes, n);
    member(a, "c.tar", bytes, n / 2 + 100);
    done(a);
    struct listing l;
    LIST(&l, "out.tar");
    assert_true(text_starts(strbuf_view(&l.text), TEXT("out.tar!b.tar!x text 73\n"
                                                       "out.tar!a.tar!x text 73\n"
                                                       "out.tar!c.tar")));
    listing_finish(&l);
}

static void archives_within_archives_share_a_budget(void **state)
{
    (void)state;
    static char zeros[200000];
    struct archive *a = writing("in.zip", "zip", NULL);
    member(a, "x.log", zeros, sizeof zeros);
    done(a);
    static char bytes[20480];
    FILE *f = fopen("in.zip", "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    char name[16];
    a = writing("bomb.zip", "zip", NULL);
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "%d.zip", i);
        member(a, name, bytes, n);
    }
    done(a);
    struct input_limits limits = input_limits_default;
    limits.produced_max = 1 << 20;
    struct walk *w = walk_new(&limits, NULL, NULL, NULL);
    assert_true(walk_add(w, "bomb.zip", NULL));
    size_t i, n_limited = 0;
    struct source *s;
    uint64_t total = 0, one;
    while (walk_next(w, &i, &s)) {
        if (s)
            sum_of(s, &one);
        total += s ? one : 0;
        const struct error *e = s ? source_error(s) : walk_input(w, i)->error;
        n_limited += e && e->code == ERROR_LIMIT;
        source_close(s);
    }
    assert_true(total <= 1 << 20);
    assert_true(n_limited > 0);
    walk_free(w);
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
    assert_true(text_find(t, TEXT("cut short"), 0) != SIZE_MAX);
    assert_true(text_find(t, TEXT("cut!z.log"), 0) == SIZE_MAX);
    assert_true(text_find(t, TEXT("bad.zip failed\n"), 0) != SIZE_MAX);
    assert_true(text_find(t, TEXT("bad.gz failed\n"), 0) != SIZE_MAX);
    assert_true(text_ends(t, TEXT("after text 73\n")));
    walk_free(l.w);
    strbuf_finish(&l.text);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(compressed_files_are_one_stream),
        TEST(archives_are_opened_to_their_members),
        TEST(members_can_be_open_side_by_side),
        TEST(archives_within_archives_are_opened),
        TEST(archives_within_an_archive_keep_their_order),
        TEST(archives_within_archives_share_a_budget),
        TEST(broken_archives_fail_and_the_rest_goes_on),
        TEST(holes_read_as_zeros_and_links_are_no_files),
        TEST(nothing_is_unpacked_once_the_budget_is_spent),
        TEST(one_unreadable_member_does_not_hide_the_others),
        TEST(bombs_are_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
