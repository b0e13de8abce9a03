/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text of the case: told apart as a host snapshot or a log, read in its zone, its events handed
 * to correlation.  A text that holds no log line at all is said to be none.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/case_parts.h"
#include "analyzer/correlate.h"
#include "analyzer/log_outside.h"
#include "parsers/host/host.h"
#include "parsers/input/spool.h"
#include "parsers/input/walk.h"
#include "parsers/log/journal_file.h"
#include "parsers/log/pump.h"
#include "parsers/log/reader.h"

#define CHUNK ((size_t)64 << 10)
#define PROBE ((size_t)16 << 10)
/* A log may begin before the end of the file before it: an hour twice in autumn, lines out of
 * order.
 */
#define SEAM_NS (4000 * NS_PER_S)
/* journald's largest file is 4 GiB at the utmost, 128 MiB as it comes. */
#define JOURNAL_BYTES_MAX ((uint64_t)4 << 30)

struct text_run {
    struct case_run *run;
    struct correlation *correlation;
};

static bool to_correlation(void *ctx, const struct event *e)
{
    const struct text_run *t = ctx;
    correlation_event(t->correlation, e);
    return true;
}

void case_span(const struct case_file *c, instant_ns *first, instant_ns *last)
{
    *first = *last = INSTANT_NONE;
    for (size_t i = 0; i < c->n_captures; i++) {
        const struct case_capture *k = &c->captures[i];
        if (k->first != INSTANT_NONE && (*first == INSTANT_NONE || k->first < *first))
            *first = k->first;
        if (k->last != INSTANT_NONE && (*last == INSTANT_NONE || k->last > *last))
            *last = k->last;
    }
}

/* The zone that the snapshots of the log's host name. */
static void snapshot_zone(const struct case_run *run, struct zone **zone, struct case_log *out)
{
    struct text from, written = case_zone_of(run, out->name, &from);
    struct error note;
    if (written.n == 0)
        return;
    *zone = case_zone_open(written);
    if (!*zone) {
        error_set(&note, ERROR_USAGE, "",
                  TEXT_FMT " names a time zone that is not known: " TEXT_FMT, TEXT_ARG(from),
                  TEXT_ARG(written));
        case_warn(run, &note);
        return;
    }
    out->zone = arena_text(&run->c->arena, text_of(zone_name(*zone)));
    out->zone_why =
        text_of(arena_printf(&run->c->arena, "its host's, by " TEXT_FMT, TEXT_ARG(from)));
}

bool case_zone_by_option(const struct case_run *run, const char *name, struct zone **zone,
                         struct case_log *out, struct error *err)
{
    const struct case_config *config = run->config;
    const char *own = case_setting_for(config->tz_of, config->n_tz_of, name);
    const char *chosen = own ? own : config->zone;
    *zone = NULL;
    out->zone = TEXT("UTC");
    out->zone_why = TEXT("assumed: neither its stamps nor an option state one");
    if (!chosen)
        return true;
    *zone = zone_open(text_of(chosen), err);
    if (!*zone)
        return false;
    out->zone = arena_text(&run->c->arena, text_of(zone_name(*zone)));
    out->zone_why = own ? TEXT("stated by --tz-of") : TEXT("stated by --tz");
    return true;
}

/* The options' zone, else that of its host's snapshots. */
static bool choose_zone(const struct case_run *run, const char *name, struct zone **zone,
                        struct case_log *out, struct error *err)
{
    if (!case_zone_by_option(run, name, zone, out, err))
        return false;
    if (!*zone && !run->config->zone)
        snapshot_zone(run, zone, out);
    return true;
}

/* Hosts are named by most lines' host field; a tie goes to the first. */
static struct text main_host(struct arena *a, const struct log_summary *s)
{
    const struct log_host *best = NULL;
    for (size_t i = 0; i < s->n_hosts; i++)
        if (!best || s->hosts[i].n_lines > best->n_lines)
            best = &s->hosts[i];
    return best ? arena_text(a, text_of(best->name)) : TEXT("");
}

static struct text formats_of(struct arena *a, const struct log_summary *s)
{
    struct strbuf b;
    strbuf_init(&b);
    for (int i = 0; i < LOG_FORMATS; i++)
        if (s->formats[i] > 0) {
            if (b.n > 0)
                strbuf_char(&b, '+');
            strbuf_str(&b, log_format_id((enum log_format)i));
        }
    struct text t = arena_text(a, strbuf_view(&b));
    strbuf_finish(&b);
    return t;
}

void case_describe_log(struct case_run *run, struct case_log *out, const struct log_summary *s,
                       struct text booted)
{
    out->n_lines = s->lines;
    out->n_events = s->events;
    out->n_unrecognised = s->unrecognised;
    out->first = s->first;
    out->last = s->last;
    out->host = main_host(&run->c->arena, s);
    out->format = formats_of(&run->c->arena, s);
    out->year_inferred = s->n_year_inferred > 0;
    if (s->asked_skip < LOG_SKIP_REASONS)
        out->asked_skip = log_skip_name(s->asked_skip);
    if (s->n_stamped > 0 && s->n_zone_stated == s->n_stamped) {
        out->zone = TEXT("UTC");
        out->zone_why = TEXT("stated in the stamps");
    }
    if (s->n_since_boot > 0 && s->n_since_boot == s->n_stamped)
        out->zone_why = text_of(arena_printf(
            &run->c->arena, "counted from the boot time in " TEXT_FMT, TEXT_ARG(booted)));
    for (int i = 0; i < LOG_SKIP_REASONS; i++)
        if (s->skipped[i] > 0) {
            out->n_skipped += s->skipped[i];
            flaws_add_n(&out->flaws, log_skip_name((enum log_skip)i), 0, s->skipped[i]);
        }
}

struct telling {
    const struct case_run *run;
    uint64_t size;
};

static void tell_reading(void *ctx, const struct source *source)
{
    const struct telling *t = ctx;
    case_tell(t->run, "reading", source, t->size);
}

static bool feed(struct text_run *t, struct log_reader *reader, struct source *source,
                 uint64_t size, struct error *err)
{
    struct telling telling = {.run = t->run, .size = size};
    const struct log_progress progress = {.tell = tell_reading, .ctx = &telling};
    const uint8_t *p;
    size_t n;
    uint64_t fed = 0;
    while ((n = source_peek(source, 1, &p)) > 0) {
        if (n > CHUNK)
            n = CHUNK;
        log_reader_feed(reader, p, n, to_correlation, t);
        source_consume(source, n);
        fed += n;
        if (fed >= LOG_PUMP_AFTER && log_pump(reader, source, to_correlation, t, &progress))
            break;
        if (fed % (CHUNK * 64) < CHUNK)
            tell_reading(&telling, source);
    }
    log_reader_end(reader, to_correlation, t);
    const struct error *failed = source_error(source);
    if (failed && err)
        *err = *failed;
    return failed == NULL;
}

/* A journal file, from a private copy. */
static bool feed_journal(struct text_run *t, struct log_reader *reader, struct source *source,
                         struct error *err)
{
    char path[SPOOL_NAME_MAX];
    uint64_t size;
    return spool_named(source, JOURNAL_BYTES_MAX, path, &size, err) &&
           journal_file_read(reader, path, size, source_name(source), to_correlation, t, err);
}

/* What is known of a log that is not read. */
static void describe_outside(struct case_run *run, struct case_log *out,
                             const struct log_outside *o, uint64_t size)
{
    out->n_bytes_outside = size;
    out->first = o->first;
    out->last = o->last;
    out->year_inferred = o->year_inferred;
    out->format = arena_text(&run->c->arena, text_of(log_format_id(o->format)));
    if (o->zone_stated) {
        out->zone = TEXT("UTC");
        out->zone_why = TEXT("stated in the stamps");
    }
}

/* When the log's host booted: by a snapshot, else by the same messages with dates. */
static struct case_boot boot_of(const struct case_run *run, struct text name, struct source *source)
{
    const uint8_t *p;
    struct case_boot boot = case_boot_of(run, name);
    if (boot.at != INSTANT_NONE && boot.doubt == 0)
        return boot;
    size_t n = source_peek(source, PROBE, &p);
    struct text head = {(const char *)p, n < PROBE ? n : PROBE};
    struct case_boot twin = {.at = INSTANT_NONE};
    if (log_probe_since_boot(head))
        twin.at = case_twin_boot(run, head, &twin.from);
    return twin.at == INSTANT_NONE ? boot : twin;
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether the log goes on where the file before it ended: by its stamps, and read alike. */
static bool continues(const struct case_run *run, struct source *source,
                      const struct log_config *config, const struct case_log_end *own)
{
    const struct case_log_end *end = &run->log_end;
    const uint8_t *p;
    if (!end->is_there || !is_same(end->zone, own->zone) || !is_same(end->offset, own->offset))
        return false;
    size_t n = source_peek(source, PROBE, &p);
    instant_ns t = log_probe_time((struct text){(const char *)p, n < PROBE ? n : PROBE}, config);
    return t == INSTANT_NONE || end->last == INSTANT_NONE || t >= end->last - SEAM_NS;
}

/* What the next file of the same log is to know of this one. */
static void keep_end(struct case_run *run, const struct log_reader *reader,
                     const struct case_log_end *own)
{
    struct case_log_end *end = &run->log_end;
    struct text line = log_reader_last_line(reader);
    struct arena *a = &run->c->arena;
    *end = *own;
    end->is_there = true;
    end->last = log_reader_summary(reader)->last;
    end->line = line.n ? arena_text(a, line) : (struct text){0};
}

void case_ask(struct case_run *run, const char *name, struct log_config *config)
{
    if (!run->config->asked_log || run->is_asked || !case_is_named(run->config->asked_log, name))
        return;
    run->is_asked = true;
    config->asked_line = run->config->asked_line;
    correlation_ask(run->c->correlation, config->source, config->asked_line);
}

/* What is said of a log on the command line: seconds that its clock is to be moved by. */
static bool offset_of(const char *offset, const char *name, double *seconds, struct error *err)
{
    *seconds = 0;
    return !offset || text_to_double(text_of(offset), seconds) ||
           error_set(err, ERROR_USAGE, name, "--log-offset wants seconds, not \"%s\"", offset);
}

struct log_reading {
    struct case_run *run;
    struct case_log *out;
    struct source *source;
    uint64_t size;
    bool is_journal;
    struct log_config config;
    struct log_about about;
    struct case_boot booted;
    struct case_log_end own;
};

/* Reads it, or tells that it need not be read.  False: nothing of it could be. */
static bool read_lines(struct log_reading *l, struct log_reader *reader, struct error *err)
{
    struct case_run *run = l->run;
    struct text_run t = {.run = run, .correlation = run->c->correlation};
    struct log_outside outside;
    if (!l->is_journal && !l->config.asked_line &&
        log_outside_find(l->source, l->size, &l->config, l->about.offset_ns, &outside)) {
        case_describe_log(run, l->out, log_reader_summary(reader), l->booted.from);
        describe_outside(run, l->out, &outside, l->size);
        return true;
    }
    bool good = true;
    if (l->is_journal ? !feed_journal(&t, reader, l->source, err)
                      : !feed(&t, reader, l->source, l->size, err)) {
        good = !l->is_journal || log_reader_summary(reader)->lines > 0;
        if (good)
            case_warn(run, err); /* what came before the failure still counts */
        run->c->summary.complete = false;
    }
    if (!good || l->out->n_bytes_outside)
        return good;
    case_describe_log(run, l->out, log_reader_summary(reader), l->booted.from);
    if (!l->is_journal)
        keep_end(run, reader, &l->own);
    return true;
}

/* The log in its place among those of the case, behind the one that it goes on with. */
static bool read_in_place(struct log_reading *l, struct error *err)
{
    struct case_run *run = l->run;
    struct correlation *correlation = run->c->correlation;
    struct log_config *config = &l->config;
    const bool goes_on = !l->is_journal && continues(run, l->source, config, &l->own);
    if (goes_on) {
        config->before = run->log_end.line;
        l->out->continues = run->logs.v[run->log_end.source].name;
    }
    if (!config->asked_line)
        log_outside_limit(config, l->about.offset_ns);
    const struct log_passer passer = correlation_passer(correlation);
    config->passer = &passer;
    struct log_reader *reader = log_reader_create(run->config->patterns, config, &l->out->flaws);
    bool good =
        reader && correlation_source(correlation, config->source, &l->about) &&
        (!goes_on || correlation_continue(correlation, config->source, run->log_end.source));
    run->log_end.is_there = false;
    good = good ? read_lines(l, reader, err)
                : error_set(err, ERROR_NO_MEMORY, source_name(l->source), "out of memory");
    log_reader_free(reader);
    return good;
}

static bool read_log(struct case_run *run, struct case_log *out, struct source *source,
                     uint64_t size, bool is_journal, struct error *err)
{
    const struct case_config *asked = run->config;
    const char *name = source_name(source);
    struct zone *zone;
    double seconds;
    const char *offset = case_setting_for(asked->log_offsets, asked->n_log_offsets, name);
    if (!choose_zone(run, name, &zone, out, err))
        return false;
    if (!offset_of(offset, name, &seconds, err)) {
        zone_free(zone);
        return false;
    }
    struct log_reading l = {.run = run,
                            .out = out,
                            .source = source,
                            .size = size,
                            .is_journal = is_journal,
                            .booted = boot_of(run, out->name, source)};
    l.about = (struct log_about){.name = out->name,
                                 .zone_assumed = zone == NULL && !asked->zone,
                                 .offset_given = offset != NULL,
                                 .doubt_ns = l.booted.doubt,
                                 .offset_ns = (instant_ns)(seconds * 1e9)};
    l.config =
        (struct log_config){.zone = zone, .boot = l.booted.at, .source = (uint32_t)run->logs.n};
    case_span(run->c, &l.config.span_first, &l.config.span_last);
    case_ask(run, name, &l.config);
    l.own = (struct case_log_end){.source = l.config.source,
                                  .zone = case_setting_for(asked->tz_of, asked->n_tz_of, name),
                                  .offset = offset};
    const bool good = read_in_place(&l, err);
    zone_free(zone);
    return good;
}

bool case_read_text(struct case_run *run, struct case_input *in, struct source *source,
                    const struct input *input, bool snapshots_read, struct error *err)
{
    const uint8_t *p;
    size_t n = source_peek(source, PROBE, &p);
    struct text head = {(const char *)p, n < PROBE ? n : PROBE};
    const char *as = case_setting_for(run->config->as, run->config->n_as, source_name(source));
    bool wanted = as && strcmp(as, "log") == 0;
    bool is_journal = text_starts(head, TEXT(JOURNAL_FILE_MAGIC));
    const struct host_kind *kind = is_journal ? NULL : host_sniff(head, in->name);
    if (is_journal && !journal_file_readable()) {
        in->taken_for = "skipped";
        in->why = TEXT("a systemd journal file, which this build does not read: export it with "
                       "journalctl --file NAME -o json");
        case_unused(run, in);
        return true;
    }
    if (!wanted && kind)
        return case_read_host(run, in, source, kind, err);
    if (!wanted && !is_journal && log_probe(head) == 0) {
        in->taken_for = "skipped";
        in->why = TEXT("text, but its first lines are not those of a log or a known snapshot");
        if (input->is_given)
            case_unused(run, in);
        return true;
    }
    if (!snapshots_read) /* which may say its host's zone and when it booted */
        return is_journal || case_note_twin(run, in->name, head) ||
               error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    struct case_log out = {.name = in->name, .first = INSTANT_NONE, .last = INSTANT_NONE};
    flaws_init(&out.flaws);
    in->taken_for = "log";
    bool good = read_log(run, &out, source, input->is_compressed ? UINT64_MAX : input->size,
                         is_journal, err);
    in->n_bytes = source_offset(source);
    if (source_n_unused(source) > 0)
        flaws_add_n(&out.flaws, "input.compressed-bytes-unused", 0, source_n_unused(source));
    case_note_failure(run, in, source);
    struct case_log *slot = good ? vec_push(&run->logs) : NULL;
    if (slot)
        *slot = out;
    else
        flaws_finish(&out.flaws);
    return good && (slot != NULL || error_set(err, ERROR_NO_MEMORY, "", "out of memory"));
}
