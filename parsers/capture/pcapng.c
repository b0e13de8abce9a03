/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng (draft-ietf-opsawg-pcapng): a sequence of blocks, each framed by its total length before
 * and after, in sections that choose their byte order.
 *   section  = SHB { IDB | EPB | SPB | PB | NRB | ISB | DSB | custom | unknown }
 * Frames come from enhanced, simple and obsolete packet blocks; the rest is passed and counted.
 * Blocks that Wireshark shows as records (journal entries, custom blocks, system call events) take
 * a frame number without being delivered, so that ours stay equal to its numbers.
 */
#include "parsers/capture/pcapng.h"

#include <stdlib.h>
#include <string.h>

/* Blocks that hold no frame. */
static const struct other_block {
    uint32_t type;
    enum capture_skip reason;
    bool takes_number;
} other_blocks[] = {
    {0x00000004, CAPTURE_SKIP_NAMES, false},       /* section 4.5 */
    {0x00000005, CAPTURE_SKIP_STATISTICS, false},  /* section 4.6 */
    {0x00000009, CAPTURE_SKIP_JOURNAL, true},      /* section 4.8 */
    {0x0000000a, CAPTURE_SKIP_SECRETS, false},     /* section 4.7 */
    {0x00000bad, CAPTURE_SKIP_CUSTOM, true},       /* section 4.9, may be copied */
    {0x40000bad, CAPTURE_SKIP_CUSTOM, true},       /* section 4.9, may not */
    {0x00000204, CAPTURE_SKIP_SYSTEM_CALLS, true}, /* sysdig event */
    {0x00000216, CAPTURE_SKIP_SYSTEM_CALLS, true}, /* sysdig event, version 2 */
    {0x00000221, CAPTURE_SKIP_SYSTEM_CALLS, true}, /* sysdig event, version 2, large */
};

bool block_is_other(uint32_t type)
{
    for (size_t i = 0; i < sizeof other_blocks / sizeof *other_blocks; i++)
        if (other_blocks[i].type == type)
            return true;
    return false;
}

/* Type and total length of the next block; SHB's own magic decides how its length is read. */
static bool read_header(struct capture *c, struct block *b)
{
    struct pcapng *p = c->state;
    size_t n = source_peek(c->source, BLOCK_MIN, &b->bytes);
    if (n < BLOCK_MIN)
        return false;
    struct cursor h = cursor_of(b->bytes, BLOCK_MIN), magic = h;
    b->type = cursor_u32(&h, p->is_big);
    if (b->type == BLOCK_SHB) {
        cursor_skip(&magic, BLOCK_HEADER);
        const uint32_t number = cursor_be32(&magic);
        if (number == SHB_MAGIC || number == SHB_MAGIC_SWAPPED)
            p->is_big = number == SHB_MAGIC;
    }
    b->total = cursor_u32(&h, p->is_big);
    if (b->total <= BLOCK_MAX)
        b->total = (b->total + 3) / 4 * 4; /* some writers leave the padding out of the length */
    return true;
}

static bool pcapng_probe(const uint8_t *bytes, size_t n)
{
    if (n < BLOCK_MIN)
        return false;
    struct cursor h = cursor_of(bytes, n);
    uint32_t type = cursor_be32(&h);
    cursor_skip(&h, 4);
    struct cursor magic = h;
    return type == BLOCK_SHB && (cursor_be32(&magic) == SHB_MAGIC || cursor_le32(&h) == SHB_MAGIC);
}

static bool pcapng_open_file(struct capture *c, struct error *err)
{
    struct pcapng *p = calloc(1, sizeof *p);
    if (!p)
        return error_set(err, ERROR_NO_MEMORY, source_name(c->source), "out of memory");
    c->state = p;
    return true;
}

static enum capture_step pass_block(struct capture *c, const struct block *b, struct error *err)
{
    struct other_block other = {.reason = CAPTURE_SKIP_UNKNOWN};
    for (size_t i = 0; i < sizeof other_blocks / sizeof *other_blocks; i++)
        if (other_blocks[i].type == b->type)
            other = other_blocks[i];
    if (!capture_skip(c, other.reason, b->total))
        return capture_cut(c, err);
    c->info.n_numbered += other.takes_number;
    return CAPTURE_FRAME;
}

/* What stands behind a block that is larger than the buffer, where the file can be read there. */
enum behind { BEHIND_UNKNOWN, BEHIND_AGREES, BEHIND_DIFFERS };

static enum behind look_behind(struct capture *c, const struct block *b)
{
    const struct pcapng *p = c->state;
    uint8_t behind[4];
    if (source_read_at(c->source, source_offset(c->source) + b->total - sizeof behind, behind,
                       sizeof behind) != sizeof behind)
        return BEHIND_UNKNOWN;
    struct cursor trailer = cursor_of(behind, sizeof behind);
    return cursor_u32(&trailer, p->is_big) == b->total ? BEHIND_AGREES : BEHIND_DIFFERS;
}

/* A section's own comments may be larger than the buffer, and so may what a USB transfer moved. */
static bool may_be_large(struct capture *c, struct block *b)
{
    if (block_is_other(b->type))
        return true;
    const enum behind behind = look_behind(c, b);
    if (b->type == BLOCK_SHB)
        return behind == BEHIND_AGREES;
    return behind != BEHIND_DIFFERS && pcapng_packet_may_be_large(c, b, behind == BEHIND_AGREES);
}

/* Whether the lengths before and behind the block may be believed.  One that does not fit into the
 * buffer is believed when it is of a kind that may be so large.  Any other is loaded. */
static enum chain_step judge_frame_of(struct capture *c, struct block *b)
{
    const struct pcapng *p = c->state;
    if (b->total < BLOCK_MIN || b->total > BLOCK_MAX)
        return CHAIN_ENDS;
    if (b->total > SOURCE_PEEK_MAX)
        return may_be_large(c, b) ? CHAIN_GOES_ON : CHAIN_ENDS;
    if (!block_load(c, b, b->total))
        return CHAIN_SHORT;
    b->trailer_agrees = block_trailer_agrees(b->bytes, b->total, p->is_big);
    if (b->trailer_agrees)
        return CHAIN_GOES_ON;
    if (!resync_agrees(c, b->total))
        return CHAIN_ENDS;
    return block_load(c, b, b->total) ? CHAIN_GOES_ON : CHAIN_SHORT;
}

static enum capture_step next_block(struct capture *c, struct frame *f, bool *delivered,
                                    struct error *err)
{
    struct block b = {0};
    if (!read_header(c, &b))
        return capture_cut(c, err);
    switch (judge_frame_of(c, &b)) {
    case CHAIN_GOES_ON:
        break;
    case CHAIN_SHORT:
        return capture_cut_or_break(c, "pcapng.broken-block", err);
    case CHAIN_ENDS:
        return capture_break(c, "pcapng.broken-block", err);
    }
    switch (b.type) {
    case BLOCK_SHB:
        return pcapng_open_section(c, &b, err);
    case BLOCK_IDB:
        return pcapng_add_interface(c, &b, err);
    case BLOCK_EPB:
    case BLOCK_SPB:
    case BLOCK_PB:
        return pcapng_packet(c, &b, f, delivered, err);
    case BLOCK_ISB:
        pcapng_note_statistics(c, &b);
        return pass_block(c, &b, err);
    default:
        return pass_block(c, &b, err);
    }
}

static enum capture_step pcapng_next_frame(struct capture *c, struct frame *f, struct error *err)
{
    bool delivered = false;
    enum capture_step step;
    do
        step = next_block(c, f, &delivered, err);
    while (step == CAPTURE_FRAME && !delivered);
    return step;
}

static void pcapng_close_file(struct capture *c)
{
    struct pcapng *p = c->state;
    if (p)
        vec_finish(&p->clocks);
    free(p);
}

const struct capture_format capture_format_pcapng = {
    .id = "pcapng",
    .cut_flaw = "pcapng.truncated-tail",
    .probe = pcapng_probe,
    .open = pcapng_open_file,
    .next = pcapng_next_frame,
    .at_hand = pcapng_at_hand,
    .close = pcapng_close_file,
    .chain_begin = pcapng_chain_begin,
    .chain_next = pcapng_chain_next,
};
