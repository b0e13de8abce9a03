/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports: findings in, one document out.  Each format is one const struct in the table; a report
 * judges nothing and adds nothing.  Everything an attacker can write (log text, payload, names) is
 * escaped for the medium on its way out.
 */
#ifndef WHYRST_REPORTS_REPORT_H
#define WHYRST_REPORTS_REPORT_H

#include <stdio.h>

#include "parsers/base/error.h"
#include "rules/diagnosis.h"

struct report_options {
    const struct zone *zone; /* times shown to people; NULL = UTC.  JSON is always UTC */
    bool color;              /* ANSI colours in text */
    unsigned verbosity; /* 0: harmless folded; 1: everything listed; 2: also what did not fire */
    bool quiet;         /* headline only */
    enum severity min_severity; /* of what is shown in full */
    unsigned width;             /* columns of the text report; 0 = 100 */
};

struct report_format {
    const char *id;        /* "text", "json", "html" */
    const char *extension; /* ".txt"; others as a space-separated list behind it */
    const char *about;
    /* Writes the whole document to out.  False: *err says why (the stream's own errors are checked
     * by the caller at the end). */
    bool (*write)(FILE *out, const struct findings *f, const struct report_options *o,
                  struct error *err);
};

extern const struct report_format report_text, report_json, report_html;

/* The table of formats; n formats. */
const struct report_format *const *report_formats(size_t *n);
const struct report_format *report_format_by_id(struct text id);
/* By the file name's extension; NULL when none fits. */
const struct report_format *report_format_by_path(struct text path);

/* Whether report_write_file could make that file now, so that nobody has to wait for the answer. */
bool report_may_write(const char *path, struct error *err);

/* Writes the report into a temporary file beside path and renames it when it is whole; nothing half
 * written is ever seen under path.  A full disk is an error. */
bool report_write_file(const struct report_format *format, const char *path,
                       const struct findings *f, const struct report_options *o, struct error *err);
/* Writes to an open stream and checks it to the last byte. */
bool report_write_stream(const struct report_format *format, FILE *out, const struct findings *f,
                         const struct report_options *o, struct error *err);

#endif
