/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scales on which a RST's sender is judged: what speaks for the path, what for the end, each
 * with its weight and a sentence.  sender.c weighs conduct and decides, traits.c weighs the packet.
 */
#ifndef WHYRST_ANALYZER_TRACK_WEIGHING_H
#define WHYRST_ANALYZER_TRACK_WEIGHING_H

#include "analyzer/track/live.h"
#include "analyzer/track/scene.h"

#define MS (NS_PER_S / 1000)

struct weighing {
    struct scene *s;
    const struct segment *rst;
    const struct end *own;
    const struct habit *habit; /* of the claimed end's address, or NULL */
    bool answer;               /* the kernel's bare answer, not a socket's reset */
    double doubt;              /* product of (1 - weight) over what speaks for the path */
    double trust;              /* the same over what speaks for the end */
    unsigned n_traits;
    unsigned n_conduct; /* of them about what that end does, not about the packet */
    bool proof;
};

#define FOR_PATH(w, weight, frame, id, ...)                                                        \
    do {                                                                                           \
        (w)->doubt *= 1.0 - (weight);                                                              \
        (w)->n_traits++;                                                                           \
        if ((w)->s->reasons)                                                                       \
            scene_say((w)->s, (frame), (id), (weight), __VA_ARGS__);                               \
    } while (0)

#define FOR_END(w, weight, frame, id, ...)                                                         \
    do {                                                                                           \
        (w)->trust *= 1.0 - (weight);                                                              \
        if ((w)->s->reasons)                                                                       \
            scene_say((w)->s, (frame), (id), -(weight), __VA_ARGS__);                              \
    } while (0)

static inline const char *weighing_end(const struct weighing *w)
{
    return side_name(w->s->claimed);
}

static inline bool scene_past_opening(const struct scene *s)
{
    return s->reset->phase != PHASE_OPENING &&
           (s->reset->phase != PHASE_UNKNOWN || s->end[s->claimed].spoke);
}

/* Compares the packet with that end's other packets of its kind: hop count, identification,
 * don't-fragment, link address, timestamps, window, flow label. */
void weigh_traits(struct weighing *w);

#endif
