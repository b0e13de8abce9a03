/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One log of the case: read in its zone, behind the one that it goes on with, its events handed to
 * correlation.  One whose times are all far from the captures' is not read, but said to be so.
 */
#include <string.h>
#include <unistd.h>

#include "analyzer/case/case_parts.h"
#include "analyzer/correlate/correlate.h"
#include "analyzer/correlate/log_outside.h"
#include "parsers/input/spool.h"
#include "parsers/log/journal_file.h"
#include "parsers/log/pump.h"
#include "parsers/log/reader.h"

#define CHUNK ((size_t)64 << 10)
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
    const char *name = source_name(source);
    struct sd_journal *journal = NULL;
    struct spool_name lent;
    uint64_t size;
    const int fd = spool_source(source, JOURNAL_BYTES_MAX, &size, err);
    if (fd >= 0 && spool_name(&lent, fd, name, err)) {
        journal = journal_file_open(lent.path, name, err);
        spool_unname(&lent);
    }
    if (fd >= 0)
        close(fd);
    return journal && journal_file_read(journal, reader, size, name, to_correlation, t, err);
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
    struct case_boot boot = case_boot_of(run, name);
    if (boot.at != INSTANT_NONE && boot.doubt == 0)
        return boot;
    const struct text head = case_text_head(source);
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
    if (!end->is_there || !is_same(end->zone, own->zone) || !is_same(end->offset, own->offset))
        return false;
    instant_ns t = log_probe_time(case_text_head(source), config);
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

bool case_read_log(struct case_run *run, struct case_log *out, struct source *source, uint64_t size,
                   bool is_journal, struct error *err)
{
    const struct case_config *asked = run->config;
    const char *name = source_name(source);
    struct zone *zone;
    double seconds;
    const char *offset = case_setting_for(asked->log_offsets, asked->n_log_offsets, name);
    if (!case_choose_zone(run, name, &zone, out, err))
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
