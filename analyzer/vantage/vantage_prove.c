/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resets of several captures: what the capture at the claimed end proves about their senders.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/track/tracker.h"
#include "analyzer/vantage/fates.h"
#include "analyzer/vantage/glimpses.h"
#include "analyzer/vantage/vantage.h"

#define MARGIN_NS (NS_PER_S / 50) /* a capture must go on this long to be missed in */
#define NEARER_NS 10000           /* less is no distance */
#define PROOF_WEIGHT 0.95
#define SEEN_WEIGHT 0.9
#define SWALLOWED_WEIGHT 0.93

bool vantage_covers(const struct vantage *v, const struct case_file *c, uint32_t capture,
                    instant_ns t)
{
    const struct case_capture *first = &c->captures[capture];
    const struct case_capture *last = first + (first->n_files > 1 ? first->n_files - 1 : 0);
    return first->first != INSTANT_NONE &&
           sane_time(first->first) - v->shift[capture] <= t - MARGIN_NS &&
           sane_time(last->last) - v->shift[capture] >= t + MARGIN_NS;
}

bool vantage_covers_passing(const struct vantage *v, const struct case_file *c, uint32_t capture,
                            uint32_t here, bool before, instant_ns t)
{
    const struct vantage_pair *p = vantage_pair_of(v, capture, here);
    const instant_ns delay = !p || !p->both_ways ? 0 : p->delay < 0 ? -p->delay : p->delay;
    return vantage_covers(v, c, capture, t) &&
           vantage_covers(v, c, capture, t + (before ? -delay : delay));
}

/* Of a talk's records, which are in order of series, from the given one on: the first in the
 * capture, or else in one behind it; or ROSTER_NONE. */
static uint32_t record_from(const struct case_file *c, const struct roster *r, uint32_t record,
                            uint32_t capture)
{
    while (record != ROSTER_NONE && case_series(c, r->records[record].capture) < capture)
        record = r->next[record];
    return record;
}

static bool is_in(const struct case_file *c, const struct roster *r, uint32_t record,
                  uint32_t capture)
{
    return record != ROSTER_NONE && case_series(c, r->records[record].capture) == capture;
}

enum rst_sight {
    SIGHT_NONE,  /* the capture holds no RST in that end's name for this connection */
    SIGHT_OTHER, /* it holds other ones, but not this */
    SIGHT_SAME,  /* it holds this one */
    SIGHT_UNSURE /* it holds some that were no teardown: their numbers are not kept */
};

/* Whether capture k, whose first record of the talk is given, holds the deciding RST of x: same
 * numbers, same claimed sender. */
static enum rst_sight sight(const struct case_file *c, const struct roster *r,
                            const struct reset *x, uint32_t first, uint32_t k)
{
    enum rst_sight seen = SIGHT_NONE;
    for (uint32_t i = first; is_in(c, r, i, k); i = r->next[i]) {
        if (record_saw_rst(&r->records[i], x->claimed) && r->reset_from[i] == r->reset_from[i + 1])
            return SIGHT_UNSURE;
        for (uint32_t n = r->reset_from[i]; n < r->reset_from[i + 1]; n++)
            for (size_t m = 0; m < r->reset_at[n]->n_rsts; m++) {
                const struct segment *s = &r->reset_at[n]->rsts[m].segment;
                if (s->from != (uint8_t)x->claimed)
                    continue;
                if (s->seq == x->deciding.segment.seq && s->ack == x->deciding.segment.ack)
                    return SIGHT_SAME;
                seen = SIGHT_OTHER;
            }
    }
    return seen;
}

static void say(struct case_file *c, struct reset *r, enum side sender, const char *id,
                double weight, uint32_t capture, const char *what)
{
    const char *text =
        arena_printf(&c->arena, "%.*s, taken at the %s's end, %s",
                     TEXT_ARG(c->captures[capture].name), side_name(r->claimed), what);
    if (text)
        reset_set_sender(&c->arena, r, sender, id, text_of(text), weight);
}

/* Whether capture k stands nearer to that end than capture here: what it sends is seen there first,
 * or with more hops left.  side is the end in the connections that k holds: a proxy is the server
 * of its clients, whose delays are known, and the client of what stands behind it. */
static bool is_nearer(const struct vantage *v, uint32_t k, uint32_t here, enum side side,
                      unsigned ttl, unsigned ttl_here)
{
    if (ttl_here && ttl != ttl_here)
        return ttl > ttl_here;
    const struct vantage_pair *p = vantage_pair_of(v, k, here);
    if (!p || !p->both_ways)
        return !ttl_here;
    instant_ns to_server = p->b == k ? p->delay : -p->delay;
    return (side == SIDE_SERVER ? to_server : -to_server) >= NEARER_NS;
}

struct trial { /* of all resets */
    const struct vantage *v;
    const struct roster *r;
    const struct fates *fates;
    struct case_file *c;
    struct glimpses glimpses;
    /* Captures, of each series the first, whose clocks were measured against each other: by the
     * lowest of them (see vantage.clock), n_captures + 1. */
    uint32_t *from, *members;
    uint32_t *elsewhere; /* as members: which is the next one of another place */
};

/* Whether capture k holds the claimed sender's host at its own end, and nearer than here. */
static bool is_at_claimed_end(struct trial *t, const struct reset *x, uint32_t record,
                              const struct connection_record *there, uint32_t k)
{
    const struct connection *own = reset_connection(x);
    const struct address *claimed = &own->end[x->claimed].at.ip;
    const uint32_t here = case_series(t->c, own->capture);
    if (address_is_loopback(claimed))
        return false; /* of another host's, too */
    const struct glimpse end =
        there && there->ttl[x->claimed]
            ? (struct glimpse){k, there->ttl[x->claimed], (uint8_t)x->claimed}
            : glimpse_of(&t->glimpses, claimed, k);
    unsigned ttl_here = t->r->records[record].ttl[x->claimed];
    if (!roster_is_at_end(end.ttl))
        return false;
    if (!ttl_here)
        ttl_here = glimpse_of(&t->glimpses, claimed, here).ttl;
    return is_nearer(t->v, k, here, (enum side)end.as, end.ttl, ttl_here);
}

/* What capture k, of another place, proves about the sender of x, which another capture holds;
 * first: record_from the talk's first. */
static bool ask_capture(struct trial *t, struct reset *x, uint32_t record, uint32_t first,
                        uint32_t k)
{
    const uint32_t here = case_series(t->c, reset_capture(x));
    if (!vantage_covers_passing(t->v, t->c, k, here, true, vantage_reset_time(t->v, x)))
        return false;
    const struct connection_record *there =
        is_in(t->c, t->r, first, k) ? &t->r->records[first] : NULL;
    if (!is_at_claimed_end(t, x, record, there, k))
        return false;
    enum rst_sight seen = there ? sight(t->c, t->r, x, first, k) : SIGHT_NONE;
    if (seen == SIGHT_SAME)
        say(t->c, x, x->claimed, "sender.seen-at-own-end", SEEN_WEIGHT, k,
            "holds this RST as it left");
    else if (there && !fates_trust(t->fates, x, k))
        return false; /* it was losing packets */
    else if (seen != SIGHT_UNSURE)
        say(t->c, x, SIDE_PATH, "sender.absent-at-own-end", PROOF_WEIGHT, k,
            there ? "holds the connection but not this RST" : "holds nothing of this connection");
    return seen != SIGHT_UNSURE;
}

static bool has_reason(const struct reset *x, const char *id)
{
    size_t n;
    const struct reason *reasons = reset_reasons(x, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(reasons[i].what->id, id) == 0)
            return true;
    return false;
}

static void testify(struct case_file *c, struct reset *x, const char *id, double weight,
                    const char *text)
{
    if (text)
        reset_set_sender(&c->arena, x, SIDE_PATH, id, text_of(text), weight);
}

/* The RST arose between two captures, or what it answers was swallowed there: neither end did it.
 * A RST that passed the other capture answers what came by there, another try perhaps, or the same
 * one under other ends. */
static void ask_fates(const struct fates *fates, struct case_file *c, struct reset *x)
{
    for (size_t i = 0; i < reset_ties(x)->n_fates; i++) {
        const struct packet_fate *f = &reset_ties(x)->fates[i];
        const struct text other = c->captures[f->other].name;
        bool ours = f->capture == reset_capture(x);
        if (ours && f->fate == FATE_FORGED && f->frame == reset_frame(x) &&
            !has_reason(x, "sender.absent-at-own-end"))
            testify(c, x, "sender.arose-between", PROOF_WEIGHT,
                    arena_printf(&c->arena,
                                 TEXT_FMT
                                 ", taken nearer to the %s, holds the connection's packets "
                                 "before, but not this RST: it arose in between",
                                 TEXT_ARG(other), side_name(x->claimed)));
        if (ours && f->fate == FATE_SWALLOWED && f->frame == frame_number(x->trigger_frame) &&
            x->deciding.answers_frame != 0 && !has_reason(x, "sender.trigger-swallowed") &&
            !fates_hold_rst(fates, x, case_series(c, f->other)))
            testify(c, x, "sender.trigger-swallowed", SWALLOWED_WEIGHT,
                    arena_printf(&c->arena,
                                 "the segment that it answers (frame %llu) never reached " TEXT_FMT
                                 ", taken nearer to the %s",
                                 (unsigned long long)f->frame, TEXT_ARG(other),
                                 side_name(x->claimed)));
    }
}

static bool is_same_place(const struct trial *t, uint32_t a, uint32_t b)
{
    return t->c->captures[a].vantage == t->c->captures[b].vantage;
}

static bool trial_init(struct trial *t)
{
    const size_t n = t->c->n_captures;
    t->from = calloc(n + 2, sizeof *t->from);
    t->members = calloc(n + 1, sizeof *t->members);
    t->elsewhere = calloc(n + 1, sizeof *t->elsewhere);
    if (!glimpses_init(&t->glimpses, t->c, t->r) || !t->from || !t->members || !t->elsewhere)
        return false;
    for (uint32_t i = 0; i < n; i++)
        t->from[t->v->clock[i] + 2] += case_series(t->c, i) == i;
    for (size_t i = 0; i < n; i++)
        t->from[i + 1] += t->from[i];
    for (uint32_t i = 0; i < n; i++)
        if (case_series(t->c, i) == i)
            t->members[t->from[t->v->clock[i] + 1]++] = i;
    for (uint32_t i = t->from[n]; i-- > 0;) {
        const bool same = i + 1 < t->from[n] && is_same_place(t, t->members[i], t->members[i + 1]);
        t->elsewhere[i] = same ? t->elsewhere[i + 1] : i + 1;
    }
    return true;
}

static void trial_finish(struct trial *t)
{
    glimpses_finish(&t->glimpses);
    free(t->from);
    free(t->members);
    free(t->elsewhere);
}

/* The first capture that proves anything. */
static void ask_captures(struct trial *t, struct reset *x, uint32_t record)
{
    const uint32_t here = case_series(t->c, reset_capture(x)), clock = t->v->clock[here];
    uint32_t first = t->r->talk[record];
    bool done = false;
    for (uint32_t i = t->from[clock], next; i < t->from[clock + 1] && !done; i = next) {
        const uint32_t k = t->members[i];
        const bool same = is_same_place(t, k, here);
        next = same ? t->elsewhere[i] : i + 1;
        if (same)
            continue;
        first = record_from(t->c, t->r, first, k);
        done = ask_capture(t, x, record, first, k);
    }
}

bool vantage_prove(const struct vantage *v, const struct roster *r, const struct fates *fates,
                   struct case_file *c)
{
    struct trial t = {.v = v, .r = r, .fates = fates, .c = c};
    bool good = c->n_captures < 2 || trial_init(&t);
    for (uint32_t i = 0; i < r->n && c->n_captures > 1 && good; i++)
        for (uint32_t j = r->reset_from[i]; j < r->reset_from[i + 1]; j++) {
            ask_captures(&t, r->reset_at[j], i);
            ask_fates(fates, c, r->reset_at[j]);
        }
    if (c->n_captures > 1)
        trial_finish(&t);
    return good;
}
