/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resets in outline against the same ones that stand whole: asked in any order, asked again
 * after they were forgotten, revised, and over the files of a series.  And what is said of a kind
 * of them holds for each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/fact/fact_make.h"
#include "tests/analyzer/same_outcome.h"
#include "tests/analyzer/script.h"

#define N_REFUSED 100
#define N_MANY 1500

static const struct tracker_config outline = {.capture = 2, .in_outline = true};
static const struct tracker_config whole = {.capture = 2};

/* Every seventh attempt is given up by its client, every tenth opens and is then reset. */
static void lead(struct script *s)
{
    char line[240];
    for (unsigned i = 0; i < N_REFUSED; i++) {
        unsigned port = 10000 + i;
        char rst[40];
        if (i % 7 == 3)
            snprintf(rst, sizeof rst, "c R %u 0", 101 + i);
        else
            snprintf(rst, sizeof rst, "s RA 0 %u", 101 + i);
        if (i % 10 == 9)
            snprintf(line, sizeof line,
                     "+1ms c S %u 0 cport=%u\n+1ms s SA 500 %u cport=%u\n+1ms s RA 501 %u "
                     "cport=%u\n",
                     100 + i, port, 101 + i, port, 101 + i, port);
        else
            snprintf(line, sizeof line,
                     "+1ms c S %u 0 cport=%u ttl=%u\n+%ums %s cport=%u vlan=%u\n", 100 + i, port,
                     60 + i % 3, i % 5, rst, port, i % 4);
        script_lines(s, line);
        if (i == N_REFUSED / 2) {
            tracker_next_file(s->tracker);
            s->frame = UINT64_C(1) << FRAME_FILE_SHIFT;
        }
    }
    script_lines(s, "+1s c S 7000 0 cport=10000\n+1ms s RA 0 7001 cport=10000\n"); /* used again */
    script_finish(s);
}

static void assert_same_reset(const struct reset *a, const struct reset *b)
{
    size_t n, m;
    const struct reason *x = reset_reasons(a, &n), *y = reset_reasons(b, &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(x[i].what->id, y[i].what->id);
        assert_true(text_eq(x[i].what->says, y[i].what->says));
        assert_true(x[i].frame == y[i].frame && x[i].what->weight == y[i].what->weight);
    }
    assert_true(same_reset(a, b));
    assert_true(endpoint_eq(reset_end(a, SIDE_CLIENT), reset_end(b, SIDE_CLIENT)));
    assert_true(endpoint_eq(reset_end(a, SIDE_SERVER), reset_end(b, SIDE_SERVER)));
    assert_int_equal(reset_capture(a), reset_capture(b));
    assert_int_equal(reset_stream(a), reset_stream(b));
    assert_true(reset_bytes(a, SIDE_CLIENT) == reset_bytes(b, SIDE_CLIENT));
    assert_true(a->sender_confidence == b->sender_confidence && a->id == b->id);
    assert_true(a->since_trigger_ns == b->since_trigger_ns);
    assert_int_equal(reset_unheard(a), reset_unheard(b));
    assert_true(reset_kernel_reasons(a)[0] == reset_kernel_reasons(b)[0]);
}

/* What was asked stays as long as it is promised. */
static void lasts_a_while(void **state)
{
    (void)state;
    struct script s = script_begin(&outline);
    lead(&s);
    const struct connection *c[RESETS_RECALLED];
    assert_true(tracker_retire(s.tracker));
    for (size_t i = 0, n = 0; n < RESETS_RECALLED; i++)
        if (s.resets.v[i]->outline)
            c[n++] = reset_connection(s.resets.v[i]);
    for (size_t i = 0, n = 0; n < RESETS_RECALLED; i++)
        if (s.resets.v[i]->outline) {
            assert_ptr_equal(reset_connection(s.resets.v[i]), c[n]);
            assert_int_equal(c[n]->stream, reset_stream(s.resets.v[i]));
            n++;
        }
    script_end(&s);
}

static void can_be_revised(void **state)
{
    (void)state;
    struct script a = script_begin(&outline), b = script_begin(&whole);
    lead(&a);
    lead(&b);
    assert_true(tracker_retire(a.tracker));
    for (size_t i = 0; i < 20; i++) {
        reset_set_sender(a.arena, a.resets.v[i], SIDE_PATH, "sender.t", TEXT("not at home"), 0.9);
        reset_set_sender(b.arena, b.resets.v[i], SIDE_PATH, "sender.t", TEXT("not at home"), 0.9);
        assert_null(a.resets.v[i]->outline);
        assert_same_reset(a.resets.v[i], b.resets.v[i]);
    }
    script_end(&a);
    script_end(&b);
}

/* Openings that differ in all that two segments can differ in. */
static void lead_many(struct script *s)
{
    static const char *const flags[] = {"RA", "R", "RA", "RPA", "RF", "R", "RU"};
    char line[240];
    uint32_t x = 7;
    for (unsigned i = 0; i < N_MANY; i++) {
        x = x * 1664525 + 1013904223;
        const unsigned isn = i % 11 ? x : 0, ack = i % 3 ? isn + 1 : x >> 7, seq = i % 5 ? 0 : ack;
        snprintf(line, sizeof line,
                 "+%uus c S %u 0 cport=%u sport=%u ttl=%u win=%u mss=%u%s%s\n"
                 "+%uus %c %s %u %u cport=%u sport=%u ttl=%u win=%u vlan=%u%s\n",
                 x >> 22, isn, 1000 + i, 22 + x % 3, 30 + x % 90, x >> 9 & 3 ? 64240 : 0, x % 1500,
                 i % 4 ? "" : " ts=90/0", i % 6 ? "" : " ws=7", x >> 12 & 0xfff,
                 i % 13 == 5 ? 'c' : 's', flags[x >> 4 & 3 ? 0 : i % 7], seq, ack, 1000 + i,
                 22 + x % 3, 20 + x % 200, x >> 17 & 1 ? 0 : x >> 16, x >> 30,
                 i % 9 ? "" : " label=77");
        script_lines(s, line);
    }
    script_finish(s);
}

static void assert_says_the_same(void (*leads)(struct script *s), size_t n, size_t n_least)
{
    struct script a = script_begin(&outline), b = script_begin(&whole);
    leads(&a);
    leads(&b);
    assert_int_equal(a.resets.n, n);
    assert_int_equal(b.resets.n, n);
    size_t n_outlined = 0;
    for (size_t i = 0; i < a.resets.n; i++)
        n_outlined += a.resets.v[i]->outline != NULL;
    assert_true(n_outlined > n_least);
    assert_int_equal(tracker_n_in_outline(a.tracker), n_outlined);
    assert_true(tracker_retire(a.tracker));
    for (size_t i = 0; i < a.resets.n; i++)
        assert_same_reset(a.resets.v[i], b.resets.v[i]);
    for (size_t i = a.resets.n; i-- > 0;)
        assert_same_reset(a.resets.v[i], b.resets.v[i]);
    script_end(&a);
    script_end(&b);
}

static void says_the_same(void **state)
{
    (void)state;
    assert_says_the_same(lead, N_REFUSED + 1, N_REFUSED * 8 / 10);
    assert_says_the_same(lead_many, N_MANY, N_MANY * 8 / 10);
}

static void assert_same_fact(const struct fact_def *def, const struct fact *a, const struct fact *b)
{
    bool same = a->known == b->known;
    if (same && a->known && (def->type == FACT_ENUM || def->type == FACT_TEXT))
        same = text_eq(a->as.text, b->as.text);
    else if (same && a->known && def->type == FACT_BOOL)
        same = a->as.truth == b->as.truth;
    else if (same && a->known) /* reals of an end that said nothing are not known */
        same = def->type != FACT_REAL && a->as.number == b->as.number;
    if (!same)
        fail_msg("%s differs within a kind", def->name);
}

static void kinds_are_alike(void **state)
{
    (void)state;
    struct script s = script_begin(&outline);
    struct case_capture captures[3] = {0};
    const struct case_file c = {.captures = captures, .n_captures = 3};
    size_t n, n_held = 0;
    const struct fact_def **facts = fact_list(&n);
    lead_many(&s);
    assert_non_null(facts);
    assert_true(tracker_retire(s.tracker));
    for (size_t i = 0; i < s.resets.n; i++) {
        size_t first = 0;
        while (reset_kind(s.resets.v[first]) != reset_kind(s.resets.v[i]))
            first++;
        if (reset_kind(s.resets.v[i]) == 0 || first == i)
            continue;
        n_held++;
        for (size_t k = 0; k < n; k++) {
            if (!(facts[k]->traits & FACT_OF_KIND))
                continue;
            const struct fact a = facts[k]->get(&c, s.resets.v[first]);
            const struct fact b = facts[k]->get(&c, s.resets.v[i]);
            assert_same_fact(facts[k], &a, &b);
        }
    }
    assert_true(n_held > 1000);
    free(facts);
    script_end(&s);
}

/* What is asked for alone is what the fact tells, and where the fact is mute all tell the same. */
static size_t assert_plain_values(const struct case_file *c, struct reset *const *resets,
                                  size_t n_resets)
{
    size_t n, n_plain = 0;
    const struct fact_def **facts = fact_list(&n);
    assert_non_null(facts);
    for (size_t k = 0; k < n; k++) {
        fact_plain *plain = fact_plain_of(facts[k]);
        const struct fact first = facts[k]->get(c, resets[0]);
        n_plain += plain != NULL;
        for (size_t i = 0; plain && i < n_resets; i++) {
            const struct fact f = facts[k]->get(c, resets[i]);
            int64_t number;
            if (fact_is_mute(c, facts[k]))
                assert_same_fact(facts[k], &first, &f);
            assert_int_equal(plain(c, resets[i], &number), f.known);
            if (f.known && facts[k]->type == FACT_BOOL)
                assert_int_equal(number, f.as.truth);
            else if (f.known)
                assert_true(number == f.as.number);
        }
    }
    free(facts);
    return n_plain;
}

static void plain_values_are_the_facts(void **state)
{
    (void)state;
    struct script s = script_begin(&outline);
    struct case_capture captures[3] = {0};
    const struct case_file c = {.captures = captures, .n_captures = 3};
    lead_many(&s);
    assert_true(tracker_retire(s.tracker));
    assert_true(assert_plain_values(&c, s.resets.v, s.resets.n) > 20);
    for (size_t i = 0; i < 3; i++)
        captures[i].loss.n_bare = 1; /* control-only then: true of some, not of refusals */
    assert_plain_values(&c, s.resets.v, s.resets.n);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_the_same),
        cmocka_unit_test(lasts_a_while),
        cmocka_unit_test(can_be_revised),
        cmocka_unit_test(kinds_are_alike),
        cmocka_unit_test(plain_values_are_the_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
