/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pools behind live connections, and giving a connection's parts back to them.
 */
#include "analyzer/live.h"

#include "analyzer/content.h"
#include "analyzer/flow.h"
#include "analyzer/timeline.h"

/* One row a pool, so that making, freeing and counting cannot forget one. */
static const struct {
    size_t at, size;
} pools[] = {
    {offsetof(struct store, flows), sizeof(struct flow)},
    {offsetof(struct store, lives), sizeof(struct live)},
    {offsetof(struct store, chunks), sizeof(struct chunk)},
    {offsetof(struct store, rings), sizeof(struct ring)},
    {offsetof(struct store, troubles), sizeof(struct trouble)},
    {offsetof(struct store, contents), sizeof(struct content)},
    {offsetof(struct store, pieces), sizeof(struct piece)},
    {offsetof(struct store, tails), sizeof(struct tail)},
    {offsetof(struct store, holes), sizeof(struct hole)},
    {offsetof(struct store, episodes), sizeof(struct episode)},
};
#define N_POOLS (sizeof pools / sizeof *pools)

static struct pool *pool_at(struct store *s, size_t i)
{
    return (struct pool *)(void *)((char *)s + pools[i].at);
}

void store_init(struct store *s, const struct allocator *from)
{
    for (size_t i = 0; i < N_POOLS; i++)
        pool_init(pool_at(s, i), pools[i].size, from);
}

void store_finish(struct store *s)
{
    for (size_t i = 0; i < N_POOLS; i++)
        pool_finish(pool_at(s, i));
}

size_t store_used(const struct store *s)
{
    return s->flows.n_live * sizeof(struct flow) + s->lives.n_live * sizeof(struct live) +
           s->chunks.n_live * sizeof(struct chunk) + s->rings.n_live * sizeof(struct ring) +
           s->troubles.n_live * sizeof(struct trouble) +
           s->contents.n_live * sizeof(struct content) + s->pieces.n_live * sizeof(struct piece) +
           s->tails.n_live * sizeof(struct tail) + s->holes.n_live * sizeof(struct hole) +
           s->episodes.n_live * sizeof(struct episode);
}

struct trouble *half_trouble(struct store *s, struct half *h, struct trouble *sink)
{
    if (!h->trouble)
        h->trouble = pool_take(&s->troubles);
    return h->trouble ? h->trouble : sink;
}

static void half_let_go(struct store *s, struct half *h)
{
    while (h->holes) {
        struct hole *gone = h->holes;
        h->holes = gone->next;
        pool_give(&s->holes, gone);
    }
    content_free(s, h->content);
    h->content = NULL;
}

void live_let_go(struct store *s, struct live *l)
{
    half_let_go(s, &l->half[0]);
    half_let_go(s, &l->half[1]);
    timeline_free(s, &l->timeline);
}

void live_free(struct store *s, struct live *l)
{
    live_let_go(s, l);
    for (int d = 0; d < 2; d++)
        if (l->half[d].trouble)
            pool_give(&s->troubles, l->half[d].trouble);
    while (l->episodes) {
        struct episode *gone = l->episodes;
        l->episodes = gone->next;
        pool_give(&s->episodes, gone);
    }
    pool_give(&s->lives, l);
}
