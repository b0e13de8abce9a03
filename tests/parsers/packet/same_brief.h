/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the short road through the headers, a glance and the whole decoder tell the same of a
 * frame.  True also where the short road or the glance decline it.
 */
#ifndef WHYRST_TESTS_PARSERS_PACKET_SAME_BRIEF_H
#define WHYRST_TESTS_PARSERS_PACKET_SAME_BRIEF_H

#include <string.h>

#include "parsers/packet/brief.h"
#include "parsers/packet/glance.h"

static inline bool same_brief(const struct brief *a, const struct brief *b)
{
    return memcmp(a, b, BRIEF_COMMON) == 0 && a->payload_captured == b->payload_captured &&
           a->frame == b->frame && a->time == b->time && a->payload == b->payload &&
           a->path.iface == b->path.iface && a->path.vlan == b->path.vlan &&
           memcmp(a->path.src_mac, b->path.src_mac, sizeof a->path.src_mac) == 0 &&
           a->path.n_vlans == b->path.n_vlans && a->path.ttl == b->path.ttl &&
           a->path.in_tunnel == b->path.in_tunnel && a->bits == b->bits && a->wscale == b->wscale &&
           a->mss == b->mss;
}

static inline bool same_by_glance(const struct frame_bytes *frame, const struct packet *p)
{
    const uint64_t seed = 0x1234567890abcdef;
    const struct endpoint src = packet_src(p), dst = packet_dst(p);
    uint64_t number;
    return !glance_frame(frame, seed, &number) ||
           (p->kind == PACKET_TCP && number == glance_ends(&src, &dst, seed) &&
            number == glance_ends(&dst, &src, seed));
}

static inline bool expands(const struct brief *b, const struct frame_bytes *frame,
                           const struct packet *p)
{
    struct packet made;
    memset(&made, 0xa5, sizeof made);
    brief_expand(b, frame, &made);
    return memcmp(&made, p, sizeof made) == 0; /* both are cleared with their padding */
}

static inline bool same_by_both_roads(const struct frame_bytes *frame)
{
    struct brief by_frame, by_packet;
    struct packet p;
    struct flaws flaws;
    memset(&by_frame, 0xa5, sizeof by_frame); /* every field must be set */
    flaws_init(&flaws);
    packet_decode(frame, false, &p, &flaws);
    bool same = same_by_glance(frame, &p);
    if (brief_decode(frame, &by_frame)) {
        same = same && p.kind == PACKET_TCP && flaws.n == 0;
        if (same)
            brief_of(&p, &by_packet);
        same = same && same_brief(&by_frame, &by_packet) && expands(&by_frame, frame, &p);
    }
    flaws_finish(&flaws);
    return same;
}

#endif
