/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a capture tells the same read in runs of frames that are at hand and, by the format's
 * other road alone, frame by frame.  Both are over after as many frames, with equal accounts.
 */
#ifndef WHYRST_TESTS_PARSERS_CAPTURE_SAME_RUNS_H
#define WHYRST_TESTS_PARSERS_CAPTURE_SAME_RUNS_H

#include <string.h>

#include "parsers/capture/format.h"

struct run_reader {
    struct source *source;
    struct capture *c;
    struct flaws flaws;
    struct frame_run run;
    size_t at; /* in the run */
    struct capture_format one_by_one;
};

static inline bool run_reader_open(struct run_reader *r, const void *bytes, size_t n, bool by_runs)
{
    struct error err;
    *r = (struct run_reader){.source = source_from_memory("runs", bytes, n, NULL)};
    flaws_init(&r->flaws);
    if (!r->source || !capture_open(r->source, &r->flaws, &r->c, &err))
        return false;
    if (!by_runs) {
        r->one_by_one = *r->c->format;
        r->one_by_one.at_hand = NULL;
        r->c->format = &r->one_by_one;
    }
    return true;
}

static inline enum capture_step run_reader_next(struct run_reader *r, struct frame *f)
{
    struct error err;
    if (r->at >= r->run.n) {
        r->at = 0;
        r->run.n = 0;
        if (!capture_at_hand(r->c, &r->run, FRAME_RUN_MAX)) {
            r->run.n = 0;
            return capture_next(r->c, f, &err);
        }
    }
    *f = frame_run_at(&r->run, r->at++);
    return CAPTURE_FRAME;
}

static inline void run_reader_close(struct run_reader *r)
{
    capture_close(r->c);
    source_close(r->source);
    flaws_finish(&r->flaws);
}

static inline bool same_frame(const struct frame *a, const struct frame *b)
{
    return a->number == b->number && a->time == b->time && a->time_digits == b->time_digits &&
           a->caplen == b->caplen && a->origlen == b->origlen && a->iface == b->iface &&
           a->snaplen == b->snaplen && a->link_type == b->link_type && a->offset == b->offset &&
           memcmp(a->data, b->data, a->caplen) == 0;
}

static inline bool same_flaws(const struct flaws *a, const struct flaws *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->v[i].name, b->v[i].name) == 0 && a->v[i].count == b->v[i].count &&
               a->v[i].first_place == b->v[i].first_place;
    return same;
}

static inline bool same_accounts(const struct capture *a, const struct capture *b)
{
    const struct capture_info *x = &a->info, *y = &b->info;
    bool same = x->n_frames == y->n_frames && x->n_numbered == y->n_numbered &&
                x->n_bytes == y->n_bytes && x->n_bytes_analysed == y->n_bytes_analysed &&
                x->first == y->first && x->last == y->last && x->earliest == y->earliest &&
                x->latest == y->latest && x->n_frames_cut == y->n_frames_cut &&
                x->stopped_offset == y->stopped_offset && x->stopped_frame == y->stopped_frame &&
                x->n_gaps == y->n_gaps && x->n_interfaces == y->n_interfaces &&
                a->caplen_most == b->caplen_most && a->time_base == b->time_base;
    for (size_t i = 0; same && i < x->n_interfaces; i++)
        same = x->interfaces[i].n_frames == y->interfaces[i].n_frames;
    return same;
}

static inline bool same_by_runs(const void *bytes, size_t n)
{
    struct run_reader runs, single;
    const bool opened = run_reader_open(&runs, bytes, n, true);
    bool same = opened == run_reader_open(&single, bytes, n, false);
    enum capture_step step = opened && same ? CAPTURE_FRAME : CAPTURE_END;
    while (same && step == CAPTURE_FRAME) {
        struct frame f, g;
        struct error err;
        step = run_reader_next(&runs, &f);
        same = step == capture_next(single.c, &g, &err) &&
               (step != CAPTURE_FRAME || same_frame(&f, &g));
    }
    if (opened && same)
        same = same_accounts(runs.c, single.c) && same_flaws(&runs.flaws, &single.flaws);
    run_reader_close(&runs);
    run_reader_close(&single);
    return same;
}

#endif
