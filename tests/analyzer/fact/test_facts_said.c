/* SPDX-License-Identifier: Apache-2.0 */
/* What the ends said last and which heartbeats stayed away, as the facts that rules ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"
#include "analyzer/record/said.h"

/* AMQP 0-9-1 sections 1.4.2.3 and 1.4.2.5: the protocol header, then tune-ok with 1 channel,
 * frames of 4096 bytes and a heartbeat of that many seconds. */
#define TUNE_OK(seconds)                                                                           \
    "AMQP\0\0\x09\x01"                                                                             \
    "\x01\0\0\0\0\0\x0c\0\x0a\0\x1f\0\x01\0\0\x10\0\0" seconds "\xce"

static struct fact beats(struct text client, const struct connection *of, instant_ns rst)
{
    struct connection k = *of;
    const struct reset r = {.in_full = &k, .deciding.segment.time = rst};
    const struct fact_def *def = fact_find(TEXT("app.heartbeats-missed"));
    assert_non_null(def);
    k.end[SIDE_CLIENT].head = client;
    return def->get(NULL, &r);
}

static void heartbeats_that_stayed_away(void **state)
{
    (void)state;
    struct connection k = {0};
    k.end[SIDE_CLIENT].last_data_time = 100 * NS_PER_S;
    struct fact f = beats(TEXT(TUNE_OK("\x0a")), &k, 125 * NS_PER_S);
    assert_true(f.known && f.as.real > 2.49 && f.as.real < 2.51);
    k.end[SIDE_SERVER].saw_fin = true; /* the close counts, not the RST behind it */
    k.end[SIDE_SERVER].fin_time = 120 * NS_PER_S;
    f = beats(TEXT(TUNE_OK("\x0a")), &k, 125 * NS_PER_S);
    assert_true(f.known && f.as.real > 1.99 && f.as.real < 2.01);
    k.end[SIDE_CLIENT].last_data_time = 121 * NS_PER_S; /* it had not heard that it was closed */
    assert_false(beats(TEXT(TUNE_OK("\x0a")), &k, 125 * NS_PER_S).known);
    k.end[SIDE_CLIENT].last_data_time = INSTANT_NONE;
    assert_false(beats(TEXT(TUNE_OK("\x0a")), &k, 125 * NS_PER_S).known);
}

static void no_heartbeat_was_agreed_on(void **state)
{
    (void)state;
    struct connection k = {0};
    k.end[SIDE_CLIENT].last_data_time = 100 * NS_PER_S;
    assert_false(beats(TEXT(TUNE_OK("\0")), &k, 125 * NS_PER_S).known);
    assert_false(beats(TEXT("AMQP\0\0\x09\x01"), &k, 125 * NS_PER_S).known);
    assert_false(beats(TEXT("GET / HTTP/1.1\r\n\r\n"), &k, 125 * NS_PER_S).known);
    assert_false(beats(TEXT(""), &k, 125 * NS_PER_S).known);
}

static struct fact ask(const struct end *client, const char *name)
{
    struct connection k = {0};
    const struct reset r = {.in_full = &k, .claimed = SIDE_SERVER};
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    k.end[SIDE_CLIENT] = *client;
    return def->get(NULL, &r);
}

static void last_words(void **state)
{
    (void)state;
    const struct last_said said = {
        .kind = SAID_ERROR, .is_read = true, .code = TEXT("1040"), .words = TEXT("too many")};
    struct end client = {.bytes = 30, .said = &said};
    assert_true(text_eq(ask(&client, "client.said-kind").as.text, TEXT("error")));
    assert_true(text_eq(ask(&client, "other-side.said-code").as.text, TEXT("1040")));
    assert_true(text_eq(ask(&client, "client.said").as.text, TEXT("too many")));
    client.said = NULL; /* it sent, and none of it was captured */
    assert_false(ask(&client, "client.said-kind").known);
    assert_false(ask(&client, "client.said-code").known);
    assert_false(ask(&client, "client.said").known);
    client.bytes = 0;
    assert_true(text_eq(ask(&client, "client.said-kind").as.text, TEXT("nothing")));
    assert_true(text_eq(ask(&client, "client.said").as.text, TEXT("nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heartbeats_that_stayed_away),
        cmocka_unit_test(no_heartbeat_was_agreed_on),
        cmocka_unit_test(last_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
