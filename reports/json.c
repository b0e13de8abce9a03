/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Lines: one object a line in a fixed order (captures, logs, hosts, diagnoses, attempts,
 * unmatched lines, groups, summary).  Unknown values are left out.  Times are UTC with the decimals
 * that the input had. Output is pure ASCII: anything else is written as \u escapes, so no input
 * byte reaches a terminal.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/json_put.h"
#include "reports/report.h"
#include "reports/show.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

/* A terminal acts on DEL, too; inside JSON text it can only stand in a string. */
static bool write_all(FILE *out, const char *p, size_t n)
{
    for (size_t from = 0; from < n;) {
        const char *del = memchr(p + from, 0x7f, n - from);
        size_t part = del ? (size_t)(del - p) - from : n - from;
        if (fwrite(p + from, 1, part, out) != part || (del && fputs("\\u007f", out) == EOF))
            return false;
        from += part + (del != NULL);
    }
    return true;
}

/* Made whole first: the library hands out its text by the character where it escapes. */
static bool dump(FILE *out, const json_t *o, size_t flags)
{
    char *text = json_dumps(o, DUMP_FLAGS | flags);
    const bool good = text && write_all(out, text, strlen(text));
    free(text);
    return good;
}

static bool written(FILE *out, bool good, int why, struct error *err)
{
    if (good)
        return true;
    return ferror(out)
               ? error_set_errno(err, why ? why : EIO, "", "the report could not be written")
               : error_set(err, ERROR_NO_MEMORY, "", "out of memory");
}

static bool emit(FILE *out, json_t *o, struct error *err)
{
    if (!o)
        return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    errno = 0;
    bool good = dump(out, o, 0) && putc('\n', out) != EOF;
    int why = errno;
    json_decref(o);
    return written(out, good, why, err);
}

static void put_flaws(json_t *o, const char *key, const struct flaws *flaws)
{
    if (flaws->n == 0)
        return;
    json_t *counts = json_object();
    for (size_t i = 0; i < flaws->n; i++)
        json_put_int(counts, flaws->v[i].name, flaws->v[i].count);
    json_put(o, key, counts);
}

/* A piece of one capture: which, and how it joins the piece before. */
static json_t *series_of(const struct case_capture *c)
{
    json_t *o = json_object();
    json_put_int(o, "file", c->file + 1);
    json_put_int(o, "files", c->n_files);
    if (c->file > 0) {
        json_put_seconds(o, c->gap_ns < 0 ? "overlap_s" : "gap_s",
                         c->gap_ns < 0 ? -c->gap_ns : c->gap_ns);
        json_put_int(o, "continued", c->n_continued);
    }
    return o;
}

static void put_gaps(json_t *o, const struct case_capture *c)
{
    json_t *gaps = json_array();
    for (size_t i = 0; i < c->n_gaps; i++)
        json_array_append_new(gaps, json_clean(c->gaps[i]));
    if (c->n_gaps > 0)
        json_put(o, "damaged_where", gaps);
    else
        json_decref(gaps);
}

static json_t *capture_line(const struct case_capture *c)
{
    json_t *o = json_line("capture");
    json_put_text(o, "capture", c->name);
    if (c->is_joined) {
        json_t *halves = json_array();
        for (int i = 0; i < 2; i++)
            json_array_append_new(halves, json_clean(c->half[i]));
        json_put(o, "joined_from", halves);
    }
    json_put_str(o, "format", c->format);
    json_t *links = json_array();
    for (size_t i = 0; i < c->n_link_types; i++)
        json_array_append_new(links, json_string(c->link_types[i]));
    json_put(o, "link_types", links);
    json_put_int(o, "packets", c->n_packets);
    json_put_int(o, "bytes", c->n_bytes);
    json_put_time(o, "first", c->first, c->time_digits);
    json_put_time(o, "last", c->last, c->time_digits);
    json_put(o, "truncated", json_boolean(c->truncated));
    json_put_text(o, "truncated_where", c->truncated_where);
    json_put_int(o, "bytes_analysed", c->n_bytes_analysed);
    put_flaws(o, "bytes_skipped", &c->skipped_bytes);
    put_gaps(o, c);
    json_put_int(o, "snaplen_cut", c->snaplen_cut);
    if (c->n_dropped > 0)
        json_put_int(o, "dropped", c->n_dropped);
    if (loss_share(c) > 0)
        json_put(o, "lost_share", json_real(round(loss_share(c) * 1000) / 1000));
    if (loss_is_control_only(&c->loss))
        json_put(o, "control_only", json_true());
    json_put_text(o, "filter", c->filter);
    put_flaws(o, "skipped", &c->skipped);
    put_flaws(o, "flaws", &c->flaws);
    json_t *skipped = json_array();
    for (size_t i = 0; i < c->n_rst_skipped; i++) {
        json_t *one = json_object();
        json_put_int(one, "frame", c->rst_skipped[i].frame);
        json_put_text(one, "reason", c->rst_skipped[i].reason);
        json_array_append_new(skipped, one);
    }
    json_put(o, "rst_skipped", skipped);
    json_put_int(o, "rst_frames", c->n_rst_frames);
    json_put_int(o, "connections", c->n_connections);
    if (c->n_syslog > 0)
        json_put_int(o, "syslog_datagrams", c->n_syslog);
    json_put_int(o, "vantage", c->vantage);
    if (c->n_files > 1)
        json_put(o, "series", series_of(c));
    if (c->clock_offset_known)
        json_put_seconds(o, "clock_offset_s", c->clock_offset_ns);
    return o;
}

/* Decimals that both instants need: a log in whole seconds shows none. */
static unsigned digits_of_both(instant_ns a, instant_ns b)
{
    static const struct {
        instant_ns unit;
        unsigned digits;
    } rows[] = {{NS_PER_S, 0}, {NS_PER_S / 1000, 3}, {NS_PER_S / 1000000, 6}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (a % rows[i].unit == 0 && b % rows[i].unit == 0)
            return rows[i].digits;
    return 9;
}

/* How it ran between the anchors, and what it is known by. */
static void put_clock_course(json_t *o, const struct case_clock *k)
{
    json_put_str(o, "clock_by", clock_by_name(k->by));
    if (k->drifts) {
        json_put(o, "clock_drift_ppm", json_real((double)k->drift_ppb / 1e3));
        json_put(o, "clock_drift_spread_ppm", json_real((double)k->drift_spread_ppb / 1e3));
    }
    if (!k->n_steps)
        return;
    json_t *steps = json_array();
    for (size_t i = 0; i < k->n_steps; i++) {
        json_t *s = json_object();
        json_put_int(s, "after_line", k->steps[i].after_line);
        json_put_int(s, "before_line", k->steps[i].before_line);
        json_put_seconds(s, "by_s", k->steps[i].by_ns);
        json_put_seconds(s, "spread_s", k->steps[i].spread_ns);
        json_array_append_new(steps, s);
    }
    json_put(o, "clock_steps", steps);
}

static json_t *host_clock(const struct case_clock *k)
{
    json_t *o = json_object();
    json_put_text(o, "host", k->host);
    json_put_seconds(o, "clock_offset_s", k->offset_ns);
    json_put_seconds(o, "clock_offset_spread_s", k->spread_ns);
    json_put_int(o, "clock_anchors", k->n_anchors);
    put_clock_course(o, k);
    return o;
}

static void put_clocks(json_t *o, const struct case_log *l)
{
    if (!l->n_clocks)
        return;
    put_clock_course(o, &l->clocks[0]);
    if (!l->offset_known)
        json_put_seconds(o, "clock_taken_within_s", l->offset_spread_ns);
    if (l->n_clocks < 2)
        return;
    json_t *others = json_array();
    for (size_t i = 1; i < l->n_clocks; i++)
        json_array_append_new(others, host_clock(&l->clocks[i]));
    json_put(o, "other_clocks", others);
}

/* Lines that are none have plain names, oddities of the file dotted ones. */
static void put_log_flaws(json_t *o, const char *key, const struct flaws *flaws, bool are_dotted)
{
    json_t *counts = json_object();
    for (size_t i = 0; i < flaws->n; i++)
        if ((strchr(flaws->v[i].name, '.') != NULL) == are_dotted)
            json_put_int(counts, flaws->v[i].name, flaws->v[i].count);
    if (json_object_size(counts) > 0)
        json_put(o, key, counts);
    else
        json_decref(counts);
}

static json_t *log_line(const struct case_log *l)
{
    json_t *o = json_line("log");
    json_put_text(o, "file", l->name);
    if (l->continues.n > 0)
        json_put_text(o, "continues", l->continues);
    if (l->n_datagrams > 0)
        json_put_address(o, "syslog_from", &l->sender);
    json_put_text(o, "host", l->host);
    if (l->host_unplaced)
        json_put(o, "host_unplaced", json_true());
    json_put_text(o, "format", l->format);
    json_put_int(o, "lines", l->n_lines);
    json_put_int(o, "events", l->n_events);
    json_put_int(o, "unrecognised", l->n_unrecognised);
    put_log_flaws(o, "skipped", &l->flaws, false);
    put_log_flaws(o, "flaws", &l->flaws, true);
    if (l->n_bytes_outside > 0)
        json_put_int(o, "bytes_outside_captured_time", l->n_bytes_outside);
    unsigned digits = digits_of_both(l->first, l->last);
    json_put_time(o, "first", l->first, digits);
    json_put_time(o, "last", l->last, digits);
    json_put_text(o, "timezone", l->zone);
    json_put_text(o, "timezone_why", l->zone_why);
    if (l->year_inferred)
        json_put(o, "year_inferred", json_true());
    if (l->offset_known) {
        json_put_seconds(o, "clock_offset_s", l->offset_ns);
        json_put_seconds(o, "clock_offset_spread_s", l->offset_spread_ns);
    }
    json_put_int(o, "clock_anchors", l->n_anchors);
    put_clocks(o, l);
    return o;
}

static json_t *host_line(const struct case_host *h)
{
    json_t *o = json_line("host");
    json_put_text(o, "file", h->name);
    json_put_text(o, "host", h->host);
    json_put_str(o, "kind", h->kind);
    json_t *facts = json_object();
    for (size_t i = 0; i < h->n_values; i++) {
        struct strbuf key;
        strbuf_init(&key);
        show_utf8(&key, h->values[i].name);
        if (key.p)
            json_put(facts, key.p, json_clean(h->values[i].value));
        strbuf_finish(&key);
    }
    json_put(o, "facts", facts);
    return o;
}

static json_t *unmatched_line_of(const struct findings *f, const struct unmatched_line *u)
{
    json_t *o = json_line("unmatched-log");
    const struct event *e = u->event;
    json_put_text(o, "file", f->of->logs[e->source].name);
    json_put_int(o, "line", e->line);
    json_put_time(o, "time", e->time, json_digits(e->precision_ns));
    json_put_text(o, "event", e->kind);
    json_put_datagram(o, f->of, e);
    json_put_endpoint(o, "client", &e->client);
    json_put_endpoint(o, "server", &e->server);
    json_put_str(o, "cause", "reset-not-captured");
    json_put_text(o, "why", u->why);
    json_put_str(o, "why_id", u->why_id);
    json_put_text(o, "capture_hint", u->capture_hint);
    json_put_text(o, "text", e->raw);
    return o;
}

/* Resets that their connection survived: their frames are among rst_skipped. */
static json_t *attempt_line(const struct findings *f, const struct reset *r)
{
    const struct case_capture *c = &f->of->captures[reset_capture(r)];
    json_t *o = json_line("attempt");
    json_put_text(o, "capture", c->name);
    json_put_int(o, "frame", reset_frame(r));
    json_put_time(o, "time", r->deciding.segment.time, c->time_digits);
    json_put_endpoint(o, "client", reset_end(r, SIDE_CLIENT));
    json_put_endpoint(o, "server", reset_end(r, SIDE_SERVER));
    json_put_int(o, "stream", reset_stream(r));
    json_put_str(o, "claimed", side_name(r->claimed));
    json_put_str(o, "sender", side_name(r->sender));
    json_put(o, "confidence", json_real(round(r->sender_confidence * 1000) / 1000));
    json_put_str(o, "rst_validity", rst_validity_name(r->deciding.validity));
    json_t *frames = json_array();
    for (size_t i = 0; i < r->n_rsts; i++) {
        uint64_t frame = r->rsts[i].segment.frame;
        if (frame_file(frame) == frame_file(r->deciding.segment.frame))
            json_array_append_new(frames, json_integer((json_int_t)frame_number(frame)));
    }
    json_put(o, "rst_frames", frames);
    return o;
}

/* All but the members, of which there may be millions. */
static json_t *group_line(const struct findings *f, const struct group *g)
{
    json_t *o = json_line("group");
    json_put_str(o, "cause", g->cause);
    json_put_endpoint(o, g->by_server ? "server" : "client", &g->at);
    json_put_int(o, "count", g->n_members);
    unsigned digits = g->n_members > 0 ? f->of->captures[g->members[0]->capture].time_digits : 6;
    json_put_time(o, "first", g->first, digits);
    json_put_time(o, "last", g->last, digits);
    json_put_str(o, "pattern", g->pattern);
    return o;
}

/* The group's object without its closing brace, then the members one by one. */
static bool emit_group(FILE *out, const struct findings *f, const struct group *g,
                       struct error *err)
{
    json_t *o = group_line(f, g);
    if (!o)
        return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    errno = 0;
    bool good =
        putc('{', out) != EOF && dump(out, o, JSON_EMBED) && fputs(",\"members\":[", out) != EOF;
    json_decref(o);
    for (size_t i = 0; good && i < g->n_members; i++) {
        char id[FINDING_ID_MAX];
        finding_id(g->members[i], id);
        good = fprintf(out, "%s\"%s\"", i ? "," : "", id) > 0;
    }
    good = good && fputs("]}\n", out) != EOF;
    return written(out, good, errno, err);
}

/* A run of findings has mostly one cause: the name is looked up when it changes. */
static void count_names(json_t *counts, const struct findings *f,
                        const char *(*name)(const struct finding *x))
{
    for (size_t i = 0, from = 0; i < f->n; i++) {
        const char *key = name(&f->v[i]);
        if (i + 1 < f->n && name(&f->v[i + 1]) == key)
            continue;
        json_int_t before = json_integer_value(json_object_get(counts, key));
        json_put(counts, key, json_integer(before + (json_int_t)(i + 1 - from)));
        from = i + 1;
    }
}

static const char *cause_of(const struct finding *x)
{
    return x->cause;
}

static const char *severity_of(const struct finding *x)
{
    return severity_name(x->severity);
}

static json_t *summary_line(const struct findings *f)
{
    const struct case_summary *s = &f->of->summary;
    json_t *o = json_line("summary");
    json_put_str(o, "whyrst", WHYRST_VERSION);
    json_put_int(o, "packets", s->n_packets);
    json_put_int(o, "connections", s->n_connections);
    json_put_int(o, "reset_connections", s->n_reset_connections);
    json_put_int(o, "diagnoses", f->n);
    json_t *causes = json_object(), *severities = json_object(), *skipped = json_array();
    count_names(causes, f, cause_of);
    count_names(severities, f, severity_of);
    json_put(o, "by_cause", causes);
    json_put(o, "by_severity", severities);
    json_put_int(o, "attempts", f->of->n_attempts);
    json_put_int(o, "unmatched_logs", f->of->n_unmatched);
    if (f->of->n_unmatched_more > 0)
        json_put_int(o, "unmatched_logs_counted_only", f->of->n_unmatched_more);
    json_put_int(o, "log_lines", s->n_log_lines);
    json_put_int(o, "events", s->n_events);
    for (size_t i = 0; i < f->of->n_inputs; i++) {
        const struct case_input *in = &f->of->inputs[i];
        if (!in->failed && strcmp(in->taken_for, "skipped") != 0)
            continue;
        json_t *one = json_object();
        json_put_text(one, "input", in->name);
        json_put_text(one, "why", in->why);
        json_array_append_new(skipped, one);
    }
    json_put(o, "inputs_skipped", skipped);
    if (f->of->n_resets_lost > 0)
        json_put_int(o, "resets_counted_only", f->of->n_resets_lost);
    json_put(o, "complete", json_boolean(s->complete));
    return o;
}

static bool write_groups(FILE *out, const struct findings *f, struct error *err)
{
    struct arena a;
    struct groups groups;
    arena_init(&a, NULL);
    bool good =
        findings_group(f, &a, &groups) || error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; good && i < groups.n; i++)
        good = emit_group(out, f, &groups.v[i], err);
    arena_finish(&a);
    return good;
}

static bool write_json(FILE *out, const struct findings *f, const struct report_options *o,
                       struct error *err)
{
    (void)o;
    const struct case_file *c = f->of;
    struct telling t = {0};
    bool good = true;
    for (size_t i = 0; good && i < c->n_captures; i++)
        good = emit(out, capture_line(&c->captures[i]), err);
    for (size_t i = 0; good && i < c->n_logs; i++)
        good = emit(out, log_line(&c->logs[i]), err);
    for (size_t i = 0; good && i < c->n_hosts; i++)
        good = emit(out, host_line(&c->hosts[i]), err);
    for (size_t i = 0; good && i < f->n; i++)
        good = emit(out, json_diagnosis(f, findings_tell(f, &f->v[i], &t)), err);
    for (size_t i = 0; good && i < c->n_attempts; i++)
        good = emit(out, attempt_line(f, c->attempts[i]), err);
    for (size_t i = 0; good && i < c->n_unmatched; i++)
        good = emit(out, unmatched_line_of(f, &c->unmatched[i]), err);
    telling_finish(&t);
    return good && write_groups(out, f, err) && emit(out, summary_line(f), err);
}

const struct report_format report_json = {
    .id = "json",
    .extension = ".jsonl .json .ndjson",
    .about = "JSON Lines: one object a line, for jq and for machines",
    .write = write_json,
};
