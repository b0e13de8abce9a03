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

/* A frame alone. */
static inline void frame_run_of(const struct frame *f, struct frame_run *run)
{
    run->first = *f;
    run->n = 1;
    run->v[0] = (struct frame_own){f->time, f->data, f->caplen, f->origlen};
}

#endif
