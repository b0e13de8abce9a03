/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines whose shape is new, as those with an IPv6 address mostly are: the patterns are searched
 * here, by the thread that sorts, and where what they find was seen before, the line is sorted by
 * it.  Shapes that come again are left to the reader, who learns them.  Nothing is decided by it
 * that reading the line would not.
 */
#ifndef WHYRST_PARSERS_LOG_SIEVE_SEEK_H
#define WHYRST_PARSERS_LOG_SIEVE_SEEK_H

#include "parsers/log/pattern.h"
#include "parsers/log/sieve_table.h"

/* One thread's.  The patterns must outlive it.  NULL: out of memory. */
struct sieve_seeker *sieve_seeker_create(struct patterns *patterns);
void sieve_seeker_free(struct sieve_seeker *k); /* NULL-safe */
/* What is to be done with the line.  SIEVE_EVENT: item says whom it names. */
enum sieve_verdict sieve_seek(const struct sieve *s, struct sieve_seeker *k,
                              const struct sieve_key *key, struct sieved_item *item,
                              uint32_t *token);

/* Where the ends stand that the groups of a line's winner name; false: there are too many, or the
 * event hangs on more than them. */
struct pattern_span;
bool sieve_lesson_ends(const struct pattern *winner, const struct pattern_span *spans, size_t n,
                       struct sieve_lesson *out);

#endif
