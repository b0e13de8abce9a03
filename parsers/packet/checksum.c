/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum (RFC 1071) and its verdict on a TCP segment.  A capture on the sending host
 * holds segments whose checksum the network card still had to finish: those hold the sum of the
 * pseudo-header, or zero, and are no errors.
 */
#include "parsers/packet/decode.h"

static uint64_t word_at(const uint8_t *bytes, size_t at)
{
    uint32_t word;
    memcpy(&word, bytes + at, sizeof word);
    return word;
}

/* One's complement addition does not care for byte order (RFC 1071 section 2), so memory order it
 * is; four bytes at a time into 64 bits cannot overflow below 16 GiB.  Four sums at once keep the
 * adders busy. */
uint64_t checksum_sum(const uint8_t *bytes, size_t n)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        a += word_at(bytes, i);
        b += word_at(bytes, i + 4);
        c += word_at(bytes, i + 8);
        d += word_at(bytes, i + 12);
    }
    for (; i + 4 <= n; i += 4)
        a += word_at(bytes, i);
    if (i < n) {
        uint8_t last[4] = {0};
        memcpy(last, bytes + i, n - i);
        b += word_at(last, 0);
    }
    return a + b + c + d;
}

uint16_t checksum_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

/* RFC 9293 section 3.1: addresses, protocol and length. */
static uint64_t pseudo_header_sum(const struct packet *p, uint32_t tcp_len)
{
    const uint8_t tail[8] = {
        (uint8_t)(tcp_len >> 24),
        (uint8_t)(tcp_len >> 16),
        (uint8_t)(tcp_len >> 8),
        (uint8_t)tcp_len,
        0,
        0,
        0,
        IP_PROTOCOL_TCP,
    };
    const size_t skip = p->ip_version == 4 ? 12 : 0;
    return checksum_sum(p->ip_src.b + skip, 16 - skip) +
           checksum_sum(p->ip_dst.b + skip, 16 - skip) + checksum_sum(tail, sizeof tail);
}

enum packet_checksum checksum_tcp(const struct packet *p, const uint8_t *segment, uint32_t n)
{
    const uint64_t pseudo = pseudo_header_sum(p, n);
    if (checksum_fold(pseudo + checksum_sum(segment, n)) == 0xffff)
        return CHECKSUM_GOOD;
    uint16_t field;
    memcpy(&field, segment + 16, 2);
    /* Linux leaves the sum with the length in it, large send offload of Windows without */
    if (field == 0 || field == checksum_fold(pseudo) ||
        field == checksum_fold(pseudo_header_sum(p, 0)))
        return CHECKSUM_PARTIAL;
    return CHECKSUM_BAD;
}
