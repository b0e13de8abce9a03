/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A firewall's log line about one packet, and the very packet among those that are kept of a
 * connection: the same sender, the same IP identification and, where the line states them, the same
 * sequence and acknowledgement numbers.  Two packets that fit are none.
 */
#include "analyzer/correlate/correlate_parts.h"
#include "parsers/packet/packet.h"

static bool is_packet_line(const struct event *e)
{
    return (e->has_ip_id || e->has_seq) && (text_eq(e->kind, TEXT("kernel.netfilter-log")) ||
                                            text_eq(e->kind, TEXT("kernel.conntrack-invalid")));
}

/* "ACK PSH " as the kernel writes them; lines without flags name none. */
static bool flags_agree(const struct event *e, const struct segment *g)
{
    static const struct {
        const char *word;
        unsigned flag;
    } flags[] = {{"SYN ", TCP_SYN}, {"FIN ", TCP_FIN}, {"RST ", TCP_RST}, {"ACK ", TCP_ACK}};
    struct text said = event_field(e, "flags");
    for (size_t i = 0; said.n > 0 && i < sizeof flags / sizeof flags[0]; i++)
        if ((text_find(said, text_of(flags[i].word), 0) != SIZE_MAX) !=
            ((g->flags & flags[i].flag) != 0))
            return false;
    return true;
}

/* A zero identification says nothing: then the numbers must. */
static bool is_the_packet(const struct event *e, const struct segment *g)
{
    bool by_id = e->has_ip_id && e->ip_id != 0;
    if (!by_id && !e->has_seq)
        return false;
    if (by_id && (!g->has_ip_id || g->ip_id != e->ip_id))
        return false;
    if (e->has_seq && (g->seq != e->tcp_seq || ((g->flags & TCP_ACK) && g->ack != e->tcp_ack)))
        return false;
    return flags_agree(e, g);
}

const struct segment *packet_of_line(const struct event *e, const struct reset *r)
{
    const struct connection *k = reset_connection(r);
    const struct segment *found = NULL;
    if (!is_packet_line(e))
        return NULL;
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *g = &k->segments[i];
        if (!endpoint_eq(&k->end[g->from].at, &e->src) || !is_the_packet(e, g))
            continue;
        if (found && found->time != g->time)
            return NULL;
        found = g;
    }
    return found;
}

instant_ns packet_time(const struct correlation *c, const struct event *e, uint32_t record)
{
    const struct roster *r = &c->roster;
    if (!is_packet_line(e))
        return INSTANT_NONE;
    for (uint32_t k = r->reset_from[record]; k < r->reset_from[record + 1]; k++) {
        const struct segment *g = packet_of_line(e, r->reset_at[k]);
        if (g)
            return roster_time(r, record, g->time);
    }
    return INSTANT_NONE;
}
