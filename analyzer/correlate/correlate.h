/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that joins logs to packets and captures to each other.  In: the resets and connection
 * records of every capture, then the events of every log, one by one.  Out: captures laid over each
 * other, the clock of each log, the lines tied to each reset, and an answer for every line that
 * reports a reset which no capture holds.  No log is read here and no cause is judged.
 *
 *     c = correlation_create(&config, case)      after the captures
 *     correlation_source(c, 0, &about)           before the events of each log
 *     correlation_datagram(c, &event, &in)       lines out of datagrams, before those of files
 *     correlation_event(c, &event)               the log reader's sink
 *     correlation_join(c, &err)                  after the logs: fills the case
 *     correlation_free(c)                        with the case
 */
#ifndef WHYRST_ANALYZER_CORRELATE_CORRELATE_H
#define WHYRST_ANALYZER_CORRELATE_CORRELATE_H

#include "analyzer/record/case_file.h"

struct look;

/* Leads the captures' packets past the look once more; false when memory ran out. */
typedef bool correlate_look_fn(void *ctx, struct look *look);

struct correlate_config {
    instant_ns window_ns;    /* how far from the RST a line that names no port may be; 0: see
                                window.h */
    size_t max_events;       /* kept log events; 0: 1 million */
    size_t max_bytes;        /* memory for them; 0: 512 MiB */
    correlate_look_fn *look; /* NULL: captures are not looked at again */
    void *look_ctx;
};

/* What is known of a log before its first line. */
struct log_about {
    struct text name;      /* as in case_log, borrowed until correlation_free */
    bool zone_assumed;     /* no option named a zone: stamps without one were read as UTC */
    bool offset_given;     /* the user stated the offset */
    instant_ns offset_ns;  /* log clock minus capture clock, where offset_given */
    instant_ns doubt_ns;   /* its times may all be wrong by so much, as the host's boot time is */
    bool is_sent;          /* its lines come out of captured datagrams */
    struct address sender; /* of these */
};

/* Lays the captures over each other at once: resets' seen_in and is_copy_of_other, the captures'
 * vantage and clock offset, and proof of the path where another capture gives it.  The case's
 * captures, resets and records must be final.  NULL when memory ran out. */
struct correlation *correlation_create(const struct correlate_config *config, struct case_file *of);
void correlation_free(struct correlation *c); /* NULL-safe; links die with it */

/* False when memory ran out.  Sources are those of struct event, any order. */
bool correlation_source(struct correlation *c, uint32_t source, const struct log_about *about);

/* The address of a name, by a hosts file; before the events.  False when memory ran out. */
bool correlation_name(struct correlation *c, struct text name, const struct address *ip);

/* The source goes on where another ended, as a rotated log's next file: one log with one clock for
 * each host.  Behind correlation_source, before its first event; sources of one log in order. */
bool correlation_continue(struct correlation *c, uint32_t source, uint32_t before);

/* Keeps the event of that line, whatever it says: line_answer.h asks for it. */
void correlation_ask(struct correlation *c, uint32_t source, uint64_t line);

/* Keeps the event if it can matter; what it points to is copied. */
void correlation_event(struct correlation *c, const struct event *e);

/* Lets the reader of a log pass lines whose events would not be kept anyway: its functions take c.
 */
struct log_passer correlation_passer(struct correlation *c);

/* The same for a line out of a captured datagram, before the events of the first file: lines of
 * files that say the same are known for it. */
void correlation_datagram(struct correlation *c, const struct event *e,
                          const struct case_datagram *in);

/* Estimates the clocks, ties the lines to the resets, answers the rest.  Fills of->logs[source]:
 * offset, spread, anchors, and zone and zone_why where a zone was inferred; of->unmatched;
 * of->correlation.
 *
 * A zone is inferred when no stamp and no option states it and the anchors show an offset within 5
 * minutes of a multiple of 15 minutes: the log is then taken to be written in that zone.
 * case_log.zone becomes "UTC+02:00", the events of links are moved to UTC by it, and offset_ns
 * holds the small rest.  Otherwise offset_ns is the whole difference, log clock minus capture
 * clock, in the zone that the log was read in.  Capture clock: that of the case's first capture. */
bool correlation_join(struct correlation *c, struct error *err);

/* Events not kept, by reason ("log-index.full", "log-index.elsewhere" ...). */
const struct flaws *correlation_dropped(const struct correlation *c);

/* Sightings of resets in other captures that were not looked for because the budget was spent. */
size_t correlation_not_looked_at(const struct correlation *c);

/* ---- what was found, asked of a case; nothing in one without logs ---- */

/* The lines tied to a reset, strongest join first, then nearest in time. */
const struct link *case_links(const struct case_file *c, const struct reset *r, size_t *n);

/* The datagram that carried this line: of a log of datagrams, or of a file whose line was captured
 * on its way, too.  NULL: none that is known. */
const struct case_datagram *case_datagram_of(const struct case_file *c, const struct event *e);

/* Whether some log would have shown an event of this kind for the host of that side at that time:
 * a log of that host covers the time and holds lines of the program that writes such events. */
bool case_log_covers(const struct case_file *c, const struct reset *r, enum side side,
                     struct text event_kind, instant_ns from, instant_ns to);

#endif
