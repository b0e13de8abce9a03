/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/correlate/log_outside.h"

#include <stdlib.h>

#include "analyzer/record/window.h"

#define PIECE ((size_t)64 << 10)
#define LEAST_BYTES ((uint64_t)8 << 20) /* what is smaller is read in no time */
/* A clock may be wrong by a day and a zone, and a reboot a day before may still matter. */
#define REACH_NS (2 * WINDOW_UNSTAMPED_NS)

struct probe {
    struct source *source;
    struct stamp_clock clock;
    char *piece;
    struct log_outside *out;
    bool saw_any;
};

/* The stamp of a line in UTC, or INSTANT_NONE. */
static instant_ns stamp_of(struct probe *p, struct text line)
{
    struct envelope env;
    bool inferred;
    if (!envelope_parse(text_slice(line, 0, LOG_RAW_MAX), &env) || !env.has_stamp)
        return INSTANT_NONE;
    instant_ns t = stamp_resolve(&p->clock, &env.stamp, &inferred);
    if (t == INSTANT_NONE)
        return t;
    p->out->zone_stated = (p->out->zone_stated || !p->saw_any) && env.stamp.zone_stated;
    p->out->year_inferred |= inferred;
    if (!p->saw_any)
        p->out->format = env.format;
    p->saw_any = true;
    return t;
}

/* The first stamp behind a place, or the last one. */
static instant_ns stamp_at(struct probe *p, uint64_t at, bool last)
{
    struct text line, rest = {p->piece, source_read_at(p->source, at, p->piece, PIECE)};
    instant_ns found = INSTANT_NONE;
    bool more = true;
    if (at > 0 && !text_cut(rest, '\n', &line, &rest)) /* the place is inside a line */
        return INSTANT_NONE;
    while (more && (last || found == INSTANT_NONE)) {
        more = text_cut(rest, '\n', &line, &rest);
        instant_ns t = more || last ? stamp_of(p, line) : INSTANT_NONE;
        found = t == INSTANT_NONE ? found : t;
    }
    return found;
}

static bool is_far(const struct log_config *config, instant_ns offset,
                   const struct log_outside *out)
{
    return out->last - offset < config->span_first - REACH_NS ||
           out->first - offset > config->span_last + REACH_NS;
}

static bool in_order(struct probe *p, uint64_t size)
{
    instant_ns before = p->out->first;
    for (unsigned i = 1; i < LOG_OUTSIDE_PLACES; i++) {
        instant_ns t = stamp_at(p, size / LOG_OUTSIDE_PLACES * i, false);
        if (t == INSTANT_NONE || t < before)
            return false;
        before = t;
    }
    return before <= p->out->last;
}

/* Within what a capture can say, so that no difference overflows. */
static bool is_sane(instant_ns t)
{
    return t > -INT64_C(4400000000) * NS_PER_S && t < INT64_C(4400000000) * NS_PER_S;
}

void log_outside_limit(struct log_config *config, instant_ns offset)
{
    if (!is_sane(config->span_first) || !is_sane(config->span_last) || !is_sane(offset))
        return;
    config->has_wanted = true;
    config->wanted_first = config->span_first - REACH_NS + offset;
    config->wanted_last = config->span_last + REACH_NS + offset;
}

bool log_outside_find(struct source *source, uint64_t size, const struct log_config *config,
                      instant_ns offset, struct log_outside *out)
{
    *out = (struct log_outside){.first = INSTANT_NONE, .last = INSTANT_NONE};
    if (size < LEAST_BYTES || size > INT64_MAX || !is_sane(config->span_first) ||
        !is_sane(config->span_last) || !is_sane(offset))
        return false;
    struct probe p = {.source = source, .piece = malloc(PIECE), .out = out};
    stamp_clock_init(&p.clock, config->zone, config->span_first, config->span_last);
    bool outside = false;
    if (p.piece) {
        out->first = stamp_at(&p, 0, false);
        out->last = stamp_at(&p, size - PIECE, true);
        outside = is_sane(out->first) && is_sane(out->last) && is_far(config, offset, out) &&
                  in_order(&p, size);
    }
    free(p.piece);
    return outside;
}
