/* SPDX-License-Identifier: Apache-2.0 */
/* One captured frame, as its capture file recorded it and before anything looked inside. */
#ifndef WHYRST_PARSERS_CAPTURE_FRAME_H
#define WHYRST_PARSERS_CAPTURE_FRAME_H

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

#endif
