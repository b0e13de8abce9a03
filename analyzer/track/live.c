/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pools behind live connections; how a connection begins, what it leaves with its flow, and
 * giving its parts back.
 */
#include "analyzer/track/live.h"

#include <string.h>

#include "analyzer/track/content.h"
#include "analyzer/track/fingerprint.h"
#include "analyzer/track/flow.h"
#include "analyzer/track/timeline.h"

#define EPHEMERAL 32768
#define DRAINED_FROM ((size_t)8 << 20) /* less is not worth the search for slabs */

/* One row a pool, so that making, freeing and counting cannot forget one. */
static const struct {
    size_t at, size;
    size_t n_cleared; /* 0: all */
    bool of_resets;   /* a second reading needs as many as the first */
} pools[] = {
    {offsetof(struct store, openings), sizeof(struct opening), 0, false},
    {offsetof(struct store, lives), sizeof(struct live), 0, false},
    /* each segment of a chunk is written whole */
    {offsetof(struct store, chunks), sizeof(struct chunk), 1, false},
    {offsetof(struct store, rings), sizeof(struct ring), 0, false},
    {offsetof(struct store, troubles), sizeof(struct trouble), 0, false},
    {offsetof(struct store, contents), sizeof(struct content), 0, false},
    {offsetof(struct store, pieces), sizeof(struct piece), offsetof(struct piece, byte), false},
    {offsetof(struct store, tails), sizeof(struct tail), offsetof(struct tail, byte), false},
    {offsetof(struct store, holes), sizeof(struct hole), 0, false},
    {offsetof(struct store, episodes), sizeof(struct episode), 0, true},
    {offsetof(struct store, evidence), sizeof(struct evidence), 0, false},
    {offsetof(struct store, mores), sizeof(struct live_more), 0, true},
    {offsetof(struct store, half_mores), sizeof(struct half_more), 0, false},
    {offsetof(struct store, notes), sizeof(struct rst_note), 0, true},
    {offsetof(struct store, lanes), sizeof(struct lane), 0, false},
};
_Static_assert(SEGMENT_KINDS == LIVE_KINDS, "live.noted has a bit for each kind");
#define N_POOLS (sizeof pools / sizeof *pools)

static struct pool *pool_at(struct store *s, size_t i)
{
    return (struct pool *)(void *)((char *)s + pools[i].at);
}

void store_init(struct store *s, const struct allocator *from)
{
    s->used = 0;
    s->numbers_only = false;
    for (size_t i = 0; i < N_POOLS; i++) {
        pool_init(pool_at(s, i), pools[i].size, from);
        pool_at(s, i)->total = &s->used;
        if (pools[i].n_cleared > 0)
            pool_at(s, i)->n_cleared = pools[i].n_cleared;
    }
}

void store_drain(struct store *s)
{
    for (size_t i = 0; i < N_POOLS; i++)
        if (pool_at(s, i)->reserved >= DRAINED_FROM && !(pools[i].of_resets && s->numbers_only))
            pool_drain(pool_at(s, i));
}

void store_begin_again(struct store *s)
{
    for (size_t i = 0; i < N_POOLS; i++)
        if (pools[i].of_resets)
            pool_rewind(pool_at(s, i));
        else
            pool_finish(pool_at(s, i));
    s->used = 0;
    s->numbers_only = false;
}

void store_trim(struct store *s)
{
    for (size_t i = 0; i < N_POOLS; i++)
        if (pools[i].of_resets)
            pool_trim(pool_at(s, i));
}

void store_finish(struct store *s)
{
    for (size_t i = 0; i < N_POOLS; i++)
        pool_finish(pool_at(s, i));
}

struct live_more *live_take_more(struct store *s, struct live *l)
{
    if (!l->more)
        l->more = pool_take(&s->mores);
    return l->more;
}

struct half_more *half_take_more(struct store *s, struct half *h)
{
    if (h->more)
        return h->more;
    struct half_more *m = h->more = pool_take(&s->half_mores);
    if (m) {
        m->fin_time = INSTANT_NONE;
        m->fin_quiet_ms = QUIET_UNKNOWN;
    }
    return m;
}

struct trouble *half_take_trouble(struct store *s, struct half *h, struct trouble *sink)
{
    struct half_more *m = half_take_more(s, h);
    if (m && !m->trouble)
        m->trouble = pool_take(&s->troubles);
    return m && m->trouble ? m->trouble : sink;
}

void half_let_go(struct store *s, struct half *h)
{
    struct trouble *tr = half_trouble(h);
    while (tr && tr->holes) {
        struct hole *gone = tr->holes;
        tr->holes = gone->next;
        pool_give(&s->holes, gone);
    }
    content_free(s, half_content(h));
    if (h->more)
        h->more->content = NULL;
}

void live_let_go(struct store *s, struct live *l)
{
    half_let_go(s, &l->half[0]);
    half_let_go(s, &l->half[1]);
    if (live_evidence(l))
        timeline_free(s, &live_evidence(l)->timeline);
}

void episode_free(struct store *s, struct episode *e)
{
    pool_give(&s->troubles, e->more[0].trouble); /* NULL is let pass */
    pool_give(&s->troubles, e->more[1].trouble);
    pool_give(&s->episodes, e);
}

static void more_free(struct store *s, struct live_more *m)
{
    while (m->episodes) {
        struct episode *gone = m->episodes;
        m->episodes = gone->next;
        episode_free(s, gone);
    }
    while (m->rsts) {
        struct rst_note *gone = m->rsts;
        m->rsts = gone->next;
        pool_give(&s->notes, gone);
    }
    pool_give(&s->evidence, m->evidence);
    pool_give(&s->mores, m);
}

static void half_free(struct store *s, struct half *h)
{
    half_let_go(s, h);
    if (!h->more)
        return;
    pool_give(&s->troubles, h->more->trouble);
    pool_give(&s->half_mores, h->more);
}

void live_free(struct store *s, struct live *l)
{
    live_let_go(s, l);
    half_free(s, &l->half[0]);
    half_free(s, &l->half[1]);
    if (l->more)
        more_free(s, l->more);
    pool_give(&s->lives, l);
}

static bool server_port_first(uint16_t src, uint16_t dst)
{
    if ((src < 1024) != (dst < 1024))
        return src < 1024;
    if ((src < EPHEMERAL) != (dst < EPHEMERAL))
        return src < EPHEMERAL;
    return false; /* the one who speaks first is taken for the client */
}

static void guess_client(struct live *l, uint8_t dir, const struct packet *p)
{
    bool from_server = server_port_first(p->src_port, p->dst_port);
    if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        from_server = false;
        l->bits |= LIVE_CLIENT_KNOWN;
    } else if (p->flags & TCP_SYN) {
        from_server = true;
        l->bits |= LIVE_CLIENT_KNOWN;
    } else if (segment_kind_of(p->flags, p->seq) == SEGMENT_REFUSAL) {
        from_server = true;
    }
    l->client = (from_server ? 1 - dir : dir) & 1;
    if (from_server)
        l->bits |= LIVE_FLIPPED;
}

const struct half half_unseen = {.last_time = INSTANT_NONE};

/* It was closed when its numbers were left. */
static void revive_fin(struct store *s, struct half *h)
{
    struct half_more *m = half_take_more(s, h);
    if (!m)
        return;
    h->bits |= HALF_FIN | HALF_FIN_ACKED;
    m->fin_seq = h->next_seq - 1;
}

/* A connection that was settled speaks again: take its numbers up where they were left. */
static void revive(struct store *s, struct live *l, const struct flow *f)
{
    l->bits |= LIVE_REVIVED;
    l->client = (f->left_bits & LEFT_CLIENT_1) != 0;
    l->bits &= (uint8_t)~LIVE_FLIPPED;
    if (f->left_bits & LEFT_CLIENT_KNOWN)
        l->bits |= LIVE_CLIENT_KNOWN;
    if (f->left_bits & LEFT_HANDSHAKE)
        l->bits |= LIVE_HANDSHAKE | LIVE_SYN | LIVE_SYNACK;
    l->first_time = f->left_time;
    for (int d = 0; d < 2 && (f->left_bits & LEFT_NUMBERS); d++) {
        struct half *h = &l->half[d];
        h->next_seq = h->seen_end = h->data_base = f->left_next[d];
        h->acked = f->left_next[1 - d];
        h->bits |= HALF_SEQ | HALF_ACK;
        if (f->left_bits & (d ? LEFT_FIN_1 : LEFT_FIN_0))
            revive_fin(s, h);
    }
}

/* What an earlier connection left: of the same stream, and it goes on; of another, and it is old.
 */
static void inherit(struct store *s, struct live *l, const struct flow *f)
{
    struct evidence *e = live_evidence(l);
    if (!(f->left_bits & LEFT_SOMETHING))
        return;
    if (f->left_stream == f->stream) {
        revive(s, l, f);
    } else if (f->left_bits & LEFT_NUMBERS) {
        l->bits |= LIVE_OLD_KNOWN;
        if (!e)
            return;
        memcpy(e->old_next, f->left_next, sizeof e->old_next);
        e->old_time = f->left_time;
    }
}

static bool begin_evidence(struct store *s, struct live *l)
{
    if (s->numbers_only)
        return true;
    struct live_more *m = live_take_more(s, l);
    struct evidence *e = m ? pool_take(&s->evidence) : NULL;
    if (!e)
        return false;
    m->evidence = e;
    for (int d = 0; d < 2; d++)
        e->times[d] = (struct half_times){INSTANT_NONE, INSTANT_NONE, INSTANT_NONE, 0};
    return true;
}

struct live *live_new(struct store *s, struct flow *f, instant_ns time, uint16_t vlan)
{
    struct live *l = pool_take(&s->lives);
    if (!l)
        return NULL;
    if (!begin_evidence(s, l)) {
        live_free(s, l);
        return NULL;
    }
    l->flow = f;
    l->stream = f->stream;
    f->live = l;
    for (int d = 0; d < 2; d++)
        l->half[d].last_time = l->syn_time[d] = INSTANT_NONE;
    l->first_time = l->last_time = time;
    l->vlan = vlan;
    return l;
}

struct live *live_begin(struct store *s, struct flow *f, uint8_t dir, const struct packet *p)
{
    struct live *l = live_new(s, f, p->time, packet_vlan(p));
    if (!l)
        return NULL;
    if (live_evidence(l))
        live_evidence(l)->tunnel = p->tunnel;
    guess_client(l, dir, p);
    inherit(s, l, f);
    return l;
}

void live_note_leg(struct live *l, enum side side, instant_ns delay)
{
    struct evidence *e = live_evidence(l);
    if (e && delay > 0 && (e->leg[side] == 0 || delay < e->leg[side]))
        e->leg[side] = delay;
}

void live_end_handshake(struct live *l, uint8_t dir, uint32_t ack, instant_ns time)
{
    const struct half *s = &l->half[1 - dir];
    if (dir != l->client || !live_awaits_ack(l) || seq_diff(ack, half_isn(s)) <= 0)
        return;
    l->bits |= LIVE_HANDSHAKE;
    if (s->n_synacks == 1)
        live_note_leg(l, SIDE_CLIENT, instant_since(time, l->syn_time[1 - dir]));
}

void live_leave(struct flow *flow)
{
    const struct live *l = flow->live;
    flow->left_bits = LEFT_SOMETHING | LEFT_NUMBERS;
    flow->left_stream = flow->stream;
    for (int d = 0; d < 2; d++) {
        flow->left_next[d] = l->half[d].next_seq;
        if (half_has(&l->half[d], HALF_FIN))
            flow->left_bits |= d ? LEFT_FIN_1 : LEFT_FIN_0;
        if (!half_has(&l->half[d], HALF_SEQ))
            flow->left_bits &= (uint8_t)~LEFT_NUMBERS;
    }
    flow->left_bits |= l->client ? LEFT_CLIENT_1 : 0;
    flow->left_bits |= live_has(l, LIVE_CLIENT_KNOWN) ? LEFT_CLIENT_KNOWN : 0;
    flow->left_bits |= live_has(l, LIVE_HANDSHAKE) ? LEFT_HANDSHAKE : 0;
    flow->left_time = l->last_time;
}
