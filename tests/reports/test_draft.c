/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts with a name and without: they take a place whole, or leave it and nothing else. */
#include "reports/draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef bool open_draft(struct draft *d, const char *path, struct error *err);

struct ground {
    char folder[32], path[64];
};

static bool nameless(struct draft *d, const char *path, struct error *err)
{
    (void)err;
    return draft_open_nameless(d, path);
}

static void begin(struct ground *g, const char *content)
{
    *g = (struct ground){.folder = "/tmp/whyrst-test.XXXXXX"};
    assert_non_null(mkdtemp(g->folder));
    snprintf(g->path, sizeof g->path, "%s/a", g->folder);
    FILE *f = fopen(g->path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

/* The folder has the one file, and it holds that. */
static void end(const struct ground *g, const char *content)
{
    char found[16] = "";
    FILE *f = fopen(g->path, "r");
    assert_non_null(f);
    assert_true(fread(found, 1, sizeof found - 1, f) < sizeof found);
    fclose(f);
    assert_string_equal(found, content);
    assert_int_equal(unlink(g->path), 0);
    assert_int_equal(rmdir(g->folder), 0);
}

static bool ctrl_c_waits(void)
{
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, SIGINT) == 1 && sigismember(&now, SIGTERM) == 1;
}

static void check(open_draft *open, bool has_name, bool put)
{
    struct ground g;
    struct draft d;
    struct error err;
    begin(&g, "old");
    if (!open(&d, g.path, &err)) {
        end(&g, "old");
        skip(); /* a file system without such files */
    }
    assert_true((d.name != NULL) == has_name);
    assert_true(ctrl_c_waits() == has_name);
    assert_int_equal(write(d.fd, "new", 3), 3);
    if (put)
        assert_true(draft_put(&d, g.path, &err));
    else
        draft_drop(&d);
    assert_false(ctrl_c_waits());
    end(&g, put ? "new" : "old");
}

static void test_nameless(void **state)
{
    (void)state;
    check(nameless, false, true);
    check(nameless, false, false);
}

static void test_named(void **state)
{
    (void)state;
    check(draft_open_named, true, true);
    check(draft_open_named, true, false);
}

static void test_place_that_cannot_be_taken(void **state)
{
    (void)state;
    open_draft *const ways[] = {nameless, draft_open_named};
    for (size_t i = 0; i < 2; i++) {
        struct ground g;
        struct draft d;
        struct error err;
        begin(&g, "old");
        if (ways[i](&d, g.path, &err)) {
            assert_false(draft_put(&d, g.folder, &err)); /* it is a folder */
            assert_non_null(strstr(err.text, "cannot be put in place"));
        }
        assert_false(ctrl_c_waits());
        end(&g, "old");
    }
}

static void test_folder_that_is_not_there(void **state)
{
    (void)state;
    struct draft d;
    struct error err;
    assert_false(draft_open_nameless(&d, "/nowhere/a"));
    assert_false(draft_open_named(&d, "/nowhere/a", &err));
    assert_string_equal(err.place, "/nowhere/a");
    assert_false(ctrl_c_waits());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nameless),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_place_that_cannot_be_taken),
        cmocka_unit_test(test_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
