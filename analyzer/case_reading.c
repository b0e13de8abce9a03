/* SPDX-License-Identifier: Apache-2.0 */
/* Frames become packets, in batches, and what is no packet to be followed is counted. */
#include "analyzer/case_reading.h"

#include "analyzer/fragment.h"
#include "parsers/capture/filter.h"

#define STRETCH_FRAMES 16384

static void flush_packets(void *ctx)
{
    struct reading *r = ctx;
    tracker_packets(r->tracker, r->arrivals, r->n_packets);
    tracker_pass(r->tracker, r->passed);
    r->n_packets = 0;
}

/* What a packet that is not followed is counted as. */
static void count_other(struct case_capture *out, const struct packet *p)
{
    static const char *const names[PACKET_KINDS] = {
        [PACKET_ICMP_ERROR] = "packet.icmp-error",
        [PACKET_OTHER_IP] = "packet.not-tcp",
        [PACKET_NOT_IP] = "packet.not-ip",
        [PACKET_BROKEN] = "packet.undecodable",
    };
    flaws_add(&out->skipped, names[p->kind], frame_number(p->frame));
}

/* Whether it is accounted for as a log line on its way. */
static bool is_log_line(struct reading *r, const struct packet *p)
{
    const struct datagram_place at = {r->run->series.first + r->out->file, r->run->series.first};
    return r->datagrams && datagrams_take(r->datagrams, p, at, r->out);
}

/* Whether --filter takes the frame; what it leaves out is counted. */
static bool filter_takes(struct reading *r, const struct frame *f)
{
    bool accepts = true;
    struct error err;
    if (!filter_run(r->run->filter, f, &accepts, &err))
        flaws_add(&r->out->skipped, "packet.filter-not-for-link-type", f->number);
    else if (!accepts)
        flaws_add(&r->out->skipped, "packet.filtered-out", f->number);
    return accepts;
}

/* Whether with this fragment a datagram is whole, which then is *p. */
static bool made_whole(struct reading *r, struct packet *p)
{
    struct case_capture *out = r->out;
    struct frame_bytes whole;
    r->had_fragments = true;
    if (!r->fragments && !(r->fragments = fragments_create())) {
        flaws_add(&out->skipped, "fragment.no-room", p->frame);
        return false;
    }
    if (!fragments_take(r->fragments, p, &out->flaws, &out->skipped, &whole))
        return false;
    const struct packet last = *p;
    packet_decode(&whole, false, p, &out->flaws);
    fragment_inherit(p, &last);
    return true;
}

/* Decodes a frame of any shape; false when there is nothing in it to follow. */
static bool decode_whole(struct reading *r, struct arrival *a, struct packet *p, bool *reassembled)
{
    packet_decode(&a->frame, false, p, &r->out->flaws);
    *reassembled = packet_is_fragment(p);
    while (packet_is_fragment(p))
        if (!made_whole(r, p))
            return false;
    p->frame |= r->file_bits;
    if (p->kind != PACKET_TCP && !is_log_line(r, p))
        count_other(r->out, p);
    if (p->kind != PACKET_TCP && p->kind != PACKET_ICMP_ERROR)
        return false;
    a->whole = p;
    brief_of(p, &a->brief);
    return true;
}

static void take_frame(struct reading *r, const struct frame *f)
{
    struct arrival *a = &r->arrivals[r->n_packets];
    bool reassembled = false;
    if (r->run->filter && !filter_takes(r, f))
        return;
    a->whole = NULL;
    a->passed = r->passed;
    a->frame = case_frame_bytes(f);
    if (brief_decode(&a->frame, &a->brief))
        a->brief.frame |= r->file_bits;
    else if (!decode_whole(r, a, &r->packets[r->n_packets], &reassembled))
        return;
    r->out->n_tcp += !a->whole || a->whole->kind == PACKET_TCP;
    if (++r->n_packets == TRACKER_BATCH || reassembled) /* its bytes last until the next one */
        flush_packets(r);
}

/* What is to be found again by a second reading.  Pieces of a datagram may lie in several. */
static void end_stretch(struct reading *r)
{
    struct case_series *series = &r->run->series;
    flush_packets(r);
    if (!series->twice || series->cannot_pass)
        return;
    struct case_stretch *s = vec_push(&series->stretches);
    series->cannot_pass = !s || !tracker_end_stretch(r->tracker, r->had_fragments);
    if (s)
        *s = (struct case_stretch){capture_mark(r->capture), r->out->file};
    r->had_fragments = false;
}

/* The frames that come next, at most max.  Their bytes stay where they are until more are asked
 * for, and then until the source tells. */
static enum capture_step next_frames(struct reading *r, uint64_t max, size_t *n, struct error *err)
{
    const size_t room = sizeof r->frames / sizeof *r->frames;
    *n = capture_at_hand(r->capture, r->frames, max < room ? (size_t)max : room);
    if (*n > 0)
        return CAPTURE_FRAME;
    enum capture_step step = capture_next(r->capture, r->frames, err);
    *n = step == CAPTURE_FRAME;
    return step;
}

enum capture_step reading_all(struct reading *r, struct frame *frame, struct error *err)
{
    enum capture_step step;
    size_t n;
    source_watch(r->source, flush_packets, r);
    take_frame(r, frame);
    for (uint64_t n_read = 1;; n_read += n) {
        if (n_read % STRETCH_FRAMES == 0) {
            end_stretch(r);
            case_tell(r->run, "reading", r->source, r->size);
        }
        step = next_frames(r, STRETCH_FRAMES - n_read % STRETCH_FRAMES, &n, err);
        if (step != CAPTURE_FRAME)
            break;
        for (size_t i = 0; i < n; i++)
            take_frame(r, &r->frames[i]);
        *frame = r->frames[n - 1];
    }
    source_watch(r->source, NULL, NULL);
    end_stretch(r);
    return step;
}

/* Whether a second reading may leave the frame out.  What a filter leaves out tells no time. */
static bool passes(struct reading *r, const struct frame *f)
{
    const struct frame_bytes bytes = case_frame_bytes(f);
    if (r->run->filter || !tracker_passes(r->tracker, &bytes))
        return false;
    if (f->time > r->passed)
        r->passed = f->time;
    return true;
}

bool reading_until(struct reading *r, uint64_t number, struct error *err)
{
    const struct capture_info *info = capture_info_of(r->capture);
    size_t n;
    source_watch(r->source, flush_packets, r);
    while (info->n_frames < number &&
           next_frames(r, number - info->n_frames, &n, err) == CAPTURE_FRAME)
        for (size_t i = 0; i < n; i++)
            if (!passes(r, &r->frames[i]))
                take_frame(r, &r->frames[i]);
    source_watch(r->source, NULL, NULL);
    flush_packets(r);
    return info->n_frames >= number;
}
