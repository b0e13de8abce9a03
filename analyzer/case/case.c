/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data path, once and in order: inputs are told apart and captures read; then resets are
 * numbered, captures laid over each other, logs and host snapshots read, and everything is joined.
 * Nothing is judged here.
 */
#include "analyzer/case/case.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/case/case_parts.h"
#include "analyzer/correlate/correlate.h"
#include "analyzer/population/population.h"
#include "analyzer/track/tracker.h"
#include "analyzer/vantage/look.h"
#include "parsers/base/order.h"
#include "parsers/capture/filter.h"
#include "parsers/input/walk.h"

#define UNUSED_TOLD_MAX 20

static bool setting_fits(const struct case_setting *s, const char *name)
{
    const char *slash = strrchr(name, '/');
    return strcmp(s->glob, name) == 0 || fnmatch(s->glob, name, 0) == 0 ||
           (slash && fnmatch(s->glob, slash + 1, 0) == 0);
}

bool case_is_named(const char *wanted, const char *name)
{
    const char *slash = strrchr(name, '/');
    return strcmp(wanted, name) == 0 || (slash && strcmp(wanted, slash + 1) == 0);
}

const char *case_setting_for(const struct case_setting *v, size_t n, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < n; i++)
        if (setting_fits(&v[i], name))
            value = v[i].value;
    return value;
}

void case_warn(const struct case_run *run, const struct error *err)
{
    if (run->config->warn)
        run->config->warn(run->config->ctx, err);
}

void case_tell(const struct case_run *run, const char *what, const struct source *s, uint64_t total)
{
    if (run->config->progress)
        run->config->progress(run->config->ctx, what, source_name(s), source_offset(s), total);
}

static void tell_copied(void *ctx, const char *name, uint64_t n)
{
    const struct case_run *run = ctx;
    if (run->config->progress)
        run->config->progress(run->config->ctx, "copying", name, n, UINT64_MAX);
}

void case_unused(const struct case_run *run, const struct case_input *in)
{
    struct error note;
    error_set(&note, ERROR_FORMAT, "", "not used: " TEXT_FMT, TEXT_ARG(in->why));
    snprintf(note.place, sizeof note.place, TEXT_FMT, TEXT_ARG(in->name));
    case_warn(run, &note);
}

bool case_note_failure(const struct case_run *run, struct case_input *in,
                       const struct source *source)
{
    const struct error *failure = source_error(source);
    if (!failure)
        return false;
    in->failed = true;
    in->why = arena_text(&run->c->arena, text_of(failure->text));
    return true;
}

static int reset_order(const void *pa, const void *pb)
{
    const struct reset *a = *(struct reset *const *)pa, *b = *(struct reset *const *)pb;
    if (a->deciding.segment.time != b->deciding.segment.time)
        return a->deciding.segment.time < b->deciding.segment.time ? -1 : 1;
    int order = endpoint_cmp(reset_end(a, SIDE_CLIENT), reset_end(b, SIDE_CLIENT));
    order = order ? order : endpoint_cmp(reset_end(a, SIDE_SERVER), reset_end(b, SIDE_SERVER));
    if (order != 0)
        return order;
    if (reset_capture(a) != reset_capture(b))
        return reset_capture(a) < reset_capture(b) ? -1 : 1;
    return a->deciding.segment.frame < b->deciding.segment.frame ? -1 : 1;
}

struct second_pass {
    struct case_run *run;
    struct walk *walk;
};

static bool look_again(void *ctx, struct look *look)
{
    const struct second_pass *pass = ctx;
    const struct case_file *c = pass->run->c;
    for (uint32_t i = 0; i < c->n_captures; i++)
        if (look_wants(look, case_series(c, i)) && !case_look_again(pass->run, pass->walk, i, look))
            return false;
    return true;
}

/* What the captures gave, in order of time, as the case keeps it. */
static bool settle_captures(struct case_run *run, struct walk *walk, struct error *err)
{
    struct case_file *c = run->c;
    if (!resets_number(run->resets.v, run->resets.n, reset_order)) {
        qsort(run->resets.v, run->resets.n, sizeof *run->resets.v, reset_order);
        (void)resets_number(run->resets.v, run->resets.n, reset_order);
    }
    order_sort(run->attempts.v, run->attempts.n, sizeof *run->attempts.v, reset_order);
    c->resets = run->resets.v;
    c->n_resets = run->resets.n;
    c->attempts = run->attempts.v;
    c->n_attempts = run->attempts.n;
    c->records = run->records.v;
    c->n_records = run->records.n;
    c->captures = run->captures.v;
    c->n_captures = run->captures.n;
    for (size_t i = 0; i < c->n_captures; i++) {
        const struct case_capture *k = &c->captures[i];
        c->summary.n_packets += k->n_packets;
        c->summary.n_tcp += k->n_tcp;
        c->summary.n_connections += k->n_connections - k->n_continued;
        c->summary.n_rst_frames += k->n_rst_frames;
    }
    struct second_pass pass = {run, walk};
    const struct correlate_config config = {.window_ns = run->config->window_ns,
                                            .max_events = run->config->budgets.max_events,
                                            .look = look_again,
                                            .look_ctx = &pass};
    c->correlation = correlation_create(&config, c);
    return c->correlation != NULL || case_no_memory(err);
}

/* What the hosts files among the snapshots say, before the first log is read. */
static bool take_names(const struct case_run *run, struct error *err)
{
    for (size_t i = 0; i < run->hosts.n; i++) {
        const struct case_host *h = &run->hosts.v[i];
        for (size_t k = 0; k < h->n_values && strcmp(h->kind, "hosts") == 0; k++) {
            struct text one, rest = h->values[k].value, name = h->values[k].name;
            struct address ip;
            for (bool more = true; more;) {
                more = text_cut(rest, ',', &one, &rest);
                if (text_starts(name, TEXT("hosts.")) && address_parse(text_trim(one), &ip) &&
                    !correlation_name(run->c->correlation, text_slice(name, 6, name.n), &ip))
                    return case_no_memory(err);
            }
        }
    }
    return true;
}

static void settle_summary(struct case_run *run)
{
    struct case_file *c = run->c;
    c->inputs = run->inputs.v;
    c->n_inputs = run->inputs.n;
    for (size_t i = 0; i < c->n_inputs; i++)
        c->summary.complete = c->summary.complete && !c->inputs[i].failed;
    for (size_t i = 0; i < c->n_logs; i++) {
        c->summary.n_log_lines += c->logs[i].n_lines;
        c->summary.n_events += c->logs[i].n_events;
    }
}

/* Nothing could be used: also what folders and archives hold is named, as far as it was silent. */
static void tell_unused(const struct case_run *run, const struct walk *walk)
{
    size_t n_told = 0;
    for (size_t i = 0; i < run->inputs.n && n_told < UNUSED_TOLD_MAX; i++) {
        const struct case_input *in = &run->inputs.v[i];
        if (in->failed || walk_input(walk, i)->is_given)
            continue;
        case_unused(run, in);
        n_told++;
    }
}

/* A setting that is for no input is a slip of the pen, most likely. */
static void tell_idle(const struct case_run *run, const struct walk *walk, const char *option,
                      const struct case_setting *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool fits = false;
        for (size_t k = 0; k < run->inputs.n && !fits; k++)
            fits = setting_fits(&v[i], walk_input(walk, k)->name);
        for (size_t k = 0; k < run->logs.n && !fits; k++) /* of captured datagrams */
            fits = setting_fits(&v[i], run->logs.v[k].name.p);
        struct error note;
        error_set(&note, ERROR_USAGE, option, "no input is called %s", v[i].glob);
        if (!fits)
            case_warn(run, &note);
    }
}

static void tell_idle_settings(const struct case_run *run, const struct walk *walk)
{
    const struct case_config *config = run->config;
    tell_idle(run, walk, "--as", config->as, config->n_as);
    tell_idle(run, walk, "--tz-of", config->tz_of, config->n_tz_of);
    tell_idle(run, walk, "--log-offset", config->log_offsets, config->n_log_offsets);
}

/* Resets whose packets were not held against the other captures are told, too. */
static void tell_not_compared(struct case_run *run)
{
    size_t n = correlation_not_looked_at(run->c->correlation);
    struct error err;
    if (n == 0)
        return;
    error_set(&err, ERROR_LIMIT, "", "%zu resets were not compared packet by packet", n);
    case_warn(run, &err);
    run->c->summary.complete = false;
}

/* Events that a budget kept out are told; those that concern no captured address are no loss. */
static void tell_dropped(struct case_run *run)
{
    static const char *const budgets[] = {"log-index.full", "log-index.marks-full",
                                          "log-index.no-memory", "log-index.too-many-hosts"};
    const struct flaws *dropped = correlation_dropped(run->c->correlation);
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        uint64_t n = flaws_count(dropped, budgets[i]);
        struct error err;
        if (n == 0)
            continue;
        error_set(&err, ERROR_LIMIT, "", "%llu log events could not be kept (%s)",
                  (unsigned long long)n, budgets[i]);
        case_warn(run, &err);
        run->c->summary.complete = false;
    }
}

static void tell_names_of_several(const struct case_run *run)
{
    uint64_t n = flaws_count(correlation_dropped(run->c->correlation), "log-index.name-of-several");
    struct error err;
    if (n == 0)
        return;
    error_set(&err, ERROR_FORMAT, "",
              "%llu log lines give a host by a name that stands for several captured addresses",
              (unsigned long long)n);
    case_warn(run, &err);
}

static bool run_with(struct case_run *run, struct walk *walk, struct error *err)
{
    struct case_file *c = run->c;
    for (size_t i = 0; i < run->config->n_paths; i++)
        if (!walk_add(walk, run->config->paths[i], err))
            return false;
    if (!case_visit(run, walk, err) || !settle_captures(run, walk, err) ||
        !case_read_texts(run, walk, false, err) || !take_names(run, err) ||
        !case_read_datagrams(run, err) || !case_read_texts(run, walk, true, err))
        return false;
    tell_idle_settings(run, walk);
    c->logs = run->logs.v;
    c->n_logs = run->logs.n;
    if (!case_tell_addresses(run))
        return case_no_memory(err);
    c->hosts = run->hosts.v;
    c->n_hosts = run->hosts.n;
    if (!snapshots_gather(&c->snapshots, c->hosts, c->n_hosts, &c->arena))
        return case_no_memory(err);
    if (!correlation_join(c->correlation, err))
        return false;
    tell_dropped(run);
    tell_names_of_several(run);
    tell_not_compared(run);
    settle_summary(run);
    c->population = population_create(c);
    if (!c->population)
        return case_no_memory(err);
    c->summary.n_reset_connections = population_n_resets(c->population);
    if (c->n_captures + c->n_logs + c->n_hosts > 0)
        return true;
    tell_unused(run, walk);
    return error_set(err, ERROR_IO, "", "no capture, log or snapshot could be read%s",
                     run->inputs.n == 0 ? ": there is no file" : "");
}

/* Everything that was pushed is the case's from now on, whatever became of the run. */
static void hand_over(struct case_run *run)
{
    struct case_file *c = run->c;
    c->inputs = run->inputs.v;
    c->n_inputs = run->inputs.n;
    c->captures = run->captures.v;
    c->n_captures = run->captures.n;
    c->logs = run->logs.v;
    c->n_logs = run->logs.n;
    c->hosts = run->hosts.v;
    c->n_hosts = run->hosts.n;
    c->resets = run->resets.v;
    c->n_resets = run->resets.n;
    c->attempts = run->attempts.v;
    c->n_attempts = run->attempts.n;
    c->records = run->records.v;
    c->n_records = run->records.n;
    c->trackers = run->trackers.v;
    c->n_trackers = run->trackers.n;
}

bool case_run(struct case_file *c, const struct case_config *config, struct error *err)
{
    *c = (struct case_file){.summary = {.complete = true}};
    arena_init(&c->arena, NULL);
    struct case_run run = {.c = c, .config = config};
    if (config->filter) {
        run.filter = filter_new(config->filter, err);
        if (!run.filter)
            return false;
    }
    datagrams_init(&run.datagrams, 0, 0);
    struct walk *walk = walk_new(NULL, case_take_as, &run, err);
    if (walk)
        walk_watch(walk, tell_copied);
    run.walk = walk;
    bool good = walk && run_with(&run, walk, err);
    case_drop_series(&run);
    vec_finish(&run.waiting);
    vec_finish(&run.twins);
    datagrams_finish(&run.datagrams);
    hand_over(&run);
    walk_free(walk);
    filter_free(run.filter);
    return good;
}

void case_finish(struct case_file *c)
{
    if (!c)
        return;
    correlation_free(c->correlation);
    population_free(c->population);
    for (size_t i = 0; i < c->n_captures; i++) {
        flaws_finish(&c->captures[i].flaws);
        flaws_finish(&c->captures[i].skipped);
        flaws_finish(&c->captures[i].skipped_bytes);
    }
    for (size_t i = 0; i < c->n_logs; i++)
        flaws_finish(&c->logs[i].flaws);
    union { /* they are const only for their readers */
        const struct connection_record *in;
        void *out;
    } records = {.in = c->records};
    for (size_t i = 0; i < c->n_trackers; i++)
        tracker_free(c->trackers[i]);
    free(c->trackers);
    free(records.out);
    free(c->inputs);
    free(c->captures);
    free(c->logs);
    free(c->hosts);
    free(c->resets);
    free(c->attempts);
    arena_finish(&c->arena);
    *c = (struct case_file){0};
}
