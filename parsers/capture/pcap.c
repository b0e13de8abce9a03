/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic pcap (pcap-savefile(5)): a 24-byte file header, then records of a 16-byte header and the
 * captured bytes, all in the writer's byte order.  Also read: nanosecond files, files of versions
 * before 2.4 whose two lengths are swapped, and the "modified" format of Alexey Kuznetzov's libpcap
 * patches, whose record header is 24 bytes long.  Nothing is looked up beyond the record.
 */
#include <stdlib.h>
#include <string.h>

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
    uint16_t major; /* version */
    uint32_t face;  /* index of the interface that the last file header describes */
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

/* What follows the magic number; the magic has been found. */
static void read_file_header(const uint8_t *bytes, const struct magic *magic, bool is_big,
                             struct pcap *p, struct capture_interface *i)
{
    struct cursor h = cursor_of(bytes, FILE_HEADER);
    cursor_skip(&h, 4);
    p->major = cursor_u16(&h, is_big);
    p->swapped = swapped_by(p->major, cursor_u16(&h, is_big));
    cursor_skip(&h, 8); /* thiszone and sigfigs: written as 0 by everyone, ignored by readers */
    i->snaplen = cursor_u32(&h, is_big);
    i->link_type = linktype_from_file(cursor_u32(&h, is_big));
    i->time_digits = magic->unit_ns == 1 ? 9 : 6;
    p->is_big = is_big;
    p->unit_ns = magic->unit_ns;
    p->n_units = (uint32_t)(NS_PER_S / magic->unit_ns);
    p->header_size = magic->header_size;
    p->frame_max = linktype_frame_max(i->link_type);
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
    read_file_header(bytes, magic, is_big, p, i);
    c->info.variant = is_big ? magic->big : magic->little;
    c->info.n_sections = 1;
    if (p->major != 2 && p->major != 543)
        flaws_add(c->flaws, "pcap.unknown-version", 0);
    return capture_pass(c, FILE_HEADER);
}

/* A file header where a record should be: files were written one behind the other.  As a record it
 * would be an empty frame of the year 2055. */
static const struct magic *find_header_again(const uint8_t *bytes, size_t n, bool *is_big)
{
    const struct magic *magic = n >= FILE_HEADER ? find_magic(bytes, n, is_big) : NULL;
    if (!magic)
        return NULL;
    struct cursor h = cursor_of(bytes, n);
    cursor_skip(&h, 4);
    const uint16_t major = cursor_u16(&h, *is_big), minor = cursor_u16(&h, *is_big);
    const uint32_t zone = cursor_u32(&h, *is_big), digits = cursor_u32(&h, *is_big);
    return major == 2 && minor <= 4 && zone == 0 && digits == 0 ? magic : NULL;
}

static enum capture_step begin_again(struct capture *c, const uint8_t *bytes,
                                     const struct magic *magic, bool is_big, struct error *err)
{
    struct pcap *p = c->state;
    struct capture_interface again = {0};
    read_file_header(bytes, magic, is_big, p, &again);
    c->n_changes++;
    flaws_add(c->flaws, "pcap.header-again", c->info.n_numbered + 1);
    const struct capture_interface *now = &c->info.interfaces[p->face];
    if (again.link_type != now->link_type || again.time_digits != now->time_digits ||
        again.snaplen != now->snaplen) {
        struct capture_interface *i = capture_add_interface(c);
        if (!i)
            return capture_break(c, "pcap.broken-record", err);
        *i = again;
        p->face = (uint32_t)c->info.n_interfaces - 1;
    }
    return capture_pass(c, FILE_HEADER) ? CAPTURE_FRAME : capture_cut(c, err);
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

/* The header at bytes (p->header_size of them); returns the fraction of a second as written. */
static inline uint32_t read_record_header(const struct pcap *p, const uint8_t *bytes,
                                          struct frame *f)
{
    const uint32_t seconds = word_at(bytes, 0, p->is_big), fraction = word_at(bytes, 4, p->is_big);
    f->caplen = word_at(bytes, 8, p->is_big);
    f->origlen = word_at(bytes, 12, p->is_big);
    if (p->swapped != LENGTHS_IN_ORDER)
        put_lengths_in_order(p, f);
    /* Seconds are unsigned: the format lasts until 2106. */
    f->time = seconds * NS_PER_S + (int64_t)fraction * p->unit_ns;
    return fraction;
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

/* The most that a record may hold. */
static uint32_t caplen_limit(const struct pcap *p, uint32_t snaplen)
{
    return snaplen != 0 && snaplen < p->frame_max ? snaplen : p->frame_max;
}

/* Whether it looks like nearly every record.  What does not is meant by no writer, unless the
 * record behind it says that this one ends where it says.  before: the time of those before it;
 * most: caplen_limit(). */
static inline bool is_plain(const struct pcap *p, instant_ns before, const struct frame *f,
                            uint32_t fraction, uint32_t most)
{
    return f->caplen - 1 < most && (f->caplen == f->origlen || f->caplen == f->snaplen) &&
           fraction < p->n_units && resync_times_near(before, f->time);
}

static bool next_is_wild(const struct pcap *p, const uint8_t *bytes)
{
    return word_at(bytes, p->swapped == LENGTHS_SWAPPED ? 12 : 8, p->is_big) > p->frame_max;
}

/* The records at hand that give no cause to look twice, each with the header of the next one at
 * hand: nearly all.  p is a copy: what is written to the run cannot change it. */
static inline bool take_run(struct capture *c, struct pcap p, struct frame_run *run, size_t max)
{
    const uint8_t *bytes;
    const size_t n_bytes = source_at_hand(c->source, &bytes);
    instant_ns before = c->time_base;
    if (n_bytes < p.header_size || before == INSTANT_NONE)
        return false;
    capture_describe(c, p.face, &run->first);
    const uint32_t most = caplen_limit(&p, run->first.snaplen);
    struct frame f = {.snaplen = run->first.snaplen};
    size_t n = 0, left = n_bytes;
    do {
        const uint32_t fraction = read_record_header(&p, bytes, &f);
        const size_t size = p.header_size + (size_t)f.caplen;
        if (left < size + p.header_size || !is_plain(&p, before, &f, fraction, most) ||
            next_is_wild(&p, bytes + size))
            break;
        run->v[n] = (struct frame_own){f.time, bytes + p.header_size, f.caplen, f.origlen};
        before = f.time;
        bytes += size;
        left -= size;
    } while (++n < max);
    if (n == 0)
        return false;
    run->trail = (struct frame_trail){bytes, left, 8, (uint8_t)p.header_size};
    capture_deliver_run(c, run, n, n_bytes - left);
    return true;
}

static bool pcap_at_hand(struct capture *c, struct frame_run *run, size_t max)
{
    struct pcap p = *(const struct pcap *)c->state;
    const bool is_usual =
        !p.is_big && p.swapped == LENGTHS_IN_ORDER && p.header_size == RECORD_HEADER;
    if (!is_usual)
        return take_run(c, p, run, max);
    p.is_big = false; /* as constants */
    p.swapped = LENGTHS_IN_ORDER;
    p.header_size = RECORD_HEADER;
    return take_run(c, p, run, max);
}

static enum capture_step pcap_next_frame(struct capture *c, struct frame *f, struct error *err)
{
    const struct pcap *p = c->state;
    const uint8_t *bytes;
    size_t have = source_peek(c->source, p->header_size, &bytes);
    if (have < p->header_size)
        return capture_cut(c, err);
    capture_describe(c, p->face, f);
    const uint32_t fraction = read_record_header(p, bytes, f);
    if (f->caplen > p->frame_max)
        return capture_break(c, "pcap.broken-record", err);
    const size_t size = p->header_size + (size_t)f->caplen;
    const instant_ns before = c->time_base == INSTANT_NONE ? f->time : c->time_base;
    const bool is_odd = !is_plain(p, before, f, fraction, caplen_limit(p, f->snaplen));
    if (is_odd) {
        bool is_big;
        have = source_peek(c->source, FILE_HEADER, &bytes);
        const struct magic *magic = find_header_again(bytes, have, &is_big);
        if (magic)
            return begin_again(c, bytes, magic, is_big, err);
        if (!resync_agrees(c, size))
            return capture_break(c, "pcap.broken-record", err);
    }
    /* what comes next is looked at before this one is believed: a record that lost bytes has eaten
     * from those behind it */
    have = source_peek(c->source, size + p->header_size, &bytes);
    if (have >= size + p->header_size && next_is_wild(p, bytes + size) && resync_inside(c, size))
        return capture_break(c, "pcap.broken-record", err);
    if (source_peek(c->source, size, &bytes) < size)
        return capture_cut_or_break(c, "pcap.broken-record", err);
    f->data = bytes + p->header_size;
    if (is_odd)
        note_oddities(c, p, f, fraction);
    capture_deliver(c, f, size);
    return CAPTURE_FRAME;
}

static void pcap_close_file(struct capture *c)
{
    free(c->state);
}

static void pcap_chain_begin(const struct capture *c, struct chain *chain)
{
    const struct pcap *p = c->state;
    chain->time = c->time_base;
    chain->is_big = p->is_big;
    chain->n_faces = c->info.n_interfaces;
}

/* One kind of oddity at most. */
static enum chain_step loosely(const struct pcap *p, const struct chain *chain,
                               const struct frame *f, bool times_sound)
{
    static const uint8_t zeros[RECORD_HEADER];
    const bool is_blank = memcmp(chain->p, zeros, sizeof zeros) == 0;
    if (is_blank || f->caplen > p->frame_max || f->origlen > ORIGLEN_MAX)
        return CHAIN_ENDS;
    const bool lengths_odd = f->caplen == 0 || f->caplen > f->origlen;
    return lengths_odd && !times_sound ? CHAIN_ENDS : CHAIN_GOES_ON;
}

static enum chain_step pcap_chain_next(const struct capture *c, struct chain *chain)
{
    const struct pcap *p = c->state;
    const uint32_t snaplen = c->info.interfaces[p->face].snaplen;
    bool is_big;
    if (find_header_again(chain->p, chain->n, &is_big)) {
        chain->size = FILE_HEADER;
        return CHAIN_GOES_ON;
    }
    if (chain->n < p->header_size)
        return CHAIN_SHORT;
    struct frame f;
    const uint32_t fraction = read_record_header(p, chain->p, &f);
    const bool times_sound = fraction < p->n_units && resync_times_agree(chain->time, f.time);
    chain->size = p->header_size + (uint64_t)f.caplen;
    if (chain->is_loose)
        return loosely(p, chain, &f, times_sound);
    uint32_t most = caplen_limit(p, snaplen);
    most = c->caplen_most > most ? c->caplen_most : most;
    if (f.caplen == 0 || f.caplen > most || f.caplen > f.origlen || f.origlen > ORIGLEN_MAX ||
        !times_sound)
        return CHAIN_ENDS;
    chain->time = f.time;
    return chain->size <= chain->n ? CHAIN_GOES_ON : CHAIN_SHORT;
}

const struct capture_format capture_format_pcap = {
    .id = "pcap",
    .cut_flaw = "pcap.truncated-tail",
    .probe = pcap_probe,
    .open = pcap_open_file,
    .next = pcap_next_frame,
    .at_hand = pcap_at_hand,
    .close = pcap_close_file,
    .chain_begin = pcap_chain_begin,
    .chain_next = pcap_chain_next,
};
