/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of connections that were let go of, and what a budget keeps out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/analyzer/same_outcome.h"
#include "tests/analyzer/script.h"

static void lead_talks(struct script *s)
{
    char lines[600];
    s->frame = 0;
    s->time = INT64_C(1700000000) * NS_PER_S;
    s->next_id[0] = s->next_id[1] = 1;
    for (unsigned i = 0; i < 40; i++) {
        const unsigned port = 40000 + i;
        snprintf(lines, sizeof lines,
                 "+1ms c S 100 0 cport=%u\n+1ms s SA 500 101 cport=%u\n+1ms c A 101 501 cport=%u\n"
                 "+1ms c PA 101 501 len=%u cport=%u\n+%ums s %s 501 %u cport=%u\n",
                 port, port, port, i % 8 * 9 + 1, port, i % 5 * 90, i % 3 ? "RA" : "R",
                 102 + i % 8 * 9, port);
        script_lines(s, lines);
        if (i % 9 == 4) { /* one that killed nothing, and a second RST */
            snprintf(lines, sizeof lines,
                     "+300ms s PA 501 110 len=30 cport=%u\n"
                     "+1ms c A 110 531 cport=%u\n+1ms c R 110 0 cport=%u\n",
                     port, port, port);
            script_lines(s, lines);
        }
    }
}

/* Of resets that nobody will revise, what led to their verdicts is let go at once. */
static void verdicts_of_a_second_reading(void **state)
{
    (void)state;
    const struct tracker_config twice = {.twice = true, .keep_records = true};
    struct script s[2];
    for (int i = 0; i < 2; i++) {
        s[i] = script_begin(&twice);
        lead_talks(&s[i]);
        if (i == 1)
            tracker_stand_alone(s[i].tracker);
        assert_true(tracker_again(s[i].tracker));
        lead_talks(&s[i]);
        script_finish(&s[i]);
        assert_int_equal(s[i].resets.n, 40);
    }
    assert_true(same_outcome(s[0].tracker, s[0].resets, s[1].tracker, s[1].resets));
    assert_true(s[1].arena->used + (size_t)40 * 500 < s[0].arena->used);
    for (size_t i = 0; i < 40; i++) {
        assert_non_null(s[0].resets.v[i]->scene);
        assert_null(s[1].resets.v[i]->scene);
        assert_true(s[1].resets.v[i]->n_rsts > 1 ||
                    s[1].resets.v[i]->rsts == &s[1].resets.v[i]->deciding);
    }
    script_end(&s[0]);
    script_end(&s[1]);
}

/* Another capture tells more of a reset when the tracker of this one is long gone. */
static void judged_again_without_its_tracker(void **state)
{
    (void)state;
    struct script s = script_begin(NULL);
    lead_talks(&s);
    script_finish(&s);
    tracker_free(s.tracker);
    s.tracker = NULL;
    size_t n_ends = 0;
    for (size_t i = 0; i < s.resets.n; i++) {
        struct reset *r = s.resets.v[i];
        const enum mechanism was = r->mechanism;
        const enum side claimed = r->claimed;
        if (r->sender == SIDE_PATH)
            continue;
        n_ends++;
        reset_set_sender(s.arena, r, SIDE_PATH, "sender.not-at-home", TEXT("it is not there"), 0.9);
        assert_int_equal(r->mechanism, MECHANISM_INJECTED);
        assert_int_equal(reset_kernel_reasons(r)[0] == NULL, true);
        reset_set_sender(s.arena, r, claimed, "sender.at-home", TEXT("it is there"), 0.9);
        assert_int_equal(r->mechanism, was);
        assert_string_equal(r->reasons[0].what->id, "sender.at-home");
    }
    assert_true(n_ends > 20);
    script_end(&s);
}

#define N_FLOOD 300
#define N_OPENED 100

/* A flood that is refused, then connections that open and are reset. */
static void lead_flood(struct script *s)
{
    char lines[400];
    s->frame = 0;
    s->time = INT64_C(1700000000) * NS_PER_S;
    for (unsigned i = 0; i < N_FLOOD; i++) {
        snprintf(lines, sizeof lines, "+1ms c S 100 0 cport=%u\n+1ms s RA 0 101 cport=%u\n",
                 10000 + i, 10000 + i);
        script_lines(s, lines);
    }
    for (unsigned i = 0; i < N_OPENED; i++) {
        const unsigned port = 20000 + i;
        snprintf(lines, sizeof lines,
                 "+1ms c S 100 0 cport=%u\n+1ms s SA 500 101 cport=%u\n"
                 "+1ms c PA 101 501 len=9 cport=%u\n+1ms s RA 501 110 cport=%u\n",
                 port, port, port, port);
        script_lines(s, lines);
    }
}

static void assert_all_told(struct script *s, bool in_outline)
{
    static unsigned char seen[2 * N_FLOOD + 4 * N_OPENED + 1];
    const struct tracker_counts *n = tracker_counts(s->tracker);
    const struct tracker_skips skips = tracker_rst_skipped(s->tracker);
    size_t n_opened = 0;
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < s->resets.n; i++) {
        seen[s->resets.v[i]->deciding.segment.frame]++;
        n_opened += s->resets.v[i]->phase != PHASE_OPENING;
    }
    for (size_t i = 0; i < skips.n; i++) {
        seen[skips.v[i].frame]++;
        assert_string_equal(skips.v[i].reason, "over-budget");
    }
    for (unsigned i = 0; i < N_FLOOD; i++)
        assert_int_equal(seen[2 * i + 2], 1);
    for (unsigned i = 0; i < N_OPENED; i++)
        assert_int_equal(seen[2 * N_FLOOD + 4 * i + 4], 1);
    assert_int_equal(s->resets.n + n->n_resets_dropped, N_FLOOD + N_OPENED);
    assert_int_equal(n->n_reset_connections, N_FLOOD + N_OPENED);
    assert_int_equal(n->n_not_collected, 0);
    assert_true(n->n_resets_dropped > N_OPENED && s->resets.n > N_OPENED / 5);
    if (in_outline) /* the flood came first, and took no more than half */
        assert_true(n_opened > N_OPENED / 5 && s->resets.n - n_opened > N_FLOOD / 10);
}

/* Resets over their budget are counted, and each RST says why it is in none. */
static void resets_have_a_budget(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct tracker_config config = {
            .twice = i & 1, .in_outline = i & 2, .keep_records = true, .results_budget = 80000};
        struct script s = script_begin(&config);
        lead_flood(&s);
        if (i & 1) {
            assert_true(tracker_again(s.tracker));
            lead_flood(&s);
        }
        script_finish(&s);
        assert_all_told(&s, i & 2);
        assert_true(s.arena->used < 80000 * 2);
        script_end(&s);
    }
}

#define TALKS 400

/* All are open at once, and most are let go of before they are reset, and their RSTs as well. */
static void lead_crowd(struct script *s)
{
    char lines[300];
    s->frame = 0;
    s->time = INT64_C(1700000000) * NS_PER_S;
    s->next_id[0] = s->next_id[1] = 1;
    for (unsigned port = 40000; port < 40000 + TALKS; port++) {
        snprintf(lines, sizeof lines,
                 "+1ms c S 100 0 cport=%u\n+1ms s SA 500 101 cport=%u\n+1ms c A 101 501 cport=%u\n"
                 "+1ms c PA 101 501 len=9 cport=%u\n",
                 port, port, port, port);
        script_lines(s, lines);
    }
    for (unsigned port = 40000; port < 40000 + TALKS; port++) {
        snprintf(lines, sizeof lines, "+1ms s RA 501 110 cport=%u\n", port);
        script_lines(s, lines);
    }
}

/* The same connection is let go of early in both readings: it is one all the same. */
static void what_both_readings_let_go_counts_once(void **state)
{
    (void)state;
    const struct tracker_config twice = {.twice = true, .memory_budget = 60000};
    struct script s = script_begin(&twice);
    lead_crowd(&s);
    const uint64_t first = tracker_counts(s.tracker)->n_evicted;
    assert_true(tracker_again(s.tracker));
    lead_crowd(&s);
    const uint64_t second = tracker_counts(s.tracker)->n_evicted;
    script_finish(&s);
    assert_true(first > TALKS && second > TALKS);
    assert_int_equal(tracker_counts(s.tracker)->n_evicted, first > second ? first : second);
    script_end(&s);
}

static void records_of_quiet_connections(void **state)
{
    (void)state;
    struct script s = script_run("+0us c S 100 0 ts=77/0 ttl=61\n+10ms s SA 500 101 ttl=55\n"
                                 "+50us c A 101 501\n+1ms c FA 101 501\n+10ms s FA 501 102\n");
    assert_int_equal(s.resets.n, 0);
    struct tracker_records r = tracker_connections(s.tracker);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.v[0].ending, ENDING_FIN);
    assert_int_equal(r.v[0].syn_tsval, 77);
    assert_int_equal(r.v[0].ttl[SIDE_CLIENT], 61);
    assert_int_equal(r.v[0].ttl[SIDE_SERVER], 55);
    assert_int_equal(r.v[0].synack_time - r.v[0].syn_time, 10 * (NS_PER_S / 1000));
    assert_true(record_isn_known(&r.v[0], SIDE_SERVER));
    assert_int_equal(r.v[0].isn[SIDE_SERVER], 500);
    assert_int_equal(r.v[0].rst_time, INSTANT_NONE);
    assert_int_equal(tracker_counts(s.tracker)->n_by_state[CONN_SF], 1);
    script_end(&s);
}

static uint32_t quiet_of(const char *lines)
{
    struct script s = script_run(lines);
    struct tracker_records r = tracker_connections(s.tracker);
    assert_int_equal(r.n, 1);
    const uint32_t ms = r.v[0].server_quiet_ms;
    script_end(&s);
    return ms;
}

#define OPENED "+0us c S 100 0\n+10ms s SA 500 101\n+50us c A 101 501\n"

static void the_silence_before_the_servers_fin_is_recorded(void **state)
{
    (void)state;
    assert_int_equal(quiet_of(OPENED "+1ms c PA 101 501 len=20\n+1ms s A 501 121\n"
                                     "+3s s FA 501 121\n+1s c A 121 502\n"),
                     3000);
    assert_int_equal(quiet_of(OPENED "+3s s FPA 501 101 len=900\n"), 0);
    assert_int_equal(quiet_of(OPENED "+1ms s PA 501 101 len=20\n+1ms c PA 101 521 len=20\n"
                                     "+1ms s FA 521 121\n"),
                     1); /* in the middle of talk */
    assert_int_equal(quiet_of(OPENED "+1ms c PA 101 501 len=20\n+9ms s FA 501 101\n"),
                     UINT32_MAX); /* they crossed: the server may not have got it */
    assert_int_equal(quiet_of(OPENED "+1ms c PA 101 501 len=20\n+9s c A 121 501\n"), UINT32_MAX);
}

/* A notice, an alert: before it there was silence, but how long is not kept. */
static void a_goodbye_before_the_servers_fin_is_no_talk(void **state)
{
    (void)state;
    assert_int_equal(quiet_of(OPENED "+3s s FPA 501 101 len=9\n"), UINT32_MAX);
    assert_int_equal(quiet_of(OPENED "+1ms s PA 501 101 len=900\n+3s s PA 1401 101 len=31\n"
                                     "+1ms c A 101 1432\n+1ms s FA 1432 101\n"),
                     UINT32_MAX);
    assert_int_equal(quiet_of(OPENED "+3s s PA 501 101 len=31\n+20ms s FA 532 101\n"), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_quiet_connections),
        cmocka_unit_test(the_silence_before_the_servers_fin_is_recorded),
        cmocka_unit_test(a_goodbye_before_the_servers_fin_is_no_talk),
        cmocka_unit_test(verdicts_of_a_second_reading),
        cmocka_unit_test(judged_again_without_its_tracker),
        cmocka_unit_test(resets_have_a_budget),
        cmocka_unit_test(what_both_readings_let_go_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
