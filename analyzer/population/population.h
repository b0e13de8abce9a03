/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all connections of a case say about one: whether a port ever accepted, how many ports a
 * client tried, how many others were reset in the same instant or after the same silence.  Built
 * once from the connection records and the resets; nothing is judged here.
 */
#ifndef WHYRST_ANALYZER_POPULATION_POPULATION_H
#define WHYRST_ANALYZER_POPULATION_POPULATION_H

#include "analyzer/population/closings.h"
#include "analyzer/population/refusals.h"
#include "analyzer/population/shunnings.h"
#include "analyzer/record/case_file.h"

struct server_stats {    /* one server endpoint, over all captures */
    uint32_t n_attempts; /* connections that a SYN opened */
    uint32_t n_accepted; /* of them answered by a SYN-ACK, seen or acknowledged */
    uint32_t n_acked;    /* of those: it was not captured */
    uint32_t n_refused;  /* answered by a RST before any SYN-ACK */
    uint32_t n_unanswered;
    instant_ns first_accepted, last_accepted; /* INSTANT_NONE when none */
    instant_ns first_refused, last_refused;
};

struct client_stats { /* one client address */
    uint32_t n_attempts;
    uint32_t n_targets;      /* distinct server endpoints tried */
    uint32_t n_dead_targets; /* of them never seen to carry data for this client */
};

struct population;

/* NULL when memory ran out. */
struct population *population_create(const struct case_file *c);
void population_free(struct population *p);

/* Resets of the case but for copies. */
size_t population_n_resets(const struct population *p);

/* r will be asked about soon: what lies elsewhere is on its way. */
void population_fetch(const struct case_file *c, const struct reset *r);

/* The number of an end of the case's reset at that index, its server or the host of its client: the
 * same for all resets that have it. */
uint32_t population_number(const struct case_file *c, size_t reset, enum side end);
/* All such numbers are less than this. */
uint32_t population_n_numbers(const struct case_file *c, enum side end);

/* Never NULL.  Of the reset's ends: zeroed stats where no reset of the case has that end. */
const struct server_stats *population_server(const struct case_file *c, const struct reset *r);
const struct client_stats *population_client(const struct case_file *c, const struct reset *r);
/* Attempts (SYNs) at the reset's server endpoint within [from, to]. */
uint32_t population_attempts(const struct case_file *c, const struct reset *r, instant_ns from,
                             instant_ns to);
/* Other diagnosed resets (not copies) of the same server endpoint within the time around this one.
 */
uint32_t population_same_instant(const struct case_file *c, const struct reset *r,
                                 instant_ns within);
/* Other diagnosed resets whose silence before was the same, within 2 % or 0.5 s, and longer than 2
 * s. */
uint32_t population_same_idle(const struct case_file *c, const struct reset *r);
/* Other diagnosed resets of the same server endpoint after the same nonzero byte counts both ways.
 */
uint32_t population_same_bytes(const struct case_file *c, const struct reset *r);
/* See swallows_like. */
uint32_t population_swallows_like(const struct case_file *c, const struct reset *r);
/* See ports_elsewhere.  False: memory ran out. */
bool population_port_elsewhere(const struct case_file *c, const struct reset *r, bool *elsewhere);
/* See ports_turned_away.  False: memory ran out. */
bool population_turned_away(const struct case_file *c, const struct reset *r, bool *turned_away);
/* See predecessors_have.  False: memory ran out. */
bool population_port_moved(const struct case_file *c, const struct reset *r, bool *moved);
/* See refusals_accepted_between. */
uint32_t population_accepted_between(const struct case_file *c, const struct reset *r);
/* See refusals_held_beside. */
bool population_held_beside(const struct case_file *c, const struct reset *r);
/* See refusals_ended_before. */
uint32_t population_ended_before(const struct case_file *c, const struct reset *r);
/* See shunnings_of and closings_of; NULL where they are false.  Until the next one is asked for. */
const struct shunning *population_shunning(const struct case_file *c, const struct reset *r);
const struct closing *population_closing(const struct case_file *c, const struct reset *r);
/* Whether there is any reset of the case for which they are not NULL. */
bool population_any_shunning(const struct case_file *c);
bool population_any_closing(const struct case_file *c);
/* See reset_unheard; without ends that were captured in other connections of the case, for then
 * captures do show them. */
unsigned population_unheard(const struct case_file *c, const struct reset *r);
/* Whether the capture holds no other segments of the connection than with SYN, FIN or RST, though
 * there were some: see loss_is_control_only.  A RST that answers a SYN needs none. */
bool population_hides_talk(const struct case_file *c, const struct reset *r);
/* Whether the capture holds the connection's first segments alone: see loss_cut_at. */
bool population_cut_short(const struct case_file *c, const struct reset *r);
/* Other connections to the same server endpoint that were alive when the RST came, as the place
 * sees them that captured it: see server_rows.h. */
uint32_t population_live_beside(const struct case_file *c, const struct reset *r);

#endif
