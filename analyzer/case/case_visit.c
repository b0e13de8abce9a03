/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first pass over the inputs: each is told apart and listed; captures are read, those in files
 * in an order of their own; texts wait.
 */
#include <stdio.h>
#include <string.h>

#include "analyzer/case/case_parts.h"
#include "analyzer/track/tracker.h"
#include "analyzer/vantage/series.h"
#include "parsers/input/walk.h"

enum input_kind case_take_as(void *ctx, const char *name, enum input_kind sniffed)
{
    const struct case_run *run = ctx;
    enum input_kind kind;
    const char *as = case_setting_for(run->config->as, run->config->n_as, name);
    if (as && strcmp(as, "log") == 0)
        return INPUT_TEXT;
    return as && input_kind_parse(text_of(as), &kind) ? kind : sniffed;
}

/* What became of an input that is neither a capture nor text. */
static void describe_other(struct case_run *run, struct case_input *out, const struct input *in)
{
    struct arena *a = &run->c->arena;
    out->taken_for = "skipped";
    if (in->error) {
        out->failed = in->kind == INPUT_FAILED;
        out->why = arena_text(a, text_of(in->error->text));
        if (out->failed)
            case_warn(run, in->error);
        return;
    }
    if (in->kind == INPUT_EMPTY)
        out->why = TEXT("the file is empty");
    else if (in->foreign)
        out->why = text_of(arena_printf(a, "%s: not read by this program%s", in->foreign,
                                        text_ends(text_of(in->foreign), TEXT(" capture"))
                                            ? ", but what editcap -F pcapng makes of it is"
                                            : ""));
    else
        out->why =
            text_of(arena_printf(a, "neither a capture nor text: %s", input_kind_text(in->kind)));
    out->failed = in->is_given && in->kind == INPUT_UNKNOWN;
    if (in->is_given)
        case_unused(run, out);
}

static void capture_input(struct case_run *run, size_t input, struct source *source, uint64_t size)
{
    struct case_input *out = &run->inputs.v[input];
    struct error err = {0};
    if (!case_read_capture(run, input, source, size, &err)) {
        out->failed = true;
        out->why = arena_text(&run->c->arena, text_of(err.text));
        if (err.place[0] == '\0')
            snprintf(err.place, sizeof err.place, "%s", source_name(source));
        case_warn(run, &err);
    } else
        case_note_failure(run, out, source);
    out->n_bytes = source_offset(source);
}

static void read_waiting(struct case_run *run, struct walk *walk, const struct case_waiting *w)
{
    struct error err = {0};
    struct case_input *out = &run->inputs.v[w->input];
    struct source *source = walk_open_input(walk, w->input, &err);
    if (source) {
        capture_input(run, w->input, source, w->size);
    } else {
        out->failed = true;
        out->why = arena_text(&run->c->arena, text_of(err.text));
        case_warn(run, &err);
    }
    source_close(source);
}

/* Two files that hold one direction each. */
static void read_joined(struct case_run *run, struct walk *walk, const struct case_waiting *w,
                        const struct case_waiting *other)
{
    struct error err = {0};
    struct source *source =
        case_open_joined(run, walk, w->input, other->input, &run->joined.halves, &err);
    if (!source) { /* gone, or changed: each for itself says why */
        run->joined.halves = NULL;
        read_waiting(run, walk, w);
        read_waiting(run, walk, other);
        return;
    }
    run->joined.other = other->input;
    capture_input(run, w->input, source, UINT64_MAX);
    run->inputs.v[other->input].failed = run->inputs.v[w->input].failed;
    run->inputs.v[other->input].why = run->inputs.v[w->input].why;
    run->inputs.v[w->input].n_bytes = w->size;
    run->inputs.v[other->input].n_bytes = other->size;
    run->joined = (struct case_joined){0};
    source_close(source);
}

/* Captures that were put off: the pieces of a ring in order of time, all else as given. */
static void read_all_waiting(struct case_run *run, struct walk *walk)
{
    struct case_waiting *v = run->waiting.v;
    for (size_t n = run->waiting.n; n > 0; n--, v++) {
        size_t next = case_next_waiting(run, walk, v, n);
        struct case_waiting w = v[next];
        memmove(v + 1, v, next * sizeof *v);
        size_t half = case_other_half(run, walk, &w, v + 1, n - 1);
        if (half == n - 1) {
            read_waiting(run, walk, &w);
            continue;
        }
        struct case_waiting other = v[1 + half];
        memmove(v + 2, v + 1, half * sizeof *v);
        read_joined(run, walk, &w, &other);
        n--, v++;
    }
    run->waiting.n = 0;
}

/* A file can wait and be opened again, and so can a member of an archive that is kept; others come
 * in the archive's order, in one pass. */
static bool take_capture(struct case_run *run, struct walk *walk, size_t index,
                         struct source *source, struct error *err)
{
    const struct input *in = walk_input(walk, index);
    struct case_input *out = &run->inputs.v[index];
    uint64_t size = in->is_compressed ? UINT64_MAX : in->size;
    out->taken_for = "capture";
    if (in->is_member && !walk_keep(walk, index, source)) {
        read_all_waiting(run, walk);
        capture_input(run, index, source, size);
        run->n_not_kept++;
        return true;
    }
    struct case_waiting *w = vec_push(&run->waiting);
    if (!w)
        return case_no_memory(err);
    *w = (struct case_waiting){.input = index,
                               .size = size,
                               .name = out->name,
                               .may_be_ring = series_may_be_ring(out->name)};
    struct error unheard; /* who reads it will be told */
    struct source *copy = in->is_member ? walk_open_input(walk, index, &unheard) : NULL;
    case_peek(w, in->is_member ? copy : source);
    source_close(copy);
    return true;
}

/* Captures that could not be brought in order of time, where there is more than one. */
static void tell_not_kept(struct case_run *run)
{
    struct error err;
    if (run->n_not_kept == 0 || run->captures.n < 2)
        return;
    for (size_t i = 0; i < run->captures.n; i++) {
        struct case_capture *k = &run->captures.v[i];
        const struct input *in = walk_input(run->walk, k->input);
        if (in->is_member && !in->is_kept)
            flaws_add_n(&k->flaws, "input.no-room-for-a-copy", 0, 1);
    }
    error_set(
        &err, ERROR_LIMIT, "",
        "%zu captures were read in the order of their archive, for want of room for copies in "
        "/var/tmp or /tmp: pieces of one capture that lie there out of order are not joined",
        run->n_not_kept);
    case_warn(run, &err);
}

bool case_visit(struct case_run *run, struct walk *walk, struct error *err)
{
    size_t index;
    struct source *source;
    while (walk_next(walk, &index, &source)) {
        const struct input *in = walk_input(walk, index);
        struct case_input *out = vec_push(&run->inputs);
        if (!out) {
            source_close(source);
            return case_no_memory(err);
        }
        out->name = arena_text(&run->c->arena, text_of(in->name));
        bool good = true;
        if (source && (in->kind == INPUT_PCAP || in->kind == INPUT_PCAPNG))
            good = take_capture(run, walk, index, source, err);
        else if (in->kind == INPUT_TEXT || in->kind == INPUT_JOURNAL)
            out->taken_for = "text";
        else
            describe_other(run, out, in);
        source_close(source);
        if (!good)
            return false;
    }
    read_all_waiting(run, walk);
    tell_not_kept(run);
    if (run->series.tracker && run->series.n_files == run->captures.n)
        tracker_stand_alone(run->series.tracker);
    return case_end_series(run, err);
}
