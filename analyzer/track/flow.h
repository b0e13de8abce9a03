/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From two endpoints to what is known of them: a keyed hash over addresses and ports with open
 * addressing.  A flow outlives its connections, so that a reused tuple gets the next stream number
 * exactly when Wireshark's tcp.stream does.  VLAN and tunnel are no part of the key there either.
 */
#ifndef WHYRST_ANALYZER_TRACK_FLOW_H
#define WHYRST_ANALYZER_TRACK_FLOW_H

#include <endian.h>
#include <string.h>

#include "analyzer/track/live.h"
#include "analyzer/track/opening.h"
#include "parsers/base/hash.h"
#include "parsers/packet/brief.h"

struct flow_key {
    struct endpoint e[2]; /* the lower first */
};

enum flow_list { FLOW_OPEN, FLOW_CLOSED, FLOW_DONE, FLOW_LISTS };

/* A flow as the table and its lists name it: 1 and its place among all that were made, 0 none. */
typedef uint32_t flow_link;

/* The first 64 bytes are all that a packet of a known connection needs. */
struct flow {
    struct flow_key key;
    uint32_t stream;
    struct live *live; /* NULL: settled, only the numbers below are left; or it is still opening */
    uint32_t base_seq[2]; /* as Wireshark's dissector sets it, by direction */
    uint8_t base_set;     /* bit by direction */
    uint8_t list;         /* enum flow_list */
    uint8_t file_bits;    /* enum flow_file */
    bool used;            /* touched since it was put where it stands in FLOW_OPEN */
    uint8_t left_bits;    /* enum flow_left */
    bool has_lanes;       /* others of the tuple live on other VLANs: they are the tracker's */
    flow_link self, prev, next;
    uint32_t place; /* of the stream among all that got a number, from 0 */
    union {
        instant_ns left_time;
        struct opening *opening; /* with LEFT_OPENING */
    };
    uint32_t left_stream; /* whose numbers they are */
    uint32_t left_next[2];
    uint32_t record; /* 1 + the place of what was recorded of it, 0 nothing */
};

enum flow_file {
    FILE_BEFORE = 1, /* last met in an earlier file of the series: it has no number in this one */
    FILE_ENTERED = 2 /* it went on in this file, which is not counted yet */
};

enum flow_left {
    LEFT_SOMETHING = 1, /* a connection was settled here */
    LEFT_FIN_0 = 2,
    LEFT_FIN_1 = 4,
    LEFT_CLIENT_1 = 8, /* direction 1 was the client */
    LEFT_CLIENT_KNOWN = 16,
    LEFT_HANDSHAKE = 32,
    LEFT_NUMBERS = 64,  /* left_next holds */
    LEFT_OPENING = 128, /* nothing is left: the connection is kept as an opening */
};

struct flow_slot { /* the hash stands beside the flow: most probes need no second look */
    flow_link flow;
    uint32_t hash;
};

/* Slots are looked at four at once, without a branch for each: those of one hash begin where a
 * bucket does, and go on in the next bucket only behind a full one. */
#define FLOW_BUCKET 4u
static inline size_t flows_home(size_t n_slots, uint32_t hash)
{
    return hash & (n_slots - 1) & ~(size_t)(FLOW_BUCKET - 1);
}
/* Bits of the slots in a bucket that have this hash. */
static inline unsigned flow_bucket_alike(const struct flow_slot *s, uint32_t hash)
{
    unsigned alike = 0;
    for (unsigned i = 0; i < FLOW_BUCKET; i++)
        alike |= (unsigned)(s[i].hash == hash) << i;
    return alike;
}

#define FLOW_BLOCK_BITS 10
#define FLOW_BLOCK (1u << FLOW_BLOCK_BITS)

struct flows {
    struct flow_slot *slots;
    size_t n_slots, n;
    uint64_t seed;
    size_t used; /* bytes of the table and of the flows in it */
    const struct allocator *from;
    struct flow **block; /* of FLOW_BLOCK flows each; made in pieces that double their number */
    uint32_t n_blocks;
    uint32_t n_made;
    flow_link free; /* removed ones, by next */
    /* By last packet, the longest untouched first.  In FLOW_OPEN, where a packet must not cost the
     * cache misses of moving, those that were used keep their place until somebody asks. */
    struct {
        flow_link first, last;
        size_t n;
    } list[FLOW_LISTS];
    uint32_t closed_since; /* while any is in FLOW_CLOSED: of the first, or before it; see live.h */
};

bool flows_init(struct flows *f, const struct allocator *from);
void flows_finish(struct flows *f);
void flows_clear(struct flows *f); /* forgets all of them, and keeps their memory */

static inline struct flow *flows_at(const struct flows *f, flow_link link)
{
    const uint32_t at = link - 1;
    return link ? &f->block[at >> FLOW_BLOCK_BITS][at & (FLOW_BLOCK - 1)] : NULL;
}

/* The one that is longest in a list, and the one behind another; NULL: none. */
static inline struct flow *flows_first(const struct flows *f, enum flow_list list)
{
    return flows_at(f, f->list[list].first);
}
static inline struct flow *flows_next(const struct flows *f, const struct flow *flow)
{
    return flows_at(f, flow->next);
}

static inline uint64_t flow_word_at(const void *p, size_t at)
{
    uint64_t w;
    memcpy(&w, (const uint8_t *)p + at, sizeof w);
    return w;
}

/* 1 when the source is the higher end, else 0. */
static inline uint8_t flow_direction(const struct address *src, uint16_t src_port,
                                     const struct address *dst, uint16_t dst_port)
{
    uint64_t x = flow_word_at(src, 0), y = flow_word_at(dst, 0);
    if (x == y) {
        x = flow_word_at(src, 8);
        y = flow_word_at(dst, 8);
    }
    return x != y ? be64toh(x) > be64toh(y) : src_port > dst_port;
}

/* Orders the endpoints; returns the direction of src to dst: 0 or 1. */
uint8_t flow_key_of(const struct endpoint *src, const struct endpoint *dst, struct flow_key *key);
static inline void flow_key_of_brief(const struct brief *b, uint8_t dir, struct flow_key *key)
{
    key->e[dir] = (struct endpoint){b->src, b->src_port};
    key->e[1 - dir] = (struct endpoint){b->dst, b->dst_port};
}

/* An IPv4 end as a number; they have the order of the ends. */
static inline uint64_t flow_end4(const struct address *ip, uint16_t port)
{
    uint32_t n;
    memcpy(&n, ip->b + 12, sizeof n);
    return (uint64_t)be32toh(n) << 16 | port;
}

/* Of two IPv4 ends no more is hashed than sets them apart. */
static inline uint32_t flows_hash4(const struct flows *f, uint64_t low, uint64_t high)
{
    const uint64_t ends[2] = {low, high};
    return (uint32_t)hash_bytes(ends, sizeof ends, f->seed);
}

static inline uint32_t flows_hash(const struct flows *f, const struct flow_key *key)
{
    const struct endpoint *e = key->e;
    return address_is_v4(&e[0].ip) && address_is_v4(&e[1].ip)
               ? flows_hash4(f, flow_end4(&e[0].ip, e[0].port), flow_end4(&e[1].ip, e[1].port))
               : (uint32_t)hash_bytes(key, sizeof *key, f->seed);
}

/* The hash of a segment's key, and its direction. */
static inline uint32_t flows_hash_of_brief(const struct flows *f, const struct brief *b,
                                           uint8_t *dir)
{
    if (address_is_v4(&b->src) && address_is_v4(&b->dst)) {
        const uint64_t src = flow_end4(&b->src, b->src_port), dst = flow_end4(&b->dst, b->dst_port);
        *dir = src > dst;
        return flows_hash4(f, src > dst ? dst : src, src > dst ? src : dst);
    }
    struct flow_key key;
    *dir = flow_direction(&b->src, b->src_port, &b->dst, b->dst_port);
    flow_key_of_brief(b, *dir, &key);
    return (uint32_t)hash_bytes(&key, sizeof key, f->seed);
}

/* Whether a segment in that direction is of the flow. */
static inline bool flow_has_ends_of(const struct flow *f, const struct brief *b, uint8_t dir)
{
    const struct endpoint *src = &f->key.e[dir], *dst = &f->key.e[1 - dir];
    return src->port == b->src_port && dst->port == b->dst_port && address_eq(&src->ip, &b->src) &&
           address_eq(&dst->ip, &b->dst);
}

static inline bool flow_key_eq(const struct flow_key *a, const struct flow_key *b)
{
    uint32_t x, y;
    memcpy(&x, (const uint8_t *)a + 32, sizeof x);
    memcpy(&y, (const uint8_t *)b + 32, sizeof y);
    uint64_t differ = x ^ y;
    for (size_t at = 0; at < 32; at += 8)
        differ |= flow_word_at(a, at) ^ flow_word_at(b, at);
    return differ == 0;
}

struct flow *flows_find(const struct flows *f, const struct flow_key *key, uint32_t hash);
/* A new entry, in list FLOW_OPEN; NULL when memory ran out. */
struct flow *flows_add(struct flows *f, const struct flow_key *key, uint32_t hash);
void flows_remove(struct flows *f, struct flow *flow);
void flows_move(struct flows *f, struct flow *flow, enum flow_list list);
/* To the end of a list, or as good as. */
static inline void flows_touch(struct flows *f, struct flow *flow, enum flow_list list)
{
    if (list == FLOW_OPEN && flow->list == FLOW_OPEN)
        flow->used = true;
    else
        flows_move(f, flow, list);
}
/* The open flow that was longest without a packet: those used since they were put in their place
 * are passed by once (second chance).  NULL when there is none but but. */
struct flow *flows_oldest_open(struct flows *f, const struct flow *but);

/* Brings into the cache what a look-up will need: the slot, then (once that is there) the flow that
 * it names, which need not be the right one; NULL when it names none. */
static inline void flows_prefetch(const struct flows *f, uint32_t hash)
{
    const struct flow_slot *s = &f->slots[flows_home(f->n_slots, hash)];
    __builtin_prefetch(s);
    __builtin_prefetch(s + FLOW_BUCKET - 1); /* a small table may begin anywhere in a line */
}
static inline struct flow *flows_guess(const struct flows *f, uint32_t hash)
{
    const size_t home = flows_home(f->n_slots, hash);
    const struct flow_slot *s = &f->slots[home];
    unsigned alike = flow_bucket_alike(s, hash);
    if (!alike && s[FLOW_BUCKET - 1].flow) {
        s = &f->slots[(home + FLOW_BUCKET) & (f->n_slots - 1)];
        alike = flow_bucket_alike(s, hash);
    }
    return flows_at(f, alike ? s[__builtin_ctz(alike)].flow : 0);
}
static inline void flow_prefetch(const struct flow *f)
{
    __builtin_prefetch(f, 1);
    __builtin_prefetch(&f->has_lanes, 1);
}

/* Numbering, as Wireshark's TCP dissector does it (packet-tcp.c, dissect_tcp): a SYN whose sequence
 * number is not the one known for its direction opens a new stream, whatever became of the old. */
bool flow_opens_stream(const struct flow *f, uint8_t dir, uint16_t flags, uint32_t seq);
void flow_number(struct flow *f, uint32_t stream); /* a new stream begins on the tuple */
/* A tuple of an earlier file goes on in this one: Wireshark, which knows the file alone, gives it a
 * new number.  Whatever was left or recorded of it stays its own. */
void flow_enter_file(struct flow *f, uint32_t stream);
void flow_rebase(struct flow *f, uint8_t dir, uint16_t flags, uint32_t seq); /* a SYN-ACK */
void flow_set_base(struct flow *f, uint8_t dir, const struct brief *b);
/* Whether flow_set_base has nothing left to learn from segments without SYN. */
static inline bool flow_has_bases(const struct flow *f)
{
    return f->base_set == 3;
}

#endif
