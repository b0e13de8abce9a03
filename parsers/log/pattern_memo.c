/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the search found for the shapes that came up lately.  Most lines of a log have the shape of
 * an earlier one, and where numbers cannot matter need no second search.  A table of fixed size;
 * of two shapes that share a place the newer stays.
 */
#include <string.h>

#include "parsers/base/huge.h"
#include "parsers/log/pattern_set.h"

_Static_assert(sizeof(struct pattern_memos) <= HUGE_PAGE, "a second large page for little");

/* 0 is left to free places. */
static uint64_t hash_of(const struct pattern_prospect *o)
{
    return (o->shape.hash ^ (uintptr_t)o->bucket / 64 * UINT64_C(0x9E3779B97F4A7C15)) | 1;
}

/* The first place of its set. */
static size_t set_of(uint64_t hash)
{
    return ((hash >> 32) * PATTERN_MEMO_SETS >> 32) * PATTERN_MEMO_WAYS;
}

/* Where that hash stands; NULL: nowhere.  Which of the two it is cannot be foretold, so nothing
 * branches on it. */
static const struct pattern_memo *memo_of(const struct patterns *p, uint64_t hash)
{
    size_t at = set_of(hash);
    _Static_assert(PATTERN_MEMO_WAYS == 2, "the first place or the one behind it");
    at += p->memos->hash[at] != hash;
    return p->memos->hash[at] == hash ? &p->memos->memo[p->memos->place[at]] : NULL;
}

static bool can_recall(struct patterns *p, const struct bucket *b)
{
    if (p->without_memos || (b && !b->by_shape) || !p->any.by_shape)
        return false;
    if (!p->memos)
        p->memos = huge_alloc(sizeof *p->memos);
    return p->memos != NULL;
}

void pattern_foresee_shape(struct patterns *p, struct text message, struct pattern_prospect *out)
{
    out->has_shape = can_recall(p, out->bucket) && shape_of(message, &out->shape);
    if (!out->has_shape)
        return;
    out->hash = hash_of(out);
    const struct pattern_memo *m = memo_of(p, out->hash);
    if (!m)
        return;
    __builtin_prefetch(m);
    __builtin_prefetch(m->text);
    __builtin_prefetch(m->text + 64);
}

const struct pattern_memo *pattern_recall(const struct patterns *p,
                                          const struct pattern_prospect *o)
{
    if (!o->has_shape || p->n_switched_off) /* a search would not find what it found before */
        return NULL;
    const struct pattern_memo *m = memo_of(p, o->hash);
    bool same = m && m->bucket == o->bucket && m->n == o->shape.n &&
                memcmp(m->text, o->shape.text, o->shape.n) == 0;
    return same ? m : NULL;
}

void pattern_remember(struct patterns *p, const struct pattern_prospect *o, struct pattern *winner,
                      struct text message)
{
    size_t at = set_of(o->hash);
    uint16_t *seen = &p->memos->seen[o->hash >> 16 & (PATTERN_MEMO_SEEN - 1)];
    if (*seen != (uint16_t)o->hash) { /* of those that hold names and ids few come back */
        *seen = (uint16_t)o->hash;
        return;
    }
    if (p->memos->hash[at])
        at += p->memos->hash[at + 1] ? ++p->memo_way % PATTERN_MEMO_WAYS : 1;
    if (!p->memos->hash[at])
        p->memos->place[at] = p->memos->n++;
    struct pattern_memo *m = &p->memos->memo[p->memos->place[at]];
    p->memos->hash[at] = o->hash;
    m->bucket = o->bucket;
    m->winner = winner;
    m->n = (uint8_t)o->shape.n;
    m->n_spans = winner ? (uint8_t)p->n_spans : 0;
    m->has_runs = !winner && log_address_runs(message, &m->runs);
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
        huge_free(p->memos, sizeof *p->memos);
}

void pattern_forget(struct patterns *p)
{
    if (p->memos)
        memset(p->memos, 0, sizeof *p->memos);
}
