/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which segment drew the RST, and how long the connection had been silent before that exchange.
 */
#include "analyzer/track/live.h"
#include "analyzer/track/scene.h"

#define AT_ONCE_NS (NS_PER_S / 5)
#define ANSWER_NS (2 * NS_PER_S) /* a kernel answers at once: the rest is the path's queues */
#define ANSWER_RTTS 8
#define LEAST_RTO_NS (NS_PER_S / 10) /* nobody sends again sooner for want of an answer */

static uint32_t segment_end(const struct segment *g)
{
    return g->seq + g->payload_len + ((g->flags & TCP_SYN) != 0) + ((g->flags & TCP_FIN) != 0);
}

static bool drawn_by(const struct scene *s, const struct segment *g)
{
    const struct segment *rst = scene_rst(s);
    if (!(rst->flags & TCP_ACK))
        return (g->flags & TCP_ACK) && g->ack == rst->seq;
    return segment_end(g) == rst->ack;
}

/* What comes long after a segment does not answer it. */
static bool is_soon_after(const struct scene *s, const struct segment *g)
{
    instant_ns limit = ANSWER_RTTS * s->connection->rtt_ns;
    return instant_since(scene_rst(s)->time, g->time) <= (limit > ANSWER_NS ? limit : ANSWER_NS);
}

static bool same_try(const struct segment *g, const struct segment *trigger)
{
    return g->from == trigger->from && g->seq == trigger->seq &&
           g->payload_len == trigger->payload_len &&
           (g->flags & TCP_SYN) == (trigger->flags & TCP_SYN);
}

/* Of a segment that was sent again because nothing answered it, the copy that was answered: the
 * last that the end had time to answer. */
static const struct segment *last_try(const struct scene *s, const struct segment *first)
{
    for (size_t i = s->rst_at; i-- > 0;) {
        const struct segment *g = &s->connection->segments[i];
        if (g == first)
            break;
        if (same_try(g, first) && g->ack == first->ack &&
            instant_since(g->time, first->time) >= LEAST_RTO_NS &&
            instant_since(scene_rst(s)->time, g->time) >= s->end[s->claimed].leg / 2)
            return g;
    }
    return first;
}

/* A bare RST takes its number from the segment that it answers.  Of several such, the first one
 * that brought something not yet acknowledged was answered first; else the latest. */
static const struct segment *answered(const struct scene *s)
{
    const struct segment *latest = scene_last_before(s, s->other, drawn_by), *first = NULL;
    const struct end *reset_side = &s->end[s->claimed].at;
    for (size_t i = s->rst_at; latest && i-- > 0;) {
        const struct segment *g = &s->connection->segments[i];
        if (g->from == s->claimed && !(g->flags & TCP_RST) && !reset_side->saw_fin)
            break;
        bool news = segment_end(g) != g->seq &&
                    (!reset_side->saw_ack || seq_diff(segment_end(g), reset_side->acked) > 0);
        if (g->from == s->other && drawn_by(s, g) && news)
            first = g;
    }
    if (first)
        first = last_try(s, first);
    if (first && is_soon_after(s, first))
        return first;
    return latest && is_soon_after(s, latest) ? latest : NULL;
}

/* An owner's reset answers nothing; what came in just before may have prompted it. */
static const struct segment *prompted(const struct scene *s)
{
    const struct segment *g = scene_last_before(s, s->other, NULL);
    instant_ns rtt = s->connection->rtt_ns;
    instant_ns limit = 4 * rtt > AT_ONCE_NS ? 4 * rtt : AT_ONCE_NS;
    return g && instant_since(scene_rst(s)->time, g->time) <= limit ? g : NULL;
}

/* When the exchange began: the first try of the trigger, the first unanswered probe, the RST. */
static instant_ns exchange_start(const struct scene *s, uint64_t *frame)
{
    const struct segment *rst = scene_rst(s);
    const struct scene_end *own = &s->end[s->claimed];
    const struct end_trouble *t = end_trouble(&own->at);
    *frame = rst->frame;
    if (t->n_unanswered_keepalives + t->n_unanswered_retransmissions +
            t->n_unanswered_zero_window_probes >
        0) {
        *frame = own->unanswered_frame;
        return own->unanswered_time;
    }
    if (!s->trigger)
        return rst->time;
    instant_ns start = s->trigger->time;
    *frame = s->trigger->frame;
    for (size_t i = s->rst_at; i-- > 0;) {
        const struct segment *g = &s->connection->segments[i];
        if (g->frame < *frame && same_try(g, s->trigger)) {
            start = g->time;
            *frame = g->frame;
        }
    }
    return start;
}

static instant_ns idle_before(const struct scene *s)
{
    uint64_t frame;
    instant_ns start = exchange_start(s, &frame);
    for (size_t i = s->rst_at; i-- > 0;) {
        const struct segment *g = &s->connection->segments[i];
        const instant_ns since = instant_since(start, g->time);
        if (g->frame < frame && !(g->flags & TCP_RST))
            return since < 0 && since != INSTANT_NONE ? 0 : since;
    }
    return INSTANT_NONE;
}

void scene_find_trigger(struct scene *s)
{
    struct reset *r = s->reset;
    s->trigger = scene_is_answer(s) ? answered(s) : prompted(s);
    r->trigger_frame = s->trigger ? s->trigger->frame : 0;
    r->since_trigger_ns =
        s->trigger ? instant_since(scene_rst(s)->time, s->trigger->time) : INSTANT_NONE;
    r->deciding.answers_frame = scene_is_answer(s) ? r->trigger_frame : 0;
    r->idle_before_ns = idle_before(s);
}
