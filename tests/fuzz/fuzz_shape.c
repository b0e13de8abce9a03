/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered by the shape of a message, held against the search: any lines, each of them
 * with its digits turned as the first byte says, through a set of patterns that remembers and
 * through one that does not.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/log/pattern_set.h"
#include "parsers/log/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct patterns *set(bool without_memos)
{
    struct patterns *p = patterns_create();
    if (!p || !patterns_add_embedded(p, event_pattern_files, NULL, NULL))
        abort();
    p->without_memos = without_memos;
    return p;
}

static bool same(const struct event *a, const struct event *b)
{
    if (!text_eq(a->kind, b->kind) || a->claim != b->claim || a->scope != b->scope ||
        a->n_fields != b->n_fields || !endpoint_eq(&a->client, &b->client) ||
        !endpoint_eq(&a->server, &b->server) || !endpoint_eq(&a->src, &b->src) ||
        !endpoint_eq(&a->dst, &b->dst) || a->tcp_seq != b->tcp_seq || a->ip_id != b->ip_id)
        return false;
    for (unsigned i = 0; i < a->n_fields; i++)
        if (a->fields[i].value.p != b->fields[i].value.p ||
            a->fields[i].value.n != b->fields[i].value.n)
            return false;
    return true;
}

/* Where addresses may stand, and where they do. */
static bool same_addresses(const struct event *e)
{
    struct endpoint a[LOG_ADDRESSES_MAX], b[LOG_ADDRESSES_MAX];
    if (!e->runs)
        return true;
    unsigned n = log_addresses_in(e->message, e->runs, a);
    if (n != log_find_addresses(e->message, b))
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!endpoint_eq(&a[i], &b[i]))
            return false;
    return true;
}

static void match(struct patterns *by_shape, struct patterns *by_search, const struct envelope *env)
{
    struct event a = {.program = env->program, .message = env->message}, b = a;
    struct pattern_stamp inner;
    struct flaws flaws;
    flaws_init(&flaws);
    patterns_begin_log(by_shape);
    patterns_begin_log(by_search);
    enum pattern_outcome oa = patterns_match(by_shape, &a, false, (struct text){0}, &inner, &flaws);
    enum pattern_outcome ob =
        patterns_match(by_search, &b, false, (struct text){0}, &inner, &flaws);
    if (oa != ob || !same(&a, &b) || !same_addresses(&a))
        abort();
    flaws_finish(&flaws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct patterns *by_shape, *by_search;
    if (!by_shape) {
        by_shape = set(false);
        by_search = set(true);
    }
    if (size < 2)
        return 0;
    char *copy = malloc(size - 1);
    if (!copy)
        return 0;
    memcpy(copy, data + 1, size - 1);
    struct text line, tail = {copy, size - 1};
    for (bool more = true; more;) {
        more = text_cut(tail, '\n', &line, &tail);
        struct envelope env;
        envelope_parse(text_slice(line, 0, 8192), &env);
        match(by_shape, by_search, &env);
        match(by_shape, by_search, &env);     /* a shape that came twice is remembered */
        for (size_t i = 0; i < line.n; i++) { /* an empty line may stand nowhere */
            char *c = copy + (line.p - copy) + i;
            if (scan_is_digit(*c))
                *c = (char)('0' + ((size_t)(*c - '0') + data[0] + i) % 10);
        }
        match(by_shape, by_search, &env);
    }
    free(copy);
    return 0;
}
