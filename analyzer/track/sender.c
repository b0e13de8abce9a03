/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sent the RST: the end whose address it carries, or neither.  The end is believed until more
 * than one independent trait speaks against it, or one proof does that no honest end can give.
 * Like is compared with like: an owner's reset with its socket's segments, a bare answer with the
 * host's other answers.
 */
#include <string.h>

#include "analyzer/track/missed.h"
#include "analyzer/track/outline.h"
#include "analyzer/track/tracker.h"
#include "analyzer/track/weighing.h"

#define PATH_FROM 0.55 /* at least this likely, and more than one trait or a proof */
#define PATH_HALF 0.5  /* undecided: the end is believed */
#define PATH_CAP 0.98
#define REORDER_NS (10 * MS)
#define RETRANSMIT_NS (150 * MS)
#define PAIR_NS (5 * MS)
#define FAR_SYNACKS 3 /* connections that show how long a host takes to answer at least */
#define BURST_NS (50 * MS)

/* ---- proofs ---- */

/* How long after a reset a segment that was sent before it may still come in: twice what the end
 * takes to answer, for paths whose delay varies. */
static instant_ns in_flight(const struct weighing *w)
{
    instant_ns leg = w->s->end[w->s->claimed].leg;
    if (leg == 0 && w->habit)
        leg = w->habit->min_answer_ns;
    if (leg == 0)
        return RETRANSMIT_NS;
    return 2 * leg > REORDER_NS ? 2 * leg : REORDER_NS;
}

/* Whoever reset a connection has none left to acknowledge with: it would answer with a RST again
 * (RFC 9293 section 3.10.7.1).  A half-open socket that refused a segment may live on. */
static double bare_weight(const struct weighing *w, instant_ns after)
{
    const struct end *e = w->own;
    const uint64_t n_plain = e->n_segments - e->n_syns - e->n_synacks - e->n_rsts;
    const bool may_acknowledge = n_plain == 0 || w->s->reset->phase == PHASE_CLOSED;
    return after > in_flight(w) && !may_acknowledge ? 0.85 : 0;
}

static double talk_weight(const struct weighing *w, const struct talk *t)
{
    instant_ns after = instant_since(t->time, w->rst->time);
    if (after == INSTANT_NONE)
        return 0;
    bool counted = !w->answer && seq_diff(t->seq, w->rst->seq) < 0;
    if (t->kind >= TALK_DATA)
        return counted && after < REORDER_NS ? 0 : 0.9;
    if (t->kind == TALK_ACK)
        return after < MS ? 0.5 : 0.85;
    if (t->kind == TALK_BARE)
        return bare_weight(w, after);
    return after > RETRANSMIT_NS ? 0.6 : 0;
}

static void weigh_talk(struct weighing *w)
{
    static const char *const said[] = {[TALK_OLD] = "sent earlier bytes again",
                                       [TALK_BARE] = "sent a bare ACK",
                                       [TALK_ACK] = "acknowledged newer bytes",
                                       [TALK_DATA] = "sent new data",
                                       [TALK_FIN] = "closed in order"};
    const struct scene *s = w->s;
    const struct talk *t = &s->end[s->claimed].talk;
    if (t->kind == TALK_NONE || s->reopened || !scene_past_opening(s))
        return;
    double weight = talk_weight(w, t);
    if (weight <= 0)
        return;
    FOR_PATH(w, weight, t->frame, "sender.talks-after-rst",
             "%.3f ms after \"its own\" reset the %s %s as if it knew nothing of it",
             (double)(t->time - w->rst->time) / MS, weighing_end(w), said[t->kind]);
    w->n_conduct++;
    w->proof |= weight >= 0.8;
}

static const struct rst *first_from_other(const struct scene *s)
{
    for (size_t i = 0; i < s->reset->n_rsts; i++) {
        const struct rst *r = &s->reset->rsts[i];
        if (r->segment.from == s->other && r->segment.frame > scene_rst(s)->frame)
            return r;
    }
    return NULL;
}

static bool hops_overlap(const struct scene *s)
{
    const struct end *c = &s->end[SIDE_CLIENT].at, *r = &s->end[SIDE_SERVER].at;
    return c->ttl_min <= r->ttl_max && r->ttl_min <= c->ttl_max;
}

static void weigh_pair(struct weighing *w)
{
    const struct scene *s = w->s;
    const struct rst *pair = first_from_other(s);
    if (!pair || s->reset->phase == PHASE_CLOSED || !scene_past_opening(s) ||
        instant_since(pair->segment.time, w->rst->time) > PAIR_NS ||
        instant_since(pair->segment.time, w->rst->time) == INSTANT_NONE)
        return;
    const struct segment *g = &pair->segment;
    bool same_id = g->has_ip_id && g->ip_id != 0 && g->ip_id == w->rst->ip_id;
    bool same_hops = g->ttl == w->rst->ttl && !hops_overlap(s);
    double weight = same_id ? 0.9 : same_hops ? 0.8 : 0.35;
    FOR_PATH(w, weight, g->frame, "sender.both-ways",
             "a reset in the %s's name followed within %.3f ms%s%s", side_name(s->other),
             (double)(g->time - w->rst->time) / MS,
             same_id ? ", with the same IP identification" : "",
             same_hops ? ", with the same hop count although the ends differ in theirs" : "");
    w->proof |= weight >= 0.8;
}

/* ---- numbers and time ---- */

static void weigh_numbers(struct weighing *w)
{
    const struct reset *r = w->s->reset;
    if (!w->s->end[w->s->claimed].spoke || !scene_past_opening(w->s) || w->s->talk_hidden)
        return;
    int32_t below = seq_diff(w->own->next_seq, w->rst->seq);
    if (r->deciding.family == RST_OWNER || (w->answer && r->deciding.family == RST_ANSWER))
        return;
    if (below == 0 && !(w->rst->flags & TCP_ACK))
        FOR_PATH(w, 0.35, w->rst->frame, "sender.number-fits-neither-form",
                 "it has the %s's next byte but no ACK flag, and no acknowledgement was captured "
                 "that it could answer",
                 weighing_end(w));
    else
        FOR_PATH(w, 0.35, w->rst->frame, "sender.number-fits-neither-form",
                 "its sequence number is neither the %s's next byte (%lld off) nor that of any "
                 "acknowledgement it could answer",
                 weighing_end(w), -(long long)below);
    if (r->deciding.validity == RST_IN_WINDOW || r->deciding.validity == RST_OUT_OF_WINDOW)
        FOR_PATH(w, 0.3, w->rst->frame, "sender.number-not-exact",
                 "its sequence number is %s: a guess, as RFC 5961 section 3 expects of forgers",
                 rst_validity_name(r->deciding.validity));
}

static void weigh_burst(struct weighing *w)
{
    const struct reset *r = w->s->reset;
    unsigned rising = 0;
    uint32_t last = w->rst->seq;
    uint64_t frame = 0;
    for (size_t i = 0; i < r->n_rsts; i++) {
        const struct rst *g = &r->rsts[i];
        if (g->segment.from != w->s->claimed || g->segment.frame <= w->rst->frame ||
            instant_since(g->segment.time, w->rst->time) > BURST_NS || g->answers_frame != 0 ||
            seq_diff(g->segment.seq, last) <= 0)
            continue;
        rising++;
        last = g->segment.seq;
        frame = g->segment.frame;
    }
    if (rising > 0 && scene_past_opening(w->s)) {
        FOR_PATH(w, 0.65, frame, "sender.rising-burst",
                 "%u more resets with rising sequence numbers that answer nothing", rising);
    }
}

/* A bare answer to what its own socket had already acknowledged: the host knew the connection. */
static bool weigh_late_answer(struct weighing *w)
{
    const struct scene *s = w->s;
    const struct segment *t = s->trigger;
    const struct end *e = w->own;
    if (!w->answer || (w->rst->flags & TCP_ACK) || !t || e->saw_fin || !e->saw_ack)
        return false;
    uint32_t end = t->seq + t->payload_len + ((t->flags & TCP_SYN) != 0);
    const struct segment *last = scene_last_before(s, s->claimed, NULL);
    bool known = end != t->seq && last && last->frame > t->frame && (last->flags & TCP_ACK) &&
                 seq_diff(last->ack, end) >= 0;
    if (!known)
        return false;
    FOR_PATH(w, 0.45, last->frame, "sender.had-acknowledged-it",
             "the %s's socket had already acknowledged what this would answer", weighing_end(w));
    w->n_conduct++;
    return true;
}

/* An answer cannot be back sooner than the end's own answers were. */
static void weigh_haste(struct weighing *w)
{
    const struct scene *s = w->s;
    instant_ns leg = s->end[s->claimed].leg, took = s->reset->since_trigger_ns;
    const instant_ns least = w->habit ? w->habit->min_answer_ns : 0;
    if (leg == 0 || (least > 0 && least < leg))
        leg = least; /* on this connection its answers may all have been delayed */
    if (!w->answer || !s->trigger || leg < MS || took < 0)
        return;
    /* where nothing but the way there takes long: a first SYN may have waited for something else */
    const bool is_far = least > 0 && w->habit->kind[SEGMENT_SYNACK].n >= FAR_SYNACKS;
    if (took < leg / (is_far ? 2 : 3))
        FOR_PATH(w, is_far && took < leg / 10 ? 0.8 : 0.55, w->rst->frame, "sender.too-quick",
                 "it was back after %.3f ms; the %s takes %.3f ms to answer", (double)took / MS,
                 weighing_end(w), (double)leg / MS);
    else if (took > leg / 5 * 4 && took < 3 * leg)
        FOR_END(w, 0.3, w->rst->frame, "sender.answer-time-fits",
                "it took %.3f ms, as the %s's answers do", (double)took / MS, weighing_end(w));
}

/* A host that has just taken part does not forget a connection without having closed it. */
static void weigh_presence(struct weighing *w)
{
    const struct scene *s = w->s;
    const struct scene_end *e = &s->end[s->claimed];
    if (!w->answer || (w->rst->flags & TCP_ACK) || e->at.saw_fin || e->fin_implied ||
        !scene_past_opening(s) || !s->trigger)
        return;
    uint64_t plain = e->at.n_segments - e->at.n_syns - e->at.n_synacks - e->at.n_rsts;
    if (plain == 0 || e->at.last_time == INSTANT_NONE)
        return;
    instant_ns silent = instant_since(s->trigger->time, e->at.last_time);
    if (silent >= NS_PER_S || silent == INSTANT_NONE)
        return;
    FOR_PATH(w, 0.25, w->rst->frame, "sender.took-part-just-before",
             "the %s had taken part %.3f ms before and had not closed", weighing_end(w),
             (double)(silent > 0 ? silent : 0) / MS);
    w->n_conduct++;
}

static void weigh_copies(struct weighing *w)
{
    const struct scene *s = w->s;
    uint64_t twice = 0;
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        twice += end_trouble(&s->end[side].at)->n_duplicates;
    if (twice < 2 || twice * 10 < s->n_before * 7)
        return;
    if (s->rst_seen_again)
        FOR_END(w, 0.1, w->rst->frame, "sender.seen-twice-too",
                "it was captured twice like the connection's other packets: it passed through");
    else
        FOR_PATH(w, 0.6, w->rst->frame, "sender.seen-once",
                 "it was captured once, the connection's other packets twice: it did not pass "
                 "through but began here");
}

/* ---- the verdict ---- */

/* A kernel's answer in every respect: that its host goes on talking also comes of a segment that
 * reached it under another name, as behind a NAT that let one pass untranslated. */
static bool looks_own(const struct weighing *w)
{
    return w->answer && !(w->rst->flags & TCP_ACK) && w->n_traits == w->n_conduct && w->trust < 1.0;
}

static void decide(struct weighing *w)
{
    struct scene *s = w->s;
    struct reset *r = s->reset;
    double path = (1.0 - w->doubt) * w->trust;
    r->looks_own = r->alike = looks_own(w);
    if (w->proof && r->looks_own && trigger_missed(s->connection, s->trigger, w->rst))
        path = path < PATH_HALF ? path : PATH_HALF; /* its host may have got it as a stranger's */
    else if (w->proof && r->looks_own)
        path = path > PATH_FROM ? path : PATH_FROM;
    else if (w->proof && path < 1.0 - w->doubt)
        path = ((1.0 - w->doubt) + path) / 2; /* traits can be copied, a proof cannot */
    bool enough = w->proof || w->n_traits >= 2 || w->doubt <= 0.4;
    bool is_path = path >= PATH_FROM && enough;
    double end = 1.0 - 0.1 * w->trust - 0.9 * path;
    r->sender = is_path ? SIDE_PATH : s->claimed;
    r->sender_confidence = is_path ? (path < PATH_CAP ? path : PATH_CAP) : end < 0.5 ? 0.5 : end;
    for (size_t i = 0; i < s->n_reasons; i++)
        if (!is_path && strncmp(s->reasons[i].what.id, "sender.", 7) == 0)
            s->reasons[i].what.weight = -s->reasons[i].what.weight;
}

void scene_judge_sender(struct scene *s)
{
    struct habit habit;
    const bool is_known = habits_get(s->habits, &s->end[s->claimed].at.at.ip, &habit);
    struct weighing w = {.s = s,
                         .rst = scene_rst(s),
                         .own = &s->end[s->claimed].at,
                         .habit = is_known ? &habit : NULL,
                         .answer = scene_is_answer(s),
                         .doubt = 1.0,
                         .trust = 1.0};
    weigh_talk(&w);
    weigh_pair(&w);
    weigh_traits(&w);
    weigh_numbers(&w);
    weigh_burst(&w);
    if (!weigh_late_answer(&w))
        weigh_haste(&w);
    weigh_presence(&w);
    weigh_copies(&w);
    decide(&w);
    s->path = 1.0 - w.doubt;
    s->path_strong = w.proof;
}

/* What spoke for the sender speaks against it.  NULL: memory ran out. */
static const struct statement *turned(struct arena *arena, const struct statement *s)
{
    if (strncmp(s->id, "sender.", 7) != 0)
        return s;
    struct statement *t = arena_copy(arena, s, sizeof *t);
    if (t)
        t->weight = -t->weight;
    return t;
}

/* The reasons there are behind the new one, with room for it.  NULL: memory ran out. */
static struct reason *reasons_with(struct arena *arena, const struct reset *r, bool changes,
                                   const struct statement *said)
{
    struct reason *v = arena_array(arena, r->n_reasons + 1, sizeof *v);
    const struct statement *what = arena_copy(arena, said, sizeof *said);
    bool good = v && what;
    if (good)
        v[0] = (struct reason){0, what};
    for (size_t i = 0; good && i < r->n_reasons; i++) {
        const struct reason *old = &r->reasons[i];
        what = changes ? turned(arena, old->what) : old->what;
        v[i + 1] = (struct reason){old->frame, what};
        good = what != NULL;
    }
    return good ? v : NULL;
}

void reset_set_sender(struct arena *arena, struct reset *r, enum side sender, const char *id,
                      struct text says, double weight)
{
    bool changes = sender != r->sender;
    if (!reset_stay_whole(arena, r))
        return;
    const struct statement said = {id, arena_text(arena, says), weight};
    struct reason *v = reasons_with(arena, r, changes, &said);
    if (!v)
        return;
    r->sender_confidence = changes ? weight : 1.0 - (1.0 - r->sender_confidence) * (1.0 - weight);
    r->sender = sender;
    r->looks_own &= sender != SIDE_PATH; /* another capture knows better */
    r->reasons = v;
    r->n_reasons++;
    if (!changes || !r->scene)
        return;
    struct scene_reason room[SCENE_REASONS_MAX];
    r->scene->reasons = room;
    r->scene->n_reasons = 0;
    scene_judge_mechanism(r->scene);
    const struct reason *news = scene_reasons(r->scene);
    r->scene->reasons = NULL;
    size_t kept = 0; /* the old mechanism's reasons go, the new one's come */
    struct reason *merged = arena_array(arena, r->n_reasons + r->scene->n_reasons, sizeof *v);
    if (!merged || !news)
        return;
    for (size_t i = 0; i < r->n_reasons; i++)
        if (strncmp(v[i].what->id, "mechanism.", 10) != 0)
            merged[kept++] = v[i];
    for (size_t i = 0; i < r->scene->n_reasons; i++)
        merged[kept++] = news[i];
    r->reasons = merged;
    r->n_reasons = kept;
}
