/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens, reads and closes a case.  The data path runs once, in order: inputs, captures, logs, host
 * snapshots, correlation.
 */
#ifndef WHYRST_ANALYZER_CASE_CASE_H
#define WHYRST_ANALYZER_CASE_CASE_H

#include "analyzer/case/case_config.h"
#include "analyzer/record/case_file.h"
#include "parsers/base/error.h"

/* Reads everything and correlates it.  False only when nothing could be read at all or memory ran
 * out (*err says so); single inputs that fail are marked in inputs and told through the config's
 * warn. */
bool case_run(struct case_file *c, const struct case_config *config, struct error *err);
void case_finish(struct case_file *c); /* NULL-safe */

#endif
