/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wording that the text and the HTML report share, so that both say the same of one finding.
 * Findings in, plain words out; the caller escapes for its medium.
 */
#ifndef WHYRST_REPORTS_TELL_H
#define WHYRST_REPORTS_TELL_H

#include "reports/arrange.h"

/* "14 connections, 9 reset: 9 matter (9 faults), 0 harmless." */
void tell_headline(struct strbuf *b, const struct findings *f, const struct arrangement *a);
/* Of resets that a budget kept out, where there are any: how many, and what to do. */
void tell_lost_resets(struct strbuf *b, const struct case_file *c);
/* "almost certain (0.99)"; never rounded up to certainty. */
void tell_confidence(struct strbuf *b, double confidence);
/* "RST by the server on the half-closed connection: a segment reached ... (after-close)" */
void tell_wire(struct strbuf *b, const struct reset *r);
/* "38.6 ms before the RST, names both ends"; the clock's doubt is said where it matters. */
void tell_tie(struct strbuf *b, const struct link *l);
/* "; "db1" is 192.0.2.7 by auth.log:12", where a name in the line led to the connection. */
void tell_host_name(struct strbuf *b, const struct case_file *c, const struct link *l);
/* ", also sent in frame 57 of client.pcap": the datagram that carried the line; nothing for a line
 * of which none is known. */
void tell_datagram(struct strbuf *b, const struct case_file *c, const struct event *e);
/* ", 12 syslog datagrams read as a log" or nothing. */
void tell_syslog(struct strbuf *b, const struct case_capture *c);
/* ", about 12 % of what passed was not captured, as its numbers show: ..." and what helps; nothing
 * for a whole one. */
void tell_lost(struct strbuf *b, const struct case_capture *c);
/* "clock 1 ms ahead of the capture's (± 12 ms), by 10 lines" */
void tell_clock(struct strbuf *b, const struct case_log *l);
/* Where its host cannot be placed, that and what would help; else nothing. */
void tell_unplaced(struct strbuf *b, const struct case_log *l);
/* The same of one of its hosts, without the first word: "1 ms ahead of ..." */
void tell_clock_offset(struct strbuf *b, const struct case_clock *k);

/* "frames 12, 13, 19 and 4 more", of the file that holds the deciding one */
void tell_rst_frames(struct strbuf *b, const struct reset *r);
/* "Resets that ended nothing: 2 connections went on after 7 RSTs" */
void tell_attempts(struct strbuf *b, const struct case_file *c);
/* "3 RSTs in the server's name, 1 in window ..., 2 out of window; sent by ... (0.97)" */
void tell_attempt(struct strbuf *b, const struct reset *r);

/* A text of the input as far as a report repeats it: blanks at the end are gone, and more than max
 * bytes are cut at a whole character; *was_cut says so. */
struct text tell_cut(struct text t, size_t max, bool *was_cut);
#define TELL_LINE_MAX 600   /* bytes of a log line */
#define TELL_WORDS_MAX 1500 /* of any other text */
#define TELL_TITLE_MAX 300
#define TELL_MOST_LISTED 1000 /* of what a report for people lists one by one */

struct to_collect {
    struct text what;
    const char *cause; /* that it would show; NULL: the diagnosis's own */
};

/* What to collect next time: only where it could change the answer, the same words once.  First
 * what would make the diagnosis surer, then what tells it from those that it cannot be told from,
 * then what rules want that could not be judged. */
#define TELL_COLLECT_MAX 3
size_t tell_collect(const struct diagnosis *d, bool thorough,
                    struct to_collect out[TELL_COLLECT_MAX]);

/* "the other leg, beyond a NAT: A -> B in CAPTURE, stream N". */
void tell_leg(struct strbuf *b, const struct findings *f, const struct leg *leg);

/* "; file 2 of 3 of one capture, 12 ms after the file before, 4 connections go on"; nothing for a
 * capture that stands alone. */
void tell_series(struct strbuf *b, const struct case_capture *c);

/* "; taken at the same place as A"; nothing for the first capture of its place.  c is one of those
 * of of. */
void tell_place(struct strbuf *b, const struct case_file *of, const struct case_capture *c);

#endif
