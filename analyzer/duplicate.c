/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet is a second sight of another when everything that a hop leaves alone is equal, it came
 * within milliseconds, and either the IPv4 identification (which a sender does not use twice that
 * soon) says so or the copy differs in what a hop or a mirror changes.
 */
#include "analyzer/duplicate.h"

#include <string.h>

#include "parsers/base/hash.h"

#define WINDOW_WITH_ID_NS (5 * (NS_PER_S / 1000))
#define WINDOW_NS (NS_PER_S / 1000)
#define HOPS_MAX 4

static uint64_t print_of(const struct packet *p)
{
    struct {
        struct address src, dst;
        uint32_t seq, ack, len, tsval, tsecr, label;
        uint16_t sport, dport, flags, window, id, urgent;
    } f;
    memset(&f, 0, sizeof f);
    f.src = p->ip_src;
    f.dst = p->ip_dst;
    f.seq = p->seq;
    f.ack = p->ack;
    f.len = p->payload_len;
    f.tsval = p->tsval;
    f.tsecr = p->tsecr;
    f.label = p->flow_label;
    f.sport = p->src_port;
    f.dport = p->dst_port;
    f.flags = p->flags;
    f.window = p->window;
    f.id = p->ip_id;
    f.urgent = p->urgent;
    return hash_bytes(&f, sizeof f, 0);
}

static bool differs_by_path(const struct duplicate_slot *s, const struct packet *p)
{
    int hops = (int)s->ttl - (int)p->ttl;
    if (hops != 0)
        return hops >= -HOPS_MAX && hops <= HOPS_MAX;
    return s->n_vlans != p->n_vlans || s->vlan != p->vlan[0] || s->iface != p->iface ||
           s->in_tunnel != p->in_tunnel || (p->has_mac && memcmp(s->mac, p->src_mac, 6) != 0);
}

static bool repeats(const struct duplicate_slot *s, uint64_t print, const struct packet *p,
                    bool habitual)
{
    if (s->frame == 0 || s->print != print)
        return false;
    instant_ns apart = p->time - s->time;
    if (p->has_ip_id && p->ip_id != 0)
        return apart >= -WINDOW_WITH_ID_NS && apart <= WINDOW_WITH_ID_NS;
    return apart >= -WINDOW_NS && apart <= WINDOW_NS && (habitual || differs_by_path(s, p));
}

uint64_t duplicate_of(struct duplicates *d, const struct packet *p, bool habitual)
{
    uint64_t print = print_of(p);
    struct duplicate_slot *s = &d->slot[print % DUPLICATE_SLOTS];
    if (repeats(s, print, p, habitual))
        return s->frame;
    *s = (struct duplicate_slot){.print = print,
                                 .frame = p->frame,
                                 .time = p->time,
                                 .iface = p->iface,
                                 .vlan = p->vlan[0],
                                 .ttl = p->ttl,
                                 .n_vlans = p->n_vlans,
                                 .in_tunnel = p->in_tunnel};
    memcpy(s->mac, p->src_mac, sizeof s->mac);
    return 0;
}
