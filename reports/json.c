/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Lines: one object a line in a fixed order (captures, logs, hosts, diagnoses, unmatched
 * lines, groups, summary).  Unknown values are left out.  Times are UTC with the decimals that the
 * input had. Output is pure ASCII: anything else is written as \u escapes, so no input byte reaches
 * a terminal.
 */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "reports/report.h"
#include "reports/show.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

static void put(json_t *o, const char *key, json_t *value)
{
    if (value)
        json_object_set_new(o, key, value);
}

/* A clean string; NULL for an empty text when it means "unknown". */
static json_t *string_of(struct text t)
{
    struct strbuf clean;
    strbuf_init(&clean);
    show_utf8(&clean, t);
    json_t *s = json_stringn(clean.p ? clean.p : "", clean.n);
    strbuf_finish(&clean);
    return s;
}

static void put_text(json_t *o, const char *key, struct text t)
{
    if (t.n > 0)
        put(o, key, string_of(t));
}

static void put_str(json_t *o, const char *key, const char *s)
{
    if (s && *s)
        put(o, key, json_string(s));
}

static void put_int(json_t *o, const char *key, uint64_t n)
{
    put(o, key, json_integer((json_int_t)n));
}

static void put_time(json_t *o, const char *key, instant_ns t, unsigned digits)
{
    char text[INSTANT_TEXT_MAX];
    if (t == INSTANT_NONE)
        return;
    instant_format(t, digits, text);
    put(o, key, json_string(text));
}

/* Nanoseconds as seconds; rounded to the nanosecond that it is. */
static void put_seconds(json_t *o, const char *key, instant_ns ns)
{
    if (ns != INSTANT_NONE)
        put(o, key, json_real((double)ns / 1e9));
}

static void put_flaws(json_t *o, const char *key, const struct flaws *flaws)
{
    if (flaws->n == 0)
        return;
    json_t *counts = json_object();
    for (size_t i = 0; i < flaws->n; i++)
        put_int(counts, flaws->v[i].name, flaws->v[i].count);
    put(o, key, counts);
}

static bool emit(FILE *out, json_t *o, struct error *err)
{
    bool good = o && json_dumpf(o, out, DUMP_FLAGS) == 0 && putc('\n', out) != EOF;
    json_decref(o);
    return good || error_set(err, ERROR_IO, "", "a line of JSON could not be written");
}

static json_t *object_of(const char *type)
{
    json_t *o = json_object();
    if (o)
        put_str(o, "type", type);
    return o;
}

static json_t *capture_line(const struct case_capture *c)
{
    json_t *o = object_of("capture");
    put_text(o, "capture", c->name);
    put_str(o, "format", c->format);
    json_t *links = json_array();
    for (size_t i = 0; i < c->n_link_types; i++)
        json_array_append_new(links, json_string(c->link_types[i]));
    put(o, "link_types", links);
    put_int(o, "packets", c->n_packets);
    put_int(o, "bytes", c->n_bytes);
    put_time(o, "first", c->first, c->time_digits);
    put_time(o, "last", c->last, c->time_digits);
    put(o, "truncated", json_boolean(c->truncated));
    put_text(o, "truncated_where", c->truncated_where);
    put_int(o, "snaplen_cut", c->snaplen_cut);
    put_flaws(o, "skipped", &c->skipped);
    put_flaws(o, "flaws", &c->flaws);
    json_t *skipped = json_array();
    for (size_t i = 0; i < c->n_rst_skipped; i++) {
        json_t *one = json_object();
        put_int(one, "frame", c->rst_skipped[i].frame);
        put_text(one, "reason", c->rst_skipped[i].reason);
        json_array_append_new(skipped, one);
    }
    put(o, "rst_skipped", skipped);
    put_int(o, "rst_frames", c->n_rst_frames);
    put_int(o, "connections", c->n_connections);
    put_int(o, "vantage", c->vantage);
    if (c->clock_offset_known)
        put_seconds(o, "clock_offset_s", c->clock_offset_ns);
    return o;
}

static json_t *log_line(const struct case_log *l)
{
    json_t *o = object_of("log");
    put_text(o, "file", l->name);
    put_text(o, "host", l->host);
    put_text(o, "format", l->format);
    put_int(o, "lines", l->n_lines);
    put_int(o, "events", l->n_events);
    put_int(o, "unrecognised", l->n_unrecognised);
    put_flaws(o, "skipped", &l->flaws);
    put_time(o, "first", l->first, 6);
    put_time(o, "last", l->last, 6);
    put_text(o, "timezone", l->zone);
    put_text(o, "timezone_why", l->zone_why);
    if (l->year_inferred)
        put(o, "year_inferred", json_true());
    if (l->offset_known) {
        put_seconds(o, "clock_offset_s", l->offset_ns);
        put_seconds(o, "clock_offset_spread_s", l->offset_spread_ns);
    }
    put_int(o, "clock_anchors", l->n_anchors);
    return o;
}

static json_t *host_line(const struct case_host *h)
{
    json_t *o = object_of("host");
    put_text(o, "file", h->name);
    put_text(o, "host", h->host);
    put_str(o, "kind", h->kind);
    json_t *facts = json_object();
    for (size_t i = 0; i < h->n_values; i++) {
        struct strbuf key;
        strbuf_init(&key);
        show_utf8(&key, h->values[i].name);
        if (key.p)
            put(facts, key.p, string_of(h->values[i].value));
        strbuf_finish(&key);
    }
    put(o, "facts", facts);
    return o;
}

static json_t *endpoint_of(const struct endpoint *e)
{
    char ip[ADDRESS_TEXT_MAX];
    address_format(&e->ip, ip);
    json_t *o = json_object();
    put_str(o, "ip", ip);
    if (e->port != 0)
        put_int(o, "port", e->port);
    return o;
}

static void put_endpoint(json_t *o, const char *key, const struct endpoint *e)
{
    if (!address_is_zero(&e->ip))
        put(o, key, endpoint_of(e));
}

static unsigned digits_of(const struct findings *f, const struct reset *r)
{
    return f->of->captures[r->connection->capture].time_digits;
}

/* As many decimals as the stamp had. */
static unsigned digits_of_precision(instant_ns precision)
{
    unsigned digits = 0;
    for (instant_ns unit = NS_PER_S; digits < 9 && precision > 0 && precision < unit; unit /= 10)
        digits++;
    return digits;
}

static void fill_log_evidence(json_t *o, const struct findings *f, const struct link *l)
{
    const struct event *e = l->event;
    put_text(o, "file", f->of->logs[e->source].name);
    put_int(o, "line", e->line);
    put_time(o, "time", e->time, digits_of_precision(e->precision_ns));
    put_seconds(o, "offset_s", l->offset_ns);
    put_str(o, "match", join_name(l->join));
    put_text(o, "event", e->kind);
    put_text(o, "text", e->raw);
}

static json_t *evidence_of(const struct findings *f, const struct reset *r,
                           const struct evidence *e)
{
    static const char *const kinds[] = {"packet", "packet", "log", "host", "packet"};
    json_t *o = json_object();
    put_str(o, "kind", kinds[e->kind]);
    if (e->kind != SOURCE_LOG && e->kind != SOURCE_HOST)
        put_int(o, "frame", e->frame != 0 ? e->frame : r->deciding.segment.frame);
    if (e->kind == SOURCE_LOG && e->link)
        fill_log_evidence(o, f, e->link);
    if (e->kind == SOURCE_HOST) {
        put_text(o, "file", f->of->hosts[e->host].name);
        put_text(o, "fact", e->key);
        put_text(o, "value", e->value);
    }
    put_text(o, "says", e->says);
    return o;
}

static json_t *alternative_of(const struct alternative *a)
{
    json_t *o = json_object();
    put_str(o, "cause", a->cause);
    put(o, "confidence", json_real(a->confidence));
    if (a->indistinct)
        put(o, "indistinct", json_true());
    put_text(o, "told_apart_by", a->told_apart_by);
    return o;
}

static json_t *texts_of(const struct text *v, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, string_of(v[i]));
    return array;
}

static json_t *rst_frames_of(const struct reset *r)
{
    json_t *array = json_array();
    for (size_t i = 0; i < r->n_rsts; i++)
        json_array_append_new(array, json_integer((json_int_t)r->rsts[i].segment.frame));
    return array;
}

static json_t *seen_in_of(const struct findings *f, const struct reset *r)
{
    json_t *array = json_array();
    for (size_t i = 0; i < r->n_seen_in; i++) {
        const struct reset *other = r->seen_in[i];
        json_t *o = json_object();
        put_text(o, "capture", f->of->captures[other->connection->capture].name);
        put_int(o, "frame", other->deciding.segment.frame);
        put_int(o, "stream", other->connection->stream);
        put(o, "rst_frames", rst_frames_of(other));
        json_array_append_new(array, o);
    }
    return array;
}

static void put_wire(json_t *o, const struct findings *f, const struct reset *r)
{
    const struct connection *c = r->connection;
    put_endpoint(o, "client", &c->end[SIDE_CLIENT].at);
    put_endpoint(o, "server", &c->end[SIDE_SERVER].at);
    if (c->client_guessed)
        put(o, "client_guessed", json_true());
    put_str(o, "conn_state", c->conn_state);
    put_text(o, "history", c->history);
    put_int(o, "stream", c->stream);
    put_str(o, "sender", side_name(r->sender));
    put_str(o, "phase", phase_name(r->phase));
    put_str(o, "mechanism", mechanism_name(r->mechanism));
    put_str(o, "rst_validity", rst_validity_name(r->deciding.validity));
    if (!r->killed)
        put(o, "killed", json_false());
    put(o, "rst_frames", rst_frames_of(r));
    put(o, "seen_in", seen_in_of(f, r));
    put_seconds(o, "duration_s", r->deciding.segment.time - c->first_time);
    put_seconds(o, "idle_before_s", r->idle_before_ns);
    json_t *bytes = json_object();
    put_int(bytes, "client", c->end[SIDE_CLIENT].bytes);
    put_int(bytes, "server", c->end[SIDE_SERVER].bytes);
    put(o, "bytes", bytes);
    json_t *kernel = json_array();
    size_t n = sizeof r->kernel_reasons / sizeof r->kernel_reasons[0];
    for (size_t i = 0; i < n && r->kernel_reasons[i]; i++)
        json_array_append_new(kernel, json_string(r->kernel_reasons[i]));
    if (json_array_size(kernel) > 0)
        put(o, "kernel_reason", kernel);
    else
        json_decref(kernel);
}

static json_t *remedies_of(const struct diagnosis *d)
{
    json_t *array = json_array();
    for (size_t i = 0; i < d->n_remedies; i++)
        json_array_append_new(array, string_of(d->remedies[i].text));
    return array;
}

static json_t *undecided_of(const struct undecided *u)
{
    json_t *o = json_object();
    put_str(o, "rule", u->rule);
    put_str(o, "cause", u->cause);
    put_text(o, "missing", u->missing);
    put_text(o, "collect", u->collect);
    return o;
}

static json_t *diagnosis_line(const struct findings *f, const struct diagnosis *d)
{
    const struct reset *r = d->reset;
    json_t *o = object_of("diagnosis");
    put_text(o, "id", d->id);
    put_text(o, "capture", f->of->captures[r->connection->capture].name);
    put_int(o, "frame", r->deciding.segment.frame);
    put_time(o, "time", r->deciding.segment.time, digits_of(f, r));
    put_text(o, "community_id", d->community_id);
    put_wire(o, f, r);
    put_str(o, "cause", d->cause);
    put_str(o, "severity", severity_name(d->severity));
    put(o, "confidence", json_real(round(d->confidence * 1000) / 1000));
    put_str(o, "rule", d->rule);
    put_text(o, "title", d->title);
    put_text(o, "explanation", d->explanation);
    json_t *evidence = json_array(), *alternatives = json_array(), *undecided = json_array();
    for (size_t i = 0; i < d->n_evidence; i++)
        json_array_append_new(evidence, evidence_of(f, r, &d->evidence[i]));
    for (size_t i = 0; i < d->n_alternatives; i++)
        json_array_append_new(alternatives, alternative_of(&d->alternatives[i]));
    for (size_t i = 0; i < d->n_undecided; i++)
        json_array_append_new(undecided, undecided_of(&d->undecided[i]));
    put(o, "evidence", evidence);
    put(o, "alternatives", alternatives);
    put(o, "undecided", undecided);
    put(o, "remedies", remedies_of(d));
    put_text(o, "display_filter", d->display_filter);
    put(o, "references", texts_of(d->references, d->n_references));
    return o;
}

static json_t *unmatched_line_of(const struct findings *f, const struct unmatched_line *u)
{
    json_t *o = object_of("unmatched-log");
    const struct event *e = u->event;
    put_text(o, "file", f->of->logs[e->source].name);
    put_int(o, "line", e->line);
    put_time(o, "time", e->time, digits_of_precision(e->precision_ns));
    put_text(o, "event", e->kind);
    put_endpoint(o, "client", &e->client);
    put_endpoint(o, "server", &e->server);
    put_str(o, "cause", "reset-not-captured");
    put_text(o, "why", u->why);
    put_str(o, "why_id", u->why_id);
    put_text(o, "capture_hint", u->capture_hint);
    put_text(o, "text", e->raw);
    return o;
}

static json_t *group_line(const struct findings *f, const struct group *g)
{
    json_t *o = object_of("group");
    put_str(o, "cause", g->cause);
    put_endpoint(o, g->by_server ? "server" : "client", &g->at);
    put_int(o, "count", g->n_members);
    unsigned digits = g->n_members > 0 ? digits_of(f, g->members[0]->reset) : 6;
    put_time(o, "first", g->first, digits);
    put_time(o, "last", g->last, digits);
    put_str(o, "pattern", g->pattern);
    json_t *members = json_array();
    for (size_t i = 0; i < g->n_members; i++)
        json_array_append_new(members, string_of(g->members[i]->id));
    put(o, "members", members);
    return o;
}

static void count_one(json_t *counts, const char *key)
{
    json_int_t before = json_integer_value(json_object_get(counts, key));
    put(counts, key, json_integer(before + 1));
}

static json_t *summary_line(const struct findings *f)
{
    const struct case_summary *s = &f->of->summary;
    json_t *o = object_of("summary");
    put_str(o, "whyrst", WHYRST_VERSION);
    put_int(o, "packets", s->n_packets);
    put_int(o, "connections", s->n_connections);
    put_int(o, "reset_connections", s->n_reset_connections);
    put_int(o, "diagnoses", f->n_diagnoses);
    json_t *causes = json_object(), *severities = json_object(), *skipped = json_array();
    for (size_t i = 0; i < f->n_diagnoses; i++) {
        count_one(causes, f->diagnoses[i].cause);
        count_one(severities, severity_name(f->diagnoses[i].severity));
    }
    put(o, "by_cause", causes);
    put(o, "by_severity", severities);
    put_int(o, "unmatched_logs", f->of->n_unmatched);
    put_int(o, "log_lines", s->n_log_lines);
    put_int(o, "events", s->n_events);
    for (size_t i = 0; i < f->of->n_inputs; i++) {
        const struct case_input *in = &f->of->inputs[i];
        if (!in->failed && strcmp(in->taken_for, "skipped") != 0)
            continue;
        json_t *one = json_object();
        put_text(one, "input", in->name);
        put_text(one, "why", in->why);
        json_array_append_new(skipped, one);
    }
    put(o, "inputs_skipped", skipped);
    put(o, "complete", json_boolean(s->complete));
    return o;
}

static bool write_json(FILE *out, const struct findings *f, const struct report_options *o,
                       struct error *err)
{
    (void)o;
    const struct case_file *c = f->of;
    bool good = true;
    for (size_t i = 0; good && i < c->n_captures; i++)
        good = emit(out, capture_line(&c->captures[i]), err);
    for (size_t i = 0; good && i < c->n_logs; i++)
        good = emit(out, log_line(&c->logs[i]), err);
    for (size_t i = 0; good && i < c->n_hosts; i++)
        good = emit(out, host_line(&c->hosts[i]), err);
    for (size_t i = 0; good && i < f->n_diagnoses; i++)
        good = emit(out, diagnosis_line(f, &f->diagnoses[i]), err);
    for (size_t i = 0; good && i < c->n_unmatched; i++)
        good = emit(out, unmatched_line_of(f, &c->unmatched[i]), err);
    for (size_t i = 0; good && i < f->n_groups; i++)
        good = emit(out, group_line(f, &f->groups[i]), err);
    return good && emit(out, summary_line(f), err);
}

const struct report_format report_json = {
    .id = "json",
    .extension = ".jsonl .json .ndjson",
    .about = "JSON Lines: one object a line, for jq and for machines",
    .write = write_json,
};
