/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a frame is, at a glance: for who must look at every frame and wants few.  A frame of one of
 * the ordinary shapes of brief.h, with any flags and options, gives the number that all segments of
 * its two ends have in common, whichever way they go; of others nothing is told.
 */
#ifndef WHYRST_PARSERS_PACKET_GLANCE_H
#define WHYRST_PARSERS_PACKET_GLANCE_H

#include "parsers/packet/packet.h"

/* False: packet_decode() must tell, or it is no whole TCP header. */
bool glance_frame(const struct frame_bytes *frame, uint64_t seed, uint64_t *out);

/* The number of two ends, in either order. */
uint64_t glance_ends(const struct endpoint *a, const struct endpoint *b, uint64_t seed);

#endif
