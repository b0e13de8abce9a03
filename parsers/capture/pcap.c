/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic pcap (pcap-savefile(5)): a 24-byte file header, then records of a 16-byte header and the
 * captured bytes, all in the writer's byte order.  Also read: nanosecond files, files of versions
 * before 2.4 whose two lengths are swapped, and the "modified" format of Alexey Kuznetzov's libpcap
 * patches, whose record header is 24 bytes long.  Nothing is looked up beyond the record.
 */
#include <stdlib.h>

#include "parsers/base/cursor.h"
#include "parsers/capture/format.h"
#include "parsers/capture/linktype.h"

#define FILE_HEADER 24
#define RECORD_HEADER 16
#define RECORD_HEADER_MODIFIED 24

enum swapped { LENGTHS_IN_ORDER, LENGTHS_SWAPPED, LENGTHS_MAYBE_SWAPPED };

struct pcap {
    bool is_big;
    uint32_t unit_ns; /* of the fraction field: 1000 or 1 */
    uint32_t n_units; /* in a second */
    uint32_t header_size;
    uint32_t frame_max;
    enum swapped swapped;
};

struct magic {
    uint32_t number; /* as read in the writer's byte order */
    uint32_t unit_ns;
    uint32_t header_size;
    const char *little, *big;
};

static const struct magic magics[] = {
    {0xa1b2c3d4, 1000, RECORD_HEADER, "", "big-endian"},
    {0xa1b23c4d, 1, RECORD_HEADER, "nanosecond", "nanosecond, big-endian"},
    {0xa1b2cd34, 1000, RECORD_HEADER_MODIFIED, "modified", "modified, big-endian"},
};

static const struct magic *find_magic(const uint8_t *bytes, size_t n, bool *is_big)
{
    if (n < 4)
        return NULL;
    struct cursor little = cursor_of(bytes, n), big = little;
    uint32_t le = cursor_le32(&little), be = cursor_be32(&big);
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        *is_big = be == magics[i].number;
        if (*is_big || le == magics[i].number)
            return &magics[i];
    }
    return NULL;
}

static bool pcap_probe(const uint8_t *bytes, size_t n)
{
    bool is_big;
    return find_magic(bytes, n, &is_big) != NULL;
}

/* The lengths changed places in version 2.3, which some writers had not noticed (libpcap
 * sf-pcap.c); DG/UX wrote version 543.0. */
static enum swapped swapped_by(uint16_t major, uint16_t minor)
{
    if (major == 543 || (major == 2 && minor < 3))
        return LENGTHS_SWAPPED;
    return major == 2 && minor == 3 ? LENGTHS_MAYBE_SWAPPED : LENGTHS_IN_ORDER;
}

static bool pcap_open_file(struct capture *c, struct error *err)
{
    const uint8_t *bytes;
    const char *name = source_name(c->source);
    size_t n = source_peek(c->source, FILE_HEADER, &bytes);
    bool is_big = false;
    const struct magic *magic = find_magic(bytes, n, &is_big);
    if (!magic || n < FILE_HEADER)
        return error_set(err, ERROR_FORMAT, name, "the file ends inside its pcap header");
    struct pcap *p = calloc(1, sizeof *p);
    struct capture_interface *i = capture_add_interface(c);
    c->state = p;
    if (!p || !i)
        return error_set(err, ERROR_NO_MEMORY, name, "out of memory");
    struct cursor h = cursor_of(bytes, FILE_HEADER);
    cursor_skip(&h, 4);
    uint16_t major = cursor_u16(&h, is_big), minor = cursor_u16(&h, is_big);
    cursor_skip(&h, 8); /* thiszone and sigfigs: written as 0 by everyone, ignored by readers */
    i->snaplen = cursor_u32(&h, is_big);
    i->link_type = linktype_from_file(cursor_u32(&h, is_big));
    i->time_digits = magic->unit_ns == 1 ? 9 : 6;
    *p = (struct pcap){.is_big = is_big,
                       .unit_ns = magic->unit_ns,
                       .n_units = (uint32_t)(NS_PER_S / magic->unit_ns),
                       .header_size = magic->header_size,
                       .frame_max = linktype_frame_max(i->link_type),
                       .swapped = swapped_by(major, minor)};
    c->info.variant = is_big ? magic->big : magic->little;
    c->info.n_sections = 1;
    if (major != 2 && major != 543)
        flaws_add(c->flaws, "pcap.unknown-version", 0);
    return capture_pass(c, FILE_HEADER);
}

static void put_lengths_in_order(const struct pcap *p, struct frame *f)
{
    if (p->swapped == LENGTHS_SWAPPED ||
        (p->swapped == LENGTHS_MAYBE_SWAPPED && f->caplen > f->origlen)) {
        uint32_t caplen = f->origlen;
        f->origlen = f->caplen;
        f->caplen = caplen;
    }
}

/* Odd but usable records: the frame is delivered, the oddity counted. */
static void note_oddities(struct capture *c, const struct pcap *p, const struct frame *f,
                          uint32_t fraction)
{
    uint64_t number = c->info.n_numbered + 1;
    if (fraction >= p->n_units)
        flaws_add(c->flaws, "pcap.fraction-over-a-second", number);
    if (f->caplen > f->origlen)
        flaws_add(c->flaws, "pcap.caplen-over-origlen", number);
    if (f->snaplen != 0 && f->caplen > f->snaplen)
        flaws_add(c->flaws, "pcap.caplen-over-snaplen", number);
}

static enum capture_step pcap_next_frame(struct capture *c, struct frame *f, struct error *err)
{
    const struct pcap *p = c->state;
    const struct capture_interface *i = c->info.interfaces;
    const uint8_t *bytes;
    size_t have = source_peek(c->source, p->header_size, &bytes);
    if (have < p->header_size)
        return capture_cut(c, err);
    struct cursor h = cursor_of(bytes, p->header_size);
    uint32_t seconds = cursor_u32(&h, p->is_big), fraction = cursor_u32(&h, p->is_big);
    uint32_t caplen = cursor_u32(&h, p->is_big), origlen = cursor_u32(&h, p->is_big);
    *f = (struct frame){.caplen = caplen,
                        .origlen = origlen,
                        .time_digits = i->time_digits,
                        .snaplen = i->snaplen,
                        .link_type = i->link_type,
                        .offset = source_offset(c->source)};
    if (p->swapped != LENGTHS_IN_ORDER)
        put_lengths_in_order(p, f);
    if (f->caplen > p->frame_max)
        return capture_break(c, "pcap.broken-record", err);
    size_t size = p->header_size + (size_t)f->caplen;
    if (have < size && source_peek(c->source, size, &bytes) < size)
        return capture_cut(c, err);
    /* Seconds are unsigned: the format lasts until 2106. */
    f->time = seconds * NS_PER_S + (int64_t)fraction * p->unit_ns;
    f->data = bytes + p->header_size;
    if (fraction >= p->n_units || f->caplen > f->origlen || f->caplen > f->snaplen)
        note_oddities(c, p, f, fraction);
    capture_deliver(c, f, size);
    return CAPTURE_FRAME;
}

static void pcap_close_file(struct capture *c)
{
    free(c->state);
}

const struct capture_format capture_format_pcap = {
    .id = "pcap",
    .cut_flaw = "pcap.truncated-tail",
    .probe = pcap_probe,
    .open = pcap_open_file,
    .next = pcap_next_frame,
    .close = pcap_close_file,
};
