/* SPDX-License-Identifier: Apache-2.0 */
/* What the first bytes of both ends say of TLS, as the facts that rules ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"

/* Record headers of RFC 8446 section 5.1, with bodies of no meaning. */
#define HELLO "\x16\x03\x01\0\x04\x01\0\0\0"
#define SERVER_HELLO "\x16\x03\x03\0\x04\x02\0\0\0"
#define CHANGE "\x14\x03\x03\0\x01\x01"
#define DATA                                                                                       \
    "\x17\x03\x03\0\x04"                                                                           \
    "enc."
#define UNKNOWN_CA "\x15\x03\x03\0\x02\x02\x30"

static struct fact ask(struct text client, struct text server, const char *name)
{
    static const struct case_file of = {0};
    struct connection c = {0};
    c.end[SIDE_CLIENT].head = client;
    c.end[SIDE_SERVER].head = server;
    const struct reset r = {.in_full = &c, .claimed = SIDE_CLIENT};
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    return def->get(&of, &r);
}

static bool established(struct text client, struct text server)
{
    const struct fact f = ask(client, server, "app.tls-established");
    assert_true(f.known);
    return f.as.truth;
}

/* In TLS 1.3 the server's certificate and all that follows go as application data. */
static void a_servers_handshake_is_no_data(void **state)
{
    (void)state;
    const struct text server = TEXT(SERVER_HELLO CHANGE DATA DATA);
    assert_false(established(TEXT(HELLO), server));
    assert_false(established(TEXT(HELLO UNKNOWN_CA), server));
    assert_true(established(TEXT(HELLO CHANGE DATA), server));
    assert_true(established(TEXT(""), server)); /* the client's was not captured */
}

static void an_alert_in_clear_comes_before_keys(void **state)
{
    (void)state;
    const struct text client = TEXT(HELLO UNKNOWN_CA), server = TEXT(SERVER_HELLO CHANGE DATA);
    assert_true(ask(client, server, "app.tls-fatal-alert").as.truth);
    assert_false(established(TEXT(HELLO UNKNOWN_CA DATA), server));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_handshake_is_no_data),
        cmocka_unit_test(an_alert_in_clear_comes_before_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
