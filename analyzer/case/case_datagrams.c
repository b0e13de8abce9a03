/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines out of captured datagrams, read like those of files: one log for each sender, lines
 * numbered in the order in which they were captured.  Snapshots say nothing here: they lie beside
 * files, and a datagram's sender may be any host.
 */
#include <stdlib.h>

#include "analyzer/case/case_parts.h"
#include "analyzer/correlate/correlate.h"
#include "parsers/log/reader.h"

struct datagram_run {
    struct correlation *correlation;
    const struct case_log *out;
};

static bool to_correlation(void *ctx, const struct event *e)
{
    const struct datagram_run *t = ctx;
    if (e->line > 0 && e->line <= t->out->n_datagrams)
        correlation_datagram(t->correlation, e, &t->out->datagrams[e->line - 1]);
    return true;
}

/* "client.pcap (syslog from 192.0.2.7)", by the capture of the first line. */
static struct text name_of(const struct case_run *run, const struct datagram_sender *s)
{
    char from[ADDRESS_TEXT_MAX];
    address_format(&s->from, from);
    struct text capture = run->captures.v[s->lines.v[0].in.capture].name;
    const char *name =
        arena_printf(&run->c->arena, TEXT_FMT " (syslog from %s)", TEXT_ARG(capture), from);
    return name ? text_of(name) : (struct text){0};
}

static bool describe(const struct case_run *run, const struct datagram_sender *s,
                     struct case_log *out)
{
    struct case_datagram *in = arena_array(&run->c->arena, s->lines.n, sizeof *in);
    *out = (struct case_log){.name = name_of(run, s),
                             .sender = s->from,
                             .datagrams = in,
                             .n_datagrams = s->lines.n,
                             .first = INSTANT_NONE,
                             .last = INSTANT_NONE};
    flaws_init(&out->flaws);
    for (size_t i = 0; in && i < s->lines.n; i++)
        in[i] = s->lines.v[i].in;
    return in && out->name.n;
}

/* Each line is fed with its end: the reader's count is the line's number. */
static void feed(struct log_reader *reader, const struct datagram_sender *s,
                 struct datagram_run *to)
{
    for (size_t i = 0; i < s->lines.n; i++) {
        log_reader_feed(reader, s->lines.v[i].text.p, s->lines.v[i].text.n, to_correlation, to);
        log_reader_feed(reader, "\n", 1, to_correlation, to);
    }
    log_reader_end(reader, to_correlation, to);
}

static bool read_sender(struct case_run *run, const struct datagram_sender *s, struct case_log *out,
                        struct error *err)
{
    struct case_file *c = run->c;
    struct zone *zone;
    const char *offset =
        case_setting_for(run->config->log_offsets, run->config->n_log_offsets, out->name.p);
    double seconds = 0;
    if (!case_zone_by_option(run, out->name.p, &zone, out, err))
        return false;
    if (offset && !text_to_double(text_of(offset), &seconds)) {
        zone_free(zone);
        return error_set(err, ERROR_USAGE, out->name.p, "--log-offset wants seconds, not \"%s\"",
                         offset);
    }
    const struct log_about about = {.name = out->name,
                                    .zone_assumed = zone == NULL && !run->config->zone,
                                    .offset_given = offset != NULL,
                                    .sender = s->from,
                                    .is_sent = true,
                                    .offset_ns = (instant_ns)(seconds * 1e9)};
    struct log_config config = {
        .zone = zone, .boot = INSTANT_NONE, .source = (uint32_t)run->logs.n};
    case_span(c, &config.span_first, &config.span_last);
    case_ask(run, out->name.p, &config);
    struct log_reader *reader = log_reader_create(run->config->patterns, &config, &out->flaws);
    struct datagram_run to = {.correlation = c->correlation, .out = out};
    bool good = reader && correlation_source(c->correlation, config.source, &about);
    if (good) {
        feed(reader, s, &to);
        case_describe_log(run, out, log_reader_summary(reader), (struct text){0});
    } else
        error_set(err, ERROR_NO_MEMORY, out->name.p, "out of memory");
    log_reader_free(reader);
    zone_free(zone);
    return good;
}

static bool add_log(struct case_run *run, const struct datagram_sender *s, struct error *err)
{
    struct case_log out;
    bool good = describe(run, s, &out) || error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    good = good && read_sender(run, s, &out, err);
    struct case_log *slot = good ? vec_push(&run->logs) : NULL;
    if (slot)
        *slot = out;
    else
        flaws_finish(&out.flaws);
    return slot || (good && error_set(err, ERROR_NO_MEMORY, "", "out of memory"));
}

bool case_read_datagrams(struct case_run *run, struct error *err)
{
    for (size_t i = 0; i < run->datagrams.senders.n; i++) {
        const struct datagram_sender *s = &run->datagrams.senders.v[i];
        struct error failed = {0};
        if (s->lines.n == 0 || add_log(run, s, &failed))
            continue;
        if (failed.code == ERROR_NO_MEMORY)
            return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
        case_warn(run, &failed); /* of an option */
        run->c->summary.complete = false;
    }
    return true;
}
