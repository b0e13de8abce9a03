/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three-valued logic, operators and binds, each through rules written as XML.
 */
#include "rules/hearing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/rules/fake.h"

#define REST "<title>T</title><conclude base=\"0.5\">C</conclude></rule>\n"
#define RULE "<rule id=\"r\" cause=\"undetermined\">"

/* What a require of that content comes to. */
static enum truth requires(const char *conditions)
{
    char xml[4096];
    struct catalogue k;
    struct hearing h;
    snprintf(xml, sizeof xml, RULE "<require>%s</require>" REST, conditions);
    fake_catalogue(&k, xml);
    fake_hear(&h, &k, "r");
    catalogue_finish(&k);
    return h.require;
}

#define F "<fact name=\"t.int\" is=\"2\"/>"          /* false */
#define U "<fact name=\"t.real\" at-least=\"1.0\"/>" /* unknown */
#define T "<fact name=\"t.int\" is=\"1\"/>"          /* true */

static void test_kleene(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum truth all, any;
    } rows[] = {
        {F, F, TRUTH_FALSE, TRUTH_FALSE},     {F, U, TRUTH_FALSE, TRUTH_UNKNOWN},
        {F, T, TRUTH_FALSE, TRUTH_TRUE},      {U, F, TRUTH_FALSE, TRUTH_UNKNOWN},
        {U, U, TRUTH_UNKNOWN, TRUTH_UNKNOWN}, {U, T, TRUTH_UNKNOWN, TRUTH_TRUE},
        {T, F, TRUTH_FALSE, TRUTH_TRUE},      {T, U, TRUTH_UNKNOWN, TRUTH_TRUE},
        {T, T, TRUTH_TRUE, TRUTH_TRUE},
    };
    fake_forget();
    fake_number("t.int", 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char xml[1024];
        snprintf(xml, sizeof xml, "%s%s", rows[i].a, rows[i].b);
        assert_int_equal(requires(xml), rows[i].all);
        snprintf(xml, sizeof xml, "<all>%s%s</all>", rows[i].a, rows[i].b);
        assert_int_equal(requires(xml), rows[i].all);
        snprintf(xml, sizeof xml, "<any>%s%s</any>", rows[i].a, rows[i].b);
        assert_int_equal(requires(xml), rows[i].any);
        snprintf(xml, sizeof xml, "<not><all>%s%s</all></not>", rows[i].a, rows[i].b);
        assert_int_equal(requires(xml), TRUTH_TRUE - rows[i].all);
    }
    assert_int_equal(requires("<not>" U "</not>"), TRUTH_UNKNOWN);
    assert_int_equal(requires(""), TRUTH_TRUE);
}

static void test_at_least(void **state)
{
    (void)state;
    fake_forget();
    fake_number("t.int", 1);
    assert_int_equal(requires("<at-least n=\"2\">" T F T "</at-least>"), TRUTH_TRUE);
    assert_int_equal(requires("<at-least n=\"2\">" T F U "</at-least>"), TRUTH_UNKNOWN);
    assert_int_equal(requires("<at-least n=\"2\">" F F U "</at-least>"), TRUTH_FALSE);
    assert_int_equal(requires("<at-least n=\"3\">" T T U "</at-least>"), TRUTH_UNKNOWN);
    assert_int_equal(requires("<any><all>" T F "</all><not>" F "</not></any>"), TRUTH_TRUE);
}

static enum truth fact(const char *attributes)
{
    char xml[512];
    snprintf(xml, sizeof xml, "<fact %s/>", attributes);
    return requires(xml);
}

static void test_operators(void **state)
{
    (void)state;
    fake_forget();
    fake_number("t.idle", 350 * NS_PER_S);
    fake_number("t.other", 351 * NS_PER_S);
    fake_number("t.int", -4);
    fake_number("t.bytes", 65536);
    fake_text("t.text", "Exceeded MaxStartups");
    fake_text("t.side", "server");
    fake_ip("t.ip", "192.0.2.77");
    fake_bool("t.bool", true);
    fake_real("t.real", 0.5);
    static const struct {
        const char *test;
        bool holds;
    } rows[] = {
        {"name='t.idle' is='350s'", true},
        {"name='t.idle' is-not='350s'", false},
        {"name='t.idle' in='5s 350s'", true},
        {"name='t.idle' not-in='5s 350s'", false},
        {"name='t.idle' at-least='350s'", true},
        {"name='t.idle' more-than='350s'", false},
        {"name='t.idle' at-most='350s' at-least='349s'", true},
        {"name='t.idle' at-most='350s' at-least='351s'", false},
        {"name='t.idle' less-than='6min'", true},
        {"name='t.idle' near='348s' within='2s'", true},
        {"name='t.idle' near='347s' within='2s'", false},
        {"name='t.idle' near='@t.other' within='1s'", true},
        {"name='t.idle' near='@t.other' within='999ms'", false},
        {"name='t.idle' less-than='@t.other'", true},
        {"name='t.int' is='-4'", true},
        {"name='t.bytes' is='64KiB'", true},
        {"name='t.bytes' in='1 2 3'", false},
        {"name='t.text' is='Exceeded MaxStartups'", true},
        {"name='t.text' is='exceeded maxstartups'", false},
        {"name='t.text' is='exceeded maxstartups' nocase='true'", true},
        {"name='t.text' contains='maxstart'", false},
        {"name='t.text' contains='maxstart' nocase='true'", true},
        {"name='t.text' starts='Exceeded'", true},
        {"name='t.text' starts='Exceeded MaxStartups and more'", false},
        {"name='t.text' ends='startups'", false},
        {"name='t.text' ends='startups' nocase='true'", true},
        {"name='t.side' in='client server'", true},
        {"name='t.side' is-not='path'", true},
        {"name='t.ip' is='192.0.2.77'", true},
        {"name='t.ip' is='192.0.2.64/26'", true},
        {"name='t.ip' is='192.0.2.0/26'", false},
        {"name='t.ip' in='198.51.100.0/24 192.0.2.0/24'", true},
        {"name='t.ip' in='0.0.0.0/0'", true},
        {"name='t.bool' is='true'", true},
        {"name='t.bool' is='false'", false},
        {"name='t.real' at-least='0.5'", true},
        {"name='t.real' known='true'", true},
        {"name='t.time' known='true'", false},
        {"name='t.time' known='false'", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (fact(rows[i].test) != (rows[i].holds ? TRUTH_TRUE : TRUTH_FALSE))
            fail_msg("%s came out wrong", rows[i].test);
}

static void test_host_values(void **state)
{
    (void)state;
    fake_forget();
    fake_number("t.idle", 121 * NS_PER_S);
    fake_host("host.sshd.logingracetime", "2m");
    fake_host("host.net.somaxconn", "128");
    fake_host("host.nginx.keepalive", "off");
    assert_int_equal(fact("name='t.idle' near='@host.sshd.logingracetime' within='2s'"),
                     TRUTH_TRUE);
    assert_int_equal(fact("name='t.idle' near='@host.sshd.logingracetime' within='500ms'"),
                     TRUTH_FALSE);
    assert_int_equal(fact("name='t.idle' near='@host.nginx.keepalive' within='2s'"), TRUTH_UNKNOWN);
    assert_int_equal(fact("name='t.idle' near='@host.not.there' within='2s'"), TRUTH_UNKNOWN);
    assert_int_equal(fact("name='host.net.somaxconn' less-than='1000'"), TRUTH_TRUE);
    assert_int_equal(fact("name='host.net.somaxconn' is='128'"), TRUTH_TRUE);
    assert_int_equal(fact("name='host.nginx.keepalive' at-least='1'"), TRUTH_FALSE);
    assert_int_equal(fact("name='host.not.there' is='1'"), TRUTH_UNKNOWN);
    assert_int_equal(fact("name='host.not.there' known='false'"), TRUTH_TRUE);
}

/* --- binds */

static const struct event drop = {.kind = {"ssh.drop-connection", 19},
                                  .claim = CLAIM_REFUSED,
                                  .line = 118,
                                  .program = {"sshd", 4},
                                  .fields = {{{"reason", 6}, {"past MaxStartups", 16}}},
                                  .n_fields = 1};
static const struct event penalty = {
    .kind = {"ssh.penalty", 11}, .claim = CLAIM_NOTHING, .line = 2};

static struct hearing hear(const char *xml)
{
    struct catalogue k;
    struct hearing h;
    fake_catalogue(&k, xml);
    fake_hear(&h, &k, "r");
    catalogue_finish(&k);
    return h;
}

static enum truth exists(const char *bind)
{
    char xml[2048];
    snprintf(xml, sizeof xml, RULE "%s<require><exists bind='d'/></require>" REST, bind);
    return hear(xml).require;
}

static void test_bind_filters(void **state)
{
    (void)state;
    fake_forget();
    struct link *l = fake_link(&drop, JOIN_ADDRESS, -NS_PER_S);
    static const struct {
        const char *bind;
        bool found;
    } rows[] = {
        {"<bind name='d' event='ssh.drop-connection'/>", true},
        {"<bind name='d' event='ssh.*'/>", true},
        {"<bind name='d' event='ssh.penalty ssh.drop-connection'/>", true},
        {"<bind name='d' event='ssh.penalty'/>", false},
        {"<bind name='d' claim='refused'/>", true},
        {"<bind name='d' claim='reset timeout'/>", false},
        {"<bind name='d' event='ssh.*' claim='reset'/>", false},
        {"<bind name='d' event='ssh.*' join='tuple endpoint'/>", false},
        {"<bind name='d' event='ssh.*' join='address'/>", true},
        {"<bind name='d' event='ssh.*' side='server'/>", true},
        {"<bind name='d' event='ssh.*' side='sender'/>", true},
        {"<bind name='d' event='ssh.*' side='receiver'/>", false},
        {"<bind name='d' event='ssh.*' before='1s'/>", true},
        {"<bind name='d' event='ssh.*' before='999ms'/>", false},
        {"<bind name='d' event='ssh.*' from='start' before='0s' after='0s'/>", true},
        {"<bind name='d' event='ssh.*'><where field='reason' contains='Max'/></bind>", true},
        {"<bind name='d' event='ssh.*'><where field='reason' contains='no'/></bind>", false},
        {"<bind name='d' event='ssh.*'><where field='absent' is-not='x'/></bind>", true},
        {"<bind name='d' event='ssh.*'><where field='line.program' is='sshd'/></bind>", true},
        {"<bind name='d' event='ssh.*'><where field='line.offset' less-than='-2s'/></bind>", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (exists(rows[i].bind) != (rows[i].found ? TRUTH_TRUE : TRUTH_UNKNOWN))
            fail_msg("%s came out wrong", rows[i].bind);
    l->uncertainty_ns = 5000000; /* the clocks' spread widens the window */
    assert_int_equal(exists("<bind name='d' event='ssh.*' before='999ms'/>"), TRUTH_TRUE);
    fake_covers(true);
    assert_int_equal(exists("<bind name='d' event='ssh.penalty'/>"), TRUTH_FALSE);
    assert_int_equal(exists("<bind name='d' event='ssh.penalty' claim='reset'/>"), TRUTH_FALSE);
    assert_int_equal(exists("<bind name='d' claim='reset'/>"), TRUTH_UNKNOWN);
}

static void test_cover_need_not_reach_before_the_connection(void **state)
{
    (void)state;
    fake_forget();
    exists("<bind name='d' event='ssh.x' before='2h'/>"); /* may name the address alone */
    assert_int_equal(fake_cover_asked_from(), (1000 - 7200) * NS_PER_S);
    exists("<bind name='d' event='ssh.x' before='2h' join='tuple pid'/>");
    assert_int_equal(fake_cover_asked_from(), (1000 - 2) * NS_PER_S); /* it began 1 s before */
    exists("<bind name='d' event='ssh.x' before='500ms' join='tuple pid'/>");
    assert_int_equal(fake_cover_asked_from(), 1000 * NS_PER_S - NS_PER_S / 2);
}

/* That no line says so is known where the logs of that host cover it, the server's unless the bind
 * wants another's. */
static void test_whose_logs_cover(void **state)
{
    (void)state;
    static const struct {
        const char *bind;
        enum side side;
    } rows[] = {
        {"<bind name='d' event='ssh.x'/>", SIDE_SERVER},
        {"<bind name='d' event='ssh.x' side='client'/>", SIDE_CLIENT},
        {"<bind name='d' event='ssh.x' side='server'/>", SIDE_SERVER},
        {"<bind name='d' event='ssh.x' side='sender'/>", SIDE_SERVER}, /* it sent the RST */
        {"<bind name='d' event='ssh.x' side='receiver'/>", SIDE_CLIENT},
        {"<bind name='d' event='ssh.x' side='path'/>", SIDE_PATH},
    };
    fake_forget();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        exists(rows[i].bind);
        assert_int_equal(fake_cover_asked_side(), rows[i].side);
    }
}

static const struct link *picked(void)
{
    return hear(RULE "<bind name='d' event='ssh.*' join='tuple address' before='9s'/>"
                     "<require><exists bind='d'/></require>" REST)
        .picks[0]
        .link;
}

static void test_bind_picks_the_best(void **state)
{
    (void)state;
    fake_forget();
    fake_link(&penalty, JOIN_ADDRESS, 0);
    struct link *far = fake_link(&drop, JOIN_TUPLE, -8 * NS_PER_S);
    assert_ptr_equal(picked(), far); /* the stronger join, though further */
    struct link *near = fake_link(&drop, JOIN_TUPLE, -NS_PER_S);
    assert_ptr_equal(picked(), near);
    near->ambiguous = true; /* half as strong as the other */
    assert_ptr_equal(picked(), far);
}

/* Of a stop before and another behind, the later one nearer, the window says which is meant. */
static void test_bind_picks_within_the_window_first(void **state)
{
    (void)state;
    static const char xml[] =
        RULE "<bind name='d' event='ssh.*' join='host' before='9s' after='100ms'/>"
             "<require><exists bind='d'/></require>" REST;
    fake_forget();
    struct link *behind = fake_link(&penalty, JOIN_HOST, NS_PER_S / 2);
    behind->uncertainty_ns = NS_PER_S / 2;
    assert_ptr_equal(hear(xml).picks[0].link, behind);
    struct link *before = fake_link(&drop, JOIN_HOST, -NS_PER_S);
    before->uncertainty_ns = NS_PER_S / 2;
    assert_ptr_equal(hear(xml).picks[0].link, before);
}

/* A limit that only the clocks' uncertainty lets a line keep: nobody knows. */
static void test_limits_of_time(void **state)
{
    (void)state;
    static const struct {
        const char *test;
        enum truth expected;
    } rows[] = {
        {"at-most='-1s'", TRUTH_TRUE},        {"at-most='-1200ms'", TRUTH_UNKNOWN},
        {"at-most='-1700ms'", TRUTH_FALSE},   {"at-least='-1s'", TRUTH_TRUE},
        {"at-least='-500ms'", TRUTH_UNKNOWN}, {"more-than='-500ms'", TRUTH_FALSE},
        {"less-than='-1s'", TRUTH_UNKNOWN},   {"near='-1s' within='1ms'", TRUTH_TRUE},
    };
    fake_forget();
    fake_link(&drop, JOIN_TUPLE, -NS_PER_S)->uncertainty_ns = NS_PER_S / 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char xml[512];
        snprintf(xml, sizeof xml,
                 RULE "<bind name='d' event='ssh.*'/><require><bound name='d' "
                      "field='line.offset' %s/></require>" REST,
                 rows[i].test);
        if (hear(xml).require != rows[i].expected)
            fail_msg("%s came out wrong", rows[i].test);
    }
}

static void test_bound_fields(void **state)
{
    (void)state;
    fake_forget();
    fake_link(&drop, JOIN_TUPLE, -NS_PER_S);
    static const struct {
        const char *test;
        enum truth expected;
    } rows[] = {
        {"field='reason' is='past maxstartups' nocase='true'", TRUTH_TRUE},
        {"field='reason' is='other'", TRUTH_FALSE},
        {"field='absent' is=''", TRUTH_TRUE},
        {"field='absent' is-not='x'", TRUTH_TRUE},
        {"field='absent' at-least='1'", TRUTH_FALSE},
        {"field='line.join' in='tuple endpoint'", TRUTH_TRUE},
        {"field='line.count' is='1'", TRUTH_TRUE},
        {"field='line.number' is='118'", TRUTH_TRUE},
        {"field='line.pid' is='1'", TRUTH_UNKNOWN},
        {"field='line.offset' at-least='-1s'", TRUTH_TRUE},
        {"field='line.ambiguous' is='false'", TRUTH_TRUE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char xml[1024];
        snprintf(xml, sizeof xml,
                 RULE "<bind name='d' event='ssh.*'/><require><bound name='d' %s/></require>" REST,
                 rows[i].test);
        if (hear(xml).require != rows[i].expected)
            fail_msg("%s came out wrong", rows[i].test);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kleene),
        cmocka_unit_test(test_at_least),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_host_values),
        cmocka_unit_test(test_bind_filters),
        cmocka_unit_test(test_cover_need_not_reach_before_the_connection),
        cmocka_unit_test(test_whose_logs_cover),
        cmocka_unit_test(test_bind_picks_the_best),
        cmocka_unit_test(test_bind_picks_within_the_window_first),
        cmocka_unit_test(test_limits_of_time),
        cmocka_unit_test(test_bound_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
