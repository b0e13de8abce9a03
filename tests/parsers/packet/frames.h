/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames made by hand for the tests of the packet decoder: headers are appended one after the
 * other, lengths and checksums are filled in afterwards by frame_close().
 */
#ifndef WHYRST_TESTS_PARSERS_PACKET_FRAMES_H
#define WHYRST_TESTS_PARSERS_PACKET_FRAMES_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "parsers/packet/packet.h"

struct made {
    uint8_t b[4096];
    size_t n;
    size_t ip_at[4]; /* of the IP headers, outermost first */
    unsigned n_ip;
    size_t tcp_at; /* 0: none */
};

static inline void put(struct made *f, const void *bytes, size_t n)
{
    assert_true(f->n + n <= sizeof f->b);
    memcpy(f->b + f->n, bytes, n);
    f->n += n;
}

#define PUT(f, ...) put((f), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void put_be16(struct made *f, unsigned v)
{
    PUT(f, (uint8_t)(v >> 8), (uint8_t)v);
}

static inline void put_be32(struct made *f, uint32_t v)
{
    put_be16(f, v >> 16);
    put_be16(f, v & 0xffff);
}

static inline void put_ethernet(struct made *f, unsigned type)
{
    PUT(f, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1);
    put_be16(f, type);
}

/* 192.0.2.1 to 198.51.100.7 */
static inline void put_ip4(struct made *f, uint8_t protocol)
{
    f->ip_at[f->n_ip++] = f->n;
    PUT(f, 0x45, 0x10, 0, 0, 0x12, 0x34, 0x40, 0, 63, protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100,
        7);
}

/* 2001:db8::1 to 2001:db8::2 */
static inline void put_ip6(struct made *f, uint8_t next)
{
    f->ip_at[f->n_ip++] = f->n;
    PUT(f, 0x6b, 0x81, 0x23, 0x45, 0, 0, next, 61);
    PUT(f, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    PUT(f, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

static inline void put_tcp(struct made *f, unsigned flags, const void *options, size_t n)
{
    f->tcp_at = f->n;
    put_be16(f, 40000);
    put_be16(f, 443);
    put_be32(f, 0x11223344);
    put_be32(f, 0x55667788);
    put_be16(f, (unsigned)(5 + n / 4) << 12 | flags);
    put_be16(f, 502);
    put_be32(f, 0);
    put(f, options, n);
}

static inline void put_udp(struct made *f, unsigned dst_port)
{
    put_be16(f, 50000);
    put_be16(f, dst_port);
    put_be32(f, 0);
}

static inline void patch_be16(struct made *f, size_t at, unsigned v)
{
    f->b[at] = (uint8_t)(v >> 8);
    f->b[at + 1] = (uint8_t)v;
}

/* The plainest form of RFC 1071, on purpose unlike the decoder's. */
static inline unsigned plain_sum(const uint8_t *p, size_t n, unsigned sum)
{
    for (size_t i = 0; i < n; i++)
        sum += i % 2 ? p[i] : (unsigned)p[i] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static inline unsigned pseudo_sum(const struct made *f, size_t ip_at, unsigned tcp_len)
{
    const bool is_v4 = f->b[ip_at] >> 4 == 4;
    return plain_sum(f->b + ip_at + (is_v4 ? 12 : 8), is_v4 ? 8 : 32, 6 + tcp_len);
}

/* Sets the lengths of all IP headers and the checksum of the TCP segment. */
static inline void frame_close(struct made *f)
{
    for (unsigned i = 0; i < f->n_ip; i++) {
        const size_t at = f->ip_at[i];
        if (f->b[at] >> 4 == 4) {
            patch_be16(f, at + 2, (unsigned)(f->n - at));
            patch_be16(f, at + 10, 0);
            patch_be16(f, at + 10, 0xffff ^ plain_sum(f->b + at, (size_t)(f->b[at] & 15) * 4, 0));
        } else {
            patch_be16(f, at + 4, (unsigned)(f->n - at - 40));
        }
    }
    if (f->tcp_at == 0)
        return;
    const unsigned len = (unsigned)(f->n - f->tcp_at);
    const unsigned pseudo = pseudo_sum(f, f->ip_at[f->n_ip - 1], len);
    patch_be16(f, f->tcp_at + 16, 0);
    patch_be16(f, f->tcp_at + 16, 0xffff ^ plain_sum(f->b + f->tcp_at, len, pseudo));
}

/* The usual frame: Ethernet, IPv4, TCP with flags and payload. */
static inline void make_plain(struct made *f, unsigned flags, const char *payload)
{
    memset(f, 0, sizeof *f);
    put_ethernet(f, 0x0800);
    put_ip4(f, 6);
    put_tcp(f, flags, "", 0);
    put(f, payload, strlen(payload));
    frame_close(f);
}

struct decoded {
    struct packet p;
    struct flaws flaws;
    uint8_t *bytes; /* exactly as long as captured, so that a sanitizer sees a read behind it */
};

static inline void decode_cut(struct decoded *out, const struct made *f, int link_type,
                              size_t caplen)
{
    out->bytes = test_malloc(caplen > 0 ? caplen : 1);
    memcpy(out->bytes, f->b, caplen);
    flaws_init(&out->flaws);
    memset(&out->p, 0xa5, sizeof out->p); /* every field must be set */
    const struct frame_bytes frame = {.number = 7,
                                      .time = 1000,
                                      .caplen = (uint32_t)caplen,
                                      .origlen = (uint32_t)f->n,
                                      .iface = 3,
                                      .link_type = link_type,
                                      .data = out->bytes};
    const enum packet_kind kind = packet_decode(&frame, true, &out->p, &out->flaws);
    assert_int_equal(kind, out->p.kind);
}

static inline void decode(struct decoded *out, const struct made *f, int link_type)
{
    decode_cut(out, f, link_type, f->n);
}

static inline void decoded_finish(struct decoded *d)
{
    flaws_finish(&d->flaws);
    test_free(d->bytes);
}

/* What every shape around put_ip4(), put_tcp(PSH+ACK) and the payload "hello" must decode to. */
static inline void assert_hello(const struct decoded *d)
{
    const struct packet *p = &d->p;
    assert_int_equal(p->kind, PACKET_TCP);
    assert_int_equal(p->src_port, 40000);
    assert_int_equal(p->dst_port, 443);
    assert_int_equal(p->seq, 0x11223344);
    assert_int_equal(p->ack, 0x55667788);
    assert_int_equal(p->flags, TCP_PSH | TCP_ACK);
    assert_int_equal(p->window, 502);
    assert_int_equal(p->checksum, CHECKSUM_GOOD);
    assert_int_equal(p->payload_len, 5);
    assert_int_equal(p->payload_captured, 5);
    assert_memory_equal(p->payload, "hello", 5);
    assert_false(p->snaplen_cut);
    assert_int_equal(d->flaws.n, 0);
}

#endif
