/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of one log line, as a script wants it: how it was read, the connections that it
 * could mean, and the verdict.  The same that line_text.c says in words.
 */
#include "reports/line_json.h"

#include "reports/json_put.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

static json_t *fields_of(const struct event *e)
{
    json_t *o = e->n_fields ? json_object() : NULL;
    for (unsigned i = 0; o && i < e->n_fields; i++) {
        json_t *value = json_clean(e->fields[i].value);
        if (value)
            json_object_setn_new(o, e->fields[i].name.p, e->fields[i].name.n, value);
    }
    return o;
}

static void put_event(json_t *o, const struct event *e)
{
    json_put_text(o, "event", e->kind);
    json_put_str(o, "claim", event_claim_name(e->claim));
    json_put_str(o, "scope", event_scope_name(e->scope));
    json_put_endpoint(o, "client", &e->client);
    json_put_endpoint(o, "server", &e->server);
    json_put_endpoint(o, "source", &e->src);
    json_put_endpoint(o, "destination", &e->dst);
    json_put(o, "fields", fields_of(e));
    json_put_text(o, "host", e->host);
    json_put_text(o, "program", e->program);
    if (e->pid)
        json_put_int(o, "pid", e->pid);
    json_put_time(o, "time", e->time, json_digits(e->precision_ns));
    json_put_text(o, "text", e->raw);
}

static const char *ending_of(const struct line_candidate *k)
{
    const struct connection_record *r = k->record;
    if (k->own)
        return "reset";
    if (r->rst_time != INSTANT_NONE)
        return "survived-resets";
    return r->fin_time[0] != INSTANT_NONE || r->fin_time[1] != INSTANT_NONE ? "fin" : "open";
}

static json_t *candidate_of(const struct case_file *c, const struct line_candidate *k)
{
    const struct connection_record *r = k->record;
    const struct case_capture *in = &c->captures[r->capture];
    json_t *o = json_object();
    json_put_endpoint(o, "client", &r->client);
    json_put_endpoint(o, "server", &r->server);
    json_put_text(o, "capture", in->name);
    json_put_int(o, "stream", r->stream);
    json_put_time(o, "first", r->first_time, in->time_digits);
    json_put_time(o, "last", r->last_time, in->time_digits);
    json_put_str(o, "ending", ending_of(k));
    if (k->own) {
        json_put_int(o, "frame", frame_number(k->own->deciding.segment.frame));
        json_put_time(o, "rst_time", k->own->deciding.segment.time, in->time_digits);
    }
    json_put_str(o, "names", k->fit);
    json_put(o, "tied", json_boolean(k->is_tied));
    json_put_seconds(o, "gap_s", k->gap_ns);
    return o;
}

static json_t *answer_of(const struct case_file *c, const struct line_answer *a)
{
    json_t *o = json_line("log-answer"), *candidates = json_array();
    json_put_text(o, "file", c->logs[a->log].name);
    json_put_int(o, "line", a->line);
    json_put_str(o, "passed_over", a->passed_over);
    if (a->event) {
        put_event(o, a->event);
        json_put_datagram(o, c, a->event);
    }
    if (a->time != INSTANT_NONE && a->event) {
        json_put_time(o, "capture_time", a->time, json_digits(a->event->precision_ns));
        json_put_seconds(o, "uncertainty_s", a->uncertainty_ns);
    }
    for (size_t i = 0; i < a->n_candidates; i++)
        json_array_append_new(candidates, candidate_of(c, &a->candidate[i]));
    json_put(o, "candidates", candidates);
    if (a->n_others)
        json_put_int(o, "more_candidates", a->n_others);
    json_put_str(o, "verdict", a->verdict);
    json_put_text(o, "why", a->why);
    json_put_text(o, "capture_hint", a->capture_hint);
    return o;
}

bool line_json_write(FILE *out, const struct case_file *c, const struct line_answer *a)
{
    json_t *o = answer_of(c, a);
    bool good = o && json_dumpf(o, out, DUMP_FLAGS) == 0 && fputc('\n', out) != EOF;
    json_decref(o);
    return good;
}
