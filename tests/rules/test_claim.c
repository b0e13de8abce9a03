/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts as sentences, over the real table of facts.
 */
#include "rules/claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/wording.h"

struct stand {
    struct arena arena;
    struct reset reset;
    struct bench bench;
};

static void set_up(struct stand *s)
{
    *s = (struct stand){0};
    arena_init(&s->arena, NULL);
    s->reset.claimed = SIDE_SERVER;
    s->bench.arena = &s->arena;
    s->bench.reset = &s->reset;
}

static bool says(struct stand *s, const char *name, struct fact f, struct text value,
                 const char *expected)
{
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    struct text t = claim_says(&s->bench, def, &f, value);
    if (text_eq(t, text_of(expected)))
        return true;
    print_error("\"" TEXT_FMT "\" is not \"%s\"\n", TEXT_ARG(t), expected);
    return false;
}

static void test_sentences(void **state)
{
    (void)state;
    struct stand s;
    const struct fact yes = {.known = true, .as.truth = true}, no = {.known = true};
    const struct fact some = {.known = true, .as.number = 22};
    set_up(&s);
    assert_true(says(&s, "server.fin", yes, TEXT("true"), "the server sent a FIN"));
    assert_true(says(&s, "other-side.fin", no, TEXT("false"), "the client sent no FIN"));
    assert_true(says(&s, "reset-side.bytes", some, TEXT("22 bytes"),
                     "the server sent 22 bytes of payload"));
    assert_true(
        says(&s, "rst.sender", no, TEXT("path"), "the RST was sent by a device in the path"));
    assert_true(says(&s, "conn.one-way", no, TEXT("false"), "both directions were captured"));
    struct fact counted = {.known = true, .as.number = 3};
    counted.from.note = TEXT("counted over all connections");
    assert_true(says(&s, "server.refused", counted, TEXT("3"),
                     "connections that the server's port refused: 3 (counted over all "
                     "connections)"));
    counted.as.number = 0;
    assert_true(says(&s, "server.refused", counted, TEXT("0"),
                     "the server's port refused no connection (counted over all connections)"));
    assert_true(
        says(&s, "conn.segments", no, TEXT("0"), "segments captured of this connection: 0"));
    const struct fact part = {.known = true, .as.real = .5};
    assert_true(says(&s, "capture.lost-share", part, TEXT("0.50"),
                     "share of what passed that was not captured, 0 to 1: 0.50"));
    assert_true(says(&s, "client.unacked-bytes", no, TEXT("0 bytes"),
                     "all that the client sent was acknowledged"));
    arena_finish(&s.arena);
}

/* Texts of the input stand in quotes, without their line end, and not for ever. */
static void test_texts(void **state)
{
    (void)state;
    static char long_text[300];
    struct stand s;
    const struct fact f = {.known = true};
    memset(long_text, 'x', sizeof long_text);
    set_up(&s);
    assert_true(
        says(&s, "server.text", f, TEXT("Exceeded\r\n"), "the server's first bytes: \"Exceeded\""));
    assert_true(
        says(&s, "server.text", f, TEXT("{who} {v}"), "the server's first bytes: \"{who} {v}\""));
    struct text t = claim_says(&s.bench, fact_find(TEXT("client.text")), &f,
                               (struct text){long_text, sizeof long_text});
    assert_true(t.n < 250 && text_ends(t, TEXT("x ...\"")));
    memcpy(long_text, "HTTP/1.1 408 ", 13);
    memcpy(long_text + 290, "the end.\r\n", 10);
    t = claim_says(&s.bench, fact_find(TEXT("server.last-text")), &f,
                   (struct text){long_text, sizeof long_text});
    assert_true(t.n < 250 && text_find(t, TEXT("\"HTTP/1.1 408 x"), 0) != SIZE_MAX);
    assert_true(text_find(t, TEXT("x ... x"), 0) != SIZE_MAX && text_ends(t, TEXT("the end.\"")));
    memset(long_text, '\xc3', 300); /* two bytes a letter, cut within none */
    for (size_t i = 1; i < 300; i += 2)
        long_text[i] = '\xa9';
    t = claim_says(&s.bench, fact_find(TEXT("server.last-text")), &f,
                   (struct text){long_text + 1, 299});
    assert_true(text_find(t, TEXT("\xc3 "), 0) == SIZE_MAX);
    assert_true(text_find(t, TEXT(" \xa9"), 0) == SIZE_MAX);
    arena_finish(&s.arena);
}

static void test_what_need_not_be_read(void **state)
{
    (void)state;
    const struct fact none = {.known = true};
    const struct fact some = {.known = true, .as.number = 3}, yes = {.known = true, .as.truth = 1};
    assert_true(claim_is_stated(TEXT("rst.sender")) && !claim_is_stated(TEXT("rst.killed")));
    assert_true(claim_is_usual(TEXT("capture.cut-at"), &none));
    assert_true(claim_is_usual(TEXT("capture.lost-share"), &none));
    assert_true(claim_is_usual(TEXT("capture.control-only"), &none));
    assert_false(claim_is_usual(TEXT("capture.cut-at"), &some));
    assert_false(claim_is_usual(TEXT("capture.control-only"), &yes));
    assert_false(claim_is_usual(TEXT("server.refused"), &none));
    assert_false(claim_is_usual(TEXT("capture.of-no-fact"), &none));
}

/* Whatever the table of facts holds, it can be said. */
static void test_every_fact(void **state)
{
    (void)state;
    struct stand s;
    size_t n;
    const struct fact_def **table = fact_list(&n);
    assert_non_null(table);
    set_up(&s);
    for (size_t i = 0; i < n; i++)
        for (int truth = 0; truth < 2; truth++) {
            struct fact f = {.known = true};
            if (table[i]->type == FACT_BOOL)
                f.as.truth = truth;
            else if (table[i]->type == FACT_REAL)
                f.as.real = truth;
            else if (table[i]->type == FACT_INT || table[i]->type == FACT_BYTES)
                f.as.number = truth;
            struct text t = claim_says(&s.bench, table[i], &f, TEXT("VALUE"));
            assert_true(t.n > 0);
            assert_int_equal(text_find_byte(t, '{', 0), SIZE_MAX);
            bool shows_value = text_find(t, TEXT("VALUE"), 0) != SIZE_MAX;
            assert_true(truth == 0 || shows_value == (table[i]->type != FACT_BOOL));
        }
    free(table);
    arena_finish(&s.arena);
}

/* Choices are words of their own where the value alone would not make a sentence. */
static void test_choices(void **state)
{
    (void)state;
    struct stand s;
    const struct fact f = {.known = true};
    set_up(&s);
    assert_true(says(&s, "trigger.fate", f, TEXT("swallowed"),
                     "the segment that the RST answers never reached another capture on its way"));
    assert_true(says(&s, "server.said-kind", f, TEXT("error"),
                     "the last thing that the server said was an error"));
    assert_true(says(&s, "other-side.said-kind", f, TEXT("request"),
                     "the last thing that the client said was a request"));
    assert_true(
        says(&s, "app.client-speaks", f, TEXT("http1"), "the client's first bytes are HTTP/1"));
    assert_true(says(&s, "app.server-speaks", f, TEXT("unknown"),
                     "the server's first bytes are of no protocol that is known here"));
    assert_true(says(&s, "conn.icmp", f, TEXT("too-big"),
                     "the last ICMP error about this connection: too-big"));
    arena_finish(&s.arena);
}

static bool is_of_end(struct text name, struct text *rest)
{
    struct text end;
    return text_cut(name, '.', &end, rest) &&
           (text_eq(end, TEXT("client")) || text_eq(end, TEXT("server")) ||
            text_eq(end, TEXT("reset-side")) || text_eq(end, TEXT("other-side")));
}

static const struct wording *row_of(const struct fact_def *def, struct text choice)
{
    struct text rest;
    const struct wording *w = wording_of_fact(text_of(def->name), choice);
    if (!w && is_of_end(text_of(def->name), &rest))
        w = wording_of_end(rest, choice);
    return w;
}

/* No fact is said by its column in a list, nor denied by "not so". */
static void test_every_fact_has_its_words(void **state)
{
    (void)state;
    size_t n;
    const struct fact_def **table = fact_list(&n);
    assert_non_null(table);
    for (size_t i = 0; i < n; i++) {
        const struct wording *w = row_of(table[i], TEXT(""));
        if (!w || (table[i]->type == FACT_BOOL && !w->denies))
            fail_msg("%s has no words", table[i]->name);
    }
    free(table);
}

static bool is_choice(const struct fact_def *def, const char *name)
{
    const char *choice = strchr(name, '=');
    for (size_t k = 0; choice && def->choices && def->choices[k]; k++)
        if (strcmp(def->choices[k], choice + 1) == 0)
            return true;
    return !choice;
}

/* Whether a fact of that name is there and has the choice. */
static bool is_used(const struct fact_def **table, size_t n, const struct wording *w,
                    bool are_of_ends)
{
    const struct text name = text_slice(text_of(w->name), 0, strcspn(w->name, "="));
    for (size_t i = 0; i < n; i++) {
        struct text rest = text_of(table[i]->name);
        if (are_of_ends && !is_of_end(text_of(table[i]->name), &rest))
            continue;
        if (text_eq(rest, name))
            return is_choice(table[i], w->name);
    }
    return false;
}

static void test_rows_stand_in_order_and_are_of_facts(void **state)
{
    (void)state;
    size_t n;
    const struct fact_def **table = fact_list(&n);
    assert_non_null(table);
    for (int are_of_ends = 0; are_of_ends < 2; are_of_ends++) {
        size_t n_rows;
        const struct wording *rows = wording_rows(are_of_ends, &n_rows);
        assert_true(n_rows > 0);
        for (size_t i = 0; i < n_rows; i++) {
            assert_true(i == 0 || strcmp(rows[i - 1].name, rows[i].name) < 0);
            if (!is_used(table, n, &rows[i], are_of_ends))
                fail_msg("no fact is said by the row of %s", rows[i].name);
        }
    }
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_what_need_not_be_read),
        cmocka_unit_test(test_every_fact),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_every_fact_has_its_words),
        cmocka_unit_test(test_rows_stand_in_order_and_are_of_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
