/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting captures that hold one direction each of the same connections are found and read as one:
 * what a reset answers is in the other file.
 */
#include <stdio.h>

#include "analyzer/case/case_parts.h"
#include "analyzer/case/halves.h"
#include "analyzer/vantage/series.h"

#define HALVES_WAITING 64 /* among more captures none is looked for */

static bool may_be_half(struct walk *walk, struct case_waiting *w)
{
    struct error err;
    if (w->half != HALF_UNKNOWN)
        return w->half == HALF_MAYBE;
    struct source *source = walk_open_input(walk, w->input, &err);
    w->half = source && halves_may_be(source) ? HALF_MAYBE : HALF_NOT;
    source_close(source);
    return w->half == HALF_MAYBE;
}

static struct halves *open_both(struct walk *walk, size_t a, size_t b, struct error *err)
{
    struct source *first = walk_open_input(walk, a < b ? a : b, err);
    struct source *second = first ? walk_open_input(walk, a < b ? b : a, err) : NULL;
    return halves_open(first, second, err);
}

static bool fit(struct walk *walk, const struct case_waiting *a, const struct case_waiting *b)
{
    struct error err;
    struct halves *h = open_both(walk, a->input, b->input, &err);
    const bool good = h && halves_fit(h);
    halves_close(h);
    return good;
}

/* Pieces of a ring are followed as a series, each direction for itself. */
static bool is_piece(const struct case_run *run, const struct case_waiting *w,
                     const struct case_waiting *but, const struct case_waiting *v, size_t n)
{
    const struct case_series *series = &run->series;
    if (series->goes_on && series->next == w->input)
        return true;
    if (series->tracker &&
        series_likeness(run->captures.v[series->first].name, w->name) != SERIES_UNLIKE)
        return true;
    for (size_t i = 0; i < n; i++)
        if (&v[i] != but && v[i].input != w->input &&
            series_likeness(v[i].name, w->name) != SERIES_UNLIKE)
            return true;
    return false;
}

size_t case_other_half(struct case_run *run, struct walk *walk, struct case_waiting *w,
                       struct case_waiting *v, size_t n)
{
    if (n == 0 || n > HALVES_WAITING || w->first == INSTANT_NONE || !may_be_half(walk, w))
        return n;
    for (size_t i = 0; i < n; i++)
        if (v[i].link_type == w->link_type && may_be_half(walk, &v[i]) &&
            !is_piece(run, w, &v[i], v, n) && !is_piece(run, &v[i], &v[i], v, n) &&
            fit(walk, w, &v[i]))
            return i;
    return n;
}

struct source *case_open_joined(struct case_run *run, struct walk *walk, size_t a, size_t b,
                                struct halves **h, struct error *err)
{
    const struct text first = run->inputs.v[a < b ? a : b].name,
                      second = run->inputs.v[a < b ? b : a].name;
    const char *name =
        arena_printf(&run->c->arena, TEXT_FMT " + " TEXT_FMT, TEXT_ARG(first), TEXT_ARG(second));
    *h = name ? open_both(walk, a, b, err) : NULL;
    return *h ? halves_source(*h, name, err) : NULL;
}

struct source *case_open_capture(struct case_run *run, struct walk *walk,
                                 const struct case_capture *c, struct error *err)
{
    struct halves *h;
    return c->is_joined ? case_open_joined(run, walk, c->input, c->other, &h, err)
                        : walk_open_input(walk, c->input, err);
}

static void add_gaps(struct case_capture *out, const struct case_capture *part)
{
    out->n_gaps_more += part->n_gaps_more + (out->n_gaps > 0 ? part->n_gaps : 0);
    if (out->n_gaps > 0)
        return;
    out->gaps = part->gaps;
    out->n_gaps = part->n_gaps;
}

/* Flaws of the files that the stream of both does not show again: of their blocks, of damage. */
static void add_flaws(struct case_capture *out, const struct halves *h)
{
    struct flaws both;
    flaws_init(&both);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < halves_flaws(h, i)->n; k++) {
            const struct flaw *f = &halves_flaws(h, i)->v[k];
            flaws_add_n(&both, f->name, 0, f->count);
        }
    for (size_t k = 0; k < both.n; k++) {
        const uint64_t n_shown = flaws_count(&out->flaws, both.v[k].name);
        if (both.v[k].count > n_shown)
            flaws_add_n(&out->flaws, both.v[k].name, 0, both.v[k].count - n_shown);
    }
    flaws_finish(&both);
}

/* The account of one of the two files is added. */
static void add_half(const struct case_run *run, struct case_capture *out, struct text name,
                     const struct capture_info *info)
{
    struct case_capture part = {
        .name = name, .skipped = out->skipped, .skipped_bytes = out->skipped_bytes};
    case_tell_damage(run, &part, info);
    out->skipped = part.skipped;
    out->skipped_bytes = part.skipped_bytes;
    out->n_bytes += info->n_bytes;
    out->n_bytes_analysed += part.n_bytes_analysed;
    add_gaps(out, &part);
    if (!part.truncated || out->truncated)
        return;
    out->truncated = true;
    out->truncated_where = text_of(arena_printf(&run->c->arena, TEXT_FMT ": " TEXT_FMT,
                                                TEXT_ARG(name), TEXT_ARG(part.truncated_where)));
}

void case_tell_halves(const struct case_run *run, struct case_capture *out, const struct halves *h)
{
    const struct error *failed = halves_error(h);
    const size_t first = out->input < out->other ? out->input : out->other;
    out->half[0] = run->inputs.v[first].name;
    out->half[1] = run->inputs.v[out->input + out->other - first].name;
    out->n_bytes = out->n_bytes_analysed = 0;
    out->format = halves_info(h, 0)->format;
    for (int i = 0; i < 2; i++) {
        add_half(run, out, out->half[i], halves_info(h, i));
        case_tell_interfaces(run, out, halves_info(h, i));
    }
    add_flaws(out, h);
    if (!failed)
        return;
    out->truncated = true;
    out->truncated_where = arena_text(&run->c->arena, text_of(failed->text));
    case_warn(run, failed);
    run->c->summary.complete = false;
}
