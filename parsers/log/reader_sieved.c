/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shortest way through a log: what the sieve tells to concern nobody is counted as the reader
 * would count it, and of its events the caller is told no more than it asked for.  The sieve is
 * taught here, by lines that the reader took whole.  A block comes out as if it had been read line
 * by line.
 */
#include <string.h>

#include "parsers/log/pattern_set.h"
#include "parsers/log/reader_state.h"
#include "parsers/log/sieve_seek.h"

/* ---- teaching ---- */

static bool learn_event(const struct pattern_memo *m, size_t front, struct sieve_lesson *out)
{
    struct pattern_span spans[PATTERN_GROUPS_MAX];
    for (size_t i = 0; i < m->n_spans; i++)
        spans[i] = (struct pattern_span){.group = m->spans[i].group,
                                         .from = (uint16_t)(front + m->spans[i].from),
                                         .to = (uint16_t)(front + m->spans[i].to)};
    return sieve_lesson_ends(m->winner, spans, m->n_spans, out);
}

static bool learn_runs(const struct pattern_memo *m, size_t front, struct sieve_lesson *out)
{
    out->runs = m->runs;
    for (unsigned i = 0; i < m->runs.n; i++)
        out->runs.from[i] = (uint8_t)(m->runs.from[i] + front);
    return m->has_runs;
}

/* What all lines of the shape of r->event mean, as far as they concern nobody. */
static struct sieve_lesson lesson_of(struct log_reader *r, const struct pattern_memo *m,
                                     size_t front)
{
    struct sieve_lesson l = {.verdict = m->winner ? SIEVE_EVENT : SIEVE_EMPTY};
    if (!(m->winner ? learn_event(m, front, &l) : learn_runs(m, front, &l)) ||
        !(l.token = r->config.passer->admit(r->config.passer->ctx, &r->event)))
        return (struct sieve_lesson){.verdict = SIEVE_READ};
    return l;
}

/* The sieve is for the lines of one host: others' are counted elsewhere. */
static bool is_sieves_host(const struct sieve_host *h, struct text host, bool zone_stated)
{
    return h->n == host.n && memcmp(h->name, host.p, host.n) == 0 && h->zone_stated == zone_stated;
}

static bool open_sieve(struct log_reader *r)
{
    const struct event *e = &r->event;
    struct sieve_host *h = &r->sieve_host;
    if (r->sieve)
        return is_sieves_host(h, e->host, e->zone_stated);
    if (!e->host.n || e->host.n > sizeof h->name)
        return false;
    memcpy(h->name, e->host.p, e->host.n);
    h->n = e->host.n;
    h->zone_stated = e->zone_stated;
    r->sieve = sieve_create(r->config.passer->of_interest);
    r->seeker = r->sieve ? sieve_seeker_create(r->patterns) : NULL;
    return r->sieve != NULL;
}

/* What the event was handed on as holds for all that the pattern makes of other lines, too, as long
 * as each end that they name is an address. */
static bool is_of_addresses(const struct log_reader *r, const struct quick_line *l,
                            const struct sieve_lesson *lesson)
{
    for (unsigned i = 0; i < lesson->n_places; i++) {
        const struct sieve_place *at = &lesson->place[i];
        struct address a;
        if (!at->is_port &&
            (!address_parse(text_slice(l->body, at->from, at->to), &a) || address_is_zero(&a)))
            return false;
    }
    return r->event.scope == SCOPE_CONNECTION;
}

static void teach_found(struct log_reader *r, const struct quick_line *l,
                        const struct pattern_memo *m, uint32_t token)
{
    struct sieve_found found = {.bucket = l->prospect.bucket, .winner = m->winner};
    for (size_t i = 0; i < m->n_spans; i++)
        found.groups |= UINT32_C(1) << m->spans[i].group;
    sieve_teach_found(r->sieve, &l->tag, &found, token);
}

void reader_teach(struct log_reader *r, const struct quick_line *l)
{
    const struct log_passer *passer = r->config.passer;
    const uint64_t after = passer && passer->after ? passer->after : LOG_SIEVE_AFTER;
    if (!passer || r->config.asked_line || r->n_read < after || r->stopped)
        return;
    const struct pattern_memo *m = pattern_recall(r->patterns, &l->prospect);
    size_t front = (size_t)(l->tag.message.p - l->body.p);
    struct plain_tag tag = {.program = l->tag.program, .message = l->body, .pid = l->tag.pid};

    if (!m || plain_is_repetition(l->tag.message) || !open_sieve(r) || !sieve_wants(r->sieve, &tag))
        return;
    struct sieve_lesson lesson = lesson_of(r, m, front);
    sieve_teach(r->sieve, &tag, &lesson);
    if (!front && lesson.verdict != SIEVE_READ && (!m->winner || is_of_addresses(r, l, &lesson)))
        teach_found(r, l, m, lesson.token);
}

/* ---- passing ---- */

/* Whether the reader would read a line of that head as the sieve took it. */
static bool agrees(struct log_reader *r, const char *block, const struct sieved_head *h)
{
    const struct quick_head *q = &r->quick;
    const char *line = block + h->from;
    const size_t rest = plain_rest_at(&h->form);
    return q->form.n_minute == h->form.n_minute && q->form.n_digits == h->form.n_digits &&
           q->form.n_rest == h->form.n_rest && memcmp(q->minute, line, q->form.n_minute) == 0 &&
           memcmp(q->rest, line + rest, q->form.n_rest) == 0 &&
           is_sieves_host(&r->sieve_host,
                          (struct text){q->rest + q->form.n_rest - 1 - q->n_host, q->n_host},
                          q->zone_stated);
}

/* One block on its way through. */
struct passage {
    struct log_reader *r;
    const char *block;
    const struct sieved *s;
    uint64_t n_learnt; /* when the head was compared last */
    unsigned head;     /* and which it was */
    bool agrees;
    bool is_clear; /* lines of the head may be passed, and none was read since that was found out */
};

static bool is_plain(const struct log_reader *r)
{
    return r->export.phase == EXPORT_OFF && !r->pending.n && !r->carry.n && !r->dropping;
}

enum far { FAR_NO, FAR_ALL, FAR_UNCLEAR };

/* Whether lines of those times are too far away to be looked at. */
static enum far far_of(const struct log_reader *r, const struct sieved_item *i, instant_ns first,
                       instant_ns last)
{
    const struct log_config *c = &r->config;
    if (!c->has_wanted || r->n_read + i->n <= LOG_READ_IN_FULL)
        return FAR_NO;
    if (first >= c->wanted_first && last <= c->wanted_last)
        return FAR_NO;
    if (r->n_read < LOG_READ_IN_FULL)
        return FAR_UNCLEAR;
    return last < c->wanted_first || first > c->wanted_last ? FAR_ALL : FAR_UNCLEAR;
}

/* Lets the caller know of lines that are not handed to it.  False: it wants to have them. */
static bool tell(const struct log_reader *r, const struct sieved_item *i, uint64_t n,
                 instant_ns first, instant_ns last)
{
    const struct log_passer *p = r->config.passer;
    const bool is_event = i->verdict == SIEVE_EVENT;
    struct log_passed passed = {.token = i->token,
                                .source = r->config.source,
                                .line = r->summary.lines + 1,
                                .n_lines = n,
                                .first = first,
                                .last = last};
    if (is_event) {
        passed.pid = i->event.pid;
        passed.client = i->event.client;
        passed.known = i->has_known ? &i->event.known : NULL;
    }
    return p->pass(p->ctx, is_event, &passed);
}

/* Whether lines of the item's head may be passed now. */
static bool find_clear(struct passage *w, const struct sieved_item *i)
{
    struct log_reader *r = w->r;
    if (w->n_learnt != r->quick.n_learnt || w->head != i->head) {
        w->n_learnt = r->quick.n_learnt;
        w->head = i->head;
        w->agrees = agrees(r, w->block, &w->s->head[i->head]);
    }
    if (!w->agrees || !is_plain(r))
        return false;
    reader_quick_flush(r);
    return !r->stopped && !patterns_gave_up(r->patterns);
}

/* Counts the lines of an item as if they had been read.  False: they have to be. */
static bool pass(struct passage *w, const struct sieved_item *i)
{
    struct log_reader *r = w->r;
    w->is_clear = (w->is_clear && w->head == i->head) || find_clear(w, i);
    if (!w->is_clear)
        return false;
    const bool is_event = i->verdict == SIEVE_EVENT;
    const uint64_t n = is_event ? 1 : i->lines.n;
    instant_ns first = r->quick.start + i->first_ns;
    instant_ns last = is_event ? first : r->quick.start + i->lines.last_ns;
    enum far far = far_of(r, i, first, last);
    if (far == FAR_UNCLEAR || (far == FAR_NO && !tell(r, i, n, first, last)))
        return false;
    r->summary.lines += n;
    r->n_read += i->n;
    reader_quick_count(r, n, first, last);
    if (far == FAR_ALL)
        reader_skip(r, LOG_SKIP_FAR, n);
    else
        *(is_event ? &r->summary.events : &r->summary.unrecognised) += n;
    r->last = is_event ? (struct text){w->block + i->from, i->n - 1}
                       : (struct text){w->block + i->lines.last, i->lines.n_last};
    return true;
}

static void read_bytes(struct passage *w, const char *from, size_t n)
{
    w->is_clear = false;
    reader_take_bytes(w->r, from, n);
}

/* Lines that are not alike in all that matters: the first is read, the others are tried again. */
static void take_one(struct passage *w, struct sieved_item *i)
{
    const char *from = w->block + i->from;
    const bool has_more = i->verdict == SIEVE_EMPTY && i->lines.n > 1;
    size_t n = has_more ? (size_t)((const char *)memchr(from, '\n', i->n) - from) + 1 : i->n;
    read_bytes(w, from, n);
    i->from += (uint32_t)n;
    i->n -= (uint32_t)n;
    i->lines.n -= has_more;
}

/* Lines of an item that are not read as a matter of course. */
static void take_passable(struct passage *w, const struct sieved_item *item)
{
    if (pass(w, item))
        return;
    struct sieved_item i = *item;
    do
        take_one(w, &i);
    while (i.n && !w->r->stopped && !pass(w, &i));
}

void reader_take_sieved(struct log_reader *r, const char *block, const struct sieved *s)
{
    struct passage w = {.r = r, .block = block, .s = s, .head = SIEVED_HEADS};
    for (size_t k = 0; k < s->n_items && !r->stopped; k++) {
        const struct sieved_item *i = &s->item[k];
        if (i->verdict == SIEVE_READ)
            read_bytes(&w, block + i->from, i->n);
        else
            take_passable(&w, i);
    }
}
