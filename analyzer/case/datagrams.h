/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines that the captures hold as syslog datagrams.  In: every UDP packet of every capture,
 * once.  Out: for each sender its lines in the order in which they were captured, each once however
 * many captures hold it.  Bounded in bytes, lines and senders; what does not fit is counted.  No
 * line is parsed here.
 */
#ifndef WHYRST_ANALYZER_CASE_DATAGRAMS_H
#define WHYRST_ANALYZER_CASE_DATAGRAMS_H

#include "analyzer/record/case_file.h"
#include "parsers/base/map.h"
#include "parsers/base/vec.h"
#include "parsers/packet/packet.h"

struct datagram_line {
    struct text text;
    struct case_datagram in;
};

struct datagram_sender {
    struct address from;
    VEC(struct datagram_line) lines;
};

struct datagrams {
    struct arena arena;
    size_t max_bytes, max_lines;
    VEC(struct datagram_sender) senders; /* in order of their first line */
    struct map sender_of;                /* struct address to place in senders + 1 */
    struct map seen;                     /* hash of a payload to struct datagram_copies */
    size_t n_bytes, n_lines;
};

struct datagram_copies { /* of one payload */
    uint32_t series;     /* where it was met last: the first file of that series */
    uint32_t n_here;     /* how often there */
    uint32_t n_kept;     /* how often it was sent, as the series that holds most of it shows */
    instant_ns last;     /* when, there */
};

/* 0: the usual budget. */
void datagrams_init(struct datagrams *d, size_t max_bytes, size_t max_lines);
void datagrams_finish(struct datagrams *d);

struct datagram_place { /* of a packet: both index the case's captures */
    uint32_t capture, series;
};

/* Whether the packet is a syslog datagram.  If so it is accounted for: its lines are kept, or it is
 * counted in *out.skipped; what was odd about it in *out.flaws. */
bool datagrams_take(struct datagrams *d, const struct packet *p, struct datagram_place at,
                    struct case_capture *out);
/* Forgets what came from a capture that could not be used after all. */
void datagrams_forget(struct datagrams *d, uint32_t capture);

#endif
