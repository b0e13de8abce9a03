/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small case made by hand: captures with connections, some of them reset, and logs written as
 * text and read by the real reader with the real patterns.  Times are seconds after JOINT_START.
 */
#ifndef WHYRST_TESTS_ANALYZER_JOINT_H
#define WHYRST_TESTS_ANALYZER_JOINT_H

#include "analyzer/correlate/correlate.h"

/* 2026-03-01T12:00:00Z, as instant and as the stamps of the test logs are written */
#define JOINT_START (INT64_C(1772366400) * NS_PER_S)
#define JOINT_MAX 512

struct joint {
    struct case_file c;
    struct case_capture captures[8];
    struct case_log logs[8];
    struct connection_record records[JOINT_MAX];
    struct reset *resets[JOINT_MAX];
    struct correlate_config config;
    struct log_about about[8];
    const char *log_text[8];
    const double *sent_at[8]; /* its lines came in datagrams, captured then; NULL: it is a file */
    struct event extra[4];    /* given as they are, after the logs */
    size_t n_extra;
    struct correlation *correlation;
};

/* How far apart, whichever comes first. */
static inline instant_ns joint_size(instant_ns t)
{
    return t < 0 ? -t : t;
}

struct joint *joint_create(void); /* one capture, "a.pcap", from 0 s to 100 s */
void joint_free(struct joint *j);
/* What the connections testify so far is counted, anew when it was before. */
void joint_settle(struct joint *j);

/* Another capture from first to last; returns its index. */
uint32_t joint_capture(struct joint *j, const char *name, double first, double last);

/* A connection of capture 0 with a handshake, from opened to ended (FIN by the server). */
struct connection_record *joint_talk(struct joint *j, const char *client, const char *server,
                                     double opened, double ended);
/* The same, ended by a RST of the server at that time; *reset (may be NULL) is its reset. */
struct connection_record *joint_reset(struct joint *j, const char *client, const char *server,
                                      double opened, double rst, struct reset **reset);
/* Moves the newest record (and its reset) into another capture, its times by seconds. */
void joint_move(struct joint *j, uint32_t capture, double seconds);

/* A log; text is borrowed.  Index as in struct event's source. */
uint32_t joint_log(struct joint *j, const char *name, const char *text);
/* The same of lines that 198.51.100.7 sent, each captured at its time by capture 0.  Before the
 * files. */
uint32_t joint_sent(struct joint *j, const char *text, const double *captured);
/* "2026-03-01T12:00:SS.ffffff+00:00" style stamp of START + t, zone by minutes; arena text. */
const char *joint_stamp(struct joint *j, double t, int zone_minutes);

/* Reads the logs and joins. */
void joint_run(struct joint *j);

/* The link of a reset to line n of a log, or NULL. */
const struct link *joint_link(const struct joint *j, const struct reset *r, uint32_t source,
                              uint64_t line);
size_t joint_n_links(const struct joint *j, const struct reset *r);
/* The unmatched answer for that line, or NULL. */
const struct unmatched_line *joint_unmatched(const struct joint *j, uint32_t source, uint64_t line);

#endif
