/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a run of fragments of few datagrams: each record of the input says how long a raw IP
 * packet is and how much time passes, then the packet.  What comes out is a sound frame, and every
 * fragment is in a whole datagram or counted as skipped.
 */
#include <stdlib.h>

#include "analyzer/track/fragment.h"
#include "parsers/base/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check_whole(const struct frame_bytes *whole, struct flaws *flaws)
{
    struct packet p;
    expect(whole->caplen == whole->origlen && whole->caplen <= 40 + 65535);
    packet_decode(whole, true, &p, flaws);
    expect(p.kind != PACKET_NOT_IP && !p.snaplen_cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct fragments *f = fragments_create();
    struct flaws flaws, skipped;
    struct cursor c = cursor_of(bytes, n);
    struct frame_bytes frame = {.link_type = 101, .time = NS_PER_S};
    uint64_t taken = 0, whole_ones = 0, given_up = 0;
    flaws_init(&flaws);
    flaws_init(&skipped);
    while (f && cursor_left(&c) > 3) {
        const uint16_t len = cursor_be16(&c);
        frame.time += (int64_t)cursor_u8(&c) * NS_PER_S;
        frame.caplen = (uint32_t)(len < cursor_left(&c) ? len : cursor_left(&c));
        frame.origlen = frame.caplen;
        frame.data = cursor_take(&c, frame.caplen);
        frame.number++;
        struct packet p;
        struct frame_bytes whole;
        packet_decode(&frame, false, &p, &flaws);
        if (!packet_is_fragment(&p))
            continue;
        taken++;
        if (fragments_take(f, &p, &flaws, &skipped, &whole)) {
            whole_ones++;
            check_whole(&whole, &flaws);
        }
    }
    fragments_finish(f, &skipped);
    for (size_t i = 0; i < skipped.n; i++)
        given_up += skipped.v[i].count;
    expect(given_up + whole_ones <= taken && (whole_ones > 0 || given_up == taken));
    fragments_free(f);
    flaws_finish(&flaws);
    flaws_finish(&skipped);
    return 0;
}
