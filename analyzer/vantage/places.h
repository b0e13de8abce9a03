/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which captures were taken at one place: they see the same hosts at the same distance, and hold
 * the same packets at the same time, or follow one another.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_PLACES_H
#define WHYRST_ANALYZER_VANTAGE_PLACES_H

#include "analyzer/vantage/vantage.h"

/* Numbers the places from 1 in c's captures: what shares a number is one place.  Of a series the
 * first file is numbered alone.  False when memory ran out. */
bool places_number(const struct vantage *v, struct case_file *c);

#endif
