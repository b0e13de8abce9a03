/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment at a time through the sequence space of its direction, then its acknowledgement
 * through that of the other.  All comparisons are on the circle of 2^32.
 */
#include "analyzer/track/stream.h"

#include "analyzer/record/goodbye.h"
#include "analyzer/track/content.h"
#include "analyzer/track/survey.h"

#define HOLES_MAX 32
#define JUMP_MAX (1 << 28) /* a larger leap is taken for a forged or broken number */

struct step { /* one segment on its way through */
    struct store *s;
    struct live *l;
    struct half *h, *o;
    const struct packet *p;
    instant_ns *syn_time;     /* of h */
    struct half_times *times; /* of h; NULL: only numbers are followed */
    struct trouble sink;
    uint32_t data_seq, end; /* of the payload; one past everything that uses numbers */
    bool syn, fin;
    uint16_t notes;
};

static struct trouble *trouble_of(struct step *t, struct half *h)
{
    return half_take_trouble(t->s, h, &t->sink);
}

/* A new handshake begins on the same tuple: this end's sequence space is forgotten. */
static void restart(struct step *t, struct half *h)
{
    struct trouble *tr = half_trouble(h);
    half_let_go(t->s, h);
    h->bits &= HALF_TIMESTAMPS;
    h->bytes = 0;
    h->n_data_segments = 0;
    if (h->more)
        h->more->fin_time = INSTANT_NONE;
    if (t->times)
        t->times->first_data = t->times->last_data = INSTANT_NONE;
    if (tr) {
        tr->n_unanswered_retransmissions = tr->n_unanswered_keepalives = 0;
        tr->n_unanswered_zero_window_probes = 0;
        tr->n_holes = 0;
    }
}

bool half_fin_implied(const struct half *h)
{
    return half_has(h, HALF_SEQ) && !half_has(h, HALF_FIN) && h->n_segments > 0 &&
           h->next_seq - h->seen_end == 1;
}

uint32_t half_window(const struct half *h, const struct half *other)
{
    bool scaled = half_has(h, HALF_SCALE) && !half_has(other, HALF_SYN_NO_SCALE);
    return (uint32_t)h->window << (scaled ? h->scale : 0);
}

static void begin(struct half *h, uint32_t seq)
{
    h->next_seq = h->seen_end = h->data_base = seq;
    h->bits |= HALF_SEQ;
}

static void add_hole(struct step *t, struct half *h, uint32_t from, uint32_t to, bool acked)
{
    struct trouble *tr = trouble_of(t, h);
    if (tr == &t->sink || tr->n_holes >= HOLES_MAX)
        return;
    struct hole *hole = pool_take(&t->s->holes);
    if (!hole)
        return;
    *hole = (struct hole){.next = tr->holes, .from = from, .to = to, .acked = acked};
    tr->holes = hole;
    tr->n_holes++;
}

/* Takes [from, to) out of the holes; true when it was part of one. */
static bool fill_holes(struct step *t, struct half *h, uint32_t from, uint32_t to)
{
    struct trouble *tr = half_trouble(h);
    bool filled = false;
    for (struct hole **at = tr ? &tr->holes : NULL; at && *at;) {
        struct hole *hole = *at;
        uint32_t lo = seq_max(hole->from, from);
        uint32_t hi = seq_diff(hole->to, to) < 0 ? hole->to : to;
        if (seq_diff(lo, hi) >= 0) {
            at = &hole->next;
            continue;
        }
        filled = true;
        if (lo != hole->from && hi != hole->to)
            add_hole(t, h, hi, hole->to, hole->acked);
        if (lo != hole->from) {
            hole->to = lo;
        } else if (hi != hole->to) {
            hole->from = hi;
        } else {
            *at = hole->next;
            pool_give(&t->s->holes, hole);
            if (tr->n_holes > 0)
                tr->n_holes--;
            continue;
        }
        at = &(*at)->next;
    }
    return filled;
}

static bool in_episode(const struct live *l)
{
    const struct episode *e = live_episode(l);
    return e && !e->survived && !e->over;
}

static void take_scale(struct half *h, bool has_wscale, uint8_t wscale)
{
    h->bits |= has_wscale ? HALF_SCALE : HALF_SYN_NO_SCALE;
    h->scale = has_wscale ? (wscale > 14 ? 14 : wscale) : 0;
}

static void take_syn(struct step *t)
{
    struct half *h = t->h;
    const struct packet *p = t->p;
    bool retry = in_episode(t->l);
    bool again = half_has(h, HALF_ISN) && half_isn(h) == p->seq;
    if ((half_has(h, HALF_ISN) && !again) || (again && retry) ||
        (!half_has(h, HALF_ISN) && half_has(h, HALF_SEQ) && seq_diff(h->next_seq, p->seq) != 1))
        restart(t, h);
    if (!half_has(h, HALF_SEQ))
        begin(h, p->seq);
    h->data_base = p->seq + 1;
    h->bits |= HALF_ISN;
    take_scale(h, p->has_wscale, p->wscale);
    if (t->times && p->has_mss)
        t->times->mss = p->mss;
    if (*t->syn_time == INSTANT_NONE)
        *t->syn_time = p->time;
    if (p->flags & TCP_ACK)
        half_count(h, n_synacks);
    else
        half_count(h, n_syns);
}

static bool other_window_shut(const struct step *t)
{
    return half_has(t->o, HALF_WINDOW) && t->o->window == 0;
}

/* Keep-alives and probes of a shut window use the number before the next one (RFC 9293 section
 * 3.8.4; tcp_xmit_probe_skb), or one byte of what is to come. */
static uint16_t probe_kind(const struct step *t)
{
    const struct packet *p = t->p;
    int32_t rel = seq_diff(p->seq, t->h->next_seq);
    if (t->syn || t->fin || p->payload_len > 1 || !(p->flags & TCP_ACK))
        return 0;
    bool before_acked = half_has(t->o, HALF_ACK) && seq_diff(p->seq, t->o->acked) == -1;
    if (other_window_shut(t) && ((p->payload_len == 1 && rel >= -1) ||
                                 (p->payload_len == 0 && (rel == -1 || before_acked))))
        return NOTE_ZERO_WINDOW_PROBE;
    if (rel != -1 || half_has(t->h, HALF_FIN))
        return 0;
    bool all_acked = half_has(t->o, HALF_ACK) && t->o->acked == t->h->next_seq;
    return p->payload_len == 0 || all_acked ? NOTE_KEEPALIVE : 0;
}

static void count_unanswered(struct step *t, uint32_t *counter)
{
    struct trouble *tr = half_trouble(t->h);
    if (tr && tr->n_unanswered_retransmissions + tr->n_unanswered_keepalives +
                      tr->n_unanswered_zero_window_probes ==
                  0) {
        tr->unanswered_frame = t->p->frame;
        tr->unanswered_time = t->p->time;
    }
    ++*counter;
}

static void take_probe(struct step *t, uint16_t kind)
{
    struct trouble *tr = trouble_of(t, t->h);
    t->notes |= kind;
    if (kind == NOTE_KEEPALIVE) {
        tr->n_keepalives++;
        count_unanswered(t, &tr->n_unanswered_keepalives);
    } else {
        tr->n_zero_window_probes++;
        count_unanswered(t, &tr->n_unanswered_zero_window_probes);
    }
}

/* Old numbers: they fill a hole, or were sent before. */
static void take_old(struct step *t)
{
    struct trouble *tr = trouble_of(t, t->h);
    if (fill_holes(t, t->h, t->p->seq, t->end)) {
        t->notes |= NOTE_OUT_OF_ORDER;
        tr->n_out_of_order++;
    } else {
        t->notes |= NOTE_RETRANSMISSION;
        tr->n_retransmissions++;
        count_unanswered(t, &tr->n_unanswered_retransmissions);
    }
}

static bool leap(struct step *t, struct half *h, uint32_t to)
{
    int32_t rel = seq_diff(to, h->next_seq);
    if (rel > JUMP_MAX) {
        t->notes |= NOTE_OUT_OF_WINDOW;
        return false;
    }
    if (rel > 0) {
        add_hole(t, h, h->next_seq, to, false);
        h->bytes += (uint32_t)rel;
        h->next_seq = to;
        t->notes |= NOTE_HOLE_BEFORE;
    }
    return true;
}

static void take_numbers(struct step *t)
{
    struct half *h = t->h;
    if (seq_diff(t->end, h->next_seq) <= 0) {
        take_old(t);
        return;
    }
    if (!leap(t, h, t->p->seq))
        return;
    if (seq_diff(t->p->seq, h->next_seq) < 0) {
        t->notes |= NOTE_OVERLAP;
        fill_holes(t, h, t->p->seq, h->next_seq);
    }
    uint32_t payload_end = t->end - t->fin;
    uint32_t from = seq_max(t->data_seq, h->next_seq);
    if (seq_diff(payload_end, from) > 0) {
        h->bytes += payload_end - from;
        h->other_next_at_data = t->o->next_seq;
    }
    h->next_seq = h->seen_end = t->end;
}

/* Whether what came last before a FIN may have been a goodbye: few bytes with it, or something
 * right before it and no word of the other end since.  Whether that was an answer is not known. */
static bool may_say_goodbye(const struct half *h, const struct half *o, const struct fin *fin,
                            instant_ns last)
{
    if (fin->payload_len > 0)
        return fin->payload_len <= GOODBYE_BYTES;
    return h->n_data_segments > 0 && h->other_next_at_data == o->next_seq &&
           fin->time - last <= GOODBYE_AT_ONCE_NS;
}

/* How long nothing had been captured of either end when the FIN was, or the goodbye before it: that
 * is not known. */
static uint32_t quiet_before(const struct half *h, const struct half *o, const struct fin *fin)
{
    const instant_ns last = h->last_time > o->last_time ? h->last_time : o->last_time;
    if (fin->crossed || last == INSTANT_NONE || last > fin->time ||
        may_say_goodbye(h, o, fin, last))
        return QUIET_UNKNOWN;
    if (fin->payload_len > 0)
        return 0;
    const instant_ns ms = (fin->time - last) / NS_PER_MS;
    return ms < QUIET_UNKNOWN ? (uint32_t)ms : QUIET_UNKNOWN - 1;
}

void stream_fin(struct store *s, struct half *h, const struct half *o, const struct fin *fin)
{
    struct half_more *m = half_take_more(s, h);
    if (!m)
        return;
    half_count(m, n_fins);
    if (half_has(h, HALF_FIN))
        return;
    h->bits |= HALF_FIN;
    m->fin_seq = fin->seq;
    m->fin_time = fin->time;
    m->fin_quiet_ms = quiet_before(h, o, fin);
}

static void take_fin(struct step *t)
{
    const struct packet *p = t->p;
    const bool crossed = !(p->flags & TCP_ACK) || seq_diff(t->o->next_seq, p->ack) > 0;
    const struct fin fin = {.seq = p->seq + p->payload_len + t->syn,
                            .time = p->time,
                            .crossed = crossed,
                            .payload_len = p->payload_len};
    stream_fin(t->s, t->h, t->o, &fin);
}

/* Whether a byte kept before came again with another value. */
static bool keep_payload(struct step *t, uint64_t offset)
{
    struct half_more *m = half_take_more(t->s, t->h);
    return m && content_put(t->s, &m->content, offset, t->p->payload, t->p->payload_captured);
}

static void take_payload(struct step *t, uint64_t bytes_before, uint32_t next_before)
{
    struct half *h = t->h;
    const struct packet *p = t->p;
    h->n_data_segments++;
    if (t->times && t->times->first_data == INSTANT_NONE)
        t->times->first_data = p->time;
    if (t->times)
        t->times->last_data = p->time;
    int64_t offset =
        (int64_t)bytes_before + seq_diff(t->data_seq, seq_max(next_before, h->data_base));
    if (offset < 0 || !p->payload || in_episode(t->l))
        return;
    if (!t->times)
        survey_payload(t->s, h, (uint64_t)offset, p->payload, p->payload_captured);
    else if (keep_payload(t, (uint64_t)offset))
        t->notes |= NOTE_OVERLAP_CONFLICT;
}

static void mark_holes_acked(struct step *t, uint32_t ack)
{
    struct trouble *tr = half_trouble(t->o);
    for (struct hole *hole = tr ? tr->holes : NULL; hole; hole = hole->next)
        if (!hole->acked && seq_diff(ack, hole->to) >= 0) {
            hole->acked = true;
            tr->n_missing_acked++;
        }
}

/* A SYN that no SYN-ACK has answered: an ACK of other numbers belongs to another connection. */
static bool still_opening(const struct half *o, const struct half *h)
{
    return half_has(o, HALF_ISN) && o->next_seq == o->data_base && o->n_data_segments == 0 &&
           (!half_has(h, HALF_ISN) || !half_has(h, HALF_ACK));
}

static void ack_beyond(struct step *t, uint32_t ack)
{
    struct half *o = t->o;
    t->notes |= NOTE_ACK_UNSEEN;
    if (still_opening(o, t->h) || seq_diff(ack, o->next_seq) > JUMP_MAX)
        return;
    add_hole(t, o, o->next_seq, ack, true);
    trouble_of(t, o)->n_missing_acked++;
    o->bytes += ack - o->next_seq;
    o->next_seq = ack;
}

static void take_ack(struct step *t)
{
    struct half *h = t->h, *o = t->o;
    uint32_t ack = t->p->ack;
    if (!half_has(o, HALF_SEQ))
        begin(o, ack);
    bool first = !half_has(h, HALF_ACK), pure = t->p->payload_len == 0 && !t->syn && !t->fin;
    if (seq_diff(ack, o->next_seq) > 0)
        ack_beyond(t, ack);
    else if (!first && ack == h->acked && pure && t->p->window == h->window &&
             seq_diff(o->next_seq, ack) > 0 &&
             !(t->notes & (NOTE_KEEPALIVE | NOTE_ZERO_WINDOW_PROBE)))
        t->notes |= NOTE_DUP_ACK;
    if (first || seq_diff(ack, h->acked) > 0)
        h->acked = ack;
    h->bits |= HALF_ACK;
    mark_holes_acked(t, ack);
    if (half_has(o, HALF_FIN) && seq_diff(ack, half_fin_seq(o)) > 0)
        o->bits |= HALF_FIN_ACKED;
}

static void take_window(struct step *t)
{
    struct half *h = t->h;
    h->window = t->p->window;
    h->bits |= HALF_WINDOW;
    if (h->window > 0 || t->syn)
        return;
    t->notes |= NOTE_ZERO_WINDOW;
    trouble_of(t, h)->n_zero_windows++;
}

/* This end spoke: the other's probes and retransmissions have an answer, save that probes of a shut
 * window wait for it to open. */
static void answer_other(struct step *t)
{
    struct trouble *tr = half_trouble(t->o);
    if (!tr)
        return;
    tr->n_unanswered_retransmissions = tr->n_unanswered_keepalives = 0;
    if (t->p->window > 0)
        tr->n_unanswered_zero_window_probes = 0;
}

static void take_habits(struct step *t)
{
    struct half *h = t->h;
    const struct packet *p = t->p;
    if (h->n_segments++ == 0)
        h->first_ttl = p->ttl;
    if (t->times && t->times->first == INSTANT_NONE)
        t->times->first = p->time;
    h->last_time = p->time;
    h->last_ip_id = p->ip_id;
    if (h->ttl_max == 0 || p->ttl < h->ttl_min)
        h->ttl_min = p->ttl;
    if (p->ttl > h->ttl_max)
        h->ttl_max = p->ttl;
    if (p->has_timestamps)
        h->bits |= HALF_TIMESTAMPS;
}

uint16_t stream_segment(struct store *s, struct live *l, uint8_t dir, const struct packet *p)
{
    struct step t = {.s = s,
                     .l = l,
                     .h = &l->half[dir],
                     .o = &l->half[1 - dir],
                     .p = p,
                     .syn_time = &l->syn_time[dir],
                     .times = live_evidence(l) ? &live_evidence(l)->times[dir] : NULL};
    t.syn = (p->flags & TCP_SYN) != 0;
    t.fin = (p->flags & TCP_FIN) != 0;
    t.data_seq = p->seq + t.syn;
    t.end = p->seq + p->payload_len + t.syn + t.fin;
    answer_other(&t);
    if (t.syn)
        take_syn(&t);
    else if (!half_has(t.h, HALF_SEQ))
        begin(t.h, p->seq);

    uint64_t bytes_before = t.h->bytes;
    uint32_t next_before = t.h->next_seq;
    uint16_t probe = probe_kind(&t);
    if (probe)
        take_probe(&t, probe);
    if (t.end != p->seq && !(probe && seq_diff(t.end, t.h->next_seq) <= 0))
        take_numbers(&t);
    else if (!probe)
        leap(&t, t.h, p->seq);
    if (t.fin)
        take_fin(&t);
    if (p->payload_len > 0 && !(probe & NOTE_KEEPALIVE))
        take_payload(&t, bytes_before, next_before);
    if (p->flags & TCP_ACK)
        take_ack(&t);
    take_window(&t);
    take_habits(&t);
    return t.notes;
}

void stream_opens(struct half *h, const struct opening_segment *syn)
{
    const struct kept *k = &syn->k;
    h->next_seq = h->seen_end = h->data_base = k->seq + 1;
    h->bits |= HALF_SEQ | HALF_ISN | HALF_WINDOW;
    h->bits |= k->bits & KEPT_TIMESTAMPS ? HALF_TIMESTAMPS : 0;
    take_scale(h, syn->has_wscale, syn->wscale);
    h->last_time = k->time;
    h->n_syns = h->n_segments = 1;
    h->window = k->window;
    h->last_ip_id = k->ip_id;
    h->first_ttl = h->ttl_min = h->ttl_max = k->ttl;
}
