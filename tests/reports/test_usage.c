/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help, manual page and completions come from one table, and each names every row of it.
 */
#include "reports/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reports/arguments.h"

static const struct usage_option options[] = {
    {'o', "output", "FILE", "write 'it'; .dots and back\\slashes stay"},
    {'q', "quiet", NULL, "say little"},
    {300, "a-rather-long-option", "ARGUMENT", "is explained below itself"},
};
static const struct usage_command commands[] = {{"facts", "", "what can be asked"},
                                                {"explain", "[ID] PATH...", "why"}};
static const struct usage small = {options, 3, commands, 2};

static char *printed(void (*print)(const struct usage *u, FILE *out), const struct usage *u)
{
    char *p = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&p, &n);
    print(u, out);
    fclose(out);
    return p;
}

static void test_getopt(void **state)
{
    (void)state;
    struct option out[USAGE_OPTIONS_MAX + 1];
    char letters[160];
    usage_getopt(&small, out, letters);
    assert_string_equal(letters, "o:q");
    assert_string_equal(out[0].name, "output");
    assert_int_equal(out[0].has_arg, required_argument);
    assert_int_equal(out[1].has_arg, no_argument);
    assert_int_equal(out[2].val, 300);
    assert_null(out[3].name);
}

static void test_each_row_is_said(void **state)
{
    (void)state;
    char *help = printed(usage_help, &small), *words = printed(usage_completions, &small);
    assert_non_null(strstr(help, "-o, --output FILE"));
    assert_non_null(strstr(help, "    --a-rather-long-option ARGUMENT\n"));
    assert_non_null(strstr(words, "--a-rather-long-option"));
    for (size_t i = 0; i < 2; i++) {
        assert_non_null(strstr(help, commands[i].name));
        assert_non_null(strstr(words, commands[i].name));
    }
    free(help);
    free(words);
}

/* roff: no line that begins as a request by accident, and no bare backslash or hyphen. */
static void test_manual(void **state)
{
    (void)state;
    char *man = printed(usage_man, &small);
    assert_non_null(strstr(man, "\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIFILE\\fR"));
    assert_non_null(strstr(man, "back\\eslashes"));
    assert_non_null(strstr(man, ".SH EXIT STATUS"));
    char *rest = NULL;
    for (char *line = strtok_r(man, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        assert_true(line[0] != '.' || strncmp(line, ".TH", 3) == 0 ||
                    strncmp(line, ".SH", 3) == 0 || strncmp(line, ".TP", 3) == 0 ||
                    strncmp(line, ".B", 2) == 0 || strncmp(line, ".br", 3) == 0);
    free(man);
}

static int parse(struct arguments *a, const char *one, const char *two, const char *three)
{
    char *argv[5] = {(char *)(uintptr_t) "whyrst", NULL};
    const char *words[] = {one, two, three};
    int n = 1;
    for (int i = 0; i < 3; i++)
        if (words[i])
            argv[n++] = (char *)(uintptr_t)words[i];
    *a = (struct arguments){0};
    return arguments_parse(a, n, argv);
}

static void test_arguments(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"--format", "pdf"},   {"-o", "x.pdf"},         {"--color", "blue"}, {"--fail-on", "bad"},
        {"--window", "never"}, {"--log-offset", "1.5"}, {"--as", "pcap"},    {"--as", "gif:x"},
        {"--tz-of", "a=b/c"},  {"--no-such", "x"}};
    struct arguments a;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(parse(&a, wrong[i][0], wrong[i][1], "a.pcap"), EXIT_USAGE);
        arguments_finish(&a);
    }
    assert_int_equal(parse(&a, "-o", "x.html", "a.pcap"), EXIT_OK);
    assert_ptr_equal(a.outputs.v[0].format, &report_html);
    assert_int_equal(a.paths.n, 1);
    arguments_finish(&a);
    assert_int_equal(parse(&a, "--memory", "16G", "a.pcap"), EXIT_OK);
    assert_true(a.budgets.tracker_bytes == UINT64_C(4) << 30);
    assert_true(a.budgets.results_bytes == UINT64_C(12) << 30);
    arguments_finish(&a);
    assert_int_equal(parse(&a, "-r", "a.pcap", "-vv"), EXIT_OK);
    assert_string_equal(a.paths.v[0], "a.pcap");
    assert_int_equal(a.verbosity, 2);
    arguments_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_getopt),
        cmocka_unit_test(test_each_row_is_said),
        cmocka_unit_test(test_manual),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
