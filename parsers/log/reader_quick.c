/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way through a plain syslog header.  A line of the common form teaches what stands
 * before its seconds and between them and the tag; a later line that agrees byte for byte is read
 * by its seconds, fraction and tag alone.  Whatever is unusual goes the long way, so both ways say
 * the same of a line.
 */
#include <string.h>

#include "parsers/log/reader_state.h"

static bool is_offset_char(char c)
{
    return scan_is_digit(c) || c == '+' || c == '-' || c == ':' || c == 'Z';
}

static bool is_plain(const struct quick_head *q, size_t n_host, enum log_format f)
{
    size_t n_offset = 0, n_rest = q->form.n_rest;
    if (n_rest < n_host + 2 || q->rest[n_rest - 1] != ' ' || q->rest[n_rest - 2 - n_host] != ' ')
        return false;
    while (f == LOG_ISO && is_offset_char(q->rest[n_offset]))
        n_offset++;
    return n_offset + n_host + 2 == n_rest;
}

void reader_quick_learn(struct log_reader *r, struct text line, const struct envelope *env)
{
    struct quick_head *q = &r->quick;
    const struct event *e = &r->event;
    size_t n = plain_minute_length(line, env->format);
    q->form.n_minute = 0;
    q->n_learnt++;
    if (!n || e->time == INSTANT_NONE || !env->host.n || !env->program.n ||
        env->stamp.civil.second > 59 || env->program.p < line.p)
        return;
    struct plain_form form = {.n_minute = n, .n_digits = plain_fraction_length(line, n + 2)};
    size_t tag = (size_t)(env->program.p - line.p), at = plain_rest_at(&form);
    if (tag > line.n || tag <= at || tag - at > sizeof q->rest)
        return;
    q->form.n_rest = form.n_rest = tag - at;
    memcpy(q->minute, line.p, n);
    memcpy(q->rest, line.p + at, form.n_rest);
    q->n_host = env->host.n;
    if (!is_plain(q, q->n_host, env->format))
        return;
    q->start =
        e->time - (instant_ns)env->stamp.civil.second * NS_PER_S - env->stamp.civil.nanosecond;
    q->precision_ns = e->precision_ns;
    q->zone_stated = e->zone_stated;
    q->format = env->format;
    q->inferred = r->clock.minute_inferred;
    q->n_lines_of_host = reader_host_counter(&r->summary, env->host);
    q->form = form;
}

/* A message that its daemon or the kernel stamped, too. */
static bool look_inside(struct quick_line *l)
{
    const struct text m = l->tag.message;
    l->body = m;
    l->monotonic_ns = INSTANT_NONE;
    if (scan_is_digit(m.p[0]))
        return m.n < 5 || (m.p[4] != '-' && m.p[4] != '/');
    if (m.p[0] != '[')
        return true;
    instant_ns width;
    if (text_starts(l->tag.program, TEXT("postgres")))
        return false;
    struct scan s = scan_of(m);
    if (text_eq(l->tag.program, TEXT("kernel")) &&
        stamp_take_monotonic(&s, &l->monotonic_ns, &width)) {
        scan_byte(&s, ' ');
        l->tag.message = scan_rest(&s);
    }
    return true;
}

void reader_quick_count(struct log_reader *r, uint64_t n, instant_ns first, instant_ns last)
{
    struct log_summary *s = &r->summary;
    const struct quick_head *q = &r->quick;
    s->formats[q->format] += n;
    s->n_stamped += n;
    s->n_zone_stated += q->zone_stated ? n : 0;
    s->n_year_inferred += q->inferred ? n : 0;
    s->first = first < s->first ? first : s->first; /* the line that taught was counted before */
    s->last = last > s->last ? last : s->last;
    *q->n_lines_of_host += n;
}

/* The head of the line is as it was when its parts were found: no line was learnt from since. */
static void finish(struct log_reader *r, struct quick_line *l)
{
    struct event *e = &r->event;
    l->is_there = false;
    if (r->stopped)
        return;
    reader_begin(r, l->raw, l->number);
    e->host = l->host;
    e->program = l->tag.program;
    e->pid = l->tag.pid;
    e->message = l->tag.message;
    e->time = l->time;
    e->monotonic_ns = l->monotonic_ns;
    e->precision_ns = r->quick.precision_ns;
    e->zone_stated = r->quick.zone_stated;
    reader_quick_count(r, 1, l->time, l->time);
    reader_finish_foreseen(r, &l->prospect);
    reader_teach(r, l);
}

void reader_quick_flush(struct log_reader *r)
{
    struct quick_line *waits = &r->ahead[1 - r->free_ahead];
    if (waits->is_there)
        finish(r, waits);
}

static bool is_far(const struct log_reader *r, instant_ns t)
{
    return r->config.has_wanted && r->n_read > LOG_READ_IN_FULL &&
           (t < r->config.wanted_first || t > r->config.wanted_last);
}

/* Its head counts as that of any other line. */
static void pass_over(struct log_reader *r, const struct quick_line *l)
{
    reader_quick_flush(r);
    if (r->stopped)
        return;
    reader_quick_count(r, 1, l->time, l->time);
    reader_skip(r, LOG_SKIP_FAR, 1);
    r->last = l->raw;
}

bool reader_quick_take(struct log_reader *r, struct text line, uint64_t number)
{
    const struct quick_head *q = &r->quick;
    struct quick_line *l = &r->ahead[r->free_ahead];
    const size_t rest = plain_rest_at(&q->form), at = rest + q->form.n_rest;
    instant_ns since;
    if (!q->form.n_minute || line.n < at + 4 || line.n > LOG_RAW_MAX)
        return false;
    if (!same_bytes(line.p, q->minute, q->form.n_minute) ||
        !plain_take_time(&q->form, line.p, &since) ||
        !same_bytes(line.p + rest, q->rest, q->form.n_rest))
        return false;
    if (!plain_take_tag(&l->tag, line, at) || !look_inside(l))
        return false;
    l->raw = line;
    l->host = (struct text){line.p + at - 1 - q->n_host, q->n_host};
    l->number = number;
    l->time = q->start + since;
    if (is_far(r, l->time)) {
        pass_over(r, l);
        return true;
    }
    patterns_foresee(r->patterns, l->tag.program, l->tag.message, &l->prospect);
    l->is_there = true;
    reader_quick_flush(r);
    r->free_ahead = 1 - r->free_ahead;
    return true;
}
