/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng (draft-ietf-opsawg-pcapng): a sequence of blocks, each framed by its total length before
 * and after, in sections that choose their byte order.
 *   section  = SHB { IDB | EPB | SPB | PB | NRB | ISB | DSB | custom | unknown }
 * Frames come from enhanced, simple and obsolete packet blocks; the rest is passed and counted.
 * Blocks that Wireshark shows as records (journal entries, custom blocks, system call events) take
 * a frame number without being delivered, so that ours stay equal to its numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "parsers/base/cursor.h"
#include "parsers/capture/format.h"
#include "parsers/capture/interface.h"
#include "parsers/capture/linktype.h"

#define BLOCK_HEADER 8
#define BLOCK_MIN 12
#define STATISTICS_MAX 4096u
#define BLOCK_MAX (128u << 20) /* more is no block but noise */
#define SHB_MIN 28
#define IDB_MIN 20
#define EPB_MIN 32
#define SPB_MIN 16
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

static bool is_other(uint32_t type)
{
    for (size_t i = 0; i < sizeof other_blocks / sizeof *other_blocks; i++)
        if (other_blocks[i].type == type)
            return true;
    return false;
}

struct block {
    const uint8_t *bytes; /* the whole block, or as much of it as was asked for */
    size_t n;
    uint32_t type, total;
};

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

/* The first want bytes of the block, all of them there. */
static bool load(struct capture *c, struct block *b, size_t want)
{
    b->n = source_peek(c->source, want, &b->bytes);
    if (b->n > want)
        b->n = want;
    return b->n == want;
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

/* A block that was read and holds no frame. */
static enum capture_step pass_analysed(struct capture *c, const struct block *b, struct error *err)
{
    return capture_pass(c, b->total) ? CAPTURE_FRAME : capture_cut(c, err);
}

static bool section_is_sane(const struct block *b, bool is_big)
{
    struct cursor h = cursor_of(b->bytes, b->n);
    cursor_skip(&h, BLOCK_HEADER);
    uint32_t magic = cursor_u32(&h, is_big);
    uint16_t major = cursor_u16(&h, is_big);
    return magic == SHB_MAGIC && major == 1;
}

static enum capture_step open_section(struct capture *c, struct block *b, struct error *err)
{
    struct pcapng *p = c->state;
    if (b->total < SHB_MIN)
        return capture_break(c, "pcapng.broken-block", err);
    if (!load(c, b, SHB_MIN - 4))
        return capture_cut(c, err);
    if (!section_is_sane(b, p->is_big))
        return capture_break(c, "pcapng.broken-block", err);
    c->info.n_sections++;
    c->n_changes++;
    c->info.variant = p->is_big ? "big-endian" : "";
    p->section_first = c->info.n_interfaces;
    return pass_analysed(c, b, err);
}

static enum capture_step too_many_interfaces(struct capture *c, const struct block *b,
                                             struct error *err)
{
    flaws_add(c->flaws, "pcapng.too-many-interfaces", c->info.n_numbered + 1);
    return capture_skip(c, CAPTURE_SKIP_UNUSABLE, b->total) ? CAPTURE_FRAME : capture_cut(c, err);
}

static enum capture_step add_interface(struct capture *c, struct block *b, struct error *err)
{
    struct pcapng *p = c->state;
    if (b->total < IDB_MIN)
        return capture_break(c, "pcapng.broken-block", err);
    size_t want = b->total < SOURCE_PEEK_MAX ? b->total : SOURCE_PEEK_MAX;
    if (!load(c, b, want))
        return capture_cut(c, err);
    if (c->info.n_interfaces >= CAPTURE_INTERFACES_MAX)
        return too_many_interfaces(c, b, err);
    struct capture_interface *i = capture_add_interface(c);
    struct clock *clock = i ? vec_push(&p->clocks) : NULL;
    if (!clock) {
        error_set(err, ERROR_NO_MEMORY, source_name(c->source), "out of memory");
        return CAPTURE_FAILED;
    }
    size_t body = want - BLOCK_HEADER - (want == b->total ? 4 : 0);
    interface_read(cursor_of(b->bytes + BLOCK_HEADER, body), p->is_big, i, clock);
    i->section = c->info.n_sections - 1;
    i->index = (uint32_t)(c->info.n_interfaces - 1 - p->section_first);
    if (!clock->is_known)
        flaws_add(c->flaws, "pcapng.unusable-clock", c->info.n_numbered + 1);
    return pass_analysed(c, b, err);
}

/* What an interface says that it lost; its blocks count from the beginning. */
static void note_statistics(struct capture *c, struct block *b)
{
    const struct pcapng *p = c->state;
    uint32_t index;
    uint64_t n_dropped;
    if (b->total < BLOCK_MIN + 12 || b->total > STATISTICS_MAX || !load(c, b, b->total))
        return;
    struct cursor body = cursor_of(b->bytes + BLOCK_HEADER, b->total - BLOCK_MIN);
    if (!interface_dropped(body, p->is_big, &index, &n_dropped) ||
        index >= c->info.n_interfaces - p->section_first)
        return;
    struct capture_interface *i = &c->info.interfaces[p->section_first + index];
    if (n_dropped > i->n_dropped)
        i->n_dropped = n_dropped;
}

/* What the three kinds of packet blocks have in common. */
struct packet {
    uint32_t iface; /* within the section */
    bool has_time;
    uint64_t units;
    uint32_t caplen, origlen;
    size_t data_at; /* from the block's first byte */
};

static void read_enhanced(struct cursor *h, bool is_big, struct packet *k)
{
    k->iface = cursor_u32(h, is_big);
    k->units = (uint64_t)cursor_u32(h, is_big) << 32;
    k->units |= cursor_u32(h, is_big);
    k->has_time = true;
    k->caplen = cursor_u32(h, is_big);
    k->origlen = cursor_u32(h, is_big);
}

/* Obsolete: as the enhanced block, but 16 bits of interface and 16 bits of a drop count. */
static void read_obsolete(struct cursor *h, bool is_big, struct packet *k)
{
    uint16_t iface = cursor_u16(h, is_big);
    cursor_skip(h, 2);
    k->units = (uint64_t)cursor_u32(h, is_big) << 32;
    k->units |= cursor_u32(h, is_big);
    k->iface = iface;
    k->has_time = true;
    k->caplen = cursor_u32(h, is_big);
    k->origlen = cursor_u32(h, is_big);
}

/* Simple: interface 0, no time, no captured length: all of it up to the snaplen. */
static void read_simple(struct capture *c, struct cursor *h, struct packet *k)
{
    const struct pcapng *p = c->state;
    k->origlen = cursor_u32(h, p->is_big);
    k->caplen = k->origlen;
    if (p->section_first < c->info.n_interfaces) {
        uint32_t snaplen = c->info.interfaces[p->section_first].snaplen;
        if (snaplen != 0 && k->caplen > snaplen)
            k->caplen = snaplen;
    }
}

/* Of a whole block: the length behind it, padded if its writer forgot that, says the same. */
static bool trailer_agrees(const uint8_t *bytes, uint32_t total, bool is_big)
{
    struct cursor trailer = cursor_of(bytes + total - 4, 4);
    return ((uint64_t)cursor_u32(&trailer, is_big) + 3) / 4 * 4 == total;
}

static bool read_packet(struct capture *c, const struct block *b, struct packet *k)
{
    const struct pcapng *p = c->state;
    struct cursor h = cursor_of(b->bytes, b->n);
    cursor_skip(&h, BLOCK_HEADER);
    *k = (struct packet){0};
    if (b->type == BLOCK_EPB)
        read_enhanced(&h, p->is_big, k);
    else if (b->type == BLOCK_PB)
        read_obsolete(&h, p->is_big, k);
    else
        read_simple(c, &h, k);
    k->data_at = h.at;
    return !h.overrun && k->caplen <= b->total - 4 - k->data_at;
}

static enum capture_step skip_unusable(struct capture *c, const struct block *b,
                                       const char *static_flaw, struct error *err)
{
    if (!capture_skip(c, CAPTURE_SKIP_UNUSABLE, b->total))
        return capture_cut(c, err);
    flaws_add(c->flaws, static_flaw, ++c->info.n_numbered);
    return CAPTURE_FRAME;
}

static void note_oddities(struct capture *c, const struct block *b, const struct frame *f)
{
    const struct pcapng *p = c->state;
    uint64_t number = c->info.n_numbered + 1;
    if (!trailer_agrees(b->bytes, b->total, p->is_big))
        flaws_add(c->flaws, "pcapng.trailer-mismatch", number);
    if (f->caplen > f->origlen)
        flaws_add(c->flaws, "pcapng.caplen-over-origlen", number);
    if (f->snaplen != 0 && f->caplen > f->snaplen)
        flaws_add(c->flaws, "pcapng.caplen-over-snaplen", number);
}

static void fill_frame(struct capture *c, const struct block *b, const struct packet *k,
                       struct frame *f)
{
    const struct pcapng *p = c->state;
    size_t index = p->section_first + k->iface;
    const struct capture_interface *i = &c->info.interfaces[index];
    *f = (struct frame){.time = INSTANT_NONE,
                        .time_digits = i->time_digits,
                        .caplen = k->caplen,
                        .origlen = k->origlen,
                        .iface = (uint32_t)index,
                        .snaplen = i->snaplen,
                        .link_type = i->link_type,
                        .offset = source_offset(c->source),
                        .data = b->bytes + k->data_at};
    if (k->has_time) {
        f->time = clock_to_instant(&p->clocks.v[index], k->units);
        if (f->time == INSTANT_NONE)
            flaws_add(c->flaws, "pcapng.time-out-of-range", c->info.n_numbered + 1);
    }
}

/* CAPTURE_FRAME with *delivered false means: go on with the next block. */
static enum capture_step packet_block(struct capture *c, struct block *b, struct frame *f,
                                      bool *delivered, struct error *err)
{
    const struct pcapng *p = c->state;
    if (b->total < (b->type == BLOCK_SPB ? SPB_MIN : EPB_MIN))
        return capture_break(c, "pcapng.broken-block", err);
    struct packet k;
    if (!read_packet(c, b, &k))
        return skip_unusable(c, b, "pcapng.caplen-over-block", err);
    if (k.iface >= c->info.n_interfaces - p->section_first)
        return skip_unusable(c, b, "pcapng.unknown-interface", err);
    fill_frame(c, b, &k, f);
    if (f->caplen > linktype_frame_max(f->link_type))
        return skip_unusable(c, b, "pcapng.frame-too-large", err);
    note_oddities(c, b, f);
    capture_deliver(c, f, b->total);
    *delivered = true;
    return CAPTURE_FRAME;
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

/* Whether the lengths before and behind the block may be believed.  One that does not fit into the
 * buffer is believed when it is of a kind that may be so large.  The whole block is loaded. */
static enum chain_step judge_frame_of(struct capture *c, struct block *b)
{
    const struct pcapng *p = c->state;
    if (b->total < BLOCK_MIN || b->total > BLOCK_MAX)
        return CHAIN_ENDS;
    if (b->total > SOURCE_PEEK_MAX)
        return is_other(b->type) ? CHAIN_GOES_ON : CHAIN_ENDS;
    if (!load(c, b, b->total))
        return CHAIN_SHORT;
    if (trailer_agrees(b->bytes, b->total, p->is_big))
        return CHAIN_GOES_ON;
    if (!resync_agrees(c, b->total))
        return CHAIN_ENDS;
    return load(c, b, b->total) ? CHAIN_GOES_ON : CHAIN_SHORT;
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
        return open_section(c, &b, err);
    case BLOCK_IDB:
        return add_interface(c, &b, err);
    case BLOCK_EPB:
    case BLOCK_SPB:
    case BLOCK_PB:
        return packet_block(c, &b, f, delivered, err);
    case BLOCK_ISB:
        note_statistics(c, &b);
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

static void pcapng_chain_begin(const struct capture *c, struct chain *chain)
{
    const struct pcapng *p = c->state;
    chain->time = c->time_base;
    chain->is_big = p->is_big;
    chain->n_faces = c->info.n_interfaces - p->section_first;
}

/* Whether the body of a packet block that is all there agrees with itself and its neighbours. */
static bool chain_packet(const struct capture *c, struct chain *chain, uint32_t type,
                         uint32_t total)
{
    const struct pcapng *p = c->state;
    struct cursor h = cursor_of(chain->p, total - 4);
    struct packet k = {0};
    cursor_skip(&h, BLOCK_HEADER);
    if (type == BLOCK_EPB)
        read_enhanced(&h, chain->is_big, &k);
    else
        read_obsolete(&h, chain->is_big, &k);
    if (h.overrun || k.iface >= chain->n_faces || k.caplen == 0 || k.caplen > k.origlen ||
        k.caplen > cursor_left(&h) || k.origlen > ORIGLEN_MAX)
        return false;
    const size_t index = p->section_first + k.iface;
    if (chain->time_unknown || index >= c->info.n_interfaces)
        return true; /* of a section that was not read yet */
    const instant_ns t = clock_to_instant(&p->clocks.v[index], k.units);
    const bool agrees = resync_times_agree(chain->time, t);
    chain->time = t;
    return agrees;
}

static bool is_known(uint32_t type)
{
    return is_other(type) || type == BLOCK_IDB || type == BLOCK_SPB || type == BLOCK_EPB ||
           type == BLOCK_PB;
}

/* A section header begins anew: byte order and interfaces are its own. */
static bool chain_section(struct chain *chain)
{
    struct cursor h = cursor_of(chain->p, chain->n);
    cursor_skip(&h, BLOCK_HEADER);
    const uint32_t magic = cursor_be32(&h);
    if (magic != SHB_MAGIC && magic != SHB_MAGIC_SWAPPED)
        return false;
    chain->is_big = magic == SHB_MAGIC;
    chain->n_faces = 0;
    chain->time = INSTANT_NONE;
    chain->time_unknown = true;
    return true;
}

static enum chain_step pcapng_chain_next(const struct capture *c, struct chain *chain)
{
    if (chain->n < BLOCK_MIN)
        return CHAIN_SHORT;
    struct cursor h = cursor_of(chain->p, chain->n);
    const uint32_t type = cursor_u32(&h, chain->is_big);
    const bool is_section = type == BLOCK_SHB && chain_section(chain);
    if (!is_section && !is_known(type))
        return CHAIN_ENDS;
    uint32_t total = cursor_u32(&h, chain->is_big);
    if (chain->is_loose && total <= BLOCK_MAX)
        total = (total + 3) / 4 * 4;
    if (total < BLOCK_MIN || total > BLOCK_MAX || total % 4 != 0)
        return CHAIN_ENDS;
    chain->size = total;
    if (total > chain->n)
        return total <= SOURCE_PEEK_MAX / 2 ? CHAIN_SHORT : CHAIN_ENDS;
    const bool is_packet = type == BLOCK_EPB || type == BLOCK_PB;
    if (!trailer_agrees(chain->p, total, chain->is_big) ||
        (is_packet && !chain_packet(c, chain, type, total)))
        return CHAIN_ENDS;
    chain->n_faces += type == BLOCK_IDB;
    return CHAIN_GOES_ON;
}

const struct capture_format capture_format_pcapng = {
    .id = "pcapng",
    .cut_flaw = "pcapng.truncated-tail",
    .probe = pcapng_probe,
    .open = pcapng_open_file,
    .next = pcapng_next_frame,
    .close = pcapng_close_file,
    .chain_begin = pcapng_chain_begin,
    .chain_next = pcapng_chain_next,
};
