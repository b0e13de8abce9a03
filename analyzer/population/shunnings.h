/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a port turned against one client alone: its open connections are answered as if unknown,
 * its new ones refused, by the server or by a device in its name, while those of others go on.  A
 * service that is down, or a host that has started anew, does that to everybody.  Counted from
 * records and resets; nothing is judged here.
 */
#ifndef WHYRST_ANALYZER_POPULATION_SHUNNINGS_H
#define WHYRST_ANALYZER_POPULATION_SHUNNINGS_H

#include "analyzer/population/census.h"

#define SHUNNINGS_REACH_NS (60 * NS_PER_S)     /* so far before and after a reset one looks */
#define SHUNNINGS_SUDDEN_NS (1500 * NS_PER_MS) /* no host starts anew in that time */

struct shunning {       /* of one server's port, in that time, as one place saw it */
    uint32_t n_refused; /* the client's attempts that were refused */
    uint32_t n_unknown; /* the client's connections that were answered as unknown */
    uint32_t n_sudden;  /* of these: the server had spoken on it so shortly before */
    uint32_t n_others;  /* other addresses' of both kinds */
    /* other addresses' open before the reset and after it, at most 200; none: the same of the first
     * time that the client was turned away */
    uint32_t n_others_held;
    /* of the client's own that began before the reset, at most 200 with others': reset in the
     * server's name, and not before this one began; held before and after */
    uint32_t n_together, n_held;
};

struct shunnings;

/* The census must outlive it.  NULL when memory ran out. */
struct shunnings *shunnings_create(const struct census *census);
void shunnings_free(struct shunnings *s); /* NULL-safe */

/* False where r is neither a refusal nor an answer to an unknown connection, or no connection to
 * that port was ever answered as unknown. */
bool shunnings_of(const struct shunnings *s, const struct reset *r, struct shunning *out);

/* False: it is false of every reset. */
bool shunnings_any(const struct shunnings *s);

#endif
