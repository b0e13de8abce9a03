/* SPDX-License-Identifier: Apache-2.0 */
/* The last thing that a direction said, protocol by protocol, whole, cut and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/packet/words.h"

#define CLIENT true
#define SERVER false
#define BYTES(literal) TEXT(literal)
#define ROW(literal)                                                                               \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

struct row {
    enum app_protocol protocol;
    bool by_client;
    struct text bytes; /* all that the direction said */
    enum said_kind kind;
    const char *noun, *detail, *name, *state;
    int64_t code; /* -1: none */
    enum http_completeness whole;
};

static const struct row rows[] = {
    {APP_HTTP1, CLIENT,
     ROW("GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b?c=1 HTTP/1.1\r\n"
         "Content-Length: 4\r\n\r\nab"),
     SAID_REQUEST, "HTTP request", "/b?c=1", NULL, "POST", -1, HTTP_INCOMPLETE},
    {APP_HTTP1, CLIENT, ROW("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), SAID_REQUEST, "HTTP request",
     "/a", NULL, "GET", -1, HTTP_COMPLETE},
    {APP_HTTP1, CLIENT, ROW("GET /half HTTP/1.1\r\nHost:"), SAID_REQUEST, "HTTP request", "/half",
     NULL, "GET", -1, HTTP_INCOMPLETE},
    {APP_HTTP1, SERVER,
     ROW("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 408 Request "
         "Timeout\r\nContent-Length: 0\r\n\r\n"),
     SAID_ERROR, "HTTP response", "Request Timeout", NULL, "", 408, HTTP_COMPLETE},
    {APP_HTTP1, SERVER, ROW("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"), SAID_ANSWER,
     "HTTP response", "OK", NULL, "", 200, HTTP_INCOMPLETE},
    {APP_HTTP2, SERVER,
     ROW("\0\0\0\x04\0\0\0\0\0" /* SETTINGS, then GOAWAY */
         "\0\0\x16\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x0btoo_many_pings"),
     SAID_GOODBYE, "HTTP/2 GOAWAY", "too_many_pings", "ENHANCE_YOUR_CALM", "", 11, HTTP_UNSURE},
    {APP_HTTP2, SERVER,
     ROW("\0\0\0\x04\0\0\0\0\0" /* an error first, then the same connection's end without one */
         "\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x0b"
         "\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0"),
     SAID_GOODBYE, "HTTP/2 GOAWAY", "", "ENHANCE_YOUR_CALM", "", 11, HTTP_UNSURE},
    {APP_HTTP2, SERVER,
     ROW("\0\0\0\x04\0\0\0\0\0" /* streams were cut */
         "\0\0\x04\x03\0\0\0\0\x01\0\0\0\0"
         "\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0"),
     SAID_GOODBYE, "HTTP/2 RST_STREAM and GOAWAY", "", "NO_ERROR", "", 0, HTTP_UNSURE},
    {APP_HTTP2, SERVER,
     ROW("\0\0\0\x04\0\0\0\0\0" /* one was, and others went on */
         "\0\0\x04\x03\0\0\0\0\x01\0\0\0\0"
         "\0\0\x01\0\x01\0\0\0\x03x"
         "\0\0\x08\x07\0\0\0\0\0\0\0\0\x03\0\0\0\0"),
     SAID_GOODBYE, "HTTP/2 GOAWAY", "", "NO_ERROR", "", 0, HTTP_UNSURE},
    {APP_TLS, SERVER, ROW("\x15\x03\x03\0\x02\x02\x28"), SAID_ALERT, "TLS alert", "",
     "handshake_failure", "", 40, HTTP_UNSURE},
    {APP_TLS, SERVER, ROW("\x15\x03\x03\0\x02\x01\0"), SAID_GOODBYE, "TLS alert", "",
     "close_notify", "", 0, HTTP_UNSURE},
    {APP_TLS, CLIENT,
     ROW("\x17\x03\x03\0\x04"
         "abcd"),
     SAID_DATA, "TLS data", "", NULL, "", -1, HTTP_UNSURE},
    {APP_SSH, SERVER, ROW("Exceeded MaxStartups\r\n"), SAID_ERROR,
     "line in place of the SSH banner", "Exceeded MaxStartups", NULL, "", -1, HTTP_UNSURE},
    {APP_SSH, SERVER, ROW("SSH-2.0-OpenSSH_9.2\r\n"), SAID_GREETING, "SSH banner",
     "SSH-2.0-OpenSSH_9.2", NULL, "", -1, HTTP_UNSURE},
    {APP_SSH, CLIENT,
     ROW("SSH-2.0-x\r\n\0\0\0\x14\x04\x01\0\0\0\x0b\0\0\0\x03"
         "bye\0\0\0\0\0\0\0"),
     SAID_GOODBYE, "SSH disconnect", "bye", "BY_APPLICATION", "", 11, HTTP_UNSURE},
    {APP_AMQP, SERVER,
     ROW("\x01\0\0\0\0\0\x10\0\x0a\0\x32\x01\x40\x05"
         "FORCE\0\0\0\0\xce"),
     SAID_GOODBYE, "AMQP connection.close", "FORCE", NULL, "", 320, HTTP_UNSURE},
    {APP_AMQP, SERVER, ROW("\x01\0\0\0\0\0\x06\0\x0a\0\x0a\0\x09\xce"), SAID_GREETING, "AMQP login",
     "", NULL, "", -1, HTTP_UNSURE},
    {APP_AMQP, CLIENT, ROW("\x08\0\0\0\0\0\0\xce"), SAID_HEARTBEAT, "AMQP heartbeat", "", NULL, "",
     -1, HTTP_UNSURE},
    {APP_MYSQL, SERVER, ROW("\x17\0\0\0\xff\x10\x04Too many connections"), SAID_ERROR,
     "MySQL error", "Too many connections", NULL, "", 1040, HTTP_UNSURE},
    {APP_POSTGRESQL, SERVER, ROW("E\0\0\0\x2dSFATAL\0C53300\0Msorry, too many clients\0\0"),
     SAID_ERROR, "PostgreSQL error", "sorry, too many clients", NULL, "53300", -1, HTTP_UNSURE},
    {APP_REDIS, SERVER, ROW("+OK\r\n-ERR max number of clients reached\r\n"), SAID_ERROR,
     "Redis error", "max number of clients reached", NULL, "ERR", -1, HTTP_UNSURE},
    {APP_SMTP, SERVER, ROW("220 mx ESMTP\r\n421 4.4.2 mx Error: timeout exceeded\r\n"),
     SAID_GOODBYE, "reply", "4.4.2 mx Error: timeout exceeded", NULL, "", 421, HTTP_UNSURE},
    {APP_SMTP, SERVER, ROW("220 mx ESMTP\r\n554 no\r\n"), SAID_ERROR, "reply", "no", NULL, "", 554,
     HTTP_UNSURE},
    {APP_SMTP, CLIENT, ROW("EHLO a\r\nRCPT TO:<b@example.org>\r\n"), SAID_REQUEST, "command",
     "RCPT", NULL, "", -1, HTTP_UNSURE},
    {APP_SMTP, CLIENT, ROW("DATA\r\nSubject: x\r\n\r\nDear all\r\n"), SAID_DATA,
     "text of a message", "", NULL, "", -1, HTTP_UNSURE},
    {APP_SMTP, CLIENT, ROW("DATA\r\nSubject: x\r\n.\r\n"), SAID_REQUEST, "end of a message", "",
     NULL, "", -1, HTTP_UNSURE},
    {APP_FTP, CLIENT, ROW("USER me\r\nPASS secret\r\n"), SAID_REQUEST, "command", "PASS", NULL, "",
     -1, HTTP_UNSURE},
    {APP_FTP, CLIENT, ROW("quit\r\n"), SAID_GOODBYE, "command", "quit", NULL, "", -1, HTTP_UNSURE},
    {APP_RDP, SERVER, ROW("\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x03\0\x08\0\x02\0\0\0"), SAID_ERROR,
     "RDP negotiation failure", "", NULL, "", 2, HTTP_UNSURE},
    {APP_SMB, SERVER, ROW("\0\0\0\x18\xfeSMB\x40\0\0\0\x6d\0\0\xc0\x01\0\x01\0\x01\0\0\0\0\0\0\0"),
     SAID_ERROR, "SMB status", "", "STATUS_LOGON_FAILURE", "", 0xc000006d, HTTP_UNSURE},
    {APP_SMB, CLIENT, ROW("\0\0\0\x0a\xffSMB\x72\0\0\0\0\x18"), SAID_GREETING, "SMB negotiation",
     "", NULL, "", -1, HTTP_UNSURE},
    {APP_TEXT, CLIENT, ROW("a0 NOOP\r\na1 LOGIN fred secret\r\n"), SAID_REQUEST, "login", "", NULL,
     "", -1, HTTP_UNSURE},
    {APP_TEXT, CLIENT, ROW("PASS secret\r\n"), SAID_REQUEST, "login", "", NULL, "", -1,
     HTTP_UNSURE},
    {APP_TEXT, SERVER, ROW("hello\nand goodbye\n"), SAID_DATA, "line", "and goodbye", NULL, "", -1,
     HTTP_UNSURE},
    {APP_TEXT, SERVER, ROW("421 Service not available.\r\n"), SAID_GOODBYE, "reply",
     "Service not available.", NULL, "", 421, HTTP_UNSURE},
    {APP_TEXT, SERVER, ROW("554 No SMTP here\r\n"), SAID_ERROR, "reply", "No SMTP here", NULL, "",
     554, HTTP_UNSURE},
    {APP_TEXT, SERVER, ROW("420 dollars\r\n"), SAID_DATA, "line", "420 dollars", NULL, "", -1,
     HTTP_UNSURE},
    {APP_TEXT, CLIENT, ROW("421 apples\r\n"), SAID_DATA, "line", "421 apples", NULL, "", -1,
     HTTP_UNSURE},
};

static void assert_view(struct text got, const char *want)
{
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p ? got.p : "", want, got.n);
}

static void assert_said(const struct row *row, const struct last_words *w)
{
    if (w->kind != row->kind || strcmp(w->noun, row->noun) != 0)
        print_message("row with noun %s\n", row->noun);
    assert_int_equal(w->kind, row->kind);
    assert_true(w->is_read);
    assert_string_equal(w->noun, row->noun);
    assert_view(w->detail, row->detail);
    assert_string_equal(w->name ? w->name : "-", row->name ? row->name : "-");
    assert_view(w->state, row->state);
    assert_int_equal(w->has_code ? (int64_t)w->code : -1, row->code);
    assert_int_equal(w->whole, row->whole);
}

static void each_protocol_has_last_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct last_words w;
        words_last(row->protocol,
                   &(struct spoken){row->bytes, row->bytes, row->bytes.n, row->by_client}, &w);
        assert_said(row, &w);
    }
}

/* The head holds an earlier exchange, the tail the last one, and megabytes between are not kept. */
static void the_last_message_of_a_long_stream(void **state)
{
    (void)state;
    struct last_words w;
    const struct text head = BYTES("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
    const struct text tail =
        BYTES("rest of a bodyHTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno");
    words_last(APP_HTTP1, &(struct spoken){head, tail, 5000000, SERVER}, &w);
    assert_int_equal(w.code, 502);
    assert_int_equal(w.whole, HTTP_INCOMPLETE);
    words_last(APP_HTTP1, &(struct spoken){head, BYTES("only a body"), head.n + 5000000, SERVER},
               &w);
    assert_int_equal(w.code, 200);
    assert_int_equal(w.whole, HTTP_COMPLETE);
    words_last(APP_HTTP1, &(struct spoken){head, BYTES("only a body"), head.n + 4999999, SERVER},
               &w);
    assert_int_equal(w.whole, HTTP_INCOMPLETE);
}

/* A request line inside a body is not taken for the request when its head does not end. */
static void a_body_is_no_request(void **state)
{
    (void)state;
    struct last_words w;
    const struct text head = BYTES("POST /up HTTP/1.1\r\nContent-Length: 90\r\n\r\nab\n");
    words_last(APP_HTTP1,
               &(struct spoken){head, BYTES("text\nGET /x HTTP/1.1\r\nmore text"), 80, CLIENT}, &w);
    assert_view(w.detail, "/up");
}

static void silence_and_unread_bytes(void **state)
{
    (void)state;
    struct last_words w;
    for (int p = 0; p < APP_PROTOCOLS; p++) {
        words_last((enum app_protocol)p, &(struct spoken){.by_client = p % 2 == 0}, &w);
        assert_int_equal(w.kind, SAID_NOTHING);
        assert_null(w.noun);
    }
    const struct text noise = BYTES("\x80\x81\x82\x83");
    words_last(APP_UNKNOWN, &(struct spoken){noise, noise, noise.n, SERVER}, &w);
    assert_int_equal(w.kind, SAID_DATA);
    assert_false(w.is_read);
}

/* Keys were exchanged in bytes that are not kept: what came last was encrypted. */
static void ssh_beyond_what_is_kept(void **state)
{
    (void)state;
    struct last_words w;
    const struct text banner = BYTES("SSH-2.0-OpenSSH_9.2\r\n");
    words_last(APP_SSH, &(struct spoken){banner, BYTES("\x12\x34"), 9000, CLIENT}, &w);
    assert_int_equal(w.kind, SAID_DATA);
    assert_string_equal(w.noun, "SSH packets");
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(words_smb_status(0xc000035c), "STATUS_NETWORK_SESSION_EXPIRED");
    assert_null(words_smb_status(0));
    assert_string_equal(words_said_id(SAID_GOODBYE), "goodbye");
    struct smb_seen smb;
    assert_false(words_smb(BYTES("\0\0\0\x04\xfeSM"), &smb));
    assert_true(words_smb(BYTES("\0\0\0\x04\xfdSMB"), &smb));
    assert_true(smb.is_encrypted && !smb.is_error);
    /* MS-SMB2 section 2.1: four bytes of length before the message; one less is no message */
    assert_true(words_smb_tail(BYTES("\x16\x03\0\0\0\x04\xfdSMB"), &smb));
    assert_false(words_smb_tail(BYTES("\x16\x03\0\0\0\x05\xfdSMB"), &smb));
    assert_false(words_smb_tail(BYTES("\0\0\0\x03\xfeSM"), &smb));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_protocol_has_last_words),
        cmocka_unit_test(the_last_message_of_a_long_stream),
        cmocka_unit_test(a_body_is_no_request),
        cmocka_unit_test(silence_and_unread_bytes),
        cmocka_unit_test(ssh_beyond_what_is_kept),
        cmocka_unit_test(statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
