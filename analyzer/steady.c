/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short road of the packet path.  Its conditions name every case in which the long road does
 * more than is done here.
 */
#include "analyzer/steady.h"

#include "analyzer/content.h"
#include "analyzer/history.h"
#include "analyzer/stream.h"

static bool ends_are_steady(const struct half *h, const struct half *o)
{
    return (h->bits & (HALF_SEQ | HALF_ACK | HALF_FIN)) == (HALF_SEQ | HALF_ACK) &&
           (o->bits & (HALF_SEQ | HALF_FIN)) == HALF_SEQ && h->first_time != INSTANT_NONE &&
           !o->holes && !(half_has(o, HALF_WINDOW) && o->window == 0);
}

/* The client's ACK that may complete the handshake is for the long road. */
static bool handshake_is_settled(const struct live *l, uint8_t dir)
{
    return dir != l->client || live_has(l, LIVE_HANDSHAKE) || !live_has(l, LIVE_SYNACK);
}

static bool is_steady(const struct live *l, uint8_t dir, const struct packet *p)
{
    const struct half *h = &l->half[dir], *o = &l->half[1 - dir];
    return (p->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK && p->window > 0 &&
           !l->episode && ends_are_steady(h, o) && p->seq == h->next_seq &&
           seq_diff(p->ack, h->acked) >= 0 && seq_diff(p->ack, o->next_seq) <= 0 &&
           seq_diff(h->next_seq, h->data_base) >= 0 && history_is_steady(h, p) &&
           handshake_is_settled(l, dir);
}

static uint16_t take_payload(struct store *s, struct half *h, const struct half *o,
                             const struct packet *p)
{
    uint64_t offset = h->bytes;
    h->bytes += p->payload_len;
    h->other_next_at_data = o->next_seq;
    h->next_seq += p->payload_len;
    h->seen_end = h->next_seq;
    h->n_data_segments++;
    if (h->first_data_time == INSTANT_NONE)
        h->first_data_time = p->time;
    h->last_data_time = p->time;
    return p->payload && content_put(s, &h->content, offset, p->payload, p->payload_captured)
               ? NOTE_OVERLAP_CONFLICT
               : 0;
}

/* An answer ends the other's row of unanswered probes and retransmissions. */
static void answer(struct trouble *tr)
{
    tr->n_unanswered_retransmissions = tr->n_unanswered_keepalives = 0;
    tr->n_unanswered_zero_window_probes = 0;
}

bool steady_segment(struct store *s, struct live *l, uint8_t dir, const struct packet *p,
                    uint16_t *notes)
{
    if (!is_steady(l, dir, p))
        return false;
    struct half *h = &l->half[dir], *o = &l->half[1 - dir];
    if (o->trouble)
        answer(o->trouble);
    if (p->payload_len > 0)
        *notes |= take_payload(s, h, o, p);
    else if (p->ack == h->acked && p->window == h->window && seq_diff(o->next_seq, p->ack) > 0)
        *notes |= NOTE_DUP_ACK;
    h->acked = p->ack;
    h->window = p->window;
    h->bits |= p->has_timestamps ? HALF_WINDOW | HALF_TIMESTAMPS : HALF_WINDOW;
    h->n_segments++;
    h->last_time = p->time;
    h->last_ip_id = p->ip_id;
    if (p->ttl < h->ttl_min || h->ttl_max == 0)
        h->ttl_min = p->ttl;
    if (p->ttl > h->ttl_max)
        h->ttl_max = p->ttl;
    return true;
}

void steady_prefetch(const struct live *l, uint8_t dir, const struct packet *p)
{
    if (l->timeline.next)
        __builtin_prefetch(l->timeline.next, 1);
    if (l->timeline.ring)
        __builtin_prefetch(l->timeline.ring, 1);
    if (p->payload_len > 0 && l->half[dir].content)
        content_prefetch(l->half[dir].content);
}
