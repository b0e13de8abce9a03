/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that can testify about one reset, laid out by side: the connection, both ends as they were
 * when the deciding RST came, what each said afterwards, the segment that drew it.  The tracker
 * builds scenes while packets pass; they are judged at the end.
 */
#ifndef WHYRST_ANALYZER_TRACK_SCENE_H
#define WHYRST_ANALYZER_TRACK_SCENE_H

#include "analyzer/record/reset.h"
#include "analyzer/track/fingerprint.h"
#include "analyzer/track/live.h"
#include "parsers/base/intern.h"

#define SCENE_REASONS_MAX 24

struct scene_reason { /* as it is found */
    uint64_t frame;
    struct statement what;
};

struct scene_end {               /* by enum side */
    struct end at;               /* as it was when the deciding RST came */
    struct talk talk;            /* what it said after it */
    uint32_t other_next_at_data; /* the other end's next byte when this one last sent new payload */
    uint32_t seen_end;           /* one past the highest number really captured of it */
    bool spoke;                  /* it had sent any segment but a RST */
    bool fin_implied;
    uint64_t unanswered_frame;
    instant_ns unanswered_time;
    uint16_t last_ip_id;
    uint32_t old_next; /* of the connection that used the tuple before */
    instant_ns leg;    /* how long it takes to answer, seen from the capture; 0 unknown */
};

struct scene {
    struct reset *reset;
    struct connection *connection;
    struct scene_end end[2];
    enum side claimed, other;
    bool survived;                              /* the connection went on after this RST */
    bool reopened;                              /* a SYN came after it */
    bool rst_seen_again;                        /* the deciding RST was captured twice */
    bool syn_seen, synack_seen, handshake_seen; /* before it */
    bool talk_hidden; /* SYN, FIN and RST alone were captured, see loss_is_control_only */
    bool old_known;
    instant_ns old_time;
    uint64_t n_before;             /* segments before it */
    size_t rst_at;                 /* its place in connection->segments */
    const struct segment *trigger; /* the segment that drew it, or NULL */
    struct scene *earlier;         /* resets before it that the connection survived, or NULL */
    const struct habits *habits;
    struct arena *arena;          /* of what the verdict leaves */
    struct intern *intern;        /* its own, or NULL */
    struct scene_reason *reasons; /* room for SCENE_REASONS_MAX, only while judging */
    size_t n_reasons;
    double path; /* how likely neither end sent it */
    bool path_strong;
};

/* Adds a checkable statement; drops it when there is no room. */
void scene_say(struct scene *s, uint64_t frame, const char *id, double weight, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The same with a text that lasts as long as the program. */
void scene_state(struct scene *s, uint64_t frame, const char *id, double weight,
                 const char *static_text);

/* The reasons found, in the arena of what the verdict leaves; NULL when memory ran out. */
struct reason *scene_reasons(const struct scene *s);

/* The last segment before the deciding RST for which want() holds, or NULL. */
const struct segment *scene_last_before(const struct scene *s, enum side from,
                                        bool (*want)(const struct scene *, const struct segment *));

static inline const struct segment *scene_rst(const struct scene *s)
{
    return &s->reset->deciding.segment;
}

/* A RST in answer to a segment: no ACK, or number 0 in answer to a SYN. */
static inline bool scene_is_answer(const struct scene *s)
{
    return !(scene_rst(s)->flags & TCP_ACK) || s->reset->deciding.family == RST_ANSWER;
}

void scene_find_trigger(struct scene *s); /* trigger.c: trigger, its delay, the idle time before */
void scene_judge_phase(struct scene *s);  /* phase.c */
void scene_judge_sender(struct scene *s); /* sender.c: end or path, with reasons */
void scene_judge_mechanism(struct scene *s); /* mechanism.c */
void scene_hear_rst(struct scene *s);        /* rst_words.c: what it says of itself, as reasons */
/* After judging both: the scene whose reset explains this one, itself in most cases. */
struct scene *scene_cause(struct scene *s);
void scene_judge(struct scene *s);  /* all of them, in order */
void scene_decide(struct scene *s); /* the same verdicts without a reason */

#endif
