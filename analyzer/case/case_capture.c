/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The captures of the case, one file after the other: frames to packets to connections to resets,
 * and an account of everything that was not analysed.  Files of one series are followed as one
 * capture.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/case/case_reading.h"
#include "analyzer/track/fragment.h"
#include "analyzer/vantage/series.h"
#include "parsers/capture/linktype.h"

#define RESULTS_BYTES ((uint64_t)3 << 30)
#define RECORDS_LEAST 262144

static void add_link_type(struct case_capture *out, const char *name)
{
    for (size_t i = 0; i < out->n_link_types; i++)
        if (strcmp(out->link_types[i], name) == 0)
            return;
    if (out->n_link_types < sizeof out->link_types / sizeof out->link_types[0])
        out->link_types[out->n_link_types++] = name;
}

void case_tell_interfaces(const struct case_run *run, struct case_capture *out,
                          const struct capture_info *info)
{
    for (size_t i = 0; i < info->n_interfaces; i++) {
        const struct capture_interface *face = &info->interfaces[i];
        add_link_type(out, linktype_name(face->link_type));
        if (face->n_frames > 0 && face->time_digits > out->time_digits)
            out->time_digits = face->time_digits;
        out->n_dropped += face->n_dropped;
        if (out->filter.n == 0 && face->filter[0])
            out->filter = arena_text(&run->c->arena, text_of(face->filter));
    }
    if (out->time_digits == 0)
        out->time_digits = 6;
}

static void describe(const struct case_run *run, struct case_capture *out,
                     const struct capture_info *info)
{
    out->format = info->format;
    out->n_packets = info->n_frames;
    out->n_bytes = info->n_bytes;
    out->first = info->earliest;
    out->last = info->latest;
    out->back_first = info->back_first;
    out->back_last = info->back_last;
    out->snaplen_cut = info->n_frames_cut;
    case_tell_interfaces(run, out, info);
    case_tell_damage(run, out, info);
}

/* ---- results ---- */

static const char *same_as(const struct case_run *run, const struct case_capture *out,
                           const struct tracker_rst_skip *s)
{
    const struct case_series *series = &run->series;
    uint64_t frame = frame_number(s->same_as);
    if (frame_file(s->same_as) == out->file)
        return arena_printf(&run->c->arena, "%s of frame %" PRIu64, s->reason, frame);
    struct text name = run->captures.v[series->first + frame_file(s->same_as)].name;
    return arena_printf(&run->c->arena, "%s of frame %" PRIu64 " of " TEXT_FMT, s->reason, frame,
                        TEXT_ARG(name));
}

/* The RST frames of one file that belong to no reset: v[0..n). */
static bool keep_skips(const struct case_run *run, struct case_capture *out,
                       const struct tracker_rst_skip *v, size_t n)
{
    out->rst_skipped = arena_array(&run->c->arena, n ? n : 1, sizeof *out->rst_skipped);
    if (!out->rst_skipped)
        return false;
    out->n_rst_skipped = n;
    for (size_t i = 0; i < n; i++)
        out->rst_skipped[i] = (struct rst_skip){
            .frame = frame_number(v[i].frame),
            .reason = text_of(v[i].same_as ? same_as(run, out, &v[i]) : v[i].reason)};
    return true;
}

static bool share_skips(struct case_run *run)
{
    struct case_series *series = &run->series;
    struct tracker_skips skips = tracker_rst_skipped(series->tracker);
    size_t from = 0;
    for (uint32_t file = 0; file < series->n_files; file++) {
        size_t to = from;
        while (to < skips.n && frame_file(skips.v[to].frame) == file)
            to++;
        if (!keep_skips(run, &run->captures.v[series->first + file], skips.v + from, to - from))
            return false;
        from = to;
    }
    return true;
}

static void tell_dropped_resets(struct case_run *run, struct case_capture *out, uint64_t n)
{
    struct error err;
    flaws_add_n(&out->flaws, "tracker.resets-over-budget", 0, n);
    error_set(&err, ERROR_LIMIT, "", "%" PRIu64 " resets were counted and not kept (see --memory)",
              n);
    snprintf(err.place, sizeof err.place, TEXT_FMT, TEXT_ARG(out->name));
    case_warn(run, &err);
    run->c->n_resets_lost += n;
    run->c->summary.complete = false;
}

static void tell_dropped_records(struct case_run *run, struct case_capture *out, uint64_t n)
{
    struct error err;
    flaws_add_n(&out->flaws, "tracker.records-over-budget", 0, n);
    error_set(&err, ERROR_LIMIT, "",
              "%" PRIu64 " connections were counted and not kept (see --memory): what is told of "
              "others beside a reset leaves them out",
              n);
    snprintf(err.place, sizeof err.place, TEXT_FMT, TEXT_ARG(out->name));
    case_warn(run, &err);
    run->c->n_records_lost += n;
}

/* What a budget kept out is told, and the analysis is not complete.  What only the whole series
 * shows is told with its last file. */
static void note_budgets(struct case_run *run, struct case_capture *out,
                         const struct tracker_counts *n)
{
    if (n->n_evicted > 0)
        flaws_add_n(&out->flaws, "tracker.evicted-for-memory", 0, n->n_evicted);
    if (n->n_records_dropped > 0)
        tell_dropped_records(run, out, n->n_records_dropped);
    if (n->n_forgotten > 0)
        flaws_add_n(&out->flaws, "tracker.stream-numbers-forgotten", 0, n->n_forgotten);
    if (n->n_no_memory > 0)
        flaws_add_n(&out->skipped, "packet.no-memory-to-follow", 0, n->n_no_memory);
    if (n->n_not_collected > 0)
        flaws_add_n(&out->flaws, "tracker.resets-not-read-again", 0, n->n_not_collected);
    if (n->n_hurried > 0)
        flaws_add_n(&out->flaws, "tracker.closed-let-go-early", 0, n->n_hurried);
    if (n->n_resets_dropped > 0)
        tell_dropped_resets(run, out, n->n_resets_dropped);
    if (n->n_evicted + n->n_records_dropped + n->n_forgotten + n->n_no_memory + n->n_not_collected >
        0)
        run->c->summary.complete = false;
}

static bool keep_attempts(struct case_run *run, struct tracker_resets attempts)
{
    for (size_t i = 0; i < attempts.n; i++) {
        struct reset **slot = vec_push(&run->attempts);
        if (!slot)
            return false;
        *slot = attempts.v[i];
    }
    return true;
}

static bool keep_results(struct case_run *run)
{
    struct case_series *series = &run->series;
    struct tracker_resets resets = tracker_finish(series->tracker);
    const struct tracker_counts *n = tracker_counts(series->tracker);
    note_budgets(run, &run->captures.v[series->first + series->n_files - 1], n);
    for (size_t i = 0; i < resets.n; i++) {
        struct reset **slot = vec_push(&run->resets);
        if (!slot)
            return false;
        *slot = resets.v[i];
    }
    for (uint32_t file = 0; file < series->n_files; file++) {
        run->captures.v[series->first + file].n_files = series->n_files;
        run->captures.v[series->first + file].loss = n->loss;
    }
    return tracker_give_connections(series->tracker, &run->records) &&
           keep_attempts(run, tracker_attempts(series->tracker)) && share_skips(run);
}

/* Resets in outline go on asking it. */
static bool keep_tracker(struct case_run *run)
{
    struct case_series *series = &run->series;
    if (tracker_n_in_outline(series->tracker) == 0)
        return true;
    struct tracker **slot = vec_push(&run->trackers);
    if (!slot)
        return false;
    *slot = series->tracker;
    series->tracker = NULL;
    return tracker_retire(*slot);
}

bool case_end_series(struct case_run *run, struct error *err)
{
    if (run->series.tracker && tracker_again(run->series.tracker))
        case_read_series_again(run);
    bool good = !run->series.tracker || (keep_results(run) && keep_tracker(run));
    case_drop_series(run);
    return good || error_set(err, ERROR_NO_MEMORY, "", "out of memory");
}

void case_drop_series(struct case_run *run)
{
    tracker_free(run->series.tracker);
    vec_finish(&run->series.stretches);
    run->series = (struct case_series){0};
}

/* ---- the files of a series ---- */

/* Counts of this file alone. */
static void count_file(struct case_capture *out, const struct tracker_counts *before,
                       const struct tracker_counts *now)
{
    uint64_t twice = now->n_duplicates - before->n_duplicates;
    out->n_connections = now->n_connections - before->n_connections;
    out->n_continued = now->n_continued - before->n_continued;
    out->n_rst_frames = now->n_rst_frames - before->n_rst_frames;
    if (twice > 0)
        flaws_add_n(&out->skipped, "packet.captured-twice", 0, twice);
}

/* Files were put in order before; members of an archive that are not kept come as they come. */
static bool goes_on(const struct case_run *run, const struct case_capture *out,
                    const struct frame *first)
{
    const struct case_series *series = &run->series;
    if (!series->tracker || series->link_type != first->link_type)
        return false;
    const struct input *in = walk_input(run->walk, out->input);
    if (!in->is_member || in->is_kept)
        return series->goes_on && series->next == out->input;
    const struct case_capture *last = &run->captures.v[series->first + series->n_files - 1];
    return !series->twice && series_continues(series_likeness(last->name, out->name), last->first,
                                              last->last, first->time);
}

/* What is left for resets: those of earlier captures are in the arena, but for their outlines. */
static uint64_t results_budget(const struct case_run *run)
{
    uint64_t left = run->config->budgets.results_bytes;
    for (size_t i = 0; left > 0 && i < run->trackers.n; i++) {
        const uint64_t n = tracker_outline_bytes(run->trackers.v[i]);
        left = left > n ? left - n : 1;
    }
    return left;
}

/* How many connections of all captures together are kept, with a third as much memory as resets
 * may take. */
static size_t records_budget(const struct case_run *run)
{
    const struct case_budgets *budgets = &run->config->budgets;
    const uint64_t bytes = budgets->results_bytes ? budgets->results_bytes : RESULTS_BYTES;
    uint64_t n = bytes / 3 / sizeof(struct connection_record);
    n = n > RECORDS_LEAST ? n : RECORDS_LEAST;
    n = budgets->max_records ? budgets->max_records : n;
    return n > run->records.n ? (size_t)n - run->records.n : 1;
}

/* The tracker that the file's packets go to: that of its series, or a new one. */
static bool choose_tracker(struct reading *r, const struct frame *first, struct error *err)
{
    struct case_run *run = r->run;
    struct case_series *series = &run->series;
    if (goes_on(run, r->out, first)) {
        const struct case_capture *last = &run->captures.v[series->first + series->n_files - 1];
        tracker_next_file(series->tracker);
        series->counters |= series_compare(last->name, r->out->name).differ;
        r->out->file = series->n_files;
        r->out->gap_ns = first->time - last->last;
    } else {
        if (!case_end_series(run, err))
            return false;
        const struct case_budgets *budgets = &run->config->budgets;
        const struct input *in = walk_input(run->walk, r->out->input);
        const bool twice = !r->out->is_joined &&
                           (in->is_member ? in->is_kept : !in->is_compressed || in->is_quick);
        const struct tracker_config config = {.capture = (uint32_t)run->captures.n,
                                              .memory_budget = budgets->tracker_bytes,
                                              .results_budget = results_budget(run),
                                              .max_records = records_budget(run),
                                              .in_outline = true,
                                              .twice = twice,
                                              .keep_records = true};
        *series = (struct case_series){.twice = twice,
                                       .tracker = tracker_create(&run->c->arena, &config),
                                       .first = config.capture};
        if (!series->tracker)
            return error_set(err, ERROR_NO_MEMORY, source_name(r->source), "out of memory");
    }
    series->n_files++;
    r->tracker = series->tracker;
    r->file_bits = (uint64_t)r->out->file << FRAME_FILE_SHIFT;
    return true;
}

/* A capture without packets is no file of any series. */
static bool read_all(struct reading *r, bool *followed, struct error *err)
{
    struct frame first;
    struct tracker_counts before;
    enum capture_step step = capture_next(r->capture, &first, err);
    *followed = step == CAPTURE_FRAME;
    if (!*followed)
        return step == CAPTURE_END;
    if (!choose_tracker(r, &first, err))
        return false;
    before = *tracker_counts(r->tracker);
    step = reading_all(r, &first, err);
    r->run->series.link_type = first.link_type;
    count_file(r->out, &before, tracker_counts(r->tracker));
    return step == CAPTURE_END;
}

static bool track(struct reading *r, struct error *err)
{
    struct case_file *c = r->run->c;
    bool followed;
    bool good = read_all(r, &followed, err);
    if (!good && err->code == ERROR_NO_MEMORY)
        return false;
    const struct capture_info *info = capture_info_of(r->capture);
    if (good && info->broken && info->n_frames == 0)
        return error_set(err, ERROR_FORMAT, source_name(r->source),
                         "no packet can be read: its first record makes no sense");
    fragments_finish(r->fragments, &r->out->skipped);
    describe(r->run, r->out, info);
    if (r->out->is_joined)
        case_tell_halves(r->run, r->out, r->run->joined.halves);
    const uint64_t n_unused = source_n_unused(r->source);
    if (n_unused > 0)
        flaws_add_n(&r->out->flaws, "input.compressed-bytes-unused", 0, n_unused);
    if (!good) { /* what came before the failure still counts */
        r->out->truncated = true;
        r->out->truncated_where = arena_text(&c->arena, text_of(err->text));
        case_warn(r->run, err);
        c->summary.complete = false;
    }
    return followed || case_end_series(r->run, err);
}

bool case_read_capture(struct case_run *run, size_t input, struct source *source, uint64_t size,
                       struct error *err)
{
    struct case_file *c = run->c;
    struct case_capture out = {.name = arena_text(&c->arena, text_of(source_name(source))),
                               .input = input,
                               .is_joined = run->joined.halves != NULL,
                               .other = run->joined.other,
                               .first = INSTANT_NONE,
                               .last = INSTANT_NONE,
                               .n_files = 1};
    flaws_init(&out.flaws);
    flaws_init(&out.skipped);
    flaws_init(&out.skipped_bytes);
    struct reading r = {.run = run,
                        .out = &out,
                        .source = source,
                        .datagrams = &run->datagrams,
                        .size = size,
                        .passed = INSTANT_NONE};
    bool room = vec_reserve(&run->captures, run->captures.n + 1);
    bool good = room ? capture_open(source, &out.flaws, &r.capture, err)
                     : error_set(err, ERROR_NO_MEMORY, source_name(source), "out of memory");
    good = good && track(&r, err);
    fragments_free(r.fragments);
    capture_close(r.capture);
    if (good) {
        run->captures.v[run->captures.n++] = out;
        return true;
    }
    if (r.tracker) /* its packets are in no capture */
        case_drop_series(run);
    datagrams_forget(&run->datagrams, (uint32_t)run->captures.n);
    flaws_finish(&out.flaws);
    flaws_finish(&out.skipped);
    flaws_finish(&out.skipped_bytes);
    return false;
}
