/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a frame of every link type.  The last two bytes choose how much was cut.  What the
 * short road takes, the whole decoder must call a segment without a flaw, and tell alike.
 */
#include <stdlib.h>
#include <string.h>

#include "parsers/packet/packet.h"
#include "tests/parsers/packet/same_brief.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int link_types[] = {0,   1,   9,   12,  14,  50,  51,  101, 104, 108, 113, 117, 219,
                                 228, 229, 276, 105, 109, 119, 127, 163, 192, 204, 239, 258, 147};

static void check(const struct packet *p, const struct frame_bytes *frame)
{
    if (p->payload_captured > 0) {
        const size_t at = (size_t)(p->payload - frame->data);
        if (at > frame->caplen || p->payload_captured > frame->caplen - at ||
            p->payload_captured > p->payload_len)
            abort();
    }
    if (p->kind >= PACKET_KINDS || p->n_sack > 4 || p->wscale > 14)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint32_t more = size >= 2 ? (uint32_t)(data[size - 1] << 8 | data[size - 2]) : 0;
    for (size_t i = 0; i < sizeof link_types / sizeof link_types[0]; i++) {
        const struct frame_bytes frame = {.number = 1,
                                          .caplen = (uint32_t)size,
                                          .origlen = (uint32_t)size + (more & 1 ? more : 0),
                                          .link_type = link_types[i],
                                          .data = data};
        struct packet p;
        struct flaws flaws;
        flaws_init(&flaws);
        packet_decode(&frame, more & 2, &p, &flaws);
        check(&p, &frame);
        char text[40];
        packet_flags_text(p.flags, text);
        if (!same_by_both_roads(&frame))
            abort();
        flaws_finish(&flaws);
    }
    return 0;
}
