/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input and pipes, which can be read only once, and members of archives, which come in one
 * order, copied to files without a name so that they can be read again and in any order.
 */
#ifndef WHYRST_PARSERS_INPUT_SPOOL_H
#define WHYRST_PARSERS_INPUT_SPOOL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/input/source.h"

#define SPOOL_PREFIX "/proc/self/fd/" /* and the number: the path of a copy */

/* Opens what is at path for reading, as open(2) gives it: -1 with errno.  A copy's path also works
 * where /proc is not mounted; its readers then share one place in it and must take turns. */
int spool_open(const char *path);

/* Whether the rest of a stream that begins so is wanted. */
typedef bool spool_wants(void *ctx, const uint8_t *bytes, size_t n);

/* Hears now and then how many bytes were copied so far. */
typedef void spool_told(void *ctx, uint64_t n);

/* Copies "-" (standard input) or the pipe at path, at most max bytes, nor more than half of what is
 * free where the copy goes; where wants says no to its first SNIFF_BYTES, those and perhaps some
 * more.  wants and told may be NULL.  Returns a descriptor that is the caller's, or -1 with *err.
 */
int spool_path(const char *path, const char *name, uint64_t max, spool_wants *wants,
               spool_told *told, void *ctx, struct error *err);

/* Copies what is left of the source, at most max bytes.  Returns a descriptor that is the caller's,
 * or -1 with *err. */
int spool_source(struct source *s, uint64_t max, uint64_t *n_bytes, struct error *err);

#define SPOOL_NAME_MAX 64

/* For readers that take no file without a name: one for a copy of spool_source, from spool_name to
 * spool_unname.  Signals wait meanwhile, so that none leaves the file behind. */
struct spool_name {
    char path[SPOOL_NAME_MAX];
    sigset_t before;
};

/* False with *err: it has none, and needs no spool_unname. */
bool spool_name(struct spool_name *n, int fd, const char *of, struct error *err);
void spool_unname(struct spool_name *n);

/* Lets this thread take no signal that ends the program, but for those of faults of its own. */
void spool_hold_signals(sigset_t *before);

/* A file without a name on a disk, the caller's; -1 where there is none.  *room: how many bytes may
 * go to it, half of what is free. */
int spool_on_disk(uint64_t *room);

/* Copies what is left of the source to the file, from offset at on: *n bytes.  False where they
 * cannot be written, or are more than max; what the source fails with is its own.  told may be
 * NULL. */
bool spool_append(int fd, uint64_t at, struct source *s, uint64_t max, spool_told *told, void *ctx,
                  uint64_t *n);

/* The n bytes of the file from offset at on, and then the failure, if there is one.  The file must
 * outlive it and stays the caller's; many may read from one at a time.  NULL with *err: no memory.
 */
struct source *spool_part(const char *name, int fd, uint64_t at, uint64_t n,
                          const struct error *failure, struct error *err);

#endif
