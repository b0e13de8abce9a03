/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the first of two readings of a capture leaves for the second: at which frames streams begin,
 * the tuples whose connections were reset, and which stretches hold packets of theirs.  Of all
 * other tuples the first reading keeps numbers only, and the second looks at no packet.
 */
#ifndef WHYRST_ANALYZER_TRACK_SURVEY_H
#define WHYRST_ANALYZER_TRACK_SURVEY_H

#include "analyzer/track/flow.h"
#include "parsers/base/map.h"
#include "parsers/base/vec.h"
#include "parsers/packet/glance.h"

#define SURVEY_TRACES 32768

struct survey_stretch {                  /* of packets, as many as its maker likes */
    uint64_t traces[SURVEY_TRACES / 64]; /* by hash: clear for a tuple of which none is in it */
    instant_ns now;                      /* the latest time up to its end */
    bool is_needed;                      /* whatever it holds */
};

struct survey {
    VEC(uint64_t) starts; /* frames that gave a stream its number, in order; with file bits */
    struct map wanted;    /* of struct flow_key */
    uint64_t *bits;       /* by hash and by glance, clear for what is not wanted; or NULL */
    uint32_t n_bits;      /* a power of two */
    uint64_t seed;        /* of glances */
    VEC(struct survey_stretch) stretches;
    struct survey_stretch now;           /* being read in the first reading */
    struct survey_stretch wanted_traces; /* of all wanted tuples */
};

void survey_init(struct survey *v);
void survey_finish(struct survey *v);

/* The next stream begins at a frame.  False when memory ran out. */
bool survey_start(struct survey *v, uint64_t frame);
/* The number of the stream that began at a frame, in the frame's file; false: none did. */
bool survey_number(const struct survey *v, uint64_t frame, uint32_t *out);

/* The evidence of a tuple's connections is wanted.  False when memory ran out. */
bool survey_want(struct survey *v, const struct flow_key *key);
/* No more are wanted: from now on it may be asked. */
void survey_close(struct survey *v, const struct flows *flows);
static inline bool survey_may_want(const struct survey *v, uint64_t hash)
{
    const uint64_t bit = hash & (v->n_bits - 1);
    return !v->bits || (v->bits[bit / 64] >> (bit % 64) & 1);
}
/* False: at a glance, the frame is of a tuple that is not wanted. */
static inline bool survey_may_want_frame(const struct survey *v, const struct frame_bytes *f)
{
    uint64_t number;
    return !glance_frame(f, v->seed, &number) || survey_may_want(v, number);
}
bool survey_wants(const struct survey *v, const struct flow_key *key);

/* A packet of a tuple is in the stretch that is being read. */
static inline void survey_trace(struct survey_stretch *s, uint32_t hash)
{
    const uint32_t at = hash & (SURVEY_TRACES - 1);
    s->traces[at / 64] |= UINT64_C(1) << (at % 64);
}
/* The stretch ends, at the latest time so far.  False when memory ran out. */
bool survey_end_stretch(struct survey *v, instant_ns now, bool is_needed);
/* After survey_close: whether the i-th stretch may hold packets of wanted tuples. */
bool survey_wants_stretch(const struct survey *v, size_t i);

/* Payload of a connection of which only the first request is told: what does not look like one is
 * let go, and after that nothing is kept. */
static inline bool survey_may_keep(const struct half *h, const uint8_t *bytes)
{
    return (bytes != NULL) & !half_has(h, HALF_NO_REQUEST);
}
void survey_payload(struct store *s, struct half *h, uint64_t offset, const uint8_t *bytes,
                    size_t n);

#endif
