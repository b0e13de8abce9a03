/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rules and facts to diagnoses: who wins, what is left as an alternative or undecided, what is
 * said, and what it rests on.
 */
#include "rules/findings.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/record/said.h"
#include "parsers/packet/words.h"
#include "rules/explain.h"
#include "tests/rules/fake.h"

#define RULE(id, cause, more, base)                                                                \
    "<rule id='" id "' cause='" cause "'" more "><title>" id "</title><conclude base='" base       \
    "'>because " id "</conclude>"
#define END "</rule>\n"
#define LAST RULE("undetermined", "undetermined", "", "0.1") END

struct scene {
    struct fake_case f;
    struct catalogue k;
    struct findings found;
    struct telling t;
};

/* The first finding in words. */
static const struct diagnosis *said(struct scene *s)
{
    return findings_tell(&s->found, s->found.v, &s->t);
}

static void play(struct scene *s, const char *rules)
{
    s->t = (struct telling){0};
    fake_case_init(&s->f);
    fake_case_add(&s->f, "192.0.2.1:50000", "198.51.100.7:22", 1000 * NS_PER_S);
    fake_catalogue(&s->k, rules);
    assert_true(findings_build(&s->found, &s->k, &s->f.c));
    assert_int_equal(s->found.n, 1);
}

static void leave(struct scene *s)
{
    telling_finish(&s->t);
    findings_finish(&s->found);
    catalogue_finish(&s->k);
    fake_case_finish(&s->f);
}

static struct text titled(struct scene *s)
{
    return findings_title(&s->found, s->found.v, &s->t);
}

static bool says(struct text t, const char *expected)
{
    if (text_eq(t, text_of(expected)))
        return true;
    print_error("\"" TEXT_FMT "\" is not \"%s\"\n", TEXT_ARG(t), expected);
    return false;
}

static void test_the_most_confident_wins(void **state)
{
    (void)state;
    struct scene s;
    fake_forget();
    play(&s, LAST RULE("a", "port-closed", "", "0.4") END RULE("b", "port-scan", "", "0.7") END);
    const struct diagnosis *d = said(&s);
    assert_string_equal(d->rule, "b");
    assert_string_equal(d->cause, "port-scan");
    assert_int_equal(d->severity, SEVERITY_NOTICE);
    assert_true(fabs(d->confidence - 0.7) < 1e-9);
    assert_true(says(d->title, "b"));
    assert_true(says(d->id, "c1-000001"));
    assert_true(says(d->display_filter, "tcp.stream eq 0"));
    assert_int_equal(d->n_alternatives, 1); /* undetermined is none */
    assert_string_equal(d->alternatives[0].cause, "port-closed");
    assert_false(d->alternatives[0].indistinct);
    assert_null(d->alternatives[0].superseded_by);
    assert_true(says(titled(&s), "b"));
    leave(&s);
}

static void test_nothing_holds(void **state)
{
    (void)state;
    struct scene s;
    fake_forget();
    fake_number("t.int", 1);
    play(&s, LAST RULE("a", "port-closed", "",
                       "0.9") "<require><fact name='t.int' is='2'/></require>" END);
    assert_string_equal(said(&s)->cause, "undetermined");
    assert_int_equal(said(&s)->n_alternatives, 0);
    leave(&s);
    play(&s,
         RULE("a", "port-closed", "", "0.9") "<require><fact name='t.int' is='2'/></require>" END);
    assert_string_equal(said(&s)->cause, "undetermined");
    assert_string_equal(said(&s)->rule, "");
    assert_true(says(titled(&s), "No rule explains this reset"));
    assert_int_equal(said(&s)->n_evidence, 1);
    leave(&s);
}

static void test_supersedes(void **state)
{
    (void)state;
    struct scene s;
    fake_forget();
    /* general is more confident, yet the specific one displaces it from 0.5 on */
    play(&s, LAST RULE("general", "application-abort", "", "0.9")
                 END RULE("specific", "oom-kill", " supersedes='application-abort'", "0.5") END);
    assert_string_equal(said(&s)->rule, "specific");
    assert_string_equal(said(&s)->alternatives[0].superseded_by, "specific");
    assert_false(said(&s)->alternatives[0].indistinct);
    leave(&s);
    play(&s, LAST RULE("general", "application-abort", "", "0.9")
                 END RULE("specific", "oom-kill", " supersedes='application-abort'", "0.49") END);
    assert_string_equal(said(&s)->rule, "general");
    leave(&s);
    /* one that does not hold displaces nothing */
    play(&s, LAST RULE("general", "application-abort", "", "0.9")
                 END RULE("specific", "oom-kill", " supersedes='application-abort'",
                          "0.8") "<require><fact name='t.int' is='1'/></require>" END);
    assert_string_equal(said(&s)->rule, "general");
    leave(&s);
}

static void test_indistinct(void **state)
{
    (void)state;
    struct scene s;
    fake_forget();
    play(&s, LAST RULE("a", "port-closed", "", "0.60") END RULE(
                 "b", "port-scan", "",
                 "0.52") "<collect>the log of {server}</collect>" END RULE("c", "backscatter", "",
                                                                           "0.49") END);
    const struct diagnosis *d = said(&s);
    assert_string_equal(d->rule, "a");
    assert_int_equal(d->n_alternatives, 2);
    assert_string_equal(d->alternatives[0].rule, "b");
    assert_true(d->alternatives[0].indistinct);
    assert_true(says(d->alternatives[0].told_apart_by, "the log of 198.51.100.7:22"));
    assert_string_equal(d->alternatives[1].rule, "c");
    assert_false(d->alternatives[1].indistinct);
    leave(&s);
}

/* Two rules for one cause are one alternative: the surer. */
static void test_a_cause_is_named_once(void **state)
{
    (void)state;
    struct scene s;
    fake_forget();
    play(&s, RULE("a", "port-scan", "", "0.7") END RULE("b", "port-closed", "", "0.4") END RULE(
                 "c", "port-closed", "", "0.5") END RULE("d", "backscatter", "", "0.3") END);
    const struct diagnosis *d = said(&s);
    assert_int_equal(d->n_alternatives, 2);
    assert_string_equal(d->alternatives[0].rule, "c");
    assert_string_equal(d->alternatives[1].rule, "d");
    leave(&s);
}

static void test_ties_go_to_the_smaller_id(void **state)
{
    (void)state;
    struct scene s;
    fake_forget();
    play(&s, RULE("b", "port-scan", "", "0.5") END RULE("a", "port-closed", "", "0.5") END);
    assert_string_equal(said(&s)->rule, "a");
    leave(&s);
}

static void test_undecided(void **state)
{
    (void)state;
    struct scene s;
    fake_forget();
    play(&s, LAST RULE("known", "port-closed", "", "0.6")
                 END RULE("open", "port-scan", "",
                          "0.7") "<bind name='d' event='ssh.x'/>"
                                 "<require><fact name='t.int' is='1'/><exists bind='d'/></require>"
                                 "<collect when='d'>sshd's log</collect><collect>a capture at "
                                 "{client}</collect>" END RULE(
                                     "hopeless", "backscatter", "",
                                     "0.2") "<require><fact name='t.int' is='1'/></require>" END);
    const struct diagnosis *d = said(&s);
    assert_string_equal(d->rule, "known");
    assert_int_equal(d->n_undecided, 1); /* the hopeless one could not change the answer */
    assert_string_equal(d->undecided[0].rule, "open");
    assert_true(says(d->undecided[0].missing, "t.int: not set; a line for d: no log covers it"));
    assert_true(says(d->undecided[0].collect, "sshd's log; a capture at 192.0.2.1:50000"));
    leave(&s);
}

/* A rule that is open for want of a line is no advice where what was spoken rules the line out. */
static void test_undecided_by_what_is_spoken(void **state)
{
    (void)state;
    struct scene s;
    static const char rules[] = LAST RULE("known", "port-closed", "", "0.6")
        END RULE("of-postgres", "process-crash", "",
                 "0.7") "<bind name='d' event='postgres.terminating'/>"
                        "<require><exists bind='d'/></require>"
                        "<collect when='d'>PostgreSQL's log</collect>" END;
    fake_forget();
    fake_spoken(1U << APP_HTTP1);
    play(&s, rules);
    assert_int_equal(said(&s)->n_undecided, 0);
    leave(&s);
    fake_spoken(1U << APP_POSTGRESQL);
    play(&s, rules);
    assert_int_equal(said(&s)->n_undecided, 1);
    assert_true(says(said(&s)->undecided[0].collect, "PostgreSQL's log"));
    leave(&s);
    fake_spoken(0);
}

static const struct event drop = {.kind = {"ssh.drop-connection", 19},
                                  .line = 118,
                                  .program = {"sshd", 4},
                                  .fields = {{{"reason", 6}, {"past \033[31mMax", 13}}},
                                  .n_fields = 1};

/* A rule with all that can be said, about a line, a fact and a host value. */
static const char talker[] =
    RULE("r", "ssh-max-startups", "",
         "0.4") "<bind name='d' event='ssh.*'/>"
                "<require><exists id='log' bind='d'/>"
                "<fact name='t.idle' near-timer='network'/></require>"
                "<support weight='0.5' of='d'/>"
                "<support weight='0.5'><fact name='host.sshd.maxstartups' known='true'/>"
                "</support>"
                "<also when='log'>{d} says:  {d.reason} {{}} {t.idle|timers}.</also>"
                "<also when='five'>never</also>"
                "<contradict weight='0.1'><fact id='five' name='t.int' is='5'/></contradict>"
                "<remedy risk='low' command='sshd -T'>now {host.sshd.maxstartups}"
                "[[, or {t.real}]] {t.real}, {t.int|other was|others were} so</remedy>"
                "<remedy risk='high' when='five'>never</remedy>"
                "<remedy risk='none'>It said: {t.text}. [[And {t.text}.]]</remedy>"
                "<reference> sshd_config(5) </reference>" END;

/* That rule before a reset of which all that it asks is known.  timers: without them no silence is
 * near one. */
static const struct diagnosis *let_talk(struct scene *s, bool timers, int64_t number)
{
    static const char xml[] = "<timeouts version='1'><timer after='350s' tolerance='1s' "
                              "kind='network' product='NAT'>x</timer></timeouts>";
    struct complaints c;
    fake_forget();
    fake_link(&drop, JOIN_TUPLE, -120000000)->uncertainty_ns = 20000000;
    fake_number("t.idle", 350 * NS_PER_S);
    fake_number("t.int", number);
    fake_text("t.text", "Too many.");
    fake_host("host.sshd.maxstartups", "10:30:100");
    s->t = (struct telling){0};
    fake_case_init(&s->f);
    fake_case_add(&s->f, "192.0.2.1:50000", "198.51.100.7:22", 1000 * NS_PER_S);
    fake_catalogue(&s->k, talker);
    complaints_init(&c);
    if (timers)
        assert_true(timeouts_read(&s->k.timeouts, "t.xml", text_of(xml), &s->k.arena, &c));
    complaints_finish(&c);
    assert_true(findings_build(&s->found, &s->k, &s->f.c));
    return said(s);
}

static void test_texts(void **state)
{
    (void)state;
    struct scene s;
    const struct diagnosis *d = let_talk(&s, false, 4);
    assert_string_equal(d->rule, "");
    leave(&s);
    d = let_talk(&s, true, 4);
    assert_string_equal(d->rule, "r");
    assert_true(says(d->explanation, "because r auth.log:118 says: past \033[31mMax {} NAT (350 "
                                     "s)."));
    assert_int_equal(d->n_remedies, 2);
    assert_true(says(d->remedies[0].text, "now 10:30:100 unknown, 4 others were so"));
    assert_true(says(d->remedies[0].command, "sshd -T"));
    assert_string_equal(d->remedies[0].risk, "low");
    assert_true(says(d->remedies[1].text, "It said: Too many. And Too many."));
    assert_true(says(d->references[0], "sshd_config(5)"));
    leave(&s);
    d = let_talk(&s, true, 1);
    assert_true(says(d->remedies[0].text, "now 10:30:100 unknown, 1 other was so"));
    leave(&s);
}

static void test_evidence(void **state)
{
    (void)state;
    struct scene s;
    const struct diagnosis *d = let_talk(&s, true, 4);
    assert_int_equal(d->n_evidence, 4);
    assert_true(says(d->evidence[0].says, "it was so"));
    assert_int_equal(d->evidence[0].frame, 9);
    assert_int_equal(d->evidence[1].kind, SOURCE_LOG);
    assert_int_equal(d->evidence[1].link->event->line, 118);
    assert_int_equal(d->evidence[2].kind, SOURCE_PACKET);
    assert_int_equal(d->evidence[2].frame, 7);
    assert_true(says(d->evidence[2].says, "a duration: 350.000 s"));
    assert_int_equal(d->evidence[3].kind, SOURCE_HOST);
    assert_true(says(d->evidence[3].value, "10:30:100"));
    leave(&s);
}

/* What an end said last is told where it was understood, whatever the rule asks. */
static void test_last_words(void **state)
{
    (void)state;
    struct scene s;
    const struct last_said noise = {.words = TEXT("some bytes")};
    const struct last_said words = {.is_read = true, .words = TEXT("HTTP 503")};
    fake_forget();
    fake_text("client.said", "some bytes");
    fake_text("server.said", "HTTP 503");
    play(&s, RULE("a", "port-closed", "", "0.9") END);
    s.f.connections[0].end[SIDE_CLIENT].said = &noise;
    s.f.connections[0].end[SIDE_SERVER].said = &words;
    const struct diagnosis *d = said(&s);
    size_t n = 0;
    for (size_t i = 0; i < d->n_evidence; i++) {
        assert_false(text_eq(d->evidence[i].key, TEXT("client.said")));
        if (text_eq(d->evidence[i].key, TEXT("server.said"))) {
            assert_true(says(d->evidence[i].value, "HTTP 503"));
            n++;
        }
    }
    assert_int_equal(n, 1);
    leave(&s);
}

static void test_severity_is_lowered(void **state)
{
    (void)state;
    struct scene s;
    fake_forget();
    fake_number("t.int", 1);
    play(&s, RULE("r", "service-down", "",
                  "0.4") "<severity is='notice'><fact name='t.int' is='1'/></severity>"
                         "<severity is='harmless'><fact name='t.int' is='2'/></severity>" END);
    assert_int_equal(said(&s)->severity, SEVERITY_NOTICE);
    leave(&s);
}

static void test_order_of_rules_is_nothing(void **state)
{
    (void)state;
    struct scene s, t;
    fake_forget();
#define A RULE("a", "port-closed", "", "0.5") END
#define B RULE("b", "port-scan", " supersedes='port-closed'", "0.5") END
#define C RULE("c", "backscatter", "", "0.45") END
    play(&s, A B C LAST);
    play(&t, LAST C B A);
    assert_string_equal(said(&s)->rule, said(&t)->rule);
    assert_int_equal(said(&s)->n_alternatives, said(&t)->n_alternatives);
    for (size_t i = 0; i < said(&s)->n_alternatives; i++)
        assert_string_equal(said(&s)->alternatives[i].rule, said(&t)->alternatives[i].rule);
    leave(&s);
    leave(&t);
}

/* --- groups */

static void test_groups(void **state)
{
    (void)state;
    struct groups g;
    struct scene s = {0};
    fake_forget();
    fake_case_init(&s.f);
    for (int i = 0; i < 4; i++) { /* one instant, one silence */
        struct reset *r = fake_case_add(&s.f, i % 2 ? "192.0.2.1:50000" : "192.0.2.2:50001",
                                        "198.51.100.7:22", (1000 + i / 2) * NS_PER_S);
        r->idle_before_ns = (350 + i % 2) * NS_PER_S;
    }
    fake_case_add(&s.f, "192.0.2.3:5", "198.51.100.7:22", 5000 * NS_PER_S); /* long after */
    fake_case_add(&s.f, "192.0.2.3:6", "198.51.100.8:22", 1000 * NS_PER_S); /* elsewhere */
    s.f.reset_space[5].is_copy_of_other = true;
    fake_catalogue(&s.k, RULE("a", "port-closed", "", "0.5") END);
    assert_true(findings_build(&s.found, &s.k, &s.f.c));
    assert_int_equal(s.found.n, 5);
    assert_true(findings_group(&s.found, &s.f.c.arena, &g));
    assert_int_equal(g.n, 3);
    assert_string_equal(g.v[0].pattern, "same-instant");
    assert_int_equal(g.v[0].n_members, 4);
    assert_true(g.v[0].by_server);
    assert_int_equal(g.v[0].at.port, 22);
    assert_int_equal(g.v[0].first, 1000 * NS_PER_S);
    assert_int_equal(g.v[0].last, 1001 * NS_PER_S);
    assert_ptr_equal(g.v[0].members[0], &s.found.v[0]);
    assert_string_equal(g.v[1].pattern, "same-idle");
    assert_int_equal(g.v[1].n_members, 4);
    assert_string_equal(g.v[2].pattern, "repeated");
    assert_int_equal(g.v[2].n_members, 5);
    leave(&s);
}

static void test_a_scan_is_one_group(void **state)
{
    (void)state;
    struct groups g;
    struct scene s = {0};
    fake_forget();
    fake_case_init(&s.f);
    fake_case_add(&s.f, "192.0.2.1:50000", "198.51.100.7:22", 0);
    fake_case_add(&s.f, "192.0.2.1:50001", "198.51.100.7:23", 10 * NS_PER_S);
    fake_case_add(&s.f, "192.0.2.1:50002", "198.51.100.8:24", 20 * NS_PER_S);
    fake_catalogue(&s.k, RULE("a", "port-scan", "", "0.5") END);
    assert_true(findings_build(&s.found, &s.k, &s.f.c));
    assert_true(findings_group(&s.found, &s.f.c.arena, &g));
    assert_int_equal(g.n, 1);
    assert_string_equal(g.v[0].pattern, "scan");
    assert_false(g.v[0].by_server);
    assert_int_equal(g.v[0].at.port, 0);
    leave(&s);
}

static void test_explain(void **state)
{
    (void)state;
    struct scene s;
    char *printed = NULL;
    size_t n = 0;
    fake_forget();
    fake_number("t.int", 4);
    fake_link(&drop, JOIN_TUPLE, -120000000)->uncertainty_ns = 20000000;
    play(&s,
         RULE("r", "port-closed", "",
              "0.4") "<bind name='d' event='ssh.*'/><require><exists id='log' bind='d'/>"
                     "<bound name='d' field='reason' starts='past'/></require>"
                     "<support weight='0.5' of='log'/>" END RULE(
                         "o", "port-scan", "",
                         "0.4") "<require><fact name='t.int' more-than='10'/></require>" END
                         RULE("u", "backscatter", "",
                              "0.4") "<require><fact name='t.real' more-than='10'/></require>" END);
    FILE *out = open_memstream(&printed, &n);
    assert_true(explain_reset(out, &s.k, &s.f.c, s.f.resets[0], false));
    fclose(out);
    assert_string_equal(
        printed,
        "frame 10  192.0.2.1:50000 -> 198.51.100.7:22  sender server (0.00), phase active, "
        "mechanism abort\n"
        "  * it was so  (frame 9)\n"
        "likely 0.70  r (cause port-closed)  [base 0.40]\n"
        "  + all\n"
        "    + d.reason starts \"past\"  value past \\x1b[31mMax  (auth.log:118, tuple, offset "
        "-0.120 s \302\261 0.020 s)\n"
        "    + log: a line for d  auth.log:118, tuple, offset -0.120 s \302\261 0.020 s  support "
        "0.50\n"
        "undecided  u, at most 0.40: t.real: not set\n"
        "out  o:  t.int more-than 10  value 4  (frame 7)\n");
    free(printed);
    leave(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_most_confident_wins),
        cmocka_unit_test(test_nothing_holds),
        cmocka_unit_test(test_supersedes),
        cmocka_unit_test(test_indistinct),
        cmocka_unit_test(test_a_cause_is_named_once),
        cmocka_unit_test(test_ties_go_to_the_smaller_id),
        cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_undecided_by_what_is_spoken),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_severity_is_lowered),
        cmocka_unit_test(test_order_of_rules_is_nothing),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_a_scan_is_one_group),
        cmocka_unit_test(test_explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
