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

/* Two files of one folder. */
enum series_likeness series_likeness(struct text a, struct text b);

/* In which of their numbers the names of two files differ that are not unlike: a bit for each place
 * that a number has in them, the same whichever two are compared. */
uint64_t series_numbers(struct text a, struct text b);

/* Whether a file whose first packet came at first goes on where another ended, which holds packets
 * from began to last. */
bool series_continues(enum series_likeness names, instant_ns began, instant_ns last,
                      instant_ns first);

/* Whether by the times alone it may do so, whatever the names are: connections must show it. */
bool series_may_adjoin(instant_ns began, instant_ns last, instant_ns first);

/* Whether it was captured while the other was, and not after it. */
bool series_is_beside(instant_ns began, instant_ns last, instant_ns first);

#endif
