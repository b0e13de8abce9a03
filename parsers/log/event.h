/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log line as a typed event.  The envelope (stamp, host, program, pid) is parsed by hand; the
 * message is matched by patterns that are XML data (rules/events/).  What comes out is one flat
 * struct; whether it concerns a connection is decided floors above.
 */
#ifndef WHYRST_PARSERS_LOG_EVENT_H
#define WHYRST_PARSERS_LOG_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/address.h"
#include "parsers/base/arena.h"
#include "parsers/base/instant.h"
#include "parsers/base/text.h"

/* What a line of this kind claims about a connection; an attribute of the pattern's event. */
enum event_claim {
    CLAIM_NOTHING, /* context: neither opens nor ends a connection */
    CLAIM_OPENED,  /* a connection was accepted about now */
    CLAIM_ENDED,   /* a connection ended in order (FIN, EOF, disconnect message) */
    CLAIM_RESET,   /* the writer saw or caused a reset, refusal or abort */
    CLAIM_TIMEOUT, /* the writer gave up waiting */
    CLAIM_REFUSED, /* the writer refused a connection (dropped before service) */
};

/* How wide the line's reach is when it names no address. */
enum event_scope {
    SCOPE_CONNECTION, /* about one connection */
    SCOPE_PROCESS,    /* about one process or service (crash, restart) */
    SCOPE_HOST,       /* about the whole host (OOM, reboot, SYN flood, table full) */
};

struct event_field {
    struct text name;  /* group name of the pattern: "user", "reason" ... */
    struct text value; /* as in the line */
};

struct address_runs; /* address_find.h */

#define EVENT_FIELDS_MAX 16

struct event {
    struct text kind; /* dotted id: "ssh.drop-connection"; empty for an unrecognised line */
    enum event_claim claim;
    enum event_scope scope;

    /* where */
    uint32_t source; /* index of the log source that the caller gave */
    uint64_t line;   /* 1-based physical line */

    /* when */
    instant_ns time; /* UTC by the zone that the source is read in; INSTANT_NONE: no stamp */
    instant_ns precision_ns; /* width of the stamp: 1 s, 1 ms, 1 us ...; the truth is in [time,
                                time+precision) */
    bool zone_stated;        /* the stamp itself carried its offset */
    bool received; /* there is no stamp: time is when the line was received, by another clock than
                      its writer's; set by callers */
    instant_ns monotonic_ns; /* bracketed kernel time of a kernel line, else INSTANT_NONE */

    /* who wrote it */
    struct text host;    /* may be empty */
    struct text program; /* "sshd-session", "kernel"; without pid */
    uint32_t pid;        /* 0 = unknown */

    /* which connection: port 0 = not named, all-zero address = not named */
    struct endpoint client, server;
    /* ends that the line names without saying which is which (netfilter SRC= DST=) */
    struct endpoint src, dst;
    bool has_seq; /* netfilter LOG with tcp sequence numbers */
    uint32_t tcp_seq, tcp_ack;
    bool has_ip_id;
    uint16_t ip_id;

    struct text message;             /* after the envelope */
    const struct address_runs *runs; /* where alone addresses may stand in the message; NULL:
                                        anywhere.  Valid while the event is handed on, no longer */
    struct text raw;                 /* the whole line without its end of line, cut at 8 KiB */

    unsigned n_fields;
    struct event_field fields[EVENT_FIELDS_MAX]; /* a copy of event_copy's ends with the last */
};

/* The value of a field, or the empty view. */
struct text event_field(const struct event *e, const char *name);
/* The case's vocabulary names, for reports and rules. */
const char *event_claim_name(enum event_claim c);
const char *event_scope_name(enum event_scope s);
bool event_claim_find(struct text name, enum event_claim *out);
bool event_scope_find(struct text name, enum event_scope *out);
/* False when the event already holds EVENT_FIELDS_MAX. */
bool event_add_field(struct event *e, struct text name, struct text value);
/* What the patterns call kinds and fields, for all copies once; zeroed but for the arena, which
 * must outlive them. */
#define EVENT_WORDS_BITS 8
struct event_words {
    struct arena *arena;
    struct text word[1 << EVENT_WORDS_BITS]; /* by hash; of those that share a place the newest */
};

/* A copy that outlives the line and the patterns; it has no room for more fields, and is not to be
 * copied as a struct.  NULL when the arena refuses. */
struct event *event_copy(struct arena *a, struct event_words *words, const struct event *e);

#endif
