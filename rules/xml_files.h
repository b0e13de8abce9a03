/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XML files that a user names: one, or all of a folder, in order of their names.
 */
#ifndef WHYRST_RULES_XML_FILES_H
#define WHYRST_RULES_XML_FILES_H

#include <stdbool.h>

#include "parsers/base/text.h"
#include "rules/complaint.h"

/* Gets each file once; the bytes are valid during the call only, and end at XML_BYTES_MAX + 1. */
typedef void xml_file_fn(void *ctx, const char *path, struct text bytes);

/* What cannot be read is complained about. */
void xml_files_each(const char *path, xml_file_fn *each, void *ctx, struct complaints *c);
/* Whether the root element is <events>: patterns of log lines, not rules. */
bool xml_holds_events(struct text bytes);

#endif
