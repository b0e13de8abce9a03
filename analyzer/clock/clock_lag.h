/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How late lines are: the share of lines written within so much after what they report.  Pure
 * figures.
 */
#ifndef WHYRST_ANALYZER_CLOCK_CLOCK_LAG_H
#define WHYRST_ANALYZER_CLOCK_CLOCK_LAG_H

#include "analyzer/clock/clock.h"

/* A line trails what it reports by scheduling and writing; it hardly ever precedes it. */
#define CLOCK_LAG_NS (NS_PER_S / 4)
#define CLOCK_LEAD_NS (NS_PER_S / 100)
/* Lines further off are not about the same thing. */
#define CLOCK_LAG_MOST_NS (10 * NS_PER_S)
#define CLOCK_LEAD_MOST_NS (2 * NS_PER_S)

/* The least and the greatest offset that a pair allows, if what it reports lies so much before its
 * line at most, and hardly ever so much behind it.  A datagram is sent when its line is written,
 * and waits as a line trails. */
static inline instant_ns clock_pair_low(const struct clock_pair *p, instant_ns lag, instant_ns lead)
{
    return p->log - p->due_last - (p->order == CLOCK_LEADS ? lead : lag);
}
static inline instant_ns clock_pair_high(const struct clock_pair *p, instant_ns lag,
                                         instant_ns lead)
{
    return p->log + p->precision - p->due_first + (p->order == CLOCK_TRAILS ? lead : lag);
}

/* How likely the pair's stamp is, per second of it, if the log's clock were off by about offset:
 * anywhere within width around it. */
double clock_lag_density(const struct clock_pair *p, instant_ns offset, instant_ns width);

#endif
