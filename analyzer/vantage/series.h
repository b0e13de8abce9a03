/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which capture files are pieces of one capture: ring buffers and split files, by their names and
 * by their times.  Names come in as the user gave them; nothing is opened here.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_SERIES_H
#define WHYRST_ANALYZER_VANTAGE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/instant.h"
#include "parsers/base/text.h"

enum series_likeness {
    SERIES_UNLIKE,
    SERIES_LIKE, /* the names differ in digits alone, as copies of several hosts do, too */
    SERIES_RING, /* as dumpcap -b, tcpdump -C, -G and -W, and editcap -c name the pieces */
};

struct series_names {
    enum series_likeness likeness;
    /* In which of their runs of digits alike names differ: bit 0 for the one before the first other
     * character, which may be empty, bit 63 for that one and all behind it.  Stamps do not count:
     * runs as long in both, of 8 digits and more. */
    uint64_t differ;
};

/* Whether the name holds what SERIES_RING rests on: it takes one such name of two. */
bool series_may_be_ring(struct text name);

/* Two files of one folder. */
struct series_names series_compare(struct text a, struct text b);

static inline enum series_likeness series_likeness(struct text a, struct text b)
{
    return series_compare(a, b).likeness;
}

/* Whether a file whose first packet came at first goes on where another ended, which holds packets
 * from began to last. */
bool series_continues(enum series_likeness names, instant_ns began, instant_ns last,
                      instant_ns first);

/* Whether by the times alone it may do so, whatever the names are: connections must show it. */
bool series_may_adjoin(instant_ns began, instant_ns last, instant_ns first);

#endif
