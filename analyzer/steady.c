/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short road of the packet path.  Its conditions name every case in which the long road does
 * more than is done here.
 */
#include "analyzer/steady.h"

#include <string.h>

#include "analyzer/content.h"
#include "analyzer/history.h"
#include "analyzer/stream.h"
#include "analyzer/survey.h"
#include "analyzer/timeline.h"

#define CACHE_LINE 64

static inline bool ends_are_steady(const struct half *h, const struct half *o)
{
    return h->bits & HALF_SEQ && o->bits & HALF_SEQ && h->n_segments > 0 &&
           h->zeek_state != ZEEK_INACTIVE && !(o->trouble && o->trouble->holes) &&
           !(half_has(o, HALF_WINDOW) && o->window == 0);
}

uint8_t steady_ends(const struct live *l)
{
    const struct half *h = l->half;
    if (live_episode(l))
        return 0;
    return (uint8_t)(ends_are_steady(&h[0], &h[1]) | ends_are_steady(&h[1], &h[0]) << 1);
}

static inline bool goes_back(const struct half *h, uint32_t ack)
{
    return half_has(h, HALF_ACK) && seq_diff(ack, h->acked) < 0;
}

bool steady_is(const struct live *l, uint8_t dir, const struct brief *b)
{
    const struct half *h = &l->half[dir], *o = &l->half[1 - dir];
    return l->steady >> dir & 1 && b->window > 0 && b->seq == h->next_seq &&
           (b->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK && !goes_back(h, b->ack) &&
           seq_diff(b->ack, o->next_seq) <= 0 && seq_diff(h->next_seq, h->data_base) >= 0 &&
           !((b->payload_len > 0 || b->flags & TCP_FIN) && half_has(h, HALF_FIN));
}

static uint16_t take_payload(struct store *s, struct half *h, struct half_times *times,
                             const struct half *o, const struct brief *b)
{
    uint64_t offset = h->bytes;
    h->bytes += b->payload_len;
    h->other_next_at_data = o->next_seq;
    h->next_seq += b->payload_len;
    h->seen_end = h->next_seq;
    h->n_data_segments++;
    if (!times) {
        if (b->payload)
            survey_payload(s, h, offset, b->payload, b->payload_captured);
        return 0;
    }
    if (times->first_data == INSTANT_NONE)
        times->first_data = b->time;
    times->last_data = b->time;
    return b->payload && content_put(s, &h->content, offset, b->payload, b->payload_captured)
               ? NOTE_OVERLAP_CONFLICT
               : 0;
}

static void take_fin(struct half *h, const struct half *o, const struct brief *b)
{
    const struct fin fin = {.seq = h->next_seq,
                            .time = b->time,
                            .crossed = seq_diff(o->next_seq, b->ack) > 0,
                            .has_payload = b->payload_len > 0};
    stream_fin(h, o, &fin);
    h->seen_end = ++h->next_seq;
}

/* An answer ends the other's row of unanswered probes and retransmissions. */
static void answer(struct trouble *tr)
{
    tr->n_unanswered_retransmissions = tr->n_unanswered_keepalives = 0;
    tr->n_unanswered_zero_window_probes = 0;
}

static uint16_t take_numbers(struct store *s, struct half *h, struct half_times *times,
                             struct half *o, const struct brief *b)
{
    uint16_t notes = 0;
    if (b->payload_len > 0)
        notes = take_payload(s, h, times, o, b);
    else if (!(b->flags & TCP_FIN) && half_has(h, HALF_ACK) && b->ack == h->acked &&
             b->window == h->window && seq_diff(o->next_seq, b->ack) > 0)
        notes = NOTE_DUP_ACK;
    if (b->flags & TCP_FIN)
        take_fin(h, o, b);
    h->acked = b->ack;
    h->window = b->window;
    if (half_has(o, HALF_FIN) && seq_diff(b->ack, o->fin_seq) > 0)
        o->bits |= HALF_FIN_ACKED;
    return notes;
}

static void take_ttl(struct half *h, uint8_t ttl)
{
    if (ttl < h->ttl_min || h->ttl_max == 0)
        h->ttl_min = ttl;
    if (ttl > h->ttl_max)
        h->ttl_max = ttl;
}

static void take_habits(struct half *h, const struct brief *b)
{
    const uint8_t ttl = b->path.ttl;
    h->bits |= HALF_ACK | HALF_WINDOW;
    if (b->bits & BRIEF_TIMESTAMPS)
        h->bits |= HALF_TIMESTAMPS;
    h->n_segments++;
    h->last_time = b->time;
    h->last_ip_id = b->ip_id;
    if (ttl != h->ttl_min || ttl != h->ttl_max)
        take_ttl(h, ttl);
}

void steady_take(struct store *s, struct live *l, uint8_t dir, const struct brief *b)
{
    struct half *h = &l->half[dir], *o = &l->half[1 - dir];
    if (o->trouble)
        answer(o->trouble);
    if (b->flags & TCP_FIN)
        history_ends(l, dir);
    else
        history_speaks(l, dir, b->payload_len > 0);
    if (live_awaits_ack(l))
        live_end_handshake(l, dir, b->ack, b->time);
    struct evidence *e = l->evidence;
    uint16_t notes = take_numbers(s, h, e ? &e->times[dir] : NULL, o, b);
    take_habits(h, b);
    if (!e)
        return;
    if (b->time < l->last_time)
        notes |= NOTE_TIME_BACKWARDS;
    struct kept *k = timeline_place(s, &e->timeline);
    if (!k)
        return;
    *k = kept_from_brief(b, dir);
    k->notes = notes;
}

/* An object that begins anywhere in a cache line. */
static void prefetch_all(const void *object, size_t n)
{
    const char *at = object;
    for (size_t i = 0; i < n; i += CACHE_LINE)
        __builtin_prefetch(at + i, 1);
    __builtin_prefetch(at + n - 1, 1);
}

void steady_prefetch(const struct live *l, uint8_t dir, const struct brief *b)
{
    const struct timeline *t = &l->evidence->timeline;
    if (t->next)
        prefetch_all(t->next, sizeof *t->next);
    if (t->ring && t->at % CHUNK_SEGMENTS == CHUNK_SEGMENTS - 1)
        __builtin_prefetch(&t->ring->c[(t->at + 1) % CONNECTION_LAST_SEGMENTS / CHUNK_SEGMENTS]);
    if (b->payload_len > 0 && l->half[dir].content)
        prefetch_all(l->half[dir].content, sizeof *l->half[dir].content);
}
