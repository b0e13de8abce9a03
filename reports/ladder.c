/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses and merges the rungs: the first segments, those around the RST, and the log lines at
 * their corrected times.
 */
#include "reports/ladder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/correlate/correlate.h"
#include "parsers/packet/packet.h"
#include "reports/show.h"

#define HEAD_SHOWN 6
#define BEFORE_SHOWN 16
#define AFTER_SHOWN 8
#define LOGS_SHOWN 12

static size_t index_of_deciding(const struct connection *c, const struct reset *r)
{
    for (size_t i = 0; i < c->n_kept; i++)
        if (c->segments[i].frame == r->deciding.segment.frame)
            return i;
    return c->n_kept;
}

static bool is_shown(size_t i, size_t deciding)
{
    return i < HEAD_SHOWN || (i + BEFORE_SHOWN >= deciding && i <= deciding + AFTER_SHOWN);
}

static size_t add_segments(const struct diagnosis *d, struct rung *out, size_t most)
{
    const struct connection *c = reset_connection(d->reset);
    size_t deciding = index_of_deciding(c, d->reset), n = 0;
    uint64_t skipped = 0;
    for (size_t i = 0; i < c->n_kept && n + 2 < most; i++) {
        const struct segment *s = &c->segments[i];
        if (i == c->n_head_kept && c->n_segments > c->n_kept)
            skipped += c->n_segments - c->n_kept;
        if (!is_shown(i, deciding)) {
            skipped++;
            continue;
        }
        if (skipped > 0)
            out[n++] = (struct rung){.kind = RUNG_GAP, .time = s->time, .n_left_out = skipped};
        skipped = 0;
        out[n++] = (struct rung){.kind = RUNG_SEGMENT,
                                 .time = s->time,
                                 .segment = s,
                                 .is_deciding = s->frame == d->reset->deciding.segment.frame};
    }
    if (deciding == c->n_kept && n < most) /* not among the kept: show it all the same */
        out[n++] = (struct rung){.kind = RUNG_SEGMENT,
                                 .time = d->reset->deciding.segment.time,
                                 .segment = &d->reset->deciding.segment,
                                 .is_deciding = true};
    return n;
}

/* Opens a place for a log line behind everything that is not later. */
static size_t insert_log(struct rung *out, size_t n, const struct link *l, instant_ns time)
{
    size_t at = n;
    while (at > 0 && out[at - 1].time > time)
        at--;
    memmove(out + at + 1, out + at, (n - at) * sizeof *out);
    out[at] = (struct rung){.kind = RUNG_LOG, .time = time, .link = l};
    return n + 1;
}

static bool is_evidence(const struct diagnosis *d, const struct link *l)
{
    for (size_t i = 0; i < d->n_evidence; i++)
        if (d->evidence[i].link && d->evidence[i].link->event == l->event)
            return true;
    return false;
}

bool ladder_has_place(const struct findings *f, const struct diagnosis *d, const struct link *l)
{
    if (l->event->time == INSTANT_NONE || l->offset_ns == INSTANT_NONE)
        return false;
    const bool is_anybodys =
        l->join == JOIN_HOST &&
        (l->ambiguous || (l->side == SIDE_PATH && f->of->logs[l->event->source].host_unplaced));
    return !is_anybodys || is_evidence(d, l);
}

size_t ladder_make(const struct findings *f, const struct diagnosis *d, struct rung out[LADDER_MAX])
{
    size_t n_links, n = add_segments(d, out, LADDER_MAX - LOGS_SHOWN);
    const struct link *links = case_links(f->of, d->reset, &n_links);
    for (size_t i = 0, shown = 0; i < n_links && shown < LOGS_SHOWN; i++) {
        const struct link *l = &links[i];
        if (!ladder_has_place(f, d, l))
            continue;
        n = insert_log(out, n, l, instant_plus(d->reset->deciding.segment.time, l->offset_ns));
        shown++;
    }
    return n;
}

static void add_note(struct strbuf *b, const struct segment *s)
{
    static const struct {
        uint16_t bit;
        const char *says;
    } notes[] = {{NOTE_RETRANSMISSION, "retransmission"},
                 {NOTE_OUT_OF_ORDER, "out of order"},
                 {NOTE_KEEPALIVE, "keep-alive"},
                 {NOTE_ZERO_WINDOW_PROBE, "zero-window probe"},
                 {NOTE_ZERO_WINDOW, "zero window"},
                 {NOTE_HOLE_BEFORE, "bytes before it not captured"},
                 {NOTE_DUP_ACK, "duplicate ACK"},
                 {NOTE_CHALLENGE_ACK, "challenge ACK"},
                 {NOTE_AFTER_RST, "after a RST in its own name"}};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        if (s->notes & notes[i].bit)
            strbuf_printf(b, " [%s]", notes[i].says);
}

void ladder_flags_text(struct strbuf *b, const struct segment *s)
{
    char flags[40];
    packet_flags_text(s->flags, flags);
    strbuf_str(b, flags[0] ? flags : "no flags");
    if (s->payload_len > 0) {
        strbuf_str(b, ", ");
        show_count(b, s->payload_len, "byte");
    }
}

void ladder_numbers_text(struct strbuf *b, const struct connection *c, const struct segment *s)
{
    const struct end *self = &c->end[s->from], *other = &c->end[s->from == SIDE_CLIENT];
    strbuf_printf(b, "seq %" PRIu32, self->isn_known ? s->seq - self->isn : s->seq);
    if (s->flags & TCP_ACK)
        strbuf_printf(b, " ack %" PRIu32, other->isn_known ? s->ack - other->isn : s->ack);
    strbuf_printf(b, " win %u, ttl %u", (unsigned)s->window, (unsigned)s->ttl);
    add_note(b, s);
}
