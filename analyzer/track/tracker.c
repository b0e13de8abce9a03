/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long road of a packet: find the flow, number the stream as Wireshark does, set second sights
 * aside, and lead the segment through history, sequence space, episodes and timeline.  Connections
 * that are over, or for which there is no memory, are settled; judgement waits for the end.
 */
#include "analyzer/track/tracker.h"

#include <string.h>

#include "analyzer/track/episode.h"
#include "analyzer/track/history.h"
#include "analyzer/track/steady.h"
#include "analyzer/track/stream.h"
#include "analyzer/track/timeline.h"
#include "analyzer/track/tracker_parts.h"

#define DEFAULT_BUDGET ((uint64_t)1 << 30)
#define DEFAULT_RESULTS ((uint64_t)3 << 30)
#define DEFAULT_RECORDS ((size_t)4 << 20)
#define DEFAULT_LINGER_NS (120 * NS_PER_S)
#define ICMP_MAX 32

static struct tracker *fail(struct tracker *t)
{
    tracker_free(t);
    return NULL;
}

struct tracker *tracker_create(struct arena *arena, const struct tracker_config *config)
{
    const struct allocator *from = config->from ? config->from : &allocator_heap;
    struct tracker *t = from->alloc(from->ctx, sizeof *t);
    if (!t)
        return NULL;
    t->results = arena;
    t->config = *config;
    t->from = from;
    t->now = INSTANT_NONE;
    if (t->config.memory_budget == 0)
        t->config.memory_budget = DEFAULT_BUDGET;
    if (t->config.results_budget == 0)
        t->config.results_budget = DEFAULT_RESULTS;
    if (t->config.max_records == 0)
        t->config.max_records = DEFAULT_RECORDS;
    if (t->config.linger_ns == 0)
        t->config.linger_ns = DEFAULT_LINGER_NS;
    t->least_linger_ns =
        t->config.linger_ns < CROWDED_LINGER_NS ? t->config.linger_ns : CROWDED_LINGER_NS;
    store_init(&t->store, from);
    survey_init(&t->survey);
    map_init(&t->lanes, sizeof(struct flow *), sizeof(struct lane *));
    arena_init(&t->scrap, from);
    arena_init(&t->stage, from);
    t->store.numbers_only = config->twice;
    t->arena = config->twice ? &t->scrap : arena;
    t->duplicates = from->alloc(from->ctx, sizeof *t->duplicates);
    t->own_habits = config->habits ? NULL : habits_create(from, 0);
    t->habits = config->habits ? config->habits : t->own_habits;
    if (!flows_init(&t->flows, from) || !t->duplicates || !t->habits)
        return fail(t);
    return t;
}

void tracker_free(struct tracker *t)
{
    if (!t)
        return;
    flows_finish(&t->flows);
    store_finish(&t->store);
    habits_free(t->own_habits);
    if (t->duplicates)
        t->from->release(t->from->ctx, t->duplicates, sizeof *t->duplicates);
    vec_finish(&t->scenes);
    vec_finish(&t->judged);
    vec_finish(&t->skips);
    vec_finish(&t->records);
    vec_finish(&t->more_records);
    vec_finish(&t->file_places);
    vec_finish(&t->of_file);
    outline_finish(t);
    survey_finish(&t->survey);
    map_finish(&t->lanes);
    arena_finish(&t->scrap);
    arena_finish(&t->stage);
    t->from->release(t->from->ctx, t, sizeof *t);
}

void tracker_skip_rst(struct tracker *t, const struct flow_key *key, uint64_t frame,
                      const char *reason, uint64_t same_as)
{
    struct skipped *s = vec_push(&t->skips);
    if (s)
        *s = (struct skipped){{frame, reason, same_as}, *key};
}

/* The number of the stream that begins at a frame.  False when memory ran out. */
static bool number_of(struct tracker *t, uint64_t frame, uint32_t *out)
{
    if (t->again)
        return survey_number(&t->survey, frame, out);
    if (tracker_surveys(t) && !survey_start(&t->survey, frame))
        return false;
    t->next_place++;
    *out = t->next_stream++;
    return true;
}

/* The flow of a segment that may begin a stream.  NULL when memory ran out. */
static struct flow *flow_for(struct tracker *t, const struct tracker_place *at, uint16_t flags,
                             uint32_t seq, uint64_t frame, int vlan)
{
    struct flow *f = at->flow;
    const bool opens = f && flow_opens_stream(f, at->dir, flags, seq);
    uint32_t number;
    if (f && !opens && !(f->file_bits & FILE_BEFORE))
        return f;
    if (!number_of(t, frame, &number))
        return NULL;
    if (!f) {
        f = flows_add(&t->flows, &at->key, at->hash);
        if (f)
            flow_number(f, number);
    } else if (opens) {
        tracker_make_way(t, f, vlan);
        flow_number(f, number);
    } else {
        tracker_revive(t, f); /* what was seen of it has the old number */
        flow_enter_file(f, number);
        if (f->live)
            f->live->stream = number;
    }
    if (!f)
        return NULL;
    f->place = t->next_place - 1;
    if (t->file > 0)
        tracker_note_in_file(t, f);
    return f;
}

/* ---- a segment of a known connection ---- */

static void learn_client(struct live *l, uint8_t dir, uint16_t flags)
{
    if (live_has(l, LIVE_CLIENT_KNOWN) || !(flags & TCP_SYN))
        return;
    l->client = (flags & TCP_ACK ? 1 - dir : dir) & 1;
    l->bits |= LIVE_CLIENT_KNOWN;
}

/* What hosts do was learnt from every connection in the first reading. */
static void note_answer(struct tracker *t, const struct address *from, instant_ns after)
{
    if (!t->again)
        habits_note_answer(t->habits, from, after);
}

void tracker_learn_habit(struct tracker *t, struct live *l, const struct tracker_place *at,
                         enum segment_kind kind)
{
    live_set_noted(l, at->dir, kind);
    if (!t->again)
        habits_note(t->habits, at->brief, kind, at->host);
}

static void follow_handshake(struct tracker *t, struct live *l, uint8_t dir, const struct packet *p)
{
    const struct half *c = &l->half[l->client];
    bool from_client = dir == l->client;
    if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && from_client) {
        if (!live_has(l, LIVE_SYN))
            l->syn_tsval = p->tsval;
        l->bits |= LIVE_SYN;
    } else if ((p->flags & TCP_SYN) && (p->flags & TCP_ACK) && !from_client) {
        if (!live_has(l, LIVE_SYNACK) && live_has(l, LIVE_SYN) && c->n_syns == 1) {
            const instant_ns after = instant_since(p->time, l->syn_time[l->client]);
            live_note_leg(l, SIDE_SERVER, after);
            if (after != INSTANT_NONE)
                note_answer(t, &p->ip_src, after);
        }
        l->bits |= LIVE_SYNACK | (p->window == 0 ? LIVE_SHUT : 0);
    } else if (p->flags & TCP_ACK) {
        live_end_handshake(l, dir, p->ack, p->time);
    }
}

static void take_rst(struct tracker *t, struct live *l, uint8_t dir, const struct packet *p)
{
    struct kept k = kept_from(p, dir);
    history_segment(&t->store, l, dir, p);
    if (!episode_rst(&t->store, t->arena, l, p, &k)) {
        tracker_skip_rst(t, &l->flow->key, p->frame, "no-memory", 0);
        return;
    }
    flows_touch(&t->flows, l->flow, FLOW_OPEN);
}

static void keep_segment(struct tracker *t, struct live *l, uint8_t dir, const struct packet *p,
                         uint16_t notes)
{
    struct kept k = kept_from(p, dir);
    k.notes = notes | (p->time < l->last_time ? NOTE_TIME_BACKWARDS : 0);
    timeline_add(&t->store, &live_evidence(l)->timeline, &k);
}

static void take_other(struct tracker *t, struct live *l, uint8_t dir, const struct packet *p)
{
    const struct trouble *others = half_trouble(&l->half[1 - dir]);
    uint32_t gaps = others ? others->n_missing_acked : 0;
    learn_client(l, dir, p->flags);
    history_segment(&t->store, l, dir, p);
    uint16_t notes = stream_segment(&t->store, l, dir, p);
    history_notes(l, dir, p, notes, gaps);
    follow_handshake(t, l, dir, p);
    episode_segment(&t->store, t->arena, l, dir, p, &notes);
    if (live_evidence(l))
        keep_segment(t, l, dir, p, notes);
    tracker_touch(t, l, live_closed(l) && !live_rsts(l));
}

void tracker_count_duplicate(struct tracker *t, struct live *l, uint8_t dir)
{
    struct trouble sink = {0};
    half_take_trouble(&t->store, &l->half[dir], &sink)->n_duplicates++;
    t->counts.n_duplicates++;
}

static bool set_aside(struct tracker *t, struct live *l, const struct tracker_place *at,
                      const struct packet *p)
{
    uint64_t same_as = tracker_duplicate_of(t, at, l);
    if (same_as == 0)
        return false;
    tracker_count_duplicate(t, l, at->dir);
    if (p->flags & TCP_RST) {
        tracker_skip_rst(t, &l->flow->key, p->frame, "duplicate-capture", same_as);
        if (live_rsts(l) && l->more->last_rst->k.frame == same_as)
            l->more->last_rst->seen_again = true;
    }
    return true;
}

static void count_continued(struct tracker *t, struct flow *f)
{
    f->file_bits = 0;
    t->counts.n_connections++;
    t->counts.n_continued++;
}

static void follow(struct tracker *t, struct live *l, uint8_t dir, const struct packet *p)
{
    if (p->flags & TCP_RST)
        take_rst(t, l, dir, p);
    else
        take_other(t, l, dir, p);
    l->steady = steady_ends(l) & 3;
    if (p->time > l->last_time)
        l->last_time = p->time;
}

/* ---- connections that do not open ---- */

static bool begins_opening(const struct tracker *t, const struct flow *f, const struct brief *b)
{
    return !f->live && !f->left_bits && !f->file_bits && !f->has_lanes &&
           !t->config.live_from_start && opening_begins(b);
}

/* Takes a segment if it leaves the connection, or makes it, an opening. */
static bool take_opening(struct tracker *t, struct flow *f, const struct tracker_place *at,
                         const struct arrival *a)
{
    const struct brief *b = at->brief;
    struct opening *o = f->left_bits & LEFT_OPENING ? f->opening : NULL;
    if ((a->whole && a->whole->mptcp_reset_reason != MPTCP_REASON_NONE) ||
        (o ? !opening_goes_on(o, b) : !begins_opening(t, f, b)))
        return false;
    bool fresh = !o;
    if (fresh && !(o = pool_take(&t->store.openings)))
        return false;
    if (tracker_duplicate_of(t, at, NULL)) {
        if (fresh)
            pool_give(&t->store.openings, o);
        return false; /* and is asked about again, with the same answer */
    }
    if (fresh) {
        f->opening = o;
        f->left_bits = LEFT_OPENING;
        t->counts.n_connections++;
    }
    flow_set_base(f, at->dir, b);
    if (!t->again)
        habits_note(t->habits, b, segment_kind_of(b->flags, b->seq), at->host);
    opening_keep(fresh ? &o->syn : &o->rst, at->dir, b);
    flows_touch(&t->flows, f, FLOW_OPEN);
    return true;
}

static void lead_through(struct tracker *t, struct live *l, uint8_t dir, const struct packet *p)
{
    live_set_noted(l, dir, segment_kind_of(p->flags, p->seq));
    follow(t, l, dir, p);
}

/* An opening that there was no memory for: what comes later takes the connection up again. */
static void lose_opening(struct tracker *t, struct flow *f, const struct opening *o)
{
    f->left_bits = LEFT_SOMETHING | LEFT_CLIENT_KNOWN;
    f->left_bits |= kept_dir(&o->syn.k) ? LEFT_CLIENT_1 : 0;
    f->left_stream = f->stream;
    f->left_time = o->syn.k.time;
    t->counts.n_no_memory++;
    if (o->rst.k.frame == 0)
        return;
    t->counts.n_no_memory++;
    tracker_skip_rst(t, &f->key, o->rst.k.frame, "no-memory", 0);
}

/* A SYN with a shut window goes the long way. */
static bool relive_syn(struct tracker *t, struct flow *f, const struct opening_segment *syn)
{
    struct packet p;
    const uint8_t dir = kept_dir(&syn->k);
    if (syn->k.window > 0) {
        if (!opening_live(&t->store, f, syn))
            return false;
        flows_touch(&t->flows, f, FLOW_OPEN);
        return true;
    }
    opening_packet(syn, f->key.e, &p);
    if (!live_begin(&t->store, f, dir, &p))
        return false;
    lead_through(t, f->live, dir, &p);
    return true;
}

bool tracker_relive(struct tracker *t, struct flow *f, const struct opening *o)
{
    struct packet p;
    if (!relive_syn(t, f, &o->syn))
        return false;
    if (o->rst.k.frame == 0)
        return true;
    opening_packet(&o->rst, f->key.e, &p);
    lead_through(t, f->live, kept_dir(&o->rst.k), &p);
    return true;
}

bool tracker_revive(struct tracker *t, struct flow *f)
{
    if (!(f->left_bits & LEFT_OPENING))
        return true;
    struct opening *o = f->opening;
    f->left_bits = 0;
    f->left_time = 0;
    bool good = tracker_relive(t, f, o);
    if (!good)
        lose_opening(t, f, o);
    pool_give(&t->store.openings, o);
    return good;
}

/* No connection of the flow is being followed, unless one was parked. */
static void rest(struct tracker *t, struct flow *f)
{
    const bool goes_on = f->has_lanes && tracker_next_lane(t, f);
    flows_touch(&t->flows, f, goes_on ? FLOW_OPEN : FLOW_DONE);
}

static void not_followed(struct tracker *t, struct flow *f, const struct tracker_place *at,
                         const struct packet *p)
{
    if (f)
        rest(t, f);
    t->counts.n_no_memory++;
    if (p->flags & TCP_RST)
        tracker_skip_rst(t, f ? &f->key : &at->key, p->frame, "no-memory", 0);
}

static struct live *live_of(struct tracker *t, struct flow *f, uint8_t dir, const struct packet *p)
{
    if (!f || !tracker_revive(t, f))
        return NULL;
    if (f->live || !live_begin(&t->store, f, dir, p))
        return f->live;
    flows_touch(&t->flows, f, FLOW_OPEN);
    t->counts.n_connections += !live_has(f->live, LIVE_REVIVED);
    return f->live;
}

/* A segment of a connection that is live, or is to become so. */
static void take_live(struct tracker *t, struct flow *f, const struct tracker_place *at,
                      const struct packet *p)
{
    const uint8_t dir = at->dir;
    struct live *l = live_of(t, f, dir, p);
    if (!l) {
        not_followed(t, f, at, p);
        return;
    }
    flow_set_base(f, dir, at->brief);
    if (f->file_bits & FILE_ENTERED)
        count_continued(t, f);
    if (set_aside(t, l, at, p))
        return;
    tracker_note_habit(t, l, at, segment_kind_of(p->flags, p->seq));
    follow(t, l, dir, p);
    tracker_make_room(t, f);
}

static const struct packet *whole(const struct arrival *a, struct packet *room)
{
    if (a->whole)
        return a->whole;
    brief_expand(&a->brief, &a->frame, room);
    return room;
}

void tracker_take_segment(struct tracker *t, const struct tracker_place *at,
                          const struct arrival *a)
{
    const struct brief *b = at->brief;
    struct packet room;
    struct flow *f = flow_for(t, at, b->flags, b->seq, b->frame, b->path.vlan);
    if (f && f->has_lanes)
        tracker_pick_lane(t, f, at->dir, whole(a, &room));
    if (f && !f->live && take_opening(t, f, at, a))
        tracker_make_room(t, f);
    else
        take_live(t, f, at, whole(a, &room));
}

/* The dissector counts a stream for a quoted segment too when the quote holds its flags. */
static struct flow *quoted_flow(struct tracker *t, const struct packet_icmp *i, uint64_t frame)
{
    struct tracker_place at = {.flow = NULL};
    at.dir = flow_key_of(&i->src, &i->dst, &at.key);
    at.hash = flows_hash(&t->flows, &at.key);
    if (t->again && !survey_wants(&t->survey, &at.key))
        return NULL;
    if (tracker_surveys(t))
        survey_trace(&t->survey.now, at.hash);
    at.flow = flows_find(&t->flows, &at.key, at.hash);
    if (i->has_flags) {
        struct flow *f = flow_for(t, &at, i->flags, i->seq, frame, -1);
        if (!f)
            return NULL;
        flow_rebase(f, at.dir, i->flags, i->seq);
        if (!f->live && !(f->left_bits & LEFT_OPENING))
            rest(t, f);
        return f;
    }
    return at.flow;
}

void tracker_take_icmp(struct tracker *t, const struct packet *p)
{
    t->counts.n_icmp_errors++;
    struct flow *f = quoted_flow(t, &p->icmp, p->frame);
    struct live *l = f && tracker_revive(t, f) ? f->live : NULL;
    struct live_more *m = l ? live_take_more(&t->store, l) : NULL;
    struct icmp_item *i = m && m->n_icmp < ICMP_MAX ? arena_alloc(t->arena, sizeof *i) : NULL;
    if (!i)
        return;
    i->note = (struct icmp_note){.frame = p->frame,
                                 .time = p->time,
                                 .type = p->icmp.type,
                                 .code = p->icmp.code,
                                 .is_v6 = p->icmp.is_v6,
                                 .mtu = p->icmp.mtu,
                                 .from = p->ip_src};
    i->next = m->icmp;
    m->icmp = i;
    m->n_icmp++;
}
