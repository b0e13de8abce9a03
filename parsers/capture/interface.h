/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pcapng interface description: the body of the block goes in, link type, snaplen, name and clock
 * come out.  Used by the pcapng reader only.
 */
#ifndef WHYRST_PARSERS_CAPTURE_INTERFACE_H
#define WHYRST_PARSERS_CAPTURE_INTERFACE_H

#include <stdbool.h>

#include "parsers/base/cursor.h"
#include "parsers/capture/capture.h"

/* How an interface's 64-bit time stamps read: if_tsresol and if_tsoffset. */
struct clock {
    bool is_known;     /* false: a resolution that cannot be meant; times read as none */
    bool is_binary;    /* units of 2^-shift seconds */
    uint8_t shift;     /* of a binary clock, 0..63 */
    uint64_t multiply; /* decimal, coarse: nanoseconds a unit; 0 if finer than a nanosecond */
    uint64_t divide;   /* decimal, fine: units a nanosecond */
    int64_t offset_s;  /* added */
};

/* body: link type, reserved, snaplen, options. */
void interface_read(struct cursor body, bool is_big, struct capture_interface *i,
                    struct clock *clock);
/* body of an interface statistics block: interface, time, options.  The interface within its
 * section, and what it lost (isb_ifdrop and isb_osdrop); false: it does not say. */
bool interface_dropped(struct cursor body, bool is_big, uint32_t *index, uint64_t *n_dropped);
/* INSTANT_NONE when the result is no instant. */
instant_ns clock_to_instant(const struct clock *clock, uint64_t units);

/* The same, of most clocks, in short: units * multiply + add_ns, up to units_max. */
struct tick {
    uint64_t multiply, units_max;
    instant_ns add_ns;
};
/* False: of this clock it cannot be told in short. */
bool clock_tick(const struct clock *clock, struct tick *tick);

#endif
