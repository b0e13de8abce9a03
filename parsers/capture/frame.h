/* SPDX-License-Identifier: Apache-2.0 */
/* One captured frame, as its capture file recorded it and before anything looked inside. */
#ifndef WHYRST_PARSERS_CAPTURE_FRAME_H
#define WHYRST_PARSERS_CAPTURE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "parsers/base/instant.h"

struct frame {
    uint64_t number;     /* from 1, as Wireshark counts them in the same file */
    instant_ns time;     /* INSTANT_NONE where the format records none (pcapng simple packets) */
    uint8_t time_digits; /* decimals of a second that the clock resolves: 6, 9, ...; 0..9 */
    uint32_t caplen;     /* bytes at data */
    uint32_t origlen;    /* bytes on the wire */
    uint32_t iface;      /* index into capture_info.interfaces */
    uint32_t snaplen;    /* of the interface; 0 = no limit */
    int link_type;       /* LINKTYPE_* number of the tcpdump registry, see linktype.h */
    uint64_t offset;     /* of the record's or block's first byte in the stream */
    const uint8_t *data; /* valid until the next capture_next or capture_close */
};

/* Frames of one interface with neighbouring numbers and records: what only one of them has, and the
 * first of them for all that they share. */
#define FRAME_RUN_MAX 64
struct frame_run {
    struct frame first;
    size_t n;
    struct frame_trail {   /* the records behind the run as far as they are at hand */
        const uint8_t *at; /* valid as long as the frames' bytes */
        size_t n_bytes;
        uint8_t length_at; /* where in a record its length is written, in little-endian order */
        uint8_t more;      /* bytes that it has besides */
    } trail;
    struct frame_own {
        instant_ns time;
        const uint8_t *data;
        uint32_t caplen, origlen;
    } v[FRAME_RUN_MAX];
};

/* The i-th, i < run->n. */
static inline struct frame frame_run_at(const struct frame_run *run, size_t i)
{
    const struct frame_own *own = &run->v[i];
    struct frame f = run->first;
    f.number += i;
    f.time = own->time;
    f.caplen = own->caplen;
    f.origlen = own->origlen;
    f.offset += (uint64_t)(own->data - run->v[0].data);
    f.data = own->data;
    return f;
}

#define FRAME_RECORD_MIN 16 /* bytes; no frame's record has less */

/* Brings the next record of the trail into the cache; to be called while frames of the run are
 * looked at, since each record tells only where the next one is.  Where the bytes at hand are no
 * such records it asks for some others in vain. */
static inline void frame_trail_fetch(struct frame_trail *t)
{
    if (t->n_bytes < FRAME_RECORD_MIN)
        return;
    const uint8_t *p = t->at + t->length_at;
    const size_t size = (p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24) + (size_t)t->more;
    const size_t step = size < t->n_bytes ? size : t->n_bytes;
    t->at += step;
    t->n_bytes -= step;
    __builtin_prefetch(t->at);
    __builtin_prefetch(t->at + 64);
}

/* A frame alone. */
static inline void frame_run_of(const struct frame *f, struct frame_run *run)
{
    run->first = *f;
    run->n = 1;
    run->trail.n_bytes = 0;
    run->v[0] = (struct frame_own){f->time, f->data, f->caplen, f->origlen};
}

#endif
