/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a case and the rules.  Out: one finding a reset, and its words when they are asked for.  What
 * is shown of it, and how, is the business of the reports.
 */
#include "rules/findings.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/population/population.h"
#include "analyzer/record/community_id.h"
#include "analyzer/record/kind_talk.h"
#include "analyzer/record/said.h"
#include "parsers/base/prefetch.h"
#include "rules/evidence.h"
#include "rules/judge.h"
#include "rules/memo.h"
#include "rules/speak.h"

#define ALTERNATIVES_MAX 6
#define UNDECIDED_MAX 8
#define WORTH_NAMING 0.05 /* least confidence of an alternative */
#define NO_RULE "No rule explains this reset"

struct candidate { /* a rule that is open */
    const struct verdict *verdict;
    unsigned n_against; /* facts that speak against it */
    bool has_line;      /* a line is there, of which something is not known */
};

struct judges {
    struct bench bench;
    struct judgement judgement;
    struct hearing hearing;
    const struct verdict **order; /* scratch, one a rule */
    struct candidate *open;       /* scratch, one a rule */
    struct memo *memo;
};

static void fill_place(struct judges *b, const struct finding *x, struct diagnosis *d)
{
    const struct connection *c = reset_connection(d->reset);
    struct arena *a = b->bench.arena;
    char number[FINDING_ID_MAX], id[COMMUNITY_ID_MAX];
    size_t n = finding_id(x, number);
    d->id = arena_text(a, (struct text){number, n});
    n = community_id(&c->end[SIDE_CLIENT].at, &c->end[SIDE_SERVER].at, id);
    d->community_id = arena_text(a, (struct text){id, n});
    d->display_filter = text_of(arena_printf(a, "tcp.stream eq %u", c->stream));
}

static bool is_true(const struct hearing *h, uint32_t condition)
{
    return condition == NO_INDEX || h->outcomes[condition].truth == TRUTH_TRUE;
}

static struct text explanation(struct hearing *h)
{
    struct strbuf b;
    strbuf_init(&b);
    strbuf_text(&b, speak(h, &h->rule->conclude));
    for (size_t i = 0; i < h->rule->n_also; i++) {
        if (!is_true(h, h->rule->also[i].when))
            continue;
        strbuf_char(&b, ' ');
        strbuf_text(&b, speak(h, &h->rule->also[i].message));
    }
    struct text t = arena_text(h->bench->arena, strbuf_view(&b));
    strbuf_finish(&b);
    return t;
}

static void fill_remedies(struct hearing *h, struct diagnosis *d)
{
    const struct rule *r = h->rule;
    d->remedies = arena_array(h->bench->arena, r->n_remedies + 1, sizeof *d->remedies);
    for (size_t i = 0; d->remedies && i < r->n_remedies; i++) {
        const struct said *s = &r->remedies[i];
        if (is_true(h, s->when))
            d->remedies[d->n_remedies++] = (struct remedy){
                .text = speak(h, &s->message), .risk = s->risk, .command = speak(h, &s->command)};
    }
    d->references = r->references;
    d->n_references = r->n_references;
}

static void fill_verdict(struct judges *b, struct diagnosis *d)
{
    const struct verdict *w = b->judgement.winner;
    struct hearing *h = &b->hearing;
    d->cause = b->judgement.cause;
    d->rule = b->judgement.rule;
    d->severity = b->judgement.severity;
    if (!w) {
        d->title = TEXT(NO_RULE);
        d->evidence = evidence_of_reset(&b->bench, &d->n_evidence);
        return;
    }
    hearing_judge(h, &b->bench, w->rule, true);
    d->confidence = w->confidence;
    d->title = speak(h, &w->rule->title);
    d->explanation = explanation(h);
    d->evidence = evidence_of(h, &d->n_evidence);
    fill_remedies(h, d);
}

static int by_confidence(const void *a, const void *b)
{
    const struct verdict *const *x = a, *const *y = b;
    if ((*x)->confidence != (*y)->confidence)
        return (*x)->confidence > (*y)->confidence ? -1 : 1;
    return strcmp((*x)->rule->id, (*y)->rule->id);
}

/* Whether the packets have a say in the rule: one that rests on log lines alone is open for every
 * reset, and so says least about this one. */
static bool asks_packets(const struct rule *r)
{
    for (uint32_t i = 0; r->require != NO_INDEX && i <= r->require; i++)
        if (r->conditions[i].kind == CONDITION_FACT)
            return true;
    return false;
}

static bool has_line(const struct hearing *h)
{
    for (size_t i = 0; i < h->rule->n_binds; i++)
        if (h->picks[i].looked && h->picks[i].link)
            return true;
    return false;
}

static bool could_be_about(const struct bench *b, const struct bind *bind)
{
    const uint16_t port = reset_end(b->reset, SIDE_SERVER)->port;
    for (size_t i = 0; i < bind->n_kinds; i++)
        if (kind_talk_fits(b->spoken, port, bind->kinds[i]))
            return true;
    return bind->n_kinds == 0;
}

/* Whether some line that the rule asks for could be about a connection that speaks so: else it is
 * no use to look for one. */
static bool may_be_told(const struct bench *b, const struct rule *r)
{
    bool asks = false;
    for (uint32_t i = 0; r->require != NO_INDEX && i <= r->require; i++) {
        const struct condition *c = &r->conditions[i];
        if (c->kind != CONDITION_EXISTS && c->kind != CONDITION_BOUND)
            continue;
        if (could_be_about(b, &r->binds[c->bind]))
            return true;
        asks = true;
    }
    return !asks;
}

static int by_potential(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    bool p = asks_packets(x->verdict->rule), q = asks_packets(y->verdict->rule);
    if (x->n_against != y->n_against)
        return x->n_against < y->n_against ? -1 : 1;
    if (x->has_line != y->has_line)
        return x->has_line ? -1 : 1;
    if (p != q)
        return p ? -1 : 1;
    if (x->verdict->potential != y->verdict->potential)
        return x->verdict->potential > y->verdict->potential ? -1 : 1;
    return strcmp(x->verdict->rule->id, y->verdict->rule->id);
}

static bool is_alternative(const struct judgement *j, const struct verdict *v)
{
    return v != j->winner && v->require == TRUTH_TRUE && j->winner &&
           v->confidence >= WORTH_NAMING && v->rule->cause != j->winner->rule->cause &&
           strcmp(v->rule->cause->id, cause_undetermined) != 0;
}

static bool names_cause(const struct alternative *v, size_t n, const char *cause)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].cause == cause)
            return true;
    return false;
}

/* What would tell the winner and this one apart: what either rule would like to see. */
static struct text told_apart(struct judges *b, const struct rule *r)
{
    hearing_judge(&b->hearing, &b->bench, r, true);
    struct text t = evidence_collect(&b->hearing);
    if (t.n)
        return t;
    hearing_judge(&b->hearing, &b->bench, b->judgement.winner->rule, true);
    return evidence_collect(&b->hearing);
}

static void fill_alternatives(struct judges *b, struct diagnosis *d)
{
    const struct judgement *j = &b->judgement;
    size_t n = 0;
    for (size_t i = 0; i < j->n; i++)
        if (is_alternative(j, &j->verdicts[i]))
            b->order[n++] = &j->verdicts[i];
    qsort(b->order, n, sizeof(struct verdict *), by_confidence);
    d->alternatives = arena_array(b->bench.arena, n + 1, sizeof *d->alternatives);
    for (size_t i = 0; d->alternatives && i < n && d->n_alternatives < ALTERNATIVES_MAX; i++) {
        const struct verdict *v = b->order[i];
        if (names_cause(d->alternatives, d->n_alternatives, v->rule->cause->id))
            continue;
        struct alternative *a = &d->alternatives[d->n_alternatives++];
        *a = (struct alternative){.cause = v->rule->cause->id,
                                  .rule = v->rule->id,
                                  .confidence = v->confidence,
                                  .superseded_by = v->displaced_by ? v->displaced_by->id : NULL,
                                  .indistinct = judge_indistinct(j, v)};
        if (a->indistinct)
            a->told_apart_by = told_apart(b, v->rule);
    }
}

static size_t open_candidates(struct judges *b)
{
    const struct judgement *j = &b->judgement;
    size_t n = 0;
    for (size_t i = 0; i < j->n; i++) {
        if (!judge_open(j, &j->verdicts[i]) || !may_be_told(&b->bench, j->verdicts[i].rule))
            continue;
        hearing_judge(&b->hearing, &b->bench, j->verdicts[i].rule, true);
        b->open[n++] = (struct candidate){&j->verdicts[i], evidence_against(&b->hearing),
                                          has_line(&b->hearing)};
    }
    qsort(b->open, n, sizeof *b->open, by_potential);
    return n > UNDECIDED_MAX ? UNDECIDED_MAX : n;
}

static void fill_undecided(struct judges *b, struct diagnosis *d)
{
    size_t n = open_candidates(b);
    d->undecided = arena_array(b->bench.arena, n + 1, sizeof *d->undecided);
    for (size_t i = 0; d->undecided && i < n; i++) {
        const struct rule *r = b->open[i].verdict->rule;
        hearing_judge(&b->hearing, &b->bench, r, true);
        d->undecided[d->n_undecided++] =
            (struct undecided){.rule = r->id,
                               .cause = r->cause->id,
                               .missing = evidence_missing(&b->hearing),
                               .collect = evidence_collect(&b->hearing),
                               .n_against = b->open[i].n_against};
    }
}

/* What the rule that concluded would have liked to see. */
static void fill_collect(struct judges *b, struct diagnosis *d)
{
    if (!b->judgement.winner)
        return;
    hearing_judge(&b->hearing, &b->bench, b->judgement.winner->rule, true);
    d->collect = evidence_collect(&b->hearing);
    if (b->bench.lost > 0)
        d->collect = text_of(arena_printf(
            b->bench.arena,
            TEXT_FMT "%sa capture that loses less: a larger buffer (tcpdump -B 65536), "
                     "a capture filter",
            TEXT_ARG(d->collect), d->collect.n ? "; " : ""));
}

static bool judges_init(struct judges *b, const struct catalogue *k, struct case_file *c)
{
    bool good = bench_init(&b->bench, k, c) && judgement_init(&b->judgement, k);
    b->order = calloc(k->n_rules + 1, sizeof(struct verdict *));
    b->open = calloc(k->n_rules + 1, sizeof *b->open);
    b->memo = memo_create(k, c);
    return good && b->order && b->open && b->memo;
}

static void judges_free(struct judges *b)
{
    if (!b)
        return;
    bench_finish(&b->bench);
    judgement_finish(&b->judgement);
    memo_free(b->memo);
    free(b->order);
    free(b->open);
    free(b);
}

/* The judgement of the reset on the bench: the one remembered for its answers, or a new one. */
static void judge_once(struct judges *b)
{
    if (memo_recall(b->memo, &b->bench, &b->judgement))
        return;
    memo_listen(b->memo, &b->bench);
    judge(&b->judgement, &b->bench);
    memo_learn(b->memo, &b->bench, &b->judgement);
}

/* Judges it once more, for what is to be said in the telling. */
static struct judges *call_judges(const struct findings *f, const struct finding *x,
                                  struct telling *t)
{
    struct judges *b = f->judges;
    if (t->arena.from)
        arena_clear(&t->arena);
    else
        arena_init(&t->arena, NULL);
    t->d = (struct diagnosis){.reset = finding_reset(f, x)};
    b->bench.arena = &t->arena;
    bench_take(&b->bench, t->d.reset);
    judge_once(b);
    return b;
}

struct text findings_title(const struct findings *f, const struct finding *x, struct telling *t)
{
    if (f->told)
        return f->told[x - f->v].title;
    struct judges *b = call_judges(f, x, t);
    const struct verdict *w = b->judgement.winner;
    if (!w)
        return TEXT(NO_RULE);
    hearing_judge(&b->hearing, &b->bench, w->rule, true);
    return speak(&b->hearing, &w->rule->title);
}

const struct diagnosis *findings_tell(const struct findings *f, const struct finding *x,
                                      struct telling *t)
{
    if (f->told)
        return &f->told[x - f->v];
    struct judges *b = call_judges(f, x, t);
    fill_place(b, x, &t->d);
    fill_verdict(b, &t->d);
    fill_alternatives(b, &t->d);
    fill_undecided(b, &t->d);
    fill_collect(b, &t->d);
    return &t->d;
}

static void find(struct judges *b, const struct case_file *c, uint32_t reset, uint32_t *numbers,
                 struct finding *out)
{
    const struct judgement *j = &b->judgement;
    uint32_t capture = reset_capture(c->resets[reset]);
    bench_take(&b->bench, c->resets[reset]);
    judge_once(b);
    *out = (struct finding){.cause = j->cause,
                            .rule = j->rule,
                            .severity = j->severity,
                            .confidence = j->winner ? j->winner->confidence : 0,
                            .reset = reset,
                            .capture = capture,
                            .number = capture < c->n_captures ? ++numbers[capture] : 0};
}

#define NEAR 2 /* resets that are judged while the segments of another come */

/* What the ends said first and last. */
static void fetch_texts(const struct connection *c)
{
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        prefetch_bytes(c->end[side].head.p, c->end[side].head.n);
        prefetch_bytes(c->end[side].tail.p, c->end[side].tail.n);
        prefetch_bytes(c->end[side].said, sizeof *c->end[side].said);
    }
}

/* The resets and their connections, and once those are there the segments and texts. */
static void fetch_behind(const struct case_file *c, size_t i)
{
    const struct reset *r = i + NEAR < c->n_resets ? c->resets[i + NEAR] : NULL;
    resets_fetch_behind(c->resets, c->n_resets, i);
    if (r && r->in_full) {
        prefetch_bytes(r->in_full->segments, r->in_full->n_kept * sizeof *r->in_full->segments);
        fetch_texts(r->in_full);
    }
    if (r)
        population_fetch(c, r);
}

static bool find_all(struct findings *f, const struct case_file *c)
{
    uint32_t *numbers = calloc(c->n_captures + 1, sizeof *numbers);
    struct telling t = {0}; /* what is said while judging is forgotten at once */
    arena_init(&t.arena, NULL);
    f->judges->bench.arena = &t.arena;
    for (size_t i = 0; numbers && i < c->n_resets; i++) {
        fetch_behind(c, i);
        if (c->resets[i]->is_copy_of_other)
            continue;
        find(f->judges, c, (uint32_t)i, numbers, &f->v[f->n++]);
        if (t.arena.used > 0)
            arena_clear(&t.arena);
    }
    arena_finish(&t.arena);
    bool good = numbers != NULL;
    free(numbers);
    return good;
}

bool findings_build(struct findings *f, const struct catalogue *k, struct case_file *c)
{
    *f = (struct findings){.of = c, .judges = calloc(1, sizeof *f->judges)};
    f->v = malloc((c->n_resets + 1) * sizeof *f->v);
    if (f->judges && f->v && judges_init(f->judges, k, c) && find_all(f, c))
        return true;
    findings_finish(f);
    return false;
}

void findings_finish(struct findings *f)
{
    if (!f)
        return;
    judges_free(f->judges);
    free(f->v);
    *f = (struct findings){0};
}
