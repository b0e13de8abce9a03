/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same packet captured twice: mirrored ports, a capture on all interfaces of a router (one hop
 * apart), a copy with and one without its VLAN tag.  It looks like a retransmission and is none.
 * A table of the last packets answers; it forgets by being overwritten, in the same way in every
 * run: its hash is not keyed, because what it forgets can be seen in the output.
 */
#ifndef WHYRST_ANALYZER_TRACK_DUPLICATE_H
#define WHYRST_ANALYZER_TRACK_DUPLICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/instant.h"
#include "parsers/packet/brief.h"

#define DUPLICATE_SLOTS 4096

struct duplicate_slot {
    uint64_t print; /* of all that a second sight leaves alone */
    uint64_t frame;
    instant_ns time;
    struct brief_path path;
};

struct duplicates {
    struct duplicate_slot slot[DUPLICATE_SLOTS];
};

/* What is alike in every capture of the segment, as one number. */
uint64_t duplicate_print(const struct brief *b);

/* Whether one was remembered by that number; else duplicate_of() would remember b and return 0. */
static inline bool duplicate_may_be(const struct duplicates *d, uint64_t print)
{
    return d->slot[print % DUPLICATE_SLOTS].print == print;
}
static inline void duplicate_remember(struct duplicates *d, const struct brief *b, uint64_t print)
{
    d->slot[print % DUPLICATE_SLOTS] = (struct duplicate_slot){
        .print = print, .frame = b->frame, .time = b->time, .path = b->path};
}

/* The frame that b repeats, or 0; b is remembered.  habitual: this connection's packets have come
 * twice so far, so that a copy need not differ in anything. */
uint64_t duplicate_of(struct duplicates *d, const struct brief *b, uint64_t print, bool habitual);

/* Brings the place of a number in the table into the cache. */
static inline void duplicate_prefetch(const struct duplicates *d, uint64_t print)
{
    const struct duplicate_slot *s = &d->slot[print % DUPLICATE_SLOTS];
    __builtin_prefetch(s, 1);
    __builtin_prefetch(&s->path.in_tunnel, 1);
}

#endif
