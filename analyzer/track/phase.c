/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the connection had come when the deciding RST arrived.
 */
#include "analyzer/track/scene.h"

static bool fin_of(const struct scene *s, enum side side)
{
    return s->end[side].at.saw_fin || s->end[side].fin_implied;
}

#define UNSEEN_MAX (1 << 28) /* a forger's guess is rarely this near to both numbers */

static bool is_beyond(const struct end *e, uint32_t number, int32_t by)
{
    int32_t ahead = seq_diff(number, e->isn);
    return e->isn_known && ahead >= by && ahead < UNSEEN_MAX;
}

/* The RST's numbers count bytes that the capture does not hold, as of one of SYN, FIN and RST
 * alone. */
static bool counts_unseen_bytes(const struct scene *s)
{
    const struct segment *rst = scene_rst(s);
    const struct end *own = &s->end[rst->from].at;
    const struct end *other = &s->end[side_other((enum side)rst->from)].at;
    return (rst->flags & TCP_ACK) && is_beyond(own, rst->seq, 1) && is_beyond(other, rst->ack, 1) &&
           (is_beyond(own, rst->seq, 2) || is_beyond(other, rst->ack, 2));
}

static enum phase phase_of(const struct scene *s)
{
    const struct end *c = &s->end[SIDE_CLIENT].at, *r = &s->end[SIDE_SERVER].at;
    int fins = fin_of(s, SIDE_CLIENT) + fin_of(s, SIDE_SERVER);
    if (fins > 0)
        return fins == 2 ? PHASE_CLOSED : PHASE_HALF_CLOSED;
    if (c->n_data_segments + r->n_data_segments > 0 && (s->handshake_seen || !s->syn_seen))
        return PHASE_ACTIVE;
    if (s->handshake_seen)
        return PHASE_IDLE_OPEN;
    if (s->syn_seen || s->synack_seen)
        return counts_unseen_bytes(s)             ? PHASE_ACTIVE
               : s->talk_hidden && s->synack_seen ? PHASE_UNKNOWN
                                                  : PHASE_OPENING;
    if (c->bytes + r->bytes > 0)
        return PHASE_ACTIVE;
    if (end_trouble(c)->n_keepalives + end_trouble(r)->n_keepalives > 0)
        return PHASE_IDLE_OPEN;
    bool answers_unseen_syn = scene_is_answer(s) && (scene_rst(s)->flags & TCP_ACK) != 0;
    return answers_unseen_syn ? PHASE_OPENING : PHASE_UNKNOWN;
}

void scene_judge_phase(struct scene *s)
{
    enum phase p = phase_of(s);
    s->reset->phase = p;
    if (s->talk_hidden && s->synack_seen)
        scene_state(s, 0, "phase.control-only", 0,
                    "nothing but SYN, FIN and RST was captured: what else passed, and when, is not "
                    "known");
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        const struct scene_end *e = &s->end[side];
        if (e->at.saw_fin)
            scene_say(s, 0, "phase.fin-before", 0, "the %s had sent its FIN before the reset",
                      side_name((enum side)side));
        else if (e->fin_implied)
            scene_say(s, 0, "phase.fin-implied", 0,
                      "a FIN of the %s passed uncaptured: one sequence number behind its last byte "
                      "was used",
                      side_name((enum side)side));
    }
}
