/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log events that can matter to the captures, kept and found again.  In: every event of every
 * log.  Kept: what names an address that the captures know, what concerns a host or a process, what
 * a process of those says without naming an address, and reports of resets whoever they name, as
 * many as can be read.  Everything else is counted and let go, and so is what the budget cannot
 * hold; memory does not grow with the lines.  No clock is known here: times are as the reader gave
 * them.
 */
#ifndef WHYRST_ANALYZER_CORRELATE_LOG_INDEX_H
#define WHYRST_ANALYZER_CORRELATE_LOG_INDEX_H

#include "analyzer/vantage/roster.h"
#include "parsers/base/map.h"
#include "parsers/base/vec.h"
#include "parsers/log/reader.h"

#define LOG_NONE UINT32_MAX

enum writer { /* the family of the program that wrote a line, as far as joins care */
              WRITER_OTHER,
              WRITER_SSHD, /* sshd, sshd-session, sshd-auth and the unit names */
              WRITER_SFTP, /* internal-sftp, sftp-server: their own process ids */
              WRITER_KERNEL,
              WRITER_SYSTEMD,
              WRITER_PROXY, /* haproxy, nginx, squid …: lines name two connections */
              WRITER_RABBITMQ,
              WRITER_POSTGRES,
              WRITER_MYSQL,
              WRITER_REDIS,
              WRITER_SMTP, /* a mail server as it takes mail in */
              WRITER_MQTT,
              WRITER_IMAP, /* and POP3 */
              WRITER_NATS,
              WRITER_LDAP,
              WRITER_FTP,
              WRITER_DNS,
              WRITER_ANY_PORT, /* serve wherever they are told to: xinetd, programs in Go or Python
                                */
              WRITERS
};

/* A clock: the lines of one host in one log, zone-stating and other stamps apart.  The files of a
 * log that was rotated are one log, with one source after the other. */
struct log_domain {
    uint32_t source;    /* its first */
    uint64_t host_hash; /* 0: no host named */
    struct text host;
    bool zone_stated, received; /* as of its events */
    uint64_t n_lines;
    instant_ns first, last; /* of all its lines; INSTANT_NONE without stamps */
};

struct log_entry {
    struct event *event; /* the index's copy */
    uint32_t domain;
    uint32_t group;    /* lines of one process (and connection id), or LOG_NONE */
    uint32_t in_group; /* the entry before it in the same group, or LOG_NONE */
    enum writer writer;
    bool names;      /* it names an endpoint or an address */
    bool names_ours; /* of them one that the captures know */
    bool by_name;    /* kept for a name alone, until all that explains it has been read */
    bool answered;   /* what it reports was found in a connection that it does not name */
};

/* A process: one source, host, family and pid, and the connection id where the line carries one. */
struct log_group {
    uint32_t domain;
    enum writer writer;
    uint32_t last; /* its newest entry; the chain is log_entry.in_group */
    uint32_t n;
    bool by_id;         /* told apart by a connection id, not by pid alone */
    uint32_t last_mark; /* its newest foreign mark, or LOG_NONE */
};

/* Where a line stands among those of its log, whose files were read one after the other. */
static inline uint64_t log_place_at(uint32_t source, uint64_t line)
{
    return (uint64_t)source << 40 | (line & ((UINT64_C(1) << 40) - 1));
}
static inline uint64_t log_place(const struct event *e)
{
    return log_place_at(e->source, e->line);
}
static inline uint64_t log_place_line(uint64_t place)
{
    return place & ((UINT64_C(1) << 40) - 1);
}
static inline uint32_t log_place_source(uint64_t place)
{
    return (uint32_t)(place >> 40);
}

struct log_mark { /* a line, not kept, that named only addresses unknown to the captures */
    uint64_t place;
    instant_ns time;
    struct endpoint client;
    uint32_t before; /* the group's mark before it */
};

/* A process that wrote lately; of those that share a place in the table the newest stay, and those
 * of which a line waits.  Four of them, which are one place, fill a cache line. */
struct log_process {
    uint64_t key; /* hash of struct group_key; 0 = free */
    uint32_t n_waiting;
    uint32_t taken : 30;       /* when it came into the table */
    uint32_t is_kept : 1;      /* it has a group */
    uint32_t is_of_others : 1; /* a line of it named only others: log_index_other */
};

/* Lines that name nobody wait here until their process names somebody, in two generations: when
 * the newer is full, the older is decided and emptied. */
#define LOG_PENDING_MAX 2048

struct group_key {
    uint64_t program, id;
    uint32_t domain, pid;
};

struct log_pending {
    struct log_entry entry; /* its event lives in the generation's arena */
    struct group_key key;
};

struct log_generation {
    struct arena arena;
    VEC(struct log_pending) lines;
};

/* Reports of resets that name only addresses unknown to the captures: by raw time near the captured
 * span, within reach of a wrong clock or zone, and beyond. */
enum log_reach { REACH_NEAR, REACH_FAR, REACH_BEYOND, LOG_REACHES };

/* What was found out about the last lines' program and kind, to be asked once a line. */
#define LOG_KINDS_BITS 9
#define LOG_KINDS (1u << LOG_KINDS_BITS)

struct log_kind { /* a kind and the program that wrote it, noted for a domain */
    char program[32];
    size_t n_program; /* 0 = free */
    struct text kind;
    uint32_t domain;
    enum writer process, line;
};

/* What lines of a program and shape are to the index as long as they name no captured address. */
struct log_passable {
    enum log_pass { PASS_UNKNOWN, PASS_STRANGERS, PASS_NAMELESS, PASS_CHORE } how;
    bool reports;
    uint32_t domain;
    struct group_key key; /* of its processes, the pid excepted */
    enum writer process;
};

struct log_index {
    struct arena arena;
    struct event_words words; /* in the arena */
    const struct roster *roster;
    size_t max_events, max_bytes;
    struct log_process *processes; /* a table of fixed size, made with the first entry */
    struct log_mark *others; /* behind it, by place in it: its newest line about others only */
    uint64_t kept[4096];     /* bits by hash of struct group_key: a clear one has no group */
    uint32_t n_taken;        /* how many came into it so far */
    struct log_generation generation[2];
    unsigned newer; /* which of them takes lines */
    struct log_kind noted[LOG_KINDS];
    uint32_t last_domain;              /* of the last line, or LOG_NONE */
    uint64_t n_strangers[LOG_REACHES]; /* reports of resets of strangers */
    uint64_t n_mixed[LOG_REACHES]; /* lines that name strangers beside captured addresses: kept */
    VEC(uint32_t) first_source;    /* by source: the first of its log; itself where there is none */
    uint32_t asked_source;
    uint64_t asked_line;                      /* kept whatever it says; 0 = none */
    struct event *asked;                      /* a copy of it, also when it names nobody */
    uint64_t n_by_name;                       /* lines that name an end by a name alone */
    uint64_t n_elsewhere, n_no_tie, n_chores; /* becomes flaws when settled */
    VEC(struct log_passable) passable;
    VEC(struct log_entry) entries;
    VEC(struct log_group) groups;
    VEC(struct log_domain) domains;
    VEC(struct log_mark) marks;
    struct map group_of;  /* struct group_key to index */
    struct map domain_of; /* struct domain_key to index */
    struct map kinds;     /* domain and kind prefix, domain and family: what a log holds */
    struct flaws dropped;
};

void log_index_init(struct log_index *x, const struct roster *roster, size_t max_events,
                    size_t max_bytes);
void log_index_finish(struct log_index *x);
/* The source continues the log whose last file was before, or none if that is itself; before its
 * first line. */
bool log_index_continue(struct log_index *x, uint32_t source, uint32_t before);
/* The first source of the log that it is of. */
static inline uint32_t log_index_first_source(const struct log_index *x, uint32_t source)
{
    return source < x->first_source.n ? x->first_source.v[source] : source;
}
void log_index_add(struct log_index *x, const struct event *e);
/* For struct log_passer, right behind log_index_add: the same event, then lines like it. */
uint32_t log_index_admit(struct log_index *x, const struct event *e);
bool log_index_pass(struct log_index *x, bool is_event, const struct log_passed *passed);
/* After the last line: decides what waits and puts the entries in order of source and line. */
void log_index_settle(struct log_index *x);
/* Reports of resets that name only addresses no capture holds and that were not kept one by one. */
uint64_t log_index_n_strangers_left_out(const struct log_index *x);

/* The group of that process in the domain, LOG_NONE when it wrote nothing that was kept. */
uint32_t log_index_process(const struct log_index *x, uint32_t domain, enum writer w, uint32_t pid);

/* Which family writes under this program name. */
enum writer writer_of(struct text program);
/* Which family writes events of this kind ("ssh.drop-connection"), WRITER_OTHER when no one does
 * alone. */
enum writer writer_of_kind(struct text kind);
/* Whether what names a client in that family's lines is what connected to it. */
bool writer_serves(enum writer w);
/* Whether lines of that domain hold the kind's family, or its first word. */
bool log_index_writes(const struct log_index *x, uint32_t domain, struct text kind);
/* "ssh" of "ssh.drop-connection". */
struct text kind_prefix(struct text kind);
uint64_t text_hash(struct text t);

#endif
