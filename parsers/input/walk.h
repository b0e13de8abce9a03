/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the paths of the command line to streams, in an order that depends on nothing but names:
 * files, folders (sorted, symbolic links not followed), archives (member by member) and "-".  Each
 * stream is visited once by walk_next; any of them can be opened again by walk_open_input.
 */
#ifndef WHYRST_PARSERS_INPUT_WALK_H
#define WHYRST_PARSERS_INPUT_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/input/limits.h"
#include "parsers/input/sniff.h"
#include "parsers/input/source.h"

struct input {
    const char *name; /* "x.pcap", "logs/auth.log", "bundle.tar.gz!var/log/messages", "-" */
    enum input_kind kind;
    uint64_t size;       /* bytes of the file or as an archive states them; UINT64_MAX unknown */
    bool is_given;       /* a path of the command line, not found in a folder or archive */
    bool is_member;      /* of an archive */
    bool is_kept;        /* so, and to read it again costs no more than a file: see walk_keep */
    bool is_compressed;  /* size counts compressed bytes */
    bool is_quick;       /* compressed, and to read it again is cheap: gzip or zstd */
    const char *foreign; /* INPUT_UNKNOWN: what it is if that is known (see sniff.h), or NULL */
    const struct error *error; /* INPUT_FAILED and INPUT_SKIPPED: why; otherwise NULL */
};

/* Says what an input is to be taken for (--as TYPE:PATH); returns sniffed to leave it. */
typedef enum input_kind walk_override(void *ctx, const char *name, enum input_kind sniffed);

/* Hears now and then how many bytes of an input were copied so far. */
typedef void walk_copied(void *ctx, const char *name, uint64_t n);

struct walk;

/* limits and override may be NULL.  NULL with *err when memory is short. */
struct walk *walk_new(const struct input_limits *limits, walk_override *override, void *ctx,
                      struct error *err);
void walk_free(struct walk *w); /* NULL-safe; every source must be closed before */
/* Who hears of copies, with the ctx of walk_new; NULL: nobody. */
void walk_watch(struct walk *w, walk_copied *copied);
/* Paths in the order in which they are visited; all before the first walk_next. */
bool walk_add(struct walk *w, const char *path, struct error *err);

/* The next input: its index and its stream at the start, which is the caller's to close before the
 * next step.  *source is NULL for INPUT_FAILED and INPUT_SKIPPED.  False at the end. */
bool walk_next(struct walk *w, size_t *index, struct source **source);
size_t walk_n_inputs(const struct walk *w); /* visited so far */
/* i < walk_n_inputs; valid until walk_free. */
const struct input *walk_input(const struct walk *w, size_t i);
/* Copies a member of an archive, of which nothing was read yet but by peeks, to a file without a
 * name: members can be opened in an order of their own then, each as often as need be, without a
 * pass over the archive for each step back.  False where there is no room for it, and the stream
 * stands where it stood; else it is read to its end, and walk_open_input gives the copy (or, if
 * writing failed, the member by another pass). */
bool walk_keep(struct walk *w, size_t i, struct source *source);
/* Opens an input again, after the last walk_next; several may be open at once.  Members of one
 * archive that are opened and closed in order cost one pass over it.  NULL with *err: it is gone,
 * or it never was a stream. */
struct source *walk_open_input(struct walk *w, size_t i, struct error *err);

#endif
