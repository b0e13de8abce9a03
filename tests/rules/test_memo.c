/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A judgement is remembered for the answers that led to it, and for no others.
 */
#include "rules/memo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parsers/packet/words.h"
#include "tests/rules/fake.h"

#define RULE(id, cause, more, base)                                                                \
    "<rule id='" id "' cause='" cause "'>" more "<title>" id "</title><conclude base='" base       \
    "'>because</conclude></rule>\n"
#define REQUIRE(what) "<require>" what "</require>"

struct court {
    struct fake_case f;
    struct catalogue k;
    struct bench b;
    struct judgement j;
    struct memo *m;
};

static void open_court(struct court *t, const char *rules, size_t n_logs)
{
    fake_case_init(&t->f);
    t->f.c.n_logs = n_logs;
    fake_catalogue(&t->k, rules);
    assert_true(bench_init(&t->b, &t->k, &t->f.c) && judgement_init(&t->j, &t->k));
    t->m = memo_create(&t->k, &t->f.c);
    assert_non_null(t->m);
    fake_case_add(&t->f, "192.0.2.1:50000", "198.51.100.7:22", 1000 * NS_PER_S);
}

static void close_court(struct court *t)
{
    memo_free(t->m);
    judgement_finish(&t->j);
    bench_finish(&t->b);
    catalogue_finish(&t->k);
    fake_case_finish(&t->f);
}

/* Whether the judgement was remembered; it is learned when not. */
static bool recalled(struct court *t)
{
    bench_take(&t->b, t->f.resets[0]);
    if (memo_recall(t->m, &t->b, &t->j))
        return true;
    memo_listen(t->m, &t->b);
    judge(&t->j, &t->b);
    memo_learn(t->m, &t->b, &t->j);
    return false;
}

static const char two_rules[] =
    RULE("a", "port-closed", REQUIRE("<fact name='t.int' at-least='10'/>"), "0.5")
        RULE("b", "port-scan", "<severity is='harmless'><fact name='t.bytes' is='7'/></severity>",
             "0.3");

static void test_other_answers(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_number("t.int", 12);
    open_court(&t, two_rules, 0);
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "a");
    fake_number("t.int", 4000); /* another value, the same answer */
    assert_true(recalled(&t));
    assert_string_equal(t.j.rule, "a");
    assert_ptr_equal(t.j.winner, &t.j.verdicts[0]);
    fake_number("t.int", 9);
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "b");
    assert_int_equal(t.j.severity, SEVERITY_NOTICE);
    fake_number("t.bytes", 7); /* asked for the severity alone */
    assert_false(recalled(&t));
    assert_int_equal(t.j.severity, SEVERITY_HARMLESS);
    assert_true(recalled(&t));
    assert_int_equal(t.j.severity, SEVERITY_HARMLESS);
    fake_forget(); /* unknown is an answer of its own */
    assert_false(recalled(&t));
    assert_int_equal(t.j.verdicts[0].require, TRUTH_UNKNOWN);
    close_court(&t);
}

/* Conditions that read alike but are not. */
static void test_case_counts(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_text("t.text", "gone");
    open_court(
        &t,
        RULE("a", "port-closed", REQUIRE("<fact name='t.text' is='GONE'/>"), "0.5")
            RULE("b", "port-scan", REQUIRE("<fact name='t.text' is='GONE' nocase='true'/>"), "0.4"),
        0);
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "b");
    fake_text("t.text", "GONE");
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "a");
    close_court(&t);
}

/* Each reset beside one that is judged without a memory. */
static void assert_as_judged(struct court *t)
{
    struct judgement fresh;
    recalled(t);
    assert_true(judgement_init(&fresh, &t->k));
    bench_take(&t->b, t->f.resets[0]);
    judge(&fresh, &t->b);
    assert_string_equal(t->j.cause, fresh.cause);
    assert_string_equal(t->j.rule, fresh.rule);
    for (size_t i = 0; i < fresh.n; i++)
        assert_int_equal(t->j.verdicts[i].require, fresh.verdicts[i].require);
    judgement_finish(&fresh);
}

/* The answer to a value is kept for the next one that is the same, whatever its type. */
static void test_values_of_each_type(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ab",
        "ab",
        "ac",
        "",
        "",
        "b",
        "ab",
        "ab that is longer than what is held against the next one, by some bytes",
        "ab that is longer than what is held against the next one, by more bytes",
        "b"};
    struct court t;
    fake_forget();
    open_court(&t,
               RULE("a", "port-closed",
                    REQUIRE("<fact name='t.text' starts='ab'/><fact name='t.bool' is='true'/>"),
                    "0.9") RULE("b", "port-scan",
                                REQUIRE("<fact name='t.side' in='client server'/>"
                                        "<fact name='t.real' more-than='0.5'/>"),
                                "0.8")
                   RULE("c", "listen-backlog-overflow",
                        REQUIRE("<any><fact name='t.ip' in='192.0.2.0/24'/>"
                                "<fact name='t.idle' more-than='@t.other'/></any>"),
                        "0.7"),
               0);
    for (size_t i = 0; i < 120; i++) {
        if (i % 31 == 30)
            fake_forget();
        fake_text("t.text", texts[i % (sizeof texts / sizeof *texts)]);
        fake_bool("t.bool", i / 3 % 3 != 0);
        fake_text("t.side", i / 5 % 2 ? "server" : "path");
        fake_real("t.real", (double)(i / 4 % 3) / 2);
        fake_ip("t.ip", i / 7 % 2 ? "192.0.2.9" : "198.51.100.9");
        fake_number("t.idle", (int64_t)(i / 2 % 4));
        if (i % 31 > 10)
            fake_number("t.other", (int64_t)(i % 3));
        assert_as_judged(&t);
    }
    close_court(&t);
}

/* What is found in a text wherever it lies, and in which case, though all else is noise. */
static void test_words_in_noise(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_text("t.text", "");
    open_court(&t,
               RULE("a", "port-closed", REQUIRE("<fact name='t.text' contains='fifteen letters'/>"),
                    "0.9") RULE("b", "port-scan",
                                REQUIRE("<fact name='t.text' contains='FIFTEEN LETTERS' "
                                        "nocase='true'/>"),
                                "0.8") RULE("c", "listen-backlog-overflow",
                                            REQUIRE("<fact name='t.text' contains='few'/>"), "0.7"),
               0);
    static const struct {
        const char *word, *rule;
    } rows[] = {{"fifteen letters", "a"}, {"Fifteen Letters", "b"}, {"few", "c"}, {"fifteen", ""}};
    for (size_t i = 0; i < 4 * 40; i++) {
        char text[80];
        const char *word = rows[i % 4].word;
        for (size_t k = 0; k < sizeof text - 1; k++)
            text[k] = (char)(1 + (k * 37 + i) % 31 + (k % 3 == 0 ? 0x80 : 0));
        text[sizeof text - 1] = '\0';
        memcpy(text + i / 4, word, strlen(word));
        fake_text("t.text", text);
        assert_as_judged(&t);
        assert_string_equal(t.j.rule, rows[i % 4].rule);
    }
    close_court(&t);
}

static const struct reset_face face = {.capture = 0};

/* Of a kind, then. */
static void stand_in_outline(struct reset *r)
{
    r->outline = &face;
    r->rsts = &r->deciding;
    r->n_rsts = 1;
}

/* An answer holds for all numbers between the same limits, and for no other; of a kind or not. */
static void test_numbers_between_limits(void **state)
{
    (void)state;
    static const int64_t around[] = {0, 4, 9, 10, 11, 14, 15, 16, 20, 24, 25, 26, 30, 40, 50};
    static const char timer[] = "<timeouts version='1'><timer after='22ns' tolerance='3ns' "
                                "kind='server' product='p' speaks='mysql'>x</timer></timeouts>";
    const size_t n = sizeof around / sizeof *around;
    struct court t;
    fake_forget();
    fake_number("t.idle", 0);
    fake_host("host.sshd.limit", "40");
    open_court(&t,
               RULE("a", "port-closed",
                    REQUIRE("<fact name='t.int' at-least='10'/><fact name='t.int' less-than='50'/>"
                            "<any><fact name='t.int' near='20' within='5'/>"
                            "<fact name='t.int' is='@host.sshd.absent'/></any>"),
                    "0.9") RULE("b", "port-scan",
                                REQUIRE("<fact name='t.int' not-in='15 16 30'/>"
                                        "<fact name='t.idle' more-than='14ns' at-most='26ns'/>"),
                                "0.8")
                   RULE("c", "listen-backlog-overflow",
                        REQUIRE("<any><fact name='t.idle' near-timer='server'/>"
                                "<fact name='t.int' known='false'/>"
                                "<fact name='t.bytes' is='@host.sshd.limit'/></any>"),
                        "0.7") RULE("d", "ssh-max-startups", "", "0.1"),
               0);
    struct complaints c;
    complaints_init(&c);
    assert_true(timeouts_read(&t.k.timeouts, "t.xml", text_of(timer), &t.k.arena, &c));
    complaints_finish(&c);
    uint32_t chance = 1;
    for (size_t i = 0; i < 20000; i++) {
        chance = chance * 1664525 + 1013904223;
        fake_number("t.int", around[(chance >> 16) % n]);
        if (chance >> 30 == 0)
            fake_number("t.idle", around[(chance >> 20) % n]);
        fake_number("t.bytes", around[(chance >> 18) % n]);
        fake_spoken(1U << (chance >> 14 & 1 ? APP_MYSQL : APP_HTTP1));
        if (i >= 10000) { /* nobody spoke */
            stand_in_outline(t.f.resets[0]);
            fake_spoken(0);
        }
        assert_as_judged(&t);
    }
    fake_forget();
    assert_as_judged(&t);
    close_court(&t);
}

/* Which timers count hangs on what was spoken, where nothing else is asked of the silence, too. */
static void test_timers_of_what_is_spoken(void **state)
{
    (void)state;
    static const char timer[] = "<timeouts version='1'><timer after='22ns' tolerance='3ns' "
                                "kind='server' product='p' speaks='mysql'>x</timer></timeouts>";
    struct court t;
    struct complaints c;
    fake_forget();
    open_court(&t,
               RULE("a", "port-closed", REQUIRE("<fact name='t.idle' near-timer='server'/>"), "0.9")
                   RULE("b", "port-scan", "", "0.1"),
               0);
    complaints_init(&c);
    assert_true(timeouts_read(&t.k.timeouts, "t.xml", text_of(timer), &t.k.arena, &c));
    complaints_finish(&c);
    fake_number("t.idle", 23);
    for (int i = 0; i < 4; i++) {
        fake_spoken(1U << (i % 2 ? APP_HTTP1 : APP_MYSQL));
        assert_as_judged(&t);
        assert_string_equal(t.j.rule, i % 2 ? "b" : "a");
    }
    close_court(&t);
}

/* What rests on lines, or on which logs there are, is judged anew each time. */
static void test_lines_are_not_remembered(void **state)
{
    (void)state;
    struct court t;
    struct event e = {.kind = TEXT("ssh.penalty")};
    fake_forget();
    fake_number("t.int", 12);
    open_court(&t, two_rules, 0);
    fake_link(&e, JOIN_TUPLE, 0);
    assert_false(recalled(&t));
    assert_false(recalled(&t));
    close_court(&t);
    fake_forget();
    fake_number("t.int", 12);
    open_court(&t, two_rules, 1);
    assert_false(recalled(&t));
    assert_false(recalled(&t));
    close_court(&t);
}

/* What is the same for a kind is asked once a kind; a reset of no kind is asked all. */
static void test_kinds(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_number("t.int", 12);
    fake_text("t.side", "server");
    open_court(&t,
               RULE("a", "port-closed",
                    REQUIRE("<fact name='t.side' is='server'/><fact name='t.int' at-least='10'/>"),
                    "0.5") RULE("b", "port-scan", "", "0.3"),
               0);
    struct reset *r = t.f.resets[0];
    stand_in_outline(r);
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "a");
    assert_true(recalled(&t));
    fake_number("t.int", 9); /* hangs on more than the kind */
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "b");
    r->mechanism = MECHANISM_REFUSED; /* another kind */
    fake_text("t.side", "client");
    fake_number("t.int", 12);
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "b");
    r->mechanism = MECHANISM_UNDETERMINED;
    fake_text("t.side", "server");
    assert_true(recalled(&t));
    assert_string_equal(t.j.rule, "a");
    struct reset_ties ties = {.n_seen_in = 1};
    r->ties = &ties; /* of no kind any more */
    fake_text("t.side", "client");
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "b");
    for (unsigned i = 0; i < 1000; i++) { /* more kinds than are remembered */
        r->ties = NULL;
        r->deciding.segment.flags = (uint16_t)(i % 500);
        fake_text("t.side", i % 500 % 3 ? "client" : "server");
        recalled(&t);
        assert_string_equal(t.j.rule, i % 500 % 3 ? "b" : "a");
    }
    close_court(&t);
}

/* A fact of the kind that is held against another one is asked once only where that is of the kind,
 * too. */
static void test_kinds_that_refer(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_text("t.side", "server");
    fake_text("t.text", "server");
    open_court(&t,
               RULE("a", "port-closed", REQUIRE("<fact name='t.side' is='@t.side'/>"), "0.5")
                   RULE("b", "port-scan", REQUIRE("<fact name='t.side' is='@t.text'/>"), "0.7"),
               0);
    stand_in_outline(t.f.resets[0]);
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "b");
    fake_text("t.text", "client");
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "a");
    close_court(&t);
    open_court(&t, RULE("a", "port-closed", REQUIRE("<fact name='t.side' is='@t.side'/>"), "0.5"),
               0);
    stand_in_outline(t.f.resets[0]);
    assert_false(recalled(&t));
    fake_forget(); /* as it never is within a kind */
    assert_true(recalled(&t));
    assert_string_equal(t.j.rule, "a");
    close_court(&t);
}

/* What is unknown of every reset is not asked. */
static void test_mute_facts(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_mute("t.int");
    open_court(&t, two_rules, 0);
    assert_false(recalled(&t));
    assert_string_equal(t.j.rule, "b");
    fake_number("t.int", 12); /* as it never is */
    assert_true(recalled(&t));
    assert_string_equal(t.j.rule, "b");
    fake_number("t.bytes", 7); /* which is not mute */
    assert_false(recalled(&t));
    close_court(&t);
}

/* The same answers weigh less where an end was not captured. */
static void test_unheard_ends(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_number("t.other", 5 * NS_PER_S);
    open_court(&t, RULE("a", "port-closed", REQUIRE("<fact name='t.other' at-least='1s'/>"), "0.5"),
               0);
    assert_false(recalled(&t));
    assert_true(recalled(&t));
    assert_true(t.j.winner->confidence > 0.4);
    fake_unheard(1U << SIDE_CLIENT);
    assert_false(recalled(&t));
    assert_true(t.j.winner->confidence < 0.3);
    assert_true(recalled(&t));
    assert_true(t.j.winner->confidence < 0.3);
    fake_unheard(0);
    assert_true(recalled(&t));
    assert_true(t.j.winner->confidence > 0.4);
    close_court(&t);
}

/* And where frames were lost, by how many and by what they could turn. */
static void test_lost_frames(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_text("t.text", "refused");
    open_court(&t, RULE("a", "port-closed", REQUIRE("<fact name='t.text' is='refused'/>"), "0.5"),
               0);
    static const struct {
        double share, confidence;
        bool of_absence;
    } rows[] = {{0, 0.5, false}, {0.2, 0.4, true}, {0.4, 0.3, true}, {0.4, 0.5, false}};
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            fake_lost(rows[i].share, rows[i].of_absence);
            assert_int_equal(recalled(&t), again);
            assert_float_equal(t.j.winner->confidence, rows[i].confidence, 1e-9);
        }
    close_court(&t);
}

/* And where the clock was set. */
static void test_leaps(void **state)
{
    (void)state;
    struct court t;
    fake_forget();
    fake_text("t.text", "refused");
    open_court(&t, RULE("a", "port-closed", REQUIRE("<fact name='t.text' is='refused'/>"), "0.5"),
               0);
    for (int again = 0; again < 2; again++)
        for (int near = 0; near < 2; near++) {
            fake_leaps(false, near);
            assert_int_equal(recalled(&t), again);
            assert_float_equal(t.j.winner->confidence, near ? 0.425 : 0.5, 1e-9);
        }
    close_court(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_answers),
        cmocka_unit_test(test_case_counts),
        cmocka_unit_test(test_values_of_each_type),
        cmocka_unit_test(test_words_in_noise),
        cmocka_unit_test(test_numbers_between_limits),
        cmocka_unit_test(test_timers_of_what_is_spoken),
        cmocka_unit_test(test_lines_are_not_remembered),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_kinds_that_refer),
        cmocka_unit_test(test_mute_facts),
        cmocka_unit_test(test_unheard_ends),
        cmocka_unit_test(test_lost_frames),
        cmocka_unit_test(test_leaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
