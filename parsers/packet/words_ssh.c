/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSH before it is encrypted: the identification line, what a server says in its place, and the
 * packets up to NEWKEYS.
 */
#include "parsers/packet/chain.h"

enum {
    MSG_DISCONNECT = 1,
    MSG_KEXINIT = 20,
    MSG_NEWKEYS = 21,
    MSG_KEX_FIRST = 30, /* RFC 5656, 4419: the messages of the method agreed upon */
    MSG_KEX_LAST = 49,
    NEWKEYS_BYTES = 16,
    PACKET_MAX = 35000, /* RFC 4253 section 6.1 */
    LINES_MAX = 64,
};

static void read_banner(struct text line, struct ssh_seen *out)
{
    struct text rest = text_slice(line, 4, line.n);
    out->banner = line;
    if (!text_cut(rest, '-', &out->protocol, &rest))
        return;
    struct text comment;
    text_cut(rest, ' ', &out->software, &comment);
}

/* A server may send other lines first (RFC 4253 section 4.2); with no banner after them they are
 * all that it said. */
static bool read_lines(struct cursor *c, struct ssh_seen *out)
{
    for (unsigned n = 0; n < LINES_MAX && cursor_left(c) > 0; n++) {
        const struct text rest = {(const char *)c->p + c->at, cursor_left(c)};
        const size_t end = text_find_byte(rest, '\n', 0);
        const struct text line = text_trim(text_slice(rest, 0, end));
        cursor_skip(c, end == SIZE_MAX ? rest.n : end + 1);
        if (text_starts(line, TEXT("SSH-"))) {
            read_banner(line, out);
            return true;
        }
        if (words_first_line(line).n == 0)
            return false;
        if (out->before.n == 0)
            out->before = line;
    }
    return false;
}

static void read_disconnect(struct cursor c, struct ssh_seen *out)
{
    out->saw_disconnect = true;
    out->disconnect_code = cursor_be32(&c);
    const uint32_t n = cursor_be32(&c);
    out->disconnect_text = cursor_text_up_to(&c, n);
}

static void note_cut(struct cursor c, uint64_t at, uint32_t length, struct ssh_seen *out)
{
    out->cut = true;
    if (c.overrun)
        return;
    out->cut_end = at + length;
    cursor_skip(&c, 1);
    out->cut_message = cursor_u8(&c);
}

/* RFC 4253 section 6: length, padding length, payload, padding. */
static bool read_packet(struct cursor *c, struct ssh_seen *out)
{
    const uint32_t length = cursor_be32(c);
    if (!c->overrun && (length < 2 || length > PACKET_MAX))
        return false;
    if (c->overrun || length > cursor_left(c)) {
        note_cut(*c, c->at, length, out);
        return false;
    }
    const uint8_t *body = cursor_take(c, length);
    if (!body)
        return false;
    struct cursor packet = cursor_of(body, length);
    const uint8_t padding = cursor_u8(&packet);
    const uint8_t message = cursor_u8(&packet);
    if (padding < 4 || (size_t)padding + 2 > length)
        return false;
    out->n_packets++;
    out->saw_kexinit |= message == MSG_KEXINIT;
    out->saw_newkeys |= message == MSG_NEWKEYS;
    if (message == MSG_DISCONNECT)
        read_disconnect(packet, out);
    return true;
}

/* What sshd writes in place of its banner, and then closes (sshd.c, drop_connection). */
static bool is_refusal(struct text line)
{
    return text_eq(line, TEXT("Exceeded MaxStartups")) ||
           text_starts(line, TEXT("Not allowed at this time")) ||
           text_starts(line, TEXT("Invalid SSH identification string")) ||
           text_starts(line, TEXT("Protocol mismatch."));
}

bool words_ssh(struct text head, struct ssh_seen *out)
{
    *out = (struct ssh_seen){0};
    struct cursor c = text_cursor(head);
    if (!read_lines(&c, out))
        return is_refusal(out->before);
    out->after = words_first_line(text_slice(head, c.at, head.n));
    if (out->after.n > 0)
        return true;
    while (cursor_left(&c) > 0 && !out->saw_newkeys && !out->saw_disconnect) {
        if (!read_packet(&c, out))
            break;
    }
    return true;
}

bool words_ssh_keys_sent(const struct ssh_seen *seen, uint64_t n_bytes)
{
    if (seen->saw_newkeys)
        return true;
    return seen->saw_kexinit && seen->cut_end > 0 && seen->cut_message >= MSG_KEX_FIRST &&
           seen->cut_message <= MSG_KEX_LAST && n_bytes >= seen->cut_end + NEWKEYS_BYTES;
}

/* RFC 4253 section 11.1 */
static const char *const disconnects[] = {
    NULL,
    "HOST_NOT_ALLOWED_TO_CONNECT",
    "PROTOCOL_ERROR",
    "KEY_EXCHANGE_FAILED",
    "RESERVED",
    "MAC_ERROR",
    "COMPRESSION_ERROR",
    "SERVICE_NOT_AVAILABLE",
    "PROTOCOL_VERSION_NOT_SUPPORTED",
    "HOST_KEY_NOT_VERIFIABLE",
    "CONNECTION_LOST",
    "BY_APPLICATION",
    "TOO_MANY_CONNECTIONS",
    "AUTH_CANCELLED_BY_USER",
    "NO_MORE_AUTH_METHODS_AVAILABLE",
    "ILLEGAL_USER_NAME",
};

const char *words_ssh_disconnect(uint32_t code)
{
    return code < sizeof disconnects / sizeof disconnects[0] ? disconnects[code] : NULL;
}
