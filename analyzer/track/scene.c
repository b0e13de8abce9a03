/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scene's own small tools: statements, looking back from the RST, the order of judgement.
 */
#include "analyzer/track/scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SENTENCE_MAX 320
#define CONSEQUENCE_NS (60 * NS_PER_S)

void scene_say(struct scene *s, uint64_t frame, const char *id, double weight, const char *fmt, ...)
{
    if (!s->reasons || s->n_reasons >= SCENE_REASONS_MAX)
        return;
    char text[SENTENCE_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    const struct text says = intern_text(s->intern, s->arena, (struct text){text, len});
    s->reasons[s->n_reasons++] = (struct scene_reason){frame, {id, says, weight}};
}

void scene_state(struct scene *s, uint64_t frame, const char *id, double weight,
                 const char *static_text)
{
    if (s->reasons && s->n_reasons < SCENE_REASONS_MAX)
        s->reasons[s->n_reasons++] =
            (struct scene_reason){frame, {id, text_of(static_text), weight}};
}

const struct segment *scene_last_before(const struct scene *s, enum side from,
                                        bool (*want)(const struct scene *, const struct segment *))
{
    for (size_t i = s->rst_at; i-- > 0;) {
        const struct segment *g = &s->connection->segments[i];
        if (g->from == from && !(g->flags & TCP_RST) && (!want || want(s, g)))
            return g;
    }
    return NULL;
}

static double strength(const struct scene_reason *r)
{
    return r->what.weight < 0 ? -r->what.weight : r->what.weight;
}

/* Strongest first; equal ones keep the order in which they were found. */
static void sort_reasons(struct scene_reason *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct scene_reason r = v[i];
        size_t j = i;
        for (; j > 0 && strength(&v[j - 1]) < strength(&r); j--)
            v[j] = v[j - 1];
        v[j] = r;
    }
}

/* Forged resets that one end survived may have killed the other: its kernel's bare answer to what
 * still comes is their consequence, not a reset of its own. */
struct scene *scene_cause(struct scene *s)
{
    struct scene *e = s->earlier;
    if (!e || s->reset->mechanism != MECHANISM_NO_STATE)
        return s;
    bool soon = instant_since(scene_rst(s)->time, scene_rst(e)->time) < CONSEQUENCE_NS;
    return soon && e->reset->sender == SIDE_PATH ? e : s;
}

void scene_decide(struct scene *s)
{
    scene_find_trigger(s);
    scene_judge_phase(s);
    scene_judge_sender(s);
    scene_judge_mechanism(s);
}

struct reason *scene_reasons(const struct scene *s)
{
    struct reason *v = arena_array(s->arena, s->n_reasons, sizeof *v);
    for (size_t i = 0; v && i < s->n_reasons; i++) {
        const struct scene_reason *r = &s->reasons[i];
        const uint64_t key = intern_key(r->what.says, intern_key(text_of(r->what.id), 0));
        const struct statement *what =
            intern_by_key(s->intern, s->arena, &r->what, sizeof r->what, key);
        if (!what)
            return NULL;
        v[i] = (struct reason){r->frame, what};
    }
    return v;
}

void scene_judge(struct scene *s)
{
    struct scene_reason room[SCENE_REASONS_MAX];
    s->reasons = room;
    s->n_reasons = 0;
    scene_decide(s);
    scene_hear_rst(s);
    sort_reasons(s->reasons, s->n_reasons);
    s->reset->reasons = scene_reasons(s);
    s->reset->n_reasons = s->reset->reasons ? (uint32_t)s->n_reasons : 0;
    s->reasons = NULL;
}
