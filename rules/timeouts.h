/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle timers of well-known products: rules/timeouts.xml.  A silence that lasted about as long as
 * one of them is a hint, never a proof.
 */
#ifndef WHYRST_RULES_TIMEOUTS_H
#define WHYRST_RULES_TIMEOUTS_H

#include "parsers/base/arena.h"
#include "parsers/base/instant.h"
#include "rules/complaint.h"

enum timer_kind {
    TIMER_NETWORK = 1 << 0, /* firewalls, balancers, address translation in the path */
    TIMER_PROXY = 1 << 1,
    TIMER_SERVER = 1 << 2, /* daemons */
    TIMER_CLIENT = 1 << 3, /* libraries and pools */
    TIMER_KERNEL = 1 << 4,
    TIMER_ANY = 31,
};

enum timer_ending { TIMER_UNSAID, TIMER_RST, TIMER_FIN, TIMER_SILENT, TIMER_RST_LATER };

struct timer {
    instant_ns after_ns, tolerance_ns;
    enum timer_kind kind;
    unsigned speaks; /* what its connections speak, as bits 1 << enum app_protocol; 0: anything */
    enum timer_ending ending; /* what the product sends when the timer runs out */
    struct text product, setting, source;
};

struct timeouts {
    struct timer *v; /* by duration, then product */
    size_t n;
};

bool timer_kind_parse(struct text t, enum timer_kind *out); /* "network" ... "any" */
const char *timer_kind_name(enum timer_kind k);
const char *timer_ending_name(enum timer_ending e); /* "rst", "fin", "silent", "rst-later", "" */

/* False after complaints; what could be read is kept.  Everything lives in a. */
bool timeouts_read(struct timeouts *t, const char *name, struct text bytes, struct arena *a,
                   struct complaints *c);

struct timer_wanted {
    uint32_t kinds;  /* bits of enum timer_kind */
    unsigned spoken; /* by the connection, see said_protocols: timers of others are left out */
};

bool timeouts_near(const struct timeouts *t, instant_ns idle_ns, struct timer_wanted w);
/* Draws the limits in, between which idle_ns lies, to where timeouts_near says the same of all. */
void timeouts_limit(const struct timeouts *t, instant_ns idle_ns, struct timer_wanted w,
                    instant_ns *least, instant_ns *most);
/* "AWS NAT gateway (350 s), ..." of at most limit products, nearest first; empty when none. */
struct text timeouts_nearest(const struct timeouts *t, instant_ns idle_ns, struct timer_wanted w,
                             size_t limit, struct arena *a);

#endif
