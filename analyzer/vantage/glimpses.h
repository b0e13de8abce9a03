/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each capture sees a host: the hop count of what it sends there, and which end it is.  Looked
 * up when a host is first asked for, by one walk through its connections.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_GLIMPSES_H
#define WHYRST_ANALYZER_VANTAGE_GLIMPSES_H

#include "analyzer/vantage/roster.h"
#include "parsers/base/map.h"

struct glimpse {
    uint32_t capture; /* of a series its first file */
    uint8_t ttl;      /* 0: it is not seen there */
    uint8_t as;       /* enum side: the end that it is there */
};

struct glimpses {
    const struct case_file *c;
    const struct roster *r;
    struct map hosts;    /* where its entries begin in by_address: its struct glimpse_list */
    uint32_t n_captures; /* that can be told apart: of each series one */
    uint32_t *asked;     /* by capture: the newest list that holds it */
    struct arena arena;
};

/* False when memory ran out; to be finished in any case.  The roster must be indexed. */
bool glimpses_init(struct glimpses *g, const struct case_file *c, const struct roster *r);
void glimpses_finish(struct glimpses *g);

/* By the first connection of that host there whose hop count is known.  ttl is 0, too, when memory
 * ran out. */
struct glimpse glimpse_of(struct glimpses *g, const struct address *ip, uint32_t capture);

#endif
