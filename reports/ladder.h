/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets around a reset and the log lines tied to it, in one order of time: what a reader
 * wants to see at a glance.  Long connections are shortened in the middle, and the gap is said.
 */
#ifndef WHYRST_REPORTS_LADDER_H
#define WHYRST_REPORTS_LADDER_H

#include "rules/diagnosis.h"

enum rung_kind { RUNG_SEGMENT, RUNG_LOG, RUNG_GAP };

struct rung {
    enum rung_kind kind;
    instant_ns time;               /* capture clock; a log line's is corrected */
    const struct segment *segment; /* RUNG_SEGMENT */
    const struct link *link;       /* RUNG_LOG */
    uint64_t n_left_out;           /* RUNG_GAP: segments not shown */
    bool is_deciding;
};

#define LADDER_MAX 64

/* Whether a line that is tied to the reset has a place beside the packets.  Where logs of several
 * hosts came together, what merely tells of a host or a service there may be of any of them: such a
 * line is shown only if the diagnosis rests on it. */
bool ladder_has_place(const struct findings *f, const struct diagnosis *d, const struct link *l);
/* At most LADDER_MAX rungs; returns how many. */
size_t ladder_make(const struct findings *f, const struct diagnosis *d,
                   struct rung out[LADDER_MAX]);
/* "SYN", "PSH ACK, 22 bytes". */
void ladder_flags_text(struct strbuf *b, const struct segment *s);
/* "seq 0 win 64240, ttl 64 [retransmission]", numbers counted from the ends' first ones. */
void ladder_numbers_text(struct strbuf *b, const struct connection *c, const struct segment *s);

#endif
