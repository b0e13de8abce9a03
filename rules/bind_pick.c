/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a bind and the lines tied to the reset.  Out: the line that it picks; or false where a log
 * would have shown one, else unknown.
 */
#include "rules/hearing.h"

#include "analyzer/correlate/correlate.h"

static bool kind_fits(const struct bind *b, const struct event *e)
{
    if (b->claims && !(b->claims >> e->claim & 1))
        return false;
    for (size_t i = 0; i < b->n_kinds; i++) {
        struct text kind = b->kinds[i];
        if (text_ends(kind, TEXT("*")) ? text_starts(e->kind, text_slice(kind, 0, kind.n - 1))
                                       : text_eq(e->kind, kind))
            return true;
    }
    return b->n_kinds == 0;
}

/* The side that the bind asks for; false: anyone's will do. */
static bool side_wanted(const struct bind *b, const struct reset *r, enum side *out)
{
    switch (b->side) {
    case BIND_CLIENT:
        *out = SIDE_CLIENT;
        return true;
    case BIND_SERVER:
        *out = SIDE_SERVER;
        return true;
    case BIND_SENDER:
        *out = r->sender;
        return true;
    case BIND_RECEIVER:
        *out = side_other(r->sender == SIDE_PATH ? r->claimed : r->sender);
        return true;
    case BIND_PATH:
        *out = SIDE_PATH;
        return true;
    default:
        return false;
    }
}

static instant_ns plus(instant_ns a, instant_ns b)
{
    instant_ns sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INSTANT_NONE + 1 : INT64_MAX;
    return sum;
}

/* What the window is measured from, as time after the RST: 0, the start, or the close. */
static instant_ns anchor(const struct bind *b, const struct reset *r)
{
    const struct connection *c = reset_connection(r);
    if (b->from == FROM_CLOSE)
        return line_close_offset(r);
    if (b->from != FROM_START || c->first_time == INSTANT_NONE)
        return 0;
    return plus(c->first_time, -r->deciding.segment.time);
}

static bool in_window(const struct bind *b, const struct reset *r, const struct link *l)
{
    if (l->offset_ns == INSTANT_NONE)
        return false;
    instant_ns at = plus(l->offset_ns, -anchor(b, r));
    instant_ns slack = l->uncertainty_ns > 0 ? l->uncertainty_ns : 0;
    return at >= plus(-b->before_ns, -slack) && at <= plus(b->after_ns, slack);
}

/* A line about a host that no name ties to an end is not known to be the other end's. */
static bool side_fits(const struct bind *b, const struct reset *r, const struct link *l)
{
    enum side side;
    if (!side_wanted(b, r, &side) || side == l->side)
        return true;
    return l->side == SIDE_PATH && l->join == JOIN_HOST;
}

bool bind_takes(struct hearing *h, const struct bind *b, const struct link *l)
{
    const struct reset *r = h->bench->reset;
    if (!kind_fits(b, l->event) || !(b->joins >> l->join & 1) || !in_window(b, r, l))
        return false;
    if (!side_fits(b, r, l))
        return false;
    for (size_t i = 0; i < b->n_wheres; i++) {
        struct fact f = line_value(h->bench, &b->wheres[i].subject, l, 0);
        if (tests_hold(h, &b->wheres[i].subject, &f, b->wheres[i].tests, b->wheres[i].n_tests) !=
            TRUTH_TRUE)
            return false;
    }
    return true;
}

static double claim_of(const struct link *l)
{
    return join_strength(l->join) * (l->ambiguous ? 0.5 : 1);
}

static instant_ns distance(const struct bind *b, const struct reset *r, const struct link *l)
{
    instant_ns at = plus(l->offset_ns, -anchor(b, r));
    return at < 0 ? -at : at;
}

/* How far beyond the window as it is written, into what the clocks' uncertainty adds to it. */
static instant_ns beyond(const struct bind *b, const struct reset *r, const struct link *l)
{
    instant_ns at = plus(l->offset_ns, -anchor(b, r));
    instant_ns early = plus(-b->before_ns, -at), late = plus(at, -b->after_ns);
    instant_ns most = early > late ? early : late;
    return most > 0 ? most : 0;
}

/* The order is total, so that the pick does not hang on the order of the links. */
static bool better(const struct bind *b, const struct reset *r, const struct link *x,
                   const struct link *y)
{
    double cx = claim_of(x), cy = claim_of(y);
    instant_ns dx = distance(b, r, x), dy = distance(b, r, y);
    instant_ns bx = beyond(b, r, x), by = beyond(b, r, y);
    if (cx != cy)
        return cx > cy;
    if (bx != by)
        return bx < by;
    if (dx != dy)
        return dx < dy;
    if (x->event->source != y->event->source)
        return x->event->source < y->event->source;
    return x->event->line < y->event->line;
}

#define START_SLACK NS_PER_S

/* A line that names the connection itself cannot be older than it: no log need reach further. */
static instant_ns earliest(const struct bind *b, const struct connection *c, instant_ns from)
{
    uint32_t about_it = 1U << JOIN_TUPLE | 1U << JOIN_ENDPOINT | 1U << JOIN_PID;
    if ((b->joins & ~about_it) || c->began_mid_stream || c->first_time == INSTANT_NONE)
        return from;
    instant_ns start = plus(c->first_time, -START_SLACK);
    return start > from ? start : from;
}

/* Whether logs would have shown every kind that the bind asks for. */
static bool covered(const struct hearing *h, const struct bind *b)
{
    const struct reset *r = h->bench->reset;
    enum side side = SIDE_SERVER;
    side_wanted(b, r, &side);
    instant_ns base = plus(r->deciding.segment.time, anchor(b, r));
    instant_ns to = plus(base, b->after_ns);
    instant_ns from = earliest(b, reset_connection(r), plus(base, -b->before_ns));
    from = from < to ? from : to;
    for (size_t i = 0; i < b->n_kinds; i++)
        if (!case_log_covers(h->bench->of, r, side, b->kinds[i], from, to))
            return false;
    return b->n_kinds > 0;
}

struct pick bind_pick(struct hearing *h, const struct bind *b)
{
    struct pick p = {.looked = true, .truth = TRUTH_UNKNOWN};
    for (size_t i = 0; i < h->bench->n_links; i++) {
        const struct link *l = &h->bench->links[i];
        if (!bind_takes(h, b, l))
            continue;
        p.n_fitting++;
        if (!p.link || better(b, h->bench->reset, l, p.link))
            p.link = l;
    }
    if (p.link)
        p.truth = TRUTH_TRUE;
    else if (covered(h, b))
        p.truth = TRUTH_FALSE;
    return p;
}
