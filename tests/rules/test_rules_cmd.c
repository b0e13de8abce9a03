/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sub-commands: exit status and what they print.
 */
#include "rules/rules_cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/rules/fake.h"

struct print { /* what a command printed */
    char *out, *err;
    size_t n_out, n_err;
    FILE *f_out, *f_err;
};

static void print_open(struct print *p)
{
    *p = (struct print){0};
    p->f_out = open_memstream(&p->out, &p->n_out);
    p->f_err = open_memstream(&p->err, &p->n_err);
}

static void print_close(struct print *p)
{
    fclose(p->f_out);
    fclose(p->f_err);
}

static void print_free(struct print *p)
{
    free(p->out);
    free(p->err);
}

#define RULES                                                                                      \
    "<rule id='one' cause='port-closed'><title>At {server}</title>"                                \
    "<require><fact name='t.int' is='1'/></require><conclude base='0.5'>C</conclude>"              \
    "<remedy risk='low' command='ss -ltn'>Look.</remedy>"                                          \
    "<example fires='.'/><example silent='..'/></rule>"                                            \
    "<rule id='two' cause='undetermined'><title>T</title><conclude base='0.1'>C</conclude></rule>"

static void test_list_and_show(void **state)
{
    (void)state;
    struct catalogue k;
    struct print p;
    fake_forget();
    fake_catalogue(&k, RULES);
    print_open(&p);
    assert_int_equal(rules_cmd_list(&k, p.f_out), 0);
    assert_int_equal(rules_cmd_show(&k, "one", p.f_out, p.f_err), 0);
    assert_int_equal(rules_cmd_show(&k, "twoo", p.f_out, p.f_err), 2);
    print_close(&p);
    assert_non_null(strstr(p.out, "one                          port-closed"));
    assert_non_null(strstr(p.out, "At {server}\n"));
    assert_non_null(strstr(p.out, "-                            oom-kill"));
    assert_non_null(strstr(p.out, "rule one  cause port-closed  severity notice  f.xml:2\n"));
    assert_non_null(strstr(p.out, "require\n  t.int is 1\n"));
    assert_non_null(strstr(p.out, "remedy (risk low): Look.\n    $ ss -ltn\n"));
    assert_string_equal(p.err, "whyrst: no rule is called \"twoo\"; did you mean \"two\"?\n");
    print_free(&p);
    catalogue_finish(&k);
}

static void test_check(void **state)
{
    (void)state;
    char path[] = "/tmp/whyrst-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char wrong[] = "<rules version='1'>\n<rule id='x' cause='x'/></rules>";
    assert_int_equal(write(fd, wrong, sizeof wrong - 1), sizeof wrong - 1);
    close(fd);
    struct print p;
    const char *paths[] = {path, "/nonexistent/rules"};
    print_open(&p);
    assert_int_equal(rules_cmd_check(paths, 2, NULL, p.f_out, p.f_err), 2);
    print_close(&p);
    char expected[200];
    snprintf(expected, sizeof expected, "%s:2: no cause is called \"x\"\n", path);
    assert_non_null(strstr(p.err, expected));
    assert_non_null(strstr(p.err, "/nonexistent/rules: cannot be found\n"));
    print_free(&p);
    unlink(path);
}

/* "." fires the rule, ".." does not. */
static struct case_file *open_case(void *ctx, const char *folder, struct error *err)
{
    struct fake_case *f = ctx;
    (void)err;
    fake_forget();
    fake_number("t.int", strcmp(folder, "./.") == 0 ? 1 : 2);
    fake_case_init(f);
    fake_case_add(f, "192.0.2.1:50000", "198.51.100.7:22", 0);
    return &f->c;
}

static void close_case(void *ctx, struct case_file *c)
{
    (void)c;
    fake_case_finish(ctx);
}

static void test_examples(void **state)
{
    (void)state;
    struct catalogue k;
    struct print p;
    struct fake_case f;
    struct case_door door = {&f, open_case, close_case};
    const char *dirs[] = {"."};
    fake_forget();
    fake_catalogue(&k, RULES);
    print_open(&p);
    assert_int_equal(rules_cmd_test(&k, dirs, 1, &door, p.f_out, p.f_err), 0);
    print_close(&p);
    assert_string_equal(p.out, "ok   one fires .\nok   one silent ..\n"
                               "2 examples, 0 failed, 1 rules lack one\n");
    assert_string_equal(p.err, "f.xml:2: two has no example that fires or stays silent\n");
    print_free(&p);
    catalogue_finish(&k);
    fake_catalogue(&k, "<rule id='one' cause='port-closed'><title>T</title>"
                       "<require><fact name='t.int' is='1'/></require><conclude base='0.5'>C"
                       "</conclude><example fires='..'/><example silent='nowhere'/></rule>");
    print_open(&p);
    assert_int_equal(rules_cmd_test(&k, dirs, 1, &door, p.f_out, p.f_err), 2);
    print_close(&p);
    assert_string_equal(p.out, "FAIL one fires ..: 0 of 1 diagnoses are by it\n"
                               "FAIL one silent nowhere: there is no such folder\n"
                               "2 examples, 2 failed, 0 rules lack one\n");
    print_free(&p);
    catalogue_finish(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_and_show),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
