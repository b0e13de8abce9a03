/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream whose bytes are read ahead by a thread of its own: decompressed, or copied out of the
 * kernel.  What comes out, and where it fails, is what the reader gives; only the waiting goes. The
 * thread starts when the stream turns out to be long, holds a bounded number of bytes, and ends
 * with the stream or when that is closed.
 */
#ifndef WHYRST_PARSERS_INPUT_AHEAD_H
#define WHYRST_PARSERS_INPUT_AHEAD_H

#include "parsers/input/source.h"

/* As source_new.  From the first read on until it is closed ctx belongs to the stream: nobody else
 * may use it, nor what it uses.  read_at, if there is one, is called beside the others. */
struct source *source_new_ahead(const char *name, const struct source_reader *reader, void *ctx,
                                struct error *err);

/* Has a file read ahead from where it is; nothing else about it changes.  What cannot be read at
 * any place, as a pipe, goes on as it was: a thread that waits for it could not be ended. */
void source_read_ahead(struct source *s);

#endif
