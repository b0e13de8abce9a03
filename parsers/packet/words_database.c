/* SPDX-License-Identifier: Apache-2.0 */
/* MySQL, PostgreSQL and Redis: who greeted, and the error that the server gave as its last word. */
#include "parsers/packet/chain.h"

/* MySQL packet: length (3, little-endian), sequence number, payload. */
static size_t mysql_packet_length(struct text rest)
{
    struct cursor c = text_cursor(rest);
    const uint32_t length = cursor_le32(&c) & 0xffffff;
    return c.overrun || length == 0 ? 0 : (size_t)length + 4;
}

/* ERR packet: 0xff, code, and since 4.1 '#' with an SQLSTATE unless it comes before the handshake.
 */
static bool mysql_error(struct text payload, struct server_error *out)
{
    struct cursor c = text_cursor(payload);
    if (cursor_u8(&c) != 0xff)
        return false;
    const uint16_t code = cursor_le16(&c);
    if (c.overrun || code < 1000 || code >= 6000)
        return false;
    struct cursor peek = c;
    struct text state = {0};
    if (cursor_u8(&peek) == '#') {
        state = cursor_text(&peek, 5);
        c = peek;
    }
    const struct text text = cursor_text_up_to(&c, SIZE_MAX);
    if (words_first_line(text).n == 0)
        return false;
    *out = (struct server_error){.saw = true, .code = code, .state = state, .text = text};
    return true;
}

/* Protocol 10 greeting: version text, thread id, 8 bytes of scramble, a zero. */
static bool mysql_greeting(struct text payload, struct mysql_seen *out)
{
    struct cursor c = text_cursor(payload);
    if (cursor_u8(&c) != 10)
        return false;
    const struct text version = cursor_cstring(&c);
    if (version.n < 3 || version.n > 80 || words_first_line(version).n != version.n)
        return false;
    if (cursor_left(&c) >= 13) {
        out->thread = cursor_le32(&c);
        cursor_skip(&c, 8);
        if (cursor_u8(&c) != 0)
            return false;
        out->saw_thread = true;
    }
    out->saw_greeting = true;
    out->version = version;
    return true;
}

bool words_mysql(struct text head, struct mysql_seen *out)
{
    *out = (struct mysql_seen){0};
    const size_t n = mysql_packet_length(head);
    if (n == 0 || n > 4096 || head.p[3] > 2)
        return false;
    const struct text payload = text_slice(head, 4, n);
    if (mysql_error(payload, &out->error))
        return n <= 1024;
    return head.p[3] == 0 && mysql_greeting(payload, out);
}

bool words_mysql_tail(struct text tail, struct mysql_seen *out)
{
    *out = (struct mysql_seen){0};
    struct text rest = chain_at_end(tail, mysql_packet_length);
    while (rest.n > 0) {
        const size_t n = mysql_packet_length(rest);
        if (n == rest.n && mysql_error(text_slice(rest, 4, n), &out->error))
            return true;
        rest = text_slice(rest, n, rest.n);
    }
    return false;
}

enum {
    PG_PROTOCOL_3 = 196608,
    PG_CANCEL = 80877102,
    PG_SSL = 80877103,
    PG_GSS = 80877104,
    PG_STARTUP_MAX = 10000, /* MAX_STARTUP_PACKET_LENGTH */
};

static void postgresql_parameters(struct cursor c, struct postgresql_seen *out)
{
    while (cursor_left(&c) > 0) {
        const struct text name = cursor_cstring(&c);
        if (name.n == 0)
            return;
        const struct text value = cursor_cstring(&c);
        if (text_eq(name, TEXT("user")))
            out->user = value;
        else if (text_eq(name, TEXT("database")))
            out->database = value;
    }
}

/* The packets of a client that have no type byte; an SSLRequest may stand before the startup. */
static bool postgresql_client(struct text head, struct postgresql_seen *out)
{
    struct cursor c = text_cursor(head);
    for (unsigned n = 0; n < 3 && cursor_left(&c) >= 8; n++) {
        const uint32_t length = cursor_be32(&c);
        const uint32_t code = cursor_be32(&c);
        if (length < 8 || length > PG_STARTUP_MAX)
            break;
        const struct text body = cursor_text_up_to(&c, length - 8);
        out->saw_ssl_request |= code == PG_SSL && length == 8;
        out->saw_gss_request |= code == PG_GSS && length == 8;
        out->saw_cancel_request |= code == PG_CANCEL && length == 16;
        if (code >> 16 == PG_PROTOCOL_3 >> 16) {
            out->saw_startup = true;
            postgresql_parameters(text_cursor(body), out);
            break;
        }
    }
    return out->saw_startup || out->saw_ssl_request || out->saw_gss_request ||
           out->saw_cancel_request;
}

/* ErrorResponse: fields of a type byte and a C string, ended by a zero.  A notice counts only where
 * the server hangs up after it (class 57P): a crash elsewhere is told so. */
static bool postgresql_error(struct text body, bool is_notice, struct postgresql_seen *out)
{
    struct cursor c = text_cursor(body);
    struct postgresql_seen found = *out;
    while (cursor_left(&c) > 0) {
        const uint8_t field = cursor_u8(&c);
        if (field == 0)
            break;
        const struct text value = cursor_cstring(&c);
        if (field == 'S')
            found.severity = value;
        else if (field == 'C')
            found.error.state = value;
        else if (field == 'M')
            found.error.text = value;
    }
    if (found.error.text.n == 0 || found.error.state.n != 5 ||
        (is_notice && !text_starts(found.error.state, TEXT("57P"))))
        return false;
    *out = found;
    out->error.saw = true;
    return true;
}

/* BackendKeyData: process id, secret key. */
static void postgresql_key(struct text body, struct postgresql_seen *out)
{
    struct cursor c = text_cursor(body);
    const uint32_t process = cursor_be32(&c);
    if (cursor_left(&c) < 4)
        return;
    out->saw_key = true;
    out->process = process;
}

static size_t postgresql_message_length(struct text rest)
{
    struct cursor c = text_cursor(rest);
    const uint8_t type = cursor_u8(&c);
    const uint32_t length = cursor_be32(&c);
    const bool known = (type >= 'A' && type <= 'Z') || (type >= 'a' && type <= 'z') ||
                       (type >= '1' && type <= '3');
    return c.overrun || !known || length < 4 || length > 1U << 24 ? 0 : (size_t)length + 1;
}

static void postgresql_messages(struct text rest, struct postgresql_seen *out)
{
    while (rest.n > 0) {
        const size_t n = postgresql_message_length(rest);
        if (n == 0)
            return;
        out->saw_authentication |= rest.p[0] == 'R';
        if (rest.p[0] == 'E' || rest.p[0] == 'N')
            postgresql_error(text_slice(rest, 5, n), rest.p[0] == 'N', out);
        if (rest.p[0] == 'K')
            postgresql_key(text_slice(rest, 5, n), out);
        rest = text_slice(rest, n, rest.n);
    }
}

/* 'S' or 'N' answers an SSLRequest; otherwise the first message is of authentication or an error.
 */
static bool postgresql_server(struct text head, struct postgresql_seen *out)
{
    if (head.n == 1 && (head.p[0] == 'S' || head.p[0] == 'N')) {
        out->ssl_answered = true;
        out->ssl_accepted = head.p[0] == 'S';
        return false; /* one letter: too little to name the protocol by */
    }
    if (head.n > 1 && head.p[0] == 'N' && (head.p[1] == 'R' || head.p[1] == 'E')) {
        out->ssl_answered = true;
        head = text_slice(head, 1, head.n);
    }
    const size_t n = postgresql_message_length(head);
    if (n < 9 || n > 4096 || (head.p[0] != 'R' && head.p[0] != 'E'))
        return false;
    postgresql_messages(head, out);
    return head.p[0] == 'R' ? n <= 1024 : out->error.saw;
}

bool words_postgresql(struct text head, struct postgresql_seen *out)
{
    *out = (struct postgresql_seen){0};
    return postgresql_client(head, out) || postgresql_server(head, out);
}

bool words_postgresql_tail(struct text tail, struct postgresql_seen *out)
{
    *out = (struct postgresql_seen){0};
    postgresql_messages(chain_at_end(tail, postgresql_message_length), out);
    return out->error.saw;
}

/* "-WORD text": the word is in capitals, ERR or a more telling one. */
static bool redis_error(struct text line, struct server_error *out)
{
    struct text word, rest;
    if (line.n < 4 || line.p[0] != '-')
        return false;
    text_cut(text_slice(line, 1, line.n), ' ', &word, &rest);
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < 'A' || word.p[i] > 'Z')
            return false;
    }
    if (word.n < 3 || word.n > 20)
        return false;
    *out = (struct server_error){.saw = true, .state = word, .text = rest};
    return true;
}

bool words_redis(struct text head, struct server_error *out)
{
    *out = (struct server_error){0};
    return redis_error(words_first_line(head), out);
}

bool words_redis_tail(struct text tail, struct server_error *out)
{
    *out = (struct server_error){0};
    return redis_error(words_last_line(tail), out);
}
