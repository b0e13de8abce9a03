/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_NS (60 * NS_PER_S)
#define NEXT_DOOR_NS (3 * NS_PER_S)
#define FINE_NS (NS_PER_S / 50) /* stamps finer than this are taken by their quantile */

struct edge { /* where a pair's interval of possible offsets begins or ends */
    instant_ns at;
    uint32_t pair;
    bool end;
};

static int compare_edge(const void *x, const void *y)
{
    const struct edge *a = x, *b = y;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->end != b->end)
        return a->end ? 1 : -1; /* touching intervals overlap */
    return a->pair < b->pair ? -1 : a->pair > b->pair;
}

static int compare_ns(const void *x, const void *y)
{
    instant_ns a = *(const instant_ns *)x, b = *(const instant_ns *)y;
    return a < b ? -1 : a > b;
}

static int compare_pair(const void *x, const void *y)
{
    const struct clock_pair *a = x, *b = y;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->talk != b->talk)
        return a->talk < b->talk ? -1 : 1;
    return a->due_first < b->due_first ? -1 : a->due_first > b->due_first;
}

/* The offsets that a pair allows, widened by how much a line may trail or lead. */
static void allowed(const struct clock_pair *p, instant_ns lag, instant_ns lead, instant_ns *low,
                    instant_ns *high)
{
    *low = p->log - p->due_last - lag;
    *high = p->log + p->precision - p->due_first + lead;
}

struct vote { /* a stretch of offsets and who allows all of it */
    instant_ns low, high;
    uint32_t weight; /* 2 a connection, and 1 for each further line of it */
};

/* How often each line and each talk supports the offset under the sweep. */
struct ballot {
    uint32_t *by_talk; /* dense numbers */
    uint32_t *by_line;
    const uint32_t *talk, *line; /* by pair */
    uint32_t n_talks, n_lines;
};

/* A connection weighs more than a second line about it; one line about two connections once. */
static uint32_t ballot_weight(const struct ballot *b)
{
    uint32_t fewer = b->n_talks < b->n_lines ? b->n_talks : b->n_lines;
    return 2 * fewer + (b->n_lines > fewer ? b->n_lines - fewer : 0);
}

static void ballot_count(struct ballot *b, uint32_t pair, bool out)
{
    uint32_t *talk = &b->by_talk[b->talk[pair]], *line = &b->by_line[b->line[pair]];
    if (out) {
        b->n_talks -= --*talk == 0;
        b->n_lines -= --*line == 0;
    } else {
        b->n_talks += (*talk)++ == 0;
        b->n_lines += (*line)++ == 0;
    }
}

/* The best-supported stretch of offsets; pairs marked in left_out (may be NULL) have no vote. */
static struct vote best_stretch(const struct edge *edges, size_t n, struct ballot *b,
                                const bool *left_out)
{
    struct vote best = {0};
    for (size_t i = 0; i + 1 < n; i++) {
        if (left_out && left_out[edges[i].pair])
            continue;
        ballot_count(b, edges[i].pair, edges[i].end);
        if (edges[i].end)
            continue;
        struct vote here = {edges[i].at, edges[i + 1].at, ballot_weight(b)};
        if (here.weight > best.weight)
            best = here;
    }
    return best;
}

struct sweep {
    struct clock_pair *pairs;
    size_t n;
    struct edge *edges;
    uint32_t *talk, *line; /* dense numbers by pair */
    uint32_t *talk_seen, *line_seen;
    bool *agrees; /* by pair: it allows the winning offset */
    instant_ns *differences;
};

static int compare_u64(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

/* Small numbers for the pairs' lines or talks, in order of their identity. */
static bool number(const struct sweep *s, bool talks, uint32_t *out)
{
    uint64_t *ids = calloc(s->n, sizeof *ids);
    if (!ids)
        return false;
    for (size_t i = 0; i < s->n; i++)
        ids[i] = talks ? s->pairs[i].talk : s->pairs[i].line;
    qsort(ids, s->n, sizeof *ids, compare_u64);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!i || ids[i] != ids[n - 1])
            ids[n++] = ids[i];
    for (size_t i = 0; i < s->n; i++) {
        uint64_t id = talks ? s->pairs[i].talk : s->pairs[i].line;
        const uint64_t *at = bsearch(&id, ids, n, sizeof *ids, compare_u64);
        out[i] = at ? (uint32_t)(at - ids) : 0;
    }
    free(ids);
    return true;
}

static struct ballot empty_ballot(struct sweep *s)
{
    memset(s->talk_seen, 0, s->n * sizeof *s->talk_seen);
    memset(s->line_seen, 0, s->n * sizeof *s->line_seen);
    return (struct ballot){
        .by_talk = s->talk_seen, .by_line = s->line_seen, .talk = s->talk, .line = s->line};
}

static void lay_edges(struct sweep *s, instant_ns lag, instant_ns lead)
{
    for (size_t i = 0; i < s->n; i++) {
        instant_ns low, high;
        allowed(&s->pairs[i], lag, lead, &low, &high);
        s->edges[2 * i] = (struct edge){low, (uint32_t)i, false};
        s->edges[2 * i + 1] = (struct edge){high, (uint32_t)i, true};
    }
    qsort(s->edges, 2 * s->n, sizeof *s->edges, compare_edge);
}

/* All of the neighbourhood whose support is hardly less: noise must not make the winner look
 * narrower than it is. */
static void widen(struct sweep *s, struct vote *best)
{
    struct ballot b = empty_ballot(s);
    struct vote run = {0};
    bool in_run = false;
    const struct vote peak = *best;
    for (size_t i = 0; i + 1 < 2 * s->n; i++) {
        ballot_count(&b, s->edges[i].pair, s->edges[i].end);
        bool near = ballot_weight(&b) * 10 >= peak.weight * 9;
        if (near && !in_run)
            run.low = s->edges[i].at;
        if (near)
            run.high = s->edges[i + 1].at;
        in_run = near;
        if (near && run.low <= peak.low && run.high >= peak.high) {
            best->low = run.low;
            best->high = run.high;
        }
    }
}

/* Coarse stamps, or things due within a stretch: where most intervals still overlap when lines
 * trail by little; where noise hides that, as far as they may trail. */
static void narrow(struct sweep *s, const struct vote *in, struct clock_estimate *e)
{
    static const instant_ns lags[] = {NS_PER_S / 33, NS_PER_S / 10, CLOCK_LAG_NS};
    struct vote best = *in;
    instant_ns lag = CLOCK_LAG_NS;
    for (size_t i = 0; i < sizeof lags / sizeof lags[0]; i++) {
        lay_edges(s, lags[i], CLOCK_LEAD_NS);
        struct ballot b = empty_ballot(s);
        struct vote tight = best_stretch(s->edges, 2 * s->n, &b, NULL);
        if (tight.weight * 10 < in->weight * 9 || tight.high < in->low - CLOCK_LAG_NS ||
            tight.low > in->high + CLOCK_LAG_NS)
            continue;
        best = tight;
        widen(s, &best);
        lag = lags[i];
        break;
    }
    e->offset = best.low + (best.high - best.low) / 2;
    e->spread = (best.high - best.low) / 2 + (lag > NS_PER_S / 33 ? lag : NS_PER_S / 50);
}

/* Fine stamps: lines trail, so the smaller differences are nearest to the truth. */
static void quantile(instant_ns *d, size_t n, struct clock_estimate *e)
{
    qsort(d, n, sizeof *d, compare_ns);
    e->offset = d[n / 4];
    instant_ns below = e->offset - d[0], above = d[n / 2] - e->offset;
    e->spread = (below > above ? below : above) + NS_PER_S / 100;
    if (n < 3)
        e->spread += NS_PER_S / 20; /* one or two lines: how far they trail is not seen */
}

static void mark_agreeing(struct sweep *s, const struct vote *best)
{
    for (size_t i = 0; i < s->n; i++) {
        instant_ns low, high;
        allowed(&s->pairs[i], CLOCK_LAG_NS, CLOCK_LEAD_NS, &low, &high);
        s->agrees[i] = low <= best->low && high >= best->high;
    }
}

static void settle(struct sweep *s, const struct vote *best, struct clock_estimate *e)
{
    struct ballot b = empty_ballot(s);
    size_t n_fine = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct clock_pair *p = &s->pairs[i];
        if (!s->agrees[i])
            continue;
        ballot_count(&b, (uint32_t)i, false);
        if (p->precision + (p->due_last - p->due_first) <= FINE_NS)
            s->differences[n_fine++] = p->log + p->precision / 2 - p->due_first;
    }
    e->known = true;
    e->n_anchors = b.n_lines;
    e->n_talks = b.n_talks;
    if (n_fine * 2 >= b.n_lines && n_fine)
        quantile(s->differences, n_fine, e);
    else
        narrow(s, best, e);
}

/* The winner must beat every other offset: a lone line on a port that was used twice decides
 * nothing, and neither do pairs that each want something else.  Rivals next door are lines that
 * trail more than usual: the earlier offset is nearer to the truth, and the spread holds both. */
static void decide(struct sweep *s, struct clock_estimate *e)
{
    lay_edges(s, CLOCK_LAG_NS, CLOCK_LEAD_NS);
    struct ballot b = empty_ballot(s);
    struct vote best = best_stretch(s->edges, 2 * s->n, &b, NULL);
    if (!best.weight)
        return;
    mark_agreeing(s, &best);
    b = empty_ballot(s);
    struct vote rival = best_stretch(s->edges, 2 * s->n, &b, s->agrees);
    bool even = rival.weight * 3 > best.weight * 2;
    instant_ns apart = rival.low > best.low ? rival.low - best.low : best.low - rival.low;
    if (even && apart > NEXT_DOOR_NS) {
        e->contested = true;
        return;
    }
    if (even && rival.low < best.low) {
        best = rival;
        mark_agreeing(s, &best);
    }
    settle(s, &best, e);
    e->spread += even ? apart : 0;
}

struct clock_estimate clock_estimate_of(struct clock_pair *pairs, size_t n)
{
    struct clock_estimate e = {.spread = CLOCK_UNKNOWN_SPREAD_NS};
    if (!n || n > UINT32_MAX / 4)
        return e;
    qsort(pairs, n, sizeof *pairs, compare_pair);
    struct sweep s = {.pairs = pairs,
                      .n = n,
                      .edges = calloc(2 * n, sizeof(struct edge)),
                      .talk = calloc(n, sizeof(uint32_t)),
                      .line = calloc(n, sizeof(uint32_t)),
                      .talk_seen = calloc(n, sizeof(uint32_t)),
                      .line_seen = calloc(n, sizeof(uint32_t)),
                      .agrees = calloc(n, sizeof(bool)),
                      .differences = calloc(n, sizeof(instant_ns))};
    if (s.edges && s.talk && s.line && s.talk_seen && s.line_seen && s.agrees && s.differences &&
        number(&s, true, s.talk) && number(&s, false, s.line))
        decide(&s, &e);
    free(s.edges);
    free(s.talk);
    free(s.line);
    free(s.talk_seen);
    free(s.line_seen);
    free(s.agrees);
    free(s.differences);
    return e;
}

bool clock_zone_of(instant_ns offset, int *minutes_east, instant_ns *rest)
{
    const instant_ns quarter = 15 * MINUTE_NS;
    instant_ns half = offset < 0 ? -quarter / 2 : quarter / 2;
    instant_ns quarters = (offset + half) / quarter;
    *rest = offset - quarters * quarter;
    *minutes_east = (int)(quarters * 15);
    bool in_range = quarters && quarters >= -14 * 4 && quarters <= 14 * 4;
    bool near = *rest <= 5 * MINUTE_NS && *rest >= -5 * MINUTE_NS;
    return in_range && near;
}
