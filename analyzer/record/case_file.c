/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words for what a case holds.
 */
#include "analyzer/record/case_file.h"

const char *clock_by_name(enum clock_by by)
{
    static const char *const names[CLOCK_BYS] = {"nothing", "lines",     "datagrams", "turns",
                                                 "one-end", "other-log", "option",    "contested"};
    return by < CLOCK_BYS ? names[by] : names[CLOCK_BY_NOTHING];
}
