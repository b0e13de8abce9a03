/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One capture of the case: frames to packets to connections to resets, and an account of everything
 * that was not analysed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/case_parts.h"
#include "analyzer/tracker.h"
#include "parsers/capture/capture.h"
#include "parsers/capture/filter.h"
#include "parsers/capture/linktype.h"
#include "parsers/packet/packet.h"

#define PROGRESS_FRAMES 16384

struct reading { /* one capture being read */
    struct case_run *run;
    struct case_capture *out;
    struct source *source;
    struct capture *capture;
    struct tracker *tracker;
    uint64_t size;
};

/* What a packet that is not followed is counted as. */
static void count_other(struct case_capture *out, const struct packet *p)
{
    static const char *const names[PACKET_KINDS] = {
        [PACKET_ICMP_ERROR] = "packet.icmp-error",
        [PACKET_OTHER_IP] = "packet.not-tcp",
        [PACKET_NOT_IP] = "packet.not-ip",
        [PACKET_BROKEN] = "packet.undecodable",
    };
    flaws_add(&out->skipped, names[p->kind], p->frame);
}

/* Whether --filter takes the frame; what it leaves out is counted. */
static bool filter_takes(struct reading *r, const struct frame *f)
{
    bool accepts = true;
    struct error err;
    if (r->run->filter && !filter_run(r->run->filter, f, &accepts, &err))
        flaws_add(&r->out->skipped, "packet.filter-not-for-link-type", f->number);
    else if (!accepts)
        flaws_add(&r->out->skipped, "packet.filtered-out", f->number);
    return accepts;
}

static void take_frame(struct reading *r, const struct frame *f)
{
    struct case_capture *out = r->out;
    struct packet packet;
    if (!filter_takes(r, f))
        return;
    const struct frame_bytes bytes = {.number = f->number,
                                      .time = f->time,
                                      .caplen = f->caplen,
                                      .origlen = f->origlen,
                                      .iface = f->iface,
                                      .link_type = f->link_type,
                                      .data = f->data};
    enum packet_kind kind = packet_decode(&bytes, false, &packet, &out->flaws);
    out->n_tcp += kind == PACKET_TCP;
    if (kind == PACKET_TCP || kind == PACKET_ICMP_ERROR)
        tracker_packet(r->tracker, &packet);
    if (kind != PACKET_TCP)
        count_other(out, &packet);
}

static bool read_frames(struct reading *r, struct error *err)
{
    struct frame frame;
    enum capture_step step;
    uint64_t n = 0;
    while ((step = capture_next(r->capture, &frame, err)) == CAPTURE_FRAME) {
        take_frame(r, &frame);
        if (++n % PROGRESS_FRAMES == 0)
            case_tell(r->run, "reading", r->source, r->size);
    }
    return step == CAPTURE_END;
}

static void add_link_type(struct case_capture *out, const char *name)
{
    for (size_t i = 0; i < out->n_link_types; i++)
        if (strcmp(out->link_types[i], name) == 0)
            return;
    if (out->n_link_types < sizeof out->link_types / sizeof out->link_types[0])
        out->link_types[out->n_link_types++] = name;
}

static void describe_interfaces(struct case_capture *out, const struct capture_info *info)
{
    unsigned digits = 0;
    for (size_t i = 0; i < info->n_interfaces; i++) {
        const struct capture_interface *face = &info->interfaces[i];
        add_link_type(out, linktype_name(face->link_type));
        if (face->n_frames > 0 && face->time_digits > digits)
            digits = face->time_digits;
    }
    out->time_digits = digits ? digits : 6;
}

static void describe_end(const struct case_run *run, struct case_capture *out,
                         const struct capture_info *info)
{
    out->truncated = info->truncated || info->broken;
    if (!out->truncated)
        return;
    out->truncated_where = text_of(arena_printf(
        &run->c->arena, "%s at byte %llu, in what would have been frame %llu",
        info->broken ? "a record makes no sense" : "the file ends in mid-record",
        (unsigned long long)info->stopped_offset, (unsigned long long)info->stopped_frame));
    struct error note;
    error_set(&note, ERROR_FORMAT, "", TEXT_FMT, TEXT_ARG(out->truncated_where));
    snprintf(note.place, sizeof note.place, TEXT_FMT, TEXT_ARG(out->name));
    case_warn(run, &note);
}

static void describe(const struct case_run *run, struct case_capture *out,
                     const struct capture_info *info)
{
    out->format = info->format;
    out->n_packets = info->n_frames;
    out->n_bytes = info->n_bytes;
    out->first = info->earliest;
    out->last = info->latest;
    out->snaplen_cut = info->n_frames_cut;
    describe_interfaces(out, info);
    describe_end(run, out, info);
    for (int i = 0; i < CAPTURE_SKIP_REASONS; i++)
        if (info->skipped[i].n > 0 || info->skipped[i].n_bytes > 0)
            flaws_add_n(&out->skipped, capture_skip_id((enum capture_skip)i), 0,
                        info->skipped[i].n ? info->skipped[i].n : 1);
}

static bool keep_skips(struct case_run *run, struct case_capture *out, const struct tracker *t)
{
    struct tracker_skips skips = tracker_rst_skipped(t);
    out->rst_skipped = arena_array(&run->c->arena, skips.n ? skips.n : 1, sizeof *out->rst_skipped);
    if (!out->rst_skipped)
        return false;
    out->n_rst_skipped = skips.n;
    for (size_t i = 0; i < skips.n; i++) {
        const struct tracker_rst_skip *s = &skips.v[i];
        out->rst_skipped[i].frame = s->frame;
        out->rst_skipped[i].reason =
            s->same_as ? text_of(arena_printf(&run->c->arena, "%s of frame %llu", s->reason,
                                              (unsigned long long)s->same_as))
                       : text_of(s->reason);
    }
    return true;
}

static bool keep_results(struct case_run *run, struct case_capture *out, struct tracker *t)
{
    struct tracker_resets resets = tracker_finish(t);
    const struct tracker_counts *n = tracker_counts(t);
    out->n_connections = n->n_connections;
    out->n_reset_connections = n->n_reset_connections;
    out->n_rst_frames = n->n_rst_frames;
    run->c->n_records_lost += n->n_records_dropped;
    if (n->n_duplicates > 0)
        flaws_add_n(&out->skipped, "packet.captured-twice", 0, n->n_duplicates);
    if (n->n_evicted > 0)
        flaws_add_n(&out->flaws, "tracker.evicted-for-memory", 0, n->n_evicted);
    if (n->n_records_dropped > 0)
        flaws_add_n(&out->flaws, "tracker.records-over-budget", 0, n->n_records_dropped);
    if (n->n_forgotten > 0)
        flaws_add_n(&out->flaws, "tracker.stream-numbers-forgotten", 0, n->n_forgotten);
    if (n->n_no_memory > 0)
        flaws_add_n(&out->skipped, "packet.no-memory-to-follow", 0, n->n_no_memory);
    for (size_t i = 0; i < resets.n; i++) {
        struct reset **slot = vec_push(&run->resets);
        if (!slot)
            return false;
        *slot = resets.v[i];
    }
    struct tracker_records records = tracker_connections(t);
    if (!vec_reserve(&run->records, run->records.n + records.n))
        return false;
    if (records.n > 0)
        memcpy(run->records.v + run->records.n, records.v, records.n * sizeof *records.v);
    run->records.n += records.n;
    return keep_skips(run, out, t);
}

static bool track(struct reading *r, struct error *err)
{
    struct case_file *c = r->run->c;
    bool good = read_frames(r, err);
    const struct capture_info *info = capture_info_of(r->capture);
    if (good && info->broken && info->n_frames == 0)
        return error_set(err, ERROR_FORMAT, source_name(r->source),
                         "no packet can be read: its first record makes no sense");
    describe(r->run, r->out, info);
    if (!good) { /* what came before the failure still counts */
        r->out->truncated = true;
        r->out->truncated_where = arena_text(&c->arena, text_of(err->text));
        case_warn(r->run, err);
        c->summary.complete = false;
    }
    return keep_results(r->run, r->out, r->tracker) ||
           error_set(err, ERROR_NO_MEMORY, source_name(r->source), "out of memory");
}

bool case_read_capture(struct case_run *run, struct source *source, uint64_t size,
                       struct error *err)
{
    struct case_file *c = run->c;
    struct case_capture out = {.name = arena_text(&c->arena, text_of(source_name(source))),
                               .first = INSTANT_NONE,
                               .last = INSTANT_NONE};
    flaws_init(&out.flaws);
    flaws_init(&out.skipped);
    struct reading r = {.run = run, .out = &out, .source = source, .size = size};
    const struct tracker_config config = {.capture = (uint32_t)run->captures.n,
                                          .keep_records = true};
    bool good = capture_open(source, &out.flaws, &r.capture, err);
    if (good) {
        r.tracker = tracker_create(&c->arena, &config);
        good = r.tracker != NULL ||
               error_set(err, ERROR_NO_MEMORY, source_name(source), "out of memory");
    }
    good = good && track(&r, err);
    capture_close(r.capture);
    tracker_free(r.tracker);
    struct case_capture *slot = good ? vec_push(&run->captures) : NULL;
    if (slot)
        *slot = out;
    else {
        flaws_finish(&out.flaws);
        flaws_finish(&out.skipped);
    }
    return good && (slot != NULL || error_set(err, ERROR_NO_MEMORY, "", "out of memory"));
}
