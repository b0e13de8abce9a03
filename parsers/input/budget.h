/* SPDX-License-Identifier: Apache-2.0 */
/* What one decompressor has given for what it took, held against the limits. */
#ifndef WHYRST_PARSERS_INPUT_BUDGET_H
#define WHYRST_PARSERS_INPUT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/input/limits.h"

struct budget {
    const struct input_limits *limits;
    uint64_t produced; /* bytes out */
    uint64_t *total;   /* the same over this reader and those inside it; NULL = counts alone */
};

/* Counts n bytes more for n_in packed ones in all.  seen: bytes that are known to have been
 * unpacked whether or not they were given; 0 = as many as were given.  False with *err when a limit
 * is passed. */
bool budget_spend(struct budget *b, uint64_t n, uint64_t n_in, uint64_t seen, const char *place,
                  struct error *err);

#endif
