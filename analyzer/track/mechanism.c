/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a reset came about: an ordered table of predicates over the scene; the first that holds names
 * the mechanism.  Signatures follow RFC 9293 section 3.5 and what kernels do; no predicate rests on
 * a single odd field.
 */
#include <stdio.h>

#include "analyzer/record/said.h"
#include "analyzer/track/live.h"
#include "analyzer/track/scene.h"

#define GREETING_MAX 2048      /* bytes of a server that speaks first; who takes more came for it */
#define AT_ONCE_NS (NS_PER_S)  /* "at once" for a client that only wanted to see it open */
#define LATE_NS (3 * NS_PER_S) /* a server that never served, seen from its SYN-ACK */
#define WAITED_NS (NS_PER_S / 5) /* a single unanswered probe counts after this long */
#define TIME_TO_READ_NS (NS_PER_S / 20)

static const struct end *own(const struct scene *s)
{
    return &s->end[s->claimed].at;
}

static const struct end *peer(const struct scene *s)
{
    return &s->end[s->other].at;
}

static bool bare(const struct scene *s)
{
    return !(scene_rst(s)->flags & TCP_ACK);
}

static bool own_fin(const struct scene *s)
{
    return own(s)->saw_fin || s->end[s->claimed].fin_implied;
}

static bool trigger_has(const struct scene *s, uint16_t mask, uint16_t want)
{
    return s->trigger && (s->trigger->flags & mask) == want;
}

static bool any_syn_before(const struct scene *s, enum side side)
{
    return s->end[side].at.n_syns > 0;
}

/* ---- the opening ---- */

/* The reset side sent the SYN; what came back acknowledges other numbers. */
static bool is_collision(const struct scene *s)
{
    return bare(s) && any_syn_before(s, s->claimed) && !s->handshake_seen && s->trigger &&
           own(s)->isn_known && s->trigger->ack != own(s)->isn + 1 &&
           (own(s)->n_data_segments == 0 || s->trigger->ack != own(s)->next_seq) &&
           !(peer(s)->n_syns > 0 && !(s->trigger->flags & TCP_ACK)) && !s->synack_seen;
}

static bool is_unexpected_synack(const struct scene *s)
{
    return !any_syn_before(s, s->claimed) && !s->end[s->claimed].spoke &&
           trigger_has(s, TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK);
}

/* The other side sent a SYN, and nothing but this RST came back.  A lone RST+ACK with number 0 has
 * the form that only the answer to a SYN has (RFC 9293 section 3.5.2).  A bare one with a number
 * answers an ACK, and more than a SYN had passed: it was not captured. */
static bool is_refused(const struct scene *s)
{
    const struct segment *rst = scene_rst(s);
    if (s->end[s->claimed].spoke || s->synack_seen)
        return false;
    if (any_syn_before(s, s->other) && !s->handshake_seen)
        return bare(s) ? rst->seq == 0
                       : s->reset->deciding.family == RST_ANSWER || rst->ack == peer(s)->isn + 1;
    return !s->end[s->other].spoke && !bare(s) && rst->seq == 0;
}

static bool prohibits(const struct icmp_note *i)
{
    if (i->is_v6)
        return i->type == 1 && (i->code == 1 || i->code == 5 || i->code == 6);
    return i->type == 3 && (i->code == 9 || i->code == 10 || i->code == 13);
}

static bool icmp_prohibited(const struct scene *s)
{
    for (size_t i = 0; i < s->connection->n_icmp; i++)
        if (prohibits(&s->connection->icmp[i]))
            return true;
    return false;
}

static bool is_rejected_in_path(const struct scene *s)
{
    return is_refused(s) && (s->reset->sender == SIDE_PATH || icmp_prohibited(s));
}

static const struct segment *synack_of(const struct scene *s, enum side side)
{
    for (size_t i = 0; i < s->rst_at; i++) {
        const struct segment *g = &s->connection->segments[i];
        if (g->from == side && (g->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
            return g;
    }
    return NULL;
}

/* Of the client's acknowledgements none was of another number: by them, too, the server had sent
 * nothing behind its SYN-ACK.  Some may have left before the RST and passed after it. */
static bool client_acked_only(const struct scene *s, uint32_t ack)
{
    for (size_t i = 0; i < s->connection->n_kept; i++) {
        const struct segment *g = &s->connection->segments[i];
        if (g->from == SIDE_CLIENT && (g->flags & TCP_ACK) && g->ack != ack)
            return false;
    }
    return true;
}

/* The server never acknowledged anything beyond the SYN and sent nothing, by its RST's number,
 * either.  Its SYN-ACK may not have been captured. */
static bool is_refused_late(const struct scene *s)
{
    const struct segment *synack = synack_of(s, SIDE_SERVER);
    if (s->claimed != SIDE_SERVER || !bare(s) || !s->handshake_seen || own_fin(s))
        return false;
    instant_ns limit = LATE_NS + 2 * s->connection->rtt_ns;
    instant_ns since = synack ? synack->time : peer(s)->syn_time;
    bool served = own(s)->n_data_segments > 0 || (synack && own(s)->acked != peer(s)->isn + 1) ||
                  own(s)->n_segments > own(s)->n_synacks ||
                  !client_acked_only(s, scene_rst(s)->seq);
    return !served && instant_since(scene_rst(s)->time, since) <= limit;
}

/* By the number of its RST, bytes that it had sent may not have been captured. */
static bool had_sent(const struct scene *s, uint32_t first)
{
    return (int32_t)(scene_rst(s)->seq - first) > 0;
}

/* The client answered a SYN-ACK that was not captured: nothing of the server was, and a client that
 * waits for one sends neither ACK nor RST. */
static bool answered_unseen_synack(const struct scene *s)
{
    const struct segment *rst = scene_rst(s);
    return s->syn_seen && own(s)->isn_known && rst->seq == own(s)->isn + 1 &&
           !s->end[s->other].spoke && (bare(s) || client_acked_only(s, rst->ack));
}

static bool is_abandoned_open(const struct scene *s)
{
    const struct segment *synack = synack_of(s, s->other);
    if (s->claimed != SIDE_CLIENT || own(s)->n_data_segments > 0 || own_fin(s) ||
        !(synack ? !had_sent(s, synack->ack) : answered_unseen_synack(s)))
        return false;
    if (!s->handshake_seen)
        return true;
    instant_ns limit = AT_ONCE_NS + 2 * s->connection->rtt_ns;
    instant_ns since = synack ? synack->time : own(s)->syn_time;
    return !peer(s)->saw_fin && peer(s)->bytes <= GREETING_MAX &&
           instant_since(scene_rst(s)->time, since) <= limit;
}

/* ---- past the opening ---- */

static bool is_injected(const struct scene *s)
{
    return s->reset->sender == SIDE_PATH;
}

static bool new_fin(const struct scene *s)
{
    return trigger_has(s, TCP_FIN, TCP_FIN) && !(s->trigger->notes & NOTE_RETRANSMISSION);
}

/* Bytes that were not captured stood before the other end's FIN, and it never acknowledged them:
 * they drew the RST. */
static bool drawn_by_lost_data(const struct scene *s)
{
    const struct end *o = peer(s);
    return end_trouble(&s->connection->end[s->other])->bytes_missing > 0 && o->saw_fin &&
           seq_diff(o->fin_seq, own(s)->acked) > 0;
}

static bool is_stale(const struct scene *s)
{
    bool closed = own_fin(s) && (peer(s)->saw_fin || s->end[s->other].fin_implied);
    return bare(s) && closed && !drawn_by_lost_data(s) &&
           (!s->trigger || (s->trigger->payload_len == 0 && !new_fin(s)));
}

static bool is_gave_up(const struct scene *s)
{
    const struct end_trouble *t = end_trouble(own(s));
    instant_ns waited = instant_since(scene_rst(s)->time, s->end[s->claimed].unanswered_time);
    if (bare(s) || own_fin(s))
        return false;
    if (t->n_unanswered_keepalives + t->n_unanswered_zero_window_probes >= 2)
        return true;
    if (t->n_unanswered_retransmissions >= 2)
        return waited >= WAITED_NS;
    return t->n_unanswered_keepalives + t->n_unanswered_zero_window_probes == 1 &&
           waited >= WAITED_NS + 4 * s->connection->rtt_ns;
}

static bool is_after_close(const struct scene *s)
{
    return bare(s) && own_fin(s);
}

static bool is_no_state(const struct scene *s)
{
    return bare(s) && s->reset->deciding.family == RST_ANSWER && s->trigger &&
           !(s->trigger->flags & TCP_SYN);
}

static uint32_t rst_window(const struct scene *s)
{
    const struct end *e = own(s);
    return (uint32_t)scene_rst(s)->window << e->window_scale;
}

/* Arriving data took the window down, to 0 at the worst, and the RST has it back: what had arrived
 * was thrown away unread (tcp_close purges the queue before it sends the RST). */
static bool window_jumped(const struct scene *s)
{
    uint32_t before = 0, last = 0;
    for (size_t i = 0; i < s->rst_at; i++) {
        const struct segment *g = &s->connection->segments[i];
        if (g->from != s->claimed || (g->flags & (TCP_SYN | TCP_RST)))
            continue;
        if (g->window > before)
            before = g->window;
        last = g->window;
    }
    return last < before && scene_rst(s)->window > last && peer(s)->bytes > 0;
}

/* By its RST's number it had sent more than was captured of it: that may have been its answer. */
static bool last_words_lost(const struct scene *s)
{
    const struct scene_end *e = &s->end[s->claimed];
    return e->at.n_data_segments + e->at.n_synacks > 0 &&
           seq_diff(scene_rst(s)->seq, e->seen_end) > 0;
}

static uint64_t received_since_own_data(const struct scene *s)
{
    const struct scene_end *e = &s->end[s->claimed];
    const struct end *o = peer(s);
    uint32_t top = o->next_seq - (o->saw_fin ? 1 : 0);
    if (o->bytes == 0 || o->n_data_segments == 0 || last_words_lost(s))
        return 0;
    if (e->at.bytes == 0 || e->at.n_data_segments == 0)
        return o->bytes;
    int32_t since = seq_diff(top, e->other_next_at_data);
    return since > 0 ? (uint64_t)since : 0;
}

static bool is_abort_form(const struct scene *s)
{
    return !bare(s) && s->reset->deciding.family == RST_OWNER &&
           (s->end[s->claimed].spoke || s->end[s->other].spoke);
}

/* A client that got its answer, and had all of it or time to read it before it dropped the
 * connection. */
static bool has_read(const struct scene *s)
{
    instant_ns quiet = instant_since(scene_rst(s)->time, peer(s)->last_data_time);
    return s->claimed == SIDE_CLIENT && own(s)->bytes > 0 &&
           (quiet > TIME_TO_READ_NS + 2 * s->connection->rtt_ns ||
            said_answer(s->connection) == HTTP_COMPLETE);
}

static bool is_abort_unread(const struct scene *s)
{
    if (!is_abort_form(s))
        return false;
    return window_jumped(s) || (received_since_own_data(s) > 0 && !has_read(s));
}

static bool holds_always(const struct scene *s)
{
    (void)s;
    return true;
}

/* A RST that fits neither form on a live connection: still its end's, for want of other proof. */
static bool is_abort_at_all(const struct scene *s)
{
    return is_abort_form(s) || (!bare(s) && s->end[s->claimed].spoke);
}

static const struct {
    enum mechanism mechanism;
    bool (*holds)(const struct scene *);
    const char *id, *says;
    const char *kernel[KERNEL_REASONS_MAX];
} table[] = {
    {MECHANISM_COLLISION,
     is_collision,
     "mechanism.old-ack-to-syn",
     "the SYN was answered with an acknowledgement of other numbers: a socket of an earlier "
     "connection was still there",
     {"TCP_INVALID_ACK_SEQUENCE"}},
    {MECHANISM_UNEXPECTED_SYNACK,
     is_unexpected_synack,
     "mechanism.synack-without-syn",
     "it answers a SYN-ACK, and no SYN of that end was captured",
     {"NO_SOCKET"}},
    {MECHANISM_REJECTED_IN_PATH,
     is_rejected_in_path,
     "mechanism.syn-rejected-in-path",
     "the SYN was answered by a device on the way",
     {NULL}},
    {MECHANISM_REFUSED,
     is_refused,
     "mechanism.answers-syn",
     "it answers the SYN: nothing accepts connections there",
     {"NO_SOCKET"}},
    {MECHANISM_INJECTED,
     is_injected,
     "mechanism.from-neither-end",
     "neither end sent it, and the connection was past its opening",
     {NULL}},
    {MECHANISM_REFUSED_LATE,
     is_refused_late,
     "mechanism.server-never-served",
     "the handshake was complete for the client, but the server answered as if it knew nothing of "
     "it",
     {"INVALID_SYN", "NO_SOCKET"}},
    {MECHANISM_ABANDONED_OPEN,
     is_abandoned_open,
     "mechanism.client-sent-nothing",
     "the client reset the connection right after the server's SYN-ACK, without sending data",
     {"NO_SOCKET", "TCP_STATE"}},
    {MECHANISM_STALE,
     is_stale,
     "mechanism.after-both-fins",
     "both ends had closed, and what it answers carried no data",
     {"NO_SOCKET", "TCP_TIMEWAIT_SOCKET", "TCP_FLAGS"}},
    {MECHANISM_GAVE_UP,
     is_gave_up,
     "mechanism.waited-in-vain",
     "its sender had waited for an answer in vain",
     {"TCP_KEEPALIVE_TIMEOUT", "TCP_STATE"}},
    {MECHANISM_AFTER_CLOSE,
     is_after_close,
     "mechanism.own-fin-before",
     "its sender had closed before, and answers what still came in",
     {"TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET"}},
    {MECHANISM_NO_STATE,
     is_no_state,
     "mechanism.unknown-to-its-sender",
     "it answers a segment in the middle of the connection, and no FIN of its sender was captured",
     {"NO_SOCKET", "TCP_FLAGS"}},
    {MECHANISM_ABORT_UNREAD,
     is_abort_unread,
     "mechanism.owner-unread",
     "its sender's program dropped the connection and had not answered the data that had reached "
     "it",
     {"TCP_ABORT_ON_CLOSE", "TCP_STATE"}},
    {MECHANISM_ABORT,
     is_abort_at_all,
     "mechanism.owner",
     "its sender's program dropped the connection: it carries the connection's next byte and an "
     "acknowledgement",
     {"TCP_STATE", "TCP_ABORT_ON_CLOSE", "TCP_ABORT_ON_LINGER"}},
    {MECHANISM_UNDETERMINED,
     holds_always,
     "mechanism.too-little",
     "the capture does not hold enough of the connection to say",
     {NULL}},
};

static const char *kernel_reason_of_mptcp(int16_t reason)
{
    static const char *const names[] = {
        "MPTCP_RST_EUNSPEC", "MPTCP_RST_EMPTCP",   "MPTCP_RST_ERESOURCE", "MPTCP_RST_EPROHIBIT",
        "MPTCP_RST_EWQ2BIG", "MPTCP_RST_EBADPERF", "MPTCP_RST_EMIDDLEBOX"};
    return reason >= 0 && reason < (int)(sizeof names / sizeof *names) ? names[reason] : NULL;
}

static void name_kernel_reasons(const struct reset *r, const char *const from[KERNEL_REASONS_MAX],
                                const char *to[KERNEL_REASONS_MAX])
{
    size_t n = 0;
    const char *mptcp = kernel_reason_of_mptcp(r->deciding.mptcp_reason);
    if (mptcp)
        to[n++] = mptcp;
    for (size_t i = 0; i < KERNEL_REASONS_MAX && from[i] && n < KERNEL_REASONS_MAX - 1; i++)
        to[n++] = from[i];
    to[n] = NULL;
}

static void narrow_kernel_reasons(const struct scene *s, const char *names[KERNEL_REASONS_MAX])
{
    const struct reset *r = s->reset;
    if (r->deciding.mptcp_reason >= 0)
        return;
    if (r->mechanism == MECHANISM_ABANDONED_OPEN) {
        names[0] = bare(s) ? "NO_SOCKET" : "TCP_STATE";
        names[1] = NULL;
    } else if (r->mechanism == MECHANISM_GAVE_UP &&
               end_trouble(own(s))->n_unanswered_keepalives == 0) {
        names[0] = "TCP_STATE";
        names[1] = NULL;
    } else if (r->mechanism == MECHANISM_ABORT) {
        names[own_fin(s) ? 3 : peer(s)->bytes > 0 ? 2 : 1] = NULL;
    }
}

static void tell_kernel_reasons(const struct scene *s, const char *const from[KERNEL_REASONS_MAX])
{
    const char *names[KERNEL_REASONS_MAX] = {NULL};
    name_kernel_reasons(s->reset, from, names);
    narrow_kernel_reasons(s, names);
    uint64_t key = 0;
    for (size_t i = 0; i < KERNEL_REASONS_MAX && names[i]; i++)
        key = intern_key(text_of(names[i]), key);
    s->reset->kernel_reasons = intern_by_key(s->intern, s->arena, names, sizeof names, key);
}

static void say_unread(struct scene *s)
{
    struct reset *r = s->reset;
    uint64_t since = received_since_own_data(s);
    bool jumped = window_jumped(s);
    r->unread_bytes = since;
    r->window_reopened = jumped;
    if (jumped && since == 0) {
        uint32_t last = own(s)->last_window, now = rst_window(s);
        r->unread_bytes = now > last ? now - last : 0;
    }
    if (jumped)
        scene_say(
            s, scene_rst(s)->frame, "mechanism.window-jump", 0,
            "the receive window had shrunk as data arrived and is open again in the RST, as when "
            "what had arrived is thrown away unread");
    if (since > 0)
        scene_say(s, 0, "mechanism.data-after-own", 0,
                  "%llu bytes had come after the last that it sent itself",
                  (unsigned long long)since);
}

static void say_waiting(struct scene *s)
{
    const struct scene_end *e = &s->end[s->claimed];
    const struct end_trouble *t = end_trouble(&e->at);
    const struct {
        uint32_t n;
        const char *what;
    } sent[] = {
        {t->n_unanswered_keepalives, "keep-alive probe"},
        {t->n_unanswered_retransmissions, "retransmission"},
        {t->n_unanswered_zero_window_probes, "zero-window probe"},
    };
    char list[128];
    size_t n = 0;
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++)
        if (sent[i].n > 0)
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%u %s%s", n > 0 ? ", " : "",
                                  sent[i].n, sent[i].what, sent[i].n > 1 ? "s" : "");
    if (n > 0)
        scene_say(s, e->unanswered_frame, "mechanism.unanswered", 0,
                  "without the answer that it waited for: %s", list);
}

void scene_judge_mechanism(struct scene *s)
{
    size_t i = 0;
    while (!table[i].holds(s))
        i++;
    struct reset *r = s->reset;
    r->mechanism = table[i].mechanism;
    scene_state(s, s->trigger ? s->trigger->frame : scene_rst(s)->frame, table[i].id, 0,
                table[i].says);
    if (s->reasons)
        tell_kernel_reasons(s, table[i].kernel);
    if (r->mechanism == MECHANISM_REFUSED_LATE)
        r->phase = PHASE_OPENING; /* the server never had it open */
    if (r->mechanism == MECHANISM_ABORT_UNREAD)
        say_unread(s);
    if (r->mechanism == MECHANISM_ABORT)
        r->unread_bytes = received_since_own_data(s); /* possibly: it had time to read them */
    if (r->mechanism == MECHANISM_GAVE_UP)
        say_waiting(s);
}
