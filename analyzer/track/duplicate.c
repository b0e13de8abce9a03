/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet is a second sight of another when everything that a hop leaves alone is equal, it came
 * within milliseconds, and the IPv4 identification (which a sender does not use twice that soon)
 * says so, or the copy differs in what a hop or a mirror changes, or no sender repeats it that
 * soon.
 */
#include "analyzer/track/duplicate.h"

#include <string.h>

#include "parsers/base/hash.h"

#define WINDOW_WITH_ID_NS (5 * (NS_PER_S / 1000))
#define WINDOW_NS (NS_PER_S / 1000)
#define HOPS_MAX 4

uint64_t duplicate_print(const struct brief *b)
{
    return hash_bytes(b, BRIEF_COMMON, 0);
}

static bool differs_by_path(const struct duplicate_slot *s, const struct brief *b)
{
    const struct brief_path *x = &s->path, *y = &b->path;
    int hops = (int)x->ttl - (int)y->ttl;
    if (hops != 0)
        return hops >= -HOPS_MAX && hops <= HOPS_MAX;
    return x->n_vlans != y->n_vlans || x->vlan != y->vlan || x->iface != y->iface ||
           x->in_tunnel != y->in_tunnel ||
           (b->bits & BRIEF_MAC && memcmp(x->src_mac, y->src_mac, sizeof x->src_mac) != 0);
}

/* A SYN or a FIN that is not answered is sent again after a retransmission timeout, of which the
 * shortest is 200 ms (Linux, TCP_RTO_MIN), or as a tail loss probe, after two ticks at the soonest
 * (TCP_TIMEOUT_MIN).  RSTs answer every packet, and data may be sent again at once. */
static bool waits_for_its_timer(const struct brief *b)
{
    return b->flags & (TCP_SYN | TCP_FIN);
}

static bool repeats(const struct duplicate_slot *s, uint64_t print, const struct brief *b,
                    bool habitual)
{
    if (s->frame == 0 || s->print != print)
        return false;
    instant_ns apart = instant_since(b->time, s->time);
    if (b->bits & BRIEF_HAS_ID && b->ip_id != 0)
        return apart >= -WINDOW_WITH_ID_NS && apart <= WINDOW_WITH_ID_NS;
    return apart >= -WINDOW_NS && apart <= WINDOW_NS &&
           (habitual || waits_for_its_timer(b) || differs_by_path(s, b));
}

uint64_t duplicate_of(struct duplicates *d, const struct brief *b, uint64_t print, bool habitual)
{
    const struct duplicate_slot *s = &d->slot[print % DUPLICATE_SLOTS];
    if (repeats(s, print, b, habitual))
        return s->frame;
    duplicate_remember(d, b, print);
    return 0;
}
