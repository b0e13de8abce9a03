/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TZif data (RFC 8536) and the POSIX rule in its footer: bytes in, offsets out.  Used by zone.c
 * only; nothing is read from disk here.
 */
#ifndef WHYRST_PARSERS_BASE_TZIF_H
#define WHYRST_PARSERS_BASE_TZIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/error.h"
#include "parsers/base/text.h"

#define TZIF_BYTES_MAX (256 * 1024) /* the largest real file has under 4 KiB */

/* A day of the year on which the offset changes, in the notation of POSIX TZ. */
struct tz_day {
    enum { TZ_DAY_JULIAN, TZ_DAY_ZERO, TZ_DAY_MONTH } kind; /* Jn, n, Mm.w.d */
    int month, week, day;
    int32_t seconds; /* after local midnight; -167..167 hours (RFC 8536 section 3.3.1) */
};

struct tz_rule {
    bool is_set, has_dst;
    int32_t standard, daylight; /* seconds east of UTC */
    struct tz_day to_daylight, to_standard;
};

struct tzif {
    size_t n;             /* transitions */
    int64_t *at;          /* seconds since 1970 UTC, ascending */
    int32_t *offset;      /* from at[i] on, seconds east of UTC */
    int32_t first_offset; /* before at[0], or always when there is none */
    struct tz_rule rule;  /* from the last transition on */
};

/* Fills *out; place names the data in errors.  On failure *out needs no tzif_finish. */
bool tzif_parse(struct tzif *out, const uint8_t *bytes, size_t n, const char *place,
                struct error *err);
void tzif_finish(struct tzif *z);
int32_t tzif_offset_at(const struct tzif *z, int64_t s);

/* "CET-1CEST,M3.5.0,M10.5.0/3": tz_rule.c. */
bool tz_rule_parse(struct text t, struct tz_rule *out);
int32_t tz_rule_offset_at(const struct tz_rule *r, int64_t s);

#endif
