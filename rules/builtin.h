/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules and timers that are part of the program; the build makes the table with embed.py.
 */
#ifndef WHYRST_RULES_BUILTIN_H
#define WHYRST_RULES_BUILTIN_H

#include "parsers/base/embedded.h"

extern const struct embedded_file builtin_files[]; /* ends with a NULL name */

#endif
