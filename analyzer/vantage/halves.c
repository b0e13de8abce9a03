/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/vantage/halves.h"

#include <stdlib.h>

#include "parsers/base/radix.h"

#define OPENED_NS NS_PER_S          /* the second half after the first */
#define TOGETHER_NS (NS_PER_S / 20) /* between the ends of both, or a refusal and the first's */
#define RETRIES_NS (4 * NS_PER_S)   /* before the first half's end an attempt is looked for */
#define WAITED_NS (NS_PER_S / 2)    /* for an answer, at least */
#define SCANNED_MAX 128 /* records; where more begin in so short a time, times tell nothing */

/* ---- records in order of time ---- */

instant_ns halves_time(const struct halves *h, uint32_t record, instant_ns t)
{
    return h->roster->n > 0 ? roster_time(h->roster, record, t) : sane_time(t);
}

static uint32_t record_at(const struct halves *h, uint32_t at)
{
    return h->order ? h->order[at] : at;
}

static instant_ns first_of(const struct halves *h, uint32_t record)
{
    return halves_time(h, record, h->of->records[record].first_time);
}

static bool stand_in_order(const struct halves *h)
{
    instant_ns before = INSTANT_NONE;
    for (uint32_t i = 0; i < h->of->n_records; i++) {
        const instant_ns t = first_of(h, i);
        if (t < before)
            return false;
        before = t;
    }
    return true;
}

static bool order_by_time(struct halves *h)
{
    const size_t n = h->of->n_records;
    struct radix_item *items = radix_room(n);
    h->order = malloc((n + 1) * sizeof *h->order);
    const bool good = items && h->order;
    for (uint32_t i = 0; good && i < n; i++)
        items[i] = (struct radix_item){radix_signed(first_of(h, i)), i};
    if (good)
        radix_sort(items, items + n, n);
    for (uint32_t i = 0; good && i < n; i++)
        h->order[i] = (uint32_t)items[i].value;
    radix_room_free(items, n);
    return good;
}

static uint32_t begin_at(const struct halves *h, instant_ns t)
{
    uint32_t lo = 0, hi = (uint32_t)h->of->n_records;
    while (lo < hi) {
        const uint32_t mid = lo + (hi - lo) / 2;
        if (first_of(h, record_at(h, mid)) < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct range { /* of places in order of time */
    uint32_t from, to;
};

static bool begins_in(const struct halves *h, uint32_t at, instant_ns from, instant_ns to)
{
    const instant_ns t = first_of(h, record_at(h, at));
    return t >= from && t <= to;
}

/* Those about a place that begin from one time to the other, both among them; false where they are
 * too many. */
static bool few_between(const struct halves *h, uint32_t place, instant_ns from, instant_ns to,
                        struct range *range)
{
    const uint32_t n = (uint32_t)h->of->n_records;
    *range = (struct range){place, place};
    if ((n - place > SCANNED_MAX && begins_in(h, place + SCANNED_MAX, from, to)) ||
        (place > SCANNED_MAX && begins_in(h, place - SCANNED_MAX - 1, from, to)))
        return false;
    while (range->from > 0 && begins_in(h, range->from - 1, from, to))
        range->from--;
    while (range->to < n && begins_in(h, range->to, from, to))
        range->to++;
    return true;
}

/* ---- their resets ---- */

static bool is_record_of(const struct halves *h, uint32_t at, const struct connection *k)
{
    const struct connection_record *rec = &h->of->records[record_at(h, at)];
    return rec->capture == k->capture && rec->stream == k->stream;
}

/* The place of a reset's record: ROSTER_NONE where the budget had none for it. */
static uint32_t place_of(const struct halves *h, const struct connection *k)
{
    const uint32_t n = (uint32_t)h->of->n_records;
    if (!h->order && k->stream < n &&
        is_record_of(h, k->stream, k)) /* of one capture, most often */
        return k->stream;
    const instant_ns t = sane_time(k->first_time);
    const bool moved = h->roster->n > 0 && k->capture < h->roster->n_captures;
    const instant_ns first = t != INSTANT_NONE && moved ? t - h->roster->shift[k->capture] : t;
    uint32_t at = begin_at(h, first);
    while (at < n && first_of(h, record_at(h, at)) == first && !is_record_of(h, at, k))
        at++;
    return at < n && is_record_of(h, at, k) ? at : ROSTER_NONE;
}

static int by_record(const void *a, const void *b)
{
    const struct halves_reset *x = a, *y = b;
    if (x->record != y->record)
        return x->record < y->record ? -1 : 1;
    return x->reset->id < y->reset->id ? -1 : x->reset->id > y->reset->id;
}

static bool is_whole(const struct reset *x)
{
    return !x->outline && !x->is_copy_of_other;
}

static bool collect_resets(struct halves *h)
{
    struct reset *const *v = h->of->resets;
    size_t n = 0;
    for (size_t i = 0; i < h->of->n_resets; i++) {
        resets_fetch_heads(v, h->of->n_resets, i);
        n += is_whole(v[i]);
    }
    if (n == 0)
        return true;
    h->resets = malloc(n * sizeof *h->resets);
    if (!h->resets || (!stand_in_order(h) && !order_by_time(h)))
        return false;
    for (size_t i = 0; i < h->of->n_resets; i++) {
        resets_fetch_heads(v, h->of->n_resets, i);
        const uint32_t at = is_whole(v[i]) ? place_of(h, reset_connection(v[i])) : ROSTER_NONE;
        if (at != ROSTER_NONE)
            h->resets[h->n_resets++] = (struct halves_reset){v[i], record_at(h, at), at};
    }
    qsort(h->resets, h->n_resets, sizeof *h->resets, by_record);
    return true;
}

bool halves_begin(struct halves *h, const struct roster *r, const struct case_file *c)
{
    *h = (struct halves){.of = c, .roster = r};
    if (collect_resets(h))
        return true;
    halves_finish(h);
    return false;
}

void halves_finish(struct halves *h)
{
    free(h->order);
    free(h->resets);
    *h = (struct halves){0};
}

/* The record's first, or NULL. */
static struct reset *reset_of(const struct halves *h, uint32_t record)
{
    size_t lo = 0, hi = h->n_resets;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (h->resets[mid].record < record)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < h->n_resets && h->resets[lo].record == record ? h->resets[lo].reset : NULL;
}

/* ---- how they ended ---- */

static enum leg_end reset_by(const struct halves *h, uint32_t record)
{
    const struct connection_record *rec = &h->of->records[record];
    enum side by = record_saw_rst(rec, SIDE_SERVER) ? SIDE_SERVER : SIDE_CLIENT;
    const struct reset *x = reset_of(h, record);
    if (record_saw_rst(rec, SIDE_SERVER) && record_saw_rst(rec, SIDE_CLIENT) && x)
        by = x->claimed;
    if (by == SIDE_CLIENT)
        return LEG_RESET_BY_CLIENT;
    return rec->synack_time == INSTANT_NONE && !rec->handshake_seen ? LEG_REFUSED
                                                                    : LEG_RESET_BY_SERVER;
}

static enum leg_end ending_of(const struct halves *h, uint32_t record, instant_ns *time)
{
    const struct connection_record *rec = &h->of->records[record];
    enum leg_end end = LEG_OPEN;
    *time = halves_time(h, record, rec->rst_time);
    if (*time != INSTANT_NONE)
        end = reset_by(h, record);
    for (unsigned side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        const instant_ns t = halves_time(h, record, rec->fin_time[side]);
        if (t == INSTANT_NONE || (*time != INSTANT_NONE && t >= *time))
            continue;
        *time = t;
        end = side == SIDE_CLIENT ? LEG_CLOSED_BY_CLIENT : LEG_CLOSED_BY_SERVER;
    }
    if (end == LEG_OPEN && rec->syn_time != INSTANT_NONE && rec->synack_time == INSTANT_NONE &&
        !rec->handshake_seen)
        end = LEG_UNANSWERED;
    return end;
}

static instant_ns gone_of(const struct halves *h, uint32_t record, const struct reset *x)
{
    const instant_ns rst = halves_time(h, record, x->deciding.segment.time);
    const instant_ns fin =
        x->claimed == SIDE_PATH
            ? INSTANT_NONE
            : halves_time(h, record, h->of->records[record].fin_time[x->claimed]);
    return fin != INSTANT_NONE && fin < rst ? fin : rst;
}

/* ---- which may be halves of one ---- */

struct pair { /* the half to the proxy, the half from it */
    uint32_t front, back;
};

static bool same_talk(const struct halves *h, uint32_t a, uint32_t b)
{
    return h->roster->n > 0 ? h->roster->talk[a] == h->roster->talk[b] : a == b;
}

/* Whether one host may be the server of the front and the client of the back; sure where one
 * address is both. */
static bool has_proxy(const struct halves *h, const struct pair *p, bool *sure)
{
    const struct connection_record *f = &h->of->records[p->front], *b = &h->of->records[p->back];
    if (same_talk(h, p->front, p->back) || endpoint_eq(&f->server, &b->server) ||
        address_eq(&f->client.ip, &b->client.ip))
        return false;
    *sure = address_eq(&f->server.ip, &b->client.ip);
    return *sure || (f->capture == b->capture && roster_is_at_end(f->ttl[SIDE_SERVER]) &&
                     roster_is_at_end(b->ttl[SIDE_CLIENT]));
}

static bool opened_in_turn(const struct halves *h, const struct pair *p)
{
    const instant_ns front = halves_time(h, p->front, h->of->records[p->front].first_time);
    const instant_ns back = halves_time(h, p->back, h->of->records[p->back].first_time);
    const instant_ns after = instant_since(back, front);
    return after != INSTANT_NONE && after >= 0 && after <= OPENED_NS;
}

static bool ended_together(const struct halves *h, const struct pair *p)
{
    instant_ns front, back;
    ending_of(h, p->front, &front);
    ending_of(h, p->back, &back);
    const instant_ns apart = instant_since(front, back);
    return apart != INSTANT_NONE && apart <= TOGETHER_NS && apart >= -TOGETHER_NS;
}

/* Not: both asked something, and not the same. */
static bool may_have_asked(const struct halves *h, const struct pair *p)
{
    const uint32_t front = h->of->records[p->front].request, back = h->of->records[p->back].request;
    return front == 0 || back == 0 || front == back;
}

static bool was_opened(const struct connection_record *rec)
{
    return rec->handshake_seen || rec->synack_time != INSTANT_NONE;
}

static bool are_halves(const struct halves *h, const struct pair *p, bool *sure)
{
    return was_opened(&h->of->records[p->front]) && was_opened(&h->of->records[p->back]) &&
           has_proxy(h, p, sure) && opened_in_turn(h, p) && ended_together(h, p) &&
           may_have_asked(h, p);
}

/* ---- the other half ---- */

struct found {
    uint32_t record, place;
    uint32_t n; /* that may be it */
    bool sure;
};

/* The halves that go with the record at that place, beyond that end of it, which is the proxy. */
static struct found search(const struct halves *h, uint32_t place, enum side beyond)
{
    const uint32_t record = record_at(h, place);
    const instant_ns first = first_of(h, record);
    const instant_ns from = beyond == SIDE_SERVER ? first : instant_plus(first, -OPENED_NS);
    const instant_ns to = beyond == SIDE_SERVER ? instant_plus(first, OPENED_NS) : first;
    struct found found = {0};
    struct range range;
    if (!few_between(h, place, from, to, &range))
        return (struct found){.n = SCANNED_MAX};
    for (uint32_t at = range.from; at < range.to; at++) {
        const uint32_t i = record_at(h, at);
        const struct pair p =
            beyond == SIDE_SERVER ? (struct pair){record, i} : (struct pair){i, record};
        bool sure;
        if (i == record || !are_halves(h, &p, &sure))
            continue;
        const bool is_other = found.n == 0 || !same_talk(h, i, found.record);
        found = (struct found){i, at, found.n + is_other, sure};
    }
    return found;
}

/* The one that it may be, and that has no other to go with. */
static bool only_half(const struct halves *h, uint32_t place, enum side beyond, struct found *found)
{
    *found = search(h, place, beyond);
    return found->n == 1 && search(h, found->place, side_other(beyond)).n == 1;
}

struct attempt {
    uint32_t record;
    bool there, sure, ambiguous;
};

static bool is_vain(const struct halves *h, uint32_t back, instant_ns gone)
{
    instant_ns time;
    const enum leg_end end = ending_of(h, back, &time);
    const instant_ns first = halves_time(h, back, h->of->records[back].first_time);
    const instant_ns waited = instant_since(gone, end == LEG_REFUSED ? time : first);
    return waited != INSTANT_NONE &&
           ((end == LEG_REFUSED && waited >= 0 && waited <= TOGETHER_NS) ||
            (end == LEG_UNANSWERED && waited >= WAITED_NS));
}

/* Of the proxy, to get through to its server: in vain, and the last of its kind. */
static void weigh_attempt(const struct halves *h, const struct pair *p, instant_ns gone,
                          struct attempt *best)
{
    bool sure;
    if (p->front == p->back || !has_proxy(h, p, &sure))
        return;
    const bool same = best->there && endpoint_eq(&h->of->records[best->record].server,
                                                 &h->of->records[p->back].server);
    if (same && was_opened(&h->of->records[p->back]))
        best->there = false; /* another one got through */
    if (!is_vain(h, p->back, gone) || (best->there && best->sure > sure))
        return;
    const bool other = best->there && best->sure == sure && (best->ambiguous || !same);
    *best = (struct attempt){p->back, true, sure, other};
}

static bool find_attempt(const struct halves *h, const struct halves_reset *x, struct attempt *best)
{
    const instant_ns gone = gone_of(h, x->record, x->reset);
    const instant_ns opened = first_of(h, x->record), late = instant_plus(gone, -RETRIES_NS);
    const bool is_long = late > opened;
    struct range range;
    *best = (struct attempt){0};
    if (!few_between(h, is_long ? begin_at(h, late) : x->place, is_long ? late : opened, gone,
                     &range))
        return false;
    for (uint32_t at = range.from; at < range.to; at++) {
        const struct pair p = {x->record, record_at(h, at)};
        weigh_attempt(h, &p, gone, best);
    }
    return best->there && !best->ambiguous;
}

/* Whether a proxy may have had a part in the reset: its owner ended a connection whose beginning
 * was captured. */
static bool is_of_concern(const struct reset *x)
{
    return x->claimed != SIDE_PATH &&
           (x->mechanism == MECHANISM_ABORT || x->mechanism == MECHANISM_ABORT_UNREAD ||
            x->mechanism == MECHANISM_AFTER_CLOSE) &&
           !reset_connection(x)->began_mid_stream && !reset_connection(x)->client_guessed;
}

void halves_describe(const struct halves *h, const struct halves_reset *x, uint32_t y,
                     enum side beyond, bool sure, struct leg *leg)
{
    const struct connection_record *rec = &h->of->records[y];
    instant_ns time;
    *leg = (struct leg){.by = LEG_PROXY,
                        .capture = rec->capture,
                        .stream = rec->stream,
                        .client = rec->client,
                        .server = rec->server,
                        .reset = reset_of(h, y),
                        .beyond = beyond,
                        .sure = sure};
    leg->end = ending_of(h, y, &time);
    leg->lead = instant_since(gone_of(h, x->record, x->reset), time);
}

bool halves_find(const struct halves *h, const struct halves_reset *x, struct leg *leg)
{
    struct found found;
    struct attempt attempt;
    if (!is_of_concern(x->reset))
        return false;
    for (int turn = 0; turn < 2; turn++) {
        const enum side beyond = turn == 0 ? SIDE_SERVER : SIDE_CLIENT;
        if (!only_half(h, x->place, beyond, &found))
            continue;
        halves_describe(h, x, found.record, beyond, found.sure, leg);
        return true;
    }
    if (x->reset->claimed != SIDE_SERVER || !find_attempt(h, x, &attempt))
        return false;
    halves_describe(h, x, attempt.record, SIDE_SERVER, attempt.sure, leg);
    return true;
}
