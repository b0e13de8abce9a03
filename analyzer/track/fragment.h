/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 and IPv6 fragments put together.  Fragments go in as the decoder left them, whole datagrams
 * come out as frames of raw IP to be decoded again; a datagram takes the frame and the time of the
 * fragment that completes it, as Wireshark does.  Bounded in datagrams, pieces, bytes and age of
 * capture time; what never becomes whole is counted by reason, a fragment each.
 *
 * Overlaps.  IPv6: the datagram is dropped (RFC 8200 section 4.5, RFC 5722); an exact copy is
 * ignored.  IPv4: what came first stays, and the overlap is a flaw.
 */
#ifndef WHYRST_ANALYZER_TRACK_FRAGMENT_H
#define WHYRST_ANALYZER_TRACK_FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/packet/packet.h"

struct fragments;

struct fragments *fragments_create(void); /* NULL when memory ran out */
void fragments_free(struct fragments *f); /* NULL-safe */

/* Whether p is a fragment that can be taken: all of its bytes were captured. */
static inline bool packet_is_fragment(const struct packet *p)
{
    return (p->mf || p->fragment_offset > 0) && p->fragment.bytes;
}

/* True: with this one its datagram is whole, and *whole is a frame of LINKTYPE_RAW whose bytes live
 * until the next call.  Flaws and fragments given up are counted with the frame as place. */
bool fragments_take(struct fragments *f, const struct packet *p, struct flaws *flaws,
                    struct flaws *skipped, struct frame_bytes *whole);
/* Gives up all that is not whole. */
void fragments_finish(struct fragments *f, struct flaws *skipped);

/* The link and tunnel that the completing fragment came by, put on the datagram decoded again. */
void fragment_inherit(struct packet *whole, const struct packet *last);

#endif
