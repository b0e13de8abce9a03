/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream is, told from its first bytes and never from its name.
 */
#ifndef WHYRST_PARSERS_INPUT_SNIFF_H
#define WHYRST_PARSERS_INPUT_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/text.h"

enum input_kind {
    INPUT_UNKNOWN, /* none of the others */
    INPUT_EMPTY,   /* no byte */
    INPUT_PCAP,
    INPUT_PCAPNG,
    INPUT_TEXT,       /* lines of UTF-8, Latin-1 or UTF-16, some NUL bytes tolerated */
    INPUT_JOURNAL,    /* systemd's binary journal file */
    INPUT_COMPRESSED, /* gzip, bzip2, xz, zstd, lz4 */
    INPUT_TAR,
    INPUT_ZIP,
    INPUT_SKIPPED, /* not a file: a symbolic link in a folder, a socket, a link in an archive */
    INPUT_FAILED,  /* could not be read: the input's error says why */
    INPUT_KINDS,
};

/* As much of a stream as sniffing looks at. */
#define SNIFF_BYTES 4096

/* bytes: the first min(SNIFF_BYTES, length) of the stream, or more. */
enum input_kind sniff_kind(const uint8_t *bytes, size_t n);
/* A name for bytes that are known but not read here ("Solaris snoop capture"), or NULL. */
const char *sniff_foreign(const uint8_t *bytes, size_t n);

/* "pcap", "text", ... for programs and for --as; "packet capture (pcap)", ... for people. */
const char *input_kind_id(enum input_kind kind);
const char *input_kind_text(enum input_kind kind);
/* The kind with that id; false if there is none that a stream can be. */
bool input_kind_parse(struct text id, enum input_kind *out);

#endif
