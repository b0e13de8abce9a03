/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames written to a classic pcap file with nanosecond times, byte for byte as they were captured.
 * A pcap file has one link type; frames of another are refused.
 */
#ifndef WHYRST_PARSERS_CAPTURE_WRITER_H
#define WHYRST_PARSERS_CAPTURE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/capture/frame.h"

struct writer;

/* Makes or empties the file at path ("-" is standard output). */
struct writer *writer_open(const char *path, int link_type, struct error *err);
/* A frame without a time, or with one that 32 bits of seconds cannot say, is written at 0. */
bool writer_add(struct writer *w, const struct frame *frame, struct error *err);
uint64_t writer_n_untimed(const struct writer *w); /* frames written at 0 for want of a time */
/* Flushes and closes; false with *err when what was written is not whole.  NULL-safe (true). */
bool writer_close(struct writer *w, struct error *err);

#endif
