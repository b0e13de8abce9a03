/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event patterns: which messages of which programs mean what.  They are XML data (rules/events/,
 * schema rules/events.rng); here they are loaded, checked against their own sample lines, and
 * matched.  A set of patterns belongs to one thread: regular expressions are compiled on first use.
 * Others may search in it meanwhile (sieve_seek.h).
 */
#ifndef WHYRST_PARSERS_LOG_PATTERN_H
#define WHYRST_PARSERS_LOG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/embedded.h"
#include "parsers/base/flaw.h"
#include "parsers/base/text.h"
#include "parsers/log/envelope.h"
#include "parsers/log/event.h"
#include "parsers/log/shape.h"

/* Called once for each complaint, in order: "file:line: text" is how it reads. */
typedef void (*complain_fn)(void *ctx, const char *file, unsigned line, const char *text);

struct patterns;

struct patterns *patterns_create(void); /* NULL: out of memory */
void patterns_free(struct patterns *p); /* NULL-safe */

/* Adds the patterns of one file.  The bytes are hostile: at most 1 MiB, UTF-8, no DTD, no entities
 * beyond the five, no network.  A pattern with a complaint is left out, the others stay.  A pattern
 * with the id of an earlier one replaces it.  True when there was nothing to complain about. */
bool patterns_add(struct patterns *p, const char *file, const void *bytes, size_t n,
                  complain_fn complain, void *ctx);
/* As patterns_add for each file of a table that ends with a NULL name. */
bool patterns_add_embedded(struct patterns *p, const struct embedded_file *files,
                           complain_fn complain, void *ctx);
/* Puts patterns_add_embedded off until patterns_load or the first log: a run without logs does not
 * pay for it.  Before that there are no patterns to list or to match. */
void patterns_await(struct patterns *p, const struct embedded_file *files);
/* Adds what is awaited, if anything is.  True when there was nothing to complain about. */
bool patterns_load(struct patterns *p, complain_fn complain, void *ctx);
/* rules/events/ as it was when the program was built. */
extern const struct embedded_file event_pattern_files[];
/* Compiles every pattern and runs every sample: it must be matched by its own pattern before any
 * other, with the fields that it promises.  Patterns that fail are left out from then on. */
bool patterns_check(struct patterns *p, complain_fn complain, void *ctx);
/* Complains about every pattern that does not say what its text was held against: of the shipped
 * ones none may be guessed. */
bool patterns_check_sources(const struct patterns *p, complain_fn complain, void *ctx);

/* What is there, for listings and tests; i < patterns_count. */
struct pattern_info {
    struct text id, kind, programs, versions, reference;
    struct text checked; /* against what the text was held: see rules/events.rng; may be empty */
    const char *file;
    unsigned line;
    enum event_claim claim;
    enum event_scope scope;
    size_t n_samples;
};
size_t patterns_count(const struct patterns *p);
struct pattern_info patterns_info(const struct patterns *p, size_t i);
struct text patterns_sample(const struct patterns *p, size_t i, size_t sample); /* whole line(s) */
/* True when some pattern of that kind exists: what rules may bind to. */
bool patterns_have_kind(const struct patterns *p, struct text kind);
/* All kinds, each once, sorted; the array is p's and lasts as long.  NULL: out of memory. */
const struct text *patterns_kinds(struct patterns *p, size_t *n);
/* True when a pattern of the kind fills that field (or "client", "server", "src", "dst"). */
bool patterns_kind_has_field(struct patterns *p, struct text kind, struct text field);

enum pattern_outcome {
    PATTERN_NONE,      /* no pattern knows the message */
    PATTERN_MATCHED,   /* the event is filled in */
    PATTERN_UNDECIDED, /* none matched, and at least one gave up at its match limit, or had done so
                          so often in this log that it is no longer tried */
};

/* A second stamp inside the message, as HAProxy's accept date. */
struct pattern_stamp {
    bool present;
    struct stamp stamp;
    int64_t after_ms; /* to be added: how long after the stamp the line's event was */
};

/* What can be found out about a message before its turn comes.  It lives as long as the patterns
 * stay as they are; program and message are no longer needed. */
struct bucket;
struct pattern_prospect {
    const struct bucket *bucket; /* the program's candidates; NULL: none of its own */
    bool has_shape;
    uint64_t hash;
    struct shape shape;
};
/* Also has the memory fetched that the match will want. */
void patterns_foresee(struct patterns *p, struct text program, struct text message,
                      struct pattern_prospect *out);
/* As patterns_match for a line that names a program and has no MESSAGE_ID; e holds the program and
 * the message that were foreseen. */
enum pattern_outcome patterns_match_foreseen(struct patterns *p, struct event *e,
                                             const struct pattern_prospect *prospect,
                                             struct pattern_stamp *inner, struct flaws *flaws);
/* Finds the first pattern for e->program and e->message and fills kind, claim, scope, endpoints and
 * fields.  Patterns whose literal stands at the start are tried before those where it may stand
 * anywhere, those that name the program before those for any; within that, in order of the files.
 * bare: the line names no program, so patterns marked bare="yes" are candidates whatever theirs.
 * message_id (may be empty): journal field MESSAGE_ID, for patterns that state one. */
enum pattern_outcome patterns_match(struct patterns *p, struct event *e, bool bare,
                                    struct text message_id, struct pattern_stamp *inner,
                                    struct flaws *flaws);
/* Another log begins: what a pattern cost in the one before does not count for it.  False: the
 * patterns that were awaited cannot be loaded. */
bool patterns_begin_log(struct patterns *p);
/* Some pattern has cost so much in this log that it is no longer tried: lines of a shape may mean
 * something else now than before. */
bool patterns_gave_up(const struct patterns *p);
bool patterns_know_program(struct patterns *p, struct text program); /* some pattern names it */
/* True when the line names no program, so that bare patterns apply.  Takes back a tag that is none:
 * "Disconnecting: Too many ..." from a container has no host, no pid and no known program. */
bool patterns_settle_bare(struct patterns *p, struct envelope *e);

#endif
