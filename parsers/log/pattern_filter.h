/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many literals looked for at once: each is stood for by its rarest two neighbouring bytes, and
 * where such a pair stands its literals are compared.
 */
#ifndef WHYRST_PARSERS_LOG_PATTERN_FILTER_H
#define WHYRST_PARSERS_LOG_PATTERN_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/text.h"

#define FILTER_PAIRS_MAX 24
#define FILTER_LITERALS_MAX 64
#define FILTER_LANES 32

struct filter {
    /* each byte of a pair as often as it is compared at a time */
    uint8_t a[FILTER_PAIRS_MAX][FILTER_LANES], b[FILTER_PAIRS_MAX][FILTER_LANES];
    unsigned n; /* pairs */
    struct {
        struct text text;
        uint8_t at;   /* of the pair in the literal */
        uint8_t pair; /* or FILTER_PAIRS_MAX: too short or too many, looked for one by one */
    } literal[FILTER_LITERALS_MAX];
    unsigned n_literals, n_others; /* of them those without a pair */
};

/* The literal's bytes are borrowed.  False when there are too many: the caller looks for it
 * itself. */
bool filter_add(struct filter *f, struct text literal);
/* Which literals the message holds: bit i for the i-th that was added. */
uint64_t filter_find(const struct filter *f, struct text message);

#endif
