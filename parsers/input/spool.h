/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input and pipes, which can be read only once, copied to a file without a name so that
 * they can be read again.
 */
#ifndef WHYRST_PARSERS_INPUT_SPOOL_H
#define WHYRST_PARSERS_INPUT_SPOOL_H

#include <stdint.h>

#include "parsers/base/error.h"

#define SPOOL_PREFIX "/proc/self/fd/" /* and the number: the path of a copy */

/* Opens what is at path for reading, as open(2) gives it: -1 with errno.  A copy's path also works
 * where /proc is not mounted; its readers then share one place in it and must take turns. */
int spool_open(const char *path);

/* Copies "-" (standard input) or the pipe at path, at most max bytes.  Returns a descriptor that is
 * the caller's, or -1 with *err. */
int spool_path(const char *path, const char *name, uint64_t max, struct error *err);

#endif
