/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker's end: everything is settled and judged, and what was learnt is put in order and
 * handed out.  No packet is looked at here.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/track/tracker_parts.h"
#include "parsers/base/order.h"
#include "parsers/base/prefetch.h"
#include "parsers/base/radix.h"

static int by_skip_frame(const void *a, const void *b)
{
    const struct skipped *x = a, *y = b;
    return (x->skip.frame > y->skip.frame) - (x->skip.frame < y->skip.frame);
}

static int by_time(const void *a, const void *b)
{
    const struct segment *x = &(*(struct reset *const *)a)->deciding.segment;
    const struct segment *y = &(*(struct reset *const *)b)->deciding.segment;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->frame > y->frame) - (x->frame < y->frame);
}

/* What the scene of a reset is made of. */
static void fetch_evidence(const struct live *l)
{
    const struct timeline *t = &live_evidence(l)->timeline;
    for (size_t i = 0; i < sizeof t->head / sizeof *t->head; i++)
        prefetch_bytes(t->head[i], sizeof *t->head[i]);
    for (size_t i = 0; t->ring && i < TIMELINE_RING_CHUNKS; i++)
        prefetch_bytes(t->ring->c[i], sizeof *t->ring->c[i]);
    prefetch_bytes(l->more->episodes, sizeof *l->more->episodes);
    prefetch_bytes(l->more->rsts, sizeof *l->more->rsts);
    for (int dir = 0; dir < 2; dir++) {
        const struct content *said = half_content(&l->half[dir]);
        if (said)
            prefetch_bytes(said->head, sizeof *said->head);
    }
}

/* Parts lie where packets found room for them: a flow, its connection, its parts and what these
 * name come one after the other, a step nearer with each flow that is settled. */
static void fetch_behind(const struct tracker *t, const struct flow *f)
{
    const struct flow *next = flows_next(&t->flows, f);
    if (next && next->live && live_evidence(next->live) && live_rsts(next->live))
        fetch_evidence(next->live);
    next = next ? flows_next(&t->flows, next) : NULL;
    if (next && next->live)
        prefetch_bytes(live_evidence(next->live), sizeof(struct evidence));
    next = next ? flows_next(&t->flows, next) : NULL;
    if (next && next->live)
        live_prefetch_more(next->live);
    next = next ? flows_next(&t->flows, next) : NULL;
    if (next)
        prefetch_bytes(next->live, sizeof *next->live);
    next = next ? flows_next(&t->flows, next) : NULL;
    prefetch_bytes(next, sizeof *next);
}

/* What is written of connections that are settled takes the place of what was live of them. */
void tracker_settle_all(struct tracker *t)
{
    struct flow *f;
    if (tracker_keeps_records(t) && t->next_place <= t->config.max_records)
        (void)vec_reserve(&t->records, t->next_place);
    store_drain(&t->store);
    while ((f = flows_first(&t->flows, FLOW_CLOSED)) != NULL) {
        fetch_behind(t, f);
        tracker_settle(t, f);
    }
    while ((f = flows_first(&t->flows, FLOW_OPEN)) != NULL &&
           (f->live || (f->left_bits & LEFT_OPENING))) {
        fetch_behind(t, f);
        tracker_settle(t, f);
    }
}

/* What is asked for after the tracker is gone lives in the arena. */
static void hand_over(struct tracker *t)
{
    struct tracker_rst_skip *v = arena_array(t->arena, t->skips.n + 1, sizeof *v);
    for (size_t i = 0; v && i < t->skips.n; i++)
        v[i] = t->skips.v[i].skip;
    t->skips_out = (struct tracker_skips){v, v ? t->skips.n : 0};
    vec_finish(&t->skips);
}

static void skip_rst(struct tracker *t, uint64_t frame, const char *reason)
{
    static const struct flow_key any; /* at the end nobody asks any more */
    tracker_skip_rst(t, &any, frame, reason, 0);
}

static void skip_attempt(struct tracker *t, struct reset *r)
{
    for (size_t i = 0; i < r->n_rsts; i++)
        skip_rst(t, r->rsts[i].segment.frame, "connection-lived-on");
    if (t->attempts.v)
        t->attempts.v[t->attempts.n++] = r;
}

struct hand { /* of resets that are handed out, numbered as they come */
    struct tracker_resets resets;
    bool in_order; /* which is by time, so far */
};

static void add(struct hand *h, struct reset *r)
{
    struct tracker_resets *to = &h->resets;
    h->in_order = h->in_order && (to->n == 0 || by_time(&to->v[to->n - 1], &r) <= 0);
    to->v[to->n++] = r;
    r->id = (uint32_t)to->n;
}

static void hand_out(struct tracker *t, struct reset *r, struct hand *out)
{
    if (!r->killed)
        skip_attempt(t, r);
    else if (out->resets.v)
        add(out, r);
}

/* Verdicts of resets in outline, of which there may be a million: all in one piece. */
static void judge_outlines(struct tracker *t, struct hand *out)
{
    struct reset *room = arena_array(t->arena, t->outlines.n, sizeof *room);
    for (size_t i = 0; i < t->outlines.n; i++) {
        const struct outline *b = &t->outlines.v[i];
        prefetch_behind(t->outlines.v, t->outlines.n, sizeof *b, i);
        if (room && out->resets.v && outline_judge(t, b, &room[i]))
            add(out, &room[i]);
        else
            skip_rst(t, b->segments.rst.k.frame, "no-memory");
    }
}

/* Who judges a scene again may do so after the tracker is gone. */
static void judge(struct tracker *t, struct scene *s)
{
    s->habits = t->habits;
    s->talk_hidden = loss_is_control_only(t->again ? &t->first_counts.loss : &t->counts.loss);
    if (s->talk_hidden && s->reset->deciding.validity != RST_EXACT)
        s->reset->deciding.validity = RST_UNVERIFIABLE; /* nothing shows what its receiver awaits */
    scene_judge(s);
    s->habits = NULL;
    s->intern = NULL;
}

struct reset *tracker_judge(struct tracker *t, struct scene *s)
{
    judge(t, s);
    if (!s->earlier)
        return s->reset;
    judge(t, s->earlier);
    return scene_cause(s)->reset;
}

/* By frame, then by time: keys that lie together, not resets that lie anywhere.  False: there is no
 * room for that. */
static bool sort_by_keys(struct tracker_resets *r)
{
    const size_t n = r->n;
    struct radix_item *key = radix_room(n);
    struct reset **sorted = malloc(n * sizeof *sorted);
    for (size_t i = 0; key && sorted && i < n; i++)
        key[i] = (struct radix_item){r->v[i]->deciding.segment.frame, (uint32_t)i};
    if (key && sorted) {
        radix_sort(key, key + n, n);
        for (size_t i = 0; i < n; i++)
            key[i].key = radix_signed(r->v[key[i].value]->deciding.segment.time);
        radix_sort(key, key + n, n);
        for (size_t i = 0; i < n; i++)
            sorted[i] = r->v[key[i].value];
        memcpy(r->v, sorted, n * sizeof *sorted);
    }
    const bool good = key && sorted;
    radix_room_free(key, n);
    free(sorted);
    return good;
}

static void sort_and_number(struct tracker_resets *r)
{
    if (resets_number(r->v, r->n, by_time))
        return;
    if (!sort_by_keys(r))
        qsort(r->v, r->n, sizeof *r->v, by_time);
    (void)resets_number(r->v, r->n, by_time);
}

/* What is learnt of the wanted tuples is learnt anew. */
static void forget_wanted(struct tracker *t)
{
    size_t n = 0;
    t->counts.n_resets_dropped = 0;
    for (size_t i = 0; i < t->skips.n; i++) {
        if (survey_wants(&t->survey, &t->skips.v[i].key))
            continue;
        t->counts.n_resets_dropped += t->skips.v[i].skip.reason == tracker_over_budget;
        t->skips.v[n++] = t->skips.v[i];
    }
    t->skips.n = n;
    n = 0;
    for (size_t i = 0; i < t->outlines.n; i++) {
        struct flow_key key;
        const struct reset_face *face = &t->outlines.v[i].face;
        flow_key_of(&face->end[SIDE_CLIENT], &face->end[SIDE_SERVER], &key);
        if (!survey_wants(&t->survey, &key))
            t->outlines.v[n++] = t->outlines.v[i];
    }
    t->outlines.n = n;
}

void tracker_stand_alone(struct tracker *t)
{
    t->alone = true;
}

bool tracker_again(struct tracker *t)
{
    if (!tracker_surveys(t))
        return false;
    tracker_settle_all(t);
    if (t->survey.wanted.n == 0)
        return false;
    survey_close(&t->survey, &t->flows);
    forget_wanted(t);
    flows_clear(&t->flows);
    store_begin_again(&t->store);
    memset(t->duplicates, 0, sizeof *t->duplicates);
    t->again = true;
    t->arena = t->results;
    t->first_counts = t->counts;
    t->first_counts.n_not_collected =
        t->counts.n_reset_connections - t->outlines.n - t->counts.n_resets_dropped;
    t->counts = (struct tracker_counts){0};
    t->file = 0;
    t->of_file.n = 0;
    t->now = INSTANT_NONE;
    return true;
}

/* Counts are of the first reading; what the second could not keep is lost all the same.  Most of
 * those that it let go of early the first one had let go of, too. */
static void end_reading(struct tracker *t)
{
    tracker_settle_all(t);
    t->arena = t->results;
    if (!t->again)
        return;
    const struct tracker_counts second = t->counts;
    t->counts = t->first_counts;
    if (second.n_evicted > t->counts.n_evicted)
        t->counts.n_evicted = second.n_evicted;
    t->counts.n_no_memory += second.n_no_memory;
    t->counts.n_resets_dropped += second.n_resets_dropped;
    t->counts.n_not_collected -= second.n_reset_connections < t->counts.n_not_collected
                                     ? second.n_reset_connections
                                     : t->counts.n_not_collected;
    if (second.peak_bytes > t->counts.peak_bytes)
        t->counts.peak_bytes = second.peak_bytes;
}

void tracker_let_go(struct tracker *t)
{
    flows_finish(&t->flows);
    store_finish(&t->store);
    store_init(&t->store, t->from);
}

bool tracker_retire(struct tracker *t)
{
    vec_finish(&t->scenes);
    vec_finish(&t->judged);
    vec_finish(&t->skips);
    vec_finish(&t->records);
    vec_finish(&t->more_records);
    return outline_make_room(t);
}

struct tracker_resets tracker_finish(struct tracker *t)
{
    struct hand out = {.in_order = true};
    end_reading(t);
    tracker_let_go(t);
    size_t n = t->judged.n + t->scenes.n + t->outlines.n + 1;
    out.resets.v = arena_array(t->arena, n, sizeof *out.resets.v);
    t->attempts.v = arena_array(t->arena, n, sizeof *out.resets.v);
    for (size_t i = 0; i < t->judged.n; i++)
        hand_out(t, t->judged.v[i], &out);
    for (size_t i = 0; i < t->scenes.n; i++)
        hand_out(t, tracker_judge(t, t->scenes.v[i]), &out);
    judge_outlines(t, &out);
    if (!out.in_order)
        sort_and_number(&out.resets);
    sort_and_number(&t->attempts);
    order_sort(t->skips.v, t->skips.n, sizeof *t->skips.v, by_skip_frame);
    hand_over(t);
    return out.resets;
}

const struct tracker_counts *tracker_counts(const struct tracker *t)
{
    return &t->counts;
}

struct tracker_skips tracker_rst_skipped(const struct tracker *t)
{
    return t->skips_out;
}

size_t tracker_n_in_outline(const struct tracker *t)
{
    return t->outlines.n;
}

static uint64_t place_of(const struct connection_record *r)
{
    return (uint64_t)r->capture << 32 | r->stream;
}

/* order[i]: who belongs at i.  Each circle of those that change places is walked once. */
static void change_places(struct connection_record *v, struct radix_item *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (order[i].value == i)
            continue;
        const struct connection_record first = v[i];
        size_t at = i;
        for (size_t next = order[at].value; next != i; at = next, next = order[at].value) {
            v[at] = v[next];
            order[at].value = (uint32_t)at;
        }
        v[at] = first;
        order[at].value = (uint32_t)at;
    }
}

/* A connection that went on in another file, or was reset there, stands at its first place. */
static bool order_records(struct tracker *t)
{
    const struct connection_records *r = &t->records;
    struct radix_item *order = radix_room(r->n);
    if (!order)
        return false;
    for (size_t i = 0; i < r->n; i++)
        order[i] = (struct radix_item){place_of(&r->v[i]), (uint32_t)i};
    radix_sort(order, order + r->n, r->n);
    change_places(r->v, order, r->n);
    radix_room_free(order, r->n);
    return true;
}

/* Those that were written, without the places between them.  Returns whether they are in order. */
static bool close_gaps(struct connection_records *r)
{
    size_t n = 0;
    bool in_order = true;
    for (size_t i = 0; i < r->n; i++) {
        prefetch_behind(r->v, r->n, sizeof *r->v, i);
        if (r->v[i].n_segments == 0)
            continue;
        in_order = in_order && (n == 0 || place_of(&r->v[n - 1]) <= place_of(&r->v[i]));
        if (n < i)
            r->v[n] = r->v[i];
        n++;
    }
    r->n = n;
    return in_order;
}

static bool gather_records(struct tracker *t)
{
    struct connection_records *r = &t->records;
    const bool in_order = (t->n_written == r->n && !t->records_moved) || close_gaps(r);
    if (t->more_records.n == 0)
        return in_order || order_records(t);
    if (!vec_reserve(r, r->n + t->more_records.n))
        return false;
    memcpy(r->v + r->n, t->more_records.v, t->more_records.n * sizeof *r->v);
    r->n += t->more_records.n;
    vec_finish(&t->more_records);
    return order_records(t);
}

struct tracker_records tracker_connections(struct tracker *t)
{
    t->records_in_order = t->records_in_order || gather_records(t);
    return t->records_in_order ? (struct tracker_records){t->records.v, t->records.n}
                               : (struct tracker_records){NULL, 0};
}

bool tracker_give_connections(struct tracker *t, struct connection_records *to)
{
    struct tracker_records r = tracker_connections(t);
    if (r.n < t->records.n)
        return false;
    if (to->n == 0) {
        vec_finish(to);
        *to = t->records;
        t->records = (struct connection_records){0};
        return true;
    }
    if (!vec_reserve(to, to->n + r.n))
        return false;
    if (r.n > 0)
        memcpy(to->v + to->n, r.v, r.n * sizeof *r.v);
    to->n += r.n;
    vec_finish(&t->records);
    return true;
}

struct tracker_resets tracker_attempts(const struct tracker *t)
{
    return t->attempts;
}

const struct habits *tracker_habits(const struct tracker *t)
{
    return t->habits;
}
