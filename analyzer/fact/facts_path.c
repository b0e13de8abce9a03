/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the path: what became of the RST and of the segment that drew it between two
 * captures, and the published signatures of injected resets.  Each describes; only several of them
 * together say who sent a RST, and the tracker has weighed them.
 *
 * "weaver": Weaver, Sommer, Paxson, Detecting Forged TCP Reset Packets (NDSS 2009).  "tampering":
 * Sundara Raman et al., Global, Passive Detection of Connection Tampering (SIGCOMM 2023): what a
 * server receives in a client's name, up to the RSTs.
 */
#include "analyzer/fact/fact_make.h"
#include "analyzer/track/missed.h"
#include "parsers/packet/packet.h"

#define AT_ONCE_NS (NS_PER_S / 1000)
#define BURST_NS (NS_PER_S / 2)

static const char *const fate_choices[] = {"unknown",   "seen",   "altered",
                                           "swallowed", "forged", NULL};
static const char *const tampering_choices[] = {"none",
                                                "syn/rst",
                                                "syn/rst+ack",
                                                "syn/rst,rst+ack",
                                                "syn,ack/rst",
                                                "syn,ack/rst,rst",
                                                "syn,ack/rst+ack",
                                                "syn,ack/rst+ack,rst+ack",
                                                "psh+ack/rst",
                                                "psh+ack/rst+ack",
                                                "psh+ack/rst,rst+ack",
                                                "psh+ack/rst+ack,rst+ack",
                                                "psh+ack/rst=rst",
                                                "psh+ack/rst!=rst",
                                                "psh+ack/rst,rst-0",
                                                "psh+ack,data/rst",
                                                "psh+ack,data/rst+ack",
                                                NULL};

static int32_t seq_apart(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static const struct segment *segment_at(const struct reset *r, uint64_t frame)
{
    const struct connection *k = frame != 0 ? reset_connection(r) : NULL;
    for (size_t i = 0; k && i < k->n_kept; i++)
        if (k->segments[i].frame == frame)
            return &k->segments[i];
    return NULL;
}

/* ---- fates ---- */

static struct fact fate_at(const struct reset *r, uint64_t frame)
{
    const struct packet_fate *best = reset_fate_at(r, frame);
    if (!best)
        return unknown("no capture of another place can tell");
    return fact_name_of(r, fate_name(best->fate), frame);
}

static struct fact rst_fate(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fate_at(r, rst_frame(r));
}

static struct fact trigger_fate(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (r->trigger_frame == 0)
        return unknown("no captured segment is answered by the RST");
    return fate_at(r, r->trigger_frame);
}

static struct fact missed(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct segment *t = segment_at(r, r->trigger_frame);
    if (!t || t->payload_len == 0)
        return unknown("no captured payload is answered by the RST");
    return fact_bool(r, trigger_missed(reset_connection(r), t, &r->deciding.segment), t->frame);
}

/* ---- what it has in common with the segment that drew it ---- */

static struct fact copies_id(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct segment *t = segment_at(r, r->trigger_frame), *rst = &r->deciding.segment;
    if (!t || !rst->has_ip_id || !t->has_ip_id)
        return unknown("no IPv4 segment that the RST answers was captured");
    return fact_bool(r, rst->ip_id != 0 && rst->ip_id == t->ip_id, rst->frame);
}

static struct fact copies_window(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct segment *t = segment_at(r, r->trigger_frame), *rst = &r->deciding.segment;
    if (!t)
        return unknown("no segment that the RST answers was captured");
    return fact_bool(r, rst->window != 0 && rst->window == t->window, rst->frame);
}

static struct fact both_at_once(const struct case_file *c, const struct reset *r)
{
    (void)c;
    for (size_t i = 0; i < r->n_rsts; i++) {
        const struct segment *g = &r->rsts[i].segment;
        const instant_ns after = instant_since(g->time, r->deciding.segment.time);
        if (g->from != r->deciding.segment.from && after >= 0 && after <= AT_ONCE_NS)
            return fact_bool(r, true, g->frame);
    }
    return fact_bool(r, false, rst_frame(r));
}

/* ---- NDSS 2009 ---- */

/* Data in the same name, not below the RST, after it. */
static struct fact rst_seq_data(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct segment *rst = &r->deciding.segment;
    for (size_t i = 0; i < reset_connection(r)->n_kept; i++) {
        const struct segment *g = &reset_connection(r)->segments[i];
        if (g->frame > rst->frame && g->from == rst->from && g->payload_len > 0 &&
            !(g->flags & (TCP_RST | TCP_SYN)) && seq_apart(g->seq, rst->seq) >= 0)
            return fact_bool(r, true, g->frame);
    }
    return fact_bool(r, false, rst->frame);
}

/* The RST lies below data that its alleged sender had sent before. */
static struct fact data_seq_rst(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct segment *rst = &r->deciding.segment;
    for (size_t i = 0; i < reset_connection(r)->n_kept; i++) {
        const struct segment *g = &reset_connection(r)->segments[i];
        if (g->frame < rst->frame && g->from == rst->from && g->payload_len > 0 &&
            !(g->flags & (TCP_RST | TCP_SYN)) && seq_apart(g->seq + g->payload_len, rst->seq) > 0)
            return fact_bool(r, true, g->frame);
    }
    return fact_bool(r, false, rst->frame);
}

typedef bool change_fn(const struct reset *r, const struct segment *a, const struct segment *b);

/* Whether a RST and the next one in the same name, close behind it, differ so. */
static struct fact changes(const struct reset *r, change_fn *differ)
{
    const struct segment *last = NULL;
    for (size_t i = 0; i < r->n_rsts; i++) {
        const struct segment *g = &r->rsts[i].segment;
        if (g->from != r->deciding.segment.from)
            continue;
        const instant_ns after = last ? instant_since(g->time, last->time) : INSTANT_NONE;
        if (after != INSTANT_NONE && after <= BURST_NS && differ(r, last, g))
            return fact_bool(r, true, g->frame);
        last = g;
    }
    return fact_bool(r, false, rst_frame(r));
}

/* Rising, and above all that its alleged sender had sent. */
static bool seq_rises(const struct reset *r, const struct segment *a, const struct segment *b)
{
    return seq_apart(b->seq, a->seq) > 0 &&
           seq_apart(b->seq, reset_connection(r)->end[b->from].next_seq) > 0;
}

static bool ack_changes(const struct reset *r, const struct segment *a, const struct segment *b)
{
    (void)r;
    return (a->flags & b->flags & TCP_ACK) && a->ack != b->ack;
}

static struct fact rst_seq_change(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return changes(r, seq_rises);
}

static struct fact rst_ack_change(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return changes(r, ack_changes);
}

/* A RST in the client's name on its own SYN, before any answer. */
static struct fact syn_rst(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct end *client = &reset_connection(r)->end[SIDE_CLIENT];
    bool only_syns =
        client->n_syns > 0 && client->n_segments == (uint64_t)client->n_syns + client->n_rsts;
    return fact_bool(r, r->claimed == SIDE_CLIENT && only_syns && !reset_connection(r)->synack_seen,
                     rst_frame(r));
}

/* ---- SIGCOMM 2023 ---- */

struct inbound { /* what came in the client's name */
    unsigned n_syns, n_acks, n_data, n_rsts, n_rst_acks;
    bool same_ack, zero_ack; /* of the bare RSTs' ack fields */
};

static void count_rst(struct inbound *in, const struct segment *g, uint32_t *ack)
{
    if (g->flags & TCP_ACK) {
        in->n_rst_acks++;
        return;
    }
    if (in->n_rsts > 0) {
        in->same_ack &= g->ack == *ack;
        in->zero_ack |= (g->ack == 0) != (*ack == 0);
    }
    *ack = g->ack;
    in->n_rsts++;
}

static struct inbound inbound_of(const struct reset *r)
{
    struct inbound in = {.same_ack = true};
    uint32_t ack = 0;
    for (size_t i = 0; i < reset_connection(r)->n_kept; i++) {
        const struct segment *g = &reset_connection(r)->segments[i];
        if (g->from != SIDE_CLIENT || g->frame >= rst_frame(r))
            continue;
        if (g->flags & TCP_SYN)
            in.n_syns++;
        else if (g->payload_len > 0)
            in.n_data += !(g->notes & NOTE_RETRANSMISSION);
        else
            in.n_acks += (g->flags & TCP_ACK) != 0;
    }
    for (size_t i = 0; i < r->n_rsts; i++)
        if (r->rsts[i].segment.from == SIDE_CLIENT)
            count_rst(&in, &r->rsts[i].segment, &ack);
    return in;
}

static const char *after_syn(const struct inbound *in)
{
    if (in->n_rsts && in->n_rst_acks)
        return "syn/rst,rst+ack";
    return in->n_rsts ? "syn/rst" : "syn/rst+ack";
}

static const char *after_ack(const struct inbound *in)
{
    if (in->n_rsts && in->n_rst_acks)
        return "none";
    if (in->n_rsts)
        return in->n_rsts > 1 ? "syn,ack/rst,rst" : "syn,ack/rst";
    return in->n_rst_acks > 1 ? "syn,ack/rst+ack,rst+ack" : "syn,ack/rst+ack";
}

static const char *after_data(const struct inbound *in)
{
    if (in->n_rsts && in->n_rst_acks)
        return "psh+ack/rst,rst+ack";
    if (in->n_rst_acks)
        return in->n_rst_acks > 1 ? "psh+ack/rst+ack,rst+ack" : "psh+ack/rst+ack";
    if (in->n_rsts == 1)
        return "psh+ack/rst";
    return in->zero_ack   ? "psh+ack/rst,rst-0"
           : in->same_ack ? "psh+ack/rst=rst"
                          : "psh+ack/rst!=rst";
}

static struct fact tampering(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (r->claimed != SIDE_CLIENT)
        return unknown("the RST does not carry the client's address");
    if (reset_connection(r)->began_mid_stream ||
        reset_connection(r)->n_kept < reset_connection(r)->n_segments)
        return unknown("not all of the connection was kept");
    struct inbound in = inbound_of(r);
    bool closed = r->phase == PHASE_HALF_CLOSED || r->phase == PHASE_CLOSED;
    const char *name = "none";
    if (closed || in.n_syns == 0)
        name = "none";
    else if (in.n_data == 0)
        name = in.n_acks == 0 ? after_syn(&in) : after_ack(&in);
    else if (in.n_data == 1)
        name = after_data(&in);
    else if (!in.n_rsts != !in.n_rst_acks)
        name = in.n_rsts ? "psh+ack,data/rst" : "psh+ack,data/rst+ack";
    return fact_name_of(r, name, rst_frame(r));
}

/* Fates are told where captures of two places hold a packet. */
static bool one_capture(const struct case_file *c)
{
    return c->n_captures < 2;
}

static const struct fact_plain_row plain[] = {{rst_fate, NULL, one_capture},
                                              {trigger_fate, NULL, one_capture}};

static const struct fact_def rows[] = {
    {"rst.fate", FACT_ENUM, FACT_OF_KIND | FACT_HEARS_BOTH, fate_choices,
     "the RST between two captures: forged is in none nearer to its alleged sender", rst_fate},
    {"trigger.missed", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "the alleged sender of the RST talked on without acknowledging the payload that drew it",
     missed},
    {"trigger.fate", FACT_ENUM, 0, fate_choices,
     "the segment that the RST answers, between two captures: swallowed never arrived",
     trigger_fate},
    {"rst.copies-id", FACT_BOOL, 0, NULL,
     "the RST's IP identification is that of the segment which it answers", copies_id},
    {"rst.copies-window", FACT_BOOL, 0, NULL,
     "the RST's window is that of the segment which it answers, and not 0", copies_window},
    {"rst.both-at-once", FACT_BOOL, FACT_OF_KIND, NULL,
     "RSTs in both ends' names within a millisecond", both_at_once},
    {"weaver.rst-seq-data", FACT_BOOL, FACT_OF_KIND, NULL,
     "data at or above the RST's number followed it in the same name (NDSS 2009)", rst_seq_data},
    {"weaver.data-seq-rst", FACT_BOOL, FACT_OF_KIND, NULL,
     "the RST's number lies below data sent before it in the same name (NDSS 2009)", data_seq_rst},
    {"weaver.rst-seq-change", FACT_BOOL, FACT_OF_KIND, NULL,
     "of two RSTs in a row the second lies higher, above all that was sent (NDSS 2009)",
     rst_seq_change},
    {"weaver.rst-ack-change", FACT_BOOL, FACT_OF_KIND, NULL,
     "two RSTs in a row acknowledge different numbers (NDSS 2009)", rst_ack_change},
    {"weaver.syn-rst", FACT_BOOL, FACT_OF_KIND, NULL,
     "a RST in the client's name came on its SYN, before any answer (NDSS 2009)", syn_rst},
    {"path.tampering", FACT_ENUM, 0, tampering_choices,
     "which signature of connection tampering it has (SIGCOMM 2023)", tampering},
};

const struct fact_rows facts_path = {.rows = rows,
                                     .n = sizeof rows / sizeof rows[0],
                                     .plain = plain,
                                     .n_plain = sizeof plain / sizeof plain[0]};
