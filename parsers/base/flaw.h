/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flaws of the input, counted by dotted name ("ip4.total-length-too-small", "pcap.truncated-tail").
 * A flaw never stops the analysis; the report shows each with its count and the first place.
 */
#ifndef WHYRST_PARSERS_BASE_FLAW_H
#define WHYRST_PARSERS_BASE_FLAW_H

#include <stddef.h>
#include <stdint.h>

struct flaw {
    const char *name; /* static string, dotted, lower case */
    uint64_t count;
    uint64_t first_place; /* frame number, line number or byte offset, as the name's room defines */
};

struct flaws { /* a small list, kept sorted by name */
    struct flaw *v;
    size_t n, cap;
    uint64_t lost; /* flaws not counted by name because memory ran out */
};

void flaws_init(struct flaws *f);
void flaws_finish(struct flaws *f);
void flaws_add(struct flaws *f, const char *static_name, uint64_t place);
void flaws_add_n(struct flaws *f, const char *static_name, uint64_t place, uint64_t n);
uint64_t flaws_count(const struct flaws *f, const char *name);

#endif
