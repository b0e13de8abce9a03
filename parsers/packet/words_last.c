/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last thing that a direction said: each protocol's reader gives its facts, one function a
 * protocol puts them into the same few fields.  Nothing is judged, and secrets (the arguments of
 * login commands) are left out.
 */
#include "parsers/packet/chain.h"

#define LINE_MAX_BYTES 120 /* what is longer is text, but hardly a line of a dialogue */

static void say(struct last_words *out, enum said_kind kind, const char *noun, struct text detail)
{
    out->kind = kind;
    out->noun = noun;
    out->detail = detail;
}

static void say_code(struct last_words *out, uint32_t code, const char *name)
{
    out->has_code = true;
    out->code = code;
    out->name = name;
}

static void last_of_tls(const struct spoken *s, struct last_words *out)
{
    struct tls_seen t;
    if (!words_tls_tail(s->tail, &t) && !words_tls_scan(s->head, &t))
        return;
    if (t.ends_with_alert && t.saw_clear_alert && !t.saw_encrypted_alert) {
        const bool closes = t.alert_code == 0;
        say(out, closes ? SAID_GOODBYE : SAID_ALERT, "TLS alert", TEXT(""));
        say_code(out, t.alert_code, words_tls_alert(t.alert_code));
    } else if (t.ends_with_alert) {
        say(out, SAID_ALERT, "encrypted TLS alert", TEXT(""));
    } else if (t.saw_application_data || t.saw_change_cipher_spec) {
        say(out, SAID_DATA, "TLS data", TEXT(""));
    } else if (t.saw_client_hello) {
        say(out, SAID_GREETING, "TLS ClientHello", t.sni);
    } else if (t.saw_server_hello) {
        say(out, SAID_ANSWER, "TLS ServerHello", TEXT(""));
    }
}

static void last_of_ssh(const struct spoken *s, struct last_words *out)
{
    struct ssh_seen seen;
    if (!words_ssh(s->head, &seen)) {
        say(out, SAID_DATA, "bytes that are not SSH", words_first_line(s->head));
        return;
    }
    if (seen.saw_disconnect) {
        say(out, SAID_GOODBYE, "SSH disconnect", seen.disconnect_text);
        say_code(out, seen.disconnect_code, words_ssh_disconnect(seen.disconnect_code));
    } else if (seen.after.n > 0) {
        say(out, SAID_ERROR, "line in place of SSH packets", seen.after);
    } else if (seen.banner.n == 0) {
        say(out, SAID_ERROR, "line in place of the SSH banner", seen.before);
    } else if (words_ssh_keys_sent(&seen, s->n_bytes)) {
        say(out, SAID_DATA, "encrypted SSH packets", TEXT(""));
    } else if (s->n_bytes > s->head.n) {
        say(out, SAID_DATA, "SSH packets", TEXT(""));
    } else if (seen.n_packets > 0 || seen.cut) {
        say(out, SAID_GREETING, "SSH key exchange", TEXT(""));
    } else {
        say(out, SAID_GREETING, "SSH banner", seen.banner);
    }
}

typedef bool find_message(struct text view, struct http_message *out);

/* The last message, looked for in the last bytes, then in the first; n: its bytes so far. */
static bool last_message(const struct spoken *s, find_message *find, find_message *first,
                         struct http_message *m, uint64_t *n)
{
    if (s->tail.p != s->head.p && find(s->tail, m)) {
        *n = s->tail.n - m->at;
        return true;
    }
    if (!find(s->head, m) && !first(s->head, m))
        return false;
    *n = s->n_bytes - m->at;
    return true;
}

static void last_of_http1_client(const struct spoken *s, struct last_words *out)
{
    struct http_message m;
    uint64_t n;
    if (!last_message(s, words_http_last_request, words_http_request, &m, &n)) {
        say(out, SAID_DATA, "bytes that are not HTTP", TEXT(""));
        return;
    }
    say(out, SAID_REQUEST, "HTTP request", m.target);
    out->state = m.method;
    out->whole = words_http_completeness(&m, n, s->tail);
}

static void last_of_http1_server(const struct spoken *s, struct last_words *out)
{
    struct http_message m;
    uint64_t n;
    if (!last_message(s, words_http_last_response, words_http_response, &m, &n)) {
        say(out, SAID_DATA, "bytes that are not HTTP", TEXT(""));
        return;
    }
    say(out, m.status >= 400 ? SAID_ERROR : SAID_ANSWER, "HTTP response", m.reason);
    say_code(out, m.status, NULL);
    out->whole = words_http_completeness(&m, n, s->tail);
}

static void last_of_http1(const struct spoken *s, struct last_words *out)
{
    if (s->by_client)
        last_of_http1_client(s, out);
    else
        last_of_http1_server(s, out);
}

static void last_of_http2(const struct spoken *s, struct last_words *out)
{
    struct http2_seen h;
    if (!words_http2_tail(s->tail, &h) && !words_http2_scan(s->head, &h))
        return;
    if (h.saw_goaway) {
        const bool cut = h.n_rst_before_goaway > 0 && h.goaway_code == 0;
        say(out, SAID_GOODBYE, cut ? "HTTP/2 RST_STREAM and GOAWAY" : "HTTP/2 GOAWAY",
            h.goaway_text);
        say_code(out, h.goaway_code, words_http2_error(h.goaway_code));
    } else if (h.n_rst_stream > 0) {
        say(out, SAID_ERROR, "HTTP/2 RST_STREAM", TEXT(""));
        say_code(out, h.rst_stream_code, words_http2_error(h.rst_stream_code));
    }
}

static void last_of_amqp(const struct spoken *s, struct last_words *out)
{
    struct amqp_seen a;
    if (!words_amqp_tail(s->tail, &a) && !words_amqp_scan(s->head, &a))
        return;
    if (a.saw_close) {
        say(out, SAID_GOODBYE, "AMQP connection.close", a.close_text);
        say_code(out, a.close_code, NULL);
    } else if (a.saw_close_ok) {
        say(out, SAID_GOODBYE, "AMQP connection.close-ok", TEXT(""));
    } else if (a.ends_with_heartbeat) {
        say(out, SAID_HEARTBEAT, "AMQP heartbeat", TEXT(""));
    } else if (a.saw_header && a.n_frames == 0) {
        say(out, SAID_GREETING, "AMQP protocol header", TEXT(""));
    } else if (a.ends_with_login) {
        say(out, SAID_GREETING, "AMQP login", TEXT(""));
    } else {
        say(out, SAID_DATA, "AMQP frames", TEXT(""));
    }
}

static void server_said(struct last_words *out, const struct server_error *e, const char *noun)
{
    say(out, SAID_ERROR, noun, e->text);
    out->has_code = e->code != 0;
    out->code = e->code;
    out->state = e->state;
}

static void last_of_mysql(const struct spoken *s, struct last_words *out)
{
    struct mysql_seen m;
    if (s->by_client)
        return;
    if (words_mysql_tail(s->tail, &m) || (words_mysql(s->head, &m) && m.error.saw))
        server_said(out, &m.error, "MySQL error");
    else if (m.saw_greeting && s->n_bytes <= 4096 && s->tail.p == s->head.p)
        say(out, SAID_GREETING, "MySQL greeting", m.version);
}

static void last_of_postgresql(const struct spoken *s, struct last_words *out)
{
    struct postgresql_seen p;
    if (words_postgresql_tail(s->tail, &p) || (words_postgresql(s->head, &p) && p.error.saw))
        server_said(out, &p.error, "PostgreSQL error");
    else if (s->by_client && p.saw_startup && s->n_bytes <= s->head.n)
        say(out, SAID_GREETING, "PostgreSQL startup", p.database.n > 0 ? p.database : p.user);
}

static void last_of_redis(const struct spoken *s, struct last_words *out)
{
    struct server_error e;
    if (!s->by_client && (words_redis_tail(s->tail, &e) || words_redis(s->tail, &e)))
        server_said(out, &e, "Redis error");
    else if (s->by_client)
        say(out, SAID_REQUEST, "Redis command", TEXT(""));
}

/* Of a client only the verb: what follows may be a password. */
static void last_command(struct text line, struct last_words *out)
{
    struct text verb, rest;
    text_cut(line, ' ', &verb, &rest);
    const bool known = verb.n > 0 && verb.n <= 8;
    const bool quits = text_eq_nocase(verb, TEXT("QUIT"));
    say(out, quits ? SAID_GOODBYE : SAID_REQUEST, "command", known ? verb : TEXT(""));
}

static void last_of_commands(const struct spoken *s, struct last_words *out)
{
    const struct text line = words_last_line(s->tail);
    struct server_error reply;
    if (s->by_client) {
        last_command(line, out);
    } else if (words_reply(line, &reply)) {
        server_said(out, &reply, "reply");
        out->kind = reply.code == 421 || reply.code == 221 ? SAID_GOODBYE
                    : reply.code >= 400                    ? SAID_ERROR
                                                           : SAID_ANSWER;
    }
}

/* RFC 5321 section 4.1.1 and the extensions that mail servers know. */
static bool is_smtp_command(struct text line)
{
    static const char *const verbs[] = {"HELO", "EHLO", "LHLO",     "MAIL", "RCPT",    "DATA",
                                        "BDAT", "RSET", "NOOP",     "QUIT", "VRFY",    "EXPN",
                                        "HELP", "ETRN", "STARTTLS", "AUTH", "XCLIENT", "XFORWARD"};
    struct text verb, rest;
    text_cut(line, ' ', &verb, &rest);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (text_eq_nocase(verb, text_of(verbs[i])))
            return true;
    return false;
}

/* Between DATA and a line of one dot the client does not ask, it sends; so it does in a login. */
static void last_of_smtp(const struct spoken *s, struct last_words *out)
{
    const struct text line = words_last_line(s->tail);
    if (!s->by_client || is_smtp_command(line))
        last_of_commands(s, out);
    else if (text_ends(s->tail, TEXT("\r\n.\r\n")))
        say(out, SAID_REQUEST, "end of a message", TEXT(""));
    else
        say(out, SAID_DATA, "text of a message", TEXT(""));
}

static void last_of_ldap(const struct spoken *s, struct last_words *out)
{
    struct ldap_seen l;
    if (!words_ldap(s->tail, &l))
        return;
    if (l.saw_notice_of_disconnection) {
        server_said(out, &l.error, "LDAP notice of disconnection");
        out->kind = SAID_GOODBYE;
    } else if (l.error.saw) {
        server_said(out, &l.error, "LDAP error");
    } else if (l.saw_bind || l.saw_bind_response) {
        say(out, l.saw_bind ? SAID_REQUEST : SAID_ANSWER, "LDAP bind", TEXT(""));
    }
}

static void last_of_rdp(const struct spoken *s, struct last_words *out)
{
    struct rdp_seen r;
    if (!words_rdp(s->head, &r) || s->n_bytes > s->head.n)
        return;
    if (r.saw_failure) {
        say(out, SAID_ERROR, "RDP negotiation failure", TEXT(""));
        say_code(out, r.failure_code, NULL);
    } else {
        say(out, r.saw_request ? SAID_GREETING : SAID_ANSWER, "RDP negotiation", TEXT(""));
    }
}

static void last_of_smb(const struct spoken *s, struct last_words *out)
{
    struct smb_seen m;
    if (!words_smb_tail(s->tail, &m) || m.is_encrypted)
        return;
    if (m.is_error) {
        say(out, SAID_ERROR, "SMB status", TEXT(""));
        say_code(out, m.status, words_smb_status(m.status));
    } else if (m.is_negotiate) {
        say(out, m.is_response ? SAID_ANSWER : SAID_GREETING, "SMB negotiation", TEXT(""));
    } else if (m.is_logoff) {
        say(out, SAID_GOODBYE, "SMB logoff", TEXT(""));
    } else {
        say(out, m.is_response ? SAID_ANSWER : SAID_REQUEST, "SMB message", TEXT(""));
    }
}

/* IMAP's "a1 LOGIN fred secret", POP3's "PASS secret". */
static bool is_login(struct text line)
{
    static const char *const verbs[] = {"LOGIN", "PASS", "AUTH", "AUTHENTICATE", "APOP"};
    struct text word, rest = line;
    bool more = true;
    for (unsigned n = 0; more && n < 2; n++) {
        more = text_cut(rest, ' ', &word, &rest);
        for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
            if (text_eq_nocase(word, text_of(verbs[i])))
                return true;
    }
    return false;
}

/* Replies by which mail and FTP servers end what was hardly begun, so that nothing else tells which
 * of them it is: RFC 5321 section 3.1, RFC 959 section 5.4. */
static bool is_turned_away(struct text line, struct server_error *reply)
{
    return words_reply(line, reply) && (reply->code == 421 || reply->code == 554);
}

static void last_of_text(const struct spoken *s, struct last_words *out)
{
    struct server_error reply;
    const struct text line = words_last_line(s->tail);
    if (s->by_client && is_login(line))
        say(out, SAID_REQUEST, "login", TEXT(""));
    else if (!s->by_client && is_turned_away(line, &reply))
        last_of_commands(s, out);
    else if (line.n > 0 && line.n <= LINE_MAX_BYTES)
        say(out, SAID_DATA, "line", line);
}

static void (*const readers[APP_PROTOCOLS])(const struct spoken *, struct last_words *) = {
    [APP_TLS] = last_of_tls,
    [APP_SSH] = last_of_ssh,
    [APP_HTTP1] = last_of_http1,
    [APP_HTTP2] = last_of_http2,
    [APP_AMQP] = last_of_amqp,
    [APP_MYSQL] = last_of_mysql,
    [APP_POSTGRESQL] = last_of_postgresql,
    [APP_REDIS] = last_of_redis,
    [APP_SMTP] = last_of_smtp,
    [APP_FTP] = last_of_commands,
    [APP_LDAP] = last_of_ldap,
    [APP_RDP] = last_of_rdp,
    [APP_SMB] = last_of_smb,
    [APP_TEXT] = last_of_text,
};

void words_last(enum app_protocol p, const struct spoken *s, struct last_words *out)
{
    *out = (struct last_words){.whole = HTTP_UNSURE};
    if (s->n_bytes == 0)
        return;
    if (p < APP_PROTOCOLS && readers[p])
        readers[p](s, out);
    out->is_read = out->noun != NULL;
    if (!out->is_read)
        say(out, SAID_DATA, "payload", TEXT(""));
}

const char *words_said_id(enum said_kind k)
{
    static const char *const ids[SAID_KINDS] = {"nothing", "data",    "greeting",
                                                "request", "answer",  "error",
                                                "alert",   "goodbye", "heartbeat"};
    return ids[k < SAID_KINDS ? k : SAID_DATA];
}
