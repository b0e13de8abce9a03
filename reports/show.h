/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small ways to put values before people that several formats share: clean UTF-8, HTML text,
 * durations, byte counts.
 */
#ifndef WHYRST_REPORTS_SHOW_H
#define WHYRST_REPORTS_SHOW_H

#include "parsers/base/instant.h"
#include "parsers/base/text.h"

/* Valid UTF-8: each invalid byte becomes U+FFFD. */
void show_utf8(struct strbuf *b, struct text t);
/* Clean UTF-8 with & < > " ' as entities, and controls and bidi marks made visible; for HTML text
 * and quoted attributes alike. */
void show_html(struct strbuf *b, struct text t);
/* RFC 3339 in the zone, or UTC when it is NULL; nothing for INSTANT_NONE. */
void show_time(struct strbuf *b, instant_ns t, unsigned digits, const struct zone *zone);
/* "350.2 s", "12 ms", "2 h 0 min", "3 d 4 h". */
void show_duration(struct strbuf *b, instant_ns ns);
/* "1 byte", "22 bytes", "1.2 MiB". */
void show_bytes(struct strbuf *b, uint64_t n);
/* "1 packet", "2 packets": n and the noun with its plural s. */
void show_count(struct strbuf *b, uint64_t n, const char *noun);

#endif
