/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data files that are part of the program (rules, event patterns, timers), as rules/embed.py writes
 * them.  A table ends with a row whose name is NULL.
 */
#ifndef WHYRST_PARSERS_BASE_EMBEDDED_H
#define WHYRST_PARSERS_BASE_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *name;           /* path in the source tree: "rules/causes/ssh.xml" */
    const unsigned char *bytes; /* not NUL-terminated */
    size_t n;
};

#endif
