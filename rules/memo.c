/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees of questions, one for each kind of resets.  Questions stand in the order in which judging
 * asked them, so the next question follows from the answers before.  What all resets of the kind
 * answer alike is left out.  A leaf holds the judgement.
 */
#include "rules/memo.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/map.h"
#include "parsers/base/vec.h"
#include "rules/question.h"

#define NODES_MAX 200000 /* what is not remembered is judged again */
#define JUDGEMENTS_MAX 4096
#define KINDS_MAX 256
#define LAST 2 /* answers of a node that are at hand */
#define NONE UINT32_MAX

struct edge_key {
    uint64_t answer;
    uint32_t node, pad;
};

struct edge { /* an answer, and where it leads */
    uint64_t answer;
    struct span span; /* values that give it: those that a value lay among */
    uint32_t child;   /* NONE: there is none */
};

struct node {
    uint32_t question;      /* or NONE: a leaf */
    uint32_t judgement;     /* of a leaf */
    fact_plain *plain;      /* see question_plain */
    struct edge last[LAST]; /* that were asked for */
    unsigned next;          /* where in last the next one goes, modulo LAST */
};

struct gaps { /* what was not captured, as the bench has it */
    unsigned unheard;
    double lost;
    bool by_absence;
    bool leaps, leaps_near;
};

struct root { /* where the questions begin about resets of one kind, or of none, with the same gaps
               */
    uint32_t kind, node;
    struct gaps gaps;
};

struct kept { /* a judgement; its verdicts lie in one row */
    const struct verdict *winner;
    struct verdict *verdicts;
    const char *cause, *rule;
    enum severity severity;
};

struct memo {
    bool off; /* with logs in the case */
    struct questions questions;
    VEC(struct node) nodes;
    VEC(struct root) roots; /* the first is of no kind; there are few */
    uint32_t last_root;
    struct map edges; /* struct edge_key -> uint32_t */
    VEC(struct kept) kept;
};

static uint32_t new_node(struct memo *m)
{
    struct node *n = m->nodes.n < NODES_MAX ? vec_push(&m->nodes) : NULL;
    if (!n)
        return NONE;
    *n = (struct node){
        .question = NONE, .judgement = NONE, .last = {{.child = NONE}, {.child = NONE}}};
    return (uint32_t)m->nodes.n - 1;
}

static struct gaps gaps_of(const struct bench *b)
{
    return (struct gaps){b->unheard, b->lost, b->by_absence, b->leaps, b->leaps_near};
}

static bool is_root(const struct root *root, uint32_t kind, const struct gaps *g)
{
    return root->kind == kind && root->gaps.unheard == g->unheard && root->gaps.lost == g->lost &&
           root->gaps.by_absence == g->by_absence && root->gaps.leaps == g->leaps &&
           root->gaps.leaps_near == g->leaps_near;
}

/* A new one, or NULL. */
static struct root *add_root(struct memo *m, uint32_t kind, const struct gaps *g)
{
    const uint32_t node = m->roots.n < KINDS_MAX ? new_node(m) : NONE;
    struct root *root = node != NONE ? vec_push(&m->roots) : NULL;
    if (root)
        *root = (struct root){kind, node, *g};
    return root;
}

struct memo *memo_create(const struct catalogue *k, const struct case_file *c)
{
    struct memo *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->off = c->n_logs > 0;
    map_init(&m->edges, sizeof(struct edge_key), sizeof(uint32_t));
    if (questions_list(&m->questions, k, c) && add_root(m, 0, &(struct gaps){0}))
        return m;
    memo_free(m);
    return NULL;
}

void memo_free(struct memo *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->kept.n; i++)
        free(m->kept.v[i].verdicts);
    vec_finish(&m->kept);
    vec_finish(&m->nodes);
    vec_finish(&m->roots);
    questions_finish(&m->questions);
    map_finish(&m->edges);
    free(m);
}

/* NULL: there is none. */
static struct edge *edge_of(struct memo *m, uint32_t node, uint64_t given)
{
    struct node *n = &m->nodes.v[node];
    const struct edge_key key = {.answer = given, .node = node};
    for (unsigned i = 0; i < LAST; i++)
        if (n->last[i].child != NONE && n->last[i].answer == given)
            return &n->last[i];
    const uint32_t *child = map_get(&m->edges, &key);
    if (!child)
        return NULL;
    struct edge *e = &n->last[n->next++ % LAST];
    *e = (struct edge){given, {true, 1, 0}, *child};
    return e;
}

static bool leads(const struct edge *e, bool known, int64_t number)
{
    return e->child != NONE && e->span.known == known &&
           (!known || (number >= e->span.least && number <= e->span.most));
}

/* Where the answer of the reset on the bench leads: mostly its value alone tells.  NONE: it is not
 * known. */
static uint32_t next_of(struct memo *m, uint32_t at, struct bench *b)
{
    const struct node *n = &m->nodes.v[at];
    int64_t number = 0;
    uint64_t given;
    const bool known = n->plain && n->plain(b->of, b->reset, &number);
    for (unsigned i = 0; i < LAST && n->plain; i++)
        if (leads(&n->last[i], known, number))
            return n->last[i].child;
    if (n->question == NONE || !question_answer(&m->questions, n->question, b, &given))
        return NONE;
    struct edge *e = edge_of(m, at, given);
    if (e && n->plain)
        e->span = question_span(&m->questions, n->question, b, known, number);
    return e ? e->child : NONE;
}

/* Where the questions about the reset on the bench begin.  When there is no room for more kinds:
 * where all are asked, or NULL where something was not captured. */
static const struct root *root_of(struct memo *m, const struct bench *b)
{
    const uint32_t kind = reset_kind(b->reset);
    const struct gaps gaps = gaps_of(b);
    if (is_root(&m->roots.v[m->last_root], kind, &gaps))
        return &m->roots.v[m->last_root];
    for (uint32_t i = 0; i < m->roots.n; i++)
        if (is_root(&m->roots.v[i], kind, &gaps)) {
            m->last_root = i;
            return &m->roots.v[i];
        }
    const struct root *root = add_root(m, kind, &gaps);
    if (root)
        m->last_root = (uint32_t)m->roots.n - 1;
    return root || gaps.unheard || gaps.lost > 0 || gaps.leaps_near ? root : &m->roots.v[0];
}

static bool usable(const struct memo *m, const struct bench *b)
{
    return !m->off && b->n_links == 0;
}

bool memo_recall(struct memo *m, struct bench *b, struct judgement *out)
{
    if (!usable(m, b))
        return false;
    const struct root *root = root_of(m, b);
    uint32_t at = root ? root->node : NONE;
    while (at != NONE && m->nodes.v[at].judgement == NONE)
        at = next_of(m, at, b);
    if (at == NONE)
        return false;
    const struct kept *k = &m->kept.v[m->nodes.v[at].judgement];
    out->verdicts = k->verdicts;
    out->winner = k->winner;
    out->cause = k->cause;
    out->rule = k->rule;
    out->severity = k->severity;
    return true;
}

void memo_listen(struct memo *m, struct bench *b)
{
    (void)m;
    bench_listen(b);
}

/* The child behind that answer, made when it is new. */
static uint32_t grow(struct memo *m, uint32_t node, uint64_t given)
{
    const struct edge_key key = {.answer = given, .node = node};
    const struct edge *known = edge_of(m, node, given);
    if (known)
        return known->child;
    const uint32_t child = new_node(m);
    uint32_t *edge = child != NONE ? map_put(&m->edges, &key, NULL) : NULL;
    if (!edge)
        return NONE;
    *edge = child;
    return child;
}

static uint32_t keep(struct memo *m, const struct judgement *j)
{
    struct kept k = {.cause = j->cause, .rule = j->rule, .severity = j->severity};
    if (m->kept.n >= JUDGEMENTS_MAX)
        return NONE;
    k.verdicts = calloc(j->n + 1, sizeof *k.verdicts);
    struct kept *slot = k.verdicts ? vec_push(&m->kept) : NULL;
    if (!slot) {
        free(k.verdicts);
        return NONE;
    }
    memcpy(k.verdicts, j->verdicts, j->n * sizeof *k.verdicts);
    k.winner = j->winner ? k.verdicts + (j->winner - j->verdicts) : NULL;
    *slot = k;
    return (uint32_t)m->kept.n - 1;
}

void memo_learn(struct memo *m, struct bench *b, const struct judgement *j)
{
    uint64_t given;
    size_t n = b->n_heard; /* answering asks for no fact that is new, but be sure */
    if (!usable(m, b))
        return;
    const struct root *root = root_of(m, b);
    if (!root)
        return;
    const bool is_of_kind = root->kind != 0;
    uint32_t at = root->node;
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = b->in_order[i];
        for (uint32_t q = m->questions.first[slot]; q < m->questions.first[slot + 1]; q++) {
            struct node *node = &m->nodes.v[at];
            if (question_is_idle(&m->questions, q, is_of_kind))
                continue;
            if (node->question == NONE && node->judgement == NONE) {
                node->question = q;
                node->plain = question_plain(&m->questions, q, is_of_kind);
            }
            if (node->question != q || !question_answer(&m->questions, q, b, &given))
                return;
            at = grow(m, at, given);
            if (at == NONE)
                return;
        }
    }
    if (m->nodes.v[at].question == NONE && m->nodes.v[at].judgement == NONE)
        m->nodes.v[at].judgement = keep(m, j);
}
