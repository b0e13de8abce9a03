/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture while its frames are led to the tracker, decoded and counted.  Only case_*.c include
 * this.
 */
#ifndef WHYRST_ANALYZER_CASE_CASE_READING_H
#define WHYRST_ANALYZER_CASE_CASE_READING_H

#include "analyzer/case/case_parts.h"
#include "analyzer/track/tracker.h"
#include "parsers/capture/capture.h"
#include "parsers/packet/packet.h"

struct reading { /* one capture being read */
    struct case_run *run;
    struct case_capture *out;
    struct source *source;
    struct capture *capture;
    struct tracker *tracker;
    struct fragments *fragments; /* NULL until there are any */
    struct datagrams *datagrams; /* NULL: a second reading, which takes no more of them */
    bool had_fragments;          /* in the stretch being read */
    uint64_t size;
    uint64_t file_bits;      /* of its frames: their place in the series */
    instant_ns passed;       /* the latest frame that a second reading has left out */
    struct frame_run frames; /* as they come */
    struct arrival arrivals[TRACKER_BATCH];
    struct arrival *next;                 /* behind those of them that are decoded and not yet given
                                             to the tracker; their bytes are the source's */
    struct packet packets[TRACKER_BATCH]; /* of those arrivals that are there as a whole */
};

/* From *frame on, which is the last one afterwards. */
enum capture_step reading_all(struct reading *r, struct frame *frame, struct error *err);

/* Up to the frame with that number in the file.  False when there are not so many. */
bool reading_until(struct reading *r, uint64_t number, struct error *err);

/* What a second reading of the series gives.  What cannot be read again is told: the resets in it
 * are missing. */
void case_read_series_again(struct case_run *run);

#endif
