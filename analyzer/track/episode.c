/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSTs arriving, and the testimony of what follows them.
 */
#include "analyzer/track/episode.h"

#include "analyzer/track/flow.h"
#include "analyzer/track/stream.h"
#include "analyzer/track/timeline.h"

#define EPISODES_MAX 32
#define RST_TEXT_MAX 512
#define LATER_NS (NS_PER_S / 5)
#define SENT_AGAIN_NS (NS_PER_S / 10) /* no kernel sends a SYN again sooner ... */
#define AGAIN_AT_ONCE_NS NS_PER_MS    /* ... but once it has reset what its SYN had met */

static bool answers_syn(const struct half *r, const struct kept *k)
{
    return (k->flags & TCP_ACK) && half_has(r, HALF_ISN) && r->n_synacks == 0 &&
           seq_diff(k->ack, half_isn(r)) > 0 && seq_diff(k->ack, r->next_seq) <= 0;
}

/* RFC 5961 section 3.2, seen from the RST's receiver: its next byte lies between what it last
 * acknowledged and what the claimed sender has sent. */
enum rst_validity rst_validity_of(const struct half *s, const struct half *r, const struct kept *k)
{
    bool met = s->n_segments > 0;
    if (!met && half_has(r, HALF_ISN) && r->n_synacks == 0 && !half_has(r, HALF_ACK))
        return answers_syn(r, k) ? RST_EXACT : RST_OUT_OF_WINDOW; /* SYN-SENT */
    if (!half_has(r, HALF_ACK) && !met)
        return RST_UNVERIFIABLE;
    if ((half_has(r, HALF_ACK) && k->seq == r->acked) || (met && k->seq == s->next_seq))
        return RST_EXACT;
    if (!half_has(r, HALF_WINDOW))
        return RST_UNVERIFIABLE;
    uint32_t low = half_has(r, HALF_ACK) ? r->acked : s->next_seq;
    uint32_t high = met ? seq_max(low, s->next_seq) : low;
    high += half_window(r, s);
    bool within = seq_diff(k->seq, low) >= 0 && seq_diff(k->seq, high) <= 0;
    return within ? RST_IN_WINDOW : RST_OUT_OF_WINDOW;
}

static bool was_acked_by(const struct timeline *t, uint8_t dir, uint32_t ack)
{
    for (size_t i = t ? timeline_count(t) : 0; i-- > 0;) {
        const struct kept *k = timeline_at(t, i);
        if (kept_dir(k) == dir && (k->flags & TCP_ACK) && k->ack == ack)
            return true;
    }
    return false;
}

/* What s acknowledged shows that r sent more than was captured. */
static bool has_unseen(const struct half *s, const struct half *r)
{
    return half_has(s, HALF_ACK) && half_has(r, HALF_SEQ) && seq_diff(s->acked, r->seen_end) > 0;
}

/* RFC 9293 section 3.5.2: an answer to a segment with ACK takes its number from there; an answer to
 * one without has number 0. */
enum rst_family rst_family_of(const struct half *s, const struct half *r, const struct timeline *t,
                              const struct kept *k)
{
    if (!(k->flags & TCP_ACK)) {
        bool unseen = r->n_segments == 0 || (k->seq == s->next_seq && has_unseen(s, r));
        bool match = half_has(r, HALF_ACK) &&
                     (k->seq == r->acked || was_acked_by(t, 1 - kept_dir(k), k->seq));
        return unseen || match ? RST_ANSWER : RST_NEITHER;
    }
    if (k->seq == 0 && (s->n_segments == 0 || answers_syn(r, k)))
        return RST_ANSWER;
    bool met = s->n_segments > 0;
    return !met || k->seq == s->next_seq || k->seq == s->seen_end ? RST_OWNER : RST_NEITHER;
}

/* Zeek's counts and the open holes alone are of no use later. */
static bool is_told(const struct trouble *t)
{
    return (t->n_retransmissions | t->n_out_of_order | t->n_keepalives | t->n_zero_windows |
            t->n_zero_window_probes | t->n_duplicates | t->n_unanswered_retransmissions |
            t->n_unanswered_keepalives | t->n_unanswered_zero_window_probes) != 0;
}

static bool copy_trouble(struct store *s, const struct trouble *from, struct trouble **to)
{
    if (!from || !is_told(from))
        return true;
    *to = pool_take(&s->troubles);
    if (!*to)
        return false;
    **to = *from;
    (*to)->holes = NULL;
    return true;
}

static bool snapshot(struct store *s, struct episode *e, const struct live *l)
{
    bool good = true;
    for (int d = 0; d < 2; d++) {
        const struct half *h = &l->half[d];
        e->at[d] = *h;
        e->syn_time[d] = l->syn_time[d];
        if (live_evidence(l))
            e->times[d] = live_evidence(l)->times[d];
        if (!h->more)
            continue;
        e->at[d].more = &e->more[d];
        e->more[d] = *h->more;
        e->more[d].content = NULL;
        e->more[d].trouble = NULL;
        good &= copy_trouble(s, h->more->trouble, &e->more[d].trouble);
    }
    e->n_before = live_n_segments(l);
    e->live_bits = l->bits;
    return good;
}

/* Both know the end's SYN, and it is the same one. */
static bool same_attempt(const struct half *a, const struct half *b)
{
    return half_has(a, HALF_ISN) && half_has(b, HALF_ISN) && half_isn(a) == half_isn(b);
}

static struct episode *begin(struct store *s, struct live *l, uint8_t dir)
{
    struct episode *e = pool_take(&s->episodes);
    if (!e)
        return NULL;
    e->dir = dir;
    if (!snapshot(s, e, l)) {
        episode_free(s, e);
        return NULL;
    }
    struct live_more *m = l->more;
    const struct episode *before = m->episode;
    e->tried_again = before && before->tried_again && same_attempt(&before->at[dir], &e->at[dir]);
    if (m->episode)
        m->episode->next = e;
    else
        m->episodes = e;
    m->episode = e;
    m->n_episodes++;
    return e;
}

static struct rst_note *note_of(struct store *s, struct arena *arena, const struct live *l,
                                uint8_t dir, const struct packet *p, const struct kept *k)
{
    const struct half *own = &l->half[dir], *other = &l->half[1 - dir];
    const struct timeline *t = live_evidence(l) ? &live_evidence(l)->timeline : NULL;
    struct rst_note *n = pool_take(&s->notes);
    if (!n)
        return NULL;
    n->k = *k;
    n->stream = l->flow->stream;
    n->mptcp_reason = p->mptcp_reset_reason;
    n->validity = (uint8_t)rst_validity_of(own, other, k);
    n->family = (uint8_t)rst_family_of(own, other, t, k);
    if (p->payload && p->payload_captured > 0) {
        size_t len = p->payload_captured < RST_TEXT_MAX ? p->payload_captured : RST_TEXT_MAX;
        n->payload = arena_text(arena, (struct text){(const char *)p->payload, len});
    }
    return n;
}

bool episode_rst(struct store *s, struct arena *arena, struct live *l, const struct packet *p,
                 const struct kept *k)
{
    uint8_t dir = kept_dir(k);
    struct live_more *m = live_take_more(s, l);
    struct half_more *h = half_take_more(s, &l->half[dir]);
    struct rst_note *note = m && h ? note_of(s, arena, l, dir, p, k) : NULL;
    if (!note)
        return false;
    struct episode *e = m->episode;
    bool fresh = !e || e->over || e->survived;
    if (fresh && !(e && m->n_episodes >= EPISODES_MAX))
        e = begin(s, l, dir);
    if (!e) {
        pool_give(&s->notes, note);
        return false;
    }
    if (m->last_rst)
        m->last_rst->next = note;
    else
        m->rsts = note;
    m->last_rst = note;
    if (!e->first)
        e->first = note;
    e->last = note;
    e->n_rsts++;
    e->dirs |= (uint8_t)(1u << dir);
    half_count(h, n_rsts);
    if (m->evidence) {
        timeline_add(s, &m->evidence->timeline, k);
        timeline_freeze(&m->evidence->timeline);
    }
    return true;
}

/* An ACK without news whose numbers are those that the socket had: of a keep-alive probe the byte
 * before the next one (RFC 9293 section 3.8.4), which some senders put into it. */
static bool is_bare(const struct half *at, const struct packet *p)
{
    const int32_t ahead = half_has(at, HALF_SEQ) ? seq_diff(p->seq, at->next_seq) : 1;
    return (p->flags & (TCP_ACK | TCP_FIN)) == TCP_ACK && half_has(at, HALF_ACK) &&
           p->ack == at->acked &&
           ((ahead == 0 && p->payload_len == 0) || (ahead == -1 && p->payload_len <= 1));
}

static enum talk_kind talk_of(const struct half *at, const struct packet *p)
{
    bool fin = p->flags & TCP_FIN;
    uint32_t end = p->seq + p->payload_len + fin;
    bool beyond = !half_has(at, HALF_SEQ) || seq_diff(end, at->next_seq) > 0;
    if (fin && beyond)
        return TALK_FIN;
    if (p->payload_len > 0 && beyond)
        return TALK_DATA;
    if ((p->flags & TCP_ACK) && half_has(at, HALF_ACK) && seq_diff(p->ack, at->acked) > 0)
        return TALK_ACK;
    return is_bare(at, p) ? TALK_BARE : TALK_OLD;
}

static void hear(struct episode *e, uint8_t dir, const struct packet *p)
{
    enum talk_kind kind = talk_of(&e->at[dir], p);
    const bool later =
        kind == TALK_BARE && kind == e->talk[dir].kind; /* says more than the first */
    if (kind <= e->talk[dir].kind && !later)
        return;
    e->talk[dir] = (struct talk){p->frame, p->time, p->seq, (uint8_t)kind};
}

/* The connection lives on when the RST's receiver goes on taking what the alleged sender sends
 * after it, or the alleged sender takes what the receiver sends long after it. */
static bool lives_on(const struct episode *e, uint8_t dir, const struct packet *p)
{
    uint8_t victim = 1 - e->dir;
    if (!(p->flags & TCP_ACK))
        return false;
    if (dir == victim) { /* before a RST right behind the SYN the sender had no number yet */
        const struct half *at = &e->at[e->dir];
        const uint32_t from = half_has(at, HALF_SEQ) ? at->next_seq : e->talk[e->dir].seq;
        return e->talk[e->dir].kind >= TALK_DATA && seq_diff(p->ack, from) > 0;
    }
    return e->talk[victim].kind >= TALK_DATA && half_has(&e->at[victim], HALF_SEQ) &&
           instant_since(e->talk[victim].time, e->first->k.time) > LATER_NS &&
           seq_diff(p->ack, e->at[victim].next_seq) > 0;
}

static void close_over(struct store *s, struct arena *arena, struct live *l, struct episode *e)
{
    e->over = true;
    if (!live_evidence(l))
        return;
    struct timeline *t = &live_evidence(l)->timeline;
    const size_t n = timeline_count(t);
    e->segments = arena_array(arena, n, sizeof *e->segments);
    if (e->segments) {
        for (size_t i = 0; i < n; i++)
            e->segments[i] = *timeline_at(t, i);
        e->n_segments = n;
        e->n_head_segments = t->n_head;
    }
    timeline_thaw(s, t);
}

/* The SYN of an attempt that had been reset: nobody repeats it who does not want the connection.  A
 * second capture of the first one is not as late.  Linux does not wait after a RST whose number an
 * earlier connection's acknowledgement gave (tcp_rcv_synsent_state_process). */
static bool is_sent_again(const struct episode *e, uint8_t dir, const struct packet *p)
{
    const struct half *at = &e->at[dir];
    const struct kept *rst = &e->first->k;
    const bool met_old = e->dir == dir && rst->seq != half_isn(at) + 1;
    return half_has(at, HALF_ISN) && p->seq == half_isn(at) &&
           instant_since(p->time, rst->time) >= (met_old ? AGAIN_AT_ONCE_NS : SENT_AGAIN_NS);
}

/* A SYN-ACK after a RST that had reset one: a host that answers is asked again, where it begins
 * with another number; its own try again would have the same. */
static bool answers_again(const struct episode *e, uint8_t dir, const struct packet *p)
{
    const struct half *at = &e->at[dir];
    return e->dir != dir && at->n_synacks > 0 && half_has(at, HALF_ISN) && half_has(at, HALF_ACK) &&
           p->ack == at->acked && p->seq != half_isn(at) &&
           instant_since(p->time, e->first->k.time) >= SENT_AGAIN_NS;
}

void episode_segment(struct store *s, struct arena *arena, struct live *l, uint8_t dir,
                     const struct packet *p, uint16_t *notes)
{
    struct episode *e = live_episode(l);
    if (!e || e->over)
        return;
    if (p->flags & TCP_SYN) {
        bool ack = p->flags & TCP_ACK;
        e->reopened |= !ack;
        e->tried_again |= ack ? answers_again(e, dir, p) : is_sent_again(e, dir, p);
        if (ack && e->reopened)
            close_over(s, arena, l, e);
        return;
    }
    if (e->survived)
        return;
    if (e->dirs >> dir & 1)
        *notes |= NOTE_AFTER_RST;
    const struct half *at = &e->at[dir];
    if (dir != e->dir && p->payload_len == 0 && !(p->flags & TCP_FIN) &&
        e->first->validity != RST_EXACT && p->ack == at->acked && p->seq == at->next_seq)
        *notes |= NOTE_CHALLENGE_ACK;
    hear(e, dir, p);
    if (lives_on(e, dir, p)) {
        e->survived = true;
        if (live_evidence(l))
            timeline_thaw(s, &live_evidence(l)->timeline);
    }
}
