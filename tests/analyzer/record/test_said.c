/* SPDX-License-Identifier: Apache-2.0 */
/* What each end said last, as a sentence, and the facts that rules ask for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"
#include "analyzer/record/said.h"
#include "parsers/base/arena.h"

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static void speak(struct connection *c, enum side side, struct text all)
{
    c->end[side].head = all;
    c->end[side].bytes = all.n;
}

static struct fact ask(const struct connection *c, const char *name)
{
    static const struct case_file of = {0};
    union { /* the fact reads it only */
        const struct connection *in;
        struct connection *out;
    } u = {.in = c};
    const struct reset r = {.in_full = u.out, .claimed = SIDE_SERVER};
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    return def->get(&of, &r);
}

static void assert_fact(const struct connection *c, const char *name, const char *want)
{
    struct fact f = ask(c, name);
    assert_true(f.known);
    assert_int_equal(f.as.text.n, strlen(want));
    assert_memory_equal(f.as.text.p, want, f.as.text.n);
}

static void both_ends_in_words(void **state)
{
    (void)state;
    struct connection c = {0};
    speak(&c, SIDE_CLIENT, TEXT("POST /up HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"));
    speak(&c, SIDE_SERVER, TEXT("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"));
    said_settle(&c, &arena);
    assert_fact(&c, "client.said", "HTTP request POST /up, incomplete");
    assert_fact(&c, "server.said", "HTTP response 413: Too Large, complete");
    assert_fact(&c, "reset-side.said-code", "413");
    assert_fact(&c, "reset-side.said-kind", "error");
    assert_fact(&c, "other-side.said-kind", "request");
    assert_false(ask(&c, "client.said-code").known);
}

static void a_nul_ends_what_is_repeated(void **state)
{
    (void)state;
    struct connection c = {0};
    speak(&c, SIDE_SERVER, TEXT("HTTP/1.1 413 Too\0Large\r\nContent-Length: 0\r\n\r\n"));
    said_settle(&c, &arena);
    assert_fact(&c, "server.said", "HTTP response 413: Too, complete");
}

/* Settled or not, the first bytes tell the same. */
static void first_bytes_tell_the_protocol(void **state)
{
    (void)state;
    struct connection c = {0};
    speak(&c, SIDE_CLIENT, TEXT("GET / HTTP/1.1\r\n\r\n"));
    speak(&c, SIDE_SERVER, TEXT("SSH-2.0-OpenSSH_9.2\r\n"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(said_protocol(&c, SIDE_CLIENT), APP_HTTP1);
        assert_int_equal(said_protocol(&c, SIDE_SERVER), APP_SSH);
        assert_fact(&c, "app.client-speaks", "http1");
        assert_fact(&c, "app.server-speaks", "ssh");
        assert_true(ask(&c, "app.speak-different").as.truth);
        said_settle(&c, &arena);
    }
}

/* Old web servers answer what they do not understand with a page and nothing before it. */
static void text_does_not_answer_tls(void **state)
{
    (void)state;
    static const char hello[] = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
    struct connection c = {0}, other = {0};
    speak(&c, SIDE_CLIENT, (struct text){hello, sizeof hello - 1});
    speak(&c, SIDE_SERVER, TEXT("<!DOCTYPE HTML>\n<title>Error response</title>\n"));
    assert_true(ask(&c, "app.speak-different").as.truth);
    speak(&other, SIDE_CLIENT, TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n"));
    speak(&other, SIDE_SERVER, (struct text){hello, sizeof hello - 1});
    assert_false(ask(&other, "app.speak-different").as.truth);
}

/* Each end is read in its own protocol where the two do not speak the same. */
static void each_in_its_own_tongue(void **state)
{
    (void)state;
    struct connection c = {0};
    speak(&c, SIDE_CLIENT, TEXT("GET / HTTP/1.1\r\n\r\n"));
    speak(&c, SIDE_SERVER, TEXT("SSH-2.0-OpenSSH_9.2\r\nInvalid SSH identification string.\r\n"));
    said_settle(&c, &arena);
    assert_fact(&c, "client.said", "HTTP request GET /, complete");
    assert_fact(&c, "server.said",
                "line in place of SSH packets: Invalid SSH identification string.");
}

static void silence_is_known_and_lost_bytes_are_not(void **state)
{
    (void)state;
    struct connection c = {0};
    c.end[SIDE_SERVER].bytes = 10;
    said_settle(&c, &arena);
    assert_fact(&c, "client.said", "nothing");
    assert_fact(&c, "client.said-kind", "nothing");
    assert_false(ask(&c, "server.said").known);
    assert_false(ask(&c, "server.said-kind").known);
}

static bool is_cut(enum side side, enum side other, struct text all, size_t kept, uint64_t bytes)
{
    struct connection c = {0};
    speak(&c, other, TEXT("hello\r\n"));
    c.end[side].head = (struct text){all.p, kept};
    c.end[side].bytes = bytes;
    said_settle(&c, &arena);
    return ask(&c, side == SIDE_SERVER ? "server.words-cut" : "client.words-cut").as.truth;
}

/* What was sent and not kept may have been the reason, unless a code or the encryption tells. */
static void words_are_cut_where_a_reason_may_be_lost(void **state)
{
    (void)state;
    const enum side s = SIDE_SERVER, c = SIDE_CLIENT;
    const struct text limit = TEXT("-ERR max number of clients reached\r\n");
    assert_false(is_cut(s, c, limit, limit.n, limit.n));
    assert_true(is_cut(s, c, limit, 8, limit.n));
    assert_true(is_cut(s, c, limit, 0, limit.n));
    assert_true(is_cut(c, s, limit, 8, limit.n));
    assert_false(is_cut(s, c, limit, 0, 0));
    const struct text ftp = TEXT("421 There are too many users.\r\n");
    assert_true(is_cut(s, c, ftp, 12, ftp.n));
    const struct text http = TEXT("HTTP/1.1 503 Service Unavailable\r\nServer: a\r\n\r\n");
    assert_false(is_cut(s, c, http, 36, http.n));
    const struct text ssh = TEXT("SSH-2.0-OpenSSH_9.2\r\nciphers and more of them");
    assert_false(is_cut(s, c, ssh, 24, ssh.n));
}

static void only_the_first_bytes_are_ever_kept(void **state)
{
    (void)state;
    static char many[CONNECTION_HEAD];
    memset(many, 'x', sizeof many);
    many[0] = 'y';
    const struct text all = {many, sizeof many};
    assert_false(is_cut(SIDE_SERVER, SIDE_CLIENT, all, all.n, 100 * CONNECTION_HEAD));
    assert_true(is_cut(SIDE_SERVER, SIDE_CLIENT, all, all.n - 1, 100 * CONNECTION_HEAD));
}

/* Whether of a server with these bytes no word is known. */
static bool is_blanked(struct text head, struct text tail)
{
    struct connection c = {0};
    speak(&c, SIDE_CLIENT, TEXT("hello\r\n"));
    c.end[SIDE_SERVER].head = head;
    c.end[SIDE_SERVER].tail = tail;
    c.end[SIDE_SERVER].bytes = head.n + tail.n;
    said_settle(&c, &arena);
    const bool blanked = c.end[SIDE_SERVER].overwritten != NULL;
    assert_int_equal(blanked, !ask(&c, "server.said").known);
    assert_int_equal(blanked, !ask(&c, "server.text").known);
    assert_true(!blanked || ask(&c, "server.words-cut").as.truth);
    assert_true(ask(&c, "client.said").known);
    return blanked;
}

/* One byte in the place of all: how a capture is made fit to be given away. */
static void what_was_overwritten_says_nothing(void **state)
{
    (void)state;
    const struct text none = TEXT("");
    assert_true(is_blanked(TEXT("\0\0\0\0\0\0\0\0"), none));
    assert_true(is_blanked(TEXT("XXXXXXXX"), none));
    assert_true(is_blanked(TEXT("\0\0\0\0\0\0\0\0"), TEXT("\0\0\0\0")));
    assert_false(is_blanked(TEXT("\0\0\0"), none));
    assert_false(is_blanked(TEXT("\0\0\0\0\0\0\0\1"), none));
    assert_false(is_blanked(TEXT("\1\0\0\0\0\0\0\0"), none));
    assert_false(is_blanked(TEXT("\0\0\0\0\0\0\0\0"), TEXT("\0\0bye")));
}

/* Whether nothing is known of what either end said to a port. */
static bool is_scrambled(uint16_t port, struct text client, struct text server)
{
    struct connection c = {.end[SIDE_SERVER].at.port = port};
    speak(&c, SIDE_CLIENT, client);
    speak(&c, SIDE_SERVER, server);
    said_settle(&c, &arena);
    const bool unknown = !ask(&c, "server.said").known;
    assert_int_equal(unknown, !ask(&c, "server.text").known);
    assert_int_equal(unknown, !ask(&c, "client.said").known);
    return unknown;
}

/* Bytes by chance in the place of all. */
static void what_no_service_says_at_its_port_says_nothing(void **state)
{
    (void)state;
    const struct text noise = TEXT("\x8f\x13\xc2\x07\xe9\x51"), more = TEXT("\xd1\x02\xb7\x44\x90");
    assert_true(is_scrambled(22, noise, more));
    assert_true(is_scrambled(443, noise, more));
    assert_false(is_scrambled(9999, noise, more));
    assert_false(is_scrambled(27017, noise, more)); /* known, but not by its first bytes */
    assert_false(is_scrambled(22, noise, TEXT("SSH-2.0-OpenSSH_9.2\r\n")));
    assert_false(is_scrambled(22, TEXT("GET / HTTP/1.1\r\n\r\n"), more));
    assert_false(is_scrambled(3306, noise,
                              TEXT("\x4a\0\0\0\x0a"
                                   "8.0.36\0")));
}

/* Nor is anything known where the capture began too late for the first bytes, but that is no proof
 * of another hand. */
static void what_began_before_the_capture_was_not_overwritten(void **state)
{
    (void)state;
    struct connection c = {.began_mid_stream = true, .end[SIDE_SERVER].at.port = 22};
    speak(&c, SIDE_CLIENT, TEXT("\x8f\x13\xc2\x07\xe9\x51"));
    speak(&c, SIDE_SERVER, TEXT("\xd1\x02\xb7\x44\x90"));
    said_settle(&c, &arena);
    assert_null(c.end[SIDE_SERVER].overwritten);
    assert_true(ask(&c, "server.said").known);
}

#define TUNED "AMQP\0\0\x09\x01\x01\0\0\0\0\0\x0c\0\x0a\0\x1f\x07\xff\0\x02\0\0\0\x0a\xce"

static void heartbeats_are_counted_in_their_interval(void **state)
{
    (void)state;
    struct connection c = {0};
    speak(&c, SIDE_CLIENT, TEXT(TUNED));
    c.end[SIDE_CLIENT].last_data_time = 100 * NS_PER_S;
    c.end[SIDE_SERVER].saw_fin = true;
    c.end[SIDE_SERVER].fin_time = 125 * NS_PER_S;
    struct fact f = ask(&c, "app.heartbeats-missed");
    assert_true(f.known && f.as.real > 2.49 && f.as.real < 2.51);
    c.end[SIDE_CLIENT].head = TEXT("AMQP\0\0\x09\x01");
    assert_false(ask(&c, "app.heartbeats-missed").known);
}

#define LENGTH_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Of an answer of n_bytes that is all there was. */
static enum http_completeness answer(struct text captured, uint64_t n_bytes)
{
    struct connection c = {0};
    c.end[SIDE_SERVER].head = captured;
    c.end[SIDE_SERVER].bytes = n_bytes;
    return said_answer(&c);
}

/* A snaplen cuts each segment: its length is known, and whatever it did not cut. */
static void an_answer_that_was_cut(void **state)
{
    (void)state;
    const struct text cut = TEXT("HTTP/1.1 200 OK\r\nContent-Le"), whole = TEXT(LENGTH_5 "hello");
    const struct text head = TEXT(LENGTH_5), chunks = TEXT(CHUNKED "5\r\nhello\r\n0\r\n\r\n");
    assert_int_equal(answer(whole, whole.n), HTTP_COMPLETE);
    assert_int_equal(answer(head, head.n), HTTP_INCOMPLETE);
    assert_int_equal(answer(head, whole.n), HTTP_COMPLETE); /* by its length */
    assert_int_equal(answer(head, whole.n - 1), HTTP_INCOMPLETE);
    assert_int_equal(answer(cut, whole.n), HTTP_UNSURE);
    assert_int_equal(answer(chunks, chunks.n), HTTP_COMPLETE);
    assert_int_equal(answer(TEXT(CHUNKED "5\r\nhel"), chunks.n), HTTP_UNSURE);
}

/* The client had all of it, but not the capture: nobody can say whether it was whole. */
static void whether_an_answer_is_cut(void **state)
{
    (void)state;
    struct connection c = {0};
    struct end *client = &c.end[SIDE_CLIENT], *server = &c.end[SIDE_SERVER];
    speak(&c, SIDE_CLIENT, TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    server->head = TEXT("HTTP/1.1 200 OK\r\nContent-Le");
    server->bytes = 600;
    server->next_seq = client->acked = 5000;
    client->saw_ack = true;
    server->last_data_time = NS_PER_S;
    server->n_data_segments = 1;
    assert_true(ask(&c, "app.answer-cut").as.truth);
    client->acked = 4999;
    assert_false(ask(&c, "app.answer-cut").as.truth);
    client->acked = 5000;
    client->last_data_time = 2 * NS_PER_S; /* it has asked again */
    assert_false(ask(&c, "app.answer-cut").as.truth);
    client->last_data_time = 0;
    server->bytes = server->head.n;
    assert_false(ask(&c, "app.answer-cut").as.truth);
}

/* After 101 the ends talk on in another protocol: an answer that is whole ends nothing. */
static void an_upgrade_is_no_end(void **state)
{
    (void)state;
    struct connection web = {0}, socket = {0};
    speak(&web, SIDE_CLIENT, TEXT("GET / HTTP/1.1\r\n\r\n"));
    speak(&web, SIDE_SERVER, TEXT("HTTP/1.1 204 No Content\r\n\r\n"));
    speak(&socket, SIDE_CLIENT, TEXT("GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"));
    speak(&socket, SIDE_SERVER,
          TEXT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"));
    web.end[SIDE_SERVER].last_data_time = socket.end[SIDE_SERVER].last_data_time = NS_PER_S;
    said_settle(&web, &arena);
    said_settle(&socket, &arena);
    assert_true(ask(&web, "app.exchange-complete").as.truth);
    assert_false(ask(&socket, "app.exchange-complete").known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_in_words),
        cmocka_unit_test(a_nul_ends_what_is_repeated),
        cmocka_unit_test(first_bytes_tell_the_protocol),
        cmocka_unit_test(text_does_not_answer_tls),
        cmocka_unit_test(each_in_its_own_tongue),
        cmocka_unit_test(words_are_cut_where_a_reason_may_be_lost),
        cmocka_unit_test(only_the_first_bytes_are_ever_kept),
        cmocka_unit_test(what_was_overwritten_says_nothing),
        cmocka_unit_test(what_no_service_says_at_its_port_says_nothing),
        cmocka_unit_test(what_began_before_the_capture_was_not_overwritten),
        cmocka_unit_test(silence_is_known_and_lost_bytes_are_not),
        cmocka_unit_test(heartbeats_are_counted_in_their_interval),
        cmocka_unit_test(an_answer_that_was_cut),
        cmocka_unit_test(whether_an_answer_is_cut),
        cmocka_unit_test(an_upgrade_is_no_end),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
