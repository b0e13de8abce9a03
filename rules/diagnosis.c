/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for severities and truth values, and what a finding shows without words.
 */
#include "rules/diagnosis.h"

#include <stdio.h>

#include "rules/confidence.h"
#include "rules/truth.h"

static const char *const severities[] = {
    [SEVERITY_HARMLESS] = "harmless",
    [SEVERITY_NOTICE] = "notice",
    [SEVERITY_FAULT] = "fault",
};

const char *severity_name(enum severity s)
{
    return (size_t)s < sizeof severities / sizeof *severities ? severities[s] : "unknown";
}

bool severity_parse(struct text t, enum severity *out)
{
    for (size_t i = 0; i < sizeof severities / sizeof *severities; i++) {
        if (text_eq(t, text_of(severities[i]))) {
            *out = (enum severity)i;
            return true;
        }
    }
    return false;
}

const char *truth_name(enum truth t)
{
    static const char *const names[] = {"false", "unknown", "true"};
    return names[t];
}

const char *confidence_word(double c)
{
    static const struct {
        double from;
        const char *word;
    } words[] = {
        {0.97, "almost certain"}, {0.88, "very likely"}, {0.7, "likely"}, {0.45, "possible"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (c >= words[i].from)
            return words[i].word;
    return "a guess";
}

double confidence_shown(double c)
{
    return c < 1 && c > 0.99 ? 0.99 : c;
}

const struct reset *finding_reset(const struct findings *f, const struct finding *x)
{
    return f->of->resets[x->reset];
}

instant_ns finding_time(const struct findings *f, const struct finding *x)
{
    return finding_reset(f, x)->deciding.segment.time;
}

const struct endpoint *finding_end(const struct findings *f, const struct finding *x,
                                   enum side side)
{
    return reset_end(finding_reset(f, x), side);
}

size_t finding_id(const struct finding *x, char out[FINDING_ID_MAX])
{
    return (size_t)snprintf(out, FINDING_ID_MAX, "c%u-%06u", x->capture + 1, x->number);
}

void telling_finish(struct telling *t)
{
    if (t && t->arena.from)
        arena_finish(&t->arena);
}
