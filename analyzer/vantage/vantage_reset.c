/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resets of several captures: which are one event, and what the capture at the claimed end proves.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/track/tracker.h"
#include "analyzer/vantage/fates.h"
#include "analyzer/vantage/glimpses.h"
#include "analyzer/vantage/twins.h"
#include "analyzer/vantage/vantage.h"

#define SAME_EVENT_NS (10 * NS_PER_S)
#define MARGIN_NS (NS_PER_S / 50) /* a capture must go on this long to be missed in */
#define NEARER_NS 10000           /* less is no distance */
#define PROOF_WEIGHT 0.95
#define SEEN_WEIGHT 0.9
#define SWALLOWED_WEIGHT 0.93
#define FORGERY_SURE 0.8

static instant_ns time_of(const struct vantage *v, const struct reset *r)
{
    return sane_time(r->deciding.segment.time) - v->shift[reset_capture(r)];
}

static bool is_same_rst(const struct segment *a, const struct segment *b)
{
    return a->seq == b->seq && a->ack == b->ack && a->from == b->from;
}

static bool share_rst(const struct reset *a, const struct reset *b)
{
    for (size_t i = 0; i < a->n_rsts && i < 64; i++)
        for (size_t k = 0; k < b->n_rsts && k < 64; k++)
            if (is_same_rst(&a->rsts[i].segment, &b->rsts[k].segment))
                return true;
    return false;
}

/* Two resets of one talk in different captures: one teardown, though a forger may have sent each
 * end its own RST. */
static bool same_event(const struct vantage *v, const struct case_file *c, const struct reset *a,
                       const struct reset *b)
{
    uint32_t ka = reset_capture(a), kb = reset_capture(b);
    if (ka == kb)
        return reset_stream(a) != reset_stream(b) && share_rst(a, b);
    if (case_series(c, ka) == case_series(c, kb))
        return share_rst(a, b);
    instant_ns ta = time_of(v, a), tb = time_of(v, b);
    return share_rst(a, b) || (ta > tb ? ta - tb : tb - ta) <= SAME_EVENT_NS;
}

/* The hop count left when the RST passed the capture; the higher, the nearer its sender.  What the
 * claimed sender sent before tells more than a forger's packet. */
static unsigned nearness(const struct reset *r)
{
    if (r->sender == SIDE_PATH)
        return 0;
    const struct end *e = &reset_connection(r)->end[r->sender];
    return e->ttl_max ? e->ttl_max : r->deciding.segment.ttl;
}

/* Of a proven forgery the forged RST is the one to show, and of several the first. */
static bool is_forgery(const struct reset *r)
{
    return r->sender == SIDE_PATH && r->sender_confidence >= FORGERY_SURE;
}

static size_t n_shown(const struct connection *c)
{
    return c->end[0].head.n + c->end[0].tail.n + c->end[1].head.n + c->end[1].tail.n;
}

/* Of two captures of one place, which shows more of the connection: < 0 a, > 0 b. */
static int compare_shown(const struct reset *a, const struct reset *b)
{
    const struct connection *x = reset_connection(a), *y = reset_connection(b);
    if (x->handshake_seen != y->handshake_seen)
        return x->handshake_seen ? -1 : 1;
    if (x->n_segments != y->n_segments)
        return x->n_segments > y->n_segments ? -1 : 1;
    size_t nx = n_shown(x), ny = n_shown(y); /* a snapshot length may have cut */
    return (nx < ny) - (nx > ny);
}

/* Payload that passed the capture before the RST, as far as its segments are kept. */
static uint64_t payload_before(const struct reset *r)
{
    const struct connection *k = reset_connection(r);
    uint64_t n = 0;
    for (size_t i = 0; i < k->n_kept; i++)
        n += k->segments[i].frame < r->deciding.segment.frame ? k->segments[i].payload_len : 0;
    return n;
}

/* Where the RSTs of one forgery, one to each end, passed at about the same time: the one that came
 * behind what the forger had read, whichever capture was named first. */
static int compare_forged(const struct reset *a, const struct reset *b)
{
    const uint64_t na = payload_before(a), nb = payload_before(b);
    return (na < nb) - (na > nb);
}

static bool carries_better(const struct vantage *v, const struct case_file *c,
                           const struct reset *a, const struct reset *b)
{
    if (is_forgery(a) != is_forgery(b))
        return is_forgery(a);
    instant_ns ta = time_of(v, a), tb = time_of(v, b);
    if (is_forgery(a) && (ta > tb ? ta - tb : tb - ta) > MARGIN_NS)
        return ta < tb;
    unsigned na = nearness(a), nb = nearness(b);
    if (na != nb)
        return na > nb;
    bool one_place = c->captures[reset_capture(a)].vantage == c->captures[reset_capture(b)].vantage;
    int shown = one_place ? compare_shown(a, b) : is_forgery(a) ? compare_forged(a, b) : 0;
    if (shown != 0)
        return shown < 0;
    if (reset_capture(a) != reset_capture(b))
        return reset_capture(a) < reset_capture(b);
    return a->id < b->id;
}

#define SEEN_MAX 64 /* sights that a copy knows; the one that is told knows all */

static bool mark_copies(const struct vantage *v, struct case_file *c, struct reset **of, size_t n)
{
    struct reset *home = of[0];
    for (size_t i = 1; i < n; i++)
        if (carries_better(v, c, of[i], home))
            home = of[i];
    for (size_t i = 0; i < n; i++) {
        const size_t most = of[i] == home || n < SEEN_MAX ? n : SEEN_MAX;
        of[i]->is_copy_of_other = of[i] != home;
        struct reset_ties *ties = reset_tie(&c->arena, of[i]);
        if (!ties || !(ties->seen_in = arena_array(&c->arena, most, sizeof(const struct reset *))))
            return false;
        ties->n_seen_in = 0;
        for (size_t k = 0; k < n && ties->n_seen_in < most; k++)
            if (k != i)
                ties->seen_in[ties->n_seen_in++] = of[k];
    }
    return true;
}

/* How many resets the talk has; they go to out in order of record, unless it is NULL. */
static size_t resets_of(const struct roster *r, uint32_t talk, struct reset **out)
{
    size_t n = 0;
    for (uint32_t i = talk; i != ROSTER_NONE; i = r->next[i])
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++, n++)
            if (out)
                out[n] = r->reset_at[k];
    return n;
}

/* Whether a reset belongs to an event of which some are known.  The first is their pivot, but two
 * of one capture must be one event by themselves: what another capture holds does not make one of
 * them, for captures may be named in any order. */
static bool belongs(const struct vantage *v, const struct case_file *c, struct reset **one,
                    size_t n, const struct reset *r)
{
    if (!same_event(v, c, one[0], r))
        return false;
    for (size_t i = 1; i < n; i++)
        if (reset_capture(one[i]) == reset_capture(r) && !same_event(v, c, one[i], r))
            return false;
    return true;
}

/* The resets of one talk, those that were told apart marked done; one: room for those of an event.
 * Made for the talk that has most: a connection may lie in thousands of copies of a capture. */
struct talk_resets {
    struct reset **v, **one;
    bool *done;
    size_t n;
};

/* Adds to one, whose pivot is the i-th, what belongs to it; how many there are then. */
static size_t gather_event(const struct vantage *v, const struct case_file *c,
                           struct talk_resets *all, size_t i, bool decided_alike,
                           struct reset **one, size_t n)
{
    const struct segment *rst = &all->v[i]->deciding.segment;
    for (size_t k = i + 1; k < all->n; k++)
        if (!all->done[k] && (!decided_alike || is_same_rst(rst, &all->v[k]->deciding.segment)) &&
            belongs(v, c, one, n, all->v[k])) {
            one[n++] = all->v[k];
            all->done[k] = true;
        }
    return n;
}

/* A reset that the same RST decided goes before others of the teardown. */
static bool match_talk(const struct vantage *v, const struct roster *r, struct case_file *c,
                       uint32_t talk, struct talk_resets *all)
{
    all->n = resets_of(r, talk, all->v);
    memset(all->done, 0, all->n * sizeof *all->done);
    for (size_t i = 0; i < all->n; i++) {
        if (all->done[i])
            continue;
        all->one[0] = all->v[i];
        size_t n = gather_event(v, c, all, i, true, all->one, 1);
        n = gather_event(v, c, all, i, false, all->one, n);
        if (n > 1 && !mark_copies(v, c, all->one, n))
            return false;
    }
    return true;
}

bool vantage_match_resets(const struct vantage *v, const struct roster *r, struct case_file *c)
{
    size_t most = 1;
    for (uint32_t i = 0; i < r->n; i++) {
        size_t n = r->talk[i] == i ? resets_of(r, i, NULL) : 0;
        most = n > most ? n : most;
    }
    struct talk_resets all = {.v = calloc(most, sizeof(struct reset *)),
                              .one = calloc(most, sizeof(struct reset *)),
                              .done = calloc(most, sizeof *all.done)};
    bool good = all.v && all.one && all.done;
    for (uint32_t i = 0; i < r->n && good; i++)
        good = r->talk[i] != i || match_talk(v, r, c, i, &all);
    free(all.v);
    free(all.one);
    free(all.done);
    return good;
}

struct rst_key {
    uint32_t seq, ack;
    instant_ns time; /* first capture's clock */
    uint32_t record;
    uint16_t flags;
};

static int compare_rst(const void *x, const void *y)
{
    const struct rst_key *a = x, *b = y;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    if (a->ack != b->ack)
        return a->ack < b->ack ? -1 : 1;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->record < b->record ? -1 : a->record > b->record;
}

#define SAME_RST_NS (2 * NS_PER_S)

/* One end at least must look the same: a NAT rewrites one of them, rarely both. */
static bool same_rst(const struct roster *r, const struct rst_key *a, const struct rst_key *b)
{
    const struct connection_record *x = &r->records[a->record], *y = &r->records[b->record];
    bool an_end = endpoint_eq(&x->client, &y->client) || endpoint_eq(&x->server, &y->server) ||
                  endpoint_eq(&x->client, &y->server) || endpoint_eq(&x->server, &y->client);
    return a->seq == b->seq && a->ack == b->ack && a->flags == b->flags && an_end &&
           x->capture != y->capture && b->time - a->time <= SAME_RST_NS;
}

bool vantage_join_by_rst(struct vantage *v, struct roster *r)
{
    uint32_t n = r->reset_from[r->n], n_keys = 0;
    struct rst_key *keys = calloc((size_t)n + 1, sizeof *keys);
    if (!keys)
        return false;
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = r->reset_from[i]; k < r->reset_from[i + 1]; k++) {
            const struct segment *s = &r->reset_at[k]->deciding.segment;
            if (s->seq > 1) /* a raw RST to a SYN says nothing */
                keys[n_keys++] =
                    (struct rst_key){s->seq, s->ack, time_of(v, r->reset_at[k]), i, s->flags};
        }
    qsort(keys, n_keys, sizeof *keys, compare_rst);
    memcpy(v->talk_of, r->talk, r->n * sizeof *r->talk);
    for (uint32_t i = 1; i < n_keys; i++)
        if (same_rst(r, &keys[i - 1], &keys[i]))
            twins_join(v->talk_of, keys[i - 1].record, keys[i].record);
    free(keys);
    roster_chain(r, v->talk_of);
    return true;
}

bool vantage_covers(const struct vantage *v, const struct case_file *c, uint32_t capture,
                    instant_ns t)
{
    const struct case_capture *first = &c->captures[capture];
    const struct case_capture *last = first + (first->n_files > 1 ? first->n_files - 1 : 0);
    return first->first != INSTANT_NONE &&
           sane_time(first->first) - v->shift[capture] <= t - MARGIN_NS &&
           sane_time(last->last) - v->shift[capture] >= t + MARGIN_NS;
}

static const struct connection_record *record_in(const struct case_file *c, const struct roster *r,
                                                 uint32_t talk, uint32_t capture)
{
    for (uint32_t i = talk; i != ROSTER_NONE; i = r->next[i])
        if (case_series(c, r->records[i].capture) == capture)
            return &r->records[i];
    return NULL;
}

enum rst_sight {
    SIGHT_NONE,  /* the capture holds no RST in that end's name for this connection */
    SIGHT_OTHER, /* it holds other ones, but not this */
    SIGHT_SAME,  /* it holds this one */
    SIGHT_UNSURE /* it holds some that were no teardown: their numbers are not kept */
};

/* Whether capture k holds the deciding RST of x: same numbers, same claimed sender. */
static enum rst_sight sight(const struct case_file *c, const struct roster *r,
                            const struct reset *x, uint32_t talk, uint32_t k)
{
    enum rst_sight seen = SIGHT_NONE;
    for (uint32_t i = talk; i != ROSTER_NONE; i = r->next[i]) {
        if (case_series(c, r->records[i].capture) != k)
            continue;
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
};

/* Whether capture k holds the claimed sender's host at its own end, and nearer than here. */
static bool is_at_claimed_end(struct trial *t, const struct reset *x, uint32_t record,
                              const struct connection_record *there, uint32_t k)
{
    const struct connection *own = reset_connection(x);
    const struct address *claimed = &own->end[x->claimed].at.ip;
    const uint32_t here = case_series(t->c, own->capture);
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

/* What capture k proves about the sender of r, which another capture holds. */
static bool ask_capture(struct trial *t, struct reset *x, uint32_t record, uint32_t k)
{
    const uint32_t here = case_series(t->c, reset_capture(x)), talk = t->r->talk[record];
    if (t->c->captures[k].vantage == t->c->captures[here].vantage ||
        !vantage_covers(t->v, t->c, k, time_of(t->v, x)))
        return false;
    const struct connection_record *there = record_in(t->c, t->r, talk, k);
    if (!is_at_claimed_end(t, x, record, there, k))
        return false;
    enum rst_sight seen = there ? sight(t->c, t->r, x, talk, k) : SIGHT_NONE;
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

static bool trial_init(struct trial *t)
{
    const size_t n = t->c->n_captures;
    t->from = calloc(n + 2, sizeof *t->from);
    t->members = calloc(n + 1, sizeof *t->members);
    if (!glimpses_init(&t->glimpses, t->c, t->r) || !t->from || !t->members)
        return false;
    for (uint32_t i = 0; i < n; i++)
        t->from[t->v->clock[i] + 2] += case_series(t->c, i) == i;
    for (size_t i = 0; i < n; i++)
        t->from[i + 1] += t->from[i];
    for (uint32_t i = 0; i < n; i++)
        if (case_series(t->c, i) == i)
            t->members[t->from[t->v->clock[i] + 1]++] = i;
    return true;
}

static void trial_finish(struct trial *t)
{
    glimpses_finish(&t->glimpses);
    free(t->from);
    free(t->members);
}

/* The first capture that proves anything. */
static void ask_captures(struct trial *t, struct reset *x, uint32_t record)
{
    const uint32_t here = case_series(t->c, reset_capture(x)), clock = t->v->clock[here];
    bool done = false;
    for (uint32_t i = t->from[clock]; i < t->from[clock + 1] && !done; i++)
        done = t->members[i] != here && ask_capture(t, x, record, t->members[i]);
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
