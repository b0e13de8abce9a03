/* SPDX-License-Identifier: Apache-2.0 */
/* Two files side by side, the earlier frame first; and what tells that they belong together. */
#include "analyzer/case/halves.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/case/case_parts.h"
#include "analyzer/track/live.h"
#include "parsers/base/map.h"
#include "parsers/packet/brief.h"
#include "parsers/packet/packet.h"

#define LOOK_FRAMES 4096 /* of a capture that may be a half */
#define FIT_FRAMES 16384 /* of two that may belong together */
#define FIT_SHARE 20     /* of so many ACKs that fit one may be of bytes that nobody captured */
#define MICROSECONDS 0xa1b2c3d4u
#define NANOSECONDS 0xa1b23c4du
#define HEADER_BYTES 24
#define RECORD_BYTES 16

struct one_half {
    struct source *source;
    struct capture *capture;
    struct flaws flaws;
    struct frame frame; /* the next, if there is one */
    bool has_frame;
};

struct halves {
    struct one_half half[2];
    int next; /* whose frame is the next; -1 at the end */
    int link_type;
    bool fine; /* stamps of nanoseconds */
    struct error error;
    uint8_t head[HEADER_BYTES]; /* of the file, or of a record */
    size_t head_n, head_at, data_at;
    bool has_begun;
};

/* ---- one direction, or both ---- */

struct ends { /* the lower end first; without padding that differs */
    struct address low, high;
    uint16_t low_port, high_port;
};

struct seen {
    uint32_t from[2], end[2]; /* by direction: of the captured sequence numbers */
    uint8_t files[2];         /* by direction: bits of the files that hold it */
};

static bool decode(const struct frame *f, struct brief *b)
{
    struct packet p;
    struct flaws unheard;
    const struct frame_bytes bytes = case_frame_bytes(f);
    flaws_init(&unheard);
    const bool is_tcp = packet_decode(&bytes, false, &p, &unheard) == PACKET_TCP;
    flaws_finish(&unheard);
    if (is_tcp)
        brief_of(&p, b);
    return is_tcp;
}

/* What is known of the packet's connection, and its direction; NULL: no memory. */
static struct seen *seen_of(struct map *m, const struct brief *p, int *dir)
{
    struct ends k;
    const struct endpoint src = {.ip = p->src, .port = p->src_port},
                          dst = {.ip = p->dst, .port = p->dst_port};
    *dir = endpoint_cmp(&src, &dst) > 0;
    memset(&k, 0, sizeof k);
    k.low = *dir ? p->dst : p->src;
    k.high = *dir ? p->src : p->dst;
    k.low_port = *dir ? p->dst_port : p->src_port;
    k.high_port = *dir ? p->src_port : p->dst_port;
    return map_put(m, &k, NULL);
}

bool halves_may_be(struct source *of)
{
    struct error err;
    struct flaws flaws;
    struct capture *c = NULL;
    struct frame f;
    struct brief p;
    struct map m;
    unsigned n = 0, n_acks = 0;
    int dir;
    flaws_init(&flaws);
    map_init(&m, sizeof(struct ends), sizeof(struct seen));
    bool good = capture_open(of, &flaws, &c, &err);
    for (; good && n < LOOK_FRAMES && capture_next(c, &f, &err) == CAPTURE_FRAME; n++) {
        if (!decode(&f, &p))
            continue;
        struct seen *s = seen_of(&m, &p, &dir);
        good = s && s->files[1 - dir] == 0;
        if (s)
            s->files[dir] = 1;
        n_acks += (p.flags & TCP_ACK) != 0;
    }
    good = good && capture_info_of(c)->n_interfaces == 1;
    capture_close(c);
    map_finish(&m);
    flaws_finish(&flaws);
    return good && n_acks > 0;
}

/* ---- both in order of time ---- */

/* A frame that a classic pcap file can hold beside those before it. */
static bool is_alike(const struct halves *h, const struct one_half *of, struct error *err)
{
    const char *why = of->frame.link_type != h->link_type
                          ? "is of another link type than those before it"
                      : of->frame.time == INSTANT_NONE ? "has no time"
                                                       : NULL;
    return !why || error_set(err, ERROR_FORMAT, source_name(of->source),
                             "frame %" PRIu64 " %s: it and what follows are not read",
                             of->frame.number, why);
}

static void load(struct halves *h, struct one_half *of)
{
    struct error err = {0};
    const enum capture_step step = capture_next(of->capture, &of->frame, &err);
    if (step == CAPTURE_FRAME && h->link_type < 0)
        h->link_type = of->frame.link_type;
    of->has_frame = step == CAPTURE_FRAME && is_alike(h, of, &err);
    if (err.code != 0 && h->error.code == 0)
        h->error = err;
    const bool has[] = {h->half[0].has_frame, h->half[1].has_frame};
    if (has[0] && has[1])
        h->next = h->half[1].frame.time < h->half[0].frame.time;
    else
        h->next = has[0] ? 0 : has[1] ? 1 : -1;
}

/* Up to its first frame. */
static bool open_half(struct halves *h, struct one_half *of, struct error *err)
{
    if (!capture_open(of->source, &of->flaws, &of->capture, err))
        return false;
    load(h, of);
    if (of->has_frame && capture_info_of(of->capture)->n_interfaces == 1)
        return true;
    if (h->error.code == 0)
        return error_set(err, ERROR_FORMAT, source_name(of->source),
                         "not a capture on one interface");
    *err = h->error;
    return false;
}

struct halves *halves_open(struct source *first, struct source *second, struct error *err)
{
    struct halves *h = first && second ? calloc(1, sizeof *h) : NULL;
    if (!h) {
        if (first && second)
            error_set(err, ERROR_NO_MEMORY, source_name(first), "out of memory");
        source_close(first);
        source_close(second);
        return NULL;
    }
    h->half[0].source = first;
    h->half[1].source = second;
    flaws_init(&h->half[0].flaws);
    flaws_init(&h->half[1].flaws);
    h->link_type = -1;
    if (!open_half(h, &h->half[0], err) || !open_half(h, &h->half[1], err)) {
        halves_close(h);
        return NULL;
    }
    for (int i = 0; i < 2; i++)
        h->fine |= halves_info(h, i)->interfaces[0].time_digits > 6;
    return h;
}

void halves_close(struct halves *h)
{
    if (!h)
        return;
    for (int i = 0; i < 2; i++) {
        capture_close(h->half[i].capture);
        source_close(h->half[i].source);
        flaws_finish(&h->half[i].flaws);
    }
    free(h);
}

const struct capture_info *halves_info(const struct halves *h, int which)
{
    return capture_info_of(h->half[which].capture);
}

const struct flaws *halves_flaws(const struct halves *h, int which)
{
    return &h->half[which].flaws;
}

const struct error *halves_error(const struct halves *h)
{
    return h->error.code ? &h->error : NULL;
}

struct fitting {
    struct map seen;
    unsigned n_fit[2]; /* by file: ACKs of what the other holds */
    unsigned n_bad;    /* ACKs of what nobody has sent yet */
};

/* False: they do not belong together. */
static bool fit_packet(struct fitting *t, const struct brief *p, int file)
{
    int dir;
    struct seen *s = seen_of(&t->seen, p, &dir);
    if (!s)
        return false;
    const uint32_t end =
        p->seq + p->payload_len + ((p->flags & TCP_SYN) != 0) + ((p->flags & TCP_FIN) != 0);
    if (!s->files[dir])
        s->from[dir] = s->end[dir] = p->seq;
    s->files[dir] |= (uint8_t)(1u << file);
    if (s->files[dir] == 3 || (s->files[0] & s->files[1]))
        return false;
    if (seq_diff(end, s->end[dir]) > 0)
        s->end[dir] = end;
    if (!(p->flags & TCP_ACK) || !s->files[1 - dir])
        return true;
    const bool beyond = seq_diff(p->ack, s->end[1 - dir]) > 0;
    t->n_bad += beyond;
    t->n_fit[file] += !beyond && seq_diff(p->ack, s->from[1 - dir]) > 0;
    return true;
}

bool halves_fit(struct halves *h)
{
    struct fitting t = {0};
    struct brief p;
    bool good = h->half[0].has_frame && h->half[1].has_frame &&
                h->half[0].frame.link_type == h->half[1].frame.link_type;
    map_init(&t.seen, sizeof(struct ends), sizeof(struct seen));
    for (unsigned n = 0; good && n < FIT_FRAMES && h->next >= 0; n++) {
        const int file = h->next;
        if (decode(&h->half[file].frame, &p))
            good = fit_packet(&t, &p, file);
        load(h, &h->half[file]);
    }
    map_finish(&t.seen);
    return good && t.n_fit[0] > 0 && t.n_fit[1] > 0 &&
           t.n_bad * FIT_SHARE <= t.n_fit[0] + t.n_fit[1];
}

/* ---- as one file ---- */

static void put(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static void write_file_header(struct halves *h)
{
    const struct capture_interface *a = &halves_info(h, 0)->interfaces[0],
                                   *b = &halves_info(h, 1)->interfaces[0];
    const bool unbounded = a->snaplen == 0 || b->snaplen == 0;
    put(h->head, h->fine ? NANOSECONDS : MICROSECONDS);
    put(h->head + 4, 2 | 4u << 16);
    put(h->head + 8, 0);
    put(h->head + 12, 0);
    put(h->head + 16, unbounded ? 0 : a->snaplen > b->snaplen ? a->snaplen : b->snaplen);
    put(h->head + 20, (uint32_t)a->link_type);
    h->head_n = HEADER_BYTES;
    h->data_at = SIZE_MAX;
    h->has_begun = true;
}

static void write_record_header(struct halves *h)
{
    const struct frame *f = &h->half[h->next].frame;
    const uint64_t t = f->time > 0 ? (uint64_t)f->time : 0;
    put(h->head, (uint32_t)(t / NS_PER_S));
    put(h->head + 4, (uint32_t)(t % NS_PER_S / (h->fine ? 1 : 1000)));
    put(h->head + 8, f->caplen);
    put(h->head + 12, f->origlen);
    h->head_n = RECORD_BYTES;
    h->data_at = 0;
}

/* The next piece of the file that is not given yet; 0 at the end. */
static size_t next_piece(struct halves *h, const uint8_t **p)
{
    if (!h->has_begun)
        write_file_header(h);
    if (h->head_at == h->head_n &&
        (h->data_at == SIZE_MAX || h->next < 0 || h->data_at == h->half[h->next].frame.caplen)) {
        if (h->data_at != SIZE_MAX && h->next >= 0)
            load(h, &h->half[h->next]);
        if (h->next < 0)
            return 0;
        write_record_header(h);
        h->head_at = 0;
    }
    if (h->head_at < h->head_n) {
        *p = h->head + h->head_at;
        return h->head_n - h->head_at;
    }
    *p = h->half[h->next].frame.data + h->data_at;
    return h->half[h->next].frame.caplen - h->data_at;
}

static ssize_t halves_read(void *ctx, void *into, size_t n, struct error *err)
{
    struct halves *h = ctx;
    size_t given = 0;
    (void)err; /* see halves_error */
    while (given < n) {
        const uint8_t *p;
        size_t have = next_piece(h, &p);
        if (have == 0)
            break;
        have = have < n - given ? have : n - given;
        memcpy((uint8_t *)into + given, p, have);
        given += have;
        if (h->head_at < h->head_n)
            h->head_at += have;
        else
            h->data_at += have;
    }
    return (ssize_t)given;
}

static void close_halves(void *ctx)
{
    halves_close(ctx);
}

struct source *halves_source(struct halves *h, const char *name, struct error *err)
{
    static const struct source_reader reader = {.read = halves_read, .close = close_halves};
    return source_new(name, &reader, h, err);
}
