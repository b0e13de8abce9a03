/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for a terminal: the headline, the faults, the notices, then the harmless counted and
 * folded, then what was read.  Findings in, lines out; every byte of the input is escaped.
 */
#include "reports/lines.h"
#include "reports/tell.h"

static void headline(struct lines *l, const struct arrangement *a)
{
    const struct case_file *c = l->f->of;
    tell_headline(&l->b, l->f, a);
    lines_print(l, STYLE_TITLE);
    if (c->n_unmatched > 0) {
        strbuf_printf(&l->b, "%zu log line%s a reset that no capture holds.", c->n_unmatched,
                      c->n_unmatched == 1 ? " reports" : "s report");
        lines_print(l, STYLE_PLAIN);
    }
    if (!c->summary.complete) {
        strbuf_str(&l->b, "Not everything could be read; see the end of this report.");
        lines_print(l, STYLE_NOTICE);
    }
}

static void harmless(struct lines *l, const struct arrangement *a)
{
    bool any = false;
    for (size_t i = 0; i < a->n_cases; i++) {
        const struct finding *x = a->cases[i].members[0];
        if (x->severity >= SEVERITY_NOTICE)
            continue;
        if (!any)
            fputs("\nHarmless (-v shows why)\n", l->out);
        any = true;
        char server[ENDPOINT_TEXT_MAX];
        endpoint_format(finding_end(l->f, x, SIDE_SERVER), server);
        strbuf_printf(&l->b, "%5zu  %-22s at %s: ", a->cases[i].n_members, x->cause, server);
        lines_cut(l, findings_tell(l->f, x, &l->telling)->title, TELL_WORDS_MAX);
        lines_print(l, STYLE_PLAIN);
    }
}

static void write_body(struct lines *l, const struct arrangement *a)
{
    const struct report_options *o = l->o;
    size_t number = 0;
    for (size_t i = 0; i < a->n_cases; i++) {
        enum severity s = a->cases[i].members[0]->severity;
        if (s >= o->min_severity && (s >= SEVERITY_NOTICE || o->verbosity > 0))
            text_case(l, ++number, &a->cases[i]);
    }
    if (o->verbosity == 0 && o->min_severity == SEVERITY_HARMLESS)
        harmless(l, a);
    text_unmatched(l);
    text_inputs(l);
}

static bool write_text(FILE *out, const struct findings *f, const struct report_options *o,
                       struct error *err)
{
    struct arrangement a;
    if (!arrange(f, &a))
        return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    struct lines l = {.out = out, .f = f, .o = o};
    strbuf_init(&l.b);
    headline(&l, &a);
    if (!o->quiet)
        write_body(&l, &a);
    bool good = !l.b.failed;
    strbuf_finish(&l.b);
    telling_finish(&l.telling);
    arrangement_finish(&a);
    return good || error_set(err, ERROR_NO_MEMORY, "", "out of memory");
}

const struct report_format report_text = {
    .id = "text",
    .extension = ".txt .text",
    .about = "for a terminal: headline, faults, what to do; the harmless folded",
    .write = write_text,
};
