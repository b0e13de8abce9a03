/* SPDX-License-Identifier: Apache-2.0 */
/* The three kinds of pcapng blocks that hold a frame. */
#include "parsers/capture/linktype.h"
#include "parsers/capture/pcapng.h"

#define EPB_MIN 32
#define SPB_MIN 16

static void read_enhanced(struct cursor *h, bool is_big, struct packet_head *k)
{
    k->iface = cursor_u32(h, is_big);
    k->units = (uint64_t)cursor_u32(h, is_big) << 32;
    k->units |= cursor_u32(h, is_big);
    k->has_time = true;
    k->caplen = cursor_u32(h, is_big);
    k->origlen = cursor_u32(h, is_big);
}

/* Obsolete: as the enhanced block, but 16 bits of interface and 16 bits of a drop count. */
static void read_obsolete(struct cursor *h, bool is_big, struct packet_head *k)
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

void pcapng_read_head(struct cursor *h, uint32_t type, bool is_big, struct packet_head *k)
{
    if (type == BLOCK_EPB)
        read_enhanced(h, is_big, k);
    else
        read_obsolete(h, is_big, k);
}

/* Simple: interface 0, no time, no captured length: all of it up to the snaplen. */
static void read_simple(struct capture *c, struct cursor *h, struct packet_head *k)
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

static bool read_packet(struct capture *c, const struct block *b, struct packet_head *k)
{
    const struct pcapng *p = c->state;
    struct cursor h = cursor_of(b->bytes, b->n);
    cursor_skip(&h, BLOCK_HEADER);
    *k = (struct packet_head){0};
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
    const uint64_t number = c->info.n_numbered + 1;
    if (!b->trailer_agrees)
        flaws_add(c->flaws, "pcapng.trailer-mismatch", number);
    if (f->caplen > f->origlen)
        flaws_add(c->flaws, "pcapng.caplen-over-origlen", number);
    if (f->snaplen != 0 && f->caplen > f->snaplen)
        flaws_add(c->flaws, "pcapng.caplen-over-snaplen", number);
}

static void fill_frame(struct capture *c, const struct block *b, const struct packet_head *k,
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

enum capture_step pcapng_packet(struct capture *c, struct block *b, struct frame *f,
                                bool *delivered, struct error *err)
{
    const struct pcapng *p = c->state;
    if (b->total < (b->type == BLOCK_SPB ? SPB_MIN : EPB_MIN))
        return capture_break(c, "pcapng.broken-block", err);
    struct packet_head k;
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
