/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about what was said: which protocol each end spoke, whether the last exchange was complete,
 * who spoke last and whether an answer was owed.  The words are read by the packet room.
 */
#include "analyzer/fact/fact_make.h"
#include "analyzer/record/goodbye.h"
#include "analyzer/record/said.h"
#include "parsers/packet/words.h"

static const char *const speaker_choices[] = {"client", "server", "nobody", NULL};
static const char *const protocol_choices[] = {
    "unknown", "tls",  "ssh", "http1", "http2", "amqp", "mysql", "postgresql",
    "redis",   "smtp", "ftp", "ldap",  "rdp",   "smb",  "text",  NULL};

static struct text head_of(const struct reset *r, enum side side)
{
    return reset_connection(r)->end[side].head;
}

static struct fact speaks(const struct reset *r, enum side side)
{
    struct text head = head_of(r, side);
    if (head.n == 0)
        return unknown("that end said nothing, or its first bytes were not captured");
    return fact_name_of(r, words_protocol_id(said_protocol(reset_connection(r), side)), 0);
}

static struct fact client_speaks(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return speaks(r, SIDE_CLIENT);
}

static struct fact server_speaks(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return speaks(r, SIDE_SERVER);
}

/* Both ends speak a protocol that is known, and not the same. */
/* What answers a ClientHello is a record of TLS, or another protocol, whichever. */
static bool answers_tls_in_text(enum app_protocol client, enum app_protocol server)
{
    return client == APP_TLS && server == APP_TEXT;
}

static struct fact speak_different(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct text client = head_of(r, SIDE_CLIENT), server = head_of(r, SIDE_SERVER);
    if (client.n == 0 || server.n == 0)
        return unknown("not both ends were heard");
    const enum app_protocol a = said_protocol(reset_connection(r), SIDE_CLIENT);
    const enum app_protocol b = said_protocol(reset_connection(r), SIDE_SERVER);
    bool known = a != APP_UNKNOWN && a != APP_TEXT && b != APP_UNKNOWN && b != APP_TEXT;
    bool upgrade = a == APP_POSTGRESQL || (a == APP_HTTP1 && b == APP_HTTP2);
    return fact_bool(r, (known && a != b && !upgrade) || answers_tls_in_text(a, b), 0);
}

static enum side last_speaker_of(const struct reset *r, bool *nobody)
{
    instant_ns client = reset_connection(r)->end[SIDE_CLIENT].last_data_time;
    instant_ns server = reset_connection(r)->end[SIDE_SERVER].last_data_time;
    *nobody = client == INSTANT_NONE && server == INSTANT_NONE;
    return server > client ? SIDE_SERVER : SIDE_CLIENT; /* INSTANT_NONE is the smallest */
}

static struct fact last_speaker(const struct case_file *c, const struct reset *r)
{
    (void)c;
    bool nobody;
    enum side side = last_speaker_of(r, &nobody);
    return fact_name_of(r, nobody ? "nobody" : side_name(side), rst_frame(r));
}

/* RFC 5321 section 4.3.2: after 354 the server waits for the message's end. */
static bool is_in_a_message(const struct connection *c)
{
    const struct last_said *client = c->end[SIDE_CLIENT].said, *server = c->end[SIDE_SERVER].said;
    return client && server && client->kind == SAID_DATA && client->protocol == APP_SMTP &&
           text_eq(server->code, TEXT("354"));
}

/* The client asked and the server had not begun to answer.  A heartbeat, an alert or a farewell
 * asks for nothing, and a part of a message does not yet. */
static struct fact answer_owed(const struct case_file *c, const struct reset *r)
{
    (void)c;
    bool nobody;
    enum side side = last_speaker_of(r, &nobody);
    const struct last_said *said = reset_connection(r)->end[SIDE_CLIENT].said;
    bool asked = !said || (said->kind != SAID_HEARTBEAT && said->kind != SAID_GOODBYE &&
                           said->kind != SAID_ALERT && !is_in_a_message(reset_connection(r)));
    return fact_bool(r, !nobody && side == SIDE_CLIENT && asked, rst_frame(r));
}

/* HTTP/1 only: the last response of the server is whole and nothing was asked after it. */
static struct fact exchange_complete(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct end *server = &reset_connection(r)->end[SIDE_SERVER];
    struct http_message m;
    bool nobody;
    if (last_speaker_of(r, &nobody) != SIDE_SERVER)
        return fact_bool(r, false, rst_frame(r));
    if (end_trouble(server)->bytes_missing > 0)
        return unknown("bytes of the answer are missing from the capture");
    if (!words_http_response(server->head, &m))
        return unknown("no HTTP/1 answer was seen");
    if (server->said && text_eq(server->said->code, TEXT("101")))
        return unknown("the ends went on in another protocol");
    enum http_completeness whole = said_answer(reset_connection(r));
    if (whole == HTTP_UNSURE)
        return unknown("the answer's length is not stated in the bytes that were kept");
    return fact_bool(r, whole == HTTP_COMPLETE, rst_frame(r));
}

static bool tls_of(const struct reset *r, enum side side, struct tls_seen *out)
{
    return words_tls_scan(head_of(r, side), out);
}

struct tls_words { /* the clear alert of either end, if any */
    bool tls, fatal, established;
    enum side by;
    uint8_t code;
};

/* In TLS 1.3 most of the server's handshake goes as application data, so that of the client tells,
 * where it was captured.  Who sends an alert in clear has no keys yet. */
static struct tls_words tls_words_of(const struct reset *r)
{
    struct tls_words w = {0};
    bool client_seen = false;
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side = (enum side)(side + 1)) {
        struct tls_seen t;
        if (!tls_of(r, side, &t))
            continue;
        w.tls = true;
        if (side == SIDE_CLIENT || !client_seen)
            w.established = t.saw_application_data;
        client_seen = client_seen || side == SIDE_CLIENT;
        if (t.saw_clear_alert && t.alert_level == 2 && t.alert_code != 0) {
            w.fatal = true;
            w.by = side;
            w.code = t.alert_code;
        }
    }
    w.established = w.established && !w.fatal;
    return w;
}

static struct fact tls_fatal(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct tls_words w = tls_words_of(r);
    return fact_bool(r, w.fatal, 0);
}

static struct fact tls_alert(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct tls_words w = tls_words_of(r);
    if (!w.fatal)
        return unknown("no fatal TLS alert was sent in clear");
    const char *name = words_tls_alert(w.code);
    return fact_name_of(r, name ? name : "unassigned", 0);
}

static struct fact tls_alert_by(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct tls_words w = tls_words_of(r);
    if (!w.fatal)
        return unknown("no fatal TLS alert was sent in clear");
    return fact_name_of(r, side_name(w.by), 0);
}

static struct fact tls_established(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, tls_words_of(r).established, 0);
}

#define FINISHED_SHORT 53 /* TLS 1.3: type, length, SHA-256 or SHA-384, type, tag of the seal */
#define FINISHED_LONG 69
#define FINISHED_MAX 96 /* before, with an IV, a MAC and padding */

static bool begins_with_finished(const struct tls_seen *t)
{
    return t->sealed_length == FINISHED_SHORT || t->sealed_length == FINISHED_LONG;
}

/* All that a client sends in clear and sealed ends with Finished: nothing of the application is
 * behind it.  A certificate of the client's own is sealed, too, and then nothing is told. */
static struct fact tls_nothing_asked(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct end *client = &reset_connection(r)->end[SIDE_CLIENT];
    struct tls_seen t, answer;
    if (!tls_of(r, SIDE_CLIENT, &t) || !t.saw_client_hello)
        return fact_bool(r, false, 0);
    if (t.n_sealed > 1)
        return fact_bool(r, false, 0);
    if (t.cut || client->head.n < client->bytes || end_trouble(client)->bytes_missing > 0)
        return unknown("not all that the client sent was captured");
    if (!tls_of(r, SIDE_SERVER, &answer) || !answer.saw_server_hello)
        return fact_bool(r, false, 0);
    const bool is_finished = answer.version == 0x0304
                                 ? begins_with_finished(&t)
                                 : !t.saw_application_data && t.sealed_length <= FINISHED_MAX;
    return fact_bool(r, t.n_sealed == 1 && is_finished, 0);
}

static struct fact tls_alert_instead(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, goodbye_is_refusal(reset_connection(r)), 0);
}

#define CERTIFICATE_EMPTY 25 /* TLS 1.3: header, context, an empty list, type, tag of the seal */

/* The client of TLS 1.3 that is asked for a certificate and has none sends an empty message of it
 * before its Finished. */
static struct fact tls_no_certificate(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct tls_seen t, answer;
    if (!tls_of(r, SIDE_CLIENT, &t) || !tls_of(r, SIDE_SERVER, &answer))
        return fact_bool(r, false, 0);
    return fact_bool(r,
                     answer.saw_server_hello && answer.version == 0x0304 && t.n_sealed > 1 &&
                         t.sealed_length == CERTIFICATE_EMPTY,
                     0);
}

/* Without a question for its certificate the client's Finished comes first. */
static struct fact tls_certificate_unasked(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct tls_seen t, answer;
    if (!tls_of(r, SIDE_CLIENT, &t) || !tls_of(r, SIDE_SERVER, &answer))
        return fact_bool(r, false, 0);
    return fact_bool(r,
                     answer.saw_server_hello && answer.version == 0x0304 && t.n_sealed > 0 &&
                         begins_with_finished(&t),
                     0);
}

static struct fact tls_sni(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct tls_seen t;
    if (!tls_of(r, SIDE_CLIENT, &t) || t.sni.n == 0)
        return unknown("no ClientHello with a server name was seen");
    return fact_words(r, t.sni, 0);
}

static struct fact ssh_kex_done(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct ssh_seen client, server;
    bool a = words_ssh(head_of(r, SIDE_CLIENT), &client);
    bool b = words_ssh(head_of(r, SIDE_SERVER), &server);
    if (a && b && (client.saw_newkeys || server.saw_newkeys))
        return fact_bool(r, true, 0);
    if (a && b && (client.cut || server.cut) && reset_connection(r)->end[SIDE_SERVER].bytes > 2000)
        return unknown("the key exchange is longer than the bytes that were kept");
    return fact_bool(r, false, 0);
}

static struct fact ssh_disconnect(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct ssh_seen s;
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side = (enum side)(side + 1))
        if (words_ssh(head_of(r, side), &s) && s.saw_disconnect)
            return fact_words(r, s.disconnect_text, 0);
    return unknown("no SSH disconnect message was sent in clear");
}

static struct fact amqp_heartbeat(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct amqp_seen a;
    if (!words_amqp_scan(head_of(r, SIDE_CLIENT), &a) || !a.has_heartbeat)
        return unknown("no AMQP tune-ok was seen");
    return fact_number(r, (int64_t)a.heartbeat_s * NS_PER_S, 0);
}

static const struct fact_def rows[] = {
    {"app.client-speaks", FACT_ENUM, FACT_OF_KIND | FACT_HEARS_CLIENT, protocol_choices,
     "the protocol of the client's first bytes", client_speaks},
    {"app.server-speaks", FACT_ENUM, FACT_OF_KIND | FACT_HEARS_SERVER, protocol_choices,
     "the protocol of the server's first bytes", server_speaks},
    {"app.speak-different", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "the two ends speak different known protocols", speak_different},
    {"app.last-speaker", FACT_ENUM, FACT_OF_KIND | FACT_HEARS_BOTH, speaker_choices,
     "whose payload came last", last_speaker},
    {"app.answer-owed", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "the client had asked and no answer had begun", answer_owed},
    {"app.exchange-complete", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "HTTP/1: the last request was answered in full and none came after it", exchange_complete},
    {"app.tls-fatal-alert", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "a fatal TLS alert was sent in clear", tls_fatal},
    {"app.tls-alert", FACT_TEXT, FACT_OF_KIND, NULL, "the name of that alert", tls_alert},
    {"app.tls-alert-by", FACT_ENUM, FACT_OF_KIND, speaker_choices, "who sent that alert",
     tls_alert_by},
    {"app.tls-established", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "TLS application data was seen, beyond the handshake", tls_established},
    {"app.tls-nothing-asked", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "TLS: the client ended the handshake, and sent nothing beyond it", tls_nothing_asked},
    {"app.tls-alert-instead", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "TLS 1.3: all that the server said after the handshake is, by its size, an alert, at once",
     tls_alert_instead},
    {"app.tls-no-certificate", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "TLS 1.3: the server asked for the client's certificate, and the client sent an empty one",
     tls_no_certificate},
    {"app.tls-certificate-unasked", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "TLS 1.3: the client's Finished came first: the server had not asked for its certificate",
     tls_certificate_unasked},
    {"app.tls-sni", FACT_TEXT, FACT_OF_KIND | FACT_HEARS_CLIENT, NULL,
     "the server name in the ClientHello", tls_sni},
    {"app.amqp-heartbeat", FACT_DURATION, FACT_OF_KIND | FACT_HEARS_CLIENT, NULL,
     "the heartbeat interval that AMQP agreed on", amqp_heartbeat},
    {"ssh.kex-done", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "SSH's key exchange was completed", ssh_kex_done},
    {"ssh.disconnect-text", FACT_TEXT, FACT_OF_KIND, NULL,
     "the text of a clear SSH disconnect message", ssh_disconnect},
};

const struct fact_rows facts_words = {.rows = rows, .n = sizeof rows / sizeof rows[0]};
