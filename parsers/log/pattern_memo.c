/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the search found for the shapes that came up lately.  Most lines of a log have the shape of
 * an earlier one, and where numbers cannot matter need no second search.  A table of fixed size;
 * of two shapes that share a place the newer stays.
 */
#include <string.h>

#include "parsers/base/huge.h"
#include "parsers/log/pattern_set.h"

#define MEMO_BYTES (PATTERN_MEMO_SETS * PATTERN_MEMO_WAYS * sizeof(struct pattern_memo))
_Static_assert(MEMO_BYTES <= HUGE_PAGE, "a second large page for little");

/* 0 is left to free places. */
static uint64_t hash_of(const struct pattern_prospect *o)
{
    return (o->shape.hash ^ (uintptr_t)o->bucket / 64 * UINT64_C(0x9E3779B97F4A7C15)) | 1;
}

static struct pattern_memo *set_of(const struct patterns *p, uint64_t hash)
{
    return &p->memos[((hash >> 32) * PATTERN_MEMO_SETS >> 32) * PATTERN_MEMO_WAYS];
}

static bool can_recall(struct patterns *p, const struct bucket *b)
{
    if (p->without_memos || (b && !b->by_shape) || !p->any.by_shape)
        return false;
    if (!p->memos)
        p->memos = huge_alloc(MEMO_BYTES);
    return p->memos != NULL;
}

void pattern_foresee_shape(struct patterns *p, struct text message, struct pattern_prospect *out)
{
    out->has_shape = can_recall(p, out->bucket) && shape_of(message, &out->shape);
    if (!out->has_shape)
        return;
    out->hash = hash_of(out);
    const char *set = (const char *)set_of(p, out->hash);
    for (size_t i = 0; i < PATTERN_MEMO_WAYS; i++, set += sizeof(struct pattern_memo)) {
        __builtin_prefetch(set);
        __builtin_prefetch(set + offsetof(struct pattern_memo, text));
        __builtin_prefetch(set + offsetof(struct pattern_memo, text) + 64);
    }
}

const struct pattern_memo *pattern_recall(const struct patterns *p,
                                          const struct pattern_prospect *o)
{
    if (!o->has_shape || p->n_switched_off) /* a search would not find what it found before */
        return NULL;
    const struct pattern_memo *m = set_of(p, o->hash);
    for (size_t i = 0; i < PATTERN_MEMO_WAYS; i++, m++)
        if (m->hash == o->hash && m->bucket == o->bucket && m->n == o->shape.n &&
            memcmp(m->text, o->shape.text, o->shape.n) == 0)
            return m;
    return NULL;
}

void pattern_repeat(const struct pattern_memo *m, struct event *e, struct pattern_stamp *inner)
{
    pattern_name_event(m->winner, e);
    for (size_t i = 0; i < m->n_spans; i++)
        pattern_fill(m->winner,
                     (struct pattern_span){m->spans[i].group, m->spans[i].from, m->spans[i].to}, e,
                     inner);
}

void pattern_remember(struct patterns *p, const struct pattern_prospect *o, struct pattern *winner,
                      bool holds_no_address)
{
    struct pattern_memo *m = set_of(p, o->hash);
    if (m->hash)
        m += ++p->memo_way % PATTERN_MEMO_WAYS;
    m->hash = o->hash;
    m->bucket = o->bucket;
    m->winner = winner;
    m->n = (uint8_t)o->shape.n;
    m->n_spans = winner ? (uint8_t)p->n_spans : 0;
    m->holds_no_address = holds_no_address;
    for (size_t i = 0; i < m->n_spans; i++) {
        m->spans[i].group = p->spans[i].group;
        m->spans[i].from = (uint8_t)p->spans[i].from;
        m->spans[i].to = (uint8_t)p->spans[i].to;
    }
    memcpy(m->text, o->shape.text, o->shape.n);
}

void pattern_free_memos(struct patterns *p)
{
    if (p->memos)
        huge_free(p->memos, MEMO_BYTES);
}

void pattern_forget(struct patterns *p)
{
    if (p->memos)
        memset(p->memos, 0, MEMO_BYTES);
}
