/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input and pipes, which can be read only once, copied to a file without a name so that
 * they can be read again.
 */
#ifndef WHYRST_PARSERS_INPUT_SPOOL_H
#define WHYRST_PARSERS_INPUT_SPOOL_H

#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/input/source.h"

#define SPOOL_PREFIX "/proc/self/fd/" /* and the number: the path of a copy */

/* Opens what is at path for reading, as open(2) gives it: -1 with errno.  A copy's path also works
 * where /proc is not mounted; its readers then share one place in it and must take turns. */
int spool_open(const char *path);

/* Copies "-" (standard input) or the pipe at path, at most max bytes.  Returns a descriptor that is
 * the caller's, or -1 with *err. */
int spool_path(const char *path, const char *name, uint64_t max, struct error *err);

#define SPOOL_NAME_MAX 32

/* Copies what is left of the source, at most max bytes, to a private file for readers that want a
 * name: path, which the caller unlinks as soon as it is open.  False with *err, and no file. */
bool spool_named(struct source *s, uint64_t max, char path[SPOOL_NAME_MAX], uint64_t *n_bytes,
                 struct error *err);

#endif
