/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of a rule's conditions a diagnosis cites: those that carry it, and not whatever else holds.
 */
#include "rules/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rules/findings.h"
#include "tests/rules/fake.h"

/* The names of the facts that are cited for a rule of these conditions, each with a blank behind.
 */
static char *cited(const char *conditions)
{
    struct fake_case f;
    struct catalogue k;
    struct findings found;
    struct telling t = {0};
    struct strbuf rule, names;
    strbuf_init(&rule);
    strbuf_init(&names);
    strbuf_printf(&rule,
                  "<rule id='r' cause='port-closed'><title>r</title>%s<conclude base='0.5'>so"
                  "</conclude></rule>",
                  conditions);
    strbuf_char(&rule, '\0');
    fake_forget();
    fake_number("t.int", 3);
    fake_bool("t.bool", true);
    fake_text("t.text", "yes");
    fake_host("host.sshd.maxstartups", "10:30:100");
    fake_case_init(&f);
    fake_case_add(&f, "192.0.2.1:50000", "198.51.100.7:22", 1000 * NS_PER_S);
    fake_catalogue(&k, rule.p);
    assert_true(findings_build(&found, &k, &f.c));
    const struct diagnosis *d = findings_tell(&found, found.v, &t);
    for (size_t i = 0; i < d->n_evidence; i++) {
        strbuf_text(&names, d->evidence[i].key);
        strbuf_str(&names, d->evidence[i].key.n ? " " : "");
    }
    strbuf_char(&names, '\0');
    char *copy = test_malloc(names.n);
    memcpy(copy, names.p, names.n);
    telling_finish(&t);
    findings_finish(&found);
    catalogue_finish(&k);
    fake_case_finish(&f);
    strbuf_finish(&rule);
    strbuf_finish(&names);
    return copy;
}

#define INT "<fact name='t.int' is='3'/>"
#define NO_INT "<fact name='t.int' is='4'/>"
#define BOOL "<fact name='t.bool' is='true'/>"
#define NO_BOOL "<fact name='t.bool' is='false'/>"
#define WORDS "<fact name='t.text' is='yes'/>"
#define NO_WORDS "<fact name='t.text' is='no'/>"

static void what_carries_the_rule(void **state)
{
    (void)state;
    static const struct {
        const char *conditions, *cited;
    } rows[] = {
        {"<require>" INT "</require>", "t.int "},
        {"<require><any>" INT BOOL "</any></require>", "t.int t.bool "},
        {"<require><any><all>" INT NO_BOOL "</all>" WORDS "</any></require>", "t.text "},
        {"<require>" WORDS "<not><all>" INT NO_BOOL "</all></not></require>", "t.text t.bool "},
        {"<require>" WORDS "<not><any>" NO_INT NO_BOOL "</any></not></require>",
         "t.text t.int t.bool "},
        {"<require>" WORDS "</require><support weight='0.1'><all>" INT NO_BOOL "</all></support>",
         "t.text "},
        {"<require>" WORDS "</require><contradict weight='0.1'>" INT "</contradict>",
         "t.text t.int "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *names = cited(rows[i].conditions);
        print_message("%s\n", rows[i].conditions);
        assert_string_equal(names, rows[i].cited);
        test_free(names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_carries_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
