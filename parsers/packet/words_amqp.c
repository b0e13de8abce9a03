/* SPDX-License-Identifier: Apache-2.0 */
/* AMQP 0-9-1: tuning, heartbeats, and how a connection is closed in words. */
#include "parsers/packet/chain.h"

enum {
    FRAME_METHOD = 1,
    FRAME_HEARTBEAT = 8,
    FRAME_OVERHEAD = 8, /* type, channel, size and the end octet */
    FRAME_END = 0xce,
    CLASS_CONNECTION = 10,
    METHOD_TUNE = 30,
    METHOD_TUNE_OK = 31,
    METHOD_OPEN = 40,
    METHOD_OPEN_OK = 41,
    METHOD_CLOSE = 50,
    METHOD_CLOSE_OK = 51,
};

static void read_close(struct cursor *c, struct amqp_seen *out)
{
    out->saw_close = true;
    out->close_code = cursor_be16(c);
    out->close_text = cursor_text_up_to(c, cursor_u8(c));
}

static void read_method(struct text body, struct amqp_seen *out)
{
    struct cursor c = text_cursor(body);
    if (cursor_be16(&c) != CLASS_CONNECTION)
        return;
    const uint16_t method = cursor_be16(&c);
    out->ends_with_login = !c.overrun && method <= METHOD_TUNE_OK;
    switch (method) {
    case METHOD_TUNE:
    case METHOD_TUNE_OK:
        cursor_skip(&c, 6); /* channel-max and frame-max */
        out->heartbeat_s = cursor_be16(&c);
        out->has_heartbeat = !c.overrun;
        return;
    case METHOD_OPEN:
    case METHOD_OPEN_OK:
        out->saw_open = true;
        return;
    case METHOD_CLOSE:
        read_close(&c, out);
        return;
    case METHOD_CLOSE_OK:
        out->saw_close_ok = true;
        return;
    default:
        return;
    }
}

static bool read_frame(struct cursor *c, struct amqp_seen *out)
{
    const uint8_t type = cursor_u8(c);
    cursor_skip(c, 2);
    const uint32_t size = cursor_be32(c);
    if (c->overrun || (type > 3 && type != FRAME_HEARTBEAT) || type == 0)
        return false;
    const struct text body = cursor_text_up_to(c, size);
    if (body.n == size && cursor_left(c) > 0 && cursor_u8(c) != FRAME_END)
        return false;
    out->n_frames++;
    out->n_heartbeats += type == FRAME_HEARTBEAT;
    out->ends_with_heartbeat = type == FRAME_HEARTBEAT;
    out->ends_with_login = false;
    if (type == FRAME_METHOD)
        read_method(body, out);
    return true;
}

static void read_frames(struct cursor c, struct amqp_seen *out)
{
    while (cursor_left(&c) > 0 && read_frame(&c, out)) {
    }
}

/* A server begins with connection.start: class 10, method 10 on channel 0. */
static bool starts_with_start(struct text t)
{
    struct cursor c = text_cursor(t);
    const bool method = cursor_u8(&c) == FRAME_METHOD && cursor_be16(&c) == 0;
    cursor_skip(&c, 4);
    return method && cursor_be16(&c) == CLASS_CONNECTION && cursor_be16(&c) == 10 && !c.overrun;
}

bool words_amqp_scan(struct text head, struct amqp_seen *out)
{
    *out = (struct amqp_seen){0};
    struct cursor c = text_cursor(head);
    if (text_starts(head, TEXT("AMQP")) && head.n >= 8) {
        out->saw_header = true;
        cursor_skip(&c, 5);
        for (size_t i = 0; i < sizeof out->version; i++)
            out->version[i] = cursor_u8(&c);
    } else if (!starts_with_start(head)) {
        return false;
    }
    read_frames(c, out);
    return true;
}

static size_t frame_bytes_length(struct text rest)
{
    struct cursor c = text_cursor(rest);
    const uint8_t type = cursor_u8(&c);
    cursor_skip(&c, 2);
    const uint32_t size = cursor_be32(&c);
    const bool known = (type >= 1 && type <= 3) || (type == FRAME_HEARTBEAT && size == 0);
    if (c.overrun || !known || !cursor_skip(&c, size) || cursor_u8(&c) != FRAME_END)
        return 0;
    return c.overrun ? 0 : (size_t)size + FRAME_OVERHEAD;
}

bool words_amqp_tail(struct text tail, struct amqp_seen *out)
{
    *out = (struct amqp_seen){0};
    read_frames(text_cursor(chain_at_end(tail, frame_bytes_length)), out);
    return out->n_frames > 0;
}
