/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A RST beside the other packets of the end whose address it carries.  Like is compared with like:
 * an owner's reset with its socket's segments, a bare answer with the host's other answers.
 */
#include <string.h>

#include "analyzer/track/weighing.h"

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

/* The nearest usual value that a hop count started from. */
static unsigned start_of(uint8_t ttl)
{
    return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

/* Whether a RST with this hop count can have come from where segments came with that one.  Sockets
 * may be told to start higher than the kernel's bare answers, never the other way round; the way is
 * equally long. */
static bool same_place(uint8_t rst, uint8_t segment)
{
    unsigned from = start_of(rst), other = start_of(segment);
    return from - rst == other - segment && from <= other;
}

/* Connections whose segments of this kind came over another number of hops. */
static uint32_t others_elsewhere(const struct weighing *w, enum segment_kind kind)
{
    const struct habit_kind *k = &w->habit->kind[kind];
    uint32_t n = 0;
    for (size_t i = 0; i < k->n_ttls; i++)
        if (!same_place(w->rst->ttl, k->ttl[i].ttl))
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
        FOR_END(
            w, 0.3, w->rst->frame, "sender.ttl-like-other-rsts",
            "hop count %u, like resets of that host on other connections (%u), and as many hops "
            "as its SYN-ACKs",
            ttl, alike);
        return;
    }
    if (synacks + rsts == 0) {
        FOR_PATH(w, 0.15, w->rst->frame, "sender.ttl-other-start",
                 "hop count %u: it started from another value than that host's SYN-ACKs", ttl);
        return;
    }
    bool well_known = synacks + rsts > 1 && !scene_past_opening(w->s);
    FOR_PATH(w, well_known ? 0.65 : 0.5, w->rst->frame, "sender.ttl-unlike-answers",
             "hop count %u: that host's SYN-ACKs and other resets came another way "
             "(%u of them)",
             ttl, synacks + rsts);
}

/* Not only a SYN, which a scanner may have made by hand. */
static bool spoke_by_socket(const struct weighing *w)
{
    const struct end *e = w->own;
    return e->n_segments > (uint64_t)e->n_syns + e->n_rsts;
}

static void weigh_hops_like_segments(struct weighing *w)
{
    uint8_t ttl = w->rst->ttl;
    if (w->own->ttl_max == 0)
        return;
    if (ttl >= w->own->ttl_min && ttl <= w->own->ttl_max)
        FOR_END(w, 0.35, w->rst->frame, "sender.ttl-like-segments",
                "hop count %u, like the %s's segments", ttl, weighing_end(w));
    else if (!same_place(ttl, w->own->ttl_max))
        FOR_PATH(w, spoke_by_socket(w) ? 0.4 : 0.15, w->rst->frame, "sender.ttl-unlike-segments",
                 "hop count %u, unlike the %s's segments (%u)", ttl, weighing_end(w),
                 w->own->ttl_max);
}

static void weigh_hops_of_answer(struct weighing *w)
{
    uint8_t ttl = w->rst->ttl;
    if (!w->habit)
        return;
    uint32_t synacks = others_of(w, SEGMENT_SYNACK);
    uint32_t like_rsts =
        others_with(w, SEGMENT_BARE_RST, ttl) + others_with(w, SEGMENT_REFUSAL, ttl);
    bool other_rsts = others_of(w, SEGMENT_BARE_RST) + others_of(w, SEGMENT_REFUSAL) > 0;
    bool by_segments = synacks == 0 && (spoke_by_socket(w) || !other_rsts);
    if (others_with(w, SEGMENT_SYNACK, ttl) > 0)
        FOR_END(w, 0.35, w->rst->frame, "sender.ttl-like-synack",
                "hop count %u, like SYN-ACKs of that host", ttl);
    else if (by_segments)
        weigh_hops_like_segments(w); /* other resets may be the same forger's */
    else if (synacks == 0 && like_rsts > 0)
        FOR_END(w, 0.35, w->rst->frame, "sender.ttl-like-other-rsts",
                "hop count %u, like resets of that host on other connections (%u)", ttl, like_rsts);
    else
        weigh_hops_unlike_answers(w);
}

static void weigh_hops_of_owner(struct weighing *w)
{
    uint8_t ttl = w->rst->ttl;
    if (w->own->ttl_max == 0)
        return;
    if (ttl >= w->own->ttl_min && ttl <= w->own->ttl_max)
        FOR_END(w, 0.35, w->rst->frame, "sender.ttl-like-segments",
                "hop count %u, like the %s's other segments of this connection", ttl,
                weighing_end(w));
    else
        FOR_PATH(w, 0.5, w->rst->frame, "sender.ttl-unlike-segments",
                 "hop count %u, but the %s's segments of this connection came with %u", ttl,
                 weighing_end(w), w->own->ttl_max);
}

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

/* A box that makes a RST out of the segment in its hands leaves that one's identification in it; a
 * host writes its own. */
static void weigh_copied_id(struct weighing *w)
{
    const struct segment *t = w->s->trigger;
    if (t && t->has_ip_id && t->ip_id == w->rst->ip_id && t->ip_id != 0)
        FOR_PATH(w, 0.5, w->rst->frame, "sender.id-copied",
                 "its IP identification %u is that of the segment which it answers", t->ip_id);
}

/* A kernel with one counter for all that it sends takes it for its bare answers, too. */
static void weigh_counter_of_host(struct weighing *w)
{
    const struct habit_kind *synack = &w->habit->kind[SEGMENT_SYNACK];
    uint16_t step = (uint16_t)(w->rst->ip_id - w->s->end[w->s->claimed].last_ip_id);
    if (synack->n == 0 || synack->n_id_zero > 0 || !ids_run(w) || (step > 0 && step < 4096))
        return;
    FOR_PATH(w, 0.3, w->rst->frame, "sender.id-out-of-sequence",
             "its IP identification %u does not continue that host's (%u before)", w->rst->ip_id,
             w->s->end[w->s->claimed].last_ip_id);
}

static void weigh_id_of_answer(struct weighing *w)
{
    if (w->rst->ip_id == 0 || !w->habit)
        return;
    const struct habit_kind *synack = &w->habit->kind[SEGMENT_SYNACK];
    const struct habit_kind *bare = &w->habit->kind[SEGMENT_BARE_RST];
    const struct habit_kind *refusal = &w->habit->kind[SEGMENT_REFUSAL];
    weigh_copied_id(w);
    if (synack->n_id_zero + bare->n_id_zero + refusal->n_id_zero > 0)
        FOR_PATH(w, 0.4, w->rst->frame, "sender.id-unlike-answers",
                 "its IP identification is %u, where that host's kernel answers with 0",
                 w->rst->ip_id);
    else
        weigh_counter_of_host(w);
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
                 w->rst->df ? "set" : "clear", weighing_end(w));
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
                 "window 0, where the %s last advertised %u bytes", weighing_end(w),
                 w->own->last_window);
}

/* Of the host's own answers to what it does not know, how many on other connections have one. */
static uint32_t labelled_answers(const struct weighing *w)
{
    const struct habit_kind *bare = &w->habit->kind[SEGMENT_BARE_RST];
    const struct habit_kind *refusal = &w->habit->kind[SEGMENT_REFUSAL];
    return bare->n - bare->n_label_zero + refusal->n - refusal->n_label_zero;
}

/* A kernel labels its bare answers as it does its sockets' packets; netfilter's reject does not. */
static void note_label_missing(struct weighing *w)
{
    uint32_t n = w->habit ? labelled_answers(w) : 0;
    if (w->rst->has_ip_id || !w->answer || w->rst->flow_label != 0 || n == 0)
        return;
    w->s->reset->label_missing = true;
    scene_say(w->s, w->rst->frame, "sender.flow-label-unlike-answers", 0,
              "IPv6 flow label 0, where resets of that host on %u other connection%s have one", n,
              n == 1 ? "" : "s");
}

static void weigh_label(struct weighing *w)
{
    const struct segment *last = scene_last_before(w->s, w->s->claimed, NULL);
    note_label_missing(w);
    if (w->rst->has_ip_id || !last || last->flow_label == 0)
        return;
    if (w->answer && w->rst->flow_label == 0)
        FOR_PATH(w, 0.15, w->rst->frame, "sender.flow-label-missing",
                 "IPv6 flow label 0, where the %s's packets have one", weighing_end(w));
    else if (!w->answer && w->rst->flow_label != last->flow_label)
        FOR_PATH(w, 0.3, w->rst->frame, "sender.flow-label-unlike",
                 "IPv6 flow label 0x%05x, but the socket used 0x%05x", w->rst->flow_label,
                 last->flow_label);
}

void weigh_traits(struct weighing *w)
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
