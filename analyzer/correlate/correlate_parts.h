/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of correlation, one file each: clocks, names, services, direct joins, bridges, host
 * joins, links, unmatched lines.  Only these files include this.
 */
#ifndef WHYRST_ANALYZER_CORRELATE_CORRELATE_PARTS_H
#define WHYRST_ANALYZER_CORRELATE_CORRELATE_PARTS_H

#include "analyzer/clock/clock.h"
#include "analyzer/correlate/correlate.h"
#include "analyzer/correlate/log_index.h"
#include "analyzer/vantage/vantage.h"

struct domain_clock {
    struct clock_estimate at;
    bool given;        /* by the user */
    bool borrowed;     /* from another log of the same host */
    bool by_datagrams; /* by lines that were captured on their way, and by no other */
    bool by_turns;     /* by services that went down and came up, not by connections */
    bool weak;         /* by a single coincidence: one end of a service that one line may report */
    int zone_minutes;  /* inferred zone, already taken out of the events' times; 0 none */
};

/* A line and the connection it belongs to. */
struct tie {
    uint32_t entry;
    uint32_t record;           /* the fitting record; its talk is the connection */
    const struct reset *reset; /* only this one; NULL: every reset of the talk */
    enum join join, bridge;
    uint64_t bridge_place;
    bool ambiguous;
    bool by_request; /* the request that it quotes was made there */
    bool by_session; /* it bears the number that the server gave the session */
    bool wide;       /* to that reset as one of many, each with its own tie */
    enum side side;
};

struct host_name { /* an address that a host (or a nameless log) was found to have */
    uint64_t key;  /* see name_key */
    struct address ip;
    uint32_t next; /* 1 + the one before it with that address, 0 none */
};

struct host_names_of {
    VEC(struct host_name) v;
    struct map at;    /* struct host_place -> bool: host and address, of each in v */
    struct map hosts; /* key -> bool: those in v */
    struct map heads; /* address -> struct host_head */
};

struct host_head {   /* the hosts that were found to have an address */
    uint32_t newest; /* 1 + its place */
    uint32_t n;
};

struct host_domains {  /* the logs of a host, or of one of them */
    struct map newest; /* key -> 1 + the last domain */
    uint32_t *before;  /* by domain: 1 + the one before it of the same host, 0 none */
    struct covered {
        instant_ns from, to; /* on the first capture's clock, surely; from > to: nothing */
    } * covered;             /* by domain */
    /* Hosts that lines name, or logs that are files: none, one, or more than one. */
    unsigned n_hosts;
    uint64_t only; /* the key of the one */
};

struct known_name { /* a name, and an address of it */
    uint64_t hash;
    struct address ip;
    bool learned;   /* from a line that has both; else by a hosts file, which goes before */
    uint64_t place; /* of that line, see log_place */
};

enum host_names { HOST_NAMES_NONE, HOST_NAMES_ONE, HOST_NAMES_SEVERAL };

struct log_loss {      /* a time in which lines of a host may have been lost, as its log says */
    uint64_t host;     /* name_key */
    uint32_t families; /* whose: a bit of each enum writer */
    instant_ns low, high;
};

#define SERVICE_PORTS_MAX 16

struct service_ports {
    uint16_t v[SERVICE_PORTS_MAX];
    uint32_t n;
};

struct accepted_login { /* sshd's "Accepted ... for user" of a known connection */
    uint64_t user, host_key;
    uint32_t entry, record;
    bool used; /* an sftp session was tied to it */
};

struct sent_line {               /* out of a captured datagram */
    uint64_t place;              /* see log_place */
    uint64_t host;               /* hash of its name, 0: none */
    instant_ns stamp, precision; /* INSTANT_NONE: it has none */
    instant_ns at;               /* when it was captured, on the first capture's clock */
    struct case_datagram in;
    uint32_t next; /* of those that say the same, or LOG_NONE */
    bool is_kept;  /* a file holds it, too */
};

struct said_alike { /* of sent lines: by writer and message */
    uint32_t first, n;
};

struct caught_line { /* a line that was captured on its way, and stands in a log of that domain */
    uint64_t place;
    uint32_t domain, sent;
    instant_ns log, precision; /* its stamp there */
    instant_ns at;
    enum clock_order order;
};

struct sent_lines {
    VEC(struct sent_line) lines;
    VEC(struct caught_line) caught; /* settled: by domain, then by time of capture */
    struct map alike;               /* hash of writer and message to struct said_alike */
    struct map in_datagram;         /* place of a file's line to sent line */
};

struct clock_pairs {
    struct clock_pair *v;
    size_t n, cap;
};

struct linked_reset {
    const struct reset *reset;
    uint32_t from, n; /* in links */
};

struct correlation {
    struct arena arena;
    struct case_file *of;
    struct correlate_config config;
    struct vantage vantage;
    struct roster roster;
    struct log_index index;
    size_t n_not_looked_at; /* resets, or records of theirs, that a budget kept from the look */
    VEC(struct log_about) sources;   /* by source */
    VEC(struct domain_clock) clocks; /* by domain */
    VEC(uint64_t) set_lines;         /* places of lines that say that their host's clock was set */
    struct sent_lines sent;
    VEC(struct log_loss) losses;
    VEC(struct tie) ties; /* direct joins first, then bridges, then hosts */
    VEC(uint32_t) tie_of; /* by entry: its first tie + 1, or 0 */
    struct host_names_of names;
    struct host_domains host_domains;
    VEC(struct known_name) known_names;
    bool names_sorted;
    VEC(struct accepted_login) logins;
    struct service_ports services[WRITERS];
    bool usual_seen[WRITERS]; /* a captured connection went to a usual port of that daemon */
    VEC(struct link) links;   /* by reset, strongest first */
    struct map reset_links;   /* reset pointer to struct linked_reset */
};

/* The time of a line on the first capture's clock: the truth lies within. */
struct when {
    instant_ns low, high;
    bool stamped;
};

struct when when_of(const struct correlation *c, uint32_t entry);
/* From the line's interval to [from, to]; 0 inside. */
instant_ns when_gap(struct when w, instant_ns from, instant_ns to);
/* Stamp moved to the first capture's clock; INSTANT_NONE without stamp. */
instant_ns corrected_time(const struct correlation *c, uint32_t entry);
instant_ns uncertainty_of(const struct correlation *c, uint32_t entry);
/* The clock of a domain at a stamp, wherever in the log it stands. */
struct clock_span clock_of_domain(const struct correlation *c, size_t domain, instant_ns stamp);

/* correlate.c: an event into the index, its names made addresses. */
void correlation_add(struct correlation *c, const struct event *e);

/* clocks.c: c->clocks, and the zones that anchors betray. */
bool clocks_estimate(struct correlation *c);
bool clocks_publish(const struct correlation *c); /* clocks_publish.c; false: no memory */

/* host_names.c: the captured address that the hosts files, or else other lines, give a name. */
enum host_names host_names_find(struct correlation *c, struct text name, struct address *out);
/* ONE: named is a copy of the event in which names became addresses. */
enum host_names host_names_fill(struct correlation *c, const struct event *e, struct event *named);
/* By a line.  False when memory ran out. */
bool host_names_learn(struct correlation *c, struct text name, const struct address *ip,
                      uint64_t place);
/* By which name the event has an address that it does not write, into the link. */
void host_names_origin(const struct correlation *c, struct link *l);
uint64_t host_names_hash(struct text name); /* of any letter case, with or without a last dot */

/* named_lines.c: before the index is settled.  False when memory ran out. */
bool named_lines_settle(struct correlation *c);

/* sent_lines.c: lines out of captured datagrams, and the same lines in files. */
void sent_lines_init(struct sent_lines *s);
void sent_lines_finish(struct sent_lines *s);
/* A file's line, after it came into the index. */
void sent_lines_match(struct correlation *c, const struct event *e);
/* After the last line: what a file holds as well is told by the file, and its entry that came by
 * datagram is taken out of the index. */
void sent_lines_settle(struct correlation *c);
/* Adds the pairs of the domain's lines that were captured on their way, but for those that had to
 * wait in a queue.  False when memory ran out. */
bool sent_lines_pairs(const struct correlation *c, uint32_t domain, struct clock_pairs *out);

/* packet_join.c: the packet that a firewall's line is about, of those kept of that reset's
 * connection; NULL: none, or more than one fits. */
const struct segment *packet_of_line(const struct event *e, const struct reset *r);
/* Its time on the first capture's clock, for any reset of the record; INSTANT_NONE: no packet. */
instant_ns packet_time(const struct correlation *c, const struct event *e, uint32_t record);

/* log_cover.c: c->losses, by host, and c->host_domains; after all names were learned. */
bool log_cover_settle(struct correlation *c);
void log_cover_finish(struct correlation *c);

/* clocks_lend.c: a clock that nothing measured becomes that of the host's log that has most
 * anchors. False when memory ran out. */
bool clocks_lend(struct correlation *c);

/* clock_turns.c: the clocks that are still unknown, by lines about services that went down or came
 * up while the captures show the like. */
bool clocks_by_turns(struct correlation *c);

/* fit.c: which records a line may speak of. */
enum fit {
    FIT_NO,
    FIT_ADDRESS,  /* addresses agree, no client port named */
    FIT_SERVICE,  /* the server's port agrees, the client's is not named */
    FIT_ENDPOINT, /* the client's address and port */
    FIT_TUPLE,    /* and the server's address */
};
enum fit record_fit(const struct correlation *c, const struct event *e, uint32_t record);
/* Capture times at which the line would be due for this connection. */
void talk_due(const struct talk *t, enum event_claim claim, instant_ns *from, instant_ns *to);
/* Calls back with each record that the line may speak of; false stops.  Only those
 * that were alive at the line's time or at most slack before; FIT_ANY_TIME: the clock is unknown.
 */
#define FIT_ANY_TIME INSTANT_NONE
typedef bool fit_fn(void *ctx, uint32_t record, enum fit fit);
void fit_each(const struct correlation *c, uint32_t entry, instant_ns slack, fit_fn *each,
              void *ctx);
bool is_upstream(const struct event *e);
/* A line of its kind is about the writer's connection with its client and about its end. */
bool is_of_client(const struct event *e);
/* The client that the line names had sent FIN before the server sent anything that ends. */
bool closed_by_client(const struct roster *r, uint32_t record, const struct event *e);

/* services.c: which ports belong to which writer. */
/* Which daemons' usual ports the captures show. */
void services_scan(struct correlation *c);
void services_learn(struct correlation *c, enum writer w, uint16_t port);
/* Whether the port is the daemon's, and whether it may be. */
bool services_own(const struct correlation *c, enum writer w, uint16_t server_port);
bool services_has_usual(enum writer w); /* whether it has a usual port */
bool services_fit(const struct correlation *c, enum writer w, uint16_t server_port);
/* The service that a unit, a process name or a unit's description stands for, WRITER_OTHER when
 * unknown. */
enum writer services_unit(struct text name);

/* The service that the line is about: a unit, a process, or the program itself. */
enum writer service_of(const struct log_entry *e);

/* A unit (or its description) of the system's own housekeeping. */
bool services_is_chore(struct text name);

/* names.c */
void names_init(struct host_names_of *n);
void names_finish(struct host_names_of *n);
uint64_t name_key(const struct log_domain *d);
void names_learn(struct correlation *c, uint64_t key, const struct address *ip);
/* 1: the host has the address; 0: it is known to have others only; -1: nothing known of it. */
int names_has(const struct correlation *c, uint64_t key, const struct address *ip);
bool names_address_taken(const struct correlation *c, uint64_t key, const struct address *ip);
/* Whether any address of the host is known. */
bool names_is_placed(const struct correlation *c, uint64_t key);
/* A host that lines name as theirs, and of which nothing says where it is. */
bool names_is_stranger(const struct correlation *c, const struct log_domain *d);
/* How many there are, as far as STRANGERS_MAX: more than a connection has ends. */
#define STRANGERS_MAX 3
size_t names_count_strangers(const struct correlation *c);
/* Tells of the logs of such hosts, where they are so many, that they are. */
void names_publish(const struct correlation *c);
/* Addresses in the names of logs, and addresses that services say they listen on. */
void names_learn_hints(struct correlation *c);
enum side side_of(const struct correlation *c, uint32_t entry, uint32_t record);

/* join.c, bridge.c, host_join.c: add to c->ties. */
bool join_named(struct correlation *c);
bool join_addresses(struct correlation *c);
bool join_bridged(struct correlation *c);
bool join_sftp(struct correlation *c);
bool join_sessions(struct correlation *c);
/* The number that the server gave the session, and whose it is; false where none was captured. */
bool session_of(const struct connection *k, enum writer *writer, uint32_t *number);
/* The same, of a line of that writer. */
bool session_of_event(const struct event *e, enum writer writer, uint32_t *number);
bool join_hosts(struct correlation *c);
bool tie_add(struct correlation *c, const struct tie *t);
const struct tie *tie_find(const struct correlation *c, uint32_t entry);

/* links.c */
bool links_build(struct correlation *c);

/* unmatched.c: of->unmatched. */
bool unmatched_find(struct correlation *c);
/* The line says that a connection was reset or refused, or that its writer gave up waiting. */
bool unmatched_is_report(const struct event *e);
/* Its connection was reset, or a refusal or timeout was carried out in order. */
bool unmatched_is_answered(const struct correlation *c, uint32_t entry);
/* Why no capture holds what it reports; false when nobody knows whom it is about. */
bool unmatched_answer(struct correlation *c, uint32_t entry, struct unmatched_line *out);

#endif
