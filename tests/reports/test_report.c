/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports into files: whole or not at all, and a write that fails is an error, however little was
 * written.
 */
#include "reports/report.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/reports/sheet.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/whyrst-test.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[512];
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    if (d)
        closedir(d);
    return rmdir(folder);
}

static size_t files_in_folder(void)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static bool write_to(const struct report_format *format, const char *path, size_t n,
                     struct error *err)
{
    struct sheet s;
    struct report_options o = {0};
    *err = (struct error){0};
    sheet_make(&s, &(struct sheet_plan){.n_diagnoses = n, .n_segments = 3, .hostile = TEXT("x")});
    bool good = report_write_file(format, path, &s.f, &o, err);
    sheet_finish(&s);
    return good;
}

static char *in_folder(char path[128], const char *name)
{
    snprintf(path, 128, "%s/%s", folder, name);
    return path;
}

static void test_a_whole_file(void **state)
{
    (void)state;
    char path[128];
    struct stat st;
    struct error err;
    mode_t before = umask(027);
    assert_true(write_to(&report_json, in_folder(path, "a.jsonl"), 2, &err));
    umask(before);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640); /* as the user's mask has it */
    assert_int_equal(files_in_folder(), 1);
    off_t small = st.st_size;
    assert_true(write_to(&report_json, path, 9, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > small);
    assert_int_equal(files_in_folder(), 1);
}

static bool write_some(FILE *out, const struct findings *f, const struct report_options *o,
                       struct error *err)
{
    (void)f, (void)o;
    fputs("half a report", out);
    return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
}

static void test_half_a_report_is_none(void **state)
{
    (void)state;
    static const struct report_format failing = {.id = "failing", .write = write_some};
    char path[128], line[32] = "";
    struct error err;
    FILE *f = fopen(in_folder(path, "old.txt"), "w");
    assert_non_null(f);
    fputs("the old report", f);
    fclose(f);
    size_t before = files_in_folder();
    assert_false(write_to(&failing, path, 1, &err));
    assert_non_null(strstr(err.text, "out of memory"));
    assert_string_equal(err.place, path);
    assert_int_equal(files_in_folder(), before);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    fclose(f);
    assert_string_equal(line, "the old report");
}

static void test_a_full_disk(void **state)
{
    (void)state;
    struct error err;
    size_t n;
    const struct report_format *const *formats = report_formats(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t many = 0; many < 300; many += 299) {
            assert_false(write_to(formats[i], "/dev/full", many, &err));
            assert_string_equal(err.place, "/dev/full");
            assert_non_null(strstr(err.text, "No space left"));
        }
}

static void test_a_full_stream(void **state)
{
    (void)state;
    struct sheet s;
    struct report_options o = {.quiet = true};
    struct error err = {0};
    sheet_make(&s, &(struct sheet_plan){.n_segments = 1, .hostile = TEXT("x")});
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    assert_false(report_write_stream(&report_text, out, &s.f, &o, &err));
    assert_non_null(strstr(err.text, "No space left"));
    fclose(out);
    sheet_finish(&s);
}

static void test_places_that_take_no_file(void **state)
{
    (void)state;
    char path[128];
    struct error err;
    assert_false(write_to(&report_text, folder, 1, &err));
    assert_string_equal(err.place, folder);
    assert_false(write_to(&report_text, in_folder(path, "none/a.txt"), 1, &err));
    assert_string_equal(err.place, path);
    assert_non_null(strstr(err.text, "No such file"));
}

static void test_formats_by_extension(void **state)
{
    (void)state;
    static const struct {
        const char *path, *id;
    } rows[] = {{"a.html", "html"}, {"a/b.HTM", "html"},    {"x.jsonl", "json"}, {"x.json", "json"},
                {"x.txt", "text"},  {"x.y.ndjson", "json"}, {"x.text", "text"},  {"x.pdf", NULL},
                {"html", NULL},     {".html", NULL},        {"", NULL},          {"x.htmlx", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct report_format *f = report_format_by_path(text_of(rows[i].path));
        assert_int_equal(f != NULL, rows[i].id != NULL);
        if (f)
            assert_string_equal(f->id, rows[i].id);
    }
    assert_ptr_equal(report_format_by_id(TEXT("html")), &report_html);
    assert_null(report_format_by_id(TEXT("htm")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_half_a_report_is_none),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_a_full_stream),
        cmocka_unit_test(test_places_that_take_no_file),
        cmocka_unit_test(test_formats_by_extension),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
