/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of one log -> lines -> events.  The caller pushes bytes in pieces of any size; the reader
 * opens no file, keeps no line longer than a call, and counts what it leaves out.
 */
#ifndef WHYRST_PARSERS_LOG_READER_H
#define WHYRST_PARSERS_LOG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/address_filter.h"
#include "parsers/base/flaw.h"
#include "parsers/log/envelope.h"
#include "parsers/log/event.h"
#include "parsers/log/pattern.h"

#define LOG_LINE_MAX 65536 /* bytes of a line that are kept; the rest is skipped and counted */
#define LOG_RAW_MAX 8192   /* bytes of a line of text that are looked at */
#define LOG_HOSTS_MAX 8
#define LOG_READ_IN_FULL ((uint64_t)8 << 20) /* it takes no time */
#define LOG_SIEVE_AFTER ((uint64_t)1 << 20)  /* bytes that are not worth learning from */

/* Lines that are not handed on, since the caller needs no more of them than this. */
struct log_passed {
    uint32_t token;         /* of the last of them */
    uint32_t source;        /* as the events' */
    uint32_t pid;           /* of an event */
    uint64_t line, n_lines; /* the first, and how many behind each other */
    instant_ns first, last; /* the earliest and the latest time */
    struct endpoint client; /* of an event: the client's end, else the source's; may be none */
    /* of an event: of the addresses that its ends have the one that may be of interest, if there is
     * another that is not; or NULL */
    const struct address *known;
};

/* Who asks that lines of which many are alike and that name no address of interest are passed. */
struct log_passer {
    void *ctx;
    const struct address_filter *of_interest; /* filled before the first line comes */
    uint64_t after;                           /* bytes that are read first; 0: LOG_SIEVE_AFTER */
    /* The event was handed on.  Of lines that name no address of interest, or one beside others:
     * whether they may be passed, and as what.  0: no.  They differ from it in numbers and
     * addresses only, or, if no pattern knows it or it is about one connection, are of the same
     * program and pattern with something in the same fields, whatever that is.  Each end that it
     * names is named there, by an address. */
    uint32_t (*admit)(void *ctx, const struct event *e);
    /* They would come next: one event, or lines that no pattern knows.  False: hand them on. */
    bool (*pass)(void *ctx, bool is_event, const struct log_passed *passed);
};

struct log_config {
    const struct zone *zone;          /* of stamps that state none; NULL = UTC; not owned */
    instant_ns span_first, span_last; /* what the captures span; both INSTANT_NONE: no captures */
    instant_ns boot;                  /* when monotonic stamps began; INSTANT_NONE = unknown */
    uint32_t source;                  /* becomes event.source */
    uint64_t asked_line;              /* to be told of if it is skipped; 0 = none */
    /* Behind the first LOG_READ_IN_FULL bytes, what a line of the common form from another time
     * says is not looked at: LOG_SKIP_FAR. */
    bool has_wanted;
    instant_ns wanted_first, wanted_last;
    struct text before;              /* the last line of the file that this one continues; copied */
    const struct log_passer *passer; /* NULL: every line is handed on; not owned */
};

/* Why a line is no event and not even an unrecognised message. */
enum log_skip {
    LOG_SKIP_BLANK,
    LOG_SKIP_NO_ENVELOPE,  /* neither stamp nor tag nor a message that a pattern knows */
    LOG_SKIP_MARKER,       /* journalctl's "-- Boot ... --", "-- No entries --", hints */
    LOG_SKIP_CONTINUATION, /* joined to the line before it, or a field of an export entry */
    LOG_SKIP_BAD_JSON,     /* begins like a JSON object, and is none or holds no message */
    LOG_SKIP_FAR,          /* of a large log, and not from the wanted time */
    LOG_SKIP_REASONS
};
const char *log_skip_name(enum log_skip reason); /* "blank", "no-envelope" ... */

struct log_host {
    char name[64]; /* cut, NUL-terminated; bytes as in the log */
    uint64_t n_lines;
};

/* lines = events + unrecognised + all of skipped */
struct log_summary {
    uint64_t lines, events, unrecognised;
    uint64_t skipped[LOG_SKIP_REASONS];
    enum log_skip asked_skip; /* of the line that was asked for; LOG_SKIP_REASONS: not skipped */
    uint64_t n_undecided;     /* unrecognised because a pattern hit its limit */
    uint64_t formats[LOG_FORMATS]; /* lines of each form */
    instant_ns first, last;        /* over all lines with a stamp; INSTANT_NONE: none had one */
    uint64_t n_stamped, n_zone_stated, n_year_inferred;
    uint64_t n_since_boot;                /* of n_stamped: counted from log_config.boot */
    struct log_host hosts[LOG_HOSTS_MAX]; /* in order of appearance */
    size_t n_hosts;
    uint64_t n_other_hosts; /* lines of hosts beyond those */
};

/* Gets every event, and every line with an envelope that no pattern knew (kind empty).  All views
 * are valid during the call only; event_copy keeps one.  False stops the reading. */
typedef bool (*log_sink_fn)(void *ctx, const struct event *e);

struct log_reader;

/* patterns and flaws must outlive the reader.  NULL: out of memory. */
struct log_reader *log_reader_create(struct patterns *patterns, const struct log_config *config,
                                     struct flaws *flaws);
void log_reader_free(struct log_reader *r); /* NULL-safe */
/* False once the sink has said stop; nothing more is read then. */
bool log_reader_feed(struct log_reader *r, const void *bytes, size_t n, log_sink_fn sink,
                     void *ctx);
/* The last line without an end, and what was held back to be joined. */
bool log_reader_end(struct log_reader *r, log_sink_fn sink, void *ctx);
const struct log_summary *log_reader_summary(const struct log_reader *r);
/* After log_reader_end: for log_config.before of the next file.  May be empty. */
struct text log_reader_last_line(const struct log_reader *r);

/* How many percent of the lines (the first 50) at the head of a file have an envelope; a last line
 * that is cut off does not count unless it is the only one. */
unsigned log_probe(struct text head);
/* The first stamp in the head of a file, in the zone of the config; INSTANT_NONE: there is none. */
instant_ns log_probe_time(struct text head, const struct log_config *config);
/* Whether most of those lines tell only how long after the boot they were written: such a log needs
 * log_config.boot. */
bool log_probe_since_boot(struct text head);

#endif
