/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets against inputs made to exhaust: bombs, endless folders, endless standard input. */
#ifndef WHYRST_PARSERS_INPUT_LIMITS_H
#define WHYRST_PARSERS_INPUT_LIMITS_H

#include <stdint.h>

struct input_limits {
    uint64_t produced_max; /* bytes out of one compressed file or archive */
    uint64_t ratio_max;    /* bytes out for a byte in, once produced_free is passed */
    uint64_t produced_free;
    uint64_t members_max; /* of one archive */
    uint64_t inputs_max;  /* in all */
    unsigned depth_max;   /* folders below a path of the command line */
    uint64_t spool_max;   /* bytes of standard input or of a pipe */
    uint64_t kept_max;    /* bytes of members of archives, see walk_keep */
};

extern const struct input_limits input_limits_default;

#endif
