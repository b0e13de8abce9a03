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

#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_53 ZEROS_16 ZEROS_16 ZEROS_16 "\0\0\0\0\0"
#define TLS13_HELLO                                                                                \
    "\x16\x03\x03\0\x32\x02\0\0\x2e\x03\x03" ZEROS_16 ZEROS_16                                     \
    "\0\x13\x01\0\0\x06\0\x2b\0\x02\x03\x04"
#define FINISHED13 "\x17\x03\x03\0\x35" ZEROS_53
#define CLOSE13 "\x17\x03\x03\0\x13" ZEROS_16 "\0\0\0"
#define NONE13 "\x17\x03\x03\0\x19" ZEROS_16 "\0\0\0\0\0\0\0\0\0"
#define FINISHED12 "\x16\x03\x03\0\x20" ZEROS_16 ZEROS_16

static bool nothing_asked(struct text client, struct text server)
{
    const struct fact f = ask(client, server, "app.tls-nothing-asked");
    assert_true(f.known);
    return f.as.truth;
}

/* A certificate checker, a health check: their last word is the handshake's. */
static void a_client_that_leaves_after_the_handshake(void **state)
{
    (void)state;
    const struct text tls13 = TEXT(TLS13_HELLO CHANGE DATA), tls12 = TEXT(SERVER_HELLO CHANGE);
    assert_true(nothing_asked(TEXT(HELLO CHANGE FINISHED13), tls13));
    assert_true(nothing_asked(TEXT(HELLO CHANGE FINISHED13 CLOSE13), tls13));
    assert_false(nothing_asked(TEXT(HELLO CHANGE FINISHED13 FINISHED13), tls13)); /* a request */
    assert_false(nothing_asked(TEXT(HELLO CHANGE CLOSE13), tls13));               /* an alert */
    assert_false(nothing_asked(TEXT(HELLO), tls13));
    assert_true(nothing_asked(TEXT(HELLO CHANGE FINISHED12), tls12));
    assert_false(nothing_asked(TEXT(HELLO CHANGE FINISHED12 FINISHED13), tls12));
    assert_false(nothing_asked(TEXT("GET / HTTP/1.1\r\n"), TEXT("")));
    const struct fact cut =
        ask(TEXT(HELLO CHANGE "\x17\x03\x03\0\x35\0"), tls13, "app.tls-nothing-asked");
    assert_false(cut.known);
}

static bool no_certificate(struct text client, struct text server)
{
    const struct fact f = ask(client, server, "app.tls-no-certificate");
    assert_true(f.known);
    return f.as.truth;
}

static void a_client_that_has_no_certificate(void **state)
{
    (void)state;
    const struct text tls13 = TEXT(TLS13_HELLO CHANGE DATA), tls12 = TEXT(SERVER_HELLO CHANGE);
    assert_true(no_certificate(TEXT(HELLO CHANGE NONE13 FINISHED13), tls13));
    assert_false(no_certificate(TEXT(HELLO CHANGE FINISHED13 NONE13), tls13));
    assert_false(no_certificate(TEXT(HELLO CHANGE NONE13), tls13)); /* a short question */
    assert_false(no_certificate(TEXT(HELLO CHANGE NONE13 FINISHED13), tls12));
    assert_false(no_certificate(TEXT("GET / HTTP/1.1\r\n"), TEXT("")));
}

static void a_client_that_is_not_asked_for_a_certificate(void **state)
{
    (void)state;
    const struct text tls13 = TEXT(TLS13_HELLO CHANGE DATA), tls12 = TEXT(SERVER_HELLO CHANGE);
    const char *name = "app.tls-certificate-unasked";
    assert_true(ask(TEXT(HELLO CHANGE FINISHED13 NONE13), tls13, name).as.truth);
    assert_false(ask(TEXT(HELLO CHANGE NONE13 FINISHED13), tls13, name).as.truth);
    assert_false(ask(TEXT(HELLO CHANGE FINISHED13), tls12, name).as.truth);
    assert_false(ask(TEXT("GET / HTTP/1.1\r\n"), TEXT(""), name).as.truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_handshake_is_no_data),
        cmocka_unit_test(an_alert_in_clear_comes_before_keys),
        cmocka_unit_test(a_client_that_leaves_after_the_handshake),
        cmocka_unit_test(a_client_that_has_no_certificate),
        cmocka_unit_test(a_client_that_is_not_asked_for_a_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
