/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker's own state, shared by its packet paths and its end.  Only tracker*.c and outline.c
 * include this.
 */
#ifndef WHYRST_ANALYZER_TRACK_TRACKER_PARTS_H
#define WHYRST_ANALYZER_TRACK_TRACKER_PARTS_H

#include "analyzer/track/duplicate.h"
#include "analyzer/track/flow.h"
#include "analyzer/track/outline.h"
#include "analyzer/track/settle.h"
#include "analyzer/track/survey.h"
#include "analyzer/track/tracker.h"
#include "parsers/base/vec.h"

struct skipped {
    struct tracker_rst_skip skip;
    struct flow_key key; /* the tuple's */
};

struct tracker {
    struct arena *arena; /* of what comes of the packets: the results', or of a first reading's */
    struct arena *results, scrap;
    struct tracker_config config;
    const struct allocator *from;
    struct flows flows;
    struct store store;
    struct duplicates *duplicates;
    struct habits *habits, *own_habits;
    struct scenes scenes;         /* to be judged at the end */
    VEC(struct reset *) judged;   /* those that were judged when they were settled */
    struct arena stage;           /* where that is done; cleared each time */
    struct intern intern;         /* of the results */
    VEC(struct outline) outlines; /* final once the first is judged */
    struct recalled recalled[RESETS_RECALLED];
    unsigned n_recalled;
    struct scenes scratch;
    VEC(struct skipped) skips;
    struct connection_records records; /* by place, see flow.h; n_segments 0: none was written */
    size_t n_written;                  /* of them; the others are gaps */
    bool records_moved;                /* one's place is not its stream in the first file */
    struct connection_records more_records; /* of connections with resets in several files */
    VEC(uint32_t) file_places;              /* of every file after the first: its first place */
    struct tracker_counts counts;
    struct map lanes; /* struct flow * -> struct lane *, see flow.has_lanes */
    struct survey survey;
    struct tracker_counts first_counts; /* those of the first reading, while again */
    bool again;                         /* the second reading */
    bool alone;                         /* see tracker_stand_alone */
    bool records_in_order;
    struct tracker_skips skips_out;
    struct tracker_resets attempts;
    uint32_t next_stream, next_place;
    uint32_t file;              /* of the series, from 0 */
    VEC(flow_link) of_file;     /* those that got a number in it, but for the first */
    bool of_file_is_short;      /* memory ran out: it does not hold all of them */
    instant_ns now;             /* the latest capture time so far */
    instant_ns least_linger_ns; /* when crowded, see tracker_config */
};

/* Where a segment belongs. */
struct tracker_place {
    struct flow *flow;   /* NULL: there is none yet */
    struct flow_key key; /* set where there is none */
    uint32_t hash;
    habit_guess host; /* of its sender */
    const struct brief *brief;
    uint64_t print; /* see duplicate.h */
    uint8_t dir;
};

/* The long road of a TCP segment, and of an ICMP error that quotes one. */
void tracker_take_segment(struct tracker *t, const struct tracker_place *at,
                          const struct arrival *a);
void tracker_take_icmp(struct tracker *t, const struct packet *p);
/* Whether only the numbers are followed so far, and a second reading is to come. */
static inline bool tracker_surveys(const struct tracker *t)
{
    return t->config.twice && !t->again;
}
/* A second reading writes no records: they are there. */
static inline bool tracker_keeps_records(const struct tracker *t)
{
    return t->config.keep_records && !t->again;
}
/* The first segment of its kind from that end of a connection. */
void tracker_learn_habit(struct tracker *t, struct live *l, const struct tracker_place *at,
                         enum segment_kind kind);
/* A segment of a connection, if it is the first of its kind from that end. */
static inline void tracker_note_habit(struct tracker *t, struct live *l,
                                      const struct tracker_place *at, enum segment_kind kind)
{
    if (!live_has_noted(l, at->dir, kind))
        tracker_learn_habit(t, l, at, kind);
}
/* The frame that the segment repeats, or 0; it is remembered.  l: its connection, or NULL. */
static inline uint64_t tracker_duplicate_of(struct tracker *t, const struct tracker_place *at,
                                            const struct live *l)
{
    if (duplicate_may_be(t->duplicates, at->print))
        return duplicate_of(t->duplicates, at->brief, at->print, l && live_comes_twice(l));
    duplicate_remember(t->duplicates, at->brief, at->print);
    return 0;
}
/* A second sight of a segment was set aside. */
void tracker_count_duplicate(struct tracker *t, struct live *l, uint8_t dir);

/* The flow got a number in a file that is not the first. */
void tracker_note_in_file(struct tracker *t, const struct flow *f);

/* lanes.c.  A new connection begins on the flow, on that VLAN (-1: unknown): the live one is
 * settled, or parked when it is on another and may go on. */
void tracker_make_way(struct tracker *t, struct flow *f, int vlan);
/* Of a flow with lanes: the connection that the segment is of becomes the flow's live one. */
void tracker_pick_lane(struct tracker *t, struct flow *f, uint8_t dir, const struct packet *p);
/* The flow has no live one: one that was parked takes the place.  False: there is none. */
bool tracker_next_lane(struct tracker *t, struct flow *f);

#define CROWDED_LINGER_NS (5 * NS_PER_S)

/* Settles connections that both ends closed long ago.  Asked before every segment. */
void tracker_expire(struct tracker *t);
static inline void tracker_expire_closed(struct tracker *t)
{
    if (t->flows.list[FLOW_CLOSED].n > 0 &&
        capture_clock_age(t->now, t->flows.closed_since) > t->least_linger_ns)
        tracker_expire(t);
}

/* A segment of the connection came. */
static inline void tracker_touch(struct tracker *t, struct live *l, bool closed)
{
    if (closed)
        l->closed_at = capture_clock(t->now);
    flows_touch(&t->flows, l->flow, closed ? FLOW_CLOSED : FLOW_OPEN);
}

/* Bytes for open connections, and for the numbers of those before. */
static inline size_t tracker_used(const struct tracker *t)
{
    return t->store.used + t->flows.used;
}

/* Settles what was longest without a packet, then forgets numbers, until there is room.  Asked
 * after every segment. */
void tracker_find_room(struct tracker *t, const struct flow *but);
static inline void tracker_make_room(struct tracker *t, const struct flow *but)
{
    const size_t now = tracker_used(t);
    if (now > t->counts.peak_bytes || now > t->config.memory_budget)
        tracker_find_room(t, but);
}

/* Why a RST belongs to no reset, where config.results_budget kept it out. */
extern const char tracker_over_budget[];
/* Verdicts of a scene: of its reset, or the one that explains it, which is returned. */
struct reset *tracker_judge(struct tracker *t, struct scene *s);
/* A RST frame of a tuple that belongs to no reset. */
void tracker_skip_rst(struct tracker *t, const struct flow_key *key, uint64_t frame,
                      const char *reason, uint64_t same_as);
/* A live connection for a flow, as the segments of an opening leave it.  False when memory ran out.
 */
bool tracker_relive(struct tracker *t, struct flow *f, const struct opening *o);
/* Makes an opening a live connection; any other flow is left alone.  False when memory ran out. */
bool tracker_revive(struct tracker *t, struct flow *f);
/* Settles all that is open. */
void tracker_settle_all(struct tracker *t);
/* No packet will come, and nothing is open: gives the memory of flows and connections back. */
void tracker_let_go(struct tracker *t);
/* Lets go of the connection of a flow, if it has one: what is worth keeping becomes a result. */
void tracker_settle(struct tracker *t, struct flow *flow);
/* The same, but none that is parked takes its place. */
void tracker_settle_one(struct tracker *t, struct flow *flow);

#endif
