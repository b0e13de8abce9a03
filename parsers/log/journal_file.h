/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's own journal files, read through libsystemd where the program was built with it.  The
 * file may be hostile: it must be a private copy that nobody else writes to (libsystemd maps it, so
 * a file that shrinks under it kills the process), entries are bounded by the file's size, and
 * nothing is taken from it but a few fields of each entry.
 */
#ifndef WHYRST_PARSERS_LOG_JOURNAL_FILE_H
#define WHYRST_PARSERS_LOG_JOURNAL_FILE_H

#include "parsers/base/error.h"
#include "parsers/log/reader.h"

/* The first eight bytes of such a file. Source: systemd docs/JOURNAL_FILE_FORMAT.md. */
#define JOURNAL_FILE_MAGIC "LPKSHHRH"

/* False: this build cannot read them; journal_file_open then fails with a word on what to do. */
bool journal_file_readable(void);

struct sd_journal;

/* The file at path needs its name no longer when it is open: libsystemd opens none without.  name:
 * for complaints.  NULL with *err. */
struct sd_journal *journal_file_open(const char *path, const char *name, struct error *err);
/* Hands each entry, oldest first, through the reader to the sink; an entry's number is its line.
 * size: the file's bytes.  The journal is closed.  False with *err: what came before has been
 * handed on. */
bool journal_file_read(struct sd_journal *j, struct log_reader *r, uint64_t size, const char *name,
                       log_sink_fn sink, void *ctx, struct error *err);

#endif
