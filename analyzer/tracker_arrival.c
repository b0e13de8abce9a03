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

/* The short road; see steady.h for what goes there. */
static bool take_steady(struct tracker *t, const struct tracker_place *at, const struct brief *b)
{
    const uint8_t dir = at->dir;
    struct flow *f = flows_find_near(&t->flows, at->guess, &at->key, at->hash);
    struct live *l = f ? f->live : NULL;
    if (!l || f->file_bits || f->has_lanes || !flow_has_bases(f) || t->config.long_road_only ||
        !steady_is(l, dir, b))
        return false;
    if (duplicate_of(t->duplicates, b, at->print, live_comes_twice(l))) {
        tracker_count_duplicate(t, l, dir);
        return true;
    }
    t->counts.n_steady++;
    tracker_note_habit(t, l, at);
    steady_take(&t->store, l, dir, b);
    l->n_segments++;
    if (b->time > l->last_time)
        l->last_time = b->time;
    flows_touch(&t->flows, f, live_closed(l) ? FLOW_CLOSED : FLOW_OPEN);
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
    brief_expand(&a->brief, &a->frame, &p);
    tracker_take_segment(t, at, &p);
}

static bool is_segment(const struct arrival *a)
{
    return !a->whole || a->whole->kind == PACKET_TCP;
}

static void take(struct tracker *t, const struct tracker_place *at, const struct arrival *a)
{
    if (is_segment(a))
        take_segment(t, at, a);
    else if (a->whole->kind == PACKET_ICMP_ERROR)
        tracker_take_icmp(t, a->whole);
}

struct coming {
    struct tracker_place at;
    const struct arrival *a;
    instant_ns now; /* the latest time up to it */
};

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
    return is_segment(c->a) && (!l || !(l->noted[c->at.dir] >> kind & 1));
}

static void prefetch_habits(const struct tracker *t, struct coming *v,
                            const struct live *const *live, size_t n)
{
    uint32_t hash[TRACKER_BATCH];
    uint8_t taught[TRACKER_BATCH];
    size_t n_taught = 0;
    for (size_t i = 0; i < n; i++) {
        v[i].at.host = 0;
        if (!teaches(&v[i], live[i]))
            continue;
        taught[n_taught] = (uint8_t)i;
        hash[n_taught++] = habits_prefetch(t->habits, &v[i].a->brief.src);
    }
    for (size_t i = 0; i < n_taught; i++)
        v[taught[i]].at.host = habits_guess(t->habits, hash[i]);
}

/* Each round asks memory for what the round before has found the address of. */
static void prefetch(const struct tracker *t, struct coming *v, size_t n)
{
    const struct live *live[TRACKER_BATCH];
    for (size_t i = 0; i < n; i++) {
        v[i].at.guess = flows_guess(&t->flows, v[i].at.hash);
        if (v[i].at.guess)
            flow_prefetch(v[i].at.guess);
    }
    for (size_t i = 0; i < n; i++) {
        const struct flow *f = v[i].at.guess;
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
    for (size_t i = 0; i < n; i++)
        if (live[i] && live[i]->evidence)
            steady_prefetch(live[i], v[i].at.dir, &v[i].a->brief);
    for (size_t i = 0; i < n; i++)
        if (live[i] && live[i]->half[v[i].at.dir].content)
            content_prefetch_bytes(live[i]->half[v[i].at.dir].content);
}

/* In rounds, so that nothing is read right after it was written in pieces. */
static void find_places(const struct tracker *t, struct coming *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i].at.dir = flow_key_of_brief(&v[i].a->brief, &v[i].at.key);
    for (size_t i = 0; i < n; i++)
        v[i].at.hash = flows_hash(&t->flows, &v[i].at.key);
}

static void find_prints(const struct tracker *t, struct coming *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        flows_prefetch(&t->flows, v[i].at.hash);
        v[i].at.brief = &v[i].a->brief;
        v[i].at.print = duplicate_print(v[i].at.brief);
        duplicate_prefetch(t->duplicates, v[i].at.print);
    }
}

/* A second reading takes those of wanted tuples, each at the time that all before it tell. */
static size_t pick(struct tracker *t, struct coming *v, size_t n)
{
    size_t n_picked = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_segment(v[i].a) ||
            (survey_may_want(&t->survey, v[i].at.hash) && survey_wants(&t->survey, &v[i].at.key)))
            v[n_picked++] = v[i];
    return n_picked;
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
        now = latest(&v[i], now);
        coming[i].a = &v[i];
        coming[i].now = now;
    }
    find_places(t, coming, n);
    size_t n_picked = t->again ? pick(t, coming, n) : n;
    for (size_t i = 0; i < n && tracker_surveys(t); i++)
        survey_trace(&t->survey.now, coming[i].at.hash);
    find_prints(t, coming, n_picked);
    prefetch(t, coming, n_picked);
    for (size_t i = 0; i < n_picked; i++) {
        t->now = coming[i].now;
        take(t, &coming[i].at, coming[i].a);
    }
    t->now = now;
}

void tracker_packet(struct tracker *t, const struct packet *p)
{
    struct arrival a = {.whole = p, .passed = INSTANT_NONE};
    brief_of(p, &a.brief);
    tracker_packets(t, &a, 1);
}
