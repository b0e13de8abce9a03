/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the text report: a buffer that is filled with clean text, and ways to print it: as it
 * stands, coloured, or filled into the report's width behind an indent.
 */
#ifndef WHYRST_REPORTS_LINES_H
#define WHYRST_REPORTS_LINES_H

#include <stdio.h>

#include "reports/report.h"

struct lines {
    FILE *out;
    const struct findings *f;
    const struct report_options *o;
    struct strbuf b;        /* the line under way */
    struct telling telling; /* the diagnosis under way */
};

enum style { STYLE_PLAIN, STYLE_TITLE, STYLE_FAULT, STYLE_NOTICE, STYLE_HARMLESS, STYLE_DIM };

/* Adds text of the input, escaped; lines_cut leaves out what is over the report's measure. */
void lines_say(struct lines *l, struct text t);
void lines_cut(struct lines *l, struct text t, size_t max);
void lines_time(struct lines *l, instant_ns t, unsigned digits);
void lines_ends(struct lines *l, const struct reset *r);

/* Prints the line under way and starts a new one. */
void lines_print(struct lines *l, enum style style);
/* As lines_print, in as many lines as it takes; first goes before the first, indent blanks before
 * the others. */
void lines_fill(struct lines *l, const char *first, unsigned indent);
/* lines_fill of one text of the input. */
void lines_fill_text(struct lines *l, const char *first, unsigned indent, struct text t);

/* The parts of the report, each in a file of its own. */
struct arranged;
void text_case(struct lines *l, size_t number, const struct arranged *a);
void text_attempts(struct lines *l);
void text_unmatched(struct lines *l);
void text_inputs(struct lines *l);

#endif
