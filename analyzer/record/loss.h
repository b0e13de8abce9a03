/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of what passed its place a capture does not hold.  Numbers tell it of every connection:
 * bytes that an end acknowledges were sent, and a client that acknowledges a SYN-ACK got one.  What
 * the network lost nobody acknowledges, so it does not count.  pcapng files may say it themselves.
 * What a capture filter left out by flags is told by numbers, too.
 */
#ifndef WHYRST_ANALYZER_RECORD_LOSS_H
#define WHYRST_ANALYZER_RECORD_LOSS_H

#include <stdbool.h>
#include <stdint.h>

struct case_capture;
struct case_file;

struct loss {
    uint64_t n_held, n_missed; /* segments with payload, and SYN-ACKs, that both ends testify */
    uint64_t n_plain;     /* connections of which a segment without SYN, FIN and RST was captured */
    uint64_t n_bare;      /* of which none was, though their numbers tell that there were such */
    uint64_t longest;     /* segments of the longest connection, RSTs aside */
    uint64_t n_longest;   /* connections that have as many */
    uint64_t n_goes_on;   /* of these, that neither closed nor say that they were all of it */
    uint64_t n_says_more; /* of these, whose numbers tell of more */
};

/* The share of all segments, 0..1, that the capture's series of files does not hold: what its
 * numbers or its own statistics say, whichever is more.  Of few segments it is taken to be less
 * than they show, and 0 below one in a hundred. */
double loss_share(const struct case_capture *k);

/* Whether the series holds none but SYN, FIN and RST segments of connections that had others: it
 * was captured through a filter like 'tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0'. */
bool loss_is_control_only(const struct loss *l);

/* How many segments of each connection the series holds at most, RSTs aside, where it holds heads
 * alone, as of a tool that cuts connections off; else 0.  Several connections have just as many,
 * none has more, nearly all of these go on, and one at least has numbers that tell of more. */
uint64_t loss_cut_at(const struct loss *l);

/* The share of the case's connections, or of the reset ones, whichever is more, that were counted
 * and not kept for want of memory. */
double loss_left_out(const struct case_file *c);

#endif
