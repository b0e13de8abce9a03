/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reverse question: one log line, and what the captures hold of what it says.  How it was read,
 * which connections it could mean with what speaks for and against each, and the verdict.
 */
#ifndef WHYRST_ANALYZER_CASE_LINE_ANSWER_H
#define WHYRST_ANALYZER_CASE_LINE_ANSWER_H

#include "analyzer/record/case_file.h"

#define LINE_CANDIDATES_MAX 8

struct case_config;
struct error;

struct line_candidate {
    const struct connection_record *record;
    const char *fit;         /* what the line names of it, for people */
    const struct reset *own; /* its reset, or NULL */
    bool is_tied;            /* the line belongs to it */
    instant_ns gap_ns; /* from the line's time to when it would be due; 0: it fits, also when the
                          line has no stamp */
};

struct line_answer {
    uint32_t log; /* index into the case's logs */
    uint64_t line;
    /* How it was read: event is NULL where the line is part of no event, then passed_over says
     * what it is ("blank" ...).  An event without a kind is a line that no pattern knows. */
    const char *passed_over;
    const struct event *event;
    instant_ns time, uncertainty_ns; /* on the capture clock; INSTANT_NONE: no stamp */
    struct line_candidate candidate[LINE_CANDIDATES_MAX]; /* the tied and the nearest first */
    size_t n_candidates;
    uint64_t n_others;        /* candidates beyond those */
    const char *verdict;      /* "found", "ended-in-order", "belongs", "absent", "unknown" */
    struct text why;          /* in words */
    struct text capture_hint; /* what would catch it next time; empty: nothing to catch */
};

/* The answer for the line that the case was asked about (case_config's asked_log and asked_line),
 * in the case's arena; false with *err filled where no log has that name or that line, or memory
 * ran out. */
bool line_answer_find(struct case_file *c, const struct case_config *config,
                      struct line_answer *out, struct error *err);

#endif
