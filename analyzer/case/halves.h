/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two captures that hold one direction of the same connections each (a tap's two files, tcpdump -Q
 * in and -Q out), laid together frame by frame in order of time: the one capture that they would
 * have been.  Frames are numbered as mergecap numbers them.  Classic pcap or pcapng, of one
 * interface where they begin, and of one link type throughout.
 */
#ifndef WHYRST_ANALYZER_CASE_HALVES_H
#define WHYRST_ANALYZER_CASE_HALVES_H

#include <stdbool.h>

#include "parsers/base/error.h"
#include "parsers/base/flaw.h"
#include "parsers/capture/capture.h"
#include "parsers/capture/frame.h"
#include "parsers/input/source.h"

/* Whether every connection at the beginning of the capture is seen in one direction alone. */
bool halves_may_be(struct source *of);

struct halves;

/* Takes both sources.  NULL with *err: one of them is no such capture. */
struct halves *halves_open(struct source *first, struct source *second, struct error *err);
void halves_close(struct halves *h); /* NULL-safe */
/* Whether they complete each other at their beginning: no direction of a connection is in both, and
 * the ACK numbers of each acknowledge, in order of time, what the other holds.  Moves on. */
bool halves_fit(struct halves *h);
/* Both as one pcap stream, from where they stand.  The halves go with the source. */
struct source *halves_source(struct halves *h, const char *name, struct error *err);
/* What was read of the first (0) or second (1). */
const struct capture_info *halves_info(const struct halves *h, int which);
/* Flaws of its file; those of frames are found again in the stream. */
const struct flaws *halves_flaws(const struct halves *h, int which);
/* Why one of them ended early, or NULL. */
const struct error *halves_error(const struct halves *h);

#endif
