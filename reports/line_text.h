/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer about one log line, in words on a stream: --explain-log.
 */
#ifndef WHYRST_REPORTS_LINE_TEXT_H
#define WHYRST_REPORTS_LINE_TEXT_H

#include "analyzer/case/line_answer.h"
#include "reports/report.h"

void line_text_write(FILE *out, const struct case_file *c, const struct line_answer *a,
                     const struct report_options *o);

#endif
