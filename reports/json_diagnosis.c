/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON line of one diagnosis: who, where, how, why, on what evidence, and what else it could
 * be.
 */
#include <math.h>

#include "reports/json_put.h"

static unsigned digits_of(const struct findings *f, const struct reset *r)
{
    return f->of->captures[reset_capture(r)].time_digits;
}

static void put_host_name(json_t *o, const struct case_file *c, const struct link *l)
{
    if (l->host_name.n == 0)
        return;
    json_t *name = json_object();
    json_put_text(name, "name", l->host_name);
    json_put_address(name, "address", &l->host_address);
    if (l->host_name_line > 0) {
        json_put_text(name, "file", c->logs[l->host_name_source].name);
        json_put_int(name, "line", l->host_name_line);
    }
    json_put(o, "host_name", name);
}

static void fill_log_evidence(json_t *o, const struct findings *f, const struct reset *r,
                              const struct link *l)
{
    const struct event *e = l->event;
    json_put_text(o, "file", f->of->logs[e->source].name);
    json_put_int(o, "line", e->line);
    json_put_time(o, "time", e->time, json_digits(e->precision_ns));
    json_put_seconds(o, "offset_s", l->offset_ns);
    json_put_str(o, "match", join_name(l->join));
    json_put_text(o, "event", e->kind);
    json_put_datagram(o, f->of, e);
    if (l->packet && frame_file(l->packet->frame) == frame_file(r->deciding.segment.frame))
        json_put_int(o, "packet_frame", frame_number(l->packet->frame));
    put_host_name(o, f->of, l);
    if (!l->recognised)
        json_put(o, "recognised", json_false());
    json_put_text(o, "text", e->raw);
}

static json_t *evidence_of(const struct findings *f, const struct reset *r,
                           const struct evidence *e)
{
    static const char *const kinds[] = {"packet", "packet", "log", "host", "packet"};
    json_t *o = json_object();
    json_put_str(o, "kind", kinds[e->kind]);
    if (e->kind != SOURCE_LOG && e->kind != SOURCE_HOST)
        json_put_int(o, "frame", e->frame != 0 ? e->frame : reset_frame(r));
    if (e->kind == SOURCE_LOG && e->link)
        fill_log_evidence(o, f, r, e->link);
    if (e->kind == SOURCE_HOST) {
        json_put_text(o, "file", f->of->hosts[e->host].name);
        json_put_text(o, "fact", e->key);
        json_put_text(o, "value", e->value);
    }
    if (e->kind != SOURCE_HOST && e->kind != SOURCE_LOG && e->capture != reset_capture(r))
        json_put_text(o, "capture", f->of->captures[e->capture].name);
    json_put_text(o, "says", e->says);
    return o;
}

static json_t *alternative_of(const struct alternative *a)
{
    json_t *o = json_object();
    json_put_str(o, "cause", a->cause);
    json_put(o, "confidence", json_real(a->confidence));
    if (a->indistinct)
        json_put(o, "indistinct", json_true());
    json_put_text(o, "told_apart_by", a->told_apart_by);
    return o;
}

static json_t *texts_of(const struct text *v, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_clean(v[i]));
    return array;
}

/* Those of one file of the capture's series, from 0. */
static json_t *rst_frames_of(const struct reset *r, uint32_t file)
{
    json_t *array = json_array();
    for (size_t i = 0; i < r->n_rsts; i++) {
        uint64_t frame = r->rsts[i].segment.frame;
        if (frame_file(frame) == file)
            json_array_append_new(array, json_integer((json_int_t)frame_number(frame)));
    }
    return array;
}

static void add_sighting(json_t *array, const struct findings *f, const struct reset *r,
                         const struct rst *first)
{
    uint32_t file = frame_file(first->segment.frame);
    uint32_t capture = connection_capture(reset_connection(r), first->segment.frame);
    json_t *o = json_object();
    json_put_text(o, "capture", f->of->captures[capture].name);
    json_put_int(o, "frame", frame_number(first->segment.frame));
    json_put_int(o, "stream", file == reset_connection(r)->file ? reset_stream(r) : first->stream);
    json_put(o, "rst_frames", rst_frames_of(r, file));
    json_array_append_new(array, o);
}

/* RSTs of the teardown in other files of the capture's series. */
static void add_other_files(json_t *array, const struct findings *f, const struct reset *r)
{
    uint32_t file = reset_connection(r)->file;
    for (size_t i = 0; i < r->n_rsts; i++) {
        if (frame_file(r->rsts[i].segment.frame) == file ||
            frame_file(r->rsts[i].segment.frame) == reset_connection(r)->file)
            continue;
        add_sighting(array, f, r, &r->rsts[i]);
        file = frame_file(r->rsts[i].segment.frame);
    }
}

static json_t *seen_in_of(const struct findings *f, const struct reset *r)
{
    json_t *array = json_array();
    for (size_t i = 0; i < reset_ties(r)->n_seen_in; i++) {
        add_sighting(array, f, reset_ties(r)->seen_in[i], &reset_ties(r)->seen_in[i]->deciding);
        add_other_files(array, f, reset_ties(r)->seen_in[i]);
    }
    add_other_files(array, f, r);
    return array;
}

static json_t *fate_of(const struct findings *f, const struct packet_fate *p)
{
    json_t *o = json_object();
    json_put_text(o, "capture", f->of->captures[p->capture].name);
    json_put_int(o, "frame", p->frame);
    json_put_str(o, "from", side_name(p->from));
    json_put_str(o, "fate", fate_name(p->fate));
    json_put_text(o, "other", f->of->captures[p->other].name);
    if (p->other_frame > 0)
        json_put_int(o, "other_frame", p->other_frame);
    return o;
}

static void put_diagnosis_of(json_t *o, const struct findings *f, const struct reset *r)
{
    char id[FINDING_ID_MAX];
    for (size_t i = 0; r && i < f->n; i++)
        if (finding_reset(f, &f->v[i]) == r) {
            finding_id(&f->v[i], id);
            json_put_str(o, "diagnosis", id);
            return;
        }
}

/* The connection's other halves, with the diagnosis of those that have their own. */
static void put_legs(json_t *o, const struct findings *f, const struct reset *r)
{
    if (reset_ties(r)->n_legs == 0)
        return;
    json_t *array = json_array();
    for (size_t i = 0; i < reset_ties(r)->n_legs; i++) {
        const struct leg *leg = &reset_ties(r)->legs[i];
        json_t *one = json_object();
        json_put_str(one, "by", leg_by_name(leg->by));
        json_put_text(one, "capture", f->of->captures[leg->capture].name);
        json_put_int(one, "stream", leg->stream);
        json_put_endpoint(one, "client", &leg->client);
        json_put_endpoint(one, "server", &leg->server);
        if (leg->by == LEG_PROXY) {
            json_put_str(one, "beyond", side_name(leg->beyond));
            json_put_str(one, "end", leg_end_name(leg->end));
            json_put_seconds(one, "lead_s", leg->lead);
            json_put(one, "sure", json_boolean(leg->sure));
        }
        put_diagnosis_of(one, f, leg->reset);
        json_array_append_new(array, one);
    }
    json_put(o, "legs", array);
}

static void put_fates(json_t *o, const struct findings *f, const struct reset *r)
{
    if (reset_ties(r)->n_fates == 0)
        return;
    json_t *array = json_array();
    for (size_t i = 0; i < reset_ties(r)->n_fates; i++)
        json_array_append_new(array, fate_of(f, &reset_ties(r)->fates[i]));
    json_put(o, "fates", array);
}

static void put_wire(json_t *o, const struct findings *f, const struct reset *r)
{
    const struct connection *c = reset_connection(r);
    json_put_endpoint(o, "client", &c->end[SIDE_CLIENT].at);
    json_put_endpoint(o, "server", &c->end[SIDE_SERVER].at);
    if (c->client_guessed)
        json_put(o, "client_guessed", json_true());
    json_put_str(o, "conn_state", c->conn_state);
    json_put_text(o, "history", c->history);
    json_put_int(o, "stream", c->stream);
    json_put_str(o, "sender", side_name(r->sender));
    json_put(o, "sender_confidence", json_real(round(r->sender_confidence * 1000) / 1000));
    json_put_str(o, "phase", phase_name(r->phase));
    json_put_str(o, "mechanism", mechanism_name(r->mechanism));
    json_put_str(o, "rst_validity", rst_validity_name(r->deciding.validity));
    if (!r->killed)
        json_put(o, "killed", json_false());
    json_put(o, "rst_frames", rst_frames_of(r, reset_connection(r)->file));
    json_put(o, "seen_in", seen_in_of(f, r));
    put_legs(o, f, r);
    put_fates(o, f, r);
    json_put_seconds(o, "duration_s", instant_since(r->deciding.segment.time, c->first_time));
    json_put_seconds(o, "idle_before_s", r->idle_before_ns);
    json_t *bytes = json_object();
    json_put_int(bytes, "client", c->end[SIDE_CLIENT].bytes);
    json_put_int(bytes, "server", c->end[SIDE_SERVER].bytes);
    json_put(o, "bytes", bytes);
    json_t *kernel = json_array();
    for (const char *const *name = reset_kernel_reasons(r); *name; name++)
        json_array_append_new(kernel, json_string(*name));
    if (json_array_size(kernel) > 0)
        json_put(o, "kernel_reason", kernel);
    else
        json_decref(kernel);
}

static json_t *remedies_of(const struct diagnosis *d)
{
    json_t *array = json_array();
    for (size_t i = 0; i < d->n_remedies; i++)
        json_array_append_new(array, json_clean(d->remedies[i].text));
    return array;
}

static json_t *undecided_of(const struct undecided *u)
{
    json_t *o = json_object();
    json_put_str(o, "rule", u->rule);
    json_put_str(o, "cause", u->cause);
    json_put_text(o, "missing", u->missing);
    json_put_text(o, "collect", u->collect);
    return o;
}

json_t *json_diagnosis(const struct findings *f, const struct diagnosis *d)
{
    const struct reset *r = d->reset;
    json_t *o = json_line("diagnosis");
    json_put_text(o, "id", d->id);
    json_put_text(o, "capture", f->of->captures[reset_capture(r)].name);
    json_put_int(o, "frame", reset_frame(r));
    json_put_time(o, "time", r->deciding.segment.time, digits_of(f, r));
    json_put_text(o, "community_id", d->community_id);
    put_wire(o, f, r);
    json_put_str(o, "cause", d->cause);
    json_put_str(o, "severity", severity_name(d->severity));
    json_put(o, "confidence", json_real(round(d->confidence * 1000) / 1000));
    json_put_str(o, "rule", d->rule);
    json_put_text(o, "title", d->title);
    json_put_text(o, "explanation", d->explanation);
    json_t *evidence = json_array(), *alternatives = json_array(), *undecided = json_array();
    for (size_t i = 0; i < d->n_evidence; i++)
        json_array_append_new(evidence, evidence_of(f, r, &d->evidence[i]));
    for (size_t i = 0; i < d->n_alternatives; i++)
        json_array_append_new(alternatives, alternative_of(&d->alternatives[i]));
    for (size_t i = 0; i < d->n_undecided; i++)
        json_array_append_new(undecided, undecided_of(&d->undecided[i]));
    json_put(o, "evidence", evidence);
    json_put(o, "alternatives", alternatives);
    json_put(o, "undecided", undecided);
    json_put(o, "remedies", remedies_of(d));
    json_put_text(o, "display_filter", d->display_filter);
    json_put(o, "references", texts_of(d->references, d->n_references));
    return o;
}
