/* SPDX-License-Identifier: Apache-2.0 */
/* Writes archives with libarchive and lists what a walk makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/parsers/input/pack.h"

#include <archive_entry.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each test works in a folder of its own. */
int enter(void **state)
{
    char *path = strdup("/tmp/whyrst-walk-XXXXXX");
    *state = path;
    return path && mkdtemp(path) && chdir(path) == 0 ? 0 : -1;
}

int leave(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    int r = chdir("/") | system(command);
    free(*state);
    return r;
}

void store(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* An archive writer: format "raw", "ustar", "pax" or "zip"; filter "gzip", ... or NULL. */
struct archive *writing(const char *path, const char *format, const char *filter)
{
    struct archive *a = archive_write_new();
    assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
    if (filter)
        assert_true(archive_write_add_filter_by_name(a, filter) >= ARCHIVE_WARN);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    return a;
}

void member(struct archive *a, const char *name, const void *bytes, size_t n)
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

void link_member(struct archive *a, const char *name, const char *target)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFLNK);
    archive_entry_set_symlink(e, target);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    archive_entry_free(e);
}

void done(struct archive *a)
{
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

void compress_to(const char *path, const char *filter, const void *bytes, size_t n)
{
    struct archive *a = writing(path, "raw", filter);
    member(a, "data", bytes, n);
    done(a);
}

uint64_t sum_of(struct source *s, uint64_t *n)
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

void list(struct listing *l, const struct input_limits *limits, const char *const *paths)
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

void listing_finish(struct listing *l)
{
    size_t n = walk_n_inputs(l->w);
    for (size_t i = 0; i < n; i++)
        again(l, i);
    for (size_t i = n; i > 0; i--)
        again(l, i - 1);
    walk_free(l->w);
    strbuf_finish(&l->text);
}

struct input_limits small_limits(void)
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
void expect_limit(const char *path, uint64_t at_most)
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
