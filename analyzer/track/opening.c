/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments in their short form and back.  What carries a payload or has been through a tunnel has
 * no short form.
 */
#include "analyzer/track/opening.h"

#include <string.h>

#include "analyzer/track/fingerprint.h"
#include "analyzer/track/flow.h"
#include "analyzer/track/history.h"
#include "analyzer/track/stream.h"
#include "analyzer/track/timeline.h"

static bool is_bare(const struct brief *b)
{
    return b->payload_len == 0 && b->payload_captured == 0 && !b->path.in_tunnel;
}

bool opening_begins(const struct brief *b)
{
    return (b->flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)) == TCP_SYN && is_bare(b);
}

bool opening_goes_on(const struct opening *o, const struct brief *b)
{
    return o->rst.k.frame == 0 && (b->flags & TCP_RST) && is_bare(b);
}

bool opening_is_plain(const struct opening *o)
{
    return o->syn.k.window > 0 && !(o->rst.k.flags & (TCP_SYN | TCP_FIN));
}

void opening_keep(struct opening_segment *s, uint8_t dir, const struct brief *b)
{
    kept_from_brief(b, dir, &s->k);
    s->mss = b->mss;
    s->vlan = b->path.vlan;
    s->wscale = b->wscale;
    s->has_mss = b->bits & BRIEF_MSS;
    s->has_wscale = b->bits & BRIEF_WSCALE;
}

void opening_packet(const struct opening_segment *s, const struct endpoint ends[2],
                    struct packet *out)
{
    const struct kept *k = &s->k;
    const struct endpoint *src = &ends[kept_dir(k)], *dst = &ends[1 - kept_dir(k)];
    *out = (struct packet){.kind = PACKET_TCP,
                           .frame = k->frame,
                           .time = k->time,
                           .has_mac = true,
                           .n_vlans = 1,
                           .vlan = {s->vlan},
                           .ip_src = src->ip,
                           .ip_dst = dst->ip,
                           .ttl = k->ttl,
                           .has_ip_id = (k->bits & KEPT_HAS_ID) != 0,
                           .ip_id = k->ip_id,
                           .df = (k->bits & KEPT_DF) != 0,
                           .flow_label = k->flow_label,
                           .src_port = src->port,
                           .dst_port = dst->port,
                           .seq = k->seq,
                           .ack = k->ack,
                           .flags = k->flags,
                           .window = k->window,
                           .has_options = (k->bits & KEPT_OPTIONS) != 0,
                           .has_mss = s->has_mss,
                           .has_wscale = s->has_wscale,
                           .has_timestamps = (k->bits & KEPT_TIMESTAMPS) != 0,
                           .mss = s->mss,
                           .wscale = s->wscale,
                           .tsval = k->tsval,
                           .tsecr = k->tsecr,
                           .mptcp_reset_reason = MPTCP_REASON_NONE};
    memcpy(out->src_mac, k->src_mac, sizeof out->src_mac);
}

struct live *opening_live(struct store *s, struct flow *f, const struct opening_segment *syn)
{
    const struct kept *k = &syn->k;
    const uint8_t dir = kept_dir(k);
    struct live *l = live_new(s, f, k->time, syn->vlan);
    if (!l)
        return NULL;
    l->client = dir & 1;
    l->bits |= LIVE_CLIENT_KNOWN | LIVE_SYN;
    l->syn_tsval = k->tsval;
    l->syn_time[dir] = k->time;
    live_set_noted(l, dir, SEGMENT_SYN);
    history_opens(l, dir);
    stream_opens(&l->half[dir], syn);
    struct evidence *e = live_evidence(l);
    if (e) {
        e->times[dir].first = k->time;
        e->times[dir].mss = syn->has_mss ? syn->mss : 0;
        timeline_add(s, &e->timeline, k);
    }
    return l;
}

void opening_leave(struct flow *f)
{
    const struct kept *syn = &f->opening->syn.k, *rst = &f->opening->rst.k;
    const instant_ns last = rst->frame > 0 && rst->time > syn->time ? rst->time : syn->time;
    f->left_bits = LEFT_SOMETHING | LEFT_CLIENT_KNOWN; /* one direction has no numbers */
    f->left_bits |= kept_dir(syn) ? LEFT_CLIENT_1 : 0;
    f->left_stream = f->stream;
    f->left_time = last;
}
