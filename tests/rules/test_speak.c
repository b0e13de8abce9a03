/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rule's words put in place of {names}: ends, and what a log line says.
 */
#include "rules/speak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/explain.h"
#include "tests/rules/fake.h"

struct scene {
    struct fake_case f;
    struct catalogue k;
    struct findings found;
    struct telling t;
};

static void play(struct scene *s, const char *rules)
{
    s->t = (struct telling){0};
    fake_case_init(&s->f);
    fake_case_add(&s->f, "192.0.2.1:50000", "198.51.100.7:22", 1000 * NS_PER_S);
    fake_catalogue(&s->k, rules);
    assert_true(findings_build(&s->found, &s->k, &s->f.c));
}

static void leave(struct scene *s)
{
    telling_finish(&s->t);
    findings_finish(&s->found);
    catalogue_finish(&s->k);
    fake_case_finish(&s->f);
}

static bool explains(struct scene *s, const char *expected)
{
    const struct text t = findings_tell(&s->found, s->found.v, &s->t)->explanation;
    if (text_eq(t, text_of(expected)))
        return true;
    print_error("\"" TEXT_FMT "\" is not \"%s\"\n", TEXT_ARG(t), expected);
    return false;
}

/* Whoever forged the RST, the end that lost by it is the one that it was sent to. */
static void test_who_got_the_reset(void **state)
{
    (void)state;
    struct scene s;
    static const struct {
        enum side sender, claimed;
        const char *says;
    } rows[] = {{SIDE_SERVER, SIDE_SERVER, "to 192.0.2.1:50000"},
                {SIDE_CLIENT, SIDE_CLIENT, "to 198.51.100.7:22"},
                {SIDE_PATH, SIDE_SERVER, "to 192.0.2.1:50000"},
                {SIDE_PATH, SIDE_CLIENT, "to 198.51.100.7:22"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake_forget();
        play(&s, "<rule id='a' cause='port-closed'><title>a</title>"
                 "<conclude base='0.9'>to {receiver}</conclude></rule>");
        s.f.reset_space[0].sender = rows[i].sender;
        s.f.reset_space[0].claimed = rows[i].claimed;
        assert_true(explains(&s, rows[i].says));
        leave(&s);
    }
}

/* A line without a time, or a process, says neither; one with both says both. */
static void test_what_a_line_says(void **state)
{
    (void)state;
    struct scene s;
    static const char rules[] =
        "<rule id='a' cause='port-closed'><title>a</title><bind name='d' event='ssh.*'/>"
        "<require><exists bind='d'/></require>"
        "<conclude base='0.5'>{d.line.time} {d.line.pid} {d.line.host}</conclude></rule>"
        "<rule id='b' cause='port-scan'><title>b</title><bind name='d' event='ssh.*'/>"
        "<require><exists bind='d'/><bound name='d' field='line.pid' is='9'/></require>"
        "<conclude base='0.8'>so</conclude></rule>";
    struct event e = {.kind = TEXT("ssh.x"), .time = INSTANT_NONE};
    char *printed = NULL;
    size_t n = 0;
    fake_forget();
    fake_link(&e, JOIN_TUPLE, 0);
    play(&s, rules);
    assert_true(explains(&s, "unknown unknown unknown"));
    FILE *out = open_memstream(&printed, &n);
    assert_true(explain_reset(out, &s.k, &s.f.c, s.f.resets[0], true));
    fclose(out);
    assert_non_null(strstr(printed, "d.line.pid is 9  value unknown  (the line does not say)"));
    free(printed);
    leave(&s);
    e.time = 5;
    e.pid = 7;
    e.host = TEXT("web");
    play(&s, rules);
    assert_true(explains(&s, "5 7 web"));
    leave(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_got_the_reset),
        cmocka_unit_test(test_what_a_line_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
