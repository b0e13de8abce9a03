/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the log index, shared by its own files only: the store, the intake that decides
 * what is kept, and the lines that wait for their process to name somebody.
 */
#ifndef WHYRST_ANALYZER_CORRELATE_LOG_INDEX_PARTS_H
#define WHYRST_ANALYZER_CORRELATE_LOG_INDEX_PARTS_H

#include "analyzer/correlate/log_index.h"
#include "parsers/base/hash.h"

#define LOG_CHORE "log-index.housekeeping"

/* log_index.c */
void log_index_drop(struct log_index *x, const char *why, const struct event *e);
/* Of the line's process; false when the line states none. */
bool log_index_group_key(const struct event *e, uint32_t domain, enum writer w,
                         struct group_key *out);
/* Where a key has its bit in log_index.kept; the low bit of the hash is set. */
static inline uint64_t log_index_hash(const struct group_key *key)
{
    return hash_bytes(key, sizeof *key, 0) | 1;
}
static inline uint64_t *log_index_kept(struct log_index *x, uint64_t hash)
{
    return &x->kept[hash >> 20 & (sizeof x->kept / sizeof x->kept[0] - 1)];
}
static inline uint64_t log_index_kept_bit(uint64_t hash)
{
    return UINT64_C(1) << (hash >> 40 & 63);
}
/* LOG_NONE when nothing of the process is kept. */
uint32_t log_index_find_group(const struct log_index *x, const struct group_key *key);
/* LOG_NONE when memory ran out or there are too many. */
uint32_t log_index_make_group(struct log_index *x, const struct group_key *key, enum writer w);
/* Copies the event; counts it as dropped where the budget is spent. */
void log_index_keep(struct log_index *x, const struct event *e, struct log_entry entry);
void log_index_mark(struct log_index *x, uint32_t group, const struct log_mark *mark);
/* With which can be reckoned. */
static inline bool log_time_counts(instant_ns t)
{
    return t != INSTANT_NONE && t == sane_time(t);
}
static inline bool log_event_stamped(const struct event *e)
{
    return log_time_counts(e->time);
}
/* It says that a connection was reset or refused, or that its writer gave up waiting. */
static inline bool log_event_reports(const struct event *e)
{
    return e->claim == CLAIM_RESET || e->claim == CLAIM_REFUSED || e->claim == CLAIM_TIMEOUT;
}

/* log_domain.c */
void log_domains_init(struct log_index *x);
/* The line's domain, made when it is new; LOG_NONE when there are too many. */
uint32_t log_domain_of(struct log_index *x, const struct event *e);
/* Counts the line in its domain.  Gives the family by the program's name, and that of the line,
 * which its kind tells where the program does not. */
void log_domain_note(struct log_index *x, uint32_t domain, const struct event *e,
                     enum writer *process, enum writer *line);
/* The families alone. */
void log_domain_writer(struct log_index *x, uint32_t domain, const struct event *e,
                       enum writer *process, enum writer *line);
/* Lines of those times, all of which count. */
void log_domain_count(struct log_index *x, uint32_t domain, uint64_t n, instant_ns first,
                      instant_ns last);

/* host_join.c: a unit that comes and goes beside the services; join_hosts passes it over. */
bool host_line_is_chore(const struct event *e, enum writer w);

/* log_intake.c */
/* Whether one more report about strangers is kept. */
bool log_index_takes_stranger(struct log_index *x, instant_ns time);
/* The same, and nothing is counted if it is. */
bool log_index_leaves_stranger(struct log_index *x, instant_ns time);
/* Whether no more lines of that time are kept that name strangers beside captured addresses. */
bool log_index_leaves_mixed(const struct log_index *x, instant_ns time);
/* The newest line about others is all that is remembered of a process that is not kept; key NULL:
 * the line states none.  A line that names no client, but a server that was asked at most, does not
 * say whom the process serves.  The process's group, or LOG_NONE. */
uint32_t log_index_note_others(struct log_index *x, const struct group_key *key,
                               const struct log_mark *mark);

/* log_pending.c */
struct log_process *log_index_process_slot(struct log_index *x, const struct group_key *key);
void log_index_free_processes(struct log_index *x);
/* The newest line of the process about others only; means nothing unless it is of others. */
struct log_mark *log_index_other(const struct log_index *x, const struct log_process *p);
/* The group of a process that is kept from now on, with what it said about others before. */
uint32_t log_index_adopt(struct log_index *x, const struct group_key *key, enum writer w);
/* Lets a line wait that names nobody. */
void log_index_wait(struct log_index *x, const struct event *e, const struct group_key *key,
                    const struct log_entry *entry);
/* Decides all that still waits. */
void log_index_stop_waiting(struct log_index *x);

#endif
