/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the formats of this room share: the open capture and the row of the format table.  Nobody
 * outside parsers/capture includes this.
 */
#ifndef WHYRST_PARSERS_CAPTURE_FORMAT_H
#define WHYRST_PARSERS_CAPTURE_FORMAT_H

#include <endian.h>
#include <string.h>

#include "parsers/base/vec.h"
#include "parsers/capture/capture.h"

struct capture;

/* Records that follow one another, judged by their headers alone. */
struct chain {
    const uint8_t *p; /* the header of the next one */
    size_t n;         /* bytes from there on that are at hand */
    uint64_t size;    /* out: of that record, with its header */
    instant_ns time;  /* of the last one that had any; INSTANT_NONE if none had */
    size_t n_faces;   /* interfaces of its section so far */
    bool is_big;
    bool is_loose;     /* oddities that real writers have are let pass */
    bool time_unknown; /* a section that was not read yet has begun */
};

enum chain_step {
    CHAIN_ENDS,  /* no sound record begins here */
    CHAIN_SHORT, /* nothing speaks against one, but its end is not at hand */
    CHAIN_GOES_ON,
};

struct capture_format {
    const char *id;
    const char *cut_flaw; /* "pcap.truncated-tail" */
    bool (*probe)(const uint8_t *bytes, size_t n);
    /* Reads the file header into c->state and c->info. */
    bool (*open)(struct capture *c, struct error *err);
    enum capture_step (*next)(struct capture *c, struct frame *frame, struct error *err);
    /* See capture_at_hand(); nothing is pending.  NULL: the format has no such road. */
    bool (*at_hand)(struct capture *c, struct frame_run *run, size_t max);
    void (*close)(struct capture *c); /* frees c->state */
    /* Where a chain stands that begins behind all that was read so far. */
    void (*chain_begin)(const struct capture *c, struct chain *chain);
    /* Whether a sound record begins at chain->p; chain->size is set when CHAIN_GOES_ON. */
    enum chain_step (*chain_next)(const struct capture *c, struct chain *chain);
};

/* More on the wire than any network carries in one packet. */
#define ORIGLEN_MAX (16u << 20)

extern const struct capture_format capture_format_pcap;
extern const struct capture_format capture_format_pcapng;

struct capture {
    const struct capture_format *format;
    struct source *source;
    struct flaws *flaws;
    void *state;
    size_t pending; /* bytes of the delivered frame's record, consumed at the next step */
    bool ended, delivered;
    uint32_t caplen_most; /* of the frames so far */
    uint32_t n_changes;   /* file headers, sections and interfaces so far */
    instant_ns time_base; /* of the last frame whose time agrees with one before it */
    size_t interfaces_cap;
    struct capture_info info;
};

/* Makes room for one interface more, or NULL (memory, or CAPTURE_INTERFACES_MAX reached). */
struct capture_interface *capture_add_interface(struct capture *c);
/* Passes the record at the current offset and counts it under a reason, or as analysed when there
 * is none.  False when the stream ended inside it: noted as truncated, nothing more will come. */
bool capture_skip(struct capture *c, enum capture_skip reason, uint64_t n_bytes);
bool capture_pass(struct capture *c, uint64_t n_bytes);
/* The stream ended inside the record at the current offset (or failed there). */
enum capture_step capture_cut(struct capture *c, struct error *err);
/* The record at the current offset makes no sense: passes over it up to the next sound run of
 * records, or to the end.  CAPTURE_FRAME means: go on reading, nothing was delivered. */
enum capture_step capture_break(struct capture *c, const char *static_flaw, struct error *err);

/* The same for a record that does not end before the stream does: broken when something sound comes
 * behind it, and else cut. */
enum capture_step capture_cut_or_break(struct capture *c, const char *static_flaw,
                                       struct error *err);

/* Bytes from the current offset (of which at least the first is damaged) to the next sound run of
 * records; *resumes tells whether there is one, else they are all the rest.  They are consumed and
 * not counted. */
uint64_t resync_seek(struct capture *c, bool *resumes);
/* Whether a sound run begins inside the record of size bytes at the current offset. */
bool resync_inside(struct capture *c, size_t size);
/* Whether the record of size bytes at the current offset is followed by a sound one, or the stream
 * ends before.  For records that look odd but may be
 * meant: the next one may be odd, too. */
bool resync_agrees(struct capture *c, uint64_t size);
/* Whether two neighbours of one file may have these times: at most an hour back or 30 days on. */
static inline bool resync_times_near(instant_ns before, instant_ns after)
{
    const uint64_t back = 3600 * NS_PER_S, on = 30 * 86400 * NS_PER_S;
    return (uint64_t)after - (uint64_t)before <= on || (uint64_t)before - (uint64_t)after <= back;
}

/* The same, and INSTANT_NONE agrees with any. */
static inline bool resync_times_agree(instant_ns before, instant_ns after)
{
    if (before == INSTANT_NONE || after == INSTANT_NONE)
        return true;
    return resync_times_near(before, after);
}

/* Of the frame with that number; the one before it came at before. */
static inline void capture_note_step(struct capture *c, instant_ns before, instant_ns t,
                                     uint64_t number)
{
    if (before == INSTANT_NONE || t >= before || before - t < CAPTURE_STEP_BACK_NS)
        return;
    flaws_add(c->flaws, "capture.time-goes-back", number);
    if (c->info.back_first == INSTANT_NONE)
        c->info.back_first = before;
    c->info.back_last = before;
}

static inline void capture_note_time(struct capture *c, instant_ns t)
{
    struct capture_info *info = &c->info;
    capture_note_step(c, info->last, t, info->n_numbered);
    if (resync_times_agree(c->time_base, t) || resync_times_agree(info->last, t))
        c->time_base = t;
    if (info->first == INSTANT_NONE)
        info->first = info->earliest = info->latest = t;
    if (t < info->earliest)
        info->earliest = t;
    if (t > info->latest)
        info->latest = t;
    info->last = t;
}

/* Four bytes at an offset, which are there, in the writer's byte order. */
static inline uint32_t word_at(const uint8_t *bytes, size_t at, bool is_big)
{
    uint32_t word;
    memcpy(&word, bytes + at, sizeof word);
    return is_big ? be32toh(word) : le32toh(word);
}

/* What all frames of an interface have in common, for one at the current offset. */
static inline void capture_describe(const struct capture *c, uint32_t iface, struct frame *f)
{
    const struct capture_interface *i = &c->info.interfaces[iface];
    *f = (struct frame){.time = INSTANT_NONE,
                        .time_digits = i->time_digits,
                        .iface = iface,
                        .snaplen = i->snaplen,
                        .link_type = i->link_type,
                        .offset = source_offset(c->source)};
}

/* Counts the frame, whose fields are set except number, and marks its bytes for consumption. */
static inline void capture_deliver(struct capture *c, struct frame *frame, size_t record_size)
{
    struct capture_info *info = &c->info;
    frame->number = ++info->n_numbered;
    info->n_frames++;
    info->n_bytes += record_size;
    info->n_bytes_analysed += record_size;
    info->interfaces[frame->iface].n_frames++;
    info->n_frames_cut += frame->caplen < frame->origlen;
    if (frame->time != INSTANT_NONE)
        capture_note_time(c, frame->time);
    if (frame->caplen > c->caplen_most)
        c->caplen_most = frame->caplen;
    c->pending = record_size;
    c->delivered = true;
}

/* The same for the n frames of a run, one at least, whose times agree each with the one before;
 * their bytes are consumed. */
void capture_deliver_run(struct capture *c, struct frame_run *run, size_t n, size_t n_bytes);

#endif
