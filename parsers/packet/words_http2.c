/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 in clear: the preface, and the frames that end streams and connections. */
#include "parsers/packet/chain.h"

enum { FRAME_HEADER = 9, FRAME_RST_STREAM = 3, FRAME_SETTINGS = 4, FRAME_GOAWAY = 7, TYPES = 10 };

static const struct text preface = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24};

struct frame {
    uint32_t length, stream;
    uint8_t type;
};

/* RFC 9113 sections 4.1 and 6: some types have one length and no stream, or must have one. */
static bool frame_is_sane(const struct frame *f)
{
    switch (f->type) {
    case FRAME_RST_STREAM:
        return f->length == 4 && f->stream != 0;
    case FRAME_SETTINGS:
        return f->length % 6 == 0 && f->stream == 0;
    case 6: /* PING */
        return f->length == 8 && f->stream == 0;
    case FRAME_GOAWAY:
        return f->length >= 8 && f->stream == 0;
    case 8: /* WINDOW_UPDATE */
        return f->length == 4;
    case 2: /* PRIORITY */
        return f->length == 5 && f->stream != 0;
    case 5: /* PUSH_PROMISE */
        return f->length >= 4 && f->stream != 0;
    default: /* DATA, HEADERS, CONTINUATION */
        return f->type < TYPES && f->stream != 0;
    }
}

static bool read_frame_header(struct cursor *c, struct frame *f)
{
    f->length = (uint32_t)cursor_u8(c) << 16;
    f->length |= cursor_be16(c);
    f->type = cursor_u8(c);
    cursor_skip(c, 1);
    f->stream = cursor_be32(c);
    return !c->overrun && !(f->stream >> 31) && f->length <= 1U << 20 && frame_is_sane(f);
}

/* Libraries end a session with NO_ERROR that had been given up for an error before. */
static void read_goaway(struct text body, uint32_t n_rst_stream, struct http2_seen *out)
{
    struct cursor c = text_cursor(body);
    const uint32_t last_stream = cursor_be32(&c) & 0x7fffffff, code = cursor_be32(&c);
    if (code == 0 && out->goaway_code != 0)
        return;
    out->saw_goaway = true;
    out->goaway_last_stream = last_stream;
    out->goaway_code = code;
    out->goaway_text = cursor_text_up_to(&c, SIZE_MAX);
    out->n_rst_before_goaway = n_rst_stream;
}

static void read_frames(struct text t, struct http2_seen *out)
{
    struct cursor c = text_cursor(t);
    struct frame f;
    uint32_t n_rst_stream = 0; /* in a row */
    while (cursor_left(&c) > 0 && read_frame_header(&c, &f)) {
        const struct text body = cursor_text_up_to(&c, f.length);
        out->n_frames++;
        out->saw_settings |= f.type == FRAME_SETTINGS;
        if (f.type == FRAME_GOAWAY && body.n >= 8)
            read_goaway(body, n_rst_stream, out);
        n_rst_stream = f.type == FRAME_RST_STREAM ? n_rst_stream + 1 : 0;
        if (f.type == FRAME_RST_STREAM && body.n == 4) {
            struct cursor code = text_cursor(body);
            out->n_rst_stream++;
            out->rst_stream_code = cursor_be32(&code);
        }
    }
}

/* A server's first frame is SETTINGS (RFC 9113 section 3.4). */
static bool starts_with_settings(struct text t)
{
    struct cursor c = text_cursor(t);
    struct frame f;
    return read_frame_header(&c, &f) && f.type == FRAME_SETTINGS && f.length <= 120;
}

bool words_http2_scan(struct text head, struct http2_seen *out)
{
    *out = (struct http2_seen){0};
    if (text_starts(head, preface)) {
        out->saw_preface = true;
        read_frames(text_slice(head, preface.n, head.n), out);
        return true;
    }
    if (!starts_with_settings(head))
        return false;
    read_frames(head, out);
    return true;
}

static size_t frame_bytes_length(struct text rest)
{
    struct cursor c = text_cursor(rest);
    struct frame f;
    return read_frame_header(&c, &f) ? (size_t)f.length + FRAME_HEADER : 0;
}

bool words_http2_tail(struct text tail, struct http2_seen *out)
{
    *out = (struct http2_seen){0};
    read_frames(chain_at_end(tail, frame_bytes_length), out);
    return out->n_frames > 0;
}

/* RFC 9113 section 7 */
static const char *const errors[] = {
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
};

const char *words_http2_error(uint32_t code)
{
    return code < sizeof errors / sizeof errors[0] ? errors[code] : NULL;
}
