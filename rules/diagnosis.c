/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for severities and truth values.
 */
#include "rules/diagnosis.h"
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
    } words[] = {{0.9, "very likely"}, {0.7, "likely"}, {0.4, "possible"}, {0, "weak"}};
    for (size_t i = 0; i + 1 < sizeof words / sizeof *words; i++)
        if (c >= words[i].from)
            return words[i].word;
    return "weak";
}
