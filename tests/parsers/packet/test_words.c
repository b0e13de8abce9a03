/* SPDX-License-Identifier: Apache-2.0 */
/* What the payload of each protocol says, from whole, cut and foreign bytes. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "parsers/packet/words.h"

#define BYTES(literal) TEXT(literal)
#define NOTHING ((struct text){0})

static void assert_text(struct text got, const char *want)
{
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p ? got.p : "", want, got.n);
}

/* A ClientHello for example.test with ALPN h2, versions 1.3 and 1.2 behind a GREASE value. */
static const char client_hello[] = "\x16\x03\x01\x00\x5f\x01\x00\x00\x5b\x03\x03"
                                   "0123456789abcdef0123456789abcdef"
                                   "\x00\x00\x04\x13\x01\x13\x02\x01\x00\x00\x2e"
                                   "\x00\x00\x00\x11\x00\x0f\x00\x00\x0c"
                                   "example.test"
                                   "\x00\x10\x00\x05\x00\x03\x02h2"
                                   "\x00\x2b\x00\x07\x06\x1a\x1a\x03\x04\x03\x03"
                                   "\x00\x17\x00\x00\x00";

static const char server_hello[] = "\x16\x03\x03\x00\x34\x02\x00\x00\x30\x03\x03"
                                   "fedcba9876543210fedcba9876543210"
                                   "\x00\x13\x01\x00\x00\x08"
                                   "\x00\x2b\x00\x02\x03\x04\x00\x00"
                                   "\x14\x03\x03\x00\x01\x01"
                                   "\x17\x03\x03\x00\x13"
                                   "nineteen bytes long";

static void a_client_hello(void **state)
{
    (void)state;
    struct tls_seen seen;
    const struct text hello = {client_hello, 5 + 0x5f};
    assert_true(words_tls_scan(hello, &seen));
    assert_true(seen.saw_client_hello);
    assert_int_equal(seen.n_records, 1);
    assert_text(seen.sni, "example.test");
    assert_text(seen.alpn, "h2");
    assert_int_equal(seen.version, 0x0304);
    assert_false(seen.cut || seen.saw_application_data || seen.n_alerts);
    for (size_t n = 5; n < hello.n; n++) {
        assert_true(words_tls_scan(text_slice(hello, 0, n), &seen));
        assert_true(seen.cut);
    }
    assert_false(words_tls_scan(text_slice(hello, 0, 4), &seen));
}

static void a_server_of_tls13(void **state)
{
    (void)state;
    struct tls_seen seen;
    assert_true(words_tls_scan(BYTES(server_hello), &seen));
    assert_true(seen.saw_server_hello && seen.saw_change_cipher_spec && seen.saw_application_data);
    assert_false(seen.saw_hello_retry || seen.n_alerts);
    assert_int_equal(seen.version, 0x0304);
    assert_true(seen.ends_alert_sized);
}

static void alerts_in_clear_and_not(void **state)
{
    (void)state;
    struct tls_seen seen;
    assert_true(words_tls_scan(BYTES("\x15\x03\x03\x00\x02\x02\x28"), &seen));
    assert_true(seen.saw_clear_alert && seen.ends_with_alert);
    assert_int_equal(seen.alert_level, 2);
    assert_string_equal(words_tls_alert(seen.alert_code), "handshake_failure");
    assert_true(words_tls_scan(BYTES("\x14\x03\x03\x00\x01\x01\x15\x03\x03\x00\x1a"
                                     "abcdefghijklmnopqrstuvwxyz"),
                               &seen));
    assert_true(seen.saw_encrypted_alert && seen.ends_with_alert);
    assert_false(seen.saw_clear_alert);
    assert_null(words_tls_alert(255));
    assert_true(words_tls_tail(BYTES("ata that began before\x17\x03\x03\x00\x02hi"
                                     "\x15\x03\x03\x00\x02\x01\x00"),
                               &seen));
    assert_int_equal(seen.n_records, 2);
    assert_true(seen.ends_with_alert && seen.saw_encrypted_alert);
    assert_false(words_tls_tail(BYTES("nothing of the kind"), &seen));
}

static void ssh_banners(void **state)
{
    (void)state;
    struct ssh_seen seen;
    assert_true(words_ssh(BYTES("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
                                "\x00\x00\x00\x0c\x0a\x14zzzzzzzzzz"
                                "\x00\x00\x00\x0c\x0a\x15zzzzzzzzzz"
                                "encrypted"),
                          &seen));
    assert_text(seen.banner, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3");
    assert_text(seen.protocol, "2.0");
    assert_text(seen.software, "OpenSSH_9.2p1");
    assert_true(seen.saw_kexinit && seen.saw_newkeys);
    assert_int_equal(seen.n_packets, 2);
    assert_false(seen.cut);
    assert_true(words_ssh(BYTES("welcome\nSSH-2.0-x\r\n\x00\x00\x05"), &seen));
    assert_text(seen.before, "welcome");
    assert_text(seen.software, "x");
    assert_true(seen.cut);
}

static void ssh_keys_behind_the_end_of_the_view(void **state)
{
    (void)state;
    struct ssh_seen seen;
    const struct text head = BYTES("SSH-2.0-x\r\n"
                                   "\x00\x00\x00\x0c\x0a\x14zzzzzzzzzz"
                                   "\x00\x00\x01\x00\x0a\x1f"
                                   "beginning of a reply");
    assert_true(words_ssh(head, &seen));
    assert_true(seen.saw_kexinit && seen.cut);
    assert_int_equal(seen.cut_message, 31);
    assert_int_equal(seen.cut_end, 11 + 16 + 4 + 256);
    assert_false(words_ssh_keys_sent(&seen, seen.cut_end + 15));
    assert_true(words_ssh_keys_sent(&seen, seen.cut_end + 16));
    assert_true(words_ssh(text_slice(head, 0, 11 + 16), &seen));
    assert_false(words_ssh_keys_sent(&seen, 5000));
    assert_true(words_ssh(BYTES("SSH-2.0-x\r\nInvalid SSH identification string.\r\n"), &seen));
    assert_text(seen.after, "Invalid SSH identification string.");
    assert_false(seen.cut);
}

static void ssh_refusals_in_plain_text(void **state)
{
    (void)state;
    struct ssh_seen seen;
    assert_true(words_ssh(BYTES("Exceeded MaxStartups\r\n"), &seen));
    assert_text(seen.before, "Exceeded MaxStartups");
    assert_int_equal(seen.banner.n, 0);
    assert_true(words_ssh(BYTES("Not allowed at this time\r\n"), &seen));
    assert_false(words_ssh(BYTES("220 mail ESMTP\r\n"), &seen));
    assert_int_equal(words_protocol(NOTHING, BYTES("Exceeded MaxStartups\r\n")), APP_SSH);
}

static void an_ssh_disconnect_before_encryption(void **state)
{
    (void)state;
    struct ssh_seen seen;
    assert_true(words_ssh(BYTES("SSH-2.0-y\r\n\x00\x00\x00\x1c\x04\x01\x00\x00\x00\x03"
                                "\x00\x00\x00\x0anot agreed"
                                "\x00\x00\x00\x00zzzz"),
                          &seen));
    assert_true(seen.saw_disconnect);
    assert_string_equal(words_ssh_disconnect(seen.disconnect_code), "KEY_EXCHANGE_FAILED");
    assert_text(seen.disconnect_text, "not agreed");
    assert_null(words_ssh_disconnect(99));
}

static void an_http_request(void **state)
{
    (void)state;
    struct http_message m;
    const struct text head = BYTES("POST /upload HTTP/1.1\r\nHost: www.example.test\r\n"
                                   "content-LENGTH: 10\r\nConnection: keep-alive, Upgrade\r\n\r\n"
                                   "01234");
    assert_true(words_http_request(head, &m));
    assert_text(m.method, "POST");
    assert_text(m.target, "/upload");
    assert_text(m.host, "www.example.test");
    assert_true(m.head_complete && m.has_content_length && m.keeps_alive && m.upgrades);
    assert_false(m.closes || m.chunked);
    assert_int_equal(m.content_length, 10);
    assert_int_equal(m.head_len, head.n - 5);
    assert_int_equal(words_http_completeness(&m, head.n, head), HTTP_INCOMPLETE);
    assert_int_equal(words_http_completeness(&m, head.n + 5, head), HTTP_COMPLETE);
    assert_true(words_http_request(BYTES("GET / HTTP/1.1\r\nHost: a\r\n"), &m));
    assert_false(m.head_complete);
    assert_int_equal(words_http_completeness(&m, m.head_len, head), HTTP_INCOMPLETE);
    assert_true(words_http_request(BYTES("GET /half"), &m));
    assert_false(words_http_request(BYTES("EHLO mail.example.test\r\n"), &m));
    assert_false(words_http_request(BYTES("GET /x\r\n"), &m));
    assert_false(words_http_request(BYTES(" / HTTP/1.1\r\n"), &m)); /* RFC 9110 section 9.1 */
}

static void http_responses(void **state)
{
    (void)state;
    struct http_message m;
    struct text t = BYTES("HTTP/1.1 408 Request Time-out\r\nConnection: close\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    assert_true(words_http_response(t, &m));
    assert_int_equal(m.status, 408);
    assert_text(m.reason, "Request Time-out");
    assert_true(m.closes && m.chunked);
    assert_int_equal(words_http_completeness(&m, t.n, t), HTTP_COMPLETE);
    t.n -= 3;
    assert_int_equal(words_http_completeness(&m, t.n, t), HTTP_INCOMPLETE);
    assert_true(words_http_response(BYTES("HTTP/1.0 200\r\n\r\nabc"), &m));
    assert_int_equal(words_http_completeness(&m, 20, t), HTTP_ENDS_BY_CLOSE);
    assert_true(words_http_response(BYTES("HTTP/1.1 304 Not Modified\r\n\r\n"), &m));
    assert_int_equal(words_http_completeness(&m, 29, t), HTTP_COMPLETE);
    assert_false(words_http_response(BYTES("HTTP/1.1 999 x\r\n"), &m));
    assert_false(words_http_response(BYTES("HTTP/2 200\r\n"), &m));
    assert_true(words_http_last_response(
        BYTES("body HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nServer: x/1\r\n\r\n"), &m));
    assert_int_equal(m.status, 502);
    assert_text(m.server, "x/1");
}

static void http2_goes_away(void **state)
{
    (void)state;
    struct http2_seen seen;
    assert_true(words_http2_scan(BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                       "\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
                                 &seen));
    assert_true(seen.saw_preface && seen.saw_settings);
    assert_false(seen.saw_goaway);
#define GOAWAY                                                                                     \
    "\x00\x00\x16\x07\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x0b"                         \
    "too_many_pings"
    assert_true(words_http2_scan(BYTES("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00"
                                       "\x64" GOAWAY),
                                 &seen));
    assert_true(seen.saw_goaway);
    assert_int_equal(seen.goaway_last_stream, 5);
    assert_string_equal(words_http2_error(seen.goaway_code), "ENHANCE_YOUR_CALM");
    assert_text(seen.goaway_text, "too_many_pings");
    assert_true(words_http2_tail(BYTES("half a frame" GOAWAY), &seen));
    assert_true(seen.saw_goaway);
    assert_false(words_http2_scan(BYTES("GET / HTTP/1.1\r\n\r\n"), &seen));
}

static void amqp_tunes_beats_and_closes(void **state)
{
    (void)state;
    struct amqp_seen seen;
    assert_true(words_amqp_scan(
        BYTES("AMQP\x00\x00\x09\x01"
              "\x01\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x1f\x07\xff\x00\x02\x00\x00\x00\x3c\xce"
              "\x01\x00\x00\x00\x00\x00\x08\x00\x0a\x00\x28\x01/\x00\x00\xce"
              "\x08\x00\x00\x00\x00\x00\x00\xce"),
        &seen));
    assert_true(seen.saw_header && seen.has_heartbeat && seen.saw_open);
    assert_int_equal(seen.version[1], 9);
    assert_int_equal(seen.heartbeat_s, 60);
    assert_int_equal(seen.n_heartbeats, 1);
    assert_true(seen.ends_with_heartbeat);
    assert_true(words_amqp_tail(BYTES("rest of some frame\xce"
                                      "\x01\x00\x00\x00\x00\x00\x1b\x00\x0a\x00\x32\x01\x40\x10"
                                      "CONNECTION_FORCE"
                                      "\x00\x00\x00\x00\xce"),
                                &seen));
    assert_true(seen.saw_close);
    assert_int_equal(seen.close_code, 320);
    assert_text(seen.close_text, "CONNECTION_FORCE");
}

static void mysql_greets_or_refuses(void **state)
{
    (void)state;
    struct mysql_seen seen;
    assert_true(words_mysql(BYTES("\x4a\x00\x00\x00\x0a"
                                  "8.0.36\x00\x08\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x00"),
                            &seen));
    assert_true(seen.saw_greeting);
    assert_text(seen.version, "8.0.36");
    assert_true(seen.saw_thread);
    assert_int_equal(seen.thread, 8);
    assert_true(words_mysql(BYTES("\x0a\x00\x00\x00\x0a"
                                  "8.0.36\x00\x08\x00"),
                            &seen));
    assert_false(seen.saw_thread); /* cut off */
    assert_true(words_mysql(BYTES("\x17\x00\x00\x00\xff\x10\x04Too many connections"), &seen));
    assert_int_equal(seen.error.code, 1040);
    assert_text(seen.error.text, "Too many connections");
    assert_true(
        words_mysql_tail(BYTES("older bytes\x0f\x00\x00\x01\xff\xbf\x0f#HY000killed"), &seen));
    assert_int_equal(seen.error.code, 4031);
    assert_text(seen.error.state, "HY000");
    assert_false(words_mysql(BYTES("\x16\x03\x01\x00\x5f\x01"), &seen));
}

static void postgresql_starts_and_fails(void **state)
{
    (void)state;
    struct postgresql_seen seen;
    assert_true(words_postgresql(BYTES("\x00\x00\x00\x08\x04\xd2\x16\x2f"
                                       "\x00\x00\x00\x20\x00\x03\x00\x00user\x00"
                                       "app\x00"
                                       "database\x00"
                                       "d1\x00\x00"),
                                 &seen));
    assert_true(seen.saw_ssl_request && seen.saw_startup);
    assert_text(seen.user, "app");
    assert_text(seen.database, "d1");
    assert_true(words_postgresql(BYTES("E\x00\x00\x00\x40SFATAL\x00VFATAL\x00"
                                       "C53300\x00Msorry, too many clients already\x00"
                                       "Fx.c\x00\x00"),
                                 &seen));
    assert_true(seen.error.saw);
    assert_text(seen.severity, "FATAL");
    assert_text(seen.error.state, "53300");
    assert_text(seen.error.text, "sorry, too many clients already");
    assert_false(seen.saw_key);
    assert_true(words_postgresql_tail(BYTES("N\x00\x00\x00\x25SWARNING\x00VWARNING\x00"
                                            "C57P02\x00Mended\x00\x00"),
                                      &seen));
    assert_text(seen.error.state, "57P02");
    assert_false(words_postgresql_tail(BYTES("N\x00\x00\x00\x25SWARNING\x00VWARNING\x00"
                                             "C01000\x00Mended\x00\x00"),
                                       &seen));
    assert_true(words_postgresql(BYTES("R\x00\x00\x00\x08\x00\x00\x00\x00"
                                       "K\x00\x00\x00\x0c\x00\x00\x0f\xa1\x01\x02\x03\x04"
                                       "Z\x00\x00\x00\x05I"),
                                 &seen));
    assert_true(seen.saw_key);
    assert_int_equal(seen.process, 4001);
    assert_true(words_postgresql_tail(BYTES("row dataE\x00\x00\x00\x1cSFATAL\x00"
                                            "C57P01\x00Mbye bye\x00\x00"),
                                      &seen));
    assert_text(seen.error.text, "bye bye");
}

static void the_smaller_protocols(void **state)
{
    (void)state;
    struct server_error e;
    struct ldap_seen ldap;
    struct rdp_seen rdp;
    assert_true(words_redis(BYTES("-ERR max number of clients reached\r\n"), &e));
    assert_text(e.text, "max number of clients reached");
    assert_false(words_redis(BYTES("-----BEGIN\r\n"), &e));
    assert_true(words_redis_tail(BYTES("+OK\r\n-DENIED x\r\n"), &e));
    assert_text(e.state, "DENIED");
    assert_true(words_reply(BYTES("421 4.7.0 too many\r\n"), &e));
    assert_int_equal(e.code, 421);
    assert_true(
        words_ldap(BYTES("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"), &ldap));
    assert_true(ldap.saw_bind);
    assert_true(words_ldap(BYTES("\x30\x11\x02\x01\x00\x78\x0c\x0a\x01\x34\x04\x00\x04\x05"
                                 "going"),
                           &ldap));
    assert_int_equal(ldap.error.code, 52);
    assert_text(ldap.error.text, "going");
    assert_true(words_rdp(BYTES("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x05"
                                "\x00\x00\x00"),
                          &rdp));
    assert_true(rdp.saw_confirm && rdp.saw_failure);
    assert_int_equal(rdp.failure_code, 5);
    /* RFC 1006 section 6: the version is 3 */
    assert_false(words_rdp(BYTES("\x02\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x05"
                                 "\x00\x00\x00"),
                           &rdp));
    assert_false(words_rdp(BYTES("\x03\x00\x02\x01\xff\xd0\x00\x00\x12\x34\x00"), &rdp));
}

static const struct {
    struct text client, server;
    enum app_protocol want;
} guesses[] = {
    {{client_hello, 100}, {NULL, 0}, APP_TLS},
    {{client_hello, 100}, {"HTTP/1.1 400 Bad Request\r\n\r\n", 28}, APP_HTTP1},
    {{"SSH-2.0-x\r\n", 11}, {NULL, 0}, APP_SSH},
    {{"GET / HTTP/1.1\r\n\r\n", 18}, {NULL, 0}, APP_HTTP1},
    {{"GET / HTTP/1.1\r\n\r\n", 18}, {"SSH-2.0-x\r\n", 11}, APP_SSH},
    {{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24}, {NULL, 0}, APP_HTTP2},
    {{"AMQP\0\0\x09\1", 8}, {NULL, 0}, APP_AMQP},
    {{NULL, 0}, {"\x17\0\0\0\xff\x10\4Too many connections", 27}, APP_MYSQL},
    {{"*1\r\n$4\r\nPING\r\n", 14}, {"+PONG\r\n", 7}, APP_REDIS},
    {{"EHLO a\r\n", 8}, {"220 mail ESMTP x\r\n", 18}, APP_SMTP},
    {{"USER a\r\n", 8}, {"220 (vsFTPd 3.0.3)\r\n", 20}, APP_FTP},
    {{"\0\0\0\x40\xfeSMB\x40\0", 10}, {NULL, 0}, APP_SMB},
    {{"hello\n", 6}, {NULL, 0}, APP_TEXT},
    {{"\x01\x02\x80\xff", 4}, {"\x90\x91\x92", 3}, APP_UNKNOWN},
    {{NULL, 0}, {NULL, 0}, APP_UNKNOWN},
};

static void protocols_are_guessed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        const enum app_protocol got = words_protocol(guesses[i].client, guesses[i].server);
        print_message("guess %zu: %s\n", i, words_protocol_id(got));
        assert_int_equal(got, guesses[i].want);
        assert_true(strlen(words_protocol_title(got)) > 0);
    }
}

/* Wherever a byte stands in a line, it ends it, spoils it or belongs to it. */
static void each_byte_of_a_line(void **state)
{
    (void)state;
    for (size_t at = 2; at < 24; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char line[24];
            memset(line, 'x', sizeof line);
            line[at] = (char)byte;
            const bool ends = byte == '\r' || byte == '\n';
            const bool belongs = (byte >= 0x20 && byte < 0x7f) || byte == '\t' ||
                                 (byte >= 0xc2 && sizeof line - at < 4); /* the last: cut off */
            const struct text t = words_first_line((struct text){line, sizeof line});
            assert_int_equal(t.n, belongs ? sizeof line : ends ? at : 0);
        }
}

static void lines_of_text(void **state)
{
    (void)state;
    assert_text(words_first_line(BYTES("one\r\ntwo")), "one");
    assert_text(words_first_line(BYTES("ab\x01")), "");
    assert_text(words_first_line(BYTES("caf\xc3\xa9\n")), "caf\xc3\xa9");
    assert_text(words_first_line(BYTES("\xff\xfe\xfd\xfc\xfb\n")), "");
    assert_text(words_last_line(BYTES("one\r\ntwo\r\n")), "two");
}

static void what_a_rst_carries(void **state)
{
    (void)state;
    struct rst_payload p;
    assert_true(words_rst_payload(BYTES("Go away, we're not home"), &p));
    assert_int_equal(p.kind, RST_PAYLOAD_TEXT);
    assert_text(p.text, "Go away, we're not home");
    assert_true(words_rst_payload(BYTES("\x33\xaa\x00\x0e\x00\x00\x00\x00"), &p));
    assert_string_equal(p.layout, "compact");
    assert_int_equal(p.code, 14);
    assert_string_equal(p.meaning, "connection timeout");
    assert_true(words_rst_payload(BYTES("\x33\xaa\x04\xd2\x00\x00\x7e\xd9"), &p));
    assert_int_equal(p.pen, 32473);
    assert_null(p.meaning);
    assert_true(words_rst_payload(BYTES("\x30\x39\x00\x04\x00\x00\x00\x02"), &p));
    assert_string_equal(p.layout, "lengths");
    assert_int_equal(p.code, 2);
    assert_true(words_rst_payload(BYTES("\x19\x30\x39\xa2\x01\x08\x03\x63"
                                        "why"),
                                  &p));
    assert_string_equal(p.layout, "cbor");
    assert_int_equal(p.code, 8);
    assert_text(p.text, "why");
    assert_false(words_rst_payload(NOTHING, &p));
    assert_false(words_rst_payload(BYTES("\x01\x02\x03\x04"), &p));
    assert_int_equal(p.kind, RST_PAYLOAD_OPAQUE);
    assert_false(words_rst_payload(BYTES("\x19\x30\x39\xa2\x01"), &p));
}

static void the_window_of_a_netscaler(void **state)
{
    (void)state;
    const char *meaning;
    assert_true(words_netscaler_window(9700, &meaning));
    assert_string_equal(meaning, "RST passed on from the other side");
    assert_false(words_netscaler_window(8192, &meaning));
    assert_null(meaning);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_hello),
        cmocka_unit_test(a_server_of_tls13),
        cmocka_unit_test(alerts_in_clear_and_not),
        cmocka_unit_test(ssh_banners),
        cmocka_unit_test(ssh_keys_behind_the_end_of_the_view),
        cmocka_unit_test(ssh_refusals_in_plain_text),
        cmocka_unit_test(an_ssh_disconnect_before_encryption),
        cmocka_unit_test(an_http_request),
        cmocka_unit_test(http_responses),
        cmocka_unit_test(http2_goes_away),
        cmocka_unit_test(amqp_tunes_beats_and_closes),
        cmocka_unit_test(mysql_greets_or_refuses),
        cmocka_unit_test(postgresql_starts_and_fails),
        cmocka_unit_test(the_smaller_protocols),
        cmocka_unit_test(protocols_are_guessed),
        cmocka_unit_test(each_byte_of_a_line),
        cmocka_unit_test(lines_of_text),
        cmocka_unit_test(what_a_rst_carries),
        cmocka_unit_test(the_window_of_a_netscaler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
