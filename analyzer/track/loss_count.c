/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: connections as the tracker lets go of them.  Out: what of them was held, and what was not.
 * Pure acknowledgements cannot be missed; they are lost as others are.
 */
#include "analyzer/track/loss_count.h"

#include "analyzer/track/live.h"

#define WAITS_NS (750 * NS_PER_MS) /* with few exceptions, what is not acknowledged comes again */
#define USUAL_LEN 1448             /* of a segment, where none of that end was captured */

static uint64_t bytes_missed(const struct half *h)
{
    uint64_t n = 0;
    const struct trouble *tr = half_trouble(h);
    for (const struct hole *hole = tr ? tr->holes : NULL; hole; hole = hole->next)
        n += hole->acked ? hole->to - hole->from : 0;
    return n;
}

/* Segments in the holes, as long as the end's others are; a hole has one at least. */
static void count_half(struct loss *l, const struct half *h)
{
    const uint64_t missed = bytes_missed(h);
    l->n_held += h->n_data_segments;
    if (missed == 0)
        return;
    const uint64_t held = h->bytes > missed ? h->bytes - missed : 0;
    const uint64_t len = held > 0 && h->n_data_segments > 0 ? held / h->n_data_segments : USUAL_LEN;
    const uint64_t n = len > 0 ? missed / len : 0;
    const struct trouble *tr = half_trouble(h);
    const uint64_t least = tr && tr->n_missing_acked > 0 ? tr->n_missing_acked : 1;
    l->n_missed += n > least ? n : least;
}

static bool has_plain(const struct half *h)
{
    const uint32_t n_marked = (uint32_t)h->n_syns + (uint32_t)h->n_synacks + half_n_fins(h);
    return h->n_segments > n_marked; /* no RST is in it */
}

/* An end that closes has taken part in a handshake, whose last segment has neither flag. */
static bool speaks_of_more(const struct live *k)
{
    const bool answered = live_has(k, LIVE_SYNACK);
    for (const struct rst_note *n = live_rsts(k); answered && n; n = n->next) {
        const uint8_t dir = kept_dir(&n->k);
        const struct half *h = &k->half[dir], *o = &k->half[1 - dir];
        const bool has_ack = n->k.flags & TCP_ACK;
        if ((has_ack && half_has(o, HALF_ISN) && n->k.ack != o->data_base) ||
            ((!has_ack || n->k.seq != 0) && half_has(h, HALF_ISN) && n->k.seq != h->data_base))
            return true;
    }
    return half_has(&k->half[0], HALF_FIN) || half_has(&k->half[1], HALF_FIN);
}

static bool is_beyond(uint32_t number, const struct half *h)
{
    return half_has(h, HALF_SEQ) && seq_diff(number, h->seen_end) > 0;
}

/* By acknowledgements, or a RST, an end had sent more than was captured of it. */
static bool says_more(const struct live *k)
{
    bool more = false;
    for (unsigned dir = 0; dir < 2; dir++)
        more = more || is_beyond(k->half[dir].next_seq, &k->half[dir]);
    for (const struct rst_note *n = live_rsts(k); n; n = n->next) {
        const uint8_t dir = kept_dir(&n->k);
        more = more || ((n->k.flags & TCP_ACK) && is_beyond(n->k.ack, &k->half[1 - dir])) ||
               is_beyond(n->k.seq, &k->half[dir]);
    }
    return more;
}

/* Payload that was never acknowledged nor sent again, though the capture went on: a live end does
 * one or the other. */
static bool waits(const struct live *k, instant_ns now)
{
    bool unanswered = false;
    for (unsigned dir = 0; dir < 2; dir++) {
        const struct half *h = &k->half[dir], *o = &k->half[1 - dir];
        unanswered = unanswered || (h->n_data_segments > 0 && half_has(o, HALF_ACK) &&
                                    seq_diff(h->seen_end, o->acked) > 0);
    }
    return unanswered && !live_rsts(k) && instant_since(now, k->last_time) > WAITS_NS;
}

/* Whether it stands out that every connection ends after as many segments. */
static void count_length(struct loss *l, const struct live *k, instant_ns now)
{
    const uint64_t n = (uint64_t)k->half[0].n_segments + k->half[1].n_segments;
    if (n < l->longest)
        return;
    if (n > l->longest) {
        l->longest = n;
        l->n_longest = l->n_goes_on = l->n_says_more = 0;
    }
    const bool closed = half_has(&k->half[0], HALF_FIN) || half_has(&k->half[1], HALF_FIN);
    const bool more = says_more(k) || waits(k, now);
    l->n_longest++;
    l->n_goes_on += more || !closed;
    l->n_says_more += more;
}

void loss_count(struct loss *l, const struct live *k, instant_ns now)
{
    const bool is_plain = has_plain(&k->half[0]) || has_plain(&k->half[1]);
    l->n_plain += is_plain;
    l->n_bare += !is_plain && speaks_of_more(k);
    const bool began = live_has(k, LIVE_SYN) || live_has(k, LIVE_SYNACK);
    if (is_plain || live_has(k, LIVE_SYNACK)) /* a mere attempt has no length */
        count_length(l, k, now);
    if (!began || k->half[0].n_segments == 0 || k->half[1].n_segments == 0)
        return;
    count_half(l, &k->half[0]);
    count_half(l, &k->half[1]);
    const bool was_answered = half_has(&k->half[k->client], HALF_ACK);
    l->n_held += live_has(k, LIVE_SYNACK);
    l->n_missed += live_has(k, LIVE_SYN) && !live_has(k, LIVE_SYNACK) && was_answered;
}
