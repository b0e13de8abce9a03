/* SPDX-License-Identifier: Apache-2.0 */
/* Frames become packets, in batches, and what is no packet to be followed is counted. */
#include "analyzer/case/case_reading.h"

#include "analyzer/track/fragment.h"
#include "parsers/capture/filter.h"

#define STRETCH_FRAMES 16384

static void flush_packets(void *ctx)
{
    struct reading *r = ctx;
    tracker_packets(r->tracker, r->arrivals, (size_t)(r->next - r->arrivals));
    tracker_pass(r->tracker, r->passed);
    r->next = r->arrivals;
}

static inline bool is_full(const struct reading *r)
{
    return r->next == r->arrivals + TRACKER_BATCH;
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

/* Whether --filter takes the i-th frame; what it leaves out is counted. */
static bool filter_takes(struct reading *r, size_t i)
{
    const struct frame f = frame_run_at(&r->frames, i);
    bool accepts = true;
    struct error err;
    if (!filter_run(r->run->filter, &f, &accepts, &err))
        flaws_add(&r->out->skipped, "packet.filter-not-for-link-type", f.number);
    else if (!accepts)
        flaws_add(&r->out->skipped, "packet.filtered-out", f.number);
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
    a->frame.number = frame_number(a->frame.number); /* flaws are told by the file's own */
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

/* The long way, for a frame of any shape. */
static void take_whole(struct reading *r, struct arrival *a)
{
    struct packet *p = &r->packets[a - r->arrivals];
    bool reassembled = false;
    if (!decode_whole(r, a, p, &reassembled))
        return;
    r->out->n_tcp += p->kind == PACKET_TCP;
    r->next = a + 1;
    if (is_full(r) || reassembled) /* its bytes last until the next one */
        flush_packets(r);
}

static inline void take_frame(struct reading *r, const struct frame_bytes *f)
{
    struct arrival *a = r->next;
    a->whole = NULL;
    a->passed = r->passed;
    a->frame = *f;
    if (!brief_decode(&a->frame, &a->brief)) {
        take_whole(r, a);
        return;
    }
    r->out->n_tcp++;
    r->next = a + 1;
    if (is_full(r))
        flush_packets(r);
}

/* What go_on() makes the i-th frame of; its number tells the file, too. */
static inline struct frame_bytes before_frame(const struct reading *r, size_t i)
{
    struct frame_bytes f = case_frame_bytes(&r->frames.first);
    f.number = (f.number + i - 1) | r->file_bits;
    return f;
}

static inline void go_on(struct reading *r, struct frame_bytes *f, const struct frame_own *own)
{
    frame_trail_fetch(&r->frames.trail);
    f->number++;
    f->time = own->time;
    f->caplen = own->caplen;
    f->origlen = own->origlen;
    f->data = own->data;
}

/* Of the frames n from the i-th on. */
static void take_frames(struct reading *r, size_t i, size_t n)
{
    const struct frame_own *own = &r->frames.v[i], *const end = own + n;
    struct frame_bytes f = before_frame(r, i);
    for (; own < end; own++) {
        go_on(r, &f, own);
        take_frame(r, &f);
    }
}

static void take_filtered_frames(struct reading *r)
{
    if (!r->run->filter) {
        take_frames(r, 0, r->frames.n);
        return;
    }
    for (size_t i = 0; i < r->frames.n; i++)
        if (filter_takes(r, i))
            take_frames(r, i, 1);
}

/* Those that a second reading may not leave out; of the others, their times. */
static void take_wanted_frames(struct reading *r)
{
    struct frame_bytes f = before_frame(r, 0);
    for (size_t i = 0; i < r->frames.n; i++) {
        go_on(r, &f, &r->frames.v[i]);
        if (!tracker_passes(r->tracker, &f))
            take_frames(r, i, 1);
        else if (f.time > r->passed)
            r->passed = f.time;
    }
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
static enum capture_step next_frames(struct reading *r, uint64_t max, struct error *err)
{
    const size_t most = max < FRAME_RUN_MAX ? (size_t)max : FRAME_RUN_MAX;
    struct frame f;
    if (capture_at_hand(r->capture, &r->frames, most))
        return CAPTURE_FRAME;
    enum capture_step step = capture_next(r->capture, &f, err);
    if (step != CAPTURE_FRAME)
        return step;
    if (f.time == INSTANT_NONE) /* it has none: it came after the one before */
        f.time = capture_info_of(r->capture)->last;
    frame_run_of(&f, &r->frames);
    return step;
}

enum capture_step reading_all(struct reading *r, struct frame *frame, struct error *err)
{
    enum capture_step step = CAPTURE_FRAME;
    r->next = r->arrivals;
    source_watch(r->source, flush_packets, r);
    frame_run_of(frame, &r->frames);
    for (uint64_t n_read = 0; step == CAPTURE_FRAME;) {
        take_filtered_frames(r);
        *frame = frame_run_at(&r->frames, r->frames.n - 1);
        n_read += r->frames.n;
        if (n_read % STRETCH_FRAMES == 0) {
            end_stretch(r);
            case_tell(r->run, "reading", r->source, r->size);
        }
        step = next_frames(r, STRETCH_FRAMES - n_read % STRETCH_FRAMES, err);
    }
    source_watch(r->source, NULL, NULL);
    end_stretch(r);
    return step;
}

bool reading_until(struct reading *r, uint64_t number, struct error *err)
{
    const struct capture_info *info = capture_info_of(r->capture);
    r->next = r->arrivals;
    source_watch(r->source, flush_packets, r);
    while (info->n_frames < number && next_frames(r, number - info->n_frames, err) == CAPTURE_FRAME)
        if (r->run->filter) /* what it leaves out tells no time */
            take_filtered_frames(r);
        else
            take_wanted_frames(r);
    source_watch(r->source, NULL, NULL);
    flush_packets(r);
    return info->n_frames >= number;
}
