/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the connection had come when the deciding RST arrived.
 */
#include "analyzer/scene.h"

static bool fin_of(const struct scene *s, enum side side)
{
    return s->end[side].at.saw_fin || s->end[side].fin_implied;
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
        return PHASE_OPENING;
    if (c->bytes + r->bytes > 0)
        return PHASE_ACTIVE;
    if (c->n_keepalives + r->n_keepalives > 0)
        return PHASE_IDLE_OPEN;
    bool answers_unseen_syn = scene_is_answer(s) && (scene_rst(s)->flags & TCP_ACK) != 0;
    return answers_unseen_syn ? PHASE_OPENING : PHASE_UNKNOWN;
}

void scene_judge_phase(struct scene *s)
{
    enum phase p = phase_of(s);
    s->reset->phase = p;
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
