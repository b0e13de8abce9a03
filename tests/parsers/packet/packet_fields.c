/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what the decoder makes of each frame of a classic little-endian pcap, one line a frame,
 * for oracle.py to hold against tshark.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "parsers/base/cursor.h"
#include "parsers/packet/packet.h"

static void print_tcp(const struct packet *p)
{
    char src[ENDPOINT_TEXT_MAX], dst[ENDPOINT_TEXT_MAX];
    address_format(&p->ip_src, src);
    address_format(&p->ip_dst, dst);
    printf("tcp|%s|%s|%u|%u|%" PRIu32 "|%" PRIu32 "|%u|%u|%u|%" PRIu32, src, dst, p->src_port,
           p->dst_port, p->seq, p->ack, p->flags, p->window, p->header_len, p->payload_len);
    printf("|%u|%u|", p->ttl, p->checksum);
    if (p->has_mss)
        printf("%u", p->mss);
    printf("|");
    if (p->has_wscale)
        printf("%u", p->wscale);
    printf("|");
    if (p->has_timestamps)
        printf("%" PRIu32 ",%" PRIu32, p->tsval, p->tsecr);
    printf("|");
    for (unsigned i = 0; i < p->n_sack; i++)
        printf("%s%" PRIu32 "-%" PRIu32, i > 0 ? "," : "", p->sack[i][0], p->sack[i][1]);
    printf("|");
    for (unsigned i = 0; i < p->n_vlans && i < 2; i++)
        printf("%s%u", i > 0 ? "," : "", p->vlan[i]);
    printf("\n");
}

static void print_frame(const struct frame_bytes *frame, struct flaws *flaws)
{
    static const char *const kinds[PACKET_KINDS] = {"tcp", "icmp", "ip", "other", "broken"};
    struct packet p;
    if (packet_decode(frame, true, &p, flaws) == PACKET_TCP)
        print_tcp(&p);
    else if (p.kind == PACKET_ICMP_ERROR)
        printf("icmp|%u|%u|%u|%u|%" PRIu32 "\n", p.icmp.type, p.icmp.code, p.icmp.src.port,
               p.icmp.dst.port, p.icmp.seq);
    else
        printf("%s\n", kinds[p.kind]);
}

static uint8_t *read_all(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    const size_t cap = (size_t)16 << 20;
    uint8_t *bytes = malloc(cap);
    if (!file || !bytes)
        exit(2);
    *n = fread(bytes, 1, cap, file);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    size_t n;
    uint8_t *bytes = read_all(argv[1], &n);
    struct cursor c = cursor_of(bytes, n);
    struct flaws flaws;
    flaws_init(&flaws);
    cursor_skip(&c, 20);
    struct frame_bytes frame = {.link_type = (int)cursor_le32(&c)};
    while (cursor_left(&c) > 0) {
        cursor_skip(&c, 8);
        frame.number++;
        frame.caplen = cursor_le32(&c);
        frame.origlen = cursor_le32(&c);
        frame.data = cursor_take(&c, frame.caplen);
        if (c.overrun)
            return 2;
        print_frame(&frame, &flaws);
    }
    flaws_finish(&flaws);
    free(bytes);
    return 0;
}
