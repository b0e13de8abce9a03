/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees of questions, one for each kind of resets.  A question is one fact with all that rules test
 * of it, its answer their truths; questions stand in the order in which judging asked them, so the
 * next question follows from the answers before.  What all resets of the kind answer alike is left
 * out.  A leaf holds the judgement.
 */
#include "rules/memo.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/map.h"
#include "parsers/base/vec.h"

#define VALUE_TEXT_MAX 48
#define ATOMS_MAX 32     /* of one question: two bits of its answer each */
#define NODES_MAX 200000 /* what is not remembered is judged again */
#define JUDGEMENTS_MAX 4096
#define KINDS_MAX 256
#define NONE UINT32_MAX

struct atom { /* one condition on a fact */
    const struct rule *rule;
    const struct condition *condition;
};

/* How two values of a fact are held against each other. */
enum likeness { ALIKE_NEVER, ALIKE_NUMBER, ALIKE_TRUTH, ALIKE_TEXT };

struct value { /* of a fact, as far as an answer hangs on it */
    bool known;
    union {
        bool truth;
        int64_t number;
    } as;
    uint8_t n; /* bytes of a text */
    char text[VALUE_TEXT_MAX];
};

struct question {
    uint32_t slot, first, n; /* atoms */
    enum likeness likeness;  /* never: the answer hangs on more than this fact's value */
    bool of_kind;            /* all resets of one kind give one answer */
    bool has_last;
    struct value last; /* the value asked about last, and the answer */
    uint64_t answer;
};

struct edge_key {
    uint64_t answer;
    uint32_t node, pad;
};

struct node {
    uint32_t question;   /* or NONE: a leaf */
    uint32_t judgement;  /* of a leaf */
    uint64_t last;       /* the answer given last, and where it leads */
    uint32_t last_child; /* NONE: not yet asked */
};

struct root { /* where the questions begin about resets of one kind, or of none, which the same ends
                 were not captured of */
    uint32_t kind, node;
    unsigned unheard;
};

struct kept { /* a judgement; its verdicts lie in one row */
    const struct verdict *winner;
    struct verdict *verdicts;
    const char *cause, *rule;
    enum severity severity;
};

struct memo {
    const struct catalogue *catalogue;
    bool off; /* with logs in the case */
    VEC(struct atom) atoms;
    VEC(struct question) questions; /* by slot */
    uint32_t *first_question;       /* by slot, n_asked + 1 */
    VEC(struct node) nodes;
    VEC(struct root) roots; /* the first is of no kind; there are few */
    uint32_t last_root;
    struct map edges; /* struct edge_key -> uint32_t */
    VEC(struct kept) kept;
};

static bool same_condition(const struct condition *a, const struct condition *b)
{
    if (a->n_tests != b->n_tests || !text_eq(a->written, b->written))
        return false;
    for (size_t i = 0; i < a->n_tests; i++) /* not written, but it counts */
        if (a->tests[i].nocase != b->tests[i].nocase)
            return false;
    return true;
}

static bool has_reference(const struct condition *c)
{
    for (size_t i = 0; i < c->n_tests; i++)
        for (size_t k = 0; k < c->tests[i].n_operands; k++)
            if (c->tests[i].operands[k].ref)
                return true;
    return false;
}

/* Each condition once; one that refers to a bound line means another thing in each rule. */
static bool is_known(const struct memo *m, uint32_t first, const struct condition *c)
{
    for (size_t i = first; !has_reference(c) && i < m->atoms.n; i++)
        if (same_condition(m->atoms.v[i].condition, c))
            return true;
    return false;
}

static bool refers(const struct memo *m, const struct question *q)
{
    for (uint32_t i = 0; i < q->n; i++)
        if (has_reference(m->atoms.v[q->first + i].condition))
            return true;
    return false;
}

static enum likeness likeness_of(const struct memo *m, const struct question *q)
{
    const struct fact_def *def = m->catalogue->asked[q->slot].def;
    if (refers(m, q))
        return ALIKE_NEVER;
    switch (def ? def->type : FACT_TEXT) {
    case FACT_INT:
    case FACT_BYTES:
    case FACT_DURATION:
    case FACT_TIME:
        return ALIKE_NUMBER;
    case FACT_BOOL:
        return ALIKE_TRUTH;
    case FACT_ENUM:
    case FACT_TEXT:
        return ALIKE_TEXT;
    default:
        return ALIKE_NEVER;
    }
}

static bool add_atoms(struct memo *m, uint32_t slot)
{
    const struct fact_def *def = m->catalogue->asked[slot].def;
    uint32_t first = (uint32_t)m->atoms.n;
    for (size_t i = 0; i < m->catalogue->n_rules; i++) {
        const struct rule *r = m->catalogue->rules[i];
        for (size_t k = 0; k < r->n_conditions; k++) {
            const struct condition *c = &r->conditions[k];
            if (c->kind != CONDITION_FACT || c->subject.slot != slot || is_known(m, first, c))
                continue;
            struct atom *a = vec_push(&m->atoms);
            if (!a)
                return false;
            *a = (struct atom){r, c};
        }
    }
    for (uint32_t at = first; at < m->atoms.n; at += ATOMS_MAX) {
        uint32_t n = (uint32_t)m->atoms.n - at;
        struct question *q = vec_push(&m->questions);
        if (!q)
            return false;
        *q = (struct question){.slot = slot, .first = at, .n = n < ATOMS_MAX ? n : ATOMS_MAX};
        q->likeness = likeness_of(m, q);
        q->of_kind = def && (def->traits & FACT_OF_KIND) && !refers(m, q);
    }
    return true;
}

static bool list_questions(struct memo *m)
{
    size_t n = m->catalogue->n_asked;
    m->first_question = calloc(n + 1, sizeof *m->first_question);
    bool good = m->first_question != NULL;
    for (uint32_t slot = 0; good && slot < n; slot++) {
        good = add_atoms(m, slot);
        m->first_question[slot + 1] = (uint32_t)m->questions.n;
    }
    return good;
}

static uint32_t new_node(struct memo *m)
{
    struct node *n = m->nodes.n < NODES_MAX ? vec_push(&m->nodes) : NULL;
    if (!n)
        return NONE;
    *n = (struct node){.question = NONE, .judgement = NONE, .last_child = NONE};
    return (uint32_t)m->nodes.n - 1;
}

static bool is_root(const struct root *root, uint32_t kind, unsigned unheard)
{
    return root->kind == kind && root->unheard == unheard;
}

/* A new one, or NULL. */
static struct root *add_root(struct memo *m, uint32_t kind, unsigned unheard)
{
    const uint32_t node = m->roots.n < KINDS_MAX ? new_node(m) : NONE;
    struct root *root = node != NONE ? vec_push(&m->roots) : NULL;
    if (root)
        *root = (struct root){kind, node, unheard};
    return root;
}

struct memo *memo_create(const struct catalogue *k, const struct case_file *c)
{
    struct memo *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->catalogue = k;
    m->off = c->n_logs > 0;
    map_init(&m->edges, sizeof(struct edge_key), sizeof(uint32_t));
    if (list_questions(m) && add_root(m, 0, 0))
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
    vec_finish(&m->questions);
    vec_finish(&m->atoms);
    map_finish(&m->edges);
    free(m->first_question);
    free(m);
}

/* Whether the fact has the value that was asked about last. */
static inline bool is_as_last(const struct question *q, const struct fact *f)
{
    if (!q->has_last || f->known != q->last.known)
        return false;
    if (!f->known)
        return true;
    if (q->likeness == ALIKE_NUMBER)
        return f->as.number == q->last.as.number;
    if (q->likeness == ALIKE_TRUTH)
        return f->as.truth == q->last.as.truth;
    return f->as.text.n == q->last.n &&
           (q->last.n == 0 || memcmp(f->as.text.p, q->last.text, q->last.n) == 0);
}

static void note_last(struct question *q, const struct fact *f, uint64_t answer)
{
    const bool is_text = f->known && q->likeness == ALIKE_TEXT;
    if (is_text && f->as.text.n > VALUE_TEXT_MAX)
        return;
    q->has_last = true;
    q->answer = answer;
    q->last.known = f->known;
    q->last.n = is_text ? (uint8_t)f->as.text.n : 0;
    if (q->last.n > 0)
        memcpy(q->last.text, f->as.text.p, q->last.n);
    else if (q->likeness == ALIKE_TRUTH)
        q->last.as.truth = f->as.truth;
    else if (q->likeness == ALIKE_NUMBER)
        q->last.as.number = f->as.number;
}

/* False: the fact rests on a log line, whose strength counts as well. */
static bool answer(const struct memo *m, struct bench *b, struct question *q, uint64_t *out)
{
    const struct fact *f = bench_ask(b, q->slot);
    struct hearing h;
    h.bench = b;
    *out = 0;
    if (f->from.link)
        return false;
    if (is_as_last(q, f)) {
        *out = q->answer;
        return true;
    }
    for (uint32_t i = 0; i < q->n; i++) {
        const struct atom *a = &m->atoms.v[q->first + i];
        const struct condition *c = a->condition;
        h.rule = a->rule;
        for (size_t k = 0; k < a->rule->n_binds; k++)
            h.picks[k].looked = false;
        *out = *out << 2 | (uint64_t)tests_hold(&h, &c->subject, f, c->tests, c->n_tests);
    }
    if (q->likeness != ALIKE_NEVER)
        note_last(q, f, *out);
    return true;
}

static uint32_t child_of(struct memo *m, uint32_t node, uint64_t given)
{
    struct node *n = &m->nodes.v[node];
    const struct edge_key key = {.answer = given, .node = node};
    if (n->last_child != NONE && n->last == given)
        return n->last_child;
    const uint32_t *child = map_get(&m->edges, &key);
    if (!child)
        return NONE;
    n->last = given;
    n->last_child = *child;
    return *child;
}

/* Where the questions about the reset on the bench begin.  When there is no room for more kinds:
 * where all are asked, or NULL where ends were not captured. */
static const struct root *root_of(struct memo *m, const struct bench *b)
{
    const uint32_t kind = reset_kind(b->reset);
    if (is_root(&m->roots.v[m->last_root], kind, b->unheard))
        return &m->roots.v[m->last_root];
    for (uint32_t i = 0; i < m->roots.n; i++)
        if (is_root(&m->roots.v[i], kind, b->unheard)) {
            m->last_root = i;
            return &m->roots.v[i];
        }
    const struct root *root = add_root(m, kind, b->unheard);
    if (root)
        m->last_root = (uint32_t)m->roots.n - 1;
    return root || b->unheard ? root : &m->roots.v[0];
}

static bool usable(const struct memo *m, const struct bench *b)
{
    return !m->off && b->n_links == 0;
}

bool memo_recall(struct memo *m, struct bench *b, struct judgement *out)
{
    uint64_t given;
    if (!usable(m, b))
        return false;
    const struct root *root = root_of(m, b);
    uint32_t at = root ? root->node : NONE;
    while (at != NONE && m->nodes.v[at].judgement == NONE) {
        uint32_t q = m->nodes.v[at].question;
        if (q == NONE || !answer(m, b, &m->questions.v[q], &given))
            return false;
        at = child_of(m, at, given);
    }
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
    uint32_t child = child_of(m, node, given);
    if (child != NONE)
        return child;
    child = new_node(m);
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
        for (uint32_t q = m->first_question[slot]; q < m->first_question[slot + 1]; q++) {
            struct node *node = &m->nodes.v[at];
            if (is_of_kind && m->questions.v[q].of_kind)
                continue;
            if (node->question == NONE && node->judgement == NONE)
                node->question = q;
            if (node->question != q || !answer(m, b, &m->questions.v[q], &given))
                return;
            at = grow(m, at, given);
            if (at == NONE)
                return;
        }
    }
    if (m->nodes.v[at].question == NONE && m->nodes.v[at].judgement == NONE)
        m->nodes.v[at].judgement = keep(m, j);
}
