/* SPDX-License-Identifier: Apache-2.0 */
/* What a RST itself says: text, a diagnostic payload, or a vendor's number in the window field. */
#include "parsers/packet/chain.h"

enum {
    COMPACT_MAGIC = 0x33aa,
    OLD_MAGIC = 12345, /* stood for the RFC number to come */
    CBOR_U16 = 0x19,
    CBOR_PAIRS_MAX = 4,
};

/* draft-ietf-tcpm-rst-diagnostic-payload, "Initial TCP Failure Causes" */
static const char *const causes[] = {
    NULL,
    "illegal option length",
    "desynchronized state",
    "data after CLOSE",
    "ABORT",
    "unexpected ACK before synchronization",
    "unexpected SYN in the window",
    "unexpected security compartment",
    "malformed message",
    "not authorized",
    "resource exceeded",
    "network failure",
    "reset received from the peer",
    "destination unreachable",
    "connection timeout",
    "too much outstanding data",
    "unacceptable performance",
    "middlebox interference",
};

static void set_code(struct rst_payload *out, uint32_t code, uint32_t pen)
{
    out->has_code = true;
    out->code = code;
    out->pen = pen;
    out->meaning = pen == 0 && code < sizeof causes / sizeof causes[0] ? causes[code] : NULL;
}

static bool is_diagnostic(struct rst_payload *out, const char *layout)
{
    out->kind = RST_PAYLOAD_DIAGNOSTIC;
    out->layout = layout;
    return true;
}

/* Magic, code, enterprise number: 8 bytes and no other length. */
static bool read_compact(struct text t, struct rst_payload *out)
{
    struct cursor c = text_cursor(t);
    if (t.n != 8 || cursor_be16(&c) != COMPACT_MAGIC)
        return false;
    const uint16_t code = cursor_be16(&c);
    set_code(out, code, cursor_be32(&c));
    return code != 0 && is_diagnostic(out, "compact");
}

/* Magic, length of what follows, length of the description, then code and description, each
 * optional, with an enterprise number between them where the lengths leave room for it. */
static bool read_lengths(struct text t, struct rst_payload *out)
{
    struct cursor c = text_cursor(t);
    if (cursor_be16(&c) != OLD_MAGIC)
        return false;
    const uint16_t length = cursor_be16(&c);
    const uint16_t text_length = cursor_be16(&c);
    if (c.overrun || length < 4 || length != t.n - 4 || text_length > length - 2)
        return false;
    if (text_length == 0) {
        const uint16_t code = cursor_be16(&c);
        set_code(out, code, cursor_left(&c) == 4 ? cursor_be32(&c) : 0);
    } else {
        cursor_skip(&c, cursor_left(&c) - text_length);
        out->text = cursor_text(&c, text_length);
    }
    return is_diagnostic(out, "lengths");
}

/* Head of a CBOR item (RFC 8949 section 3); indefinite lengths and simple values are not used by
 * the drafts. */
static bool cbor_head(struct cursor *c, unsigned *major, uint32_t *value)
{
    const uint8_t first = cursor_u8(c);
    const unsigned more = first & 0x1f;
    *major = first >> 5;
    if (more < 24)
        *value = more;
    else if (more == 24)
        *value = cursor_u8(c);
    else if (more == 25)
        *value = cursor_be16(c);
    else if (more == 26)
        *value = cursor_be32(c);
    else
        return false;
    return !c->overrun;
}

/* A map of 1: code, 2: enterprise number, 3: description. */
static bool read_cbor(struct text t, struct rst_payload *out)
{
    struct cursor c = text_cursor(t);
    if (cursor_u8(&c) != CBOR_U16 || cursor_be16(&c) != OLD_MAGIC)
        return false;
    unsigned major;
    uint32_t n, code = 0, pen = 0;
    bool has_code = false;
    if (!cbor_head(&c, &major, &n) || major != 5 || n == 0 || n > CBOR_PAIRS_MAX)
        return false;
    while (n-- > 0) {
        uint32_t key, value;
        if (!cbor_head(&c, &major, &key) || major != 0 || !cbor_head(&c, &major, &value))
            return false;
        if (major == 2 || major == 3) {
            const struct text text = cursor_text(&c, value);
            if (c.overrun)
                return false;
            if (key == 3)
                out->text = text;
        } else if (major != 0) {
            return false;
        } else if (key == 1) {
            has_code = true;
            code = value;
        } else if (key == 2) {
            pen = value;
        }
    }
    if (has_code)
        set_code(out, code, pen);
    return is_diagnostic(out, "cbor");
}

bool words_rst_payload(struct text payload, struct rst_payload *out)
{
    *out = (struct rst_payload){0};
    if (read_compact(payload, out))
        return true;
    *out = (struct rst_payload){0};
    if (read_lengths(payload, out))
        return true;
    *out = (struct rst_payload){0};
    if (read_cbor(payload, out))
        return true;
    *out = (struct rst_payload){0};
    /* text may be padded with zeros */
    while (payload.n > 0 && payload.p[payload.n - 1] == '\0')
        payload.n--;
    const struct text text = words_first_line(payload);
    if (text.n < 3)
        return false;
    out->kind = RST_PAYLOAD_TEXT;
    out->text = text;
    return true;
}

static const struct {
    uint16_t window;
    const char *meaning;
} netscaler[] = {
    {8196, "bad TLS record"},
    {8201, "stray segment at the server's side"},
    {8202, "stray segment at the client's side, or an expired SYN cookie"},
    {8204, "SYN sent again with another sequence number"},
    {8205, "wrong ACK number in the handshake"},
    {8206, "4-tuple of an old connection reused"},
    {8207, "SYN inside the window of an open connection"},
    {8208, "too many retransmissions of one segment"},
    {8209, "out of memory"},
    {8210, "HTTP denial-of-service protection"},
    {8211, "idle connection cleaned up"},
    {8212, "stray SYN: no service listens, or a bad SYN cookie"},
    {8214, "MSS of the SYN exceeds the MTU"},
    {9100, "request never completed"},
    {9212, "invalid HTTP request"},
    {9217, "more content than Content-Length promised"},
    {9222, "response breaks the HTTP standard"},
    {9300, "idle timeout, or the service went down"},
    {9301, "idle timeout, or the service went down"},
    {9302, "idle timeout, or the service went down"},
    {9303, "idle timeout, or the service went down"},
    {9304, "window stayed shut: zero-window probes exhausted"},
    {9305, "wrong ACK number in the server's SYN-ACK"},
    {9307, "small-window protection"},
    {9308, "small-window protection"},
    {9309, "small-window protection"},
    {9310, "keep-alive probes unanswered"},
    {9400, "pooled server connection not reusable"},
    {9401, "old connection given up for capacity, or its configuration removed"},
    {9457, "login at the SQL server failed"},
    {9700, "RST passed on from the other side"},
    {9701, "RST+ACK passed on from the other side"},
    {9702, "data after FIN"},
    {9800, "health monitor timed out"},
    {9811, "after a fatal TLS alert was sent"},
    {9812, "address removed from the configuration"},
    {9814, "policy with action RESET"},
    {9816, "bad TLS record"},
    {9817, "certificate of the service changed"},
    {9821, "TLS switched off"},
    {9830, "ACL with action DENY"},
    {9833, "fatal TLS error"},
    {9845, "web application firewall policy"},
    {9855, "spillover threshold of the virtual server, or surge queue"},
    {9872, "WebSocket upgrade not allowed by the profile"},
    {9952, "fatal TLS alert received"},
};

bool words_netscaler_window(uint16_t window, const char **meaning)
{
    for (size_t i = 0; i < sizeof netscaler / sizeof netscaler[0]; i++) {
        if (netscaler[i].window == window) {
            *meaning = netscaler[i].meaning;
            return true;
        }
    }
    *meaning = NULL;
    return false;
}
