/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a connection's kept segments, and where its capture's time goes back.  Out: whether time
 * leaps.  An end's timestamps are believed where they are known to tick at least every 10 ms, and
 * where the other end's do not say that the pause was real: a host that sleeps counts no ticks.
 */
#include "analyzer/record/leap.h"

#include "parsers/capture/capture.h"
#include "parsers/packet/packet.h"

#define TICK_NS (10 * NS_PER_MS) /* Linux, BSD and Windows tick faster, or as fast */
#define SLACK 3                  /* a pause that is so much longer than ticks tell is none */

/* How the time between two segments of one end looks by its own timestamps. */
enum view { VIEW_NONE, VIEW_TICKS, VIEW_PASSED, VIEW_LEAPT };

static enum view view_of(const struct segment *a, const struct segment *b)
{
    const instant_ns by_stamps = instant_since(b->time, a->time);
    const int64_t ticks = (int32_t)(b->tsval - a->tsval);
    if (by_stamps == INSTANT_NONE || ticks < 0 || (a->tsval == 0 && b->tsval == 0))
        return VIEW_NONE;
    if (by_stamps < LEAP_PAUSE_NS)
        return ticks > 1 && by_stamps <= ticks * TICK_NS ? VIEW_TICKS : VIEW_NONE;
    return by_stamps > SLACK * (ticks + 1) * TICK_NS ? VIEW_LEAPT : VIEW_PASSED;
}

static bool speaks_of_time(const struct segment *g, enum side side)
{
    return g->from == side && g->has_timestamps && !(g->flags & TCP_RST);
}

/* The pause between segments i-1 and i, as that end's segments on both sides of it tell. */
static enum view view_of_pause(const struct connection *k, size_t i, enum side side)
{
    size_t before = i, after = i;
    while (before > 0 && !speaks_of_time(&k->segments[before - 1], side))
        before--;
    while (after < k->n_kept && !speaks_of_time(&k->segments[after], side))
        after++;
    if (before == 0 || after == k->n_kept)
        return VIEW_NONE;
    return view_of(&k->segments[before - 1], &k->segments[after]);
}

/* Whether some of that end's segments show that its timestamps tick as fast as they must. */
static bool ticks(const struct connection *k, enum side side)
{
    const struct segment *last = NULL;
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *g = &k->segments[i];
        if (!speaks_of_time(g, side))
            continue;
        if (last && view_of(last, g) == VIEW_TICKS)
            return true;
        last = g;
    }
    return false;
}

static bool pause_is_leap(const struct connection *k, size_t i)
{
    bool leapt = false;
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        const enum view view = view_of_pause(k, i, side);
        if (view == VIEW_PASSED)
            return false;
        leapt = leapt || (view == VIEW_LEAPT && ticks(k, side));
    }
    return leapt;
}

bool connection_leaps(const struct connection *k)
{
    for (size_t i = 1; i < k->n_kept; i++) {
        const instant_ns pause = instant_since(k->segments[i].time, k->segments[i - 1].time);
        if (pause == INSTANT_NONE)
            continue;
        if (pause <= -CAPTURE_STEP_BACK_NS || (pause >= LEAP_PAUSE_NS && pause_is_leap(k, i)))
            return true;
    }
    return false;
}

bool reset_leaps(const struct case_file *c, const struct reset *r)
{
    if (!r->in_full)
        return false;
    const instant_ns age = instant_since(r->deciding.segment.time, r->in_full->first_time);
    const bool may =
        age >= LEAP_PAUSE_NS || c->captures[reset_capture(r)].back_first != INSTANT_NONE;
    return may && connection_leaps(r->in_full);
}

bool reset_leaps_near(const struct case_file *c, const struct reset *r)
{
    const struct case_capture *k = &c->captures[reset_capture(r)];
    return k->back_first != INSTANT_NONE &&
           reset_first_time(r) <= instant_plus(k->back_last, LEAP_NEAR_NS) &&
           r->deciding.segment.time >= instant_plus(k->back_first, -LEAP_NEAR_NS);
}
