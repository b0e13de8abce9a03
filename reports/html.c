/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One self-contained HTML page: summary, a section a case, then what was read.  No script, no
 * external load.  The page has a budget of bytes: the cases that matter most are shown in full, and
 * what had no room is counted and said.
 */
#include "reports/html_style.h"
#include "reports/page.h"
#include "reports/show.h"
#include "reports/tell.h"

#define FEW_DIAGNOSES 100
#define BUDGET_FEW ((size_t)1000000)  /* bytes for up to FEW_DIAGNOSES */
#define BUDGET_MOST ((size_t)4900000) /* bytes for any number */
#define ROW_BYTES 4096                /* what one row of the summary may take */
#define CASE_BYTES 16384              /* what one more case should find free */

static const char head_markup[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<meta name=\"generator\" content=\"whyrst " WHYRST_VERSION "\">\n"
    "<title>Why connections were reset</title>\n<style>\n";

static void head(struct page *p, const struct arrangement *a)
{
    const struct case_file *c = p->f->of;
    page_add(p, head_markup);
    page_add(p, html_style);
    page_add(p, "</style>\n</head>\n<body>\n<header>\n<h1>Why connections were reset</h1>\n"
                "<p class=\"lead\">");
    tell_headline(&p->b, p->f, a);
    page_add(p, "</p>\n");
    if (c->n_unmatched > 0)
        strbuf_printf(
            &p->b,
            "<p><a href=\"#unmatched\">%zu log line%s a reset that no capture holds.</a></p>\n",
            c->n_unmatched, c->n_unmatched == 1 ? " reports" : "s report");
    if (!c->summary.complete)
        page_add(p,
                 "<p class=\"warn\">Not everything could be read; see <a href=\"#read\">what was "
                 "read</a>.</p>\n");
    if (c->n_resets_lost > 0) {
        page_add(p, "<p class=\"warn\">");
        tell_lost_resets(&p->b, c);
        page_add(p, "</p>\n");
    }
    page_add(p, "</header>\n<main>\n");
}

static void summary_row(struct page *p, const struct arranged *a, bool has_section)
{
    const struct diagnosis *d = findings_tell(p->f, a->members[0], &p->telling);
    const char *severity = severity_name(d->severity);
    char server[ENDPOINT_TEXT_MAX];
    endpoint_format(reset_end(d->reset, SIDE_SERVER), server);
    page_add(p, "<tr><td>");
    if (has_section)
        strbuf_printf(&p->b, "<a href=\"#d-%.*s\">", TEXT_ARG(d->id));
    page_title(p, d->title);
    strbuf_printf(&p->b,
                  "%s</td><td><span class=\"tag %s\">%s</span></td><td>%s</td>"
                  "<td><code>%s</code></td><td class=\"n\">%zu</td><td>",
                  has_section ? "</a>" : "", severity, severity, d->cause, server, a->n_members);
    tell_confidence(&p->b, d->confidence);
    page_add(p, "</td></tr>\n");
}

/* How many of the cases get a section: those severe enough, as far as the budget goes. */
static size_t cases_shown(const struct page *p, const struct arrangement *a)
{
    size_t n = 0, most = p->budget / 100 * (PAGE_CASES - PAGE_CONTENTS) / CASE_BYTES;
    while (n < a->n_cases && n < most && a->cases[n].members[0]->severity >= p->o->min_severity)
        n++;
    return n;
}

static void contents(struct page *p, const struct arrangement *a, size_t n_shown)
{
    size_t i = 0;
    page_add(p, "<section>\n<h2 id=\"summary\">Summary</h2>\n"
                "<div class=\"wide\" role=\"region\" aria-labelledby=\"summary\" tabindex=\"0\">"
                "<table>\n<thead><tr><th scope=\"col\">What happened</th>"
                "<th scope=\"col\">Severity</th><th scope=\"col\">Cause</th>"
                "<th scope=\"col\">Server</th><th scope=\"col\" class=\"n\">Resets</th>"
                "<th scope=\"col\">Confidence</th></tr></thead>\n<tbody>\n");
    for (; i < a->n_cases && page_has_room(p, PAGE_CONTENTS, ROW_BYTES); i++)
        summary_row(p, &a->cases[i], i < n_shown);
    page_add(p, "</tbody></table></div>\n");
    page_left_out(p, a, i, a->n_cases);
    page_add(p, "</section>\n");
}

void page_left_out(struct page *p, const struct arrangement *a, size_t from, size_t to)
{
    size_t n_resets = 0;
    if (from >= to)
        return;
    for (size_t i = from; i < to; i++)
        n_resets += a->cases[i].n_members;
    page_add(p, "<p class=\"warn\">Left out here: ");
    show_count(&p->b, to - from, "more case");
    page_add(p, " with ");
    show_count(&p->b, n_resets, "reset");
    page_add(p, ". The JSON Lines report (<code>-o report.jsonl</code>) holds every one.</p>\n");
}

static void cases(struct page *p, const struct arrangement *a, size_t n_shown)
{
    size_t i = 0, n_wanted = n_shown;
    while (n_wanted < a->n_cases && a->cases[n_wanted].members[0]->severity >= p->o->min_severity)
        n_wanted++;
    page_add(p, "<h2>Diagnoses</h2>\n");
    for (; i < n_shown; i++) {
        page_case(p, &a->cases[i], n_shown - i - 1);
        page_flush(p);
    }
    page_left_out(p, a, n_shown, n_wanted);
}

static void footer(struct page *p)
{
    page_add(p, "</main>\n<footer><p>Made by whyrst " WHYRST_VERSION
                " from the inputs above, offline. Times are ");
    page_say(p, text_of(p->o->zone ? zone_name(p->o->zone) : "UTC"));
    page_add(p, ".</p></footer>\n</body>\n</html>\n");
    page_flush(p);
}

static bool write_html(FILE *out, const struct findings *f, const struct report_options *o,
                       struct error *err)
{
    struct arrangement a;
    if (!arrange(f, &a))
        return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    struct page p = {
        .out = out, .f = f, .o = o, .budget = f->n <= FEW_DIAGNOSES ? BUDGET_FEW : BUDGET_MOST};
    strbuf_init(&p.b);
    size_t n_shown = cases_shown(&p, &a);
    head(&p, &a);
    if (a.n_cases > 0)
        contents(&p, &a, n_shown);
    page_flush(&p);
    if (n_shown > 0)
        cases(&p, &a, n_shown);
    page_attempts(&p);
    page_unmatched(&p);
    page_inputs(&p);
    footer(&p);
    bool good = !p.b.failed;
    strbuf_finish(&p.b);
    telling_finish(&p.telling);
    arrangement_finish(&a);
    return good || error_set(err, ERROR_NO_MEMORY, "", "out of memory");
}

const struct report_format report_html = {
    .id = "html",
    .extension = ".html .htm",
    .about = "one self-contained page for a ticket: evidence, packet ladder, remedies",
    .write = write_html,
};
