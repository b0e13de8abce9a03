/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections are let go of: when they are over, when their ends begin another one, when memory is
 * short.  What is worth keeping becomes a record and a scene, which are judged at the end.
 */
#include <string.h>

#include "analyzer/track/history.h"
#include "analyzer/track/loss_count.h"
#include "analyzer/track/settle_opening.h"
#include "analyzer/track/tracker_parts.h"
#include "parsers/base/prefetch.h"

#define CROWDED_SHARE 16
#define OUTLINE_SHARE 2 /* of the budget for resets, at most */
#define OUTLINE_BYTES (sizeof(struct outline) + sizeof(struct reset))

const char tracker_over_budget[] = "over-budget";

static bool has_room(const struct tracker *t, uint32_t place)
{
    return place < t->config.max_records && t->more_records.n < t->config.max_records - place;
}

/* A record is found by capture and stream.  A connection with RSTs in several files of a series has
 * one for each of them, so that every reset finds its own. */
static void keep_record_of_resets(struct tracker *t, const struct live *l,
                                  struct connection_record *r)
{
    const struct rst_note *first = live_rsts(l);
    uint32_t file = frame_file(first->k.frame);
    r->capture = t->config.capture + file;
    r->stream = first->stream;
    for (const struct rst_note *n = first->next; n; n = n->next) {
        if (frame_file(n->k.frame) == file)
            continue;
        file = frame_file(n->k.frame);
        struct connection_record *more =
            has_room(t, l->flow->place) ? vec_push(&t->more_records) : NULL;
        if (!more) {
            t->counts.n_records_dropped++;
            return;
        }
        *more = *r;
        more->capture = t->config.capture + file;
        more->stream = n->stream;
    }
}

/* Streams that no record is written of leave theirs empty. */
static struct connection_record *record_at(struct tracker *t, uint32_t place)
{
    struct connection_records *r = &t->records;
    if (!has_room(t, place) || !vec_reserve(r, (size_t)place + 1))
        return NULL;
    if (place >= r->n) {
        memset(&r->v[r->n], 0, (place + 1 - r->n) * sizeof *r->v);
        r->n = (size_t)place + 1;
    }
    return &r->v[place];
}

/* Whether all stand where they belong shows without a look at each. */
static void note_written(struct tracker *t, const struct connection_record *r, bool was_gap)
{
    t->n_written += was_gap && r->n_segments > 0;
    t->records_moved |= r->stream != (size_t)(r - t->records.v) || r->capture != t->config.capture;
}

/* The file in which a stream got its number. */
static uint32_t file_of(const struct tracker *t, uint32_t place)
{
    size_t low = 0, high = t->file_places.n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (t->file_places.v[middle] <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static void keep_record(struct tracker *t, struct flow *flow)
{
    if (!tracker_keeps_records(t))
        return;
    const bool again = flow->record > 0;
    if (again && !live_rsts(flow->live))
        return; /* late segments of a connection on record say nothing new */
    struct connection_record *r = record_at(t, again ? flow->record - 1 : flow->place);
    if (!r) {
        t->counts.n_records_dropped++;
        return;
    }
    const instant_ns first = again ? r->first_time : flow->live->first_time;
    const bool was_gap = r->n_segments == 0;
    settle_record(flow, t->config.capture + file_of(t, flow->place), r);
    r->first_time = first;
    flow->record = (uint32_t)(r - t->records.v) + 1;
    if (t->file > 0 && live_rsts(flow->live))
        keep_record_of_resets(t, flow->live, r);
    note_written(t, r, was_gap);
}

/* An opening is the first connection of its flow, and of one file. */
static void keep_record_of_opening(struct tracker *t, struct flow *flow)
{
    if (!tracker_keeps_records(t))
        return;
    struct connection_record *r = record_at(t, flow->place);
    if (!r) {
        t->counts.n_records_dropped++;
        return;
    }
    const bool was_gap = r->n_segments == 0;
    settle_opening_record(flow, t->config.capture + file_of(t, flow->place), r);
    flow->record = (uint32_t)(r - t->records.v) + 1;
    note_written(t, r, was_gap);
}

static bool is_refused(const struct flow *f)
{
    return (f->left_bits & LEFT_OPENING) && f->opening->rst.k.frame > 0;
}

/* In a second reading all that testifies of hosts is known: where nothing else will, a scene need
 * not outlive its verdict. */
static bool judge_resets(struct tracker *t, const struct settle_to *to, const struct flow *flow)
{
    t->scratch.n = 0;
    bool good = settle_resets(to, flow, &t->scratch);
    for (size_t i = 0; i < t->scratch.n; i++) {
        struct reset **slot = vec_push(&t->judged);
        good &= slot != NULL;
        if (!slot)
            continue;
        *slot = tracker_judge(t, t->scratch.v[i]);
        (*slot)->scene = NULL;
    }
    arena_clear(&t->stage);
    return good;
}

/* Of a first reading, that there are any is all that is kept. */
static bool keep_resets(struct tracker *t, const struct flow *flow)
{
    if (tracker_surveys(t))
        return survey_want(&t->survey, &flow->key);
    const bool at_once = t->again && t->alone;
    const struct settle_to to = {.arena = t->arena,
                                 .scenes = at_once ? &t->stage : t->arena,
                                 .intern = &t->intern,
                                 .capture = t->config.capture};
    return at_once ? judge_resets(t, &to, flow) : settle_resets(&to, flow, &t->scenes);
}

/* Whether one more reset may be kept; those of a first reading are not kept yet. */
static bool has_room_for_reset(const struct tracker *t)
{
    return tracker_surveys(t) ||
           t->results->used + t->outlines.n * OUTLINE_BYTES < t->config.results_budget;
}

/* Floods and scans, which come first, leave room for connections that opened. */
static bool has_room_for_outline(const struct tracker *t)
{
    return has_room_for_reset(t) &&
           t->outlines.n * OUTLINE_BYTES < t->config.results_budget / OUTLINE_SHARE;
}

static void skip_rsts(struct tracker *t, const struct flow *flow, const char *static_reason)
{
    for (const struct rst_note *n = live_rsts(flow->live); n; n = n->next)
        tracker_skip_rst(t, &flow->key, n->k.frame, static_reason, 0);
}

/* The reset of an opening is kept, or counted.  False: it needs a live connection. */
static bool settle_refusal(struct tracker *t, const struct flow *flow)
{
    if (!t->config.in_outline)
        return false;
    if (has_room_for_outline(t))
        return outline_keep(t, flow);
    t->counts.n_resets_dropped++;
    tracker_skip_rst(t, &flow->key, flow->opening->rst.k.frame, tracker_over_budget, 0);
    return true;
}

/* Whether it could be done without making a live connection of it. */
static bool settle_opening(struct tracker *t, struct flow *flow)
{
    struct opening *o = flow->left_bits & LEFT_OPENING ? flow->opening : NULL;
    const bool refused = o && is_refused(flow);
    if (!o || !opening_is_plain(o) || (refused && !settle_refusal(t, flow)))
        return false;
    const bool from_client = kept_dir(&o->rst.k) == kept_dir(&o->syn.k);
    t->counts.n_reset_connections += refused;
    t->counts.n_by_state[history_state_unopened(refused, from_client)]++;
    keep_record_of_opening(t, flow);
    opening_leave(flow);
    pool_give(&t->store.openings, o);
    flows_touch(&t->flows, flow, FLOW_DONE);
    return true;
}

/* What becomes of the RSTs of a live connection that is let go. */
static void settle_rsts(struct tracker *t, struct flow *flow, bool has_room)
{
    t->counts.n_resets_dropped += !has_room;
    if (!has_room)
        skip_rsts(t, flow, tracker_over_budget);
    else if (!keep_resets(t, flow))
        skip_rsts(t, flow, "no-memory");
}

void tracker_settle_one(struct tracker *t, struct flow *flow)
{
    if (settle_opening(t, flow))
        return;
    const bool may_outline = t->config.in_outline && is_refused(flow);
    const bool has_room = may_outline ? has_room_for_outline(t) : has_room_for_reset(t);
    const bool in_outline = may_outline && has_room && outline_keep(t, flow);
    struct arena *results = t->arena;
    if (in_outline)
        t->arena = outline_room(t);
    const bool revived = tracker_revive(t, flow);
    t->arena = results;
    if (!revived) {
        t->outlines.n -= in_outline;
        flows_touch(&t->flows, flow, FLOW_DONE);
        return;
    }
    struct live *l = flow->live;
    if (!l)
        return;
    if (live_rsts(l)) {
        t->counts.n_reset_connections += !live_episode(l)->survived;
        if (!in_outline)
            settle_rsts(t, flow, has_room);
    }
    if (!live_has(l, LIVE_REVIVED)) {
        t->counts.n_by_state[history_state(l)]++;
        loss_count(&t->counts.loss, l, t->now);
    }
    keep_record(t, flow);
    live_leave(flow);
    live_free(&t->store, l);
    flow->live = NULL;
    flows_touch(&t->flows, flow, FLOW_DONE);
}

uint64_t tracker_outline_bytes(const struct tracker *t)
{
    return (uint64_t)t->outlines.n * sizeof(struct outline);
}

void tracker_settle(struct tracker *t, struct flow *flow)
{
    tracker_settle_one(t, flow);
    if (flow->has_lanes && tracker_next_lane(t, flow))
        flows_touch(&t->flows, flow, FLOW_OPEN);
}

/* What is settled next but one had its last packet long ago: its memory is fetched, and the flow
 * behind it, which says what to fetch then.  Of the next, what it has on first need. */
static void fetch_behind(const struct tracker *t, const struct flow *f)
{
    const struct flow *next = flows_next(&t->flows, f);
    const struct flow *soon = next ? flows_next(&t->flows, next) : NULL;
    if (!soon)
        return;
    live_prefetch_more(next->live);
    prefetch_bytes(soon->live, sizeof *soon->live);
    if (soon->place < t->records.n)
        prefetch_bytes(&t->records.v[soon->place], sizeof *t->records.v);
    prefetch_bytes(flows_next(&t->flows, soon), sizeof *soon);
}

void tracker_expire(struct tracker *t)
{
    struct flow *f;
    bool crowded = tracker_used(t) > t->config.memory_budget / CROWDED_SHARE;
    instant_ns linger = t->config.linger_ns;
    if (crowded)
        linger = t->least_linger_ns;
    while ((f = flows_first(&t->flows, FLOW_CLOSED)) != NULL &&
           capture_clock_age(t->now, f->live->closed_at) > linger) {
        t->counts.n_hurried += capture_clock_age(t->now, f->live->closed_at) <= t->config.linger_ns;
        fetch_behind(t, f);
        tracker_settle(t, f);
    }
    if (f)
        t->flows.closed_since = f->live->closed_at;
}

void tracker_find_room(struct tracker *t, const struct flow *but)
{
    size_t now = tracker_used(t);
    if (now > t->counts.peak_bytes)
        t->counts.peak_bytes = now;
    if (now > t->config.memory_budget)
        store_trim(&t->store);
    while (tracker_used(t) > t->config.memory_budget) {
        struct flow *closed = flows_first(&t->flows, FLOW_CLOSED);
        struct flow *open = flows_oldest_open(&t->flows, but);
        struct flow *done = flows_first(&t->flows, FLOW_DONE);
        bool many_done =
            t->flows.list[FLOW_DONE].n * sizeof(struct flow) > t->config.memory_budget / 4;
        if (closed && closed != but) {
            tracker_settle(t, closed);
        } else if (done && (many_done || !open || open == but)) {
            flows_remove(&t->flows, done);
            t->counts.n_forgotten++;
        } else if (open && open != but) {
            tracker_settle(t, open);
            t->counts.n_evicted++;
        } else {
            return;
        }
    }
}
