/* SPDX-License-Identifier: Apache-2.0 */
/* The least that is worth knowing of SMTP, FTP, LDAP and RDP. */
#include "parsers/packet/chain.h"

bool words_reply(struct text head, struct server_error *out)
{
    *out = (struct server_error){0};
    const struct text line = words_first_line(head);
    uint64_t code;
    if (line.n < 4 || (line.p[3] != ' ' && line.p[3] != '-') ||
        !text_to_u64(text_slice(line, 0, 3), &code) || code < 100 || code > 599)
        return false;
    *out = (struct server_error){
        .saw = true, .code = (uint32_t)code, .text = text_slice(line, 4, line.n)};
    return true;
}

enum {
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_ENUMERATED = 0x0a,
    BER_SEQUENCE = 0x30,
    LDAP_BIND_REQUEST = 0x60,
    LDAP_BIND_RESPONSE = 0x61,
    LDAP_EXTENDED_RESPONSE = 0x78,
};

/* Tag and length (X.690 section 8.1); the content as far as the view holds it. */
static bool ber_read(struct cursor *c, uint8_t want, struct text *content)
{
    const uint8_t tag = cursor_u8(c);
    uint32_t length = cursor_u8(c);
    if (c->overrun || tag != want)
        return false;
    if (length & 0x80) {
        const unsigned n = length & 0x7f;
        if (n == 0 || n > 3)
            return false;
        length = 0;
        for (unsigned i = 0; i < n; i++)
            length = length << 8 | cursor_u8(c);
    }
    *content = cursor_text_up_to(c, length);
    return !c->overrun;
}

/* LDAPResult, RFC 4511 section 4.1.9. */
static void ldap_result(struct text operation, struct ldap_seen *out)
{
    struct cursor c = text_cursor(operation);
    struct text code, dn, text;
    if (!ber_read(&c, BER_ENUMERATED, &code) || code.n != 1 || !ber_read(&c, BER_OCTETS, &dn) ||
        !ber_read(&c, BER_OCTETS, &text))
        return;
    out->error =
        (struct server_error){.saw = code.p[0] != 0, .code = (uint8_t)code.p[0], .text = text};
}

bool words_ldap(struct text head, struct ldap_seen *out)
{
    *out = (struct ldap_seen){0};
    struct cursor c = text_cursor(head);
    struct text message, id, operation;
    if (!ber_read(&c, BER_SEQUENCE, &message))
        return false;
    c = text_cursor(message);
    if (!ber_read(&c, BER_INTEGER, &id) || id.n == 0 || id.n > 4)
        return false;
    struct cursor peek = c;
    const uint8_t tag = cursor_u8(&peek);
    if (tag != LDAP_BIND_REQUEST && tag != LDAP_BIND_RESPONSE && tag != LDAP_EXTENDED_RESPONSE)
        return false;
    if (!ber_read(&c, tag, &operation))
        return false;
    out->saw_bind = tag == LDAP_BIND_REQUEST;
    out->saw_bind_response = tag == LDAP_BIND_RESPONSE;
    out->saw_notice_of_disconnection = /* RFC 4511 section 4.4.1 */
        text_find(operation, TEXT("1.3.6.1.4.1.1466.20036"), 0) != SIZE_MAX;
    if (tag != LDAP_BIND_REQUEST)
        ldap_result(operation, out);
    return true;
}

enum { X224_CONNECTION_REQUEST = 0xe0, X224_CONNECTION_CONFIRM = 0xd0, RDP_FAILURE = 3 };

/* TPKT (RFC 1006), X.224 and, behind it, MS-RDPBCGR section 2.2.1.2. */
bool words_rdp(struct text head, struct rdp_seen *out)
{
    *out = (struct rdp_seen){0};
    struct cursor c = text_cursor(head);
    const uint16_t version = cursor_be16(&c);
    const uint16_t length = cursor_be16(&c);
    const uint8_t x224_length = cursor_u8(&c);
    const uint8_t type = cursor_u8(&c);
    if (c.overrun || version != 0x0300 || length > 512 || length != x224_length + 5)
        return false;
    out->saw_request = type == X224_CONNECTION_REQUEST;
    out->saw_confirm = type == X224_CONNECTION_CONFIRM;
    cursor_skip(&c, 5);
    if (out->saw_confirm && cursor_u8(&c) == RDP_FAILURE) {
        cursor_skip(&c, 3);
        out->failure_code = cursor_le32(&c);
        out->saw_failure = !c.overrun;
    }
    return out->saw_request || out->saw_confirm;
}
