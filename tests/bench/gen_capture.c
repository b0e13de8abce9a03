/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a large synthetic capture for the benchmark: KIND, a file name and a scale come in, a
 * classic pcap file goes out.  The same arguments give the same bytes; every checksum is right.
 * Nothing here is evidence of what real stacks do.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/generator.h"

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };
enum { FULL_SEGMENT = 1448, MAX_FRAME = 1600, SERVER_PORT = 443 };

struct flow {
    uint32_t id;
    uint32_t next_seq[2]; /* of the client, of the server */
    uint8_t step;         /* 0 SYN, 1 SYN-ACK, 2 ACK, then data, then the end */
    uint8_t n_data_left;
    uint8_t n_closing; /* FINs and their ACKs already sent */
};

struct writer {
    FILE *file;
    uint64_t random;
    uint64_t time_us;
    uint64_t n_packets;
    uint64_t n_bytes;
    bool plain; /* neither VLAN nor IPv6 */
    uint8_t payload[FULL_SEGMENT];
};

/* xorshift64*, so that no library's generator decides what the bytes are. */
static uint32_t next_random(struct writer *w)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (uint32_t)((w->random * 0x2545F4914F6CDD1DULL) >> 32);
}

static uint8_t *put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
    return put16(put16(at, value >> 16), value & 0xffff);
}

static uint64_t sum_bytes(uint64_t sum, const uint8_t *bytes, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t word;
        memcpy(&word, bytes + i, 4);
        sum += ntohl(word);
    }
    for (; i < n; i++)
        sum += (uint64_t)bytes[i] << (8 * (3 - i % 4));
    return sum;
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint8_t *put_ethernet(uint8_t *at, const struct writer *w, const struct flow *f, bool is_v6)
{
    static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    memcpy(at, macs, sizeof macs);
    at += sizeof macs;
    if (!w->plain && f->id % 3 == 0)
        at = put16(put16(at, 0x8100), 100 + f->id % 8);
    return put16(at, is_v6 ? 0x86dd : 0x0800);
}

/* Addresses: clients from the range of RFC 2544 or 2001:db8::/32, servers from 192.0.2.0/24. */
static uint8_t *put_ip4(uint8_t *at, const struct flow *f, int side, size_t n_below)
{
    uint8_t *start = at;
    uint32_t ends[2] = {0xc6120000u + (f->id & 0x1ffff), 0xc0000200u + f->id % 250};
    at = put16(at, 0x4500);
    at = put16(at, (uint32_t)(20 + n_below));
    at = put32(at, (f->next_seq[side] & 0xffff) << 16 | 0x4000);
    at = put32(at, 64u << 24 | 6u << 16);
    at = put32(at, ends[side]);
    at = put32(at, ends[!side]);
    put16(start + 10, fold(sum_bytes(0, start, 20)));
    return at;
}

static uint8_t *put_ip6(uint8_t *at, const struct flow *f, int side, size_t n_below)
{
    at = put32(at, 0x60000000);
    at = put32(at, (uint32_t)n_below << 16 | 6u << 8 | 64);
    for (int end = 0; end < 2; end++) {
        bool is_client = (end == 0) == (side == 0);
        at = put32(at, 0x20010db8);
        at = put32(at, is_client ? 1 : 2);
        at = put32(at, 0);
        at = put32(at, is_client ? (f->id & 0x1ffff) + 1 : f->id % 250 + 1);
    }
    return at;
}

static uint8_t *put_tcp(uint8_t *at, const struct flow *f, int side, uint8_t flags,
                        const uint8_t *payload, size_t n_payload)
{
    uint32_t ports[2] = {1024 + f->id / 0x20000, SERVER_PORT};
    size_t n_options = flags & SYN ? 4 : 0;
    at = put16(put16(at, ports[side]), ports[!side]);
    at = put32(at, f->next_seq[side]);
    at = put32(at, flags & ACK ? f->next_seq[!side] : 0);
    at = put16(at, (uint32_t)((20 + n_options) / 4) << 12 | flags);
    at = put16(at, 64240);
    at = put32(at, 0);
    if (n_options)
        at = put32(at, 0x02040000 | FULL_SEGMENT);
    memcpy(at, payload, n_payload);
    return at + n_payload;
}

static void write_record(struct writer *w, const uint8_t *frame, size_t n)
{
    uint32_t header[4] = {(uint32_t)(w->time_us / 1000000), (uint32_t)(w->time_us % 1000000),
                          (uint32_t)n, (uint32_t)n};
    fwrite(header, sizeof header, 1, w->file);
    fwrite(frame, n, 1, w->file);
    w->time_us += 1 + next_random(w) % 20;
    w->n_packets++;
    w->n_bytes += sizeof header + n;
}

/* One segment of a flow: side 0 is the client. */
static void emit(struct writer *w, struct flow *f, int side, uint8_t flags, size_t n_payload)
{
    uint8_t frame[MAX_FRAME];
    bool is_v6 = !w->plain && f->id % 4 == 1;
    size_t n_tcp = 20u + (flags & SYN ? 4 : 0) + n_payload;
    uint8_t *ip = put_ethernet(frame, w, f, is_v6);
    uint8_t *tcp = is_v6 ? put_ip6(ip, f, side, n_tcp) : put_ip4(ip, f, side, n_tcp);
    uint8_t *end = put_tcp(tcp, f, side, flags, w->payload, n_payload);
    uint64_t pseudo = 6 + n_tcp;
    pseudo = is_v6 ? sum_bytes(pseudo, ip + 8, 32) : sum_bytes(pseudo, ip + 12, 8);
    put16(tcp + 16, fold(sum_bytes(pseudo, tcp, n_tcp)));
    write_record(w, frame, (size_t)(end - frame));
    f->next_seq[side] += (uint32_t)n_payload + (flags & (SYN | FIN) ? 1 : 0);
}

static struct flow flow_new(struct writer *w, uint32_t id)
{
    return (struct flow){.id = id,
                         .next_seq = {next_random(w), next_random(w)},
                         .n_data_left = (uint8_t)(next_random(w) % 60)};
}

static void open_flow(struct writer *w, struct flow *f)
{
    emit(w, f, 0, SYN, 0);
    emit(w, f, 1, SYN | ACK, 0);
    emit(w, f, 0, ACK, 0);
    f->step = 3;
}

/* The next packet of a flow's life; false once it has ended: nine with FINs, one with a RST. */
static bool advance(struct writer *w, struct flow *f, size_t max_payload)
{
    uint32_t dice = next_random(w);
    if (f->step < 3) {
        static const uint8_t flags[3] = {SYN, SYN | ACK, ACK};
        emit(w, f, f->step == 1, flags[f->step], 0);
        f->step++;
        return true;
    }
    if (f->n_data_left > 0) {
        size_t n = dice % 10 < 4 ? 0 : dice % 10 < 7 ? 100 + dice % 500 : FULL_SEGMENT;
        n = n < max_payload ? n : max_payload;
        f->n_data_left--;
        emit(w, f, dice >> 31, n ? PSH | ACK : ACK, n);
        return true;
    }
    if (f->n_closing == 0 && f->id % 10 == 0) {
        emit(w, f, dice >> 31, RST | ACK, 0);
        return false;
    }
    static const uint8_t closing[3] = {FIN | ACK, FIN | ACK, ACK};
    emit(w, f, f->n_closing == 1, closing[f->n_closing], 0);
    return ++f->n_closing < 3;
}

/* Keeps n_open flows alive and plays a random one until enough packets or bytes are out. */
static bool play_many(struct writer *w, uint32_t n_open, size_t max_payload, uint64_t n_packets,
                      uint64_t n_bytes)
{
    struct flow *flows = calloc(n_open, sizeof *flows);
    if (!flows)
        return false;
    uint32_t next_id = 0;
    for (; next_id < n_open; next_id++)
        flows[next_id] = flow_new(w, next_id);
    while (w->n_packets < n_packets && w->n_bytes < n_bytes) {
        struct flow *f = &flows[next_random(w) % n_open];
        if (!advance(w, f, max_payload))
            *f = flow_new(w, next_id++);
    }
    free(flows);
    return true;
}

static bool make_mixed(struct writer *w, double scale)
{
    return play_many(w, 4096, FULL_SEGMENT, UINT64_MAX, (uint64_t)(1e9 * scale));
}

static bool make_small(struct writer *w, double scale)
{
    w->plain = true;
    return play_many(w, 65536, 6, (uint64_t)(10e6 * scale), UINT64_MAX);
}

/* Every second flow is a SYN that is refused, the others are short and end in order. */
static bool make_storm(struct writer *w, double scale)
{
    uint32_t n_flows = (uint32_t)(1e6 * scale);
    for (uint32_t id = 0; id < n_flows; id++) {
        struct flow f = flow_new(w, id);
        if (id % 2) {
            emit(w, &f, 0, SYN, 0);
            f.next_seq[1] = 0;
            emit(w, &f, 1, RST | ACK, 0);
            continue;
        }
        open_flow(w, &f);
        emit(w, &f, 0, PSH | ACK, 64);
        emit(w, &f, 1, FIN | ACK, 0);
        emit(w, &f, 0, FIN | ACK, 0);
        emit(w, &f, 1, ACK, 0);
    }
    return true;
}

/* All flows open before the first one goes on; one in a hundred is reset at the end. */
static bool make_open(struct writer *w, double scale)
{
    uint32_t n_flows = (uint32_t)(2e6 * scale);
    struct flow *flows = calloc(n_flows ? n_flows : 1, sizeof *flows);
    if (!flows)
        return false;
    for (uint32_t id = 0; id < n_flows; id++) {
        flows[id] = flow_new(w, id);
        open_flow(w, &flows[id]);
    }
    for (uint32_t id = 0; id < n_flows; id++)
        emit(w, &flows[id], 0, PSH | ACK, 32);
    for (uint32_t id = 0; id < n_flows; id += 100)
        emit(w, &flows[id], 1, RST | ACK, 0);
    free(flows);
    return true;
}

static const struct kind {
    const char *name;
    bool (*make)(struct writer *w, double scale);
} kinds[] = {
    {"mixed", make_mixed}, {"small", make_small}, {"storm", make_storm}, {"open", make_open}};

static bool write_capture(size_t i, const char *path, double scale)
{
    const struct kind *kind = &kinds[i];
    struct writer w = {.file = fopen(path, "wb"), .random = 20261122, .time_us = 1792670950000000};
    if (!w.file)
        return false;
    for (size_t k = 0; k < sizeof w.payload; k++)
        w.payload[k] = (uint8_t)next_random(&w);
    setvbuf(w.file, NULL, _IOFBF, 1 << 20);
    uint32_t header[6] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, 1};
    bool good = fwrite(header, sizeof header, 1, w.file) == 1 && kind->make(&w, scale);
    good = !ferror(w.file) && good;
    good = fclose(w.file) == 0 && good;
    printf("%" PRIu64 " %" PRIu64 "\n", w.n_packets, w.n_bytes + sizeof header);
    return good;
}

static const char *kind_name(size_t i)
{
    return kinds[i].name;
}

int main(int argc, char **argv)
{
    static const struct generator generator = {"gen_capture", sizeof kinds / sizeof *kinds,
                                               kind_name, write_capture};
    return generator_run(&generator, argc, argv);
}
