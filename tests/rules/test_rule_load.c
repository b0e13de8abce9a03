/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of mistake in a file of rules, with the line and the hint that it must draw.
 */
#include "rules/rule_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/rules/fake.h"

#define HEAD "<rules version='1'>\n"
#define OPEN "<rule id='r' cause='port-closed'>\n"
#define BODY "<title>T</title><conclude base='0.5'>C</conclude>\n"
#define CLOSE "</rule></rules>"

/* All complaints about the file, one a line. */
static void complains(const char *xml, const char *expected)
{
    fake_forget();
    char *said = fake_complaints(xml);
    assert_string_equal(said, expected);
    free(said);
}

static void test_a_good_rule(void **state)
{
    (void)state;
    complains(HEAD OPEN BODY CLOSE, "");
}

static void test_shape(void **state)
{
    (void)state;
    complains("<rulez/>", "f.xml:1: the file must begin with <rules>, not <rulez>\n");
    complains("<rules version='2'>" OPEN BODY CLOSE,
              "f.xml:1: <rules version>: \"2\" is none of its values; did you mean \"1\"?\n");
    complains(HEAD "<ruel id='r' cause='port-closed'/></rules>",
              "f.xml:2: <rules> may not hold <ruel>; did you mean \"rule\"?\n");
    complains(HEAD OPEN BODY "<require>\n<fcat name='t.int' is='1'/></require>" CLOSE,
              "f.xml:5: <require> may not hold <fcat>; did you mean \"fact\"?\n");
    complains(HEAD OPEN BODY "<bind name='b' evnt='ssh.penalty'/>" CLOSE,
              "f.xml:4: <bind> has no attribute \"evnt\"; did you mean \"event\"?\n"
              "f.xml:4: <bind> needs event or claim\n");
    complains(HEAD OPEN BODY "<bind event='ssh.penalty'/>" CLOSE,
              "f.xml:4: <bind> needs the attribute \"name\"\n");
    complains(HEAD OPEN BODY "<bind name='b' event='ssh.penalty' join='tuple endpiont'/>" CLOSE,
              "f.xml:4: <bind join>: \"endpiont\" is none of its values; did you mean "
              "\"endpoint\"?\n");
    complains(HEAD OPEN BODY "<require>text</require>" CLOSE,
              "f.xml:4: <require> holds no text, but here it does: \"text\"\n");
    complains(HEAD OPEN BODY "<require><not/></require>" CLOSE, "f.xml:4: <not> is empty\n");
    complains(HEAD "<rule id='r' cause='port-closed' severity='notise'>" BODY CLOSE,
              "f.xml:2: <rule severity>: \"notise\" is none of its values; did you mean "
              "\"notice\"?\n");
}

static void test_names(void **state)
{
    (void)state;
    complains(HEAD "<rule id='r' cause='port-close'>" BODY CLOSE,
              "f.xml:2: no cause is called \"port-close\"; did you mean \"port-closed\"?\n");
    complains(HEAD "<rule id='r' cause='port-closed' supersedes='sevice-down'>" BODY CLOSE,
              "f.xml:2: no cause is called \"sevice-down\"; did you mean \"service-down\"?\n");
    complains(HEAD OPEN BODY "<require>\n\n<fact name='t.itn' is='1'/></require>" CLOSE,
              "f.xml:6: no fact is called \"t.itn\"; did you mean \"t.int\"?\n");
    complains(HEAD OPEN BODY "<require><fact name='nothing.near.it' is='1'/></require>" CLOSE,
              "f.xml:4: no fact is called \"nothing.near.it\"\n");
    complains(HEAD OPEN BODY "<bind name='b' event='ssh.drop-conection'/>" CLOSE,
              "f.xml:4: no log pattern yields the event \"ssh.drop-conection\"; did you mean "
              "\"ssh.drop-connection\"?\n");
    complains(HEAD OPEN BODY "<bind name='b' event='sch.*'/>" CLOSE,
              "f.xml:4: no log pattern yields the event \"sch.*\"\n");
    complains(HEAD OPEN BODY "<bind name='drop' event='ssh.*'/><require>\n"
                             "<exists bind='dorp'/></require>" CLOSE,
              "f.xml:5: no bind is called \"dorp\"; did you mean \"drop\"?\n");
    complains(HEAD OPEN BODY "<bind name='b' event='ssh.*'/><require>"
                             "<bound name='b' field='line.porgram' is='x'/></require>" CLOSE,
              "f.xml:4: no line has a field \"line.porgram\"; did you mean \"line.program\"?\n");
    complains(HEAD OPEN BODY "<require><fact id='wire' name='t.int' is='1'/></require>\n"
                             "<support weight='0.5' of='wier'/>" CLOSE,
              "f.xml:5: of=\"wier\": no condition or bind of this rule is called so; did you mean "
              "\"wire\"?\n");
    complains(HEAD OPEN BODY "<require><fact id='a' name='t.int' is='1'/>\n"
                             "<fact id='a' name='t.int' is='2'/></require>" CLOSE,
              "f.xml:5: the id \"a\" is taken within this rule\n");
    complains(HEAD OPEN BODY "<bind name='b' event='ssh.*'/>\n<bind name='b' event='ssh.*'/>" CLOSE,
              "f.xml:5: two binds are called \"b\"\n");
    complains(HEAD "<rule id='A b' cause='port-closed'>" BODY CLOSE,
              "f.xml:2: rule id \"A b\": only small letters, digits and single hyphens between "
              "them\n");
    complains(HEAD OPEN BODY "</rule>" OPEN BODY CLOSE,
              "f.xml:4: the rule id \"r\" is taken, see f.xml:2\n");
}

static void wrong_fact(const char *attributes, const char *expected)
{
    char xml[1024], line[1024];
    snprintf(xml, sizeof xml, HEAD OPEN BODY "<require><fact name=%s/></require>" CLOSE,
             attributes);
    snprintf(line, sizeof line, "f.xml:4: %s\n", expected);
    complains(xml, line);
}

static void test_values(void **state)
{
    (void)state;
    wrong_fact("'t.side' is='sever'", "t.side is=\"sever\": its type is enum, and that is none of "
                                      "its values; did you mean \"server\"?");
    wrong_fact("'t.idle' is='5'",
               "t.idle is=\"5\": its type is duration, write a number with its unit: ns us ms s "
               "min h d");
    wrong_fact("'t.int' at-least='5s'",
               "t.int at-least=\"5s\": its type is int, write a whole number");
    wrong_fact("'t.bytes' is='64k'", "t.bytes is=\"64k\": its type is bytes, write a whole "
                                     "number, with KiB, MiB or GiB if need be");
    wrong_fact("'t.bool' is='yes'", "t.bool is=\"yes\": its type is bool, write true or false");
    wrong_fact("'t.bool' at-least='1'",
               "t.bool at-least=\"1\": its type is bool, which has no such operator");
    wrong_fact("'t.ip' is='192.0.2'", "t.ip is=\"192.0.2\": its type is ip, write an address or a "
                                      "prefix");
    wrong_fact("'t.ip' is='192.0.2.0/33'",
               "t.ip is=\"192.0.2.0/33\": its type is ip, and the prefix is too long");
    wrong_fact("'t.idle' near='5s'", "near needs within: near=\"5s\"");
    wrong_fact("'t.idle' is='5s' within='1s'", "within stands without near");
    wrong_fact("'t.idle' near='5s' within='1'", "within=\"1\" does not fit near=\"5s\"");
    wrong_fact("'t.int'", "<fact> of t.int compares with nothing");
    wrong_fact("'t.int' in=' '", "t.int in=\" \": its type is int, and nothing is listed");
    wrong_fact("'t.idle' at-least='@t.bool'",
               "t.idle (duration) cannot be compared with t.bool (bool)");
    wrong_fact("'t.idle' is='@t.nothing-near'", "no fact is called \"t.nothing-near\"");
    wrong_fact("'t.time' at-least='5s'", "t.time at-least=\"5s\": its type is time, compare it "
                                         "with another by \"@name\"");
    wrong_fact("'host.x' at-least='much'",
               "host.x at-least=\"much\": its type is text, this needs a number");
    wrong_fact("'t.idle' near-timer='proxi'",
               "<fact near-timer>: \"proxi\" is none of its values; did you mean \"proxy\"?");
}

static void test_rule_parts(void **state)
{
    (void)state;
    complains(HEAD OPEN "<title>T</title>" CLOSE, "f.xml:2: <rule> needs a <conclude>\n");
    complains(HEAD OPEN BODY "<title>T</title>" CLOSE, "f.xml:4: a second <title> in one rule\n");
    complains(HEAD OPEN BODY "<support weight='0.5'/>" CLOSE,
              "f.xml:4: <support> needs either of=\"id\" or conditions\n");
    complains(HEAD OPEN BODY "<support weight='1.5'><fact name='t.int' is='1'/></support>" CLOSE,
              "f.xml:4: weight=\"1.5\": a number from 0 to 1 is needed\n");
    complains(HEAD OPEN BODY "<require><at-least n='3'><fact name='t.int' is='1'/></at-least>"
                             "</require>" CLOSE,
              "f.xml:4: <at-least n=\"3\">: a number from 1 to 1, that of its conditions, is "
              "needed\n");
    complains(HEAD OPEN BODY "<require><not><fact name='t.int' is='1'/><fact name='t.int' is='2'/>"
                             "</not></require>" CLOSE,
              "f.xml:4: <not> takes one condition; put <any> or <all> around them\n");
    complains(HEAD "<rule id='r' cause='fast-close' severity='fault'>" BODY CLOSE,
              "f.xml:2: severity=\"fault\" is above that of the cause, harmless\n");
    complains(HEAD OPEN BODY "<severity is='fault'><fact name='t.int' is='1'/></severity>" CLOSE,
              "f.xml:4: <severity is=\"fault\"> does not lower the rule's own, notice\n");
    complains(HEAD OPEN BODY "<example fires='a' silent='b'/>" CLOSE,
              "f.xml:4: <example> needs either fires or silent\n");
    complains(HEAD OPEN BODY "<bind name='b' event='ssh.*' before='2'/>" CLOSE,
              "f.xml:4: before=\"2\": write a number with its unit: ns us ms s min h d\n");
}

static void test_texts(void **state)
{
    (void)state;
    complains(HEAD OPEN "<title>{t.itn}</title><conclude base='0.5'>C</conclude>" CLOSE,
              "f.xml:3: no fact is called \"t.itn\"; did you mean \"t.int\"?\n");
    complains(HEAD OPEN "<title>T</title><conclude base='0.5'>a {t.int</conclude>" CLOSE,
              "f.xml:3: a brace is not closed in the text: \"t.int\"\n");
    complains(HEAD OPEN "<title>T</title><conclude base='0.5'>a } b</conclude>" CLOSE,
              "f.xml:3: a brace is closed that was not opened, write }} for one in the text: \"} "
              "b\"\n");
    complains(HEAD OPEN "<title>T</title><conclude base='0.5'>[[a</conclude>" CLOSE,
              "f.xml:3: [[ is not closed in the text: \"[[a\"\n");
    complains(HEAD OPEN "<title>T</title><conclude base='0.5'>{t.int|timers}</conclude>" CLOSE,
              "f.xml:3: \"|timers\" needs a duration in the text: \"t.int|timers\"\n");
    complains(HEAD OPEN "<title>T</title><conclude base='0.5'>{t.idle|one|many}</conclude>" CLOSE,
              "f.xml:3: \"|one|many\" needs a number in the text: \"t.idle|one|many\"\n");
    complains(HEAD OPEN "<title>T</title><conclude base='0.5'>{t.int|times}</conclude>" CLOSE,
              "f.xml:3: what may follow a name is \"|timers\" or \"|one|many\" in the text: "
              "\"t.int|times\"\n");
}

static void test_circle(void **state)
{
    (void)state;
    complains(HEAD "<rule id='a' cause='port-closed' supersedes='service-down'>" BODY "</rule>"
                   "<rule id='b' cause='service-down' supersedes='port-closed'>" BODY "</rule>"
                   "<rule id='c' cause='port-scan' supersedes='port-closed'>" BODY CLOSE,
              "f.xml:2: supersedes \"service-down\" stands on a circle: causes displace one "
              "another\n"
              "f.xml:3: supersedes \"port-closed\" stands on a circle: causes displace one "
              "another\n");
}

static void test_all_mistakes_at_once(void **state)
{
    (void)state;
    complains(HEAD "<rule id='r' cause='port-close' colour='x'>\n"
                   "<title>{t.itn}</title>\n<conclude base='2'>C</conclude>\n" CLOSE,
              "f.xml:2: <rule> has no attribute \"colour\"\n"
              "f.xml:2: no cause is called \"port-close\"; did you mean \"port-closed\"?\n"
              "f.xml:3: no fact is called \"t.itn\"; did you mean \"t.int\"?\n"
              "f.xml:4: base=\"2\": a number from 0 to 1 is needed\n");
}

static void test_limits(void **state)
{
    (void)state;
    struct strbuf b;
    strbuf_init(&b);
    strbuf_str(&b, HEAD OPEN BODY "<require>\n");
    for (int i = 0; i < 17; i++)
        strbuf_str(&b, "<all>");
    strbuf_str(&b, "<fact name='t.int' is='1'/>");
    for (int i = 0; i < 17; i++)
        strbuf_str(&b, "</all>");
    strbuf_str(&b, "</require>" CLOSE);
    complains(b.p, "f.xml:5: conditions stand in one another deeper than 16 levels\n");
    strbuf_reset(&b);
    strbuf_str(&b, HEAD OPEN BODY "<require>\n");
    for (int i = 0; i < 300; i++)
        strbuf_str(&b, "<fact name='t.int' is='1'/>");
    strbuf_str(&b, "</require>" CLOSE);
    complains(b.p, "f.xml:5: more than 200 conditions\n");
    strbuf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_rule), cmocka_unit_test(test_shape),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_values),
        cmocka_unit_test(test_rule_parts),  cmocka_unit_test(test_texts),
        cmocka_unit_test(test_circle),      cmocka_unit_test(test_all_mistakes_at_once),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
