/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines out of captured datagrams, and the same lines in files.  A line captured on its way tells
 * its writer's clock: it cannot be sent before it is written, and is sent soon after, unless a
 * queue had to wait.  Where a file holds the same line, so is the file's clock told, and the line
 * counts once, as the file's.  Nothing is joined to connections here.
 */
#include <stdlib.h>

#include "analyzer/correlate/correlate_parts.h"
#include "parsers/base/hash.h"

#define ALIKE_MAX 8 /* a message said more often than this tells no time */
#define CAUGHT_MAX 1000000
#define PAIRS_MAX 400000                    /* as in clocks.c */
#define APART_MAX_NS (27 * 3600 * NS_PER_S) /* of clocks and zones */
#define ZONE_GRAIN_NS (900 * NS_PER_S)      /* stamps read in two zones are so apart */
#define PID_OF_MANY 1 /* every host has it: without the host's name it says nothing */
/* A queue is emptied at once: of the lines that come within this much of each other none was held
 * longer than the others by HELD_NS. */
#define BURST_NS NS_PER_S
#define BURST_LINES 256
#define HELD_NS (NS_PER_S / 4)

void sent_lines_init(struct sent_lines *s)
{
    *s = (struct sent_lines){0};
    map_init(&s->alike, sizeof(uint64_t), sizeof(struct said_alike));
    map_init(&s->in_datagram, sizeof(uint64_t), sizeof(uint32_t));
}

void sent_lines_finish(struct sent_lines *s)
{
    vec_finish(&s->lines);
    vec_finish(&s->caught);
    map_finish(&s->alike);
    map_finish(&s->in_datagram);
}

/* Who says what: the same in every form of header. */
static uint64_t key_of(const struct event *e)
{
    struct text message = text_trim(e->message);
    uint64_t seed = map_seed() ^ text_hash(e->program) ^ (uint64_t)e->pid << 32;
    return message.n ? hash_bytes(message.p, message.n, seed) : seed;
}

/* A host with and without its domain is one. */
static uint64_t host_of(const struct event *e)
{
    size_t dot = text_find_byte(e->host, '.', 0);
    bool is_address = e->host.n > 0 && e->host.p[0] >= '0' && e->host.p[0] <= '9';
    return text_hash(dot == SIZE_MAX || is_address ? e->host : text_slice(e->host, 0, dot));
}

static instant_ns size_of(instant_ns t)
{
    return t < 0 ? -t : t;
}

static void add_caught(struct correlation *c, const struct caught_line *s)
{
    struct caught_line *slot = c->sent.caught.n < CAUGHT_MAX ? vec_push(&c->sent.caught) : NULL;
    if (slot)
        *slot = *s;
    else
        flaws_add(&c->index.dropped, "sent-lines.full", log_place_line(s->place));
}

static bool is_timed(const struct event *e)
{
    return e->time != INSTANT_NONE && e->time == sane_time(e->time);
}

static void list_alike(struct sent_lines *s, uint64_t key)
{
    struct said_alike *alike = map_put(&s->alike, &key, NULL);
    if (!alike)
        return;
    s->lines.v[s->lines.n - 1].next = alike->n > 0 ? alike->first : LOG_NONE;
    alike->first = (uint32_t)(s->lines.n - 1);
    alike->n++;
}

void correlation_datagram(struct correlation *c, const struct event *e,
                          const struct case_datagram *in)
{
    instant_ns at = sane_time(in->time) - c->vantage.shift[in->capture];
    struct event timed = *e;
    if (!is_timed(e)) {
        timed.time = at;
        timed.precision_ns = NS_PER_S / 1000000;
        timed.received = true;
    }
    correlation_add(c, &timed);
    const uint32_t domain = c->index.last_domain;
    struct sent_line *s = domain != LOG_NONE ? vec_push(&c->sent.lines) : NULL;
    if (!s)
        return;
    *s = (struct sent_line){.place = log_place(e),
                            .host = host_of(e),
                            .stamp = is_timed(e) ? e->time : INSTANT_NONE,
                            .precision = e->precision_ns,
                            .at = at,
                            .in = *in,
                            .next = LOG_NONE};
    list_alike(&c->sent, key_of(e));
    if (is_timed(e))
        add_caught(c, &(struct caught_line){.place = s->place,
                                            .domain = domain,
                                            .sent = (uint32_t)(c->sent.lines.n - 1),
                                            .log = e->time,
                                            .precision = e->precision_ns,
                                            .at = at,
                                            .order = CLOCK_LEADS});
}

/* Whether the file's line has the very stamp that was sent, whatever zones both were read in. */
static bool stamps_agree(const struct sent_line *s, const struct event *e)
{
    if (s->stamp == INSTANT_NONE || !is_timed(e))
        return false;
    instant_ns coarser = s->precision > e->precision_ns ? s->precision : e->precision_ns;
    instant_ns apart = size_of(s->stamp - e->time) % ZONE_GRAIN_NS;
    return apart < coarser || ZONE_GRAIN_NS - apart < coarser;
}

static bool may_be_one(const struct sent_line *s, const struct event *e)
{
    uint64_t host = host_of(e);
    bool same_host = s->host && host ? s->host == host : e->pid > PID_OF_MANY;
    return same_host && (!is_timed(e) || size_of(e->time - s->at) <= APART_MAX_NS);
}

static void sight(struct correlation *c, const struct event *e, uint32_t sent, bool agree)
{
    if (is_timed(e) && c->index.last_domain != LOG_NONE)
        add_caught(c, &(struct caught_line){.place = log_place(e),
                                            .domain = c->index.last_domain,
                                            .sent = sent,
                                            .log = e->time,
                                            .precision = e->precision_ns,
                                            .at = c->sent.lines.v[sent].at,
                                            .order = agree ? CLOCK_LEADS : CLOCK_AROUND});
}

static void note_kept(struct correlation *c, const struct event *e, uint32_t sent)
{
    uint64_t place = log_place(e);
    uint32_t *at = map_put(&c->sent.in_datagram, &place, NULL);
    if (!at)
        return;
    *at = sent;
    c->sent.lines.v[sent].is_kept = true;
}

void sent_lines_match(struct correlation *c, const struct event *e)
{
    const uint64_t key = key_of(e);
    const struct said_alike *alike = map_get(&c->sent.alike, &key);
    uint32_t own = LOG_NONE, n = 0;
    if (!alike || alike->n > ALIKE_MAX)
        return;
    for (uint32_t i = alike->first; i != LOG_NONE; i = c->sent.lines.v[i].next) {
        const struct sent_line *s = &c->sent.lines.v[i];
        if (!may_be_one(s, e))
            continue;
        bool agree = stamps_agree(s, e);
        sight(c, e, i, agree);
        own = agree || alike->n == 1 ? i : own;
        n++;
    }
    if (own != LOG_NONE && n > 0)
        note_kept(c, e, own);
}

static int compare_place(const void *key, const void *line)
{
    const uint64_t *place = key;
    const struct sent_line *s = line;
    return *place < s->place ? -1 : *place > s->place;
}

/* By the line's place; NULL: it came by no datagram. */
static const struct sent_line *sent_line_at(const struct correlation *c, uint64_t place)
{
    const struct sent_lines *s = &c->sent;
    return s->lines.n ? bsearch(&place, s->lines.v, s->lines.n, sizeof *s->lines.v, compare_place)
                      : NULL;
}

static int compare_caught(const void *x, const void *y)
{
    const struct caught_line *a = x, *b = y;
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return a->sent < b->sent ? -1 : a->sent > b->sent;
}

void sent_lines_settle(struct correlation *c)
{
    struct log_index *x = &c->index;
    size_t n = 0;
    if (c->sent.caught.n)
        qsort(c->sent.caught.v, c->sent.caught.n, sizeof *c->sent.caught.v, compare_caught);
    if (c->sent.in_datagram.n == 0)
        return;
    for (size_t i = 0; i < x->entries.n; i++) {
        const struct event *e = x->entries.v[i].event;
        const struct sent_line *s = sent_line_at(c, log_place(e));
        bool asked = x->asked_line && e->line == x->asked_line && e->source == x->asked_source;
        if (!s || !s->is_kept || asked)
            x->entries.v[n++] = x->entries.v[i];
    }
    x->entries.n = n;
}

const struct case_datagram *case_datagram_of(const struct case_file *c, const struct event *e)
{
    const struct case_log *log = e->source < c->n_logs ? &c->logs[e->source] : NULL;
    if (log && log->n_datagrams)
        return e->line > 0 && e->line <= log->n_datagrams ? &log->datagrams[e->line - 1] : NULL;
    const uint64_t place = log_place(e);
    const uint32_t *at = c->correlation ? map_get(&c->correlation->sent.in_datagram, &place) : NULL;
    return at ? &c->correlation->sent.lines.v[*at].in : NULL;
}

/* ---- clocks ---- */

/* Whether a line that came at once with it shows that it had waited.  If the clock was set just
 * then, one line is lost. */
static bool was_held(const struct caught_line *v, size_t n, size_t i)
{
    for (size_t k = i + 1; k < n && k - i < BURST_LINES && v[k].at - v[i].at <= BURST_NS; k++) {
        instant_ns by = (v[k].log - v[k].at) - (v[i].log - v[i].at);
        if (v[k].sent != v[i].sent && by > HELD_NS + v[i].precision && by < APART_MAX_NS)
            return true;
    }
    return false;
}

static bool add_pair(const struct caught_line *s, struct clock_pairs *out)
{
    if (!vec_reserve(out, out->n + 1))
        return false;
    out->v[out->n++] = (struct clock_pair){.line = s->place,
                                           .talk = UINT32_MAX - s->sent,
                                           .order = s->order,
                                           .log = s->log,
                                           .precision = s->precision,
                                           .due_first = s->at,
                                           .due_last = s->at};
    return true;
}

/* The first of the domain's. */
static size_t seek_domain(const struct sent_lines *s, uint32_t domain)
{
    size_t lo = 0, hi = s->caught.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->caught.v[mid].domain < domain)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool sent_lines_pairs(const struct correlation *c, uint32_t domain, struct clock_pairs *out)
{
    const size_t from = seek_domain(&c->sent, domain), to = seek_domain(&c->sent, domain + 1);
    const struct caught_line *v = c->sent.caught.v;
    for (size_t i = from; i < to && out->n < PAIRS_MAX; i++)
        if (is_sane_offset(v[i].log - v[i].at) && !was_held(v, to, i) && !add_pair(&v[i], out))
            return false;
    return true;
}
