/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case: everything that was given, and everything that was found in it.  Filled once by case_run
 * (case.h); all that a report may cite lives in the case's arena until case_finish.
 */
#ifndef WHYRST_ANALYZER_RECORD_CASE_FILE_H
#define WHYRST_ANALYZER_RECORD_CASE_FILE_H

#include "analyzer/record/connection_record.h"
#include "analyzer/record/link.h"
#include "analyzer/record/loss.h"
#include "analyzer/record/snapshots.h"
#include "parsers/base/arena.h"
#include "parsers/base/flaw.h"

struct rst_skip { /* a RST frame that belongs to no diagnosis */
    uint64_t frame;
    struct text reason;
};

struct case_datagram { /* that carried a log line */
    uint32_t capture;  /* index into the case's captures */
    uint64_t frame;
    instant_ns time; /* on that capture's clock */
};

struct case_capture {
    struct text name; /* as the user gave it; "archive!member" */
    size_t input;     /* index into the case's inputs */
    bool is_joined;   /* two files, one direction each, see halves.h */
    size_t other;     /* if so: the second input */
    struct text half[2];
    const char *format; /* "pcap", "pcapng", with the compression before it: "gz pcap" */
    const char *link_types[8];
    size_t n_link_types;
    uint64_t n_packets, n_bytes; /* n_bytes: of the stream as read, uncompressed */
    uint64_t n_tcp, n_connections, n_rst_frames;
    uint64_t n_syslog;                /* datagrams that were read as log lines */
    instant_ns first, last;           /* INSTANT_NONE when empty */
    instant_ns back_first, back_last; /* where its time goes back, see capture_info */
    unsigned time_digits;
    bool truncated;
    struct text truncated_where;
    uint64_t n_bytes_analysed;  /* n_bytes = n_bytes_analysed + all of skipped_bytes */
    struct flaws skipped_bytes; /* bytes by reason; the same reasons as of the records in skipped */
    struct text *gaps;          /* the first damaged places behind which reading went on */
    size_t n_gaps;
    uint64_t n_gaps_more; /* and those that are not listed */
    uint64_t snaplen_cut; /* packets */
    uint64_t n_dropped;   /* packets that the capture lost, by its own statistics */
    struct loss loss;     /* of its whole series, see loss_share */
    struct text filter;   /* that it was taken with, as recorded; empty: not known */
    struct flaws skipped; /* what was not analysed, by reason: records, packets that are not TCP */
    struct flaws flaws;   /* what was wrong with what was analysed */
    struct rst_skip *rst_skipped;
    size_t n_rst_skipped;
    uint32_t file;          /* place in its series of files (a ring buffer), from 0 */
    uint32_t n_files;       /* of that series; 1: it stands alone */
    instant_ns gap_ns;      /* from the last packet of the file before; below 0: they overlap */
    uint64_t n_continued;   /* connections that an earlier file of the series began */
    uint32_t vantage;       /* captures of one place share a number, from 1 */
    uint32_t vantage_first; /* the first capture of that place, of a series its first file */
    bool clock_offset_known;
    instant_ns clock_offset_ns; /* against the reference capture (the first) */
};

enum clock_by { /* what a log's clock is known by */
                CLOCK_BY_NOTHING,
                CLOCK_BY_LINES,     /* that name captured connections */
                CLOCK_BY_DATAGRAMS, /* that the captures hold as syslog datagrams */
                CLOCK_BY_TURNS,     /* about services that the captures show going down or up */
                CLOCK_BY_ONE_END,   /* one such line and one such end: a guess */
                CLOCK_BY_OTHER_LOG, /* of the same host */
                CLOCK_BY_OPTION,
                CLOCK_CONTESTED, /* known by nothing: its lines fit two offsets equally well */
                CLOCK_BYS
};

/* "lines", "turns" ...: as in the JSON contract. */
const char *clock_by_name(enum clock_by by);

struct case_clock_step {              /* the clock was set */
    uint64_t after_line, before_line; /* of the log */
    instant_ns by_ns, spread_ns;      /* positive: forward; half width */
};

struct case_clock { /* of one host's lines in a log; times are log clock minus capture clock */
    struct text host;
    enum clock_by by;
    instant_ns offset_ns, spread_ns; /* unknown: 0, and within what it is taken to be */
    uint32_t n_anchors;
    bool drifts;
    int32_t drift_ppb, drift_spread_ppb; /* positive: it runs fast */
    struct case_clock_step *steps;
    size_t n_steps;
};

struct case_log {
    struct text name;
    /* Of lines that came out of captured datagrams: their sender, and each line's datagram; n is 0
     * for a file, whose name is as the user gave it. */
    struct address sender;
    const struct case_datagram *datagrams;
    size_t n_datagrams;
    struct text
        continues;      /* the file before it where a rotated log was given in several, or empty */
    struct text host;   /* the one that most lines name; empty if none */
    bool host_unplaced; /* nothing says which address a host of it has, and more than two are so */
    struct text
        format; /* "rfc3164", "rfc5424", "iso", "journal-short-iso" ...; several joined by '+' */
    uint64_t n_lines, n_events, n_unrecognised, n_skipped;
    uint64_t n_bytes_outside; /* not read: all of it is far outside the captured time */
    instant_ns first, last;
    struct text zone;     /* name of the zone it was read in */
    struct text zone_why; /* "stated in the stamps", "--tz-of", "assumed: no stamp states it" ... */
    bool year_inferred;
    bool offset_known;
    instant_ns offset_ns;        /* log clock minus capture clock */
    instant_ns offset_spread_ns; /* half width: the true offset lies within */
    uint32_t n_anchors;          /* lines that the offset rests on */
    struct case_clock *clocks;   /* the first is the one above; NULL: nothing was joined */
    size_t n_clocks;             /* of its hosts; those known by nothing only if none is known */
    const char *asked_skip;      /* the line that was asked for is no event: why, else NULL */
    struct flaws flaws;
};

struct host_value {
    struct text name, value;
    uint64_t line;
};

struct case_host {
    struct text name; /* path */
    struct text host; /* host name or empty */
    const char *kind; /* "sysctl", "ss", "sshd -T" ... */
    struct host_value *values;
    size_t n_values;
    const struct address *addresses; /* of its host, as a snapshot in the same place lists them; of
                                        loopback none */
    size_t n_addresses;
};

/* The value of that name, or NULL. */
static inline const struct host_value *case_host_value(const struct case_host *h, struct text name)
{
    for (size_t i = 0; i < h->n_values; i++)
        if (text_eq(h->values[i].name, name))
            return &h->values[i];
    return NULL;
}

struct case_input { /* every input, whatever became of it */
    struct text name;
    const char *taken_for; /* "capture", "log", "host", "skipped" */
    struct text why;       /* skipped or failed: why */
    uint64_t n_bytes;
    bool failed;
};

/* A log line that reports a reset which no capture holds. */
struct unmatched_line {
    const struct event *event;
    struct text why;
    const char
        *why_id; /* "outside-captured-time", "address-never-seen", "connection-without-rst" */
    struct text capture_hint; /* what to capture next time */
};

struct case_summary {
    uint64_t n_packets, n_tcp, n_connections, n_reset_connections, n_rst_frames;
    uint64_t n_log_lines, n_events;
    bool complete; /* false: some input failed or was cut by a budget */
};

struct correlation; /* log index, clocks, links: correlate.h */
struct population;
struct tracker;

#define CASE_UNTOLD UINT32_MAX

struct case_file {
    struct arena arena;
    struct case_input *inputs;
    size_t n_inputs;
    struct case_capture *captures;
    size_t n_captures;
    struct case_log *logs;
    size_t n_logs;
    struct case_host *hosts;
    size_t n_hosts;
    struct snapshots snapshots;
    const struct connection_record
        *records; /* every connection of every capture, see the tracker */
    size_t n_records;
    const uint32_t *told_by;   /* by record: one before it, of another capture, that holds the same
                                  SYN to the same server, or CASE_UNTOLD; NULL: none is told */
    struct tracker **trackers; /* that resets in outline rest on */
    size_t n_trackers;
    uint64_t n_records_lost; /* not kept because the budget was spent */
    uint64_t n_resets_lost;  /* reset connections that were counted, and no more, for the same */
    struct reset **resets;   /* by time, then address; copies in other captures are marked */
    size_t n_resets;
    bool any_proxied;        /* a reset has a leg beyond a proxy */
    struct reset **attempts; /* resets that their connection survived (blind forgeries), by time;
                                their frames are among the captures' rst_skipped */
    size_t n_attempts;
    struct unmatched_line *unmatched;
    size_t n_unmatched;
    uint64_t n_unmatched_more; /* such lines about strangers, beyond those that are listed */
    struct case_summary summary;
    struct correlation *correlation; /* NULL without logs */
    struct population *population;   /* what the other connections testify: population.h */
};

/* The first file of a capture's series; the capture itself where there is none. */
static inline uint32_t case_series(const struct case_file *c, uint32_t capture)
{
    return capture < c->n_captures ? capture - c->captures[capture].file : capture;
}

#endif
