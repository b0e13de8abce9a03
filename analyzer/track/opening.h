/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of which nothing but a SYN, or a SYN and one RST, has been seen: port scans, floods
 * and refusals, of which there may be millions.  It is kept as those two segments; whoever needs
 * more leads them through a live connection again, which comes to the same as having done so at
 * once.
 */
#ifndef WHYRST_ANALYZER_TRACK_OPENING_H
#define WHYRST_ANALYZER_TRACK_OPENING_H

#include "analyzer/track/live.h"
#include "parsers/packet/brief.h"

struct opening_segment { /* all that a live connection would learn from it */
    struct kept k;       /* k.frame 0: there is none */
    uint16_t mss, vlan;
    uint8_t wscale;
    bool has_mss, has_wscale;
};

struct opening { /* two cache lines */
    struct opening_segment syn, rst;
};

static inline void opening_prefetch(const struct opening *o)
{
    __builtin_prefetch(o, 1);
    __builtin_prefetch(&o->rst, 1);
    __builtin_prefetch((const char *)(o + 1) - 1, 1);
}

/* Whether a connection that begins with b can be kept in this form, and go on in it with b, which
 * has no MPTCP reason. */
bool opening_begins(const struct brief *b);
bool opening_goes_on(const struct opening *o, const struct brief *b);

/* Whether it holds nothing but what analyzer/track/settle_opening.h settles: the SYN's window is
 * open, the RST, if there is one, no SYN or FIN as well. */
bool opening_is_plain(const struct opening *o);

void opening_keep(struct opening_segment *s, uint8_t dir, const struct brief *b);

/* The live connection as its SYN leaves it; it is the flow's then, and its first.  NULL: memory ran
 * out. */
struct live *opening_live(struct store *s, struct flow *f, const struct opening_segment *syn);

/* What live_leave would write into the flow of an opening. */
void opening_leave(struct flow *f);

/* The segment as a packet between these ends, by direction.  What neither a live connection nor
 * the kept segment knows is zero. */
void opening_packet(const struct opening_segment *s, const struct endpoint ends[2],
                    struct packet *out);

#endif
