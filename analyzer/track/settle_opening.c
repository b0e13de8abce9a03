/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SYN, and at most one RST: the two halves of the connection are all that has to be made of
 * them, and whatever reads halves elsewhere reads them here.
 */
#include "analyzer/track/settle_opening.h"

#include <string.h>

#include "analyzer/track/episode.h"
#include "analyzer/track/history.h"
#include "analyzer/track/settle.h"
#include "analyzer/track/stream.h"

static enum side rst_from(const struct opening *o)
{
    return kept_dir(&o->rst.k) == kept_dir(&o->syn.k) ? SIDE_CLIENT : SIDE_SERVER;
}

static instant_ns last_time(const struct opening *o)
{
    const bool is_later = o->rst.k.frame > 0 && o->rst.k.time > o->syn.k.time;
    return is_later ? o->rst.k.time : o->syn.k.time;
}

/* The connection when its RST came, by side: one end's SYN, and nothing of the other. */
static void meet_rst(const struct opening *o, struct half halves[2])
{
    halves[SIDE_CLIENT] = halves[SIDE_SERVER] = half_unseen;
    stream_opens(&halves[SIDE_CLIENT], &o->syn);
}

static struct rst_note note_rst(const struct opening *o, const struct half halves[2],
                                uint32_t stream)
{
    const struct half *own = &halves[rst_from(o)], *other = &halves[side_other(rst_from(o))];
    const struct kept *k = &o->rst.k;
    return (struct rst_note){.k = *k,
                             .stream = stream,
                             .mptcp_reason = MPTCP_REASON_NONE,
                             .validity = (uint8_t)rst_validity_of(own, other, k),
                             .family = (uint8_t)rst_family_of(own, other, NULL, k)};
}

static void add_ends(struct scene *s, const struct opening *o, const struct half halves[2],
                     const struct endpoint at[2])
{
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        const struct half *h = &halves[side], *other = &halves[1 - side];
        const bool opens = side == SIDE_CLIENT;
        const instant_ns first = opens ? o->syn.k.time : INSTANT_NONE;
        const uint16_t mss = opens && o->syn.has_mss ? o->syn.mss : 0;
        const struct half_times times = {first, INSTANT_NONE, INSTANT_NONE, mss};
        struct scene_end *e = &s->end[side];
        settle_end(&at[side], h, other, first, &times, &e->at);
        e->seen_end = h->seen_end;
        e->spoke = h->n_segments > 0;
        e->fin_implied = half_fin_implied(h);
        e->last_ip_id = h->last_ip_id;
    }
}

/* The ends as they are in the end: one more RST was sent. */
static void add_ends_after(struct connection *c, const struct scene *s, enum side from)
{
    c->end[SIDE_CLIENT] = s->end[SIDE_CLIENT].at;
    c->end[SIDE_SERVER] = s->end[SIDE_SERVER].at;
    c->end[from].n_rsts++;
    c->end[from].n_segments++;
}

static void add_segments(struct connection *c, const struct opening *o, struct segment v[2])
{
    settle_segment(&o->syn.k, SIDE_CLIENT, &v[0]);
    settle_segment(&o->rst.k, rst_from(o), &v[1]);
    c->segments = v;
    c->n_kept = c->n_head_kept = 2;
}

static void name_state(struct connection *c, enum side from)
{
    const char *state = conn_state_name(history_state_unopened(true, from == SIDE_CLIENT));
    memcpy(c->conn_state, state, strlen(state) + 1);
    c->history = from == SIDE_CLIENT ? TEXT("SR") : TEXT("Sr");
}

static void fill_connection(struct connection *c, const struct opening *o, const struct scene *s,
                            uint32_t stream, uint32_t capture)
{
    c->file = frame_file(o->rst.k.frame);
    c->capture = capture + c->file;
    c->stream = stream;
    c->first_time = o->syn.k.time;
    c->last_time = last_time(o);
    c->n_segments = 2;
    c->vlan = o->syn.vlan;
    add_ends_after(c, s, rst_from(o));
    name_state(c, rst_from(o));
}

static void fill_reset(struct reset *r, const struct rst_note *n, enum side from,
                       const struct connection *c)
{
    settle_rst(n, from, c, &r->deciding);
    r->rsts = &r->deciding;
    r->n_rsts = 1;
    r->claimed = from;
    r->killed = true;
    r->in_full = c;
}

struct scene *settle_opening_scene(struct arena *arena, struct reset *reset,
                                   const struct opening *o, const struct endpoint at[2],
                                   uint32_t stream, uint32_t capture)
{
    struct half halves[2];
    struct settled { /* all of it at once: there may be a million */
        struct scene scene;
        struct connection connection;
        struct segment segments[2];
    } *made = arena_alloc(arena, sizeof *made);
    struct reset *r = reset ? reset : arena_alloc(arena, sizeof *r);
    if (!made || !r)
        return NULL;
    struct scene *s = &made->scene;
    s->connection = &made->connection;
    s->reset = r;
    meet_rst(o, halves);
    add_ends(s, o, halves, at);
    const struct rst_note note = note_rst(o, halves, stream);
    fill_connection(s->connection, o, s, stream, capture);
    add_segments(s->connection, o, made->segments);
    fill_reset(s->reset, &note, rst_from(o), s->connection);
    s->reset->scene = s;
    s->claimed = rst_from(o);
    s->other = side_other(s->claimed);
    s->syn_seen = true;
    s->n_before = s->rst_at = 1;
    s->arena = arena;
    return s;
}

void settle_opening_record(const struct flow *flow, uint32_t capture, struct connection_record *out)
{
    const struct opening *o = flow->opening;
    const struct kept *syn = &o->syn.k, *rst = &o->rst.k;
    const uint8_t client = kept_dir(syn);
    const bool saw_rst = rst->frame > 0;
    *out = (struct connection_record){
        .client = flow->key.e[client],
        .server = flow->key.e[1 - client],
        .first_time = syn->time,
        .last_time = last_time(o),
        .syn_time = syn->time,
        .synack_time = INSTANT_NONE,
        .fin_time = {INSTANT_NONE, INSTANT_NONE},
        .rst_time = saw_rst ? rst->time : INSTANT_NONE,
        .isn = {syn->seq},
        .server_quiet_ms = QUIET_UNKNOWN,
        .syn_tsval = syn->tsval,
        .n_segments = saw_rst ? 2 : 1,
        .stream = flow->stream,
        .capture = capture,
        .ttl = {syn->ttl},
        .ending = saw_rst ? ENDING_RST : ENDING_OPEN,
        .isn_known = 1u << SIDE_CLIENT,
        .saw_rst = saw_rst ? 1u << rst_from(o) : 0,
    };
}
