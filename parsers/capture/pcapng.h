/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the pcapng reader share: the section being read and the block under the hand.
 * pcapng.c goes from block to block, pcapng_section.c reads what a section says of itself and its
 * interfaces, pcapng_packet.c the blocks that hold a frame, pcapng_chain.c judges what may follow
 * damage.  Nobody else includes this.
 */
#ifndef WHYRST_PARSERS_CAPTURE_PCAPNG_H
#define WHYRST_PARSERS_CAPTURE_PCAPNG_H

#include "parsers/base/cursor.h"
#include "parsers/capture/format.h"
#include "parsers/capture/interface.h"

#define BLOCK_HEADER 8
#define BLOCK_MIN 12
#define BLOCK_MAX (128u << 20) /* more is no block but noise */
#define SHB_MAGIC 0x1a2b3c4du
#define SHB_MAGIC_SWAPPED 0x4d3c2b1au

enum block_type {
    BLOCK_IDB = 1,
    BLOCK_PB = 2,
    BLOCK_SPB = 3,
    BLOCK_ISB = 5,
    BLOCK_EPB = 6,
    BLOCK_SHB = 0x0a0d0d0a,
};

struct pcapng {
    bool is_big;
    size_t section_first;     /* index of the section's interface 0 */
    VEC(struct clock) clocks; /* one an interface, beside capture_info.interfaces */
};

struct block {
    const uint8_t *bytes; /* the whole block, or as much of it as was asked for */
    size_t n;
    uint32_t type, total;
    bool trailer_agrees; /* of one that is all there */
};

/* The first want bytes of the block, all of them there. */
static inline bool block_load(struct capture *c, struct block *b, size_t want)
{
    b->n = source_peek(c->source, want, &b->bytes);
    if (b->n > want)
        b->n = want;
    return b->n == want;
}

/* Of a whole block: the length behind it, padded if its writer forgot that, says the same. */
static inline bool block_trailer_agrees(const uint8_t *bytes, uint32_t total, bool is_big)
{
    struct cursor trailer = cursor_of(bytes + total - 4, 4);
    return ((uint64_t)cursor_u32(&trailer, is_big) + 3) / 4 * 4 == total;
}

/* A block that was read and holds no frame. */
static inline enum capture_step block_pass(struct capture *c, const struct block *b,
                                           struct error *err)
{
    return capture_pass(c, b->total) ? CAPTURE_FRAME : capture_cut(c, err);
}

/* Whether it is a block that holds no frame and whose kind is known. */
bool block_is_other(uint32_t type);

/* The section and interface blocks; interface statistics, which are not passed. */
enum capture_step pcapng_open_section(struct capture *c, struct block *b, struct error *err);
enum capture_step pcapng_add_interface(struct capture *c, struct block *b, struct error *err);
void pcapng_note_statistics(struct capture *c, struct block *b);

/* What the three kinds of packet blocks have in common. */
struct packet_head {
    uint32_t iface; /* within the section */
    bool has_time;
    uint64_t units;
    uint32_t caplen, origlen;
    size_t data_at; /* from the block's first byte */
};

/* Of an enhanced or an obsolete packet block, from behind its length on. */
void pcapng_read_head(struct cursor *h, uint32_t type, bool is_big, struct packet_head *k);

/* Whether a block larger than the buffer is a packet's: by its own numbers, where nothing is known
 * of the length behind it. */
bool pcapng_packet_may_be_large(struct capture *c, struct block *b, bool is_framed);

/* A packet block that is all there, or larger than the buffer and passed.  CAPTURE_FRAME with
 * *delivered false means: go on with the next block. */
enum capture_step pcapng_packet(struct capture *c, struct block *b, struct frame *f,
                                bool *delivered, struct error *err);

/* See capture_format. */
bool pcapng_at_hand(struct capture *c, struct frame_run *run, size_t max);
void pcapng_chain_begin(const struct capture *c, struct chain *chain);
enum chain_step pcapng_chain_next(const struct capture *c, struct chain *chain);

#endif
