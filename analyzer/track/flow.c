/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow table: linear probing at half load, removal by shifting back, and three lists in order
 * of the last packet (open, closed in both directions, settled).
 */
#include "analyzer/track/flow.h"

#include <string.h>

#include "parsers/base/map.h"

#define FIRST_SLOTS 1024
#define FLOWS_MAX (UINT32_MAX - FLOW_BLOCK)

bool flows_init(struct flows *f, const struct allocator *from)
{
    *f = (struct flows){.from = from, .n_slots = FIRST_SLOTS, .seed = map_seed()};
    f->slots = from->alloc(from->ctx, FIRST_SLOTS * sizeof(*f->slots));
    f->used = FIRST_SLOTS * sizeof(*f->slots);
    return f->slots != NULL;
}

/* As many as there are in one piece: large ones are given back to the system when they go. */
static uint32_t n_in_piece(uint32_t n_before)
{
    return n_before ? n_before : 1;
}

static bool make_blocks(struct flows *f)
{
    const uint32_t n = n_in_piece(f->n_blocks), n_now = f->n_blocks + n;
    struct flow **block = f->from->alloc(f->from->ctx, n_now * sizeof(*block));
    struct flow *piece =
        block ? f->from->alloc(f->from->ctx, ((size_t)n << FLOW_BLOCK_BITS) * sizeof *piece) : NULL;
    if (!piece) {
        if (block)
            f->from->release(f->from->ctx, block, n_now * sizeof(*block));
        return false;
    }
    if (f->n_blocks) {
        memcpy(block, f->block, f->n_blocks * sizeof(*block));
        f->from->release(f->from->ctx, f->block, f->n_blocks * sizeof(*block));
    }
    for (uint32_t i = 0; i < n; i++)
        block[f->n_blocks + i] = piece + ((size_t)i << FLOW_BLOCK_BITS);
    f->block = block;
    f->n_blocks = n_now;
    return true;
}

static void free_blocks(struct flows *f)
{
    for (uint32_t i = 0, n; i < f->n_blocks; i += n) {
        n = n_in_piece(i);
        f->from->release(f->from->ctx, f->block[i],
                         ((size_t)n << FLOW_BLOCK_BITS) * sizeof(struct flow));
    }
    if (f->n_blocks)
        f->from->release(f->from->ctx, f->block, f->n_blocks * sizeof(*f->block));
}

void flows_finish(struct flows *f)
{
    if (f->slots)
        f->from->release(f->from->ctx, f->slots, f->n_slots * sizeof(*f->slots));
    free_blocks(f);
    *f = (struct flows){.from = f->from, .seed = f->seed};
}

void flows_clear(struct flows *f)
{
    memset(f->slots, 0, f->n_slots * sizeof *f->slots);
    memset(f->list, 0, sizeof f->list);
    f->used = f->n_slots * sizeof *f->slots;
    f->n = 0;
    f->n_made = 0;
    f->free = 0;
}

_Static_assert(sizeof(struct flow_key) == 36, "a key has no padding: it is hashed and compared");

uint8_t flow_key_of(const struct endpoint *src, const struct endpoint *dst, struct flow_key *key)
{
    const uint8_t dir = flow_direction(&src->ip, src->port, &dst->ip, dst->port);
    key->e[dir] = *src;
    key->e[1 - dir] = *dst;
    return dir;
}

struct flow *flows_find(const struct flows *f, const struct flow_key *key, uint32_t hash)
{
    size_t mask = f->n_slots - 1;
    for (size_t i = flows_home(f->n_slots, hash);; i = (i + FLOW_BUCKET) & mask) {
        const struct flow_slot *s = &f->slots[i];
        for (unsigned alike = flow_bucket_alike(s, hash); alike; alike &= alike - 1) {
            struct flow *flow = flows_at(f, s[__builtin_ctz(alike)].flow);
            if (flow && flow_key_eq(&flow->key, key))
                return flow;
        }
        if (!s[FLOW_BUCKET - 1].flow)
            return NULL;
    }
}

static void place(struct flow_slot *slots, size_t n_slots, struct flow_slot slot)
{
    struct flow_slot *s = &slots[flows_home(n_slots, slot.hash)];
    while (s[FLOW_BUCKET - 1].flow)
        s = s + FLOW_BUCKET < slots + n_slots ? s + FLOW_BUCKET : slots;
    unsigned used = 0;
    for (unsigned i = 0; i < FLOW_BUCKET; i++)
        used += s[i].flow != 0;
    s[used] = slot;
}

static bool grow(struct flows *f)
{
    size_t want = f->n_slots * 2;
    struct flow_slot *slots = f->from->alloc(f->from->ctx, want * sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < f->n_slots; i++)
        if (f->slots[i].flow)
            place(slots, want, f->slots[i]);
    f->from->release(f->from->ctx, f->slots, f->n_slots * sizeof(*f->slots));
    f->slots = slots;
    f->used += (want - f->n_slots) * sizeof *slots;
    f->n_slots = want;
    return true;
}

static void set_first(struct flows *f, enum flow_list list, const struct flow *flow)
{
    f->list[list].first = flow ? flow->self : 0;
    if (list == FLOW_CLOSED && flow)
        f->closed_since = flow->live->closed_at;
}

static void list_add(struct flows *f, struct flow *flow, enum flow_list list)
{
    flow->list = (uint8_t)list;
    flow->used = false;
    flow->next = 0;
    flow->prev = f->list[list].last;
    if (flow->prev)
        flows_at(f, flow->prev)->next = flow->self;
    else
        set_first(f, list, flow);
    f->list[list].last = flow->self;
    f->list[list].n++;
}

static void list_remove(struct flows *f, struct flow *flow)
{
    if (flow->prev)
        flows_at(f, flow->prev)->next = flow->next;
    else
        set_first(f, flow->list, flows_next(f, flow));
    if (flow->next)
        flows_at(f, flow->next)->prev = flow->prev;
    else
        f->list[flow->list].last = flow->prev;
    f->list[flow->list].n--;
}

/* The flow that is made next, or NULL. */
static struct flow *make_fresh(struct flows *f)
{
    if (f->n_made == FLOWS_MAX || (f->n_made == f->n_blocks << FLOW_BLOCK_BITS && !make_blocks(f)))
        return NULL;
    return flows_at(f, ++f->n_made);
}

static struct flow *make(struct flows *f)
{
    struct flow *flow = flows_at(f, f->free);
    flow_link self = f->free;
    if (flow) {
        f->free = flow->next;
    } else {
        flow = make_fresh(f);
        self = f->n_made;
    }
    if (flow)
        *flow = (struct flow){.self = self};
    return flow;
}

struct flow *flows_add(struct flows *f, const struct flow_key *key, uint32_t hash)
{
    if (f->n * 2 >= f->n_slots && !grow(f) && f->n + 1 >= f->n_slots)
        return NULL;
    struct flow *flow = make(f);
    if (!flow)
        return NULL;
    flow->key = *key;
    place(f->slots, f->n_slots, (struct flow_slot){flow->self, hash});
    f->n++;
    f->used += sizeof *flow;
    list_add(f, flow, FLOW_OPEN);
    return flow;
}

/* Closes the gap at i: whatever probed past it moves back (Knuth, volume 3, 6.4, algorithm R). */
static void shift_back(struct flows *f, size_t i)
{
    size_t mask = f->n_slots - 1;
    for (size_t j = (i + 1) & mask; f->slots[j].flow; j = (j + 1) & mask) {
        size_t home = flows_home(f->n_slots, f->slots[j].hash);
        if (((j - home) & mask) >= ((j - i) & mask)) {
            f->slots[i] = f->slots[j];
            i = j;
        }
    }
    f->slots[i] = (struct flow_slot){0};
}

/* Out of order: no packet has it, so that whoever remembers the flow sees that it is gone. */
static const struct flow_key no_key = {.e = {{.port = 1}, {.port = 0}}};

void flows_remove(struct flows *f, struct flow *flow)
{
    size_t mask = f->n_slots - 1, i = flows_home(f->n_slots, flows_hash(f, &flow->key));
    while (f->slots[i].flow != flow->self)
        i = (i + 1) & mask;
    shift_back(f, i);
    f->n--;
    f->used -= sizeof *flow;
    list_remove(f, flow);
    flow->key = no_key;
    flow->next = f->free;
    f->free = flow->self;
}

void flows_move(struct flows *f, struct flow *flow, enum flow_list list)
{
    if (flow->list == list && f->list[list].last == flow->self)
        return;
    list_remove(f, flow);
    list_add(f, flow, list);
}

struct flow *flows_oldest_open(struct flows *f, const struct flow *but)
{
    for (size_t n = f->list[FLOW_OPEN].n; n > 0; n--) {
        struct flow *flow = flows_first(f, FLOW_OPEN);
        if (flow != but && !flow->used)
            return flow;
        list_remove(f, flow);
        list_add(f, flow, FLOW_OPEN);
    }
    struct flow *flow = flows_first(f, FLOW_OPEN); /* all had been used; now none is */
    return flow == but && flow ? flows_next(f, flow) : flow;
}

static bool plain_syn(uint16_t flags)
{
    return (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* A SYN whose number is not the one known for its direction opens a new stream, whatever became of
 * the old one (packet-tcp.c, dissect_tcp). */
bool flow_opens_stream(const struct flow *f, uint8_t dir, uint16_t flags, uint32_t seq)
{
    return plain_syn(flags) && (f->base_set >> dir & 1) && f->base_seq[dir] != seq;
}

void flow_number(struct flow *f, uint32_t stream)
{
    f->stream = stream;
    f->base_set = 0;
    f->file_bits = 0;
    f->record = 0;
}

void flow_enter_file(struct flow *f, uint32_t stream)
{
    uint32_t record = f->record;
    if (f->left_stream == f->stream)
        f->left_stream = stream;
    flow_number(f, stream);
    f->record = record;
    f->file_bits = FILE_ENTERED;
}

void flow_rebase(struct flow *f, uint8_t dir, uint16_t flags, uint32_t seq)
{
    if ((flags & TCP_SYN) && (flags & TCP_ACK) && (f->base_set >> dir & 1))
        f->base_seq[dir] = seq;
}

void flow_set_base(struct flow *f, uint8_t dir, const struct brief *b)
{
    bool syn = b->flags & TCP_SYN, ack = b->flags & TCP_ACK;
    uint8_t bit = (uint8_t)(1u << dir), other = (uint8_t)(2u >> dir);
    flow_rebase(f, dir, b->flags, b->seq);
    if (!(f->base_set & bit))
        f->base_seq[dir] = syn ? b->seq : b->seq - 1;
    f->base_set |= bit;
    if (!(f->base_set & other) && ack) {
        f->base_seq[1 - dir] = b->ack - 1;
        f->base_set |= other;
    }
}
