/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short road of the packet path.  Its conditions name every case in which the long road does
 * more than is done here.
 */
#include "analyzer/track/steady.h"

#include <string.h>

#include "analyzer/track/content.h"
#include "analyzer/track/history.h"
#include "analyzer/track/stream.h"
#include "analyzer/track/survey.h"
#include "analyzer/track/timeline.h"

#define CACHE_LINE 64

static inline bool ends_are_steady(const struct half *h, const struct half *o)
{
    const struct trouble *tr = half_trouble(o);
    return h->bits & HALF_SEQ && o->bits & HALF_SEQ && h->n_segments > 0 &&
           h->zeek_state != ZEEK_INACTIVE && !(tr && tr->holes) &&
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
    const bool known = half_has(h, HALF_ACK), less = seq_diff(ack, h->acked) < 0;
    return known & less;
}

bool steady_is(const struct live *l, uint8_t dir, const struct brief *b)
{
    const struct half *h = &l->half[dir], *o = &l->half[1 - dir];
    const bool is_plain = (b->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK;
    const bool says_more = (b->payload_len > 0) | ((b->flags & TCP_FIN) != 0);
    /* no branch: each would be a coin toss for some ordinary segments */
    return (l->steady >> dir & 1) & (b->window > 0) & (b->seq == h->next_seq) & is_plain &
           !goes_back(h, b->ack) & (seq_diff(b->ack, o->next_seq) <= 0) &
           (seq_diff(h->next_seq, h->data_base) >= 0) & !(says_more & half_has(h, HALF_FIN));
}

/* What is told of a reset connection only; before its numbers are taken. */
static void keep_evidence(struct store *s, struct live *l, uint8_t dir, const struct brief *b)
{
    struct evidence *e = l->more->evidence;
    struct half *h = &l->half[dir];
    const struct half *o = &l->half[1 - dir];
    struct half_times *times = &e->times[dir];
    uint16_t notes = 0;
    if (b->payload_len > 0) {
        if (times->first_data == INSTANT_NONE)
            times->first_data = b->time;
        times->last_data = b->time;
        struct half_more *m = b->payload ? half_take_more(s, h) : NULL;
        if (m && content_put(s, &m->content, h->bytes, b->payload, b->payload_captured))
            notes = NOTE_OVERLAP_CONFLICT;
    } else if (!(b->flags & TCP_FIN) && half_has(h, HALF_ACK) && b->ack == h->acked &&
               b->window == h->window && seq_diff(o->next_seq, b->ack) > 0) {
        notes = NOTE_DUP_ACK;
    }
    if (b->time < l->last_time)
        notes |= NOTE_TIME_BACKWARDS;
    struct kept *k = timeline_place(s, &e->timeline);
    if (!k)
        return;
    kept_from_brief(b, dir, k);
    k->notes = notes;
}

static void take_fin(struct store *s, struct half *h, const struct half *o, const struct brief *b)
{
    const struct fin fin = {.seq = h->next_seq,
                            .time = b->time,
                            .crossed = seq_diff(o->next_seq, b->ack) > 0,
                            .payload_len = b->payload_len};
    stream_fin(s, h, o, &fin);
    h->seen_end = ++h->next_seq;
}

/* An answer ends the other's row of unanswered probes and retransmissions. */
static void answer(struct trouble *tr)
{
    tr->n_unanswered_retransmissions = tr->n_unanswered_keepalives = 0;
    tr->n_unanswered_zero_window_probes = 0;
}

/* a where it holds, else b; without a branch. */
static inline uint32_t either(bool holds, uint32_t a, uint32_t b)
{
    return b ^ ((a ^ b) & (0 - (uint32_t)holds));
}

/* Without a branch for payload: it comes and goes at random. */
static void take_numbers(struct store *s, struct half *h, struct half *o, const struct brief *b)
{
    const bool speaks = b->payload_len > 0;
    h->bytes += b->payload_len;
    h->next_seq += b->payload_len;
    h->n_data_segments += speaks;
    h->other_next_at_data = either(speaks, o->next_seq, h->other_next_at_data);
    h->seen_end = either(speaks, h->next_seq, h->seen_end);
    if (b->flags & TCP_FIN)
        take_fin(s, h, o, b);
    h->acked = b->ack;
    h->window = b->window;
    if (half_has(o, HALF_FIN) && seq_diff(b->ack, half_fin_seq(o)) > 0)
        o->bits |= HALF_FIN_ACKED;
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
    if (half_trouble(o))
        answer(half_trouble(o));
    if (b->flags & TCP_FIN)
        history_ends(l, dir);
    else
        history_speaks(l, dir, b->payload_len > 0);
    if (live_awaits_ack(l))
        live_end_handshake(l, dir, b->ack, b->time);
    if (live_evidence(l))
        keep_evidence(s, l, dir, b);
    else if (survey_may_keep(h, b->payload))
        survey_payload(s, h, h->bytes, b->payload, b->payload_captured);
    take_numbers(s, h, o, b);
    take_habits(h, b);
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
    const struct timeline *t = &l->more->evidence->timeline;
    const struct content *said = half_content(&l->half[dir]);
    if (t->next)
        prefetch_all(t->next, sizeof *t->next);
    if (t->ring && t->at % CHUNK_SEGMENTS == CHUNK_SEGMENTS - 1)
        __builtin_prefetch(&t->ring->c[(t->at + 1) % CONNECTION_LAST_SEGMENTS / CHUNK_SEGMENTS]);
    if (b->payload_len > 0 && said)
        prefetch_all(said, sizeof *said);
}
