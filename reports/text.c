/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for a terminal: the headline, the faults, the notices, then the harmless counted and
 * folded, then what was read.  Findings in, lines out; every byte of the input is escaped.
 */
#include "reports/lines.h"
#include "reports/tell.h"

#define CASES_IN_FULL 50 /* the severest and largest; -v: TELL_MOST_LISTED */

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
        strbuf_str(&l->b, l->o->quiet
                              ? "Not everything could be read; without -q it is said what."
                              : "Not everything could be read; see the end of this report.");
        lines_print(l, STYLE_NOTICE);
    }
    if (c->n_resets_lost > 0) {
        tell_lost_resets(&l->b, c);
        lines_fill(l, "", 0);
    }
}

/* "  200  port-closed  at 192.0.2.3:443: Nothing listens on that port" */
static void case_line(struct lines *l, const struct arranged *a)
{
    const struct finding *x = a->members[0];
    char server[ENDPOINT_TEXT_MAX];
    endpoint_format(finding_end(l->f, x, SIDE_SERVER), server);
    strbuf_printf(&l->b, "%5zu  %-22s at %s: ", a->n_members, x->cause, server);
    lines_cut(l, findings_title(l->f, x, &l->telling), TELL_WORDS_MAX);
    lines_print(l, STYLE_PLAIN);
}

/* Cases [from, to) a line each, as far as a person reads them, then counted. */
static void case_lines(struct lines *l, const struct arrangement *a, size_t from, size_t to,
                       const char *head)
{
    size_t n_resets = 0, i = from;
    if (from >= to)
        return;
    fprintf(l->out, "\n%s\n", head);
    for (; i < to && i < from + TELL_MOST_LISTED; i++)
        case_line(l, &a->cases[i]);
    if (i == to)
        return;
    for (size_t k = i; k < to; k++)
        n_resets += a->cases[k].n_members;
    fprintf(l->out, "  ... and %zu more cases with %zu resets (-o report.jsonl holds every one)\n",
            to - i, n_resets);
}

/* How many cases, from the severest on, are at least that severe. */
static size_t cases_from(const struct arrangement *a, enum severity least)
{
    size_t n = 0;
    while (n < a->n_cases && a->cases[n].members[0]->severity >= least)
        n++;
    return n;
}

static void write_body(struct lines *l, const struct arrangement *a)
{
    const struct report_options *o = l->o;
    enum severity least = SEVERITY_NOTICE;
    if (o->verbosity > 0 || o->min_severity > SEVERITY_NOTICE)
        least = o->min_severity;
    size_t n = cases_from(a, least), most = o->verbosity > 0 ? TELL_MOST_LISTED : CASES_IN_FULL;
    for (size_t i = 0; i < n && i < most; i++)
        text_case(l, i + 1, &a->cases[i]);
    if (n > most)
        case_lines(l, a, most, n, "More cases, in short");
    if (o->verbosity == 0 && o->min_severity == SEVERITY_HARMLESS)
        case_lines(l, a, n, a->n_cases, "Harmless (-v shows why)");
    text_attempts(l);
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
