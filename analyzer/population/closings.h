/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When servers ended their connections: how many of one port in one moment, how many they left
 * open, how long the least silent of them had been so, and how many they ended shortly before.  A
 * process that ends closes all of its sockets at once, whatever their age; a timer closes the
 * silent ones and leaves the others; and a server that closes each connection behind its answer
 * always does.  Connections that did not outlast a moment tell nothing of one and are left out.
 * Counted from the connection records and the resets; nothing is judged here.
 */
#ifndef WHYRST_ANALYZER_POPULATION_CLOSINGS_H
#define WHYRST_ANALYZER_POPULATION_CLOSINGS_H

#include "analyzer/population/census.h"

#define CLOSINGS_MOMENT_NS (NS_PER_S / 20) /* at most so far apart: one moment */
#define CLOSINGS_BEFORE_NS (10 * NS_PER_S) /* before a moment: what is usual */

struct closing {
    uint32_t n_together;   /* other connections to that port that the server ended in that moment */
    uint32_t n_left_open;  /* open before and after that moment */
    uint32_t n_before;     /* that the server ended within CLOSINGS_BEFORE_NS before that moment */
    instant_ns least_idle; /* of all of them: the shortest silence before the server ended it. Of r
                              without payload but a goodbye; of others without any segment, where
                              a FIN ended them */
    instant_ns most_idle;  /* the longest */
};

struct closings;

/* The census must outlive it.  NULL when memory ran out. */
struct closings *closings_create(const struct census *census);
void closings_free(struct closings *s); /* NULL-safe */

/* False when it was not the server that ended r's connection, or it never opened. */
bool closings_of(const struct closings *s, const struct reset *r, struct closing *out);
/* False: it is false of every reset. */
bool closings_any(const struct closings *s);

/* When the server ended r's connection, by FIN or RST, before the client did; else INSTANT_NONE. */
instant_ns closing_time(const struct reset *r);

#endif
