/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about one end, each offered four ways: client, server, the reset side, the other side.
 */
#include "analyzer/fact/fact_make.h"
#include "analyzer/record/goodbye.h"

static const struct end *end_of(const struct reset *r, enum side side)
{
    return &reset_connection(r)->end[side];
}

static struct fact ip(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    struct fact f = fact_number(r, 0, 0);
    f.as.ip = end_of(r, side)->at.ip;
    return f;
}

static struct fact port(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_number(r, end_of(r, side)->at.port, 0);
}

static struct fact bytes(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_number(r, (int64_t)end_of(r, side)->bytes, 0);
}

static struct fact saw_fin(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_bool(r, end_of(r, side)->saw_fin, 0);
}

/* Where its FIN stands on the scale of line.offset: negative, before the RST. */
static struct fact fin_offset(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = end_of(r, side);
    if (!e->saw_fin || e->fin_time == INSTANT_NONE)
        return unknown("no FIN of that end was captured");
    return fact_since(r, e->fin_time, r->deciding.segment.time, rst_frame(r));
}

static struct fact since_fin(const struct case_file *c, const struct reset *r, enum side side)
{
    struct fact f = fin_offset(c, r, side);
    if (f.known && f.as.number > 0)
        return unknown("that end's FIN came after the RST");
    f.as.number = f.known ? -f.as.number : 0;
    return f;
}

static struct fact fin_acked(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_bool(r, end_of(r, side)->fin_acked, 0);
}

static struct fact head(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = end_of(r, side);
    if (e->head.n == 0 && e->bytes > 0)
        return unknown(e->overwritten ? e->overwritten : "its first bytes were not captured");
    return fact_words(r, e->head, 0);
}

static struct fact tail(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = end_of(r, side);
    return fact_words(r, e->tail.n > 0 ? e->tail : e->head, 0);
}

/* Which capture of the same reset shows most: what was lost between them is in one of them only. */
static struct fact retransmissions(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct reset *best = r;
    for (size_t i = 0; i < reset_ties(r)->n_seen_in; i++)
        if (end_trouble(end_of(reset_ties(r)->seen_in[i], side))->n_retransmissions >
            end_trouble(end_of(best, side))->n_retransmissions)
            best = reset_ties(r)->seen_in[i];
    return fact_number(best, end_trouble(end_of(best, side))->n_retransmissions, 0);
}

static struct fact unanswered(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_number(r, end_trouble(end_of(r, side))->n_unanswered_retransmissions, 0);
}

static struct fact keepalives(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_number(r, end_trouble(end_of(r, side))->n_unanswered_keepalives, 0);
}

static struct fact window_probes(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_number(r, end_trouble(end_of(r, side))->n_unanswered_zero_window_probes, 0);
}

static struct fact zero_windows(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_number(r, end_trouble(end_of(r, side))->n_zero_windows, 0);
}

static struct fact syns(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = end_of(r, side);
    return fact_number(r, (int64_t)e->n_syns + e->n_synacks, 0);
}

static struct fact fins(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    return fact_number(r, end_of(r, side)->n_fins, 0);
}

/* INSTANT_NONE: that end was not captured. */
static instant_ns silence_of(const struct reset *r, enum side side)
{
    const instant_ns ns = instant_since(r->deciding.segment.time, reset_last_time(r, side));
    return ns > 0 || ns == INSTANT_NONE ? ns : 0;
}

static struct fact silent_for(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const instant_ns ns = silence_of(r, side);
    return ns == INSTANT_NONE ? unknown("that end was not captured") : fact_number(r, ns, 0);
}

static bool silent_for_reset_side_plain(const struct case_file *c, const struct reset *r,
                                        int64_t *out)
{
    (void)c;
    *out = silence_of(r, reset_side(r));
    return *out != INSTANT_NONE;
}

static struct fact last_offset(const struct case_file *c, const struct reset *r, enum side side)
{
    struct fact f = silent_for(c, r, side);
    f.as.number = f.known ? -f.as.number : 0;
    return f;
}

static struct fact data_silent_for(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = end_of(r, side);
    if (e->last_data_time == INSTANT_NONE)
        return unknown("no payload of that end was captured");
    struct fact f = fact_since(r, r->deciding.segment.time, e->last_data_time, 0);
    if (f.known && f.as.number < 0)
        f.as.number = 0;
    return f;
}

static bool unacked_at(const struct reset *r, enum side side, int32_t *out)
{
    const struct end *e = end_of(r, side), *other = end_of(r, side_other(side));
    const int32_t n = (int32_t)(e->next_seq - other->acked);
    *out = n > 0 ? n : 0;
    return other->saw_ack && e->n_segments > 0;
}

/* Bytes that this end had sent and the other never acknowledged: an acknowledgement that was under
 * way when the RST was sent tells that they had arrived.  What was lost before one capture is in
 * the other alone, so the one that shows most is asked. */
static struct fact unacked(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct reset *best = NULL;
    int32_t n, most = 0;
    if (r->outline)
        return unknown("nothing was said");
    if (unacked_at(r, side, &most))
        best = r;
    for (size_t i = 0; i < reset_ties(r)->n_seen_in; i++)
        if (unacked_at(reset_ties(r)->seen_in[i], side, &n) && (!best || n > most)) {
            best = reset_ties(r)->seen_in[i];
            most = n;
        }
    return best ? fact_number(best, most, 0)
                : unknown("the other end's acknowledgements were not captured");
}

#define MISSING_MAX (1 << 20) /* a number so far off is a guess, not a count */

/* Payload that only the number of an end's own RST tells of; a single one may be its FIN. */
static int64_t missing_before_rst(const struct reset *r, const struct end *e)
{
    const struct segment *rst = &r->deciding.segment;
    const int32_t n = (int32_t)(rst->seq - e->next_seq);
    const bool counts = (rst->flags & TCP_ACK) && r->sender == r->claimed && e->isn_known;
    return counts && n > 1 && n < MISSING_MAX ? n : 0;
}

static struct fact missing(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = end_of(r, side);
    const int64_t last = side == r->claimed ? missing_before_rst(r, e) : 0;
    return fact_number(r, (int64_t)end_trouble(e)->bytes_missing + last, 0);
}

static struct fact largest(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct connection *k = reset_connection(r);
    uint32_t most = 0;
    uint64_t frame = 0;
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *s = &k->segments[i];
        if ((s->notes & NOTE_RETRANSMISSION) && s->from == (uint8_t)side && s->payload_len > most) {
            most = s->payload_len;
            frame = s->frame;
        }
    }
    return fact_number(r, most, frame);
}

#define ANSWER_NS NS_PER_S /* in which a word that was sent again draws an acknowledgement */

static bool is_unanswered(const struct connection *k, size_t at)
{
    for (size_t i = at + 1; i < k->n_kept; i++)
        if (k->segments[i].from != k->segments[at].from)
            return instant_since(k->segments[i].time, k->segments[at].time) > ANSWER_NS + k->rtt_ns;
    return true;
}

/* Where small segments, too, are sent again in vain, it is not their size that keeps them away. */
static struct fact least_unanswered(const struct case_file *c, const struct reset *r,
                                    enum side side)
{
    (void)c;
    const struct connection *k = reset_connection(r);
    const struct segment *least = NULL;
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *s = &k->segments[i];
        if ((s->notes & NOTE_RETRANSMISSION) && s->from == (uint8_t)side && s->payload_len > 0 &&
            (!least || s->payload_len < least->payload_len) && is_unanswered(k, i))
            least = s;
    }
    return least ? fact_number(r, least->payload_len, least->frame)
                 : unknown("nothing that it sent again was left unanswered");
}

/* Whether a segment is payload that belongs to the time before this end's FIN. */
static bool is_talk(const struct segment *s, const struct end *e, const struct segment *fin)
{
    return s->payload_len > 0 && !(s->notes & NOTE_KEEPALIVE) && !is_behind_fin(s, e, fin);
}

/* The last word of either end before this one began to close, by its FIN or the goodbye before it.
 * NULL: none was kept. */
static const struct segment *word_before_fin(const struct reset *r, enum side side)
{
    const struct connection *k = reset_connection(r);
    const struct end *e = end_of(r, side);
    const struct segment *fin = fin_of(k, side), *last = NULL;
    const size_t n = goodbye_of(k, side, e->fin_time, fin);
    const size_t tickets = side == SIDE_CLIENT ? tickets_of(k) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct segment *s = &k->segments[i];
        const bool is_ticket = i < tickets && s->from == SIDE_SERVER;
        if (!is_ticket && is_talk(s, e, fin) && (!last || s->time > last->time))
            last = s;
    }
    return last;
}

static const char no_fin[] = "no FIN of that end was captured";

static bool has_fin(const struct reset *r, enum side side)
{
    const struct end *e = end_of(r, side);
    return e->saw_fin && e->fin_time != INSTANT_NONE;
}

/* How long neither side had sent payload when this end began to close. */
static struct fact idle_before_fin(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    if (!has_fin(r, side))
        return unknown(no_fin);
    const struct segment *last = word_before_fin(r, side);
    const instant_ns from = last ? last->time : reset_connection(r)->first_time;
    return fact_since(r, end_of(r, side)->fin_time, from, 0);
}

static struct fact spoke_last_before_fin(const struct case_file *c, const struct reset *r,
                                         enum side side)
{
    (void)c;
    if (!has_fin(r, side))
        return unknown(no_fin);
    const struct segment *last = word_before_fin(r, side);
    return fact_bool(r, last && last->from == (uint8_t)side, last ? last->frame : 0);
}

FACT_SIDES(ip)
FACT_SIDES(port)
FACT_SIDES(bytes)
FACT_SIDES(saw_fin)
FACT_SIDES(since_fin)
FACT_SIDES(fin_offset)
FACT_SIDES(fin_acked)
FACT_SIDES(head)
FACT_SIDES(tail)
FACT_SIDES(retransmissions)
FACT_SIDES(unanswered)
FACT_SIDES(keepalives)
FACT_SIDES(window_probes)
FACT_SIDES(zero_windows)
FACT_SIDES(syns)
FACT_SIDES(fins)
FACT_SIDES(silent_for)
FACT_SIDES(last_offset)
FACT_SIDES(data_silent_for)
FACT_SIDES(unacked)
FACT_SIDES(largest)
FACT_SIDES(least_unanswered)
FACT_SIDES(missing)
FACT_SIDES(idle_before_fin)
FACT_SIDES(spoke_last_before_fin)

static const struct fact_def rows[] = {
    FACT_SIDE_ROWS("ip", FACT_IP, 0, ip, "its address"),
    FACT_SIDE_ROWS("port", FACT_INT, 0, port, "its port"),
    FACT_SIDE_ROWS("bytes", FACT_BYTES, FACT_OF_KIND | FACT_HEARS_OWN | FACT_MAY_GROW, bytes,
                   "payload that it sent"),
    FACT_SIDE_ROWS("fin", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_OWN | FACT_MAY_GROW, saw_fin,
                   "it sent a FIN"),
    FACT_SIDE_ROWS("since-fin", FACT_DURATION, FACT_OF_KIND | FACT_HEARS_OWN | FACT_BY_CLOCK,
                   since_fin, "time from its FIN to the RST"),
    FACT_SIDE_ROWS("fin-offset", FACT_DURATION, FACT_OF_KIND | FACT_HEARS_OWN | FACT_BY_CLOCK,
                   fin_offset,
                   "its FIN's time minus the RST's, as the offset of a log line is told"),
    FACT_SIDE_ROWS("fin-acked", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_PEER | FACT_MAY_GROW,
                   fin_acked, "its FIN was acknowledged"),
    FACT_SIDE_ROWS("text", FACT_TEXT, FACT_OF_KIND | FACT_HEARS_OWN, head,
                   "the first payload bytes that it sent"),
    FACT_SIDE_ROWS("last-text", FACT_TEXT, FACT_OF_KIND | FACT_HEARS_OWN, tail,
                   "the last payload bytes that it sent"),
    FACT_SIDE_ROWS("retransmissions", FACT_INT, FACT_OF_KIND | FACT_HEARS_OWN | FACT_MAY_GROW,
                   retransmissions, "segments that it sent again"),
    FACT_SIDE_ROWS("unanswered-retransmissions", FACT_INT, FACT_OF_KIND | FACT_HEARS_BOTH,
                   unanswered, "retransmissions since the other end last spoke"),
    FACT_SIDE_ROWS("unanswered-keepalives", FACT_INT, FACT_OF_KIND | FACT_HEARS_BOTH, keepalives,
                   "keep-alive probes since the other end last spoke"),
    FACT_SIDE_ROWS("unanswered-window-probes", FACT_INT, FACT_OF_KIND | FACT_HEARS_BOTH,
                   window_probes, "zero-window probes that only a shut window answered"),
    FACT_SIDE_ROWS("zero-windows", FACT_INT, FACT_HEARS_OWN, zero_windows,
                   "times that it advertised window 0"),
    FACT_SIDE_ROWS("syns", FACT_INT, FACT_OF_KIND | FACT_HEARS_OWN | FACT_MAY_GROW, syns,
                   "SYN or SYN-ACK segments that it sent"),
    FACT_SIDE_ROWS("fins", FACT_INT, FACT_OF_KIND | FACT_HEARS_OWN | FACT_MAY_GROW, fins,
                   "segments with a FIN that it sent"),
    FACT_SIDE_ROWS("silent-for", FACT_DURATION, FACT_HEARS_OWN | FACT_BY_CLOCK, silent_for,
                   "time since its last segment but RST"),
    FACT_SIDE_ROWS("last-offset", FACT_DURATION, FACT_HEARS_OWN | FACT_BY_CLOCK, last_offset,
                   "that segment's time minus the RST's, as the offset of a log line is told"),
    FACT_SIDE_ROWS("data-silent-for", FACT_DURATION, FACT_OF_KIND | FACT_HEARS_OWN | FACT_BY_CLOCK,
                   data_silent_for, "time since its last payload"),
    FACT_SIDE_ROWS("unacked-bytes", FACT_BYTES, FACT_OF_KIND | FACT_HEARS_BOTH, unacked,
                   "what it had sent and the other end never acknowledged"),
    FACT_SIDE_ROWS("largest-retransmission", FACT_BYTES, FACT_OF_KIND | FACT_HEARS_OWN, largest,
                   "the largest payload among its kept retransmissions"),
    FACT_SIDE_ROWS("least-unanswered", FACT_BYTES, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_BY_CLOCK,
                   least_unanswered,
                   "the smallest payload that it sent again and that drew no word within a second"),
    FACT_SIDE_ROWS("missing-bytes", FACT_BYTES, FACT_HEARS_OWN, missing,
                   "payload that it sent by its sequence numbers, and that was never captured"),
    FACT_SIDE_ROWS("idle-before-fin", FACT_DURATION, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_BY_CLOCK,
                   idle_before_fin,
                   "silence of both ends before its FIN and the goodbye that came with it"),
    FACT_SIDE_ROWS("spoke-last-before-fin", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH,
                   spoke_last_before_fin,
                   "the last payload before its FIN, and the goodbye with it, was its own"),
};

static const struct fact_plain_row plain[] = {
    {silent_for_reset_side, silent_for_reset_side_plain, NULL}};

const struct fact_rows facts_ends = {.rows = rows,
                                     .n = sizeof rows / sizeof rows[0],
                                     .plain = plain,
                                     .n_plain = sizeof plain / sizeof plain[0]};
