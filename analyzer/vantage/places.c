/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only captures that hold a connection between the same two hosts can be compared by hop counts, so
 * they are found by these, and not tried each against each.
 */
#include "analyzer/vantage/places.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE 64    /* connections of one capture, the first ones */
#define TRIED_MAX 64 /* earlier captures that one is compared with, the first ones */

struct hops { /* how a capture sees two hosts */
    const struct connection_record *of;
    uint32_t capture;
};

struct places {
    struct case_file *c;
    const struct vantage *v;
    struct hops *by_hosts;   /* all, by hosts, then capture, then hop counts; each once */
    struct hops *by_capture; /* all, by capture, then hosts, then hop counts */
    uint32_t *from;          /* by capture: its first in by_capture; one more of them at the end */
    size_t n;
};

static int compare_hosts(const struct hops *a, const struct hops *b)
{
    int order = address_cmp(&a->of->client.ip, &b->of->client.ip);
    return order ? order : address_cmp(&a->of->server.ip, &b->of->server.ip);
}

static int compare_captures(const struct hops *a, const struct hops *b)
{
    return a->capture < b->capture ? -1 : a->capture > b->capture;
}

static int compare_ttl(const struct hops *a, const struct hops *b)
{
    return memcmp(a->of->ttl, b->of->ttl, sizeof a->of->ttl);
}

static int by_hosts(const void *x, const void *y)
{
    int order = compare_hosts(x, y);
    order = order ? order : compare_captures(x, y);
    return order ? order : compare_ttl(x, y);
}

static int by_capture(const void *x, const void *y)
{
    int order = compare_captures(x, y);
    order = order ? order : compare_hosts(x, y);
    return order ? order : compare_ttl(x, y);
}

/* The first connections of every capture; what tells the same twice is kept once. */
static bool sample(struct places *p)
{
    const struct case_file *c = p->c;
    size_t n_sampled = 0;
    uint32_t *n_of = calloc(c->n_captures + 1, sizeof *n_of);
    for (size_t i = 0; n_of && i < c->n_records; i++) {
        uint32_t capture = case_series(c, c->records[i].capture);
        if (n_of[capture] < SAMPLE && !address_is_loopback(&c->records[i].server.ip)) {
            n_of[capture]++;
            p->by_hosts[n_sampled++] = (struct hops){&c->records[i], capture};
        }
    }
    qsort(p->by_hosts, n_sampled, sizeof *p->by_hosts, by_hosts);
    for (size_t i = 0; i < n_sampled; i++)
        if (i == 0 || by_hosts(&p->by_hosts[i - 1], &p->by_hosts[i]) != 0)
            p->by_hosts[p->n++] = p->by_hosts[i];
    free(n_of);
    return n_of != NULL;
}

static size_t n_sampled_at_most(const struct case_file *c)
{
    size_t most = c->n_captures * SAMPLE;
    return most < c->n_records ? most : c->n_records;
}

static bool places_init(struct places *p, const struct vantage *v, struct case_file *c)
{
    size_t most = n_sampled_at_most(c) + 1;
    *p = (struct places){.c = c,
                         .v = v,
                         .by_hosts = calloc(most, sizeof *p->by_hosts),
                         .by_capture = calloc(most, sizeof *p->by_capture),
                         .from = calloc(c->n_captures + 2, sizeof *p->from)};
    if (!p->by_hosts || !p->by_capture || !p->from || !sample(p))
        return false;
    memcpy(p->by_capture, p->by_hosts, p->n * sizeof *p->by_hosts);
    qsort(p->by_capture, p->n, sizeof *p->by_capture, by_capture);
    for (size_t i = 0; i < p->n; i++)
        p->from[p->by_capture[i].capture + 1]++;
    for (size_t i = 0; i < c->n_captures; i++)
        p->from[i + 1] += p->from[i];
    return true;
}

static void places_finish(struct places *p)
{
    free(p->by_hosts);
    free(p->by_capture);
    free(p->from);
}

/* Hop counts of two hosts' connections in one capture, a bit each, by enum side.  A scanner has a
 * new one for each SYN. */
struct ttls {
    uint64_t seen[2][4];
};

/* Of the hosts at *at, which moves behind them; 0, of none seen, is left out. */
static struct ttls ttls_of(const struct places *p, uint32_t *at, uint32_t end)
{
    struct ttls t = {0};
    const struct hops *hosts = &p->by_capture[*at];
    for (; *at < end && compare_hosts(&p->by_capture[*at], hosts) == 0; ++*at)
        for (unsigned side = 0; side < 2; side++) {
            const unsigned ttl = p->by_capture[*at].of->ttl[side];
            t.seen[side][ttl / 64] |= (uint64_t)(ttl != 0) << ttl % 64;
        }
    return t;
}

/* Hop counts by which both captures see the same hosts: -1 they differ, so the captures stand at
 * different places; 1 they agree; 0 nothing to compare. */
static int compare_hops(const struct places *p, uint32_t x, uint32_t y)
{
    static const uint64_t none[4];
    bool agree = false;
    uint32_t i = p->from[x], k = p->from[y];
    while (i < p->from[x + 1] && k < p->from[y + 1]) {
        const int order = compare_hosts(&p->by_capture[i], &p->by_capture[k]);
        i += order < 0;
        k += order > 0;
        if (order != 0)
            continue;
        const struct ttls here = ttls_of(p, &i, p->from[x + 1]);
        const struct ttls there = ttls_of(p, &k, p->from[y + 1]);
        for (unsigned side = 0; side < 2; side++) {
            if (memcmp(here.seen[side], none, sizeof none) == 0 ||
                memcmp(there.seen[side], none, sizeof none) == 0)
                continue;
            if (memcmp(here.seen[side], there.seen[side], sizeof none) != 0)
                return -1;
            agree = true;
        }
    }
    return agree;
}

/* Of the series that begins with that capture. */
static instant_ns last_of(const struct case_file *c, uint32_t first)
{
    uint32_t n = c->captures[first].n_files;
    return c->captures[n > 1 ? first + n - 1 : first].last;
}

static bool same_place(const struct places *p, uint32_t x, uint32_t y)
{
    if (compare_hops(p, x, y) <= 0)
        return false;
    const struct vantage_pair *shared = vantage_pair_of(p->v, x, y);
    if (shared)
        return vantage_is_one_clock(shared);
    /* nothing shared: one file after the other, from the same place */
    const struct case_file *c = p->c;
    return last_of(c, x) <= c->captures[y].first || last_of(c, y) <= c->captures[x].first;
}

static int compare_numbers(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

/* Of the captures before that one the first that hold a connection between hosts that it holds one
 * between; out has room for SAMPLE * TRIED_MAX.  How many, each once and in order. */
static size_t earlier_with_hosts(const struct places *p, uint32_t capture, uint32_t *out)
{
    size_t n_found = 0, n = 0;
    const struct hops *last = NULL;
    for (uint32_t i = p->from[capture]; i < p->from[capture + 1]; i++) {
        const struct hops *h = &p->by_capture[i];
        if (last && compare_hosts(last, h) == 0)
            continue;
        last = h;
        struct hops first = {.of = h->of};
        size_t lo = 0, hi = p->n;
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (compare_hosts(&p->by_hosts[mid], &first) < 0)
                lo = mid + 1;
            else
                hi = mid;
        }
        for (size_t k = lo; k < p->n && k < lo + TRIED_MAX && p->by_hosts[k].capture < capture &&
                            compare_hosts(&p->by_hosts[k], h) == 0;
             k++)
            out[n_found++] = p->by_hosts[k].capture;
    }
    qsort(out, n_found, sizeof *out, compare_numbers);
    for (size_t i = 0; i < n_found; i++)
        if (i == 0 || out[i] != out[i - 1])
            out[n++] = out[i];
    return n;
}

/* The first capture of the place where that one was taken: itself where none is known. */
static uint32_t first_there(const struct places *p, uint32_t capture)
{
    uint32_t earlier[SAMPLE * TRIED_MAX];
    size_t n = earlier_with_hosts(p, capture, earlier);
    for (size_t i = 0; i < n && i < TRIED_MAX; i++)
        if (same_place(p, earlier[i], capture))
            return p->c->captures[earlier[i]].vantage_first;
    return capture;
}

bool places_number(const struct vantage *v, struct case_file *c)
{
    uint32_t n_places = 0;
    struct places p;
    bool good = places_init(&p, v, c);
    for (uint32_t i = 0; good && i < c->n_captures; i++) {
        if (case_series(c, i) != i)
            continue;
        uint32_t first = first_there(&p, i);
        c->captures[i].vantage_first = first;
        c->captures[i].vantage = first < i ? c->captures[first].vantage : ++n_places;
    }
    places_finish(&p);
    return good;
}
