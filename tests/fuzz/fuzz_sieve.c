/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a log whose lines come again and again, read through the sieve and line by line: the
 * same events in the same order, and everything counted the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/hash.h"
#include "tests/parsers/log/sieved.h"

#define TIMES 4 /* a shape is learnt when it comes again */
#define SIZE_MAX_READ 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came of a log. */
struct told {
    const struct address_filter *interest;
    uint64_t hash; /* of events, and of lines about an address of interest, in order */
    struct sieved_others others;
    struct log_summary summary;
    size_t n_flaws;
};

static void tell_event(struct told *t, uint64_t line, instant_ns time, uint32_t pid,
                       const struct endpoint *client, const struct address *known)
{
    const struct {
        uint64_t before, line;
        instant_ns time;
        uint64_t pid, port;
        struct address ip, known;
    } all = {
        t->hash, line, time, pid, client->port, client->ip, known ? *known : (struct address){0}};
    t->hash = hash_bytes(&all, sizeof all, 0);
}

static bool take(void *ctx, const struct event *e)
{
    struct told *t = ctx;
    const struct endpoint *client = address_is_zero(&e->client.ip) ? &e->src : &e->client;
    if (e->kind.n || sieved_is_of_interest(t->interest, e))
        tell_event(t, e->line, e->time, e->pid, client, sieved_known(t->interest, e));
    else
        sieved_add_one(&t->others, e->time);
    return true;
}

static uint32_t admit(void *ctx, const struct event *e)
{
    (void)ctx;
    return e->kind.n ? 2 : 1;
}

static bool pass(void *ctx, bool is_event, const struct log_passed *p)
{
    struct told *t = ctx;
    if (p->token != (is_event ? 2u : 1u) || p->n_lines == 0)
        abort();
    if (is_event)
        tell_event(t, p->line, p->first, p->pid, &p->client, p->known);
    else
        sieved_add(&t->others, p->n_lines, p->first, p->last);
    return true;
}

static struct told read_log(struct patterns *patterns, const struct address_filter *interest,
                            bool sieve, const uint8_t *bytes, size_t n)
{
    struct told t = {.interest = interest, .others = {0, INT64_MAX, INSTANT_NONE}};
    const struct log_passer passer = {
        .ctx = &t, .of_interest = interest, .after = 1, .admit = admit, .pass = pass};
    const struct log_config config = {.span_first = INT64_C(1750000000) * NS_PER_S,
                                      .span_last = INT64_C(1750003600) * NS_PER_S,
                                      .passer = sieve ? &passer : NULL};
    struct flaws flaws;
    flaws_init(&flaws);
    struct log_reader *r = log_reader_create(patterns, &config, &flaws);
    for (int i = 0; r && i < TIMES; i++)
        log_reader_feed(r, bytes, n, take, &t);
    if (r) {
        log_reader_end(r, take, &t);
        t.summary = *log_reader_summary(r);
    }
    t.n_flaws = flaws.n;
    log_reader_free(r);
    flaws_finish(&flaws);
    return t;
}

static bool is_same(const struct told *a, const struct told *b)
{
    return a->hash == b->hash && a->others.n == b->others.n && a->others.first == b->others.first &&
           a->others.last == b->others.last && a->n_flaws == b->n_flaws &&
           memcmp(&a->summary, &b->summary, sizeof a->summary) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct patterns *patterns;
    static uint64_t bits[64];
    struct address_filter interest = {bits, 64};
    if (!patterns) {
        const struct address one = address_from_v4((const uint8_t[4]){192, 0, 2, 10});
        patterns = patterns_create();
        if (!patterns || !patterns_add_embedded(patterns, event_pattern_files, NULL, NULL))
            abort();
        address_filter_add(&interest, &one);
    }
    if (size == 0 || size > SIZE_MAX_READ)
        return 0;
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    copy[size] = '\n';
    const struct told a = read_log(patterns, &interest, false, copy, size + 1);
    const struct told b = read_log(patterns, &interest, true, copy, size + 1);
    if (!is_same(&a, &b))
        abort();
    free(copy);
    return 0;
}
