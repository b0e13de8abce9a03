/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules are weighed by, each through rules written as XML: the formula, the strength of lines,
 * an end that was not captured.
 */
#include "rules/confidence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/rules/fake.h"

#define REST "<title>T</title><conclude base=\"0.5\">C</conclude></rule>\n"
#define RULE "<rule id=\"r\" cause=\"undetermined\">"

#define F "<fact name=\"t.int\" is=\"2\"/>"          /* false */
#define U "<fact name=\"t.real\" at-least=\"1.0\"/>" /* unknown */
#define T "<fact name=\"t.int\" is=\"1\"/>"          /* true */

static const struct event drop = {.kind = {"ssh.drop-connection", 19},
                                  .claim = CLAIM_REFUSED,
                                  .line = 118,
                                  .program = {"sshd", 4},
                                  .fields = {{{"reason", 6}, {"past MaxStartups", 16}}},
                                  .n_fields = 1};
static struct hearing hear(const char *xml)
{
    struct catalogue k;
    struct hearing h;
    fake_catalogue(&k, xml);
    fake_hear(&h, &k, "r");
    catalogue_finish(&k);
    return h;
}

static bool about(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_confidence_formula(void **state)
{
    (void)state;
    fake_forget();
    fake_number("t.int", 1);
    struct hearing h =
        hear(RULE "<support weight='0.8'>" T "</support><support weight='0.9'>" F "</support>"
                  "<support weight='0.6'>" U "</support><contradict weight='0.25'>" T
                  "</contradict>" REST);
    assert_true(about(h.confidence, (1 - 0.5 * 0.2) * 0.75));
    assert_true(about(h.potential, (1 - 0.5 * 0.2 * 0.4) * 0.75));
}

static void test_confidence_ignores_order(void **state)
{
    (void)state;
    static const double w[] = {0.11, 0.37, 0.5, 0.93};
    struct confidence a = confidence_from(0.3), b = confidence_from(0.3);
    for (int i = 0; i < 4; i++) {
        double before = confidence_value(&a);
        confidence_support(&a, w[i]);
        assert_true(confidence_value(&a) >= before);
        confidence_support(&b, w[3 - i]);
    }
    confidence_contradict(&a, 0.2);
    assert_true(confidence_value(&a) <= 1);
    double before = confidence_value(&a);
    confidence_contradict(&a, 0.7);
    assert_true(confidence_value(&a) <= before);
    confidence_contradict(&b, 0.7);
    confidence_contradict(&b, 0.2);
    assert_true(about(confidence_value(&a), confidence_value(&b)));
}

static void test_support_is_scaled_by_its_join(void **state)
{
    (void)state;
    static const char xml[] =
        RULE "<bind name='d' event='ssh.*' join='tuple host'/><support weight='0.8' of='d'/>" REST;
    fake_forget();
    struct link *l = fake_link(&drop, JOIN_TUPLE, 0);
    assert_true(about(hear(xml).confidence, 1 - 0.5 * 0.2));
    l->join = JOIN_HOST;
    assert_true(about(hear(xml).confidence, 1 - 0.5 * (1 - 0.8 * 0.3)));
    l->ambiguous = true;
    assert_true(about(hear(xml).confidence, 1 - 0.5 * (1 - 0.8 * 0.15)));
}

static void test_strength_of_groups(void **state)
{
    (void)state;
    fake_forget();
    fake_number("t.int", 1);
    fake_link(&drop, JOIN_HOST, 0);
#define GROUPED(g)                                                                                 \
    RULE "<bind name='d' event='ssh.*' join='host'/><support weight='0.8'><" g                     \
         "><exists bind='d'/>" T "</" g "></support>" REST
    assert_true(about(hear(GROUPED("all")).confidence, 1 - 0.5 * (1 - 0.8 * 0.3)));
    assert_true(about(hear(GROUPED("any")).confidence, 1 - 0.5 * 0.2));
}

/* --- an end that was not captured */

#define CLIENTS "<fact name='t.other' at-least='1s'/>" /* true, rests on the client */
#define NOT_CLIENTS "<fact name='t.other' at-least='9s'/>"
#define SERVERS "<fact name='t.bytes' at-least='1'/>" /* true, rests on the server */
#define RESET_SIDES "<fact name='t.idle' at-least='1s'/>"

static double confidence(const char *body)
{
    char xml[2048];
    snprintf(xml, sizeof xml, RULE "%s" REST, body);
    return hear(xml).confidence;
}

static void let_clients_be_unheard(void)
{
    fake_forget();
    fake_number("t.int", 1);
    fake_number("t.other", 5 * NS_PER_S);
    fake_number("t.idle", 5 * NS_PER_S);
    fake_number("t.bytes", 5);
    fake_text("t.side", "client");
    fake_unheard(1U << SIDE_CLIENT);
}

static void test_what_rests_on_an_unheard_end(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        double confidence;
    } rows[] = {
        {"<require>" CLIENTS "</require>", 0.25},
        {"<require>" SERVERS T "</require>", 0.5},
        {"<require>" CLIENTS T "</require>", 0.25},
        {"<require><any>" CLIENTS T "</any></require>", 0.5},
        {"<require><any>" CLIENTS F "</any></require>", 0.25},
        {"<require><not>" NOT_CLIENTS "</not></require>", 0.25},
        {"<require><at-least n='2'>" CLIENTS T T "</at-least></require>", 0.5},
        {"<require><at-least n='3'>" CLIENTS T T "</at-least></require>", 0.25},
        {"<require>" CLIENTS "<fact name='t.side' is='client'/></require>", 0.5}, /* it asked */
        {"<support weight='0.5'>" CLIENTS "</support>", 1 - 0.5 * 0.75},
        {"<support weight='0.5'>" SERVERS "</support>", 1 - 0.5 * 0.5},
        {"<support weight='0.5'>" NOT_CLIENTS "</support>", 0.5},
        {"<contradict weight='0.5'>" CLIENTS "</contradict>", 0.5 * 0.5},
        {"<contradict weight='0.5'>" NOT_CLIENTS "</contradict>", 0.5 * 0.75}, /* it may be so */
        {"<contradict weight='0.5'><all>" NOT_CLIENTS T "</all></contradict>", 0.5 * 0.75},
        {"<contradict weight='0.5'><all>" NOT_CLIENTS F "</all></contradict>", 0.5},
        {"<contradict weight='0.5'>" F "</contradict>", 0.5},
        {"<contradict weight='0.5'><fact name='t.text' is='x'/></contradict>", 0.5}, /* unseen */
    };
    let_clients_be_unheard();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!about(confidence(rows[i].body), rows[i].confidence))
            fail_msg("%s: %f", rows[i].body, confidence(rows[i].body));
    fake_text("t.text", "y"); /* and there may have been more */
    assert_true(about(
        confidence("<contradict weight='0.5'><fact name='t.text' is='x'/></contradict>"), 0.375));
    fake_unheard(1U << SIDE_CLIENT | 1U << SIDE_SERVER);
    assert_true(about(confidence("<require>" CLIENTS "</require>"), 0.25));
    assert_true(about(confidence("<require>" SERVERS "</require>"), 0.25));
    fake_unheard(0);
    assert_true(about(confidence("<require>" CLIENTS "</require>"), 0.5));
    assert_true(about(confidence("<contradict weight='0.5'>" NOT_CLIENTS "</contradict>"), 0.5));
}

static void test_the_reset_side_is_an_end(void **state)
{
    (void)state;
    let_clients_be_unheard();
    assert_true(about(confidence("<require>" RESET_SIDES "</require>"), 0.5));
    fake_unheard(1U << SIDE_SERVER); /* whose the fake's resets are */
    assert_true(about(confidence("<require>" RESET_SIDES "</require>"), 0.25));
}

/* --- frames that the capture lost */

static void test_what_rests_on_absence(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        double confidence;
    } rows[] = {
        {"<require><fact name='t.int' is='1'/></require>", 0.5 * 0.8}, /* it may be more */
        {"<require><fact name='t.int' at-most='3'/></require>", 0.5 * 0.8},
        {"<require><fact name='t.int' at-least='1'/></require>", 0.5}, /* and is so much */
        {"<require><fact name='t.bool' is='false'/></require>", 0.5 * 0.8},
        {"<require><not><fact name='t.bool' is='true'/></not></require>", 0.5 * 0.8},
        {"<require><fact name='t.text' is='refused'/></require>", 0.5 * 0.8},
        {"<require><any><fact name='t.text' is='refused'/>" CLIENTS "</any></require>", 0.5},
        {"<require>" CLIENTS SERVERS "</require>", 0.5},
        {"<support weight='0.5'><fact name='t.int' at-most='3'/></support>", 1 - 0.5 * 0.6},
        {"<support weight='0.5'><fact name='t.int' at-least='1'/></support>", 1 - 0.5 * 0.5},
        {"<contradict weight='0.5'><fact name='t.int' at-least='3'/></contradict>", 0.5 * 0.9},
        {"<contradict weight='0.5'><fact name='t.int' at-most='0'/></contradict>", 0.5},
    };
    let_clients_be_unheard();
    fake_bool("t.bool", false);
    fake_text("t.text", "refused");
    fake_unheard(0);
    fake_lost(0.2, true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!about(confidence(rows[i].body), rows[i].confidence))
            fail_msg("%s: %f", rows[i].body, confidence(rows[i].body));
    fake_lost(0.2, false); /* the mechanism was seen */
    assert_true(about(confidence(rows[5].body), 0.5));
    fake_lost(0, false);
    for (size_t i = 0; i < 8; i++)
        assert_true(about(confidence(rows[i].body), 0.5));
}

/* --- connections that were counted and not kept */

static void test_what_rests_on_others(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        double confidence;
    } rows[] = {
        {"<require><fact name='t.bytes' at-most='3'/></require>", 0.5 * 0.7}, /* may be more */
        {"<require><fact name='t.bytes' at-least='2'/></require>", 0.5},
        {"<contradict weight='0.5'><fact name='t.bytes' at-least='3'/></contradict>", 0.5 * 0.85},
        {"<require><fact name='t.int' at-most='3'/></require>", 0.5}, /* counts no others */
    };
    let_clients_be_unheard();
    fake_unheard(0);
    fake_number("t.bytes", 2);
    fake_number("t.int", 2);
    fake_left_out(0.3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!about(confidence(rows[i].body), rows[i].confidence))
            fail_msg("%s: %f", rows[i].body, confidence(rows[i].body));
    fake_left_out(0);
    assert_true(about(confidence(rows[0].body), 0.5));
}

/* --- a clock that was set */

static void test_what_rests_on_a_clock_that_was_set(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        double own, near;
    } rows[] = {
        {"<require>" CLIENTS "</require>", 0.5, 0.5}, /* the base is not by the clock */
        {"<support weight='0.5'>" CLIENTS "</support>", 1 - 0.5 * 0.7, 1 - 0.5 * 0.5},
        {"<support weight='0.5'>" SERVERS "</support>", 1 - 0.5 * 0.5, 1 - 0.5 * 0.5},
        {"<support weight='0.5'><all>" CLIENTS SERVERS "</all></support>", 1 - 0.5 * 0.7,
         1 - 0.5 * 0.5},
        {"<contradict weight='0.5'><fact name='t.other' at-least='1h'/></contradict>", 0.5 * 0.8,
         0.5},
        {"<contradict weight='0.5'>" CLIENTS "</contradict>", 0.5 * 0.5, 0.5 * 0.5},
    };
    let_clients_be_unheard();
    fake_unheard(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake_leaps(true, false);
        assert_true(about(confidence(rows[i].body), 0.85 * rows[i].own));
        fake_leaps(false, true);
        assert_true(about(confidence(rows[i].body), 0.85 * rows[i].near));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_confidence_formula),
        cmocka_unit_test(test_confidence_ignores_order),
        cmocka_unit_test(test_support_is_scaled_by_its_join),
        cmocka_unit_test(test_strength_of_groups),
        cmocka_unit_test(test_what_rests_on_an_unheard_end),
        cmocka_unit_test(test_the_reset_side_is_an_end),
        cmocka_unit_test(test_what_rests_on_absence),
        cmocka_unit_test(test_what_rests_on_others),
        cmocka_unit_test(test_what_rests_on_a_clock_that_was_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
