/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection while packets still arrive: small, fixed-size parts out of pools, most of them taken
 * on first need.  Directions are 0 and 1 by the order of the flow's key, because who is client may
 * be learnt late.  This is the tracker's own; what leaves it is struct connection.
 */
#ifndef WHYRST_ANALYZER_TRACK_LIVE_H
#define WHYRST_ANALYZER_TRACK_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/record/connection.h"
#include "parsers/base/arena.h"
#include "parsers/base/prefetch.h"
#include "parsers/packet/packet.h"

/* Sequence numbers compare on a circle (RFC 9293 section 3.4). */
static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) >= 0 ? a : b;
}

enum kept_bit {
    KEPT_DIR = 1, /* direction 0 or 1 */
    KEPT_DF = 2,
    KEPT_HAS_ID = 4,
    KEPT_TIMESTAMPS = 8,
    KEPT_OPTIONS = 16
};

struct kept { /* a segment as the timeline keeps it; its fields lie as in struct segment */
    uint64_t frame;
    instant_ns time;
    uint32_t seq, ack, payload_len, tsval, tsecr, flow_label;
    uint16_t flags, window, ip_id, notes;
    uint8_t src_mac[6];
    uint8_t ttl, bits;
};

#define CHUNK_SEGMENTS 4
#define TIMELINE_AFTER 16
#define TIMELINE_RING_CHUNKS ((CONNECTION_LAST_SEGMENTS + TIMELINE_AFTER) / CHUNK_SEGMENTS)

struct chunk {
    struct kept k[CHUNK_SEGMENTS];
};

struct ring { /* the last segments, and some after a reset froze them */
    struct chunk *c[TIMELINE_RING_CHUNKS];
};

struct timeline {
    struct kept *next; /* where the next segment goes; NULL: a chunk is to be found or taken first.
                          While it is known no other part but this one is touched */
    struct chunk *head[CONNECTION_FIRST_SEGMENTS / CHUNK_SEGMENTS];
    struct ring *ring;
    uint8_t n_head;
    uint8_t at;        /* where the turning part goes on */
    uint8_t n_turning; /* segments in it */
    uint8_t n_after;   /* kept behind it while frozen */
    bool frozen;
};

struct hole { /* bytes never captured, [from, to) */
    struct hole *next;
    uint32_t from, to;
    bool acked; /* the other end has acknowledged past it */
};

struct trouble { /* counts that stay zero on most connections */
    uint32_t n_retransmissions, n_out_of_order, n_keepalives, n_zero_windows, n_zero_window_probes;
    uint32_t n_duplicates, n_missing_acked;
    uint32_t n_unanswered_retransmissions, n_unanswered_keepalives, n_unanswered_zero_window_probes;
    uint32_t n_zeek_rexmits, n_zeek_zero_windows; /* as Zeek counts them */
    uint16_t n_holes;
    struct hole *holes;
    uint64_t unanswered_frame; /* the first probe or retransmission of the unanswered run */
    instant_ns unanswered_time;
};

#define CONTENT_HEAD CONNECTION_HEAD
#define CONTENT_TAIL 512
#define CONTENT_PIECE 96

struct piece { /* some bytes of the head, filled in any order: two cache lines */
    struct piece *next;
    uint16_t index; /* its first byte's offset is index * CONTENT_PIECE */
    uint8_t filled[CONTENT_PIECE / 8];
    uint8_t byte[CONTENT_PIECE];
};

struct tail {     /* the last bytes, addressed by offset modulo its size */
    uint64_t end; /* offset one past the newest */
    uint8_t filled[CONTENT_TAIL / 8];
    uint8_t byte[CONTENT_TAIL];
};

struct content {
    struct piece *head, *oldest; /* the newest first */
    struct tail *tail;
    uint64_t end; /* offset one past the newest byte seen */
    uint32_t n_pieces;
};

enum half_bit {
    HALF_SEQ = 1 << 0, /* next_seq holds */
    HALF_ISN = 1 << 1,
    HALF_ACK = 1 << 2,
    HALF_FIN = 1 << 3,
    HALF_FIN_ACKED = 1 << 4,
    HALF_SCALE = 1 << 5, /* a window scale option in its SYN */
    HALF_TIMESTAMPS = 1 << 6,
    HALF_DATA = 1 << 7, /* data_base holds */
    HALF_WINDOW = 1 << 8,
    HALF_SYN_NO_SCALE = 1 << 9, /* its SYN came without a window scale option */
    HALF_NO_REQUEST = 1 << 10,  /* its first bytes begin no request line */
};

/* Of one direction, on first need: most have sent no FIN yet, and no payload worth keeping. */
struct half_more {
    struct trouble *trouble; /* on first need */
    struct content *content; /* on first need */
    instant_ns fin_time;
    uint32_t fin_seq;      /* with HALF_FIN */
    uint32_t fin_quiet_ms; /* no segment of either end so long before its FIN */
    uint32_t n_fins, n_rsts;
};

struct half {                    /* one direction, in one cache line */
    uint32_t next_seq;           /* one past the highest sent, or acknowledged by the other end */
    uint32_t seen_end;           /* one past the highest really captured */
    uint32_t acked;              /* the highest acknowledgement it sent */
    uint32_t data_base;          /* of the first payload byte: one past its SYN with HALF_ISN */
    uint32_t other_next_at_data; /* the other end's next_seq when this one last sent new payload */
    uint32_t n_segments, n_data_segments;
    uint16_t bits, window, last_ip_id; /* bits: enum half_bit */
    uint8_t ttl_min, ttl_max, zeek_seen;
    uint8_t zeek_state : 4, zeek_before : 4; /* enum zeek_state */
    uint8_t first_ttl, scale;
    uint64_t bytes : 44;
    uint64_t n_syns : 10, n_synacks : 10; /* saturating: see half_count */
    instant_ns last_time;
    struct half_more *more;
};
_Static_assert(sizeof(struct half) == 64, "a half is one cache line");

#define QUIET_UNKNOWN UINT32_MAX /* no FIN, or something crossed it on the way */

extern const struct half half_unseen; /* a direction in which nothing has been seen yet */

struct half_times { /* of one direction: what is told of a reset connection only */
    instant_ns first, first_data, last_data;
    uint16_t mss; /* of its last SYN, 0 none */
};

struct rst_note { /* one RST frame; its payload is in the results' arena */
    struct rst_note *next;
    struct kept k;
    struct text payload;
    uint32_t stream;          /* in the file that holds it */
    int16_t mptcp_reason;     /* as in struct packet */
    bool seen_again;          /* captured a second time */
    uint8_t validity, family; /* enum rst_validity, rst_family, as of its arrival */
};

/* What an end says after a RST; a later word counts when it is stronger. */
enum talk_kind {
    TALK_NONE,
    TALK_OLD,  /* bytes sent before, or an ACK that does not fit */
    TALK_BARE, /* no byte, and both numbers are the connection's: an ACK, a keep-alive probe */
    TALK_ACK,
    TALK_DATA,
    TALK_FIN
};

struct talk { /* what an end said after a RST */
    uint64_t frame;
    instant_ns time;
    uint32_t seq;
    uint8_t kind; /* enum talk_kind; the strongest so far */
};

struct episode { /* a RST, the state it met, and what happened afterwards */
    struct episode *next;
    struct half at[2];        /* as of its arrival */
    struct half_more more[2]; /* of at; its trouble, a copy without holes, is told of, or NULL */
    instant_ns syn_time[2];
    struct half_times times[2];
    struct talk talk[2];
    struct rst_note *first, *last; /* its RSTs: first .. last along the connection's list */
    uint32_t n_rsts;
    uint64_t n_before; /* segments of the connection before it */
    uint8_t dir;       /* of the first RST */
    uint8_t dirs;      /* bit by direction: ends in whose name a RST came */
    uint8_t live_bits;
    bool survived;
    bool reopened;         /* a SYN came after it */
    bool tried_again;      /* the same SYN came again after it, or after the one before */
    bool over;             /* a new handshake followed: the next RST is another matter */
    struct kept *segments; /* those around it, in the arena, once the timeline went on */
    size_t n_segments, n_head_segments;
};

struct icmp_item {
    struct icmp_item *next;
    struct icmp_note note;
};

enum live_bit {
    LIVE_CLIENT_KNOWN = 1 << 0,
    LIVE_SYN = 1 << 1,
    LIVE_SYNACK = 1 << 2,
    LIVE_HANDSHAKE = 1 << 3,
    LIVE_FLIPPED = 1 << 4,   /* the first packet came from the server */
    LIVE_OLD_KNOWN = 1 << 5, /* old_next holds: an earlier connection used the same tuple */
    LIVE_REVIVED = 1 << 6,   /* goes on after its segments had been let go */
    LIVE_SHUT = 1 << 7,      /* its SYN-ACK advertised window 0 */
};

#define HISTORY_MAX 30

struct evidence { /* what is told of a reset connection, and of no other */
    struct timeline timeline;
    struct half_times times[2];
    instant_ns leg[2]; /* by side: how long that end takes to answer, seen from the capture */
    instant_ns old_time;
    uint32_t old_next[2]; /* of the connection that used the tuple before */
    const char *tunnel;
    uint8_t n_history;
    char history[HISTORY_MAX]; /* letters; lower case: direction 0, upper: direction 1 */
};

/* RSTs and ICMP errors, and what only a reset connection tells; on first need. */
struct live_more {
    struct evidence *evidence; /* NULL: only numbers are followed, see survey.h */
    struct episode *episode;   /* the newest */
    struct episode *episodes;  /* all of them */
    struct rst_note *rsts, *last_rst;
    struct icmp_item *icmp;
    uint32_t rst_seq[2]; /* of the last one in each direction */
    uint8_t n_icmp, n_episodes;
};

struct lane { /* a connection beside the live one of its flow, on another VLAN: see lanes.c */
    struct lane *next;
    struct live *live;
    uint32_t place, record; /* as in its flow */
};

/* The latest time of a capture in units of an eighth of a second, going round in 26 days.  Behind a
 * clock that was set back it stands still where a connection's own times do not. */
#define CAPTURE_CLOCK_SHIFT 27
#define CAPTURE_CLOCK_MASK 0xffffffU

static inline uint32_t capture_clock(instant_ns latest)
{
    return (uint32_t)((uint64_t)latest >> CAPTURE_CLOCK_SHIFT) & CAPTURE_CLOCK_MASK;
}

/* How long ago that was, to the unit. */
static inline instant_ns capture_clock_age(instant_ns latest, uint32_t then)
{
    return (instant_ns)((capture_clock(latest) - then) & CAPTURE_CLOCK_MASK) << CAPTURE_CLOCK_SHIFT;
}

struct live {
    struct flow *flow;
    struct live_more *more;
    instant_ns first_time, last_time;
    instant_ns syn_time[2];  /* of the first SYN or SYN-ACK, by direction */
    uint32_t closed_at : 24; /* of one that is closed: capture_clock() at its last segment */
    uint32_t bits : 8;       /* enum live_bit */
    uint32_t stream; /* the flow's, as it was when this connection began or entered the file */
    uint32_t syn_tsval;
    uint16_t vlan;
    uint16_t client : 1; /* direction of the client */
    uint16_t steady : 2; /* bit by direction: what steady_ends() said of the numbers below */
    uint16_t noted : 12; /* kinds of segments told to the habits, LIVE_KINDS bits a direction */
    struct half half[2];
};
_Static_assert(sizeof(struct live) == 192, "a connection is three cache lines");

#define LIVE_KINDS 6 /* of enum segment_kind */

static inline struct episode *live_episode(const struct live *l)
{
    return l->more ? l->more->episode : NULL;
}

static inline struct rst_note *live_rsts(const struct live *l)
{
    return l->more ? l->more->rsts : NULL;
}

static inline struct evidence *live_evidence(const struct live *l)
{
    return l->more ? l->more->evidence : NULL;
}

/* Whether a segment of that kind (enum segment_kind) was told to the habits. */
static inline bool live_has_noted(const struct live *l, uint8_t dir, unsigned kind)
{
    return l->noted >> (dir * LIVE_KINDS + kind) & 1;
}

static inline void live_set_noted(struct live *l, uint8_t dir, unsigned kind)
{
    l->noted |= (uint16_t)(1u << (dir * LIVE_KINDS + kind)) & 0xfffu;
}

/* Brings into the cache what a segment of the connection will touch. */
static inline void live_prefetch(const struct live *l)
{
    __builtin_prefetch(l, 1);
    __builtin_prefetch(&l->half[0], 1);
    __builtin_prefetch(&l->half[1], 1);
}

/* The same of what it has on first need, once itself is there. */
static inline void live_prefetch_more(const struct live *l)
{
    prefetch_bytes(l->more, sizeof *l->more);
    prefetch_bytes(l->half[0].more, sizeof *l->half[0].more);
    prefetch_bytes(l->half[1].more, sizeof *l->half[1].more);
}

struct store { /* the pools that live connections draw from */
    struct pool openings, lives, chunks, rings, troubles, contents, pieces, tails, holes, episodes,
        evidence, mores, half_mores, notes, lanes;
    size_t used;       /* bytes of all objects handed out */
    bool numbers_only; /* neither segments nor bytes are kept, see survey.h */
};

void store_init(struct store *s, const struct allocator *from);
/* Connections will be let go of and few made: see pool_drain. */
void store_drain(struct store *s);
/* Everything that was handed out is forgotten; connections will be made, and all are kept whole. */
void store_begin_again(struct store *s);
/* As many are live as may be: what is spare since then is not needed. */
void store_trim(struct store *s);
void store_finish(struct store *s);

static inline bool half_has(const struct half *h, enum half_bit bit)
{
    return (h->bits & bit) != 0;
}

/* One more in a counter that must not go round. */
#define half_count(h, counter)                                                                     \
    do {                                                                                           \
        (h)->counter++;                                                                            \
        if ((h)->counter == 0)                                                                     \
            (h)->counter--;                                                                        \
    } while (0)

static inline struct trouble *half_trouble(const struct half *h)
{
    return h->more ? h->more->trouble : NULL;
}

static inline struct content *half_content(const struct half *h)
{
    return h->more ? h->more->content : NULL;
}

static inline uint32_t half_n_fins(const struct half *h)
{
    return h->more ? h->more->n_fins : 0;
}

static inline uint32_t half_n_rsts(const struct half *h)
{
    return h->more ? h->more->n_rsts : 0;
}

static inline instant_ns half_fin_time(const struct half *h)
{
    return h->more ? h->more->fin_time : INSTANT_NONE;
}

/* 0 without HALF_FIN. */
static inline uint32_t half_fin_seq(const struct half *h)
{
    return h->more ? h->more->fin_seq : 0;
}

static inline uint32_t half_fin_quiet_ms(const struct half *h)
{
    return h->more ? h->more->fin_quiet_ms : QUIET_UNKNOWN;
}

/* The number of its SYN; 0 where that was not captured. */
static inline uint32_t half_isn(const struct half *h)
{
    return half_has(h, HALF_ISN) ? h->data_base - 1 : 0;
}

static inline bool live_has(const struct live *l, enum live_bit bit)
{
    return (l->bits & bit) != 0;
}

static inline uint64_t live_n_segments(const struct live *l)
{
    const struct half *a = &l->half[0], *b = &l->half[1];
    return (uint64_t)a->n_segments + b->n_segments + half_n_rsts(a) + half_n_rsts(b);
}

/* Both ends have sent their FIN. */
static inline bool live_closed(const struct live *l)
{
    return half_has(&l->half[0], HALF_FIN) && half_has(&l->half[1], HALF_FIN);
}

/* Packets of it that the capture saw a second time. */
static inline uint32_t live_n_duplicates(const struct live *l)
{
    const struct trouble *a = half_trouble(&l->half[0]), *b = half_trouble(&l->half[1]);
    return (a ? a->n_duplicates : 0) + (b ? b->n_duplicates : 0);
}

/* Whether they are so many that a copy need not differ in anything. */
static inline bool live_comes_twice(const struct live *l)
{
    const uint32_t n = live_n_duplicates(l);
    return n >= 2 && (uint64_t)n * 3 >= live_n_segments(l);
}

static inline uint8_t kept_dir(const struct kept *k)
{
    return k->bits & KEPT_DIR;
}

/* Taken on first need; NULL when memory ran out. */
struct live_more *live_take_more(struct store *s, struct live *l);
struct half_more *half_take_more(struct store *s, struct half *h);

/* The trouble of a half, taken on first need; a sink that nobody reads when memory ran out. */
struct trouble *half_take_trouble(struct store *s, struct half *h, struct trouble *sink);

/* Of no connection any more. */
void episode_free(struct store *s, struct episode *e);

/* A connection on flow f of which nothing is known yet.  NULL: memory ran out. */
struct live *live_new(struct store *s, struct flow *f, instant_ns time, uint16_t vlan);
/* The connection that packet p begins, or takes up again, on flow f.  NULL: memory ran out. */
struct live *live_begin(struct store *s, struct flow *f, uint8_t dir, const struct packet *p);
/* Whether its SYN-ACK was seen, and no acknowledgement of it. */
static inline bool live_awaits_ack(const struct live *l)
{
    return (l->bits & (LIVE_SYNACK | LIVE_HANDSHAKE)) == LIVE_SYNACK;
}
/* An acknowledgement that may be the handshake's last. */
void live_end_handshake(struct live *l, uint8_t dir, uint32_t ack, instant_ns time);
/* An end took that long to answer; the least counts. */
void live_note_leg(struct live *l, enum side side, instant_ns delay);
void live_leave(struct flow *f); /* writes the numbers of f's connection into f, for later */
void live_free(struct store *s, struct live *l);   /* gives every part back */
void live_let_go(struct store *s, struct live *l); /* keeps only the numbers */
void half_let_go(struct store *s, struct half *h); /* its holes and its content */

#endif
