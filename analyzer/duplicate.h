/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same packet captured twice: mirrored ports, a capture on all interfaces of a router (one hop
 * apart), a copy with and one without its VLAN tag.  It looks like a retransmission and is none.
 * A table of the last packets answers; it forgets by being overwritten, in the same way in every
 * run: its hash is not keyed, because what it forgets can be seen in the output.
 */
#ifndef WHYRST_ANALYZER_DUPLICATE_H
#define WHYRST_ANALYZER_DUPLICATE_H

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

/* The frame that p repeats, or 0; p is remembered.  habitual: this connection's packets have come
 * twice so far, so that a copy need not differ in anything. */
uint64_t duplicate_of(struct duplicates *d, const struct packet *p, bool habitual);

/* The same in two steps: what is alike in every capture of the packet as one number, then the
 * question; between them the table's place may be brought into the cache. */
uint64_t duplicate_print(const struct brief *b);
uint64_t duplicate_of_brief(struct duplicates *d, const struct brief *b, uint64_t print,
                            bool habitual);
static inline void duplicate_prefetch(const struct duplicates *d, uint64_t print)
{
    const struct duplicate_slot *s = &d->slot[print % DUPLICATE_SLOTS];
    __builtin_prefetch(s, 1);
    __builtin_prefetch(&s->path.in_tunnel, 1);
}

#endif
