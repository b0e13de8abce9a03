/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the clock that stamped a capture was set while a connection lived, so that differences
 * of its times tell little.  A clock that was set back shows in the stamps.  One that was set
 * forward leaves a pause, of which the ends' own timestamps (RFC 7323) know nothing.
 */
#ifndef WHYRST_ANALYZER_RECORD_LEAP_H
#define WHYRST_ANALYZER_RECORD_LEAP_H

#include "analyzer/record/case_file.h"

/* How far from a place where time goes back what is counted over other connections is in doubt. */
#define LEAP_NEAR_NS (60 * NS_PER_S)
/* The shortest pause that is held against the ends' timestamps. */
#define LEAP_PAUSE_NS (3 * NS_PER_S / 2)

/* Of the kept segments, in the order in which they were captured. */
bool connection_leaps(const struct connection *k);

bool reset_leaps(const struct case_file *c, const struct reset *r);

/* Whether the capture's time goes back near r's connection, or while it lived. */
bool reset_leaps_near(const struct case_file *c, const struct reset *r);

#endif
