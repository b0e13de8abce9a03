/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies a live connection out of its pools, by side instead of direction.  Episodes that the
 * connection survived are folded into the one that ended it; with none that did, they make one
 * reset that did not kill.
 */
#include "analyzer/track/settle.h"

#include <string.h>

#include "analyzer/record/request.h"
#include "analyzer/record/said.h"
#include "analyzer/track/content.h"
#include "analyzer/track/history.h"
#include "analyzer/track/stream.h"
#include "analyzer/track/timeline.h"
#include "parsers/base/vec.h"

static uint8_t dir_of(const struct live *l, enum side side)
{
    return side == SIDE_CLIENT ? l->client : (uint8_t)(1 - l->client);
}

static enum side side_of(const struct live *l, uint8_t dir)
{
    return dir == l->client ? SIDE_CLIENT : SIDE_SERVER;
}

/* Everything here is of connections that were reset. */
static const struct evidence *told_of(const struct live *l)
{
    return l->more->evidence;
}

/* Made in place: a copy of what has just been made waits until its small fields are in memory. */
void settle_segment(const struct kept *k, enum side from, struct segment *out)
{
    *out = (struct segment){.frame = k->frame,
                            .time = k->time,
                            .seq = k->seq,
                            .ack = k->ack,
                            .payload_len = k->payload_len,
                            .tsval = k->tsval,
                            .tsecr = k->tsecr,
                            .flow_label = k->flow_label,
                            .flags = k->flags,
                            .window = k->window,
                            .ip_id = k->ip_id,
                            .notes = k->notes,
                            .ttl = k->ttl,
                            .from = (uint8_t)from,
                            .df = (k->bits & KEPT_DF) != 0,
                            .has_ip_id = (k->bits & KEPT_HAS_ID) != 0,
                            .has_timestamps = (k->bits & KEPT_TIMESTAMPS) != 0,
                            .has_options = (k->bits & KEPT_OPTIONS) != 0};
    memcpy(out->src_mac, k->src_mac, sizeof out->src_mac);
}

static void segment_from(const struct live *l, const struct kept *k, struct segment *out)
{
    settle_segment(k, side_of(l, kept_dir(k)), out);
}

static bool is_zero(const struct end_trouble *e)
{
    return (e->n_retransmissions | e->n_out_of_order | e->n_keepalives | e->n_zero_windows |
            e->n_zero_window_probes | e->n_duplicates | e->n_unanswered_retransmissions |
            e->n_unanswered_keepalives | e->n_unanswered_zero_window_probes | e->bytes_missing) ==
           0;
}

/* Counts as of now, and the unanswered tail as it was when the RST came. */
static const struct end_trouble *trouble_from(struct arena *arena, const struct trouble *now,
                                              const struct trouble *then, uint64_t bytes)
{
    struct end_trouble e = {0};
    if (now)
        e = (struct end_trouble){.n_retransmissions = now->n_retransmissions,
                                 .n_out_of_order = now->n_out_of_order,
                                 .n_keepalives = now->n_keepalives,
                                 .n_zero_windows = now->n_zero_windows,
                                 .n_zero_window_probes = now->n_zero_window_probes,
                                 .n_duplicates = now->n_duplicates};
    for (const struct hole *hole = now ? now->holes : NULL; hole; hole = hole->next)
        e.bytes_missing += hole->to - hole->from;
    if (e.bytes_missing > bytes)
        e.bytes_missing = bytes;
    if (then) {
        e.n_unanswered_retransmissions = then->n_unanswered_retransmissions;
        e.n_unanswered_keepalives = then->n_unanswered_keepalives;
        e.n_unanswered_zero_window_probes = then->n_unanswered_zero_window_probes;
    }
    return is_zero(&e) ? NULL : arena_copy(arena, &e, sizeof e);
}

static void end_numbers(struct end *e, const struct half *h, const struct half *other)
{
    e->isn_known = half_has(h, HALF_ISN);
    e->isn = half_isn(h);
    e->next_seq = h->next_seq;
    e->saw_ack = half_has(h, HALF_ACK);
    e->acked = h->acked;
    e->saw_fin = half_has(h, HALF_FIN);
    e->fin_seq = half_fin_seq(h);
    e->fin_acked = half_has(h, HALF_FIN_ACKED);
    e->window_scale_known = half_has(h, HALF_SCALE) && !half_has(other, HALF_SYN_NO_SCALE);
    e->window_scale = e->window_scale_known ? h->scale : 0;
    e->last_window = half_window(h, other);
    e->timestamps = half_has(h, HALF_TIMESTAMPS);
    e->bytes = h->bytes;
}

static uint32_t at_most(uint32_t n, uint32_t most)
{
    return n < most ? n : most;
}

void settle_end(const struct endpoint *at, const struct half *h, const struct half *other,
                instant_ns syn_time, const struct half_times *times, struct end *out)
{
    out->at = *at;
    out->n_segments = (uint64_t)h->n_segments + half_n_rsts(h);
    out->n_data_segments = h->n_data_segments;
    out->n_syns = (uint16_t)h->n_syns;
    out->n_synacks = (uint16_t)h->n_synacks;
    out->n_fins = (uint8_t)at_most(half_n_fins(h), UINT8_MAX);
    out->n_rsts = (uint16_t)at_most(half_n_rsts(h), UINT16_MAX);
    out->first_time = times->first;
    out->last_time = h->last_time;
    out->first_data_time = times->first_data;
    out->last_data_time = times->last_data;
    out->syn_time = syn_time;
    out->fin_time = half_fin_time(h);
    out->mss = times->mss;
    out->ttl_min = h->ttl_min;
    out->ttl_max = h->ttl_max;
    end_numbers(out, h, other);
}

static void add_segments(struct arena *arena, const struct live *l, const struct episode *e,
                         struct connection *c)
{
    const struct timeline *t = &told_of(l)->timeline;
    size_t n = e->segments ? e->n_segments : timeline_count(t);
    struct segment *v = arena_array(arena, n ? n : 1, sizeof *v);
    if (!v)
        return;
    for (size_t i = 0; i < n; i++)
        segment_from(l, e->segments ? &e->segments[i] : timeline_at(t, i), &v[i]);
    c->segments = v;
    c->n_kept = (uint16_t)n;
    c->n_head_kept = (uint16_t)(e->segments ? e->n_head_segments : t->n_head);
}

static void add_icmp(struct arena *arena, const struct live *l, struct connection *c)
{
    const struct live_more *m = l->more;
    struct icmp_note *v = m->n_icmp ? arena_array(arena, m->n_icmp, sizeof *v) : NULL;
    if (!v)
        return;
    size_t n = m->n_icmp;
    for (const struct icmp_item *i = m->icmp; i && n > 0; i = i->next)
        v[--n] = i->note; /* the list runs backwards */
    c->icmp = v;
    c->n_icmp = (uint16_t)m->n_icmp;
}

static void name_state(const struct settle_to *to, const struct live *l, struct connection *c)
{
    char history[HISTORY_MAX + 2];
    size_t n = history_text(l, history);
    c->history = intern_text(to->intern, to->arena, (struct text){history, n});
    const char *state = conn_state_name(history_state(l));
    memcpy(c->conn_state, state, strlen(state) + 1);
}

/* An episode that a new handshake ended shows the ends as they were then. */
static void add_ends(struct arena *arena, const struct flow *flow, const struct episode *e,
                     struct connection *c)
{
    const struct live *l = flow->live;
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        uint8_t d = dir_of(l, (enum side)side);
        const struct half *h = e->over ? &e->at[d] : &l->half[d];
        const struct half *o = e->over ? &e->at[1 - d] : &l->half[1 - d];
        const struct half_times *times = e->over ? &e->times[d] : &told_of(l)->times[d];
        const instant_ns syn_time = e->over ? e->syn_time[d] : l->syn_time[d];
        struct end *end = &c->end[side];
        settle_end(&flow->key.e[d], h, o, syn_time, times, end);
        end->trouble = trouble_from(arena, half_trouble(h), e->more[d].trouble, end->bytes);
        if (e->over)
            continue;
        end->head = content_head(half_content(h), arena);
        end->tail = content_tail(half_content(h), arena);
    }
    said_settle(c, arena);
}

/* The client's ACK behind its SYN tells of a SYN-ACK, though the capture may have lost that. */
static bool shook_hands(uint8_t bits, const struct half *client)
{
    return (bits & LIVE_HANDSHAKE) ||
           ((bits & (LIVE_SYN | LIVE_SYNACK)) == LIVE_SYN && half_has(client, HALF_ACK));
}

static struct connection *connection_from(const struct settle_to *to, const struct flow *flow,
                                          const struct episode *e)
{
    const struct live *l = flow->live;
    const struct evidence *told = told_of(l);
    struct arena *arena = to->arena;
    struct connection *c = arena_alloc(arena, sizeof *c);
    if (!c)
        return NULL;
    uint8_t bits = e->over ? e->live_bits : l->bits;
    c->capture = to->capture + frame_file(e->first->k.frame);
    c->file = frame_file(e->first->k.frame);
    c->stream = e->first->stream;
    c->client_guessed = !live_has(l, LIVE_CLIENT_KNOWN);
    c->began_mid_stream = !(bits & (LIVE_SYN | LIVE_SYNACK));
    c->handshake_seen = shook_hands(bits, e->over ? &e->at[l->client] : &l->half[l->client]);
    c->synack_seen = (bits & LIVE_SYNACK) != 0;
    c->synack_shut = (bits & LIVE_SHUT) != 0;
    c->first_time = l->first_time;
    c->last_time = e->over ? e->last->k.time : l->last_time;
    c->rtt_ns = told->leg[SIDE_SERVER] + told->leg[SIDE_CLIENT];
    c->n_segments = e->over ? e->n_before + e->n_rsts : live_n_segments(l);
    c->vlan = l->vlan;
    c->tunnel = told->tunnel;
    add_ends(arena, flow, e, c);
    add_segments(arena, l, e, c);
    add_icmp(arena, l, c);
    name_state(to, l, c);
    return c;
}

static void answers(struct rst *r, const struct connection *c)
{
    bool bare = !(r->segment.flags & TCP_ACK);
    if (!bare && r->family != RST_ANSWER)
        return;
    for (size_t i = 0; i < c->n_kept; i++) {
        const struct segment *s = &c->segments[i];
        if (s->frame >= r->segment.frame)
            return;
        if (s->from == r->segment.from || (s->flags & TCP_RST))
            continue;
        uint32_t end = s->seq + s->payload_len + ((s->flags & TCP_SYN) != 0);
        if (bare ? (s->flags & TCP_ACK) && s->ack == r->segment.seq : end == r->segment.ack)
            r->answers_frame = s->frame;
    }
}

void settle_rst(const struct rst_note *n, enum side from, const struct connection *c,
                struct rst *out)
{
    settle_segment(&n->k, from, &out->segment);
    out->stream = n->stream;
    out->validity = (enum rst_validity)n->validity;
    out->family = (enum rst_family)n->family;
    out->payload = n->payload;
    out->mptcp_reason = n->mptcp_reason;
    answers(out, c);
}

static bool add_rsts(struct arena *arena, const struct live *l, const struct rst_note *first,
                     const struct episode *e, const struct episode *until, struct reset *r)
{
    size_t n = 1;
    for (const struct rst_note *at = first; at != until->last; at = at->next)
        n++;
    struct rst *v = n > 1 ? arena_array(arena, n, sizeof *v) : &r->deciding;
    if (!v)
        return false;
    for (size_t i = 0; i < n; i++, first = first->next) {
        settle_rst(first, side_of(l, kept_dir(&first->k)), r->in_full, &v[i]);
        if (first == e->first && n > 1)
            r->deciding = v[i];
    }
    r->rsts = v;
    r->n_rsts = (uint32_t)n;
    r->claimed = (enum side)r->deciding.segment.from;
    return true;
}

static void scene_ends(struct arena *arena, struct scene *s, const struct flow *flow,
                       const struct episode *e)
{
    const struct live *l = flow->live;
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        uint8_t d = dir_of(l, (enum side)side);
        const struct half *h = &e->at[d];
        struct scene_end *end = &s->end[side];
        const struct trouble *tr = e->more[d].trouble;
        settle_end(&flow->key.e[d], h, &e->at[1 - d], e->syn_time[d], &e->times[d], &end->at);
        end->at.trouble = trouble_from(arena, tr, tr, end->at.bytes);
        end->talk = e->talk[d];
        end->other_next_at_data = h->other_next_at_data;
        end->seen_end = h->seen_end;
        end->spoke = h->n_segments > 0;
        end->fin_implied = half_fin_implied(h);
        if (tr) {
            end->unanswered_frame = tr->unanswered_frame;
            end->unanswered_time = tr->unanswered_time;
        }
        end->last_ip_id = h->last_ip_id;
        end->old_next = told_of(l)->old_next[d];
        end->leg = told_of(l)->leg[side];
    }
}

static struct scene *scene_from(const struct settle_to *to, const struct flow *flow,
                                const struct episode *e, struct reset *r, struct connection *c)
{
    const struct live *l = flow->live;
    struct scene *s = arena_alloc(to->scenes, sizeof *s);
    if (!s)
        return NULL;
    s->reset = r;
    r->scene = s;
    s->connection = c;
    s->claimed = r->claimed;
    s->other = side_other(r->claimed);
    s->survived = e->survived;
    s->reopened = e->reopened;
    s->rst_seen_again = e->first->seen_again;
    s->syn_seen = (e->live_bits & LIVE_SYN) != 0;
    s->synack_seen = (e->live_bits & LIVE_SYNACK) != 0;
    s->handshake_seen = shook_hands(e->live_bits, &e->at[l->client]);
    s->old_known = live_has(l, LIVE_OLD_KNOWN);
    s->old_time = told_of(l)->old_time;
    s->n_before = e->n_before;
    s->rst_at = c->n_kept;
    for (size_t i = 0; i < c->n_kept && s->rst_at == c->n_kept; i++)
        if (c->segments[i].frame == r->deciding.segment.frame)
            s->rst_at = i;
    s->arena = to->arena;
    s->intern = to->intern;
    scene_ends(to->scenes, s, flow, e);
    return s;
}

/* The scene of one episode, with all RSTs from first up to the last of until. */
static struct scene *scene_of(const struct settle_to *to, const struct flow *flow,
                              const struct episode *e, const struct rst_note *first,
                              const struct episode *until)
{
    struct reset *r = arena_alloc(to->arena, sizeof *r);
    struct connection *c = connection_from(to, flow, e);
    if (!r || !c)
        return NULL;
    r->in_full = c;
    if (!add_rsts(to->arena, flow->live, first, e, until, r))
        return NULL;
    r->killed = !until->survived;
    r->tried_again = e->tried_again;
    return scene_from(to, flow, e, r, c);
}

static bool settle_episode(const struct settle_to *to, const struct flow *flow,
                           const struct episode *tried, const struct episode *e,
                           const struct rst_note *first, struct scenes *out)
{
    struct scene *s = scene_of(to, flow, e, first, e);
    struct scene **at = s ? vec_push(out) : NULL;
    if (!at)
        return false;
    *at = s;
    if (tried)
        s->earlier = scene_of(to, flow, tried, first, e);
    return true;
}

bool settle_resets(const struct settle_to *to, const struct flow *flow, struct scenes *out)
{
    const struct rst_note *first = live_rsts(flow->live);
    const struct episode *tried = NULL; /* the first that the connection survived */
    bool good = true;
    for (const struct episode *e = flow->live->more->episodes; e; e = e->next) {
        if (e->survived && e->next) { /* its RSTs belong to what comes later */
            tried = tried ? tried : e;
            continue;
        }
        good &= settle_episode(to, flow, tried, e, first, out);
        first = e->last->next;
        tried = NULL;
    }
    return good;
}

static enum connection_ending ending_of(const struct live *l)
{
    const struct episode *e = live_episode(l);
    if (e)
        return e->survived ? ENDING_UNUSED : ENDING_RST;
    bool fin = half_has(&l->half[0], HALF_FIN) || half_has(&l->half[1], HALF_FIN);
    return fin ? ENDING_FIN : ENDING_OPEN;
}

static uint32_t first_request(const struct half *client)
{
    char head[REQUEST_HEAD];
    const struct content *said = half_content(client);
    bool is_word = content_begin(said, head, 1) > 0 && head[0] >= 'A' && head[0] <= 'Z';
    if (!is_word)
        return 0; /* no method: most connections are no HTTP/1, and cost no copy */
    return request_hash((struct text){head, content_begin(said, head, sizeof head)});
}

static unsigned of_sides(bool client, bool server)
{
    return (unsigned)client << SIDE_CLIENT | (unsigned)server << SIDE_SERVER;
}

void settle_record(const struct flow *flow, uint32_t capture, struct connection_record *out)
{
    const struct live *l = flow->live;
    const struct half *ch = &l->half[l->client], *sh = &l->half[1 - l->client];
    const struct rst_note *rst = live_rsts(l);
    const uint64_t n_segments = live_n_segments(l);
    bool turned = sh->n_syns > 0 && ch->n_syns == 0;
    *out = (struct connection_record){
        .client = flow->key.e[l->client],
        .server = flow->key.e[1 - l->client],
        .first_time = l->first_time,
        .last_time = l->last_time,
        .syn_time = ch->n_syns > 0 && !turned ? l->syn_time[l->client] : INSTANT_NONE,
        .synack_time = sh->n_synacks > 0 ? l->syn_time[1 - l->client] : INSTANT_NONE,
        .fin_time = {half_fin_time(ch), half_fin_time(sh)},
        .rst_time = rst ? rst->k.time : INSTANT_NONE,
        .isn = {half_isn(ch), half_isn(sh)},
        .server_quiet_ms = half_fin_quiet_ms(sh),
        .syn_tsval = l->syn_tsval,
        .request = first_request(ch),
        .n_segments = n_segments > UINT32_MAX ? UINT32_MAX : (uint32_t)n_segments,
        .stream = l->stream,
        .capture = capture,
        .ttl = {ch->first_ttl, sh->first_ttl},
        .ending = (uint8_t)ending_of(l),
        .isn_known = of_sides(half_has(ch, HALF_ISN), half_has(sh, HALF_ISN)),
        .saw_rst = of_sides(half_n_rsts(ch) > 0, half_n_rsts(sh) > 0),
        .handshake_seen = shook_hands(l->bits, ch),
        .began_mid_stream = !(l->bits & (LIVE_SYN | LIVE_SYNACK)),
        .client_guessed = !live_has(l, LIVE_CLIENT_KNOWN),
        .synack_shut = live_has(l, LIVE_SHUT),
    };
}
