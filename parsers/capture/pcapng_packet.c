/* SPDX-License-Identifier: Apache-2.0 */
/* The three kinds of pcapng blocks that hold a frame. */
#include "parsers/capture/linktype.h"
#include "parsers/capture/pcapng.h"

#define EPB_DATA 28 /* behind the fields of an enhanced block */
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

bool pcapng_packet_may_be_large(struct capture *c, struct block *b, bool is_framed)
{
    const struct pcapng *p = c->state;
    const bool is_packet = b->type == BLOCK_EPB || b->type == BLOCK_SPB || b->type == BLOCK_PB;
    struct packet_head k;
    if (!is_packet || !block_load(c, b, EPB_MIN) || !read_packet(c, b, &k) ||
        k.iface >= c->info.n_interfaces - p->section_first)
        return false;
    const int link_type = c->info.interfaces[p->section_first + k.iface].link_type;
    return is_framed || (linktype_is_bulky(link_type) && b->total - k.caplen <= SOURCE_PEEK_MAX);
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
    const size_t index = p->section_first + k->iface;
    capture_describe(c, (uint32_t)index, f);
    f->caplen = k->caplen;
    f->origlen = k->origlen;
    f->data = b->bytes + k->data_at;
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
    if (b->total > SOURCE_PEEK_MAX || f->caplen > linktype_frame_max(f->link_type))
        return skip_unusable(c, b, "pcapng.frame-too-large", err);
    note_oddities(c, b, f);
    capture_deliver(c, f, b->total);
    *delivered = true;
    return CAPTURE_FRAME;
}

/* What the blocks of a run have in common. */
struct pattern {
    bool is_big;
    uint32_t iface;       /* within the section */
    uint32_t caplen_most; /* more is a flaw */
    struct tick tick;
};

/* Whether the run goes on with the block at bytes, of which n are at hand: an enhanced one that
 * gives no cause to look twice, at a time near the one before.  Its frame goes to *own. */
static inline bool take_block(const struct pattern *p, const uint8_t *bytes, size_t n,
                              instant_ns before, struct frame_own *own)
{
    if (n < EPB_MIN || word_at(bytes, 0, p->is_big) != BLOCK_EPB ||
        word_at(bytes, 8, p->is_big) != p->iface)
        return false;
    const uint32_t total = word_at(bytes, 4, p->is_big);
    const uint64_t units =
        (uint64_t)word_at(bytes, 12, p->is_big) << 32 | word_at(bytes, 16, p->is_big);
    *own = (struct frame_own){.time =
                                  (instant_ns)(units * p->tick.multiply + (uint64_t)p->tick.add_ns),
                              .data = bytes + EPB_DATA,
                              .caplen = word_at(bytes, 20, p->is_big),
                              .origlen = word_at(bytes, 24, p->is_big)};
    return total <= n && total % 4 == 0 && (uint64_t)own->caplen + EPB_MIN <= total &&
           word_at(bytes, total - 4, p->is_big) == total && own->caplen <= own->origlen &&
           own->caplen <= p->caplen_most && units <= p->tick.units_max &&
           resync_times_near(before, own->time);
}

static inline bool take_run(struct capture *c, struct pattern p, struct frame_run *run, size_t max)
{
    const uint8_t *bytes;
    const size_t n_bytes = source_at_hand(c->source, &bytes);
    instant_ns before = c->time_base;
    size_t n = 0, at = 0;
    for (; n < max && take_block(&p, bytes + at, n_bytes - at, before, &run->v[n]); n++) {
        before = run->v[n].time;
        at += word_at(bytes, at + 4, p.is_big);
    }
    if (n == 0)
        return false;
    run->trail = (struct frame_trail){bytes + at, n_bytes - at, 4, 0};
    capture_deliver_run(c, run, n, at);
    return true;
}

/* Of the interface that the next block names. */
bool pcapng_at_hand(struct capture *c, struct frame_run *run, size_t max)
{
    const struct pcapng *p = c->state;
    const uint8_t *bytes;
    if (source_at_hand(c->source, &bytes) < EPB_MIN || c->time_base == INSTANT_NONE)
        return false;
    struct pattern like = {.is_big = p->is_big, .iface = word_at(bytes, 8, p->is_big)};
    const size_t index = p->section_first + like.iface;
    if (index >= c->info.n_interfaces || !clock_tick(&p->clocks.v[index], &like.tick))
        return false;
    capture_describe(c, (uint32_t)index, &run->first);
    like.caplen_most = linktype_frame_max(run->first.link_type);
    if (run->first.snaplen != 0 && run->first.snaplen < like.caplen_most)
        like.caplen_most = run->first.snaplen;
    if (like.is_big)
        return take_run(c, like, run, max);
    like.is_big = false; /* as a constant */
    return take_run(c, like, run, max);
}
