/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock/clock_vote.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/clock/clock_lag.h"

#define NEXT_DOOR_NS (3 * NS_PER_S) /* apart by less: lines that trail more than usual */
#define SMEAR_MAX_NS (600 * NS_PER_S)
#define TRIES_MAX 24 /* bands looked at, kept or not */

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

struct vote { /* a stretch of offsets and who allows all of it */
    instant_ns low, high;
    uint32_t weight; /* 2 a connection, and 1 for each further line of it */
};

struct sweep {
    const struct clock_pair *pairs;
    size_t n;
    struct edge *edges;
    uint32_t *talk, *line; /* dense numbers by pair */
    uint32_t *talk_seen, *line_seen;
    bool *line_used; /* by dense line: an earlier band explains it */
    bool *skip;      /* by pair: it has no vote */
    instant_ns smear;
};

/* The offsets that a pair allows, widened by how much a line may trail or lead and by how far the
 * clock may have drifted over the log. */
static void allowed(const struct sweep *s, size_t pair, instant_ns *low, instant_ns *high)
{
    const struct clock_pair *p = &s->pairs[pair];
    *low = clock_pair_low(p, CLOCK_LAG_NS, CLOCK_LEAD_NS) - s->smear / 2;
    *high = clock_pair_high(p, CLOCK_LAG_NS, CLOCK_LEAD_NS) + s->smear / 2;
}

/* How often each line and each talk supports the offset under the sweep. */
struct ballot {
    uint32_t n_talks, n_lines;
};

/* A connection weighs more than a second line about it; one line about two connections once. */
static uint32_t ballot_weight(const struct ballot *b)
{
    uint32_t fewer = b->n_talks < b->n_lines ? b->n_talks : b->n_lines;
    return 2 * fewer + (b->n_lines > fewer ? b->n_lines - fewer : 0);
}

static void ballot_count(struct sweep *s, struct ballot *b, uint32_t pair, bool out)
{
    uint32_t *talk = &s->talk_seen[s->talk[pair]], *line = &s->line_seen[s->line[pair]];
    if (out) {
        b->n_talks -= --*talk == 0;
        b->n_lines -= --*line == 0;
    } else {
        b->n_talks += (*talk)++ == 0;
        b->n_lines += (*line)++ == 0;
    }
}

static void lay_edges(struct sweep *s)
{
    for (size_t i = 0; i < s->n; i++) {
        instant_ns low, high;
        allowed(s, i, &low, &high);
        s->edges[2 * i] = (struct edge){low, (uint32_t)i, false};
        s->edges[2 * i + 1] = (struct edge){high, (uint32_t)i, true};
    }
    qsort(s->edges, 2 * s->n, sizeof *s->edges, compare_edge);
}

/* The best-supported stretch of offsets among the pairs that have a vote. */
static struct vote best_stretch(struct sweep *s)
{
    struct vote best = {0};
    struct ballot b = {0};
    memset(s->talk_seen, 0, s->n * sizeof *s->talk_seen);
    memset(s->line_seen, 0, s->n * sizeof *s->line_seen);
    for (size_t i = 0; i + 1 < 2 * s->n; i++) {
        const struct edge *e = &s->edges[i];
        if (s->skip[e->pair])
            continue;
        ballot_count(s, &b, e->pair, e->end);
        if (e->end)
            continue;
        struct vote here = {e->at, s->edges[i + 1].at, ballot_weight(&b)};
        if (here.weight > best.weight)
            best = here;
    }
    return best;
}

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

/* The least drift that explains nearly as much as the most would: what drifts little is told from
 * chance better. */
static void choose_smear(struct sweep *s)
{
    static const int32_t rates[] = {1000000, 0, 50000, 200000, 500000}; /* ppb, over the whole */
    instant_ns first = INT64_MAX, last = INT64_MIN;
    uint32_t most = 0;
    for (size_t i = 0; i < s->n; i++) {
        first = s->pairs[i].log < first ? s->pairs[i].log : first;
        last = s->pairs[i].log > last ? s->pairs[i].log : last;
    }
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        instant_ns smear = (last - first) / 1000 * rates[i] / 1000000;
        s->smear = smear < SMEAR_MAX_NS ? smear : SMEAR_MAX_NS;
        if (i && s->smear < CLOCK_LAG_NS && rates[i])
            continue;
        lay_edges(s);
        uint32_t weight = best_stretch(s).weight;
        most = i ? most : weight;
        if (i && (uint64_t)weight * 20 >= (uint64_t)most * 17)
            return;
    }
    s->smear = (last - first) / 1000 < SMEAR_MAX_NS ? (last - first) / 1000 : SMEAR_MAX_NS;
    lay_edges(s);
}

/* All that the agreeing pairs allow; their lines are used up. */
static struct clock_band take_band(struct sweep *s, const struct vote *v)
{
    struct clock_band band = {v->low - NEXT_DOOR_NS - s->smear / 2,
                              v->high + NEXT_DOOR_NS + s->smear / 2, 0};
    for (size_t i = 0; i < s->n; i++) {
        instant_ns low, high;
        allowed(s, i, &low, &high);
        if (s->skip[i] || low > v->low || high < v->high)
            continue;
        band.n_lines += !s->line_used[s->line[i]];
        s->line_used[s->line[i]] = true;
    }
    return band;
}

/* Whether the lines that this band explains would rather, or as soon, mean another offset.  A lone
 * line on a port that was used twice decides nothing.  Rivals next door are lines that trail more
 * than usual. */
static bool is_contested(struct sweep *s, const struct vote *v, const bool *before)
{
    for (size_t i = 0; i < s->n; i++) {
        instant_ns low, high;
        allowed(s, i, &low, &high);
        bool mine = s->line_used[s->line[i]] && !before[s->line[i]];
        s->skip[i] = !mine || (low <= v->low && high >= v->high);
    }
    struct vote rival = best_stretch(s);
    instant_ns apart = rival.low > v->low ? rival.low - v->low : v->low - rival.low;
    return rival.weight * 3 > v->weight * 2 && apart > NEXT_DOOR_NS + s->smear;
}

static void skip_used(struct sweep *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->skip[i] = s->line_used[s->line[i]];
}

/* Lines of one band and of another in turn are two clocks in one, which no step explains. */
static bool are_mixed(const struct sweep *s, const bool *before, uint32_t n_rival)
{
    uint32_t n_turns = 0, last = UINT32_MAX;
    bool was = false;
    for (size_t i = 0; i < s->n; i++) {
        if (!s->line_used[s->line[i]] || s->line[i] == last)
            continue;
        bool is = before[s->line[i]];
        n_turns += last != UINT32_MAX && is != was;
        was = is;
        last = s->line[i];
    }
    return n_turns > 2 + n_rival / 3;
}

/* Bands until no two lines of two connections are left that agree. */
static void take_bands(struct sweep *s, bool *before, struct clock_bands *out)
{
    for (unsigned tries = 0; tries < TRIES_MAX && out->n < CLOCK_BANDS_MAX; tries++) {
        skip_used(s);
        struct vote v = best_stretch(s);
        if (!v.weight || (out->n && v.weight < 4))
            return;
        memcpy(before, s->line_used, s->n * sizeof *before);
        struct clock_band band = take_band(s, &v);
        bool contested = is_contested(s, &v, before);
        bool even = out->n == 1 && band.n_lines * 3 > out->v[0].n_lines * 2;
        if (out->n == 0 ? contested : even && are_mixed(s, before, band.n_lines)) {
            out->contested = true;
            return;
        }
        if (!contested)
            out->v[out->n++] = band;
    }
}

bool clock_vote(const struct clock_pair *pairs, size_t n, struct clock_bands *out)
{
    struct sweep s = {.pairs = pairs,
                      .n = n,
                      .edges = calloc(2 * n, sizeof(struct edge)),
                      .talk = calloc(n, sizeof(uint32_t)),
                      .line = calloc(n, sizeof(uint32_t)),
                      .talk_seen = calloc(n, sizeof(uint32_t)),
                      .line_seen = calloc(n, sizeof(uint32_t)),
                      .line_used = calloc(n, sizeof(bool)),
                      .skip = calloc(n, sizeof(bool))};
    bool *before = calloc(n, sizeof *before);
    bool good = s.edges && s.talk && s.line && s.talk_seen && s.line_seen && s.line_used &&
                s.skip && before && number(&s, true, s.talk) && number(&s, false, s.line);
    *out = (struct clock_bands){0};
    if (good) {
        choose_smear(&s);
        take_bands(&s, before, out);
    }
    free(s.edges);
    free(s.talk);
    free(s.line);
    free(s.talk_seen);
    free(s.line_seen);
    free(s.line_used);
    free(s.skip);
    free(before);
    return good;
}
