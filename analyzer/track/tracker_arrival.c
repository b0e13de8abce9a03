/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets as they arrive, one or a batch: where each belongs is found and asked from memory before
 * the first is taken.  Ordinary segments of known connections take the short road here; all others
 * go the long one of tracker.c, as whole packets.
 */
#include "analyzer/track/content.h"
#include "analyzer/track/steady.h"
#include "analyzer/track/tracker.h"
#include "analyzer/track/tracker_parts.h"
#include "parsers/base/prefetch.h"

/* The short road; see steady.h for what goes there. */
static bool take_steady(struct tracker *t, const struct tracker_place *at, const struct brief *b)
{
    const uint8_t dir = at->dir;
    struct flow *f = at->flow;
    struct live *l = f ? f->live : NULL;
    if (!l || f->file_bits || f->has_lanes || !flow_has_bases(f) || t->config.long_road_only ||
        !steady_is(l, dir, b))
        return false;
    if (tracker_duplicate_of(t, at, l)) {
        tracker_count_duplicate(t, l, dir);
        return true;
    }
    t->counts.n_steady++;
    tracker_note_habit(t, l, at, SEGMENT_SOCKET);
    steady_take(&t->store, l, dir, b);
    if (b->time > l->last_time)
        l->last_time = b->time;
    tracker_touch(t, l, live_closed(l));
    tracker_make_room(t, f);
    return true;
}

struct coming {
    struct tracker_place at;
    const struct arrival *a;
    struct flow *guess; /* see flows_guess */
    instant_ns now;     /* the latest time up to it */
};

static void find_flow(struct tracker *t, struct coming *c)
{
    struct tracker_place *at = &c->at;
    at->flow = c->guess;
    if (at->flow && flow_has_ends_of(at->flow, at->brief, at->dir))
        return;
    flow_key_of_brief(at->brief, at->dir, &at->key);
    at->flow = flows_find(&t->flows, &at->key, at->hash);
}

static void take_segment(struct tracker *t, struct coming *c)
{
    const struct tracker_place *at = &c->at;
    const struct arrival *a = c->a;
    t->counts.n_tcp++;
    t->counts.n_rst_frames += (a->brief.flags & TCP_RST) != 0;
    tracker_expire_closed(t);
    find_flow(t, c);
    if (!take_steady(t, at, &a->brief))
        tracker_take_segment(t, at, a);
}

static bool is_segment(const struct arrival *a)
{
    return !a->whole || a->whole->kind == PACKET_TCP;
}

static void take(struct tracker *t, struct coming *c)
{
    if (is_segment(c->a))
        take_segment(t, c);
    else if (c->a->whole->kind == PACKET_ICMP_ERROR)
        tracker_take_icmp(t, c->a->whole);
}

static inline instant_ns later(instant_ns a, instant_ns b)
{
    return a > b ? a : b;
}

static instant_ns latest(const struct arrival *a, instant_ns now)
{
    return later(later(now, a->passed), a->whole ? a->whole->time : a->brief.time);
}

/* A segment from which the habits of its sender will be learnt, as far as can be seen yet. */
static bool teaches(const struct coming *c, const struct live *l)
{
    const enum segment_kind kind = segment_kind_of(c->a->brief.flags, c->a->brief.seq);
    return is_segment(c->a) && (!l || !live_has_noted(l, c->at.dir, kind));
}

static void prefetch_habits(const struct tracker *t, struct coming *v,
                            const struct live *const *live, size_t n)
{
    uint32_t hash[TRACKER_BATCH];
    uint8_t taught[TRACKER_BATCH];
    size_t n_taught = 0;
    for (size_t i = 0; i < n; i++) {
        v[i].at.host = 0;
        taught[n_taught] = (uint8_t)i;
        n_taught += teaches(&v[i], live[i]);
    }
    for (size_t i = 0; i < n_taught; i++)
        hash[i] = habits_prefetch(t->habits, &v[taught[i]].a->brief.src);
    for (size_t i = 0; i < n_taught; i++)
        v[taught[i]].at.host = habits_guess(t->habits, hash[i]);
}

/* What is told of reset connections alone; the connections themselves are there. */
static void prefetch_evidence(const struct coming *v, const struct live *const *live, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (live[i])
            live_prefetch_more(live[i]);
    for (size_t i = 0; i < n; i++)
        if (live[i] && live_evidence(live[i]))
            prefetch_bytes(live_evidence(live[i]), sizeof(struct timeline));
    for (size_t i = 0; i < n; i++)
        if (live[i] && live_evidence(live[i]))
            steady_prefetch(live[i], v[i].at.dir, &v[i].a->brief);
    for (size_t i = 0; i < n; i++) {
        const struct content *said = live[i] ? half_content(&live[i]->half[v[i].at.dir]) : NULL;
        if (said)
            content_prefetch_bytes(said);
    }
}

/* Each round asks memory for what the round before has found the address of. */
static void prefetch(const struct tracker *t, struct coming *v, size_t n)
{
    const struct live *live[TRACKER_BATCH];
    for (size_t i = 0; i < n; i++) {
        v[i].guess = flows_guess(&t->flows, v[i].at.hash);
        if (v[i].guess)
            flow_prefetch(v[i].guess);
    }
    for (size_t i = 0; i < n; i++) {
        const struct flow *f = v[i].guess;
        live[i] = f ? f->live : NULL;
        if (live[i])
            live_prefetch(live[i]);
        else if (f && f->left_bits & LEFT_OPENING)
            opening_prefetch(f->opening);
    }
    if (!t->again)
        prefetch_habits(t, v, live, n);
    if (t->store.numbers_only)
        return;
    prefetch_evidence(v, live, n);
}

static void find_prints(const struct tracker *t, struct coming *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        flows_prefetch(&t->flows, v[i].at.hash);
        v[i].at.print = duplicate_print(v[i].at.brief);
        duplicate_prefetch(t->duplicates, v[i].at.print);
    }
}

/* A second reading takes those of wanted tuples, each at the time that all before it tell. */
static size_t pick(struct tracker *t, struct coming *v, size_t n)
{
    size_t n_picked = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_segment(v[i].a) || survey_may_want(&t->survey, v[i].at.hash))
            v[n_picked++] = v[i];
    return n_picked;
}

/* Of those that were picked: a flow that is known in a second reading is of a wanted tuple. */
static bool is_wanted(const struct tracker *t, const struct coming *c)
{
    const struct tracker_place *at = &c->at;
    struct flow_key key;
    if (!is_segment(c->a) || (c->guess && flow_has_ends_of(c->guess, at->brief, at->dir)))
        return true;
    flow_key_of_brief(at->brief, at->dir, &key);
    return survey_wants(&t->survey, &key);
}

bool tracker_end_stretch(struct tracker *t, bool is_needed)
{
    return survey_end_stretch(&t->survey, t->now, is_needed);
}

bool tracker_needs_stretch(const struct tracker *t, size_t i)
{
    return i >= t->survey.stretches.n || survey_wants_stretch(&t->survey, i);
}

void tracker_pass_stretch(struct tracker *t, size_t i)
{
    tracker_pass(t, t->survey.stretches.v[i].now);
}

bool tracker_passes(const struct tracker *t, const struct frame_bytes *frame)
{
    return t->again && !survey_may_want_frame(&t->survey, frame);
}

void tracker_pass(struct tracker *t, instant_ns until)
{
    t->now = later(t->now, until);
}

void tracker_packets(struct tracker *t, const struct arrival *v, size_t n)
{
    struct coming coming[TRACKER_BATCH];
    instant_ns now = t->now;
    for (size_t i = 0; i < n; i++) {
        struct coming *c = &coming[i];
        now = latest(&v[i], now);
        c->a = &v[i];
        c->now = now;
        c->at.brief = &v[i].brief;
        c->at.hash = flows_hash_of_brief(&t->flows, &v[i].brief, &c->at.dir);
    }
    size_t n_picked = t->again ? pick(t, coming, n) : n;
    if (tracker_surveys(t))
        for (size_t i = 0; i < n; i++)
            survey_trace(&t->survey.now, coming[i].at.hash);
    find_prints(t, coming, n_picked);
    prefetch(t, coming, n_picked);
    for (size_t i = 0; i < n_picked; i++) {
        if (t->again && !is_wanted(t, &coming[i]))
            continue;
        t->now = coming[i].now;
        take(t, &coming[i]);
    }
    t->now = now;
}

void tracker_packet(struct tracker *t, const struct packet *p)
{
    struct arrival a = {.whole = p, .passed = INSTANT_NONE};
    brief_of(p, &a.brief);
    tracker_packets(t, &a, 1);
}
