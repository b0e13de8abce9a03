/* SPDX-License-Identifier: Apache-2.0 */
/* Picks the format by its first bytes and keeps the accounts that all formats share. */
#include "parsers/capture/capture.h"

#include <stdlib.h>

#include "parsers/capture/format.h"
#include "parsers/input/ahead.h"

#define PROBE_BYTES 32

static const struct capture_format *const formats[] = {
    &capture_format_pcap,
    &capture_format_pcapng,
};

static const char *const skip_ids[CAPTURE_SKIP_REASONS] = {
    [CAPTURE_SKIP_NAMES] = "name-resolution",
    [CAPTURE_SKIP_STATISTICS] = "interface-statistics",
    [CAPTURE_SKIP_SECRETS] = "decryption-secrets",
    [CAPTURE_SKIP_CUSTOM] = "custom-block",
    [CAPTURE_SKIP_JOURNAL] = "journal-block",
    [CAPTURE_SKIP_SYSTEM_CALLS] = "system-call-block",
    [CAPTURE_SKIP_UNKNOWN] = "unknown-block",
    [CAPTURE_SKIP_UNUSABLE] = "unusable-frame",
    [CAPTURE_SKIP_CUT] = "truncated-tail",
    [CAPTURE_SKIP_DAMAGED] = "damaged-bytes",
};

const char *capture_skip_id(enum capture_skip reason)
{
    return (unsigned)reason < CAPTURE_SKIP_REASONS ? skip_ids[reason] : "";
}

static const struct capture_format *find_format(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->probe(bytes, n))
            return formats[i];
    return NULL;
}

const char *capture_probe(const uint8_t *bytes, size_t n)
{
    const struct capture_format *f = find_format(bytes, n);
    return f ? f->id : NULL;
}

bool capture_open(struct source *source, struct flaws *flaws, struct capture **out,
                  struct error *err)
{
    const uint8_t *p;
    size_t n = source_peek(source, PROBE_BYTES, &p);
    const struct capture_format *format = find_format(p, n);
    if (!format && source_error(source)) {
        *err = *source_error(source);
        return false;
    }
    if (!format)
        return error_set(err, ERROR_FORMAT, source_name(source), "not a capture file");
    struct capture *c = calloc(1, sizeof *c);
    if (!c)
        return error_set(err, ERROR_NO_MEMORY, source_name(source), "out of memory");
    *c = (struct capture){
        .format = format, .source = source, .flaws = flaws, .time_base = INSTANT_NONE};
    c->info = (struct capture_info){.format = format->id,
                                    .variant = "",
                                    .first = INSTANT_NONE,
                                    .last = INSTANT_NONE,
                                    .earliest = INSTANT_NONE,
                                    .latest = INSTANT_NONE,
                                    .back_first = INSTANT_NONE,
                                    .back_last = INSTANT_NONE};
    if (!format->open(c, err)) {
        capture_close(c);
        return false;
    }
    source_read_ahead(source);
    *out = c;
    return true;
}

static void consume_pending(struct capture *c)
{
    source_consume(c->source, c->pending);
    c->pending = 0;
}

bool capture_at_hand(struct capture *c, struct frame_run *run, size_t max)
{
    if (c->ended || !c->format->at_hand)
        return false;
    consume_pending(c);
    return c->format->at_hand(c, run, max);
}

enum capture_step capture_next(struct capture *c, struct frame *frame, struct error *err)
{
    struct frame_run run;
    if (capture_at_hand(c, &run, 1)) {
        *frame = frame_run_at(&run, 0);
        return CAPTURE_FRAME;
    }
    consume_pending(c);
    if (c->ended)
        return CAPTURE_END;
    enum capture_step step;
    c->delivered = false;
    do
        step = c->format->next(c, frame, err);
    while (step == CAPTURE_FRAME && !c->delivered);
    c->ended = step != CAPTURE_FRAME;
    return step;
}

static instant_ns earlier(instant_ns a, instant_ns b)
{
    return a < b ? a : b;
}

static instant_ns later(instant_ns a, instant_ns b)
{
    return a > b ? a : b;
}

static void note_steps(struct capture *c, const struct frame_own *v, size_t n)
{
    instant_ns before = c->info.last;
    for (size_t i = 0; i < n; i++) {
        capture_note_step(c, before, v[i].time, c->info.n_numbered + 1 + i);
        before = v[i].time;
    }
}

void capture_deliver_run(struct capture *c, struct frame_run *run, size_t n, size_t n_bytes)
{
    struct capture_info *info = &c->info;
    const struct frame_own *v = run->v;
    instant_ns earliest = v[0].time, latest = v[0].time;
    uint32_t caplen_most = c->caplen_most;
    uint64_t n_cut = 0;
    for (size_t i = 0; i < n; i++) {
        earliest = earlier(earliest, v[i].time);
        latest = later(latest, v[i].time);
        n_cut += v[i].caplen < v[i].origlen;
        caplen_most = v[i].caplen > caplen_most ? v[i].caplen : caplen_most;
    }
    const bool is_first = info->first == INSTANT_NONE;
    if (later(latest, info->last) - earliest >= CAPTURE_STEP_BACK_NS) /* few are so far apart */
        note_steps(c, v, n);
    info->first = is_first ? v[0].time : info->first;
    info->earliest = is_first ? earliest : earlier(earliest, info->earliest);
    info->latest = is_first ? latest : later(latest, info->latest);
    c->time_base = info->last = v[n - 1].time;
    c->caplen_most = caplen_most;
    run->n = n;
    run->first.number = info->n_numbered + 1;
    info->n_numbered += n;
    info->n_frames += n;
    info->n_frames_cut += n_cut;
    info->interfaces[run->first.iface].n_frames += n;
    info->n_bytes += n_bytes;
    info->n_bytes_analysed += n_bytes;
    source_consume(c->source, n_bytes);
}

struct capture_mark capture_mark(const struct capture *c)
{
    return (struct capture_mark){.offset = source_offset(c->source) + c->pending,
                                 .n_frames = c->info.n_frames,
                                 .n_numbered = c->info.n_numbered,
                                 .caplen_most = c->caplen_most,
                                 .n_changes = c->n_changes,
                                 .time_base = c->time_base};
}

bool capture_resume(struct capture *c, const struct capture_mark *m)
{
    if (c->ended || m->n_changes != c->n_changes || !source_jump(c->source, m->offset))
        return false;
    c->pending = 0;
    c->info.n_frames = m->n_frames;
    c->info.n_numbered = m->n_numbered;
    c->caplen_most = m->caplen_most;
    c->time_base = m->time_base;
    return true;
}

const struct capture_info *capture_info_of(const struct capture *c)
{
    return &c->info;
}

void capture_close(struct capture *c)
{
    if (!c)
        return;
    c->format->close(c);
    free(c->info.interfaces);
    free(c);
}

struct capture_interface *capture_add_interface(struct capture *c)
{
    struct capture_info *info = &c->info;
    if (info->n_interfaces >= CAPTURE_INTERFACES_MAX ||
        !vec_reserve_raw((void **)&info->interfaces, &c->interfaces_cap, info->n_interfaces + 1,
                         sizeof *info->interfaces))
        return NULL;
    struct capture_interface *i = &info->interfaces[info->n_interfaces++];
    c->n_changes++;
    *i = (struct capture_interface){0};
    return i;
}

static void note_stop(struct capture *c, uint64_t offset)
{
    c->info.stopped_offset = offset;
    c->info.stopped_frame = c->info.n_numbered + 1;
}

/* Counts what there is of n_bytes in *account. */
static bool pass(struct capture *c, uint64_t n_bytes, uint64_t *account)
{
    struct capture_info *info = &c->info;
    uint64_t start = source_offset(c->source);
    uint64_t passed = source_skip(c->source, n_bytes);
    info->n_bytes += passed;
    *account += passed;
    if (passed == n_bytes)
        return true;
    if (!info->truncated && !info->broken) {
        info->truncated = true;
        note_stop(c, start);
        flaws_add(c->flaws, c->format->cut_flaw, info->stopped_frame);
    }
    return false;
}

bool capture_pass(struct capture *c, uint64_t n_bytes)
{
    return pass(c, n_bytes, &c->info.n_bytes_analysed);
}

bool capture_skip(struct capture *c, enum capture_skip reason, uint64_t n_bytes)
{
    c->info.skipped[reason].n++;
    return pass(c, n_bytes, &c->info.skipped[reason].n_bytes);
}

static enum capture_step finish(struct capture *c, struct error *err)
{
    const struct error *e = source_error(c->source);
    if (!e)
        return CAPTURE_END;
    if (err)
        *err = *e;
    return CAPTURE_FAILED;
}

/* Passes over what is damaged; false when nothing sound comes behind it: then the file is broken
 * there, or, if it may be, cut. */
static bool leave_gap(struct capture *c, const char *static_flaw, bool may_be_cut)
{
    struct capture_info *info = &c->info;
    struct capture_gap gap = {
        .offset = source_offset(c->source), .frame = info->n_numbered + 1, .flaw = static_flaw};
    bool resumes = false;
    gap.n_bytes = resync_seek(c, &resumes);
    const bool is_cut = !resumes && may_be_cut;
    struct capture_skipped *as = &info->skipped[is_cut ? CAPTURE_SKIP_CUT : CAPTURE_SKIP_DAMAGED];
    flaws_add(c->flaws, is_cut ? c->format->cut_flaw : static_flaw, gap.frame);
    info->n_bytes += gap.n_bytes;
    as->n++;
    as->n_bytes += gap.n_bytes;
    info->truncated |= is_cut;
    info->broken |= !resumes && !is_cut;
    if (!resumes)
        note_stop(c, gap.offset);
    if (is_cut)
        return false;
    if (info->n_gaps < CAPTURE_GAPS_KEPT)
        info->gaps[info->n_gaps] = gap;
    info->n_gaps++;
    return resumes;
}

enum capture_step capture_break(struct capture *c, const char *static_flaw, struct error *err)
{
    return leave_gap(c, static_flaw, false) ? CAPTURE_FRAME : finish(c, err);
}

enum capture_step capture_cut_or_break(struct capture *c, const char *static_flaw,
                                       struct error *err)
{
    return leave_gap(c, static_flaw, true) ? CAPTURE_FRAME : finish(c, err);
}

enum capture_step capture_cut(struct capture *c, struct error *err)
{
    const uint8_t *p;
    if (source_peek(c->source, 1, &p) > 0)
        capture_skip(c, CAPTURE_SKIP_CUT, UINT64_MAX);
    return finish(c, err);
}
