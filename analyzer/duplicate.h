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
#include "parsers/packet/packet.h"

#define DUPLICATE_SLOTS 4096

struct duplicate_slot {
    uint64_t print; /* of all that a second sight leaves alone */
    uint64_t frame;
    instant_ns time;
    uint32_t iface;
    uint16_t vlan;
    uint8_t ttl, n_vlans, mac[6];
    bool in_tunnel;
};

struct duplicates {
    struct duplicate_slot slot[DUPLICATE_SLOTS];
};

/* The frame that p repeats, or 0; p is remembered.  habitual: this connection's packets have come
 * twice so far, so that a copy need not differ in anything. */
uint64_t duplicate_of(struct duplicates *d, const struct packet *p, bool habitual);

#endif
