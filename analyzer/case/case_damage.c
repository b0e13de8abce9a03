/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account of a capture's bytes: which were analysed, which were passed over and why, and where
 * the file is cut or damaged.  What the reader counted comes in, what a report says goes out.
 */
#include <stdio.h>

#include "analyzer/case/case_parts.h"
#include "parsers/capture/capture.h"

typedef unsigned long long ull;

static void warn(const struct case_run *run, const struct case_capture *out, struct text says)
{
    struct error note;
    error_set(&note, ERROR_FORMAT, "", TEXT_FMT, TEXT_ARG(says));
    snprintf(note.place, sizeof note.place, TEXT_FMT, TEXT_ARG(out->name));
    case_warn(run, &note);
}

static void tell_end(const struct case_run *run, struct case_capture *out,
                     const struct capture_info *info)
{
    out->truncated = info->truncated || info->broken;
    if (!out->truncated)
        return;
    out->truncated_where = text_of(
        arena_printf(&run->c->arena, "%s at byte %llu, in what would have been frame %llu",
                     info->broken ? "a record makes no sense" : "the file ends in mid-record",
                     (ull)info->stopped_offset, (ull)info->stopped_frame));
    warn(run, out, out->truncated_where);
}

/* Whoever looks a later frame up in Wireshark must know that it is not there. */
static struct text gap_text(const struct case_run *run, const struct capture_gap *g)
{
    return text_of(arena_printf(
        &run->c->arena,
        "%llu bytes from byte %llu on make no sense and are passed over; reading goes on with "
        "frame %llu, but Wireshark stops at that place, so that it has no frames of these numbers",
        (ull)g->n_bytes, (ull)g->offset, (ull)g->frame));
}

static void tell_gaps(const struct case_run *run, struct case_capture *out,
                      const struct capture_info *info)
{
    /* the one that reaches the end is told as the end */
    const uint64_t n = info->n_gaps - (info->broken ? 1 : 0);
    const uint64_t kept = n < CAPTURE_GAPS_KEPT ? n : CAPTURE_GAPS_KEPT;
    out->n_gaps_more = n;
    out->gaps = kept ? arena_array(&run->c->arena, kept, sizeof *out->gaps) : NULL;
    for (size_t i = 0; out->gaps && i < kept; i++) {
        out->gaps[i] = gap_text(run, &info->gaps[i]);
        out->n_gaps++;
        out->n_gaps_more--;
        warn(run, out, out->gaps[i]);
    }
}

void case_tell_damage(const struct case_run *run, struct case_capture *out,
                      const struct capture_info *info)
{
    out->n_bytes_analysed = info->n_bytes_analysed;
    tell_gaps(run, out, info);
    tell_end(run, out, info);
    for (int i = 0; i < CAPTURE_SKIP_REASONS; i++) {
        const struct capture_skipped *s = &info->skipped[i];
        const char *id = capture_skip_id((enum capture_skip)i);
        if (s->n > 0 || s->n_bytes > 0)
            flaws_add_n(&out->skipped, id, 0, s->n ? s->n : 1);
        if (s->n_bytes > 0)
            flaws_add_n(&out->skipped_bytes, id, 0, s->n_bytes);
    }
}
