/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections of one capture, followed packet by packet.  Decoded packets go in, in capture
 * order; out come the resets with their connections, who sent each, in which phase and by which
 * mechanism, an account of every RST frame, and a short record of every connection.  Verdicts are
 * given at the end, when everything that could testify has been seen.  Nothing of logs, hosts or
 * other captures is known here; what they prove is told through reset_set_sender.
 */
#ifndef WHYRST_ANALYZER_TRACK_TRACKER_H
#define WHYRST_ANALYZER_TRACK_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/record/connection_record.h"
#include "analyzer/record/loss.h"
#include "analyzer/record/reset.h"
#include "analyzer/track/fingerprint.h"
#include "parsers/base/arena.h"
#include "parsers/base/flaw.h"
#include "parsers/packet/brief.h"
#include "parsers/packet/packet.h"

struct tracker;

struct tracker_config {
    uint32_t capture;        /* index into the case's captures: of the first file */
    uint64_t memory_budget;  /* bytes for connections still open; 0: 1 GiB.  Over it, those longest
                                without a packet are settled early and counted */
    uint64_t results_budget; /* bytes for resets, with all else in the results' arena; 0: 3 GiB.
                                Over it, resets are counted and no more: first come, first kept,
                                but those that may be in outline get half of it at most */
    bool in_outline;         /* resets of connections that never opened may be in outline */
    bool twice;              /* the packets can be given twice, see tracker_again */
    bool keep_records;       /* write a connection_record for every connection */
    size_t max_records;      /* 0: 4 million; more are counted, not kept */
    instant_ns linger_ns;    /* after both FINs, how long segments are still kept; 0: 120 s.  Only
                                5 s while the open and the closed take more than a sixteenth of the
                                budget, or memory would follow the packets of a busy server */
    bool long_road_only;     /* for tests: no short cut for ordinary segments, see steady.h */
    bool live_from_start;  /* for tests: no short form for those that do not open, see opening.h */
    struct habits *habits; /* shared by several captures of one place, or NULL for its own */
    const struct allocator *from; /* NULL: the heap; for everything that is not a result */
};

enum conn_state { /* Zeek's conn_state, see history.h */
                  CONN_S0,
                  CONN_S1,
                  CONN_SF,
                  CONN_REJ,
                  CONN_S2,
                  CONN_S3,
                  CONN_RSTO,
                  CONN_RSTR,
                  CONN_RSTOS0,
                  CONN_RSTRH,
                  CONN_SH,
                  CONN_SHR,
                  CONN_OTH,
                  CONN_STATES
};

const char *conn_state_name(enum conn_state s);

struct tracker_counts {
    uint64_t n_tcp;               /* TCP segments, duplicates of the capture included */
    uint64_t n_duplicates;        /* the same packet captured again */
    uint64_t n_icmp_errors;       /* quoting a TCP segment */
    uint64_t n_connections;       /* streams as Wireshark counts them, but those of ICMP quotes */
    uint64_t n_continued;         /* of them those that an earlier file of the series began */
    uint64_t n_reset_connections; /* connections with at least one reset */
    uint64_t n_by_state[CONN_STATES];
    uint64_t n_rst_frames;
    uint64_t n_evicted;         /* settled early for want of memory */
    uint64_t n_records_dropped; /* over max_records */
    uint64_t n_forgotten;       /* finished ones whose number had to be forgotten for memory */
    uint64_t n_hurried;         /* closed by both ends and let go before linger_ns, see there */
    uint64_t n_steady;          /* segments that took the short road */
    uint64_t n_resets_dropped;  /* connections whose resets were over results_budget */
    uint64_t n_not_collected;   /* reset, as the first reading saw, but not met in the second */
    uint64_t n_no_memory;       /* packets that could not be followed: an allocation failed */
    struct loss loss;           /* what the connections show to be missing */
    size_t peak_bytes;          /* most memory held for open connections */
};

struct tracker_rst_skip { /* a RST frame that belongs to no reset */
    uint64_t frame;
    const char *reason; /* static: "duplicate-capture", "connection-lived-on", "over-budget" (the
                           reset was not kept), "no-memory" */
    uint64_t same_as;   /* the frame that it duplicates, or 0 */
};

struct tracker_resets {
    struct reset **v; /* by time, then frame */
    size_t n;
};

struct tracker_skips {
    const struct tracker_rst_skip *v; /* in frame order */
    size_t n;
};

struct tracker_records {
    const struct connection_record *v; /* by file and stream */
    size_t n;
};

/* Results live in arena; NULL when memory ran out. */
struct tracker *tracker_create(struct arena *arena, const struct tracker_config *config);
/* NULL-safe; results stay with the arena, but for what resets in outline are asked. */
void tracker_free(struct tracker *t);

/* Any packet may be given; what is not TCP and quotes no TCP is let pass. */
void tracker_packet(struct tracker *t, const struct packet *p);

struct arrival {                /* a packet on its way into a tracker */
    const struct packet *whole; /* NULL: brief_decode() took the frame */
    struct frame_bytes frame;   /* if so, for whoever needs the whole; its bytes are still there */
    struct brief brief;         /* of a TCP segment */
    instant_ns passed;          /* the latest of frames before it that tracker_passes() */
};

/* Several packets in capture order, with the same outcome as one by one, but faster: what one waits
 * for from memory is fetched while others are taken.  n <= TRACKER_BATCH. */
#define TRACKER_BATCH 64
void tracker_packets(struct tracker *t, const struct arrival *v, size_t n);

/* The packets that follow are of the next file of a series (a ring buffer): connections go on, but
 * streams are numbered anew, as Wireshark numbers each file.  Give frames of the n-th file (from 0)
 * as n << FRAME_FILE_SHIFT | number; results name captures from config.capture on. */
void tracker_next_file(struct tracker *t);

/* With config.twice, after the last packet: whether all packets are to be given again, from the
 * first file on, before tracker_finish.  The first reading keeps numbers of every connection, but
 * segments and bytes of none; the second follows those alone that were reset.  What comes out is
 * the same as of one reading without config.twice, which keeps both of every connection. */
bool tracker_again(struct tracker *t);
/* Before that: no other capture will tell who sent its resets, and reset_set_sender is not called;
 * what it would need is not kept. */
void tracker_stand_alone(struct tracker *t);

/* Then: whether a frame may be left out, because it is of a connection that is not followed again.
 * What such frames tell is their time. */
bool tracker_passes(const struct tracker *t, const struct frame_bytes *frame);
void tracker_pass(struct tracker *t, instant_ns until);

/* A stretch of packets ends, in the first reading: the second may pass it in a whole where nothing
 * in it is of a reset connection.  is_needed: it cannot, whatever was in it.  False when memory ran
 * out: from there on nothing can be passed. */
bool tracker_end_stretch(struct tracker *t, bool is_needed);
/* In the second reading: whether the packets of the i-th stretch must be given, in their turn; and
 * that it was passed. */
bool tracker_needs_stretch(const struct tracker *t, size_t i);
void tracker_pass_stretch(struct tracker *t, size_t i);

enum tracker_fit {
    TRACKER_FIT_UNKNOWN, /* no open connection has those ends */
    TRACKER_FIT_GOES_ON, /* its numbers go on where the connection stands, at the same hop count */
    TRACKER_FIT_DIFFERS  /* other numbers, or seen from another place */
};

/* How a segment that was not given fits what was.  Nothing changes. */
enum tracker_fit tracker_fit(const struct tracker *t, const struct brief *b);

/* Settles everything and judges every reset.  Once, after the last packet. */
struct tracker_resets tracker_finish(struct tracker *t);

/* How many resets are in outline: with none, the tracker may be freed. */
size_t tracker_n_in_outline(const struct tracker *t);
/* Bytes for them outside of the results' arena. */
uint64_t tracker_outline_bytes(const struct tracker *t);
/* After the end, and after the last of what is asked below: lets go of all but what resets in
 * outline rest on.  False when memory ran out. */
bool tracker_retire(struct tracker *t);

/* So far; what is settled at the end is counted by tracker_finish. */
const struct tracker_counts *tracker_counts(const struct tracker *t);
/* Valid after tracker_finish. */
struct tracker_skips tracker_rst_skipped(const struct tracker *t);
struct tracker_records tracker_connections(struct tracker *t); /* none when memory ran out */
/* Adds them to others; the tracker has none afterwards.  False when memory ran out. */
bool tracker_give_connections(struct tracker *t, struct connection_records *to);
/* Resets that the connection survived (blind forgeries): judged like the others, killed is false;
 * their frames are among the skipped. */
struct tracker_resets tracker_attempts(const struct tracker *t);
const struct habits *tracker_habits(const struct tracker *t);

/* What another capture or a log proves about the sender: revises sender, confidence, mechanism and
 * reasons.  The weight (0..1) is how strongly; id is static and dotted, says may be of any life. */
void reset_set_sender(struct arena *arena, struct reset *r, enum side sender, const char *id,
                      struct text says, double weight);

#endif
