/* SPDX-License-Identifier: Apache-2.0 */
/* The table of facts as a whole, and values as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"
#include "parsers/base/arena.h"
#include "parsers/packet/packet.h"

static bool is_name(const char *s)
{
    return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(s) && strchr(s, '.');
}

static void the_list_is_sorted_and_complete(void **state)
{
    (void)state;
    size_t n;
    const struct fact_def **list = fact_list(&n);
    assert_non_null(list);
    assert_true(n > 50);
    for (size_t i = 0; i < n; i++) {
        const struct fact_def *def = list[i];
        assert_true(i == 0 || strcmp(list[i - 1]->name, def->name) < 0);
        assert_ptr_equal(fact_find(text_of(def->name)), def);
        assert_true(is_name(def->name) && strlen(def->about) > 0 && def->get);
        assert_int_equal(def->choices != NULL, def->type == FACT_ENUM);
        assert_true(strlen(fact_type_name(def->type)) > 0);
    }
    free(list);
}

static void the_host_prefix_is_nobody_elses(void **state)
{
    (void)state;
    size_t n;
    const struct fact_def **list = fact_list(&n);
    assert_non_null(list);
    for (size_t i = 0; i < n; i++)
        assert_false(text_starts(text_of(list[i]->name), TEXT("host.")));
    free(list);
}

static void names_are_found_or_nearly(void **state)
{
    (void)state;
    assert_string_equal(fact_find(TEXT("rst.sender"))->name, "rst.sender");
    assert_null(fact_find(TEXT("rst.sende")));
    assert_null(fact_find(TEXT("")));
    assert_string_equal(fact_nearest(TEXT("rst.sendr"))->name, "rst.sender");
    assert_string_equal(fact_nearest(TEXT("rst.mechansim"))->name, "rst.mechanism");
    assert_string_equal(fact_nearest(TEXT("rst.sender"))->name, "rst.sender");
    assert_null(fact_nearest(TEXT("nothing-like-any-of-them")));
}

static void values_have_their_unit(void **state)
{
    (void)state;
    static const struct {
        enum fact_type type;
        struct fact fact;
        const char *text;
    } rows[] = {
        {FACT_BOOL, {.known = true, .as.truth = true}, "true"},
        {FACT_BOOL, {.known = true}, "false"},
        {FACT_BOOL, {.known = false}, "unknown"},
        {FACT_INT, {.known = true, .as.number = -3}, "-3"},
        {FACT_REAL, {.known = true, .as.real = 0.125}, "0.12"},
        {FACT_BYTES, {.known = true, .as.number = 1}, "1 byte"},
        {FACT_BYTES, {.known = true, .as.number = 1500}, "1500 bytes"},
        {FACT_DURATION, {.known = true, .as.number = 999499}, "999 \xC2\xB5s"},
        {FACT_DURATION, {.known = true, .as.number = 999600}, "1 ms"},
        {FACT_DURATION, {.known = true, .as.number = 42 * NS_PER_MS}, "42 ms"},
        {FACT_DURATION, {.known = true, .as.number = 999400000}, "999 ms"},
        {FACT_DURATION, {.known = true, .as.number = 999600000}, "1.0 s"},
        {FACT_DURATION, {.known = true, .as.number = -1500 * NS_PER_MS}, "-1.5 s"},
        {FACT_DURATION, {.known = true, .as.number = 3600 * NS_PER_S}, "3600.0 s"},
        {FACT_DURATION, {.known = true, .as.number = 7200 * NS_PER_S}, "2.0 h"},
        {FACT_TEXT, {.known = true, .as.text = {"x", 1}}, "x"},
        {FACT_TIME, {.known = true, .as.number = 0}, "1970-01-01T00:00:00.000000Z"},
    };
    struct arena a;
    arena_init(&a, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct fact_def def = {.type = rows[i].type};
        assert_true(text_eq(fact_text(&a, &def, &rows[i].fact), text_of(rows[i].text)));
    }
    const struct fact loose = {.known = true, .as.text = TEXT("42")};
    assert_true(text_eq(fact_text(&a, NULL, &loose), TEXT("42")));
    arena_finish(&a);
}

static void only_ipv6_has_a_flow_label(void **state)
{
    (void)state;
    const struct connection k = {0};
    struct reset r = {.in_full = &k, .deciding.segment = {.flow_label = 0xb0eb, .frame = 3}};
    const struct fact_def *def = fact_find(TEXT("rst.flow-label"));
    assert_non_null(def);
    struct fact f = def->get(NULL, &r);
    assert_true(f.known && f.as.number == 0xb0eb && f.from.frame == 3);
    r.deciding.segment.flow_label = 0;
    assert_true(def->get(NULL, &r).known);
    r.deciding.segment.has_ip_id = true;
    assert_false(def->get(NULL, &r).known);
}

/* A SYN without an answer comes again after a second: before, nothing is known. */
static void a_capture_that_ends_too_soon(void **state)
{
    (void)state;
    struct case_capture capture = {.n_files = 1, .last = 6 * NS_PER_S};
    const struct case_file c = {.captures = &capture, .n_captures = 1};
    const struct connection k = {0};
    struct reset r = {.in_full = &k, .deciding.segment.time = 5 * NS_PER_S};
    const struct fact_def *def = fact_find(TEXT("client.tried-again"));
    assert_non_null(def);
    assert_false(def->get(&c, &r).known);
    r.tried_again = true;
    assert_true(def->get(&c, &r).as.truth);
    r.tried_again = false;
    capture.last = 7 * NS_PER_S;
    assert_true(def->get(&c, &r).known);
    assert_false(def->get(&c, &r).as.truth);
}

/* Who answers proves that the other spoke, and a refusal that a SYN came. */
static void an_end_that_spoke_uncaptured(void **state)
{
    (void)state;
    struct connection k = {0};
    struct reset r = {.in_full = &k, .claimed = SIDE_SERVER};
    const struct fact_def *def = fact_find(TEXT("conn.half-captured"));
    assert_non_null(def);
    k.end[SIDE_SERVER].n_segments = 1;
    assert_false(def->get(NULL, &r).as.truth);
    r.deciding.segment.flags = TCP_RST | TCP_ACK;
    assert_true(def->get(NULL, &r).as.truth);
    r.deciding.segment.flags = TCP_RST;
    k.end[SIDE_SERVER].saw_ack = true;
    assert_true(def->get(NULL, &r).as.truth);
    k.end[SIDE_CLIENT].n_segments = 1;
    assert_false(def->get(NULL, &r).as.truth);
}

/* What a fact says of a server's FIN, given who sent what, and how many bytes, when: a request at 1
 * s, an answer at 1.1 s, then the rows; the FIN at 9 s. */
static struct fact of_server_fin(const char *name, const struct segment *rows, size_t n)
{
    struct segment v[8] = {{.time = NS_PER_S, .payload_len = 50, .from = SIDE_CLIENT},
                           {.time = 1100 * NS_PER_MS, .payload_len = 900, .from = SIDE_SERVER}};
    assert_true(n <= 4);
    for (size_t i = 0; i < n; i++)
        v[2 + i] = rows[i];
    v[2 + n] =
        (struct segment){.time = 9 * NS_PER_S, .from = SIDE_SERVER, .flags = TCP_FIN | TCP_ACK};
    struct connection k = {.segments = v, .n_kept = n + 3};
    uint32_t next[2] = {100, 100};
    for (size_t i = 0; i < k.n_kept; i++) {
        v[i].seq = next[v[i].from];
        next[v[i].from] += v[i].payload_len;
    }
    v[k.n_kept - 1].ack = next[SIDE_CLIENT];
    k.end[SIDE_SERVER].saw_fin = true;
    k.end[SIDE_SERVER].fin_time = 9 * NS_PER_S;
    k.end[SIDE_SERVER].fin_seq = v[k.n_kept - 1].seq;
    const struct reset r = {.in_full = &k, .claimed = SIDE_SERVER};
    struct fact f = fact_find(text_of(name))->get(NULL, &r);
    assert_true(f.known);
    return f;
}

static int64_t silence(const struct segment *rows, size_t n)
{
    return of_server_fin("server.idle-before-fin", rows, n).as.number / NS_PER_MS;
}

static bool spoke_last(const struct segment *rows, size_t n)
{
    return of_server_fin("server.spoke-last-before-fin", rows, n).as.truth;
}

static void a_goodbye_does_not_end_a_silence(void **state)
{
    (void)state;
    const instant_ns last = 8990 * NS_PER_MS;
    const struct segment goodbye = {.time = last, .payload_len = 17, .from = SIDE_SERVER};
    const struct segment question = {.time = 3 * NS_PER_S, .payload_len = 50, .from = SIDE_CLIENT};
    const struct segment talk = {.time = last, .payload_len = 1400, .from = SIDE_SERVER};
    assert_int_equal(silence(NULL, 0), 7900);
    assert_int_equal(silence(&goodbye, 1), 7900);
    assert_int_equal(silence((const struct segment[]){goodbye, goodbye}, 2), 7900);
    assert_int_equal(silence(&talk, 1), 10);
    assert_int_equal(silence((const struct segment[]){question, goodbye}, 2), 10);
}

static void who_closed_without_an_answer(void **state)
{
    (void)state;
    const struct segment question = {.time = 3 * NS_PER_S, .payload_len = 50, .from = SIDE_CLIENT};
    const struct segment more = {.time = 4 * NS_PER_S, .payload_len = 50, .from = SIDE_SERVER};
    const struct segment goodbye = {
        .time = 8990 * NS_PER_MS, .payload_len = 17, .from = SIDE_SERVER};
    assert_true(spoke_last(NULL, 0));
    assert_false(spoke_last(&question, 1));
    assert_true(spoke_last((const struct segment[]){question, more}, 2));
    assert_true(spoke_last((const struct segment[]){question, more, goodbye}, 3));
    const struct connection open = {.n_kept = 0};
    const struct reset r = {.in_full = &open, .claimed = SIDE_SERVER};
    assert_false(fact_find(TEXT("server.spoke-last-before-fin"))->get(NULL, &r).known);
}

/* The client's capture lacks what was lost on the way to it; the server's own has it. */
static void what_one_capture_lacks_is_in_the_other(void **state)
{
    (void)state;
    struct connection here = {0}, there = {0};
    here.end[SIDE_CLIENT].acked = there.end[SIDE_CLIENT].acked = 1000;
    here.end[SIDE_CLIENT].saw_ack = there.end[SIDE_CLIENT].saw_ack = true;
    here.end[SIDE_SERVER].n_segments = there.end[SIDE_SERVER].n_segments = 2;
    here.end[SIDE_SERVER].next_seq = 1000;
    there.end[SIDE_SERVER].next_seq = 1383;
    const struct reset at_server = {.in_full = &there, .claimed = SIDE_SERVER};
    const struct reset *seen_in[] = {&at_server};
    struct reset_ties ties = {.seen_in = seen_in, .n_seen_in = 1};
    const struct reset r = {.in_full = &here, .claimed = SIDE_SERVER, .ties = &ties};
    const struct fact_def *def = fact_find(TEXT("server.unacked-bytes"));
    assert_non_null(def);
    assert_int_equal(def->get(NULL, &r).as.number, 383);
    here.end[SIDE_CLIENT].saw_ack = false;
    assert_int_equal(def->get(NULL, &r).as.number, 383);
    there.end[SIDE_CLIENT].saw_ack = false;
    assert_false(def->get(NULL, &r).known);
    ties.n_seen_in = 0;
    here.end[SIDE_CLIENT].saw_ack = true;
    assert_int_equal(def->get(NULL, &r).as.number, 0);
}

/* Who resets what it owns counts all that it sent, whether it came here or not. */
static void what_was_lost_before_the_capture(void **state)
{
    (void)state;
    const struct segment v[] = {{.seq = 100, .payload_len = 50, .from = SIDE_CLIENT},
                                {.seq = 700, .ack = 150, .from = SIDE_SERVER}};
    struct connection k = {.segments = v, .n_kept = 2};
    struct reset r = {.in_full = &k,
                      .claimed = SIDE_CLIENT,
                      .deciding.segment = {.seq = 5150, .flags = TCP_RST | TCP_ACK},
                      .deciding.family = RST_NEITHER};
    const struct fact_def *def = fact_find(TEXT("rst.ahead"));
    assert_non_null(def);
    assert_int_equal(def->get(NULL, &r).as.number, 5000);
    k.end[SIDE_SERVER] = (struct end){.saw_ack = true, .acked = 5150}; /* it did arrive */
    assert_int_equal(def->get(NULL, &r).as.number, 0);
    r.deciding.segment.seq = 1u << 30; /* a guess */
    assert_int_equal(def->get(NULL, &r).as.number, 0);
    r.deciding.family = RST_ANSWER;
    assert_false(def->get(NULL, &r).known);
}

/* A path that holds large segments back lets small ones through, and their answers. */
static void the_smallest_word_that_was_sent_again_in_vain(void **state)
{
    (void)state;
    struct segment v[] = {
        {.frame = 1, .time = 0, .payload_len = 1400, .from = SIDE_CLIENT},
        {.frame = 2, .payload_len = 1400, .from = SIDE_CLIENT, .notes = NOTE_RETRANSMISSION},
        {.frame = 3, .payload_len = 200, .from = SIDE_CLIENT, .notes = NOTE_RETRANSMISSION},
        {.frame = 4, .from = SIDE_SERVER}};
    for (int i = 0; i < 4; i++)
        v[i].time = 1700000000 * NS_PER_S + i * 3 * NS_PER_S;
    struct connection k = {.segments = v, .n_kept = 4, .rtt_ns = NS_PER_MS};
    const struct reset r = {.in_full = &k, .claimed = SIDE_CLIENT};
    const struct fact_def *def = fact_find(TEXT("client.least-unanswered"));
    assert_non_null(def);
    assert_int_equal(def->get(NULL, &r).as.number, 200);
    k.n_kept = 3; /* nothing came any more */
    assert_int_equal(def->get(NULL, &r).as.number, 200);
    k.n_kept = 4;
    v[3].time = v[2].time + NS_PER_S; /* that one was answered */
    assert_int_equal(def->get(NULL, &r).as.number, 1400);
    v[1].notes = v[2].notes = 0;
    assert_false(def->get(NULL, &r).known);
    assert_false(fact_find(TEXT("server.least-unanswered"))->get(NULL, &r).known);
}

static void a_synack_without_room(void **state)
{
    (void)state;
    struct connection k = {.synack_shut = false};
    const struct reset r = {.in_full = &k};
    const struct fact_def *def = fact_find(TEXT("conn.synack-shut"));
    assert_non_null(def);
    assert_false(def->get(NULL, &r).known);
    k.synack_seen = k.synack_shut = true;
    assert_true(def->get(NULL, &r).as.truth);
}

static void what_has_no_time_has_no_duration(void **state)
{
    (void)state;
    static const char *const names[] = {"server.since-fin", "server.silent-for",
                                        "server.data-silent-for"};
    struct connection k = {0};
    struct end *e = &k.end[SIDE_SERVER];
    const struct reset r = {
        .in_full = &k, .claimed = SIDE_SERVER, .deciding.segment.time = INSTANT_NONE};
    e->saw_fin = true;
    e->n_segments = 1;
    e->last_time = e->fin_time = e->last_data_time = 1700000000 * NS_PER_S;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_non_null(fact_find(text_of(names[i])));
        assert_false(fact_find(text_of(names[i]))->get(NULL, &r).known);
    }
}

static struct fact told(const char *name, const struct case_file *c, const struct reset *r)
{
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    return def->get(c, r);
}

/* How old the connection was, and how long the capture had run before it. */
static void times_of_a_connection(void **state)
{
    (void)state;
    struct case_capture capture = {.n_files = 1, .first = 2 * NS_PER_S};
    const struct case_file c = {.captures = &capture, .n_captures = 1};
    struct connection k = {.first_time = 5 * NS_PER_S};
    struct reset r = {.in_full = &k, .deciding.segment.time = 9 * NS_PER_S};
    k.end[SIDE_SERVER].at.port = 8443;
    k.end[SIDE_CLIENT].at.port = 40000;
    assert_true(told("conn.age", &c, &r).as.number == 4 * NS_PER_S);
    assert_true(told("conn.capture-lead", &c, &r).as.number == 3 * NS_PER_S);
    const struct fact port = told("conn.server-port", &c, &r);
    assert_true(port.known && port.as.number == 8443);
    int64_t plain;
    assert_true(fact_plain_of(fact_find(TEXT("conn.server-port")))(&c, &r, &plain));
    assert_int_equal(plain, 8443);
    k.began_mid_stream = true;
    assert_false(told("conn.age", &c, &r).known);
    k.began_mid_stream = false;
    r.deciding.segment.time = INSTANT_NONE;
    assert_false(told("conn.age", &c, &r).known);
    capture.first = INSTANT_NONE;
    assert_false(told("conn.capture-lead", &c, &r).known);
}

/* A SYN that gets no answer may come again in the next file of a ring. */
static void a_series_that_goes_on(void **state)
{
    (void)state;
    struct case_capture captures[] = {{.n_files = 2, .last = 5 * NS_PER_S},
                                      {.n_files = 0, .last = 9 * NS_PER_S},
                                      {.n_files = 1, .last = 5 * NS_PER_S}};
    const struct case_file c = {.captures = captures, .n_captures = 3};
    const struct connection k = {0};
    const struct reset r = {.in_full = &k, .deciding.segment.time = 5 * NS_PER_S};
    assert_true(told("client.tried-again", &c, &r).known);
    captures[1].last = 5 * NS_PER_S;
    captures[2].last = 9 * NS_PER_S;
    assert_false(told("client.tried-again", &c, &r).known);
}

static void what_an_end_sent_to_begin_and_to_end(void **state)
{
    (void)state;
    struct connection k = {0};
    const struct reset r = {.in_full = &k, .deciding.segment.time = 9 * NS_PER_S};
    k.end[SIDE_CLIENT] = (struct end){.n_syns = 3, .saw_fin = true, .fin_time = 2 * NS_PER_S};
    k.end[SIDE_SERVER] = (struct end){.n_synacks = 2, .fin_time = INSTANT_NONE};
    assert_int_equal(told("client.syns", NULL, &r).as.number, 3);
    assert_int_equal(told("server.syns", NULL, &r).as.number, 2);
    k.end[SIDE_SERVER].n_syns = 1; /* both opened at once */
    assert_int_equal(told("server.syns", NULL, &r).as.number, 3);
    assert_true(told("client.since-fin", NULL, &r).as.number == 7 * NS_PER_S);
    assert_false(told("server.since-fin", NULL, &r).known);
    k.end[SIDE_CLIENT].fin_time =
        10 * NS_PER_S; /* a forged RST does not keep an end from closing */
    assert_false(told("client.since-fin", NULL, &r).known);
    assert_true(told("client.fin-offset", NULL, &r).as.number == 1 * NS_PER_S);
}

/* The FIN that it acknowledges had come; without one, or without an acknowledgement, who knows. */
static void a_reset_that_knows_of_the_fin(void **state)
{
    (void)state;
    struct connection k = {0};
    struct reset r = {.in_full = &k, .claimed = SIDE_SERVER};
    r.deciding.segment.flags = TCP_RST | TCP_ACK;
    k.end[SIDE_CLIENT].fin_seq = 0xffffffff;
    r.deciding.segment.ack = 0;
    assert_false(told("rst.knows-fin", NULL, &r).known);
    k.end[SIDE_CLIENT].saw_fin = true;
    struct fact f = told("rst.knows-fin", NULL, &r);
    assert_true(f.known && f.as.truth);
    r.deciding.segment.ack = 0xffffffff;
    f = told("rst.knows-fin", NULL, &r);
    assert_true(f.known && !f.as.truth);
    r.deciding.segment.flags = TCP_RST;
    assert_false(told("rst.knows-fin", NULL, &r).known);
}

/* What has nothing to rest on in a whole case is not asked for each of its resets. */
static void facts_with_nothing_to_rest_on(void **state)
{
    (void)state;
    struct case_host host = {.n_values = 0};
    struct case_capture captures[2] = {{.n_files = 1}, {.n_files = 1}};
    struct case_file c = {.captures = captures, .n_captures = 2, .hosts = &host};
    const struct fact_def *cut = fact_find(TEXT("capture.cut-at"));
    const struct fact_def *listens = fact_find(TEXT("server.listening-in-snapshot"));
    assert_true(cut && listens);
    assert_true(fact_is_mute(&c, cut));
    assert_true(fact_is_mute(&c, listens));
    c.n_hosts = 1;
    assert_true(fact_is_mute(&c, listens));
    c.snapshots.listening.n_hosts = 1;
    assert_false(fact_is_mute(&c, listens));
    captures[1].loss =
        (struct loss){.n_plain = 4, .longest = 5, .n_longest = 4, .n_goes_on = 4, .n_says_more = 1};
    assert_false(fact_is_mute(&c, cut));
    struct connection k = {.capture = 1};
    const struct reset r = {.in_full = &k};
    int64_t plain;
    assert_int_equal(told("capture.cut-at", &c, &r).as.number, 5);
    assert_true(fact_plain_of(cut)(&c, &r, &plain) && plain == 5);
    k.capture = 0;
    assert_true(fact_plain_of(cut)(&c, &r, &plain) && plain == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_closed_without_an_answer),
        cmocka_unit_test(the_list_is_sorted_and_complete),
        cmocka_unit_test(the_host_prefix_is_nobody_elses),
        cmocka_unit_test(names_are_found_or_nearly),
        cmocka_unit_test(values_have_their_unit),
        cmocka_unit_test(only_ipv6_has_a_flow_label),
        cmocka_unit_test(an_end_that_spoke_uncaptured),
        cmocka_unit_test(a_capture_that_ends_too_soon),
        cmocka_unit_test(a_goodbye_does_not_end_a_silence),
        cmocka_unit_test(what_has_no_time_has_no_duration),
        cmocka_unit_test(what_one_capture_lacks_is_in_the_other),
        cmocka_unit_test(what_was_lost_before_the_capture),
        cmocka_unit_test(the_smallest_word_that_was_sent_again_in_vain),
        cmocka_unit_test(a_synack_without_room),
        cmocka_unit_test(times_of_a_connection),
        cmocka_unit_test(a_series_that_goes_on),
        cmocka_unit_test(what_an_end_sent_to_begin_and_to_end),
        cmocka_unit_test(a_reset_that_knows_of_the_fin),
        cmocka_unit_test(facts_with_nothing_to_rest_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
