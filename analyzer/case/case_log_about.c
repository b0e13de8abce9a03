/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a log's name, the options and snapshots, what the reader counted.  Out: the zone that the log
 * is read in, and what the case says of it.  Its lines are not read here.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/case/case_parts.h"
#include "parsers/log/reader.h"

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

bool case_choose_zone(const struct case_run *run, const char *name, struct zone **zone,
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
