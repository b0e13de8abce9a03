/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened at servers' ports, in rows: a time and a note each, by port, in order of time.  A
 * port is one as one place sees it: the captures of one series are one place, those of two places
 * are not.  Only ports that were named have rows, so that nobody's time goes into those that nobody
 * will ask about.  What a note means is its owner's business.
 */
#ifndef WHYRST_ANALYZER_POPULATION_SERVER_ROWS_H
#define WHYRST_ANALYZER_POPULATION_SERVER_ROWS_H

#include "analyzer/population/census.h"
#include "analyzer/record/times.h"
#include "parsers/base/map.h"
#include "parsers/base/vec.h"

struct server_row {
    size_t first; /* in server_rows.time and .note */
    uint32_t n, hint;
};

struct server_place { /* a port that was named, as one place sees it */
    uint32_t server, series;
};

struct server_rows {
    const struct census *census;
    size_t n_kinds;     /* rows of a port */
    uint32_t *place_of; /* by server's number: 1 + its first place, 0 none; NULL: none is named */
    struct map more;    /* struct server_place -> 1 + its place, of all but the first */
    VEC(struct server_place) places;
    VEC(struct server_row) rows; /* by place, then kind */
    instant_ns *time;
    uint32_t *note;
};

/* The census must outlive it. */
void server_rows_init(struct server_rows *s, const struct census *census, size_t n_kinds);
void server_rows_finish(struct server_rows *s);

/* The port of r's server is to have rows.  All are named before rows are filled.  False when memory
 * ran out. */
bool server_rows_name(struct server_rows *s, const struct reset *r);

/* deal adds to the rows whatever they hold; it is called twice, for what comes is counted first,
 * and need not keep to the order of time.  False when memory ran out. */
bool server_rows_fill(struct server_rows *s, void (*deal)(struct server_rows *s));
void server_rows_add(struct server_rows *s, struct server_row *row, instant_ns t, uint32_t note);

/* The rows of the port of r's server, the first of n_kinds; NULL: it was not named. */
struct server_row *server_rows_of(const struct server_rows *s, const struct reset *r);
/* The same of the connection at i in the census's row, which goes to that server. */
struct server_row *server_rows_at(struct server_rows *s, uint32_t server, size_t i);

/* How many of the row come before t; with those at t, too, when at is set. */
static inline size_t server_rows_before(const struct server_rows *s, struct server_row *row,
                                        instant_ns t, bool at)
{
    return times_before(s->time + row->first, row->n, t, at, &row->hint);
}

#endif
