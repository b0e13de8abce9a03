/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer about one log line as one JSON object: --explain-log with --format json.
 */
#ifndef WHYRST_REPORTS_LINE_JSON_H
#define WHYRST_REPORTS_LINE_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "analyzer/case/line_answer.h"

/* False when memory ran out or the stream failed. */
bool line_json_write(FILE *out, const struct case_file *c, const struct line_answer *a);

#endif
