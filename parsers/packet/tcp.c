/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP header and its options (RFC 9293 section 3.1).  A segment whose flags were captured is a
 * segment, however short the snaplen; lengths come from the headers, never from what was captured.
 */
#include "parsers/packet/decode.h"

enum {
    OPTION_SACK = 5,
    OPTION_MD5 = 19,
    OPTION_AO = 29,
    OPTION_MPTCP = 30,
    OPTION_FASTOPEN = 34,
    OPTION_EXPERIMENT1 = 253,
    OPTION_EXPERIMENT2 = 254,
    MPTCP_TCPRST = 8,        /* RFC 8684 section 3.6 */
    FASTOPEN_MAGIC = 0xf989, /* RFC 7413 section 4.1.1 */
    HEADER_MIN = 20,
    HEADER_TO_FLAGS = 14, /* ports, both numbers, offset and flags */
};

static void option_sack(struct decoding *d, const uint8_t *body, size_t n)
{
    struct packet *p = d->p;
    if (n % 8 != 0 || n == 0 || n > 32) {
        decoding_flaw(d, "tcp.option-sack-length");
        return;
    }
    p->n_sack = (uint8_t)(n / 8);
    for (size_t i = 0; i < p->n_sack; i++) {
        p->sack[i][0] = be32_at(body, i * 8);
        p->sack[i][1] = be32_at(body, i * 8 + 4);
    }
}

static void option_wscale(struct decoding *d, uint8_t shift)
{
    if (shift > WSCALE_MAX)
        decoding_flaw(d, "tcp.option-wscale-too-large");
    d->p->has_wscale = true;
    d->p->wscale = shift > WSCALE_MAX ? WSCALE_MAX : shift;
}

static void option_mptcp(struct decoding *d, const uint8_t *body, size_t n)
{
    d->p->has_mptcp = true;
    if (n == 0)
        decoding_flaw(d, "tcp.option-mptcp-length");
    else if (body[0] >> 4 == MPTCP_TCPRST && n >= 2)
        d->p->mptcp_reset_reason = body[1];
}

static void option_fastopen(struct decoding *d, size_t n_cookie)
{
    d->p->has_fastopen = true;
    if (n_cookie > 16 || n_cookie % 2 != 0)
        decoding_flaw(d, "tcp.option-fastopen-length");
}

static void option_one(struct decoding *d, uint8_t kind, const uint8_t *body, size_t n)
{
    struct packet *p = d->p;
    switch (kind) {
    case OPTION_MSS:
        if (n != 2) {
            decoding_flaw(d, "tcp.option-mss-length");
            return;
        }
        p->has_mss = true;
        p->mss = be16_at(body, 0);
        return;
    case OPTION_WSCALE:
        if (n != 1)
            decoding_flaw(d, "tcp.option-wscale-length");
        else
            option_wscale(d, body[0]);
        return;
    case OPTION_SACK_PERMITTED:
        if (n != 0)
            decoding_flaw(d, "tcp.option-sack-permitted-length");
        else
            p->sack_permitted = true;
        return;
    case OPTION_SACK:
        option_sack(d, body, n);
        return;
    case OPTION_TIMESTAMPS:
        if (n != 8) {
            decoding_flaw(d, "tcp.option-timestamps-length");
            return;
        }
        p->has_timestamps = true;
        p->tsval = be32_at(body, 0);
        p->tsecr = be32_at(body, 4);
        return;
    case OPTION_MD5:
        p->has_md5 = true;
        return;
    case OPTION_AO:
        p->has_ao = true;
        return;
    case OPTION_MPTCP:
        option_mptcp(d, body, n);
        return;
    case OPTION_FASTOPEN:
        option_fastopen(d, n);
        return;
    case OPTION_EXPERIMENT1:
    case OPTION_EXPERIMENT2:
        if (n >= 2 && be16_at(body, 0) == FASTOPEN_MAGIC)
            option_fastopen(d, n - 2);
        return;
    default: /* unknown options are legal: RFC 9293 section 3.2 */
        return;
    }
}

void tcp_options(struct decoding *d, struct cursor options)
{
    while (cursor_left(&options) > 0) {
        const uint8_t kind = cursor_u8(&options);
        if (kind == OPTION_END)
            return;
        if (kind == OPTION_NOP)
            continue;
        d->p->has_options = true;
        const uint8_t len = cursor_u8(&options);
        const uint8_t *body = len >= 2 ? cursor_take(&options, (size_t)len - 2) : NULL;
        if (!body) { /* there is no way to find the next option */
            decoding_flaw(d, "tcp.option-length-bad");
            return;
        }
        option_one(d, kind, body, (size_t)len - 2);
    }
}

/* Nearly every segment of a modern connection carries NOP, NOP, timestamps (RFC 7323 appendix A)
 * and nothing else. */
static bool timestamps_alone(struct packet *p, const uint8_t *o, size_t n)
{
    if (n != 12 || be32_at(o, 0) != TIMESTAMPS_ALONE)
        return false;
    p->has_options = true;
    p->has_timestamps = true;
    p->tsval = be32_at(o, 4);
    p->tsecr = be32_at(o, 8);
    return true;
}

static void note_options_cut(struct decoding *d)
{
    decoding_flaw(d, "tcp.header-cut");
    if (d->p->flags & TCP_RST && d->p->header_len > HEADER_MIN) /* unless the rest tells */
        d->p->mptcp_reset_reason = MPTCP_REASON_CUT;
}

static void read_options(struct decoding *d, size_t n)
{
    const size_t captured = cursor_left(&d->c) < n ? cursor_left(&d->c) : n;
    if (captured < n)
        note_options_cut(d);
    const uint8_t *o = cursor_take(&d->c, captured);
    if (o && !timestamps_alone(d->p, o, captured))
        tcp_options(d, cursor_of(o, captured));
}

static void check_flags(struct decoding *d, uint16_t word)
{
    const uint16_t flags = d->p->flags;
    if (word & 0x0e00)
        decoding_flaw(d, "tcp.reserved-bits-set");
    if ((flags & TCP_SYN && flags & (TCP_FIN | TCP_RST)) ||
        !(flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)))
        decoding_flaw(d, "tcp.flags-impossible");
}

static void check_sums(struct decoding *d, size_t segment_at, uint32_t segment_len)
{
    struct packet *p = d->p;
    if (!d->verify && !(p->flags & TCP_RST))
        return;
    if (d->missing > 0 || p->mf || d->dst_not_final)
        return;
    p->checksum = checksum_tcp(p, d->c.p + segment_at, segment_len);
    if (p->checksum == CHECKSUM_BAD)
        decoding_flaw(d, "tcp.checksum-bad");
    const uint8_t *ip = d->ip4_header;
    if (ip && be16_at(ip, 10) != 0 && /* 0: left to the card */
        checksum_fold(checksum_sum(ip, d->ip4_header_len)) != 0xffff)
        decoding_flaw(d, "ip4.checksum-bad");
}

/* The first 14 bytes, enough to know who, where and what. */
static bool read_to_flags(struct decoding *d, uint16_t *word)
{
    struct packet *p = d->p;
    const uint8_t *h = cursor_take(&d->c, HEADER_TO_FLAGS);
    if (!h)
        return false;
    p->src_port = be16_at(h, 0);
    p->dst_port = be16_at(h, 2);
    p->seq = be32_at(h, 4);
    p->ack = be32_at(h, 8);
    *word = be16_at(h, 12);
    p->flags = *word & 0x1ff;
    p->header_len = (uint8_t)(*word >> 12 << 2);
    return true;
}

/* What was captured of a header that is shorter than it should be. */
static void read_ports_only(struct decoding *d)
{
    struct cursor c = d->c;
    const uint8_t *h = cursor_take(&c, 4);
    if (!h)
        return;
    d->p->src_port = be16_at(h, 0);
    d->p->dst_port = be16_at(h, 2);
}

enum layer tcp_decode(struct decoding *d)
{
    struct packet *p = d->p;
    const size_t segment_at = d->c.at;
    const uint64_t segment_len = decoding_wire_left(d);
    uint16_t word;
    if (!read_to_flags(d, &word)) {
        read_ports_only(d);
        return decoding_broken(d, d->missing > 0 ? "tcp.header-cut" : "tcp.segment-too-short");
    }
    if (p->header_len < HEADER_MIN)
        return decoding_broken(d, "tcp.header-length-too-small");
    if (p->header_len > segment_len && !p->mf)
        return decoding_broken(d, "tcp.header-length-beyond-datagram");
    p->kind = PACKET_TCP;
    check_flags(d, word);
    p->payload_len = p->header_len > segment_len ? 0 : (uint32_t)segment_len - p->header_len;

    const uint8_t *rest = cursor_take(&d->c, HEADER_MIN - HEADER_TO_FLAGS);
    if (!rest) {
        note_options_cut(d);
        const bool shut = (p->flags & TCP_RST) && (!(p->flags & TCP_ACK) || p->seq == 0);
        p->window = cursor_left(&d->c) >= 2 ? cursor_be16(&d->c) : !shut;
        return LAYER_END;
    }
    p->window = be16_at(rest, 0);
    p->urgent = be16_at(rest, 4);
    if (p->header_len > HEADER_MIN)
        read_options(d, (size_t)p->header_len - HEADER_MIN);
    p->payload_captured = (uint32_t)cursor_left(&d->c);
    p->payload = p->payload_captured > 0 ? d->c.p + d->c.at : NULL;
    check_sums(d, segment_at, (uint32_t)segment_len);
    return LAYER_END;
}
