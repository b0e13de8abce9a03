/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets as they arrive, one or a batch: where each belongs is found and asked from memory before
 * the first is taken.  Ordinary segments of known connections take the short road here; all others
 * go the long one of tracker.c, as whole packets.
 */
#include "analyzer/content.h"
#include "analyzer/steady.h"
#include "analyzer/tracker.h"
#include "analyzer/tracker_parts.h"

/* The short road, for a segment that nothing is to be learnt from but what every segment tells. */
static bool take_steady(struct tracker *t, const struct tracker_place *at, const struct brief *b)
{
    const uint8_t dir = at->dir;
    struct flow *f = flows_find(&t->flows, &at->key, at->hash);
    struct live *l = f ? f->live : NULL;
    if (!l || f->file_bits || !flow_has_bases(f) || !(l->noted[dir] >> SEGMENT_SOCKET & 1) ||
        t->config.long_road_only || !steady_is(l, dir, b))
        return false;
    if (duplicate_of_brief(t->duplicates, b, at->print, live_comes_twice(l))) {
        tracker_count_duplicate(t, l, dir);
        return true;
    }
    t->counts.n_steady++;
    steady_take(&t->store, l, dir, b);
    l->n_segments++;
    if (b->time > l->last_time)
        l->last_time = b->time;
    flows_touch(&t->flows, f, FLOW_OPEN);
    tracker_make_room(t, f);
    return true;
}

static void take_segment(struct tracker *t, const struct tracker_place *at, const struct arrival *a)
{
    t->counts.n_tcp++;
    t->counts.n_rst_frames += (a->brief.flags & TCP_RST) != 0;
    tracker_expire_closed(t);
    if (take_steady(t, at, &a->brief))
        return;
    if (a->whole) {
        tracker_take_segment(t, at, a->whole);
        return;
    }
    struct packet p;
    brief_expand(&a->frame, &p);
    p.frame = a->brief.frame;
    tracker_take_segment(t, at, &p);
}

static bool is_segment(const struct arrival *a)
{
    return !a->whole || a->whole->kind == PACKET_TCP;
}

static void take(struct tracker *t, const struct tracker_place *at, const struct arrival *a)
{
    const instant_ns time = a->whole ? a->whole->time : a->brief.time;
    if (time > t->now)
        t->now = time;
    if (is_segment(a))
        take_segment(t, at, a);
    else if (a->whole->kind == PACKET_ICMP_ERROR)
        tracker_take_icmp(t, a->whole);
}

/* Each round asks memory for what the round before has found the address of. */
static void prefetch(const struct tracker *t, const struct tracker_place *at,
                     const struct arrival *v, size_t n)
{
    const struct flow *flow[TRACKER_BATCH];
    const struct live *live[TRACKER_BATCH];
    for (size_t i = 0; i < n; i++) {
        flow[i] = flows_guess(&t->flows, at[i].hash);
        if (flow[i])
            flow_prefetch(flow[i]);
    }
    for (size_t i = 0; i < n; i++) {
        live[i] = flow[i] ? flow[i]->live : NULL;
        if (live[i])
            live_prefetch(live[i]);
    }
    for (size_t i = 0; i < n; i++)
        if (live[i])
            steady_prefetch(live[i], at[i].dir, &v[i].brief);
    for (size_t i = 0; i < n; i++)
        if (live[i] && live[i]->half[at[i].dir].content)
            content_prefetch_bytes(live[i]->half[at[i].dir].content);
}

/* In rounds, so that nothing is read right after it was written in pieces. */
static void find_places(const struct tracker *t, struct tracker_place *at, const struct arrival *v,
                        size_t n)
{
    for (size_t i = 0; i < n; i++) {
        at[i].dir = flow_key_of_brief(&v[i].brief, &at[i].key);
        at[i].print = duplicate_print(&v[i].brief);
        duplicate_prefetch(t->duplicates, at[i].print);
    }
    for (size_t i = 0; i < n; i++) {
        at[i].hash = flows_hash(&t->flows, &at[i].key);
        flows_prefetch(&t->flows, at[i].hash);
    }
}

void tracker_packets(struct tracker *t, const struct arrival *v, size_t n)
{
    struct tracker_place at[TRACKER_BATCH];
    find_places(t, at, v, n);
    prefetch(t, at, v, n);
    for (size_t i = 0; i < n; i++)
        take(t, &at[i], &v[i]);
}

void tracker_packet(struct tracker *t, const struct packet *p)
{
    struct tracker_place at;
    struct arrival a = {.whole = p};
    brief_of(p, &a.brief);
    find_places(t, &at, &a, 1);
    take(t, &at, &a);
}
