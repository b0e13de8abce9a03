/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/case/line_answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/case/case_config.h"
#include "analyzer/correlate/correlate_parts.h"

static const char *fit_words(enum fit f)
{
    switch (f) {
    case FIT_TUPLE:
        return "the line names both of its ends";
    case FIT_ENDPOINT:
        return "the line names its client's address and port";
    case FIT_SERVICE:
        return "the line names its server's port, but not its client's";
    case FIT_ADDRESS:
        return "the line names an address of it, but no port of its client";
    case FIT_NO:
        break;
    }
    return "the line names none of its ends";
}

struct gather {
    const struct correlation *c;
    uint32_t entry;
    struct line_answer *out;
};

static const struct reset *reset_of(const struct correlation *c, uint32_t record)
{
    const struct roster *r = &c->roster;
    for (uint32_t i = r->talk[record]; i != ROSTER_NONE; i = r->next[i])
        if (r->reset_from[i + 1] > r->reset_from[i])
            return r->reset_at[r->reset_from[i]];
    return NULL;
}

static struct line_candidate candidate_of(const struct correlation *c, uint32_t entry,
                                          uint32_t record, const char *fit)
{
    const struct event *e = c->index.entries.v[entry].event;
    struct talk t = roster_talk(&c->roster, record);
    struct when w = when_of(c, entry);
    instant_ns from = t.first, to = t.last;
    if (e->claim != CLAIM_NOTHING)
        talk_due(&t, e->claim, &from, &to);
    return (struct line_candidate){.record = &c->roster.records[record],
                                   .fit = fit,
                                   .own = reset_of(c, record),
                                   .gap_ns = w.stamped ? when_gap(w, from, to) : 0};
}

/* Keeps the tied one first, then those nearest in time. */
static bool add_candidate(void *ctx, uint32_t record, enum fit fit)
{
    struct gather *g = ctx;
    struct line_answer *a = g->out;
    struct line_candidate one = candidate_of(g->c, g->entry, record, fit_words(fit));
    for (size_t i = 0; i < a->n_candidates; i++)
        if (g->c->roster.talk[a->candidate[i].record - g->c->roster.records] ==
            g->c->roster.talk[record])
            return true;
    size_t at = a->n_candidates;
    while (at > 0 && !a->candidate[at - 1].is_tied && a->candidate[at - 1].gap_ns > one.gap_ns)
        at--;
    a->n_others += a->n_candidates == LINE_CANDIDATES_MAX;
    if (at == LINE_CANDIDATES_MAX)
        return true;
    if (a->n_candidates < LINE_CANDIDATES_MAX)
        a->n_candidates++;
    for (size_t i = a->n_candidates - 1; i > at; i--)
        a->candidate[i] = a->candidate[i - 1];
    a->candidate[at] = one;
    return true;
}

static const char *tie_words(const struct tie *t)
{
    switch (t->join) {
    case JOIN_PID:
        return t->by_session ? "the line bears the number that the server gave it"
                             : "another line of the same process names it";
    case JOIN_HOST:
        return "the line is about a host or service of it, near its reset";
    case JOIN_TUPLE:
        return fit_words(FIT_TUPLE);
    case JOIN_ENDPOINT:
        return fit_words(FIT_ENDPOINT);
    default:
        return t->by_request ? "the line names an address of it and quotes its request"
                             : fit_words(FIT_ADDRESS);
    }
}

static void list_candidates(const struct correlation *c, uint32_t entry, struct line_answer *out)
{
    const struct tie *t = tie_find(c, entry);
    struct gather g = {.c = c, .entry = entry, .out = out};
    if (t) {
        out->candidate[0] = candidate_of(c, entry, t->record, tie_words(t));
        out->candidate[0].is_tied = true;
        if (t->reset)
            out->candidate[0].own = t->reset;
        out->n_candidates = 1;
    }
    if (c->index.entries.v[entry].names)
        fit_each(c, entry, FIT_ANY_TIME, add_candidate, &g);
}

static struct text say(char *text)
{
    return text_of(text);
}

static struct text found_words(struct correlation *c, const struct line_answer *a)
{
    const struct reset *r = a->candidate[0].own;
    const struct case_capture *k = &c->of->captures[reset_capture(r)];
    const struct tie *t = NULL;
    for (uint32_t i = 0; i < c->index.entries.n && !t; i++)
        if (c->index.entries.v[i].event == a->event)
            t = tie_find(c, i);
    return say(arena_printf(
        &c->of->arena, "the reset is frame %" PRIu64 " of " TEXT_FMT ", tcp.stream %" PRIu32 "%s",
        reset_frame(r), TEXT_ARG(k->name), reset_stream(r),
        t && t->ambiguous ? "; other connections have an equal claim" : ""));
}

static void judge_absent(struct correlation *c, uint32_t entry, struct line_answer *out)
{
    struct unmatched_line u = {0};
    out->verdict = "absent";
    if (unmatched_answer(c, entry, &u)) {
        out->why = u.why;
        out->capture_hint = u.capture_hint;
    } else {
        out->why = TEXT("it names no address, and no other line of its process does; nothing near "
                        "it in time was reset");
    }
}

/* What became of the connection that a line without a complaint belongs to. */
static struct text belonging(struct correlation *c, uint32_t record)
{
    struct talk t = roster_talk(&c->roster, record);
    const struct connection_record *r = &c->roster.records[record];
    const char *end = t.has_reset             ? "which was reset"
                      : t.fin != INSTANT_NONE ? "which ended by FIN"
                                              : "which was still open when the capture ended";
    return say(arena_printf(&c->of->arena,
                            "it belongs to tcp.stream %" PRIu32 " of " TEXT_FMT
                            ", %s; the line itself reports no reset",
                            r->stream, TEXT_ARG(c->of->captures[r->capture].name), end));
}

static void judge(struct correlation *c, uint32_t entry, struct line_answer *out)
{
    const struct tie *t = tie_find(c, entry);
    bool reports = unmatched_is_report(out->event);
    if (t && out->candidate[0].own) {
        out->verdict = reports ? "found" : "belongs";
        out->why = reports ? found_words(c, out) : belonging(c, t->record);
    } else if (reports && unmatched_is_answered(c, entry)) {
        out->verdict = "ended-in-order";
        out->why = t ? TEXT("the connection ended by FIN, as the line says: there was no RST to "
                            "capture")
                     : TEXT("what it reports was found in a connection that it does not name");
    } else if (reports) {
        judge_absent(c, entry, out);
    } else if (t) {
        out->verdict = "belongs";
        out->why = belonging(c, t->record);
    } else {
        out->verdict = "unknown";
        out->why = TEXT("the line reports no reset, and it belongs to no captured connection for "
                        "certain");
    }
}

static uint32_t entry_of(const struct correlation *c, uint32_t source, uint64_t line)
{
    for (uint32_t i = 0; i < c->index.entries.n; i++)
        if (c->index.entries.v[i].event->source == source &&
            c->index.entries.v[i].event->line == line)
            return i;
    return LOG_NONE;
}

static void answer(struct correlation *c, struct line_answer *out)
{
    uint32_t entry = entry_of(c, out->log, out->line);
    out->verdict = "unknown";
    out->event = entry == LOG_NONE ? c->index.asked : c->index.entries.v[entry].event;
    if (!out->event) {
        out->why = TEXT("the line is no event and names nobody");
    } else if (entry == LOG_NONE) {
        out->why = TEXT("no pattern knows this message, and it names no address that a capture "
                        "holds");
    } else {
        out->time = corrected_time(c, entry);
        out->uncertainty_ns = uncertainty_of(c, entry);
        list_candidates(c, entry, out);
        judge(c, entry, out);
    }
}

static bool no_such_log(const struct case_file *c, const char *name, struct error *err)
{
    for (size_t i = 0; i < c->n_inputs; i++)
        if (case_is_named(name, c->inputs[i].name.p))
            return error_set(err, ERROR_USAGE, "--explain-log", "%s is no log: it was taken for %s",
                             name, c->inputs[i].taken_for);
    return error_set(err, ERROR_USAGE, "--explain-log", "no input is called %s", name);
}

bool line_answer_find(struct case_file *c, const struct case_config *config,
                      struct line_answer *out, struct error *err)
{
    size_t i = 0;
    *out = (struct line_answer){.line = config->asked_line, .time = INSTANT_NONE};
    while (i < c->n_logs && !case_is_named(config->asked_log, c->logs[i].name.p))
        i++;
    if (i == c->n_logs)
        return no_such_log(c, config->asked_log, err);
    if (out->line == 0 || out->line > c->logs[i].n_lines)
        return error_set(err, ERROR_USAGE, "--explain-log",
                         "%s has %" PRIu64 " lines, and no line %" PRIu64, config->asked_log,
                         c->logs[i].n_lines, out->line);
    out->log = (uint32_t)i;
    out->passed_over = c->logs[i].asked_skip;
    answer(c->correlation, out);
    return true;
}
