/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a line's event was: the envelope's stamp, the time since boot, or a stamp in the message.
 */
#include "parsers/log/reader_state.h"

void reader_set_time(struct log_reader *r, const struct envelope *env)
{
    struct event *e = &r->event;
    struct log_summary *s = &r->summary;
    bool inferred = false;
    e->monotonic_ns = env->monotonic_ns;
    if (env->has_stamp) {
        e->time = stamp_resolve(&r->clock, &env->stamp, &inferred);
        e->precision_ns = env->stamp.precision_ns;
        e->zone_stated = env->stamp.zone_stated;
        if (e->time == INSTANT_NONE)
            flaws_add(r->flaws, env->stamp.has_year ? "log.impossible-stamp" : "log.year-unknown",
                      e->line);
    } else if (env->monotonic_ns != INSTANT_NONE && r->config.boot != INSTANT_NONE) {
        e->time = r->config.boot + env->monotonic_ns;
        e->precision_ns = env->monotonic_width;
        e->zone_stated = true; /* the boot is an instant */
        s->n_since_boot++;
    }
    if (e->time == INSTANT_NONE)
        return;
    s->n_stamped++;
    s->n_zone_stated += e->zone_stated;
    s->n_year_inferred += inferred;
    if (s->first == INSTANT_NONE || e->time < s->first)
        s->first = e->time;
    if (s->last == INSTANT_NONE || e->time > s->last)
        s->last = e->time;
}

void reader_take_inner_time(struct log_reader *r, struct pattern_stamp *inner)
{
    struct event *e = &r->event;
    bool inferred;
    if (!inner->present) { /* the line's own stamp is when it began */
        if (e->time != INSTANT_NONE)
            e->time += inner->after_ms * 1000000;
        return;
    }
    if (!inner->stamp.zone_stated && e->zone_stated && e->time != INSTANT_NONE) {
        struct stamp_clock utc;
        stamp_clock_init(&utc, NULL, INSTANT_NONE, INSTANT_NONE);
        instant_ns as_utc = stamp_resolve(&utc, &inner->stamp, &inferred);
        /* the line states its offset, so the nearest quarter of an hour between the two is it */
        if (as_utc == INSTANT_NONE)
            return;
        int64_t quarter = 900 * NS_PER_S;
        int64_t apart = as_utc + inner->after_ms * 1000000 - e->time;
        int64_t n = (apart + (apart < 0 ? -quarter / 2 : quarter / 2)) / quarter;
        inner->stamp.zone_stated = true;
        inner->stamp.offset_s = (int32_t)(n * 900);
    }
    instant_ns t = stamp_resolve(&r->clock, &inner->stamp, &inferred);
    if (t == INSTANT_NONE)
        return;
    t += inner->after_ms * 1000000;
    int64_t apart = e->time == INSTANT_NONE ? 0 : t - e->time;
    if (apart < -2 * NS_PER_S || apart > 2 * NS_PER_S)
        return;
    if (e->time == INSTANT_NONE || inner->stamp.precision_ns < e->precision_ns) {
        e->time = t;
        e->precision_ns = inner->stamp.precision_ns;
    }
}
