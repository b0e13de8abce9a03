/* SPDX-License-Identifier: Apache-2.0 */
/* What a pcapng section says of itself: its header, its interfaces, and what they lost. */
#include "parsers/capture/pcapng.h"

#define STATISTICS_MAX 4096u
#define SHB_MIN 28
#define IDB_MIN 20

static bool section_is_sane(const struct block *b, bool is_big)
{
    struct cursor h = cursor_of(b->bytes, b->n);
    cursor_skip(&h, BLOCK_HEADER);
    uint32_t magic = cursor_u32(&h, is_big);
    uint16_t major = cursor_u16(&h, is_big);
    return magic == SHB_MAGIC && major == 1;
}

enum capture_step pcapng_open_section(struct capture *c, struct block *b, struct error *err)
{
    struct pcapng *p = c->state;
    if (b->total < SHB_MIN)
        return capture_break(c, "pcapng.broken-block", err);
    if (!block_load(c, b, SHB_MIN - 4))
        return capture_cut(c, err);
    if (!section_is_sane(b, p->is_big))
        return capture_break(c, "pcapng.broken-block", err);
    c->info.n_sections++;
    c->n_changes++;
    c->info.variant = p->is_big ? "big-endian" : "";
    p->section_first = c->info.n_interfaces;
    return block_pass(c, b, err);
}

static enum capture_step too_many_interfaces(struct capture *c, const struct block *b,
                                             struct error *err)
{
    flaws_add(c->flaws, "pcapng.too-many-interfaces", c->info.n_numbered + 1);
    return capture_skip(c, CAPTURE_SKIP_UNUSABLE, b->total) ? CAPTURE_FRAME : capture_cut(c, err);
}

enum capture_step pcapng_add_interface(struct capture *c, struct block *b, struct error *err)
{
    struct pcapng *p = c->state;
    if (b->total < IDB_MIN)
        return capture_break(c, "pcapng.broken-block", err);
    size_t want = b->total < SOURCE_PEEK_MAX ? b->total : SOURCE_PEEK_MAX;
    if (!block_load(c, b, want))
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
    return block_pass(c, b, err);
}

/* What an interface says that it lost; its blocks count from the beginning. */
void pcapng_note_statistics(struct capture *c, struct block *b)
{
    const struct pcapng *p = c->state;
    uint32_t index;
    uint64_t n_dropped;
    if (b->total < BLOCK_MIN + 12 || b->total > STATISTICS_MAX || !block_load(c, b, b->total))
        return;
    struct cursor body = cursor_of(b->bytes + BLOCK_HEADER, b->total - BLOCK_MIN);
    if (!interface_dropped(body, p->is_big, &index, &n_dropped) ||
        index >= c->info.n_interfaces - p->section_first)
        return;
    struct capture_interface *i = &c->info.interfaces[p->section_first + index];
    if (n_dropped > i->n_dropped)
        i->n_dropped = n_dropped;
}
