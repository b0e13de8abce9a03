/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is filled in by hand, so that a report can be held against what was put in.
 */
#include "tests/reports/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/population/population.h"
#include "parsers/log/event.h"
#include "parsers/packet/packet.h"

#define START (1000 * NS_PER_S)

static const char hostile_bytes[] =
    "a\033]0;x\007\033[31m\x9b\xc2\x9b"
    "31m\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xff\xfe\xc0\xaf\0"
    "\r\n\t<script>alert(1)</"
    "script>\"'&=`$(id)\xe2\x80\xa8<!--]]>\x7f\xf0\x9f\x98\x80\xed\xa0\x80z";
const struct text sheet_hostile = {hostile_bytes, sizeof hostile_bytes - 1};

static void fill_case(struct sheet *s, const struct sheet_plan *plan)
{
    struct case_file *c = &s->c;
    c->captures = arena_array(&s->arena, 1, sizeof *c->captures);
    c->logs = arena_array(&s->arena, 1, sizeof *c->logs);
    c->hosts = arena_array(&s->arena, 1, sizeof *c->hosts);
    c->inputs = arena_array(&s->arena, 1, sizeof *c->inputs);
    c->n_captures = c->n_logs = c->n_hosts = c->n_inputs = 1;
    struct text *gaps = arena_array(&s->arena, 1, sizeof *gaps);
    gaps[0] = plan->hostile;
    c->captures[0] = (struct case_capture){.name = plan->hostile,
                                           .format = "pcap",
                                           .link_types = {"EN10MB"},
                                           .n_link_types = 1,
                                           .n_packets = 7,
                                           .first = START,
                                           .last = START + NS_PER_S,
                                           .time_digits = 6,
                                           .truncated = true,
                                           .truncated_where = plan->hostile,
                                           .gaps = gaps,
                                           .n_gaps = 1,
                                           .vantage = 1};
    c->logs[0] = (struct case_log){.name = plan->hostile,
                                   .host = plan->hostile,
                                   .format = plan->hostile,
                                   .n_lines = 3,
                                   .n_events = 1,
                                   .first = START,
                                   .last = START,
                                   .zone = plan->hostile,
                                   .zone_why = plan->hostile};
    struct host_value *values = arena_array(&s->arena, 1, sizeof *values);
    values[0] = (struct host_value){plan->hostile, plan->hostile, 1};
    c->hosts[0] = (struct case_host){
        .name = plan->hostile, .kind = "sysctl", .values = values, .n_values = 1};
    c->inputs[0] =
        (struct case_input){.name = plan->hostile, .taken_for = "skipped", .why = plan->hostile};
    c->summary = (struct case_summary){
        .n_packets = 7, .n_connections = plan->n_diagnoses + 1, .complete = true};
}

static const struct event *event_of(struct sheet *s, const struct sheet_plan *plan)
{
    struct event *e = arena_array(&s->arena, 1, sizeof *e);
    *e = (struct event){.kind = plan->hostile,
                        .line = 12,
                        .time = START,
                        .precision_ns = NS_PER_S,
                        .monotonic_ns = INSTANT_NONE,
                        .program = plan->hostile,
                        .message = plan->hostile,
                        .raw = plan->hostile};
    return e;
}

static struct segment *segments_of(struct sheet *s, size_t n)
{
    struct segment *v = arena_array(&s->arena, n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (struct segment){.frame = i + 1,
                                .time = START + (instant_ns)i * 1000000,
                                .seq = (uint32_t)i,
                                .ack = 4000000000u,
                                .payload_len = 1448,
                                .flags = i + 1 == n ? TCP_RST | TCP_ACK : TCP_ACK | TCP_PSH,
                                .window = 64240,
                                .ttl = 64,
                                .from = i % 2};
    return v;
}

static struct reset *reset_of(struct sheet *s, const struct sheet_plan *plan, size_t i)
{
    struct connection *c = arena_array(&s->arena, 1, sizeof *c);
    struct reset *r = arena_array(&s->arena, 1, sizeof *r);
    struct segment *v = segments_of(s, plan->n_segments);
    char server[64];
    snprintf(server, sizeof server, "198.51.%zu.%zu:22", plan->alike ? 100 : i / 250,
             plan->alike ? 7 : i % 250);
    assert_true(endpoint_parse(TEXT("192.0.2.1:50000"), &c->end[SIDE_CLIENT].at));
    assert_true(endpoint_parse(text_of(server), &c->end[SIDE_SERVER].at));
    c->stream = (uint32_t)i;
    c->first_time = START;
    c->segments = v;
    c->n_kept = c->n_segments = c->n_head_kept = plan->n_segments;
    memcpy(c->conn_state, "RSTR", 5);
    c->history = TEXT("ShADadR");
    *r = (struct reset){.id = (uint32_t)i + 1,
                        .in_full = c,
                        .sender = SIDE_SERVER,
                        .claimed = SIDE_SERVER,
                        .phase = PHASE_ACTIVE,
                        .mechanism = MECHANISM_ABORT,
                        .killed = true,
                        .idle_before_ns = INSTANT_NONE};
    r->deciding.segment = v[plan->n_segments - 1];
    r->deciding.segment.time += (instant_ns)i;
    r->rsts = &r->deciding;
    r->n_rsts = 1;
    return r;
}

static struct evidence *evidence_of_plan(struct sheet *s, const struct sheet_plan *plan,
                                         const struct event *e, size_t *n)
{
    struct evidence *v = arena_array(&s->arena, 4, sizeof *v);
    struct link *l = arena_array(&s->arena, 1, sizeof *l);
    *l = (struct link){.event = e, .join = JOIN_TUPLE, .offset_ns = -NS_PER_S, .recognised = true};
    v[0] = (struct evidence){.kind = SOURCE_PACKET, .frame = 1, .says = plan->hostile};
    v[1] = (struct evidence){.kind = SOURCE_LOG, .link = l, .says = plan->hostile};
    v[2] = (struct evidence){
        .kind = SOURCE_HOST, .key = plan->hostile, .value = plan->hostile, .says = plan->hostile};
    v[3] = (struct evidence){
        .kind = SOURCE_PACKET, .frame = 1, .says = TEXT("stated"), .is_stated = true};
    *n = 4;
    return v;
}

static void fill_diagnosis(struct sheet *s, const struct sheet_plan *plan, const struct event *e,
                           size_t i)
{
    struct diagnosis *d = &s->d[i];
    struct remedy *remedy = arena_array(&s->arena, 1, sizeof *remedy);
    struct undecided *undecided = arena_array(&s->arena, 1, sizeof *undecided);
    struct alternative *other = arena_array(&s->arena, 1, sizeof *other);
    struct text *reference = arena_array(&s->arena, 1, sizeof *reference);
    *remedy = (struct remedy){plan->hostile, "low", plan->hostile};
    *undecided = (struct undecided){"r", "oom-kill", plan->hostile, plan->hostile, 0};
    *other = (struct alternative){.cause = "client-abort",
                                  .rule = "client-abort",
                                  .confidence = 0.5,
                                  .indistinct = true,
                                  .told_apart_by = plan->hostile};
    *reference = plan->hostile;
    *d = (struct diagnosis){.id = text_of(arena_printf(&s->arena, "c1-%06zu", i + 1)),
                            .reset = reset_of(s, plan, i),
                            .cause = "application-abort",
                            .rule = "application-abort",
                            .severity = SEVERITY_FAULT,
                            .confidence = 0.6,
                            .title = plan->hostile,
                            .explanation = plan->hostile,
                            .alternatives = other,
                            .n_alternatives = 1,
                            .undecided = undecided,
                            .n_undecided = 1,
                            .remedies = remedy,
                            .n_remedies = 1,
                            .references = reference,
                            .n_references = 1,
                            .display_filter =
                                text_of(arena_printf(&s->arena, "tcp.stream eq %zu", i)),
                            .community_id = TEXT("1:x")};
    d->evidence = evidence_of_plan(s, plan, e, &d->n_evidence);
    s->c.resets[i] = (struct reset *)(uintptr_t)d->reset; /* const only for its readers */
    s->f.v[i] = (struct finding){.cause = d->cause,
                                 .rule = d->rule,
                                 .severity = d->severity,
                                 .confidence = d->confidence,
                                 .reset = (uint32_t)i,
                                 .number = (uint32_t)i + 1};
}

void sheet_count_again(struct sheet *s)
{
    population_free(s->c.population);
    s->c.population = population_create(&s->c);
    assert_non_null(s->c.population);
}

void sheet_make(struct sheet *s, const struct sheet_plan *plan)
{
    *s = (struct sheet){0};
    arena_init(&s->arena, NULL);
    fill_case(s, plan);
    const struct event *e = event_of(s, plan);
    s->c.unmatched = arena_array(&s->arena, plan->n_unmatched + 1, sizeof *s->c.unmatched);
    s->c.n_unmatched = plan->n_unmatched;
    for (size_t i = 0; i < plan->n_unmatched; i++)
        s->c.unmatched[i] =
            (struct unmatched_line){e, plan->hostile, "address-never-seen", plan->hostile};
    s->f.of = &s->c;
    s->d = arena_array(&s->arena, plan->n_diagnoses + 1, sizeof *s->d);
    s->c.resets = arena_array(&s->arena, plan->n_diagnoses + 1, sizeof(struct reset *));
    s->f.v = arena_array(&s->arena, plan->n_diagnoses + 1, sizeof *s->f.v);
    s->f.told = s->d;
    s->f.n = plan->n_diagnoses;
    s->c.n_resets = plan->n_diagnoses;
    assert_true(s->d && s->c.resets && s->f.v);
    for (size_t i = 0; i < plan->n_diagnoses; i++)
        fill_diagnosis(s, plan, e, i);
    sheet_count_again(s);
}

void sheet_finish(struct sheet *s)
{
    population_free(s->c.population);
    arena_finish(&s->arena);
}

struct text sheet_report(const struct report_format *format, const struct findings *f,
                         const struct report_options *o)
{
    struct error err = {0};
    char *p = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&p, &n);
    assert_non_null(out);
    assert_true(report_write_stream(format, out, f, o, &err));
    assert_int_equal(fclose(out), 0);
    return (struct text){p, n};
}

void sheet_report_free(struct text report)
{
    free((void *)(uintptr_t)report.p);
}
