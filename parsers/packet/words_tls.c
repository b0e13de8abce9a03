/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as an onlooker sees it: record types, hellos in clear, alerts in clear, and that there were
 * others.  Encrypted content stays opaque; its size is all that is said of it.
 */
#include "parsers/packet/chain.h"

enum {
    RECORD_CHANGE_CIPHER_SPEC = 20,
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_APPLICATION_DATA = 23,
    RECORD_MAX = 16384 + 2048,
    HANDSHAKE_CLIENT_HELLO = 1,
    HANDSHAKE_SERVER_HELLO = 2,
    HANDSHAKE_CERTIFICATE = 11,
    HANDSHAKE_SERVER_HELLO_DONE = 14,
    EXTENSION_SNI = 0,
    EXTENSION_ALPN = 16,
    EXTENSION_VERSIONS = 43,
};

/* A ServerHello with this random is a HelloRetryRequest (RFC 8446 section 4.1.3). */
static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* RFC 6066 section 3 */
static void read_sni(struct cursor body, struct tls_seen *out)
{
    cursor_skip(&body, 2);
    if (cursor_u8(&body) == 0)
        out->sni = cursor_text(&body, cursor_be16(&body));
}

/* RFC 7301 section 3.1 */
static void read_alpn(struct cursor body, struct tls_seen *out)
{
    cursor_skip(&body, 2);
    out->alpn = cursor_text(&body, cursor_u8(&body));
}

/* RFC 8446 section 4.2.1: a client's list, a server's choice.  GREASE values are no versions. */
static void read_versions(struct cursor body, bool is_client, struct tls_seen *out)
{
    if (is_client)
        cursor_skip(&body, 1);
    while (cursor_left(&body) >= 2) {
        const uint16_t version = cursor_be16(&body);
        if (version >> 8 == 3 && version > out->version)
            out->version = version;
    }
}

static void read_extensions(struct cursor *c, bool is_client, struct tls_seen *out)
{
    cursor_skip(c, 2);
    while (cursor_left(c) >= 4) {
        const uint16_t type = cursor_be16(c);
        const struct text body = cursor_text(c, cursor_be16(c));
        if (type == EXTENSION_SNI && is_client)
            read_sni(text_cursor(body), out);
        else if (type == EXTENSION_ALPN)
            read_alpn(text_cursor(body), out);
        else if (type == EXTENSION_VERSIONS)
            read_versions(text_cursor(body), is_client, out);
    }
}

static void read_client_hello(struct cursor c, struct tls_seen *out)
{
    out->saw_client_hello = true;
    out->version = cursor_be16(&c);
    cursor_skip(&c, 32);
    cursor_skip(&c, cursor_u8(&c));
    cursor_skip(&c, cursor_be16(&c));
    cursor_skip(&c, cursor_u8(&c));
    if (!c.overrun)
        read_extensions(&c, true, out);
}

static void read_server_hello(struct cursor c, struct tls_seen *out)
{
    out->saw_server_hello = true;
    out->version = cursor_be16(&c);
    const uint8_t *random = cursor_take(&c, 32);
    out->saw_hello_retry |= random && memcmp(random, retry_random, 32) == 0;
    cursor_skip(&c, cursor_u8(&c));
    cursor_skip(&c, 3);
    if (!c.overrun)
        read_extensions(&c, false, out);
}

/* Messages of one record; one that goes on in the next is read as far as it goes. */
static void read_handshake(struct cursor c, struct tls_seen *out)
{
    while (cursor_left(&c) >= 4) {
        const uint8_t type = cursor_u8(&c);
        uint32_t length = (uint32_t)cursor_u8(&c) << 16;
        length |= cursor_be16(&c);
        const struct text body = cursor_text_up_to(&c, length);
        if (type == HANDSHAKE_CLIENT_HELLO)
            read_client_hello(text_cursor(body), out);
        else if (type == HANDSHAKE_SERVER_HELLO)
            read_server_hello(text_cursor(body), out);
        else if (type == HANDSHAKE_CERTIFICATE)
            out->saw_certificate = true;
        else if (type == HANDSHAKE_SERVER_HELLO_DONE)
            out->saw_server_hello_done = true;
    }
}

static void read_alert(struct text body, size_t length, bool encrypted, struct tls_seen *out)
{
    out->n_alerts++;
    const uint8_t level = body.n >= 1 ? (uint8_t)body.p[0] : 0;
    if (encrypted || length != 2 || level < 1 || level > 2) {
        out->saw_encrypted_alert = true;
        return;
    }
    if (body.n < 2)
        return;
    out->saw_clear_alert = true;
    out->alert_level = level;
    out->alert_code = (uint8_t)body.p[1];
}

static bool header_is_sane(uint8_t type, uint16_t version, uint16_t length)
{
    return type >= RECORD_CHANGE_CIPHER_SPEC && type <= RECORD_APPLICATION_DATA &&
           version >= 0x0300 && version <= 0x0304 && length > 0 && length <= RECORD_MAX;
}

static bool read_record(struct cursor *c, struct tls_seen *out)
{
    const uint8_t type = cursor_u8(c);
    const uint16_t version = cursor_be16(c);
    const uint16_t length = cursor_be16(c);
    if (c->overrun || !header_is_sane(type, version, length)) {
        out->cut |= c->overrun;
        return false;
    }
    if (out->n_records++ == 0)
        out->record_version = version;
    out->cut = cursor_left(c) < length;
    const struct text body = cursor_text_up_to(c, length);
    const bool encrypted = out->saw_change_cipher_spec || out->saw_application_data;
    out->ends_with_alert = type == RECORD_ALERT;
    out->ends_alert_sized = type == RECORD_APPLICATION_DATA && length >= 17 && length <= 24;
    const bool is_sealed = type == RECORD_APPLICATION_DATA ? !out->ends_alert_sized
                                                           : encrypted && type == RECORD_HANDSHAKE;
    if (is_sealed && out->n_sealed++ == 0)
        out->sealed_length = length;
    if (type == RECORD_CHANGE_CIPHER_SPEC)
        out->saw_change_cipher_spec = true;
    else if (type == RECORD_APPLICATION_DATA)
        out->saw_application_data = true;
    else if (type == RECORD_ALERT)
        read_alert(body, length, encrypted, out);
    else if (!encrypted)
        read_handshake(text_cursor(body), out);
    return true;
}

static bool scan(struct text t, struct tls_seen *out)
{
    *out = (struct tls_seen){0};
    struct cursor c = text_cursor(t);
    while (cursor_left(&c) > 0 && read_record(&c, out)) {
    }
    return out->n_records > 0;
}

bool words_tls_scan(struct text head, struct tls_seen *out)
{
    return scan(head, out);
}

static size_t record_length(struct text rest)
{
    struct cursor c = text_cursor(rest);
    const uint8_t type = cursor_u8(&c);
    const uint16_t version = cursor_be16(&c);
    const uint16_t length = cursor_be16(&c);
    return !c.overrun && header_is_sane(type, version, length) ? (size_t)length + 5 : 0;
}

bool words_tls_tail(struct text tail, struct tls_seen *out)
{
    return scan(chain_at_end(tail, record_length), out);
}

/* RFC 8446 section 6 and RFC 5246 section 7.2 */
static const struct {
    uint8_t code;
    const char *name;
} alerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {30, "decompression_failure"},
    {40, "handshake_failure"},
    {41, "no_certificate"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {60, "export_restriction"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {111, "certificate_unobtainable"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {114, "bad_certificate_hash_value"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {120, "no_application_protocol"},
};

const char *words_tls_alert(uint8_t code)
{
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        if (alerts[i].code == code)
            return alerts[i].name;
    }
    return NULL;
}
