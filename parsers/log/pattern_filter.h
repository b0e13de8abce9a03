/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A first look at a message for many literals at once: each is stood for by its rarest two
 * neighbouring bytes.  No false "no"; a "yes" still has to be checked literal by literal.
 */
#ifndef WHYRST_PARSERS_LOG_PATTERN_FILTER_H
#define WHYRST_PARSERS_LOG_PATTERN_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/text.h"

#define FILTER_PAIRS_MAX 12

#define FILTER_LANES 16

struct filter {
    /* each byte of a pair as often as it is compared at a time */
    uint8_t a[FILTER_PAIRS_MAX][FILTER_LANES], b[FILTER_PAIRS_MAX][FILTER_LANES];
    unsigned n;
    bool off; /* too many literals, or one of a single byte: look for each */
};

void filter_add(struct filter *f, struct text literal);
bool filter_may_hold(const struct filter *f, struct text message);

#endif
