/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/analyzer/joint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/population/population.h"
#include "parsers/log/reader.h"

static instant_ns at(double seconds)
{
    return JOINT_START + (instant_ns)(seconds * 1e9);
}

struct joint *joint_create(void)
{
    struct joint *j = calloc(1, sizeof *j);
    assert_non_null(j);
    arena_init(&j->c.arena, NULL);
    j->c.captures = j->captures;
    j->c.logs = j->logs;
    j->c.records = j->records;
    j->c.resets = j->resets;
    joint_capture(j, "a.pcap", 0, 100);
    return j;
}

void joint_free(struct joint *j)
{
    correlation_free(j->correlation);
    population_free(j->c.population);
    arena_finish(&j->c.arena);
    free(j);
}

void joint_settle(struct joint *j)
{
    population_free(j->c.population);
    j->c.population = population_create(&j->c);
    assert_non_null(j->c.population);
}

uint32_t joint_capture(struct joint *j, const char *name, double first, double last)
{
    j->captures[j->c.n_captures] =
        (struct case_capture){.name = text_of(name), .first = at(first), .last = at(last)};
    return (uint32_t)j->c.n_captures++;
}

struct connection_record *joint_talk(struct joint *j, const char *client, const char *server,
                                     double opened, double ended)
{
    assert_true(j->c.n_records < JOINT_MAX);
    uint32_t n = (uint32_t)j->c.n_records++;
    struct connection_record *r = &j->records[n];
    *r = (struct connection_record){.first_time = at(opened),
                                    .last_time = at(ended),
                                    .syn_time = at(opened),
                                    .synack_time = at(opened + 0.001),
                                    .fin_time = {INSTANT_NONE, at(ended)},
                                    .rst_time = INSTANT_NONE,
                                    .server_quiet_ms = UINT32_MAX,
                                    .isn = {1000 + 7 * n, 900000 + 13 * n},
                                    .isn_known = 3,
                                    .n_segments = 10,
                                    .stream = n,
                                    .ttl = {63, 64},
                                    .ending = ENDING_FIN,
                                    .handshake_seen = true};
    assert_true(endpoint_parse(text_of(client), &r->client));
    assert_true(endpoint_parse(text_of(server), &r->server));
    return r;
}

struct connection_record *joint_reset(struct joint *j, const char *client, const char *server,
                                      double opened, double rst, struct reset **reset)
{
    struct connection_record *r = joint_talk(j, client, server, opened, rst);
    r->fin_time[1] = INSTANT_NONE;
    r->rst_time = at(rst);
    r->ending = ENDING_RST;
    r->saw_rst |= 1 << SIDE_SERVER;
    struct connection *c = arena_alloc(&j->c.arena, sizeof *c);
    struct reset *x = arena_alloc(&j->c.arena, sizeof *x);
    struct rst *one = arena_alloc(&j->c.arena, sizeof *one);
    assert_true(c && x && one);
    c->stream = r->stream;
    c->end[0].at = r->client;
    c->end[1].at = r->server;
    c->end[0].ttl_max = r->ttl[0];
    c->end[1].ttl_max = r->ttl[1];
    c->first_time = r->first_time;
    c->last_time = r->last_time;
    one->segment = (struct segment){
        .frame = 10, .time = at(rst), .seq = r->isn[1] + 1, .from = SIDE_SERVER, .ttl = 64};
    x->id = (uint32_t)j->c.n_resets + 1;
    x->in_full = c;
    x->deciding = *one;
    x->rsts = one;
    x->n_rsts = 1;
    x->claimed = x->sender = SIDE_SERVER;
    x->sender_confidence = 0.6;
    j->resets[j->c.n_resets++] = x;
    if (reset)
        *reset = x;
    return r;
}

void joint_move(struct joint *j, uint32_t capture, double seconds)
{
    struct connection_record *r = &j->records[j->c.n_records - 1];
    instant_ns *times[] = {&r->first_time,  &r->last_time,   &r->syn_time, &r->synack_time,
                           &r->fin_time[0], &r->fin_time[1], &r->rst_time};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (*times[i] != INSTANT_NONE)
            *times[i] += (instant_ns)(seconds * 1e9);
    r->capture = capture;
    if (r->ending != ENDING_RST)
        return;
    struct reset *x = j->resets[j->c.n_resets - 1];
    struct connection *c = arena_copy(&j->c.arena, reset_connection(x), sizeof *c);
    struct rst *one = arena_copy(&j->c.arena, x->rsts, sizeof *one);
    assert_true(c && one);
    c->capture = capture;
    one->segment.time += (instant_ns)(seconds * 1e9);
    x->in_full = c;
    x->deciding = *one;
    x->rsts = one;
}

uint32_t joint_log(struct joint *j, const char *name, const char *text)
{
    uint32_t n = (uint32_t)j->c.n_logs++;
    j->logs[n] = (struct case_log){
        .name = text_of(name), .first = INSTANT_NONE, .last = INSTANT_NONE, .zone = TEXT("UTC")};
    j->about[n] = (struct log_about){.name = text_of(name), .zone_assumed = true};
    j->log_text[n] = text;
    return n;
}

uint32_t joint_sent(struct joint *j, const char *text, const double *captured)
{
    uint32_t n = joint_log(j, "a.pcap (syslog from 198.51.100.7)", text);
    j->about[n].is_sent = true;
    assert_true(address_parse(TEXT("198.51.100.7"), &j->about[n].sender));
    j->sent_at[n] = captured;
    return n;
}

const char *joint_stamp(struct joint *j, double t, int zone_minutes)
{
    char text[INSTANT_TEXT_MAX];
    instant_ns when = at(t) + (instant_ns)zone_minutes * 60 * NS_PER_S;
    instant_format(when, 6, text);
    int size = zone_minutes < 0 ? -zone_minutes : zone_minutes;
    size_t bare = strlen(text) - 1; /* without its Z */
    const char *s = arena_printf(&j->c.arena, "%.*s%c%02d:%02d", (int)bare, text,
                                 zone_minutes < 0 ? '-' : '+', size / 60, size % 60);
    assert_non_null(s);
    return s;
}

static bool take(void *ctx, const struct event *e)
{
    struct joint *j = ctx;
    const double *captured = j->sent_at[e->source];
    const struct case_datagram in = {.frame = 100 + e->line,
                                     .time = captured ? at(captured[e->line - 1]) : 0};
    if (captured)
        correlation_datagram(j->correlation, e, &in);
    else
        correlation_event(j->correlation, e);
    return true;
}

static void read_log(struct joint *j, struct patterns *patterns, uint32_t source)
{
    struct flaws flaws;
    struct log_config config = {.span_first = j->captures[0].first,
                                .span_last = j->captures[0].last,
                                .boot = INSTANT_NONE,
                                .source = source};
    flaws_init(&flaws);
    struct log_reader *reader = log_reader_create(patterns, &config, &flaws);
    assert_non_null(reader);
    assert_true(correlation_source(j->correlation, source, &j->about[source]));
    const char *text = j->log_text[source];
    log_reader_feed(reader, text, strlen(text), take, j);
    log_reader_end(reader, take, j);
    log_reader_free(reader);
    flaws_finish(&flaws);
}

void joint_run(struct joint *j)
{
    struct patterns *patterns = patterns_create();
    struct error err = {0};
    assert_non_null(patterns);
    assert_true(patterns_add_embedded(patterns, event_pattern_files, NULL, NULL));
    j->correlation = correlation_create(&j->config, &j->c);
    assert_non_null(j->correlation);
    for (uint32_t i = 0; i < j->c.n_logs; i++)
        read_log(j, patterns, i);
    for (size_t i = 0; i < j->n_extra; i++)
        correlation_event(j->correlation, &j->extra[i]);
    assert_true(correlation_join(j->correlation, &err));
    patterns_free(patterns);
}

const struct link *joint_link(const struct joint *j, const struct reset *r, uint32_t source,
                              uint64_t line)
{
    size_t n;
    const struct link *v = case_links(&j->c, r, &n);
    for (size_t i = 0; i < n; i++)
        if (v[i].event->source == source && v[i].event->line == line)
            return &v[i];
    return NULL;
}

size_t joint_n_links(const struct joint *j, const struct reset *r)
{
    size_t n;
    case_links(&j->c, r, &n);
    return n;
}

const struct unmatched_line *joint_unmatched(const struct joint *j, uint32_t source, uint64_t line)
{
    for (size_t i = 0; i < j->c.n_unmatched; i++)
        if (j->c.unmatched[i].event->source == source && j->c.unmatched[i].event->line == line)
            return &j->c.unmatched[i];
    return NULL;
}
