/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a series read a second time, for the evidence of its resets.  Nothing is counted
 * here: the first reading did.  Stretches in which no reset connection has a packet are passed.
 */
#include <stdio.h>

#include "analyzer/case/case_reading.h"
#include "analyzer/track/fragment.h"

/* The stretches of one file in which there is something, from *next on. */
static bool read_stretches(struct case_run *run, struct reading *r, size_t *next, struct error *err)
{
    const struct case_series *series = &run->series;
    const uint64_t n = run->captures.v[series->first + r->out->file].n_packets;
    for (; *next < series->stretches.n && !series->cannot_pass; ++*next) {
        const struct case_stretch *s = &series->stretches.v[*next];
        if (s->file != r->out->file)
            break;
        case_tell(run, "collecting", r->source, r->size);
        if (!tracker_needs_stretch(series->tracker, *next) && capture_resume(r->capture, &s->end))
            tracker_pass_stretch(series->tracker, *next);
        else if (!reading_until(r, s->end.n_frames, err))
            return false;
    }
    return reading_until(r, n, err);
}

/* One file of the series once more, up to where it was read before.  Nothing is counted. */
static bool read_file_again(struct case_run *run, struct reading *r, size_t *next,
                            struct error *err)
{
    r->source = walk_open_input(run->walk, r->out->input, err);
    bool good = r->source && capture_open(r->source, &r->out->flaws, &r->capture, err) &&
                read_stretches(run, r, next, err);
    fragments_free(r->fragments);
    capture_close(r->capture);
    source_close(r->source);
    return good;
}

void case_read_series_again(struct case_run *run)
{
    struct error err = {0};
    size_t next = 0; /* stretch */
    bool good = true;
    for (uint32_t file = 0; good && file < run->series.n_files; file++) {
        struct case_capture out = run->captures.v[run->series.first + file];
        struct reading r = {.run = run,
                            .out = &out,
                            .tracker = run->series.tracker,
                            .size = UINT64_MAX,
                            .passed = INSTANT_NONE,
                            .file_bits = (uint64_t)file << FRAME_FILE_SHIFT};
        flaws_init(&out.flaws);
        flaws_init(&out.skipped);
        if (file > 0)
            tracker_next_file(run->series.tracker);
        good = read_file_again(run, &r, &next, &err);
        flaws_finish(&out.flaws);
        flaws_finish(&out.skipped);
        if (good)
            continue;
        if (err.code == 0)
            error_set(&err, ERROR_IO, "", "it was changed while it was read");
        snprintf(err.place, sizeof err.place, TEXT_FMT, TEXT_ARG(out.name));
        case_warn(run, &err);
        run->c->summary.complete = false;
    }
}
