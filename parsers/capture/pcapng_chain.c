/* SPDX-License-Identifier: Apache-2.0 */
/* Whether sound pcapng blocks follow one another behind damage, judged by what frames them. */
#include "parsers/capture/pcapng.h"

void pcapng_chain_begin(const struct capture *c, struct chain *chain)
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
    struct packet_head k = {0};
    cursor_skip(&h, BLOCK_HEADER);
    pcapng_read_head(&h, type, chain->is_big, &k);
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
    return block_is_other(type) || type == BLOCK_IDB || type == BLOCK_SPB || type == BLOCK_EPB ||
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

enum chain_step pcapng_chain_next(const struct capture *c, struct chain *chain)
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
    if (!block_trailer_agrees(chain->p, total, chain->is_big) ||
        (is_packet && !chain_packet(c, chain, type, total)))
        return CHAIN_ENDS;
    chain->n_faces += type == BLOCK_IDB;
    return CHAIN_GOES_ON;
}
