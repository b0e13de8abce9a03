/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the deciding RST: who, when, which form.  They repeat the tracker's verdict with its
 * frame; nothing is decided here.
 */
#include "analyzer/fact/fact_make.h"
#include "analyzer/track/live.h"

#define AHEAD_MAX (1 << 24) /* bytes that a sender may have out; what is more is a guess */

static const char *const side_choices[] = {"client", "server", "path", NULL};
static const char *const phase_choices[] = {"unknown",     "opening", "idle-open", "active",
                                            "half-closed", "closed",  NULL};
static const char *const mechanism_choices[] = {
    "undetermined",     "refused",        "refused-late",
    "rejected-in-path", "abandoned-open", "unexpected-synack",
    "collision",        "abort",          "abort-unread",
    "after-close",      "no-state",       "gave-up",
    "injected",         "stale",          NULL};
static const char *const family_choices[] = {"owner", "answer", "neither", NULL};
static const char *const validity_choices[] = {"unverifiable", "exact", "in-window",
                                               "out-of-window", NULL};

static struct fact sender(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_name_of(r, side_name(r->sender), rst_frame(r));
}

static struct fact claimed(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_name_of(r, side_name(r->claimed), rst_frame(r));
}

static struct fact sender_confidence(const struct case_file *c, const struct reset *r)
{
    (void)c;
    struct fact f = fact_number(r, 0, rst_frame(r));
    f.as.real = r->sender_confidence;
    return f;
}

static struct fact phase(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_name_of(r, phase_name(r->phase), rst_frame(r));
}

static struct fact mechanism(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_name_of(r, mechanism_name(r->mechanism), rst_frame(r));
}

static struct fact family(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_name_of(r, rst_family_name(r->deciding.family), rst_frame(r));
}

static struct fact validity(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_name_of(r, rst_validity_name(r->deciding.validity), rst_frame(r));
}

static struct fact killed(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, r->killed, rst_frame(r));
}

static struct fact when(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_number(r, r->deciding.segment.time, rst_frame(r));
}

static struct fact text(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_words(r, r->deciding.payload, rst_frame(r));
}

static struct fact has_ack(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, (r->deciding.segment.flags & TCP_ACK) != 0, rst_frame(r));
}

/* Whether the other end's FIN had come before the RST was sent, whatever came first here. */
static struct fact knows_fin(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct end *other = &reset_connection(r)->end[r->claimed == SIDE_CLIENT];
    if (!other->saw_fin || !(r->deciding.segment.flags & TCP_ACK))
        return unknown("it has no acknowledgement, or the other end sent no FIN");
    return fact_bool(r, seq_diff(r->deciding.segment.ack, other->fin_seq) > 0, rst_frame(r));
}

static struct fact window(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_number(r, r->deciding.segment.window, rst_frame(r));
}

/* What a kernel sends for itself bears one, unless flow labels are off; netfilter's reject none. */
static bool flow_label_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c;
    *out = r->deciding.segment.flow_label;
    return !r->deciding.segment.has_ip_id;
}

static struct fact flow_label(const struct case_file *c, const struct reset *r)
{
    return fact_of_number(flow_label_plain, c, r, "IPv4 has no flow label");
}

static bool label_missing_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c;
    *out = r->label_missing;
    return !r->deciding.segment.has_ip_id;
}

static struct fact label_missing(const struct case_file *c, const struct reset *r)
{
    return fact_of_truth(label_missing_plain, c, r, "IPv4 has no flow label");
}

static struct fact looks_own(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, r->looks_own, rst_frame(r));
}

static bool alike_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c;
    *out = r->alike;
    return true;
}

static struct fact alike(const struct case_file *c, const struct reset *r)
{
    return fact_of_truth(alike_plain, c, r, "");
}

/* Whether the capture went on until a SYN that got no answer comes again: after a second (RFC 6298
 * section 2.1). */
static bool saw_what_followed(const struct case_file *c, const struct reset *r)
{
    const struct case_capture *first = &c->captures[case_series(c, reset_capture(r))];
    const struct case_capture *last = first + (first->n_files > 1 ? first->n_files - 1 : 0);
    return instant_since(last->last, r->deciding.segment.time) > NS_PER_S + NS_PER_S / 10;
}

static struct fact tried_again(const struct case_file *c, const struct reset *r)
{
    if (!r->tried_again && !saw_what_followed(c, r))
        return unknown("the capture ends before the SYN would have come again");
    return fact_bool(r, r->tried_again, rst_frame(r));
}

static struct fact count(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_number(r, (int64_t)r->n_rsts, rst_frame(r));
}

static struct fact both_ways(const struct case_file *c, const struct reset *r)
{
    (void)c;
    for (size_t i = 0; i < r->n_rsts; i++)
        if (r->rsts[i].segment.from != r->deciding.segment.from)
            return fact_bool(r, true, r->rsts[i].segment.frame);
    for (size_t i = 0; i < reset_ties(r)->n_fates; i++) /* another capture holds the other end's */
        if (reset_ties(r)->fates[i].is_rst && reset_ties(r)->fates[i].fate == FATE_FORGED &&
            reset_ties(r)->fates[i].from != r->deciding.segment.from)
            return fact_bool(r, true, rst_frame(r));
    return fact_bool(r, false, rst_frame(r));
}

static struct fact mptcp_reason(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (r->deciding.mptcp_reason < 0)
        return unknown("the RST carries no MP_TCPRST option");
    return fact_number(r, r->deciding.mptcp_reason, rst_frame(r));
}

static struct fact options_cut(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, r->deciding.mptcp_reason == MPTCP_REASON_CUT, rst_frame(r));
}

static bool since_trigger_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c;
    *out = r->since_trigger_ns;
    return r->since_trigger_ns != INSTANT_NONE;
}

static struct fact since_trigger(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (r->since_trigger_ns == INSTANT_NONE)
        return unknown("no captured segment is answered by the RST");
    return fact_number(r, r->since_trigger_ns, r->trigger_frame);
}

static struct fact unread_bytes(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_number(r, (int64_t)r->unread_bytes, rst_frame(r));
}

/* One past the highest number of the end that the capture holds; false: it holds none. */
static bool captured_end(const struct connection *k, enum side side, uint32_t *end)
{
    bool any = false;
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *s = &k->segments[i];
        const uint32_t after =
            s->seq + s->payload_len + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
        if (s->from != (uint8_t)side || (s->flags & TCP_RST))
            continue;
        if (!any || seq_diff(after, *end) > 0)
            *end = after;
        any = true;
    }
    return any;
}

static struct fact got_uncaptured(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct segment *s = &r->deciding.segment;
    uint32_t end = 0;
    if (!(s->flags & TCP_ACK))
        return unknown("the RST acknowledges nothing");
    if (!captured_end(reset_connection(r), other_side(r), &end))
        return unknown("nothing of the other end was captured");
    return fact_bool(r, seq_diff(s->ack, end) > 0, rst_frame(r));
}

/* What its sender counts as sent, and neither was captured nor acknowledged: lost before it came
 * here.  A guess may lie anywhere, an owner's number does not lie far ahead. */
static struct fact ahead(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (r->outline)
        return unknown("nothing was said");
    const struct segment *s = &r->deciding.segment;
    const struct connection *k = reset_connection(r);
    const struct end *other = &k->end[other_side(r)];
    uint32_t end = 0;
    if (!(s->flags & TCP_ACK) || r->deciding.family == RST_ANSWER)
        return unknown("the RST is an answer, and does not count what its sender had sent");
    if (!captured_end(k, reset_side(r), &end))
        return unknown("nothing of that end was captured");
    if (other->saw_ack && seq_diff(other->acked, end) > 0)
        end = other->acked;
    const int32_t by = seq_diff(s->seq, end);
    return fact_number(r, by > 0 && by < AHEAD_MAX ? by : 0, rst_frame(r));
}

static struct fact window_reopened(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, r->window_reopened, rst_frame(r));
}

/* Payload that went to the reset side after its FIN and died there. */
static struct fact data_after_fin(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct connection *k = reset_connection(r);
    const struct end *e = &k->end[reset_side(r)];
    if (!e->saw_fin)
        return fact_bool(r, false, rst_frame(r));
    const struct segment *fin = fin_of(k, reset_side(r));
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *s = &k->segments[i];
        if (s->from == (uint8_t)other_side(r) && is_behind_fin(s, e, fin) &&
            s->time <= r->deciding.segment.time && !(s->notes & NOTE_KEEPALIVE))
            return fact_bool(r, true, s->frame);
    }
    return fact_bool(r, false, rst_frame(r));
}

/* The first payload after the reset side's FIN did not acknowledge it: the two crossed on the way.
 */
static struct fact crossed_fin(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct connection *k = reset_connection(r);
    const struct end *e = &k->end[reset_side(r)];
    if (!e->saw_fin)
        return unknown("no FIN of the reset side was captured");
    const struct segment *fin = fin_of(k, reset_side(r));
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *s = &k->segments[i];
        if (s->from == (uint8_t)other_side(r) && is_behind_fin(s, e, fin) &&
            !(s->notes & (NOTE_KEEPALIVE | NOTE_RETRANSMISSION)))
            return fact_bool(r, (int32_t)(s->ack - e->fin_seq) <= 0, s->frame);
    }
    return fact_bool(r, false, rst_frame(r));
}

static const struct fact_def rows[] = {
    {"rst.sender", FACT_ENUM, FACT_OF_KIND | FACT_HEARS_BOTH, side_choices,
     "who sent the deciding RST", sender},
    {"rst.sender-confidence", FACT_REAL, FACT_HEARS_BOTH, NULL, "how sure that is, 0 to 1",
     sender_confidence},
    {"rst.claimed", FACT_ENUM, FACT_OF_KIND, side_choices, "the end whose address the RST carries",
     claimed},
    {"rst.phase", FACT_ENUM, FACT_OF_KIND | FACT_HEARS_BOTH, phase_choices,
     "the connection's phase when the RST came", phase},
    {"rst.mechanism", FACT_ENUM, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_BY_ABSENCE,
     mechanism_choices, "how the reset came about", mechanism},
    {"rst.family", FACT_ENUM, FACT_OF_KIND, family_choices,
     "the RST's form: a socket owner's, an answer to a segment, or neither", family},
    {"rst.validity", FACT_ENUM, FACT_OF_KIND | FACT_HEARS_BOTH, validity_choices,
     "where its sequence number lies for its receiver (RFC 5961)", validity},
    {"rst.killed", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL, "the connection ended with it",
     killed},
    {"rst.time", FACT_TIME, 0, NULL, "when the deciding RST was captured", when},
    {"rst.has-ack", FACT_BOOL, FACT_OF_KIND, NULL,
     "it has the ACK flag: it answers no segment that had one", has_ack},
    {"rst.text", FACT_TEXT, FACT_OF_KIND, NULL, "text that the RST itself carries", text},
    {"rst.window", FACT_INT, 0, NULL, "its window field, unscaled", window},
    {"rst.flow-label", FACT_INT, 0, NULL, "its IPv6 flow label", flow_label},
    {"rst.label-missing", FACT_BOOL, 0, NULL,
     "its IPv6 flow label is 0, where other bare answers of that host have one", label_missing},
    {"rst.looks-own", FACT_BOOL, 0, NULL,
     "a bare answer, nothing in which is unlike that end's packets: only what the ends do speaks "
     "against it",
     looks_own},
    {"rst.alike", FACT_BOOL, 0, NULL,
     "a bare answer, in hop count and all else like that end's packets, whatever other captures "
     "know",
     alike},
    {"client.tried-again", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_CLIENT, NULL,
     "the client sent the same SYN again after the RST, or after an earlier one", tried_again},
    {"rst.count", FACT_INT, FACT_OF_KIND, NULL, "RSTs of this teardown", count},
    {"rst.both-ways", FACT_BOOL, FACT_OF_KIND, NULL, "RSTs in both ends' names belong to it",
     both_ways},
    {"rst.mptcp-reason", FACT_INT, FACT_OF_KIND, NULL,
     "reason code of its MP_TCPRST option (RFC 8684)", mptcp_reason},
    {"rst.options-cut", FACT_BOOL, FACT_OF_KIND, NULL,
     "it has TCP options, which were not all captured", options_cut},
    {"rst.since-trigger", FACT_DURATION, FACT_HEARS_OTHER_SIDE | FACT_BY_CLOCK, NULL,
     "time since the segment that it answers", since_trigger},
    {"rst.unread-bytes", FACT_BYTES, FACT_HEARS_OTHER_SIDE, NULL,
     "payload that the reset side had got and not read", unread_bytes},
    {"rst.got-uncaptured", FACT_BOOL, 0, NULL,
     "it acknowledges payload that was never captured: whether that was read cannot be seen",
     got_uncaptured},
    {"rst.ahead", FACT_BYTES, FACT_OF_KIND, NULL,
     "payload that its sender counts as sent, and that was neither captured nor acknowledged",
     ahead},
    {"rst.knows-fin", FACT_BOOL, 0, NULL,
     "it acknowledges the other end's FIN, that is, was sent after it had come", knows_fin},
    {"rst.window-reopened", FACT_BOOL, FACT_HEARS_OTHER_SIDE, NULL,
     "the window had shrunk as data arrived and is open again in the RST", window_reopened},
    {"rst.data-after-fin", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_OTHER_SIDE, NULL,
     "payload reached the reset side after its own FIN", data_after_fin},
    {"rst.crossed-fin", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_OTHER_SIDE, NULL,
     "that payload left before the FIN had arrived: it does not acknowledge it", crossed_fin},
};

static const struct fact_plain_row plain[] = {{flow_label, flow_label_plain, NULL},
                                              {label_missing, label_missing_plain, NULL},
                                              {alike, alike_plain, NULL},
                                              {since_trigger, since_trigger_plain, NULL}};

const struct fact_rows facts_reset = {.rows = rows,
                                      .n = sizeof rows / sizeof rows[0],
                                      .plain = plain,
                                      .n_plain = sizeof plain / sizeof plain[0]};
