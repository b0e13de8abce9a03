/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two captures of one connection laid side by side, packet by packet.  Which of them is nearer to
 * the client follows from hop counts, else from delays; a packet that only the one nearer to its
 * sender holds was swallowed between them, one that only the other holds arose there.
 */
#include "analyzer/vantage/fates.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/record/loss.h"
#include "parsers/base/vec.h"

#define AFTER_NS (3 * NS_PER_S)
#define EDGE_NS NS_PER_S /* of what was looked at: nothing is missed there */
#define NEARER_NS 10000
#define FATES_MAX 24
#define VIEWS_MAX 8 /* records of one connection that are compared */
#define NUMBERS_MAX 8

struct view {        /* one reset in one capture */
    uint32_t reset;  /* index into the case's */
    uint32_t series; /* first file */
    uint32_t record; /* of the connection there */
    int seen;        /* number in the look */
    int toward;      /* from the home capture: -1 nearer to the client, 1 to the server, 0 ? */
    bool is_home, trusted;
};

struct fates {
    const struct vantage *v;
    const struct roster *r;
    struct case_file *c;
    struct look *look;
    VEC(struct view) views; /* by reset */
    uint32_t *first;        /* by reset: its first view, n_resets + 1 of them */
};

/* ---- which captures, and how they stand to each other ---- */

static int toward_by_delay(const struct vantage *v, uint32_t here, uint32_t there)
{
    const struct vantage_pair *p = vantage_pair_of(v, here, there);
    if (!p || !p->both_ways)
        return 0;
    instant_ns to_server = p->b == there ? p->delay : -p->delay;
    return to_server >= NEARER_NS ? 1 : to_server <= -NEARER_NS ? -1 : 0;
}

static int toward(const struct fates *f, uint32_t here, uint32_t there)
{
    const struct connection_record *h = &f->r->records[here], *t = &f->r->records[there];
    int by_hops[2] = {0, 0};
    for (int side = 0; side < 2; side++)
        if (h->ttl[side] && t->ttl[side] && h->ttl[side] != t->ttl[side])
            by_hops[side] = (t->ttl[side] > h->ttl[side]) == (side == SIDE_CLIENT) ? -1 : 1;
    if (by_hops[0] && by_hops[1])
        return by_hops[0] == by_hops[1] ? by_hops[0] : 0;
    if (by_hops[0] || by_hops[1])
        return by_hops[0] + by_hops[1];
    return toward_by_delay(f->v, case_series(f->c, h->capture), case_series(f->c, t->capture));
}

static struct look_numbers numbers_of(const struct segment *g)
{
    return look_numbers_of(g->seq, g->ack, g->flags, g->payload_len);
}

/* A NAT may have let the RST, or what it answers, through under other ends. */
static void want_numbers(struct fates *f, const struct reset *x, uint32_t series)
{
    for (size_t i = 0; i < x->n_rsts && i < NUMBERS_MAX; i++)
        look_want_numbers(f->look, series, numbers_of(&x->rsts[i].segment));
    for (size_t i = 0; i < reset_connection(x)->n_kept; i++)
        if (reset_connection(x)->segments[i].frame == x->trigger_frame)
            look_want_numbers(f->look, series, numbers_of(&reset_connection(x)->segments[i]));
}

static instant_ns pivot_of(const struct fates *f, const struct reset *x, uint32_t series)
{
    return sane_time(x->deciding.segment.time) - f->v->shift[reset_capture(x)] +
           f->v->shift[series];
}

static bool add_view(struct fates *f, uint32_t reset, uint32_t home, uint32_t record)
{
    const struct reset *x = f->c->resets[reset];
    const struct connection_record *rec = &f->r->records[record];
    uint32_t series = case_series(f->c, rec->capture);
    struct view *made = vec_push(&f->views);
    if (!made)
        return false;
    struct look_want want = {.capture = series,
                             .client = rec->client,
                             .server = rec->server,
                             .pivot = pivot_of(f, x, series),
                             .until = AFTER_NS};
    *made = (struct view){.reset = reset,
                          .series = series,
                          .record = record,
                          .seen = look_want(f->look, &want),
                          .toward = toward(f, home, record),
                          .is_home = record == home,
                          .trusted = true};
    return true;
}

static uint32_t place_of(const struct fates *f, uint32_t record)
{
    return f->c->captures[case_series(f->c, f->r->records[record].capture)].vantage;
}

/* By record: the next one of the same connection that a capture of another place holds. */
static uint32_t *list_elsewhere(const struct fates *f)
{
    uint32_t *elsewhere = malloc((f->r->n + 1) * sizeof *elsewhere);
    for (uint32_t i = f->r->n; elsewhere && i-- > 0;) {
        const uint32_t next = f->r->next[i];
        elsewhere[i] =
            next != ROSTER_NONE && place_of(f, i) == place_of(f, next) ? elsewhere[next] : next;
    }
    return elsewhere;
}

/* Captures of other places that hold the reset's connection, and its own. */
static bool plan_reset(struct fates *f, const uint32_t *elsewhere, uint32_t reset, uint32_t home)
{
    const struct connection_record *records = f->r->records;
    uint32_t own = case_series(f->c, records[home].capture);
    uint32_t place = f->c->captures[own].vantage;
    size_t from = f->views.n;
    uint32_t next;
    for (uint32_t i = f->r->talk[home]; i != ROSTER_NONE && f->views.n - from < VIEWS_MAX;
         i = next) {
        const uint32_t k = case_series(f->c, records[i].capture);
        next = f->c->captures[k].vantage == place ? elsewhere[i] : f->r->next[i];
        if (f->c->captures[k].vantage == place || !vantage_is_measured(f->v, k, own))
            continue;
        want_numbers(f, f->c->resets[reset], k);
        if (!add_view(f, reset, home, i))
            return false;
    }
    return f->views.n == from || add_view(f, reset, home, home);
}

static bool plan_all(struct fates *f)
{
    uint32_t *home = malloc((f->c->n_resets + 1) * sizeof *home);
    uint32_t *elsewhere = list_elsewhere(f);
    bool good = home && elsewhere;
    if (good)
        memset(home, 0xff, (f->c->n_resets + 1) * sizeof *home);
    for (uint32_t i = 0; good && i < f->r->n; i++)
        for (uint32_t k = f->r->reset_from[i]; k < f->r->reset_from[i + 1]; k++)
            home[f->r->reset_at[k]->id - 1] = i;
    for (uint32_t i = 0; good && i < f->c->n_resets; i++) {
        f->first[i] = (uint32_t)f->views.n;
        good = home[i] == ROSTER_NONE || plan_reset(f, elsewhere, i, home[i]);
    }
    f->first[f->c->n_resets] = (uint32_t)f->views.n;
    free(home);
    free(elsewhere);
    return good;
}

struct fates *fates_plan(struct arena *a, const struct vantage *v, const struct roster *r,
                         struct case_file *c, struct look *look)
{
    struct fates *f = arena_alloc(a, sizeof *f);
    if (!f)
        return NULL;
    *f = (struct fates){.v = v, .r = r, .c = c, .look = look};
    f->first = arena_array(a, c->n_resets + 1, sizeof *f->first);
    if (f->first && plan_all(f))
        return f;
    vec_finish(&f->views);
    return NULL;
}

/* ---- packet by packet ---- */

#define SIGHTS_MAX (2 * (LOOK_BEFORE + LOOK_AFTER))

struct sights { /* of one capture, times on the first capture's clock */
    struct sighting v[SIGHTS_MAX];
    size_t n;
    uint32_t series;
    instant_ns from, to; /* within, nothing was left out */
};

static int32_t seq_apart(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static uint32_t end_of(const struct sighting *s)
{
    return s->seq + s->payload_len;
}

static bool is_inside(const struct sights *in, const struct sighting *p, uint32_t seq)
{
    for (size_t i = 0; i < in->n; i++) {
        const struct sighting *q = &in->v[i];
        if (q->from == p->from && q->payload_len > 0 && seq_apart(seq, q->seq) >= 0 &&
            seq_apart(seq, end_of(q)) < 0)
            return true;
    }
    return false;
}

static bool same_form(const struct sighting *p, const struct sighting *q)
{
    const uint16_t what = TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK;
    return p->from == q->from && p->seq == q->seq && p->payload_len == q->payload_len &&
           (p->flags & what) == (q->flags & what) && (!(p->flags & TCP_ACK) || p->ack == q->ack);
}

static const struct sighting *find_same(const struct sights *in, const struct sighting *p)
{
    const struct sighting *other = NULL;
    for (size_t i = 0; i < in->n; i++) {
        if (!same_form(p, &in->v[i]))
            continue;
        if (in->v[i].print == p->print)
            return &in->v[i];
        other = &in->v[i];
    }
    return other;
}

/* Offloads cut and join segments: bytes count, not segments. */
static bool is_held(const struct sights *in, const struct sighting *p)
{
    if (p->payload_len > 0 && !(p->flags & TCP_RST))
        return is_inside(in, p, p->seq) && is_inside(in, p, end_of(p) - 1);
    return find_same(in, p) != NULL;
}

static void narrow(struct sights *s, size_t first, size_t before, instant_ns pivot)
{
    size_t n = s->n - first;
    if (before >= LOOK_BEFORE && s->v[first].time > s->from)
        s->from = s->v[first].time;
    if (n - before >= LOOK_AFTER && s->v[s->n - 1].time < s->to)
        s->to = s->v[s->n - 1].time;
    if (pivot + AFTER_NS - EDGE_NS < s->to)
        s->to = pivot + AFTER_NS - EDGE_NS;
}

/* Adds what was seen of one record. */
static void load(const struct fates *f, const struct view *w, struct sights *s)
{
    struct sighting seen[LOOK_BEFORE + LOOK_AFTER];
    size_t n = look_seen(f->look, w->seen, seen), first = s->n, before = 0;
    instant_ns shift = f->v->shift[w->series];
    instant_ns pivot = pivot_of(f, f->c->resets[w->reset], w->series) - shift;
    for (size_t i = 0; i < n && s->n < SIGHTS_MAX; i++) {
        seen[i].time -= shift;
        before += seen[i].time <= pivot;
        s->v[s->n++] = seen[i];
    }
    if (n > 0 && s->n == SIGHTS_MAX)
        s->to = INT64_MIN; /* some may be missing */
    if (s->n > first)
        narrow(s, first, before, pivot);
}

/* All records of that view's capture that belong to the reset's connection. */
static void load_capture(const struct fates *f, const struct view *w, struct sights *s)
{
    uint32_t from = f->first[w->reset], to = f->first[w->reset + 1];
    s->n = 0;
    s->series = w->series;
    s->from = INT64_MIN;
    s->to = INT64_MAX;
    for (uint32_t i = from; i < to; i++)
        if (f->views.v[i].series == w->series)
            load(f, &f->views.v[i], s);
}

static bool is_within(const struct sights *s, instant_ns t)
{
    return t > s->from && t < s->to;
}

/* Of what came before the trouble nearly all is in the other capture: it was not losing packets,
 * as far as one connection can tell. */
static bool holds_before(const struct sights *a, const struct sights *b, instant_ns trouble)
{
    size_t n = 0, held = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct sighting *p = &a->v[i];
        if (p->time >= trouble || (p->flags & TCP_RST) || !is_within(b, p->time))
            continue;
        n++;
        held += is_held(b, p);
    }
    return held >= 2 && held * 10 >= n * 8;
}

/* Whether it passed the other capture before this one. */
static bool is_upstream(const struct sighting *p, int toward_other)
{
    return (p->from == SIDE_CLIENT) == (toward_other < 0);
}

static enum fate fate_of(const struct fates *f, const struct sights *other,
                         const struct sighting *p, int toward_other, const struct sighting **there)
{
    *there = find_same(other, p);
    if (*there)
        return p->print && (*there)->print && p->print != (*there)->print ? FATE_ALTERED
                                                                          : FATE_SEEN;
    if (is_held(other, p))
        return FATE_SEEN;
    if (look_has_numbers(f->look, other->series,
                         look_numbers_of(p->seq, p->ack, p->flags, p->payload_len)))
        return FATE_UNKNOWN; /* there under other ends */
    return is_upstream(p, toward_other) ? FATE_FORGED : FATE_SWALLOWED;
}

struct notes { /* being made for one reset */
    struct packet_fate v[FATES_MAX];
    size_t n;
};

static bool matters(const struct reset *x, const struct sighting *p, enum fate fate, bool is_home)
{
    bool named = is_home && (p->frame == frame_number(x->deciding.segment.frame) ||
                             p->frame == frame_number(x->trigger_frame));
    return fate != FATE_SEEN || named || (p->flags & TCP_RST);
}

static void note(struct notes *notes, const struct packet_fate *made)
{
    if (notes->n < FATES_MAX)
        notes->v[notes->n++] = *made;
}

static void compare(const struct fates *f, const struct view *holder, const struct view *other,
                    const struct sights *a, const struct sights *b, int toward_other,
                    struct notes *notes)
{
    struct reset *x = f->c->resets[holder->reset];
    for (size_t i = 0; i < a->n; i++) {
        const struct sighting *p = &a->v[i], *there;
        if (!is_within(b, p->time) ||
            !vantage_covers_passing(f->v, f->c, other->series, holder->series,
                                    is_upstream(p, toward_other), p->time))
            continue;
        enum fate fate = fate_of(f, b, p, toward_other, &there);
        if (fate == FATE_UNKNOWN || (!holder->is_home && fate == FATE_SEEN))
            continue; /* or told from the other side */
        if (matters(x, p, fate, holder->is_home))
            note(notes, &(struct packet_fate){.capture = p->capture,
                                              .frame = p->frame,
                                              .other = there ? there->capture : other->series,
                                              .other_frame = there ? there->frame : 0,
                                              .from = (enum side)p->from,
                                              .is_rst = (p->flags & TCP_RST) != 0,
                                              .fate = fate});
    }
}

/* When the trouble began: the first try of the segment that drew the RST, or the RST. */
static instant_ns trouble_of(const struct fates *f, const struct reset *x)
{
    const struct segment *rst = &x->deciding.segment;
    instant_ns start = rst->time;
    for (size_t i = 0; i < reset_connection(x)->n_kept; i++) {
        const struct segment *t = &reset_connection(x)->segments[i];
        if (t->frame != x->trigger_frame)
            continue;
        for (size_t k = 0; k <= i; k++)
            if (reset_connection(x)->segments[k].from == t->from &&
                reset_connection(x)->segments[k].seq == t->seq &&
                reset_connection(x)->segments[k].payload_len == t->payload_len) {
                start = reset_connection(x)->segments[k].time;
                break;
            }
    }
    return sane_time(start) - f->v->shift[reset_capture(x)];
}

/* Whether the view's capture was compared already, by another record. */
static bool repeats(struct fates *f, uint32_t from, uint32_t i)
{
    for (uint32_t k = from; k < i; k++)
        if (f->views.v[k].series == f->views.v[i].series) {
            f->views.v[i].trusted = f->views.v[k].trusted;
            return true;
        }
    return false;
}

/* Whether what its capture does not hold may have passed there.  A filter on flags leaves out, too,
 * but no RST, and what it leaves out is not compared. */
static bool loses(const struct fates *f, const struct view *w)
{
    const struct case_capture *k = &f->c->captures[w->series];
    return loss_share(k) > 0 && !loss_is_control_only(&k->loss);
}

static bool judge_reset(struct fates *f, uint32_t reset)
{
    struct reset *x = f->c->resets[reset];
    uint32_t from = f->first[reset], to = f->first[reset + 1];
    struct sights home, there;
    struct notes notes = {.n = 0};
    if (to <= from)
        return true;
    struct view *own = &f->views.v[to - 1]; /* planned last */
    load_capture(f, own, &home);
    for (uint32_t i = from; i + 1 < to; i++) {
        struct view *other = &f->views.v[i];
        if (i > from && repeats(f, from, i))
            continue;
        load_capture(f, other, &there);
        other->trusted = !loses(f, other) && holds_before(&home, &there, trouble_of(f, x));
        if (!other->trusted || other->toward == 0)
            continue;
        compare(f, own, other, &home, &there, other->toward, &notes);
        if (!loses(f, own))
            compare(f, other, own, &there, &home, -other->toward, &notes);
    }
    struct reset_ties *ties = notes.n > 0 ? reset_tie(&f->c->arena, x) : NULL;
    if (!ties)
        return notes.n == 0;
    ties->fates = arena_copy(&f->c->arena, notes.v, notes.n * sizeof *notes.v);
    ties->n_fates = ties->fates ? notes.n : 0;
    return ties->fates != NULL;
}

void fates_free(struct fates *f)
{
    if (!f)
        return;
    vec_finish(&f->views);
    look_free(f->look);
}

bool fates_judge(struct fates *f)
{
    bool good = true;
    for (uint32_t i = 0; good && f->views.n > 0 && i < f->c->n_resets; i++)
        good = judge_reset(f, i);
    return good;
}

bool fates_hold_rst(const struct fates *f, const struct reset *x, uint32_t k)
{
    return f && f->views.n > 0 && look_has_numbers(f->look, k, numbers_of(&x->deciding.segment));
}

bool fates_trust(const struct fates *f, const struct reset *x, uint32_t k)
{
    uint32_t i = x->id - 1;
    if (!f || f->views.n == 0 || i >= f->c->n_resets)
        return true;
    if (fates_hold_rst(f, x, k))
        return false; /* it is there, perhaps under other ends */
    for (uint32_t n = f->first[i]; n < f->first[i + 1]; n++)
        if (f->views.v[n].series == k && f->views.v[n].seen >= 0)
            return f->views.v[n].trusted;
    return true;
}
