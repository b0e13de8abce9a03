/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to a close, and what a TLS 1.3 server sends that answers nothing. */
#include "analyzer/record/goodbye.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/packet/packet.h"

#define CLIENT_HELLO "\x16\x03\x01\x00\x04\x01\x00\x00\x00"
#define RANDOM "0123456789abcdef0123456789abcdef"
#define HELLO "\x16\x03\x03\x00\x32\x02\x00\x00\x2e\x03\x03" RANDOM "\x00\x13\x01\x00\x00\x06"
#define TLS13 HELLO "\x00\x2b\x00\x02\x03\x04"
#define TLS12 HELLO "\x00\x2b\x00\x02\x03\x03"
#define CLOSE_NOTIFY                                                                               \
    "\x17\x03\x03\x00\x13"                                                                         \
    "0123456789abcdefghi"
#define QUESTION                                                                                   \
    "\x17\x03\x03\x00\x20"                                                                         \
    "0123456789abcdef0123456789abcdef"

#define MS(n) ((n)*NS_PER_MS)

/* ClientHello and ServerHello, the client's Finished and question at 40 ms, tickets from 60 ms on,
 * the client's last word at 2 s, its FIN at 2.01 s. */
struct scene {
    struct segment v[8];
    struct connection k;
};

static void scene_of(struct scene *s, const char *hello, uint32_t ticket_len, uint32_t last_len)
{
    static const struct segment rows[] = {
        {.time = MS(10), .payload_len = 300, .from = SIDE_CLIENT},
        {.time = MS(20), .payload_len = 1400, .from = SIDE_SERVER},
        {.time = MS(40), .payload_len = 120, .from = SIDE_CLIENT},
        {.time = MS(60), .from = SIDE_SERVER},
        {.time = MS(100), .from = SIDE_SERVER},
        {.time = MS(2000), .from = SIDE_CLIENT},
        {.time = MS(2010), .from = SIDE_CLIENT, .flags = TCP_FIN | TCP_ACK},
    };
    memset(s, 0, sizeof *s);
    memcpy(s->v, rows, sizeof rows);
    s->v[3].payload_len = s->v[4].payload_len = ticket_len;
    s->v[5].payload_len = last_len;
    s->k.segments = s->v;
    s->k.n_kept = s->k.n_head_kept = sizeof rows / sizeof *rows;
    s->k.rtt_ns = MS(20);
    uint32_t next[2] = {100, 500};
    for (size_t i = 0; i < s->k.n_kept; i++) {
        s->v[i].seq = next[s->v[i].from];
        next[s->v[i].from] += s->v[i].payload_len;
    }
    s->v[6].ack = next[SIDE_SERVER];
    s->k.end[SIDE_CLIENT].next_seq = next[SIDE_CLIENT] + 1;
    s->k.end[SIDE_SERVER].next_seq = next[SIDE_SERVER];
    s->k.end[SIDE_CLIENT].head = (struct text){CLIENT_HELLO, sizeof CLIENT_HELLO - 1};
    s->k.end[SIDE_CLIENT].tail = (struct text){CLOSE_NOTIFY, sizeof CLOSE_NOTIFY - 1};
    s->k.end[SIDE_SERVER].head = (struct text){hello, sizeof TLS13 - 1};
}

static void tickets_are_no_answer(void **state)
{
    (void)state;
    struct scene s;
    scene_of(&s, TLS13, 255, 24);
    assert_int_equal(tickets_of(&s.k), 5);
    s.v[4].time = MS(900); /* the second is none */
    assert_int_equal(tickets_of(&s.k), 4);
    scene_of(&s, TLS13, 1400, 24); /* nor are so many bytes */
    assert_int_equal(tickets_of(&s.k), 4);
    scene_of(&s, TLS12, 255, 24); /* there they are part of the handshake */
    assert_int_equal(tickets_of(&s.k), 0);
    s.k.end[SIDE_SERVER].head = TEXT("HTTP/1.1 200 OK");
    assert_int_equal(tickets_of(&s.k), 0);
}

static size_t goodbye(const struct scene *s)
{
    return goodbye_of(&s->k, SIDE_CLIENT, MS(2010), &s->v[6]);
}

static void an_alert_is_a_goodbye_after_whomever(void **state)
{
    (void)state;
    struct scene s;
    scene_of(&s, TLS13, 255, sizeof CLOSE_NOTIFY - 1);
    assert_int_equal(goodbye(&s), 5);
    s.k.end[SIDE_CLIENT].head = TEXT("whatever it is"); /* not TLS: it may be an answer */
    assert_int_equal(goodbye(&s), s.k.n_kept);
    scene_of(&s, TLS13, 255, sizeof QUESTION - 1);
    s.k.end[SIDE_CLIENT].tail = (struct text){QUESTION, sizeof QUESTION - 1};
    assert_int_equal(goodbye(&s), s.k.n_kept);
    scene_of(&s, TLS13, 255, 900); /* more than the record that ends it */
    assert_int_equal(goodbye(&s), s.k.n_kept);
}

/* It asked for a certificate, and shows nothing but an alert's size for the client's answer. */
static void a_handshake_refused_under_seal(void **state)
{
    (void)state;
    struct scene s;
    scene_of(&s, TLS13, sizeof CLOSE_NOTIFY - 1, 24);
    s.v[2].ack = s.v[3].seq;
    s.k.n_kept = s.k.n_head_kept = 4;
    s.k.end[SIDE_SERVER].next_seq = s.v[3].seq + s.v[3].payload_len + 1;
    s.k.end[SIDE_SERVER].tail = (struct text){CLOSE_NOTIFY, sizeof CLOSE_NOTIFY - 1};
    assert_true(goodbye_is_refusal(&s.k));
    s.v[3].time = MS(900); /* a timer's */
    assert_false(goodbye_is_refusal(&s.k));
    s.v[3].time = MS(60);
    s.v[2].ack -= 255; /* a ticket went before */
    assert_false(goodbye_is_refusal(&s.k));
    s.v[2].ack += 255;
    s.k.n_kept = 3; /* it said nothing */
    assert_false(goodbye_is_refusal(&s.k));
    s.k.n_kept = 4;
    s.k.end[SIDE_SERVER].head = (struct text){TLS12, sizeof TLS12 - 1};
    assert_false(goodbye_is_refusal(&s.k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_are_no_answer),
        cmocka_unit_test(an_alert_is_a_goodbye_after_whomever),
        cmocka_unit_test(a_handshake_refused_under_seal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
