/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a reset and the rules.  Out: a text for a terminal; input bytes are escaped here.
 */
#include "rules/explain.h"

#include <stdlib.h>
#include <string.h>

#include "rules/confidence.h"
#include "rules/evidence.h"
#include "rules/judge.h"
#include "rules/speak.h"
#include "rules/test.h"

struct explainer {
    FILE *out;
    struct bench bench;
    struct judgement judgement;
    struct hearing hearing;
    bool thorough;
};

static const char *mark(enum truth t)
{
    return t == TRUTH_TRUE ? "+" : t == TRUTH_FALSE ? "-" : "?";
}

static size_t depth_of(const struct rule *r, const struct condition *c)
{
    size_t depth = 0;
    for (uint32_t up = c->parent; up != NO_INDEX; up = r->conditions[up].parent)
        depth++;
    return depth;
}

static void put_weight(const struct explainer *x, const char *role, double weight, bool counts,
                       double doubt)
{
    fprintf(x->out, "  %s %.2f%s%s", role, weight, counts ? "" : " not given",
            doubt == 0              ? ""
            : x->bench.lost > 0     ? ", not all was captured"
            : x->bench.left_out > 0 ? ", not all was kept"
                                    : ", an end was not captured");
}

static void put_role(const struct explainer *x, uint32_t i)
{
    const struct rule *r = x->hearing.rule;
    const struct outcome *o = &x->hearing.outcomes[i];
    const bool holds = o->truth == TRUTH_TRUE;
    for (size_t k = 0; k < r->n_supports; k++)
        if (r->supports[k].condition == i)
            put_weight(x, "support", r->supports[k].weight * hearing_share(o), holds, o->doubt);
    for (size_t k = 0; k < r->n_contradicts; k++)
        if (r->contradicts[k].condition == i)
            put_weight(x, "contradict", r->contradicts[k].weight * (holds ? o->strength : o->doubt),
                       holds || o->doubt > 0, o->doubt);
}

static void put_value(struct explainer *x, const struct condition *c)
{
    struct bench *b = &x->bench;
    if (c->kind > CONDITION_EXISTS)
        return;
    if (c->kind == CONDITION_EXISTS) {
        const struct pick *p = hearing_pick(&x->hearing, c->bind);
        struct provenance from = {.kind = SOURCE_LOG, .link = p->link};
        fputs("  ", x->out);
        print_clean(x->out, p->link                   ? speak_source(b, &from)
                            : p->truth == TRUTH_FALSE ? TEXT("none, though a log covers it")
                                                      : TEXT("none, and no log covers it"));
        return;
    }
    struct fact f = hearing_value(&x->hearing, &c->subject);
    fputs("  value ", x->out);
    print_clean(x->out, text_slice(speak_value(b, &c->subject, &f), 0, 160));
    struct text source = f.known ? speak_source(b, &f.from) : f.why_unknown;
    if (source.n) {
        fputs("  (", x->out);
        print_clean(x->out, source);
        fputc(')', x->out);
    }
}

/* Parents stand behind their children in the array; people read the other way round. */
static void put_tree(struct explainer *x, uint32_t root)
{
    const struct rule *r = x->hearing.rule;
    for (uint32_t i = root + 1; i-- > r->conditions[root].first;) {
        const struct condition *c = &r->conditions[i];
        fprintf(x->out, "  %*s%s ", (int)depth_of(r, c) * 2, "",
                mark(x->hearing.outcomes[i].truth));
        if (c->id.n) {
            print_clean(x->out, c->id);
            fputs(": ", x->out);
        }
        print_clean(x->out, c->written);
        put_value(x, c);
        put_role(x, i);
        fputc('\n', x->out);
    }
}

static void put_conditions(struct explainer *x)
{
    const struct rule *r = x->hearing.rule;
    for (uint32_t i = 0; i < r->n_conditions; i++)
        if (r->conditions[i].parent == NO_INDEX)
            put_tree(x, i);
}

static void put_holding(struct explainer *x, const struct verdict *v)
{
    hearing_judge(&x->hearing, &x->bench, v->rule, true);
    fprintf(x->out, "%s %.2f  %s", confidence_word(v->confidence), confidence_shown(v->confidence),
            v->rule->id);
    if (strcmp(v->rule->id, v->rule->cause->id) != 0)
        fprintf(x->out, " (cause %s)", v->rule->cause->id);
    if (v->displaced_by)
        fprintf(x->out, ", gives way to %s", v->displaced_by->id);
    else if (judge_indistinct(&x->judgement, v))
        fputs(", cannot be told apart from the one above", x->out);
    fprintf(x->out, "  [base %.2f%s]\n", hearing_base(&x->hearing),
            hearing_base(&x->hearing) < v->rule->base ? ", an end was not captured" : "");
    put_conditions(x);
}

static void put_undecided(struct explainer *x, const struct verdict *v)
{
    hearing_judge(&x->hearing, &x->bench, v->rule, true);
    fprintf(x->out, "undecided  %s, at most %.2f: ", v->rule->id, v->potential);
    print_clean(x->out, evidence_missing(&x->hearing));
    fputc('\n', x->out);
    if (x->thorough)
        put_conditions(x);
}

/* The first false conditions right below the require, or itself. */
static void put_out(struct explainer *x, const struct verdict *v)
{
    const struct rule *r = v->rule;
    size_t shown = 0;
    hearing_judge(&x->hearing, &x->bench, r, true);
    fprintf(x->out, "out  %s:", r->id);
    for (uint32_t i = 0; i <= r->require && shown < 2; i++) {
        const struct condition *c = &r->conditions[i];
        bool direct = i == r->require ? shown == 0 : c->parent == r->require;
        if (!direct || x->hearing.outcomes[i].truth != TRUTH_FALSE)
            continue;
        fputs(shown++ ? ";  " : "  ", x->out);
        print_clean(x->out, c->written);
        put_value(x, c);
    }
    fputc('\n', x->out);
    if (x->thorough)
        put_conditions(x);
}

static int rank_of(const struct judgement *j, const struct verdict *v)
{
    if (v == j->winner)
        return 0;
    return v->require == TRUTH_TRUE ? 1 : v->require == TRUTH_UNKNOWN ? 2 : 3;
}

static void put_rank(struct explainer *x, int rank)
{
    const struct judgement *j = &x->judgement;
    double above = 2;
    for (bool found = true; found;) { /* most confident first; equal ones by id */
        double next = -1;
        found = false;
        for (size_t i = 0; i < j->n; i++) {
            const struct verdict *v = &j->verdicts[i];
            double c = rank == 2 ? v->potential : v->confidence;
            if (rank_of(j, v) == rank && c < above && c > next) {
                next = c;
                found = true;
            }
        }
        for (size_t i = 0; found && i < j->n; i++) {
            const struct verdict *v = &j->verdicts[i];
            double c = rank == 2 ? v->potential : v->confidence;
            if (rank_of(j, v) != rank || c < next || c > next)
                continue;
            if (rank < 2)
                put_holding(x, v);
            else if (rank == 2)
                put_undecided(x, v);
            else
                put_out(x, v);
        }
        above = next;
    }
}

static void put_head(struct explainer *x)
{
    const struct reset *r = x->bench.reset;
    char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];
    endpoint_format(reset_end(r, SIDE_CLIENT), client);
    endpoint_format(reset_end(r, SIDE_SERVER), server);
    fprintf(x->out, "frame %llu  %s -> %s  sender %s (%.2f), phase %s, mechanism %s\n",
            (unsigned long long)reset_frame(r), client, server, side_name(r->sender),
            r->sender_confidence, phase_name(r->phase), mechanism_name(r->mechanism));
    size_t n;
    const struct reason *reasons = reset_reasons(r, &n);
    for (size_t i = 0; i < n; i++) {
        fputs("  * ", x->out);
        print_clean(x->out, reasons[i].what->says);
        if (reasons[i].frame)
            fprintf(x->out, "  (frame %llu)", (unsigned long long)frame_number(reasons[i].frame));
        fputc('\n', x->out);
    }
}

bool explain_reset(FILE *out, const struct catalogue *k, struct case_file *c, const struct reset *r,
                   bool thorough)
{
    struct explainer *x = calloc(1, sizeof *x);
    bool good = x && bench_init(&x->bench, k, c) && judgement_init(&x->judgement, k);
    if (good) {
        x->out = out;
        x->thorough = thorough;
        bench_take(&x->bench, r);
        judge(&x->judgement, &x->bench);
        put_head(x);
        for (int rank = 0; rank <= 3; rank++)
            put_rank(x, rank);
    }
    if (x) {
        bench_finish(&x->bench);
        judgement_finish(&x->judgement);
    }
    free(x);
    return good;
}
