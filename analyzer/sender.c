/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sent the RST: the end whose address it carries, or neither.  The end is believed until more
 * than one independent trait speaks against it, or one proof does that no honest end can give.
 * Like is compared with like: an owner's reset with its socket's segments, a bare answer with the
 * host's other answers.
 */
#include <string.h>

#include "analyzer/live.h"
#include "analyzer/scene.h"
#include "analyzer/tracker.h"

#define MS (NS_PER_S / 1000)
#define PATH_FROM 0.60 /* at least this likely, and more than one trait or a proof */
#define PATH_CAP 0.98
#define REORDER_NS (10 * MS)
#define RETRANSMIT_NS (150 * MS)
#define PAIR_NS (5 * MS)
#define BURST_NS (50 * MS)

struct weighing {
    struct scene *s;
    const struct segment *rst;
    const struct end *own;
    const struct habit *habit; /* of the claimed end's address, or NULL */
    bool answer;               /* the kernel's bare answer, not a socket's reset */
    double doubt;              /* product of (1 - weight) over what speaks for the path */
    double trust;              /* the same over what speaks for the end */
    unsigned n_traits;
    bool proof;
};

#define FOR_PATH(w, weight, frame, id, ...)                                                        \
    do {                                                                                           \
        (w)->doubt *= 1.0 - (weight);                                                              \
        (w)->n_traits++;                                                                           \
        scene_say((w)->s, (frame), (id), (weight), __VA_ARGS__);                                   \
    } while (0)

#define FOR_END(w, weight, frame, id, ...)                                                         \
    do {                                                                                           \
        (w)->trust *= 1.0 - (weight);                                                              \
        scene_say((w)->s, (frame), (id), -(weight), __VA_ARGS__);                                  \
    } while (0)

static const char *end_name(const struct weighing *w)
{
    return side_name(w->s->claimed);
}

static bool past_opening(const struct scene *s)
{
    return s->reset->phase != PHASE_OPENING &&
           (s->reset->phase != PHASE_UNKNOWN || s->end[s->claimed].spoke);
}

/* ---- proofs ---- */

static double talk_weight(const struct weighing *w, const struct talk *t)
{
    instant_ns after = t->time - w->rst->time;
    bool counted = !w->answer && seq_diff(t->seq, w->rst->seq) < 0;
    if (t->kind >= TALK_DATA)
        return counted && after < REORDER_NS ? 0 : 0.9;
    if (t->kind == TALK_ACK)
        return after < MS ? 0.5 : 0.85;
    return after > RETRANSMIT_NS ? 0.6 : 0;
}

static void weigh_talk(struct weighing *w)
{
    static const char *const said[] = {[TALK_OLD] = "sent earlier bytes again",
                                       [TALK_ACK] = "acknowledged newer bytes",
                                       [TALK_DATA] = "sent new data",
                                       [TALK_FIN] = "closed in order"};
    const struct scene *s = w->s;
    const struct talk *t = &s->end[s->claimed].talk;
    if (t->kind == TALK_NONE || s->reopened || !past_opening(s))
        return;
    double weight = talk_weight(w, t);
    if (weight <= 0)
        return;
    FOR_PATH(w, weight, t->frame, "sender.talks-after-rst",
             "%.3f ms after \"its own\" reset the %s %s as if it knew nothing of it",
             (double)(t->time - w->rst->time) / MS, end_name(w), said[t->kind]);
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
    if (!pair || s->reset->phase == PHASE_CLOSED || !past_opening(s) ||
        pair->segment.time - w->rst->time > PAIR_NS)
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

/* ---- hop counts ---- */

static uint32_t others_with(const struct weighing *w, enum segment_kind kind, uint8_t ttl)
{
    const struct habit_kind *k = &w->habit->kind[kind];
    bool mine = segment_kind_of(w->rst->flags, w->rst->seq) == kind && ttl == w->rst->ttl;
    uint32_t n = habit_kind_with(k, ttl);
    return n - (mine && n > 0);
}

static uint32_t others_of(const struct weighing *w, enum segment_kind kind)
{
    bool mine = segment_kind_of(w->rst->flags, w->rst->seq) == kind;
    uint32_t n = w->habit->kind[kind].n;
    return n - (mine && n > 0);
}

/* Hops behind a packet, if it started from the nearest usual value (32, 64, 128, 255).  Sockets may
 * start from another value than the kernel's bare answers, but the way is equally long. */
static unsigned hops_of(uint8_t ttl)
{
    return ttl <= 32 ? 32u - ttl : ttl <= 64 ? 64u - ttl : ttl <= 128 ? 128u - ttl : 255u - ttl;
}

/* Connections whose segments of this kind came over another number of hops. */
static uint32_t others_elsewhere(const struct weighing *w, enum segment_kind kind)
{
    const struct habit_kind *k = &w->habit->kind[kind];
    uint32_t n = 0;
    for (size_t i = 0; i < k->n_ttls; i++)
        if (hops_of(k->ttl[i].ttl) != hops_of(w->rst->ttl))
            n += k->ttl[i].n;
    return n;
}

static void weigh_hops_unlike_answers(struct weighing *w)
{
    uint8_t ttl = w->rst->ttl;
    uint32_t synacks = others_elsewhere(w, SEGMENT_SYNACK);
    uint32_t rsts = others_elsewhere(w, SEGMENT_BARE_RST) + others_elsewhere(w, SEGMENT_REFUSAL);
    uint32_t alike = others_with(w, SEGMENT_BARE_RST, ttl) + others_with(w, SEGMENT_REFUSAL, ttl);
    if (synacks + rsts == 0 && alike > 0) {
        FOR_END(w, 0.3, w->rst->frame, "sender.ttl-like-other-rsts",
                "hop count %u, like resets of that host on %u other connections, and as many hops "
                "as its SYN-ACKs",
                ttl, alike);
        return;
    }
    if (synacks + rsts == 0) {
        FOR_PATH(w, 0.15, w->rst->frame, "sender.ttl-other-start",
                 "hop count %u: it started from another value than that host's SYN-ACKs", ttl);
        return;
    }
    bool well_known = synacks + rsts > 1 && !past_opening(w->s);
    FOR_PATH(w, well_known ? 0.65 : 0.5, w->rst->frame, "sender.ttl-unlike-answers",
             "hop count %u: that host's SYN-ACKs and other resets came over another number of hops "
             "(%u of them)",
             ttl, synacks + rsts);
}

static void weigh_hops_like_segments(struct weighing *w)
{
    uint8_t ttl = w->rst->ttl;
    if (w->own->ttl_max == 0)
        return;
    if (ttl >= w->own->ttl_min && ttl <= w->own->ttl_max)
        FOR_END(w, 0.3, w->rst->frame, "sender.ttl-like-segments",
                "hop count %u, like the %s's segments", ttl, end_name(w));
    else if (hops_of(ttl) != hops_of(w->own->ttl_max))
        FOR_PATH(w, w->own->n_data_segments > 0 ? 0.35 : 0.15, w->rst->frame,
                 "sender.ttl-unlike-segments", "hop count %u, unlike the %s's segments (%u)", ttl,
                 end_name(w), w->own->ttl_max);
}

static void weigh_hops_of_answer(struct weighing *w)
{
    uint8_t ttl = w->rst->ttl;
    if (!w->habit)
        return;
    uint32_t synacks = others_of(w, SEGMENT_SYNACK);
    uint32_t like_rsts =
        others_with(w, SEGMENT_BARE_RST, ttl) + others_with(w, SEGMENT_REFUSAL, ttl);
    if (others_with(w, SEGMENT_SYNACK, ttl) > 0)
        FOR_END(w, 0.35, w->rst->frame, "sender.ttl-like-synack",
                "hop count %u, like SYN-ACKs of that host", ttl);
    else if (synacks > 0)
        weigh_hops_unlike_answers(w);
    else if (like_rsts > 0)
        FOR_END(w, 0.35, w->rst->frame, "sender.ttl-like-other-rsts",
                "hop count %u, like resets of that host on %u other connections", ttl, like_rsts);
    else if (others_of(w, SEGMENT_BARE_RST) + others_of(w, SEGMENT_REFUSAL) > 0)
        weigh_hops_unlike_answers(w);
    else
        weigh_hops_like_segments(w);
}

static void weigh_hops_of_owner(struct weighing *w)
{
    uint8_t ttl = w->rst->ttl;
    if (w->own->ttl_max == 0)
        return;
    if (ttl >= w->own->ttl_min && ttl <= w->own->ttl_max)
        FOR_END(w, 0.35, w->rst->frame, "sender.ttl-like-segments",
                "hop count %u, like the %s's other segments of this connection", ttl, end_name(w));
    else
        FOR_PATH(w, 0.5, w->rst->frame, "sender.ttl-unlike-segments",
                 "hop count %u, but the %s's segments of this connection came with %u", ttl,
                 end_name(w), w->own->ttl_max);
}

/* ---- traits of the packet ---- */

static bool ids_run(const struct weighing *w)
{
    unsigned runs = 0, breaks = 0;
    uint16_t last = 0;
    bool known = false;
    for (size_t i = 0; i < w->s->rst_at; i++) {
        const struct segment *g = &w->s->connection->segments[i];
        if (g->from != w->s->claimed || !g->has_ip_id || (g->flags & (TCP_SYN | TCP_RST)))
            continue;
        uint16_t step = (uint16_t)(g->ip_id - last);
        if (known)
            step > 0 && step < 64 ? runs++ : breaks++;
        last = g->ip_id;
        known = true;
    }
    return runs >= 1 && runs >= 3 * breaks;
}

static void weigh_id_of_owner(struct weighing *w)
{
    if (!ids_run(w))
        return;
    uint16_t step = (uint16_t)(w->rst->ip_id - w->s->end[w->s->claimed].last_ip_id);
    if (step > 0 && step < 256)
        FOR_END(w, 0.35, w->rst->frame, "sender.id-in-sequence",
                "its IP identification %u continues the socket's", w->rst->ip_id);
    else
        FOR_PATH(w, 0.35, w->rst->frame, "sender.id-out-of-sequence",
                 "its IP identification %u does not continue the socket's (%u before)",
                 w->rst->ip_id, w->s->end[w->s->claimed].last_ip_id);
}

static void weigh_id_of_answer(struct weighing *w)
{
    if (w->rst->ip_id == 0 || !w->habit)
        return;
    const struct habit_kind *synack = &w->habit->kind[SEGMENT_SYNACK];
    const struct habit_kind *bare = &w->habit->kind[SEGMENT_BARE_RST];
    const struct habit_kind *refusal = &w->habit->kind[SEGMENT_REFUSAL];
    if (synack->n_id_zero + bare->n_id_zero + refusal->n_id_zero > 0)
        FOR_PATH(w, 0.4, w->rst->frame, "sender.id-unlike-answers",
                 "its IP identification is %u, where that host's kernel answers with 0",
                 w->rst->ip_id);
}

static void weigh_df(struct weighing *w)
{
    unsigned set = 0, clear = 0;
    for (size_t i = 0; i < w->s->rst_at; i++) {
        const struct segment *g = &w->s->connection->segments[i];
        if (g->from == w->s->claimed && !(g->flags & TCP_RST))
            g->df ? set++ : clear++;
    }
    if (w->rst->df ? clear > 0 && set == 0 && !w->answer : set > 0 && clear == 0)
        FOR_PATH(w, 0.35, w->rst->frame, "sender.df-unlike",
                 "don't-fragment is %s, unlike on the %s's other packets",
                 w->rst->df ? "set" : "clear", end_name(w));
}

static bool no_mac(const uint8_t mac[6])
{
    static const uint8_t none[6] = {0};
    return memcmp(mac, none, 6) == 0;
}

static void weigh_mac(struct weighing *w)
{
    if (no_mac(w->rst->src_mac) || !w->habit || w->habit->n_macs == 0 || w->habit->more_macs)
        return;
    for (size_t i = 0; i < w->habit->n_macs; i++)
        if (memcmp(w->habit->mac[i], w->rst->src_mac, 6) == 0)
            return;
    const uint8_t *m = w->rst->src_mac;
    FOR_PATH(w, 0.5, w->rst->frame, "sender.mac-unlike",
             "it came from link address %02x:%02x:%02x:%02x:%02x:%02x, from where no other packet "
             "of that host came",
             m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void weigh_timestamps(struct weighing *w)
{
    if (!w->own->timestamps || w->answer)
        return;
    if (w->rst->has_timestamps)
        FOR_END(w, 0.3, w->rst->frame, "sender.timestamps-carried",
                "it carries the connection's timestamps");
    else
        FOR_PATH(w, 0.35, w->rst->frame, "sender.timestamps-missing",
                 "a socket's reset without timestamps on a connection that uses them");
}

static void weigh_window(struct weighing *w)
{
    if (w->answer && w->rst->window != 0)
        FOR_PATH(w, 0.3, w->rst->frame, "sender.window-in-answer",
                 "a bare answer with window %u, where kernels put 0", w->rst->window);
    else if (!w->answer && w->rst->window == 0 && w->own->last_window > 0)
        FOR_PATH(w, 0.1, w->rst->frame, "sender.window-missing",
                 "window 0, where the %s last advertised %u bytes", end_name(w),
                 w->own->last_window);
}

static void weigh_label(struct weighing *w)
{
    const struct segment *last = scene_last_before(w->s, w->s->claimed, NULL);
    if (w->rst->has_ip_id || !last || last->flow_label == 0)
        return;
    if (w->answer && w->rst->flow_label == 0)
        FOR_PATH(w, 0.15, w->rst->frame, "sender.flow-label-missing",
                 "IPv6 flow label 0, where the %s's packets have one", end_name(w));
    else if (!w->answer && w->rst->flow_label != last->flow_label)
        FOR_PATH(w, 0.3, w->rst->frame, "sender.flow-label-unlike",
                 "IPv6 flow label 0x%05x, but the socket used 0x%05x", w->rst->flow_label,
                 last->flow_label);
}

static void weigh_traits(struct weighing *w)
{
    if (w->answer)
        weigh_hops_of_answer(w);
    else
        weigh_hops_of_owner(w);
    if (w->rst->has_ip_id) {
        if (w->answer)
            weigh_id_of_answer(w);
        else
            weigh_id_of_owner(w);
        weigh_df(w);
    }
    weigh_mac(w);
    weigh_timestamps(w);
    weigh_window(w);
    weigh_label(w);
}

/* ---- numbers and time ---- */

static void weigh_numbers(struct weighing *w)
{
    const struct reset *r = w->s->reset;
    if (!w->s->end[w->s->claimed].spoke || !past_opening(w->s))
        return;
    int32_t below = seq_diff(w->own->next_seq, w->rst->seq);
    if (r->deciding.family == RST_OWNER || (w->answer && r->deciding.family == RST_ANSWER))
        return;
    FOR_PATH(w, 0.35, w->rst->frame, "sender.number-fits-neither-form",
             "its sequence number is neither the %s's next byte (%d off) nor that of any "
             "acknowledgement it could answer",
             end_name(w), -below);
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
            g->segment.time - w->rst->time > BURST_NS || g->answers_frame != 0 ||
            seq_diff(g->segment.seq, last) <= 0)
            continue;
        rising++;
        last = g->segment.seq;
        frame = g->segment.frame;
    }
    if (rising > 0 && past_opening(w->s)) {
        FOR_PATH(w, 0.65, frame, "sender.rising-burst",
                 "%u more resets with rising sequence numbers that answer nothing", rising);
    }
}

/* An answer cannot be back sooner than the end's own answers were. */
static void weigh_haste(struct weighing *w)
{
    const struct scene *s = w->s;
    instant_ns leg = s->end[s->claimed].leg, took = s->reset->since_trigger_ns;
    if (leg == 0 && w->habit)
        leg = w->habit->min_answer_ns;
    if (!w->answer || !s->trigger || leg < MS || took < 0)
        return;
    if (took < leg / 3)
        FOR_PATH(w, 0.55, w->rst->frame, "sender.too-quick",
                 "it was back after %.3f ms; the %s takes %.3f ms to answer", (double)took / MS,
                 end_name(w), (double)leg / MS);
    else if (took > leg / 5 * 4 && took < 3 * leg)
        FOR_END(w, 0.3, w->rst->frame, "sender.answer-time-fits",
                "it took %.3f ms, as the %s's answers do", (double)took / MS, end_name(w));
}

/* A host that has just taken part does not forget a connection without having closed it. */
static void weigh_presence(struct weighing *w)
{
    const struct scene *s = w->s;
    const struct scene_end *e = &s->end[s->claimed];
    if (!w->answer || (w->rst->flags & TCP_ACK) || e->at.saw_fin || e->fin_implied ||
        !past_opening(s) || !s->trigger)
        return;
    uint64_t plain = e->at.n_segments - e->at.n_syns - e->at.n_synacks - e->at.n_rsts;
    instant_ns silent = s->trigger->time - e->at.last_time;
    if (plain > 0 && silent < NS_PER_S)
        FOR_PATH(w, 0.25, w->rst->frame, "sender.took-part-just-before",
                 "the %s had taken part %.3f ms before and had not closed", end_name(w),
                 (double)(silent > 0 ? silent : 0) / MS);
}

static void weigh_copies(struct weighing *w)
{
    const struct scene *s = w->s;
    uint64_t twice = s->end[SIDE_CLIENT].at.n_duplicates + s->end[SIDE_SERVER].at.n_duplicates;
    if (twice < 2 || twice * 10 < s->n_before * 7)
        return;
    if (s->rst_seen_again)
        FOR_END(w, 0.3, w->rst->frame, "sender.seen-twice-too",
                "it was captured twice like the connection's other packets: it passed through");
    else
        FOR_PATH(w, 0.6, w->rst->frame, "sender.seen-once",
                 "it was captured once, the connection's other packets twice: it did not pass "
                 "through but began here");
}

/* ---- the verdict ---- */

static void decide(struct weighing *w)
{
    struct scene *s = w->s;
    struct reset *r = s->reset;
    double path = (1.0 - w->doubt) * w->trust;
    if (w->proof && path < 1.0 - w->doubt)
        path = ((1.0 - w->doubt) + path) / 2; /* traits can be copied, a proof cannot */
    bool enough = w->proof || w->n_traits >= 2 || w->doubt <= 0.4;
    bool is_path = path >= PATH_FROM && enough;
    double end = 1.0 - 0.1 * w->trust - 0.9 * path;
    r->sender = is_path ? SIDE_PATH : s->claimed;
    r->sender_confidence = is_path ? (path < PATH_CAP ? path : PATH_CAP) : end < 0.5 ? 0.5 : end;
    for (size_t i = 0; i < s->n_reasons; i++)
        if (!is_path && strncmp(s->reasons[i].id, "sender.", 7) == 0)
            s->reasons[i].weight = -s->reasons[i].weight;
}

void scene_judge_sender(struct scene *s)
{
    struct weighing w = {.s = s,
                         .rst = scene_rst(s),
                         .own = &s->end[s->claimed].at,
                         .habit = habits_get(s->habits, &s->end[s->claimed].at.at.ip),
                         .answer = scene_is_answer(s),
                         .doubt = 1.0,
                         .trust = 1.0};
    weigh_talk(&w);
    weigh_pair(&w);
    weigh_traits(&w);
    weigh_numbers(&w);
    weigh_burst(&w);
    weigh_haste(&w);
    weigh_presence(&w);
    weigh_copies(&w);
    decide(&w);
    s->path = 1.0 - w.doubt;
    s->path_strong = w.proof;
}

void reset_set_sender(struct arena *arena, struct reset *r, enum side sender, const char *id,
                      struct text says, double weight)
{
    bool changes = sender != r->sender;
    struct reason *v = arena_array(arena, r->n_reasons + 2, sizeof *v);
    if (!v)
        return;
    v[0] = (struct reason){.id = id, .says = arena_text(arena, says), .weight = weight};
    for (size_t i = 0; i < r->n_reasons; i++) {
        v[i + 1] = r->reasons[i];
        if (changes && strncmp(v[i + 1].id, "sender.", 7) == 0)
            v[i + 1].weight = -v[i + 1].weight;
    }
    r->sender_confidence = changes ? weight : 1.0 - (1.0 - r->sender_confidence) * (1.0 - weight);
    r->sender = sender;
    r->reasons = v;
    r->n_reasons++;
    if (!changes || !r->scene)
        return;
    r->scene->n_reasons = 0;
    scene_judge_mechanism(r->scene);
    size_t kept = 0; /* the old mechanism's reasons go, the new one's come */
    struct reason *merged = arena_array(arena, r->n_reasons + r->scene->n_reasons, sizeof *v);
    if (!merged)
        return;
    for (size_t i = 0; i < r->n_reasons; i++)
        if (strncmp(v[i].id, "mechanism.", 10) != 0)
            merged[kept++] = v[i];
    for (size_t i = 0; i < r->scene->n_reasons; i++)
        merged[kept++] = r->scene->reasons[i];
    r->reasons = merged;
    r->n_reasons = kept;
}
