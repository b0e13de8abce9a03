/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user may say about a case besides its paths: filters, zones, offsets, and who is told of
 * progress and trouble while it runs.
 */
#ifndef WHYRST_ANALYZER_CASE_CASE_CONFIG_H
#define WHYRST_ANALYZER_CASE_CASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/base/instant.h"

struct case_setting {  /* "GLOB=VALUE" of the command line, split */
    const char *glob;  /* fnmatch pattern over the input's name and its base name */
    const char *value; /* zone name, seconds, or type */
};

/* What is being worked on; done and total in bytes of the input (total UINT64_MAX: unknown). */
typedef void case_progress_fn(void *ctx, const char *what, const char *name, uint64_t done,
                              uint64_t total);
/* A warning: the rest of the analysis goes on. */
typedef void case_warn_fn(void *ctx, const struct error *err);

struct patterns;

struct case_budgets {       /* 0: the usual one */
    uint64_t tracker_bytes; /* for connections still open, see tracker.h */
    uint64_t results_bytes; /* for resets of the whole case, see tracker.h */
    size_t max_records;     /* connections of all captures that are kept */
    size_t max_events;      /* log events */
};

struct case_config {
    const char *const *paths;
    size_t n_paths;
    const char *filter;               /* BPF over the packets of every capture, or NULL */
    const char *zone;                 /* of stamps that state none, or NULL */
    const struct case_setting *tz_of; /* zone by name of the log */
    size_t n_tz_of;
    const struct case_setting *log_offsets; /* log clock minus capture clock, seconds */
    size_t n_log_offsets;
    const struct case_setting *as; /* glob: the path, value: the kind's id */
    size_t n_as;
    instant_ns window_ns; /* how far from a reset a line may be; 0: the default */
    struct case_budgets budgets;
    const char *asked_log; /* the log with the line that line_answer.h is about, or NULL */
    uint64_t asked_line;
    struct patterns *patterns; /* event patterns, the caller's */
    case_progress_fn *progress;
    case_warn_fn *warn;
    void *ctx;
};

/* The value of the last setting whose glob fits the name or its base name, or NULL. */
const char *case_setting_for(const struct case_setting *v, size_t n, const char *name);

/* Whether an input of that name is meant: the whole name, or what stands behind its last slash. */
bool case_is_named(const char *wanted, const char *name);

#endif
