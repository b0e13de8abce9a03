/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture file read frame by frame: classic pcap and pcapng behind one table.  A stream goes in,
 * frames come out in file order; what else the file holds is counted, and nothing is looked into.
 * Every byte that is read is accounted for: n_bytes = n_bytes_analysed + the skipped bytes.
 */
#ifndef WHYRST_PARSERS_CAPTURE_CAPTURE_H
#define WHYRST_PARSERS_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/base/flaw.h"
#include "parsers/capture/frame.h"
#include "parsers/input/source.h"

/* The largest frame that is taken; libpcap's MAXIMUM_SNAPLEN for everything that carries IP. */
#define CAPTURE_FRAME_MAX 262144u
#define CAPTURE_INTERFACES_MAX 65536u

enum capture_skip {
    CAPTURE_SKIP_NAMES,        /* pcapng name resolution blocks */
    CAPTURE_SKIP_STATISTICS,   /* pcapng interface statistics blocks */
    CAPTURE_SKIP_SECRETS,      /* pcapng decryption secrets blocks */
    CAPTURE_SKIP_CUSTOM,       /* pcapng custom blocks */
    CAPTURE_SKIP_JOURNAL,      /* pcapng systemd journal export blocks */
    CAPTURE_SKIP_SYSTEM_CALLS, /* pcapng sysdig event blocks */
    CAPTURE_SKIP_UNKNOWN,      /* pcapng blocks of any other type */
    CAPTURE_SKIP_UNUSABLE,     /* frames that are too large, name an interface that is not
                                  there; interfaces over the limit */
    CAPTURE_SKIP_CUT,          /* the partial record at a truncated end */
    CAPTURE_SKIP_DAMAGED,      /* from a record that makes no sense to the next run that does */
    CAPTURE_SKIP_REASONS,
};

/* "name-resolution", "truncated-tail", ... */
const char *capture_skip_id(enum capture_skip reason);

struct capture_skipped {
    uint64_t n;       /* records or blocks */
    uint64_t n_bytes; /* with their headers */
};

/* A place where the file makes no sense.  Records behind it are numbered on from before it, and
 * their numbers are not those of Wireshark, which stops there. */
struct capture_gap {
    uint64_t offset, n_bytes; /* in the stream; what was passed over */
    uint64_t frame;           /* the number that the next frame behind it has or would have */
    const char *flaw;         /* static: what made no sense */
};
#define CAPTURE_GAPS_KEPT 16

/* Queues of one card differ by less: the clock was set back, or files were put together. */
#define CAPTURE_STEP_BACK_NS (NS_PER_S / 10)

struct capture_interface {
    int link_type;
    uint32_t snaplen;    /* 0 = no limit */
    uint8_t time_digits; /* 0..9 */
    uint32_t section;    /* pcapng: from 0 */
    uint32_t index;      /* pcapng: interface id within its section */
    uint64_t n_frames;
    uint64_t n_dropped; /* by its own statistics: packets that the capture lost */
    char name[64];      /* if_name as recorded (any byte, cut); empty if none */
    char filter[128];   /* if_filter as recorded, where it is text */
};

struct capture_info {
    const char *format;  /* "pcap" or "pcapng" */
    const char *variant; /* what sets it apart: "nanosecond", "big-endian" ...; may be empty */
    uint32_t n_sections; /* pcapng; 1 for pcap */
    struct capture_interface *interfaces;
    size_t n_interfaces;
    uint64_t n_frames;         /* delivered */
    uint64_t n_numbered;       /* records that took a frame number, delivered or not */
    uint64_t n_bytes;          /* of the stream, so far */
    uint64_t n_bytes_analysed; /* file headers, section, interface and frame records */
    struct capture_skipped skipped[CAPTURE_SKIP_REASONS];
    instant_ns first, last;      /* times of the first and the last frame; INSTANT_NONE if none */
    instant_ns earliest, latest; /* the same unless the file is not in order of time */
    instant_ns back_first, back_last; /* stamps from which time went back by CAPTURE_STEP_BACK_NS
                                         and more; INSTANT_NONE: it never did */
    bool truncated;                   /* the stream ends inside a record */
    bool broken;                      /* a record made no sense, and no sound run came behind it */
    uint64_t stopped_offset;          /* where that record starts, if truncated or broken */
    uint64_t stopped_frame;           /* the number it would have had */
    uint64_t n_gaps;                  /* damaged places; the last one reaches the end if broken */
    struct capture_gap gaps[CAPTURE_GAPS_KEPT]; /* the first of them */
    uint64_t n_frames_cut;                      /* frames with caplen < origlen (snaplen) */
};

enum capture_step {
    CAPTURE_FRAME,  /* *frame is filled */
    CAPTURE_END,    /* no more; also at a truncated or broken end, see capture_info */
    CAPTURE_FAILED, /* the stream failed or memory ran out; *err is filled */
};

struct capture;

/* What the first bytes of a stream say: the format's id, or NULL when it is no capture. */
const char *capture_probe(const uint8_t *bytes, size_t n);

/* A place between two frames, from which another reading of the same stream may go on. */
struct capture_mark {
    uint64_t offset, n_frames, n_numbered;
    uint32_t caplen_most, n_changes;
    instant_ns time_base;
};

/* Behind the frame that was delivered last. */
struct capture_mark capture_mark(const struct capture *c);
/* Goes on at a mark that lies ahead.  False, and nothing moved: the stream cannot, or what tells
 * how to read it changes before there.  Accounts other than of frames know nothing of what was
 * passed. */
bool capture_resume(struct capture *c, const struct capture_mark *m);

/* Reads the file header.  The source stays the caller's and must outlive the capture; a file is
 * read ahead from now on (ahead.h).  Flaws (by frame number) are added to *flaws while reading.
 * False with *err: not a capture (ERROR_FORMAT), a failed read, or no memory. */
bool capture_open(struct source *source, struct flaws *flaws, struct capture **out,
                  struct error *err);
enum capture_step capture_next(struct capture *c, struct frame *frame, struct error *err);
/* The frames that come next, as far as they can be told from bytes that were read already and give
 * no cause to look twice: at most max (1 .. FRAME_RUN_MAX).  False, and *run is undefined:
 * capture_next() must tell.  Nothing is read, so the bytes of all of them stay where they are until
 * then. */
bool capture_at_hand(struct capture *c, struct frame_run *run, size_t max);
const struct capture_info *capture_info_of(const struct capture *c);
void capture_close(struct capture *c); /* NULL-safe */

#endif
