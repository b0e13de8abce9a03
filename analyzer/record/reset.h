/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reset connection: the deciding RST, who sent it, in which phase, by which mechanism, and the
 * packets that prove each claim.  This is what the tracker hands to correlation, rules and reports.
 * Vocabulary and meaning follow the published verdict list; a name here never changes.
 */
#ifndef WHYRST_ANALYZER_RECORD_RESET_H
#define WHYRST_ANALYZER_RECORD_RESET_H

#include "analyzer/record/connection.h"
#include "parsers/base/arena.h"
#include "parsers/base/prefetch.h"

enum phase {
    PHASE_UNKNOWN,
    PHASE_OPENING,
    PHASE_IDLE_OPEN,
    PHASE_ACTIVE,
    PHASE_HALF_CLOSED,
    PHASE_CLOSED,
    PHASES
};

enum mechanism {
    MECHANISM_UNDETERMINED,
    MECHANISM_REFUSED,
    MECHANISM_REFUSED_LATE,
    MECHANISM_REJECTED_IN_PATH,
    MECHANISM_ABANDONED_OPEN,
    MECHANISM_UNEXPECTED_SYNACK,
    MECHANISM_COLLISION,
    MECHANISM_ABORT,
    MECHANISM_ABORT_UNREAD,
    MECHANISM_AFTER_CLOSE,
    MECHANISM_NO_STATE,
    MECHANISM_GAVE_UP,
    MECHANISM_INJECTED,
    MECHANISM_STALE,
    MECHANISMS
};

/* Where a RST's sequence number lies (RFC 5961 section 3.2), seen from its receiver. */
enum rst_validity {
    RST_UNVERIFIABLE, /* the receiver's next expected byte is not known from this capture */
    RST_EXACT,
    RST_IN_WINDOW, /* draws a challenge ACK, must not kill */
    RST_OUT_OF_WINDOW,
    RST_VALIDITIES
};

enum rst_family {
    RST_OWNER,   /* a socket's owner gave up: ACK set, seq = its next byte */
    RST_ANSWER,  /* nobody home: seq = the ack field answered, no ACK flag; or seq 0 to a SYN */
    RST_NEITHER, /* fits neither form */
    RST_FAMILIES
};

const char *phase_name(enum phase p);               /* "half-closed" */
const char *mechanism_name(enum mechanism m);       /* "abort-unread" */
const char *mechanism_about(enum mechanism m);      /* one sentence for people */
const char *rst_validity_name(enum rst_validity v); /* "in-window" */
const char *rst_family_name(enum rst_family f);     /* "owner", "answer", "neither" */
bool mechanism_parse(struct text t, enum mechanism *out);
bool phase_parse(struct text t, enum phase *out);

/* What can be said of many resets in the same words. */
struct statement {
    const char *id;   /* static, dotted: "sender.ttl-like-synack", "mechanism.fin-before" */
    struct text says; /* a sentence for people */
    double weight;    /* for or against the sender claim, -1..1; 0 where it only describes */
};

/* One checkable statement about frames of this capture. */
struct reason {
    uint64_t frame;               /* 0: about the connection as a whole */
    const struct statement *what; /* resets may share it */
};

struct rst { /* any RST of this teardown */
    struct segment segment;
    uint64_t answers_frame; /* the segment it answers, or 0 */
    struct text payload;    /* text carried by the RST, usually empty */
    uint32_t stream;        /* Wireshark's, in the file that holds it */
    int16_t mptcp_reason;   /* as in struct packet */
    enum rst_validity validity : 8;
    enum rst_family family : 8;
};

/* What became of a packet between two captures of its connection. */
enum fate {
    FATE_UNKNOWN,
    FATE_SEEN,      /* both hold it */
    FATE_ALTERED,   /* both hold its numbers, with other bytes */
    FATE_SWALLOWED, /* the capture nearer to its sender holds it, the other does not */
    FATE_FORGED,    /* the capture nearer to its sender does not hold it, the other does */
    FATES
};

const char *fate_name(enum fate f); /* "swallowed" */

struct packet_fate {
    uint32_t capture, other;     /* that holds it; that it is held against */
    uint64_t frame, other_frame; /* their numbers there; 0: the other does not hold it */
    enum side from;
    enum fate fate;
    bool is_rst;
};

enum leg_by { LEG_NAT, LEG_PROXY };

struct reset;

/* What ended the other half first, as its packets show. */
enum leg_end {
    LEG_OPEN, /* nothing, yet */
    LEG_REFUSED,
    LEG_UNANSWERED, /* its SYN was never answered */
    LEG_CLOSED_BY_CLIENT,
    LEG_CLOSED_BY_SERVER,
    LEG_RESET_BY_CLIENT,
    LEG_RESET_BY_SERVER
};

struct leg { /* the connection's other half, beyond a NAT or a proxy */
    enum leg_by by;
    uint32_t capture, stream;
    struct endpoint client, server; /* as they are called there */
    /* the rest only beyond a proxy */
    const struct reset *reset; /* the reset of that half, or NULL */
    enum side beyond;          /* the end of the reset connection that is the proxy */
    enum leg_end end;
    instant_ns lead; /* how long before this one's reset side closed or reset that came (negative:
                        after); INSTANT_NONE where nothing came */
    struct text server_name; /* "192.0.2.1:80"; lives in the case's arena */
    bool sure; /* by what was said in both, or one address has both; else by times alone */
};

const char *leg_by_name(enum leg_by by);    /* "nat", "proxy" */
const char *leg_end_name(enum leg_end end); /* "refused", "reset-by-server", ... */

struct reset_face { /* of a connection that never opened */
    struct endpoint end[2];
    uint32_t capture;
    instant_ns first_time; /* of the connection */
};

struct reset_ties { /* the same event in other captures, and under other names */
    const struct reset **seen_in;
    size_t n_seen_in;
    const struct leg *legs; /* the same connection under other names: legs.h */
    size_t n_legs;
    const struct packet_fate
        *fates; /* of packets near it, where captures of two places hold them */
    size_t n_fates;
};

struct reset {             /* there may be a million: what most have not stands apart */
    uint32_t id;           /* 1-based, in order of time over the whole case */
    enum side claimed : 4; /* the end whose address the RST carries */
    enum side sender : 4;  /* the verdict */
    enum phase phase : 4;
    enum mechanism mechanism : 8;
    bool killed : 1;          /* the connection really ended; false: a blind attempt that failed */
    bool window_reopened : 1; /* it had shrunk as data arrived and is open again in the RST */
    bool looks_own : 1; /* nothing in the packet is unlike those of the end whose address it has */
    bool alike : 1;     /* the same, whatever other captures know */
    bool tried_again : 1;      /* the same SYN came again after it, or after an earlier one */
    bool label_missing : 1;    /* IPv6 flow label 0, where that host's other answers have one */
    bool is_copy_of_other : 1; /* another capture's reset carries the diagnosis */

    const struct connection *in_full; /* NULL in outline: ask reset_connection */
    const struct reset_face *outline; /* that form, else NULL: see outline.h */

    struct rst deciding;
    const struct rst
        *rsts; /* all RSTs of the teardown in capture order, the deciding one among them */
    uint32_t n_rsts, n_reasons;
    const struct reason *reasons; /* none in outline: ask reset_reasons */
    double sender_confidence;     /* 0..1 */

    instant_ns
        idle_before_ns; /* silence on the connection before the exchange that ended in the RST,
                           INSTANT_NONE unknown: the longest gap directly before the trigger */
    instant_ns since_trigger_ns; /* from the segment that it answers, INSTANT_NONE when none */
    uint64_t trigger_frame;      /* that segment, or 0 */
    uint64_t unread_bytes; /* payload that had reached the reset side and was provably or possibly
                              unread */
    const char *const *kernel_reasons; /* none in outline: ask reset_kernel_reasons */
    struct reset_ties *ties;           /* NULL: none; ask reset_ties */
    struct scene *scene; /* the tracker's own: what reset_set_sender judges again from */
};

/* Never NULL. */
static inline const struct reset_ties *reset_ties(const struct reset *r)
{
    static const struct reset_ties none = {.n_seen_in = 0};
    return r->ties ? r->ties : &none;
}

/* What became of a packet of its connection; the worst where several captures can tell, NULL where
 * none can.  frame: with file bits. */
const struct packet_fate *reset_fate_at(const struct reset *r, uint64_t frame);

/* To be filled; NULL when memory ran out. */
static inline struct reset_ties *reset_tie(struct arena *a, struct reset *r)
{
    if (!r->ties)
        r->ties = arena_alloc(a, sizeof *r->ties);
    return r->ties;
}

/* What a reset in outline leaves out, worked out anew: its connection, and the whole with its
 * reasons.  Either lasts until RESETS_RECALLED others were worked out. */
#define RESETS_RECALLED 16
const struct connection *reset_recall(const struct reset *r);
const struct reset *reset_recall_whole(const struct reset *r);

static inline const struct connection *reset_connection(const struct reset *r)
{
    return r->in_full ? r->in_full : reset_recall(r);
}

/* For sender, phase and mechanism, strongest first. */
static inline const struct reason *reset_reasons(const struct reset *r, size_t *n)
{
    const struct reset *full = r->in_full ? r : reset_recall_whole(r);
    *n = full->n_reasons;
    return full->reasons;
}

#define KERNEL_REASONS_MAX 4

/* Names of enum sk_rst_reason that the packets allow; NULL-terminated, at most KERNEL_REASONS_MAX
 * with the NULL. */
static inline const char *const *reset_kernel_reasons(const struct reset *r)
{
    static const char *const none[] = {NULL};
    const struct reset *full = r->in_full ? r : reset_recall_whole(r);
    return full->kernel_reasons ? full->kernel_reasons : none;
}

/* What is at hand in either form: the connection's ends, capture, stream and bytes. */
static inline const struct endpoint *reset_end(const struct reset *r, enum side side)
{
    return r->in_full ? &r->in_full->end[side].at : &r->outline->end[side];
}

/* Time of an end's last segment but RST, INSTANT_NONE: none was captured. */
static inline instant_ns reset_last_time(const struct reset *r, enum side side)
{
    if (r->in_full)
        return r->in_full->end[side].last_time;
    return side == SIDE_CLIENT ? r->outline->first_time : INSTANT_NONE; /* its SYN */
}

/* Ends of which nothing was captured though the other answers them, as bits 1 << side: a tap of one
 * direction, or a way back past the capture.  Silence of such an end tells nothing of it. */
unsigned reset_unheard(const struct reset *r);

/* Whether the mechanism is what it is since something else was not seen: a packet that the capture
 * lost may have shown another one. */
bool reset_by_absence(const struct reset *r);

static inline uint32_t reset_capture(const struct reset *r)
{
    return r->in_full ? r->in_full->capture : r->outline->capture;
}

static inline uint32_t reset_stream(const struct reset *r)
{
    return r->in_full ? r->in_full->stream : r->deciding.stream;
}

static inline uint64_t reset_bytes(const struct reset *r, enum side side)
{
    return r->in_full ? r->in_full->end[side].bytes : 0;
}

/* The time of the connection's first segment. */
static inline instant_ns reset_first_time(const struct reset *r)
{
    return r->in_full ? r->in_full->first_time : r->outline->first_time;
}

/* See connection_capture. */
static inline uint32_t reset_capture_of(const struct reset *r, uint64_t frame)
{
    if (r->in_full)
        return connection_capture(r->in_full, frame);
    const uint32_t file = frame_file(r->deciding.segment.frame);
    return r->outline->capture - file + (frame == 0 ? file : frame_file(frame));
}

/* For those who go through very many resets in order, and are at i: has the memory of one behind it
 * fetched, up to the RST's time; or all of it, and once that is there what it points to. */
static inline void resets_fetch_heads(struct reset *const *v, size_t n, size_t i)
{
    if (i + PREFETCH_BEHIND < n)
        prefetch_bytes(v[i + PREFETCH_BEHIND], offsetof(struct reset, deciding.segment.seq));
}

/* Numbers them as they stand.  Returns whether that is in order; where it is not, they are to be
 * numbered again when they are. */
static inline bool resets_number(struct reset **v, size_t n,
                                 int (*compare)(const void *a, const void *b))
{
    bool in_order = true;
    for (size_t i = 0; i < n; i++) {
        resets_fetch_heads(v, n, i);
        in_order = in_order && (i == 0 || compare(&v[i - 1], &v[i]) <= 0);
        v[i]->id = (uint32_t)i + 1;
    }
    return in_order;
}

#define RESETS_BEHIND 16
static inline void resets_fetch_behind(struct reset *const *v, size_t n, size_t i)
{
    if (i + RESETS_BEHIND < n) {
        const struct reset *near = v[i + RESETS_BEHIND];
        prefetch_bytes(near->in_full, sizeof *near->in_full);
        prefetch_bytes(near->outline, sizeof *near->outline);
    }
    if (i + 2 * RESETS_BEHIND < n)
        prefetch_bytes(v[i + 2 * RESETS_BEHIND], sizeof *v[i]);
}

/* Resets in outline of one kind are alike in all but their ends, times, numbers and hosts' habits:
 * verdicts, the form of the RST, and that nothing was said.  0: it is of no kind, since it stands
 * whole or other captures tell of it, too. */
static inline uint32_t reset_kind(const struct reset *r)
{
    if (!r->outline || r->ties || r->n_rsts != 1)
        return 0;
    const struct rst *d = &r->deciding;
    uint32_t kind = 1;
    kind = kind << 5 | (uint32_t)r->mechanism;
    kind = kind << 3 | (uint32_t)r->phase;
    kind = kind << 2 | (uint32_t)r->sender;
    kind = kind << 2 | (uint32_t)r->claimed;
    kind = kind << 2 | (uint32_t)d->family;
    kind = kind << 2 | (uint32_t)d->validity;
    return kind << 10 | (d->segment.flags & 0x1ffu) << 1 | r->killed;
}
_Static_assert(MECHANISMS <= 32 && PHASES <= 8 && SIDE_PATH < 4 && RST_FAMILIES <= 4 &&
                   RST_VALIDITIES <= 4,
               "they fit into a kind");

/* The deciding RST's number in its capture, as Wireshark shows it. */
static inline uint64_t reset_frame(const struct reset *r)
{
    return frame_number(r->deciding.segment.frame);
}

#endif
