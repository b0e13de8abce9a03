/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of one tuple on several VLANs at a time: behind a firewall that chooses sequence
 * numbers anew, or of networks that use the same addresses.  Wireshark numbers them as one
 * conversation, and so does the flow; but each has a sequence space, and so a live connection, of
 * its own.  One is the flow's; the others are parked here until a segment of theirs comes.
 */
#include <stdlib.h>

#include "analyzer/track/tracker_parts.h"

#define LANES_MAX 8    /* parked of one tuple; what is more is settled */
#define NEAR (1 << 26) /* bytes: two sequence spaces meet within these once in 32 times */

static struct lane **parked_of(const struct tracker *t, const struct flow *f)
{
    return map_get(&t->lanes, &f);
}

static size_t count(const struct lane *v)
{
    size_t n = 0;
    for (; v; v = v->next)
        n++;
    return n;
}

static bool is_near(uint32_t a, uint32_t b)
{
    const int32_t apart = seq_diff(a, b);
    return apart > -NEAR && apart < NEAR;
}

/* Whether the numbers of a segment are of the connection's sequence space. */
static bool fits(const struct live *l, uint8_t dir, const struct packet *p)
{
    const struct half *h = &l->half[dir], *o = &l->half[1 - dir];
    if ((p->flags & TCP_SYN) && half_has(h, HALF_ISN))
        return p->seq == half_isn(h);
    if (half_has(h, HALF_SEQ) && !(p->flags & TCP_RST && p->seq == 0))
        return is_near(p->seq, h->next_seq);
    return p->flags & TCP_ACK && half_has(o, HALF_SEQ) && is_near(p->ack, o->next_seq);
}

static int rank(const struct live *l, uint8_t dir, const struct packet *p)
{
    return (fits(l, dir, p) ? 2 : 0) + (l->vlan == packet_vlan(p));
}

/* Nothing but the lane changes places. */
static void exchange(struct flow *f, struct lane *with)
{
    const struct lane was = {with->next, f->live, f->place, f->record};
    f->live = with->live;
    f->place = with->place;
    f->record = with->record;
    *with = was;
}

void tracker_pick_lane(struct tracker *t, struct flow *f, uint8_t dir, const struct packet *p)
{
    if (!f->live) /* a new connection begins */
        return;
    struct lane **parked = parked_of(t, f), *best = NULL;
    int most = rank(f->live, dir, p);
    for (struct lane *x = parked ? *parked : NULL; x; x = x->next) {
        const int of_this = rank(x->live, dir, p);
        if (of_this > most) {
            most = of_this;
            best = x;
        }
    }
    if (best)
        exchange(f, best);
}

static bool is_over(const struct live *l)
{
    return live_rsts(l) || (half_has(&l->half[0], HALF_FIN) && half_has(&l->half[1], HALF_FIN));
}

/* A connection goes on beside a new one when it is alive, on another VLAN, and the capture does not
 * show its packets on several. */
static bool lives_beside(const struct live *l, int vlan)
{
    return l->vlan != vlan && live_n_duplicates(l) == 0 && !is_over(l);
}

static bool goes_on(struct tracker *t, struct flow *f, int vlan)
{
    if (vlan < 0)
        return false;
    if (f->left_bits & LEFT_OPENING) {
        const struct opening *o = f->opening;
        return o->rst.k.frame == 0 && o->syn.vlan != vlan && tracker_revive(t, f);
    }
    return f->live && lives_beside(f->live, vlan);
}

static bool park(struct tracker *t, struct flow *f)
{
    struct lane **parked = map_put(&t->lanes, &f, NULL);
    struct lane *lane = parked && count(*parked) < LANES_MAX ? pool_take(&t->store.lanes) : NULL;
    if (!lane)
        return false;
    *lane = (struct lane){*parked, f->live, f->place, f->record};
    *parked = lane;
    f->live = NULL;
    f->left_bits = 0;
    f->has_lanes = true;
    return true;
}

static struct lane *on_vlan(struct lane *v, int vlan)
{
    while (v && v->live->vlan != vlan)
        v = v->next;
    return v;
}

/* The lane becomes the flow's live connection. */
static void take(struct tracker *t, struct flow *f, struct lane **at)
{
    struct lane *lane = *at;
    *at = lane->next;
    f->live = lane->live;
    f->place = lane->place;
    f->record = lane->record;
    pool_give(&t->store.lanes, lane);
}

/* What has ended is not kept for another stream. */
static void settle_ended(struct tracker *t, struct flow *f)
{
    struct lane **at = parked_of(t, f);
    while (at && *at) {
        if (!is_over((*at)->live)) {
            at = &(*at)->next;
            continue;
        }
        take(t, f, at);
        tracker_settle_one(t, f);
    }
}

void tracker_make_way(struct tracker *t, struct flow *f, int vlan)
{
    struct lane **parked = f->has_lanes ? parked_of(t, f) : NULL;
    struct lane *same = parked && f->live && f->live->vlan != vlan ? on_vlan(*parked, vlan) : NULL;
    if (same)
        exchange(f, same);
    if (!goes_on(t, f, vlan) || !park(t, f))
        tracker_settle_one(t, f);
    if (f->has_lanes)
        settle_ended(t, f);
}

bool tracker_next_lane(struct tracker *t, struct flow *f)
{
    struct lane **parked = parked_of(t, f);
    f->has_lanes = parked && *parked;
    if (f->has_lanes)
        take(t, f, parked);
    return f->has_lanes;
}
